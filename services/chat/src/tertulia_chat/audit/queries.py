"""Reading entries."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from tertulia_chat.audit.schemas import AuditEntry, AuditPage, Outcome
from tertulia_chat.tables import AuditRow, first_id
from tertulia_shared.problems import FieldError, ValidationFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries of a workspace: from `start`, before `end`."""

    workspace_id: UUID
    actor_id: UUID | None = None
    action: str | None = None
    target_id: str | None = None
    outcome: Outcome | None = None
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Raises ValidationFailed."""
        for name, time in (("from", self.start), ("to", self.end)):
            if time is not None and time.tzinfo is None:
                raise ValidationFailed(errors=[FieldError(detail="A time with its time zone.", parameter=name)])

    def query(self) -> SelectOfScalar[AuditRow]:
        """Each filter has an index that ends with the id, which also tells the time."""
        query = select(AuditRow).where(col(AuditRow.workspace_id) == self.workspace_id)
        if self.actor_id is not None:
            query = query.where(col(AuditRow.actor_id) == self.actor_id)
        if self.action is not None:
            query = query.where(col(AuditRow.action) == self.action)
        if self.target_id is not None:
            query = query.where(col(AuditRow.target_id) == self.target_id)
        if self.outcome is not None:
            query = query.where(col(AuditRow.outcome) == self.outcome)
        if self.start is not None:
            query = query.where(col(AuditRow.id) >= first_id(self.start))
        if self.end is not None:
            query = query.where(col(AuditRow.id) < first_id(self.end))
        return query


async def page(session: AsyncSession, wanted: Wanted, limit: int, before: UUID | None) -> AuditPage:
    """The newest first. What is written meanwhile comes before the first page."""
    query = wanted.query().order_by(col(AuditRow.id).desc()).limit(limit + 1)
    if before is not None:
        query = query.where(col(AuditRow.id) < before)
    rows = list(await session.scalars(query))
    more = len(rows) > limit
    return AuditPage(items=[view(row) for row in rows[:limit]], next=str(rows[limit - 1].id) if more else None)


async def batch(session: AsyncSession, wanted: Wanted, after: UUID | None, limit: int) -> list[AuditRow]:
    """The oldest first."""
    query = wanted.query().order_by(col(AuditRow.id)).limit(limit)
    if after is not None:
        query = query.where(col(AuditRow.id) > after)
    return list(await session.scalars(query))


def view(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=str(row.id),
        at=row.at,
        actor_id=str(row.actor_id),
        action=row.action,
        outcome=Outcome(row.outcome),
        target_type=row.target_type,
        target_id=row.target_id,
        channel_id=str(row.channel_id) if row.channel_id else None,
        before=row.before,
        after=row.after,
        reason=row.reason,
        address=row.address,
        request_id=row.request_id,
        times=row.times,
    )
