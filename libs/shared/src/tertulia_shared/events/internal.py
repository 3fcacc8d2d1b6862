"""Facts between services: they act on them, no client ever receives one."""

from enum import StrEnum
from typing import ClassVar

from tertulia_shared.events.base import Fact


class RevokeReason(StrEnum):
    LOGOUT = "logout"
    REVOKED = "revoked"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 a reason, not a secret


class SessionRevoked(Fact, frozen=True, kw_only=True):
    """A session has ended: what it has open is closed, and its tokens are refused."""

    type: ClassVar[str] = "session.revoked"

    session_id: str
    user_id: str
    reason: RevokeReason


class CanarySent(Fact, frozen=True, kw_only=True):
    """Says nothing. That it arrives, and how late, is the whole message.

    Written every few seconds into the log, it takes the way of every event; notify tells the age of the newest.
    """

    type: ClassVar[str] = "canary.sent"


class ChannelDeleted(Fact, frozen=True, kw_only=True):
    """The channel is gone for good, and nothing of it may be kept. Everybody in it was told that they are
    no longer (`member.left`), and who only could read it that it is private."""

    type: ClassVar[str] = "channel.deleted"

    channel_id: str
