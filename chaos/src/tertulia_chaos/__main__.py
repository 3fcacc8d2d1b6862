"""`python -m tertulia_chaos NAME [--short] [--seconds N] [--seed S] [--keep]`: one scenario, or `all` of them.

Each has a stack of its own. The last line of each is a JSON object; the exit status is 1 unless all is well.
"""

import argparse
import asyncio
import dataclasses
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import uvloop
from rich.console import Console

from tertulia_chaos.arena import Arena, Line, Stopwatch
from tertulia_chaos.scenarios import checker, cuts, deploy, disk, reconnect, revoke, slow
from tertulia_stack.background import BackgroundStack
from tertulia_stack.limits import raise_open_files
from tertulia_stack.parts import PARTS

SCENARIOS = {module.NAME: module for module in (checker, reconnect, cuts, deploy, slow, revoke, disk)}
WHOLE = {"checker", "deploy"}
"""These strike search, bot and analytics too; the others run without them."""
ENVIRONMENT = {"RATE_LIMITS": "off", "ACCESS_TOKEN_TTL_S": "7200"}


class Scenario(Protocol):
    """What a module in `scenarios` has. Sizes are dataclasses of the module's own with `seconds` among their fields."""

    NAME: str
    FULL: Any
    SHORT: Any
    run: Callable[[Arena, Any], Coroutine[Any, Any, Line]]


def main(arguments: list[str]) -> int:
    chosen = _parser().parse_args(arguments)
    raise_open_files()
    names = list(SCENARIOS) if chosen.name == "all" else [chosen.name]
    lines = [_run(name, chosen) for name in names]
    for line in lines:
        print(json.dumps(line))
    return 0 if all(line["ok"] for line in lines) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tertulia_chaos", description="Faults on purpose, and the proof.")
    parser.add_argument("name", nargs="?", default="all", choices=["all", *SCENARIOS])
    parser.add_argument("--short", action="store_true", help="the size for a machine that has other things to do")
    parser.add_argument("--seconds", type=float, help="how long the trouble goes on")
    parser.add_argument("--seed", type=int, default=1, help="the same seed plans the same faults")
    parser.add_argument("--keep", action="store_true", help="leave the stack's data and logs where they are")
    return parser


def _run(name: str, chosen: argparse.Namespace) -> Line:
    scenario = cast(Scenario, SCENARIOS[name])
    size = scenario.SHORT if chosen.short else scenario.FULL
    if chosen.seconds is not None:
        size = dataclasses.replace(size, seconds=chosen.seconds)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 140, highlight=False)
    watch = Stopwatch()

    def say(text: str) -> None:
        console.print(f"[dim]{watch.s:7.1f}[/] {name}: {text}")

    with _place(keep=chosen.keep) as root:
        say(f"starting a stack in {root}")
        stack = BackgroundStack(root / "data", env=ENVIRONMENT)
        stack.start(*(() if name in WHOLE else _without_parts()))
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                line = runner.run(scenario.run(Arena(stack, chosen.seed, say), size))
        finally:
            stack.stop()
    say("all is well" if line["ok"] else "; ".join(line["complaints"]))
    return line


@contextmanager
def _place(*, keep: bool) -> Generator[Path]:
    """A folder that PostgreSQL's account may enter."""
    root = Path(tempfile.mkdtemp(prefix="tertulia-chaos-"))
    root.chmod(0o755)
    try:
        yield root
    finally:
        if not keep:
            shutil.rmtree(root, ignore_errors=True)


def _without_parts() -> list[str]:
    return [word for part in PARTS for word in ("--without", part)]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
