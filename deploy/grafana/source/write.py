"""Writes ../dashboards/*.json from the sources beside this file; with --check says whether they are in step."""

import json
import sys
from pathlib import Path

from ai import AI
from delivery import DELIVERY
from furniture import render
from overview import OVERVIEW

DASHBOARDS = Path(__file__).resolve().parent.parent / "dashboards"
FILES = {"overview.json": OVERVIEW, "delivery.json": DELIVERY, "ai.json": AI}


def main(arguments: list[str]) -> int:
    stale = 0
    for name, dashboard in FILES.items():
        text = json.dumps(render(dashboard), indent=2, ensure_ascii=False) + "\n"
        file = DASHBOARDS / name
        if "--check" not in arguments:
            file.write_text(text)
        elif not file.is_file() or file.read_text() != text:
            sys.stderr.write(f"{name} is out of step: run python deploy/grafana/source/write.py\n")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
