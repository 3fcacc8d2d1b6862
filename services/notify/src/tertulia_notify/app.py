"""Composition root: everything is made and connected here, and nowhere else."""

import secrets
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp, Receive, Scope, Send

from tertulia_notify.admission import Admission
from tertulia_notify.delivery.event import EventReader
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.delivery.resume import Resumer
from tertulia_notify.delivery.runs import RunFrames
from tertulia_notify.http import stream
from tertulia_notify.http.live import LiveApi, live_api
from tertulia_notify.http.long_poll import LongPoll
from tertulia_notify.http.routes import DESCRIBED, SERVED
from tertulia_notify.http.stream import StreamEndpoint
from tertulia_notify.http.typing import TypingNotices
from tertulia_notify.ingress.ingress import Ingress
from tertulia_notify.limits import Limits
from tertulia_notify.presence.component import Presence
from tertulia_notify.presence.orders import Orders
from tertulia_notify.settings import NotifySettings
from tertulia_notify.upkeep import Upkeep
from tertulia_shared.bus import Bus
from tertulia_shared.callers import Callers
from tertulia_shared.cursors import CursorSealer
from tertulia_shared.edge import StrictJson, handle_validation
from tertulia_shared.events import Topology
from tertulia_shared.membership import Revocations, SnapshotLoader
from tertulia_shared.problems import PROBLEM_HANDLERS
from tertulia_shared.runtime import Health, Process, health_routes
from tertulia_shared.telemetry import TraceMiddleware
from tertulia_shared.tokens import RemoteJwks, ServiceTokens, TokenVerifier

NAME = "notify"
SEND_BUFFER_BYTES = 128 * 1024
"""What the kernel takes for a client that does not read; the default would be some 4 MB for each."""
USER_TIMEOUT_MS = 30_000

SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES),
    *(((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS),) if hasattr(socket, "TCP_USER_TIMEOUT") else ()),
)


class Dispatcher:
    """The stream's path goes to the bare endpoint, everything else to Litestar."""

    def __init__(self, stream_app: ASGIApp, rest: ASGIApp) -> None:
        self._stream = stream_app
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._stream if scope["type"] == "http" and scope["path"] == stream.PATH else self._rest
        await app(scope, receive, send)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was put together; tests look inside, `build` hands out the process."""

    process: Process
    hub: Hub
    ingress: Ingress
    upkeep: Upkeep
    presence: Presence


@asynccontextmanager
async def assemble(settings: NotifySettings, limits: Limits | None = None) -> AsyncGenerator[Parts]:
    limits = limits or Limits()
    keys = settings.secrets
    process_id = secrets.token_hex(4)
    topology = Topology(settings.nats_prefix)
    sealer = CursorSealer(keys)
    revocations = Revocations()
    hub = Hub(EventReader(topology, sealer), sealer, revocations)
    upkeep = Upkeep(hub, settings.stream_rotate_s, limits)
    health = Health()
    async with Bus(settings.nats_url.get_secret_value(), NAME, topology) as bus:
        snapshot = SnapshotLoader(settings.chat_url, ServiceTokens(keys), revocations, NAME)
        ingress = Ingress(bus, hub, snapshot.load, limits)
        callers = Callers(TokenVerifier(RemoteJwks(settings.jwks_url)), revocations)
        admission = Admission(hub, callers, lambda: ingress.serving and not upkeep.draining, limits)
        resumer = Resumer(bus, hub, sealer, limits)
        typing = TypingNotices(bus, hub)
        await typing.start()
        await RunFrames(bus, hub).start()
        presence = Presence(bus, hub, process_id, limits)
        await presence.start()
        orders = Orders(bus, hub, presence, process_id)
        await orders.start()
        health.add("nats", bus.check)
        health.add("events", ingress.check)
        live = LiveApi(admission, LongPoll(hub, admission, resumer), typing, presence, orders)
        rest = _litestar([*SERVED, *health_routes(health)], State({"live_api": live}))
        endpoint = StreamEndpoint(hub, admission, resumer, upkeep, process_id)
        process = Process(
            name=NAME,
            app=TraceMiddleware(Dispatcher(endpoint, rest)),
            components=[ingress, upkeep, presence],
            health=health,
            socket_options=SOCKET_OPTIONS,
        )
        yield Parts(process=process, hub=hub, ingress=ingress, upkeep=upkeep, presence=presence)


@asynccontextmanager
async def build(settings: NotifySettings) -> AsyncGenerator[Process]:
    async with assemble(settings) as parts:
        yield parts.process


def openapi_app() -> Litestar:
    """For the API's description; serves nothing."""
    return _litestar(DESCRIBED, State())


def _litestar(handlers: list[HTTPRouteHandler], state: State) -> Litestar:
    return Litestar(
        handlers,
        state=state,
        dependencies={"live": Provide(live_api, sync_to_thread=False)},
        dto=StrictJson,
        return_dto=None,
        exception_handlers={**PROBLEM_HANDLERS, ValidationException: handle_validation},
        openapi_config=OpenAPIConfig(title="Tertulia notify", version="1", create_examples=False),
    )
