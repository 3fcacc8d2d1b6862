"""Writes of one turn of the event loop, sent as one: a head and its body cost one system call and one packet."""

import asyncio


class Outbox:
    __slots__ = ("_loop", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        parts = self._parts
        if not parts:
            self._loop.call_soon(self.flush)
        parts.append(data)

    def flush(self) -> None:
        """Also called before the transport is closed, so that the last words are not lost."""
        parts = self._parts
        if parts:
            self._parts = []
            if not self._transport.is_closing():
                self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def drop(self) -> None:
        self._parts = []
