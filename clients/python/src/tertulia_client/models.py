"""What the API answers, as frozen structs. Unknown fields are ignored, so that a newer server does not break this."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MODERATOR = "moderator"
    MEMBER = "member"
    GUEST = "guest"


class ChannelKind(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"
    DM = "dm"
    GROUP_DM = "group_dm"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says of themselves. It is over at `until`; no event says so."""

    emoji: str | None = None
    text: str = ""
    until: datetime | None = None


class PresenceWish(StrEnum):
    """How somebody wants to appear."""

    AUTO = "auto"
    AWAY = "away"
    OFFLINE = "offline"


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """Every day from one time of the person's clock (`22:00`) to another; over midnight if `ends` comes first."""

    starts: str
    ends: str


class PresenceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Known to nobody but the person. Until `dnd_until`, and in their quiet hours, they do not want to be notified."""

    state: PresenceWish = PresenceWish.AUTO
    dnd_until: datetime | None = None
    time_zone: str | None = None
    quiet_hours: QuietHours | None = None


class PresenceState(StrEnum):
    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


class PersonState(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    state: PresenceState


class User(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    username: str
    display_name: str
    created_at: datetime
    deactivated_at: datetime | None = None
    kind: str = "person"
    """`person` or `bot`."""
    status: Status | None = None


class Me(User, frozen=True, kw_only=True):
    email: str
    preferences: dict[str, Any] = {}
    presence: PresenceSettings = PresenceSettings()


class AuthResult(msgspec.Struct, frozen=True, kw_only=True):
    user: Me
    access_token: str
    token_type: str
    expires_in: float
    """Seconds."""
    refresh_token: str | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created_at: datetime
    last_used_at: datetime
    current: bool
    user_agent: str | None = None
    ip: str | None = None


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    slug: str
    created_by: str
    created_at: datetime
    history_policy: str = "edits"
    """Which former texts are kept: `off`, `edits` or `all`."""
    permissions: dict[str, Role] = {}
    """The least role that has each."""


class WorkspaceMembership(msgspec.Struct, frozen=True, kw_only=True):
    """One of my workspaces."""

    workspace: Workspace
    role: Role


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a workspace or in a channel."""

    user: User
    role: Role
    joined_at: datetime
    muted_until: datetime | None = None
    deactivated_at: datetime | None = None


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """`permissions` and `defaults`: the least role that has each; `lowest`: how far down it can be given."""

    permissions: dict[str, Role]
    defaults: dict[str, Role]
    lowest: dict[str, Role]
    mine: list[str]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did in governing a workspace, or tried to (`outcome` is `denied`, `times` within a minute)."""

    id: str
    at: datetime
    actor_id: str
    action: str
    outcome: str
    target_type: str
    target_id: str
    channel_id: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None
    address: str | None = None
    request_id: str | None = None
    times: int = 1


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    role: Role
    uses: int
    created_by: str
    created_at: datetime
    max_uses: int | None = None
    expires_at: datetime | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    workspace_id: str
    kind: ChannelKind
    name: str | None
    topic: str
    created_by: str
    created_at: datetime
    archived_at: datetime | None
    last_seq: int
    """`ch_seq` of the channel's last event of any kind."""
    last_msg_seq: int
    """How many messages the channel has had."""
    member_ids: list[str] | None = None
    """Who takes part; only for direct messages."""
    purpose: str = ""
    posting: str = "everyone"
    """`everyone` or, in an announcement channel, `admins`."""
    is_default: bool = False
    slow_mode_s: int = 0
    """Seconds between two messages of one person."""


class ChannelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as one member sees it."""

    channel: Channel
    joined: bool
    member_count: int


class ChannelPreferences(msgspec.Struct, frozen=True, kw_only=True):
    """My wishes about a channel; `level`: all, mentions or none."""

    level: str = "mentions"
    muted: bool = False
    section: str | None = None


class BootstrapChannel(ChannelSummary, frozen=True, kw_only=True):
    read_seq: int = 0
    unread: int = 0
    mentions: int = 0
    preferences: ChannelPreferences = ChannelPreferences()
    muted_until: datetime | None = None
    """Until when I am muted in this channel."""


class BootstrapMember(msgspec.Struct, frozen=True, kw_only=True):
    user: User
    role: Role
    muted_until: datetime | None = None
    """Until when they are muted in all of the workspace."""


class SidebarSection(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: starred, channels, direct, or custom, which has a name."""

    id: str
    kind: str
    name: str | None = None
    channel_ids: list[str] = []
    collapsed: bool = False


class Sidebar(msgspec.Struct, frozen=True, kw_only=True):
    """How I arranged a workspace's channels; `version` 0: not yet."""

    version: int
    sections: list[SidebarSection]


class FormerMember(msgspec.Struct, frozen=True, kw_only=True):
    """Who is deactivated; their messages are still there."""

    user: User
    deactivated_at: datetime


class Bootstrap(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a client needs to paint one workspace. `cursor` was taken before the data was read."""

    cursor: str | None
    me: Me
    workspace: Workspace
    role: Role
    channels: list[BootstrapChannel]
    members: list[BootstrapMember]
    server_time: datetime
    sidebar: Sidebar | None = None
    former: list[FormerMember] = []

    @property
    def positions(self) -> dict[str, int]:
        """Channel id → `ch_seq` up to which this bootstrap knows everything."""
        return {entry.channel.id: entry.channel.last_seq for entry in self.channels}


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A message that an AI answer rests on; `[n]` in the answer's text."""

    n: int
    message_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    created_at: datetime
    quote: str


class AiMark(msgspec.Struct, frozen=True, kw_only=True):
    """Which run wrote this message, for whom, with what, resting on what."""

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


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who has this reaction now."""

    emoji: str
    user_ids: list[str]


class ThreadSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What stands under the first message of a thread. `last_repliers`: the newest first."""

    reply_count: int
    last_reply_seq: int
    last_reply_at: datetime | None = None
    last_repliers: list[str] = []


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a forwarded message comes from."""

    message_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    created_at: datetime


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    by: str
    at: datetime


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    channel_id: str
    thread_id: str | None
    text: str
    updated_at: datetime


class SystemNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel says by itself: who joined, what it is called now. The message's text says the same in English."""

    kind: str
    user_ids: list[str] = []
    count: int = 0
    before: str | None = None
    after: str | None = None
    message_id: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`mentions`, `audience` (channel, here), `channels`, `messages` and `links` were read out of the text."""

    id: str
    workspace_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    text: str
    created_at: datetime
    client_msg_id: str | None = None
    thread_id: str | None = None
    mentions: list[str] = []
    reactions: list[Reaction] = []
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    ai: AiMark | None = None
    audience: str | None = None
    channels: list[str] = []
    messages: list[str] = []
    links: list[str] = []
    in_channel: bool = False
    thread: ThreadSummary | None = None
    forwarded: Origin | None = None
    pinned: Pin | None = None
    system: SystemNote | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What a message said until `replaced_at`; the present text has no end yet."""

    number: int
    text: str
    replaced_at: datetime | None
    replaced_by: str | None


class SavedMessage(msgspec.Struct, frozen=True, kw_only=True):
    message: Message
    saved_at: datetime


class Recurrence(msgspec.Struct, frozen=True, kw_only=True):
    """An RFC 5545 rule on the wall clock of an IANA zone, counted from `starts_at`."""

    rrule: str
    timezone: str
    starts_at: datetime


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """When something scheduled was due and when it was sent; `missed` times before that were left out."""

    due_at: datetime
    sent_at: datetime
    message_id: str
    missed: int = 0


class ScheduledMessage(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: scheduled, paused, failed (`error` says why) or sent; then the text is gone, and `last` names the
    message. `send_at` is the next time, or was the last."""

    id: str
    workspace_id: str
    channel_id: str
    author_id: str
    text: str
    client_msg_id: str
    state: str
    send_at: datetime
    created_at: datetime
    updated_at: datetime
    thread_id: str | None = None
    also_in_channel: bool = False
    recurrence: Recurrence | None = None
    error: str | None = None
    last: Sending | None = None


class Reminder(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: pending, due or completed."""

    id: str
    workspace_id: str
    channel_id: str
    message_id: str
    remind_at: datetime
    state: str
    created_at: datetime
    completed_at: datetime | None = None


class ListedReminder(msgspec.Struct, frozen=True, kw_only=True):
    """`subject`: there, deleted or hidden; `message` comes while it is there."""

    reminder: Reminder
    subject: str
    message: Message | None


class FollowedThread(msgspec.Struct, frozen=True, kw_only=True):
    """A thread by its first message, and what is new in it for me."""

    root: Message
    read_seq: int
    unread: int
    mentions: int


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody else in a channel: how many people, on how many clocks as far as these are known; in a direct
    conversation also until when the other one is in quiet hours, if they are."""

    people: int
    time_zones: int
    quiet_until: datetime | None = None


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """That I am told of a message, and why: `mention`, `audience`, `thread_reply`, `direct`, `keyword` or `all`."""

    id: str
    channel_id: str
    message_id: str
    ch_seq: int
    thread_id: str | None
    reason: str
    created_at: datetime
    silent: bool = False
    """I did not want to be notified: nothing rings."""


class NotificationItem(msgspec.Struct, frozen=True, kw_only=True):
    """`message` is as it is now."""

    notification: Notification
    message: Message
    read: bool


class ReadState(msgspec.Struct, frozen=True, kw_only=True):
    """How far I have read, and what is left above that; 1000 means "or more"."""

    channel_id: str
    thread_id: str | None
    read_seq: int
    unread: int
    mentions: int


class UnreadCount(msgspec.Struct, frozen=True, kw_only=True):
    unread: int
    mentions: int


class ChannelUnread(msgspec.Struct, frozen=True, kw_only=True):
    channel_id: str
    read_seq: int
    last_seq: int
    unread: int
    mentions: int
    muted: bool


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is unread, and the sums."""

    channels: list[ChannelUnread]
    threads: UnreadCount
    total: UnreadCount


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A window of a channel's messages, ascending by `ch_seq`."""

    items: list[Message]
    has_before: bool
    has_after: bool


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a keyset-paginated list; `next` is None on the last one."""

    items: list[T]
    next: str | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One AI answer on its way; `state`: queued, running, done, stopped, failed (then `error` is a stable code)."""

    id: str
    workspace_id: str
    channel_id: str
    asker_id: str
    command: str
    prompt: str
    state: str
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

    @property
    def is_over(self) -> bool:
        return self.state in {"done", "stopped", "failed"}


class CommandArgument(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    required: bool
    hint: str


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A slash command; `usage` is how to write it."""

    name: str
    usage: str
    description: str
    arguments: list[CommandArgument] = []
    examples: list[str] = []


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a found text; `hit` marks what matched."""

    text: str
    hit: bool


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    message_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    created_at: datetime
    fragments: list[Fragment]
    thread_id: str | None = None
    edited_at: datetime | None = None

    @property
    def text(self) -> str:
        return "".join(fragment.text for fragment in self.fragments)


class FacetCount(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    count: int


class SearchFacets(msgspec.Struct, frozen=True, kw_only=True):
    channels: list[FacetCount]
    people: list[FacetCount]


class SearchProblem(msgspec.Struct, frozen=True, kw_only=True):
    """An operator of the query that could not be understood, in words for the one who typed it."""

    operator: str
    value: str
    detail: str


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
    hits: list[SearchHit]
    total: int
    facets: SearchFacets
    problems: list[SearchProblem]
    took_ms: float
    next: str | None = None


class ReportColumn(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    type: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report's table. `lag_s` says how far behind the conversation the numbers are."""

    report: str
    from_: datetime = msgspec.field(name="from")
    to: datetime
    bucket: str
    generated_at: datetime
    columns: list[ReportColumn]
    rows: list[list[Any]]
    totals: dict[str, float]
    previous: dict[str, float] = {}
    lag_s: float | None = None


class Sanction(msgspec.Struct, frozen=True, kw_only=True):
    """A ban or a mute that holds. `until` None: until it is lifted."""

    user: User
    until: datetime | None
    reason: str
    laid_by: str
    laid_at: datetime


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What the moderators did that concerns me: `kicked`, `banned`, `muted` or `message_deleted`."""

    id: str
    workspace_id: str
    channel_id: str | None
    kind: str
    reason: str
    created_at: datetime
    until: datetime | None = None
    message_id: str | None = None


class MessageReport(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody reported a message. `state`: open or resolved; `outcome` says what became of it."""

    id: str
    workspace_id: str
    channel_id: str
    message_id: str
    author_id: str
    reporter_id: str
    category: str
    state: str
    created_at: datetime
    outcome: str | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None


class ReportedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """While the report is open, with what the message said then and what its reporter says."""

    report: MessageReport
    text: str | None
    note: str | None
