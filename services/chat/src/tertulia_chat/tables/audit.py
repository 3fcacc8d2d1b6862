"""What was done, and what was refused, in governing a workspace."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import Json, UtcTime, new_id


class AuditRow(SQLModel, table=True):
    """One entry; it never changes. Of a refusal only `times` rises, within its minute `denied_in`.

    `id` orders the log, and `at` is when it was drawn: what lies between two times is found by ids.
    """

    __tablename__ = "audit_log"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID
    at: datetime = Field(sa_type=UtcTime)
    actor_id: UUID
    action: str
    outcome: str = "done"
    target_type: str
    target_id: str
    channel_id: UUID | None = None
    before: dict[str, Any] | None = Field(default=None, sa_type=Json)
    after: dict[str, Any] | None = Field(default=None, sa_type=Json)
    reason: str | None = None
    address: str | None = None
    request_id: str | None = None
    times: int = 1
    denied_in: datetime | None = Field(default=None, sa_type=UtcTime)
