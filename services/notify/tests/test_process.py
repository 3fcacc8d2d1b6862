"""The process as the stack runs it: its environment, its answers, its end."""

import asyncio
import base64
import signal
import time
from typing import Any

CHANNEL = "c" * 36


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
