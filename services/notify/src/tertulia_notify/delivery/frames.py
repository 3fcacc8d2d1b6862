"""Bytes of server-sent events (WHATWG HTML, "Server-sent events"), built once and shared by every connection."""

import random

from tertulia_shared.events import encode

OPENING = b": ok\n\n"

_RETRY_MS: dict[str, tuple[int, int]] = {
    "rotate": (0, 1_000),
    "token_expired": (0, 500),
    "slow": (500, 3_000),
    "revoked": (2_000, 5_000),
    "drain": (200, 4_000),
    "quarantine": (1_000, 8_000),
}
"""How long a client waits before it comes back: spread out, so that a thousand do not come at once."""

_DATA = b"\ndata: "


def durable(event_id: str, event_type: str, body: bytes) -> bytes:
    """An event that moves the client's position."""
    if b"\n" in body or b"\r" in body:
        # Between JSON tokens a line break is only white space, but in a `data:` line it would end the event.
        body = body.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id.encode(), event_type.encode(), body)


def body_of(frame: bytes) -> bytes:
    """The JSON inside a durable frame."""
    return frame[frame.index(_DATA) + len(_DATA) : -2]


def heartbeat(event_id: str) -> bytes:
    """Without data nothing is dispatched, yet the client's last event id moves: a quiet one's position stays fresh."""
    return b"id: %b\n\n" % event_id.encode()


def retry(milliseconds: int) -> bytes:
    return b"retry: %d\n\n" % milliseconds


def named(name: str, data: object) -> bytes:
    """An event without an id: about the stream itself, or ephemeral."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode(data))


def hello(*, resumed: bool, cursor: str, server: str, connection: str, rotate_s: int) -> bytes:
    about = {"resumed": resumed, "cursor": cursor, "server": server, "connection": connection, "rotate_s": rotate_s}
    return named("hello", about)


def reset(reason: str, cursor: str) -> bytes:
    return named("reset", {"reason": reason, "cursor": cursor})


def bye(reason: str) -> bytes:
    low, high = _RETRY_MS[reason]
    return named("bye", {"reason": reason, "retry_ms": random.randint(low, high)})  # noqa: S311 jitter
