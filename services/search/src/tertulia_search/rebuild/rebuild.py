"""One rebuild; see the package."""

import asyncio
import time
from collections.abc import Callable, Coroutine

import msgspec

from tertulia_search.engines.port import Change, Generation, SearchEngine
from tertulia_search.indexing.changes import change_to
from tertulia_search.indexing.indexer import Indexer, Malformed, read
from tertulia_search.rebuild.chat import ChatExport
from tertulia_shared.bus import (
    Bus,
    EpochChanged,
    Lost,
    NotYet,
    StoredMessage,
    StreamState,
    check_same_life,
    read_on,
    state_of,
    stream_state,
)
from tertulia_shared.cursors import Position
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import logger

log = logger(__name__)

COMMIT_EVERY = 20_000
REPLAY_BATCH = 1_000
NOT_YET_S = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Pauses before each try to read what a replica of the stream may not have yet."""
COMPARISONS = 10
"""Messages that are on their way while we compare make a difference that goes by itself."""
COMPARE_AGAIN_S = 1.0


class RebuildFailed(Exception):
    """The new generation cannot be trusted. `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of what a rebuild tells. The last one is `done`, or names the `error`."""

    phase: str
    messages: int = 0
    expected: int = 0
    events: int = 0
    seconds: float = 0.0
    done: bool = False
    error: str | None = None
    detail: str | None = None


Tell = Callable[[Progress], None]


class Rebuild:
    def __init__(self, engine: SearchEngine, indexer: Indexer, bus: Bus, chat: ChatExport, tell: Tell) -> None:
        self._engine = engine
        self._indexer = indexer
        self._bus = bus
        self._chat = chat
        self._tell = tell
        self._started = time.monotonic()
        self._incarnation = ""
        self._position = 0
        self._replayed = 0

    async def run(self) -> int:
        """The number of messages in the new, now live generation.

        Raises RebuildFailed, ChatUnavailable, EngineUnavailable or BusError.
        """
        generation = await self._engine.prepare()
        try:
            return await self._fill_and_swap(generation)
        except BaseException:
            # Refused by the engine when the swap was done all the same.
            await self._engine.discard(generation)
            raise

    async def _fill_and_swap(self, generation: Generation) -> int:
        state = await stream_state(self._bus)
        self._incarnation, self._position = state.incarnation, state.last_seq
        await self._export(generation, await self._chat.reached())
        await self._replay(generation)
        await self._compare(generation)
        async with self._indexer.gate:
            await self._replay(generation)
            messages = sum((await generation.counts()).values())
            await _to_the_end(self._engine.swap(generation))
        return messages

    async def _export(self, generation: Generation, reached: dict[str, int]) -> None:
        expected = sum((await self._chat.counts()).values())
        written = uncommitted = 0
        async for page in self._chat.pages():
            found = (change_to(message, max(message.ch_seq, reached.get(message.channel_id, 0))) for message in page)
            changes = [change for change in found if change is not None]
            await generation.upsert(changes)
            written += len(changes)
            uncommitted += len(changes)
            if uncommitted >= COMMIT_EVERY:
                await generation.commit()
                uncommitted = 0
            self._say("export", messages=written, expected=expected)
        await generation.commit()

    async def _replay(self, generation: Generation) -> None:
        """Until the stream's end as it is now."""
        end = await self._end_of_stream()
        self._say("replay", events=self._replayed)
        while self._position < end.last_seq:
            until = min(self._position + REPLAY_BATCH, end.last_seq)
            messages = await self._read_on(until)
            changes = [change for message in messages if (change := _change_of(message)) is not None]
            if changes:
                await generation.upsert(changes)
                await generation.commit()
            self._position = until
            self._replayed += len(messages)
            self._say("replay", events=self._replayed)

    async def _read_on(self, until: int) -> list[StoredMessage]:
        """Every message after our position, without a hole."""
        for pause_s in NOT_YET_S:
            await asyncio.sleep(pause_s)
            messages: list[StoredMessage] = []
            try:
                await read_on(self._bus, await self._end_of_stream(), self._position, messages.append, until=until)
            except NotYet as error:
                log.info("rebuild.not_yet", error=str(error))
            except Lost as error:
                raise RebuildFailed("stream_too_short", "Events left the stream before they were replayed.") from error
            else:
                return messages
        raise RebuildFailed("stream_incomplete", "An event that the stream should hold cannot be read.")

    async def _end_of_stream(self) -> StreamState:
        try:
            state = await state_of(self._bus)
            check_same_life(state, Position(self._incarnation, self._position))
        except EpochChanged as error:
            detail = "The event stream began anew while the index was rebuilt."
            raise RebuildFailed("stream_began_anew", detail) from error
        return state

    async def _compare(self, generation: Generation) -> None:
        """Equal, or between what chat counted before and after: then only what was under way made the difference."""
        different: dict[str, tuple[int, int]] = {}
        for attempt in range(COMPARISONS):
            if attempt:
                await asyncio.sleep(COMPARE_AGAIN_S)
            before = await self._chat.counts()
            await self._replay(generation)
            ours = await generation.counts()
            after = await self._chat.counts()
            self._say("compare", messages=sum(ours.values()), expected=sum(after.values()))
            different = {
                workspace: (ours.get(workspace, 0), after.get(workspace, 0))
                for workspace in ours.keys() | before.keys() | after.keys()
                if not _between(before.get(workspace, 0), ours.get(workspace, 0), after.get(workspace, 0))
            }
            if not different:
                return
        log.error("rebuild.counts_differ", workspaces=different)
        raise RebuildFailed("counts_differ", f"{len(different)} workspaces have another number of messages than chat.")

    def _say(self, phase: str, *, messages: int = 0, expected: int = 0, events: int = 0) -> None:
        seconds = round(time.monotonic() - self._started, 3)
        self._tell(Progress(phase=phase, messages=messages, expected=expected, events=events, seconds=seconds))


def _change_of(message: StoredMessage) -> Change | None:
    try:
        return read(message.headers, message.data)
    except Malformed as error:
        # The consumer keeps it as a dead letter.
        log.warning("rebuild.malformed", seq=message.seq, error=str(error))
        return None


async def _to_the_end(work: Coroutine[object, object, None]) -> None:
    """Whoever is cancelled meanwhile is so when the work is done: what is held is held until then."""
    task = spawn(work, name="swap")
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _between(before: int, ours: int, after: int) -> bool:
    return min(before, after) <= ours <= max(before, after)
