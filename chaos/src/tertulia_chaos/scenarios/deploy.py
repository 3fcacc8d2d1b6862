"""`deploy`: every service is restarted in good order, one after the other, under load; no post fails that a retry does
not heal, and nothing is lost."""

import asyncio
from dataclasses import dataclass

from tertulia_chaos.arena import Arena, Line, Stopwatch
from tertulia_chaos.conversation import LIVELY, Pace, converse
from tertulia_chaos.faults import START_S, running_pid, terminate
from tertulia_chaos.people import Postbox

NAME = "deploy"
SERVICES = ("chat-api", "chat-relay", "notify", "gateway", "search", "bot", "model", "analytics")
POLL_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Size:
    seconds: float
    """The least; rounds go on until then."""
    services: tuple[str, ...] = SERVICES
    calm_s: float = 3.0
    """Between one service that is ready again and the next one's end."""
    pace: Pace = LIVELY


FULL = Size(seconds=300)
SHORT = Size(seconds=60, calm_s=1.0)


async def run(arena: Arena, size: Size) -> Line:
    async def trouble(postbox: Postbox) -> dict[str, object]:
        watch = Stopwatch()
        took: dict[str, float] = {}
        rounds = 0
        while rounds == 0 or watch.s < size.seconds:
            rounds += 1
            for service in size.services:
                await asyncio.sleep(size.calm_s)
                seconds = await _restart(arena, service)
                arena.say(f"{service} was away for {seconds:.1f} s ({len(postbox.acknowledged)} acknowledged)")
                took[service] = max(seconds, took.get(service, 0.0))
        await asyncio.sleep(size.calm_s)
        return {"rounds": rounds, "away_s": {name: round(seconds, 1) for name, seconds in took.items()}}

    return await converse(NAME, arena, trouble, size.pace)


async def _restart(arena: Arena, service: str) -> float:
    """How long it took from the signal until the service takes work again, in seconds."""
    watch = Stopwatch()
    former = await terminate(arena.stack, service)
    async with asyncio.timeout(START_S):
        while await running_pid(arena.stack, service) == former:
            await asyncio.sleep(POLL_S)
        while (await asyncio.to_thread(arena.stack.service, service))["state"] != "ready":
            await asyncio.sleep(POLL_S)
    return watch.s
