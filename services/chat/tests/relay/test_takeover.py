"""Whoever cannot publish loses its shards within seconds, and does no harm when it comes back."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tertulia_chaos.proxy import Proxy
from tertulia_chat.relay import position
from tertulia_chat.relay.lease import RENEW_S, SILENT_S, SURE_S, Lease
from tertulia_chat.relay.relay import Relay
from tertulia_shared.bus import Bus, BusMessage, jetstream, stream_state
from tertulia_shared.events import SHARDS, CanarySent, Topology
from tertulia_shared.events.subjects import H_LOG_ID, H_TYPE
from tertulia_stack.ports import free_port
from tertulia_stack.servers import NatsServer

from .conftest import EAGER, log_id, opened
from .test_faults import TAKE_OVER_S, held_shards, relay_process, unpublished_age, write_steadily

RELAY = "from tertulia_chat.__main__ import main; main(['relay'])"
FORGETFUL = "from tertulia_shared.bus import streams; streams.DUPLICATE_WINDOW_S = {}; " + RELAY
"""A relay whose stream remembers ids for so many seconds."""


@contextmanager
def process(scene, log_path, program: str = RELAY, nats_url: str | None = None):
    """A relay that says in its log what goes wrong."""
    environment = os.environ | {
        "PORT": str(free_port()),
        "POSTGRES_URL": scene.postgres_url,
        "NATS_URL": nats_url or scene.nats_url,
        "NATS_PREFIX": scene.topology.prefix,
    }
    with log_path.open("ab") as log:
        running = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=log, stderr=log)
    running.url = f"http://127.0.0.1:{environment['PORT']}"
    try:
        yield running
    finally:
        running.send_signal(signal.SIGCONT)
        running.kill()
        running.wait()


async def holds(running, shards: int) -> bool:
    return await asyncio.to_thread(held_shards, running) == shards


async def half_each(one, two) -> bool:
    return await holds(one, SHARDS // 2) and await holds(two, SHARDS // 2)


async def flows(scene) -> float:
    """Seconds until an event of every channel, written now, is in the stream."""
    began = time.monotonic()
    async with scene.connection() as connection:
        for channel in scene.channels:
            await scene.post(connection, channel)
    await scene.settled()
    return time.monotonic() - began


def assert_none_twice(stored) -> None:
    ids = [log_id(message) for message in stored]
    assert len(ids) == len(set(ids))


async def test_the_shards_of_a_frozen_relay_are_taken_over_within_seconds_and_it_comes_back(scene, until, tmp_path):
    with relay_process(scene, tmp_path / "a.log") as frozen, relay_process(scene, tmp_path / "b.log") as other:
        await until(lambda: half_each(frozen, other))
        writing = asyncio.create_task(write_steadily(scene, 12.0))
        await asyncio.sleep(1.0)
        frozen.send_signal(signal.SIGSTOP)
        took_s = await flows(scene)
        await until(lambda: holds(other, SHARDS))
        print(f"every channel flowed again {took_s:.2f} s after the freezing")
        frozen.send_signal(signal.SIGCONT)
        await until(lambda: half_each(frozen, other))
        await writing
        assert_none_twice(await scene.check())
    assert took_s < TAKE_OVER_S


async def test_relays_that_freeze_again_and_again_in_the_middle_of_a_backlog_reorder_nothing(scene, until, tmp_path):
    with relay_process(scene, tmp_path / "a.log") as one, relay_process(scene, tmp_path / "b.log") as two:
        await until(lambda: half_each(one, two))
        for turn in range(3):
            frozen = (one, two)[turn % 2]
            await scene.fill(1_500)
            writing = asyncio.create_task(write_steadily(scene, 4.0))
            await asyncio.sleep(0.05 * turn)
            frozen.send_signal(signal.SIGSTOP)
            await scene.settled()
            await writing
            frozen.send_signal(signal.SIGCONT)
            await until(lambda: half_each(one, two))
        assert_none_twice(await scene.check())


class QuickToDrop(NatsServer):
    """Ends a silent client's connection after three seconds instead of a minute."""

    def _render(self) -> str:
        return super()._render().replace('ping_interval: "20s"', 'ping_interval: "1s"')


async def test_what_a_relay_had_in_hand_when_it_froze_is_not_stored_late(log_url, tmp_path, until):
    """It wakes after the stream has forgotten the ids, when nothing but its lost connection and lease can stop it."""
    forgets_s = 12
    program = FORGETFUL.format(forgets_s)
    with QuickToDrop(tmp_path / "nats", sync_always=False) as server:
        async with opened(log_url, server.url, Topology()) as scene:
            with (
                process(scene, tmp_path / "a.log", program) as frozen,
                process(scene, tmp_path / "b.log", program) as other,
            ):
                await until(lambda: half_each(frozen, other))
                moving = asyncio.Event()

                def note(message: BusMessage) -> None:
                    if (message.headers or {})[H_TYPE] != CanarySent.type:
                        moving.set()

                await scene.bus.subscribe(scene.topology.live_all, note)
                await scene.fill(1_500)
                async with asyncio.timeout(20):
                    await moving.wait()
                frozen.send_signal(signal.SIGSTOP)
                first = len(await scene.stored())
                await scene.settled()
                before = await scene.stored()
                await asyncio.sleep(forgets_s + 3)
                frozen.send_signal(signal.SIGCONT)
                await until(lambda: half_each(frozen, other))
                known = set(await scene.logged())
                await scene.fill(50)
                after = await scene.check()
                print(f"{first} of 1,500 were stored when it froze")
                late = after[len(before) :]
                assert not {log_id(message) for message in late} & known
                assert_none_twice(after)
                config = (await jetstream.call(scene.bus, f"STREAM.INFO.{scene.topology.stream}"))["config"]
                assert config["duplicate_window"] == forgets_s * jetstream.NANOSECONDS


@pytest.fixture
async def line(nats_url):
    """The way to NATS of one relay, which can fall silent or break."""
    async with Proxy(urlsplit(nats_url).port) as proxy:
        yield proxy


def through(line, nats_url: str) -> str:
    return f"{nats_url.rpartition(':')[0]}:{line.port}"


async def test_a_relay_whose_line_to_nats_falls_silent_leaves_its_shards(scene, until, line, tmp_path):
    with (
        process(scene, tmp_path / "a.log", nats_url=through(line, scene.nats_url)) as cut_off,
        process(scene, tmp_path / "b.log") as other,
    ):
        await until(lambda: half_each(cut_off, other))
        line.stall()
        took_s = await flows(scene)
        print(f"every channel flowed again {took_s:.2f} s after the line fell silent")
        await until(lambda: holds(other, SHARDS))
        assert await holds(cut_off, 0)
        assert await asyncio.to_thread(unpublished_age, cut_off) == 0, "what it does not hold is not its to tell"
        await write_steadily(scene, 1.0)
        line.release()
        await until(lambda: half_each(cut_off, other))
        await write_steadily(scene, 1.0)
        assert_none_twice(await scene.check())
    assert took_s < TAKE_OVER_S


async def test_a_relay_that_cannot_connect_to_nats_leaves_its_shards(scene, until, nats_url, tmp_path):
    async with Proxy(urlsplit(nats_url).port) as line:
        with (
            process(scene, tmp_path / "a.log", nats_url=through(line, scene.nats_url)) as cut_off,
            process(scene, tmp_path / "b.log") as other,
        ):
            await until(lambda: half_each(cut_off, other))
            await line.__aexit__(None, None, None)
            took_s = await flows(scene)
            print(f"every channel flowed again {took_s:.2f} s after the line broke")
            await until(lambda: holds(other, SHARDS))
            assert_none_twice(await scene.check())
    assert took_s < TAKE_OVER_S


async def test_while_nobody_reaches_nats_nobody_lets_go(nats_scene, own_nats, until):
    """Who is left holding the shards tells how old the oldest event is."""
    scene = nats_scene
    pace = replace(EAGER, give_up_s=0.5, absent_s=0.5)
    async with scene.relay(pace) as one, scene.relay(pace) as two:
        await until(lambda: len(one.positions) == len(two.positions) == SHARDS // 2)
        await asyncio.to_thread(own_nats.stop)
        await scene.fill(20)
        await asyncio.sleep(2.5)
        assert len(one.positions) + len(two.positions) == SHARDS
        await asyncio.to_thread(own_nats.start)
        await until(lambda: len(one.positions) == len(two.positions) == SHARDS // 2)
        await scene.check()


async def test_a_doubt_that_its_holder_could_not_settle_is_handed_over(scene, until):
    """Something was stored after a loss, so that the newest message's watermark proves nothing: all of it again."""
    async with scene.relay():
        await scene.fill(100)
        await scene.settled()
        await asyncio.sleep(0.3)
    before = await stream_state(scene.bus)
    for seq in range(before.last_seq - 30, before.last_seq + 1):
        await scene.stream_api("MSG.DELETE", json.dumps({"seq": seq}).encode())
    async with scene.connection() as connection:
        known = await position.load(connection, range(SHARDS))
        await position.save(connection, [replace(each, in_doubt=True) for each in known])
        assert await position.load(connection, range(SHARDS)) == [replace(each, in_doubt=True) for each in known]
    async with scene.relay():
        stored = await scene.check()
        async with scene.connection() as connection:
            await until(lambda: _none_in_doubt(connection))
    anew = [message for message in stored if message.seq > before.last_seq]
    assert len({message.headers[H_LOG_ID] for message in anew}) == 100


async def _none_in_doubt(connection) -> bool:
    return not any(each.in_doubt for each in await position.load(connection, range(SHARDS)))


class Session:
    """A connection whose questions are counted."""

    def __init__(self) -> None:
        self.asked = 0
        self.gone = False

    async def execute(self, _: str, timeout: float) -> None:
        self.asked += 1
        if self.gone:
            raise ConnectionError("gone")


async def test_a_lease_is_sure_only_while_the_session_surely_lives():
    assert RENEW_S < SURE_S < SILENT_S
    now = 100.0
    lease = Lease(Session(), lambda: now)
    assert not lease.is_sure()
    lease.answered(100.0)
    now = 100.0 + SURE_S - 0.01
    assert lease.is_sure()
    now = 100.0 + SURE_S
    assert not lease.is_sure()


async def test_a_lease_is_renewed_while_something_takes_its_time():
    session = Session()
    lease = Lease(session)
    assert await lease.hold(asyncio.sleep(2 * RENEW_S + 0.2, "done")) == "done"
    assert session.asked == 3
    assert lease.is_sure()


async def test_what_is_under_way_is_cancelled_when_the_session_is_gone():
    session = Session()
    lease = Lease(session)
    lease.answered(lease.now())
    session.gone = True
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(ConnectionError):
        await lease.hold(work())
    assert ended.is_set()


async def test_a_session_that_says_nothing_is_ended_by_postgres_and_its_locks_go(scene, until):
    """As of a frozen relay: here the event loop is fine, and only the relay's task stands still."""
    async with Bus(scene.nats_url, "relay", scene.topology) as bus:
        relay = Relay(scene.postgres_url, bus, EAGER)
        async with relay._connection() as connection:
            assert len(await position.claim(connection, [], SHARDS)) == SHARDS
            began = time.monotonic()
            async with scene.connection() as other:
                while not await position.claim(other, [], SHARDS):
                    assert time.monotonic() - began < 2 * SILENT_S
                    await asyncio.sleep(0.05)
            assert time.monotonic() - began >= SILENT_S * 0.9
