"""The schema and the ways to it."""

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from sqlmodel import SQLModel

from tertulia_chat import migrate

COLUMNS = """
    SELECT table_name, column_name, is_nullable = 'YES' AS nullable FROM information_schema.columns
    WHERE table_schema = 'public'
"""


VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"


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
    assert [row["version_num"] for row in await rows(url, "SELECT version_num FROM alembic_version")] == ["0018"]


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
        "deactivated_member",
        "invite",
        "audit_log",
        "channel",
        "channel_member",
        "message",
        "event_log",
        "relay_position",
        "dead_letter",
        "idempotency_key",
    }


@pytest.mark.parametrize("version", sorted(VERSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_a_migration_is_frozen(version):
    """It imports nothing of the application, so that no later change there changes what was migrated."""
    nodes = [node for node in ast.walk(ast.parse(version.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {getattr(node, "module", None) or alias.name for node in nodes for alias in node.names}
    assert not [module for module in modules if module.startswith("tertulia")]


PEOPLE = "INSERT INTO user_account (id, username, email, display_name, password_hash, created_at) VALUES "


@pytest.mark.parametrize(
    ("username", "email"),
    [("ann\n", "ann@example.org"), ("Ann", "ann@example.org"), ("ann", "ann@example.org\n"), ("ann", "nowhere")],
)
async def test_the_database_takes_no_malformed_name_or_address(migrated_url, username, email):
    connection = await asyncpg.connect(migrated_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"{PEOPLE} (gen_random_uuid(), $1, $2, 'x', 'x', now())", username, email)
    finally:
        await connection.close()


async def test_the_database_takes_no_malformed_slug(migrated_url):
    connection = await asyncpg.connect(migrated_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO workspace (id, name, slug, created_by, created_at) "
                "VALUES (gen_random_uuid(), 'x', E'blue\n', gen_random_uuid(), now())"
            )
    finally:
        await connection.close()
