"""What the addresses of scheduled messages take and answer."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from tertulia_chat.scheduled.rules import MAX_RULE
from tertulia_shared.edge import Body
from tertulia_shared.events import Message, ScheduledMessage, View

MAX_TEXT = 16_000
"""As long as a message may be."""

Text = Annotated[
    str,
    Meta(pattern=r"\S", min_length=1, max_length=MAX_TEXT, description="1 to 16,000 characters, not only white space."),
]
Time = Annotated[datetime, Meta(tz=True, description="Up to a year ahead.")]


class ScheduledFilter(StrEnum):
    OPEN = "open"
    """Still to be sent, paused or failed."""
    SENT = "sent"


class WishedRecurrence(Body, frozen=True, kw_only=True):
    """The rule counts on the wall clock of `timezone` from `starts_at` on, in whole seconds. `starts_at` itself is an
    occurrence only if the rule names it."""

    rrule: Annotated[str, Meta(min_length=1, max_length=MAX_RULE, description="An RFC 5545 rule: FREQ=DAILY …")]
    timezone: Annotated[str, Meta(min_length=1, max_length=64, description="An IANA name: Europe/Madrid …")]
    starts_at: Time


class ScheduleMessage(Body, frozen=True, kw_only=True):
    """Either `send_at` or `recurrence`. Scheduling again with the same `client_msg_id` answers with what there is."""

    channel_id: UUID
    text: Text
    client_msg_id: UUID
    thread_id: UUID | None = None
    also_in_channel: bool = False
    send_at: Time | None = None
    recurrence: WishedRecurrence | None = None


class ChangeScheduled(Body, frozen=True, kw_only=True):
    """What is absent stays. Another time, by `send_at` or `recurrence`, also takes up again what was paused or has
    failed; `paused` false takes up a recurring message with its next time."""

    text: Text | UnsetType = UNSET
    send_at: Time | UnsetType = UNSET
    recurrence: WishedRecurrence | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class Scheduled(View, frozen=True, kw_only=True):
    scheduled: ScheduledMessage


class SentNow(View, frozen=True, kw_only=True):
    scheduled: ScheduledMessage
    message: Message


class ScheduledPage(View, frozen=True, kw_only=True):
    items: list[ScheduledMessage]
    next: str | None
