"""Search in this process, with tantivy.

    <directory>/LOCK        held while a process has the index: tantivy has one writer
    <directory>/CURRENT     the name of the live generation; replaced in one step
    <directory>/g<format>-… one directory a generation

Whatever generation CURRENT does not name was being built by a process that died, and goes at the next start.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, cast

from tertulia_search.engines.port import Ask, Change, EngineBroken, EngineUnavailable, Found, Generation
from tertulia_search.engines.tantivy_index import TantivyIndex
from tertulia_search.engines.tantivy_look import Look
from tertulia_search.engines.tantivy_schema import FORMAT
from tertulia_search.engines.threads import Threads
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import logger

log = logger(__name__)

READERS = 4
"""A search of many hits is two passes that run side by side."""
FEW = 5_000
"""Looking at so many hits one by one takes as long as the two passes do."""
_PREFIX = f"g{FORMAT}-"


class TantivyGeneration:
    def __init__(self, index: TantivyIndex, broken: asyncio.Event) -> None:
        self.index = index
        self._writer = Threads(1, "search writer", broken)

    async def upsert(self, changes: Sequence[Change]) -> None:
        await self._writer.do(lambda: self.index.upsert(changes))

    async def commit(self) -> None:
        await self._writer.do(self.index.commit)

    async def counts(self) -> dict[str, int]:
        return await self._writer.do(self.index.counts)

    async def end(self, *, remove: bool) -> None:
        await self._writer.do(self.index.close)
        self._writer.shutdown(wait=False)
        if remove:
            await asyncio.to_thread(shutil.rmtree, self.index.directory, ignore_errors=True)


class TantivyEngine:
    """See `port.SearchEngine`. Searches run beside the writer, on threads of their own."""

    def __init__(self, directory: Path, *, few: int = FEW) -> None:
        """`few`: so many hits are looked at one by one, rather than filtered by tantivy."""
        self._directory = directory
        self._few = few
        self._live: TantivyGeneration | None = None
        self._broken = asyncio.Event()
        self._readers = Threads(READERS, "search reader", self._broken)
        self._changing = asyncio.Lock()
        """Held while it changes which generation is live, or a generation goes."""
        self._lock: int | None = None

    @property
    def name(self) -> str:
        return f"tantivy://{self._directory}"

    async def exists(self) -> bool:
        return await asyncio.to_thread(lambda: self._current() is not None)

    async def open(self) -> None:
        self._live = TantivyGeneration(await self._readers.do(self._open), self._broken)

    async def close(self) -> None:
        async with self._changing:
            if self._live is not None:
                await self._live.end(remove=False)
                self._live = None
        self._readers.shutdown(wait=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def check(self) -> None:
        live = self._required()
        await self._readers.do(live.index.check)

    async def watch(self) -> NoReturn:
        await self._broken.wait()
        raise EngineBroken(self.name)

    async def search(self, ask: Ask) -> Found:
        index = self._required().index
        if not ask.channels or ask.authors == frozenset():
            return Found([])
        look, found = await self._readers.do(lambda: _first_look(index, ask, self._few))
        if found is not None:
            return found
        if not ask.facets:
            return Found(*await self._readers.do(look.page))
        (documents, more), tally = await asyncio.gather(self._readers.do(look.page), self._readers.do(look.tally))
        return Found(documents, more, tally.total, tally.channels, tally.people)

    async def upsert(self, changes: Sequence[Change]) -> None:
        await self._required().upsert(changes)

    async def commit(self) -> None:
        await self._required().commit()

    async def counts(self) -> dict[str, int]:
        return await self._required().counts()

    async def prepare(self) -> TantivyGeneration:
        self._required()
        index = await self._readers.do(lambda: TantivyIndex(self._new_directory()))
        return TantivyGeneration(index, self._broken)

    async def swap(self, generation: Generation) -> None:
        """The generation is one of `prepare`. Goes on to its end when the caller is cancelled."""
        await asyncio.shield(spawn(self._swap(cast("TantivyGeneration", generation)), name="swap of the index"))

    async def discard(self, generation: Generation) -> None:
        unwanted = cast("TantivyGeneration", generation)
        async with self._changing:
            if unwanted is self._live or await asyncio.to_thread(self._names, unwanted):
                log.warning("engine.live_generation_kept", generation=unwanted.index.directory.name)
                return
            await unwanted.end(remove=True)

    async def _swap(self, coming: TantivyGeneration) -> None:
        async with self._changing:
            former = self._required()
            try:
                await asyncio.to_thread(self._point_at, coming.index.directory.name)
            except OSError as error:
                # It may have failed after the replacement, and then the next start opens the coming one.
                if not await asyncio.to_thread(self._names, coming):
                    raise EngineUnavailable(str(error)) from error
                log.warning("engine.swap_not_synced", error=str(error))
            self._live = coming
            try:
                await former.end(remove=True)
            except Exception:
                # What is left over goes at the next start.
                log.exception("engine.former_generation_left", generation=former.index.directory.name)

    def _names(self, generation: TantivyGeneration) -> bool:
        """Whether CURRENT names this generation."""
        try:
            return (self._directory / "CURRENT").read_text().strip() == generation.index.directory.name
        except FileNotFoundError:
            return False

    def _required(self) -> TantivyGeneration:
        if self._live is None:
            raise EngineUnavailable("the index is not open")
        return self._live

    def _open(self) -> TantivyIndex:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            current = self._current()
            for left in self._directory.glob("g*-*"):
                if left.name != current:
                    shutil.rmtree(left)
                    log.info("engine.generation_removed", generation=left.name)
            if current is not None:
                return TantivyIndex(self._directory / current)
            index = TantivyIndex(self._new_directory())
            self._point_at(index.directory.name)
        except OSError as error:
            raise EngineUnavailable(str(error)) from error
        return index

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = os.open(self._directory / "LOCK", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise EngineUnavailable("another process has this index") from None
        self._lock = lock

    def _current(self) -> str | None:
        """The live generation, if it is there and of our format."""
        try:
            name = (self._directory / "CURRENT").read_text().strip()
        except OSError:
            return None
        directory = self._directory / name
        return name if name.startswith(_PREFIX) and TantivyIndex.is_readable(directory) else None

    def _new_directory(self) -> Path:
        return self._directory / f"{_PREFIX}{secrets.token_hex(8)}"

    def _point_at(self, name: str) -> None:
        temporary = self._directory / "CURRENT.new"
        with temporary.open("w") as file:
            file.write(name)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._directory / "CURRENT")
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _first_look(index: TantivyIndex, ask: Ask, few: int) -> tuple[Look, Found | None]:
    look = index.look(ask)
    return look, look.few(few)
