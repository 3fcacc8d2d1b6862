"""`relay status` and `relay rewind` on a system that is at work."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
import structlog

from tertulia_chat.relay.command import parsed, perform
from tertulia_shared.bus import stream_state
from tertulia_shared.events import SHARDS
from tertulia_shared.events.subjects import H_LOG_ID, H_MSG_ID
from tertulia_shared.operators.command import completed
from tertulia_shared.operators.connect import OperatorSettings


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def found(self) -> dict:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def _no_logs():
    """The relays run in this process and would write where the commands write."""

    def drop(*_):
        raise structlog.DropEvent

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[drop])
    yield
    structlog.configure(processors=before)


@pytest.fixture
def operate(scene, capsys):
    async def run(*words: str, nats: str | None = None, postgres: str | None = None) -> Done:
        settings = OperatorSettings(
            postgres_url=postgres or scene.postgres_url,
            nats_url=nats or scene.nats_url,
            nats_prefix=scene.topology.prefix,
        )
        given = parsed(words)
        capsys.readouterr()
        status = await completed(perform(settings, given), as_json=given.json)
        written = capsys.readouterr()
        return Done(status, written.out.strip(), written.err)

    return run


async def rewound_in_the_stream(scene, until, count: int) -> list:
    """All that the stream holds, once it holds so many messages."""

    async def there() -> bool:
        return (await stream_state(scene.bus)).messages >= count

    await until(there)
    return await scene.stored()


FORGOTTEN_S = 3.0


@pytest.fixture
def short_memory(monkeypatch) -> None:
    """The stream remembers ids for a second instead of five minutes; after `FORGOTTEN_S` it has forgotten them."""
    monkeypatch.setattr("tertulia_shared.bus.streams.DUPLICATE_WINDOW_S", 1)


# -- status --------------------------------------------------------------------------------------------------------


async def test_status_tells_who_leads_and_that_nothing_waits(scene, until, operate):
    async with scene.relay() as one, scene.relay() as two:
        await until(lambda: len(one.positions) == len(two.positions) == 16)
        await scene.fill(60)
        await scene.settled()

        async def nothing_waits() -> bool:
            found = (await operate("status", "--json")).found
            return all(shard["backlog"] == 0 for shard in found["shards"])

        await until(nothing_waits)
        done = await operate("status", "--json")
        found, state = done.found, await stream_state(scene.bus)
        assert (done.status, found["problems"]) == (0, [])
        assert [shard["shard"] for shard in found["shards"]] == list(range(SHARDS))
        assert {shard["incarnation"] for shard in found["shards"]} == {state.incarnation}
        assert max(shard["stream_seq"] for shard in found["shards"]) == state.last_seq
        leaders = Counter(shard["leader"]["pid"] for shard in found["shards"])
        assert sorted(leaders.values()) == [16, 16]
        assert all(shard["leader"]["name"].startswith("tertulia relay ") for shard in found["shards"])
        table = (await operate("status")).out
        assert "waiting: 0 events" in table
        assert len([line for line in table.splitlines() if "tertulia relay" in line]) == SHARDS


async def test_status_without_a_relay_counts_what_waits(scene, until, operate):
    async with scene.relay() as relay:
        await until(lambda: len(relay.positions) == SHARDS)
        await scene.fill(10)
        await scene.settled()
        await asyncio.sleep(0.3)
    await scene.fill(40)
    done = await operate("status", "--json")
    found = done.found
    assert done.status == 1
    assert found["problems"] == ["nobody publishes all shards: no relay runs, or it lost PostgreSQL"]
    assert sum(shard["backlog"] for shard in found["shards"]) == 40
    assert all((shard["oldest_unpublished_s"] > 0) == (shard["backlog"] > 0) for shard in found["shards"])
    assert all(shard["leader"] is None for shard in found["shards"])


async def test_status_without_the_servers_says_which_is_away(scene, operate):
    without_nats = await operate("status", "--json", nats="nats://127.0.0.1:1")
    assert (without_nats.status, without_nats.found["stream"]) == (1, None)
    assert "NATS is away" in without_nats.found["problems"][0]
    without_postgres = await operate("status", postgres="postgresql://nobody@127.0.0.1:1/nothing")
    assert without_postgres.status == 3
    assert without_postgres.err.startswith("postgres_unavailable: ")


# -- rewind --------------------------------------------------------------------------------------------------------


async def test_a_dry_run_says_what_would_be_and_changes_nothing(scene, until, operate):
    async with scene.relay():
        await scene.fill(30)
        stored = await scene.settled()
        await asyncio.sleep(0.3)
        before = (await operate("status", "--json")).found
        first = min(int(message.headers[H_LOG_ID]) for message in stored)
        done = await operate("rewind", "--to", str(first), "--dry-run", "--json")
        assert (done.found["events"], done.found["shards"], done.found["done"]) == (30, SHARDS, False)
        assert "--dry-run" in (await operate("rewind", "--to", str(first), "--dry-run")).out
        after = (await operate("status", "--json")).found
        assert [shard["watermark"] for shard in before["shards"]] == [shard["watermark"] for shard in after["shards"]]


@pytest.mark.parametrize("by", ["log id", "event id", "time"])
async def test_a_rewind_publishes_again_in_order_while_people_write(short_memory, scene, until, operate, by):
    async with scene.relay() as one, scene.relay() as two, scene.connection() as other, other.transaction():
        await until(lambda: len(one.positions) == len(two.positions) == 16)
        # A transaction stays open all the while: it makes nothing go out again that was not asked for.
        await other.execute("SELECT pg_current_xact_id()")
        await scene.fill(100)
        early = await scene.settled()
        await asyncio.sleep(0.02)
        begin = datetime.now(UTC)
        await asyncio.sleep(0.02)
        await scene.fill(100)
        stored = await scene.settled()
        await asyncio.sleep(FORGOTTEN_S)
        place = await place_of(scene, begin, by)
        writing = asyncio.create_task(write(scene, 150))
        done = await operate("rewind", "--to", place, "--yes", "--json")
        assert (done.status, done.found["done"], done.found["shards"]) == (0, True, SHARDS)
        await writing
        # `check`: nothing missing, nothing invented, every channel in its order.
        await rewound_in_the_stream(scene, until, 100 + 100 + 100 + 150)
        again = await scene.check()
        copies = Counter(message.headers[H_LOG_ID] for message in again)
        kept = {message.headers[H_LOG_ID] for message in early}
        assert {copies[log_id] for log_id in kept} == {1}
        assert {copies[message.headers[H_LOG_ID]] for message in stored if message.headers[H_LOG_ID] not in kept} == {2}
        names = {message.headers[H_LOG_ID]: message.headers[H_MSG_ID] for message in stored}
        assert all(names.get(one.headers[H_LOG_ID], one.headers[H_MSG_ID]) == one.headers[H_MSG_ID] for one in again)
        await until(lambda: len(one.positions) + len(two.positions) == SHARDS)


async def place_of(scene, begin: datetime, by: str) -> str:
    async with scene.connection() as connection:
        row = await connection.fetchrow(
            "SELECT id, event_id FROM event_log WHERE created_at >= $1 ORDER BY id LIMIT 1", begin
        )
    return {"log id": str(row["id"]), "event id": str(row["event_id"]), "time": begin.isoformat()}[by]


async def write(scene, count: int) -> None:
    async with scene.connection() as connection:
        for _ in range(count):
            await scene.post(connection)
            await asyncio.sleep(0.005)


async def test_what_the_stream_remembers_is_not_stored_twice(scene, until, operate):
    async with scene.relay():
        await scene.fill(50)
        await scene.settled()
        for _ in range(2):
            assert (await operate("rewind", "--to", "1", "--yes")).status == 0
        await scene.fill(5)
        assert len(await scene.check()) == 55


async def test_a_rewind_without_a_relay_is_taken_up_by_the_next_one(short_memory, scene, operate):
    async with scene.relay():
        await scene.fill(20)
        await scene.settled()
        await asyncio.sleep(0.3)
    await scene.fill(7)
    await asyncio.sleep(FORGOTTEN_S)
    assert (await operate("rewind", "--to", "1", "--yes")).status == 0
    waiting = (await operate("status", "--json")).found
    assert sum(shard["backlog"] for shard in waiting["shards"]) == 27
    async with scene.relay():
        assert len(await scene.check()) == 47


async def test_a_shard_that_has_not_come_so_far_is_never_moved_forward(scene, operate):
    async with scene.relay():
        await scene.fill(20)
        await scene.settled()
        await asyncio.sleep(0.3)
    await scene.fill(30)
    newest = max(await scene.logged())
    assert (await operate("rewind", "--to", str(newest), "--yes")).status == 0
    async with scene.relay():
        await scene.check()


async def test_what_stops_a_rewind_has_a_code(scene, operate, monkeypatch):
    nothing = await operate("rewind", "--to", "1", "--yes")
    assert nothing.err.startswith("event_not_found: ")
    async with scene.relay():
        await scene.fill(3)
        await scene.settled()
        await asyncio.sleep(0.3)
    cases = {
        "event_not_found": (1, ("--to", "0199d1c2-7a40-7000-8000-000000000001", "--yes")),
        "bad_place": (2, ("--to", "yesterday", "--yes")),
        "not_confirmed": (1, ("--to", "1")),
    }
    for code, (status, words) in cases.items():
        done = await operate("rewind", *words)
        assert (done.status, done.err.split(":")[0]) == (status, code), done
    waiting = (await operate("status", "--json")).found
    assert sum(shard["backlog"] for shard in waiting["shards"]) == 0


async def test_as_a_process_of_its_own(scene):
    """What `kubectl exec` and `docker compose exec` start."""
    await scene.fill(3)
    environment = os.environ | {
        "POSTGRES_URL": scene.postgres_url,
        "NATS_URL": scene.nats_url,
        "NATS_PREFIX": scene.topology.prefix,
    }

    def run(*words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "tertulia_chat", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    async with scene.relay():
        await scene.settled()
        status = await asyncio.to_thread(run, "relay", "status", "--json")
        assert len(json.loads(status.stdout)["shards"]) == SHARDS
        rewound = await asyncio.to_thread(run, "relay", "rewind", "--to", "1", "--yes")
        assert (rewound.returncode, rewound.stderr) == (0, "")
        listed = await asyncio.to_thread(run, "dlq", "list")
        assert (listed.returncode, listed.stdout, listed.stderr) == (0, "No dead letters.\n", "")
        unknown = await asyncio.to_thread(run, "relay", "forward")
        assert unknown.returncode == 2
