"""The lean client: what it takes for an answer is one to what it asked."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from aiohttp import web

from tertulia_bench.http import Caller
from tertulia_stack.ports import LOOPBACK

SLOW_S = 0.2


async def _path(request: web.Request) -> web.Response:
    """What was asked for; `/slow` takes its time."""
    if request.path == "/slow":
        await asyncio.sleep(SLOW_S)
    return web.json_response(request.path)


@pytest_asyncio.fixture
async def caller() -> AsyncGenerator[Caller]:
    app = web.Application()
    app.router.add_get("/{path}", _path)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    caller = await Caller.open(LOOPBACK, runner.addresses[0][1])
    yield caller
    caller.close()
    await runner.cleanup()


async def test_an_answer_that_nobody_waits_for_any_more_is_not_given_to_the_next(caller: Caller):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SLOW_S / 4):
            await caller.call("GET", "/slow")

    assert await caller.call("GET", "/quick") == "/quick"
    assert await caller.call("GET", "/slow") == "/slow"
