"""What a seed plans, and the faults themselves on small processes."""

import random

from tertulia_chaos import faults
from tertulia_chaos.scenarios import cuts


def test_the_same_seed_plans_the_same_faults():
    plans = [faults.plan(random.Random(7), faults.CORE, 60, 3) for _ in range(2)]

    assert plans[0] == plans[1]
    assert plans[0] != faults.plan(random.Random(8), faults.CORE, 60, 3)


def test_every_victim_has_its_turn_before_one_has_a_second():
    planned = faults.plan(random.Random(1), faults.CORE, 300, 5)

    for start in range(0, len(planned) - len(faults.CORE), len(faults.CORE)):
        assert {fault.victim for fault in planned[start : start + len(faults.CORE)]} == set(faults.CORE)


def test_faults_lie_within_the_time_and_only_a_freeze_lasts():
    planned = faults.plan(random.Random(1), faults.CORE, 300, 5)

    assert len(planned) > 40
    assert all(0 < fault.at_s < 300 for fault in planned)
    assert {fault.kind for fault in planned} == {"kill", "freeze"}
    assert all((fault.for_s > 0) == (fault.kind == "freeze") for fault in planned)


def test_cuts_are_planned_in_every_way():
    planned = cuts.plan(random.Random(1), cuts.FULL)

    assert len(planned) == 89
    assert {cut.way for cut in planned} == {"reset", "close", "stall", "slow"}
    assert all(cut.bad_s < cuts.FULL.every_s for cut in planned)
