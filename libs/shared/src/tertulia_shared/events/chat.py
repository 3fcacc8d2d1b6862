"""The facts that chat publishes."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from tertulia_shared.events.base import Fact
from tertulia_shared.events.model import (
    Channel,
    ChannelPreferences,
    Draft,
    Message,
    MessageReport,
    Notice,
    Notification,
    PresenceSettings,
    Reaction,
    Reminder,
    ReminderSubject,
    Role,
    ScheduledMessage,
    Sidebar,
    ThreadSummary,
    User,
    Workspace,
)


class MessageCreated(Fact, frozen=True, kw_only=True):
    """`thread` is given with a reply: what now stands under the first message of its thread."""

    type: ClassVar[str] = "message.created"

    message: Message
    thread: ThreadSummary | None = None


class MessageUpdated(Fact, frozen=True, kw_only=True):
    """The message as it is now. The envelope's `ch_seq` numbers this change, `message.ch_seq` stays where it was.
    `thread` as with `message.created`, when a deleted reply came back."""

    type: ClassVar[str] = "message.updated"

    message: Message
    thread: ThreadSummary | None = None


class MessageDeleted(Fact, frozen=True, kw_only=True):
    """The message without its text; no projection may keep it. `thread` is given with a reply: what still stands under
    the first message of its thread, nothing when it was the last one."""

    type: ClassVar[str] = "message.deleted"

    message: Message
    thread: ThreadSummary | None = None


class ReactionAdded(Fact, frozen=True, kw_only=True):
    """`reactions` are all that the message has now."""

    type: ClassVar[str] = "reaction.added"

    message_id: str
    user_id: str
    emoji: str
    reactions: list[Reaction]


class ReactionRemoved(Fact, frozen=True, kw_only=True):
    """`reactions` are all that the message has now."""

    type: ClassVar[str] = "reaction.removed"

    message_id: str
    user_id: str
    emoji: str
    reactions: list[Reaction]


class MessagePinned(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "message.pinned"

    message: Message


class MessageUnpinned(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "message.unpinned"

    message: Message


class ChannelCreated(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "channel.created"

    channel: Channel


class ChannelUpdated(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "channel.updated"

    channel: Channel


class ChannelArchived(Fact, frozen=True, kw_only=True):
    """Nobody can write any more (`archived_at` is set), or they can again (it is None)."""

    type: ClassVar[str] = "channel.archived"

    channel: Channel


class MemberJoined(Fact, frozen=True, kw_only=True):
    """Carries the channel, so that the one who joined can show it without asking. `muted_until` as with
    `member.updated`."""

    type: ClassVar[str] = "member.joined"

    channel: Channel
    user: User
    role: Role
    muted_until: datetime | None = None


class LeaveReason(StrEnum):
    LEFT = "left"
    REMOVED = "removed"


class Removal(StrEnum):
    """How somebody was removed."""

    KICKED = "kicked"
    """They may come back as they came."""
    BANNED = "banned"
    """They may not."""


class MemberLeft(Fact, frozen=True, kw_only=True):
    """The last event of the channel that the one who left may see. `removal` is given when they were removed."""

    type: ClassVar[str] = "member.left"

    user_id: str
    reason: LeaveReason
    removal: Removal | None = None


class MemberUpdated(Fact, frozen=True, kw_only=True):
    """The role of somebody in a channel, or until when they are muted in it (None, or a time that has passed: they are
    not)."""

    type: ClassVar[str] = "member.updated"

    user_id: str
    role: Role
    muted_until: datetime | None = None


class WorkspaceUpdated(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "workspace.updated"

    workspace: Workspace


class WorkspaceMemberJoined(Fact, frozen=True, kw_only=True):
    """`muted_until` as with `workspace.member_updated`."""

    type: ClassVar[str] = "workspace.member_joined"

    user: User
    role: Role
    muted_until: datetime | None = None


class WorkspaceMemberLeft(Fact, frozen=True, kw_only=True):
    """`removal` as with `member.left`. With `deactivated_at` they may be let in again as they were."""

    type: ClassVar[str] = "workspace.member_left"

    user_id: str
    reason: LeaveReason
    removal: Removal | None = None
    deactivated_at: datetime | None = None


class WorkspaceMemberUpdated(Fact, frozen=True, kw_only=True):
    """The role of somebody in the workspace, or until when they are muted in all of it, as with `member.updated`."""

    type: ClassVar[str] = "workspace.member_updated"

    user_id: str
    role: Role
    muted_until: datetime | None = None


class ReadUpdated(Fact, frozen=True, kw_only=True):
    """How far I have read a channel, or a thread when `thread_id` is given, on whichever device. `unread` and
    `mentions` are what is left above `read_seq`."""

    type: ClassVar[str] = "read.updated"

    channel_id: str
    thread_id: str | None
    read_seq: int
    unread: int
    mentions: int


class ThreadFollowed(Fact, frozen=True, kw_only=True):
    """I follow a thread, or no longer do."""

    type: ClassVar[str] = "thread.followed"

    channel_id: str
    thread_id: str
    following: bool


class DraftUpdated(Fact, frozen=True, kw_only=True):
    """My draft for a channel or thread; None: it is gone."""

    type: ClassVar[str] = "draft.updated"

    channel_id: str
    thread_id: str | None
    draft: Draft | None


class SavedUpdated(Fact, frozen=True, kw_only=True):
    """I saved a message for later, or no longer keep it."""

    type: ClassVar[str] = "saved.updated"

    channel_id: str
    message_id: str
    saved: bool


class ScheduledUpdated(Fact, frozen=True, kw_only=True):
    """A message that I have scheduled was changed, sent or could not be sent; None: it is gone."""

    type: ClassVar[str] = "scheduled.updated"

    scheduled_id: str
    scheduled: ScheduledMessage | None


class ReminderUpdated(Fact, frozen=True, kw_only=True):
    """I set, moved or completed a reminder; None: it is gone."""

    type: ClassVar[str] = "reminder.updated"

    reminder_id: str
    reminder: Reminder | None


class ReminderDue(Fact, frozen=True, kw_only=True):
    """The time of a reminder has come. `subject` tells what there was of its message at that moment."""

    type: ClassVar[str] = "reminder.due"

    reminder: Reminder
    subject: ReminderSubject


class PreferencesUpdated(Fact, frozen=True, kw_only=True):
    """My wishes about a channel."""

    type: ClassVar[str] = "preferences.updated"

    channel_id: str
    preferences: ChannelPreferences


class SidebarUpdated(Fact, frozen=True, kw_only=True):
    """My sidebar in this workspace, as it is now."""

    type: ClassVar[str] = "sidebar.updated"

    sidebar: Sidebar


class BanUpdated(Fact, frozen=True, kw_only=True):
    """I was banned from a channel, on other terms than before, or no longer am. `until` None: until it is lifted.

    A public channel is closed to who is banned from it, so every service that answers who may read it listens, too.
    Of two words about one person and channel the one with the later `at` holds.
    """

    type: ClassVar[str] = "ban.updated"

    channel_id: str
    user_id: str
    banned: bool
    at: datetime
    until: datetime | None = None


class NoticeCreated(Fact, frozen=True, kw_only=True):
    """What the moderators did that concerns me, and why."""

    type: ClassVar[str] = "notice.created"

    notice: Notice


class ReportCreated(Fact, frozen=True, kw_only=True):
    """Told to each person who may review it."""

    type: ClassVar[str] = "report.created"

    report: MessageReport


class ReportUpdated(Fact, frozen=True, kw_only=True):
    """Somebody decided it. Told as `report.created` is."""

    type: ClassVar[str] = "report.updated"

    report: MessageReport


class NotificationCreated(Fact, frozen=True, kw_only=True):
    """I am told of a message. It comes once for each message; again, with the same id, when a deletion was undone.
    Whoever rings a bell for it does so once for each id."""

    type: ClassVar[str] = "notification.created"

    notification: Notification


class NotificationWithdrawn(Fact, frozen=True, kw_only=True):
    """The message was deleted before I had read it."""

    type: ClassVar[str] = "notification.withdrawn"

    notification: Notification


class NotificationsRead(Fact, frozen=True, kw_only=True):
    """I have seen my notifications of the envelope's workspace up to this id, on whichever device. It only rises."""

    type: ClassVar[str] = "notifications.read"

    read_id: str


class KeywordsUpdated(Fact, frozen=True, kw_only=True):
    """All words that I watch for in the envelope's workspace."""

    type: ClassVar[str] = "keywords.updated"

    keywords: list[str]


class UserUpdated(Fact, frozen=True, kw_only=True):
    """Recorded once for each workspace that the person belongs to."""

    type: ClassVar[str] = "user.updated"

    user: User


class PresenceUpdated(Fact, frozen=True, kw_only=True):
    """How I want to appear, on whichever device I said so. Services act on it; nobody else hears of it."""

    type: ClassVar[str] = "presence.updated"

    user_id: str
    presence: PresenceSettings
