"""Dead letters and ranges that an operator wants counted again: each event is one row still."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tertulia_analytics.sink import rows
from tertulia_shared import events
from tertulia_shared.bus import Outgoing
from tertulia_shared.operators import replay
from tertulia_shared.operators.dead_letters import Install, retry, show_list


def ids_of(*messages: Outgoing) -> list[str]:
    return sorted(events.decode_envelope(message.data).id for message in messages)


@pytest.fixture
def install(world) -> Install:
    return Install(
        postgres_urls={"analytics": world.sink_url}, nats_url=world.nats_url, nats_prefix=world.topology.prefix
    )


def found(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return json.loads(lines[-1])


async def test_a_letter_is_counted_once_when_its_reading_was_mended(world, analytics, install, monkeypatch, capsys):
    ada = world.person()
    good, odd = world.message(ada), world.message(ada)
    with monkeypatch.context() as broken:
        read = rows.read

        def refuse_odd(body: bytes) -> rows.Read:
            if body == odd.data:
                raise rows.Unreadable("not understood yet")
            return read(body)

        broken.setattr(rows, "read", refuse_odd)
        await world.publish(good, odd)
        await analytics.counted()
        assert await analytics.ids() == ids_of(good)
        # Still poison: the letter stays, one.
        assert await retry(install, [], None, every=True, as_json=True) == 1
        assert [one["result"] for one in found(capsys)["retried"]] == ["failed"]
        await show_list(install, None, 10, as_json=True)
        assert [(one["attempts"], one["error"]) for one in found(capsys)["dead_letters"]] == [(2, "not understood yet")]
    for expected in (["done"], []):
        assert await retry(install, [], None, every=True, as_json=True) == 0
        assert [one["result"] for one in found(capsys)["retried"]] == expected
    assert await analytics.ids() == ids_of(good, odd)


async def test_a_range_replayed_beside_live_events_counts_each_once(world, analytics, install, capsys):
    """The warehouse lost a day; what is there is left out, what comes meanwhile is counted by the sink."""
    ada = world.person()
    kept = [world.message(ada) for _ in range(300)]
    world.now += timedelta(days=1)
    lost = [world.message(ada) for _ in range(700)]
    await world.publish(*kept, *lost)
    await analytics.counted()
    await analytics.parts.warehouse.query(
        "DELETE FROM event WHERE toDate(time) = {day:Date}", {"day": world.now.date()}
    )
    assert await analytics.count() == 300

    async def go_on() -> list[Outgoing]:
        sent = []
        for _ in range(20):
            sent.append(world.message(ada))
            await world.publish(sent[-1])
            await asyncio.sleep(0.02)
        return sent

    live = asyncio.get_running_loop().create_task(go_on())
    for _ in range(2):
        assert await replay.run(install, "analytics", 1, None, as_json=True) == 0
        assert found(capsys)["put_aside"] == 0
    more = await live
    await analytics.counted()
    assert await analytics.ids() == ids_of(*kept, *lost, *more)


async def test_poison_in_a_range_is_one_letter(world, analytics, install, sink_row, capsys):
    ada = world.person()
    good = [world.message(ada) for _ in range(5)]
    noise = Outgoing(good[0].subject, b"\x00 not json", {**good[0].headers, "Nats-Msg-Id": "noise"})
    await world.publish(*good[:3], noise, *good[3:])
    await analytics.counted()
    assert await replay.run(install, "analytics", 1, None, as_json=True) == 0
    report = found(capsys)
    assert (report["handled"], report["put_aside"]) == (5, 1)
    assert await sink_row.fetchval("SELECT count(*) FROM dead_letter") == 1
    assert await analytics.ids() == ids_of(*good)
