"""Reporting a message, and deciding what becomes of it.

Who reviews sees of a reported message what it said when it was reported, who wrote it and who reported it, and nothing
else: a report about a private channel or a direct conversation opens neither. What it said is kept as long as the
report is open, also when the message is edited or deleted meanwhile, and goes when it is decided. No event tells a word
of it, and the audit log does not either. The reported person is not told, and does not review it if they could.

A decision says what was done and does nothing itself: deleting, muting and banning have their own addresses and ranks.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import WorkspaceSeat, access_message, access_workspace
from tertulia_chat.audit import Action, Entry, Target, note
from tertulia_chat.bot import BOT_ID
from tertulia_chat.errors import MessageDeleted, ReportResolved
from tertulia_chat.moderation.schemas import FileReport, ReportedMessage, ReportPage, ResolveReport
from tertulia_chat.outbox import record
from tertulia_chat.permissions import ORDER, Permission, has
from tertulia_chat.personal import personal
from tertulia_chat.tables import ReportRow, WorkspaceMemberRow, now
from tertulia_shared.events import MessageReport, ReportCreated, ReportState, ReportUpdated
from tertulia_shared.problems import NotFound


async def file(
    session: AsyncSession, caller_id: UUID, message_id: UUID, wish: FileReport
) -> tuple[MessageReport, bool]:
    """The report, and whether it is new: a person has one open report of a message. Raises NotFound, MessageDeleted."""
    message, seat = await access_message(session, caller_id, message_id)
    if message.deleted_at is not None:
        raise MessageDeleted
    row = ReportRow(
        workspace_id=message.workspace_id,
        channel_id=message.channel_id,
        message_id=message.id,
        author_id=message.author_id,
        reporter_id=caller_id,
        category=wish.category,
        note=wish.note,
        text=message.text,
    )
    stored = await session.scalar(
        insert(ReportRow).values(row.model_dump()).on_conflict_do_nothing().returning(col(ReportRow.id))
    )
    if stored is None:
        return (await _open_one(session, caller_id, message_id)).view(), False
    await _tell(session, row, ReportCreated(report=row.view()), seat.permissions, caller_id)
    return row.view(), True


async def page(
    session: AsyncSession, seat: WorkspaceSeat, caller_id: UUID, state: ReportState, limit: int, after: UUID | None
) -> ReportPage:
    """The open ones oldest first, the decided ones newest first; none about the caller. Raises Forbidden."""
    seat.require_permission(Permission.REVIEW_REPORTS)
    place, oldest_first = col(ReportRow.id), state == ReportState.OPEN
    query = (
        select(ReportRow)
        .where(
            col(ReportRow.workspace_id) == seat.workspace.id,
            col(ReportRow.state) == state,
            col(ReportRow.author_id) != caller_id,
        )
        .order_by(place if oldest_first else place.desc())
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(place > after if oldest_first else place < after)
    rows = list(await session.scalars(query))
    items = [ReportedMessage(report=row.view(), text=row.text, note=row.note) for row in rows[:limit]]
    return ReportPage(items=items, next=items[-1].report.id if len(rows) > limit else None)


async def resolve(session: AsyncSession, caller_id: UUID, report_id: UUID, wish: ResolveReport) -> MessageReport:
    """The same decision again changes nothing. Raises NotFound, Forbidden, ReportResolved."""
    row = await session.get(ReportRow, report_id, with_for_update=True)
    if row is None:
        raise NotFound
    seat = await access_workspace(session, caller_id, row.workspace_id)
    seat.require_permission(Permission.REVIEW_REPORTS)
    if row.author_id == caller_id:
        raise NotFound
    if row.state == ReportState.RESOLVED:
        if row.outcome != wish.outcome:
            raise ReportResolved
        return row.view()
    row.state, row.outcome, row.text, row.note = ReportState.RESOLVED, wish.outcome, None, None
    row.resolved_by, row.resolved_at = caller_id, now()
    session.add(row)
    await session.flush()
    await _tell(session, row, ReportUpdated(report=row.view()), seat.workspace.permissions, caller_id)
    await note(session, _entry(row, caller_id, wish.reason))
    return row.view()


async def _open_one(session: AsyncSession, caller_id: UUID, message_id: UUID) -> ReportRow:
    """Somebody may have decided it meanwhile: then it is the newest of the decided ones."""
    query = (
        select(ReportRow)
        .where(col(ReportRow.message_id) == message_id, col(ReportRow.reporter_id) == caller_id)
        .order_by(col(ReportRow.state) == ReportState.RESOLVED, col(ReportRow.id).desc())
        .limit(1)
    )
    return (await session.scalars(query)).one()


async def _tell(
    session: AsyncSession,
    row: ReportRow,
    fact: ReportCreated | ReportUpdated,
    stored: Mapping[str, str],
    actor_id: UUID,
) -> None:
    """Each who may review it now, one by one: nobody else's device ever holds it."""
    roles = [str(role) for role in ORDER if has(stored, role, Permission.REVIEW_REPORTS)]
    reviewers = await session.scalars(
        select(WorkspaceMemberRow.user_id)
        .where(
            col(WorkspaceMemberRow.workspace_id) == row.workspace_id,
            col(WorkspaceMemberRow.role).in_(roles),
            col(WorkspaceMemberRow.user_id).not_in([row.author_id, BOT_ID]),
        )
        .order_by(col(WorkspaceMemberRow.user_id))
    )
    here = {"workspace_id": row.workspace_id, "channel_id": row.channel_id}
    await record(session, *(personal(fact, reviewer, actor_id=actor_id, **here) for reviewer in reviewers))


def _entry(row: ReportRow, actor_id: UUID, reason: str) -> Entry:
    return Entry(
        workspace_id=row.workspace_id,
        channel_id=row.channel_id,
        actor_id=actor_id,
        action=Action.REPORT_RESOLVED,
        target_type=Target.REPORT,
        target_id=row.id,
        before={"state": ReportState.OPEN},
        after={"state": row.state, "outcome": row.outcome, "message_id": str(row.message_id)},
        reason=reason or None,
    )
