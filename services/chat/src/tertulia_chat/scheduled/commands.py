"""Scheduling a message, changing what and when, and taking it back.

Whether the author may write there is asked now, so that nobody schedules what cannot be sent, and again at its sending.
Every change holds the row, and so does its sending: what was changed is sent as it was changed, or had been sent.
"""

from typing import TypeVar
from uuid import UUID

from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import access_channel, access_thread, access_workspace
from tertulia_chat.errors import AlreadySent, ChannelArchived, ClientMsgIdReused, TooManyScheduled
from tertulia_chat.scheduled.queries import count_open, hold_mine
from tertulia_chat.scheduled.schemas import ChangeScheduled, ScheduleMessage
from tertulia_chat.scheduled.telling import tell, tell_gone
from tertulia_chat.scheduled.timing import put_when, rest, resume
from tertulia_chat.tables import ScheduledMessageRow, UserRow
from tertulia_shared.events import ScheduledMessage, ScheduledState
from tertulia_shared.problems import FieldError, NotFound, ValidationFailed

T = TypeVar("T")

MAX_OPEN = 100
"""By person and workspace."""


async def schedule(
    session: AsyncSession, caller_id: UUID, workspace_id: UUID, wish: ScheduleMessage
) -> tuple[ScheduledMessage, bool]:
    """The scheduled message, and whether it is new.

    Raises NotFound, Banned, NotAMember, Muted, PostingRestricted, ChannelArchived, ThreadNotFound, ClientMsgIdReused,
    TooManyScheduled, ValidationFailed and what `put_when` raises.
    """
    await access_workspace(session, caller_id, workspace_id)
    await _one_at_a_time(session, caller_id)
    first = await _scheduled_before(session, caller_id, wish)
    if first is not None:
        return first.view(), False
    await _require_may_send(session, caller_id, workspace_id, wish)
    number, present = await count_open(session, caller_id, workspace_id)
    if number >= MAX_OPEN:
        raise TooManyScheduled
    row = ScheduledMessageRow(
        workspace_id=workspace_id,
        channel_id=wish.channel_id,
        author_id=caller_id,
        client_msg_id=wish.client_msg_id,
        thread_id=wish.thread_id,
        also_in_channel=wish.also_in_channel,
        text=wish.text,
        due_at=present,
        created_at=present,
        updated_at=present,
    )
    put_when(row, wish.send_at, wish.recurrence, present)
    return await tell(session, row), True


async def change(session: AsyncSession, caller_id: UUID, scheduled_id: UUID, wish: ChangeScheduled) -> ScheduledMessage:
    """Raises NotFound, AlreadySent, ValidationFailed and what `put_when` raises."""
    row, present = await hold_mine(session, caller_id, scheduled_id)
    if wish == ChangeScheduled():
        return row.view()
    if row.state == ScheduledState.SENT:
        raise AlreadySent
    if wish.text is not UNSET:
        row.text = wish.text
    if wish.send_at is not UNSET or wish.recurrence is not UNSET:
        put_when(row, _given(wish.send_at), _given(wish.recurrence), present)
    if wish.paused is not UNSET:
        _pause(row, wish.paused)
        if not wish.paused and row.state == ScheduledState.PAUSED:
            resume(row, present)
    row.updated_at = present
    return await tell(session, row)


async def drop(session: AsyncSession, caller_id: UUID, scheduled_id: UUID) -> None:
    """Raises NotFound."""
    row, _ = await hold_mine(session, caller_id, scheduled_id)
    await tell_gone(session, row)


def _given(wish: T | UnsetType) -> T | None:
    return None if wish is UNSET else wish


def _pause(row: ScheduledMessageRow, paused: bool) -> None:
    if row.rrule is None:
        raise ValidationFailed(errors=[FieldError(detail="Only a recurring one is paused.", pointer="/paused")])
    if paused:
        rest(row, ScheduledState.PAUSED)


async def _one_at_a_time(session: AsyncSession, caller_id: UUID) -> None:
    """Of all that a person schedules at once, so that their number is exact."""
    await session.execute(select(UserRow.id).where(col(UserRow.id) == caller_id).with_for_update(key_share=True))


async def _scheduled_before(
    session: AsyncSession, caller_id: UUID, wish: ScheduleMessage
) -> ScheduledMessageRow | None:
    """What this `client_msg_id` made, as it is now. Raises ClientMsgIdReused when it is for another place."""
    first = await session.scalar(
        select(ScheduledMessageRow).where(
            col(ScheduledMessageRow.author_id) == caller_id,
            col(ScheduledMessageRow.client_msg_id) == wish.client_msg_id,
        )
    )
    if first is None:
        return None
    place = (first.channel_id, first.thread_id, first.also_in_channel)
    if place != (wish.channel_id, wish.thread_id, wish.also_in_channel):
        raise ClientMsgIdReused
    return first


async def _require_may_send(session: AsyncSession, caller_id: UUID, workspace_id: UUID, wish: ScheduleMessage) -> None:
    seat = await access_channel(session, caller_id, wish.channel_id)
    if seat.channel.workspace_id != workspace_id:
        raise NotFound
    seat.require_poster()
    if seat.channel.archived_at is not None:
        raise ChannelArchived
    if wish.thread_id is not None:
        await access_thread(session, seat, wish.thread_id)
    elif wish.also_in_channel:
        raise ValidationFailed(errors=[FieldError(detail="Only of a reply.", pointer="/also_in_channel")])
