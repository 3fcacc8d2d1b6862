"""Waiting for what a projection does not say yet, before somebody is refused because of it."""

import asyncio
from collections.abc import Callable

from tertulia_shared.membership.projection import Projection

SETTLES_S = 2.0
"""How long a refusal waits for what may be on its way from chat. Under load an event takes some hundredths of that."""


class Settling:
    """The projection follows chat by milliseconds: whoever was let in by chat a moment ago, and asks another service at
    once, is waited for. Only a refusal costs that time."""

    def __init__(self, projection: Callable[[], Projection]) -> None:
        self._projection = projection
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[Projection], bool]) -> bool:
        """Whether it holds, now or within SETTLES_S."""
        try:
            async with asyncio.timeout(SETTLES_S):
                while not holds(self._projection()):
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def tell(self) -> None:
        """The projection has changed, or is another. Wakes everybody; who goes on waiting waits for the next change."""
        self._changed.set()
        self._changed = asyncio.Event()
