"""Thousands of server-sent event streams in one process, at a few microseconds for each piece that arrives.

A process of its own, pinned to a core, so that it shares neither an interpreter nor a core with what it measures. Every
delivery is checked as it comes: once, in order, on each stream. That is cheap because a server sends the same bytes to
all: a piece is taken apart once, and compared after that. What the client can take at most is measured too, against a
writer that does nothing but write (`BareWriter`).
"""

import asyncio
import multiprocessing
import os
import re
import resource
import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from typing import Any, cast

from tertulia_bench.conversation import Lost

READ_BYTES = 256 * 1024
"""More than anybody writes at once."""
OPEN_TIMEOUT_S = 30.0
NUMBERED = re.compile(rb'"text":"(\d+) ')
"""The number of an event: once in each, and in nothing else that is sent."""
LINE_END = 10
FEW = 128
NAP_S = 0.0005
"""With fewer streams readable than that, a nap lets more come together."""


def raise_descriptor_limit() -> int:
    """As many open files as the system lets this process have; how many those are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def pin(core: int, pid: int = 0) -> None:
    """Bind a process to one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {core})


class Stream:
    """One connection and how far it is."""

    __slots__ = ("close", "due", "ragged", "receive")

    def __init__(self, opened: socket.socket, due: int) -> None:
        self.receive = opened.recv_into
        self.close = opened.close
        self.due = due
        """Number of the event that comes next."""
        self.ragged = b""

    def whole_lines(self, data: bytes) -> bytes:
        """A number must not be cut in two: the unfinished line waits for its rest."""
        data = self.ragged + data
        end = data.rfind(b"\n") + 1
        self.ragged = data[end:]
        return data[:end]


class Streams:
    """Open streams by their descriptor. One thread, one epoll."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._poll = select.epoll()
        self._poll.register(pipe.fileno(), select.EPOLLIN)
        self._streams: dict[int, Stream] = {}
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        self._arrivals: list[float] | None = None
        self._count = 0
        self._wanted = 0
        self._closed = 0
        self._due = 0

    def serve(self) -> None:
        """Until told to end: orders come through the pipe, each is answered once."""
        failure: Lost | None = None
        while True:
            try:
                self._read(-1)
            except Lost as error:
                failure = failure or error
            while self._pipe.poll():
                name, *arguments = self._pipe.recv()
                if name == "end":
                    return
                try:
                    self._pipe.send(failure or getattr(self, name)(*arguments))
                except Lost as error:
                    self._pipe.send(error)

    # -- orders ----------------------------------------------------------------------------------------------

    def open(
        self,
        address: tuple[str, int],
        requests: Sequence[tuple[str, bytes]],
        per_s: float,
        hello: bytes,
        due: int = 0,
    ) -> int:
        """One stream for each (source address, request), waiting for `hello` on each; `due` is the event that comes
        next. How many are open now. Raises Lost."""
        self._due = due
        began = time.monotonic()
        waiting: dict[int, bytes] = {}
        for number, (source, request) in enumerate(requests):
            waiting[self._connect(address, source, request)] = b""
            while time.monotonic() < began + number / per_s:
                self._greet(waiting, hello, 0.001)
        deadline = time.monotonic() + OPEN_TIMEOUT_S
        while waiting:
            self._greet(waiting, hello, 0.1)
            if time.monotonic() > deadline:
                raise Lost(f"{len(waiting)} of {len(requests)} streams were not greeted")
        return len(self._streams)

    def close(self, count: int) -> int:
        """End so many, the oldest first. How many are open now."""
        for descriptor in list(self._streams)[:count]:
            self._drop(descriptor)
        return len(self._streams)

    def begin(self, events: int) -> None:
        """Count from here on: so many events are due on each stream."""
        self._wanted = self._count + events * len(self._streams)

    def until_all(self, timeout_s: float) -> float:
        """When the last of them arrived (`time.monotonic`). Raises Lost."""
        deadline = time.monotonic() + timeout_s
        while self._count < self._wanted:
            # Not in the poll: the server would pay for waking us up, at every write.
            if self._read(0) < FEW:
                time.sleep(NAP_S)
            if self._closed:
                raise Lost(f"{self._closed} streams were closed")
            if time.monotonic() > deadline:
                raise Lost(f"{self._wanted - self._count} deliveries are missing after {timeout_s:.0f} s")
        return time.monotonic()

    def note_arrivals(self) -> None:
        """Keep the time of every piece until `arrivals`."""
        self._arrivals = []

    def arrivals(self) -> list[float]:
        """Times at which pieces with events came (`time.monotonic`)."""
        noted, self._arrivals = self._arrivals or [], None
        return noted

    def prove(self, due: int) -> int:
        """Every stream got every event below `due`; how many deliveries that were since the start. Raises Lost."""
        late = sum(stream.due != due for stream in self._streams.values())
        if late:
            raise Lost(f"{late} streams are not at event {due}")
        return self._count

    def processor_s(self) -> float:
        return time.process_time()

    # -- the loop --------------------------------------------------------------------------------------------

    def _read(self, timeout_s: float) -> int:
        """One turn: everything that is readable now; how many streams that were. Raises Lost."""
        ready = self._poll.poll(timeout_s, 4096)
        known, first, events = b"", 0, 0
        for descriptor, _ in ready:
            stream = self._streams.get(descriptor)
            if stream is None:
                continue
            data = self._receive(descriptor, stream)
            if data != known:
                first, events = _numbers_in(data)
                known = data
            if events:
                if first != stream.due:
                    raise Lost(f"event {first} came where {stream.due} was due")
                stream.due += events
                self._count += events
                if self._arrivals is not None:
                    self._arrivals.append(time.monotonic())
        return len(ready)

    def _receive(self, descriptor: int, stream: Stream) -> bytes:
        """Whole lines; empty when there is none, or the stream has ended."""
        try:
            size = stream.receive(self._buffer)
        except BlockingIOError:
            return b""
        except OSError:
            size = 0
        if not size:
            self._drop(descriptor)
            self._closed += 1
            return b""
        data = self._view[:size].tobytes()
        if data[-1] != LINE_END or stream.ragged:
            data = stream.whole_lines(data)
        return data

    def _connect(self, address: tuple[str, int], source: str, request: bytes) -> int:
        opened = socket.create_connection(address, timeout=OPEN_TIMEOUT_S, source_address=(source, 0))
        opened.sendall(request)
        opened.setblocking(False)
        descriptor = opened.fileno()
        self._streams[descriptor] = Stream(opened, self._due)
        # Edge-triggered: what fits into the buffer is read at once, and the kernel need not look at it again.
        self._poll.register(descriptor, select.EPOLLIN | select.EPOLLET)
        return descriptor

    def _greet(self, waiting: dict[int, bytes], hello: bytes, timeout_s: float) -> None:
        for descriptor, _ in self._poll.poll(timeout_s, 4096):
            stream = self._streams.get(descriptor)
            if stream is None:
                continue
            with suppress(BlockingIOError):
                data = bytes(self._buffer[: stream.receive(self._buffer)])
                if not data:
                    raise Lost("a stream was closed instead of greeted")
                if descriptor in waiting:
                    waiting[descriptor] += data
                    if hello in waiting[descriptor]:
                        del waiting[descriptor]
                    elif not waiting[descriptor].startswith(b"HTTP/1.1 200"):
                        raise Lost(f"a stream was refused: {waiting[descriptor][:300]!r}")

    def _drop(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        self._streams.pop(descriptor).close()


def serve_streams(pipe: Pipe, core: int | None) -> None:
    """The process of a `LoadClient`; on any core where `core` is None."""
    if core is not None:
        pin(core)
    raise_descriptor_limit()
    Streams(pipe).serve()


class LoadClient:
    """A process that takes part, and the orders for it. `async with` ends it."""

    def __init__(self, core: int | None, serve: Callable[[Pipe, int | None], None] = serve_streams) -> None:
        """`serve` runs in the process and answers the orders that come through its pipe."""
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process: BaseProcess = context.Process(target=serve, args=(child, core), daemon=True)
        self._process.start()
        child.close()

    async def __aenter__(self) -> "LoadClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(BrokenPipeError):
            self._pipe.send(("end",))
        await asyncio.to_thread(self._process.join, 5)
        if self._process.is_alive():
            self._process.kill()

    async def order(self, name: str, *arguments: object) -> Any:
        """See the methods of `Streams`, or of what else serves. Raises Lost."""
        self.send(name, *arguments)
        return await self.answer()

    def send(self, name: str, *arguments: object) -> None:
        """An order whose answer is fetched later."""
        self._pipe.send((name, *arguments))

    async def answer(self) -> Any:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(self._pipe.fileno(), lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            loop.remove_reader(self._pipe.fileno())
            # The loop takes it for granted that whoever it watches does not block; a long answer comes in parts.
            os.set_blocking(self._pipe.fileno(), True)
        answer = self._pipe.recv()
        if isinstance(answer, Lost):
            raise answer
        return answer


class BareWriter:
    """The least that a server can do: the bytes of one response, written to every connection with one call each."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._clients: list[socket.socket] = []

    def serve(self, clients: int) -> None:
        """Take so many clients, then write whatever comes through the pipe to all of them."""
        self._pipe.send(self._listener.getsockname()[1])
        while len(self._clients) < clients:
            client, _ = self._listener.accept()
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n: ok\n\n")
            self._clients.append(client)
        while payload := self._pipe.recv():
            for client in self._clients:
                client.send(payload)


def start_bare_writer(core: int | None, clients: int) -> tuple[BaseProcess, Pipe, int]:
    """The process, the pipe that takes what it shall write (empty ends it), and its port."""
    context = multiprocessing.get_context("spawn")
    pipe, child = context.Pipe()
    process = context.Process(target=_write, args=(child, core, clients), daemon=True)
    process.start()
    child.close()
    return process, cast(Pipe, pipe), pipe.recv()


def _numbers_in(data: bytes) -> tuple[int, int]:
    """The first event's number and how many there are. Raises Lost unless they follow each other."""
    found = list(map(int, NUMBERED.findall(data)))
    if not found:
        return 0, 0
    if found != list(range(found[0], found[0] + len(found))):
        raise Lost(f"events came as {found}")
    return found[0], len(found)


def _write(pipe: Pipe, core: int | None, clients: int) -> None:
    if core is not None:
        pin(core)
    raise_descriptor_limit()
    BareWriter(pipe).serve(clients)
