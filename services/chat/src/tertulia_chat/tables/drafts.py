"""What people have written and not sent."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import UtcTime
from tertulia_shared.events import Draft


class DraftRow(SQLModel, table=True):
    """One for each person and place; a draft that is gone stays as an empty text.

    `place_id` is the first message of the thread, or the channel itself. `log_id` is where the log tells the text.
    """

    __tablename__ = "draft"  # pyright: ignore[reportAssignmentType]

    user_id: UUID = Field(primary_key=True)
    place_id: UUID = Field(primary_key=True)
    workspace_id: UUID
    channel_id: UUID
    text: str
    updated_at: datetime = Field(sa_type=UtcTime)
    log_id: int | None = Field(default=None, sa_type=BigInteger)

    @property
    def thread_id(self) -> UUID | None:
        return None if self.place_id == self.channel_id else self.place_id

    def view(self) -> Draft | None:
        """None: there is none."""
        if not self.text:
            return None
        return Draft(
            channel_id=str(self.channel_id),
            thread_id=str(self.thread_id) if self.thread_id else None,
            text=self.text,
            updated_at=self.updated_at,
        )
