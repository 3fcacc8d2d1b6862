"""All processes of the stack: their order, the signals, the five seconds to stop."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from tertulia_stack.home import Home
from tertulia_stack.supervisor import state as state_file
from tertulia_stack.supervisor.child import Child, ServiceFailed
from tertulia_stack.supervisor.logs import LogFile
from tertulia_stack.supervisor.spec import ServiceSpec
from tertulia_stack.supervisor.state import ProcessId, ServiceState, StackState

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Together under five seconds, with the time to sweep up.
SERVICES_STOP_S = 3.3
SERVERS_STOP_S = 1.0
OPTIONAL_PATIENCE_S = 60.0
"""So long a person waits for search, AI and analytics before they are told to begin without."""


class Reporter(Protocol):
    """Tells a person what happens."""

    def changed(self, child: Child) -> None: ...

    def ready(self, url: str, seconds: float) -> None: ...

    def stopping(self) -> None: ...

    def stopped(self) -> None: ...


class _StopRequested(Exception):
    pass


class Supervisor:
    """Runs the given services until a signal. The caller holds the data directory's lock."""

    def __init__(
        self,
        specs: Sequence[ServiceSpec],
        *,
        home: Home,
        url: str,
        host: str,
        environment: Mapping[str, str],
        reporter: Reporter,
    ) -> None:
        self._home = home
        self._url = url
        self._host = host
        self._reporter = reporter
        self._phase = "starting"
        self._started_at = time.time()
        self._began = time.monotonic()
        self._stop = asyncio.Event()
        self.children = {
            spec.name: Child(spec, LogFile(home.log_of(spec.name)), environment, self._note_change) for spec in specs
        }

    async def run(self) -> None:
        """Start, keep alive, stop. Returns after a signal with nothing left running.

        Raises ServiceFailed when a service does not come up; nothing is left running then either.
        """
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        try:
            async with asyncio.TaskGroup() as group:
                for child in self.children.values():
                    group.create_task(self._keep(child))
                group.create_task(self._announce_ready())
                group.create_task(self._wait_for_stop())
        except* _StopRequested:
            self._reporter.stopping()
        except* ServiceFailed as failures:
            raise failures.exceptions[0] from None
        finally:
            await self._stop_all()
            for number in SIGNALS:
                loop.remove_signal_handler(number)
        self._reporter.stopped()

    def _on_signal(self) -> None:
        if self._stop.is_set():
            # Asked twice: no more patience.
            for child in self.children.values():
                child.kill()
        self._stop.set()

    async def _wait_for_stop(self) -> None:
        await self._stop.wait()
        raise _StopRequested

    async def _keep(self, child: Child) -> None:
        for name in child.spec.depends_on:
            await self.children[name].was_ready.wait()
        await child.run()

    async def _announce_ready(self) -> None:
        for child in self.children.values():
            if not child.spec.optional:
                await child.was_ready.wait()
        await self._await_optional()
        self._phase = "ready"
        self._write_state()
        self._reporter.ready(self._url, time.monotonic() - self._began)

    async def _await_optional(self) -> None:
        """Until each optional service is ready or has failed, or patience ends."""
        waiting = [asyncio.create_task(self._settled(child)) for child in self.children.values() if child.spec.optional]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=OPTIONAL_PATIENCE_S)
            for task in late:
                task.cancel()

    async def _settled(self, child: Child) -> None:
        """It is ready, or it has failed, or something that it waits for has."""
        failing = [child.is_late, *(self.children[name].is_late for name in child.spec.depends_on)]
        waits = [asyncio.create_task(event.wait()) for event in (child.was_ready, *failing)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _stop_all(self) -> None:
        """Services first and together (the ends of a stream let go of each other), then the servers they use."""
        self._phase = "stopping"
        servers = [child for child in self.children.values() if child.spec.server]
        services = [child for child in self.children.values() if not child.spec.server]
        await asyncio.gather(*(child.stop(SERVICES_STOP_S) for child in services))
        await asyncio.gather(*(child.stop(SERVERS_STOP_S) for child in servers))
        self._home.state_file.unlink(missing_ok=True)

    def _note_change(self, child: Child) -> None:
        self._write_state()
        self._reporter.changed(child)

    def _write_state(self) -> None:
        own = ProcessId.of(os.getpid())
        if own is None:
            raise AssertionError("this process exists")
        services = [_describe(child) for child in self.children.values() if not child.spec.once]
        state_file.write(self._home, StackState(self._phase, self._url, self._host, own, self._started_at, services))


def _describe(child: Child) -> ServiceState:
    return ServiceState(
        name=child.spec.name,
        state=child.state.value,
        process=ProcessId.of(child.pid) if child.pid is not None else None,
        port=child.spec.port,
        ready_url=child.spec.ready_url,
        restarts=child.restarts,
        started_at=child.started_at if child.pid is not None else None,
    )
