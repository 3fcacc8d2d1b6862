"""The facts that chat publishes."""

from enum import StrEnum
from typing import ClassVar

from tertulia_shared.events.base import Fact
from tertulia_shared.events.model import Channel, Message, Role, User, Workspace


class MessageCreated(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "message.created"

    message: Message


class MessageUpdated(Fact, frozen=True, kw_only=True):
    """The message as it is now. The envelope's `ch_seq` numbers this change, `message.ch_seq` stays where it was."""

    type: ClassVar[str] = "message.updated"

    message: Message


class MessageDeleted(Fact, frozen=True, kw_only=True):
    """The message without its text; no projection may keep it."""

    type: ClassVar[str] = "message.deleted"

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
    """Carries the channel, so that the one who joined can show it without asking."""

    type: ClassVar[str] = "member.joined"

    channel: Channel
    user: User
    role: Role


class LeaveReason(StrEnum):
    LEFT = "left"
    REMOVED = "removed"


class MemberLeft(Fact, frozen=True, kw_only=True):
    """The last event of the channel that the one who left may see."""

    type: ClassVar[str] = "member.left"

    user_id: str
    reason: LeaveReason


class WorkspaceUpdated(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "workspace.updated"

    workspace: Workspace


class WorkspaceMemberJoined(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "workspace.member_joined"

    user: User
    role: Role


class WorkspaceMemberLeft(Fact, frozen=True, kw_only=True):
    type: ClassVar[str] = "workspace.member_left"

    user_id: str
    reason: LeaveReason


class UserUpdated(Fact, frozen=True, kw_only=True):
    """Recorded once for each workspace that the person belongs to."""

    type: ClassVar[str] = "user.updated"

    user: User


class RevokeReason(StrEnum):
    LOGOUT = "logout"
    REVOKED = "revoked"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 a reason, not a secret


class SessionRevoked(Fact, frozen=True, kw_only=True):
    """Internal: services act on it, it is never forwarded to a client."""

    type: ClassVar[str] = "session.revoked"

    session_id: str
    user_id: str
    reason: RevokeReason
