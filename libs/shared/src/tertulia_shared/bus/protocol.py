"""Taking the messages out of what NATS sends.

nats-py's parser tries seven expressions at every message and moves the whole buffer twice. Nearly all that comes are
messages, so these are taken in place; everything else (PING, INFO, -ERR, …) is left to nats-py, a line at a time.
"""

from collections.abc import Callable

from nats.errors import ProtocolError
from nats.protocol.parser import MAX_CONTROL_LINE_SIZE, Parser

END = b"\r\n"

Deliver = Callable[[int, bytes, bytes, bytes, bytes | None], None]
"""Subscription, subject, reply (empty for none), payload, header block (None for none)."""


class MessageParser(Parser):
    def __init__(self, client: object, deliver: Deliver, settle: Callable[[], None]) -> None:
        """`settle` is called after the last message of a run, before anybody else gets a turn of the event loop."""
        super().__init__(client)
        self._deliver = deliver
        self._settle = settle
        self._rest = b""

    async def parse(self, data: bytes = b"") -> None:
        """Raises ProtocolError."""
        try:
            await self._parse(data)
        finally:
            self._settle()

    async def _parse(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        place, size = 0, len(data)
        while place < size:
            end = data.find(END, place)
            if end < 0:
                if size - place > MAX_CONTROL_LINE_SIZE:
                    raise ProtocolError("a line without an end")
                break
            if data.startswith((b"HMSG ", b"MSG "), place):
                after = self._message(data, place, end)
                if after > size:
                    break
                place = after
            else:
                self._settle()
                await super().parse(data[place : end + 2])
                place = end + 2
        self._rest = data[place:]

    def _message(self, data: bytes, place: int, end: int) -> int:
        """Where the message ends; it is delivered if all of it is there."""
        try:
            kind, subject, sid, *reply, total = data[place:end].split()
            headers_size = int(reply.pop()) if kind == b"HMSG" else 0
            start = end + 2
            stop = start + int(total)
            if len(data) < stop + 2:
                return stop + 2
            headers = data[start : start + headers_size] if kind == b"HMSG" else None
            body = data[start + headers_size : stop]
            self._deliver(int(sid), subject, reply[0] if reply else b"", body, headers)
        except (ValueError, IndexError) as error:
            raise ProtocolError("a malformed message") from error
        return stop + 2
