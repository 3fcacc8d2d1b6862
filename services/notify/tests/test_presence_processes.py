"""Presence over processes that are really killed: the ones of the stack, but with shorter times."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tertulia_stack.ports import free_port

CHANNEL = "c" * 36

PROGRAM = """
from contextlib import asynccontextmanager

from tertulia_notify.app import assemble
from tertulia_notify.limits import Limits
from tertulia_notify.settings import NotifySettings
from tertulia_shared.runtime import run_process
from tertulia_shared.settings import load

LIMITS = Limits(presence_s=0.1, presence_grace_s=1.0, presence_beat_s=0.3, presence_lease_s=2.0)


@asynccontextmanager
async def build(settings):
    async with assemble(settings, LIMITS) as parts:
        yield parts.process


run_process(load(NotifySettings), build)
"""


@pytest.fixture
async def start(world: Any, remote: Any) -> AsyncIterator[Callable[[], Any]]:
    """Starts a process; answers it, and it by its address, ready."""
    settings = world.settings()
    started: list[asyncio.subprocess.Process] = []

    async def run() -> tuple[asyncio.subprocess.Process, Any]:
        port = free_port()
        environment = {
            **os.environ,
            "PORT": str(port),
            "NATS_URL": settings.nats_url.get_secret_value(),
            "NATS_PREFIX": settings.nats_prefix,
            "SECRET_KEY": settings.secret_key.get_secret_value(),
            "JWKS_URL": settings.jwks_url,
            "CHAT_URL": settings.chat_url,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        started.append(process)
        notify = remote(f"http://127.0.0.1:{port}")
        await notify.until_ready(40)
        return process, notify

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.mark.unwatched
async def test_whose_process_is_killed_stays_online_if_they_come_back_and_else_falls_offline(
    world: Any, start: Any
) -> None:
    ada, bob, cat = (world.person(CHANNEL) for _ in range(3))
    token = world.token(ada)
    _, first = await start()
    doomed, second = await start()
    his, theirs = await second.stream(world.token(bob)), await second.stream(world.token(cat))
    await his.hello()
    gone = (await theirs.hello())["connection"]
    async with asyncio.timeout(20):
        while await first.presence(token, bob, cat) != {bob: "online", cat: "online"}:
            await asyncio.sleep(0.05)
    hers = await first.stream(token)
    name = (await hers.hello())["connection"]
    assert await second.watch(token, name, bob, cat) == 204
    assert await hers.people() == {bob: "online", cat: "online"}

    doomed.kill()
    await doomed.wait()
    again = await first.stream(world.token(bob))
    await again.hello()
    assert await hers.people() == {cat: "offline"}, "and nothing of Bob, who was back at once"
    assert await first.presence(token, bob, cat) == {bob: "online", cat: "offline"}
    assert await first.use(world.token(cat), gone, False) == 404

    # A third one takes the killed one's place, and knows within a moment who is there.
    _, third = await start()
    back = await third.stream(world.token(cat))
    await back.hello()
    assert await hers.people() == {cat: "online"}
    async with asyncio.timeout(20):
        while await third.presence(token, ada, bob, cat) != dict.fromkeys((ada, bob, cat), "online"):
            await asyncio.sleep(0.05)
