"""`cuts`: a client whose connection is cut again and again while it receives twenty events a second; none is lost, none
comes twice, none comes because the client had to start over."""

import asyncio
import random
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tertulia_bench.loading import Account
from tertulia_chaos.arena import Arena, Line, Stopwatch, line_of
from tertulia_chaos.crowd import Seat
from tertulia_chaos.people import Postbox, founded, people, stored, witnessing
from tertulia_chaos.proof import Findings, prove
from tertulia_chaos.proxy import Proxy
from tertulia_client import Client
from tertulia_client.backoff import Backoff
from tertulia_client.stream import StreamTiming

NAME = "cuts"
ARRIVAL_S = 60.0
SLOW_BYTES_PER_S = 4_000.0
"""Less than what comes, so that the cut falls into the middle of a frame and much waits behind it."""

Way = Literal["reset", "close", "stall", "slow"]


@dataclass(frozen=True, kw_only=True)
class Size:
    seconds: float
    every_s: float
    per_second: float = 20.0
    longest_wait_s: float = 30.0
    """Of the Python client between two attempts; its default."""


FULL = Size(seconds=1800, every_s=20)
SHORT = Size(seconds=120, every_s=5, longest_wait_s=2.0)


class Cut(NamedTuple):
    """Before the end the link may be bad for `bad_s` seconds."""

    at_s: float
    way: Way
    bad_s: float


def plan(source: random.Random, size: Size) -> list[Cut]:
    cuts: list[Cut] = []
    for number in range(1, int(size.seconds / size.every_s)):
        way = source.choice(("reset", "close", "stall", "slow"))
        bad_s = source.uniform(0.1, 0.4) * size.every_s if way in ("stall", "slow") else 0.0
        cuts.append(Cut(number * size.every_s, way, bad_s))
    return cuts


async def run(arena: Arena, size: Size) -> Line:
    """The Python client reads one account's stream through the bad network, a bare one another's."""
    watch = Stopwatch()
    cuts = plan(arena.chance, size)
    timing = StreamTiming(backoff=Backoff(cap_s=size.longest_wait_s))
    async with (
        Proxy(arena.stack.port) as proxy,
        people(arena.stack.url, "Ada", "Bare") as (ada, bare),
        people(proxy.url, "Ben", timing=timing) as (ben,),
    ):
        _, general = await founded(ada, bare, ben)
        seat = Seat(proxy.port, Account(bare.user.id, _token_of(bare)), general, arena.chance)
        postbox = Postbox()
        async with witnessing(ada, ben) as (_, bens), asyncio.TaskGroup() as group:
            reading = group.create_task(seat.client.run())
            while not seat.is_live:
                await asyncio.sleep(0.05)
            over = asyncio.Event()
            writing = group.create_task(_write(postbox, ada, general, size.per_second, over))
            links = await _cut(arena, proxy, cuts, size.seconds)
            over.set()
            await writing
            truth = await stored(ada, [general])
            await bens.until_heard({general: len(truth[general])}, ARRIVAL_S)
            await _until_bare(seat, truth[general][-1].seq)
            await asyncio.sleep(1.0)
            reading.cancel()
        findings = prove(
            postbox.acknowledged, truth, [bens.record], {general: {ada.user.id, bare.user.id, ben.user.id}}
        )
    findings.complain("posts that no retry healed", len(postbox.given_up), postbox.given_up)
    _judge(findings, seat, truth[general][0].seq, truth[general][-1].seq)
    resets = bens.not_resumed + bens.record.resets + seat.client.not_resumed
    findings.complain("times a client had to start over", resets)
    more = {
        "cuts": len(cuts),
        "links_cut": links,
        "connections": bens.connections,
        "resets": resets,
        "bare_connections": seat.client.resumed + 1,
        "bare_lost": seat.lost,
        "bare_doubled": seat.doubled,
    }
    return line_of(NAME, arena, watch.s, findings, more)


def _judge(findings: Findings, seat: Seat, first: int, last: int) -> None:
    """The bare client keeps no order and drops nothing: what it lacks or has twice went wrong on the wire."""
    findings.lost += findings.complain("places that never came over the wire", seat.lost)
    findings.doubled += findings.complain("places that came over the wire again", seat.doubled)
    if not seat.places or seat.places[0] > first or seat.places[-1] < last:
        findings.complain("end of the conversation that never came over the wire", 1)


async def _write(postbox: Postbox, client: Client, channel: str, per_second: float, over: asyncio.Event) -> None:
    """By the clock; a post that takes long delays nobody. Returns once all are acknowledged."""
    number = 0
    async with asyncio.TaskGroup() as group:
        while not over.is_set():
            group.create_task(postbox.post(client, channel, f"event {number}"))
            number += 1
            await asyncio.sleep(1 / per_second)


async def _cut(arena: Arena, proxy: Proxy, cuts: list[Cut], seconds: float) -> int:
    """How many links were cut."""
    watch = Stopwatch()
    links = 0
    for cut in cuts:
        await asyncio.sleep(max(0.0, cut.at_s - cut.bad_s - watch.s))
        if cut.way == "stall":
            proxy.stall()
        elif cut.way == "slow":
            proxy.bytes_per_s = SLOW_BYTES_PER_S
        await asyncio.sleep(cut.bad_s)
        gone = await proxy.cut(reset=cut.way != "close")
        proxy.release()
        proxy.bytes_per_s = None
        links += gone
        arena.say(f"{cut.way}: {gone} links cut")
    await asyncio.sleep(max(0.0, seconds - watch.s))
    return links


async def _until_bare(seat: Seat, last: int) -> None:
    watch = Stopwatch()
    while (not seat.places or seat.places[-1] < last) and watch.s < ARRIVAL_S:
        await asyncio.sleep(0.1)


def _token_of(client: Client) -> str:
    if client.tokens is None:
        raise LookupError("not signed in")
    return client.tokens.access_token
