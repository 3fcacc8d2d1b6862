"""The only way to load a workspace, a channel or a message for a user.

| may                            | member, moderator, admin, owner | guest    | stranger |
|--------------------------------|---------------------------------|----------|----------|
| know and read a public channel | unless banned from it           | if in it | no       |
| know and read any other channel | if in it                       | if in it | no       |
| write, react, pin              | if in it and not muted          | if in it and not muted | no |
| write where only admins do     | if in it, not muted and with `manage_channels` | no | no |

Everything else is a permission (`permissions`): the workspace says which role has it at least, owners have all. In a
channel an owner of it who is no guest has `OF_CHANNEL_OWNERS` besides. A permission opens nothing that a caller may not
know: who has `manage_channels` and is not in a private channel does not find it. Who owns a channel keeps that while
they are a guest, and it gives them nothing until they are a member again.

The workspace's row comes with the seat, so asking for a permission costs no statement.

What a caller may not know is `NotFound`, what they know but may not do is `Forbidden`: who is banned from a public
channel knows of it. Who is banned is in nothing, and who is muted is so by the channel or by all of the workspace. The
one statement that sends a message cannot call these functions; it embeds `POSTING_SEAT` and `READABLE`, which are the
same rule in SQL and stand beside them so that they change together. So does `may_read`, for lists out of many channels.
`tests/api/test_access.py` holds them to the table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Boolean, ColumnElement, Uuid, bindparam, literal_column
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import and_, col, select

from tertulia_chat.errors import Banned, Muted, NotAMember, PermissionMissing, PostingRestricted, ThreadNotFound
from tertulia_chat.permissions import OF_CHANNEL_OWNERS, Permission, has, has_in_sql, outranks
from tertulia_chat.sanctions import banned_in_sql, is_banned, muted_in_sql, muted_until
from tertulia_chat.slow_mode import wait_in_sql
from tertulia_chat.tables import (
    ChannelMemberRow,
    ChannelRow,
    MessageRow,
    UserRow,
    WorkspaceMemberRow,
    WorkspaceRow,
)
from tertulia_shared.events import ChannelKind, Posting, Role
from tertulia_shared.problems import FieldError, NotFound


def _in_channel(permission: Permission) -> str:
    """`ChannelSeat.may` for statements that have the workspace `s`, the seat `w` and the member `m`."""
    owns = "w.role <> 'guest' AND coalesce(m.role = 'owner', false)" if permission in OF_CHANNEL_OWNERS else "false"
    return f"({has_in_sql(permission, stored='s.permissions', role='w.role')} OR ({owns}))"


# $1 channel, $2 user. No row: the caller may not know the channel. Who is banned is no member.
POSTING_SEAT = f"""
    SELECT c.workspace_id, c.last_left_seq, c.archived_at IS NOT NULL AS archived, m.user_id IS NOT NULL AS member,
        c.posting = 'everyone' AS open, {_in_channel(Permission.MANAGE_CHANNELS)} AS governs,
        {_in_channel(Permission.MENTION_EVERYONE)} AS addresses, {_in_channel(Permission.SET_SLOW_MODE)} AS exempt,
        {wait_in_sql(channel="c", user="$2", exempt=_in_channel(Permission.SET_SLOW_MODE))} AS wait_s,
        {muted_in_sql(channel="c.id", workspace="c.workspace_id", user="$2")} AS muted_until,
        {banned_in_sql(channel="c.id", user="$2")} AS banned
    FROM channel c
    JOIN workspace s ON s.id = c.workspace_id
    JOIN workspace_member w ON w.workspace_id = c.workspace_id AND w.user_id = $2
    LEFT JOIN channel_member m ON m.channel_id = c.id AND m.user_id = $2
    WHERE c.id = $1 AND (m.user_id IS NOT NULL OR (c.kind = 'public' AND w.role <> 'guest'))
"""  # noqa: S608 composed of constants only

# :user_id. Joins to a channel `c` what decides whether it may be read: somebody's seat `w` in its workspace, and their
# place `m` among its members, if they have one. For statements that read many channels' things.
READER = """
    JOIN workspace_member w ON w.workspace_id = c.workspace_id AND w.user_id = :user_id
    LEFT JOIN channel_member m ON m.channel_id = c.id AND m.user_id = :user_id
"""
READABLE = f"""(
    m.user_id IS NOT NULL
    OR (c.kind = 'public' AND w.role <> 'guest' AND NOT {banned_in_sql(channel="c.id", user="w.user_id")})
)"""


@dataclass(frozen=True, slots=True)
class WorkspaceSeat:
    """A person's place in a workspace."""

    workspace: WorkspaceRow
    role: Role

    def may(self, permission: Permission) -> bool:
        return has(self.workspace.permissions, self.role, permission)

    def require_permission(self, permission: Permission) -> None:
        """Raises Forbidden."""
        if not self.may(permission):
            raise PermissionMissing(permission)

    def outranks(self, other: Role) -> bool:
        return outranks(self.role, other)


@dataclass(frozen=True, slots=True)
class ChannelSeat:
    """A person's place before or in a channel. `member` is None for who only looks in from the workspace.

    `permissions` is where the workspace differs from the defaults.
    """

    channel: ChannelRow
    role: Role
    member: ChannelMemberRow | None
    permissions: Mapping[str, str]
    muted_until: datetime | None

    def require_member(self) -> ChannelMemberRow:
        """Raises NotAMember."""
        if self.member is None:
            raise NotAMember
        return self.member

    @property
    def owns(self) -> bool:
        """Whether the channel is theirs, and they are no guest."""
        return self.member is not None and self.member.role == Role.OWNER and self.role != Role.GUEST

    def may(self, permission: Permission) -> bool:
        return (permission in OF_CHANNEL_OWNERS and self.owns) or has(self.permissions, self.role, permission)

    def require_permission(self, permission: Permission) -> None:
        """Raises Forbidden."""
        if not self.may(permission):
            raise PermissionMissing(permission)

    def outranks(self, other: Role) -> bool:
        return outranks(self.role, other)

    def require_unmuted(self) -> ChannelMemberRow:
        """Whether they may have a say in the channel. Raises NotAMember, Muted."""
        member = self.require_member()
        if self.muted_until is not None:
            raise Muted(self.muted_until)
        return member

    def require_poster(self) -> ChannelMemberRow:
        """Whether something of theirs may be written in the channel. Raises NotAMember, Muted, PostingRestricted."""
        member = self.require_unmuted()
        if self.channel.posting == Posting.ADMINS and not self.may(Permission.MANAGE_CHANNELS):
            raise PostingRestricted
        return member


# Made once: nearly every request asks one of these, and composing a statement takes longer than running it.
_USER, _WORKSPACE, _CHANNEL, _MESSAGE = (
    bindparam(name, type_=Uuid()) for name in ("user_id", "workspace_id", "channel_id", "message_id")
)
_PEOPLE, _CHANNELS = (bindparam(name, type_=Uuid(), expanding=True) for name in ("people", "channels"))

_WORKSPACE_SEAT = (
    sa.select(WorkspaceRow, col(WorkspaceMemberRow.role))
    .join(WorkspaceMemberRow, col(WorkspaceMemberRow.workspace_id) == col(WorkspaceRow.id))
    .where(col(WorkspaceRow.id) == _WORKSPACE, col(WorkspaceMemberRow.user_id) == _USER)
    .execution_options(populate_existing=True)
)
_SEATS = (
    sa.select(
        ChannelRow,
        col(WorkspaceMemberRow.role),
        ChannelMemberRow,
        col(WorkspaceRow.permissions),
        muted_until(_USER, col(ChannelRow.id), col(ChannelRow.workspace_id)),
        is_banned(_USER, col(ChannelRow.id)),
    )
    .join(WorkspaceRow, col(WorkspaceRow.id) == col(ChannelRow.workspace_id))
    .join(
        WorkspaceMemberRow,
        and_(
            col(WorkspaceMemberRow.workspace_id) == col(ChannelRow.workspace_id),
            col(WorkspaceMemberRow.user_id) == _USER,
        ),
    )
    .outerjoin(
        ChannelMemberRow,
        and_(col(ChannelMemberRow.channel_id) == col(ChannelRow.id), col(ChannelMemberRow.user_id) == _USER),
    )
    .execution_options(populate_existing=True)
)
_CHANNEL_SEAT = _SEATS.where(col(ChannelRow.id) == _CHANNEL)
_MESSAGE_SEAT = (
    _SEATS.add_columns(MessageRow)
    .join(MessageRow, col(MessageRow.channel_id) == col(ChannelRow.id))
    .where(col(MessageRow.id) == _MESSAGE)
)
_WORKSPACE_OF = sa.select(col(ChannelRow.workspace_id)).where(col(ChannelRow.id) == _CHANNEL)
_LOCK_WORKSPACE = (
    sa.select(col(WorkspaceRow.id)).where(col(WorkspaceRow.id) == _WORKSPACE).with_for_update(key_share=True)
)
_LOCK_CHANNELS = (
    sa.select(col(ChannelRow.id))
    .where(col(ChannelRow.id).in_(_CHANNELS))
    .order_by(col(ChannelRow.id))
    .with_for_update(key_share=True)
)
_HOLD_SEATS = (
    sa.select(UserRow)
    .join(WorkspaceMemberRow, col(WorkspaceMemberRow.user_id) == col(UserRow.id))
    .where(col(WorkspaceMemberRow.workspace_id) == _WORKSPACE, col(UserRow.id).in_(_PEOPLE))
    .order_by(col(UserRow.id))
    .with_for_update(read=True, key_share=True, of=WorkspaceMemberRow)
)


async def access_workspace(
    session: AsyncSession, user_id: UUID, workspace_id: UUID, *, lock: bool = False
) -> WorkspaceSeat:
    """Raises NotFound unless the user belongs to the workspace.

    With `lock` the workspace's row and the user's seat stay locked, in this order, until the transaction ends: whoever
    is being removed at the same moment either finishes first or is a stranger.
    """
    if lock:
        await session.execute(_LOCK_WORKSPACE, {"workspace_id": workspace_id})
        await hold_seats(session, workspace_id, [user_id])
    found = (await session.execute(_WORKSPACE_SEAT, {"workspace_id": workspace_id, "user_id": user_id})).one_or_none()
    if found is None:
        raise NotFound
    return WorkspaceSeat(found[0], Role(found[1]))


async def hold_seats(session: AsyncSession, workspace_id: UUID, people: Iterable[UUID]) -> list[UserRow]:
    """Those of these people who belong to the workspace. None of them can leave it before the transaction ends.

    Seats are held before channels are locked; whoever sees somebody off does it in the same order.
    """
    return list(await session.scalars(_HOLD_SEATS, {"workspace_id": workspace_id, "people": list(people)}))


async def access_channel(
    session: AsyncSession,
    user_id: UUID,
    channel_id: UUID,
    *,
    lock: bool = False,
    holding: Iterable[UUID] = (),
    beside: Iterable[UUID] = (),
) -> ChannelSeat:
    """The channel if the user may read it, else NotFound, or Banned for a public channel.

    With `lock` the channel's row and the user's seat stay locked until the transaction ends, and what is returned is
    true until then. `holding` holds the seats of more people, `beside` locks more channels without a word on access.
    """
    if lock:
        workspace_id = await session.scalar(_WORKSPACE_OF, {"channel_id": channel_id})
        if workspace_id is None:
            raise NotFound
        await _lock(session, workspace_id, {user_id, *holding}, {channel_id, *beside})
    return _seat((await session.execute(_CHANNEL_SEAT, {"channel_id": channel_id, "user_id": user_id})).one_or_none())


async def _lock(session: AsyncSession, workspace_id: UUID, people: set[UUID], channels: set[UUID]) -> None:
    await hold_seats(session, workspace_id, people)
    await session.execute(_LOCK_CHANNELS, {"channels": list(channels)})


def _seat(found: Sequence[Any] | None) -> ChannelSeat:
    """Out of a row of `_SEATS`. Raises NotFound, Banned."""
    if found is None:
        raise NotFound
    channel, role = found[0], Role(found[1])
    member = cast("ChannelMemberRow | None", found[2])  # the outer join may find none
    if member is None and (channel.kind != ChannelKind.PUBLIC or role == Role.GUEST):
        raise NotFound
    if member is None and found[5]:
        raise Banned
    return ChannelSeat(channel, role, member, cast("dict[str, str]", found[3]), found[4])


def may_read(user_id: UUID, channel_id: Mapped[UUID]) -> ColumnElement[bool]:
    """Whether the user may read the channel that this column names: `READABLE`, for statements.

    Looked up for each: of EXISTS, asked for many rows, PostgreSQL makes a table of all channels first.
    """
    c, w, m = (
        aliased(ChannelRow, name="c"),
        aliased(WorkspaceMemberRow, name="w"),
        aliased(ChannelMemberRow, name="m"),
    )
    readable = (
        select(literal_column(READABLE, Boolean))
        .select_from(c)
        .join(w, col(w.workspace_id) == col(c.workspace_id))
        .outerjoin(m, and_(col(m.channel_id) == col(c.id), col(m.user_id) == user_id))
        .where(col(c.id) == channel_id, col(w.user_id) == user_id)
        .correlate_except(c, w, m)
    )
    return sa.func.coalesce(readable.scalar_subquery(), sa.false())


async def access_message(
    session: AsyncSession, user_id: UUID, message_id: UUID, *, lock: bool = False, beside: Iterable[UUID] = ()
) -> tuple[MessageRow, ChannelSeat]:
    """The message, and the user's seat before it, if the user may read its channel; else NotFound.

    With `lock` the channel is locked as by `access_channel`, and so are all its messages: whoever changes one takes the
    channel's next number.
    """
    if lock:
        message = await session.get(MessageRow, message_id)
        if message is None:
            raise NotFound
        await _lock(session, message.workspace_id, {user_id}, {message.channel_id, *beside})
    found = (await session.execute(_MESSAGE_SEAT, {"message_id": message_id, "user_id": user_id})).one_or_none()
    seat = _seat(found)
    return cast("Sequence[Any]", found)[-1], seat


async def access_thread(session: AsyncSession, seat: ChannelSeat, root_id: UUID) -> MessageRow:
    """The first message of a thread in this channel. Raises ThreadNotFound, also when it is a reply itself."""
    root = await session.get(MessageRow, root_id)
    if root is None or root.channel_id != seat.channel.id or root.thread_id is not None:
        raise ThreadNotFound(errors=[FieldError(detail="No first message of a thread here.", pointer="/thread_id")])
    return root
