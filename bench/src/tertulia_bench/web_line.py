"""What `web` measured, against what is allowed: its table and its JSON line."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console

GOAL_INTERACTIVE_MS, GOAL_SCRIPT_KB, GOAL_SWITCH_MS, GOAL_KEY_MS = 2_500.0, 250.0, 150.0, 50.0
GOAL_GROWTH = 0.1
"""Of the page's memory, from the first tenth of the events to the last."""
LATER_S = 5.0
"""So long after the first screen can be used, what else comes is counted."""


@dataclass(frozen=True, slots=True)
class Size:
    messages: int = 100_000
    """In the channel that is paged through."""
    events: int = 10_000
    openings: int = 5
    switches: int = 20
    keys: int = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """Times in ms, sizes in KB; memory in MB after a tenth of the events and after all of them."""

    interactive: list[float]
    script: float
    scripts: int
    later: float
    """What came in the seconds after the first screen could be used."""
    switches: list[float]
    loading_s: float
    keys: list[float]
    rows: int
    """Of the list in the page, while all messages are loaded."""
    loaded_mb: float
    early_mb: float
    late_mb: float

    @property
    def growth(self) -> float:
        return self.late_mb / self.early_mb - 1


def line_of(size: Size, found: Measured, console: Console) -> dict[str, object]:
    """Prints the table."""
    interactive, switch = median(found.interactive), _p95(found.switches)
    key = _p95(found.keys)
    held = {
        "interactive": interactive <= GOAL_INTERACTIVE_MS,
        "script": found.script <= GOAL_SCRIPT_KB,
        "switch": switch <= GOAL_SWITCH_MS,
        "key": key <= GOAL_KEY_MS,
        "memory": found.growth <= GOAL_GROWTH,
    }
    notes = [
        "| | measured | allowed |",
        "|---|---|---|",
        f"| the first screen can be used, median of {size.openings} | {interactive:,.0f} ms "
        f"| {GOAL_INTERACTIVE_MS:,.0f} |",
        f"| its scripts until then, compressed | {found.script:,.0f} KB | {GOAL_SCRIPT_KB:,.0f} |",
        f"| another channel, open before, p95 of {size.switches} | {switch:,.0f} ms | {GOAL_SWITCH_MS:,.0f} |",
        f"| a key to its frame, with {size.messages:,} messages loaded, p95 of {size.keys} | {key:,.1f} ms "
        f"| {GOAL_KEY_MS:,.0f} |",
        f"| memory over {size.events:,} events | {found.early_mb:,.1f} to {found.late_mb:,.1f} MB "
        f"({found.growth:+.0%}) | {GOAL_GROWTH:+.0%} |",
        "",
        f"The scripts are {found.scripts} files; {found.later:,.0f} KB of parts that open later follow within "
        f"{LATER_S:.0f} s while nothing else is to be done.",
        f"{size.messages:,} messages were loaded by paging in {found.loading_s:,.0f} s; then "
        f"{found.rows} rows were in the page, whose script held {found.loaded_mb:,.0f} MB.",
    ]
    for note in notes:
        console.print(note)
    return {
        "bench": "web",
        "ours": round(interactive, 1),
        "peer": GOAL_INTERACTIVE_MS,
        "ratio": round(GOAL_INTERACTIVE_MS / interactive, 2),
        "goal": 1.0,
        "ok": all(held.values()),
        "unit": "ms until the first screen can be used; less is better",
        "peer_name": "ms allowed",
        "rounds": {"Tertulia": [round(one, 1) for one in found.interactive], "allowed": [GOAL_INTERACTIVE_MS]},
        "held": held,
        "script_kb": round(found.script, 1),
        "scripts": found.scripts,
        "later_script_kb": round(found.later, 1),
        "switch_ms": {"p50": round(median(found.switches), 1), "p95": round(switch, 1)},
        "key_ms": {"p50": round(median(found.keys), 1), "p95": round(key, 1)},
        "messages": size.messages,
        "loading_s": round(found.loading_s, 1),
        "rows": found.rows,
        "memory_mb": {
            "loaded": round(found.loaded_mb, 1),
            "early": round(found.early_mb, 1),
            "late": round(found.late_mb, 1),
        },
        "notes": notes,
    }


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]
