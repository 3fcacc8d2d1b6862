"""The load client notices what it is there to notice."""

from collections.abc import AsyncIterator, Callable

import pytest

from tertulia_bench.conversation import Lost
from tertulia_bench.streams import LoadClient, start_bare_writer

STREAMS = 3


def event(number: int) -> bytes:
    return b'id: x\ndata: {"text":"%d and more"}\n\n' % number


@pytest.fixture
async def client() -> AsyncIterator[tuple[LoadClient, Callable[[bytes], None]]]:
    """A client with its streams open, and what the server writes to all of them."""
    process, pipe, port = start_bare_writer(0, STREAMS)
    async with LoadClient(0) as client:
        requests = [("127.0.0.1", b"GET / HTTP/1.1\r\n\r\n")] * STREAMS
        assert await client.order("open", ("127.0.0.1", port), requests, 1000, b": ok") == STREAMS
        yield client, pipe.send
        pipe.send(b"")
        process.join(5)


async def test_events_are_counted_however_they_come(client) -> None:
    streams, write = client
    await streams.order("begin", 4)
    for piece in (event(0), event(1) + event(2)[:20], event(2)[20:] + b"id: heartbeat\n\n" + event(3)):
        write(piece)
    await streams.order("until_all", 5)
    assert await streams.order("prove", 4) == 4 * STREAMS


async def test_an_event_that_is_missing_is_noticed(client) -> None:
    streams, write = client
    await streams.order("begin", 2)
    write(event(0))
    write(event(2))
    with pytest.raises(Lost):
        await streams.order("until_all", 5)


async def test_an_event_that_comes_twice_is_noticed(client) -> None:
    streams, write = client
    await streams.order("begin", 2)
    write(event(0) + event(0))
    with pytest.raises(Lost):
        await streams.order("until_all", 5)


async def test_events_that_are_late_are_not_waited_for_for_ever(client) -> None:
    streams, write = client
    await streams.order("begin", 2)
    write(event(0))
    with pytest.raises(Lost, match="missing"):
        await streams.order("until_all", 0.5)
