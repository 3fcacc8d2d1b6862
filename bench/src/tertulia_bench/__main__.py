"""`python -m tertulia_bench NAME`: one benchmark, or all of them, which also writes docs/benchmarks.md.

The last line of each is a JSON object. `--quick` takes the short form of those that have one.
"""

import asyncio
import json
import sys

import uvloop
from rich.console import Console

from tertulia_bench import (
    bot,
    connections,
    delivery,
    fanout,
    history,
    replicas,
    report,
    search,
    send,
    sink,
    start,
    unread,
    web,
)
from tertulia_bench.conversation import Lost

BENCHMARKS = {
    "send": send,
    "search": search,
    "sink": sink,
    "history": history,
    "bot": bot,
    "unread": unread,
    "fanout": fanout,
    "connections": connections,
    "replicas": replicas,
    "delivery": delivery,
    "web": web,
    "start": start,
}


QUICK = "--quick"


def main(arguments: list[str]) -> int:
    quick = QUICK in arguments
    names = [argument for argument in arguments if argument != QUICK] or ["all"]
    if names == ["all"]:
        names = list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    if quick and not all(hasattr(BENCHMARKS[name], "run_quickly") for name in names):
        print(f"Not every one of {', '.join(names)} has a quick form.", file=sys.stderr)
        return 2
    lines = [_run(name, quick) for name in names]
    if arguments in ([], ["all"]):
        print(f"wrote {report.write(lines)}", file=sys.stderr)
    for line in lines:
        print(json.dumps(line))
    return 0 if all(line["ok"] for line in lines) else 1


def _run(name: str, quick: bool) -> dict[str, object]:
    room = BENCHMARKS[name]
    run = room.run_quickly if quick else room.run
    console = Console(width=None if sys.stdout.isatty() else 140)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(run(console))
        except Lost as error:
            console.print(f"[red]Lost:[/] {error}")
            return room.failed(error)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
