"""Typing notices: to the members of the channel, while fresh, never stored."""

import asyncio
from typing import Any

CHANNEL = "c" * 36
OTHER = "d" * 36


async def test_members_see_who_types_and_the_typist_and_strangers_do_not(world: Any) -> None:
    ada, bob, eve = world.person(CHANNEL), world.person(CHANNEL), world.person(OTHER)
    async with world.notify() as first, world.notify() as second:
        hers = await first.stream(world.token(ada))
        his = await second.stream(world.token(bob))
        strangers = await first.stream(world.token(eve))
        for stream in (hers, his, strangers):
            await stream.hello()
        assert await first.typing(world.token(ada), CHANNEL) == 204
        frame = await his.next("typing")
        assert frame.id is None
        assert frame.data == {
            "type": "typing",
            "workspace_id": world.workspace,
            "channel_id": CHANNEL,
            "user_id": ada,
            "expires_in_ms": 6000,
        }
        await hers.silence(0.2)
        await strangers.silence(0.2)


async def test_more_often_than_every_three_seconds_is_accepted_and_not_passed_on(world: Any) -> None:
    ada, bob = world.person(CHANNEL, OTHER), world.person(CHANNEL, OTHER)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(bob))
        await stream.hello()
        for _ in range(5):
            assert await notify.typing(world.token(ada), CHANNEL) == 204
        assert await notify.typing(world.token(ada), OTHER) == 204
        assert (await stream.next("typing")).data["channel_id"] == CHANNEL
        assert (await stream.next("typing")).data["channel_id"] == OTHER
        await stream.silence(0.2)


async def test_who_has_just_joined_may_type_before_the_event_is_here(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL, OTHER)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(bob))
        await stream.hello()
        typing = asyncio.ensure_future(notify.typing(world.token(ada), OTHER))
        await asyncio.sleep(0.1)
        assert not typing.done()
        await world.publish(world.joined(OTHER, ada))
        assert await typing == 204
        assert (await stream.next("typing")).data["user_id"] == ada


async def test_a_channel_that_is_not_mine_is_not_there(world: Any) -> None:
    ada = world.person(CHANNEL)
    world.person(OTHER)
    async with world.notify() as notify:
        assert await notify.typing(world.token(ada), OTHER) == 404
        assert await notify.typing(world.token(ada), "nonsense") == 404
        assert await notify.typing("nonsense", CHANNEL) == 401


async def test_a_forged_or_broken_notice_on_the_bus_reaches_nobody(world: Any) -> None:
    ada, eve = world.person(CHANNEL), world.person(OTHER)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        subject = world.topology.typing(world.workspace, CHANNEL)
        forged = f'{{"workspace_id":"{world.workspace}","channel_id":"{CHANNEL}","user_id":"{eve}"}}'
        await world.bus.publish(subject, forged.encode())
        await world.bus.publish(subject, b"nonsense")
        await stream.silence(0.2)
