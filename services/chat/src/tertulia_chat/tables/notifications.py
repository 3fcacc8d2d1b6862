"""Who is told of which message, how far they have seen that, and the words that they watch for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import UtcTime
from tertulia_shared.events import Notification, NotificationReason


class NotificationRow(SQLModel, table=True):
    """One for each person and message, never a second one. `id` follows the order of deciding.

    `withdrawn_at` is set while the message is deleted, if it was unread then. `silent`: nothing rang.
    """

    __tablename__ = "notification"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    user_id: UUID
    workspace_id: UUID
    channel_id: UUID
    message_id: UUID
    ch_seq: int = Field(sa_type=BigInteger)
    thread_id: UUID | None = None
    reason: str
    created_at: datetime = Field(sa_type=UtcTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcTime)
    silent: bool = False

    def view(self) -> Notification:
        return Notification(
            id=str(self.id),
            channel_id=str(self.channel_id),
            message_id=str(self.message_id),
            ch_seq=self.ch_seq,
            thread_id=str(self.thread_id) if self.thread_id else None,
            reason=NotificationReason(self.reason),
            created_at=self.created_at,
            silent=self.silent,
        )


class NotificationCursorRow(SQLModel, table=True):
    """Everything up to `read_id` was seen."""

    __tablename__ = "notification_cursor"  # pyright: ignore[reportAssignmentType]

    user_id: UUID = Field(primary_key=True)
    workspace_id: UUID = Field(primary_key=True)
    read_id: UUID


class DecidedRow(SQLModel, table=True):
    """Who is told is decided for every change of the channel after `since` and up to `seq`. No row: from the start."""

    __tablename__ = "decided"  # pyright: ignore[reportAssignmentType]

    channel_id: UUID = Field(primary_key=True)
    since: int
    seq: int


class KeywordRow(SQLModel, table=True):
    """`written` is what is shown, `folded` what is looked for in a text, `lead` the first word of that."""

    __tablename__ = "keyword"  # pyright: ignore[reportAssignmentType]

    user_id: UUID = Field(primary_key=True)
    workspace_id: UUID = Field(primary_key=True)
    place: int = Field(primary_key=True)
    written: str
    folded: str
    lead: str
