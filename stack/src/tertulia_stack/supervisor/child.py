"""One supervised process: start, readiness, restart with back-off, end."""

import asyncio
import os
import signal
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from tertulia_stack.servers.process import ServerFailed, bound_to_this_process, end, family
from tertulia_stack.supervisor.logs import LogFile
from tertulia_stack.supervisor.spec import ServiceSpec

FIRST_DELAY_S = 0.2
LAST_DELAY_S = 10.0
STEADY_S = 30.0
"""A process that lived this long is steady: its next crash starts with the first delay again."""
START_ATTEMPTS = 3
"""A service that ends this often without having been ready once will not come up by itself."""
READY_POLL_S = 0.1
LAST_WORDS = 6
"""Lines of log that go with a failure."""


class State(StrEnum):
    """Where a service stands. `waiting` is for its dependencies, `restarting` for the back-off."""

    waiting = "waiting"
    preparing = "preparing"
    starting = "starting"
    ready = "ready"
    restarting = "restarting"
    done = "done"
    stopping = "stopping"
    stopped = "stopped"


class ServiceFailed(RuntimeError):
    """A service did not come up; `log` is the end of what it said."""

    def __init__(self, name: str, reason: str, log: list[str]) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.log = log


class Child:
    """Keeps one service of the stack running. `changed` is called after every change of state."""

    def __init__(
        self, spec: ServiceSpec, log: LogFile, environment: Mapping[str, str], changed: "Callable[[Child], None]"
    ) -> None:
        self.spec = spec
        self.state = State.waiting
        self.restarts = 0
        self.started_at: float | None = None
        """Wall clock (unix seconds) of the running process's start."""
        self.last_end: str | None = None
        """How the former process ended, in words."""
        self.next_start_s: float | None = None
        self.was_ready = asyncio.Event()
        """Set once dependants may start; stays set over restarts."""
        self.is_late = asyncio.Event()
        """Set once an optional one has failed so often that nobody should wait for it."""
        self._log = log
        self._environment = {**environment, **spec.env}
        self._changed = changed
        self._process: Process | None = None
        self._pump: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def run(self) -> None:
        """Keep it running until cancelled (the process then still lives: `stop` ends it). A task ends by itself.

        Raises ServiceFailed when it does not come up at all.
        """
        delay_s = FIRST_DELAY_S
        while True:
            began = time.monotonic()
            code = await self._run_once()
            if self.spec.once and code == 0:
                self._become(State.done)
                self.was_ready.set()
                return
            if not self.was_ready.is_set() and (self.spec.once or self.restarts + 1 >= START_ATTEMPTS):
                self._did_not_start()
            if time.monotonic() - began > STEADY_S:
                delay_s = FIRST_DELAY_S
            self.restarts += 1
            self.next_start_s = delay_s
            self._become(State.restarting)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2.5, LAST_DELAY_S)

    async def stop(self, patience_s: float) -> None:
        """End the process in good order, by force after `patience_s`."""
        process = self._process
        if process is not None and process.returncode is None:
            self._become(State.stopping)
            processes = family(process.pid)
            _signal(process, self.spec.stop_signal)
            try:
                async with asyncio.timeout(patience_s):
                    await process.wait()
            except TimeoutError:
                self.kill()
                await process.wait()
            end(processes)
            _sweep(process.pid)
        if self._pump is not None:
            await self._pump
        self._log.close()
        if self.state is not State.done:
            self._become(State.stopped)

    def kill(self) -> None:
        """End it now."""
        if self._process is not None and self._process.returncode is None:
            _signal(self._process, signal.SIGKILL)

    def _did_not_start(self) -> None:
        if not self.spec.optional:
            raise ServiceFailed(self.spec.name, f"did not start: {self.last_end}", self._log.last_lines(LAST_WORDS))
        self.is_late.set()

    async def _run_once(self) -> int | None:
        """From the start to the end of one process; 0 when none was needed, None when there was nothing to start."""
        try:
            await self._prepare()
            if self.spec.unneeded is not None and await asyncio.to_thread(self.spec.unneeded):
                return 0
            process = await self._start()
        except (ServerFailed, OSError) as error:
            self.last_end = str(error)
            return None
        code = await self._live(process)
        self.last_end = _in_words(code)
        return code

    async def _prepare(self) -> None:
        if self.spec.prepare is not None:
            self._become(State.preparing)
            await asyncio.to_thread(self.spec.prepare)

    async def _start(self) -> Process:
        command = self.spec.command() if callable(self.spec.command) else bound_to_this_process(self.spec.command)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=self._environment,
            cwd=Path("/"),
            start_new_session=True,
        )
        self._process = process
        self._pump = asyncio.create_task(self._copy_output(process))
        self.started_at = time.time()
        self._become(State.starting)
        return process

    async def _live(self, process: Process) -> int:
        """Until the process ends, noting when it becomes ready."""
        readiness = None if self.spec.once else asyncio.create_task(self._watch_readiness())
        try:
            code = await process.wait()
        finally:
            if readiness is not None:
                readiness.cancel()
        _sweep(process.pid)
        return code

    async def _watch_readiness(self) -> None:
        while not await self.spec.is_ready():
            await asyncio.sleep(READY_POLL_S)
        self.was_ready.set()
        self._become(State.ready)

    async def _copy_output(self, process: Process) -> None:
        if process.stdout is None:
            raise AssertionError("started with a pipe")
        while chunk := await process.stdout.read(65_536):
            self._log.write(chunk)

    def _become(self, state: State) -> None:
        self.state = state
        self._changed(self)


def _signal(process: Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:
        return


def _sweep(pid: int) -> None:
    """End what the process may have left in its own session."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _in_words(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
