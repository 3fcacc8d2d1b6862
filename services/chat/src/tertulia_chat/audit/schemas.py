"""What the audit log's addresses answer."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from tertulia_shared.events import View


class Outcome(StrEnum):
    DONE = "done"
    DENIED = "denied"


class AuditFormat(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


class AuditEntry(View, frozen=True, kw_only=True):
    """What somebody did, or tried to and was refused, `times` within a minute. `before` and `after`: what changed."""

    id: str
    at: datetime
    actor_id: str
    action: str
    outcome: Outcome
    target_type: str
    target_id: str
    channel_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    address: str | None
    request_id: str | None
    times: int


class AuditPage(View, frozen=True, kw_only=True):
    """The newest first."""

    items: list[AuditEntry]
    next: str | None
