"""Taking a text back out of the log.

An event tells what a message said when it was recorded, and the log is read for days. So when a message is edited or
deleted, the event that told its former text loses it in the same transaction: a message with an empty text and
`edited_at` was changed later, and a following event tells to what; one with `deleted_at` says nothing any more. Number,
type, id and time of the event stay, and it decodes as before, for the relay too.
"""

from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_shared.events import Message, MessageCreated, MessageUpdated, decode, decode_envelope, encode

_FIND = text("SELECT id, created_at, body FROM event_log WHERE channel_id = :channel_id AND ch_seq = :ch_seq")
_REPLACE = text("UPDATE event_log SET body = :body WHERE id = :id AND created_at = :created_at")


async def redact(session: AsyncSession, channel_id: UUID, ch_seq: int, message: Message) -> None:
    """Let the event with this number tell `message` without its text. The channel is locked by the caller.

    Does nothing when the log no longer reaches back that far.
    """
    found = (await session.execute(_FIND, {"channel_id": channel_id, "ch_seq": ch_seq})).one_or_none()
    if found is None:
        return
    envelope = decode_envelope(found.body)
    fact = decode(envelope)
    if not isinstance(fact, MessageCreated | MessageUpdated):
        raise TypeError(f"{envelope.type} tells no text")
    silent = msgspec.structs.replace(fact, message=msgspec.structs.replace(message, text="", ai=None))
    body = encode(msgspec.structs.replace(envelope, data=msgspec.Raw(encode(silent)))).decode()
    await session.execute(_REPLACE, {"body": body, "id": found.id, "created_at": found.created_at})
