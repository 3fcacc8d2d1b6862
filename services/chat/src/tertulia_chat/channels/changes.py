"""Changing what a channel is: its name and topic, who writes in it, its kind, who owns it, whether it is archived
or deleted.

Each holds the channel and the caller's seat (`access_channel(lock=True)`), so what was checked is true when it is
written. Doing again what was done changes nothing and tells nothing.
"""

from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import UNSET, UnsetType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tertulia_chat import membership
from tertulia_chat.access import ChannelSeat, access_channel
from tertulia_chat.audit import Action, note
from tertulia_chat.channels import auditing
from tertulia_chat.channels.checks import check_not_direct, check_open, checked_name
from tertulia_chat.channels.schemas import ChannelMember, PatchChannel
from tertulia_chat.errors import Banned, ChannelNameTaken, DefaultChannel, DefaultNotPrivate, KindNotChangeable, Muted
from tertulia_chat.permissions import Permission
from tertulia_chat.tables import GENERAL, ChannelRow, ReportRow, UserRow, now
from tertulia_shared.events import Channel, ChannelArchived, ChannelKind, ChannelUpdated, ReportState, Role
from tertulia_shared.problems import Forbidden, NotFound

_NO_DETAILS = "A direct conversation has no name, topic, kind or rules."
_NO_ROLES = "Nobody owns a direct conversation."
_WORDS = {"topic", "purpose"}
_PACE = {"slow_mode_s"}


async def update(session: AsyncSession, caller_id: UUID, channel_id: UUID, wish: PatchChannel) -> Channel:
    """Topic and purpose are for who may write in the channel, how slow it is for who sets that; everything else, and
    topic and purpose too, for who manages it. Who is muted in it has no word in what it is called.

    Raises NotFound, DirectChannel, NotAMember, Muted, PostingRestricted, Forbidden, ChannelArchived, ChannelNameTaken,
    KindNotChangeable, DefaultNotPrivate, ValidationFailed.
    """
    seat = await access_channel(session, caller_id, channel_id, lock=True)
    channel = seat.channel
    check_not_direct(seat, _NO_DETAILS)
    wishes = _wishes(wish)
    _check_may_change(seat, wishes)
    check_open(seat)
    _check_kind(channel, wishes)
    was = channel.view()
    changed = {name: value for name, value in wishes.items() if getattr(channel, name) != value}
    if not changed:
        return was
    channel.sqlmodel_update(changed)
    try:
        view = await membership.record_change(session, ChannelUpdated, channel, was=was, actor_id=caller_id)
    except IntegrityError as error:
        raise ChannelNameTaken from error
    if entry := auditing.updated(channel, was, view, caller_id):
        await note(session, entry)
    return view


def _wishes(wish: PatchChannel) -> dict[str, object]:
    """What is wished for, as it is stored."""
    given = {name: value for name, value in msgspec.structs.asdict(wish).items() if value is not UNSET}
    stored = {name: value.strip() if name in _WORDS else value for name, value in given.items()}
    return stored if isinstance(wish.name, UnsetType) else {**stored, "name": checked_name(wish.name)}


def _check_may_change(seat: ChannelSeat, wishes: dict[str, object]) -> None:
    if wishes.keys() & _PACE:
        seat.require_permission(Permission.SET_SLOW_MODE)
    rest = wishes.keys() - _PACE
    if not rest <= _WORDS:
        seat.require_permission(Permission.MANAGE_CHANNELS)
    elif rest and not seat.may(Permission.MANAGE_CHANNELS):
        seat.require_poster()
    if rest and seat.muted_until is not None:
        raise Muted(seat.muted_until)


def _check_kind(channel: ChannelRow, wishes: dict[str, object]) -> None:
    """A private channel stays private: what was said in it was said to its people."""
    kind = wishes.get("kind", channel.kind)
    if channel.kind == ChannelKind.PRIVATE and kind != channel.kind:
        raise KindNotChangeable
    if kind != ChannelKind.PUBLIC and wishes.get("is_default", channel.is_default):
        raise DefaultNotPrivate


async def set_role(
    session: AsyncSession, caller_id: UUID, channel_id: UUID, user_id: UUID, role: Role
) -> ChannelMember:
    """For who manages the channel. It may have several owners, or none: the workspace's admins manage it anyway.

    Raises NotFound, DirectChannel, Forbidden, ChannelArchived.
    """
    seat = await access_channel(session, caller_id, channel_id, lock=True, holding=[user_id])
    check_not_direct(seat, _NO_ROLES)
    seat.require_permission(Permission.MANAGE_CHANNELS)
    check_open(seat)
    try:
        theirs = await access_channel(session, user_id, channel_id)
    except Banned as error:
        raise NotFound from error
    if theirs.member is None:
        raise NotFound
    if role == Role.OWNER and theirs.role == Role.GUEST:
        raise Forbidden("A guest owns no channel.")
    was = Role(theirs.member.role)
    await membership.change_role(session, seat.channel, theirs.member, role, actor_id=caller_id)
    if was != role:
        entry = auditing.about_member(
            seat.channel,
            user_id,
            caller_id,
            Action.CHANNEL_ROLE_CHANGED,
            before={"role": was},
            after={"role": role},
        )
        await note(session, entry)
    user = await session.get_one(UserRow, user_id)
    return ChannelMember(user=user.view(), role=Role(theirs.member.role), joined_at=theirs.member.joined_at)


async def set_archived(session: AsyncSession, caller_id: UUID, channel_id: UUID, *, archived: bool) -> Channel:
    """For who may archive it. Raises NotFound, Forbidden, DirectChannel."""
    seat = await access_channel(session, caller_id, channel_id, lock=True)
    channel = seat.channel
    check_not_direct(seat, "A direct conversation is not archived.")
    seat.require_permission(Permission.ARCHIVE_CHANNELS)
    if (channel.archived_at is not None) == archived:
        return channel.view()
    was = channel.view()
    channel.archived_at = now() if archived else None
    view = await membership.record_change(session, ChannelArchived, channel, was=was, actor_id=caller_id)
    await note(session, auditing.archived(channel, caller_id))
    return view


async def delete(session: AsyncSession, caller_id: UUID, channel_id: UUID) -> None:
    """For good, also an archived one. From then on it is like a channel that never was.

    Raises NotFound, Forbidden, DirectChannel, DefaultChannel.
    """
    seat = await access_channel(session, caller_id, channel_id, lock=True)
    channel = seat.channel
    check_not_direct(seat, "A direct conversation is not deleted.")
    seat.require_permission(Permission.DELETE_CHANNELS)
    if channel.is_default or (channel.kind == ChannelKind.PUBLIC and channel.name == GENERAL):
        raise DefaultChannel
    was, people = channel.view(), channel.member_count
    await membership.delete_channel(session, channel, actor_id=caller_id)
    await _forget_reported(session, channel)
    await note(session, auditing.deleted(channel, was, people, caller_id))


async def _forget_reported(session: AsyncSession, channel: ChannelRow) -> None:
    """That somebody reported a message stays for the moderators, not what it said."""
    here = (
        col(ReportRow.workspace_id) == channel.workspace_id,
        col(ReportRow.state) == ReportState.OPEN,
        col(ReportRow.channel_id) == channel.id,
    )
    await session.execute(sa.update(ReportRow).where(*here).values(text=None, note=None))
