"""Migrating while the release before is busy on the tables."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

from tertulia_shared import migrations

LATER = "ALTER TABLE busy ADD COLUMN later text"


@pytest.fixture
async def busy(create_database, monkeypatch):
    """A connection in whose transaction the table `busy` is in use, and the database's address."""
    monkeypatch.setattr(migrations, "_PAUSES_S", (0.1,))
    url = create_database(None)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE busy (id integer)")
    await connection.execute("BEGIN")
    await connection.execute("INSERT INTO busy VALUES (1)")
    yield connection, url
    await connection.close()


async def migrate(url, *statements):
    def work(connection):
        for statement in statements:
            connection.execute(text(statement))

    await asyncio.to_thread(migrations.run_locked, url, work)


async def test_whoever_comes_later_waits_no_longer_than_a_request_may(busy):
    """A migration that waits for a table makes others queue behind it; it gives way in time, and comes back."""
    connection, url = busy
    migrating = asyncio.create_task(migrate(url, LATER))
    other = await asyncpg.connect(url)
    try:
        for _ in range(2):
            await asyncio.sleep(0.5)
            await other.execute("SET lock_timeout = '4s'")
            assert await other.fetchval("SELECT count(*) FROM busy") == 0
        assert not migrating.done()
        await connection.execute("COMMIT")
        await asyncio.wait_for(migrating, 20)
        assert await other.fetchval("SELECT later FROM busy") is None
    finally:
        await other.close()


async def test_it_gives_up_when_the_table_never_gets_free(busy, monkeypatch):
    monkeypatch.setattr(migrations, "PATIENCE_S", 0)
    _, url = busy
    with pytest.raises(Exception, match="lock timeout"):
        await migrate(url, "CREATE TABLE more (id integer)", LATER)
    other = await asyncpg.connect(url)
    assert await other.fetchval("SELECT to_regclass('more')") is None
    await other.close()


async def test_another_fault_is_told_at_once(busy):
    _, url = busy
    with pytest.raises(Exception, match="does not exist"):
        await migrate(url, "ALTER TABLE nowhere ADD COLUMN later text")
