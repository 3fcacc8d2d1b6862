"""Removing what deleted channels leave behind, a little at a time.

Nobody can reach it from the moment of the deletion (`membership.delete_channel`); this is about not keeping it. Of a
channel go its messages with all that hangs on them, drafts, scheduled messages, reminders, what was asked of the bot
there, who was muted, banned or slow; and out of the event log the texts. What people see of that anywhere else (their
scheduled messages and reminders, and quotes in answers of the bot) they are told.

There stay the channel's row, which keeps its number and its people's old events in their place; notifications and the
reports, which repeat no text; the audit log; and forwards, which somebody says elsewhere.

Every replica does it. A channel that another one is at is passed over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select, update

from tertulia_chat.database import Database
from tertulia_chat.messages.changes import unquote
from tertulia_chat.outbox import redact_channel, redact_draft, redact_runs
from tertulia_chat.reminders.commands import forget
from tertulia_chat.scheduled.telling import tell_gone
from tertulia_chat.tables import (
    EVERYBODY,
    BotRunRow,
    ChannelRow,
    DeletedChannelRow,
    DraftRow,
    MessageRow,
    ReminderRow,
    SanctionRow,
    SavedMessageRow,
    ScheduledMessageRow,
    SlowModeTurnRow,
    ThreadFollowRow,
)
from tertulia_shared.events import Run
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

EVERY_S = 15.0
AT_ONCE = 200
"""Rows of one kind in a transaction."""

GRACE_S = 60
"""Longer than a transaction may last: whoever was at it when the channel was deleted is through."""

_NEXT = (
    select(DeletedChannelRow)
    .where(col(DeletedChannelRow.deleted_at) <= sa.func.now() - sa.bindparam("grace", type_=sa.Interval))
    .order_by(col(DeletedChannelRow.deleted_at), col(DeletedChannelRow.channel_id))
    .limit(1)
    .with_for_update(skip_locked=True)
)
# By their key: a message's mentions are those of whom it names.
_FORGET_MENTIONS = sa.text(f"""
DELETE FROM mention n USING message t
WHERE t.id = ANY (:ids) AND n.workspace_id = t.workspace_id AND n.message_id = t.id
    AND n.user_id = ANY (t.mentions || '{EVERYBODY}'::uuid)
""")  # noqa: S608 composed of constants only


@dataclass(frozen=True, slots=True)
class ChannelPurge:
    """The component that does it every few seconds."""

    database: Database
    name: str = "channel-purge"

    async def run(self) -> None:
        while True:
            try:
                await self.purge()
            except DependencyUnavailable as error:
                log.warning("channel_purge.failed", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def purge(self) -> int:
        """Until nothing is left to remove; answers in how many transactions. Raises DependencyUnavailable."""
        turns = 0
        while await self._turn():
            turns += 1
        return turns

    async def _turn(self) -> bool:
        """Whether there was something to do."""
        async with self.database.transaction() as session:
            channel = await session.scalar(_NEXT, {"grace": timedelta(seconds=GRACE_S)})
            if channel is None:
                return False
            for step in _STEPS:
                if await step(session, channel):
                    return True
            await _finish(session, channel)
            return True


async def _scheduled(session: AsyncSession, channel: DeletedChannelRow) -> int:
    query = select(ScheduledMessageRow).where(col(ScheduledMessageRow.channel_id) == channel.channel_id)
    rows = (await session.scalars(query.limit(AT_ONCE).with_for_update(key_share=True))).all()
    for row in rows:
        await tell_gone(session, row)
    return len(rows)


async def _drafts(session: AsyncSession, channel: DeletedChannelRow) -> int:
    """Whoever wrote them left the channel, and their drafts in it with that."""
    query = select(DraftRow).where(col(DraftRow.channel_id) == channel.channel_id).limit(AT_ONCE)
    rows = (await session.scalars(query.with_for_update())).all()
    for row in rows:
        if row.log_id is not None:
            await redact_draft(session, row.log_id)
        await session.delete(row)
    await session.flush()
    return len(rows)


async def _runs(session: AsyncSession, channel: DeletedChannelRow) -> int:
    """What they cost stays counted."""
    asked = (col(BotRunRow.channel_id) == channel.channel_id, col(BotRunRow.prompt) != "")
    rows = (await session.scalars(select(BotRunRow).where(*asked).limit(AT_ONCE).with_for_update())).all()
    for row in rows:
        row.prompt = ""
        session.add(row)
    await session.flush()
    places = [place for row in rows for place in (row.started_log_id, row.finished_log_id) if place is not None]
    await redact_runs(session, places, _without_words)
    return len(rows)


def _without_words(run: Run) -> Run:
    return msgspec.structs.replace(run, prompt="", citations=[])


async def _messages(session: AsyncSession, channel: DeletedChannelRow) -> int:
    """The oldest first: until the last ones go, the channel's newest message is there (`rebuild unread`)."""
    query = select(MessageRow.id).where(col(MessageRow.channel_id) == channel.channel_id)
    ids = list(await session.scalars(query.order_by(col(MessageRow.ch_seq)).limit(AT_ONCE)))
    if not ids:
        return 0
    if not await unquote(session, channel.channel_id, ids):
        return len(ids)
    reminders = select(ReminderRow).where(col(ReminderRow.message_id).in_(ids)).with_for_update(key_share=True)
    for reminder in (await session.scalars(reminders)).all():
        await forget(session, reminder)
    await session.execute(_FORGET_MENTIONS, {"ids": ids})
    await session.execute(delete(SavedMessageRow).where(col(SavedMessageRow.message_id).in_(ids)))
    await session.execute(delete(ThreadFollowRow).where(col(ThreadFollowRow.thread_id).in_(ids)))
    await session.execute(delete(MessageRow).where(col(MessageRow.id).in_(ids)))
    return len(ids)


async def _log(session: AsyncSession, channel: DeletedChannelRow) -> int:
    """Events keep their place and number, for consumers that are behind and for a relay that goes back."""
    last = await redact_channel(session, channel.channel_id, channel.log_seq, AT_ONCE)
    if last is None:
        return 0
    channel.log_seq = last
    session.add(channel)
    return 1


_STEPS: tuple[Callable[[AsyncSession, DeletedChannelRow], Awaitable[int]], ...] = (
    _scheduled,
    _drafts,
    _runs,
    _log,
    _messages,
)


async def _finish(session: AsyncSession, channel: DeletedChannelRow) -> None:
    here = channel.channel_id
    await session.execute(delete(SanctionRow).where(col(SanctionRow.place_id) == here))
    await session.execute(delete(SlowModeTurnRow).where(col(SlowModeTurnRow.channel_id) == here))
    await session.execute(update(ChannelRow).where(col(ChannelRow.id) == here).values(last_msg_seq=0))
    await session.delete(channel)
    log.info("channel_purge.done", channel_id=str(here))
