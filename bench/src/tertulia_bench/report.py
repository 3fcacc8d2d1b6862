"""`docs/benchmarks.md`: what the last run of all benchmarks measured, with a picture for each."""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
import psutil
from matplotlib.figure import Figure

from tertulia_bench.cost import cores

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "docs" / "benchmarks.md"
PICTURES = ROOT / "docs" / "pictures"

_INK = "#1c2024"
_OURS = "#3358d4"
_PEER = "#b9bbc6"

Line = Mapping[str, Any]

_INTRODUCTION = """# Benchmarks

Written by `make bench`, which runs every benchmark; each prints these numbers as its last line. Both sides do the same
work, alternately, in the same run, with the load generator on the same machine. Compare ratios, not absolute numbers.
"""


def write(lines: Sequence[Line]) -> Path:
    """The page; returns where it is."""
    mpl.use("Agg")
    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    parts = [
        _INTRODUCTION,
        f"This run: {cores()} cores, {memory:.0f} GiB, {system}.\n",
        "| benchmark | ours | peer | ratio | goal | held |",
        "|---|---|---|---|---|---|",
        *(_row(line) for line in lines),
    ]
    for line in lines:
        parts += ["", f"## {line['bench']}", "", *_section(line)]
    TARGET.write_text("\n".join(parts) + "\n", "utf-8")
    return TARGET


def _row(line: Line) -> str:
    name = line["bench"]
    peer = f"{_number(line['peer'])} {line.get('peer_name', '')}"
    held = "yes" if line["ok"] else "no"
    return f"| [{name}](#{name}) | {_number(line['ours'])} | {peer} | {line['ratio']} | {line['goal']} | {held} |"


def _section(line: Line) -> list[str]:
    rounds = cast(dict[str, list[float]] | None, line.get("rounds"))
    if rounds is None:
        return [str(line.get("lost", "not measured"))]
    picture = PICTURES / f"benchmark-{line['bench']}.svg"
    _draw(rounds, str(line["unit"]), picture)
    return [
        f"![{line['unit']}, by round](pictures/{picture.name})",
        "",
        *cast(list[str], line["notes"]),
    ]


def _draw(rounds: Mapping[str, Sequence[float]], unit: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    # However many rounds there are, those of one side stand apart from those of the next.
    step = min(0.22, 0.84 / max(len(rates) for rates in rounds.values()))
    for row, rates in enumerate(rounds.values()):
        places = [row + (number - (len(rates) - 1) / 2) * step for number in range(len(rates))]
        bars = axes.barh(places, rates, height=0.9 * step, color=_PEER if row else _OURS)
        axes.bar_label(bars, [_number(rate) for rate in rates], padding=4, color=_INK)
    axes.set_yticks(range(len(rounds)), list(rounds))
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    figure.savefig(target, metadata={"Date": None})


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return "not measured"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.4g}"
