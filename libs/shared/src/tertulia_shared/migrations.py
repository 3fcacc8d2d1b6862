"""Brings a service's database schema up to its release. Safe to run again, and by several replicas at once.

One transaction does everything: it queues behind an advisory lock, so a second run finds the work done. Each service
owns its database and keeps its alembic versions in `migrations/`, beside `src` in the repository and inside the package
in a wheel. Needs the extra `tertulia-shared[migrations]`; only the `migrate` processes import it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from tertulia_shared.settings import PostgresSettings, load
from tertulia_shared.telemetry import logger

log = logger(__name__)

_LOCK = 0x7E47_0001
_CONNECT_TIMEOUT_S = 10
_WAIT_FOR_OTHERS = ("SET LOCAL lock_timeout = '120s'", "SET LOCAL statement_timeout = '120s'")
_LIMITS = ("SET LOCAL lock_timeout = '5s'", "SET LOCAL statement_timeout = '60s'")


def upgrade(url: str, package: Path) -> None:
    """Returns when the schema is at the head of the versions beside `package`, whoever brought it there."""
    run_locked(url, lambda connection: _upgrade(connection, _versions_of(package)))
    log.info("migrate.done")


def run_locked(url: str, work: Callable[[Connection], None]) -> None:
    """Do the work in one transaction that nobody else of this kind runs beside."""
    asyncio.run(_run_locked(url, work))


def run_environment() -> None:
    """What a service's `migrations/env.py` calls. Started by hand through `alembic`, it takes POSTGRES_URL."""
    given = context.config.attributes.get("connection")
    if given is None:
        run_locked(load(PostgresSettings).postgres_url.get_secret_value(), _run_on)
    else:
        _run_on(given)


def statements(script: str) -> list[str]:
    """One statement at a time: a prepared statement holds no more."""
    return [part for part in script.split(";\n") if part.strip()]


def _run_on(connection: Connection) -> None:
    context.configure(connection=connection, transactional_ddl=True)
    context.run_migrations()


async def _run_locked(url: str, work: Callable[[Connection], None]) -> None:
    address = sa.make_url(url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(address, connect_args={"timeout": _CONNECT_TIMEOUT_S})
    try:
        async with engine.begin() as connection:
            for statement in _WAIT_FOR_OTHERS:
                await connection.execute(sa.text(statement))
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            for statement in _LIMITS:
                await connection.execute(sa.text(statement))
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _versions_of(package: Path) -> Path:
    places = (package / "migrations", package.parents[1] / "migrations")
    return next(place for place in places if place.is_dir())


def _upgrade(connection: Connection, versions: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(versions).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
