"""`checker`: ten people write while every service and server is killed at random; nothing acknowledged may be lost,
doubled, reordered or shown to others."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from time import monotonic

from tertulia_chaos.arena import Arena, Line
from tertulia_chaos.conversation import LIVELY, Pace, converse
from tertulia_chaos.faults import CORE, PARTS, plan, strike
from tertulia_chaos.people import Postbox

NAME = "checker"


@dataclass(frozen=True, kw_only=True)
class Size:
    seconds: float
    every_s: float
    """One fault in this time, on average."""
    victims: tuple[str, ...] = (*CORE, *PARTS)
    pace: Pace = LIVELY


FULL = Size(seconds=600, every_s=6)
SHORT = Size(seconds=120, every_s=5)


async def run(arena: Arena, size: Size) -> Line:
    faults = plan(arena.chance, size.victims, size.seconds, size.every_s)

    async def trouble(postbox: Postbox) -> dict[str, object]:
        began = monotonic()
        for fault in faults:
            await asyncio.sleep(max(0.0, began + fault.at_s - monotonic()))
            arena.say(f"{fault.kind} {fault.victim} ({len(postbox.acknowledged)} acknowledged)")
            await strike(arena.stack, fault)
        await asyncio.sleep(max(0.0, began + size.seconds - monotonic()))
        struck = Counter(f"{fault.kind} {fault.victim}" for fault in faults)
        return {"faults": len(faults), "struck": dict(sorted(struck.items()))}

    return await converse(NAME, arena, trouble, size.pace)
