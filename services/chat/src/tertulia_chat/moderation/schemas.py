"""What the addresses of moderation take and answer."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from tertulia_shared.edge import Body
from tertulia_shared.events import MessageReport, Notice, ReportCategory, ReportOutcome, User, View

MAX_REASON = 500
MAX_NOTE = 1000

# PostgreSQL holds no NUL.
Reason = Annotated[str, Meta(max_length=MAX_REASON, pattern=r"^[^\x00]*$", description="Told to the person.")]
Time = Annotated[datetime, Meta(tz=True)]


class Kick(Body, frozen=True, kw_only=True):
    reason: Reason = ""


class LayBan(Body, frozen=True, kw_only=True):
    """`until` null: until it is lifted."""

    until: Time | None = None
    reason: Reason = ""


class LayMute(Body, frozen=True, kw_only=True):
    until: Time
    reason: Reason = ""


class Sanction(View, frozen=True, kw_only=True):
    """A ban or a mute that holds now, of one person in one place. `until` null: until it is lifted."""

    user: User
    until: datetime | None
    reason: str
    laid_by: str
    laid_at: datetime


class SanctionPage(View, frozen=True, kw_only=True):
    items: list[Sanction]
    next: str | None


class FileReport(Body, frozen=True, kw_only=True):
    category: ReportCategory
    note: Annotated[str, Meta(max_length=MAX_NOTE, pattern=r"^[^\x00]*$")] | None = None


class FiledReport(View, frozen=True, kw_only=True):
    report: MessageReport


class ReportedMessage(View, frozen=True, kw_only=True):
    """A report, and while it is open what the message said when it was reported and what the reporter says."""

    report: MessageReport
    text: str | None
    note: str | None


class ReportPage(View, frozen=True, kw_only=True):
    items: list[ReportedMessage]
    next: str | None


class ResolveReport(Body, frozen=True, kw_only=True):
    """`reason` is for the audit log."""

    outcome: ReportOutcome
    reason: Annotated[str, Meta(max_length=MAX_REASON, pattern=r"^[^\x00]*$")] = ""


class NoticePage(View, frozen=True, kw_only=True):
    items: list[Notice]
    next: str | None
