"""Setting up the event stream, its state and its lives, and reading ranges of it."""

import asyncio

import pytest

from tertulia_shared.bus import (
    Bus,
    BusUnavailable,
    NoResponders,
    PipelinedPublisher,
    RequestTimeout,
    ensure_event_stream,
    jetstream,
    last_on_shard,
    read_range,
    renew_incarnation,
    stream_state,
)
from tertulia_shared.bus import reader as reader_module


async def test_a_new_stream_is_empty_and_has_an_incarnation(bus: Bus) -> None:
    state = await ensure_event_stream(bus)
    assert (state.first_seq, state.last_seq, state.messages) == (1, 0, 0)
    assert len(state.incarnation) == 32


async def test_ensuring_again_changes_nothing(stream: Bus) -> None:
    before = await stream_state(stream)
    assert await ensure_event_stream(stream) == before


async def test_ensuring_repairs_a_drifted_configuration_and_keeps_the_incarnation(stream: Bus, event) -> None:
    before = await stream_state(stream)
    name = stream.topology.stream
    info = await jetstream.call(stream, f"STREAM.INFO.{name}")
    await jetstream.call(
        stream,
        f"STREAM.UPDATE.{name}",
        {**info["config"], "max_age": 60_000_000_000, "duplicate_window": 60_000_000_000, "allow_direct": False},
    )
    await ensure_event_stream(stream)
    config = (await jetstream.call(stream, f"STREAM.INFO.{name}"))["config"]
    assert config["max_age"] == 7 * 86_400 * 1_000_000_000
    assert config["allow_direct"] is True
    assert (await stream_state(stream)).incarnation == before.incarnation


async def test_a_stream_that_was_deleted_comes_back_with_another_incarnation(stream: Bus) -> None:
    before = await stream_state(stream)
    await jetstream.call(stream, f"STREAM.DELETE.{stream.topology.stream}")
    assert (await ensure_event_stream(stream)).incarnation != before.incarnation


async def test_renewing_the_incarnation_keeps_the_messages(stream: Bus, event) -> None:
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(1), event(2)])
    before = await stream_state(stream)
    after = await renew_incarnation(stream)
    assert after.incarnation != before.incarnation
    assert after.last_seq == 2
    assert await stream_state(stream) == after


async def test_what_is_stored_is_republished_with_its_sequence(stream: Bus, event, until) -> None:
    live: list[tuple[str, str]] = []
    await stream.subscribe(
        stream.topology.live_all, lambda message: live.append((message.subject, message.headers["Nats-Sequence"]))
    )
    await stream.flush()
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(number) for number in range(300)])
    await until(lambda: len(live) == 300)
    assert [int(seq) for _, seq in live] == list(range(1, 301))
    assert live[0][0] == f"{stream.topology.prefix}live.evt.00.w1.ch.c1"


async def test_the_last_message_of_a_lane(stream: Bus, event) -> None:
    assert await last_on_shard(stream, 3) is None
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(1, lane=3), event(2, lane=3), event(3, lane=4)])
    last = await last_on_shard(stream, 3)
    assert last is not None
    assert (last.seq, last.data, last.headers["Ch-Seq"]) == (2, b"2", "2")
    assert last.subject == f"{stream.topology.prefix}evt.03.w1.ch.c1"


async def test_a_range_is_read_in_order_over_several_batches_with_holes(stream: Bus, event) -> None:
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(number) for number in range(1, 101)])
    for seq in (1, 50, 51, 100):
        await jetstream.call(stream, f"STREAM.MSG.DELETE.{stream.topology.stream}", {"seq": seq})
    read = [message async for message in read_range(stream, 1, 90, batch=7)]
    assert [message.seq for message in read] == [seq for seq in range(2, 91) if seq not in (50, 51)]
    assert read[0].data == b"2"
    assert dict(read[0].headers) == dict(event(2).headers)
    assert read[0].subject == event(2).subject


async def test_a_range_beyond_the_end_is_empty_and_a_range_over_it_stops(stream: Bus, event) -> None:
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(number) for number in range(1, 6)])
    assert [message.seq async for message in read_range(stream, 4, 1000)] == [4, 5]
    assert [message.seq async for message in read_range(stream, 6, 1000)] == []
    assert [message.seq async for message in read_range(stream, 5, 4)] == []


async def test_a_range_of_an_empty_stream_is_empty(stream: Bus) -> None:
    assert [message async for message in read_range(stream, 1, 10)] == []


async def test_reading_a_missing_stream_says_so(bus: Bus) -> None:
    with pytest.raises(NoResponders):
        [message async for message in read_range(bus, 1, 10)]


async def test_reading_over_a_silent_connection_times_out(
    proxied_url: str, proxy, stream: Bus, event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "IDLE_TIMEOUT_S", 0.1)
    async with Bus(proxied_url, "test", stream.topology) as bus:
        await bus.wait_connected(5)
        proxy.silence()
        with pytest.raises(RequestTimeout):
            [message async for message in read_range(bus, 1, 10)]


async def test_reading_ends_at_once_when_the_connection_breaks(proxied_url: str, proxy, stream: Bus) -> None:
    async with Bus(proxied_url, "test", stream.topology, ping_interval_s=0.05) as bus:
        await bus.wait_connected(5)
        proxy.silence()
        with pytest.raises(BusUnavailable):
            [message async for message in read_range(bus, 1, 10)]


async def test_two_that_set_up_the_stream_at_once_agree(nats_url: str, bus: Bus) -> None:
    async with Bus(nats_url, "other", bus.topology) as other:
        await other.wait_connected(5)
        states = await asyncio.gather(*(ensure_event_stream(each) for each in (bus, other, bus, other)))
    assert len({state.incarnation for state in states}) == 1
    await jetstream.call(bus, f"STREAM.DELETE.{bus.topology.stream}")
