"""Composition root: everything is made and connected here, and nowhere else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig

from tertulia_analytics.errors import AnalyticsUnavailable
from tertulia_analytics.reports import controller as reports
from tertulia_analytics.reports.controller import ReportsApi
from tertulia_analytics.reports.queries import Questions
from tertulia_analytics.reports.reports import Reports
from tertulia_analytics.settings import AnalyticsSettings
from tertulia_analytics.sink.sink import Pace, Sink
from tertulia_analytics.sink.store import Store
from tertulia_analytics.verify import controller as verify
from tertulia_analytics.verify.compare import Comparison
from tertulia_analytics.verify.controller import VerifyApi
from tertulia_analytics.verify.log import ChatLog
from tertulia_analytics.verify.stored import Stored
from tertulia_analytics.warehouse.address import Address
from tertulia_analytics.warehouse.engine import Warehouse
from tertulia_shared.bus import Bus, DeadLetters
from tertulia_shared.callers import Callers
from tertulia_shared.events import Topology
from tertulia_shared.membership import MembershipFeed
from tertulia_shared.problems import PROBLEM_HANDLERS
from tertulia_shared.runtime import Health, Process, health_routes
from tertulia_shared.telemetry import TraceMiddleware
from tertulia_shared.tokens import RemoteJwks, ServiceTokens, TokenVerifier

NAME = "analytics"
POOL_SIZE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was put together; tests look inside, `build` hands out the process."""

    process: Process
    sink: Sink
    memberships: MembershipFeed
    warehouse: Warehouse


@asynccontextmanager
async def assemble(
    settings: AnalyticsSettings, pace: Pace | None = None, address: Address | None = None
) -> AsyncGenerator[Parts]:
    postgres_url = settings.postgres_url.get_secret_value()
    services = ServiceTokens(settings.secrets)
    bus = Bus(settings.nats_url.get_secret_value(), NAME, Topology(settings.nats_prefix))
    pool = asyncpg.create_pool(postgres_url, min_size=0, max_size=POOL_SIZE, timeout=5, command_timeout=30)
    warehouse = Warehouse(address or settings.warehouse)
    async with bus, pool:
        memberships = MembershipFeed(bus, settings.chat_url, services, NAME)
        sink = Sink(postgres_url, bus, Store(warehouse), DeadLetters(pool), pace or Pace())
        callers = Callers(TokenVerifier(RemoteJwks(settings.jwks_url)), memberships.revocations)
        comparison = Comparison(ChatLog(settings.chat_url, services), Stored(warehouse), sink, bus, pool)
        health = Health()
        health.add("nats", bus.check)
        health.add("memberships", memberships.check)
        # Without these two the process still answers, and says what is missing.
        health.add("clickhouse", warehouse.check, required=False)
        health.add("sink", sink.check, required=False)
        health.tell_lag(lambda: sink.lag.seconds)
        state = State(
            {
                "reports_api": ReportsApi(callers, memberships, Reports(Questions(warehouse)), sink.lag),
                "verify_api": VerifyApi(services, comparison),
            }
        )
        app = _litestar([*reports.HANDLERS, *verify.HANDLERS, *health_routes(health)], state)
        try:
            # Ready means that reports can be made: opening the embedded engine takes a few seconds.
            with suppress(AnalyticsUnavailable):
                await warehouse.identity()
            yield Parts(
                process=Process(name=NAME, app=TraceMiddleware(app), components=[memberships, sink], health=health),
                sink=sink,
                memberships=memberships,
                warehouse=warehouse,
            )
        finally:
            await warehouse.close()


@asynccontextmanager
async def build(settings: AnalyticsSettings) -> AsyncGenerator[Process]:
    async with assemble(settings) as parts:
        yield parts.process


def openapi_app() -> Litestar:
    """For the API's description; serves nothing."""
    return _litestar(reports.HANDLERS, State())


def _reports_api(state: State) -> ReportsApi:
    return state["reports_api"]


def _verify_api(state: State) -> VerifyApi:
    return state["verify_api"]


def _litestar(handlers: list[HTTPRouteHandler], state: State) -> Litestar:
    return Litestar(
        handlers,
        state=state,
        dependencies={
            "analytics": Provide(_reports_api, sync_to_thread=False),
            "verification": Provide(_verify_api, sync_to_thread=False),
        },
        exception_handlers=PROBLEM_HANDLERS,
        openapi_config=OpenAPIConfig(title="Tertulia analytics", version="1", create_examples=False),
    )
