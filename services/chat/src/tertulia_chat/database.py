"""PostgreSQL, reached in two ways.

* `transaction()`: a SQLAlchemy session for everyday queries. One request opens one, nobody calls commit: leaving the
  block commits, an exception rolls back. After the commit the relay is woken for the shards that the events of this
  transaction went to. Inside `enclosing()`, which is there for requests that may come again (`idempotency`), it is a
  part of that transaction instead.
* `hot`: asyncpg connections for the few statements where every round trip counts. They are handed out as they came
  back, without a reset, so nothing may leave state on them.

When PostgreSQL is away, does not answer in time or holds a lock too long, callers see `DependencyUnavailable`: nothing
of the request has happened, unless the connection broke during the commit itself, which is why unsafe requests carry
an idempotency key.
"""

from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

import asyncpg
import sqlalchemy as sa
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from tertulia_shared.problems import DependencyUnavailable

CONNECT_TIMEOUT_S = 3
ACQUIRE_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000

SESSION = {
    "application_name": "tertulia-chat",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": "30000",
    "jit": "off",
    # Nothing that is asked here reads so much that it would be worth starting processes for it.
    "max_parallel_workers_per_gather": "0",
}
"""Settings of every connection."""
# The hot statements look up by key; planning them again for each set of values costs more than it can gain.
_HOT_SETTINGS = SESSION | {"plan_cache_mode": "force_generic_plan"}

Wake = Callable[[Iterable[int]], None]

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # A connection that dies between two messages of one statement makes asyncpg stumble over its own state.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    PoolTimeout,
)


@dataclass(frozen=True, slots=True)
class Enclosing:
    """A transaction around all that a request does. Without `commit` nothing of it happens."""

    session: AsyncSession
    _wake: Wake

    async def commit(self) -> None:
        """Raises DependencyUnavailable."""
        with unavailable():
            await self.session.commit()
        self._wake(self.session.info.pop("outbox_shards", ()))

    @asynccontextmanager
    async def part(self) -> AsyncGenerator[AsyncSession]:
        """What raises takes back its own part only, as a transaction of its own would."""
        with unavailable():
            async with self.session.begin_nested():
                yield self.session


_AROUND: ContextVar[Enclosing | None] = ContextVar("enclosing", default=None)


class _AsIs(asyncpg.Connection):
    """Returns to the pool without a reset, which would be a second round trip."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """Open for the life of the process. It connects when first used, so the process starts without PostgreSQL."""

    def __init__(self, url: str, *, pool_size: int, wake: Wake) -> None:
        self._url = url
        self._pool_size = pool_size
        self._wake = wake
        self._engine = engine_for(url, pool_size)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._hot: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        self._hot = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._pool_size,
            max_inactive_connection_lifetime=0,
            connection_class=_AsIs,
            server_settings=_HOT_SETTINGS,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_MS / 1000 + 1,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._hot is not None:
            self._hot.terminate()
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """One transaction, or a part of the enclosing one. Raises DependencyUnavailable."""
        if (around := _AROUND.get()) is not None:
            async with around.part() as session:
                yield session
            return
        with unavailable():
            async with self._sessions.begin() as session:
                yield session
        self._wake(session.info.pop("outbox_shards", ()))

    @asynccontextmanager
    async def enclosing(self) -> AsyncGenerator[Enclosing]:
        """A transaction that every `transaction()` of this task is a part of. Raises DependencyUnavailable."""
        with unavailable():
            async with self._sessions() as session:
                around = Enclosing(session, self._wake)
                token = _AROUND.set(around)
                try:
                    yield around
                finally:
                    _AROUND.reset(token)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[asyncpg.Connection]:
        """A read-only transaction that sees one moment however long it reads, on a connection of its own."""
        with unavailable():
            connection = await asyncpg.connect(self._url, timeout=CONNECT_TIMEOUT_S, server_settings=SESSION)
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    yield connection
            finally:
                connection.terminate()

    async def hot_row(self, statement: str, *values: Any) -> asyncpg.Record | None:
        """Run one prepared statement in one round trip. Raises DependencyUnavailable, and what the statement raises."""
        # Without the context managers of the others, which cost a tenth of what sending a message does.
        pool = self.pool
        with unavailable():
            connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
            try:
                return await connection.fetchrow(statement, *values)
            finally:
                await pool.release(connection)

    async def hot_rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """As `hot_row`, all rows."""
        async with self._hot_connection() as connection:
            return await connection.fetch(statement, *values)

    async def hot_row_holding(
        self, lock: str, locked: Sequence[Any], statement: str, *values: Any
    ) -> asyncpg.Record | None:
        """As `hot_row`, but the statement begins once what `lock` names is locked, and sees what is true then."""
        async with self._hot_connection() as connection, connection.transaction():
            await connection.execute(lock, *locked)
            return await connection.fetchrow(statement, *values)

    @asynccontextmanager
    async def _hot_connection(self) -> AsyncGenerator[PoolConnectionProxy]:
        with unavailable():
            async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
                yield connection

    @property
    def pool(self) -> asyncpg.Pool:
        """The hot connections, for a component that brings statements of its own. Raises DependencyUnavailable."""
        if self._hot is None:
            raise DependencyUnavailable("The database is not open yet.")
        return self._hot

    def wake(self, shards: Iterable[int]) -> None:
        """Tell the relay that something was committed, for statements that did not go through `transaction`."""
        self._wake(shards)

    async def check(self) -> None:
        """Raises DependencyUnavailable unless PostgreSQL answers."""
        await self.hot_row("SELECT 1")


async def fetch(session: AsyncSession, statement: str, *values: Any) -> list[asyncpg.Record]:
    """Run a statement in the session's transaction, which has begun, and make no objects of its rows: for long lists.

    The values stand in it as `$1`, `$2` and so on.
    """
    connection = await (await session.connection()).get_raw_connection()
    return await cast(asyncpg.Connection, connection.driver_connection).fetch(statement, *values)


def engine_for(url: str, pool_size: int = 1) -> AsyncEngine:
    return create_async_engine(
        sa.make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=ACQUIRE_TIMEOUT_S,
        pool_use_lifo=True,
        connect_args={"timeout": CONNECT_TIMEOUT_S, "server_settings": SESSION},
    )


@contextmanager
def unavailable() -> Generator[None]:
    """Turns "PostgreSQL cannot serve this now" into DependencyUnavailable; other errors pass."""
    try:
        yield
    except (*_AWAY, DBAPIError) as error:
        if isinstance(error, DBAPIError) and not _is_away(error):
            raise
        raise DependencyUnavailable("The database does not answer.") from error


def _is_away(error: DBAPIError) -> bool:
    """SQLAlchemy wraps the driver's error twice."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _AWAY):
            return True
        cause = cause.__cause__
    return error.connection_invalidated
