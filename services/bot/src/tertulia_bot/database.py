"""PostgreSQL, by statements of our own on asyncpg. Whoever asks while it is away sees `DependencyUnavailable`."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self

import asyncpg

from tertulia_shared.problems import DependencyUnavailable

CONNECT_TIMEOUT_S = 3
ACQUIRE_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_MS = 10_000

_SERVER_SETTINGS = {
    "application_name": "tertulia-bot",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "30000",
    "jit": "off",
    # Nothing that is asked here reads so much that it would be worth starting processes for it.
    "max_parallel_workers_per_gather": "0",
}
PoolConnection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that dies in the middle of a statement
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
)


class _AsIs(asyncpg.Connection):
    """Returns to the pool without a reset, which would be a second round trip; nothing here leaves state on one."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """Open for the life of the process. It connects when first used, so the process starts without PostgreSQL."""

    def __init__(self, url: str, pool_size: int) -> None:
        self._url = url
        self._pool_size = pool_size
        self._pool: asyncpg.Pool | None = None

    @property
    def pool(self) -> asyncpg.Pool:
        """Raises DependencyUnavailable before it is open."""
        if self._pool is None:
            raise DependencyUnavailable("The database is not open yet.")
        return self._pool

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._pool_size,
            server_settings=_SERVER_SETTINGS,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_MS / 1000 + 1,
            connection_class=_AsIs,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[PoolConnection]:
        """One transaction: leaving the block commits, an exception rolls back. Raises DependencyUnavailable."""
        with unavailable():
            async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection, connection.transaction():
                yield connection

    async def row(self, statement: str, *values: Any) -> asyncpg.Record | None:
        """Raises DependencyUnavailable, and what the statement raises."""
        rows = await self.rows(statement, *values)
        return rows[0] if rows else None

    async def rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Raises DependencyUnavailable, and what the statement raises."""
        with unavailable():
            async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
                return await connection.fetch(statement, *values)

    async def check(self) -> None:
        """Raises DependencyUnavailable unless PostgreSQL answers."""
        await self.rows("SELECT 1")


@contextmanager
def unavailable() -> Generator[None]:
    """Turns "PostgreSQL cannot serve this now" into DependencyUnavailable; other errors pass."""
    try:
        yield
    except _AWAY as error:
        raise DependencyUnavailable("The database does not answer.") from error
