"""The stream came back shorter, empty or not at all: everything is in it again, and old positions no longer hold."""

import asyncio
import json
import shutil

from tertulia_shared.bus import BusError, StoredMessage, ensure_event_stream, stream_state
from tertulia_shared.events.subjects import H_LOG_ID, H_MSG_ID


def log_id(message: StoredMessage) -> int:
    return int(message.headers[H_LOG_ID])


def assert_in_order(sequence: list[tuple[str, int]]) -> None:
    seen: dict[str, int] = {}
    for channel, seq in sequence:
        assert seq <= seen.get(channel, 0) + 1
        seen[channel] = max(seen.get(channel, 0), seq)


async def test_a_stream_deleted_under_the_relay_is_filled_again(scene, until):
    async with scene.relay():
        await scene.fill(200)
        await scene.settled()
        before = await stream_state(scene.bus)
        await scene.stream_api("DELETE")
        await scene.fill(50)
        stored = await scene.check()
        after = await stream_state(scene.bus)
    assert len({message.headers[H_LOG_ID] for message in stored}) == 250
    assert after.incarnation != before.incarnation


async def test_a_stream_deleted_while_events_are_written_loses_none(scene):
    async with scene.relay():
        writing = asyncio.gather(*(scene.fill(100) for _ in range(3)))
        for _ in range(3):
            await asyncio.sleep(0.15)
            try:
                await scene.stream_api("DELETE")
            except BusError:
                continue
        await writing
        await scene.check()


async def test_a_stream_deleted_while_no_relay_ran_is_filled_from_the_log(scene):
    async with scene.relay():
        await scene.fill(100)
        await scene.settled()
        await asyncio.sleep(0.3)
    await scene.stream_api("DELETE")
    async with scene.relay():
        assert len(await scene.check()) == 100


async def test_a_stream_that_somebody_else_created_is_filled_too(scene):
    async with scene.relay():
        await scene.fill(100)
        await scene.settled()
        await scene.stream_api("DELETE")
        await ensure_event_stream(scene.bus)
        await scene.check()


async def test_a_purged_stream_is_filled_again_even_when_it_was_written_to_meanwhile(scene):
    """Until the relay looks, new events may be stored behind the hole. The new life is complete and in order."""
    async with scene.relay():
        await scene.fill(100)
        await scene.settled()
        before = await stream_state(scene.bus)
        await scene.stream_api("PURGE")
        await scene.fill(10)
        await scene.settled()
        after = await stream_state(scene.bus)
        stored, logged = await scene.stored(), await scene.logged()
    assert after.incarnation != before.incarnation
    anew = [message for message in stored if message.headers[H_MSG_ID].endswith(after.incarnation[:8])]
    assert {log_id(message) for message in anew} == set(logged)
    assert_in_order([logged[log_id(message)] for message in anew])


async def test_a_missing_tail_is_published_again_and_positions_are_declared_void(scene):
    async with scene.relay():
        await scene.fill(100)
        await scene.settled()
        await asyncio.sleep(0.3)
    before = await stream_state(scene.bus)
    for seq in range(before.last_seq - 30, before.last_seq + 1):
        await scene.stream_api("MSG.DELETE", json.dumps({"seq": seq}).encode())
    async with scene.relay():
        await scene.check()
        after = await stream_state(scene.bus)
    assert after.incarnation != before.incarnation


async def test_an_older_store_put_back_in_place_is_completed(nats_scene, own_nats, tmp_path):
    scene = nats_scene
    async with scene.relay():
        for _ in range(10):
            await scene.fill(10)
        await scene.settled()
        old = await stream_state(scene.bus)
        own_nats.stop()
        shutil.copytree(own_nats.data_dir / "jetstream", tmp_path / "backup")
        own_nats.start()
        for _ in range(10):
            await scene.fill(10)
        await scene.settled()
        own_nats.stop()
        shutil.rmtree(own_nats.data_dir / "jetstream")
        shutil.copytree(tmp_path / "backup", own_nats.data_dir / "jetstream")
        own_nats.start()
        await scene.fill(10)
        await scene.check()
        assert (await stream_state(scene.bus)).incarnation != old.incarnation


async def test_a_store_of_an_earlier_life_put_back_is_no_longer_that_life(nats_scene, own_nats, tmp_path):
    scene = nats_scene
    async with scene.relay():
        await scene.fill(60)
        await scene.settled()
        first_life = (await stream_state(scene.bus)).incarnation
        own_nats.stop()
        shutil.copytree(own_nats.data_dir / "jetstream", tmp_path / "backup")
        own_nats.start()
        await scene.bus.wait_connected(10)
        await scene.stream_api("DELETE")
        await scene.fill(60)
        await scene.settled()
        await asyncio.sleep(0.3)
        own_nats.stop()
        shutil.rmtree(own_nats.data_dir / "jetstream")
        shutil.copytree(tmp_path / "backup", own_nats.data_dir / "jetstream")
        own_nats.start()
        await scene.bus.wait_connected(10)
        await scene.check()
        assert (await stream_state(scene.bus)).incarnation != first_life


async def test_a_quiet_installation_is_not_rewound(scene):
    async with scene.relay():
        await scene.fill(20)
        await scene.settled()
        before = await stream_state(scene.bus)
        await asyncio.sleep(2.0)
        assert await stream_state(scene.bus) == before


async def test_an_idle_installation_whose_stream_ran_empty_by_age_is_not_rewound(scene, until):
    """Neither while the relay runs, nor when it starts, nor when the next event comes."""

    async def empty() -> bool:
        return (await stream_state(scene.bus)).messages == 0

    async with scene.relay(max_age_s=2):
        await scene.fill(20)
        await scene.settled()
        before = await stream_state(scene.bus)
        await until(empty)
        await asyncio.sleep(1.5)
        idle = await stream_state(scene.bus)
    async with scene.relay(max_age_s=2):
        await asyncio.sleep(1.5)
        restarted = await stream_state(scene.bus)
        await scene.fill(1)
        await until(lambda: _reached(scene, before.last_seq + 1))
        await asyncio.sleep(1.2)
        after = await stream_state(scene.bus)
    assert idle.incarnation == restarted.incarnation == after.incarnation == before.incarnation
    assert after.last_seq == before.last_seq + 1


async def _reached(scene, seq: int) -> bool:
    return (await stream_state(scene.bus)).last_seq >= seq


async def test_a_database_put_back_into_a_younger_cluster_is_published(scene):
    """Transaction ids start low again there, far below those that the dump carries."""
    async with scene.relay():
        await scene.fill(20)
        await scene.settled()
        await asyncio.sleep(0.3)
    async with scene.connection() as connection:
        await connection.execute("UPDATE event_log SET xid = (xid::text::bigint + 1000000000)::text::xid8")
        await connection.execute("UPDATE relay_position SET snapshot = '1000001000:1000001000:'")
    await scene.stream_api("DELETE")
    async with scene.relay():
        await scene.check()
        await scene.fill(20)
        await scene.check()
