"""What the thread addresses answer."""

from tertulia_shared.events import Message, View


class FollowedThread(View, frozen=True, kw_only=True):
    """`root` is its first message, with the thread's summary. `unread` and `mentions` are replies above `read_seq`, up
    to 1000, which means "or more"."""

    root: Message
    read_seq: int
    unread: int
    mentions: int


class ThreadPage(View, frozen=True, kw_only=True):
    """The one with the newest reply first."""

    items: list[FollowedThread]
    next: str | None
