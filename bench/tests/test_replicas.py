"""The benchmark of replicas on real processes: it counts what it says it counts. No time is judged."""

from collections import Counter
from typing import Any, cast

import pytest
from rich.console import Console

from tertulia_bench.replicas import WARM_UP, Load, Turn, measure

LOAD = Load(rooms=6, people=4, rate=200.0, idle_s=0.2, rounds=5)


@pytest.mark.timeout(120)
async def test_each_replica_receives_everything_and_delivers_to_its_own_people() -> None:
    line = cast(Any, await measure(LOAD, [Turn("one", 1), Turn("two", 2)], Console(quiet=True)))
    for name, replicas in (("one", 1), ("two", 2)):
        shares = line["shares"][name]
        assert [share["received"] for share in shares] == [LOAD.events] * replicas
        assert [share["delivered"] for share in shares] == [LOAD.events * LOAD.people // replicas] * replicas
        assert [share["streams"] for share in shares] == [LOAD.streams // replicas] * replicas
    assert line["deliveries"] == 2 * LOAD.streams * (LOAD.rounds + WARM_UP)
    assert set(line["prices_us"]) == {"two"}
    assert list(line["rounds"]) == ["one", "two"]


def test_people_are_spread_evenly_or_stay_with_their_workspace() -> None:
    spread, together = Turn("", 4), Turn("", 4, together=True)
    everybody = [(room, person) for room in range(8) for person in range(10)]
    for turn in (spread, together):
        assert set(Counter(turn.place(*one) for one in everybody).values()) == {20}
    assert {spread.place(1, person) for person in range(10)} == {0, 1, 2, 3}
    assert {together.place(1, person) for person in range(10)} == {1}
