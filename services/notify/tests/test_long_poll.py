"""`GET /api/v1/events`: the same events, asked for."""

import asyncio
import time
from typing import Any

from tertulia_notify.admission import Admission
from tertulia_notify.delivery.resume import Resumer
from tertulia_notify.http.long_poll import LongPoll
from tertulia_notify.limits import Limits
from tertulia_shared.tokens import Claims, RemoteJwks, TokenVerifier

CHANNEL = "c" * 36
OTHER = "d" * 36


async def test_polling_in_a_loop_sees_everything_once_and_in_order(world: Any) -> None:
    ada = world.person(CHANNEL)
    token = world.token(ada)
    async with world.notify() as notify:
        cursor = (await notify.poll(token))["cursor"]

        async def write() -> None:
            for number in range(100):
                await world.publish(world.message(CHANNEL, str(number)), world.message(OTHER, "secret"))

        writing = asyncio.ensure_future(write())
        seen: list[str] = []
        while len(seen) < 100:
            answer = await notify.poll(token, cursor)
            assert answer["reset"] is None
            seen += [event["data"]["message"]["text"] for event in answer["events"]]
            cursor = answer["cursor"]
        await writing
        assert seen == [str(number) for number in range(100)]


async def test_without_news_it_waits_and_answers_an_empty_list_with_a_newer_cursor(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        cursor = (await notify.poll(world.token(ada)))["cursor"]
        await world.publish(world.message(OTHER))
        started = time.monotonic()
        answer = await notify.poll(world.token(ada), cursor, timeout=0.3)
        assert time.monotonic() - started >= 0.3
        assert (answer["events"], answer["reset"]) == ([], None)
        assert answer["cursor"] != cursor


async def test_news_ends_the_waiting(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        cursor = (await notify.poll(world.token(ada)))["cursor"]
        polling = asyncio.ensure_future(notify.poll(world.token(ada), cursor, timeout=20))
        await asyncio.sleep(0.1)
        message = world.message(CHANNEL, "news")
        await world.publish(message)
        answer = await asyncio.wait_for(polling, 5)
        assert [event["data"]["message"]["text"] for event in answer["events"]] == ["news"]


async def test_an_event_that_comes_as_the_time_runs_out_is_not_skipped(world: Any) -> None:
    """The loop was busy: the event and the deadline are handled in one turn, and the woken poll runs after both."""
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=60)) as notify:
        hub = notify.parts.hub
        admission = Admission(hub, TokenVerifier(RemoteJwks(world.chat.url)), lambda: True, Limits())
        polls = LongPoll(hub, admission, Resumer(world.bus, hub, world.sealer, Limits()))
        message = world.message(CHANNEL, "at the last moment")

        def arrive() -> None:
            hub.accept(hub.head + 1, message.subject, message.headers, message.data)
            hub.settle()

        loop = asyncio.get_running_loop()
        loop.call_later(0.1, time.sleep, 0.5)
        loop.call_later(0.2, arrive)
        answer = await polls.ask(Claims(ada, "session", 0, time.time() + 900), hub.cursor(ada), 0.4)
        assert len(answer.bodies) == 1
        assert b"at the last moment" in answer.bodies[0]


async def test_a_stream_can_go_on_where_a_poll_ended_and_the_other_way_round(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        cursor = (await notify.poll(world.token(ada)))["cursor"]
        await world.publish(world.message(CHANNEL, "one"))
        stream = await notify.stream(world.token(ada), cursor=cursor)
        await stream.hello()
        assert await stream.texts(1) == ["one"]
        await world.publish(world.message(CHANNEL, "two"))
        answer = await notify.poll(world.token(ada), stream.last_id)
        assert [event["data"]["message"]["text"] for event in answer["events"]] == ["two"]


async def test_bad_parameters_and_tokens_have_their_answers(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        assert (await notify.poll(world.token(ada), timeout=31))["code"] == "validation_failed"
        assert (await notify.poll(world.token(ada), "x" * 600))["code"] == "validation_failed"
        assert (await notify.poll("nonsense"))["code"] == "unauthenticated"


async def test_a_session_that_ends_while_polling_is_told(world: Any) -> None:
    ada = world.person(CHANNEL)
    token = world.token(ada, session="gone")
    async with world.notify() as notify:
        cursor = (await notify.poll(token))["cursor"]
        polling = asyncio.ensure_future(notify.poll(token, cursor, timeout=20))
        await asyncio.sleep(0.1)
        await world.publish(world.revoked("gone", ada))
        assert (await asyncio.wait_for(polling, 5))["status"] == 401


async def test_a_draining_process_lets_polls_go(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(drain_s=0.1)) as notify:
        cursor = (await notify.poll(world.token(ada)))["cursor"]
        polling = asyncio.ensure_future(notify.poll(world.token(ada), cursor, timeout=20))
        await asyncio.sleep(0.1)
        await notify.parts.upkeep.drain()
        answer = await asyncio.wait_for(polling, 5)
        assert (answer["events"], answer["status"]) == ([], 200)
