"""`tertulia status`: what runs, for people and for machines."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tertulia_stack.home import Home
from tertulia_stack.lag import lag_of
from tertulia_stack.probe import http_json
from tertulia_stack.supervisor import state as state_file
from tertulia_stack.supervisor.state import ServiceState, StackState


class ServiceStatus(msgspec.Struct):
    """One service, asked just now."""

    name: str
    pid: int | None
    state: str
    port: int | None
    restarts: int
    uptime_s: float | None
    ready: bool
    detail: str | None
    """Why it is not ready, as far as it can say."""
    lag_s: float | None = None
    """How far it is behind the conversation; None for a service that follows nothing."""


class StackStatus(msgspec.Struct):
    """`state`: stopped, starting, ready, degraded (came up, and something is not ready now), stopping."""

    state: str
    url: str | None
    data_dir: str
    services: list[ServiceStatus]


async def stack_status(home: Home) -> StackStatus:
    """Ask every service of the stack that runs on this data."""
    state = state_file.running(home)
    if state is None:
        return StackStatus("stopped", None, str(home.data_dir), [])
    services = await asyncio.gather(*(_ask(service) for service in state.services))
    return StackStatus(_overall(state, services), state.url, str(home.data_dir), list(services))


def _overall(state: StackState, services: Sequence[ServiceStatus]) -> str:
    if state.phase == "ready" and not all(service.ready for service in services):
        return "degraded"
    return state.phase


async def _ask(service: ServiceState) -> ServiceStatus:
    alive = service.process is not None and service.process.find() is not None
    ready, detail, lag_s = alive and service.state == "ready", None, None
    if alive and service.ready_url is not None:
        (ready, detail), lag_s = await asyncio.gather(_ask_readiness(service.ready_url), lag_of(service.ready_url))
    return ServiceStatus(
        name=service.name,
        pid=service.process.pid if service.process is not None and alive else None,
        state=service.state,
        port=service.port,
        restarts=service.restarts,
        uptime_s=round(time.time() - service.started_at, 1) if service.started_at is not None and alive else None,
        ready=ready,
        detail=detail,
        lag_s=lag_s,
    )


async def _ask_readiness(url: str) -> tuple[bool, str | None]:
    answer = await http_json(url)
    if answer is None:
        return False, "does not answer"
    status, body = answer
    return status == 200, _missing(body)


def _missing(body: Any) -> str | None:
    """Which dependencies a /readyz body complains about."""
    dependencies: dict[str, Any] = body.get("dependencies", {}) if isinstance(body, dict) else {}
    down = [name for name, one in dependencies.items() if isinstance(one, dict) and one.get("state") != "up"]
    return f"waits for {', '.join(down)}" if down else None


def show(status: StackStatus, console: Console) -> None:
    """The status as a table."""
    if status.state == "stopped":
        console.print(f"Nothing runs on {escape(status.data_dir)}. Start it with [bold]tertulia up[/].", soft_wrap=True)
        return
    console.print(f"Tertulia is [bold]{status.state}[/] at [cyan]{status.url}[/]", soft_wrap=True)
    console.print(f"[dim]data in {escape(status.data_dir)}[/]", soft_wrap=True, highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("service", "state", "port", "pid", "up", "restarts", "lag", ""):
        table.add_column(column, justify="right" if column in {"port", "pid", "up", "restarts", "lag"} else "left")
    for service in status.services:
        mark = ("✓ ", "green") if service.ready else ("✗ ", "red")
        table.add_row(
            service.name,
            Text.assemble(mark, service.state),
            str(service.port or ""),
            str(service.pid or ""),
            _duration(service.uptime_s),
            str(service.restarts),
            "" if service.lag_s is None else f"{service.lag_s:.1f} s",
            Text(service.detail or "", style="yellow"),
        )
    console.print(table)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
