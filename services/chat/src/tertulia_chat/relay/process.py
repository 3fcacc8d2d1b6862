"""The relay's process: publisher of the log and keeper of its partitions."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from litestar import Litestar
from pydantic import Field

from tertulia_chat.relay.partitions import PartitionKeeper
from tertulia_chat.relay.relay import Relay
from tertulia_shared import telemetry
from tertulia_shared.bus import Bus
from tertulia_shared.events import Topology
from tertulia_shared.runtime import Health, Process, health_routes, run_process
from tertulia_shared.settings import NatsSettings, PostgresSettings, ServiceSettings, load


class RelaySettings(ServiceSettings, PostgresSettings, NatsSettings):
    """`event_log_retention_days` also bounds how far back a client can resume."""

    event_log_retention_days: Annotated[int, Field(ge=1, le=3650)] = 7


@asynccontextmanager
async def relay_process(settings: RelaySettings) -> AsyncGenerator[Process]:
    url = settings.postgres_url.get_secret_value()
    bus = Bus(settings.nats_url.get_secret_value(), "relay", Topology(settings.nats_prefix))
    relay = Relay(url, bus)
    health = Health()
    health.add("postgres", relay.check_postgres)
    health.add("nats", bus.check)
    health.add("relay", relay.check_progress)
    async with bus:
        yield Process(
            name="relay",
            app=Litestar(health_routes(health), openapi_config=None, logging_config=None),
            components=[relay, PartitionKeeper(url, settings.event_log_retention_days)],
            health=health,
        )


def main() -> None:
    settings = load(RelaySettings)
    telemetry.configure("relay", settings)
    run_process(settings, relay_process)
