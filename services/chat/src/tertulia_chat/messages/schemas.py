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
    """Sending again with the same `client_msg_id` is safe: it answers with the first one's message."""

    text: Text
    client_msg_id: UUID


class SentMessage(View, frozen=True, kw_only=True):
    message: Message


class MessagePage(View, frozen=True, kw_only=True):
    """Ascending by `ch_seq`."""

    items: list[Message]
    has_before: bool
    has_after: bool


class EventPage(View, frozen=True, kw_only=True):
    """`items` are the events' envelopes as they were published; `last_seq` is the channel's newest number."""

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
