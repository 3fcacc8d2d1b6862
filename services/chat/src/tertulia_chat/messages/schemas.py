"""What the message addresses take and answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from tertulia_shared.edge import Body
from tertulia_shared.events import Message, View

MAX_TEXT = 16_000

Text = Annotated[
    str,
    Meta(pattern=r"\S", min_length=1, max_length=MAX_TEXT, description="1 to 16,000 characters, not only white space."),
]


class SendMessage(Body, frozen=True, kw_only=True):
    """Sending again with the same `client_msg_id` is safe: it answers with the first one's message.

    `thread_id` is the message that this one answers to: one of the same channel that is no reply itself. Such a reply
    can be shown in the channel as well.
    """

    text: Text
    client_msg_id: UUID
    thread_id: UUID | None = None
    also_in_channel: bool = False


class EditMessage(Body, frozen=True, kw_only=True):
    text: Text


class ForwardMessage(Body, frozen=True, kw_only=True):
    """Where to; forwarding again with the same `client_msg_id` answers with the first one's message."""

    channel_id: UUID
    client_msg_id: UUID
    thread_id: UUID | None = None


class SentMessage(View, frozen=True, kw_only=True):
    message: Message


class MessagePage(View, frozen=True, kw_only=True):
    """Ascending by `ch_seq`."""

    items: list[Message]
    has_before: bool
    has_after: bool


class Version(View, frozen=True, kw_only=True):
    """What a message said until `replaced_at`; the present text has no end yet."""

    number: int
    text: str
    replaced_at: datetime | None
    replaced_by: str | None


class HistoryPage(View, frozen=True, kw_only=True):
    """The oldest first, the present text last. `next` is the `after` of the next page."""

    items: list[Version]
    next: int | None


class EventPage(View, frozen=True, kw_only=True):
    """`items` are the events' envelopes; `last_seq` is the channel's newest number.

    An event whose message was edited or deleted since tells it with an empty text and `edited_at` or `deleted_at`.
    """

    items: list[msgspec.Raw]
    last_seq: int
    has_more: bool


class ImportedMessage(Body, frozen=True, kw_only=True):
    author_id: UUID
    text: Text
    created_at: datetime
    client_msg_id: UUID


class ImportMessages(Body, frozen=True, kw_only=True):
    """In the order they shall have in the channel."""

    messages: Annotated[list[ImportedMessage], Meta(min_length=1, max_length=500)]


class ImportResult(View, frozen=True, kw_only=True):
    """`skipped` were there already, by author and `client_msg_id`."""

    imported: int
    skipped: int
    last_seq: int
