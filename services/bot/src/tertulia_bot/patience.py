"""Asking again until somebody answers. Whoever must not wait for ever is cancelled from outside."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

DELAYS_S = (0.1, 0.3, 1.0, 2.0, 5.0)

T = TypeVar("T")


async def until_it_answers(ask: Callable[[], Awaitable[T]], whom: str) -> T:
    """Repeats on DependencyUnavailable, with growing pauses; everything else passes."""
    tries = 0
    while True:
        try:
            return await ask()
        except DependencyUnavailable as error:
            pause = DELAYS_S[min(tries, len(DELAYS_S) - 1)]
            tries += 1
            log.warning("dependency.waited_for", dependency=whom, error=str(error), pause_s=pause)
        await asyncio.sleep(pause)
