"""Who belongs where, and which sessions have ended, as lines of JSON.

One repeatable-read transaction sees one moment; PostgreSQL builds the lines and a cursor hands them out in batches, so
neither side ever holds all of them. Members of channels come first, then every channel (with what it is, how far,
and who is banned from it) whether anybody is in it or not, then the members of workspaces, then who wants to appear
otherwise than they are, then sessions, then the end with the count.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg

from tertulia_chat.database import Database
from tertulia_chat.tables import SanctionKind, now

BATCH = 5_000

_CHANNEL_MEMBERS = """
    SELECT '{"c":"' || channel_id || '","w":"' || workspace_id || '","u":"' || user_id || '","s":' || joined_seq || '}'
    FROM channel_member
"""
# Up to `n` the members above reflect what happened in the channel: an event at or below it tells nothing new.
# The bans stand in the channel's line because a release that knows none passes over them there.
_CHANNELS = f"""
    SELECT '{{"c":"' || id || '","n":' || last_seq || ',"w":"' || workspace_id || '","k":"' || kind || '","name":'
        || coalesce(to_json(name)::text, 'null') || coalesce(',"bans":' || banned.people, '') || '}}'
    FROM channel
    LEFT JOIN (
        SELECT place_id, json_object_agg(
            user_id, json_build_array(extract(epoch FROM until), extract(epoch FROM laid_at))
        )::text AS people
        FROM sanction WHERE kind = '{SanctionKind.BAN}' AND (until IS NULL OR until > now()) GROUP BY place_id
    ) AS banned ON banned.place_id = channel.id
"""  # noqa: S608 composed of constants only
_WORKSPACE_MEMBERS = """
    SELECT '{"w":"' || m.workspace_id || '","u":"' || m.user_id || '","role":"' || m.role || '","name":"' || u.username
        || CASE u.kind WHEN 'bot' THEN '","bot":true}' ELSE '"}' END
    FROM workspace_member m JOIN user_account u ON u.id = m.user_id
"""
_WISHES = """
    SELECT '{"u":"' || id || '","wish":"' || presence || '"}' FROM user_account WHERE presence <> 'auto'
"""
# `exp` is when the last access token of the session has expired and nobody needs to remember it any more.
_REVOKED = """
    SELECT '{"revoked":"' || id || '","exp":' || ceil(extract(epoch FROM revoked_at + $1::interval))::bigint || '}'
    FROM session WHERE revoked_at > $2
"""


async def lines(database: Database, token_ttl: timedelta, *, wishes: bool = False) -> AsyncIterator[bytes]:
    """Batches of complete lines. A stream that ends without the `end` line was cut short."""
    count = 0
    async with database.snapshot() as connection:
        for statement, values in (
            (_CHANNEL_MEMBERS, ()),
            (_CHANNELS, ()),
            (_WORKSPACE_MEMBERS, ()),
            *([(_WISHES, ())] if wishes else []),
            (_REVOKED, (token_ttl, now() - token_ttl)),
        ):
            async for batch in _batches(connection, statement, *values):
                count += len(batch)
                yield "".join(f"{row[0]}\n" for row in batch).encode()
    yield f'{{"end":true,"count":{count}}}\n'.encode()


async def _batches(
    connection: asyncpg.Connection, statement: str, *values: object
) -> AsyncIterator[list[asyncpg.Record]]:
    cursor = await connection.cursor(statement, *values)
    while batch := await cursor.fetch(BATCH):
        yield batch
