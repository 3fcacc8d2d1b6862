"""The message that is to be marked for the whole channel to see."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import ChannelSeat, access_message
from tertulia_chat.errors import ChannelArchived, MessageDeleted
from tertulia_chat.permissions import Permission
from tertulia_chat.tables import ChannelRow, MessageRow


async def hold_message(
    session: AsyncSession, caller_id: UUID, message_id: UUID, needed: Permission | None = None
) -> tuple[MessageRow, ChannelRow]:
    """The message and its channel, locked, if the caller may mark it: who is in the channel and has what is `needed`.

    Who may not is told so before anything is locked, and asked again once it is.
    Raises NotFound, NotAMember, Muted, Forbidden, ChannelArchived, MessageDeleted.
    """
    row, seat = await access_message(session, caller_id, message_id)
    _require_may_mark(row, seat, needed)
    row, seat = await access_message(session, caller_id, message_id, lock=True)
    _require_may_mark(row, seat, needed)
    return row, seat.channel


def _require_may_mark(row: MessageRow, seat: ChannelSeat, needed: Permission | None) -> None:
    seat.require_unmuted()
    if needed is not None:
        seat.require_permission(needed)
    if seat.channel.archived_at is not None:
        raise ChannelArchived
    if row.deleted_at is not None:
        raise MessageDeleted
