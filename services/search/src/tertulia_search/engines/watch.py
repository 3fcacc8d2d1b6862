"""Ends the process when its engine is broken for good, so that its supervisor starts another."""

from typing import NoReturn

from tertulia_search.engines.port import SearchEngine


class EngineWatch:
    """A component."""

    name = "engine"

    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine

    async def run(self) -> NoReturn:
        """Raises EngineBroken."""
        await self._engine.watch()
