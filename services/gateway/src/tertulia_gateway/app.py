"""The composition root: what the gateway is made of."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp

from tertulia_gateway.auth import Authenticator
from tertulia_gateway.browser_spans import BrowserSpans
from tertulia_gateway.headers import TrustedProxies
from tertulia_gateway.http1.rules import Rules
from tertulia_gateway.http1.upstream import UpstreamPool
from tertulia_gateway.limits import PER_ADDRESS, PER_USER, Limiter
from tertulia_gateway.metrics import OPEN_STREAMS
from tertulia_gateway.ops import OpsServer
from tertulia_gateway.own import OwnAnswers
from tertulia_gateway.router import Router
from tertulia_gateway.routes import ROUTES, Route, Upstream
from tertulia_gateway.server import HttpServer
from tertulia_gateway.settings import GatewaySettings
from tertulia_gateway.status import StatusBoard
from tertulia_gateway.web import WebFiles
from tertulia_shared.runtime import Component, Health, Process
from tertulia_shared.tokens import RemoteJwks, TokenVerifier


@asynccontextmanager
async def build(settings: GatewaySettings) -> AsyncGenerator[Process]:
    async with gateway(settings) as (process, _):
        yield process


@asynccontextmanager
async def gateway(
    settings: GatewaySettings, routes: tuple[Route, ...] = ROUTES
) -> AsyncGenerator[tuple[Process, HttpServer]]:
    """The process, listening, and its server for who needs to know the real port."""
    services = {
        Upstream.CHAT: settings.chat_url,
        Upstream.NOTIFY: settings.notify_url,
        Upstream.SEARCH: settings.search_service_url,
        Upstream.BOT: settings.bot_service_url,
        Upstream.ANALYTICS: settings.analytics_service_url,
    }
    running = {name: url for name, url in services.items() if url is not None}
    endpoint = settings.otel_exporter_otlp_endpoint
    health = Health()
    async with aiohttp.ClientSession() as http:
        board = StatusBoard(http, {name.value: url for name, url in services.items()}, tracing=endpoint is not None)
        for name in running:
            # Not required: without chat the gateway still serves pages and says clearly what is missing.
            health.add(name, _check(board, name), required=False)
        spans = BrowserSpans(http, endpoint)
        limited = settings.rate_limits == "on"
        rules = Rules(
            router=Router(routes),
            authenticator=Authenticator(TokenVerifier(RemoteJwks(settings.jwks_url))),
            proxies=TrustedProxies(settings.trusted_proxies),
            pools={name: UpstreamPool(name.value, url) for name, url in running.items()},
            answer=OwnAnswers(WebFiles(settings.web_dir), board, health, spans),
            per_address=Limiter(PER_ADDRESS, "address") if limited else None,
            per_user=Limiter(PER_USER, "user") if limited else None,
        )
        server = HttpServer(settings.host, settings.port, rules)
        await server.open()
        OPEN_STREAMS.set_function(lambda: server.streams)
        components: list[Component] = [server, spans]
        if settings.ops_port is not None:
            components.append(OpsServer(settings.ops_host, settings.ops_port, health))
        try:
            yield Process(name="gateway", components=components, health=health), server
        finally:
            server.close()


def _check(board: StatusBoard, name: str) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        await board.check(name)

    return check
