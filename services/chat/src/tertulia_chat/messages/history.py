"""What messages said before, as far as the workspace keeps it (`HistoryPolicy`).

| policy | an edit keeps | a deletion keeps | who may read the message sees |
|---|---|---|---|
| off | nothing | its text, for `UNDO_WINDOW` | nothing |
| edits | the former text | its text, for `UNDO_WINDOW`; what edits kept goes at once | the texts before the edits |
| all | the former text | all of it | everything |

Whoever changes a message holds the policy before anything else, and whoever changes the policy waits for them and takes
along what the new one does not keep (`workspaces.commands`). The texts are in this one table: no event tells them.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from tertulia_chat.errors import HistoryOff, UndoExpired
from tertulia_chat.messages.schemas import HistoryPage, Version
from tertulia_chat.messages.taken import taken_from
from tertulia_chat.tables import MessageRow, RevisionRow, WorkspaceRow, now
from tertulia_shared.events import HistoryPolicy

UNDO_WINDOW = timedelta(minutes=5)

# In one statement, so that the present text is the one that followed the last of the others.
_KEPT = "message_revision WHERE message_id = :message_id AND purge_at IS NULL AND CAST(:shown AS boolean)"
_VERSIONS = sa.text(f"""
WITH version AS (
    (SELECT number, text, replaced_at, replaced_by FROM {_KEPT} AND number > :after ORDER BY number LIMIT :limit)
    UNION ALL
    SELECT (SELECT coalesce(max(number), 0) + 1 FROM {_KEPT}), text, NULL, NULL FROM message WHERE id = :message_id
)
SELECT * FROM version WHERE number > :after ORDER BY number LIMIT :limit
""")  # noqa: S608 composed of constants only


async def hold_policy(session: AsyncSession, workspace_id: UUID) -> HistoryPolicy:
    """It does not change before the transaction ends. Held before seats and channels, like the workspace always is."""
    query = select(WorkspaceRow.history_policy).where(col(WorkspaceRow.id) == workspace_id)
    return HistoryPolicy((await session.scalars(query.with_for_update(read=True))).one())


async def keep_former(
    session: AsyncSession, row: MessageRow, policy: HistoryPolicy, editor_id: UUID, at: datetime
) -> None:
    """Before an edit, under the channel's lock."""
    if policy != HistoryPolicy.OFF:
        await _keep(session, row, editor_id, at)


async def keep_deleted(
    session: AsyncSession, row: MessageRow, policy: HistoryPolicy, actor_id: UUID, at: datetime
) -> None:
    """Before a deletion, under the channel's lock. An answer of the bot does not come back, so nothing waits for it."""
    kept = policy == HistoryPolicy.ALL
    if not kept:
        await session.execute(delete(RevisionRow).where(col(RevisionRow.message_id) == row.id))
    if kept or row.ai is None:
        read_out = msgspec.to_builtins(taken_from(row))
        await _keep(session, row, actor_id, at, read_out=read_out, purge_at=None if kept else at + UNDO_WINDOW)


async def deletion_of(session: AsyncSession, row: MessageRow) -> RevisionRow:
    """What the deletion of this message took; nobody purges it meanwhile. Raises UndoExpired."""
    query = (
        select(RevisionRow)
        .where(col(RevisionRow.message_id) == row.id, col(RevisionRow.read_out).is_not(None))
        .order_by(col(RevisionRow.number).desc())
        .limit(1)
        .with_for_update()
    )
    taken = await session.scalar(query)
    if taken is None or now() - taken.replaced_at > UNDO_WINDOW:
        raise UndoExpired
    return taken


async def versions(session: AsyncSession, row: MessageRow, after: int, limit: int) -> HistoryPage:
    """What is kept of the message, and its present text. Raises HistoryOff."""
    query = select(WorkspaceRow.history_policy).where(col(WorkspaceRow.id) == row.workspace_id)
    policy = HistoryPolicy((await session.scalars(query)).one())
    if policy == HistoryPolicy.OFF:
        raise HistoryOff
    shown = policy == HistoryPolicy.ALL or row.deleted_at is None
    values = {"message_id": row.id, "after": after, "shown": shown, "limit": limit + 1}
    found = (await session.execute(_VERSIONS, values)).all()
    items = [_version(one) for one in found[:limit]]
    return HistoryPage(items=items, next=items[-1].number if len(found) > limit else None)


async def _keep(session: AsyncSession, row: MessageRow, actor_id: UUID, at: datetime, **more: Any) -> None:
    newest = select(sa.func.max(RevisionRow.number)).where(col(RevisionRow.message_id) == row.id).scalar_subquery()
    kept = sa.insert(RevisionRow).values(
        message_id=row.id,
        number=sa.func.coalesce(newest, 0) + 1,
        workspace_id=row.workspace_id,
        text=row.text,
        replaced_at=at,
        replaced_by=actor_id,
        **more,
    )
    await session.execute(kept)


def _version(found: sa.Row[Any]) -> Version:
    replaced_by = str(found.replaced_by) if found.replaced_by else None
    return Version(number=found.number, text=found.text, replaced_at=found.replaced_at, replaced_by=replaced_by)
