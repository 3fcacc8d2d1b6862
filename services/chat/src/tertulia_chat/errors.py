"""What can go wrong in chat beyond the problems that every service knows, each with its stable code."""

from datetime import UTC, datetime

from tertulia_chat.permissions import Permission
from tertulia_shared.problems import (
    Conflict,
    DependencyUnavailable,
    Forbidden,
    Gone,
    NotFound,
    RateLimited,
    Unauthenticated,
    ValidationFailed,
)


class InvalidCredentials(Unauthenticated):
    """The same answer whether the person or the password is unknown."""

    code, title = "invalid_credentials", "The name or the password is wrong"


class RefreshTokenInvalid(Unauthenticated):
    code, title = "refresh_token_invalid", "The refresh token is not valid; log in again"


class RefreshTokenReused(Unauthenticated):
    """The session was ended, because a token that was already exchanged came back."""

    code, title = "refresh_token_reused", "This session was ended for your safety; log in again"


class UsernameTaken(Conflict):
    code, title = "username_taken", "Somebody has this username"


class EmailTaken(Conflict):
    code, title = "email_taken", "Somebody has registered with this e-mail address"


class SlugTaken(Conflict):
    code, title = "slug_taken", "Another workspace has this short name"


class ChannelNameTaken(Conflict):
    code, title = "channel_name_taken", "Another channel of this workspace has this name"


class LastOwner(Conflict):
    code, title = "last_owner", "A workspace keeps at least one owner"


class KindNotChangeable(Conflict):
    code, title = "kind_not_changeable", "A private channel does not become public"


class DefaultNotPrivate(Conflict):
    code, title = "default_not_private", "A channel that everybody joins is public"


class DirectChannel(Conflict):
    code, title = "direct_channel", "The people of a direct conversation do not change"


class DefaultChannel(Conflict):
    code, title = "default_channel", "Newcomers come into this channel: it is not deleted"


class ChannelArchived(Conflict):
    code, title = "channel_archived", "The channel is archived and takes no more changes"


class ClientMsgIdReused(Conflict):
    code, title = "client_msg_id_reused", "You have sent something else with this client_msg_id"


class IdempotencyKeyInUse(Conflict):
    code, title = "idempotency_key_in_use", "The first request with this Idempotency-Key is still at work"

    def __init__(self) -> None:
        super().__init__(retry_after=1)


class IdempotencyKeyReused(ValidationFailed):
    code, title = "idempotency_key_reused", "You have asked something else with this Idempotency-Key"


class TooManyIdempotencyKeys(RateLimited):
    code, title = "too_many_idempotency_keys", "So many answers are kept for you that no more are; send no key, or wait"

    def __init__(self) -> None:
        super().__init__(retry_after=600)


class MessageDeleted(Conflict):
    code, title = "message_deleted", "The message was deleted"


class TooManyReactions(Conflict):
    code, title = "too_many_reactions", "A message takes no more different reactions"


class TooManyPins(Conflict):
    code, title = "too_many_pins", "A channel keeps no more pinned messages; unpin one first"


class UndoExpired(Conflict):
    code, title = "undo_expired", "It is too late to bring this message back"


class NotRestorable(Conflict):
    code, title = "not_restorable", "An answer of the bot does not come back; ask again"


class RunIdReused(Conflict):
    code, title = "run_id_reused", "Another run, of another channel or asker, has this id"


class ThreadNotFollowed(Conflict):
    code, title = "thread_not_followed", "You do not follow this thread, so nothing in it is unread"


class TooManyScheduled(Conflict):
    code, title = "too_many_scheduled", "You have as many scheduled messages as there may be; delete one first"


class AlreadySent(Conflict):
    code, title = "already_sent", "This message was sent"


class Recurring(Conflict):
    code, title = "recurring", "A recurring message is sent when its rule says"


class TooManyReminders(Conflict):
    code, title = "too_many_reminders", "You have as many reminders as there may be; complete one first"


class TimeInThePast(ValidationFailed):
    code, title = "time_in_the_past", "This time has passed"


class TimeTooFar(ValidationFailed):
    code, title = "time_too_far", "This time is more than a year ahead"


class RecurrenceInvalid(ValidationFailed):
    code, title = "recurrence_invalid", "This recurrence is none that we keep"


class RecurrenceOver(ValidationFailed):
    code, title = "recurrence_over", "This recurrence names no time that is still to come"


class TimezoneUnknown(ValidationFailed):
    code, title = "timezone_unknown", "There is no such time zone"


class ThreadNotFound(ValidationFailed):
    code, title = "thread_not_found", "There is no such message in this channel to answer to"


class NotAMember(Forbidden):
    code, title = "not_a_member", "Join the channel first"


class MemberDeactivated(Forbidden):
    code, title = "member_deactivated", "You were deactivated in this workspace; only its admins let you in again"


class PermissionMissing(Forbidden):
    """`code` is that of any other refusal: what a role may is for the workspace to change, not for clients to know."""

    def __init__(self, permission: Permission, detail: str | None = None) -> None:
        super().__init__(detail or f"This needs the permission {permission}.")
        self.permission = permission


class PostingRestricted(Forbidden):
    code, title = "posting_restricted", "Only the channel's owner and admins write here"


class SystemMessage(Forbidden):
    code, title = "system_message", "Nobody wrote this message: it is not edited, pinned or forwarded"


class SidebarStale(Conflict):
    code, title = "sidebar_stale", "The sidebar was arranged elsewhere meanwhile; fetch it and try again"


class Muted(Forbidden):
    code, title = "muted", "You may not write or react here for a while"

    def __init__(self, until: datetime) -> None:
        left = until - datetime.now(UTC)
        super().__init__(f"Until {until.isoformat(timespec='seconds')}.", retry_after=left.total_seconds())


class Banned(Forbidden):
    code, title = "banned", "You were banned from here"


class PersonBanned(Conflict):
    code, title = "person_banned", "They are banned from here; lift the ban first"


class PersonDeactivated(Conflict):
    code, title = "person_deactivated", "They are deactivated; they come back by being reactivated"


class NotOutranked(Forbidden):
    code, title = "not_outranked", "This is for people of a lower role than yours"


class SlowMode(RateLimited):
    """`retry_after` tells when the next message may be sent."""

    code, title = "slow_mode", "This channel is slow: wait a moment before you write again"


class ReportResolved(Conflict):
    code, title = "report_resolved", "Somebody has decided this report otherwise"


class AuthorDeactivated(Forbidden):
    code, title = "author_deactivated", "The author's account is deactivated"


class HistoryOff(Forbidden):
    code, title = "history_off", "This workspace keeps no former texts"


class InviteNotFound(NotFound):
    code, title = "invite_not_found", "There is no such invitation"


class InviteExpired(Gone):
    code, title = "invite_expired", "This invitation is no longer valid"


class EventsExpired(Gone):
    code, title = "events_expired", "The event log no longer reaches back that far; fetch the present state"


class Busy(DependencyUnavailable):
    code, title = "busy", "Too many people are logging in right now"
