"""What somebody wants of one channel."""

from uuid import UUID

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import access_channel
from tertulia_chat.attention.schemas import PatchPreferences
from tertulia_chat.errors import NotAMember
from tertulia_chat.outbox import record
from tertulia_chat.personal import personal
from tertulia_chat.tables import ChannelMemberRow
from tertulia_shared.events import ChannelPreferences, PreferencesUpdated


async def update(session: AsyncSession, user_id: UUID, channel_id: UUID, wish: PatchPreferences) -> ChannelPreferences:
    """Told to all devices when something changes. Raises NotFound, NotAMember."""
    (await access_channel(session, user_id, channel_id)).require_member()
    member = await _hold(session, user_id, channel_id)
    before = member.view_preferences()
    if wish.level is not UNSET:
        member.level = wish.level
    if wish.muted is not UNSET:
        member.muted = wish.muted
    if wish.section is not UNSET:
        member.section = wish.section
    preferences = member.view_preferences()
    if preferences != before:
        session.add(member)
        await session.flush()
        fact = PreferencesUpdated(channel_id=str(channel_id), preferences=preferences)
        await record(session, personal(fact, user_id, workspace_id=member.workspace_id, channel_id=channel_id))
    return preferences


async def _hold(session: AsyncSession, user_id: UUID, channel_id: UUID) -> ChannelMemberRow:
    """One device after the other, and none after the person has left."""
    member = await session.scalar(
        select(ChannelMemberRow)
        .where(col(ChannelMemberRow.channel_id) == channel_id, col(ChannelMemberRow.user_id) == user_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if member is None:
        raise NotAMember
    return member
