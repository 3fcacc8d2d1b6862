"""The operators' commands on the whole real stack, beside people who write."""

import asyncio
import json
from collections.abc import Iterator

import asyncpg
import pytest

from tertulia_client import Client
from tertulia_stack import ports
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.servers import PostgresServer

POISON = """
INSERT INTO dead_letter (consumer, event_id, event_type, stream, stream_seq, subject, headers, body, error, attempts)
VALUES ('search', 'e1', 'message.created', 'EVT', 1, 'evt.00.w.ch.c', '{"Ev-Type": "message.created"}', 'not json',
        'Malformed', 1)
RETURNING id
"""


def test_without_a_stack_they_say_so(tmp_path) -> None:
    idle = BackgroundStack(tmp_path / "idle")
    for words in (("dlq", "list"), ("replay", "--consumer", "search", "--from", "1"), ("relay", "status")):
        done = idle.run(*words)
        assert (done.returncode, done.stderr.split(":")[0]) == (3, "not_running")


pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackgroundStack]:
    """Without a part, whose database then does not exist."""
    made = BackgroundStack(tmp_path_factory.mktemp("operate") / "data", env={"RATE_LIMITS": "off"})
    made.start("--without", "bot")
    yield made
    made.stop()


def database(stack: BackgroundStack, name: str) -> str:
    home = Home(stack.data_dir)
    return PostgresServer(home.postgres, ports.remembered(home.ports_file)["postgres"]).url(f"tertulia_{name}")


async def test_an_operator_at_work_while_people_write(stack: BackgroundStack) -> None:
    async with Client(stack.url) as client:
        await client.auth.register(
            email="ada@example.org", username="ada", password="correct horse battery", display_name="Ada"
        )
        workspace = await client.workspaces.create("Tea")
        channel = await client.channels.create(workspace.id, "kettle")

        async def write(count: int) -> None:
            for number in range(count):
                await client.messages.send(channel.id, f"darjeeling {number}")
                await asyncio.sleep(0.01)

        await write(5)
        writing = asyncio.get_running_loop().create_task(write(200))
        run = asyncio.to_thread
        status = await run(stack.run, "relay", "status", "--json")
        assert len(json.loads(status.stdout)["shards"]) == 32, status.stderr
        dry = await run(stack.run, "relay", "rewind", "--to", "1", "--dry-run")
        assert "published again" in dry.stdout
        rewound = await run(stack.run, "relay", "rewind", "--to", "1", "--yes")
        assert rewound.returncode == 0, rewound.stderr
        for consumer in ("search", "notifications", "analytics"):
            replayed = await run(stack.run, "replay", "--consumer", consumer, "--from", "1", "--json")
            assert replayed.returncode == 0, replayed.stderr
            report = json.loads(replayed.stdout)
            assert report["handled"] == report["last"]
        await writing
        assert (await run(stack.run, "dlq", "list")).stdout == "No dead letters.\n"
        texts = [one.text async for one in client.messages.oldest_first(channel.id) if one.system is None]
        assert len(texts) == 205


async def test_a_dead_letter_over_all_services(stack: BackgroundStack) -> None:
    connection = await asyncpg.connect(database(stack, "search"))
    try:
        letter = await connection.fetchval(POISON)
    finally:
        await connection.close()
    listed = await asyncio.to_thread(stack.run, "dlq", "list")
    assert f"search:{letter}" in listed.stdout
    assert "not json" in (await asyncio.to_thread(stack.run, "dlq", "show", f"search:{letter}")).stdout
    retried = await asyncio.to_thread(stack.run, "dlq", "retry", f"search:{letter}", "--json")
    assert retried.returncode == 1
    assert json.loads(retried.stdout)["retried"][0]["result"] == "failed"
    assert json.loads((await asyncio.to_thread(stack.run, "dlq", "list", "--json")).stdout)["total"] == 1


def test_help_is_that_of_the_command(stack: BackgroundStack) -> None:
    assert "CONSUMER:NUMBER" in stack.run("dlq", "retry", "--help").stdout
    assert "--dry-run" in stack.run("relay", "rewind", "--help").stdout
