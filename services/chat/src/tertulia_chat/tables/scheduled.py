"""What people have written to be sent later, and of what they want to be reminded.

`wake_at` is when a scheduler looks at the row; None: never. It is the time that the row is due, or somewhat later while
one is at it (see `tertulia_chat.scheduler`).
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import UtcTime, new_id, now
from tertulia_shared.events import (
    Recurrence,
    Reminder,
    ReminderState,
    ScheduledMessage,
    ScheduledState,
    Sending,
)


class ScheduledMessageRow(SQLModel, table=True):
    """`rrule`, `timezone` and `starts_at` are given for recurring ones; `anchor` and `remaining` are how far the rule
    has come (`scheduled.recurrence.Place`). The columns `last_…` tell of the newest sending. `log_id` is where the log
    tells the text; once nothing more is to be sent there is none, neither here nor there.
    """

    __tablename__ = "scheduled_message"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID
    channel_id: UUID
    author_id: UUID
    client_msg_id: UUID
    thread_id: UUID | None = None
    also_in_channel: bool = False
    text: str
    state: str = ScheduledState.SCHEDULED
    due_at: datetime = Field(sa_type=UtcTime)
    wake_at: datetime | None = Field(default=None, sa_type=UtcTime)
    rrule: str | None = None
    timezone: str | None = None
    starts_at: datetime | None = Field(default=None, sa_type=UtcTime)
    anchor: datetime | None = Field(default=None, sa_type=sa.DateTime)
    remaining: int | None = None
    error: str | None = None
    last_due_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_sent_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_message_id: UUID | None = None
    last_missed: int = 0
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    log_id: int | None = Field(default=None, sa_type=BigInteger)

    def view(self) -> ScheduledMessage:
        return ScheduledMessage(
            id=str(self.id),
            workspace_id=str(self.workspace_id),
            channel_id=str(self.channel_id),
            author_id=str(self.author_id),
            text=self.text,
            client_msg_id=str(self.client_msg_id),
            state=ScheduledState(self.state),
            send_at=self.due_at,
            created_at=self.created_at,
            updated_at=self.updated_at,
            thread_id=str(self.thread_id) if self.thread_id else None,
            also_in_channel=self.also_in_channel,
            recurrence=self.view_recurrence(),
            error=self.error,
            last=self._view_last(),
        )

    def view_recurrence(self) -> Recurrence | None:
        """None: it is sent once."""
        if self.rrule is None or self.timezone is None or self.starts_at is None:
            return None
        return Recurrence(rrule=self.rrule, timezone=self.timezone, starts_at=self.starts_at)

    def _view_last(self) -> Sending | None:
        if self.last_due_at is None or self.last_sent_at is None:
            return None
        return Sending(
            due_at=self.last_due_at,
            sent_at=self.last_sent_at,
            message_id=str(self.last_message_id),
            missed=self.last_missed,
        )


class ReminderRow(SQLModel, table=True):
    """One for each person and message."""

    __tablename__ = "reminder"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID
    message_id: UUID
    workspace_id: UUID
    channel_id: UUID
    state: str = ReminderState.PENDING
    due_at: datetime = Field(sa_type=UtcTime)
    wake_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcTime)

    def view(self) -> Reminder:
        return Reminder(
            id=str(self.id),
            workspace_id=str(self.workspace_id),
            channel_id=str(self.channel_id),
            message_id=str(self.message_id),
            remind_at=self.due_at,
            state=ReminderState(self.state),
            created_at=self.created_at,
            completed_at=self.completed_at,
        )
