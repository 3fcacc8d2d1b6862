"""The age of the newest canary, and that nobody else notices one."""

import asyncio
import time
from typing import Any

from prometheus_client import REGISTRY

from tertulia_notify.canary import Canary
from tertulia_notify.limits import Limits
from tertulia_shared.bus import Outgoing
from tertulia_shared.events import CanarySent
from tertulia_shared.events.subjects import H_TIME

CHANNEL = "0199d1c2-7a40-7000-8000-00000000ca11"
NOBODY = "00000000-0000-0000-0000-000000000000"


def canary(world: Any, age_s: float = 0.0) -> Outgoing:
    made = world.event(CanarySent(), "user", NOBODY)
    return Outgoing(made.subject, made.data, {**made.headers, H_TIME: str(int((time.time() - age_s) * 1000))})


def value(name: str) -> float:
    found = REGISTRY.get_sample_value(name)
    assert found is not None
    return found


def test_the_age_is_that_of_the_newest_and_counts_from_the_start_while_none_came():
    now = 1_000.0
    watched = Canary(lambda: now)
    assert watched.age_s == 0
    now = 1_031.0
    assert watched.age_s == 31
    watched.arrived(1_030_000)
    assert watched.age_s == 1
    watched.arrived(1_020_000)
    assert watched.age_s == 1, "an older one that is read later changes nothing"
    watched.arrived(1_032_000)
    assert watched.age_s == 0, "PostgreSQL's clock is a second ahead"


async def test_a_canary_is_measured_and_no_client_sees_it(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        head = notify.parts.hub.head
        came, took = value("notify_canary_seconds_count"), value("notify_canary_seconds_sum")
        gaps = notify.parts.ingress.state
        await world.publish(canary(world, 1.5), world.message(CHANNEL, "tea"), canary(world, 1.0))
        assert await stream.texts(1) == ["tea"]
        async with asyncio.timeout(10):
            while notify.parts.hub.head < head + 3:
                await asyncio.sleep(0.01)
        await stream.silence()
        assert value("notify_canary_seconds_count") == came + 2
        assert value("notify_canary_seconds_sum") - took > 2.4
        assert 0 <= value("notify_canary_age_seconds") < 30
        assert notify.parts.ingress.state == gaps == "live"


async def test_canaries_stand_in_nobodys_way_when_a_client_comes_back(world: Any) -> None:
    """Neither in the ring nor in the stream behind it, and an event id from before them is still good."""
    ada = world.person(CHANNEL)
    async with world.notify(Limits(ring_events=5, warm_events=5)) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(world.message(CHANNEL, "first"))
        (first,) = await stream.durable(1)
        await world.publish(*(canary(world) for _ in range(12)), world.message(CHANNEL, "second"))
        await world.publish(*(canary(world) for _ in range(3)), world.message(CHANNEL, "third"))
        assert await stream.texts(2) == ["second", "third"]
        again = await notify.stream(world.token(ada), last_event_id=first.id)
        assert (await again.hello())["resumed"] is True
        assert await again.texts(2) == ["second", "third"]
