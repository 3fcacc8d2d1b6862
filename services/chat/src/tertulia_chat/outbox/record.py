"""Writing events into the log, in the transaction that causes them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.tables import new_id, now
from tertulia_shared.events import Address, Fact, Scope, Topology, encode, envelope_of, shard_of
from tertulia_shared.telemetry import traceparent

_TOPOLOGY = Topology()
"""Subjects are stored without the installation's prefix; the relay adds it."""

_INSERT = text("""
INSERT INTO event_log (shard, subject, type, workspace_id, channel_id, ch_seq, event_id, traceparent, body)
SELECT shard, subject, type, workspace_id, channel_id, ch_seq, event_id, :traceparent, body
FROM unnest(
    CAST(:shards AS smallint[]), CAST(:subjects AS text[]), CAST(:types AS text[]), CAST(:workspaces AS uuid[]),
    CAST(:channels AS uuid[]), CAST(:ch_seqs AS bigint[]), CAST(:event_ids AS uuid[]), CAST(:bodies AS text[])
) WITH ORDINALITY AS new (shard, subject, type, workspace_id, channel_id, ch_seq, event_id, body, place)
ORDER BY place
RETURNING id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """A fact and who it is for. `ch_seq` is given for every change of a channel, taken under the channel's row lock."""

    fact: Fact
    workspace_id: str | None
    scope: Scope
    scope_id: str
    channel_id: str | None = None
    ch_seq: int | None = None
    actor_id: str | None = None

    @property
    def shard(self) -> int:
        """Everything about a channel goes through the channel's lane, whoever it is for."""
        return shard_of(self.channel_id or self.scope_id)

    @property
    def subject(self) -> str:
        return _TOPOLOGY.evt(Address(self.shard, self.workspace_id, self.scope, self.scope_id))


def render(event: NewEvent, *, event_id: str, time: datetime) -> str:
    """The event's public JSON, as it will reach every reader."""
    envelope = envelope_of(
        event.fact,
        event_id=event_id,
        time=time,
        workspace_id=event.workspace_id,
        channel_id=event.channel_id,
        ch_seq=event.ch_seq,
        actor_id=event.actor_id,
    )
    return encode(envelope).decode()


def columns_of(event: NewEvent) -> dict[str, Any]:
    """A row of the log, for a statement that writes it beside something else and chooses its `id` itself.

    Whoever uses it wakes the relay: `session.info["outbox_shards"]`.
    """
    event_id = str(new_id())
    return {
        "shard": event.shard,
        "subject": event.subject,
        "type": event.fact.type,
        "workspace_id": event.workspace_id,
        "channel_id": event.channel_id,
        "ch_seq": event.ch_seq,
        "event_id": event_id,
        "traceparent": traceparent(),
        "body": render(event, event_id=event_id, time=now()),
    }


async def record(session: AsyncSession, *events: NewEvent) -> list[int]:
    """Append the events in this order, in one statement, and answer where in the log each stands.

    `session.info["outbox_shards"]` collects whom to wake.
    """
    if not events:
        return []
    time = now()
    ids = [str(new_id()) for _ in events]
    places = await session.scalars(
        _INSERT,
        {
            "traceparent": traceparent(),
            "shards": [event.shard for event in events],
            "subjects": [event.subject for event in events],
            "types": [event.fact.type for event in events],
            "workspaces": [event.workspace_id for event in events],
            "channels": [event.channel_id for event in events],
            "ch_seqs": [event.ch_seq for event in events],
            "event_ids": ids,
            "bodies": [render(event, event_id=one, time=time) for event, one in zip(events, ids, strict=True)],
        },
    )
    session.info.setdefault("outbox_shards", set()).update(event.shard for event in events)
    return sorted(places)
