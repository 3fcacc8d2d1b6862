"""The process as the stack runs it: its environment, its answers, its end."""

import asyncio
import base64
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tertulia_stack.ports import free_port

CHANNEL = "c" * 36


@pytest.fixture
async def environment(world: Any) -> dict[str, str]:
    settings = world.settings()
    return {
        **os.environ,
        "PORT": str(free_port()),
        "NATS_URL": settings.nats_url.get_secret_value(),
        "NATS_PREFIX": settings.nats_prefix,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "JWKS_URL": settings.jwks_url,
        "CHAT_URL": settings.chat_url,
    }


@pytest.fixture
async def start() -> AsyncIterator[Callable[[dict[str, str]], Any]]:
    started: list[asyncio.subprocess.Process] = []

    async def run(environment: dict[str, str]) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tertulia_notify",
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_sigterm_says_bye_and_ends_well_within_five_seconds(
    world: Any, environment: dict[str, str], start: Any, remote: Any
) -> None:
    ada = world.person(CHANNEL)
    process = await start(environment)
    notify = remote(f"http://127.0.0.1:{environment['PORT']}")
    await notify.until_ready()
    streams = [await notify.stream(world.token(ada)) for _ in range(10)]
    for stream in streams:
        await stream.hello()
    await world.publish(world.message(CHANNEL, "hello"))
    assert await streams[0].texts(1) == ["hello"]
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    for stream in streams:
        assert (await stream.next("bye")).data["reason"] == "drain"
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert time.monotonic() - started < 5


async def test_a_bad_environment_is_named_and_ends_with_status_2(environment: dict[str, str], start: Any) -> None:
    short = base64.urlsafe_b64encode(b"short").decode()
    process = await start({**environment, "SECRET_KEY": short, "CHAT_URL": ""})
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert b"SECRET_KEY" in errors
    assert b"CHAT_URL" in errors
    assert short.encode() not in errors
