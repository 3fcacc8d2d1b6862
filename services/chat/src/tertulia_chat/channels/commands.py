"""Opening channels and direct conversations, joining and leaving, adding and removing people."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat import membership
from tertulia_chat.access import WorkspaceSeat, access_channel, hold_seats
from tertulia_chat.audit import note
from tertulia_chat.bot import BOT_ID
from tertulia_chat.channels import auditing
from tertulia_chat.channels.checks import check_not_direct, check_open, checked_name
from tertulia_chat.channels.schemas import MAX_PEOPLE, ChannelMember, NewChannel
from tertulia_chat.errors import ChannelNameTaken, Muted
from tertulia_chat.permissions import Permission
from tertulia_chat.removal import kick
from tertulia_chat.sanctions import laid_on, mute_of
from tertulia_chat.tables import ChannelRow, UserRow
from tertulia_shared.events import Channel, ChannelKind, LeaveReason, Role
from tertulia_shared.problems import FieldError, Forbidden, NotFound, ValidationFailed

_TO_CREATE = {
    ChannelKind.PUBLIC: Permission.CREATE_PUBLIC_CHANNEL,
    ChannelKind.PRIVATE: Permission.CREATE_PRIVATE_CHANNEL,
}


async def create(session: AsyncSession, seat: WorkspaceSeat, creator_id: UUID, wish: NewChannel) -> Channel:
    """Raises Forbidden, ValidationFailed, ChannelNameTaken."""
    seat.require_permission(_TO_CREATE[ChannelKind(wish.kind)])
    name = checked_name(wish.name)
    creator = await hold_seats(session, seat.workspace.id, [creator_id])
    if (until := mute_of(await laid_on(session, seat.workspace.id, [creator_id]), creator_id)) is not None:
        raise Muted(until)  # a channel's name and topic are words for everybody
    channel = ChannelRow(
        workspace_id=seat.workspace.id,
        kind=wish.kind,
        name=name,
        topic=wish.topic.strip(),
        purpose=wish.purpose.strip(),
        created_by=creator_id,
    )
    try:
        view = await membership.open_channel(session, channel, creator, actor_id=creator_id)
    except IntegrityError as error:
        raise ChannelNameTaken from error
    await note(session, auditing.created(view, seat.workspace.id, creator_id))
    return view


async def open_direct(
    session: AsyncSession, seat: WorkspaceSeat, caller_id: UUID, others: Sequence[UUID]
) -> tuple[Channel, bool]:
    """The one conversation of exactly these people, and whether it is new. Raises NotFound for a stranger."""
    ids = {caller_id, *others}
    if len(ids) > MAX_PEOPLE:
        detail = f"At most {MAX_PEOPLE} people."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="/user_ids")])
    people = await hold_seats(session, seat.workspace.id, ids)
    if len(people) != len(ids):
        raise NotFound
    key = ",".join(sorted(map(str, ids)))
    kind = ChannelKind.GROUP_DM if len(ids) > 2 else ChannelKind.DM
    channel = ChannelRow(workspace_id=seat.workspace.id, kind=kind, people_key=key, created_by=caller_id)
    try:
        async with session.begin_nested():
            return await membership.open_channel(session, channel, people, actor_id=caller_id), True
    except IntegrityError:
        return await _reopen(session, seat, caller_id, key, people), False


async def _reopen(
    session: AsyncSession, seat: WorkspaceSeat, caller_id: UUID, key: str, people: Sequence[UserRow]
) -> Channel:
    """Who left the workspace and came back finds their place again."""
    channel_id = await session.scalar(
        select(ChannelRow.id).where(
            col(ChannelRow.workspace_id) == seat.workspace.id, col(ChannelRow.people_key) == key
        )
    )
    if channel_id is None:
        raise NotFound
    (channel,) = await membership.lock_channels(session, [channel_id])
    await membership.add_people(session, channel, people, role=Role.MEMBER, actor_id=caller_id)
    return await membership.view_channel(session, channel)


async def join(session: AsyncSession, caller_id: UUID, channel_id: UUID) -> Channel:
    """Idempotent. Raises NotFound, Banned, ChannelArchived."""
    seat = await access_channel(session, caller_id, channel_id, lock=True)
    check_open(seat)
    people = await hold_seats(session, seat.channel.workspace_id, [caller_id])
    await membership.add_people(session, seat.channel, people, role=Role.MEMBER, actor_id=caller_id)
    return await membership.view_channel(session, seat.channel)


async def leave(session: AsyncSession, caller_id: UUID, channel_id: UUID) -> None:
    """Idempotent. Raises NotFound, DirectChannel."""
    seat = await access_channel(session, caller_id, channel_id, lock=True)
    check_not_direct(seat)
    await membership.remove_person(session, seat.channel, caller_id, reason=LeaveReason.LEFT, actor_id=caller_id)


async def add(session: AsyncSession, caller_id: UUID, channel_id: UUID, user_id: UUID) -> tuple[ChannelMember, bool]:
    """The member, and whether they are new.

    Raises NotFound, Forbidden, DirectChannel, ChannelArchived, PersonBanned.
    """
    seat = await access_channel(session, caller_id, channel_id, lock=True, holding=[user_id])
    seat.require_member()
    check_not_direct(seat)
    check_open(seat)
    if seat.role == Role.GUEST:
        raise Forbidden("Guests do not add people.")
    if user_id == BOT_ID:
        raise Forbidden("The bot answers in every channel without being in it.")
    people = await hold_seats(session, seat.channel.workspace_id, [user_id])
    if not people:
        raise NotFound
    added = await membership.add_people(session, seat.channel, people, role=Role.MEMBER, actor_id=caller_id)
    member = (await access_channel(session, user_id, channel_id)).require_member()
    view = ChannelMember(user=people[0].view(), role=Role(member.role), joined_at=member.joined_at)
    return view, bool(added)


async def remove(session: AsyncSession, caller_id: UUID, channel_id: UUID, user_id: UUID) -> None:
    """Oneself, or anybody as `removal.kick` does."""
    if user_id == caller_id:
        await leave(session, caller_id, channel_id)
    else:
        await kick(session, caller_id, channel_id, user_id)
