"""AI runs on their way: deltas and steps reach the channel's people as they come, and their durable facts with them."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tertulia_shared import events

CHANNEL = "c" * 36
OTHER = "d" * 36
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def _delta(world: Any, offset: int, text: str, channel: str = CHANNEL, run: str = "r1") -> events.RunDelta:
    return events.RunDelta(
        workspace_id=world.workspace, channel_id=channel, run_id=run, attempt=1, offset=offset, text=text
    )


async def _tell(world: Any, notice: events.RunDelta | events.RunStep) -> None:
    await world.bus.publish(world.topology.run(notice.workspace_id, notice.channel_id), events.encode(notice))


def _run(world: Any, state: events.RunState, text: str = "") -> events.Run:
    return events.Run(
        id="r1",
        workspace_id=world.workspace,
        channel_id=CHANNEL,
        asker_id="ada",
        command="ask",
        prompt="why?",
        state=state,
        created_at=NOW,
        text=text,
    )


async def test_the_channels_people_see_the_answer_grow_and_strangers_do_not(world: Any) -> None:
    ada, bob, eve = world.person(CHANNEL), world.person(CHANNEL), world.person(OTHER)
    async with world.notify() as first, world.notify() as second:
        hers, his = await first.stream(world.token(ada)), await second.stream(world.token(bob))
        strangers = await first.stream(world.token(eve))
        for stream in (hers, his, strangers):
            await stream.hello()
        await world.publish(
            world.event(events.RunStarted(run=_run(world, events.RunState.QUEUED)), "ch", CHANNEL),
        )
        for stream in (hers, his):
            assert (await stream.next()).event == "run.started"
        step = events.RunStep(
            workspace_id=world.workspace, channel_id=CHANNEL, run_id="r1", attempt=1, step="searching", count=3
        )
        await _tell(world, step)
        await _tell(world, _delta(world, 0, "Because"))
        for stream in (hers, his):
            frame = await stream.next()
            assert (frame.event, frame.id) == ("run.step", None)
            assert frame.data == json.loads(events.encode(step))
            frame = await stream.next()
            assert (frame.event, frame.id) == ("run.delta", None)
            assert frame.data == json.loads(events.encode(_delta(world, 0, "Because")))
        await world.publish(
            world.event(events.RunFinished(run=_run(world, events.RunState.DONE, "Because")), "ch", CHANNEL),
        )
        assert (await his.next()).event == "run.finished"
        await strangers.silence(0.2)


@pytest.mark.parametrize("pace_s", [0, 0.001])
async def test_a_healthy_connection_gets_every_letter_of_a_fast_answer(world: Any, pace_s: float) -> None:
    ada = world.person(CHANNEL)
    words = [f"wörd{number} " for number in range(500)]
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        offset = 0
        for number, word in enumerate(words):
            await _tell(world, _delta(world, offset, word))
            offset += len(word)
            if number % 50 == 0:
                await world.publish(world.message(CHANNEL, "between"))
            if pace_s:
                await asyncio.sleep(pace_s)
        seen = ""
        while len(seen) < offset:
            frame = await stream.next("run.delta")
            assert frame.data["offset"] == len(seen), "no hole and nothing twice"
            seen += frame.data["text"]
        assert seen == "".join(words)


async def test_who_was_removed_sees_no_more_of_it(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify() as notify:
        hers, his = await notify.stream(world.token(ada)), await notify.stream(world.token(bob))
        await hers.hello()
        await his.hello()
        await _tell(world, _delta(world, 0, "one"))
        assert (await his.next("run.delta")).data["text"] == "one"
        await world.publish(world.left(CHANNEL, bob))
        assert (await his.next()).event == "member.left"
        await _tell(world, _delta(world, 3, "two"))
        assert (await hers.next("run.delta")).data["text"] == "one"
        assert (await hers.next("run.delta")).data["text"] == "two"
        await his.silence(0.2)


async def test_a_delta_with_a_wrong_address_or_a_broken_body_reaches_nobody(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        subject = world.topology.run(world.workspace, OTHER)
        await world.bus.publish(subject, events.encode(_delta(world, 0, "meant for another channel")))
        right = world.topology.run(world.workspace, CHANNEL)
        for body in (b"nonsense", b'{"type":"run.delta"}', b'{"type":"run.later","workspace_id":"w","channel_id":"c"}'):
            await world.bus.publish(right, body)
        other = {"type": "run.later", "workspace_id": world.workspace, "channel_id": CHANNEL}
        await world.bus.publish(right, json.dumps(other).encode())
        await stream.silence(0.2)
        await _tell(world, _delta(world, 0, "good"))
        assert (await stream.next()).data["text"] == "good"


async def test_a_long_poll_waits_on_while_an_answer_is_being_written(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        cursor = (await notify.poll(world.token(ada), timeout=0))["cursor"]
        polling = asyncio.ensure_future(notify.poll(world.token(ada), cursor, 10))
        for number in range(20):
            await _tell(world, _delta(world, number, "x"))
            await asyncio.sleep(0.01)
        assert not polling.done()
        await world.publish(world.message(CHANNEL, "at last"))
        assert [event["type"] for event in (await polling)["events"]] == ["message.created"]


async def test_edits_deletions_and_archiving_are_delivered_replayed_and_polled_like_any_event(world: Any) -> None:
    ada = world.person(CHANNEL)
    message = events.Message(
        id="m1",
        workspace_id=world.workspace,
        channel_id=CHANNEL,
        ch_seq=2,
        author_id=ada,
        text="",
        client_msg_id="x",
        created_at=NOW,
    )
    facts = [
        events.MessageUpdated(message=message),
        events.MessageDeleted(message=message),
        events.ChannelArchived(channel=world.channel(CHANNEL)),
        events.RunStarted(run=_run(world, events.RunState.QUEUED)),
        events.RunFinished(run=_run(world, events.RunState.FAILED)),
    ]
    names = [fact.type for fact in facts]
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        cursor = (await stream.hello())["cursor"]
        numbers = [world.next_seq(CHANNEL), world.next_seq(CHANNEL), world.next_seq(CHANNEL), None, None]
        await world.publish(
            *(world.event(fact, "ch", CHANNEL, ch_seq=n) for fact, n in zip(facts, numbers, strict=True))
        )
        assert [frame.event for frame in await stream.durable(5)] == names
        again = await notify.stream(world.token(ada), cursor=cursor)
        await again.hello()
        assert [frame.event for frame in await again.durable(5)] == names
        assert [event["type"] for event in (await notify.poll(world.token(ada), cursor))["events"]] == names
