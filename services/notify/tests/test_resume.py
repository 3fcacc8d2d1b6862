"""Coming back: from the ring, from the stream, or an honest reset; never a hole, never twice."""

import asyncio
import base64
import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tertulia_notify.limits import Limits
from tertulia_shared.bus import reader, stream_state
from tertulia_shared.cursors import CursorSealer, Position
from tertulia_shared.settings import SecretKeys

CHANNEL = "c" * 36
OTHER = "d" * 36
SMALL_RING = Limits(ring_events=5, warm_events=5)


async def _epoch(world: Any) -> str:
    return (await stream_state(world.bus)).incarnation


async def test_from_the_ring_by_last_event_id(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(world.message(CHANNEL, "one"))
        assert await stream.texts(1) == ["one"]
        stream.answer.close()
        await world.publish(world.message(CHANNEL, "two"), world.message(OTHER, "secret"))
        again = await notify.stream(world.token(ada), last_event_id=stream.last_id)
        assert (await again.hello())["resumed"] is True
        await world.publish(world.message(CHANNEL, "three"))
        assert await again.texts(2) == ["two", "three"]


async def test_from_the_cursor_that_hello_gave(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        first = await notify.stream(world.token(ada))
        cursor = (await first.hello())["cursor"]
        await world.publish(world.message(CHANNEL, "one"))
        await first.texts(1)
        again = await notify.stream(world.token(ada), cursor=cursor)
        hello = await again.hello()
        assert hello["resumed"] is True
        # The cursor of a resumed hello is where the replay begins: losing the connection in its middle loses nothing.
        assert world.sealer.open(hello["cursor"], ada, datetime.now(UTC)).seq == 0
        assert await again.texts(1) == ["one"]


async def test_from_the_stream_when_the_ring_no_longer_reaches(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(SMALL_RING) as notify:
        cursor = (await (await notify.stream(world.token(ada))).hello())["cursor"]
        await world.publish(*(world.message((CHANNEL, OTHER)[number % 2], str(number)) for number in range(60)))
        await _handled(notify, 60)
        again = await notify.stream(world.token(ada), cursor=cursor)
        assert (await again.hello())["resumed"] is True
        await world.publish(world.message(CHANNEL, "live"))
        assert await again.texts(31) == [*(str(number) for number in range(0, 60, 2)), "live"]


async def test_after_a_restart_the_ring_is_warm(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        cursor = (await (await notify.stream(world.token(ada))).hello())["cursor"]
    await world.publish(*(world.message(CHANNEL, str(number)) for number in range(20)))
    async with world.notify() as notify:
        assert len(notify.parts.hub.ring) == 20
        again = await notify.stream(world.token(ada), cursor=cursor)
        assert (await again.hello())["resumed"] is True
        assert await again.texts(20) == [str(number) for number in range(20)]


@pytest.mark.parametrize(
    "limits",
    [Limits(max_scanned=50), Limits(max_sent=50), Limits(max_sent_bytes=10_000)],
    ids=["scan", "sent", "bytes"],
)
async def test_too_far_back_is_a_reset_and_live_from_there(world: Any, limits: Limits) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(limits) as notify:
        cursor = (await (await notify.stream(world.token(ada))).hello())["cursor"]
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(60)))
        await _handled(notify, 60)
        again = await notify.stream(world.token(ada), cursor=cursor)
        assert (await again.hello())["resumed"] is False
        reset = await again.next()
        assert (reset.event, reset.data["reason"]) == ("reset", "too_far")
        assert world.sealer.open(reset.data["cursor"], ada, datetime.now(UTC)).seq == 60
        await world.publish(world.message(CHANNEL, "live"))
        assert await again.texts(1) == ["live"]


async def test_what_the_stream_no_longer_holds_is_a_reset(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(SMALL_RING) as notify:
        cursor = (await (await notify.stream(world.token(ada))).hello())["cursor"]
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(30)))
        await _handled(notify, 30)
        await world.bus.request(f"$JS.API.STREAM.PURGE.{world.topology.stream}", b'{"seq":10}')
        again = await notify.stream(world.token(ada), cursor=cursor)
        assert (await again.next("reset")).data["reason"] == "too_far"


async def test_cursors_that_do_not_hold_are_a_reset_with_the_reason(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify() as notify:
        own = (await (await notify.stream(world.token(ada))).hello())["cursor"]
        foreign = (await (await notify.stream(world.token(bob))).hello())["cursor"]
        here = Position(await _epoch(world), 0)
        old = world.sealer.seal_user(ada, here, datetime.now(UTC) - timedelta(days=8))
        tampered = own[:-3] + ("AAA" if own[-3:] != "AAA" else "BBB")
        stranger = CursorSealer(SecretKeys(b"x" * 32)).seal_user(ada, here, datetime.now(UTC))
        ahead = world.sealer.seal_user(ada, Position(here.epoch, 99), datetime.now(UTC))
        other_life = world.sealer.seal_user(ada, Position("00" * 8, 0), datetime.now(UTC))
        for cursor, reason in [
            (foreign, "foreign"),
            (old, "expired"),
            (tampered, "invalid"),
            (stranger, "invalid"),
            ("nonsense", "invalid"),
            ("é€", "invalid"),
            (ahead, "epoch"),
            (other_life, "epoch"),
        ]:
            stream = await notify.stream(world.token(ada), cursor=cursor)
            assert (await stream.hello())["resumed"] is False
            reset = await stream.next()
            assert (reset.event, reset.data["reason"]) == ("reset", reason), cursor
            polled = await notify.poll(world.token(ada), cursor)
            assert (polled["events"], polled["reset"]) == ([], reason)
            assert (await notify.poll(world.token(ada), polled["cursor"], timeout=0))["reset"] is None


async def test_the_last_event_id_wins_over_the_cursor_unless_that_is_anothers(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify() as notify:
        first = await notify.stream(world.token(ada))
        cursor = (await first.hello())["cursor"]
        await world.publish(world.message(CHANNEL, "one"), world.message(CHANNEL, "two"))
        place = (await first.durable(1))[0].id
        again = await notify.stream(world.token(ada), cursor=cursor, last_event_id=place)
        assert await again.texts(1) == ["two"] if await again.hello() else False
        stale = world.sealer.seal_user(ada, Position(await _epoch(world), 0), datetime.now(UTC) - timedelta(days=8))
        again = await notify.stream(world.token(ada), cursor=stale, last_event_id=place)
        assert (await again.hello())["resumed"] is True
        other = await notify.stream(world.token(bob), cursor=cursor, last_event_id=place)
        assert (await other.next("reset")).data["reason"] == "foreign"


async def test_a_cursor_a_moment_ahead_of_us_is_waited_for(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(ahead_s=5)) as notify:
        position = Position(await _epoch(world), 1)
        connecting = asyncio.ensure_future(
            notify.stream(world.token(ada), cursor=world.sealer.seal_user(ada, position, datetime.now(UTC)))
        )
        await asyncio.sleep(0.1)
        await world.publish(world.message(CHANNEL, "in the snapshot"), world.message(CHANNEL, "after"))
        stream = await connecting
        assert (await stream.hello())["resumed"] is True
        assert await stream.texts(1) == ["after"]


async def test_too_many_catch_ups_at_once_are_told_to_come_back(world: Any) -> None:
    ada = world.person(CHANNEL)
    limits = Limits(ring_events=5, warm_events=5, catch_ups=0, catch_up_queue_s=0.1)
    async with world.notify(limits) as notify:
        cursor = (await (await notify.stream(world.token(ada))).hello())["cursor"]
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(20)))
        await _handled(notify, 20)
        refused = await notify.stream(world.token(ada), cursor=cursor)
        assert (refused.status, (await refused.answer.json())["code"]) == (503, "dependency_unavailable")
        assert len(notify.parts.hub.registry) == 1, "the refused one is forgotten"


@pytest.mark.parametrize("limits", [Limits(), SMALL_RING], ids=["ring", "stream"])
@pytest.mark.parametrize("seed", range(4))
async def test_connecting_while_others_write_loses_nothing_and_doubles_nothing(
    world: Any, limits: Limits, seed: int
) -> None:
    """Clients come with every kind of place while events pour in; each sees exactly what follows its place."""
    chance = random.Random(seed)
    total, written = 400, 0
    person = world.person(CHANNEL)
    token = world.token(person)
    epoch = await _epoch(world)

    async def write() -> None:
        nonlocal written
        while written < total:
            count = min(chance.choice([1, 1, 2, 7, 30]), total - written)
            await world.publish(*(world.message(CHANNEL, str(written + number)) for number in range(count)))
            written += count
            await asyncio.sleep(chance.choice([0, 0.005, 0.02, 0.05]))

    async def read() -> tuple[int | None, list[int]]:
        await asyncio.sleep(chance.random() * 0.6)
        place = chance.choice([None, 0, written // 2, min(written, total - 1)])
        cursor = None if place is None else world.sealer.seal_user(person, Position(epoch, place), datetime.now(UTC))
        stream = await notify.stream(token, cursor=cursor)
        assert (await stream.hello())["resumed"] is (place is not None)
        seen: list[int] = []
        while total - 1 not in seen:
            seen += [int(text) for text in await stream.texts(1)]
        stream.answer.close()
        return place, seen

    async with world.notify(limits) as notify:
        writing = asyncio.ensure_future(write())
        results = await asyncio.gather(*(read() for _ in range(15)))
        await writing
    for place, seen in results:
        begin = seen[0] if place is None else place
        assert seen == list(range(begin, total))


async def _handled(notify: Any, seq: int) -> None:
    async with asyncio.timeout(10):
        while notify.parts.hub.head < seq:
            await asyncio.sleep(0.005)


async def test_a_replay_that_came_incomplete_is_asked_for_again(world: Any, monkeypatch: Any) -> None:
    """A replica may lag behind, a batch may end early: the client comes back, nothing is skipped."""
    ada = world.person(CHANNEL)
    read_batch = reader._read_batch

    async def without_the_seventh(*arguments: Any) -> Any:
        return [message for message in await read_batch(*arguments) if message.seq != 7]

    async def cut_short(*arguments: Any) -> Any:
        return [message for message in await read_batch(*arguments) if message.seq < 20]

    async with world.notify(SMALL_RING) as notify:
        cursor = (await (await notify.stream(world.token(ada))).hello())["cursor"]
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(30)))
        await _handled(notify, 30)
        for incomplete in (without_the_seventh, cut_short):
            with monkeypatch.context() as patched:
                patched.setattr(reader, "_read_batch", incomplete)
                refused = await notify.stream(world.token(ada), cursor=cursor)
                assert (refused.status, (await refused.answer.json())["code"]) == (503, "dependency_unavailable")
        again = await notify.stream(world.token(ada), cursor=cursor)
        assert (await again.hello())["resumed"] is True
        assert len(await again.texts(30)) == 30


async def test_a_replay_passes_over_what_was_deleted_inside_the_stream(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(SMALL_RING) as notify:
        cursor = (await (await notify.stream(world.token(ada))).hello())["cursor"]
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(30)))
        await _handled(notify, 30)
        await world.bus.request(f"$JS.API.STREAM.MSG.DELETE.{world.topology.stream}", b'{"seq":7}')
        again = await notify.stream(world.token(ada), cursor=cursor)
        assert (await again.hello())["resumed"] is True
        assert await again.texts(29) == [str(number) for number in range(30) if number != 6]


async def test_a_last_event_id_that_is_not_ours_is_a_reset(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada), last_event_id="nonsense")
        assert (await stream.next("reset")).data["reason"] == "invalid"


async def test_a_session_that_ends_during_the_catch_up_gets_nothing(world: Any, monkeypatch: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(SMALL_RING) as notify:
        cursor = (await (await notify.stream(world.token(ada))).hello())["cursor"]
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(30)))
        await _handled(notify, 30)

        async def slowly(*arguments: Any) -> Any:
            if notify.parts.hub.head == 30:
                await world.publish(world.revoked("gone", ada))
                await _handled(notify, 31)
            return await stream_state(*arguments)

        monkeypatch.setattr("tertulia_notify.delivery.resume.stream_state", slowly)
        refused = await notify.stream(world.token(ada, session="gone"), cursor=cursor)
        assert (refused.status, (await refused.answer.json())["code"]) == (401, "unauthenticated")


async def test_a_secret_is_replaced_in_rolling_restarts_without_a_reset(world: Any) -> None:
    """First everybody learns to open with the new one, then seals with it, and in the end forgets the former one: at
    each step there are processes of this one and of the last one, and a client may come to either."""
    ada = world.person(CHANNEL)
    former, new = (base64.urlsafe_b64encode(secret).decode() for secret in (b"f" * 32, b"n" * 32))
    world.chat.secrets = SecretKeys(b"n" * 32, previous=(b"f" * 32,))
    steps = [
        {"secret_key": former},
        {"secret_key": former, "secret_key_previous": new},
        {"secret_key": new, "secret_key_previous": former},
        {"secret_key": new},
    ]
    for before, after in itertools.pairwise(steps):
        async with world.notify(**before) as old, world.notify(**after) as renewed:
            stream = await old.stream(world.token(ada))
            cursor, event_id = (await stream.hello())["cursor"], None
            for number, process in enumerate([renewed, old, renewed, old]):
                await world.publish(world.message(CHANNEL, str(number)))
                stream = await process.stream(world.token(ada), cursor=cursor, last_event_id=event_id)
                hello = await stream.hello()
                assert hello["resumed"] is True, (before, after)
                assert await stream.texts(1) == [str(number)]
                cursor, event_id = hello["cursor"], stream.last_id
