"""What people follow, and who is mentioned where."""

from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

EVERYBODY = UUID(int=0)
"""Stands in `mention.user_id` for an audience."""


class ThreadFollowRow(SQLModel, table=True):
    """That somebody follows a thread and how far they have read it; or, with `following` false, that they said no."""

    __tablename__ = "thread_follow"  # pyright: ignore[reportAssignmentType]

    thread_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    channel_id: UUID
    workspace_id: UUID
    following: bool
    read_seq: int = Field(sa_type=BigInteger)


class MentionRow(SQLModel, table=True):
    """`message.mentions` and `message.audience` by person; never of the author. PostgreSQL keeps it by a trigger."""

    __tablename__ = "mention"  # pyright: ignore[reportAssignmentType]

    workspace_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    message_id: UUID = Field(primary_key=True)
    channel_id: UUID
    ch_seq: int = Field(sa_type=BigInteger)
    author_id: UUID
    thread_id: UUID | None = None
    in_channel: bool
