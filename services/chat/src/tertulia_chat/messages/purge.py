"""Forgetting the texts that were kept for an undo whose time is over.

Every replica does it; a row that another one is at, or that a restore just took, is passed over.
"""

import asyncio
from dataclasses import dataclass

import sqlalchemy as sa

from tertulia_chat.database import Database
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

EVERY_S = 15.0
AT_ONCE = 1_000

_PURGE = sa.text("""
DELETE FROM message_revision WHERE (message_id, number) IN (
    SELECT message_id, number FROM message_revision WHERE purge_at <= now()
    ORDER BY purge_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
RETURNING message_id
""")


@dataclass(frozen=True, slots=True)
class Purge:
    """The component that does it every few seconds."""

    database: Database
    name: str = "message-purge"

    async def run(self) -> None:
        while True:
            try:
                await self.purge()
            except DependencyUnavailable as error:
                log.warning("purge.failed", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def purge(self) -> int:
        """How many texts went. Raises DependencyUnavailable."""
        gone = 0
        while True:
            async with self.database.transaction() as session:
                found = len((await session.scalars(_PURGE, {"limit": AT_ONCE})).all())
            gone += found
            if found < AT_ONCE:
                return gone
