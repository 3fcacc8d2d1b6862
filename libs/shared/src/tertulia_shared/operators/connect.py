"""The servers as a command needs them: for the length of one command, and with an error that says which is away."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from tertulia_shared.bus import Bus, BusError
from tertulia_shared.events import Topology
from tertulia_shared.operators.errors import OperatorError, nats_away, postgres_away
from tertulia_shared.settings import NatsSettings, PostgresSettings

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 120.0
POSTGRES_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class OperatorSettings(PostgresSettings, NatsSettings):
    """Of the service whose command it is."""


@asynccontextmanager
async def bus(url: str, prefix: str) -> AsyncGenerator[Bus]:
    """Connected. Raises Away, also for a BusError inside the block."""
    async with Bus(url, "operator", Topology(prefix)) as connected:
        try:
            await connected.wait_connected(CONNECT_TIMEOUT_S)
            yield connected
        except BusError as error:
            raise nats_away(error) from error


@asynccontextmanager
async def pool(url: str) -> AsyncGenerator[asyncpg.Pool]:
    """Raises OperatorError, also for an error of PostgreSQL inside the block."""
    async with (
        _translated(),
        asyncpg.create_pool(
            url, min_size=1, max_size=2, timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_S
        ) as made,
    ):
        yield made


@asynccontextmanager
async def connection(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """As `pool`; for who needs a session."""
    async with _translated():
        made = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_S)
        try:
            yield made
        finally:
            made.terminate()


@asynccontextmanager
async def _translated() -> AsyncGenerator[None]:
    try:
        yield
    except asyncpg.UndefinedTableError as error:
        raise OperatorError(
            "schema_missing", f"The database is not as this release has it: {error}", "Run its `migrate` first."
        ) from error
    except POSTGRES_ERRORS as error:
        raise postgres_away(error) from error
