"""`relay status`: who publishes which shard, how far it is, and what waits. Reads only, in PostgreSQL and the stream.

Progress is saved once a second, so on a busy system up to a second of events shows as a backlog that is none.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import asyncpg
import msgspec

from tertulia_chat.relay.position import LOCK_CLASS, ShardPosition, load
from tertulia_shared.bus import BusError, StreamState, stream_state
from tertulia_shared.events import SHARDS
from tertulia_shared.operators import connect, output
from tertulia_shared.operators.errors import NOT_DONE, Away

_LEADERS = """
SELECT lock.objid::int AS shard, lock.pid, session.application_name, host(session.client_addr) AS address,
       session.backend_start
FROM pg_locks AS lock JOIN pg_stat_activity AS session USING (pid)
WHERE lock.locktype = 'advisory' AND lock.objsubid = 2 AND lock.granted
  AND lock.classid = $1::bigint AND lock.objid < $2::bigint
  AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# Below `floor` every shard has published everything; the index on `xid` finds the few rows above it.
_WAITING = """
WITH floor AS (
    SELECT CASE WHEN count(*) = $1 THEN min(pg_snapshot_xmin(snapshot)::text::numeric) ELSE 0 END::text::xid8 AS xid
    FROM relay_position
)
SELECT event.shard, count(*) AS backlog, min(event.created_at) AS oldest
FROM event_log AS event LEFT JOIN relay_position AS position USING (shard)
WHERE event.xid >= (SELECT xid FROM floor)
  AND pg_visible_in_snapshot(event.xid, position.snapshot) IS NOT TRUE
  AND (event.id <= position.page_id AND pg_visible_in_snapshot(event.xid, position.page_snapshot)) IS NOT TRUE
GROUP BY event.shard
"""
_SAVED = "SELECT shard, updated_at FROM relay_position"


class Leader(msgspec.Struct, kw_only=True):
    """`name` tells the relay's host and process id, `pid` is that of its session in PostgreSQL."""

    name: str
    address: str | None
    pid: int
    since: datetime


class ShardStatus(msgspec.Struct, kw_only=True):
    """`watermark`: every transaction below it is in the stream. `log_id`, `stream_seq`: what was published last."""

    shard: int
    leader: Leader | None
    watermark: int | None
    backlog: int
    oldest_unpublished_s: float
    incarnation: str
    log_id: int
    stream_seq: int
    saved_at: datetime | None


class RelayStatus(msgspec.Struct, kw_only=True):
    """`problems` are sentences; none when all is well. `stream` is None while it cannot be asked."""

    shards: list[ShardStatus]
    stream: StreamState | None
    problems: list[str]


async def show(postgres_url: str, nats_url: str, nats_prefix: str, *, as_json: bool) -> int:
    """The exit status: 1 when something is wrong."""
    async with connect.connection(postgres_url) as connection:
        shards = await shards_of(connection)
    stream, problem = await _stream(nats_url, nats_prefix)
    problems = [*([problem] if problem else []), *_problems(shards, stream)]
    status = RelayStatus(shards=shards, stream=stream, problems=problems)
    if as_json:
        output.json_line(status)
    else:
        _print(status)
    return NOT_DONE if problems else 0


async def shards_of(connection: asyncpg.Connection) -> list[ShardStatus]:
    """Of every shard, in order."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        positions = {position.shard: position for position in await load(connection, range(SHARDS))}
        saved = {record["shard"]: record["updated_at"] for record in await connection.fetch(_SAVED)}
        waiting = {record["shard"]: record for record in await connection.fetch(_WAITING, SHARDS)}
        leaders = {record["shard"]: _leader(record) for record in await connection.fetch(_LEADERS, LOCK_CLASS, SHARDS)}
    return [
        _shard(shard, positions.get(shard), leaders.get(shard), waiting.get(shard), saved.get(shard))
        for shard in range(SHARDS)
    ]


def _leader(record: asyncpg.Record) -> Leader:
    return Leader(
        name=record["application_name"],
        address=record["address"],
        pid=record["pid"],
        since=record["backend_start"],
    )


def _shard(
    shard: int,
    position: ShardPosition | None,
    leader: Leader | None,
    waiting: Mapping[str, object] | None,
    saved_at: datetime | None,
) -> ShardStatus:
    oldest = waiting["oldest"] if waiting else None
    backlog = waiting["backlog"] if waiting else 0
    return ShardStatus(
        shard=shard,
        leader=leader,
        watermark=position.progress.base.xmin if position else None,
        backlog=backlog if isinstance(backlog, int) else 0,
        oldest_unpublished_s=max(0.0, (datetime.now(UTC) - oldest).total_seconds())
        if isinstance(oldest, datetime)
        else 0.0,
        incarnation=position.incarnation if position else "",
        log_id=position.log_id if position else 0,
        stream_seq=position.stream_seq if position else 0,
        saved_at=saved_at,
    )


async def _stream(nats_url: str, nats_prefix: str) -> tuple[StreamState | None, str]:
    """And what is wrong with it."""
    async with AsyncExitStack() as stack:
        try:
            bus = await stack.enter_async_context(connect.bus(nats_url, nats_prefix))
            return await stream_state(bus), ""
        except (Away, BusError) as error:
            return None, f"the stream cannot be asked: {error}"


def _problems(shards: list[ShardStatus], stream: StreamState | None) -> list[str]:
    problems: list[str] = []
    leaderless = [shard.shard for shard in shards if shard.leader is None]
    if leaderless:
        problems.append(f"nobody publishes {_named(leaderless)}: no relay runs, or it lost PostgreSQL")
    if stream is not None:
        elsewhere = [shard.shard for shard in shards if shard.incarnation not in {"", stream.incarnation}]
        if elsewhere:
            problems.append(f"{_named(elsewhere)} stand in another life of the stream: the relay looks within 30 s")
    return problems


def _named(shards: list[int]) -> str:
    return "all shards" if len(shards) == SHARDS else f"shards {', '.join(map(str, shards))}"


def _print(status: RelayStatus) -> None:
    output.table(
        ("SHARD", "LEADER", "WATERMARK", "BACKLOG", "OLDEST", "LOG ID", "STREAM SEQ", "STREAM LIFE", "SAVED"),
        [
            (
                shard.shard,
                shard.leader.name if shard.leader else "nobody",
                shard.watermark or "",
                shard.backlog,
                output.duration(shard.oldest_unpublished_s) if shard.backlog else "",
                shard.log_id or "",
                shard.stream_seq or "",
                shard.incarnation[:8],
                f"{output.age(shard.saved_at)} ago" if shard.saved_at else "",
            )
            for shard in status.shards
        ],
        right=("SHARD", "WATERMARK", "BACKLOG", "OLDEST", "LOG ID", "STREAM SEQ"),
    )
    waiting = [shard for shard in status.shards if shard.backlog]
    oldest_s = max((shard.oldest_unpublished_s for shard in waiting), default=0.0)
    output.line()
    output.line(
        f"waiting: {sum(shard.backlog for shard in waiting)} events"
        + (f", the oldest for {output.duration(oldest_s)}" if waiting else "")
    )
    if status.stream is not None:
        state = status.stream
        output.line(
            f"stream:  life {state.incarnation[:8]}, {state.messages} messages, {state.first_seq} to {state.last_seq}"
        )
    for problem in status.problems:
        output.line(f"problem: {problem}")
