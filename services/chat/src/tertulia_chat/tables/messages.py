"""Messages. They are written by one statement (`messages/statement.py`) or in bulk by an import; read through here."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import Json, UtcTime
from tertulia_shared.events import AiMark, Message


class MessageRow(SQLModel, table=True):
    """`changed_seq` is the number of the newest event that tells the text; None: of the message's sending.

    `ai` is given for answers of the bot. A deleted message has neither text nor `ai`.
    """

    __tablename__ = "message"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    workspace_id: UUID
    channel_id: UUID
    ch_seq: int
    author_id: UUID
    client_msg_id: UUID
    text: str
    thread_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    edited_at: datetime | None = Field(default=None, sa_type=UtcTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ai: dict[str, Any] | None = Field(default=None, sa_type=Json)
    changed_seq: int | None = None

    def view(self) -> Message:
        return Message(
            id=str(self.id),
            workspace_id=str(self.workspace_id),
            channel_id=str(self.channel_id),
            ch_seq=self.ch_seq,
            author_id=str(self.author_id),
            text=self.text,
            client_msg_id=str(self.client_msg_id),
            created_at=self.created_at,
            thread_id=str(self.thread_id) if self.thread_id else None,
            edited_at=self.edited_at,
            deleted_at=self.deleted_at,
            ai=msgspec.convert(self.ai, AiMark) if self.ai else None,
        )
