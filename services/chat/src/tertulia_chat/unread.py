"""What is unread above a cursor, in SQL, for the rooms that show it.

Unread in a channel is every message with a greater number that is not mine, not deleted, and no reply; a reply that was
also sent to the channel is. Unread in a thread is every such reply. Of these, those count as mentions that name me or
an audience, and all of them in direct conversations. Reactions and edits make nothing unread.

Nothing is counted when somebody writes. Reading walks the entries of one index above the cursor, of two for mentions
(those by name and those by audience), and stops at `CAP` in each: then it says `CAP`, which means "at least as many".
So a channel or thread costs what is unread in it, and never more than that many entries, however far behind somebody
is. What I wrote above my own cursor is passed over besides. See docs/decisions/0012-unread.md.

Each function makes a scalar expression out of SQL expressions for who reads, where, and above which number.
"""

from tertulia_chat.tables import EVERYBODY

CAP = 1000


def unread_in_channel(me: str, channel: str, above: str) -> str:
    """Its condition is that of `message_unread_idx`."""
    return _count(f"""
        SELECT FROM message u
        WHERE u.channel_id = {channel} AND u.ch_seq > {above} AND u.author_id <> {me}
          AND u.deleted_at IS NULL AND (u.thread_id IS NULL OR u.in_channel)
    """)


def mentions_in_channel(me: str, channel: str, above: str) -> str:
    """Those by name or audience; in a direct conversation everything unread is one. In `mention_channel_idx`."""
    return _mentions(me, f"n.channel_id = {channel} AND (n.thread_id IS NULL OR n.in_channel)", above)


def unread_in_thread(me: str, thread: str, above: str) -> str:
    return _count(_replies(me, thread, above))


def any_unread_in_thread(me: str, thread: str, above: str) -> str:
    """Looks at one entry. As a count it would seem so dear to PostgreSQL that it took no care of anything else."""
    return f"EXISTS ({_replies(me, thread, above)})"


def mentions_in_thread(me: str, thread: str, above: str) -> str:
    """Those by name or audience; in a direct conversation everything unread is one. In `mention_thread_idx`."""
    return _mentions(me, f"n.thread_id = {thread}", above)


def direct(kind: str) -> str:
    """Whether everything unread counts as a mention."""
    return f"{kind} IN ('dm', 'group_dm')"


def _replies(me: str, thread: str, above: str) -> str:
    return f"""
        SELECT FROM message u
        WHERE u.thread_id = {thread} AND u.ch_seq > {above} AND u.author_id <> {me} AND u.deleted_at IS NULL
    """


def _mentions(me: str, among: str, above: str) -> str:
    """One for a message that names me and an audience. Each of the two stops by itself: their union is found whole."""

    def first(who: str) -> str:
        return f"""(
            SELECT n.ch_seq FROM mention n
            WHERE n.user_id = {who} AND {among} AND n.ch_seq > {above} AND n.author_id <> {me}
            ORDER BY n.ch_seq LIMIT {CAP}
        )"""  # noqa: S608 composed of expressions from our own statements

    everybody = f"'{EVERYBODY}'"
    return _count(f"{first(me)} UNION {first(everybody)}")


def _count(found: str) -> str:
    return f"(SELECT count(*) FROM ({found} LIMIT {CAP}) AS found)"  # noqa: S608 composed of the above
