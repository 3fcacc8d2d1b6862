"""What the addresses of reminders take and answer."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from tertulia_shared.edge import Body
from tertulia_shared.events import Message, Reminder, ReminderSubject, View

Time = Annotated[datetime, Meta(tz=True, description="Up to a year ahead.")]


class ReminderFilter(StrEnum):
    OPEN = "open"
    """Pending or due."""
    COMPLETED = "completed"


class SetReminder(Body, frozen=True, kw_only=True):
    remind_at: Time


class ChangeReminder(Body, frozen=True, kw_only=True):
    """What is absent stays. Another time lets it ring again; `completed` ends it, or takes that back."""

    remind_at: Time | UnsetType = UNSET
    completed: bool | UnsetType = UNSET


class PresentReminder(View, frozen=True, kw_only=True):
    reminder: Reminder


class ListedReminder(View, frozen=True, kw_only=True):
    """`message` is given as long as it is there for me to read."""

    reminder: Reminder
    subject: ReminderSubject
    message: Message | None


class ReminderPage(View, frozen=True, kw_only=True):
    items: list[ListedReminder]
    next: str | None
