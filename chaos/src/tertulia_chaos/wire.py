"""A stream client without the weight of a library: thousands of them fit into one process.

It keeps to the same rules as the real ones (docs/subsystems/realtime.md): it goes on from the last id, waits as it
is told or with full jitter, and starts over from a `reset` or a `hello` that was not resumed. It orders nothing and
forgives nothing: a place that comes twice or is left out on the wire is a fault.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import cast

import msgspec

from tertulia_bench.http import RESPONSE_TIMEOUT_S, Connection, Refused, raw_request

LOOPBACK = "127.0.0.1"
BASE_S, CAP_S = 0.5, 30.0
"""Of the wait before another attempt, as in the Python client and in the web's."""
STEADY_S = 10.0
_RESET = struct.pack("ii", 1, 0)


class WireEvent(msgspec.Struct, frozen=True):
    """The part of a durable event that scenarios look at."""

    type: str
    data: msgspec.Raw
    channel_id: str | None = None
    ch_seq: int | None = None


class _Place(msgspec.Struct):
    """What `hello`, `reset` and `bye` say."""

    cursor: str = ""
    resumed: bool = False
    reason: str = ""
    retry_ms: int = 0


_decode_place = msgspec.json.Decoder(_Place).decode


@lru_cache(maxsize=4096)
def decode(data: bytes) -> WireEvent:
    """The same bytes go to everybody, so that they are read once."""
    return msgspec.json.decode(data, type=WireEvent)


class Line(Connection):
    """One connection; knows when it is asked to come back, and can vanish without a word."""

    retry_after_s = 0.0

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after" and value.isdigit():
            self.retry_after_s = float(value)

    def vanish(self) -> None:
        """End it by a reset, as a network does that went away."""
        end = cast(socket.socket, self._transport.get_extra_info("socket"))
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()


class StreamClient:
    """One person's stream on one device. `take` is called with each durable event."""

    def __init__(self, port: int, token: str, chance: random.Random, take: Callable[[WireEvent], None]) -> None:
        self.port = port
        self._token = token
        self._chance = chance
        self._take = take
        self.cursor: str | None = None
        self.last_id: str | None = None
        self.live_at: float | None = None
        """Monotonic time of the newest `hello`; None while there is no connection."""
        self.resumed = 0
        self.not_resumed = 0
        """Both without the first `hello`, before which there was nothing to resume."""
        self.ends: Counter[str] = Counter()
        """How connections ended: the reasons of `bye`, `broken`, and refusals by their status."""
        self._line: Line | None = None
        self._lost = asyncio.Event()
        self._rest = b""
        self._failures = 0
        self._pause_s: float | None = None
        """What `bye` said."""

    async def run(self) -> None:
        """Connect and come back for ever; cancel it. The connection is closed then."""
        try:
            while True:
                await asyncio.sleep(await self._live_once())
        finally:
            self.live_at = None
            if self._line is not None:
                self._line.close()

    def vanish(self) -> None:
        """Lose the connection, now and without a word to the server."""
        if self._line is not None and not self._line.closed:
            self._line.vanish()

    async def _live_once(self) -> float:
        """Be connected once. How long to wait until the next time, in seconds."""
        self._lost.clear()
        self._rest, self._pause_s = b"", None
        began = monotonic()
        try:
            await self._open()
        except Refused:
            line = cast(Line, self._line)
            self.ends[str(line.status)] += 1
            line.close()
            return line.retry_after_s + self._jitter(0 if line.retry_after_s else self._failed())
        except (OSError, TimeoutError):
            self.ends["not connected"] += 1
            return self._jitter(self._failed())
        await self._lost.wait()
        self.live_at = None
        if self._pause_s is not None:
            self._failures = 0
            return self._pause_s
        self.ends["broken"] += 1
        if monotonic() - began >= STEADY_S:
            self._failures = 0
        return self._jitter(self._failed())

    def _failed(self) -> int:
        self._failures += 1
        return self._failures - 1

    def _jitter(self, attempt: int) -> float:
        return self._chance.uniform(0.0, min(CAP_S, BASE_S * 2 ** min(attempt, 32)))

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(RESPONSE_TIMEOUT_S):
            _, self._line = await loop.create_connection(Line, LOOPBACK, self.port)
            self._line.on_chunk = self._feed
            self._line.on_lost = self._lost.set
            path = "/api/v1/stream" if self.cursor is None else f"/api/v1/stream?cursor={self.cursor}"
            request = raw_request("GET", path, f"{LOOPBACK}:{self.port}", token=self._token)
            if self.last_id is not None:
                request = request[:-2] + f"Last-Event-ID: {self.last_id}\r\n\r\n".encode()
            await self._line.open_stream(request)
        if self._line.closed:
            self._lost.set()

    def _feed(self, chunk: bytes) -> None:
        *frames, self._rest = (self._rest + chunk).split(b"\n\n")
        for frame in frames:
            self._frame(frame)

    def _frame(self, frame: bytes) -> None:
        if frame.startswith(b"id: "):
            first, _, rest = frame.partition(b"\n")
            if rest:
                self._take(decode(rest[rest.index(b"data: ") + 6 :]))
            self.last_id = first[4:].decode()
        elif frame.startswith(b"event: hello"):
            self._hello(_placed(frame))
        elif frame.startswith(b"event: reset"):
            self._start_over(_placed(frame))
        elif frame.startswith(b"event: bye"):
            bye = _placed(frame)
            self.ends[bye.reason] += 1
            self._pause_s = bye.retry_ms / 1000
            cast(Line, self._line).close()
            self._lost.set()

    def _hello(self, hello: _Place) -> None:
        if self.cursor is not None:
            self.resumed += hello.resumed
            self.not_resumed += not hello.resumed
        if not hello.resumed:
            self._start_over(hello)
        self.live_at = monotonic()

    def _start_over(self, place: _Place) -> None:
        self.cursor, self.last_id = place.cursor, None


def _placed(frame: bytes) -> _Place:
    return _decode_place(frame[frame.index(b"data: ") + 6 :])
