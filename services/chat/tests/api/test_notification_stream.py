"""From the event log over the stream to a decision, by consumers that are killed again and again."""

import asyncio
from contextlib import suppress

import pytest_asyncio

from tertulia_chat.notifications import consumer as deciders
from tertulia_chat.relay.relay import Pace, Relay
from tertulia_shared.bus import Bus, BusError

PATIENCE_S = 30


@pytest_asyncio.fixture(loop_scope="session")
async def stream(chat):
    """The relay of this test's own stream, which goes with it."""
    async with Bus(chat.bus.urls, "relay", chat.bus.topology) as bus:
        relay = asyncio.get_running_loop().create_task(
            Relay(chat.postgres_url, bus, Pace(poll_s=0.02, save_s=0.1, claim_s=0.2, verify_s=0.5)).run()
        )
        yield
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay
        with suppress(BusError):
            await bus.request(f"$JS.API.STREAM.DELETE.{chat.bus.topology.stream}", b"")


async def settled(chat, count):
    """Waits until so many were told, and a moment longer."""
    async with asyncio.timeout(PATIENCE_S):
        while len(await chat.sql("SELECT FROM notification")) < count:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)


async def test_everything_is_decided_once_however_often_a_consumer_is_killed(chat, stream, monkeypatch):
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    monkeypatch.setattr(deciders, "RETRY_S", 0.05)

    all_said = asyncio.Event()

    async def kill_and_start_again():
        while not all_said.is_set():
            component = deciders.consumer(chat.bus, chat.parts.database)
            task = asyncio.get_running_loop().create_task(component.run())
            await asyncio.sleep(0.15)
            task.cancel()
            await asyncio.wait([task])

    async with asyncio.TaskGroup() as killing:
        for _ in range(2):
            killing.create_task(kill_and_start_again())
        for number in range(40):
            await ann.say(workspace["general"], f"{number} @channel")
            await bob.say(workspace["general"], f"{number}")
        all_said.set()
    component = deciders.consumer(chat.bus, chat.parts.database)
    running = asyncio.get_running_loop().create_task(component.run())
    await settled(chat, 80)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    for person in (bob, cat):
        items = (await person.get(f"/workspaces/{workspace['id']}/notifications?limit=200"))["items"]
        assert [item["message"]["text"] for item in reversed(items)] == [f"{number} @channel" for number in range(40)]
    assert len(await chat.sql("SELECT FROM event_log WHERE type = 'notification.created'")) == 80
    assert await chat.sql("SELECT FROM dead_letter") == []
