"""What is laid on people, who wrote last in a slow channel, what was reported, and what people were told of it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import UtcTime, new_id, now
from tertulia_shared.events import MessageReport, Notice, NoticeKind, ReportCategory, ReportOutcome, ReportState


class SanctionKind(StrEnum):
    BAN = "ban"
    """Neither in the place nor, if it is a public channel, reading it."""
    MUTE = "mute"
    """In the place without a word."""


class SanctionRow(SQLModel, table=True):
    """What holds of somebody in a place: a channel or, for all of it, the workspace.

    After `until` it is as though it were not there; None: until it is lifted, for bans only.
    """

    __tablename__ = "sanction"  # pyright: ignore[reportAssignmentType]

    place_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    workspace_id: UUID
    until: datetime | None = Field(default=None, sa_type=UtcTime)
    reason: str
    laid_by: UUID
    laid_at: datetime = Field(default_factory=now, sa_type=UtcTime)


class SlowModeTurnRow(SQLModel, table=True):
    """When somebody last wrote in a slow channel, by the database's clock. See `slow_mode`."""

    __tablename__ = "slow_mode_turn"  # pyright: ignore[reportAssignmentType]

    channel_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    sent_at: datetime = Field(sa_type=UtcTime)
    interval_s: int
    early: bool = False


class ReportRow(SQLModel, table=True):
    """`text` is what the message said when it was reported, `note` what its reporter says; a decision takes both."""

    __tablename__ = "report"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID
    channel_id: UUID
    message_id: UUID
    author_id: UUID
    reporter_id: UUID
    category: str
    note: str | None = None
    text: str | None = None
    state: str = ReportState.OPEN
    outcome: str | None = None
    resolved_by: UUID | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)

    def view(self) -> MessageReport:
        return MessageReport(
            id=str(self.id),
            workspace_id=str(self.workspace_id),
            channel_id=str(self.channel_id),
            message_id=str(self.message_id),
            author_id=str(self.author_id),
            reporter_id=str(self.reporter_id),
            category=ReportCategory(self.category),
            state=ReportState(self.state),
            outcome=ReportOutcome(self.outcome) if self.outcome else None,
            resolved_by=str(self.resolved_by) if self.resolved_by else None,
            resolved_at=self.resolved_at,
            created_at=self.created_at,
        )


class NoticeRow(SQLModel, table=True):
    """What somebody was told of a deed against them. It outlives their seat and says who did it to nobody."""

    __tablename__ = "notice"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID
    workspace_id: UUID
    channel_id: UUID | None = None
    message_id: UUID | None = None
    kind: str
    reason: str
    until: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)

    def view(self) -> Notice:
        return Notice(
            id=str(self.id),
            workspace_id=str(self.workspace_id),
            channel_id=str(self.channel_id) if self.channel_id else None,
            message_id=str(self.message_id) if self.message_id else None,
            kind=NoticeKind(self.kind),
            reason=self.reason,
            until=self.until,
            created_at=self.created_at,
        )
