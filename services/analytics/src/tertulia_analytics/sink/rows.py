"""One event → one row. The hot path of the sink: plain tuples, one decode of the envelope and one of its data.

A row never holds text that somebody wrote, only how long it is. A type or version that this release does not know is
counted by its type. What breaks its contract raises `Unreadable`: nothing that gets past here is refused by ClickHouse.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, cast

import msgspec

from tertulia_analytics.warehouse.engine import Column
from tertulia_shared import events
from tertulia_shared.events import BOT_USER_ID, Channel, Envelope, Message, Run

NOBODY = "00000000-0000-0000-0000-000000000000"
MAX_UINT32 = 2**32 - 1
FIRST_YEAR, LAST_YEAR = 2000, 2200

# Identifiers travel as text: ClickHouse turns 20,000 of them into its own form in the time Python needs for 200.
COLUMNS = (
    Column("event_id", "String"),
    Column("time", "DateTime64(3)"),
    Column("at", "DateTime64(3)"),
    Column("type", "String"),
    Column("workspace_id", "String"),
    Column("channel_id", "String"),
    Column("person_id", "String"),
    Column("subject_id", "String"),
    Column("length", "UInt32"),
    Column("reply", "UInt8"),
    Column("ai", "UInt8"),
    Column("mentions", "UInt32"),
    Column("state", "String"),
    Column("command", "String"),
    Column("model", "String"),
    Column("prompt_tokens", "UInt32"),
    Column("completion_tokens", "UInt32"),
    Column("duration_ms", "UInt32"),
)
CHANNEL_COLUMNS = (
    Column("channel_id", "String"),
    Column("workspace_id", "String"),
    Column("kind", "String"),
    Column("name", "String"),
    Column("archived", "UInt8"),
    Column("version", "UInt64"),
)

PASSED_OVER = frozenset({events.CanarySent.type})
"""Types that nobody counts."""

SYSTEM = "system"
"""The state of a message that nobody wrote: the channel says who came, or what it is called now."""

EVENT_ID, TIME, TYPE, WORKSPACE = 0, 1, 3, 4
"""Places in a row that the sink looks at again."""
_IDS = (EVENT_ID, WORKSPACE, 5, 6, 7)

Row = tuple[Any, ...]
About = tuple[Any, ...]
"""The columns from `person_id` on."""

_AboutPerson = (
    events.MemberLeft
    | events.MemberUpdated
    | events.WorkspaceMemberLeft
    | events.WorkspaceMemberUpdated
    | events.SessionRevoked
    | events.BanUpdated
)
_AboutMessage = events.ReactionAdded | events.ReactionRemoved | events.SavedUpdated
_AboutPlace = events.ReadUpdated | events.ThreadFollowed | events.DraftUpdated | events.PreferencesUpdated

_NO_RUN = ("", "", "", 0, 0, 0)
_NOTE = (SYSTEM, *_NO_RUN[1:])
_NOTHING = (0, 0, 0, 0)
_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_is_id = re.compile(_ID).fullmatch
_are_ids = re.compile(" ".join([_ID] * len(_IDS))).fullmatch


class Unreadable(Exception):
    """An event that breaks its contract. Trying again cannot help."""


class Read(NamedTuple):
    """`channel` is a row of the dimension, for events that carry one."""

    row: Row
    channel: Row | None


def read(body: bytes) -> Read:
    """Raises Unreadable."""
    try:
        envelope = events.decode_envelope(body)
        time = _milliseconds(envelope.time)
        if time is None:
            raise Unreadable("the time is out of range")
        fact = events.decode(envelope)
        about, channel = (_plain(envelope, NOBODY), None) if fact is None else _READERS[fact.type](envelope, fact)
        row: Row = (
            envelope.id,
            time,
            _happened(fact, time),
            envelope.type,
            envelope.workspace_id or NOBODY,
            envelope.channel_id or NOBODY,
            *about,
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if _are_ids(f"{row[0]} {row[4]} {row[5]} {row[6]} {row[7]}") is None:
        wrong = next(place for place in _IDS if _is_id(row[place]) is None)
        raise Unreadable(f"{COLUMNS[wrong].name} is not an id")
    return Read(row, channel)


def _milliseconds(time: datetime) -> int | None:
    """None for what ClickHouse could not hold or nobody can mean."""
    if time.tzinfo is None or not FIRST_YEAR <= time.year < LAST_YEAR:
        return None
    return round(time.timestamp() * 1000)


def _happened(fact: events.Fact | None, time: int) -> int:
    """An imported message is older than its event."""
    if type(fact) is not events.MessageCreated:
        return time
    return _milliseconds(fact.message.created_at) or time


Reading = tuple[About, Row | None]
Reader = Callable[[Envelope, Any], Reading]


def _plain(envelope: Envelope, subject: str) -> About:
    return (envelope.actor_id or NOBODY, subject, *_NOTHING, *_NO_RUN)


def _created(_: Envelope, fact: events.MessageCreated) -> Reading:
    return _message(fact.message, fact.message.author_id), None


def _changed(envelope: Envelope, fact: events.MessageUpdated | events.MessageDeleted) -> Reading:
    return _message(fact.message, envelope.actor_id or NOBODY), None


def _message(message: Message, person: str) -> About:
    return (
        person,
        message.id,
        len(message.text),
        message.thread_id is not None,
        message.author_id == BOT_USER_ID,
        len(message.mentions),
        *(_NO_RUN if message.system is None else _NOTE),
    )


def _run(_: Envelope, fact: events.RunStarted | events.RunFinished) -> Reading:
    run = fact.run
    about = (
        run.asker_id,
        run.id,
        *_NOTHING,
        run.state.value,
        run.command,
        run.model,
        _count(run.prompt_tokens),
        _count(run.completion_tokens),
        _duration(run),
    )
    return about, None


def _count(number: int) -> int:
    if not 0 <= number <= MAX_UINT32:
        raise Unreadable("a count is out of range")
    return number


def _duration(run: Run) -> int:
    if run.finished_at is None:
        return 0
    return min(MAX_UINT32, max(0, round((run.finished_at - run.created_at).total_seconds() * 1000)))


def _channel(envelope: Envelope, fact: events.ChannelCreated | events.ChannelUpdated) -> Reading:
    return _plain(envelope, fact.channel.id), _dimension(envelope, fact.channel)


def _deleted(envelope: Envelope, fact: events.ChannelDeleted) -> Reading:
    """What was counted stays counted; the channel has no name any more."""
    if _is_id(fact.channel_id) is None:
        raise Unreadable("the channel has no id")
    gone = (fact.channel_id, envelope.workspace_id or NOBODY, "private", "", True, max(0, envelope.ch_seq or 0))
    return _plain(envelope, fact.channel_id), gone


def _joined(envelope: Envelope, fact: events.MemberJoined) -> Reading:
    return _plain(envelope, fact.user.id), _dimension(envelope, fact.channel)


def _dimension(envelope: Envelope, channel: Channel) -> Row:
    if _is_id(channel.id) is None or _is_id(channel.workspace_id) is None:
        raise Unreadable("the channel has no id")
    version = envelope.ch_seq or 0
    if version < 0:
        raise Unreadable("ch_seq is negative")
    archived = channel.archived_at is not None
    return (channel.id, channel.workspace_id, channel.kind.value, channel.name or "", archived, version)


def _user(envelope: Envelope, fact: events.WorkspaceMemberJoined | events.UserUpdated) -> Reading:
    return _plain(envelope, fact.user.id), None


def _user_id(envelope: Envelope, fact: _AboutPerson) -> Reading:
    return _plain(envelope, fact.user_id), None


def _mark(envelope: Envelope, fact: _AboutMessage) -> Reading:
    return _plain(envelope, fact.message_id), None


def _pin(envelope: Envelope, fact: events.MessagePinned | events.MessageUnpinned) -> Reading:
    return _plain(envelope, fact.message.id), None


def _place(envelope: Envelope, fact: _AboutPlace) -> Reading:
    return _plain(envelope, fact.channel_id), None


def _sidebar(envelope: Envelope, _: events.SidebarUpdated) -> Reading:
    return _plain(envelope, envelope.workspace_id or NOBODY), None


def _report(envelope: Envelope, fact: events.ReportCreated | events.ReportUpdated) -> Reading:
    return _plain(envelope, fact.report.message_id), None


def _notice(envelope: Envelope, fact: events.NoticeCreated) -> Reading:
    return _plain(envelope, fact.notice.message_id or NOBODY), None


def _scheduled(envelope: Envelope, fact: events.ScheduledUpdated) -> Reading:
    return _plain(envelope, fact.scheduled_id), None


def _reminder(envelope: Envelope, fact: events.ReminderUpdated) -> Reading:
    return _plain(envelope, fact.reminder_id), None


def _reminded(envelope: Envelope, fact: events.ReminderDue) -> Reading:
    return _plain(envelope, fact.reminder.id), None


def _notification(envelope: Envelope, fact: events.NotificationCreated | events.NotificationWithdrawn) -> Reading:
    return _plain(envelope, fact.notification.message_id), None


def _own(envelope: Envelope, _: events.NotificationsRead | events.KeywordsUpdated) -> Reading:
    """About nothing but the person."""
    return _plain(envelope, envelope.actor_id or NOBODY), None


def _workspace(envelope: Envelope, fact: events.WorkspaceUpdated) -> Reading:
    return _plain(envelope, fact.workspace.id), None


_READERS: dict[str, Reader] = {
    kind.type: cast("Reader", reader)
    for kind, reader in (
        (events.MessageCreated, _created),
        (events.MessageUpdated, _changed),
        (events.MessageDeleted, _changed),
        (events.RunStarted, _run),
        (events.RunFinished, _run),
        (events.ChannelCreated, _channel),
        (events.ChannelUpdated, _channel),
        (events.ChannelArchived, _channel),
        (events.ChannelDeleted, _deleted),
        (events.MemberJoined, _joined),
        (events.MemberLeft, _user_id),
        (events.WorkspaceUpdated, _workspace),
        (events.WorkspaceMemberJoined, _user),
        (events.WorkspaceMemberLeft, _user_id),
        (events.UserUpdated, _user),
        (events.PresenceUpdated, _user_id),
        (events.SessionRevoked, _user_id),
        (events.MemberUpdated, _user_id),
        (events.WorkspaceMemberUpdated, _user_id),
        (events.ReactionAdded, _mark),
        (events.ReactionRemoved, _mark),
        (events.SavedUpdated, _mark),
        (events.MessagePinned, _pin),
        (events.MessageUnpinned, _pin),
        (events.ReadUpdated, _place),
        (events.ThreadFollowed, _place),
        (events.DraftUpdated, _place),
        (events.PreferencesUpdated, _place),
        (events.SidebarUpdated, _sidebar),
        (events.BanUpdated, _user_id),
        (events.NoticeCreated, _notice),
        (events.ReportCreated, _report),
        (events.ReportUpdated, _report),
        (events.ScheduledUpdated, _scheduled),
        (events.ReminderUpdated, _reminder),
        (events.ReminderDue, _reminded),
        (events.NotificationCreated, _notification),
        (events.NotificationWithdrawn, _notification),
        (events.NotificationsRead, _own),
        (events.KeywordsUpdated, _own),
    )
}
