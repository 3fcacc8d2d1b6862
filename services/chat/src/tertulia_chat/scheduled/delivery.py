"""Sending what is due.

The message and what the row says of it are committed together, so an occurrence is sent once, whoever tries and however
often; its `client_msg_id` follows from the row and the occurrence, too. It goes the way of every message, as its
author's, with the rights that they have then.

* What cannot be sent is not lost: the row says `failed` with the code that sending by hand would have been answered,
  and a recurring message is paused until its author looks after it. What is only too soon (429, 503) is tried again.
* What was due while nobody could send it is sent late, and the row tells when it was due and when it was sent. Of a
  recurring message only the newest occurrence is sent; the row tells how many were missed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.errors import AlreadySent, Recurring
from tertulia_chat.scheduled import metrics
from tertulia_chat.scheduled.queries import hold, hold_mine
from tertulia_chat.scheduled.telling import tell
from tertulia_chat.scheduled.timing import around, go_on, rest
from tertulia_chat.tables import ScheduledMessageRow
from tertulia_shared.events import Message, ScheduledMessage, ScheduledState
from tertulia_shared.problems import Problem

_TOO_SOON = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_LONGEST_RETRY_S = 60.0


class Send(Protocol):
    """Sends a message in the transaction of this session; see `messages.send.send_scheduled`."""

    async def __call__(
        self,
        session: AsyncSession,
        author_id: UUID,
        channel_id: UUID,
        *,
        text: str,
        client_msg_id: UUID,
        thread_id: UUID | None,
        also_in_channel: bool,
    ) -> Message: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    send: Send

    async def deliver_due(self, session: AsyncSession, scheduled_id: UUID) -> None:
        """Work for a scheduler."""
        found = await hold(session, scheduled_id)
        if found is None:
            return
        row, present = found
        if row.state != ScheduledState.SCHEDULED or row.due_at > present:
            return
        try:
            await self._deliver(session, row, present)
        except Problem as problem:
            if problem.status in _TOO_SOON:
                row.wake_at = present + timedelta(seconds=min(problem.retry_after or 1.0, _LONGEST_RETRY_S))
                session.add(row)
                return
            rest(row, ScheduledState.PAUSED if row.rrule else ScheduledState.FAILED, problem.code)
            row.updated_at = present
            await tell(session, row)
            metrics.REFUSED.labels(problem.code).inc()

    async def send_now(
        self, session: AsyncSession, caller_id: UUID, scheduled_id: UUID
    ) -> tuple[ScheduledMessage, Message]:
        """Raises NotFound, AlreadySent, Recurring, and what sending raises."""
        row, present = await hold_mine(session, caller_id, scheduled_id)
        if row.state == ScheduledState.SENT:
            raise AlreadySent
        if row.rrule is not None:
            raise Recurring
        message = await self._deliver(session, row, present)
        return row.view(), message

    async def _deliver(self, session: AsyncSession, row: ScheduledMessageRow, present: datetime) -> Message:
        times = around(row, present, since=row.due_at)
        due_at = (times and times.latest) or row.due_at
        message = await self.send(
            session,
            row.author_id,
            row.channel_id,
            text=row.text,
            client_msg_id=key_of(row.id, due_at),
            thread_id=row.thread_id,
            also_in_channel=row.also_in_channel,
        )
        row.last_due_at, row.last_sent_at, row.last_message_id = due_at, present, UUID(message.id)
        row.last_missed = times.missed if times else 0
        row.updated_at = present
        if not go_on(row, times):
            rest(row, ScheduledState.SENT)
            row.text = ""
        await tell(session, row)
        metrics.LATENESS.observe(max((present - due_at).total_seconds(), 0.0))
        return message


def key_of(scheduled_id: UUID, due_at: datetime) -> UUID:
    """The `client_msg_id` of the message that this occurrence is sent as."""
    return uuid5(scheduled_id, due_at.isoformat())
