"""What the kernel may hold of a stream.

By itself it takes some 4 MB for a client that does not read, and some 6 MB more on the way from the service. Nobody's
memory shows that, and the service that wants to end such a client would not notice it for as long.
"""

import asyncio
import socket

STREAM_BUFFER = 64 * 1024
"""On each side of the gateway (the kernel doubles it for its own needs); at a round trip of 100 ms still 640 KB/s."""


def bound_sending(transport: asyncio.Transport) -> None:
    _bound(transport, socket.SO_SNDBUF)


def bound_receiving(transport: asyncio.Transport) -> None:
    _bound(transport, socket.SO_RCVBUF)


def _bound(transport: asyncio.Transport, buffer: int) -> None:
    end: socket.socket | None = transport.get_extra_info("socket")
    if end is not None and not transport.is_closing():
        end.setsockopt(socket.SOL_SOCKET, buffer, STREAM_BUFFER)
