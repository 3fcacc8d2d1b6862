"""What stands under the first message of each thread, counted again from its replies.

Whoever sends, deletes or restores a reply changes the first message's row before the end of their transaction. Once
that row is locked the replies that can be seen are therefore those that its summary counts.
"""

from uuid import UUID

import asyncpg

from tertulia_chat.rebuild.pages import AT_ONCE, Counts, Tell, affected, rows_of
from tertulia_chat.replies import summary_of

_WRONG = """r.thread_id IS NULL AND (r.reply_count, r.last_reply_seq, r.last_reply_at, r.last_repliers)
    IS DISTINCT FROM (s.replies::integer, s.ch_seq, s.created_at, s.people)"""
_PAGE = f"""
SELECT r.id, {_WRONG} AS wrong
FROM (SELECT * FROM message WHERE id > $1 ORDER BY id LIMIT $2) AS r CROSS JOIN LATERAL ({summary_of("r.id")}) AS s
ORDER BY r.id
"""  # noqa: S608 composed of constants only
_LOCK = "SELECT id FROM message WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_REPAIR = f"""
UPDATE message m SET reply_count = s.replies, last_reply_seq = s.ch_seq, last_reply_at = s.created_at,
    last_repliers = s.people
FROM message r CROSS JOIN LATERAL ({summary_of("r.id")}) AS s
WHERE m.id = r.id AND r.id = ANY ($1::uuid[]) AND {_WRONG}
"""  # noqa: S608 composed of constants only


async def size(connection: asyncpg.Connection) -> int:
    """Rows to look at."""
    return await rows_of(connection, "message")


async def rebuild(connection: asyncpg.Connection, tell: Tell) -> Counts:
    counts = Counts(0, 0)
    last = UUID(int=0)
    while page := await connection.fetch(_PAGE, last, AT_ONCE):
        last = page[-1]["id"]
        wrong = [row["id"] for row in page if row["wrong"]]
        counts = counts.plus(Counts(len(page), await _repair(connection, wrong) if wrong else 0))
        tell(len(page))
    return counts


async def _repair(connection: asyncpg.Connection, roots: list[UUID]) -> int:
    async with connection.transaction():
        await connection.execute(_LOCK, roots)
        return affected(await connection.execute(_REPAIR, roots))
