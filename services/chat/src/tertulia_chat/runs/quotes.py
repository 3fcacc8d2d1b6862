"""What a run repeats of messages, held to what they say now.

A message may have been edited or deleted since the run was asked for or since a source was found. So its row is locked
against changes while it is repeated: a change either came first and is seen here, or waits, and then finds what was
written (`messages/erasure.py`).
"""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.runs.schemas import MAX_QUOTE, OpenRun
from tertulia_chat.tables import MessageRow
from tertulia_shared.events import Citation
from tertulia_shared.problems import FieldError, NotFound, ValidationFailed

CUT = "…"


async def prompt_of_now(session: AsyncSession, wish: OpenRun) -> str:
    """What is asked; of a run that a message asked for, what that message says. Raises NotFound, ValidationFailed."""
    if wish.trigger_message_id is None:
        return wish.prompt
    found = await _hold(session, {wish.trigger_message_id})
    message = found.get(wish.trigger_message_id)
    if message is None or message.channel_id != wish.channel_id or message.deleted_at is not None:
        raise NotFound
    if message.author_id != wish.asker_id:
        detail = "Somebody else wrote this message."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="/trigger_message_id")])
    return message.text


async def citations_of_now(session: AsyncSession, citations: list[Citation], root_id: UUID | None) -> list[Citation]:
    """Without the quotes of what was deleted, or edited to say something else.

    `root_id` is the first message of the answer's thread. The answer will change it, so it is locked in its turn.
    """
    ids = [_key(each.message_id) for each in citations]
    found = await _hold(session, {key for key in (*ids, root_id) if key is not None}, change=root_id is not None)
    return [_checked(each, found.get(key)) if key else _cut(each) for each, key in zip(citations, ids, strict=True)]


def shortened(text: str, limit: int) -> str:
    """Too much is cut, not refused: nobody would write it again."""
    return text if len(text) <= limit else text[: limit - 1] + CUT


def _checked(citation: Citation, message: MessageRow | None) -> Citation:
    """A message that is not there any more was in a channel that was deleted."""
    gone = (
        message is None
        or message.deleted_at is not None
        or (message.edited_at is not None and not _says(message.text, citation.quote))
    )
    return msgspec.structs.replace(citation, quote="") if gone else _cut(citation)


def _cut(citation: Citation) -> Citation:
    return msgspec.structs.replace(citation, quote=shortened(citation.quote, MAX_QUOTE))


def _says(text: str, quote: str) -> bool:
    """A quote may be cut and have its spaces and lines joined."""
    return " ".join(quote.removesuffix(CUT).split()) in " ".join(text.split())


def _key(message_id: str) -> UUID | None:
    try:
        return UUID(message_id)
    except ValueError:
        return None


async def _hold(session: AsyncSession, ids: set[UUID], *, change: bool = False) -> dict[UUID, MessageRow]:
    """As they are, and not to change before the transaction ends; in the order of their ids, like everybody does."""
    if not ids:
        return {}
    rows = await session.scalars(
        select(MessageRow)
        .where(col(MessageRow.id).in_(ids))
        .order_by(col(MessageRow.id))
        .with_for_update(read=not change, key_share=change)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}
