"""Breaking processes on purpose: kill, stop in good order, freeze, keep down, leave no room on the disk."""

import asyncio
import contextlib
import json
import os
import random
import resource
import signal
from collections.abc import AsyncGenerator, Sequence
from typing import Literal, NamedTuple

import nats
import psutil

from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.servers import NatsServer
from tertulia_stack.servers.process import family
from tertulia_stack.supervisor import state as state_file

POLL_S = 0.02
START_S = 60.0
"""A process that was ended is back within this time, or the stack is broken."""

CORE = ("notify", "chat-relay", "chat-api", "gateway", "nats", "postgres")
PARTS = ("search", "bot", "analytics", "model")

Kind = Literal["kill", "freeze"]


class Fault(NamedTuple):
    """`at_s` counts from the beginning; `for_s` is how long a freeze lasts."""

    at_s: float
    kind: Kind
    victim: str
    for_s: float = 0.0


def plan(source: random.Random, victims: Sequence[str], seconds: float, every_s: float) -> list[Fault]:
    """Faults over `seconds`, one in `every_s` on average. Every victim has its turn before one has a second; every
    fifth fault is a freeze of 1 to 4 s."""
    faults: list[Fault] = []
    deck: list[str] = []
    at_s = source.uniform(0.5, 1.0) * every_s
    while at_s < seconds:
        deck = deck or source.sample(victims, len(victims))
        frozen_s = source.uniform(1.0, 4.0) if source.random() < 0.2 else 0.0
        faults.append(Fault(at_s, "freeze" if frozen_s else "kill", deck.pop(), frozen_s))
        at_s += source.uniform(0.5, 1.5) * every_s
    return faults


async def strike(stack: BackgroundStack, fault: Fault) -> None:
    """Kill or freeze. Raises TimeoutError when the victim does not run."""
    async with asyncio.timeout(START_S + fault.for_s):
        if fault.kind == "kill":
            await kill(stack, fault.victim)
        else:
            async with frozen(stack, fault.victim):
                await asyncio.sleep(fault.for_s)


def pid_of(stack: BackgroundStack, service: str) -> int | None:
    """Read from the state file, because asking `tertulia status` takes longer than some faults should."""
    state = state_file.read(Home(stack.data_dir))
    for entry in state.services if state is not None else ():
        if entry.name == service and entry.process is not None and entry.process.find() is not None:
            return entry.process.pid
    return None


async def running_pid(stack: BackgroundStack, service: str) -> int:
    """The process id, as soon as there is one."""
    while (pid := pid_of(stack, service)) is None:
        await asyncio.sleep(POLL_S)
    return pid


async def kill(stack: BackgroundStack, service: str) -> int:
    """`kill -9`, as soon as it runs. The process id it had."""
    pid = await running_pid(stack, service)
    os.kill(pid, signal.SIGKILL)
    return pid


async def terminate(stack: BackgroundStack, service: str) -> int:
    """SIGTERM, as a deploy sends it; the supervisor starts it again. The process id it had."""
    pid = await running_pid(stack, service)
    os.kill(pid, signal.SIGTERM)
    return pid


@contextlib.asynccontextmanager
async def frozen(stack: BackgroundStack, service: str) -> AsyncGenerator[None]:
    """SIGSTOP for the service and its children inside the block, SIGCONT behind it."""
    processes = family(await running_pid(stack, service))
    _signal_all(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal_all(processes, signal.SIGCONT)


def _signal_all(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@contextlib.asynccontextmanager
async def kept_down(stack: BackgroundStack, service: str) -> AsyncGenerator[None]:
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


@contextlib.asynccontextmanager
async def no_room(stack: BackgroundStack, service: str) -> AsyncGenerator[None]:
    """Every write to a file fails inside the block, as on a full disk.

    The limit on the size of a file (RLIMIT_FSIZE) is lowered under the running process: the kernel then refuses writes
    behind that size with EFBIG, and nobody else on this machine runs out of room. Linux, own processes or root.
    """
    process = await running_pid(stack, service)
    hard = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
    former = resource.prlimit(process, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_FSIZE, former)


async def until_ready(stack: BackgroundStack, timeout_s: float = START_S) -> None:
    """All services are up again. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while (await asyncio.to_thread(stack.status))["state"] != "ready":
            await asyncio.sleep(0.2)


def port_of(stack: BackgroundStack, service: str) -> int:
    return json.loads(Home(stack.data_dir).ports_file.read_text())[service]


async def delete_stream(stack: BackgroundStack) -> None:
    """What an operator's slip does: the stream of all events is gone, and the bus knows nothing any more."""
    server = NatsServer(Home(stack.data_dir).nats, port_of(stack, "nats"))
    connection = await nats.connect(server.url)
    try:
        if not await connection.jetstream().delete_stream("EVT"):
            raise LookupError("there is no stream EVT")
    finally:
        await connection.close()
