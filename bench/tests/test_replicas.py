"""The benchmark of replicas on real processes: it counts what it says it counts. No time is judged."""

from typing import Any, cast

import pytest
from rich.console import Console

from tertulia_bench.replicas import Load, Turn, measure

LOAD = Load(rooms=6, people=4, rate=200.0, idle_s=0.5, rounds=10)


@pytest.mark.timeout(120)
async def test_each_replica_receives_everything_and_delivers_to_its_own_people() -> None:
    turns = [Turn("one", 1), Turn("spread", 2), Turn("together", 2, together=True)]
    line = cast(Any, await measure(LOAD, turns, Console(quiet=True)))
    # The counts before the load are taken after the warm-up, so only the load's own are told.
    for name, replicas in (("one", 1), ("spread", 2), ("together", 2)):
        shares = line["shares"][name]
        assert [share["received"] for share in shares] == [LOAD.events] * replicas
        assert sum(share["delivered"] for share in shares) == LOAD.events * LOAD.people
        assert [share["streams"] for share in shares] == [LOAD.streams // replicas] * replicas
    assert line["deliveries"] == len(turns) * LOAD.streams * (LOAD.rounds + 3)
    assert set(line["prices_us"]) == {"spread", "together"}
    assert list(line["rounds"]) == ["one", "spread", "together"]
