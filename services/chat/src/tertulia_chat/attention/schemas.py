"""What the attention addresses take and answer."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from tertulia_shared.edge import Body
from tertulia_shared.events import Message, NotificationLevel, View

Section = Annotated[str, Meta(pattern=r"\S", min_length=1, max_length=64)]


class MarkRead(Body, frozen=True, kw_only=True):
    """A number beyond the channel's newest counts as that one. A smaller one than before is ignored.

    With `exact` it is taken as it is: "mark unread from here" is the number before the message.
    """

    seq: Annotated[int, Meta(ge=0, le=2**53, description="A `ch_seq`: everything up to it is read.")]
    exact: bool = False


class ReadState(View, frozen=True, kw_only=True):
    """As `read.updated` tells it: how far I have read, and what is left above that (1000: or more)."""

    channel_id: str
    thread_id: str | None
    read_seq: int
    unread: int
    mentions: int


class Count(View, frozen=True, kw_only=True):
    unread: int
    mentions: int


class ChannelUnread(View, frozen=True, kw_only=True):
    """`unread` and `mentions` go up to 1000, which means "or more"."""

    channel_id: str
    read_seq: int
    last_seq: int
    unread: int
    mentions: int
    muted: bool


class Unread(View, frozen=True, kw_only=True):
    """`channels` are those where something is unread, `threads` sums up those that I follow.

    `total` sums up the channels: unread messages where I did not mute them, and mentions everywhere.
    """

    channels: list[ChannelUnread]
    threads: Count
    total: Count


class ChannelCursor(View, frozen=True, kw_only=True):
    channel_id: str
    read_seq: int


class ThreadCursor(View, frozen=True, kw_only=True):
    thread_id: str
    channel_id: str
    read_seq: int


class FormerCursors(View, frozen=True, kw_only=True):
    """How far I had read where this changed. Marking each as read up to there, `exact`, undoes it."""

    channels: list[ChannelCursor]
    threads: list[ThreadCursor]


class MentionPage(View, frozen=True, kw_only=True):
    """The newest first."""

    items: list[Message]
    next: str | None


class PatchPreferences(Body, frozen=True, kw_only=True):
    """What is absent stays. `section` is the sidebar section that I put the channel in: 1 to 64 characters, or null."""

    level: NotificationLevel | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    section: Section | UnsetType | None = UNSET
