"""A canary: an event that says nothing, written into the log every few seconds and published as any other.

"The stream is healthy" is what NATS says of itself, also while it stores nothing. That a canary arrives, and how old
the newest is, shows the whole way: log, relay, stream, its acknowledgement, its republishing, and the ingress of each
process of notify, which tells the age. Whoever holds the canary's shard writes it, so an installation has one however
many relays run. At a change of hands two may follow each other closely, which nobody minds.
"""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import uuid_utils.compat

from tertulia_chat.relay import metrics
from tertulia_shared.events import Address, CanarySent, Topology, encode, envelope_of, shard_of
from tertulia_shared.telemetry import logger

log = logger(__name__)

NOBODY = str(UUID(int=0))
"""Whom it is for."""
SHARD = shard_of(NOBODY)

_SUBJECT = Topology().evt(Address(SHARD, None, "user", NOBODY))
_INSERT = "INSERT INTO event_log (shard, subject, type, event_id, body) VALUES ($1, $2, $3, $4, $5)"


async def send(connection: asyncpg.Connection) -> None:
    """Write one into the log; the next read finds it.

    A database that takes no row (its disk is full) must not keep the relay from publishing what is there. That no
    canary comes says enough.
    """
    event_id = uuid_utils.compat.uuid7()
    envelope = envelope_of(CanarySent(), event_id=str(event_id), time=datetime.now(UTC))
    try:
        await connection.execute(_INSERT, SHARD, _SUBJECT, envelope.type, event_id, encode(envelope).decode())
    except asyncpg.PostgresError as error:
        log.warning("canary could not be written", error=str(error))
    else:
        metrics.CANARIES.inc()
