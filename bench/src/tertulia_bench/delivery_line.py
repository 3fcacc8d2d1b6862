"""What a run of `delivery` found out, as a table, a JSON line, and a section of docs/benchmarks.md."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console
from rich.table import Table

from tertulia_bench.conversation import WRITERS, Result, percentile
from tertulia_bench.cost import cores
from tertulia_bench.hops import Hop
from tertulia_bench.population import Population
from tertulia_bench.turns import GOAL_P50_MS, GOAL_P99_MS, Turn

READERS = 15
"""In each of Synapse's rooms: as many as a channel of ours has members on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Rates are posts a second. `most`: members of a channel; the least is `people / channels`."""

    channels: int
    people: int
    most: int
    rate: int
    rounds: int
    round_s: float
    steps: Sequence[int]
    step_s: float
    warm_up_s: float
    hops_s: float


@dataclass(slots=True)
class Found:
    """What a run found out."""

    size: Size
    population: Population
    rounds: list[Turn] = field(default_factory=list[Turn])
    steps: list[Turn] = field(default_factory=list[Turn])
    hops: list[Hop] = field(default_factory=list[Hop])
    traced: int = 0
    peer: list[Result] = field(default_factory=list[Result])
    listener_per_s: float = 0.0
    """Deliveries a second that the listening process can take at most."""

    @property
    def delivered(self) -> list[float]:
        return sorted(value for turn in self.rounds for value in turn.heard.seconds)

    @property
    def acknowledged(self) -> list[float]:
        return sorted(value for turn in self.rounds for value in turn.posted.seconds)

    @property
    def poster_per_s(self) -> float:
        """Posts a second that the posting process can send at most, by its processor time."""
        return sum(len(each.posted.seconds) for each in self.rounds) / sum(
            each.posted.processor_s for each in self.rounds
        )

    @property
    def knee(self) -> int:
        """The highest rate at which the goal held, with all rates below it; 0 for none."""
        rates = sorted({**{each.per_s: each.holds for each in self.steps}, self.size.rate: self.holds}.items())
        best = 0
        for rate, holds in rates:
            if not holds:
                break
            best = rate
        return best

    @property
    def holds(self) -> bool:
        delivered = self.delivered
        p50, p99 = percentile(delivered, 0.5) * 1000, percentile(delivered, 0.99) * 1000
        return p50 <= GOAL_P50_MS and p99 <= GOAL_P99_MS


def told(delivered: Sequence[float]) -> str:
    p50, p95, p99 = percentiles(delivered)
    return f"p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms to the byte"


def percentiles(ordered: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99 in milliseconds."""
    p50, p95, p99 = (percentile(ordered, share) * 1000 for share in (0.5, 0.95, 0.99))
    return p50, p95, p99


def _rows(found: Found) -> list[tuple[str, ...]]:
    """By rate: posts a second, deliveries a second, acknowledged and delivered."""
    turns = [*found.steps, *found.rounds]
    rows: list[tuple[str, ...]] = []
    for per_s in sorted({turn.per_s for turn in turns}):
        same = [turn for turn in turns if turn.per_s == per_s]
        acknowledged = sorted(value for turn in same for value in turn.posted.seconds)
        delivered = sorted(value for turn in same for value in turn.heard.seconds)
        took = sum(turn.posted.took_s for turn in same)
        rows.append(
            (
                f"{per_s:,}",
                f"{len(delivered) / took:,.0f}",
                _cell(acknowledged),
                _cell(delivered),
            )
        )
    return rows


def _peer_row(found: Found) -> tuple[str, ...]:
    acknowledged = sorted(value for result in found.peer for value in result.acknowledged)
    delivered = sorted(value for result in found.peer for value in result.delivered)
    rate = median(result.rate for result in found.peer)
    return f"Synapse: {rate:,.0f}, all it can", f"{rate * READERS:,.0f}", _cell(acknowledged), _cell(delivered)


def _cell(ordered: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in percentiles(ordered))


def _cost(found: Found) -> dict[str, float]:
    names = found.rounds[0].cost
    return {name: round(median(turn.cost.get(name, 0.0) for turn in found.rounds), 2) for name in names}


def line_of(found: Found, console: Console) -> dict[str, object]:
    _show(found, console)
    p50, p95, p99 = percentiles(found.delivered)
    rounds = {f"Tertulia, {found.size.rate} posts/s": [percentiles(turn.delivered)[2] for turn in found.rounds]}
    peer: dict[str, object] = {}
    if found.peer:
        theirs = median(result.rate for result in found.peer)
        their_p50, _, their_p99 = percentiles(sorted(value for one in found.peer for value in one.delivered))
        rounds[f"Synapse, {theirs:.0f} posts/s"] = [percentiles(one.delivered)[2] for one in found.peer]
        peer = {"peer_rate": round(theirs, 1), "peer_p50_ms": round(their_p50, 1), "peer_p99_ms": round(their_p99, 1)}
    rounds["allowed"] = [GOAL_P99_MS]
    ack = percentiles(found.acknowledged)
    return {
        "bench": "delivery",
        "ours": round(p99, 1),
        "peer": GOAL_P99_MS,
        "ratio": round(GOAL_P99_MS / p99, 2),
        "goal": 1.0,
        "ok": found.holds,
        "unit": "ms from a post to the byte at p99; less is better",
        "peer_name": "ms allowed",
        "rounds": {name: [round(value, 1) for value in each] for name, each in rounds.items()},
        "rate": found.size.rate,
        "posts": len(found.acknowledged),
        "deliveries": len(found.delivered),
        "lost": 0,
        "doubled": 0,
        "p50_ms": round(p50, 2),
        "p95_ms": round(p95, 2),
        "p99_ms": round(p99, 2),
        "p50_goal_ms": GOAL_P50_MS,
        "posted_ms": [round(value, 2) for value in ack],
        "steps": [_step(turn) for turn in found.steps],
        "knee": found.knee,
        "hops": [hop._asdict() for hop in found.hops],
        "traced": found.traced,
        "cores": _cost(found),
        "client": {
            "deliveries_per_s": round(found.listener_per_s),
            "posts_per_s": round(found.poster_per_s),
            "late_ms": [round(value, 2) for value in _late(found)],
        },
        **peer,
        "notes": _notes(found),
    }


def _step(turn: Turn) -> dict[str, object]:
    return {
        "per_s": turn.per_s,
        "posted_ms": [round(value, 2) for value in percentiles(turn.acknowledged)],
        "delivered_ms": [round(value, 2) for value in percentiles(turn.delivered)],
        "cores": {name: round(share, 2) for name, share in turn.cost.items()},
    }


def _late(found: Found) -> tuple[float, float, float]:
    return percentiles(sorted(value for turn in found.rounds for value in turn.posted.late))


def _show(found: Found, console: Console) -> None:
    table = Table(title=f"Through the gateway both ways, {cores()} cores for everything, ms at p50 / p95 / p99")
    for column in ("posts/s", "deliveries/s", "acknowledged", "at a reader"):
        table.add_column(column, justify="right")
    for row in [*_rows(found), *([_peer_row(found)] if found.peer else [])]:
        table.add_row(*row)
    console.print(table)
    for hop in found.hops:
        console.print(f"{hop.p50:8.2f} {hop.p95:8.2f} ms  {hop.name}", highlight=False)
    told = ", ".join(f"{name} {share:.2f}" for name, share in sorted(_cost(found).items(), key=lambda item: -item[1]))
    console.print(f"cores used at {found.size.rate} posts/s: {told}", highlight=False)


def _notes(found: Found) -> list[str]:
    """For docs/benchmarks.md."""
    size, deliveries, p50 = found.size, len(found.delivered), percentiles(found.delivered)[0]
    late = _late(found)
    used = ", ".join(f"{name} {share:.2f}" for name, share in _cost(found).items())
    return [
        f"{size.people:,} people with a stream each in {size.channels} channels of {size.people // size.channels} to "
        f"{size.most}, {found.population.seats / size.channels:.1f} on average; posts at random moments, "
        f"{size.rounds} rounds of {size.round_s:.0f} s at {size.rate} a second. All of {deliveries:,} deliveries "
        f"arrived once, in their channel's order, at nobody else's stream: p50 {p50:.1f} ms (goal: "
        f"{GOAL_P50_MS:.0f}). The goal {_held(found.knee)}, with the load on the same "
        f"{cores()} cores. Search, the bot and analytics are left out.",
        "",
        "| posts/s | deliveries/s | acknowledged, ms at p50 / p95 / p99 | at a reader, p50 / p95 / p99 |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in _rows(found)),
        *([f"| {' | '.join(_peer_row(found))} |"] if found.peer else []),
        "",
        *(
            [f"Synapse's {WRITERS} writers each have a room with {READERS} readers and write without a pause.", ""]
            if found.peer
            else []
        ),
        f"Where the time goes, by the spans of {found.traced:,} messages at {size.rate} posts a second:",
        "",
        "| hop | p50 ms | p95 ms |",
        "|---|---|---|",
        *(f"| {hop.name} | {hop.p50:.2f} | {hop.p95:.2f} |" for hop in found.hops),
        "",
        f"Cores used at {size.rate} posts a second: {used}.",
        "",
        f"The load client's own ceiling: one process takes {found.listener_per_s:,.0f} deliveries/s on a core, another "
        f"sends {found.poster_per_s:,.0f} posts/s; a post left {late[0]:.2f} ms late at p50, {late[2]:.1f} ms at p99, "
        "which counts as ours.",
    ]


def _held(knee: int) -> str:
    return f"holds up to {knee:,} posts a second" if knee else "holds at none of these rates"
