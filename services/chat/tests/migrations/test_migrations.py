"""The schema and the ways to it."""

from concurrent.futures import ThreadPoolExecutor

import asyncpg
from sqlmodel import SQLModel

from tertulia_chat import migrate

COLUMNS = """
    SELECT table_name, column_name, is_nullable = 'YES' AS nullable FROM information_schema.columns
    WHERE table_schema = 'public'
"""


async def rows(url, statement):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def test_several_replicas_migrate_at_once_and_again(create_database):
    url = create_database(None)
    with ThreadPoolExecutor(3) as replicas:
        for _ in range(2):
            list(replicas.map(migrate.upgrade, [url] * 3))
    assert [row["version_num"] for row in await rows(url, "SELECT version_num FROM alembic_version")] == ["0001"]


async def test_the_tables_are_what_the_code_believes(migrated_url):
    stored = {}
    for row in await rows(migrated_url, COLUMNS):
        stored.setdefault(row["table_name"], {})[row["column_name"]] = row["nullable"]
    for name, table in SQLModel.metadata.tables.items():
        assert stored[name] == {column.name: bool(column.nullable) for column in table.columns}, name


async def test_everything_chat_owns_is_there(migrated_url):
    tables = {row["table_name"] for row in await rows(migrated_url, COLUMNS)}
    assert tables >= {
        "user_account",
        "session",
        "refresh_token",
        "signing_key",
        "workspace",
        "workspace_member",
        "invite",
        "channel",
        "channel_member",
        "message",
        "event_log",
        "relay_position",
        "dead_letter",
    }
