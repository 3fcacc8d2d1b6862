"""`disk`: NATS has no room to write; posting goes on, and everything is delivered once there is room again."""

import asyncio
from dataclasses import dataclass

from tertulia_chaos.arena import Arena, Line, Stopwatch
from tertulia_chaos.conversation import LIVELY, Pace, converse
from tertulia_chaos.faults import no_room, terminate
from tertulia_chaos.people import Postbox

NAME = "disk"


@dataclass(frozen=True, kw_only=True)
class Size:
    seconds: float
    """Without room."""
    calm_s: float = 3.0
    pace: Pace = LIVELY


FULL = Size(seconds=60)
SHORT = Size(seconds=20)


async def run(arena: Arena, size: Size) -> Line:
    async def trouble(postbox: Postbox) -> dict[str, object]:
        await asyncio.sleep(size.calm_s)
        before = len(postbox.acknowledged)
        failed_before = sum(postbox.failures.values())
        async with no_room(arena.stack, "nats"):
            arena.say("NATS cannot write any more")
            await asyncio.sleep(size.seconds)
            during = len(postbox.acknowledged) - before
            failed = sum(postbox.failures.values()) - failed_before
        arena.say(f"there is room again; {during} posts were acknowledged meanwhile, NATS is restarted")
        watch = Stopwatch()
        # A server that once could not write may refuse for good: what an operator does is start it again.
        await terminate(arena.stack, "nats")
        await asyncio.sleep(size.calm_s)
        return {"acknowledged_without_room": during, "failed_without_room": failed, "after_s": round(watch.s, 1)}

    return await converse(NAME, arena, trouble, size.pace)
