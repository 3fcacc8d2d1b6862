"""`relay rewind --to`: have the log published again from a place on, on a live system.

A position belongs to whoever holds its shard's lock, here as well: the command waits in line for all of them, ends the
sessions of those that hold them, sets the positions back and lets go. A relay takes that as it takes any loss of
PostgreSQL: within about a second it has its shards again and reads on from where they stand now. The log and the stream
are not touched, and nothing is skipped, whatever breaks off: either all shards are set back or none.

What is published again has the same `Nats-Msg-Id` as before. The stream drops it while it remembers the first (five
minutes); after that it is stored once more, and readers drop it by `ch_seq`, or see an absolute value that a later
event of the same pass corrects.
"""

import asyncio
import sys
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from tertulia_chat.relay.position import LOCK_CLASS, load, save
from tertulia_shared.events import SHARDS
from tertulia_shared.operators import connect, output
from tertulia_shared.operators.errors import OperatorError, WrongWords
from tertulia_shared.runtime import spawn

TAKE_TIMEOUT_S = 30.0
END_EVERY_S = 0.05

Target = int | UUID | datetime

_FROM_ID = "id >= $1"
_FROM_TIME = "created_at >= $1"
_OF_EVENT = "SELECT min(id) FROM event_log WHERE event_id = $1"
# Ids are drawn in no order of transactions: from the earliest of all that is wanted, every transaction is repeated.
_EARLIEST = "SELECT min(xid::text::numeric)::text FROM event_log WHERE {wanted}"
_REPEATED = """
SELECT count(*) AS events, coalesce(sum(octet_length(body)), 0)::bigint AS bytes, min(id) AS first,
       min(created_at) AS since
FROM event_log WHERE xid >= $1::text::xid8
"""
_TAKE = "SELECT pg_advisory_lock($1, shard) FROM generate_series(0, $2 - 1) AS shard"
_END_HOLDERS = """
SELECT pg_terminate_backend(pid) FROM (
    SELECT DISTINCT pid FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = $1::bigint AND objid < $2::bigint
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> $3
) AS holder
"""


class Plan(msgspec.Struct, kw_only=True):
    """`events` are at most so many: what was not published yet is among them."""

    to: str
    xid: int
    events: int
    bytes: int
    first_log_id: int
    since: datetime
    shards: int
    done: bool = False


def target(text: str) -> Target:
    """An id of the log, an event's id, or a time with its zone. Raises WrongWords."""
    if text.isascii() and text.isdigit():
        return int(text)
    for read in (UUID, datetime.fromisoformat):
        try:
            found = read(text)
        except ValueError:
            continue
        if isinstance(found, UUID) or found.tzinfo is not None:
            return found
    raise WrongWords(
        "bad_place",
        f"Neither a number, an event's id nor a time with a zone: {text}",
        "E.g. 48211, 0199d1c2-7a40-7000-8000-000000000001 or 2026-03-01T09:30:00Z.",
    )


async def run(postgres_url: str, to: str, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    wanted = target(to)
    async with connect.connection(postgres_url) as connection:
        plan = await planned(connection, to, wanted)
    if not as_json:
        _tell(plan)
    if dry_run:
        return _finished(plan, "Nothing was changed (--dry-run).", as_json=as_json)
    if not yes and not await asyncio.to_thread(_confirmed):
        raise OperatorError("not_confirmed", "Nothing was changed.", "Say --yes, or answer “rewind”.")
    async with connect.connection(postgres_url) as taker, connect.connection(postgres_url) as other:
        plan.shards = await set_back(taker, other, plan.xid)
        plan.done = True
    text = f"{plan.shards} shards were set back. The relays go on from there within about a second; see `relay status`."
    return _finished(plan, text, as_json=as_json)


async def planned(connection: asyncpg.Connection, text: str, wanted: Target) -> Plan:
    """Raises OperatorError when the log does not reach there."""
    xid = await _earliest(connection, wanted)
    if xid is None:
        raise OperatorError(
            "event_not_found",
            f"The log has nothing from {text} on.",
            "It keeps EVENT_LOG_RETENTION_DAYS; older events are in no stream either.",
        )
    found = await connection.fetchrow(_REPEATED, xid)
    shards = len(await load(connection, range(SHARDS)))
    if found is None or shards == 0:
        raise OperatorError(
            "nothing_published", "No relay has published anything yet.", "There is nothing to set back."
        )
    return Plan(
        to=text,
        xid=int(xid),
        events=found["events"],
        bytes=found["bytes"],
        first_log_id=found["first"],
        since=found["since"],
        shards=shards,
    )


async def _earliest(connection: asyncpg.Connection, wanted: Target) -> str | None:
    if isinstance(wanted, datetime):
        return await connection.fetchval(_EARLIEST.format(wanted=_FROM_TIME), wanted)
    log_id = await connection.fetchval(_OF_EVENT, wanted) if isinstance(wanted, UUID) else wanted
    return None if log_id is None else await connection.fetchval(_EARLIEST.format(wanted=_FROM_ID), log_id)


async def set_back(taker: asyncpg.Connection, other: asyncpg.Connection, xid: int) -> int:
    """How many shards. Raises OperatorError when the locks cannot be had; nothing is changed then.

    `taker` keeps the locks for as long as it lives.
    """
    await _take_all(taker, other)
    async with taker.transaction():
        positions = await load(taker, range(SHARDS))
        back = [replace(position, progress=position.progress.back_to(xid)) for position in positions]
        await save(taker, back)
    return len(positions)


async def _take_all(taker: asyncpg.Connection, other: asyncpg.Connection) -> None:
    """Whoever waits for a lock gets it before one that only tries; so a relay cannot come in between."""
    taking = spawn(
        taker.execute(_TAKE, LOCK_CLASS, SHARDS, timeout=TAKE_TIMEOUT_S), name="relay rewind takes the shards"
    )
    own = taker.get_server_pid()
    try:
        while not taking.done():
            await other.execute(_END_HOLDERS, LOCK_CLASS, SHARDS, own)
            await asyncio.wait([taking], timeout=END_EVERY_S)
        await taking
    except TimeoutError:
        raise OperatorError(
            "shards_held",
            f"The shards could not be had within {TAKE_TIMEOUT_S:.0f} s.",
            "Stop the relays, then try again.",
        ) from None
    except asyncpg.InsufficientPrivilegeError as error:
        raise OperatorError(
            "not_allowed",
            f"PostgreSQL does not allow it: {error}",
            "Use the relay's own user, or stop the relays first.",
        ) from error
    finally:
        taking.cancel()


def _tell(plan: Plan) -> None:
    output.line(f"From log id {plan.first_log_id}, {plan.since:%Y-%m-%d %H:%M:%S} UTC, on:")
    output.line(f"  {plan.events} events ({plan.bytes:,} bytes) are published again, in the order of each channel")
    output.line("  delivery of new messages pauses for about a second, then waits behind what is repeated")
    output.line(
        "  readers drop what they have; a role or a draft of the past may show until the repetition has passed it"
    )


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stdout.write("Type “rewind” to go on: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().strip("“”\"'") == "rewind"


def _finished(plan: Plan, text: str, *, as_json: bool) -> int:
    if as_json:
        output.json_line(plan)
    else:
        output.line(text)
    return 0
