"""`tertulia logs`: what the processes said, made readable.

The services write JSON lines, PostgreSQL and NATS their own formats. Each line becomes time, service, level, text.
"""

import heapq
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from rich.console import Console
from rich.text import Text

from tertulia_stack.home import Home

FOLLOW_POLL_S = 0.2
BYTES_BACK = 64 * 1024
"""How far to look back for the last lines, besides 400 bytes for each: one with a stack trace is long."""
POSTGRES_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC \[\d+\] (\w+):\s+(.*)$")
NATS_LINE = re.compile(r"^\[\d+\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) \[(\w+)\] (.*)$")
# What structlog writes while nothing has configured it yet.
CONSOLE_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \[(\w+) *\] (.*)$")
LEVELS = {"LOG": "info", "INF": "info", "WRN": "warning", "ERR": "error", "FTL": "critical", "FATAL": "error"}
STYLES = {"debug": "dim", "info": "", "warning": "yellow", "error": "red", "critical": "bold red", "panic": "bold red"}
TIME_KEYS = ("timestamp", "time", "ts")
# Shown elsewhere in the line, or of use to machines only.
UNSHOWN = {*TIME_KEYS, "event", "message", "level", "service", "logger", "trace_id", "span_id", "exception"}
COLOURS = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan", "bright_magenta")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a log, understood as far as possible."""

    service: str
    raw: str
    text: str
    at: datetime | None = None
    level: str = "info"
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trace: str | None = None
    """A stack trace of several lines."""


def understand(service: str, raw: str) -> Line:
    """A line as written, taken apart; what is not understood stays as its text."""
    if raw.startswith("{") and (fields := _json_object(raw)) is not None:
        return _from_fields(service, raw, fields)
    if match := POSTGRES_LINE.match(raw):
        at = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
        return Line(service=service, raw=raw, at=at, level=_level(match[2]), text=match[3])
    if match := NATS_LINE.match(raw):
        # NATS writes local time.
        at = datetime.strptime(match[1], "%Y/%m/%d %H:%M:%S.%f").astimezone(UTC)
        return Line(service=service, raw=raw, at=at, level=_level(match[2]), text=match[3])
    if match := CONSOLE_LINE.match(raw):
        at = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return Line(service=service, raw=raw, at=at, level=match[2], text=match[3])
    return Line(service=service, raw=raw, text=raw)


def show(home: Home, services: Sequence[str], *, lines: int, follow: bool, raw: bool, console: Console) -> None:
    """The last `lines` lines of each service in the order of time; then, with `follow`, what comes, until Ctrl-C."""
    painter = _Painter(console, services, raw=raw)
    with ExitStack() as files:
        tails = [files.enter_context(_Tail(home.log_of(service), service)) for service in services]
        for _, line in heapq.merge(*(_ordered(tail.last(lines)) for tail in tails), key=itemgetter(0)):
            painter.paint(line)
        while follow:
            fresh = [line for tail in tails for line in tail.fresh()]
            for line in sorted(fresh, key=lambda one: one.at or datetime.now(UTC)):
                painter.paint(line)
            time.sleep(FOLLOW_POLL_S)


def show_lines(service: str, raw: Sequence[str], console: Console) -> None:
    """Some lines of one service as `logs` would show them."""
    painter = _Painter(console, [service], raw=False)
    for text in raw:
        painter.paint(understand(service, text))


def known_services(home: Home) -> list[str]:
    """The services that ever wrote a log here."""
    return sorted(path.stem for path in home.logs.glob("*.log"))


class _Tail:
    """The end of one log file, also while the file is turned over."""

    def __init__(self, path: Path, service: str) -> None:
        self._path = path
        self._service = service
        self._file: BinaryIO | None = path.open("rb") if path.exists() else None
        self._rest = b""

    def last(self, count: int) -> list[Line]:
        if self._file is None:
            return []
        start = max(0, self._file.seek(0, 2) - BYTES_BACK - 400 * count)
        self._file.seek(start)
        whole, _, self._rest = self._file.read().rpartition(b"\n")
        if start:
            whole = whole.partition(b"\n")[2]
        return self._lines(whole)[-count:] if count else []

    def fresh(self) -> list[Line]:
        data = self._file.read() if self._file is not None else b""
        if not data and self._was_turned():
            self._close()
            self._file = self._path.open("rb")
            data = self._file.read()
        whole, found, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        return self._lines(whole) if found else []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _was_turned(self) -> bool:
        if not self._path.exists():
            return False
        return self._file is None or self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino

    def _lines(self, whole: bytes) -> list[Line]:
        return [understand(self._service, text) for text in whole.decode(errors="replace").splitlines() if text]


class _Painter:
    def __init__(self, console: Console, services: Sequence[str], *, raw: bool) -> None:
        self._console = console
        self._raw = raw
        self._width = max(map(len, services), default=0)
        self._colours = {service: COLOURS[index % len(COLOURS)] for index, service in enumerate(services)}

    def paint(self, line: Line) -> None:
        if self._raw:
            print(line.raw, flush=True)
            return
        style = STYLES.get(line.level, "")
        text = Text()
        text.append(line.at.astimezone().strftime("%H:%M:%S.%f")[:-3] if line.at else " " * 12, style="dim")
        text.append(f"  {line.service:<{self._width}}  ", style=self._colours[line.service])
        text.append(line.text, style=style)
        for key, value in line.extra.items():
            text.append(f"  {key}=", style="dim")
            text.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), style="dim")
        if line.trace:
            text.append(f"\n{line.trace}", style="red")
        self._console.print(text, soft_wrap=True, highlight=False)
        if self._console.quiet:
            raise BrokenPipeError


def _ordered(lines: Iterable[Line]) -> Iterator[tuple[datetime, Line]]:
    """Lines with a time to sort by: one without goes right behind the one before it."""
    latest = datetime.min.replace(tzinfo=UTC)
    for line in lines:
        latest = max(latest, line.at or latest)
        yield latest, line


def _json_object(raw: str) -> dict[str, Any] | None:
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _from_fields(service: str, raw: str, fields: dict[str, Any]) -> Line:
    return Line(
        service=service,
        raw=raw,
        at=_time_of(fields),
        level=str(fields.get("level", "info")).lower(),
        text=str(fields.get("event") or fields.get("message") or raw),
        extra={key: value for key, value in fields.items() if key not in UNSHOWN and value is not None},
        trace=fields.get("exception"),
    )


def _time_of(fields: dict[str, Any]) -> datetime | None:
    for key in TIME_KEYS:
        value = fields.get(key)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            try:
                at = datetime.fromisoformat(value)
            except ValueError:
                continue
            return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None


def _level(word: str) -> str:
    return LEVELS.get(word, word.lower())
