"""The clients of `delivery` notice what they are there to notice."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from tertulia_bench.listening import Heard, serve_channels, text_of
from tertulia_bench.population import memberships
from tertulia_bench.posting import Room, posts, serve_posts
from tertulia_bench.streams import LoadClient, start_bare_writer

STREAMS = 3
ADDRESS = "127.0.0.1"

Write = Callable[[bytes], None]


def event(ch_seq: int, channel: int = 0) -> bytes:
    body = f'{{"ch_seq":{ch_seq},"data":{{"message":{{"ch_seq":{ch_seq},"text":"{text_of(channel, ch_seq, 1.5)}"}}}}}}'
    return b"id: x\nevent: message.created\ndata: %b\n\n" % body.encode()


@pytest.fixture
async def listener() -> AsyncIterator[tuple[LoadClient, Write]]:
    """Everybody is in channel 0, where 1 comes next, and in channel 1, where 5 does; and what writes to all of them."""
    process, pipe, port = start_bare_writer(None, STREAMS)
    async with LoadClient(None, serve_channels) as client:
        requests = [(ADDRESS, b"GET / HTTP/1.1\r\n\r\n")] * STREAMS
        assert await client.order("open", (ADDRESS, port), requests, 1000, b": ok") == STREAMS
        await client.order("seat", [{0: 1, 1: 5}] * STREAMS)
        await client.order("listen")
        yield client, pipe.send
        with suppress(BrokenPipeError):
            pipe.send(b"")
        process.join(5)


async def heard(client: LoadClient, messages: int, timeout_s: float = 5.0) -> Heard:
    return await client.order("until_heard", messages * STREAMS, timeout_s)


async def test_what_is_right_is_counted_however_it_comes(listener) -> None:
    client, write = listener
    for piece in (event(1), event(5, 1) + event(2)[:40], event(2)[40:] + b"id: heartbeat\n\n", event(6, 1)):
        write(piece)
    found = await heard(client, 4)
    assert len(found.seconds) == 4 * STREAMS
    assert (found.lost, found.doubled, found.foreign, found.closed) == (0, 0, 0, 0)
    assert found.texts == {(0, 1): 1, (1, 5): 5, (0, 2): 2, (1, 6): 6}
    assert set(found.first_at) == set(found.last_at) == set(found.texts)
    assert await client.order("unheard", [2, 6]) == 0


async def test_what_is_missing_is_counted(listener) -> None:
    client, write = listener
    write(event(1))
    write(event(3))
    found = await heard(client, 2)
    assert (found.lost, found.doubled) == (STREAMS, 0)
    assert await client.order("unheard", [4, 4]) == STREAMS


async def test_what_comes_again_or_late_is_counted(listener) -> None:
    client, write = listener
    write(event(2) + event(1) + event(3) + event(3))
    found = await heard(client, 2)
    assert (found.lost, found.doubled) == (STREAMS, 2 * STREAMS)


async def test_what_is_for_others_is_counted(listener) -> None:
    client, write = listener
    write(event(1) + event(1, channel=7) + event(2))
    assert (await heard(client, 2)).foreign == STREAMS


async def test_a_stream_that_ends_is_counted(listener) -> None:
    client, write = listener
    write(b"")
    assert (await heard(client, 1, timeout_s=0.5)).closed == STREAMS


def test_posts_come_at_their_rate_and_are_the_same_for_the_same_seed() -> None:
    found = list(posts([10, 20], 500, 10, seed=1))
    assert found == list(posts([10, 20], 500, 10, seed=1)) != list(posts([10, 20], 500, 10, seed=2))
    assert 4_500 < len(found) < 5_500
    assert [post.due_s for post in found] == sorted(post.due_s for post in found)
    assert {post.channel for post in found} == {0, 1}
    assert max(post.author for post in found if post.channel == 0) == 9


def test_everybody_has_a_place_and_no_channel_is_too_large() -> None:
    places = memberships(2_000, 200, 20, random.Random(1))
    sizes = Counter(channel for one in places for channel in one)
    assert all(places)
    assert (min(sizes.values()), max(sizes.values()), len(sizes)) == (10, 20, 200)
    assert all(len(set(one)) == len(one) for one in places)


@pytest.mark.parametrize(
    ("answer", "acknowledged"),
    [(b'201 Created\r\nContent-Length: 12\r\n\r\n{"ch_seq":9}', True), (b"403 No\r\nContent-Length: 0\r\n\r\n", False)],
)
async def test_a_post_counts_by_its_answer(answer: bytes, acknowledged: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(int(head.rsplit(b"Content-Length: ")[1].split()[0]))
            writer.write(b"HTTP/1.1 " + answer)

    server = await asyncio.start_server(serve, ADDRESS, 0)
    async with LoadClient(None, serve_posts) as client:
        await client.order("open", server.sockets[0].getsockname()[1], [Room("here", ["token"])])
        posted = await client.order("post", 50, 0.5, 1)
    server.close()
    numbers = range(len(posted.late))
    assert len(numbers) > 10
    assert posted.places == ({(0, number): 9 for number in numbers} if acknowledged else {})
    assert len(posted.refused) == (0 if acknowledged else len(numbers))
