"""What to run, as data."""

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tertulia_stack.probe import http_status


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """One process of the stack."""

    name: str
    command: Sequence[str] | Callable[[], Sequence[str]]
    """A function is asked after `prepare` and has put the launcher in already (servers.process)."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to the environment of the supervisor."""
    port: int | None = None
    ready_url: str | None = None
    """Answers 200 when the service takes work."""
    ready: Callable[[], Awaitable[bool]] | None = None
    """For servers that do not speak HTTP."""
    depends_on: Sequence[str] = ()
    """What must be ready before this starts."""
    server: bool = False
    """Others use it until their end: it stops after all that are no servers."""
    prepare: Callable[[], None] | None = None
    """Blocking work before each start; runs in a thread."""
    once: bool = False
    """A task: dependants wait until it ended with code 0."""
    unneeded: Callable[[], bool] | None = None
    """Of a task, asked after `prepare`: whether there is nothing to do, so that no process need find that out. Blocking
    work; runs in a thread."""
    optional: bool = False
    """The stack is ready without it when it does not come up; it goes on trying."""
    stop_signal: signal.Signals = signal.SIGTERM

    async def is_ready(self) -> bool:
        """Ask once; bounded to about a second."""
        if self.ready is not None:
            return await self.ready()
        if self.ready_url is not None:
            return await http_status(self.ready_url) == 200
        return True
