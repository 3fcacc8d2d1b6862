"""The process as the stack runs it: kill -9 at any moment, SIGTERM, an outage, a bad environment.

It has an engine of its own in a directory of its own.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from uuid_utils import uuid7

from tertulia_shared.bus import PublishFailed, ensure_event_stream, jetstream
from tertulia_stack.ports import free_port

pytestmark = pytest.mark.timeout(600)

PATIENCE_S = 120
"""For what takes a second on a machine with nothing else to do."""
RANGE = {"from": "2026-11-16", "to": "2026-11-20"}


class Service:
    """The process by its environment, and its address."""

    def __init__(self, environment: dict[str, str], http: aiohttp.ClientSession) -> None:
        self.environment = environment
        self.url = f"http://127.0.0.1:{environment['PORT']}"
        self.output = b""
        self._http = http
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        self._process = await self.run("serve")
        return self._process

    async def run(self, verb: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tertulia_analytics",
            verb,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        if self._process is not None:
            output, _ = await self._process.communicate()
            self.output += output
        self._process = None

    async def get(self, path: str, token: str = "", **params: str) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.get(self.url + path, headers=headers, params=params) as answer:
            return answer.status, await answer.json()

    async def until(self, state: Callable[[dict[str, Any]], bool], timeout: float = PATIENCE_S) -> dict[str, Any]:
        """/readyz, as soon as it is so."""
        async with asyncio.timeout(timeout):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    _, ready = await self.get("/readyz")
                    if state(ready):
                        return ready
                await asyncio.sleep(0.1)

    async def ready(self) -> None:
        await self.until(lambda ready: ready["status"] == "ready")

    async def messages(self, world: Any, token: str) -> int:
        path = f"/api/v1/workspaces/{world.workspace}/analytics/overview"
        status, body = await self.get(path, token, **RANGE)
        return body["totals"]["messages"] if status == 200 else -1

    async def until_messages(self, world: Any, token: str, count: int, timeout: float = PATIENCE_S) -> None:
        found = -1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while found < count:
                    with contextlib.suppress(aiohttp.ClientError):
                        found = await self.messages(world, token)
                    await asyncio.sleep(0.1)
        assert found == count

    async def verified(self) -> str:
        process = await self.run("verify")
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0, output.decode()
        return output.decode()


@pytest.fixture
async def service(world: Any, tmp_path: Path) -> AsyncIterator[Service]:
    settings = world.settings()
    environment = {
        **os.environ,
        "PORT": str(free_port()),
        "POSTGRES_URL": settings.postgres_url.get_secret_value(),
        "NATS_URL": settings.nats_url.get_secret_value(),
        "NATS_PREFIX": settings.nats_prefix,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "JWKS_URL": settings.jwks_url,
        "CHAT_URL": settings.chat_url,
        "CLICKHOUSE_URL": f"chdb://{tmp_path}/ware%20house",
    }
    async with aiohttp.ClientSession() as http:
        service = Service(environment, http)
        yield service
        await service.kill()


def again(outgoing: Any) -> Any:
    return outgoing._replace(headers={**outgoing.headers, "Nats-Msg-Id": str(uuid7())})


async def publish(world: Any, *messages: Any) -> None:
    """Until they are stored, as the relay does: sending again is harmless."""
    while True:
        try:
            await world.publish(*messages)
            return
        except PublishFailed as stopped:
            messages = messages[stopped.done :]
            await asyncio.sleep(0.2)


@pytest.mark.unwatched
@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.full)])
async def test_killed_again_and_again_it_counts_every_event_once(world, service, kills):
    """Events flow all the time, some of them twice, and once the stream itself is lost and written anew."""
    dice = random.Random(int(os.environ.get("KILL_SEED", "7")))
    ada = world.person()
    token = world.token(ada)
    sent: list[Any] = []
    stop, hold = asyncio.Event(), asyncio.Lock()

    async def write() -> None:
        while not stop.is_set():
            async with hold:
                fresh = [world.message(ada) for _ in range(dice.randrange(1, 200))]
                copies = [again(each) for each in dice.sample(sent, min(len(sent), 20))]
                sent.extend(fresh)
                await publish(world, *fresh, *copies)
            await asyncio.sleep(0.02)

    writing = asyncio.ensure_future(write())
    for number in range(kills):
        await service.start()
        if number % 2:
            # Anywhere in its start: chDB opening, the intent settled, memberships read.
            await asyncio.sleep(dice.uniform(0.5, 6))
        else:
            await service.ready()
            await asyncio.sleep(dice.uniform(0, 2))
        await service.kill()
        if number == kills // 2:
            async with hold:
                await jetstream.call(world.bus, f"STREAM.DELETE.{world.topology.stream}")
                await ensure_event_stream(world.bus)
                for start in range(0, len(sent), 5_000):
                    await publish(world, *sent[start : start + 5_000])
    stop.set()
    await writing
    await service.start()
    await service.until_messages(world, token, len(sent))
    said = await service.verified()
    assert f"Equal: {len(sent):,} events" in said


async def test_sigterm_ends_it_well_and_what_was_counted_stays(world, service):
    ada = world.person()
    token = world.token(ada)
    await world.publish(*[world.message(ada) for _ in range(25)])
    process = await service.start()
    await service.ready()
    await service.until_messages(world, token, 25)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
    assert time.monotonic() - began < 60
    await service.kill()
    lines = service.output.decode().splitlines()
    assert [line for line in lines if not line.startswith("{")] == [], "one JSON object a line, also from the engine"
    assert any(json.loads(line)["event"] == "process.stopped" for line in lines)
    await service.start()
    await service.until_messages(world, token, 25)


async def test_without_its_directory_it_says_so_waits_and_catches_up(world, service, tmp_path: Path):
    ada = world.person()
    token = world.token(ada)
    (tmp_path / "ware house").write_text("not a directory")
    await world.publish(*[world.message(ada) for _ in range(25)])
    await service.start()
    await service.ready()
    path = f"/api/v1/workspaces/{world.workspace}/analytics/overview"
    status, body = await service.get(path, token)
    assert (status, body["code"]) == (503, "analytics_unavailable")
    late = await service.until(lambda ready: ready["dependencies"]["sink"]["state"] == "down")
    assert "clickhouse is away" in late["dependencies"]["sink"]["detail"]
    assert late["dependencies"]["clickhouse"]["state"] == "down"
    (tmp_path / "ware house").unlink()
    await service.until_messages(world, token, 25)
    await service.until(lambda ready: all(each["state"] == "up" for each in ready["dependencies"].values()))


async def test_a_second_process_on_the_same_directory_is_told_so(world, service):
    """chDB allows one: the second serves no reports, and takes over when the first is gone."""
    ada = world.person()
    token = world.token(ada)
    await world.publish(*[world.message(ada) for _ in range(5)])
    await service.start()
    await service.until_messages(world, token, 5)
    second = Service(service.environment | {"PORT": str(free_port())}, service._http)
    try:
        await second.start()
        ready = await second.until(lambda ready: ready["status"] == "ready")
        assert ready["dependencies"]["clickhouse"]["state"] == "down"
        await service.kill()
        await world.publish(world.message(ada))
        await second.until_messages(world, token, 6)
    finally:
        await second.kill()


async def test_a_bad_environment_is_named_and_ends_with_status_2(service):
    service.environment |= {"CLICKHOUSE_URL": "http://ada:hush@x", "CHAT_URL": ""}
    process = await service.run("serve")
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 2
    assert b"CLICKHOUSE_URL" in output
    assert b"CHAT_URL" in output
    assert b"hush" not in output


async def test_migrate_may_run_again_and_other_words_are_refused(service):
    for _ in range(2):
        process = await service.run("migrate")
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0, output
    process = await service.run("dance")
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 1
    assert b"serve | migrate | verify" in output
