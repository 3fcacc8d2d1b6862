"""Telling people of a change of their notifications, in the statement that makes it.

An audience may be ten thousand people. PostgreSQL writes their events itself, as quickly as their rows; rendering them
here would keep this process from serving for seconds. The event is rendered once, with marks where one differs from the
other. Nothing in it was written by anybody, so that `@` marks a place safely.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.outbox import NewEvent, render
from tertulia_shared.events import (
    SHARDS,
    UNSEQUENCED,
    Notification,
    NotificationCreated,
    NotificationReason,
    NotificationWithdrawn,
)
from tertulia_shared.telemetry import traceparent

Kind = type[NotificationCreated] | type[NotificationWithdrawn]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARKED = Notification(
    id="@id",
    channel_id="@channel",
    message_id="@message",
    ch_seq=UNSEQUENCED,
    thread_id="@thread",
    reason=NotificationReason.ALL,
    created_at=_EPOCH,
)
# As msgspec writes a time: the same notification reads the same wherever it is told.
_TIME = """to_char(told.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_PLACES = {
    '"@event"': """'"' || told.event_id || '"'""",
    '"@id"': """'"' || told.id || '"'""",
    "@workspace": "CAST(told.workspace_id AS text)",
    "@channel": "CAST(told.channel_id AS text)",
    "@message": "CAST(told.message_id AS text)",
    f'"ch_seq":{UNSEQUENCED}': """'"ch_seq":' || told.ch_seq""",
    '"@thread"': """coalesce('"' || told.thread_id || '"', 'null')""",
    '"reason":"all"': """'"reason":"' || told.reason || '"'""",
    # Without the backslash a parameter.
    r'"silent"\:false': """'"silent":' || told.silent""",
    "1970-01-01T00:00:00Z": f"replace({_TIME}, '.000000Z', 'Z')",
}


def _body() -> str:
    body = "CAST(:body AS text)"
    for mark, value in _PLACES.items():
        body = f"replace({body}, '{mark}', {value})"
    return body


# `shard_of` in PostgreSQL: the channel's lane.
_SHARD = f"CAST(crc32(convert_to(CAST(changed.channel_id AS text), 'UTF8')) % {SHARDS} AS smallint)"


def telling(change: str, kind: Kind) -> sa.TextClause:
    """`change` with its events: it must answer whole rows of `notification`, and becomes one that `tell` runs."""
    return sa.text(f"""
WITH changed AS ({change}),
told AS (SELECT changed.*, uuidv7() AS event_id, {_SHARD} AS shard FROM changed),
logged AS (
    INSERT INTO event_log (shard, subject, type, workspace_id, channel_id, event_id, traceparent, body)
    SELECT told.shard,
        'evt.' || to_char(told.shard, 'FM00') || '.' || told.workspace_id || '.user.' || told.user_id,
        '{kind.type}', told.workspace_id, told.channel_id, told.event_id, CAST(:traceparent AS text), {_body()}
    FROM told ORDER BY told.id
)
SELECT told.reason, told.shard, count(*) AS people FROM told GROUP BY told.reason, told.shard
""")  # noqa: S608 composed of constants only


async def tell(
    session: AsyncSession, statement: sa.TextClause, kind: Kind, values: dict[str, Any], time: datetime
) -> dict[str, int]:
    """How many people were told, by reason. The relay is woken for them after the commit."""
    # Nobody does it: there is no actor. It goes in the lane of the channel, after what caused it.
    marked = NewEvent(
        fact=kind(notification=_MARKED),
        workspace_id="@workspace",
        scope="user",
        scope_id="@user",
        channel_id="@channel",
    )
    body = render(marked, event_id="@event", time=time)
    rows = (await session.execute(statement, {**values, "body": body, "traceparent": traceparent()})).all()
    people: dict[str, int] = {}
    for row in rows:
        people[row.reason] = people.get(row.reason, 0) + row.people
    session.info.setdefault("outbox_shards", set()).update(row.shard for row in rows)
    return people
