"""Taking a text back out of the log.

An event tells what was said when it was recorded, and the log is read for days. So when a message is edited or deleted,
what told its former text loses it in the same transaction. Number, type, id and time of an event stay, and it decodes
as before, for the relay too.

* The event of the message itself: with an empty text and `edited_at` it was changed later, and a following event tells
  to what; with `deleted_at` it says nothing any more.
* The two events of a run, which repeat a question and quotes. They have no `ch_seq`; the run knows where they stand.
"""

from collections.abc import Callable, Collection
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_shared.events import (
    Envelope,
    Fact,
    Message,
    MessageCreated,
    MessageUpdated,
    Run,
    RunFinished,
    RunStarted,
    decode,
    decode_envelope,
    encode,
)

_FIND = text("SELECT id, created_at, body FROM event_log WHERE channel_id = :channel_id AND ch_seq = :ch_seq")
_FIND_RUNS = text("SELECT id, created_at, body FROM event_log WHERE id = ANY(:ids) ORDER BY id")
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
    body = _with(envelope, silent)
    await session.execute(_REPLACE, {"body": body, "id": found.id, "created_at": found.created_at})


async def redact_runs(session: AsyncSession, log_ids: Collection[int], silent: Callable[[Run], Run]) -> None:
    """Let the events of runs at these places of the log tell what `silent` leaves of their run.

    The caller holds what keeps two such changes apart: the channel of the run's answer, or the run itself. Places that
    the log no longer reaches are passed over.
    """
    if not log_ids:
        return
    for found in (await session.execute(_FIND_RUNS, {"ids": list(log_ids)})).all():
        envelope = decode_envelope(found.body)
        fact = decode(envelope)
        if not isinstance(fact, RunStarted | RunFinished):
            raise TypeError(f"{envelope.type} tells of no run")
        left = silent(fact.run)
        if left != fact.run:
            body = _with(envelope, msgspec.structs.replace(fact, run=left))
            await session.execute(_REPLACE, {"body": body, "id": found.id, "created_at": found.created_at})


def _with(envelope: Envelope, fact: Fact) -> str:
    return encode(msgspec.structs.replace(envelope, data=msgspec.Raw(encode(fact)))).decode()
