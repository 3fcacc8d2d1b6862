"""The public views of the things that a conversation is made of. Events and API answers share them."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a person may do in a workspace, strongest first."""

    OWNER = "owner"
    ADMIN = "admin"
    MODERATOR = "moderator"
    MEMBER = "member"
    GUEST = "guest"


class ChannelKind(StrEnum):
    """Who may find and read a channel."""

    PUBLIC = "public"
    PRIVATE = "private"
    DM = "dm"
    GROUP_DM = "group_dm"


class UserKind(StrEnum):
    PERSON = "person"
    BOT = "bot"


BOT_USER_ID = "00000000-0000-7000-8000-000000000001"
"""The installation's bot. It belongs to every workspace, has no password and no session, and writes only the answers
that somebody with a seat in the channel asked for."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all public views; later fields need defaults."""


class Status(View, frozen=True, kw_only=True):
    """What somebody says of themselves for a while: an emoji, a text, or both.

    It is over at `until`. No event says so: whoever shows it looks at the clock.
    """

    emoji: str | None = None
    text: str = ""
    until: datetime | None = None


class PresenceWish(StrEnum):
    """How somebody wants to appear to others."""

    AUTO = "auto"
    """As they are."""
    AWAY = "away"
    """Away whenever they are there."""
    OFFLINE = "offline"
    """As if they were not there."""


class QuietHours(View, frozen=True, kw_only=True):
    """Every day from one time of the person's clock (`22:00`) to another; over midnight if `ends` comes first."""

    starts: str
    ends: str


class PresenceSettings(View, frozen=True, kw_only=True):
    """What nobody but the person sees. Until `dnd_until`, and in their quiet hours, they do not want to be notified.

    `time_zone` is where their clock is (an IANA name), null as long as nobody said.
    """

    state: PresenceWish = PresenceWish.AUTO
    dnd_until: datetime | None = None
    time_zone: str | None = None
    quiet_hours: QuietHours | None = None


class User(View, frozen=True, kw_only=True):
    """A person's public profile: what everyone who shares a workspace sees."""

    id: str
    username: str
    display_name: str
    created_at: datetime
    deactivated_at: datetime | None = None
    kind: UserKind = UserKind.PERSON
    status: Status | None = None


class HistoryPolicy(StrEnum):
    """Which former texts of messages a workspace keeps for those who may read the message."""

    OFF = "off"
    EDITS = "edits"
    ALL = "all"
    """Also the last text of a deleted message."""


class Workspace(View, frozen=True, kw_only=True):
    """The tenant: everything else belongs to exactly one.

    `permissions` says of each permission which role has it at least; empty: not told.
    """

    id: str
    name: str
    slug: str
    created_by: str
    created_at: datetime
    history_policy: HistoryPolicy = HistoryPolicy.EDITS
    permissions: dict[str, Role] = {}


class Posting(StrEnum):
    """Who writes in a channel."""

    EVERYONE = "everyone"
    ADMINS = "admins"
    """An announcement channel: its owner and the workspace's admins write, everybody else reads."""


class Channel(View, frozen=True, kw_only=True):
    """A place for messages. `member_ids` is given for DMs and group DMs, where the people are the name.

    `last_seq` numbers every change of the channel, `last_msg_seq` is the `ch_seq` of the newest message that somebody
    wrote. Everybody who comes into the workspace joins its `is_default` channels.
    """

    id: str
    workspace_id: str
    kind: ChannelKind
    name: str | None
    topic: str
    created_by: str
    created_at: datetime
    archived_at: datetime | None = None
    last_seq: int = 0
    last_msg_seq: int = 0
    member_ids: list[str] | None = None
    purpose: str = ""
    posting: Posting = Posting.EVERYONE
    is_default: bool = False
    slow_mode_s: int = 0
    """Seconds that pass between two messages of one person; 0: as fast as they type."""


class Reaction(View, frozen=True, kw_only=True):
    """Absolute: who has this reaction now."""

    emoji: str
    user_ids: list[str]


class Citation(View, frozen=True, kw_only=True):
    """A message that an answer rests on. `n` is its number in the answer's text, written `[n]`."""

    n: int
    message_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    created_at: datetime
    quote: str


class AiMark(View, frozen=True, kw_only=True):
    """What makes a message an answer of the bot: which run wrote it, for whom, with what, resting on what.

    `prompt` is what was asked, as it was typed. `stopped` says that somebody ended the answer early.
    """

    run_id: str
    asker_id: str
    command: str
    prompt: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    duration_ms: int
    citations: list[Citation] = []
    stopped: bool = False


class ThreadSummary(View, frozen=True, kw_only=True):
    """What stands under the first message of a thread, in absolute numbers. `last_repliers`: the newest first, at most
    five. Deleted replies do not count."""

    reply_count: int
    last_reply_seq: int
    last_reply_at: datetime | None = None
    last_repliers: list[str] = []


class Origin(View, frozen=True, kw_only=True):
    """Where a forwarded message comes from: the one that was forwarded, and who wrote it when."""

    message_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    created_at: datetime


class Pin(View, frozen=True, kw_only=True):
    by: str
    at: datetime


class Audience(StrEnum):
    """Whom a message mentions at once."""

    CHANNEL = "channel"
    HERE = "here"


class SystemKind(StrEnum):
    """What happened in a channel, of all that it says by itself."""

    JOINED = "joined"
    ADDED = "added"
    LEFT = "left"
    REMOVED = "removed"
    RENAMED = "renamed"
    TOPIC_CHANGED = "topic_changed"
    PURPOSE_CHANGED = "purpose_changed"
    BECAME_PRIVATE = "became_private"
    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"
    PINNED = "pinned"
    OTHER = "other"
    """Something that this release does not know yet: the message's text says it."""

    @classmethod
    def _missing_(cls, value: object) -> "SystemKind":
        return cls.OTHER


class SystemNote(View, frozen=True, kw_only=True):
    """What makes a message one that nobody wrote. Clients say it in their own words, by `kind`; the message's text is
    the same in English.

    `user_ids` are whom it is about (joined, added, left, removed), at most a hundred of `count`. `before` and `after`
    are the former and the new name, topic or purpose; `message_id` is what was pinned.
    """

    kind: SystemKind
    user_ids: list[str] = []
    count: int = 0
    before: str | None = None
    after: str | None = None
    message_id: str | None = None


class Message(View, frozen=True, kw_only=True):
    """`ch_seq` orders messages within a channel; ids are UUIDv7 and only roughly follow time.

    An edit or a deletion is a change of the channel with a `ch_seq` of its own; the message keeps the one it was sent
    with. A deleted message has an empty text, no AI mark and nothing that was read out of the text. `thread_id` is the
    id of the thread's first message; `in_channel` is true for a reply that was also sent to the channel.

    Read out of the text: `mentions` (people of the workspace), `audience` (`@channel`, `@here`), `channels` (channels
    that it names), `messages` (messages that it points at, by their permanent links), `links`.

    With `system` nobody wrote it: the channel says what `author_id` did. It is never unread, nobody answers to it, and
    it may change while nothing else is said: people who join one after the other stand in one.
    """

    id: str
    workspace_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    text: str
    client_msg_id: str
    created_at: datetime
    thread_id: str | None = None
    mentions: list[str] = []
    reactions: list[Reaction] = []
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    ai: AiMark | None = None
    audience: Audience | None = None
    channels: list[str] = []
    messages: list[str] = []
    links: list[str] = []
    in_channel: bool = False
    thread: ThreadSummary | None = None
    forwarded: Origin | None = None
    pinned: Pin | None = None
    system: SystemNote | None = None


class NotificationLevel(StrEnum):
    """What of a channel someone wants to be told of."""

    ALL = "all"
    MENTIONS = "mentions"
    NONE = "none"


class ChannelPreferences(View, frozen=True, kw_only=True):
    """One person's wishes about one channel. A muted channel is never bold; mentions in it count all the same."""

    level: NotificationLevel = NotificationLevel.MENTIONS
    muted: bool = False
    section: str | None = None
    """The sidebar section that the person put it in."""


class NotificationReason(StrEnum):
    """Why somebody is told of a message. Of several the first one here is the reason."""

    MENTION = "mention"
    AUDIENCE = "audience"
    THREAD_REPLY = "thread_reply"
    """In a thread that they follow."""
    DIRECT = "direct"
    KEYWORD = "keyword"
    ALL = "all"
    """They want to be told of everything in the channel."""


class Notification(View, frozen=True, kw_only=True):
    """That one person is told of one message, once. It repeats nothing of what the message says.

    `ch_seq` and `thread_id` are the message's. Ids are ascending, in the order of deciding. `silent`: they did not want
    to be notified at that moment, so nothing rings; it is shown and counted like any other.
    """

    id: str
    channel_id: str
    message_id: str
    ch_seq: int
    thread_id: str | None
    reason: NotificationReason
    created_at: datetime
    silent: bool = False


class Draft(View, frozen=True, kw_only=True):
    """What somebody has written and not sent, the same on all their devices."""

    channel_id: str
    thread_id: str | None
    text: str
    updated_at: datetime


class SectionKind(StrEnum):
    """What a section of the sidebar holds. The built-in ones are there once, in the person's order."""

    STARRED = "starred"
    CHANNELS = "channels"
    """Also every channel that the person put nowhere."""
    DIRECT = "direct"
    """Also every direct conversation that the person put nowhere."""
    CUSTOM = "custom"


class SidebarSection(View, frozen=True, kw_only=True):
    """`id` is the section's own for as long as it exists; a built-in one is named by its kind and has no `name`."""

    id: str
    kind: SectionKind
    name: str | None = None
    channel_ids: list[str] = []
    collapsed: bool = False


class Sidebar(View, frozen=True, kw_only=True):
    """How one person arranged a workspace's channels. `version` rises with each change; 0: nothing was arranged yet.

    It names only channels that the person is in, each at most once. Who leaves a channel takes it out of its section.
    """

    version: int
    sections: list[SidebarSection]


class NoticeKind(StrEnum):
    """What somebody was told of."""

    KICKED = "kicked"
    BANNED = "banned"
    MUTED = "muted"
    MESSAGE_DELETED = "message_deleted"


class Notice(View, frozen=True, kw_only=True):
    """A deed of the moderators against a person, as that person is told: not by whom. `channel_id` None: in all of the
    workspace. `until` None: for good, or over at once."""

    id: str
    workspace_id: str
    channel_id: str | None
    kind: NoticeKind
    reason: str
    created_at: datetime
    until: datetime | None = None
    message_id: str | None = None


class ReportCategory(StrEnum):
    SPAM = "spam"
    HARASSMENT = "harassment"
    HATE = "hate"
    VIOLENCE = "violence"
    SEXUAL = "sexual"
    PRIVACY = "privacy"
    ILLEGAL = "illegal"
    OTHER = "other"


class ReportState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class ReportOutcome(StrEnum):
    """What became of a report."""

    DISMISSED = "dismissed"
    MESSAGE_DELETED = "message_deleted"
    PERSON_WARNED = "person_warned"
    PERSON_MUTED = "person_muted"
    PERSON_KICKED = "person_kicked"
    PERSON_BANNED = "person_banned"
    OTHER = "other"


class MessageReport(View, frozen=True, kw_only=True):
    """That somebody reported a message, without a word of either. The last three are given once it is resolved."""

    id: str
    workspace_id: str
    channel_id: str
    message_id: str
    author_id: str
    reporter_id: str
    category: ReportCategory
    state: ReportState
    created_at: datetime
    outcome: ReportOutcome | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None


class ScheduledState(StrEnum):
    SCHEDULED = "scheduled"
    PAUSED = "paused"
    """A recurring message that waits for its author: they paused it, or it could not be sent (`error`)."""
    FAILED = "failed"
    """Could not be sent; `error` says why."""
    SENT = "sent"
    """Nothing more is to be sent."""


class Recurrence(View, frozen=True, kw_only=True):
    """An RFC 5545 rule on the wall clock of an IANA zone, counted from `starts_at`."""

    rrule: str
    timezone: str
    starts_at: datetime


class Sending(View, frozen=True, kw_only=True):
    """One time that a scheduled message was sent: when it was due, and when it went out. `missed`: how many earlier
    times were left out, because nobody could send them when they were due."""

    due_at: datetime
    sent_at: datetime
    message_id: str
    missed: int = 0


class ScheduledMessage(View, frozen=True, kw_only=True):
    """What somebody has written to be sent later, once or again and again. `send_at` is when it is sent next, or was
    to be sent last. `error` is a stable code: what sending it by hand would have been answered. Once nothing more is
    to be sent the text is gone; the message `last` has it."""

    id: str
    workspace_id: str
    channel_id: str
    author_id: str
    text: str
    client_msg_id: str
    state: ScheduledState
    send_at: datetime
    created_at: datetime
    updated_at: datetime
    thread_id: str | None = None
    also_in_channel: bool = False
    recurrence: Recurrence | None = None
    error: str | None = None
    last: Sending | None = None


class ReminderState(StrEnum):
    PENDING = "pending"
    DUE = "due"
    COMPLETED = "completed"


class Reminder(View, frozen=True, kw_only=True):
    """Somebody wants to be reminded of a message. It says nothing of what the message says."""

    id: str
    workspace_id: str
    channel_id: str
    message_id: str
    remind_at: datetime
    state: ReminderState
    created_at: datetime
    completed_at: datetime | None = None


class ReminderSubject(StrEnum):
    """What there is of the message that a reminder is about."""

    THERE = "there"
    DELETED = "deleted"
    HIDDEN = "hidden"
    """The person may no longer read it."""


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Run(View, frozen=True, kw_only=True):
    """One AI answer on its way. `text` is what there is so far; `attempt` counts from 1 and rises when another process
    took over and began again. `error` is a stable code, given when the state is failed. `message_id` is the durable
    answer."""

    id: str
    workspace_id: str
    channel_id: str
    asker_id: str
    command: str
    prompt: str
    state: RunState
    created_at: datetime
    thread_id: str | None = None
    trigger_message_id: str | None = None
    attempt: int = 1
    text: str = ""
    model: str = ""
    citations: list[Citation] = []
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finished_at: datetime | None = None
    error: str | None = None
    message_id: str | None = None
