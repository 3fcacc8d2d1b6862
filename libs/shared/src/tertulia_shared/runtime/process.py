"""The life of a process, from its settings to its exit code.

    build → components and HTTP run → SIGTERM → /readyz says 503 → components drain → HTTP stops (at most 4 s)
          → components are cancelled → build's context exits → exit code 0

A component that ends by itself, well or badly, ends the process with exit code 1: a process that only looks alive is
worse than one that its supervisor restarts.
"""

import asyncio
import faulthandler
import gc
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, TypeVar, runtime_checkable

import uvloop
from litestar.types import ASGIApp

from tertulia_shared.runtime.health import Health
from tertulia_shared.runtime.server import HttpServer, SocketOption
from tertulia_shared.runtime.tasks import spawn
from tertulia_shared.settings import ServiceSettings
from tertulia_shared.telemetry import logger
from tertulia_shared.telemetry.logs import route_library_logs

log = logger(__name__)

CANCEL_S = 2.0
YOUNG_OBJECTS = 20_000
"""So many more objects before the collector looks at them; 700 by default, which a few events bring."""

S = TypeVar("S", bound=ServiceSettings)


class Component(Protocol):
    """Something that runs as long as the process."""

    @property
    def name(self) -> str: ...

    async def run(self) -> None: ...


@runtime_checkable
class Drains(Protocol):
    """A component that has something to finish before HTTP stops."""

    async def drain(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What `build` puts together: the composition of one process."""

    name: str
    app: ASGIApp | None = None
    components: Sequence[Component] = ()
    health: Health = field(default_factory=Health)
    socket_options: Sequence[SocketOption] = ()
    drain_s: float = 3.0
    """How long the components' `drain` may take together, before HTTP stops."""


Build = Callable[[S], AbstractAsyncContextManager[Process]]


def run_process(settings: S, build: Build[S]) -> NoReturn:
    """Run until a signal or a crash; ends the interpreter with the exit code. Call `telemetry.configure` before."""
    faulthandler.enable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_live(settings, build))
    sys.exit(code)


async def _live(settings: S, build: Build[S]) -> int:
    stop = asyncio.Event()
    built = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    signalled = spawn(_wait(stop), name="signal")
    # One task enters and leaves the context: a TaskGroup or a timeout inside it would not survive a change of task.
    life = spawn(_build_and_serve(settings, build, built, signalled), name="process")
    await asyncio.wait([life, signalled], return_when=asyncio.FIRST_COMPLETED)
    if not built.is_set() and not life.done():
        # Told to stop while still starting, perhaps because a dependency never came.
        life.cancel()
    await asyncio.wait([life])
    signalled.cancel()
    if life.cancelled():
        return 0
    return 1 if life.exception() is not None else life.result()


async def _build_and_serve(settings: S, build: Build[S], built: asyncio.Event, signalled: "asyncio.Task[None]") -> int:
    async with build(settings) as process:
        built.set()
        return await _Life(settings, process, signalled).run()


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


class _Life:
    def __init__(self, settings: ServiceSettings, process: Process, signalled: "asyncio.Task[None]") -> None:
        self._process = process
        self._signalled = signalled
        # Litestar and others set up logging of their own while the application is put together.
        route_library_logs()
        # Bound first: a port that is taken must be said before any component has an effect.
        self._http = (
            None
            if process.app is None
            else HttpServer(process.app, settings.host, settings.port, process.socket_options)
        )
        self._tasks = [spawn(component.run(), name=component.name) for component in process.components]
        self._http_task = None if self._http is None else spawn(self._http.run(), name="http")

    async def run(self) -> int:
        name = self._process.name
        _leave_out_of_collections()
        log.info(
            "process.started",
            process=name,
            port=None if self._http is None else self._http.port,
            components=[component.name for component in self._process.components],
        )
        essential = [*self._tasks, *([self._http_task] if self._http_task else [])]
        await asyncio.wait([self._signalled, *essential], return_when=asyncio.FIRST_COMPLETED)
        ended = [task.get_name() for task in essential if task.done()]
        if ended:
            log.error("process.component_ended", process=name, component=ended[0])
        self._process.health.draining = True
        log.info("process.draining", process=name)
        await self._drain()
        if self._http is not None and self._http_task is not None:
            await self._http.stop(self._http_task)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CANCEL_S)
        log.info("process.stopped", process=name)
        return 1 if ended else 0

    async def _drain(self) -> None:
        draining = [
            spawn(component.drain(), name=f"{component.name} drain")
            for component in self._process.components
            if isinstance(component, Drains)
        ]
        if not draining:
            return
        _, pending = await asyncio.wait(draining, timeout=self._process.drain_s)
        for task in pending:
            log.warning("process.drain_cut", task=task.get_name())
            task.cancel()


def _leave_out_of_collections() -> None:
    """What is there once a process is put together stays: some 300,000 objects that every full collection would walk
    through, 100 ms at a time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
