"""Nothing is lost, doubled, reordered or leaked while processes die under the conversation."""

import asyncio
from collections import Counter

import pytest

from tertulia_client import ChannelKind, Client, Message
from tertulia_stack.background import BackgroundStack
from tertulia_stack.ports import is_free

from .faults import delete_stream, kept_down, kill, pid_of, port_of, until_ready
from .people import Listener, founded, listening, people

WRITERS = 4
"""Of each person."""
PAUSE_S = 0.04
"""Between two messages of a writer: slow enough that every fault meets a conversation that is going on."""
VICTIMS = ("notify", "chat-relay", "chat-api", "nats", "postgres")


async def write(client: Client, channels: list[str], texts: list[str], acknowledged: list[Message]) -> None:
    for number, text in enumerate(texts):
        acknowledged.append(await client.send(channels[number % len(channels)], text))
        await asyncio.sleep(PAUSE_S)


async def strike(stack: BackgroundStack, acknowledged: list[Message], messages: int) -> dict[str, int]:
    """Kill one victim after the other, spread evenly over the conversation. Their process ids."""
    killed: dict[str, int] = {}
    for number, victim in enumerate(VICTIMS, start=1):
        while len(acknowledged) < messages * number // (len(VICTIMS) + 1):
            await asyncio.sleep(0.02)
        killed[victim] = await kill(stack, victim)
    return killed


async def truth(client: Client, channel: str) -> list[Message]:
    """What somebody wrote."""
    messages = client.messages.oldest_first(channel, page_size=200)
    return [message async for message in messages if message.system is None]


def assert_saw_exactly(listener: Listener, channel: str, expected: list[Message]) -> None:
    who = listener.client.user.display_name
    seen = listener.messages(channel)
    doubled = [key for key, count in Counter(m.id for m in seen).items() if count > 1]
    missing = {m.id for m in expected} - {m.id for m in seen}
    assert not doubled, f"{who} saw {len(doubled)} messages more than once"
    assert not missing, f"{who} missed {len(missing)} of {len(expected)} messages"
    assert seen == expected, f"{who} saw another order or other contents"
    assert listener.resets == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("messages", [1_200, pytest.param(5_000, marks=pytest.mark.full)])
async def test_every_acknowledged_message_arrives_once_and_in_order_while_everything_is_killed(
    stack: BackgroundStack, messages: int
):
    async with people(stack, "Ada", "Ben", "Carl", "Dora") as (ada, ben, carl, dora):
        workspace, general = await founded(ada, ben, carl)
        await founded(dora)
        room = (await ada.channels.create(workspace.id, "room", kind=ChannelKind.PRIVATE)).id
        await ada.channels.add_member(room, ben.user.id)
        acknowledged: list[Message] = []
        async with listening(ada, ben, carl, dora) as (adas, bens, carls, doras):
            share = messages // (2 * WRITERS)
            async with asyncio.TaskGroup() as group:
                killed = group.create_task(strike(stack, acknowledged, messages))
                for client in (ada, ben):
                    for writer in range(WRITERS):
                        texts = [f"{client.user.display_name} {writer}/{n}" for n in range(share)]
                        group.create_task(write(client, [general, room], texts, acknowledged))
            await until_ready(stack)
            assert all(pid_of(stack, victim) not in (None, pid) for victim, pid in killed.result().items())
            in_general, in_room = await truth(ada, general), await truth(ada, room)
            for listener in (adas, bens):
                await listener.until(lambda me: len(me.messages(room)) >= len(in_room), 60)
            for listener in (adas, bens, carls):
                await listener.until(lambda me: len(me.messages(general)) >= len(in_general), 60)
            await asyncio.sleep(1)  # A second copy, or a leak, would still be on its way.

        assert len(acknowledged) == messages
        by_place = sorted(acknowledged, key=lambda message: (message.channel_id != general, message.ch_seq))
        assert by_place == [*in_general, *in_room], "what was acknowledged is not what is stored"
        for listener in (adas, bens):
            assert_saw_exactly(listener, room, in_room)
        for listener in (adas, bens, carls):
            assert_saw_exactly(listener, general, in_general)
        assert carls.events(room) == []
        assert [event for event in doras.events() if event.workspace_id == workspace.id] == []


async def test_posting_goes_on_without_nats_and_delivery_catches_up(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        _, general = await founded(ada, ben)
        async with listening(ada, ben) as listeners:
            was_down = 0
            async with kept_down(stack, "nats"):
                for number in range(60):
                    # No patience: the very first attempt has to succeed.
                    await ada.messages.send(general, f"without NATS {number}", patience_s=0)
                    was_down += is_free(port_of(stack, "nats"))
                    await asyncio.sleep(0.05)
            assert was_down > 30
            expected = await truth(ada, general)
            for listener in listeners:
                await listener.until(lambda me: len(me.messages(general)) >= 60, 60)
                assert_saw_exactly(listener, general, expected)
        await until_ready(stack)


async def test_nothing_is_lost_when_the_stream_is_deleted_under_the_relay(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben", "Carl") as (ada, ben, carl):
        _, general = await founded(ada, ben, carl)
        async with carl.stream() as stream:
            await anext(stream)
            carls_positions = stream.positions
        async with listening(ada, ben) as listeners:
            for number in range(100):
                await ada.send(general, f"message {number}")
                if number == 50:
                    await delete_stream(stack)
            expected = await truth(ada, general)
            assert len(expected) == 100
            for listener in listeners:
                await listener.until(lambda me: len(me.messages(general)) >= 100, 60)
                assert_saw_exactly(listener, general, expected)
        late = Listener(carl)
        async with carl.stream(carls_positions) as stream, asyncio.timeout(30):
            while len(late.messages(general)) < 100:
                late.items.append(await anext(stream))
        assert_saw_exactly(late, general, expected)
