"""What a run gets to read: nothing but what its asker sees in that channel."""

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.runs.schemas import Heard, OpenedRun
from tertulia_chat.tables import BotRunRow, MessageRow

# A thread's first message is among them however long the thread is. Names and texts are all that is read of hundreds
# of rows, so PostgreSQL writes the answer's JSON. What the channel says by itself is not among them.
_NEWEST = """
SELECT * FROM message m WHERE {place} AND m.deleted_at IS NULL AND m.system IS NULL
ORDER BY m.ch_seq DESC LIMIT :most
"""
_IN_CHANNEL = _NEWEST.format(place="m.channel_id = :channel_id")
_IN_THREAD = f"""
(SELECT * FROM message m WHERE m.id = :thread_id AND m.deleted_at IS NULL)
UNION ALL ({_NEWEST.format(place="m.thread_id = :thread_id")})
"""  # noqa: S608 composed of constants only


def _read(messages: str) -> sa.TextClause:
    heard = "json_build_object('id', m.id, 'author', a.display_name, 'text', m.text)"
    return sa.text(f"""
        SELECT (SELECT display_name FROM user_account WHERE id = :asker_id) AS asker,
            (SELECT coalesce(json_agg({heard} ORDER BY m.ch_seq), '[]')::text
             FROM ({messages}) AS m JOIN user_account a ON a.id = m.author_id) AS messages
    """)  # noqa: S608 composed of constants only


_CHANNEL, _THREAD = _read(_IN_CHANNEL), _read(_IN_THREAD)
_heard = msgspec.json.Decoder(list[Heard])


async def opened(session: AsyncSession, run: BotRunRow, limit: int) -> OpenedRun:
    answer = await session.get(MessageRow, run.message_id) if run.message_id else None
    if run.thread_id is None:
        read, place = _CHANNEL, {"channel_id": run.channel_id, "most": limit}
    else:
        read, place = _THREAD, {"thread_id": run.thread_id, "most": max(0, limit - 1)}
    asker, messages = (await session.execute(read, {"asker_id": run.asker_id, **place})).one()
    return OpenedRun(
        run=run.view(answer.view() if answer else None),
        asker=asker,
        messages=_heard.decode(messages) if limit else [],
    )
