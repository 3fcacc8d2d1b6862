"""What a channel says by itself: who came and went, what it is called, what was pinned.

A note is a message that nobody wrote. Its author is who did what it tells, it has a number of its own after the change,
and both are written in the same transaction, under the channel's lock. Direct conversations say nothing of who is in
them, because that never changes.

Many who come or go do not fill a channel: while nothing else is said, and for `FOLD_FOR`, the newest note takes the
next ones in (`message.updated`). Whoever joins or leaves stands in one with others who do, whoever adds or removes
people in one with all of theirs. A note names `MOST_NAMED` of them and counts the rest.

A note is stored as an answer in `NO_THREAD`, which nobody ever sees. That keeps it out of everything that is counted as
unread, the index of that included, and makes it a message that cannot be answered to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, select

from tertulia_chat.outbox import NewEvent
from tertulia_chat.tables import NO_THREAD, ChannelRow, MessageRow, new_id, now
from tertulia_shared.events import (
    Channel,
    ChannelKind,
    MessageCreated,
    MessageUpdated,
    SystemKind,
    SystemNote,
)

MOST_NAMED = 100
FOLD_FOR = timedelta(hours=1)

_NEVER, _BY_ONE, _TOGETHER = "never", "by_one", "together"
_FOLD = {
    SystemKind.JOINED: _TOGETHER,
    SystemKind.LEFT: _TOGETHER,
    SystemKind.ADDED: _BY_ONE,
    SystemKind.REMOVED: _BY_ONE,
}

_OF_ONE = {
    SystemKind.JOINED: "joined the channel",
    SystemKind.LEFT: "left the channel",
    SystemKind.ADDED: "added <@{user}>",
    SystemKind.REMOVED: "removed <@{user}>",
}
_OF_SEVERAL = {
    SystemKind.JOINED: "and others joined the channel, {count} people",
    SystemKind.LEFT: "and others left the channel, {count} people",
    SystemKind.ADDED: "added {count} people",
    SystemKind.REMOVED: "removed {count} people",
}
_OF_THE_CHANNEL = {
    SystemKind.RENAMED: "renamed the channel from {before} to {after}",
    SystemKind.TOPIC_CHANGED: "set the topic: {after}",
    SystemKind.PURPOSE_CHANGED: "set the purpose: {after}",
    SystemKind.BECAME_PRIVATE: "made the channel private",
    SystemKind.ARCHIVED: "archived the channel",
    SystemKind.UNARCHIVED: "unarchived the channel",
    SystemKind.PINNED: "pinned a message",
}
_CLEARED = {
    SystemKind.TOPIC_CHANGED: "cleared the topic",
    SystemKind.PURPOSE_CHANGED: "cleared the purpose",
}

_COLUMNS = list(MessageRow.model_fields)
_ALL = ", ".join(_COLUMNS)

# In one statement, whatever it tells of however many channels. A note's id is its `client_msg_id` too: nobody sent it.
_SAY = sa.text(f"""
WITH said AS (
    SELECT id, workspace_id, channel_id, ch_seq, CAST(system AS jsonb) AS system, text, fold, several
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:workspaces AS uuid[]), CAST(:channels AS uuid[]), CAST(:ch_seqs AS bigint[]),
        CAST(:systems AS text[]), CAST(:texts AS text[]), CAST(:folds AS text[]), CAST(:several AS text[])
    ) AS said (id, workspace_id, channel_id, ch_seq, system, text, fold, several)
),
open AS (
    SELECT said.id AS said_id, last.id, last.system || jsonb_build_object(
        'count', CAST(last.system -> 'count' AS integer) + CAST(said.system -> 'count' AS integer),
        'user_ids', jsonb_path_query_array(
            (last.system -> 'user_ids') || (said.system -> 'user_ids'), '$[0 to {MOST_NAMED - 1}]'
        )
    ) AS system
    FROM said CROSS JOIN LATERAL (
        SELECT * FROM message m WHERE m.channel_id = said.channel_id ORDER BY m.ch_seq DESC LIMIT 1
    ) AS last
    WHERE said.fold <> '{_NEVER}' AND last.system ->> 'kind' = said.system ->> 'kind' AND last.deleted_at IS NULL
      AND last.created_at > :since AND (said.fold = '{_TOGETHER}' OR last.author_id = :actor_id)
),
folded AS (
    UPDATE message m SET changed_seq = said.ch_seq, system = open.system,
        text = replace(said.several, '{{count}}', open.system ->> 'count')
    FROM open JOIN said ON said.id = open.said_id
    WHERE m.id = open.id
    RETURNING {", ".join(f"m.{name}" for name in _COLUMNS)}
),
added AS (
    INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, thread_id, created_at,
        system)
    SELECT id, workspace_id, channel_id, ch_seq, :actor_id, id, text, CAST('{NO_THREAD}' AS uuid), :now, system
    FROM said WHERE id NOT IN (SELECT said_id FROM open)
    RETURNING {_ALL}
)
SELECT {_ALL} FROM folded UNION ALL SELECT {_ALL} FROM added
""").bindparams(  # noqa: S608 composed of constants only
    sa.bindparam("actor_id", type_=sa.Uuid),
    sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)
_ROWS = _SAY.columns(*SQLModel.metadata.tables["message"].columns)


@dataclass(frozen=True, slots=True)
class Note:
    """Something to be said in a channel that the caller has locked."""

    channel: ChannelRow
    system: SystemNote


def of_people(channel: ChannelRow, kind: SystemKind, people: Sequence[UUID]) -> Iterator[Note]:
    """None when it is nobody, or when the channel says nothing of its people."""
    if people and not channel.is_direct:
        named = [str(user_id) for user_id in people[:MOST_NAMED]]
        yield Note(channel, SystemNote(kind=kind, user_ids=named, count=len(people)))


def of_change(channel: ChannelRow, was: Channel) -> Iterator[Note]:
    """One for each thing that everybody should know of."""
    is_now = channel.view()
    for kind, before, after in (
        (SystemKind.RENAMED, was.name, is_now.name),
        (SystemKind.TOPIC_CHANGED, was.topic, is_now.topic),
        (SystemKind.PURPOSE_CHANGED, was.purpose, is_now.purpose),
    ):
        if before != after:
            yield Note(channel, SystemNote(kind=kind, before=before, after=after))
    if was.kind is ChannelKind.PUBLIC and is_now.kind is ChannelKind.PRIVATE:
        yield Note(channel, SystemNote(kind=SystemKind.BECAME_PRIVATE))
    if (was.archived_at is None) != (is_now.archived_at is None):
        yield Note(channel, SystemNote(kind=SystemKind.ARCHIVED if is_now.archived_at else SystemKind.UNARCHIVED))


async def say(session: AsyncSession, actor_id: UUID, notes: Sequence[Note]) -> list[NewEvent]:
    """Store these notes, each with the next number of its channel; the events are to be recorded behind the others.

    Stores what the caller has changed, too.
    """
    numbers: list[int] = []
    for note in notes:
        note.channel.last_seq += 1
        numbers.append(note.channel.last_seq)
        session.add(note.channel)
    await session.flush()
    if not notes:
        return []
    at = now()
    values = {
        "ids": [new_id() for _ in notes],
        "workspaces": [note.channel.workspace_id for note in notes],
        "channels": [note.channel.id for note in notes],
        "ch_seqs": numbers,
        "systems": [msgspec.json.encode(note.system).decode() for note in notes],
        "texts": [in_english(note.system) for note in notes],
        "folds": [_FOLD.get(note.system.kind, _NEVER) for note in notes],
        "several": [_OF_SEVERAL.get(note.system.kind, "") for note in notes],
        "actor_id": actor_id,
        "since": at - FOLD_FOR,
        "now": at,
    }
    query = select(MessageRow).from_statement(_ROWS).execution_options(populate_existing=True)
    rows = list(await session.scalars(query, values))
    return [_told(row, actor_id) for row in sorted(rows, key=lambda row: row.told_at[0])]


def in_english(system: SystemNote) -> str:
    """What clients show who know no better."""
    if system.kind in _OF_ONE:
        text = _OF_ONE[system.kind] if system.count == 1 else _OF_SEVERAL[system.kind]
        return text.format(user=system.user_ids[0], count=system.count)
    text = _CLEARED.get(system.kind) if not system.after else None
    return (text or _OF_THE_CHANNEL[system.kind]).format(before=system.before, after=system.after)


def _told(row: MessageRow, actor_id: UUID) -> NewEvent:
    message = row.view()
    return NewEvent(
        fact=MessageCreated(message=message) if row.changed_seq is None else MessageUpdated(message=message),
        workspace_id=str(row.workspace_id),
        scope="ch",
        scope_id=str(row.channel_id),
        channel_id=str(row.channel_id),
        ch_seq=row.told_at[0],
        actor_id=str(actor_id),
    )
