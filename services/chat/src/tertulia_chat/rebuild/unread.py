"""Which messages name whom, and which that somebody wrote is each channel's newest: what unread is counted from.

`mention` follows its messages by triggers, in the transaction that changes a message's row. Once that row is locked the
two agree, or never will by themselves.
"""

from typing import Any
from uuid import UUID

import asyncpg

from tertulia_chat.rebuild.pages import AT_ONCE, Counts, Tell, affected, rows_of
from tertulia_chat.tables import EVERYBODY

_FIRST = UUID(int=0)

_NEWEST = "coalesce((SELECT max(t.ch_seq) FROM message t WHERE t.channel_id = c.id AND t.system IS NULL), 0)"
_CHANNELS = f"""
SELECT c.id, c.last_msg_seq <> {_NEWEST} AS wrong FROM channel c WHERE c.id > $1 ORDER BY c.id LIMIT $2
"""  # noqa: S608 composed of constants only
_LOCK_CHANNELS = "SELECT id FROM channel WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_REPAIR_CHANNELS = f"""
UPDATE channel c SET last_msg_seq = {_NEWEST} WHERE c.id = ANY ($1::uuid[]) AND c.last_msg_seq <> {_NEWEST}
"""  # noqa: S608 composed of constants only

# A message `t`: what `mention` should hold of it. Its author is not among those whom it names.
_NAMED = f"""
    SELECT t.workspace_id, who AS user_id, t.id AS message_id, t.channel_id, t.ch_seq, t.author_id, t.thread_id,
        t.in_channel
    FROM (SELECT unnest(t.mentions) AS who UNION SELECT '{EVERYBODY}' WHERE t.audience IS NOT NULL) AS named
    WHERE who <> t.author_id AND t.deleted_at IS NULL
"""  # noqa: S608 composed of constants only
_KEY = "n.workspace_id = named.workspace_id AND n.user_id = named.user_id AND n.message_id = named.message_id"
_SAME = """(n.channel_id, n.ch_seq, n.author_id, n.thread_id, n.in_channel) IS NOT DISTINCT FROM
    (named.channel_id, named.ch_seq, named.author_id, named.thread_id, named.in_channel)"""

_MESSAGES = f"""
SELECT t.id, (t.mentions <> '{{}}' OR t.audience IS NOT NULL) AND EXISTS (
    SELECT FROM ({_NAMED}) AS named WHERE NOT EXISTS (SELECT FROM mention n WHERE {_KEY} AND {_SAME})
) AS wrong
FROM message t WHERE t.id > $1 ORDER BY t.id LIMIT $2
"""  # noqa: S608 composed of constants only
_LOCK_MESSAGES = "SELECT id FROM message WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_REPAIR_MESSAGES = f"""
INSERT INTO mention AS n (workspace_id, user_id, message_id, channel_id, ch_seq, author_id, thread_id, in_channel)
SELECT named.* FROM message t CROSS JOIN LATERAL ({_NAMED}) AS named WHERE t.id = ANY ($1::uuid[])
ON CONFLICT (workspace_id, user_id, message_id) DO UPDATE SET channel_id = excluded.channel_id,
    ch_seq = excluded.ch_seq, author_id = excluded.author_id, thread_id = excluded.thread_id,
    in_channel = excluded.in_channel
WHERE NOT {_SAME.replace("named.", "excluded.")}
"""  # noqa: S608 composed of constants only

_UNFOUNDED = f"""
NOT EXISTS (SELECT FROM message t CROSS JOIN LATERAL ({_NAMED}) AS named WHERE t.id = n.message_id AND {_KEY})
"""
_MENTIONS = f"""
SELECT n.workspace_id, n.user_id, n.message_id, {_UNFOUNDED} AS wrong
FROM mention n WHERE (n.workspace_id, n.user_id, n.message_id) > ($1, $2, $3)
ORDER BY n.workspace_id, n.user_id, n.message_id LIMIT $4
"""  # noqa: S608 composed of constants only
_REPAIR_MENTIONS = f"""
DELETE FROM mention n USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS x (workspace_id, user_id, message_id)
WHERE n.workspace_id = x.workspace_id AND n.user_id = x.user_id AND n.message_id = x.message_id AND {_UNFOUNDED}
"""  # noqa: S608 composed of constants only


async def size(connection: asyncpg.Connection) -> int:
    """Rows to look at."""
    return await rows_of(connection, "channel", "message", "mention")


async def rebuild(connection: asyncpg.Connection, tell: Tell) -> Counts:
    channels = await _walk(connection, _CHANNELS, _LOCK_CHANNELS, _REPAIR_CHANNELS, tell)
    messages = await _walk(connection, _MESSAGES, _LOCK_MESSAGES, _REPAIR_MESSAGES, tell)
    return channels.plus(messages).plus(await _drop_unfounded(connection, tell))


async def _walk(connection: asyncpg.Connection, page_of: str, lock: str, repair: str, tell: Tell) -> Counts:
    """Over a table by its id."""
    counts = Counts(0, 0)
    last = _FIRST
    while page := await connection.fetch(page_of, last, AT_ONCE):
        last = page[-1]["id"]
        wrong = [row["id"] for row in page if row["wrong"]]
        counts = counts.plus(Counts(len(page), await _repair(connection, lock, wrong, repair, wrong) if wrong else 0))
        tell(len(page))
    return counts


async def _drop_unfounded(connection: asyncpg.Connection, tell: Tell) -> Counts:
    counts = Counts(0, 0)
    last = (_FIRST, _FIRST, _FIRST)
    while page := await connection.fetch(_MENTIONS, *last, AT_ONCE):
        keys = [(row["workspace_id"], row["user_id"], row["message_id"]) for row in page]
        last = keys[-1]
        wrong = [key for key, row in zip(keys, page, strict=True) if row["wrong"]]
        repaired = 0
        if wrong:
            workspaces, people, messages = map(list, zip(*wrong, strict=True))
            given = (workspaces, people, messages)
            repaired = await _repair(connection, _LOCK_MESSAGES, messages, _REPAIR_MENTIONS, *given)
        counts = counts.plus(Counts(len(page), repaired))
        tell(len(page))
    return counts


async def _repair(connection: asyncpg.Connection, lock: str, locked: list[UUID], repair: str, *given: Any) -> int:
    async with connection.transaction():
        await connection.execute(lock, locked)
        return affected(await connection.execute(repair, *given))
