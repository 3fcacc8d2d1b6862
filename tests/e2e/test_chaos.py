"""The fault scenarios, short: `make chaos` runs them at full length, and judges times too.

Counts are asserted here and no times, because the machine of a test run has other things to do.
"""

import pytest
import pytest_asyncio

from tertulia_chaos.arena import Arena, Line
from tertulia_chaos.conversation import Pace
from tertulia_chaos.faults import until_ready
from tertulia_chaos.scenarios import checker, cuts, deploy, disk, reconnect, revoke, slow
from tertulia_stack.background import BackgroundStack

SEED = 20_26
PACE = Pace(writers=5, pause_s=0.05)


@pytest_asyncio.fixture(loop_scope="session")
async def arena(stack: BackgroundStack) -> Arena:
    """Whatever the scenario before has broken is whole again."""
    await until_ready(stack, 120)
    return Arena(stack, SEED, print)


def assert_well(line: Line) -> None:
    assert line["ok"], line["complaints"]
    assert (line["lost"], line["doubled"], line["leaked"]) == (0, 0, 0)


@pytest.mark.timeout(240)
async def test_nothing_acknowledged_is_lost_while_everything_is_killed_at_random(arena: Arena):
    # Those during whose absence the conversation goes on, or soon goes on again.
    victims = ("notify", "chat-relay", "nats", "postgres")

    line = await checker.run(arena, checker.Size(seconds=10, every_s=2, victims=victims, pace=PACE))

    assert_well(line)
    assert line["faults"] >= 3
    assert line["acknowledged"] > 50
    assert line["not_healed"] == 0


@pytest.mark.timeout(240)
async def test_a_rolling_restart_fails_no_post_for_good(arena: Arena):
    services = ("chat-api", "chat-relay", "notify", "gateway")

    line = await deploy.run(arena, deploy.Size(seconds=0, services=services, calm_s=0.3, pace=PACE))

    assert_well(line)
    assert set(line["away_s"]) == set(services)
    assert line["not_healed"] == 0


@pytest.mark.timeout(120)
async def test_posting_goes_on_while_nats_cannot_write(arena: Arena):
    line = await disk.run(arena, disk.Size(seconds=3, calm_s=1, pace=PACE))

    assert_well(line)
    assert line["acknowledged_without_room"] > 20
    assert line["failed_without_room"] == 0


@pytest.mark.timeout(120)
async def test_a_client_that_is_cut_again_and_again_misses_nothing(arena: Arena):
    line = await cuts.run(arena, cuts.Size(seconds=7, every_s=1.2, longest_wait_s=0.5))

    assert_well(line)
    assert line["resets"] == 0
    assert line["connections"] > 3
    assert line["bare_connections"] > 3


@pytest.mark.timeout(120)
async def test_all_come_back_and_resume_without_asking_the_database(arena: Arena):
    line = await reconnect.run(arena, reconnect.Size(seconds=10, connections=200, judge_time=False))

    assert_well(line)
    assert line["resumed"] == 1.0


@pytest.mark.timeout(120)
async def test_slow_clients_cost_the_others_nothing(arena: Arena):
    size = slow.Size(seconds=6, connections=100, posts_per_s=10, windows=2, judge_time=False)

    line = await slow.run(arena, size)

    assert_well(line)
    assert line["bad"] == 6


@pytest.mark.timeout(120)
async def test_who_is_removed_hears_nothing_behind_the_removal(arena: Arena):
    line = await revoke.run(arena, revoke.Size(seconds=4, removed=10))

    assert_well(line)
    assert line["ways_tried"] == 60
