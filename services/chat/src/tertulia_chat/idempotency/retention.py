"""Forgetting answers that nobody asks for again.

Every replica does it; rows that another one is at are passed over.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from tertulia_chat.database import Database
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

KEPT = timedelta(hours=24)
EVERY_S = 600.0
AT_ONCE = 5_000

_FORGET = sa.text("""
DELETE FROM idempotency_key WHERE (user_id, key) IN (
    SELECT user_id, key FROM idempotency_key WHERE created_at < now() - :kept
    ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
RETURNING 1
""").bindparams(sa.bindparam("kept", type_=sa.Interval))


@dataclass(frozen=True, slots=True)
class KeyRetention:
    """The component that does it every few minutes."""

    database: Database
    name: str = "idempotency-retention"

    async def run(self) -> None:
        while True:
            try:
                await self.forget()
            except DependencyUnavailable as error:
                log.warning("idempotency.not_forgotten", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def forget(self) -> int:
        """How many went. Raises DependencyUnavailable."""
        gone = 0
        while True:
            async with self.database.transaction() as session:
                found = len((await session.scalars(_FORGET, {"kept": KEPT, "limit": AT_ONCE})).all())
            gone += found
            if found < AT_ONCE:
                return gone
