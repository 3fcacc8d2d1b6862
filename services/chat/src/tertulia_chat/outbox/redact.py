"""Taking a text back out of the log.

An event tells what was said when it was recorded, and the log is read for days. So when a message is edited or deleted,
what told its former text loses it in the same transaction. Number, type, id and time of an event stay, and it decodes
as before, for the relay too.

* The event of the message itself: with an empty text and `edited_at` it was changed later, and a following event tells
  to what; with `deleted_at` it says nothing any more. What was read out of the text (links, mentions) goes with it.
* The event of its being pinned or unpinned, which repeats the message. At most one of these tells the present text:
  the next one takes it out of the one before, which then has an empty text and perhaps neither `edited_at` nor
  `deleted_at`. So a change has two events at most to find (`MessageRow.told_at`), and the event of the sending, which
  projections live on, keeps its text however often the message is pinned.
* The two events of a run, which repeat a question and quotes. They have no `ch_seq`; the run knows where they stand.
* The event of a draft or of a scheduled message, which their row knows: once a later one tells it, it says that there
  is none.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_shared.events import (
    DraftUpdated,
    Envelope,
    Fact,
    Message,
    MessageCreated,
    MessagePinned,
    MessageUnpinned,
    MessageUpdated,
    Run,
    RunFinished,
    RunStarted,
    ScheduledUpdated,
    SystemNote,
    decode,
    decode_envelope,
    encode,
)

_FIND = text("SELECT id, created_at, body FROM event_log WHERE channel_id = :channel_id AND ch_seq = ANY(:ch_seqs)")
_FIND_NEXT = text("""
SELECT id, created_at, body, ch_seq FROM event_log WHERE channel_id = :channel_id AND ch_seq > :after
ORDER BY ch_seq LIMIT :limit
""")
_FIND_PLACES = text("SELECT id, created_at, body FROM event_log WHERE id = ANY(:ids) ORDER BY id")
# With the time of each, which says in which partition it is.
_REPLACE = text("""
UPDATE event_log e SET body = told.body
FROM unnest(CAST(:ids AS bigint[]), CAST(:times AS timestamptz[]), CAST(:bodies AS text[]))
    AS told (id, created_at, body)
WHERE e.id = told.id AND e.created_at = told.created_at
""")


async def redact(session: AsyncSession, channel_id: UUID, ch_seqs: Collection[int], message: Message) -> None:
    """Let the events with these numbers tell `message` without its text. The channel is locked by the caller.

    Numbers that the log no longer reaches are passed over.
    """
    silent = _silent(message)
    bodies: dict[Row[Any], str] = {}
    for found in (await session.execute(_FIND, {"channel_id": channel_id, "ch_seqs": list(ch_seqs)})).all():
        envelope = decode_envelope(found.body)
        fact = decode(envelope)
        if not isinstance(fact, MessageCreated | MessageUpdated | MessagePinned | MessageUnpinned):
            raise TypeError(f"{envelope.type} tells no text")
        bodies[found] = _with(envelope, msgspec.structs.replace(fact, message=silent))
    await _replace(session, bodies)


async def redact_channel(session: AsyncSession, channel_id: UUID, after: int, limit: int) -> int | None:
    """Let the next events of a deleted channel tell their messages without a text. Answers the number of the last one,
    None when there are no more."""
    values = {"channel_id": channel_id, "after": after, "limit": limit}
    last: int | None = None
    bodies: dict[Row[Any], str] = {}
    for found in (await session.execute(_FIND_NEXT, values)).all():
        last = found.ch_seq
        envelope = decode_envelope(found.body)
        fact = decode(envelope)
        if isinstance(fact, MessageCreated | MessageUpdated | MessagePinned | MessageUnpinned):
            bodies[found] = _with(envelope, msgspec.structs.replace(fact, message=_silent(fact.message)))
    await _replace(session, bodies)
    return last


async def redact_runs(session: AsyncSession, log_ids: Collection[int], silent: Callable[[Run], Run]) -> None:
    """Let the events of runs at these places of the log tell what `silent` leaves of their run.

    The caller holds what keeps two such changes apart: the channel of the run's answer, or the run itself. Places that
    the log no longer reaches are passed over.
    """
    if not log_ids:
        return
    bodies: dict[Row[Any], str] = {}
    for found in (await session.execute(_FIND_PLACES, {"ids": list(log_ids)})).all():
        envelope = decode_envelope(found.body)
        fact = decode(envelope)
        if not isinstance(fact, RunStarted | RunFinished):
            raise TypeError(f"{envelope.type} tells of no run")
        left = silent(fact.run)
        if left != fact.run:
            bodies[found] = _with(envelope, msgspec.structs.replace(fact, run=left))
    await _replace(session, bodies)


def _silent(message: Message) -> Message:
    return msgspec.structs.replace(
        message,
        text="",
        ai=None,
        mentions=[],
        audience=None,
        channels=[],
        messages=[],
        links=[],
        system=SystemNote(kind=message.system.kind) if message.system else None,
    )


async def redact_draft(session: AsyncSession, log_id: int) -> None:
    """Let the event at this place of the log tell of no draft. The caller holds the draft's row."""
    await _redact_place(session, log_id, DraftUpdated, draft=None)


async def redact_scheduled(session: AsyncSession, log_id: int) -> None:
    """Let the event at this place of the log tell of no scheduled message. The caller holds its row."""
    await _redact_place(session, log_id, ScheduledUpdated, scheduled=None)


async def _redact_place(session: AsyncSession, log_id: int, kind: type[Fact], **silent: None) -> None:
    """Does nothing when the log no longer reaches back that far."""
    for found in (await session.execute(_FIND_PLACES, {"ids": [log_id]})).all():
        envelope = decode_envelope(found.body)
        fact = decode(envelope)
        if not isinstance(fact, kind):
            raise TypeError(f"{envelope.type} is no {kind.type}")
        await _replace(session, {found: _with(envelope, msgspec.structs.replace(fact, **silent))})


async def _replace(session: AsyncSession, bodies: Mapping[Row[Any], str]) -> None:
    """All of them in one statement."""
    if bodies:
        places = {"ids": [found.id for found in bodies], "times": [found.created_at for found in bodies]}
        await session.execute(_REPLACE, {**places, "bodies": list(bodies.values())})


def _with(envelope: Envelope, fact: Fact) -> str:
    return encode(msgspec.structs.replace(envelope, data=msgspec.Raw(encode(fact)))).decode()
