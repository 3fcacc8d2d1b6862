"""Composition root: everything is made and connected here, and nowhere else."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from tertulia_search.engines.choose import engine_at
from tertulia_search.engines.port import SearchEngine
from tertulia_search.engines.watch import EngineWatch
from tertulia_search.find.finder import Finder
from tertulia_search.http.internal import rebuild, retrieve
from tertulia_search.http.search import search
from tertulia_search.indexing.indexer import Indexer
from tertulia_search.rebuild.chat import ChatExport
from tertulia_search.rebuild.keeper import Keeper
from tertulia_search.settings import SearchSettings
from tertulia_shared.bus import BatchConsumer, Bus, DeadLetters
from tertulia_shared.callers import Callers
from tertulia_shared.edge import StrictJson, handle_validation
from tertulia_shared.events import Topology
from tertulia_shared.membership import MembershipFeed
from tertulia_shared.problems import PROBLEM_HANDLERS
from tertulia_shared.runtime import Health, Process, health_routes
from tertulia_shared.telemetry import TraceMiddleware
from tertulia_shared.tokens import RemoteJwks, ServiceTokens, TokenVerifier

NAME = "search"
MAX_BODY_BYTES = 256 * 1024

PUBLIC: Sequence[HTTPRouteHandler] = (search,)
INTERNAL: Sequence[HTTPRouteHandler] = (retrieve, rebuild)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the handlers ask for, by the name they ask with."""

    callers: Callers
    finder: Finder
    keeper: Keeper
    memberships: MembershipFeed
    services: ServiceTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was put together; tests look inside, `build` hands out the process."""

    process: Process
    engine: SearchEngine
    feed: MembershipFeed
    keeper: Keeper


@asynccontextmanager
async def assemble(settings: SearchSettings) -> AsyncGenerator[Parts]:
    """Starts with everything else away; `/readyz` tells."""
    services = ServiceTokens(settings.secrets)
    key = None if settings.meilisearch_key is None else settings.meilisearch_key.get_secret_value()
    engine = engine_at(settings.search_url, key)
    indexer = Indexer(engine)
    async with (
        Bus(settings.nats_url.get_secret_value(), NAME, Topology(settings.nats_prefix)) as bus,
        asyncpg.create_pool(settings.postgres_url.get_secret_value(), min_size=0, max_size=3) as pool,
    ):
        feed = MembershipFeed(bus, settings.chat_url, services, NAME)
        keeper = Keeper(engine, indexer, bus, ChatExport(settings.chat_url, services), pool)
        consumer = BatchConsumer(bus, NAME, indexer.handle, DeadLetters(pool))
        health = Health()
        health.add("nats", bus.check)
        health.add("memberships", feed.check)
        health.add("index", engine.check)
        health.add("history", keeper.check_filled, required=False)
        health.tell_lag(lambda: consumer.lag_s)
        given = Given(
            callers=Callers(TokenVerifier(RemoteJwks(settings.jwks_url)), feed.revocations),
            finder=Finder(engine, lambda: feed.projection),
            keeper=keeper,
            memberships=feed,
            services=services,
        )
        process = Process(
            name=NAME,
            app=TraceMiddleware(_litestar([*PUBLIC], [*INTERNAL, *health_routes(health)], given)),
            components=[feed, keeper, consumer, EngineWatch(engine)],
            health=health,
        )
        try:
            yield Parts(process=process, engine=engine, feed=feed, keeper=keeper)
        finally:
            await engine.close()


@asynccontextmanager
async def build(settings: SearchSettings) -> AsyncGenerator[Process]:
    async with assemble(settings) as parts:
        yield parts.process


def openapi_app() -> Litestar:
    """For the API's description; serves nothing."""
    return _litestar([*PUBLIC], [], None)


def _litestar(public: list[HTTPRouteHandler], beside: list[HTTPRouteHandler], given: Given | None) -> Litestar:
    return Litestar(
        [Router("/api/v1", route_handlers=public), *beside],
        dependencies={
            name: Provide(_constant(getattr(given, name, None)), sync_to_thread=False) for name in Given.__slots__
        },
        dto=StrictJson,
        return_dto=None,
        exception_handlers={**PROBLEM_HANDLERS, ValidationException: handle_validation},
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=OpenAPIConfig(
            title="Tertulia search",
            version="1",
            path="/internal/openapi",
            render_plugins=[JsonRenderPlugin()],
            security=[{"access_token": []}],
            components=Components(
                security_schemes={"access_token": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
            ),
        ),
        logging_config=None,
    )


def _constant(value: object) -> Callable[[], object]:
    return lambda: value
