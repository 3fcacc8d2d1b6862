"""0013 begins to decide where each channel is, and keeps up with the release that still runs."""

import asyncio
import uuid
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config

from tertulia_chat import migrate
from tertulia_shared.migrations import run_locked

OLD, NEW = uuid.uuid4(), uuid.uuid4()
ANN, WORKSPACE = uuid.uuid4(), uuid.uuid4()
CHANNEL = """
INSERT INTO channel (id, workspace_id, kind, name, created_by, created_at, last_seq)
VALUES ($1, $2, 'public', $3, $4, now(), 9)
"""


def migrate_to(url, version):
    def work(connection):
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, version)

    run_locked(url, work)


async def test_what_was_said_before_is_not_decided(create_database):
    url = create_database(None)
    await asyncio.to_thread(migrate_to, url, "0012")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO user_account (id, username, email, display_name, password_hash, created_at) "
            "VALUES ($1, 'ann', 'ann@example.org', 'Ann', 'x', now())",
            ANN,
        )
        await connection.execute(
            "INSERT INTO workspace (id, name, slug, created_by, created_at) VALUES ($1, 'x', 'x', $2, now())",
            WORKSPACE,
            ANN,
        )
        await connection.execute(CHANNEL, OLD, WORKSPACE, "old", ANN)
        await asyncio.to_thread(migrate.upgrade, url)
        await connection.execute(CHANNEL, NEW, WORKSPACE, "new", ANN)
        assert [tuple(row.values()) for row in await connection.fetch("SELECT * FROM decided")] == [(OLD, 9, 9)]
    finally:
        await connection.close()
