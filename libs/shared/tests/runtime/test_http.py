"""The server bounds what a request's head may cost it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tertulia_shared.runtime import http as http_module

from .conftest import connected_to


async def echo(scope, receive, send) -> None:
    """Answers with the size of the body. As an ASGI application it also sees the lifespan events."""
    if scope["type"] != "http":
        raise NotImplementedError
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def connection(monkeypatch) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    monkeypatch.setattr(http_module, "HEAD_TIMEOUT_S", 0.4)
    async with connected_to(echo) as streams:
        yield streams


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r")[0]))


async def test_a_large_body_after_a_small_head_is_fine_and_the_connection_serves_again(connection) -> None:
    reader, writer = connection
    for _ in range(2):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000)
        assert (await answer(reader)).endswith(b"300000")
        # Idle between requests is not a slow head.
        await asyncio.sleep(0.6)


async def test_requests_sent_in_one_go_are_all_answered(connection) -> None:
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 20)
    for _ in range(20):
        assert (await answer(reader)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("flood", [b"x-filler: " + b"x" * 1000 + b"\r\n", b"x" * 1000])
async def test_a_head_without_end_is_refused(connection, flood: bytes) -> None:
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n")

    async def pour() -> None:
        for _ in range(1000):
            writer.write(flood)
            await writer.drain()
        await reader.readexactly(10_000)

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await pour()


async def test_a_head_that_drips_is_ended(connection) -> None:
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\n")
    assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_connection_that_says_nothing_is_ended(connection) -> None:
    reader, _ = connection
    assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_garbage_is_answered_with_400(connection) -> None:
    reader, writer = connection
    writer.write(b"\x16\x03\x01 garbage\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")


async def drip(scope, receive, send) -> None:
    """Answers piece by piece, without saying how much it will be."""
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for piece in (b"one ", b"", b"two ", b"three"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.mark.parametrize(("method", "body"), [("GET", b"one two three"), ("HEAD", b"")])
async def test_what_has_no_length_goes_to_http_1_0_as_it_is(method: str, body: bytes) -> None:
    async with connected_to(drip) as (reader, writer):
        writer.write(f"{method} / HTTP/1.0\r\nhost: x\r\n\r\n".encode())
        head, _, found = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    assert found == body
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head


async def test_what_has_a_length_keeps_it_for_http_1_0(connection) -> None:
    reader, writer = connection
    writer.write(b"POST / HTTP/1.0\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello")
    head, _, found = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    assert found == b"5"
    assert b"content-length: 1" in head
    assert b"connection: close" in head
