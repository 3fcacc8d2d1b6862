"""`slow`: some clients read next to nothing and some stop reading; the others notice nothing of it, and the servers'
memory stays bounded."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import msgspec

from tertulia_bench.conversation import percentile
from tertulia_bench.loading import Account, Loader
from tertulia_chaos.arena import Arena, Line, Stopwatch, line_of
from tertulia_chaos.crowd import ARRIVAL_S, Seat, ends, gathered, last_place, seat, until_seen
from tertulia_chaos.faults import port_of
from tertulia_chaos.proof import Findings
from tertulia_chaos.proxy import LOOPBACK, Proxy
from tertulia_chaos.sockets import queued_mib
from tertulia_chaos.wire import WireEvent
from tertulia_stack.probe import http_text

NAME = "slow"
SLOW_SHARE, STOPPED_SHARE = 0.05, 0.01
SLOW_BYTES_PER_S = 1_000.0
TEXT_CHARACTERS = 4_000
SLOWER = 1.10
"""The others' p99 may grow by this factor."""
BOUND_MIB = 1.3
"""What one slow client may cost (docs/subsystems/realtime.md), in processes and in the kernel together."""
KERNEL = "kernel"
ELSE_MIB = 48.0
"""What may be added for other reasons within the run: notify's ring takes up what was written."""


@dataclass(frozen=True, kw_only=True)
class Size:
    seconds: float
    """Of each of the windows: without and with bad clients, in turn. Those that stopped are ended after some 16 s."""
    connections: int
    posts_per_s: float
    windows: int = 6
    judge_time: bool = True
    """Off where the machine has other things to do."""


FULL = Size(seconds=40, connections=400, posts_per_s=8, windows=10)
SHORT = Size(seconds=25, connections=200, posts_per_s=10, windows=4)


class _Said(msgspec.Struct):
    text: str
    system: dict[str, object] | None = None


class _Created(msgspec.Struct):
    message: _Said


_decode = msgspec.json.Decoder(_Created).decode


class Clockwork:
    """How long delivery to good clients took in the present window, in seconds."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def note(self, event: WireEvent) -> None:
        if event.type != "message.created":
            return
        message = _decode(event.data).message
        # That people came into the channel may be told when the streams are there already.
        if message.system is None:
            _, sent_at, _ = message.text.split(" ", 2)
            self.waits.append(perf_counter() - float(sent_at))

    def turn(self) -> list[float]:
        waits, self.waits = self.waits, []
        return waits


async def run(arena: Arena, size: Size) -> Line:
    watch = Stopwatch()
    findings = Findings()
    async with AsyncExitStack() as exits:
        loader = await exits.enter_async_context(Loader(arena.stack))
        thin = await exits.enter_async_context(Proxy(arena.stack.port, bytes_per_s=SLOW_BYTES_PER_S))
        stopped = await exits.enter_async_context(Proxy(arena.stack.port, small_buffers=True))
        owner, channel, accounts = await gathered(loader, f"Slow {arena.chance.getrandbits(32):x}", size.connections)
        good, bad = _seats(arena, size, channel, accounts, thin, stopped)
        clockwork = Clockwork()
        for each in good:
            each.listener = clockwork.note
        async with asyncio.TaskGroup() as group:
            tasks = await seat(group, good)
            windows = _Windows(arena, size, loader, owner, channel, clockwork, stopped)
            ended_before = await _ended_as_slow(arena)
            for number in range(size.windows):
                await windows.one(bad if number % 2 else [])
            ended = await _ended_as_slow(arena) - ended_before
            last = await last_place(loader, owner, channel)
            await until_seen(good, last)
            for task in tasks:
                task.cancel()
    findings.acknowledged = windows.sent
    more = _judge(findings, size, windows, good, bad, last)
    if size.judge_time and ended < round(size.connections * STOPPED_SHARE):
        findings.complaints.append(f"only {ended} clients were ended for being slow")
    more["ended_as_slow"] = ended
    return line_of(NAME, arena, watch.s, findings, more)


def _seats(
    arena: Arena, size: Size, channel: str, accounts: Sequence[Account], thin: Proxy, stopped: Proxy
) -> tuple[list[Seat], list[Seat]]:
    """The good ones and the bad ones, of the same people."""
    n_slow = max(1, round(size.connections * SLOW_SHARE))
    n_stopped = max(1, round(size.connections * STOPPED_SHARE))
    ports = [thin.port] * n_slow + [stopped.port] * n_stopped
    bad = [Seat(port, accounts[n % len(accounts)], channel, arena.chance) for n, port in enumerate(ports)]
    good = [
        Seat(arena.stack.port, accounts[n % len(accounts)], channel, arena.chance)
        for n in range(size.connections - len(bad))
    ]
    return good, bad


class _Windows:
    """Stretches of time with and without bad clients, and what was measured in them."""

    def __init__(
        self,
        arena: Arena,
        size: Size,
        loader: Loader,
        owner: Account,
        channel: str,
        clockwork: Clockwork,
        stopped: Proxy,
    ) -> None:
        self._arena = arena
        self._size = size
        self._loader = loader
        self._path = f"/channels/{channel}/messages"
        self._owner = owner
        self._clockwork = clockwork
        self._stopped = stopped
        self.sent = 0
        self.p99_ms: dict[bool, list[float]] = {False: [], True: []}
        """Of each window, by whether there were bad clients."""
        self.memory: dict[str, list[float]] = {"notify": [], "gateway": [], KERNEL: []}
        """MiB: at the start, then the highest of each window."""

    async def one(self, bad: Sequence[Seat]) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each.client.run()) for each in bad]
            if bad:
                await _until_live(bad)
                self._stopped.stall()
            self._clockwork.turn()
            await self._write()
            for task in tasks:
                task.cancel()
        self._stopped.release()
        p99_ms = percentile(sorted(self._clockwork.turn()), 0.99) * 1000
        self.p99_ms[bool(bad)].append(p99_ms)
        kind = f"with {len(bad)} bad clients" if bad else "with good clients only"
        self._arena.say(f"{kind}: p99 {p99_ms:.1f} ms, notify {self.memory['notify'][-1]:.0f} MiB")

    async def _write(self) -> None:
        peak = self._weigh()
        for service, seen in self.memory.items():
            if not seen:
                seen.append(peak[service])
        watch = Stopwatch()
        due = 0.0
        while due < self._size.seconds:
            await asyncio.sleep(max(0.0, due - watch.s))
            if self.sent % 5 == 0:
                # Before the next message: what good clients were sent they have taken by now.
                peak = {what: max(peak[what], now) for what, now in self._weigh().items()}
            head = f"{self.sent} {perf_counter():.6f} "
            body = {
                "text": head.ljust(TEXT_CHARACTERS, "~"),
                "client_msg_id": f"00000000-0000-7000-8000-{self.sent:012x}",
            }
            await self._loader.call("POST", self._path, body, self._owner.token)
            self.sent += 1
            due += 1 / self._size.posts_per_s
        for service, seen in self.memory.items():
            seen.append(peak[service])

    def _weigh(self) -> dict[str, float]:
        """Of the processes, and of what the kernel holds on both ways between them and the clients."""
        stack = self._arena.stack
        weights = {service: self._arena.memory_mib(service) for service in self.memory if service != KERNEL}
        return {**weights, KERNEL: queued_mib({stack.port, port_of(stack, "notify")})}


async def _ended_as_slow(arena: Arena) -> int:
    """How many connections notify has ended because their client did not read."""
    text = await http_text(f"http://{LOOPBACK}:{port_of(arena.stack, 'notify')}/metrics") or ""
    found = re.search(r'^notify_byes_total\{reason="slow"\} ([0-9.]+)', text, re.MULTILINE)
    return int(float(found[1])) if found else 0


async def _until_live(seats: Sequence[Seat]) -> None:
    async with asyncio.timeout(ARRIVAL_S):
        while not all(each.is_live for each in seats):
            await asyncio.sleep(0.05)


def _judge(
    findings: Findings, size: Size, windows: _Windows, good: Sequence[Seat], bad: Sequence[Seat], last: int
) -> dict[str, object]:
    findings.stored = last
    findings.seen = sum(len(each.places) for each in good)
    findings.lost = findings.complain("places that good clients never got", sum(each.lost for each in good))
    findings.doubled = findings.complain("places that good clients got again", sum(each.doubled for each in good))
    behind = sum(not each.places or each.places[-1] < last for each in good)
    findings.complain("good clients that did not hear the end", behind)
    findings.complain("good clients that were cut off", sum(1 for each in good if each.client.ends))
    # Each message reaches everybody at about the same moment, so a window's p99 is made by two or three messages.
    without, with_bad = (median(windows.p99_ms[is_bad]) for is_bad in (False, True))
    if size.judge_time and with_bad > without * SLOWER:
        findings.complaints.append(f"p99 of the good clients went from {without:.1f} to {with_bad:.1f} ms")
    grown = {service: max(seen) - seen[0] for service, seen in windows.memory.items()}
    allowed = ELSE_MIB + BOUND_MIB * len(bad)
    if sum(grown.values()) > allowed:
        findings.complaints.append(f"memory grew by {sum(grown.values()):.0f} MiB; {allowed:.0f} are allowed")
    return {
        "connections": len(good) + len(bad),
        "bad": len(bad),
        "p99_without_ms": round(without, 1),
        "p99_of_windows_ms": {
            "without": [round(ms, 1) for ms in windows.p99_ms[False]],
            "with": [round(ms, 1) for ms in windows.p99_ms[True]],
        },
        "p99_with_ms": round(with_bad, 1),
        "grown_mib": {service: round(mib, 1) for service, mib in grown.items()},
        "allowed_mib": round(allowed, 1),
        "bad_ends": ends(bad),
    }
