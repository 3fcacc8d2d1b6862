"""What `stream()` yields.

Durable facts come as `Event`, whose `data` is one of the fact classes below (or `Unknown` when the server is newer
than this package). The rest says how the stream itself is doing.
"""

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from tertulia_client.errors import ProtocolError
from tertulia_client.models import (
    Bootstrap,
    Channel,
    ChannelPreferences,
    Draft,
    Message,
    MessageReport,
    Notice,
    Notification,
    PersonState,
    PresenceSettings,
    Reaction,
    Reminder,
    Role,
    Run,
    ScheduledMessage,
    Sidebar,
    ThreadSummary,
    User,
    Workspace,
)

T = TypeVar("T")


class MessageCreated(msgspec.Struct, frozen=True, kw_only=True):
    """`thread` comes with a reply: what now stands under its thread's first message."""

    message: Message
    thread: ThreadSummary | None = None


class MessageUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """The message as it is now; its own `ch_seq` stays where it was. `thread` comes with a reply that was restored."""

    message: Message
    thread: ThreadSummary | None = None


class MessageDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """The message without its text. `thread` as with MessageCreated."""

    message: Message
    thread: ThreadSummary | None = None


class MessagePinned(msgspec.Struct, frozen=True, kw_only=True):
    message: Message


class MessageUnpinned(msgspec.Struct, frozen=True, kw_only=True):
    message: Message


class ReactionAdded(msgspec.Struct, frozen=True, kw_only=True):
    """`reactions` are all that the message has now."""

    message_id: str
    user_id: str
    emoji: str
    reactions: list[Reaction]


class ReactionRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """`reactions` are all that the message has now."""

    message_id: str
    user_id: str
    emoji: str
    reactions: list[Reaction]


class ChannelArchived(msgspec.Struct, frozen=True, kw_only=True):
    """Closed for writing (`archived_at` is set), or open again."""

    channel: Channel


class RunStarted(msgspec.Struct, frozen=True, kw_only=True):
    run: Run


class RunFinished(msgspec.Struct, frozen=True, kw_only=True):
    run: Run


class ChannelCreated(msgspec.Struct, frozen=True, kw_only=True):
    channel: Channel


class ChannelUpdated(msgspec.Struct, frozen=True, kw_only=True):
    channel: Channel


class MemberJoined(msgspec.Struct, frozen=True, kw_only=True):
    channel: Channel
    user: User
    role: Role
    muted_until: datetime | None = None


class MemberLeft(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    reason: str
    """`left` or `removed`."""
    removal: str | None = None
    """`kicked` or `banned`, when they were removed."""


class MemberUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's role in the channel, or until when they are muted in it."""

    user_id: str
    role: Role
    muted_until: datetime | None = None


class WorkspaceUpdated(msgspec.Struct, frozen=True, kw_only=True):
    workspace: Workspace


class WorkspaceMemberJoined(msgspec.Struct, frozen=True, kw_only=True):
    user: User
    role: Role
    muted_until: datetime | None = None


class WorkspaceMemberLeft(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    reason: str
    removal: str | None = None


class WorkspaceMemberUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's role in the workspace, or until when they are muted in all of it."""

    user_id: str
    role: Role
    muted_until: datetime | None = None


class ReadUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """How far I have read a channel, or a thread, on any of my devices; and what is left above that."""

    channel_id: str
    thread_id: str | None
    read_seq: int
    unread: int
    mentions: int


class ThreadFollowed(msgspec.Struct, frozen=True, kw_only=True):
    channel_id: str
    thread_id: str
    following: bool


class DraftUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """My draft for a channel or thread; None: it is gone."""

    channel_id: str
    thread_id: str | None
    draft: Draft | None


class SavedUpdated(msgspec.Struct, frozen=True, kw_only=True):
    channel_id: str
    message_id: str
    saved: bool


class ScheduledUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """What I have scheduled was changed, sent or could not be sent; None: it is gone."""

    scheduled_id: str
    scheduled: ScheduledMessage | None


class ReminderUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """None: it is gone."""

    reminder_id: str
    reminder: Reminder | None


class ReminderDue(msgspec.Struct, frozen=True, kw_only=True):
    """`subject`: whether the message was there, deleted or hidden from me at that moment."""

    reminder: Reminder
    subject: str


class PreferencesUpdated(msgspec.Struct, frozen=True, kw_only=True):
    channel_id: str
    preferences: ChannelPreferences


class SidebarUpdated(msgspec.Struct, frozen=True, kw_only=True):
    sidebar: Sidebar


class BanUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """I was banned from a channel, or no longer am. `until` None: until it is lifted."""

    channel_id: str
    user_id: str
    banned: bool
    at: datetime
    until: datetime | None = None


class NoticeCreated(msgspec.Struct, frozen=True, kw_only=True):
    notice: Notice


class ReportCreated(msgspec.Struct, frozen=True, kw_only=True):
    """For who reviews reports."""

    report: MessageReport


class ReportUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """For who reviews reports."""

    report: MessageReport


class NotificationCreated(msgspec.Struct, frozen=True, kw_only=True):
    """I am told of a message. The same id comes again when a deletion was undone."""

    notification: Notification


class NotificationWithdrawn(msgspec.Struct, frozen=True, kw_only=True):
    notification: Notification


class NotificationsRead(msgspec.Struct, frozen=True, kw_only=True):
    """I have seen my notifications of the workspace up to this id."""

    read_id: str


class KeywordsUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """All words that I watch for in the workspace."""

    keywords: list[str]


class UserUpdated(msgspec.Struct, frozen=True, kw_only=True):
    user: User


class PresenceUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """How I want to appear, told to my own devices."""

    user_id: str
    presence: PresenceSettings


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of a type or a version that this package does not know."""

    raw: bytes


Fact = (
    MessageCreated
    | MessageUpdated
    | MessageDeleted
    | ChannelCreated
    | ChannelArchived
    | ChannelUpdated
    | MemberJoined
    | MemberLeft
    | WorkspaceUpdated
    | WorkspaceMemberJoined
    | WorkspaceMemberLeft
    | UserUpdated
    | RunStarted
    | RunFinished
    | MessagePinned
    | MessageUnpinned
    | ReactionAdded
    | ReactionRemoved
    | MemberUpdated
    | WorkspaceMemberUpdated
    | ReadUpdated
    | ThreadFollowed
    | DraftUpdated
    | SavedUpdated
    | PreferencesUpdated
    | SidebarUpdated
    | BanUpdated
    | NoticeCreated
    | ReportCreated
    | ReportUpdated
    | ScheduledUpdated
    | ReminderUpdated
    | ReminderDue
    | NotificationCreated
    | NotificationWithdrawn
    | NotificationsRead
    | KeywordsUpdated
    | PresenceUpdated
    | Unknown
)

_FACTS: dict[tuple[str, int], msgspec.json.Decoder[Any]] = {
    ("message.created", 1): msgspec.json.Decoder(MessageCreated),
    ("message.updated", 1): msgspec.json.Decoder(MessageUpdated),
    ("message.deleted", 1): msgspec.json.Decoder(MessageDeleted),
    ("channel.archived", 1): msgspec.json.Decoder(ChannelArchived),
    ("run.started", 1): msgspec.json.Decoder(RunStarted),
    ("run.finished", 1): msgspec.json.Decoder(RunFinished),
    ("channel.created", 1): msgspec.json.Decoder(ChannelCreated),
    ("channel.updated", 1): msgspec.json.Decoder(ChannelUpdated),
    ("member.joined", 1): msgspec.json.Decoder(MemberJoined),
    ("member.left", 1): msgspec.json.Decoder(MemberLeft),
    ("workspace.updated", 1): msgspec.json.Decoder(WorkspaceUpdated),
    ("workspace.member_joined", 1): msgspec.json.Decoder(WorkspaceMemberJoined),
    ("workspace.member_left", 1): msgspec.json.Decoder(WorkspaceMemberLeft),
    ("user.updated", 1): msgspec.json.Decoder(UserUpdated),
    ("message.pinned", 1): msgspec.json.Decoder(MessagePinned),
    ("message.unpinned", 1): msgspec.json.Decoder(MessageUnpinned),
    ("reaction.added", 1): msgspec.json.Decoder(ReactionAdded),
    ("reaction.removed", 1): msgspec.json.Decoder(ReactionRemoved),
    ("member.updated", 1): msgspec.json.Decoder(MemberUpdated),
    ("workspace.member_updated", 1): msgspec.json.Decoder(WorkspaceMemberUpdated),
    ("read.updated", 1): msgspec.json.Decoder(ReadUpdated),
    ("thread.followed", 1): msgspec.json.Decoder(ThreadFollowed),
    ("draft.updated", 1): msgspec.json.Decoder(DraftUpdated),
    ("saved.updated", 1): msgspec.json.Decoder(SavedUpdated),
    ("preferences.updated", 1): msgspec.json.Decoder(PreferencesUpdated),
    ("sidebar.updated", 1): msgspec.json.Decoder(SidebarUpdated),
    ("ban.updated", 1): msgspec.json.Decoder(BanUpdated),
    ("notice.created", 1): msgspec.json.Decoder(NoticeCreated),
    ("report.created", 1): msgspec.json.Decoder(ReportCreated),
    ("report.updated", 1): msgspec.json.Decoder(ReportUpdated),
    ("scheduled.updated", 1): msgspec.json.Decoder(ScheduledUpdated),
    ("reminder.updated", 1): msgspec.json.Decoder(ReminderUpdated),
    ("reminder.due", 1): msgspec.json.Decoder(ReminderDue),
    ("notification.created", 1): msgspec.json.Decoder(NotificationCreated),
    ("notification.withdrawn", 1): msgspec.json.Decoder(NotificationWithdrawn),
    ("notifications.read", 1): msgspec.json.Decoder(NotificationsRead),
    ("keywords.updated", 1): msgspec.json.Decoder(KeywordsUpdated),
    ("presence.updated", 1): msgspec.json.Decoder(PresenceUpdated),
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A durable fact. With a `ch_seq` it has a place in its channel's order; the stream yields each place once."""

    id: str
    type: str
    v: int
    workspace_id: str | None
    channel_id: str | None
    ch_seq: int | None
    actor_id: str | None
    time: datetime
    data: Fact


class Typing(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is writing; forget it after `expires_in_ms`."""

    workspace_id: str
    channel_id: str
    user_id: str
    expires_in_ms: int


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of these people, of those whom the stream watches."""

    people: list[PersonState]


class RunDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More of a running answer: `text` begins at character `offset` of attempt `attempt`. One may be missed."""

    workspace_id: str
    channel_id: str
    run_id: str
    attempt: int
    offset: int
    text: str


class RunStep(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is doing: `reading`, `searching`, `writing`."""

    workspace_id: str
    channel_id: str
    run_id: str
    attempt: int
    step: str
    count: int | None = None


class Ephemeral(msgspec.Struct, frozen=True, kw_only=True):
    """A passing sign of a type that this package does not know."""

    type: str
    raw: bytes


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """The state of every workspace was read anew; the events missed meanwhile follow as ordinary events.

    Always the stream's first item (`reason` "start"), and again whenever the server could not resume. Changes of
    workspaces and of their members have no sequence to repair by: take them from here.
    """

    reason: str
    workspaces: list[Bootstrap]


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """One channel's missed events are not available: fetch its messages again.

    `reason` is `events_expired` (the server's log no longer reaches back), `access_lost` (not a member any more) or
    `joined_unseen` (events of a channel whose joining was not seen). What follows is behind `up_to`.
    """

    channel_id: str
    reason: str
    up_to: int


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """The stream is live. `resumed` is False when a `Synced` follows.

    `connection` names it until it breaks: give it to `Realtime.watch_presence`, anew for each connection.
    """

    resumed: bool
    server: str
    connection: str = ""


class Disconnected(msgspec.Struct, frozen=True, kw_only=True):
    """The stream broke or was closed; it comes back by itself after `retry_in_s`, or never when that is None."""

    reason: str
    retry_in_s: float | None


StreamItem = Event | Typing | Presence | RunDelta | RunStep | Ephemeral | Synced | Reset | Connected | Disconnected


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str
    v: int
    time: datetime
    data: msgspec.Raw
    workspace_id: str | None = None
    channel_id: str | None = None
    ch_seq: int | None = None
    actor_id: str | None = None


class EventsPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a channel's events after a `ch_seq`, ascending."""

    items: list[Event]
    last_seq: int
    has_more: bool


class EventBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one long poll; `reset` says why the cursor could not be honoured."""

    events: list[Event]
    cursor: str
    reset: str | None = None


class _RawEventsPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[_Envelope]
    last_seq: int
    has_more: bool


class _RawEventBatch(msgspec.Struct, frozen=True, kw_only=True):
    events: list[_Envelope]
    cursor: str
    reset: str | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_events_page = msgspec.json.Decoder(_RawEventsPage)
_event_batch = msgspec.json.Decoder(_RawEventBatch)


def _event(envelope: _Envelope) -> Event:
    return Event(
        id=envelope.id,
        type=envelope.type,
        v=envelope.v,
        workspace_id=envelope.workspace_id,
        channel_id=envelope.channel_id,
        ch_seq=envelope.ch_seq,
        actor_id=envelope.actor_id,
        time=envelope.time,
        data=_fact(envelope),
    )


def _fact(envelope: _Envelope) -> Fact:
    decoder = _FACTS.get((envelope.type, envelope.v))
    if decoder is not None:
        try:
            return decoder.decode(envelope.data)
        except msgspec.ValidationError:
            pass  # A fact that changed under us still holds its place in the order; the caller gets the raw bytes.
    return Unknown(raw=bytes(envelope.data))


def decode_event(body: bytes) -> Event:
    """One envelope. Raises ProtocolError."""
    return _event(_decode(_envelope, body))


def decode_events_page(body: bytes) -> EventsPage:
    """Raises ProtocolError."""
    page = _decode(_events_page, body)
    return EventsPage(items=[_event(item) for item in page.items], last_seq=page.last_seq, has_more=page.has_more)


def decode_event_batch(body: bytes) -> EventBatch:
    """Raises ProtocolError."""
    batch = _decode(_event_batch, body)
    return EventBatch(events=[_event(item) for item in batch.events], cursor=batch.cursor, reset=batch.reset)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"an event cannot be read: {error}") from error
