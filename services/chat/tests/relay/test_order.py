"""Every committed event once, in its channel's order, however late its transaction ends."""

import asyncio
import json
import random
import statistics
import time
import uuid
from dataclasses import replace

from tertulia_chat.relay.relay import Pace, Relay
from tertulia_shared.bus import BusMessage
from tertulia_shared.events.subjects import H_CH_SEQ, H_LOG_ID, H_LOW, H_MSG_ID, H_TIME, H_TYPE, H_VERSION

QUICK = Pace(poll_s=0.01, save_s=0.05, claim_s=0.2, verify_s=0.5)


class Abandoned(Exception):
    """A writer that changed its mind."""


async def write_somehow(scene, seed: int) -> None:
    """One transaction after another, each with random holds before and after its events; a third is rolled back."""
    dice = random.Random(seed)
    async with scene.connection() as connection:
        for _ in range(6):
            # In the order of ids, as chat locks several channels.
            channels = sorted(dice.sample(scene.channels, dice.randint(1, 3)))
            try:
                async with connection.transaction():
                    await connection.execute("SELECT pg_current_xact_id()")
                    await asyncio.sleep(dice.random() * 0.2)
                    for channel in channels:
                        await scene.post(connection, channel)
                    await asyncio.sleep(dice.random() * 0.1)
                    if dice.random() < 0.33:
                        raise Abandoned
            except Abandoned:
                continue


async def test_fifty_concurrent_transactions_with_holds_and_rollbacks_lose_and_reorder_nothing(scene):
    async with scene.relay(QUICK):
        await asyncio.gather(*(write_somehow(scene, seed) for seed in range(50)))
        stored = await scene.check()
    assert len(stored) == len({message.headers[H_LOG_ID] for message in stored})


async def test_the_same_holds_while_a_backlog_is_worked_off_in_small_pages(scene):
    await scene.fill(600)
    async with scene.relay(replace(QUICK, page=7)):
        await asyncio.gather(*(write_somehow(scene, seed) for seed in range(50)))
        await scene.check()


async def test_events_that_follow_each_other_closely_share_a_reading(scene):
    """A patience of seconds stands for the milliseconds of life: no machine is so slow that it posts five in less."""
    async with (
        scene.relay(replace(QUICK, canary_s=None, gather_s=4.0, poll_s=20.0)) as relay,
        scene.connection() as writer,
    ):
        await scene.post(writer)
        await scene.poke()
        await scene.settled()
        readings = []
        relay.note_reading = lambda: (readings.append(1), Relay.note_reading(relay))
        for _ in range(5):
            await scene.post(writer)
            await scene.poke()
        assert len(await scene.settled()) == 6
    assert len(readings) == 1


async def test_a_commit_behind_the_page_comes_before_the_channel_s_later_events(scene):
    """A channel that no page showed yet: its first event gets an early id and commits once that page is gone."""
    late = uuid.UUID(int=999, version=4)
    async with scene.connection() as slow, scene.connection() as fast:
        await fast.execute("INSERT INTO test_channel (id) VALUES ($1)", late)
        transaction = slow.transaction()
        await transaction.start()
        await scene.post(slow, late)
        await scene.fill(1500)

        started = asyncio.Event()
        subscription = await scene.bus.subscribe(scene.topology.live_all, lambda _: started.set())
        async with scene.relay(replace(QUICK, page=20)):
            async with asyncio.timeout(20):
                await started.wait()
            await transaction.commit()
            await scene.post(fast, late)
            await scene.check()
        await subscription.unsubscribe()


async def test_a_long_transaction_delays_nobody_else(scene):
    arrived: dict[int, float] = {}

    def note(message: BusMessage) -> None:
        arrived[int((message.headers or {})[H_LOG_ID])] = time.monotonic()

    async with scene.connection() as slow, scene.connection() as fast, scene.relay(QUICK) as relay:
        await scene.bus.subscribe(scene.topology.live_all, note)
        await scene.bus.flush()
        async with slow.transaction():
            held = await scene.post(slow, scene.channels[0])
            others = [await scene.post(fast, scene.channels[1]) for _ in range(50)]
            async with asyncio.timeout(20):
                while not set(others) <= set(arrived):
                    await asyncio.sleep(0.01)
            assert held not in arrived
        await scene.check()
        assert relay.positions


async def test_an_event_is_in_the_stream_soon_after_its_commit(scene):
    arrived: dict[int, float] = {}
    delays: list[float] = []
    async with scene.connection() as connection, scene.relay() as relay:
        await scene.bus.subscribe(
            scene.topology.live_all,
            lambda message: arrived.setdefault(int((message.headers or {})[H_LOG_ID]), time.monotonic()),
        )
        await scene.post(connection)
        await scene.settled()
        assert relay.positions
        for _ in range(60):
            row = await scene.post(connection)
            committed = time.monotonic()
            await scene.poke()
            async with asyncio.timeout(20):
                while row not in arrived:
                    await asyncio.sleep(0)
            delays.append(arrived[row] - committed)
            await asyncio.sleep(0.005)
    print(f"commit to subscriber: median {statistics.median(delays) * 1000:.1f} ms, worst {max(delays) * 1000:.1f} ms")
    await scene.check()


async def test_without_a_poke_the_poll_finds_it(scene):
    async with scene.connection() as connection, scene.relay():
        for _ in range(3):
            await scene.post(connection)
        await scene.check()


async def test_the_headers_say_what_readers_need_to_know(scene):
    channel = scene.channels[0]
    async with scene.connection() as connection, scene.relay():
        row = await scene.post(connection, channel)
        (message,) = await scene.check()
        known = await connection.fetchrow("SELECT event_id, body, xid::text AS xid FROM event_log")
    assert message.data.decode() == known["body"]
    assert message.subject.startswith(scene.topology.prefix + "evt.")
    assert message.headers[H_MSG_ID].startswith(str(known["event_id"]))
    assert message.headers[H_TYPE] == "message.created"
    assert message.headers[H_VERSION] == str(json.loads(known["body"])["v"]) == "3"
    assert message.headers[H_CH_SEQ] == "1"
    assert message.headers[H_LOG_ID] == str(row)
    assert int(message.headers[H_LOW]) <= int(known["xid"])
    assert abs(int(message.headers[H_TIME]) / 1000 - time.time()) < 60


async def test_an_event_too_large_for_the_stream_stops_nobody(scene):
    async with scene.connection() as connection, scene.relay():
        await scene.post(connection, scene.channels[0])
        await scene.settled()
        large = await scene.post(connection, scene.channels[1], size=300_000)
        after = await scene.post(connection, scene.channels[0])
        async with asyncio.timeout(20):
            while True:
                ids = {int(message.headers[H_LOG_ID]) for message in await scene.stored()}
                if after in ids:
                    break
                await asyncio.sleep(0.05)
        assert large not in ids


async def test_a_relay_that_starts_anew_goes_on_where_the_last_one_was(scene):
    async with scene.relay():
        await scene.fill(50)
        await scene.settled()
        await asyncio.sleep(0.3)
    await scene.fill(50)
    async with scene.relay():
        stored = await scene.check()
    assert len(stored) == 100


async def test_positions_are_written_down_while_it_works(scene, until):
    async with scene.connection() as connection, scene.relay():
        await scene.fill(10)
        await scene.settled()

        async def written() -> bool:
            return await connection.fetchval(
                "SELECT count(*) > 0 AND bool_and(pg_visible_in_snapshot(xid, snapshot)) "
                "FROM event_log JOIN relay_position USING (shard)"
            )

        await until(written)
