"""Breaking things on purpose: kill, keep down, delete the stream."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator

import nats

from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.servers import NatsServer
from tertulia_stack.supervisor import state as state_file

POLL_S = 0.02


def pid_of(stack: BackgroundStack, service: str) -> int | None:
    """Read from the state file, because asking `tertulia status` takes longer than some faults should."""
    state = state_file.read(Home(stack.data_dir))
    for entry in state.services if state is not None else ():
        if entry.name == service and entry.process is not None and entry.process.find() is not None:
            return entry.process.pid
    return None


async def kill(stack: BackgroundStack, service: str) -> int:
    """`kill -9`, as soon as it runs."""
    while (pid := pid_of(stack, service)) is None:
        await asyncio.sleep(POLL_S)
    os.kill(pid, signal.SIGKILL)
    return pid


async def until_ready(stack: BackgroundStack, timeout_s: float = 60.0) -> None:
    """All services are up again."""
    async with asyncio.timeout(timeout_s):
        while (await asyncio.to_thread(stack.status))["state"] != "ready":
            await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def kept_down(stack: BackgroundStack, service: str) -> AsyncIterator[None]:
    """The service is killed again whenever the supervisor has restarted it."""
    await kill(stack, service)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_kill_for_ever(stack, service))
        yield
        task.cancel()


async def _kill_for_ever(stack: BackgroundStack, service: str) -> None:
    while True:
        await kill(stack, service)
        await asyncio.sleep(POLL_S)


def port_of(stack: BackgroundStack, service: str) -> int:
    return json.loads(Home(stack.data_dir).ports_file.read_text())[service]


async def delete_stream(stack: BackgroundStack) -> None:
    """What an operator's slip does: the stream of all events is gone, and the bus knows nothing any more."""
    server = NatsServer(Home(stack.data_dir).nats, port_of(stack, "nats"))
    connection = await nats.connect(server.url)
    try:
        assert await connection.jetstream().delete_stream("EVT")
    finally:
        await connection.close()
