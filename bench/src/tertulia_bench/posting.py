"""Posts at a rate that does not wait for answers, from a process of its own.

They fall at random moments (a Poisson process) from random members into random channels: a late answer holds up nobody,
as in life, and what a post waits for a free connection counts. The same seed gives the same posts.
"""

import asyncio
import random
import re
import time
import uuid
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple

import uvloop

from tertulia_bench.http import Connection
from tertulia_bench.listening import text_of
from tertulia_bench.streams import pin

HOST = "127.0.0.1"
CONNECTIONS = 64
AHEAD_S = 0.2
"""So long before the first post is due, everything is ready."""
PLACE = re.compile(rb'"ch_seq":(\d+)')
TIMER_S = 0.0005
"""A wait that is shorter is none: the loop's clock ticks in milliseconds."""


class Post(NamedTuple):
    """`due_s` counts from the beginning."""

    due_s: float
    channel: int
    author: int


class Room(NamedTuple):
    """A channel: its id, and the access tokens of its members."""

    id: str
    tokens: Sequence[str]


@dataclass(slots=True)
class Posted:
    """What was acknowledged, and how. `places` gives the `ch_seq` of a message by (channel, number)."""

    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    """From when a message was due until it was acknowledged."""
    late: "array[float]" = field(default_factory=lambda: array("d"))
    """From when a message was due until the client came to it: the client's own share."""
    places: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    due_at: dict[tuple[int, int], float] = field(default_factory=dict[tuple[int, int], float])
    acked_at: dict[tuple[int, int], float] = field(default_factory=dict[tuple[int, int], float])
    trace_ids: dict[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])
    refused: list[str] = field(default_factory=list[str])
    took_s: float = 0.0
    """From the first post that was due to the last answer."""
    processor_s: float = 0.0


def posts(rooms: Sequence[int], per_s: float, seconds: float, seed: int) -> Iterator[Post]:
    """`rooms` tells how many members each channel has."""
    chance = random.Random(seed)
    due = chance.expovariate(per_s)
    while due < seconds:
        channel = chance.randrange(len(rooms))
        yield Post(due, channel, chance.randrange(rooms[channel]))
        due += chance.expovariate(per_s)


class Poster:
    """Everything below the pipe runs in one event loop, which lives as long as the process."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._rooms: Sequence[Room] = ()
        self._port = 0
        self._heads: list[list[bytes]] = []
        self._numbers: list[int] = []
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()

    def serve(self) -> None:
        """Until told to end: each order is answered once."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            while True:
                name, *arguments = self._pipe.recv()
                if name == "end":
                    return
                self._pipe.send(runner.run(getattr(self, name)(*arguments)))

    # -- orders ----------------------------------------------------------------------------------------------

    async def open(self, port: int, rooms: Sequence[Room]) -> None:
        """Towards this port of the machine."""
        self._port, self._rooms = port, rooms
        self._numbers = [0] * len(rooms)
        self._heads = [[_head(port, room.id, token) for token in room.tokens] for room in rooms]

    async def post(self, per_s: float, seconds: float, seed: int) -> Posted:
        """Ends when everything is answered."""
        posted = Posted()
        await self._connect()
        spent = time.process_time()
        began = time.monotonic() + AHEAD_S
        async with asyncio.TaskGroup() as group:
            for due_s, channel, author in posts([len(room.tokens) for room in self._rooms], per_s, seconds, seed):
                due = began + due_s
                wait = due - time.monotonic()
                if wait > TIMER_S:
                    await asyncio.sleep(wait)
                posted.late.append(time.monotonic() - due)
                number = self._numbers[channel]
                self._numbers[channel] += 1
                group.create_task(self._send(posted, (channel, number), self._heads[channel][author], due))
        posted.took_s = time.monotonic() - began
        posted.processor_s = time.process_time() - spent
        return posted

    # -- one post --------------------------------------------------------------------------------------------

    async def _send(self, posted: Posted, key: tuple[int, int], head: bytes, due: float) -> None:
        channel, number = key
        trace_id = f"{random.getrandbits(128) or 1:032x}"
        body = b'{"client_msg_id":"%b","text":"%b"}' % (
            str(uuid.uuid4()).encode(),
            text_of(channel, number, due).encode(),
        )
        connection = await self._connection()
        request = b"%btraceparent: 00-%b-00000000000000aa-01\r\nContent-Length: %d\r\n\r\n%b" % (
            head,
            trace_id.encode(),
            len(body),
            body,
        )
        try:
            answer = await connection.request(request)
        except ConnectionError as error:
            posted.refused.append(repr(error))
            return
        finally:
            self._release(connection)
        now = time.monotonic()
        place = PLACE.search(answer)
        if connection.status != 201 or place is None:
            posted.refused.append(f"{connection.status} {answer[:300]!r}")
            return
        posted.seconds.append(now - due)
        posted.places[key] = int(place[1])
        posted.due_at[key], posted.acked_at[key], posted.trace_ids[key] = due, now, trace_id

    async def _connect(self) -> None:
        """Anew each time: between two orders nobody notices that the server closes what is idle."""
        for each in self._idle:
            each.close()
        self._idle = [await Connection.open(HOST, self._port) for _ in range(CONNECTIONS)]

    async def _connection(self) -> Connection:
        while not self._idle:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        return self._idle.pop()

    def _release(self, connection: Connection) -> None:
        """A connection that broke is not replaced: the run has failed."""
        if not connection.closed:
            self._idle.append(connection)
        if self._waiting:
            self._waiting.popleft().set_result(None)


def _head(port: int, channel: str, token: str) -> bytes:
    return (
        f"POST /api/v1/channels/{channel}/messages HTTP/1.1\r\nHost: {HOST}:{port}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    ).encode()


def serve_posts(pipe: Pipe, core: int | None) -> None:
    """The process of a `LoadClient`; on any core where `core` is None."""
    if core is not None:
        pin(core)
    with suppress(EOFError):
        Poster(pipe).serve()
