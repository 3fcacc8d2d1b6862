"""Our side: the embedded stack without search, bot and analytics, and with the gateway's limits off."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import psutil

from tertulia_bench.conversation import WRITERS, Reader, Room
from tertulia_bench.cost import service_processes
from tertulia_bench.http import Caller, Connection, Refused, raw_request
from tertulia_stack.background import BackgroundStack
from tertulia_stack.parts import PARTS

HOST = "127.0.0.1"
PASSWORD = "correct horse battery staple"


class _Message(msgspec.Struct):
    text: str
    channel_id: str
    system: dict[str, object] | None = None


class _Data(msgspec.Struct):
    message: _Message


class _Event(msgspec.Struct):
    ch_seq: int
    data: _Data


_decode_event = msgspec.json.Decoder(_Event).decode
_uuid = uuid4


class TertuliaWriter:
    """One person on one kept connection."""

    def __init__(self, port: int, channel: str, token: str) -> None:
        self._port = port
        self._connection: Connection | None = None
        self._head = (
            f"POST /api/v1/channels/{channel}/messages HTTP/1.1\r\nHost: {HOST}:{port}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: "
        ).encode()

    async def prepare(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = await Connection.open(HOST, self._port)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def send(self, text: str) -> None:
        assert self._connection is not None
        body = b'{"client_msg_id":"%b","text":"%b"}' % (str(_uuid()).encode(), text.encode())
        answer = await self._connection.request(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        if self._connection.status != 201:
            raise Refused(f"{self._connection.status} {answer[:500]!r}")


class StreamReader:
    """One person's stream; hands on the texts of one channel and checks that its `ch_seq` has no gap."""

    def __init__(self, reader: Reader, channel: str) -> None:
        self._reader = reader
        self._channel = channel
        self._rest = b""
        self._last_seq: int | None = None
        self.greeted = asyncio.Event()

    def feed(self, chunk: bytes) -> None:
        *frames, self._rest = (self._rest + chunk).split(b"\n\n")
        for frame in frames:
            if b"event: message.created\n" in frame:
                self._take(frame)
            elif frame.startswith(b"event: hello"):
                self.greeted.set()
            elif frame.startswith((b"event: bye", b"event: reset")):
                self._reader.fail(frame.decode())

    def lost(self) -> None:
        self._reader.fail("the stream ended")

    def _take(self, frame: bytes) -> None:
        event = _decode_event(frame[frame.index(b"\ndata: ") + 7 :])
        if event.data.message.channel_id != self._channel:
            self._reader.fail("a message of another channel arrived")
        if self._last_seq is not None and event.ch_seq != self._last_seq + 1:
            self._reader.fail(f"ch_seq {event.ch_seq} after {self._last_seq}")
        self._last_seq = event.ch_seq
        if event.data.message.system is None:  # otherwise the channel itself says who came in
            self._reader.take(event.data.message.text)


class Tertulia:
    """A running stack with its rooms."""

    def __init__(self, data_dir: Path) -> None:
        self.stack = BackgroundStack(
            data_dir, env={"RATE_LIMITS": "off", "ACCESS_TOKEN_TTL_S": "7200", "STREAM_ROTATE_S": "7200"}
        )
        self.rooms: list[Room] = []
        self._open = AsyncExitStack()

    async def start(self) -> None:
        await asyncio.to_thread(self.stack.start, *(word for part in PARTS for word in ("--without", part)))
        port = self.stack.port
        caller = await Caller.open(HOST, port)
        writers = [await self._register(caller, f"writer{number}") for number in range(WRITERS)]
        readers = [await self._register(caller, f"reader{number}") for number in range(WRITERS)]
        owner = writers[0][1]
        workspace = await caller.call("POST", "/api/v1/workspaces", {"name": "Harbour"}, owner)
        invites = f"/api/v1/workspaces/{workspace['id']}/invites"
        code = (await caller.call("POST", invites, {"role": "member"}, owner))["code"]
        for _, token in [*writers[1:], *readers]:
            await caller.call("POST", f"/api/v1/invites/{code}/accept", None, token)
        for number, (writer, reader) in enumerate(zip(writers, readers, strict=True)):
            channel = await caller.call(
                "POST",
                f"/api/v1/workspaces/{workspace['id']}/channels",
                {"kind": "private", "name": f"berth-{number}"},
                writer[1],
            )
            await caller.call("POST", f"/api/v1/channels/{channel['id']}/members", {"user_id": reader[0]}, writer[1])
            self.rooms.append(await self._room(number, channel["id"], writer[1], reader[1]))
        caller.close()

    async def _register(self, caller: Caller, name: str) -> tuple[str, str]:
        """Id and access token of a new account."""
        body = {"email": f"{name}@example.org", "username": name, "password": PASSWORD, "display_name": name}
        answer: Any = await caller.call("POST", "/api/v1/auth/register", body)
        return answer["user"]["id"], answer["access_token"]

    async def _room(self, number: int, channel: str, writer: str, reader: str) -> Room:
        port = self.stack.port
        taking = Reader(number)
        stream = StreamReader(taking, channel)
        listening = await Connection.open(HOST, port)
        listening.on_chunk = stream.feed
        listening.on_lost = stream.lost
        await listening.open_stream(raw_request("GET", "/api/v1/stream", f"{HOST}:{port}", token=reader))
        await asyncio.wait_for(stream.greeted.wait(), 10)
        writing = TertuliaWriter(port, channel, writer)
        self._open.callback(listening.close)
        self._open.callback(writing.close)
        return Room(writing, taking)

    def processes(self) -> dict[str, list[psutil.Process]]:
        return service_processes(self.stack)

    async def stop(self) -> None:
        await self._open.aclose()
        await asyncio.to_thread(self.stack.stop)
