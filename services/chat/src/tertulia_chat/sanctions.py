"""What is laid on people now: bans and mutes that are not over.

One that is over is as none, by the database's clock; nothing has to sweep it away. A ban or a mute is laid under the
lock of its place (the channel's or the workspace's row), and whoever comes in holds that lock when they ask.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, any_, func
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import and_, col, or_, select

from tertulia_chat.tables import SanctionKind, SanctionRow

Laid = dict[UUID, dict[SanctionKind, SanctionRow]]
"""By person."""


def banned_in_sql(*, channel: str, user: str) -> str:
    """Whether there is a ban, for statements; both are given as SQL.

    Looked up by its key: of EXISTS, asked for many channels, PostgreSQL makes a table of all bans of all people first.
    """
    return f"""(
        (SELECT b.until IS NULL OR b.until > now() FROM sanction b
        WHERE b.place_id = {channel} AND b.kind = '{SanctionKind.BAN}' AND b.user_id = {user}) IS TRUE
    )"""  # noqa: S608 composed of constants only


def muted_in_sql(*, channel: str, workspace: str, user: str) -> str:
    """Until when the person is muted in the channel or all of the workspace, for statements; null: they are not."""
    return f"""(
        SELECT max(x.until) FROM sanction x WHERE x.place_id = ANY (ARRAY[{channel}, {workspace}])
            AND x.kind = '{SanctionKind.MUTE}' AND x.user_id = {user} AND x.until > now()
    )"""  # noqa: S608 composed of constants only


def is_banned(user_id: UUID | ColumnElement[UUID], place_id: Mapped[UUID]) -> ColumnElement[bool]:
    """As `banned_in_sql`."""
    return (
        select(SanctionRow.user_id)
        .where(_of(SanctionKind.BAN, user_id), col(SanctionRow.place_id) == place_id)
        .correlate_except(SanctionRow)
        .exists()
    )


def muted_until(user_id: UUID | ColumnElement[UUID], *places: Mapped[UUID]) -> ColumnElement[datetime | None]:
    """As `muted_in_sql`."""
    return (
        select(func.max(SanctionRow.until))
        .where(_of(SanctionKind.MUTE, user_id), col(SanctionRow.place_id) == any_(array(places)))
        .correlate_except(SanctionRow)
        .scalar_subquery()
    )


def mute_in_force(place_id: Mapped[UUID] | UUID, user_id: Mapped[UUID]) -> ColumnElement[bool]:
    """For joining to somebody in a place until when they are muted in it: at most one row."""
    return and_(
        col(SanctionRow.place_id) == place_id,
        col(SanctionRow.kind) == SanctionKind.MUTE,
        col(SanctionRow.user_id) == user_id,
        in_force(),
    )


def mute_joined_in_sql(*, place: str, user: str) -> str:
    """As `mute_in_force`, for statements: the join, whose row goes by the name `mute`."""
    return f"""LEFT JOIN sanction mute ON mute.place_id = {place} AND mute.kind = '{SanctionKind.MUTE}'
        AND mute.user_id = {user} AND mute.until > now()"""


async def laid_in(session: AsyncSession, places: Iterable[UUID], people: Iterable[UUID]) -> dict[UUID, Laid]:
    """What holds of these people in each of these places itself. Asks nothing where there are none."""
    ids = list(places)
    laid: dict[UUID, Laid] = {}
    if not ids:
        return laid
    query = select(SanctionRow).where(
        col(SanctionRow.place_id).in_(ids), col(SanctionRow.user_id).in_(list(people)), in_force()
    )
    for row in await session.scalars(query.execution_options(populate_existing=True)):
        laid.setdefault(row.place_id, {}).setdefault(row.user_id, {})[SanctionKind(row.kind)] = row
    return laid


async def laid_on(session: AsyncSession, place_id: UUID, people: Iterable[UUID]) -> Laid:
    """What holds of these people in this place itself, and not of all the workspace when it is a channel."""
    return (await laid_in(session, [place_id], people)).get(place_id, {})


async def banned_places(session: AsyncSession, user_id: UUID, places: Iterable[UUID]) -> set[UUID]:
    """Which of these somebody is banned from."""
    query = select(SanctionRow.place_id).where(
        _of(SanctionKind.BAN, user_id), col(SanctionRow.place_id).in_(list(places))
    )
    return set(await session.scalars(query))


def mute_of(laid: Laid, user_id: UUID) -> datetime | None:
    mute = laid.get(user_id, {}).get(SanctionKind.MUTE)
    return mute.until if mute else None


def in_force() -> ColumnElement[bool]:
    return or_(col(SanctionRow.until).is_(None), col(SanctionRow.until) > func.now())


def _of(kind: SanctionKind, user_id: UUID | ColumnElement[UUID]) -> ColumnElement[bool]:
    return and_(col(SanctionRow.kind) == kind, col(SanctionRow.user_id) == user_id, in_force())
