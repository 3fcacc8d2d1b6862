"""What other services are told to build or to check their projections."""

from datetime import datetime

from tertulia_shared.events import Message, View


class ExportedMessages(View, frozen=True, kw_only=True):
    """Ascending by id, as they are now; deleted ones have no text. `next` is null at the end."""

    items: list[Message]
    next: str | None


class MessageCount(View, frozen=True, kw_only=True):
    workspace_id: str
    messages: int


class MessageCounts(View, frozen=True, kw_only=True):
    """What people and the bot wrote, without deleted messages, and without workspaces that have none."""

    items: list[MessageCount]


class EventDigest(View, frozen=True, kw_only=True):
    """The events of one type in one hour of their envelopes' time: how many, and the exclusive or of the last eight
    bytes of their ids as a signed number in decimal."""

    hour: datetime
    type: str
    count: int
    xor: str


class EventDigests(View, frozen=True, kw_only=True):
    items: list[EventDigest]


class EventIds(View, frozen=True, kw_only=True):
    ids: list[str]


class EventBounds(View, frozen=True, kw_only=True):
    """The time of the first event that the log still holds. Its hour may be there in part only."""

    oldest: datetime | None
