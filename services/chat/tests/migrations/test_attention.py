"""0007 finds threads that are there already, and keeps up with the release that still runs."""

import asyncio
import uuid
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config

from tertulia_chat import migrate
from tertulia_shared.events import BOT_USER_ID
from tertulia_shared.migrations import run_locked

WORKSPACE, CHANNEL = uuid.uuid4(), uuid.uuid4()
ANN, BOB, GONE = (uuid.uuid4() for _ in range(3))
BOT = uuid.UUID(BOT_USER_ID)
MESSAGE = """
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, thread_id)
VALUES ($1, $2, $3, $4, $5, gen_random_uuid(), 'x', now(), $6)
"""


def migrate_to(url, version):
    def work(connection):
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, version)

    run_locked(url, work)


@pytest.fixture
async def house(create_database):
    """Ann, Bob and somebody who left, in a channel, before 0007."""
    url = create_database(None)
    await asyncio.to_thread(migrate_to, url, "0006")
    connection = await asyncpg.connect(url)
    for user_id, name in ((ANN, "ann"), (BOB, "bob"), (GONE, "gone")):
        await connection.execute(
            "INSERT INTO user_account (id, username, email, display_name, password_hash, created_at) "
            "VALUES ($1, $2, $2 || '@example.org', $2, 'x', now())",
            user_id,
            name,
        )
    await connection.execute("INSERT INTO workspace VALUES ($1, 'x', 'x', $2, now())", WORKSPACE, ANN)
    await connection.execute(
        "INSERT INTO channel (id, workspace_id, kind, name, created_by, created_at, last_seq) "
        "VALUES ($1, $2, 'public', 'general', $3, now(), 9)",
        CHANNEL,
        WORKSPACE,
        ANN,
    )
    for user_id in (ANN, BOB, BOT):
        await connection.execute(
            "INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq) "
            "VALUES ($1, $2, $3, 'member', now(), 1)",
            CHANNEL,
            user_id,
            WORKSPACE,
        )
    yield connection, lambda: asyncio.to_thread(migrate.upgrade, url)
    await connection.close()


async def test_threads_there_are_have_summaries_and_followers(house):
    connection, move_in = house
    root, alone = uuid.uuid4(), uuid.uuid4()
    await connection.execute(MESSAGE, root, WORKSPACE, CHANNEL, 2, ANN, None)
    await connection.execute(MESSAGE, alone, WORKSPACE, CHANNEL, 3, ANN, None)
    for seq, author in enumerate((BOB, GONE, BOB, BOT), start=4):
        await connection.execute(MESSAGE, uuid.uuid4(), WORKSPACE, CHANNEL, seq, author, root)
    deleted = uuid.uuid4()
    await connection.execute(MESSAGE, deleted, WORKSPACE, CHANNEL, 8, ANN, root)
    await connection.execute("UPDATE message SET deleted_at = now() WHERE id = $1", deleted)
    await move_in()
    told = "reply_count, last_reply_seq, last_repliers, last_reply_at"
    (thread,) = await connection.fetch(f"SELECT {told} FROM message WHERE id = $1", root)
    assert tuple(thread)[:3] == (4, 7, [BOT, BOB, GONE])
    assert thread["last_reply_at"] == await connection.fetchval("SELECT created_at FROM message WHERE ch_seq = 7")
    (other,) = await connection.fetch(f"SELECT {told} FROM message WHERE id = $1", alone)
    assert tuple(other) == (0, None, [], None)
    follows = await connection.fetch(
        "SELECT user_id, following, read_seq FROM thread_follow WHERE thread_id = $1", root
    )
    assert {tuple(follow) for follow in follows} == {(ANN, True, 9), (BOB, True, 9)}


async def test_what_the_release_before_writes_is_indexed(house):
    connection, move_in = house
    await move_in()
    message = uuid.uuid4()
    await connection.execute(MESSAGE, message, WORKSPACE, CHANNEL, 2, ANN, None)
    await connection.execute("UPDATE message SET mentions = $2 WHERE id = $1", message, [ANN, BOB])
    rows = await connection.fetch("SELECT user_id, ch_seq FROM mention")
    assert [tuple(row) for row in rows] == [(BOB, 2)]
    await connection.execute("UPDATE message SET text = '', deleted_at = now() WHERE id = $1", message)
    assert await connection.fetch("SELECT 1 FROM mention") == []
    (member,) = await connection.fetch("SELECT level, muted, section FROM channel_member WHERE user_id = $1", ANN)
    assert tuple(member) == ("mentions", False, None)
