"""Keys and answers in PostgreSQL, in the transaction of what was done."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.errors import IdempotencyKeyInUse, IdempotencyKeyReused, TooManyIdempotencyKeys
from tertulia_chat.tables import IdempotencyKeyRow

MOST = 10_000
"""So many answers are kept for one person at a time; beyond that they are refused, rather than some forgotten early."""

# Of 64 bits: two keys that share a lock by chance would at worst be told to try again.
_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(:lock)").bindparams(sa.bindparam("lock", type_=sa.BigInteger))
_FIND = sa.text("""
SELECT kept.asked, kept.status, kept.answer,
    (SELECT count(*) FROM (SELECT FROM idempotency_key WHERE user_id = :user_id LIMIT :most) AS held) AS number
FROM (SELECT) AS one LEFT JOIN idempotency_key kept ON kept.user_id = :user_id AND kept.key = :key
""").bindparams(sa.bindparam("user_id", type_=sa.Uuid))


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks with which key, and a digest of what."""

    user_id: UUID
    key: str
    digest: bytes

    @property
    def lock(self) -> int:
        named = hashlib.sha256(b"idempotency\0" + self.user_id.bytes + self.key.encode()).digest()
        return int.from_bytes(named[:8], signed=True)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


def digest_of(*parts: bytes) -> bytes:
    """Of what is asked: the same is what has the same bytes. The parts cannot run into each other."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


async def claim(session: AsyncSession, asked: Asked) -> Answer | None:
    """What was answered before, or None: then nobody else does it before the transaction ends.

    Raises IdempotencyKeyInUse, IdempotencyKeyReused, TooManyIdempotencyKeys.
    """
    if not await session.scalar(_LOCK, {"lock": asked.lock}):
        raise IdempotencyKeyInUse
    # A second statement: it sees what was committed until the lock was free.
    values = {"user_id": asked.user_id, "key": asked.key, "most": MOST}
    kept = (await session.execute(_FIND, values)).one()
    if kept.asked is None:
        if kept.number >= MOST:
            raise TooManyIdempotencyKeys
        return None
    if kept.asked != asked.digest:
        raise IdempotencyKeyReused
    return Answer(kept.status, kept.answer)


async def keep(session: AsyncSession, asked: Asked, answer: Answer) -> None:
    session.add(
        IdempotencyKeyRow(
            user_id=asked.user_id, key=asked.key, asked=asked.digest, status=answer.status, answer=answer.body
        )
    )
    await session.flush()
