"""The only place that makes tasks: each is kept alive, named, and its crash is logged."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from tertulia_shared.telemetry import logger

log = logger(__name__)

T = TypeVar("T")

# The event loop itself keeps only weak references: without this set a running task could be collected.
_running: set[asyncio.Task[object]] = set()


def spawn(coro: Coroutine[object, object, T], *, name: str) -> asyncio.Task[T]:
    """Run `coro` as a task. Its exception is logged here, and still raised to whoever awaits the task."""
    task = asyncio.get_running_loop().create_task(coro, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[object]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        log.error("task.crashed", task=task.get_name(), exc_info=error)
