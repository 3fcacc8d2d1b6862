"""The channels that people come into with a workspace, whichever way they come.

| who comes           | joins                                                                          |
|---------------------|--------------------------------------------------------------------------------|
| admin, member       | every default channel                                                          |
| guest               | the channels that their host names, as far as the host may still let them in   |
| guest, none said    | the public `general`, as before channels could be named                        |

Nobody comes into an archived channel, or into one that they are banned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import and_, col, or_, select

from tertulia_chat import membership
from tertulia_chat.access import WorkspaceSeat, access_channel
from tertulia_chat.errors import ChannelArchived, DirectChannel
from tertulia_chat.sanctions import is_banned
from tertulia_chat.tables import GENERAL, ChannelMemberRow, ChannelRow, UserRow
from tertulia_shared.events import ChannelKind, Role
from tertulia_shared.problems import FieldError, NotFound, ValidationFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Who lets somebody in as what, and for a guest where."""

    workspace_id: UUID
    role: Role
    host_id: UUID
    channel_ids: Sequence[UUID] | None


async def checked_channels(
    session: AsyncSession, seat: WorkspaceSeat, role: Role, wished: Sequence[UUID] | None, host_id: UUID
) -> list[UUID] | None:
    """Raises ValidationFailed; for a channel NotFound, DirectChannel, ChannelArchived."""
    if wished is None:
        return None
    if role != Role.GUEST:
        detail = "Only an invitation for guests names channels."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="/channel_ids")])
    chosen = sorted(set(wished))
    for channel_id in chosen:
        channel = (await access_channel(session, host_id, channel_id)).channel
        if channel.workspace_id != seat.workspace.id:
            raise NotFound
        if channel.is_direct:
            raise DirectChannel
        if channel.archived_at is not None:
            raise ChannelArchived
    return chosen


async def join_first_channels(session: AsyncSession, welcome: Welcome, user: UserRow, *, actor_id: UUID) -> None:
    """Of a locked workspace that the person was just admitted to."""
    query = select(ChannelRow.id).where(
        col(ChannelRow.workspace_id) == welcome.workspace_id,
        col(ChannelRow.archived_at).is_(None),
        ~is_banned(user.id, col(ChannelRow.id)),
        _comes_into(welcome),
    )
    held = await membership.lock_channels(session, await session.scalars(query))
    # Asked again: until it was held, a channel may have been archived, made private or no longer be a default one.
    still = set(await session.scalars(query))
    channels = [channel for channel in held if channel.id in still]
    await membership.add_to_channels(session, channels, [user], role=Role.MEMBER, actor_id=actor_id)


def _comes_into(welcome: Welcome) -> ColumnElement[bool]:
    public = col(ChannelRow.kind) == ChannelKind.PUBLIC
    if welcome.role != Role.GUEST:
        return and_(public, col(ChannelRow.is_default))
    if welcome.channel_ids is None:
        return and_(public, col(ChannelRow.name) == GENERAL)
    hosts = select(ChannelMemberRow.channel_id).where(
        col(ChannelMemberRow.user_id) == welcome.host_id,
        col(ChannelMemberRow.workspace_id) == welcome.workspace_id,
    )
    return and_(col(ChannelRow.id).in_(list(welcome.channel_ids)), or_(public, col(ChannelRow.id).in_(hosts)))
