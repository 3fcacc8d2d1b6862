"""What was answered to requests that carried an `Idempotency-Key`."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import UtcTime, now


class IdempotencyKeyRow(SQLModel, table=True):
    """`asked` is a digest of method, address and body, `answer` the body as it was sent. Neither ever changes."""

    __tablename__ = "idempotency_key"  # pyright: ignore[reportAssignmentType]

    user_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True)
    asked: bytes
    status: int
    answer: bytes
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
