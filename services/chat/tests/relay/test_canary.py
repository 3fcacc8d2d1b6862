"""Something travels the way of every event, whether or not anybody writes."""

import asyncio
import time
from dataclasses import replace

from tertulia_chat.relay import canary
from tertulia_shared.events import SHARDS, CanarySent, decode, decode_envelope
from tertulia_shared.events.subjects import H_LOG_ID, H_TIME, H_TYPE

from .conftest import EAGER

OFTEN = replace(EAGER, canary_s=0.2)


async def canaries(scene) -> list:
    return [message for message in await scene.everything() if message.headers[H_TYPE] == CanarySent.type]


async def logged(scene) -> list:
    async with scene.connection() as connection:
        return await connection.fetch("SELECT id, shard, body FROM event_log WHERE type = 'canary.sent' ORDER BY id")


async def test_canaries_go_through_the_log_the_stream_and_its_republishing(scene):
    heard = []
    await scene.bus.subscribe(scene.topology.live_all, heard.append)
    async with scene.relay(OFTEN), asyncio.timeout(20):
        while len(heard) < 5:
            await asyncio.sleep(0.02)
    rows = await logged(scene)
    stored = await canaries(scene)
    assert [int(message.headers[H_LOG_ID]) for message in stored] == [row["id"] for row in rows[: len(stored)]]
    assert {row["shard"] for row in rows} == {canary.SHARD}
    assert decode(decode_envelope(stored[0].data)) == CanarySent()
    assert scene.topology.parse(stored[0].subject).shard == canary.SHARD
    assert time.time() - int(stored[-1].headers[H_TIME]) / 1000 < 20


async def test_an_installation_has_one_however_many_relays_it_has(scene, until):
    async with scene.relay(OFTEN) as one, scene.relay(OFTEN) as two:
        await until(lambda: len(one.positions) == len(two.positions) == SHARDS // 2)
        before = len(await logged(scene))
        began = time.monotonic()
        await asyncio.sleep(2)
        written = len(await logged(scene)) - before
    assert OFTEN.canary_s
    assert 1 <= written <= (time.monotonic() - began) / OFTEN.canary_s + 1


async def test_events_between_canaries_keep_their_order(scene):
    async with scene.relay(OFTEN):
        for _ in range(4):
            await scene.fill(50)
            await asyncio.sleep(0.2)
        await scene.check()
    assert len(await canaries(scene)) >= 3


async def test_a_log_that_takes_no_canary_is_published_all_the_same(scene):
    await scene.fill(20)
    async with scene.connection() as connection:
        await connection.execute("ALTER TABLE event_log ADD CHECK (type <> 'canary.sent')")
    async with scene.relay(OFTEN):
        await scene.check()
        await scene.fill(20)
        await asyncio.sleep(0.5)
        await scene.check()
    assert await canaries(scene) == []
