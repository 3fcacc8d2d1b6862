"""Writing entries."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.tables import AuditRow, new_id, time_of
from tertulia_shared.telemetry import current_address, current_request_id


class Action(StrEnum):
    """What is done in governing a workspace, by what it is done to."""

    WORKSPACE_UPDATED = "workspace.updated"
    PERMISSIONS_UPDATED = "permissions.updated"
    MEMBER_ADDED = "member.added"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_DEACTIVATED = "member.deactivated"
    MEMBER_REACTIVATED = "member.reactivated"
    INVITE_CREATED = "invite.created"
    INVITE_WITHDRAWN = "invite.withdrawn"
    INVITES_READ = "invite.read"
    CHANNEL_CREATED = "channel.created"
    CHANNEL_UPDATED = "channel.updated"
    CHANNEL_ARCHIVED = "channel.archived"
    CHANNEL_UNARCHIVED = "channel.unarchived"
    CHANNEL_DELETED = "channel.deleted"
    CHANNEL_ROLE_CHANGED = "channel.role_changed"
    CHANNEL_MEMBER_ADDED = "channel.member_added"
    CHANNEL_MEMBER_REMOVED = "channel.member_removed"
    CHANNEL_MEMBER_BANNED = "channel.member_banned"
    CHANNEL_BAN_LIFTED = "channel.ban_lifted"
    CHANNEL_BANS_READ = "channel.bans_read"
    CHANNEL_MEMBER_MUTED = "channel.member_muted"
    CHANNEL_MUTE_LIFTED = "channel.mute_lifted"
    CHANNEL_MUTES_READ = "channel.mutes_read"
    MEMBER_BANNED = "member.banned"
    BAN_LIFTED = "member.ban_lifted"
    BANS_READ = "member.bans_read"
    MEMBER_MUTED = "member.muted"
    MUTE_LIFTED = "member.mute_lifted"
    MUTES_READ = "member.mutes_read"
    REPORTS_READ = "report.read"
    REPORT_RESOLVED = "report.resolved"
    MESSAGE_DELETED = "message.deleted"
    MESSAGE_PINNED = "message.pinned"
    MESSAGE_UNPINNED = "message.unpinned"
    AUDIT_READ = "audit.read"
    AUDIT_EXPORTED = "audit.exported"


class Target(StrEnum):
    WORKSPACE = "workspace"
    USER = "user"
    CHANNEL = "channel"
    MESSAGE = "message"
    INVITE = "invite"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`before` and `after` hold what changed, each under the same names; neither holds a text or a secret."""

    workspace_id: UUID
    actor_id: UUID
    action: str
    target_type: str
    target_id: UUID | str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None
    channel_id: UUID | None = None


async def note(session: AsyncSession, *entries: Entry) -> None:
    """Append entries in the transaction of what they tell, with where the request came from."""
    session.add_all([_row(entry) for entry in entries])
    await session.flush()


def fingerprint(code: str) -> str:
    """Names an invitation without letting anybody in."""
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """`before` and `after` of an entry: what differs between two states."""
    names = [name for name in now if was[name] != now[name]]
    return {name: was[name] for name in names}, {name: now[name] for name in names}


def _row(entry: Entry) -> AuditRow:
    entry_id = new_id()
    return AuditRow(
        id=entry_id,
        at=time_of(entry_id),
        workspace_id=entry.workspace_id,
        actor_id=entry.actor_id,
        action=str(entry.action),
        target_type=str(entry.target_type),
        target_id=str(entry.target_id),
        before=entry.before,
        after=entry.after,
        reason=entry.reason,
        channel_id=entry.channel_id,
        address=current_address(),
        request_id=current_request_id(),
    )
