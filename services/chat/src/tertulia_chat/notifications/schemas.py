"""What the notification addresses take and answer."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from tertulia_shared.edge import Body
from tertulia_shared.events import Message, Notification, View

MAX_KEYWORDS = 20
Keyword = Annotated[str, Meta(min_length=1, max_length=50, description="A word, or several; in any script.")]


class PutKeywords(Body, frozen=True, kw_only=True):
    """All that I watch for. Whole words, whatever their case. What is the same twice is kept once."""

    keywords: Annotated[list[Keyword], Meta(max_length=MAX_KEYWORDS)]


class Keywords(View, frozen=True, kw_only=True):
    keywords: list[str]


class MarkSeen(Body, frozen=True, kw_only=True):
    """I have seen my notifications up to this one. One that comes before what I have seen is ignored."""

    id: UUID


class Seen(View, frozen=True, kw_only=True):
    """As `notifications.read` tells it. None: I have seen none."""

    read_id: str | None


class NotificationItem(View, frozen=True, kw_only=True):
    """`read`: up to `read_id` of the page, or up to how far I have read the message's channel or thread.

    `message` is as it is now.
    """

    notification: Notification
    message: Message
    read: bool


class NotificationPage(View, frozen=True, kw_only=True):
    """The newest first."""

    items: list[NotificationItem]
    next: str | None
    read_id: str | None
