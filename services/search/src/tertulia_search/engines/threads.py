"""Threads for an engine that blocks, and what is known when such an engine breaks.

A library in Rust that panics raises a BaseException: nobody who handles errors sees it, and what the library holds may
be half changed. Here it becomes EngineUnavailable, so that searches are refused and events wait, and `broken` is set:
the process ends, and a new one opens what was committed last.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tertulia_search.engines.port import EngineUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

T = TypeVar("T")


class Threads:
    def __init__(self, count: int, name: str, broken: asyncio.Event) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._broken = broken

    async def do(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()

        def guarded() -> T:
            try:
                return work()
            except Exception:
                raise
            except BaseException as error:
                log.exception("engine.broken")
                loop.call_soon_threadsafe(self._broken.set)
                raise EngineUnavailable(f"the engine broke: {error}") from error

        return await loop.run_in_executor(self._executor, guarded)

    def shutdown(self, *, wait: bool) -> None:
        self._executor.shutdown(wait=wait)
