"""The index's life: opened at the start, filled from chat when it is new, rebuilt when somebody asks.

PostgreSQL remembers which index was filled once. An index that is not there, is of another format, or was never filled
to the end is filled by the keeper itself, again and again until it succeeds; it serves what it has meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import chain, repeat

import asyncpg

from tertulia_search import metrics
from tertulia_search.engines.port import ChangeRefused, EngineUnavailable, SearchEngine
from tertulia_search.errors import RebuildRunning
from tertulia_search.indexing.indexer import Indexer
from tertulia_search.rebuild.chat import ChatExport, ChatUnavailable
from tertulia_search.rebuild.rebuild import Progress, Rebuild, RebuildFailed
from tertulia_shared.bus import Bus, BusError
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import logger

log = logger(__name__)

RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0)
COUNT_EVERY_S = 15.0

_FILLED = "SELECT true FROM filled_index WHERE name = $1"
_SET_FILLED = """
INSERT INTO filled_index (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET filled_at = now()
"""
_FORGET = "DELETE FROM filled_index WHERE name = $1"

POSTGRES_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_NOT_NOW = (EngineUnavailable, ChangeRefused, ChatUnavailable, BusError, RebuildFailed, *POSTGRES_AWAY)


class Keeper:
    """A component; also what the internal API starts a rebuild with."""

    name = "index"

    def __init__(self, engine: SearchEngine, indexer: Indexer, bus: Bus, chat: ChatExport, pool: asyncpg.Pool) -> None:
        self._engine = engine
        self._indexer = indexer
        self._bus = bus
        self._chat = chat
        self._pool = pool
        self._filled = False
        self._running: asyncio.Task[int] | None = None

    async def run(self) -> None:
        try:
            await _until_done("open", self._open)
            await _until_done("fill", self._fill)
            while True:
                await self._count()
                self._indexer.tell_idle()
                await asyncio.sleep(COUNT_EVERY_S)
        finally:
            if self._running is not None:
                self._running.cancel()
                await asyncio.wait([self._running])

    async def check_filled(self) -> None:
        """For /readyz: raises while messages from before may be missing."""
        if not self._filled:
            raise RuntimeError("the index is being filled")

    def rebuild(self) -> AsyncIterator[Progress]:
        """Starts at once and goes on if nobody listens. Raises RebuildRunning."""
        told: asyncio.Queue[Progress | None] = asyncio.Queue()
        self._start(told.put_nowait)
        return _tell(told)

    def _start(self, tell: Callable[[Progress | None], None]) -> "asyncio.Task[int]":
        if self._running is not None:
            raise RebuildRunning
        self._running = spawn(self._rebuild(tell), name="rebuild")
        self._running.add_done_callback(lambda _: self._ended())
        return self._running

    def _ended(self) -> None:
        self._running = None
        metrics.REBUILDING.set(0)

    async def _rebuild(self, tell: Callable[[Progress | None], None]) -> int:
        """-1 when it failed, which was told."""
        metrics.REBUILDING.set(1)
        log.info("rebuild.started", index=self._engine.name)
        try:
            messages = await Rebuild(self._engine, self._indexer, self._bus, self._chat, tell).run()
            await self._set_filled()
        except _NOT_NOW as error:
            metrics.REBUILDS.labels("failed").inc()
            log.warning("rebuild.failed", error=str(error))
            tell(Progress(phase="end", error=_code_of(error), detail=str(error)))
            return -1
        else:
            metrics.REBUILDS.labels("done").inc()
            metrics.DOCUMENTS.set(messages)
            log.info("rebuild.done", messages=messages)
            tell(Progress(phase="end", messages=messages, done=True))
            return messages
        finally:
            tell(None)

    async def _open(self) -> None:
        if not await self._engine.exists():
            # Forgotten first: a kill in between only means that it is filled once more.
            await self._pool.execute(_FORGET, self._engine.name)
        await self._engine.open()

    async def _fill(self) -> None:
        if await self._pool.fetchval(_FILLED, self._engine.name):
            self._filled = True
            return
        if sum((await self._chat.counts()).values()) == 0:
            # Nothing was ever said: whatever comes, comes as an event.
            await self._set_filled()
            return
        running = self._running or self._start(lambda _: None)
        await asyncio.wait([running])
        if not self._filled:
            raise RebuildFailed("not_filled", "The index could not be filled.")

    async def _set_filled(self) -> None:
        await self._pool.execute(_SET_FILLED, self._engine.name)
        self._filled = True

    async def _count(self) -> None:
        try:
            metrics.DOCUMENTS.set(sum((await self._engine.counts()).values()))
        except EngineUnavailable as error:
            log.debug("index.not_counted", error=str(error))


def _code_of(error: Exception) -> str:
    if isinstance(error, RebuildFailed):
        return error.code
    return "change_refused" if isinstance(error, ChangeRefused) else "dependency_unavailable"


async def _until_done(what: str, work: Callable[[], Awaitable[None]]) -> None:
    for delay in chain(RETRY_S, repeat(RETRY_S[-1])):
        try:
            await work()
        except _NOT_NOW as error:
            log.warning("index.not_yet", step=what, error=str(error))
            await asyncio.sleep(delay)
        else:
            return


async def _tell(told: "asyncio.Queue[Progress | None]") -> AsyncIterator[Progress]:
    while (progress := await told.get()) is not None:
        yield progress
