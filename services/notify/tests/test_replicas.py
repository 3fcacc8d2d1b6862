"""Several processes of the service beside each other: a client is at home at each, and none is missed when it goes."""

import asyncio
import contextlib
import itertools
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from tertulia_shared.bus import PipelinedPublisher
from tertulia_stack.ports import free_port

CHANNEL = "c" * 36
LEFT_ANYWHERE = (EOFError, aiohttp.ClientError)


@pytest.fixture
def replica(environment: dict[str, str], start: Any, remote: Any) -> Callable[[], Any]:
    """Starts one more process; answers it, and it by its address, ready."""

    async def run() -> tuple[asyncio.subprocess.Process, Any]:
        port = str(free_port())
        process = await start({**environment, "PORT": port})
        notify = remote(f"http://127.0.0.1:{port}")
        await notify.until_ready(40)
        return process, notify

    return run


@pytest.fixture
async def talking(world: Any) -> AsyncIterator[list[str]]:
    """Somebody who counts in the channel without a pause; what was said so far."""
    said: list[str] = []

    async def talk() -> None:
        async with PipelinedPublisher(world.bus) as publisher:
            for number in itertools.count():
                await publisher.publish([world.message(CHANNEL, str(number))])
                said.append(str(number))
                await asyncio.sleep(0.01)

    task = asyncio.ensure_future(talk())
    yield said
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _resumed(notify: Any, token: str, last_id: str | None) -> Any:
    stream = await notify.stream(token, last_event_id=last_id)
    assert (await stream.hello())["resumed"] is (last_id is not None)
    return stream


async def test_a_client_comes_back_at_any_process_and_misses_nothing(
    world: Any, replica: Any, talking: list[str]
) -> None:
    token = world.token(world.person(CHANNEL))
    (doomed, first), (_, second) = await replica(), await replica()
    stream = await _resumed(first, token, None)
    opening = (await stream.durable(1))[0]
    texts = [opening.data["data"]["message"]["text"]]
    last_id = opening.id
    for notify, count in itertools.islice(zip(itertools.cycle((second, first)), itertools.count(3)), 9):
        stream.answer.close()
        stream = await _resumed(notify, token, last_id)
        texts += await stream.texts(count)
        last_id = stream.last_id

    stream.answer.close()
    stream = await _resumed(first, token, last_id)
    doomed.kill()
    with contextlib.suppress(*LEFT_ANYWHERE):
        while True:
            texts += await stream.texts(1)
            last_id = stream.last_id
    stream = await _resumed(second, token, last_id)
    texts += await stream.texts(10)
    start = int(texts[0])
    assert texts == [str(number) for number in range(start, start + len(texts))], "once, and in order"

    # The killed one's place is taken by one that was not there for any of it.
    _, third = await replica()
    again = await _resumed(third, token, opening.id)
    assert await again.texts(len(texts) - 1) == texts[1:]
    assert len(talking) >= len(texts)


async def test_a_process_that_stops_turns_new_clients_away_first_and_hands_the_others_over_one_by_one(
    world: Any, replica: Any, talking: list[str]
) -> None:
    tokens = [world.token(world.person(CHANNEL)) for _ in range(40)]
    (stopping, first), (_, second) = await replica(), await replica()
    streams = [await _resumed(first, token, None) for token in tokens]
    byes: list[float] = []

    async def follow(token: str, stream: Any) -> list[str]:
        texts: list[str] = []
        while (frame := await stream.next("message.created", "bye")).event != "bye":
            texts.append(frame.data["data"]["message"]["text"])
        byes.append(time.monotonic())
        assert frame.data["reason"] == "drain"
        here = await _resumed(second, token, stream.last_id)
        return texts + await here.texts(5)

    following = [asyncio.ensure_future(follow(*one)) for one in zip(tokens, streams, strict=True)]
    while len(talking) < 20:
        await asyncio.sleep(0.01)
    stopping.send_signal(signal.SIGTERM)
    while (await first.get("/readyz"))[0] != 503:
        await asyncio.sleep(0.005)
    refused = await first.stream(tokens[0])
    assert refused.status == 503
    assert len(byes) < len(streams) / 2, "who is connected is not thrown out at once"
    for texts in await asyncio.wait_for(asyncio.gather(*following), 30):
        start = int(texts[0])
        assert texts == [str(number) for number in range(start, start + len(texts))]
    assert max(byes) - min(byes) > 0.5
    assert await asyncio.wait_for(stopping.wait(), 10) == 0
