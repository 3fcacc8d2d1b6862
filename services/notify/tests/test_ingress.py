"""What comes in is proven complete: lost republishes, broken connections, a stream that is another one."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tertulia_notify import metrics
from tertulia_notify.limits import Limits
from tertulia_shared.bus import (
    Bus,
    BusError,
    BusMessage,
    FollowLimits,
    State,
    ensure_event_stream,
    jetstream,
    renew_incarnation,
    stream_state,
)
from tertulia_shared.events import Topology
from tertulia_stack.servers import NatsServer

CHANNEL = "c" * 36
QUICK = Limits(tail_check_s=0.2, proof_s=1.0, restart_s=3.0)


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A server that the test may kill."""
    with NatsServer(tmp_path / "nats", sync_always=False) as server:
        yield server


@pytest.fixture
async def own_world(own_nats: NatsServer, topology: Topology, chat: Any, world: Any) -> AsyncIterator[Any]:
    async with Bus(own_nats.url, "test", topology) as bus:
        await bus.wait_connected(10)
        await ensure_event_stream(bus)
        yield type(world)(topology, own_nats.url, chat, bus)


async def _publish(world: Any, *messages: Any) -> None:
    """Again and again until the stream has them, as the relay does."""
    async with asyncio.timeout(20):
        while True:
            try:
                await world.publish(*messages)
            except BusError:
                await asyncio.sleep(0.1)
            else:
                return


def _lose(notify: Any, loses: Any) -> None:
    """Drop live messages between the server and the service for which `loses()` is true."""
    client = notify.parts.ingress._bus._client
    receive = notify.parts.ingress.receive
    for sid, callback in client.callbacks.items():
        if callback == receive:
            client.callbacks[sid] = lambda message: None if loses() else receive(message)


def _gaps() -> float:
    return sum(
        sample.value for family in metrics.GAPS.collect() for sample in family.samples if sample.name.endswith("_total")
    )


async def test_a_hole_is_filled_from_the_stream_before_anything_after_it(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=60)) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        before = _gaps()
        lost = iter([False, True, True, False])
        _lose(notify, lambda: next(lost, False))
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(5)))
        assert await stream.texts(5) == list("01234")
        assert _gaps() == before + 1
        assert notify.parts.ingress.state is State.LIVE


async def test_a_lost_tail_is_found_although_nothing_follows_it(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        _lose(notify, lambda: True)
        await world.publish(world.message(CHANNEL, "the last one"))
        assert await stream.texts(1) == ["the last one"]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_dropped_arrives_once_and_in_order(world: Any, seed: int) -> None:
    chance = random.Random(seed)
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=0.2)) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        _lose(notify, lambda: chance.random() < 0.1)
        for start in range(0, 400, 20):
            await world.publish(*(world.message(CHANNEL, str(start + number)) for number in range(20)))
            await asyncio.sleep(chance.choice([0, 0.01]))
        assert await stream.texts(400) == [str(number) for number in range(400)]


async def test_echoes_of_what_a_repair_read_are_passed_over(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        before = _gaps()
        heard: list[Any] = []
        client, receive = notify.parts.ingress._bus._client, notify.parts.ingress.receive
        for sid, callback in client.callbacks.items():
            if callback == receive:
                client.callbacks[sid] = lambda message: (heard.append(message), receive(message))
        await world.publish(world.message(CHANNEL, "one"))
        assert await stream.texts(1) == ["one"]
        receive(heard[0])
        await world.publish(world.message(CHANNEL, "two"))
        assert await stream.texts(1) == ["two"]
        assert _gaps() == before


async def test_nats_killed_and_back_in_time_is_repaired_under_open_connections(own_nats: Any, own_world: Any) -> None:
    world = own_world
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(world.message(CHANNEL, "before"))
        own_nats.kill()
        await asyncio.to_thread(own_nats.start)
        await _publish(world, *(world.message(CHANNEL, str(number)) for number in range(20)))
        assert await stream.texts(21) == ["before", *(str(number) for number in range(20))]


async def test_nats_away_for_too_long_is_a_quarantine_and_clients_resume(own_nats: Any, own_world: Any) -> None:
    world = own_world
    ada = world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(world.message(CHANNEL, "before"))
        await stream.texts(1)
        own_nats.kill()
        bye = await stream.next("bye")
        assert bye.data["reason"] == "quarantine"
        refused = await notify.stream(world.token(ada))
        assert (refused.status, (await refused.answer.json())["code"]) == (503, "dependency_unavailable")
        assert (await notify.get("/readyz"))[0] == 503
        assert (await notify.get("/healthz"))[0] == 200
        await asyncio.to_thread(own_nats.start)
        await _publish(world, world.message(CHANNEL, "meanwhile"))
        await notify.ready()
        again = await notify.stream(world.token(ada), last_event_id=stream.last_id)
        assert (await again.hello())["resumed"] is True
        assert await again.texts(1) == ["meanwhile"]
        assert world.chat.snapshots == 1, "memberships were repaired from the stream, too"


async def test_a_deleted_stream_is_a_new_epoch(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=0.1)) as notify:
        stream = await notify.stream(world.token(ada))
        cursor = (await stream.hello())["cursor"]
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(5)))
        await stream.texts(5)
        polling = asyncio.ensure_future(notify.poll(world.token(ada), await _newest(notify, world, ada), 20))
        await asyncio.sleep(0.1)
        await world.bus.request(f"$JS.API.STREAM.DELETE.{world.topology.stream}", b"")
        await ensure_event_stream(world.bus)
        await world.publish(world.message(CHANNEL, "again"))
        reset = await stream.next()
        assert (reset.event, reset.data["reason"]) == ("reset", "epoch")
        # "again" may lie before or after the new beginning; the reset makes the client fetch it either way.
        await world.publish(world.message(CHANNEL, "live"))
        while await stream.texts(1) != ["live"]:
            pass
        assert (await polling)["reset"] == "epoch"
        assert world.chat.snapshots == 2
        former = await notify.stream(world.token(ada), cursor=cursor)
        assert (await former.next("reset")).data["reason"] == "epoch"
        resumed = await notify.stream(world.token(ada), cursor=reset.data["cursor"])
        assert (await resumed.hello())["resumed"] is True


async def _newest(notify: Any, world: Any, user: str) -> str:
    return (await notify.poll(world.token(user), timeout=0))["cursor"]


async def test_numbers_that_go_backwards_are_noticed_without_waiting(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=60)) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(5)))
        await stream.texts(5)
        await world.bus.request(f"$JS.API.STREAM.DELETE.{world.topology.stream}", b"")
        await ensure_event_stream(world.bus)
        await world.publish(world.message(CHANNEL, "again"))
        assert (await stream.next()).data["reason"] == "epoch"


async def test_a_renewed_incarnation_is_a_new_epoch(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=0.1)) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await renew_incarnation(world.bus)
        assert (await stream.next()).data["reason"] == "epoch"


async def test_a_session_that_ended_unseen_ends_when_the_stream_begins_anew(world: Any) -> None:
    """Its event lies before the new beginning; only the snapshot tells."""
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=0.1)) as notify:
        hers, his = await notify.stream(world.token(ada, session="gone")), await notify.stream(world.token(bob))
        await hers.hello()
        await his.hello()
        world.chat.revoked("gone", time.time() + 900)
        await renew_incarnation(world.bus)
        bye = await hers.next()
        assert (bye.event, bye.data["reason"]) == ("bye", "revoked")
        assert (await his.next()).event == "reset"


async def test_another_event_at_a_number_that_was_handled_is_a_fresh_start(world: Any) -> None:
    """The stream was written anew from there, whatever it says about itself; asking for its end would not show it."""
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=60)) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(3)))
        await stream.texts(3)
        former = notify.parts.hub.ring
        other = world.message(CHANNEL, "other")
        headers = {**other.headers, "Nats-Sequence": "2"}
        notify.parts.ingress.receive(BusMessage(other.subject, other.data, "", _headers=headers))
        reset = await stream.next()
        assert (reset.event, reset.data["reason"]) == ("reset", "epoch")
        assert notify.parts.hub.ring is not former
        assert world.chat.snapshots == 2
        await world.publish(world.message(CHANNEL, "live"))
        assert await stream.texts(1) == ["live"]


async def test_a_stream_that_grew_past_us_after_it_lost_its_end_is_a_fresh_start(world: Any) -> None:
    """Of the same incarnation, longer than we know it, and nothing of what was written anew was heard."""
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=60)) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(3)))
        await stream.texts(3)
        _lose(notify, lambda: True)
        name = world.topology.stream
        config = (await jetstream.call(world.bus, f"STREAM.INFO.{name}"))["config"]
        await jetstream.call(world.bus, f"STREAM.DELETE.{name}")
        await jetstream.call(world.bus, f"STREAM.CREATE.{name}", config)
        await world.publish(*(world.message(CHANNEL, f"other {number}") for number in range(5)))
        notify.parts.ingress.suspect("test")
        reset = await stream.next()
        assert (reset.event, reset.data.get("reason")) == ("reset", "epoch")
        assert world.chat.snapshots == 2


async def test_a_body_nested_too_deeply_is_passed_over(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        left = world.left_workspace(world.person())
        deep = b'{"a":' * 30_000 + b"1" + b"}" * 30_000
        await world.publish(left._replace(data=left.data.replace(b'"data":{', b'"data":{"more":' + deep + b",", 1)))
        await world.publish(world.message(CHANNEL, "behind it"))
        assert await stream.texts(1) == ["behind it"]
        assert notify.parts.ingress.state is State.LIVE


async def test_messages_gone_before_they_were_read_are_a_fresh_start(world: Any) -> None:
    """A purge of what we never saw: contiguity cannot be proven, so everybody starts over."""
    ada = world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        _lose(notify, lambda: True)
        notify.parts.ingress._follow_limits = FollowLimits(tail_check_s=60)
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(5)))
        await world.bus.request(f"$JS.API.STREAM.PURGE.{world.topology.stream}", b'{"seq":4}')
        notify.parts.ingress.suspect("test")
        assert (await stream.next("reset")).data["reason"] == "epoch"
        assert notify.parts.hub.head == (await stream_state(world.bus)).last_seq


async def test_messages_that_reach_their_age_while_they_are_read_are_a_fresh_start(world: Any) -> None:
    """They were there when the stream told its bounds. That something else was deleted must not excuse them."""
    ada = world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(3)))
        await stream.texts(3)
        await world.bus.request(f"$JS.API.STREAM.MSG.DELETE.{world.topology.stream}", b'{"seq":2}')
        _lose(notify, lambda: True)
        notify.parts.ingress._follow_limits = FollowLimits(tail_check_s=60)
        await world.publish(*(world.message(CHANNEL, str(number)) for number in range(3, 8)))
        bus = notify.parts.ingress._bus
        request = bus.request

        async def told_just_before(*asked: Any) -> BusMessage:
            answer = await request(*asked)
            bus.request = request
            await world.bus.request(f"$JS.API.STREAM.PURGE.{world.topology.stream}", b'{"seq":7}')
            return answer

        bus.request = told_just_before
        notify.parts.ingress.suspect("test")
        reset = await stream.next()
        assert (reset.event, reset.data.get("reason")) == ("reset", "epoch")


async def test_messages_deleted_inside_the_stream_do_not_stop_a_start_or_a_repair(world: Any) -> None:
    ada = world.person(CHANNEL)
    await world.publish(*(world.message(CHANNEL, str(number)) for number in range(5)))
    for seq in (2, 5):
        await world.bus.request(f"$JS.API.STREAM.MSG.DELETE.{world.topology.stream}", b'{"seq":%d}' % seq)
    async with world.notify() as notify:
        assert len(notify.parts.hub.ring) == 3
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(world.message(CHANNEL, "live"))
        assert await stream.texts(1) == ["live"]


async def test_it_waits_for_a_stream_and_for_chat_and_is_not_ready_before(
    nats_url: str, topology: Topology, chat: Any, world: Any
) -> None:
    await world.bus.request(f"$JS.API.STREAM.DELETE.{world.topology.stream}", b"")
    chat.down = True
    ada = world.person(CHANNEL)
    async with world.starting() as notify:
        await asyncio.sleep(0.3)
        assert (await notify.get("/readyz"))[0] == 503
        assert (await notify.stream(world.token(ada))).status == 503
        await ensure_event_stream(world.bus)
        await asyncio.sleep(0.3)
        assert not notify.parts.ingress.serving
        chat.down = False
        await notify.ready()
        assert (await notify.stream(world.token(ada))).status == 200


async def test_no_snapshot_for_a_new_epoch_is_a_quarantine(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(tail_check_s=0.1, proof_s=0.5, restart_s=0.5)) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        world.chat.down = True
        await renew_incarnation(world.bus)
        assert (await stream.next()).data["reason"] == "quarantine"
        world.chat.down = False
        await notify.ready()
