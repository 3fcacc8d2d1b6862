"""`reconnect`: all connections drop at the same moment; nearly all are back soon, go on where they were, and PostgreSQL
hardly notices."""

import asyncio
from dataclasses import dataclass
from time import monotonic

import asyncpg

from tertulia_bench.loading import Account, Loader
from tertulia_chaos.arena import Arena, Line, Stopwatch, line_of
from tertulia_chaos.crowd import Seat, ends, gathered, last_place, seat, until_seen
from tertulia_chaos.faults import port_of
from tertulia_chaos.proof import Findings
from tertulia_stack.home import Home
from tertulia_stack.servers import PostgresServer

NAME = "reconnect"
BACK_SHARE, BACK_S = 0.95, 10.0
RESUMED_SHARE = 0.99
QUERIES_SHARE = 0.10
TOLD_S = 11.0
"""PostgreSQL tells its counters late: up to a second, of a session that fell idle up to ten (PGSTAT_MIN_INTERVAL and
PGSTAT_IDLE_INTERVAL in its source). So each window begins and ends when what was done has been told."""
GIVE_UP_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Size:
    seconds: float
    """So long is written without a drop, and so long from the drop on, while PostgreSQL's transactions are counted."""
    connections: int
    posts_per_s: float = 1.0
    """To everybody."""
    judge_time: bool = True
    """Off where the machine has other things to do."""


FULL = Size(seconds=30, connections=5_000)
SHORT = Size(seconds=15, connections=500)


async def run(arena: Arena, size: Size) -> Line:
    watch = Stopwatch()
    findings = Findings()
    async with Loader(arena.stack) as loader:
        owner, channel, accounts = await gathered(loader, f"Storm {arena.chance.getrandbits(32):x}", size.connections)
        seats = [
            Seat(arena.stack.port, accounts[number % len(accounts)], channel, arena.chance)
            for number in range(size.connections)
        ]
        async with asyncio.TaskGroup() as group:
            tasks = await seat(group, seats)
            arena.say(f"{len(seats)} connections of {len(accounts)} people are live")
            await asyncio.sleep(TOLD_S)
            window = await Window.opened(arena, size)
            await _write(loader, owner, channel, size, findings)
            before = await window.transactions()
            window = await Window.opened(arena, size)
            dropped_at = _drop(arena, seats)
            writing = group.create_task(_write(loader, owner, channel, size, findings))
            waits = await _until_back(seats, dropped_at)
            await writing
            during = await window.transactions()
            last = await last_place(loader, owner, channel)
            await until_seen(seats, last)
            for task in tasks:
                task.cancel()
    more = _judge(findings, size, seats, waits, before, during)
    findings.stored = last
    _check_places(findings, seats, last)
    return line_of(NAME, arena, watch.s, findings, more)


async def _write(loader: Loader, owner: Account, channel: str, size: Size, findings: Findings) -> None:
    end = monotonic() + size.seconds
    while monotonic() < end:
        number = findings.acknowledged
        body = {"text": f"to everybody {number}", "client_msg_id": f"00000000-0000-7000-8000-{number:012x}"}
        await loader.call("POST", f"/channels/{channel}/messages", body, owner.token)
        findings.acknowledged += 1
        await asyncio.sleep(1 / size.posts_per_s)


def _drop(arena: Arena, seats: list[Seat]) -> float:
    """When they dropped (monotonic)."""
    for each in seats:
        each.client.vanish()
    arena.say(f"all {len(seats)} dropped")
    return monotonic()


async def _until_back(seats: list[Seat], dropped_at: float) -> list[float]:
    """How long each was away, ascending, in seconds; those that are not back when patience ends are left out."""
    back: list[float] = []
    while len(back) < len(seats) and monotonic() - dropped_at < GIVE_UP_S:
        await asyncio.sleep(0.1)
        back = [at - dropped_at for each in seats if (at := each.client.live_at) is not None and at > dropped_at]
    return sorted(back)


class Window:
    """The transactions of chat's database from one moment on until what was done in it has been told."""

    def __init__(self, arena: Arena, size: Size, before: int) -> None:
        self._arena = arena
        self._length = size.seconds + TOLD_S
        self._before = before
        self._began = monotonic()

    @classmethod
    async def opened(cls, arena: Arena, size: Size) -> "Window":
        return cls(arena, size, await _transactions(arena))

    async def transactions(self) -> int:
        """As many as in a window that is exactly as long as it takes: on a busy machine it is longer."""
        await asyncio.sleep(TOLD_S)
        ran, lasted = await _transactions(self._arena) - self._before, monotonic() - self._began
        return round(ran * self._length / lasted)


async def _transactions(arena: Arena) -> int:
    """All that PostgreSQL has told of so far."""
    home = Home(arena.stack.data_dir)
    url = PostgresServer(home.postgres, port_of(arena.stack, "postgres")).url("tertulia_chat")
    connection = await asyncpg.connect(url, timeout=10)
    try:
        query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        return int(await connection.fetchval(query) or 0)
    finally:
        await connection.close()


def _judge(
    findings: Findings, size: Size, seats: list[Seat], waits: list[float], before: int, during: int
) -> dict[str, object]:
    in_time = sum(wait <= BACK_S for wait in waits) / len(seats)
    resumed = sum(each.client.not_resumed == 0 for each in seats) / len(seats)
    more = during - before
    findings.complain("connections that never came back", len(seats) - len(waits))
    if size.judge_time and in_time < BACK_SHARE:
        findings.complaints.append(f"only {in_time:.1%} were back within {BACK_S:.0f} s")
    if resumed < RESUMED_SHARE:
        findings.complaints.append(f"only {resumed:.1%} resumed without a reset")
    if more > QUERIES_SHARE * before:
        findings.complaints.append(f"{more} transactions more than the {before} of before")
    return {
        "connections": len(seats),
        "back_within_10_s": round(in_time, 4),
        "back_p50_s": _at(waits, 0.5),
        "back_p95_s": _at(waits, 0.95),
        "back_last_s": _at(waits, 1.0),
        "resumed": round(resumed, 4),
        "ends": ends(seats),
        "transactions_before": before,
        "transactions_during": during,
    }


def _check_places(findings: Findings, seats: list[Seat], last: int) -> None:
    """Nobody missed what was written while they were away."""
    findings.seen = sum(len(each.places) for each in seats)
    findings.lost = findings.complain("places that never came", sum(each.lost for each in seats))
    findings.doubled = findings.complain("places that came again", sum(each.doubled for each in seats))
    behind = sum(not each.places or each.places[-1] < last for each in seats)
    findings.complain("connections that did not hear the end", behind)


def _at(waits: list[float], share: float) -> float | None:
    return round(waits[min(len(waits) - 1, int(len(waits) * share))], 2) if waits else None
