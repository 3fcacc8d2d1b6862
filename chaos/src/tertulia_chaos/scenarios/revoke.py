"""`revoke`: people are removed from a private room in the middle of a burst; not one event behind their removal reaches
them, live, by resuming from any earlier position, by the long poll or by asking chat."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tertulia_bench.http import Caller, Refused
from tertulia_bench.loading import Account, Loader
from tertulia_chaos.arena import Arena, Line, Stopwatch, line_of
from tertulia_chaos.crowd import Seat, registered, seat
from tertulia_chaos.proof import Findings
from tertulia_chaos.proxy import LOOPBACK
from tertulia_chaos.wire import StreamClient, WireEvent

NAME = "revoke"
WRITERS = 3
QUIET_S = 1.0
"""What should not have come would have come by then."""


@dataclass(frozen=True, kw_only=True)
class Size:
    seconds: float
    """Of the burst."""
    removed: int
    posts_per_s: float = 60.0
    """Together no more than a replay may send (2,000), so that old positions can be resumed from."""


FULL = Size(seconds=30, removed=100)
SHORT = Size(seconds=10, removed=30)


class _Left(msgspec.Struct):
    user_id: str


@dataclass
class Guest:
    """Somebody who is removed, and everything of the room that reached them after that."""

    account: Account
    seat: Seat
    began_at: str = ""
    """The cursor from before the burst."""
    left_at: int | None = None
    """Place of the removal in the room's order."""
    came: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """By every other way, with the way's name: place in the room's order."""
    not_resumed: int = 0
    """Times that a reset kept an old position from being tried."""

    def note(self, event: WireEvent) -> None:
        if event.type == "member.left" and msgspec.json.decode(event.data, type=_Left).user_id == self.account.id:
            self.left_at = event.ch_seq

    def behind(self) -> list[tuple[str, int]]:
        """What came and should not have."""
        if self.left_at is None:
            return []
        live = [("live", place) for place in self.seat.places if place > self.left_at]
        return live + [(way, place) for way, place in self.came if place > self.left_at]


async def run(arena: Arena, size: Size) -> Line:
    watch = Stopwatch()
    findings = Findings()
    async with Loader(arena.stack) as loader:
        room, writers, guests = await _gather(arena, loader, size)
        async with asyncio.TaskGroup() as group:
            tasks = await seat(group, [guest.seat for guest in guests])
            for guest in guests:
                guest.began_at = guest.seat.client.cursor or ""
            arena.say(f"{len(guests)} people listen; the burst begins")
            await asyncio.gather(
                *(_write(arena, room, writer, size, findings) for writer in writers),
                _remove(arena, room, writers[0], guests, size),
            )
            await asyncio.sleep(QUIET_S)
            last_ids = {guest.account.id: guest.seat.client.last_id for guest in guests}
            for task in tasks:
                task.cancel()
        arena.say("everybody is removed; trying all ways back in")
        ways = await _try_ways_back(arena, loader, room, guests, last_ids)
    _judge(findings, guests)
    return line_of(NAME, arena, watch.s, findings, {"removed": len(guests), "ways_tried": ways})


async def _gather(arena: Arena, loader: Loader, size: Size) -> tuple[str, list[Account], list[Guest]]:
    """A private room, its writers (the first owns it), and the guests who will be removed."""
    accounts = await registered(loader, WRITERS + size.removed)
    writers, others = accounts[:WRITERS], accounts[WRITERS:]
    workspace = await loader.workspace(f"Door {arena.chance.getrandbits(32):x}", writers[0], *accounts[1:])
    (room,) = await loader.channels(workspace, writers[0], 1)
    await loader.seat(room, [account.id for account in accounts[1:]], writers[0])
    guests: list[Guest] = []
    for account in others:
        guest = Guest(account, Seat(arena.stack.port, account, room, arena.chance))
        guest.seat.listener = guest.note
        guests.append(guest)
    return room, writers, guests


async def _write(arena: Arena, room: str, writer: Account, size: Size, findings: Findings) -> None:
    """On a connection of its own, so that a post and a removal can meet."""
    caller = await Caller.open(LOOPBACK, arena.stack.port)
    watch = Stopwatch()
    number = 0
    while watch.s < size.seconds:
        body = {"text": f"for the room only {number}", "client_msg_id": f"00000000-0000-7000-8000-{number:012x}"}
        await caller.call("POST", f"/api/v1/channels/{room}/messages", body, writer.token)
        findings.acknowledged += 1
        number += 1
        await asyncio.sleep(WRITERS / size.posts_per_s)
    caller.close()


async def _remove(arena: Arena, room: str, owner: Account, guests: list[Guest], size: Size) -> None:
    """One after the other, at random moments of the burst."""
    caller = await Caller.open(LOOPBACK, arena.stack.port)
    watch = Stopwatch()
    moments = sorted(arena.chance.uniform(0.1, 0.9) * size.seconds for _ in guests)
    for moment, guest in zip(moments, arena.chance.sample(guests, len(guests)), strict=True):
        await asyncio.sleep(max(0.0, moment - watch.s))
        await caller.call("DELETE", f"/api/v1/channels/{room}/members/{guest.account.id}", None, owner.token)
    caller.close()


async def _try_ways_back(
    arena: Arena, loader: Loader, room: str, guests: list[Guest], last_ids: dict[str, str | None]
) -> int:
    """How many attempts were made."""
    tried = 0
    for guest in guests:
        for way, cursor, last_id in (
            ("resume from before", guest.began_at, None),
            ("resume from the end", guest.began_at, last_ids[guest.account.id]),
        ):
            await _resume(arena, guest, room, way, cursor, last_id)
            tried += 1
        polled = await loader.call("GET", f"/events?cursor={guest.began_at}&timeout=0", None, guest.account.token)
        guest.came += _of_room(polled["events"], room)
        for path in (f"/channels/{room}/events?after=0", f"/channels/{room}/messages", f"/channels/{room}"):
            guest.came += await _asked(loader, path, guest.account)
        tried += 4
    return tried


def _of_room(events: list[dict[str, Any]], room: str) -> list[tuple[str, int]]:
    """What only its person hears (their notifications, for instance) has no place in the room's order."""
    return [
        ("long poll", event["ch_seq"])
        for event in events
        if event.get("channel_id") == room and event["ch_seq"] is not None
    ]


async def _resume(arena: Arena, guest: Guest, room: str, way: str, cursor: str, last_id: str | None) -> None:
    def take(event: WireEvent) -> None:
        if event.channel_id == room and event.ch_seq is not None:
            guest.came.append((way, event.ch_seq))

    client = StreamClient(arena.stack.port, guest.account.token, arena.chance, take)
    client.cursor, client.last_id = cursor, last_id
    resuming = asyncio.create_task(client.run())
    async with asyncio.timeout(30):
        while client.live_at is None:
            await asyncio.sleep(0.005)
    # What is replayed comes right behind the `hello`.
    await asyncio.sleep(0.05)
    resuming.cancel()
    await asyncio.wait([resuming])
    guest.not_resumed += client.not_resumed


async def _asked(loader: Loader, path: str, account: Account) -> list[tuple[str, int]]:
    """Empty when chat refused, as it should."""
    try:
        await loader.call("GET", path, None, account.token)
    except Refused:
        return []
    return [(f"GET {path}", 2**31)]


def _judge(findings: Findings, guests: list[Guest]) -> None:
    findings.seen = sum(len(guest.seat.places) for guest in guests)
    findings.lost = findings.complain("places that never came before the removal", sum(g.seat.lost for g in guests))
    findings.doubled = findings.complain("places that came again", sum(guest.seat.doubled for guest in guests))
    findings.complain("old positions that could not be tried", sum(guest.not_resumed for guest in guests))
    untold = sum(guest.left_at is None for guest in guests)
    findings.complain("people who were not told of their removal", untold)
    behind = [found for guest in guests for found in guest.behind()]
    findings.leaked = findings.complain("events behind a removal", len(behind), behind)
