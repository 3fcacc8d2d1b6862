"""From 0001 with people, workspaces and messages to today, while the release before goes on writing."""

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

# Statements as the release of 0001 writes them: they name their columns.
PERSON = """
INSERT INTO user_account (id, username, email, display_name, password_hash, preferences, created_at)
VALUES (gen_random_uuid(), $1, $1 || '@example.org', $1, 'x', '{}', now())
"""
WORKSPACE = """
WITH founded AS (
    INSERT INTO workspace (id, name, slug, created_by, created_at)
    SELECT gen_random_uuid(), $1, $1, id, now() FROM user_account WHERE username = 'ann' RETURNING id, created_by
),
seated AS (
    INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
    SELECT id, created_by, 'owner', now() FROM founded
)
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at)
SELECT gen_random_uuid(), id, gen_random_uuid(), 1, created_by, gen_random_uuid(), 'hello', now() FROM founded
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
    """A connection to a database of 0001 with Ann, and the way to today."""
    url = create_database(None)
    await asyncio.to_thread(migrate_to, url, "0001")
    connection = await asyncpg.connect(url)
    await connection.execute(PERSON, "ann")
    yield connection, lambda: asyncio.to_thread(migrate.upgrade, url)
    await connection.close()


@pytest.mark.parametrize(
    ("taken", "name"), [([], "bot"), (["bot"], "tertulia-bot"), (["bot", "tertulia-bot"], "tertulia-bot-")]
)
async def test_the_bot_moves_in_under_a_name_that_is_free(house, taken, name):
    connection, move_in = house
    for one in taken:
        await connection.execute(PERSON, one)
    await move_in()
    await move_in()
    (bot,) = await connection.fetch("SELECT * FROM user_account WHERE kind = 'bot'")
    assert (str(bot["id"]), bot["display_name"]) == (BOT_USER_ID, "Tertulia")
    assert bot["username"] == name or (name.endswith("-") and bot["username"].startswith(name))
    people = await connection.fetch("SELECT username FROM user_account WHERE kind = 'person' ORDER BY username")
    assert [person["username"] for person in people] == sorted(["ann", *taken])


async def test_every_workspace_has_the_bot_and_keeps_what_it_had(house):
    connection, move_in = house
    for slug in ("blue", "green"):
        await connection.execute(WORKSPACE, slug)
    await move_in()
    seats = await connection.fetch("SELECT user_id, role FROM workspace_member ORDER BY role")
    assert [(str(seat["user_id"]) == BOT_USER_ID, seat["role"]) for seat in seats] == [
        (True, "member"),
        (True, "member"),
        (False, "owner"),
        (False, "owner"),
    ]
    messages = await connection.fetch("SELECT text, ai, changed_seq FROM message")
    assert [tuple(message) for message in messages] == [("hello", None, None)] * 2


async def test_the_release_before_goes_on_writing(house):
    connection, move_in = house
    await move_in()
    await connection.execute(PERSON, "late")
    await connection.execute(WORKSPACE, "late")
    (late,) = await connection.fetch("SELECT kind FROM user_account WHERE username = 'late'")
    assert late["kind"] == "person"
    (message,) = await connection.fetch("SELECT text FROM message")
    assert message["text"] == "hello"


@pytest.mark.parametrize("role", ["owner", "admin", "guest"])
async def test_the_bot_is_a_member_and_nothing_else(house, role):
    connection, move_in = house
    await connection.execute(WORKSPACE, "blue")
    await move_in()
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE workspace_member SET role = $1", role)


CHANNEL = """
INSERT INTO channel (id, workspace_id, kind, name, created_by, created_at)
SELECT gen_random_uuid(), id, $1, $2, created_by, now() FROM workspace
"""


async def test_general_is_what_everybody_joins_and_the_rest_stays_as_it_was(house):
    connection, move_in = house
    await connection.execute(WORKSPACE, "blue")
    for kind, name in (("public", "general"), ("public", "plans"), ("private", "secret")):
        await connection.execute(CHANNEL, kind, name)
    await connection.execute(
        "INSERT INTO invite (code, workspace_id, role, expires_at, created_by, created_at) "
        "SELECT 'old', id, 'guest', now(), created_by, now() FROM workspace"
    )
    await move_in()
    await connection.execute(CHANNEL, "private", "late")
    rows = await connection.fetch("SELECT name, purpose, posting, is_default FROM channel ORDER BY name")
    assert [tuple(row) for row in rows] == [
        (name, "", "everyone", name == "general") for name in ("general", "late", "plans", "secret")
    ]
    assert await connection.fetchval("SELECT channel_ids FROM invite") is None
    for refused in ("is_default = true", "posting = 'nobody'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"UPDATE channel SET {refused} WHERE name = 'secret'")


async def test_who_was_there_before_says_nothing_and_appears_as_they_are(house):
    connection, move_in = house
    await move_in()
    await connection.execute(PERSON, "late")
    people = await connection.fetch(
        "SELECT status_emoji, status_text, status_until, presence, dnd_until, time_zone, quiet_starts, quiet_ends "
        "FROM user_account"
    )
    assert {tuple(person) for person in people} == {(None, "", None, "auto", None, None, None, None)}
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE user_account SET presence = 'gone'")
    for half in ("quiet_starts = '22:00'", "quiet_starts = '22:00', quiet_ends = '07:00'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"UPDATE user_account SET {half}")


RUN = """
INSERT INTO bot_run (id, workspace_id, channel_id, asker_id, command, prompt, model, state, created_at, finished_at)
VALUES ($1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'ask', '?', 'm', $2, now(),
        CASE WHEN $2 = 'done' THEN now() END)
"""
TOLD = """
INSERT INTO event_log (shard, subject, type, event_id, body)
SELECT 1, 's', $1, gen_random_uuid(), json_build_object('data', json_build_object('run', json_build_object('id', id)))
FROM (SELECT $2::text AS id) AS run
RETURNING id
"""


async def test_where_the_log_tells_of_earlier_runs_is_looked_up(create_database):
    url = create_database(None)
    await asyncio.to_thread(migrate_to, url, "0002")
    connection = await asyncpg.connect(url)
    try:
        runs = {state: uuid.uuid4() for state in ("done", "running")}
        for state, run_id in runs.items():
            await connection.execute(RUN, run_id, state)
        begun = [await connection.fetchval(TOLD, "run.started", str(run_id)) for run_id in runs.values()]
        ended = await connection.fetchval(TOLD, "run.finished", str(runs["done"]))
        await asyncio.to_thread(migrate.upgrade, url)
        rows = await connection.fetch("SELECT state, started_log_id, finished_log_id FROM bot_run ORDER BY state")
        assert [tuple(row) for row in rows] == [("done", begun[0], ended), ("running", begun[1], None)]
        await connection.execute(RUN, uuid.uuid4(), "running")
    finally:
        await connection.close()


async def test_every_workspace_has_the_default_permissions_and_room_for_moderators(house):
    connection, move_in = house
    await connection.execute(WORKSPACE, "blue")
    await move_in()
    await connection.execute(WORKSPACE, "late")
    assert {row["permissions"] for row in await connection.fetch("SELECT permissions FROM workspace")} == {"{}"}
    person = f"user_id <> '{BOT_USER_ID}'"
    await connection.execute(f"UPDATE workspace_member SET role = 'moderator' WHERE {person}")
    for refused in ("role = 'king'", "role = ''"):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"UPDATE workspace_member SET {refused} WHERE {person}")
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE workspace SET permissions = '[]'")
