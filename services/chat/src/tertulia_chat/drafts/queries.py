"""Reading drafts: one, and all of a person's in a workspace."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import literal_column, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from tertulia_chat.access import WorkspaceSeat, may_read
from tertulia_chat.drafts.schemas import DraftPage
from tertulia_chat.tables import DraftRow

CURSOR = r"^[0-9]{1,14}\.[0-9a-f]{32}$(?!\n)"
"""The place of a draft in the list: its time in milliseconds, and the place that it is for."""

_NOTHING = literal_column("''")
"""Written out, so that a prepared statement uses the index of drafts that have a text, too."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def draft_row(user_id: UUID, channel_id: UUID, thread_id: UUID | None) -> SelectOfScalar[DraftRow]:
    return select(DraftRow).where(
        col(DraftRow.user_id) == user_id,
        col(DraftRow.place_id) == (thread_id or channel_id),
        col(DraftRow.channel_id) == channel_id,
    )


async def page(session: AsyncSession, seat: WorkspaceSeat, user_id: UUID, limit: int, before: str | None) -> DraftPage:
    """The newest first; only those for channels that the person may read now."""
    place = (col(DraftRow.updated_at), col(DraftRow.place_id))
    query = (
        select(DraftRow)
        .where(
            col(DraftRow.user_id) == user_id,
            col(DraftRow.workspace_id) == seat.workspace.id,
            col(DraftRow.text) != _NOTHING,
            may_read(user_id, col(DraftRow.channel_id)),
        )
        .order_by(*(column.desc() for column in place))
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(tuple_(*place) < _parsed(before))
    rows = list(await session.scalars(query))
    drafts = [draft for row in rows[:limit] if (draft := row.view())]
    return DraftPage(items=drafts, next=_cursor(rows[limit - 1]) if len(rows) > limit else None)


def _cursor(row: DraftRow) -> str:
    return f"{(row.updated_at - _EPOCH) // _MILLISECOND}.{row.place_id.hex}"


def _parsed(cursor: str) -> tuple[datetime, UUID]:
    milliseconds, _, place = cursor.partition(".")
    return _EPOCH + int(milliseconds) * _MILLISECOND, UUID(place)
