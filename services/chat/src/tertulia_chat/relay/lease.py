"""The right to publish, which is the session that holds the shards' locks, for as long as it surely lives.

PostgreSQL ends a session that has said nothing for `SILENT_S`, and its locks go with it: whoever is frozen, or cut off,
loses its shards without having to notice. Whoever lives says something all the time; while it waits for NATS it
renews every `RENEW_S`. A message is only sent within `SURE_S` of the beginning of the last answered question, which is
before the server could have ended the session.

A process can be frozen between that look and the write. What it writes when it wakes then goes over a connection that
is older than the freezing. Within five minutes the stream still has the ids of what its successor published, which is
the same, and drops it; NATS has ended a connection that answered no ping long before those five minutes are over.
"""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import TypeVar

import asyncpg

from tertulia_shared.runtime import spawn

SILENT_S = 2.5
SURE_S = 1.5
RENEW_S = 0.5

SESSION = {
    "idle_session_timeout": f"{SILENT_S * 1000:.0f}",
    "idle_in_transaction_session_timeout": f"{SILENT_S * 1000:.0f}",
    # For a session that is sending when its client stops to read.
    "tcp_user_timeout": f"{SILENT_S * 1000:.0f}",
}
"""Settings of the session."""

T = TypeVar("T")


class Lease:
    def __init__(self, connection: asyncpg.Connection, clock: Callable[[], float] = monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._until = 0.0

    def now(self) -> float:
        """To be taken before a question, and given to `answered` after its answer."""
        return self._clock()

    def answered(self, asked_at: float) -> None:
        """The session lived at `asked_at` or later."""
        self._until = max(self._until, asked_at + SURE_S)

    def is_sure(self) -> bool:
        return self._clock() < self._until

    async def hold(self, work: Coroutine[object, object, T]) -> T:
        """Wait for something that takes its time, and renew meanwhile; `work` must not use the connection.

        Raises what `work` raises. Raises what asyncpg raises when the session is gone; `work` is cancelled then.
        """
        try:
            await self._renew_if_due()
        except BaseException:
            work.close()
            raise
        task = spawn(_told(work), name="relay holds its shards")
        try:
            while not (await asyncio.wait([task], timeout=RENEW_S))[0]:
                await self._renew_if_due()
        except BaseException:
            task.cancel()
            await asyncio.wait([task])
            raise
        result, error = task.result()
        if error is not None:
            raise error
        return result  # pyright: ignore[reportReturnType] -- there is one when there is no error

    async def _renew_if_due(self) -> None:
        asked_at = self._clock()
        if asked_at < self._until - SURE_S + RENEW_S:
            return
        await self._connection.execute("SELECT 1", timeout=SILENT_S)
        self.answered(asked_at)


async def _told(work: Coroutine[object, object, T]) -> tuple[T | None, Exception | None]:
    """An expected failure is no crash of the task."""
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 -- raised again where it is waited for
        return None, error
