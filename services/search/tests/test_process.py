"""The process as the stack runs it: its environment, its end, and being killed in the middle of its work."""

import asyncio
import base64
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tertulia_stack.ports import free_port

from .conftest import Remote

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def room(world: Any) -> Any:
    world.general = world.channel("general", "public")
    world.ada = world.person("ada", world.general)
    return world


@pytest.fixture
def environment(room: Any) -> dict[str, str]:
    settings = room.settings()
    return {
        **os.environ,
        "PORT": str(free_port()),
        "NATS_URL": settings.nats_url.get_secret_value(),
        "NATS_PREFIX": settings.nats_prefix,
        "POSTGRES_URL": settings.postgres_url.get_secret_value(),
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "JWKS_URL": settings.jwks_url,
        "CHAT_URL": settings.chat_url,
        "SEARCH_URL": settings.search_url,
    }


@pytest.fixture
async def start(environment: dict[str, str]) -> AsyncIterator[Start]:
    started: list[asyncio.subprocess.Process] = []

    async def run(command: str = "serve", **changes: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tertulia_search",
            command,
            env=environment | changes,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL if command == "serve" else asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def remote(room: Any, environment: dict[str, str]) -> AsyncIterator[Remote]:
    async with aiohttp.ClientSession() as http:
        yield Remote(http, f"http://127.0.0.1:{environment['PORT']}", room)


async def _page_through(search: Remote, user: str, q: str) -> list[str]:
    """The ids of everything that is found, by time."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await search.search(user, q, sort="oldest", limit=100, **cursor)
        ids += [hit["message_id"] for hit in page["hits"]]
        if page["next"] is None:
            return ids
        cursor = {"cursor": page["next"]}


@pytest.mark.unwatched
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("total", "pauses"), [(900, [0.3]), pytest.param(1_500, [0.3, 0.15], marks=pytest.mark.full)])
async def test_killed_in_the_middle_of_indexing_nothing_is_missing_and_nothing_twice(
    room: Any, start: Start, remote: Remote, total: int, pauses: list[float]
) -> None:
    process = await start()
    await remote.until_ready(60)

    async def talk() -> None:
        for number in range(0, total, 50):
            said = [room.say(room.general, room.ada, f"tea {each}") for each in range(number, number + 50)]
            happened = [room.event_of("created", message, message.ch_seq) for message in said]
            for message in said[::10]:
                changed, seq = room.change(message, text=f"edited {message.text}")
                happened.append(room.event_of("updated", changed, seq))
            for message in said[5::10]:
                changed, seq = room.change(message, text="", deleted_at=room.clock)
                happened.append(room.event_of("deleted", changed, seq))
            await room.publish(*happened)
            await asyncio.sleep(0.02)

    talking = asyncio.ensure_future(talk())
    for pause in pauses:
        await asyncio.sleep(pause)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process = await start()
        await remote.until_ready(60)
    await talking
    expected = {message.id: message.text for message in room.chat.messages.values() if message.deleted_at is None}
    assert len(expected) == total * 9 // 10
    await remote.until_found(room.ada, "tea", len(expected), timeout=90)
    ids = await _page_through(remote, room.ada, "tea")
    assert len(ids) == len(set(ids))
    assert set(ids) == expected.keys()
    edited = await _page_through(remote, room.ada, "edited")
    assert set(edited) == {id_ for id_, text in expected.items() if text.startswith("edited")}


@pytest.mark.unwatched
@pytest.mark.timeout(300)
async def test_killed_in_the_middle_of_a_rebuild_the_old_index_serves(room: Any, start: Start, remote: Remote) -> None:
    process = await start()
    await remote.until_ready(60)
    for number in range(4):
        await room.post(room.general, room.ada, f"tea {number}")
    await remote.until_found(room.ada, "tea", 4)
    going, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        going.set()
        await go_on.wait()

    room.chat.exported = hold
    with contextlib.suppress(aiohttp.ClientError):
        asking = asyncio.ensure_future(remote.rebuild())
        await going.wait()
        assert len(list(room.directory.glob("g*-*"))) == 2
        process.kill()
        await process.wait()
        await asking
    go_on.set()
    room.chat.exported = None
    await start()
    await remote.until_ready(60)
    assert len(await remote.texts(room.ada, "tea")) == 4
    assert len(list(room.directory.glob("g*-*"))) == 1
    command = await start("rebuild")
    told, _ = await asyncio.wait_for(command.communicate(), 60)
    assert command.returncode == 0
    assert told.splitlines()[-1] == b'{"phase":"end","messages":4,"done":true}'


async def test_sigterm_ends_it_in_good_order(room: Any, start: Start, remote: Remote) -> None:
    process = await start()
    await remote.until_ready(60)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_bad_environment_is_named_and_ends_with_status_2(start: Start) -> None:
    short = base64.urlsafe_b64encode(b"short").decode()
    process = await start("rebuild", SECRET_KEY=short, PORT="")
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert b"SECRET_KEY" in errors
    assert b"PORT" in errors
    assert short.encode() not in errors


async def test_a_rebuild_of_a_service_that_is_not_there_fails(start: Start) -> None:
    process = await start("rebuild")
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert b"/internal/v1/rebuild" in errors


async def test_migrating_twice_is_harmless(postgres_url: str, start: Start) -> None:
    for _ in range(2):
        process = await start("migrate", POSTGRES_URL=postgres_url)
        _, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, errors


async def test_an_unknown_command_tells_the_known_ones(start: Start) -> None:
    process = await start("dance")
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert b"serve | migrate | rebuild" in errors
