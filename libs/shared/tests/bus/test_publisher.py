"""Everything is stored once and in order, whatever happens to the server in between."""

import asyncio
import random
from contextlib import suppress

import pytest

from tertulia_shared.bus import (
    Bus,
    BusUnavailable,
    JetStreamError,
    MessageTooLarge,
    NoResponders,
    NotPermitted,
    PipelinedPublisher,
    PublishFailed,
    RequestTimeout,
    StreamRegressed,
    ensure_event_stream,
    jetstream,
    read_range,
)
from tertulia_shared.bus import (
    publisher as publisher_module,
)
from tertulia_shared.events import Topology
from tertulia_stack.servers import NatsServer


async def stored(bus: Bus) -> list[bytes]:
    return [message.data async for message in read_range(bus, 1, 1_000_000)]


async def test_sequences_come_back_in_order(stream: Bus, event) -> None:
    async with PipelinedPublisher(stream, window=16) as publisher:
        assert await publisher.publish([event(number) for number in range(1000)]) == list(range(1, 1001))
        assert await publisher.publish([]) == []
    assert await stored(stream) == [str(number).encode() for number in range(1000)]


async def test_sending_again_stores_nothing_twice_and_answers_the_first_sequences(stream: Bus, event) -> None:
    messages = [event(number) for number in range(100)]
    async with PipelinedPublisher(stream) as publisher:
        first = await publisher.publish(messages)
        assert await publisher.publish(messages) == first
    assert len(await stored(stream)) == 100


async def test_calls_side_by_side_do_not_mix(stream: Bus, event) -> None:
    async with PipelinedPublisher(stream) as publisher:
        await asyncio.gather(
            *(publisher.publish([event(n, channel=f"c{call}") for n in range(50)]) for call in range(4))
        )
    messages = [(m.subject.rpartition(".")[2], int(m.data)) async for m in read_range(stream, 1, 1000)]
    assert messages == [(f"c{call}", n) for call in range(4) for n in range(50)]


async def test_without_a_server_it_says_so_at_once(own_nats: NatsServer, event) -> None:
    own_nats.kill()
    async with Bus(own_nats.url, "test") as bus, PipelinedPublisher(bus) as publisher:
        with pytest.raises(PublishFailed) as failed:
            await publisher.publish([event(1)])
    assert failed.value.done == 0
    assert isinstance(failed.value.cause, BusUnavailable)


async def test_without_a_stream_it_retries_and_then_says_so(bus: Bus, event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "NO_RESPONDERS_RETRIES_S", (0.01, 0.02))
    async with PipelinedPublisher(bus) as publisher:
        with pytest.raises(PublishFailed) as failed:
            await publisher.publish([event(1), event(2)])
    assert failed.value.done == 0
    assert isinstance(failed.value.cause, NoResponders)


async def test_a_stream_that_appears_during_the_retries_takes_everything_in_order(bus: Bus, event) -> None:
    async with PipelinedPublisher(bus) as publisher:
        publishing = asyncio.gather(publisher.publish([event(number) for number in range(20)]))
        await asyncio.sleep(0.1)
        await ensure_event_stream(bus)
        assert (await publishing)[0] == list(range(1, 21))
    await jetstream.call(bus, f"STREAM.DELETE.{bus.topology.stream}")


async def test_a_message_that_is_too_large_stops_there(stream: Bus, event) -> None:
    messages = [event(1), event(2), event(3, data=b"x" * 300_000), event(4)]
    async with PipelinedPublisher(stream) as publisher:
        with pytest.raises(PublishFailed) as failed:
            await publisher.publish(messages)
        assert failed.value.done == 2
        assert failed.value.seqs == [1, 2]
        assert isinstance(failed.value.cause, MessageTooLarge)
        assert await publisher.publish([event(5)]) == [3]
    assert await stored(stream) == [b"1", b"2", b"5"]


async def test_a_refusal_in_the_middle_reports_what_is_surely_stored(stream: Bus, event) -> None:
    info = await jetstream.call(stream, f"STREAM.INFO.{stream.topology.stream}")
    config = {**info["config"], "max_msgs": 10, "discard": "new"}
    await jetstream.call(stream, f"STREAM.UPDATE.{stream.topology.stream}", config)
    async with PipelinedPublisher(stream) as publisher:
        with pytest.raises(PublishFailed) as failed:
            await publisher.publish([event(number) for number in range(30)])
    assert failed.value.done == 10
    assert isinstance(failed.value.cause, JetStreamError)


async def test_large_messages_do_not_pile_up_in_memory(stream: Bus, event) -> None:
    """Together they are more than a connection may have unsent."""
    messages = [event(number, data=b"x" * 250_000) for number in range(120)]
    async with PipelinedPublisher(stream) as publisher:
        assert await publisher.publish(messages) == list(range(1, 121))


async def test_a_stream_that_lost_its_messages_is_noticed_with_the_first_one_it_takes(stream: Bus, event) -> None:
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(number) for number in range(10)])
        await jetstream.call(stream, f"STREAM.DELETE.{stream.topology.stream}")
        publishing = asyncio.gather(publisher.publish([event(number) for number in range(10, 20)]))
        await asyncio.sleep(0.1)
        await ensure_event_stream(stream)
        with pytest.raises(PublishFailed) as failed:
            await publishing
        assert failed.value.done == 1
        assert isinstance(failed.value.cause, StreamRegressed)
        assert await publisher.publish([event(number) for number in range(20)])
    assert await stored(stream) == [b"10", *(str(number).encode() for number in range(20) if number != 10)]


async def test_silence_ends_the_connection_and_the_next_call_uses_another(
    proxied_url: str, proxy, stream: Bus, event
) -> None:
    through_proxy = Bus(proxied_url, "test", stream.topology)
    async with PipelinedPublisher(through_proxy, silence_s=0.2) as publisher:
        await publisher.publish([event(0)])
        proxy.silence()
        with pytest.raises(PublishFailed) as failed:
            await publisher.publish([event(number) for number in range(1, 50)])
        assert failed.value.done == 0
        assert isinstance(failed.value.cause, RequestTimeout)
        assert len(await publisher.publish([event(number) for number in range(1, 50)])) == 49
    assert await stored(stream) == [str(number).encode() for number in range(50)]


async def test_nothing_is_sent_any_more_once_it_is_not_permitted(stream: Bus, event) -> None:
    asked = 0

    def permitted() -> bool:
        nonlocal asked
        asked += 1
        return asked <= 40

    messages = [event(number) for number in range(100)]
    async with PipelinedPublisher(stream, window=16) as publisher:
        with pytest.raises(PublishFailed) as failed:
            await publisher.publish(messages, permitted)
        assert failed.value.done == 40
        assert isinstance(failed.value.cause, NotPermitted)
        assert len(await publisher.publish(messages[40:])) == 60
    assert await stored(stream) == [str(number).encode() for number in range(100)]


async def test_a_cancelled_call_cannot_be_overtaken_by_the_next(stream: Bus, event) -> None:
    messages = [event(number) for number in range(5000)]
    async with PipelinedPublisher(stream) as publisher:
        publishing = asyncio.gather(publisher.publish(messages))
        await asyncio.sleep(0.02)
        publishing.cancel()
        with suppress(asyncio.CancelledError):
            await publishing
        await publisher.publish(messages)
    assert await stored(stream) == [str(number).encode() for number in range(5000)]


async def test_nothing_is_lost_doubled_or_reordered_while_the_server_is_killed_again_and_again(
    own_nats: NatsServer, nats_prefix: str
) -> None:
    """The relay's loop in small: go on from the first message that is not surely stored."""
    rng = random.Random(7)
    topology = Topology(nats_prefix)
    total = 6000
    async with Bus(own_nats.url, "test", topology) as bus:
        await bus.wait_connected(5)
        await ensure_event_stream(bus)
        subject = f"{nats_prefix}evt.00.w1.ch.c1"
        messages = [publisher_module.Outgoing(subject, str(n).encode(), {"Nats-Msg-Id": str(n)}) for n in range(total)]
        failures: list[PublishFailed] = []

        async def relay() -> None:
            done = 0
            async with PipelinedPublisher(bus) as publisher:
                while done < total:
                    try:
                        chunk = messages[done : done + 500]
                        await publisher.publish(chunk)
                        done += len(chunk)
                        await asyncio.sleep(0.02)
                    except PublishFailed as failed:
                        failures.append(failed)
                        done += failed.done
                        await asyncio.sleep(0.05)

        async def murder() -> None:
            for _ in range(3):
                await asyncio.sleep(rng.uniform(0.03, 0.12))
                await asyncio.to_thread(own_nats.kill)
                await asyncio.to_thread(own_nats.start)

        await asyncio.gather(relay(), murder())
        await bus.wait_connected(10)
        assert failures
        assert await stored(bus) == [str(n).encode() for n in range(total)]
