"""What the metrics say about a consumer, also while its handler stands still."""

import asyncio
from contextlib import suppress

from prometheus_client import REGISTRY

from tertulia_shared.bus import (
    Bus,
    ConsumerOptions,
    DeadLetters,
    Delivery,
    DurableConsumer,
    PipelinedPublisher,
    jetstream,
    lag,
)


def metric(name: str, consumer: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"consumer": consumer})


async def test_a_stuck_consumer_shows_how_old_the_oldest_message_is(
    stream: Bus, event, dead_letters: DeadLetters, until
) -> None:
    go_on = asyncio.Event()

    async def handle(_: Delivery) -> None:
        await go_on.wait()

    consumer = DurableConsumer(stream, "stuck", handle, dead_letters, ConsumerOptions(heartbeat_s=0.1))
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(number) for number in range(3)])
    running = asyncio.get_running_loop().create_task(consumer.run())
    await until(lambda: metric("bus_consumer_unsettled_messages", "stuck") == 3)
    await until(lambda: (metric("bus_consumer_lag_seconds", "stuck") or 0) > 0.3)
    assert consumer.lag_s > 0.3
    go_on.set()
    await until(lambda: metric("bus_consumer_unsettled_messages", "stuck") == 0)
    assert (metric("bus_consumer_lag_seconds", "stuck"), consumer.lag_s) == (0, 0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_what_the_stream_has_let_go_is_no_lag(stream: Bus) -> None:
    await jetstream.call(stream, f"STREAM.PURGE.{stream.topology.stream}")
    await lag.tell_lag(stream, "emptied", {"num_pending": 1, "num_ack_pending": 0, "ack_floor": {"stream_seq": 10_000}})
    assert metric("bus_consumer_lag_seconds", "emptied") == 0
