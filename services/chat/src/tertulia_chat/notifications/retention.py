"""Forgetting notifications whose time is over, so that their table stays as large as what people are told in a while.

Every replica does it; rows that another one is at are passed over.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from tertulia_chat.database import Database
from tertulia_chat.notifications import metrics
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

KEPT = timedelta(days=90)
"""Long enough for whoever comes back from a long absence."""
EVERY_S = 600.0
AT_ONCE = 5_000

_FORGET = sa.text("""
DELETE FROM notification WHERE id IN (
    SELECT id FROM notification WHERE id < :oldest ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
)
RETURNING id
""").bindparams(sa.bindparam("oldest", type_=sa.Uuid))


@dataclass(frozen=True, slots=True)
class Retention:
    """The component that does it every few minutes."""

    database: Database
    name: str = "notification-retention"

    async def run(self) -> None:
        while True:
            try:
                await self.forget(datetime.now(UTC) - KEPT)
            except DependencyUnavailable as error:
                log.warning("notifications.not_forgotten", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def forget(self, before: datetime) -> int:
        """How many went. Raises DependencyUnavailable."""
        gone = 0
        while True:
            async with self.database.transaction() as session:
                values = {"oldest": first_id_at(before), "limit": AT_ONCE}
                found = len((await session.scalars(_FORGET, values)).all())
            gone += found
            metrics.EXPIRED.inc(found)
            if found < AT_ONCE:
                return gone


def first_id_at(time: datetime) -> UUID:
    """The smallest UUIDv7 of this millisecond."""
    return UUID(int=int(time.timestamp() * 1000) << 80)
