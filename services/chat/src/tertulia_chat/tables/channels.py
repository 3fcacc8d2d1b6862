"""Channels and who is in them.

`last_seq` is the channel's gap-free sequence: whoever changes the channel takes the next number under this row's lock,
so the order of numbers is the order of commits.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import UtcTime, new_id, now
from tertulia_shared.events import Channel, ChannelKind, ChannelPreferences, NotificationLevel, Posting

DIRECT_KINDS = frozenset({ChannelKind.DM, ChannelKind.GROUP_DM})


GENERAL = "general"
"""The channel that a workspace begins with."""


class ChannelRow(SQLModel, table=True):
    """`people_key` names a direct channel by its people; `last_left_seq` is the number of the newest departure or loss
    of a right, `member_count` follows every joining and leaving. Only a public channel is a default one. `slow_mode_s`
    seconds pass between two messages of one person; 0: as fast as they type.

    A deleted channel is a private one that nobody is in or can come into (`membership.delete_channel`)."""

    __tablename__ = "channel"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID
    kind: str
    name: str | None = None
    people_key: str | None = None
    topic: str = ""
    created_by: UUID
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    archived_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_seq: int = Field(default=0, sa_type=BigInteger)
    last_msg_seq: int = Field(default=0, sa_type=BigInteger)
    last_left_seq: int = Field(default=0, sa_type=BigInteger)
    member_count: int = 0
    purpose: str = ""
    posting: str = Posting.EVERYONE
    is_default: bool = False
    slow_mode_s: int = 0

    @property
    def is_direct(self) -> bool:
        return self.kind in DIRECT_KINDS

    @property
    def is_deleted(self) -> bool:
        return self.name == self.name_when_deleted

    @property
    def name_when_deleted(self) -> str:
        """No channel can be given this name, and each has another."""
        return f"!{self.id}"

    def view(self, member_ids: Sequence[UUID] = ()) -> Channel:
        """`member_ids` are shown for direct channels only."""
        return Channel(
            id=str(self.id),
            workspace_id=str(self.workspace_id),
            kind=ChannelKind(self.kind),
            name=self.name,
            topic=self.topic,
            created_by=str(self.created_by),
            created_at=self.created_at,
            archived_at=self.archived_at,
            last_seq=self.last_seq,
            last_msg_seq=self.last_msg_seq,
            member_ids=sorted(map(str, member_ids)) if self.is_direct else None,
            purpose=self.purpose,
            posting=Posting(self.posting),
            is_default=self.is_default,
            slow_mode_s=self.slow_mode_s,
        )


class DeletedChannelRow(SQLModel, table=True):
    """A channel that was deleted, until nothing is left of it but its row (`purge`). Up to its number `log_seq` the
    event log has lost what was said."""

    __tablename__ = "deleted_channel"  # pyright: ignore[reportAssignmentType]

    channel_id: UUID = Field(primary_key=True)
    workspace_id: UUID
    deleted_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    log_seq: int = Field(default=0, sa_type=BigInteger)


class ChannelMemberRow(SQLModel, table=True):
    """`joined_seq` is the `ch_seq` of the joining, `read_seq` how far the person has read; the last three are wishes.

    `workspace_id` repeats the channel's, so that "my channels here" is one index.
    """

    __tablename__ = "channel_member"  # pyright: ignore[reportAssignmentType]

    channel_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    workspace_id: UUID
    role: str
    joined_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    joined_seq: int = Field(sa_type=BigInteger)
    read_seq: int = Field(default=0, sa_type=BigInteger)
    level: str = NotificationLevel.MENTIONS
    muted: bool = False
    section: str | None = None

    def view_preferences(self) -> ChannelPreferences:
        return ChannelPreferences(level=NotificationLevel(self.level), muted=self.muted, section=self.section)
