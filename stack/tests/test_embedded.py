"""The whole real stack, from an empty directory."""

from collections.abc import Iterator

import pytest

from tertulia_client import Client
from tertulia_stack.background import BackgroundStack, eventually, living
from tertulia_stack.seed.people import PASSWORD

SERVICES = [
    "postgres",
    "nats",
    "chat-api",
    "chat-relay",
    "notify",
    "gateway",
    "search",
    "model",
    "bot",
    "analytics",
]

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackgroundStack]:
    with BackgroundStack(tmp_path_factory.mktemp("whole stack") / "data") as made:
        yield made


def test_every_service_is_ready_under_its_name(stack: BackgroundStack) -> None:
    status = stack.status()

    assert status["state"] == "ready"
    assert [service["name"] for service in status["services"]] == SERVICES
    assert all(service["ready"] for service in status["services"])


async def test_seed_fills_it_once(stack: BackgroundStack) -> None:
    first = stack.run("seed")
    second = stack.run("seed")

    assert "10 people, 6 channels, 3,000 messages" in first.stdout, first.stdout + first.stderr
    assert second.returncode == 0
    assert "already here" in second.stdout
    async with Client(stack.url) as client:
        await client.auth.login("mira", PASSWORD)
        (membership,) = await client.workspaces.mine()
        summaries = [one async for one in client.channels.list(membership.workspace.id)]
        messages = [
            message
            for summary in summaries
            for message in [one async for one in client.messages.oldest_first(summary.channel.id)]
            if message.system is None
        ]
    assert len(summaries) == 6
    assert len(messages) == 3000


async def test_an_interrupted_seed_goes_on_without_saying_anything_twice(stack: BackgroundStack) -> None:
    seed_file = stack.data_dir / "seed.json"
    seed_file.write_text(seed_file.read_text().replace("true", "false"))

    done = stack.run("seed")

    assert "0 messages" in done.stdout, done.stdout + done.stderr


def test_every_process_comes_back_after_kill_9_of_all_at_once(stack: BackgroundStack) -> None:
    former = {stack.kill(name) for name in SERVICES}

    def all_are_new_and_ready() -> bool:
        services = stack.status()["services"]
        return all(service["ready"] and service["pid"] not in former for service in services)

    eventually(all_are_new_and_ready, 120)


def test_stop_and_start_again_find_everybody(stack: BackgroundStack) -> None:
    pids = stack.pids()
    stack.stop()
    assert living(pids) == set()

    stack.start()

    assert "already here" in stack.run("seed").stdout


def test_logs_of_all_services_are_readable(stack: BackgroundStack) -> None:
    said = stack.run("logs", "-n", "3").stdout

    assert all(name in said for name in SERVICES)
