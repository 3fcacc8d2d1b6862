"""Servers and relays killed in the middle of the work."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tertulia_stack.ports import free_port
from tertulia_stack.servers import NatsServer
from tertulia_stack.servers.nats import nats_program

TAKE_OVER_S = 5.0


@contextmanager
def relay_process(scene, log_path):
    """`python -m tertulia_chat relay`, as in production."""
    port = free_port()
    environment = os.environ | {
        "PORT": str(port),
        "POSTGRES_URL": scene.postgres_url,
        "NATS_URL": scene.nats_url,
        "NATS_PREFIX": scene.topology.prefix,
        "LOG_LEVEL": "info",
    }
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tertulia_chat", "relay"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    process.url = f"http://127.0.0.1:{port}"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def metric(process, name: str) -> float | None:
    """What `/metrics` says; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"{process.url}/metrics", timeout=2) as answer:
            lines = answer.read().decode().splitlines()
    except (OSError, urllib.error.URLError):
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), None)


def held_shards(process) -> float | None:
    return metric(process, "relay_held_shards")


def unpublished_age(process) -> float | None:
    return metric(process, "relay_oldest_unpublished_seconds")


def readiness(process) -> tuple[int, bytes]:
    """Status and body of `/readyz`; 0 while nobody answers."""
    try:
        with urllib.request.urlopen(f"{process.url}/readyz", timeout=4) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return 0, b""


def is_ready(process) -> bool:
    return readiness(process)[0] == 200


def is_unready(process) -> bool:
    return readiness(process)[0] == 503


def dependencies(process) -> dict:
    return json.loads(readiness(process)[1])["dependencies"]


async def write_steadily(scene, seconds: float) -> None:
    """Posts until the time is over, over every failure of PostgreSQL."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            async with scene.connection() as connection:
                while time.monotonic() < deadline:
                    await scene.post(connection)
                    await asyncio.sleep(0.002)
        except Exception:  # noqa: BLE001 whatever a killed server does to its clients
            await asyncio.sleep(0.1)


@pytest.mark.unwatched
async def test_a_standby_takes_over_after_a_kill_and_nothing_is_lost(scene, until, tmp_path):
    with relay_process(scene, tmp_path / "a.log") as first, relay_process(scene, tmp_path / "b.log") as second:

        async def shared() -> bool:
            held = [await asyncio.to_thread(held_shards, each) for each in (first, second)]
            return None not in held and sum(held) == 32

        await until(shared)
        await until(lambda: asyncio.to_thread(is_ready, first))
        await until(lambda: asyncio.to_thread(is_ready, second))
        # Whoever came first holds more of the shards until they have shared: that is the one to kill.
        active, standby = first, second
        if await asyncio.to_thread(held_shards, second) > await asyncio.to_thread(held_shards, first):
            active, standby = second, first
        writing = asyncio.create_task(write_steadily(scene, 4.0))
        await asyncio.sleep(1.0)
        assert await asyncio.to_thread(held_shards, standby) < 32
        active.kill()
        killed = time.monotonic()

        async def taken_over() -> bool:
            return await asyncio.to_thread(held_shards, standby) == 32

        await until(taken_over)
        print(f"standby held all shards {time.monotonic() - killed:.2f} s after the kill")
        await writing
        await scene.check()


@pytest.mark.unwatched
async def test_the_survivor_publishes_within_seconds_of_a_kill(scene, until, tmp_path):
    """Every channel waits for its event: the time is that until the last of them is in the stream again."""
    with relay_process(scene, tmp_path / "a.log") as first, relay_process(scene, tmp_path / "b.log") as second:

        async def half_each() -> bool:
            return [await asyncio.to_thread(held_shards, each) for each in (first, second)] == [16, 16]

        await until(half_each)
        writing = asyncio.create_task(write_steadily(scene, 3.0))
        await asyncio.sleep(1.0)
        first.kill()
        killed = time.monotonic()
        async with scene.connection() as connection:
            for channel in scene.channels:
                await scene.post(connection, channel)
        await scene.settled()
        took_s = time.monotonic() - killed
        print(f"every channel flowed again {took_s:.2f} s after the kill")
        await writing
        await scene.check()
    assert took_s < TAKE_OVER_S


async def test_two_relays_share_the_shards_and_keep_every_order(scene, until):
    async with scene.relay() as one, scene.relay() as two:
        await until(lambda: len(one.positions) + len(two.positions) == 32)
        assert not set(one.positions) & set(two.positions)
        await asyncio.gather(*(write_steadily(scene, 1.0) for _ in range(4)))
        await scene.check()


async def test_nats_killed_while_publishing(nats_scene, own_nats):
    scene = nats_scene
    async with scene.relay():
        writing = asyncio.gather(*(write_steadily(scene, 5.0) for _ in range(3)))
        for _ in range(2):
            await asyncio.sleep(1.0)
            await asyncio.to_thread(own_nats.kill)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(own_nats.start)
        await writing
        await scene.check()


async def test_nats_killed_in_the_middle_of_a_backlog(nats_scene, own_nats):
    scene = nats_scene
    await scene.fill(2500)
    async with scene.relay():
        started = asyncio.Event()
        await scene.bus.subscribe(scene.topology.live_all, lambda _: started.set())
        async with asyncio.timeout(30):
            await started.wait()
        await asyncio.to_thread(own_nats.kill)
        await scene.fill(200)
        await asyncio.to_thread(own_nats.start)
        await scene.check()


async def test_while_nats_is_away_the_log_grows_and_is_published_later(nats_scene, own_nats, until):
    scene = nats_scene
    async with scene.relay():
        await scene.fill(20)
        await scene.settled()
        await asyncio.to_thread(own_nats.stop)
        await scene.fill(300)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_nats.start)
        await scene.check()


@contextmanager
def without_jetstream(server: NatsServer, folder: Path):
    """The same address and token, a server that knows no streams."""
    server.stop()
    folder.mkdir()
    configuration = folder / "plain.conf"
    configuration.write_text(
        f'listen: "127.0.0.1:{server.port}"\nauthorization {{ token: {json.dumps(server.token)} }}\n'
    )
    plain = subprocess.Popen(
        [nats_program(), "-c", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        plain.terminate()
        plain.wait(10)
    server.start()


async def test_a_relay_that_cannot_publish_is_not_ready_and_tells_how_old_the_oldest_event_is(
    nats_scene, own_nats, until, tmp_path
):
    scene = nats_scene
    with relay_process(scene, tmp_path / "relay.log") as process:
        await until(lambda: asyncio.to_thread(is_ready, process))
        assert await asyncio.to_thread(unpublished_age, process) == 0
        with without_jetstream(own_nats, tmp_path / "plain"):
            await scene.bus.wait_connected(10)
            await scene.fill(1)
            await until(lambda: asyncio.to_thread(is_unready, process))
            not_ready = await asyncio.to_thread(dependencies, process)
            assert not_ready["nats"]["state"] == not_ready["postgres"]["state"] == "up"
            assert not_ready["relay"]["state"] == "down"
            assert await asyncio.to_thread(unpublished_age, process) > 5
        await until(lambda: asyncio.to_thread(is_ready, process))
        await scene.check()
        assert await asyncio.to_thread(unpublished_age, process) == 0


async def test_a_relay_without_postgres_is_not_ready(postgres_scene, own_postgres, until, tmp_path):
    with relay_process(postgres_scene, tmp_path / "relay.log") as process:
        await until(lambda: asyncio.to_thread(is_ready, process))
        await asyncio.to_thread(own_postgres.kill)
        await until(lambda: asyncio.to_thread(is_unready, process))
        assert (await asyncio.to_thread(dependencies, process))["postgres"]["state"] == "down"
        await asyncio.to_thread(own_postgres.start)
        await until(lambda: asyncio.to_thread(is_ready, process))


async def test_postgres_killed_while_relaying(postgres_scene, own_postgres):
    scene = postgres_scene
    async with scene.relay():
        writing = asyncio.gather(*(write_steadily(scene, 4.0) for _ in range(3)))
        await asyncio.sleep(1.5)
        await asyncio.to_thread(own_postgres.kill)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(own_postgres.start)
        await writing
        await scene.check()


async def test_a_relay_started_before_its_servers_waits_for_them(nats_scene, own_nats):
    scene = nats_scene
    await scene.fill(10)
    await asyncio.to_thread(own_nats.stop)
    async with scene.relay():
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_nats.start)
        await scene.check()


async def test_the_lock_goes_with_the_connection_that_reads(scene, until):
    """A relay cut off from PostgreSQL has nothing to publish from, so it cannot compete with its successor."""
    async with scene.relay() as relay, scene.connection() as connection:
        await until(lambda: len(relay.positions) == 32)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'tertulia relay %' AND datname = current_database()"
        )
        await until(lambda: not relay.positions)
        await until(lambda: len(relay.positions) == 32)
        await scene.fill(10)
        await scene.check()
