"""What somebody marked for themselves alone. Marks that all see are in the message's row."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import UtcTime, new_id, now


class SavedMessageRow(SQLModel, table=True):
    """`id` follows the order of saving. Workspace and channel repeat the message's, so that a list needs one index."""

    __tablename__ = "saved_message"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID
    message_id: UUID
    workspace_id: UUID
    channel_id: UUID
    saved_at: datetime = Field(default_factory=now, sa_type=UtcTime)
