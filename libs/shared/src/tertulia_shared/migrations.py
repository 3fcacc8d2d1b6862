"""Brings a service's database schema up to its release. Safe to run again, and by several replicas at once.

One transaction does everything: it queues behind an advisory lock, so a second run finds the work done. The release
before may be busy on the same tables. Whoever waits for a table makes everybody queue who comes later, so no wait is
longer than `LOCK_TIMEOUT_S`, which is shorter than what a request may wait; then all is rolled back and tried again a
little later, for `PATIENCE_S`.

Each service owns its database and keeps its alembic versions where `schema_versions` says. Needs the extra
`tertulia-shared[migrations]`.

Most starts find nothing to do. They ask the database in one query, and import neither alembic nor SQLAlchemy, which
would cost a second of a start in each service.
"""
# ruff: noqa: PLC0415

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from tertulia_shared.schema_versions import migrations_of, newest_version
from tertulia_shared.settings import PostgresSettings, load
from tertulia_shared.telemetry import logger

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import AsyncEngine

log = logger(__name__)

_LOCK = 0x7E47_0001
_CONNECT_TIMEOUT_S = 10
_WAIT_FOR_OTHERS = ("SET LOCAL lock_timeout = '120s'", "SET LOCAL statement_timeout = '120s'")
LOCK_TIMEOUT_S = 2
PATIENCE_S = 300
_PAUSES_S = (1, 2, 4, 8)
"""Between two attempts; the last one then stays."""
_LIMITS = (f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'", "SET LOCAL statement_timeout = '60s'")


def upgrade(url: str, package: Path) -> None:
    """Returns when the schema is at the head of the versions beside `package`, whoever brought it there."""
    if asyncio.run(_applied(url)) == newest_version(package):
        log.info("migrate.nothing_to_do")
        return
    versions = migrations_of(package)
    run_locked(url, lambda connection: _upgrade(connection, versions))
    log.info("migrate.done")


def run_locked(url: str, work: "Callable[[Connection], None]") -> None:
    """Do the work in one transaction that nobody else of this kind runs beside."""
    asyncio.run(_run_locked(url, work))


def run_environment() -> None:
    """What a service's `migrations/env.py` calls. Started by hand through `alembic`, it takes POSTGRES_URL."""
    from alembic import context

    given = context.config.attributes.get("connection")
    if given is None:
        run_locked(load(PostgresSettings).postgres_url.get_secret_value(), _run_on)
    else:
        _run_on(given)


def statements(script: str) -> list[str]:
    """One statement at a time: a prepared statement holds no more."""
    return [part for part in script.split(";\n") if part.strip()]


def _run_on(connection: "Connection") -> None:
    from alembic import context

    context.configure(connection=connection, transactional_ddl=True)
    context.run_migrations()


async def _run_locked(url: str, work: "Callable[[Connection], None]") -> None:
    import sqlalchemy as sa
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import create_async_engine

    address = sa.make_url(url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(address, connect_args={"timeout": _CONNECT_TIMEOUT_S})
    end = time.monotonic() + PATIENCE_S
    try:
        for attempt in itertools.count():
            try:
                return await _attempt(engine, work)
            except DBAPIError as error:
                if not _locked_out(error) or time.monotonic() > end:
                    raise
            log.warning("migrate.tables_are_busy", attempt=attempt + 1)
            await asyncio.sleep(_PAUSES_S[min(attempt, len(_PAUSES_S) - 1)])
    finally:
        await engine.dispose()


async def _attempt(engine: "AsyncEngine", work: "Callable[[Connection], None]") -> None:
    import sqlalchemy as sa

    async with engine.begin() as connection:
        for statement in _WAIT_FOR_OTHERS:
            await connection.execute(sa.text(statement))
        await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        for statement in _LIMITS:
            await connection.execute(sa.text(statement))
        await connection.run_sync(work)


def _locked_out(error: "DBAPIError") -> bool:
    """Whether a lock was not to be had; SQLAlchemy wraps the driver's error twice."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, asyncpg.LockNotAvailableError | asyncpg.DeadlockDetectedError):
            return True
        cause = cause.__cause__
    return False


async def _applied(url: str) -> str | None:
    """The newest version that the database has; None for an empty one."""
    connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_S)
    try:
        return await connection.fetchval("SELECT max(version_num) FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()


def _upgrade(connection: "Connection", versions: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(versions).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
