"""Batches of the event stream, into the live generation.

A batch is acknowledged after the engine has committed it, so what a kill takes away is delivered again; the engine
ignores what it has already. The gate is held while a batch is written: whoever holds it knows that nobody else writes.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec

from tertulia_search import metrics
from tertulia_search.engines.port import Change, Document, EngineUnavailable, SearchEngine
from tertulia_search.indexing.changes import ACTED_ON, change_of
from tertulia_shared.bus import Delivery, Reject, Retry
from tertulia_shared.events import decode_envelope
from tertulia_shared.events.subjects import H_TIME, H_TYPE

RETRY_S = 1.0
IDLE_S = 5.0


class Malformed(Reject):
    """An event about a message that breaks its contract."""


class Indexer:
    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine
        self.gate = asyncio.Lock()
        self._idle_since: float | None = time.monotonic()

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Returns when all of it can be found; a batch that raises has written nothing.

        Raises Retry while the engine is away, Malformed for an event that can never be read.
        """
        changes = [change for delivery in deliveries if (change := read(delivery.headers, delivery.data)) is not None]
        self._idle_since = None
        if changes:
            await self._write(changes)
        _tell_lag(deliveries)
        self._idle_since = time.monotonic()

    def tell_idle(self) -> None:
        """The lag is none when nothing has come for a while and nothing waits for the engine."""
        if self._idle_since is not None and time.monotonic() - self._idle_since > IDLE_S:
            metrics.INDEX_LAG_SECONDS.set(0)

    async def _write(self, changes: list[Change]) -> None:
        started = time.perf_counter()
        try:
            async with self.gate:
                await self._engine.upsert(changes)
                await self._engine.commit()
        except EngineUnavailable as error:
            raise Retry(f"the engine is away: {error}", delay_s=RETRY_S) from error
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
        deleted = sum(not isinstance(change, Document) for change in changes)
        metrics.CHANGES.labels("deleted").inc(deleted)
        metrics.CHANGES.labels("written").inc(len(changes) - deleted)


def _tell_lag(deliveries: Sequence[Delivery]) -> None:
    now_ms = time.time() * 1000
    for delivery in deliveries:
        if delivery.headers.get(H_TYPE) in ACTED_ON and (sent := delivery.headers.get(H_TIME, "")).isdigit():
            age_s = max(0.0, now_ms - int(sent)) / 1000
            metrics.FINDABLE_SECONDS.observe(age_s)
            metrics.INDEX_LAG_SECONDS.set(age_s)


def read(headers: Mapping[str, str], data: bytes) -> Change | None:
    """None for what is no business of ours. Raises Malformed."""
    if headers.get(H_TYPE) not in ACTED_ON:
        return None
    try:
        return change_of(decode_envelope(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)) from error
