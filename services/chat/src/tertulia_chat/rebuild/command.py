"""`python -m tertulia_chat rebuild unread | threads | notifications`."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tertulia_chat.rebuild import notifications, threads, unread
from tertulia_chat.rebuild.pages import Counts, Tell

ROOMS = {"unread": unread, "threads": threads, "notifications": notifications}

_SETTINGS = {"application_name": "tertulia-chat-rebuild", "lock_timeout": "10s", "statement_timeout": "0", "jit": "off"}


def main(what: str, postgres_url: str) -> int:
    """The exit status. Progress goes to stderr, one line with the outcome to stdout."""
    began = time.monotonic()
    try:
        counts = asyncio.run(_run(what, postgres_url))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        sys.stderr.write(f"{what} was not rebuilt, and may be run again: {error or type(error).__name__}\n")
        return 1
    took_s = time.monotonic() - began
    sys.stdout.write(f"{what}: {counts.checked:,} rows checked, {counts.repaired:,} repaired, {took_s:.1f} s\n")
    return 0


async def _run(what: str, postgres_url: str) -> Counts:
    room = ROOMS[what]
    connection = await asyncpg.connect(postgres_url, timeout=5, server_settings=_SETTINGS)
    try:
        return await _shown(what, room.size, room.rebuild, connection)
    finally:
        await connection.close(timeout=5)


async def _shown(
    what: str,
    size: Callable[[asyncpg.Connection], Awaitable[int]],
    rebuild: Callable[[asyncpg.Connection, Tell], Awaitable[Counts]],
    connection: asyncpg.Connection,
) -> Counts:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"rebuilding {what}", total=await size(connection))
        return await rebuild(connection, lambda rows: progress.advance(task, rows))
