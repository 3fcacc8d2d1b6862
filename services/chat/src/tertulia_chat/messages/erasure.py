"""What answers of the bot repeat of a message: the quote beside a citation, and the question that it was.

Deleting the message takes these along. The answers may stand in other channels, so they are found before anything is
locked, and the channels are locked together, in the order of their ids. What a model wrote in words of its own stays.
"""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, update

from tertulia_chat.tables import BotRunRow, MessageRow, now

_ABOUT = sa.text("""
    SELECT id, channel_id FROM message WHERE ai IS NOT NULL AND ai -> 'citations' @> CAST(:cited AS jsonb)
    UNION
    SELECT m.id, m.channel_id FROM bot_run r JOIN message m ON m.id = r.message_id
    WHERE r.trigger_message_id = :message_id AND m.ai IS NOT NULL
""")


async def answers_about(session: AsyncSession, message_id: UUID) -> dict[UUID, UUID]:
    """The answers that quote this message or were asked for by it, and the channel of each."""
    cited = msgspec.json.encode([{"message_id": str(message_id)}]).decode()
    found = await session.execute(_ABOUT, {"cited": cited, "message_id": message_id})
    return {row.id: row.channel_id for row in found}


async def silence(session: AsyncSession, message_id: UUID, answers: dict[UUID, UUID]) -> list[MessageRow]:
    """Takes the message's words out of these answers, whose channels are locked; those that changed are to be told."""
    runs = await session.scalars(
        update(BotRunRow)
        .where(col(BotRunRow.trigger_message_id) == message_id)
        .values(prompt="")
        .returning(col(BotRunRow.id))
    )
    asked = {str(run_id) for run_id in runs}
    rows = await session.scalars(
        select(MessageRow)
        .where(col(MessageRow.id).in_(list(answers)), col(MessageRow.ai).is_not(None))
        .order_by(col(MessageRow.id))
        .execution_options(populate_existing=True)
    )
    changed: list[MessageRow] = []
    for row in rows:
        silent = _silent(row.ai or {}, str(message_id), asked)
        if silent != row.ai:
            row.ai, row.edited_at = silent, now()
            changed.append(row)
    return changed


def _silent(mark: dict[str, Any], message_id: str, asked: set[str]) -> dict[str, Any]:
    citations = [{**each, "quote": ""} if each["message_id"] == message_id else each for each in mark["citations"]]
    return {**mark, "citations": citations, "prompt": "" if mark["run_id"] in asked else mark["prompt"]}
