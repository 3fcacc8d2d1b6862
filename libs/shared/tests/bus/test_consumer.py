"""Every message has its effect at least once, or is kept as a dead letter; and the consumer never falls asleep."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from zlib import crc32

import asyncpg
import pytest

from tertulia_shared import telemetry
from tertulia_shared.bus import (
    BatchConsumer,
    Bus,
    ConsumerOptions,
    DeadLetters,
    Delivery,
    DurableConsumer,
    Outgoing,
    PipelinedPublisher,
    Reject,
    Retry,
    ensure_event_stream,
    jetstream,
)
from tertulia_shared.bus import (
    consuming as consumer_module,
)
from tertulia_shared.bus.message import StoredMessage
from tertulia_shared.events import LeaveReason, Topology, WorkspaceMemberLeft, encode, envelope_of
from tertulia_stack.servers import NatsServer

QUICK = ConsumerOptions(backoff_s=(0.05,), ack_wait_s=2, heartbeat_s=0.3, max_attempts=3)


@asynccontextmanager
async def running(consumer: DurableConsumer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.get_running_loop().create_task(consumer.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Recorder:
    """A handler that writes down what it got and answers what it is told to."""

    def __init__(self) -> None:
        self.handled: list[int] = []
        self.attempts: list[tuple[int, int]] = []
        self.answers: dict[int, list[Exception]] = {}

    async def __call__(self, delivery: Delivery) -> None:
        number = int(delivery.data)
        self.attempts.append((number, delivery.attempt))
        answers = self.answers.get(number)
        if answers:
            raise answers.pop(0)
        self.handled.append(number)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def publish(stream: Bus, event) -> Callable[..., object]:
    async def publish(*numbers: int) -> None:
        async with PipelinedPublisher(stream) as publisher:
            await publisher.publish([event(number) for number in numbers])

    return publish


async def pending(bus: Bus, name: str) -> tuple[int, int]:
    """(not delivered yet, delivered and not acknowledged)"""
    info = await jetstream.call(bus, f"CONSUMER.INFO.{bus.topology.stream}.{name}")
    return info["num_pending"], info["num_ack_pending"]


async def test_everything_is_handled_in_order_and_acknowledged(stream, publish, recorder, dead_letters, until) -> None:
    await publish(*range(1000))
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: len(recorder.handled) == 1000)
        await publish(1000)
        await until(lambda: len(recorder.handled) == 1001)
        await stream.flush()
        assert recorder.handled == list(range(1001))
        assert await pending(stream, "c") == (0, 0)


async def test_a_new_process_goes_on_where_the_last_one_stopped(stream, publish, recorder, dead_letters, until) -> None:
    await publish(1, 2)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.handled == [1, 2])
    await publish(3)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.handled == [1, 2, 3])


async def test_a_consumer_can_begin_at_the_end(stream, publish, recorder, dead_letters, until) -> None:
    await publish(1, 2)
    consumer = DurableConsumer(stream, "c", recorder, dead_letters, ConsumerOptions(start="new"))
    async with running(consumer):
        with suppress(jetstream.JetStreamError):
            await pending(stream, "c")
        await asyncio.sleep(0.3)
        await publish(3)
        await until(lambda: recorder.handled == [3])


async def test_what_was_not_acknowledged_is_delivered_again(stream, publish, recorder, dead_letters, until) -> None:
    """The process died between the effect and the acknowledgement: the effect must stand being repeated."""
    died = asyncio.Event()

    async def die_after_the_effect(delivery: Delivery) -> None:
        await recorder(delivery)
        died.set()
        await asyncio.Event().wait()

    await publish(1)
    async with running(DurableConsumer(stream, "c", die_after_the_effect, dead_letters, QUICK)):
        await died.wait()
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.attempts == [(1, 1), (1, 2)])
    assert await dead_letters.list("c") == []


async def test_retry_comes_again_and_does_not_hold_up_the_others(
    stream, publish, recorder, dead_letters, until
) -> None:
    recorder.answers = {1: [Retry("not yet", delay_s=0.2)], 3: [RuntimeError("an error is a retry too")]}
    await publish(1, 2, 3, 4)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: sorted(recorder.handled) == [1, 2, 3, 4])
    assert recorder.handled[:2] == [2, 4]
    assert (1, 2) in recorder.attempts
    assert (3, 2) in recorder.attempts


async def test_reject_is_kept_as_a_dead_letter_with_everything_needed_to_replay_it(
    stream, publish, recorder, dead_letters: DeadLetters, event, until
) -> None:
    recorder.answers = {2: [Reject("makes no sense\x00")]}
    await publish(1, 2, 3)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.handled == [1, 3])
        await stream.flush()
        assert await pending(stream, "c") == (0, 0)
    (letter,) = await dead_letters.list("c")
    assert (letter.event_id, letter.event_type, letter.stream_seq, letter.attempts) == ("c1-2", "message.created", 2, 1)
    assert letter.body == b"2"
    assert letter.headers == dict(event(2).headers)
    assert letter.subject == event(2).subject
    assert letter.error == "makes no sense\\0"
    assert letter.trace_id is not None
    await dead_letters.remove(letter.id)
    assert await dead_letters.list("c") == []


async def test_a_message_that_always_fails_ends_as_a_dead_letter(
    stream, publish, recorder, dead_letters: DeadLetters, until
) -> None:
    recorder.answers = {1: [ValueError("poison") for _ in range(9)]}
    await publish(1, 2)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.attempts.count((1, 3)))
        while not (letters := await dead_letters.list("c")):
            await asyncio.sleep(0.01)
    assert recorder.handled == [2]
    assert (letters[0].attempts, letters[0].error) == (3, "ValueError: poison")
    assert [attempt for number, attempt in recorder.attempts if number == 1] == [1, 2, 3]


async def test_nothing_is_given_up_while_its_dead_letter_cannot_be_kept(
    stream, publish, recorder, dead_letters: DeadLetters, postgres_url, until, monkeypatch
) -> None:
    monkeypatch.setattr(consumer_module, "DEAD_LETTER_RETRY_S", 0.1)
    recorder.answers = {1: [Reject("never")]}
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("ALTER TABLE dead_letter RENAME TO elsewhere")
    await publish(1, 2)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.attempts == [(1, 1)])
        await asyncio.sleep(0.3)
        assert recorder.handled == []
        await connection.execute("ALTER TABLE elsewhere RENAME TO dead_letter")
        await until(lambda: recorder.handled == [2])
    await connection.close()
    assert len(await dead_letters.list("c")) == 1


async def test_a_dead_letter_is_one_row_however_often_it_is_given_up(
    stream, publish, recorder, dead_letters: DeadLetters, until
) -> None:
    recorder.answers = {1: [Reject("first"), Reject("second")]}
    await publish(1)
    for attempt in (1, 2):
        async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
            await until(lambda attempt=attempt: len(recorder.attempts) == attempt)
            await stream.flush()
        await jetstream.call(stream, f"CONSUMER.DELETE.{stream.topology.stream}.c")
    (letter,) = await dead_letters.list("c")
    assert letter.error == "second"


async def test_an_event_is_one_dead_letter_in_all_lives_of_the_stream(dead_letters: DeadLetters) -> None:
    """`Nats-Msg-Id` names the event and the life of the stream; the event's own name is in its body."""
    fact = WorkspaceMemberLeft(user_id="u1", reason=LeaveReason.LEFT)
    body = encode(envelope_of(fact, event_id="e1", time=datetime.now(UTC), workspace_id="w1"))
    for life in ("0123abcd", "4567cdef"):
        message = StoredMessage(1, "evt.00.w1.ws.w1", {"Nats-Msg-Id": f"e1.{life}"}, body, datetime.now(UTC))
        await dead_letters.add("c", "EVT", message, error="poison", attempts=1, trace_id=None)
    (letter,) = await dead_letters.list("c")
    assert letter.event_id == "e1"


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"id":"e1"}', b"[" * 5000])
async def test_a_body_that_is_no_event_goes_by_its_header(dead_letters: DeadLetters, body: bytes) -> None:
    message = StoredMessage(1, "evt.00.w1.ws.w1", {"Nats-Msg-Id": "e1.0123abcd"}, body, datetime.now(UTC))
    await dead_letters.add("c", "EVT", message, error="poison", attempts=1, trace_id=None)
    (letter,) = await dead_letters.list("c")
    assert letter.event_id == "e1.0123abcd"


class Panic(BaseException):
    """What a library in another language raises when it broke: no Exception."""


@pytest.mark.parametrize("kind", [DurableConsumer, BatchConsumer])
async def test_what_breaks_a_worker_ends_the_consumer_and_the_message_comes_again(
    stream, publish, recorder, dead_letters, until, kind
) -> None:
    async def panic(_: object) -> None:
        raise Panic("the index is broken")

    await publish(1)
    broken = asyncio.get_running_loop().create_task(kind(stream, "c", panic, dead_letters).run())
    with pytest.raises(Panic, match="the index is broken"):
        await asyncio.wait_for(broken, 10)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.attempts == [(1, 2)])
    assert await dead_letters.list("c") == []


async def test_a_helper_that_ends_ends_the_consumer(stream, recorder, dead_letters, monkeypatch) -> None:
    async def end(_: object, __: float) -> None:
        """Not for ever, as it should."""

    monkeypatch.setattr("tertulia_shared.bus.registration.Registration.follow_floor", end)
    with pytest.raises(RuntimeError, match="c floor ended"):
        await asyncio.wait_for(DurableConsumer(stream, "c", recorder, dead_letters, QUICK).run(), 10)


async def test_a_long_handler_keeps_its_message(stream, publish, recorder, dead_letters, until) -> None:
    async def slow(delivery: Delivery) -> None:
        await asyncio.sleep(1.6)
        await recorder(delivery)

    options = ConsumerOptions(ack_wait_s=0.5, heartbeat_s=0.3)
    await publish(1)
    async with running(DurableConsumer(stream, "c", slow, dead_letters, options)):
        await until(lambda: recorder.handled == [1])
        await asyncio.sleep(0.7)
    assert recorder.attempts == [(1, 1)]


async def test_lanes_keep_the_order_of_a_subject_and_do_not_wait_for_each_other(
    stream, event, recorder, dead_letters, until
) -> None:
    gate = asyncio.Event()

    async def handler(delivery: Delivery) -> None:
        if delivery.subject.endswith("stuck"):
            await gate.wait()
        await recorder(delivery)

    def lane(channel: str) -> int:
        return crc32(event(0, channel=channel).subject.encode()) % 16

    others = [name for name in (f"x{n}" for n in range(100)) if lane(name) != lane("stuck")][:5]
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(1000, channel="stuck"), *(event(n, channel=others[n % 5]) for n in range(50))])
    options = ConsumerOptions(lanes=16)
    async with running(DurableConsumer(stream, "c", handler, dead_letters, options)):
        await until(lambda: len(recorder.handled) == 50)
        gate.set()
        await until(lambda: len(recorder.handled) == 51)
    for channel in range(5):
        assert [n for n in recorder.handled if n % 5 == channel and n < 50] == list(range(channel, 50, 5))


async def test_it_goes_on_after_kill_and_restart(own_nats: NatsServer, nats_prefix, recorder, dead_letters, until):
    async with Bus(own_nats.url, "test", Topology(nats_prefix)) as bus:
        await bus.wait_connected(5)
        await ensure_event_stream(bus)

        async def publish(numbers: range) -> None:
            messages = [
                Outgoing(f"{nats_prefix}evt.00.w.ch.c", str(n).encode(), {"Nats-Msg-Id": str(n)}) for n in numbers
            ]
            async with PipelinedPublisher(bus) as publisher:
                await publisher.publish(messages)

        async with running(DurableConsumer(bus, "c", recorder, dead_letters, QUICK)):
            for round_ in range(3):
                await publish(range(round_ * 100, round_ * 100 + 100))
                await asyncio.to_thread(own_nats.kill)
                await asyncio.to_thread(own_nats.start)
                await bus.wait_connected(10)
            await until(lambda: set(recorder.handled) == set(range(300)))
            await publish(range(300, 310))
            await until(lambda: set(recorder.handled) == set(range(310)))
    assert await dead_letters.list("c") == []


async def test_a_consumer_that_is_deleted_on_the_server_is_made_again_and_goes_on(
    stream, publish, recorder, dead_letters, until
) -> None:
    await publish(1, 2)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.handled == [1, 2])
        await jetstream.call(stream, f"CONSUMER.DELETE.{stream.topology.stream}.c")
        await publish(3)
        # What was settled within the last heartbeat may come twice.
        await until(lambda: 3 in recorder.handled)


async def test_a_deleted_consumer_forgets_no_message_that_waits_for_a_retry(
    stream, publish, recorder, dead_letters, until
) -> None:
    recorder.answers = {2: [Retry(delay_s=30)]}
    await publish(1, 2, 3)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.handled == [1, 3])
        await asyncio.sleep(2 * QUICK.heartbeat_s)
        await jetstream.call(stream, f"CONSUMER.DELETE.{stream.topology.stream}.c")
        await until(lambda: 2 in recorder.handled)
    # Not from the very beginning: 1 was settled.
    assert recorder.handled.count(1) == 1


async def test_a_consumer_that_began_at_the_end_and_is_deleted_misses_nothing(
    stream, publish, recorder, dead_letters, until
) -> None:
    options = ConsumerOptions(start="new", heartbeat_s=0.3)
    await publish(1, 2)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, options)):
        await asyncio.sleep(0.3)
        await jetstream.call(stream, f"CONSUMER.DELETE.{stream.topology.stream}.c")
        await publish(3)
        await until(lambda: recorder.handled == [3])


async def test_a_stream_that_is_deleted_and_comes_back_is_read_from_its_beginning(
    stream, publish, recorder, dead_letters, until
) -> None:
    await publish(1, 2, 3)
    async with running(DurableConsumer(stream, "c", recorder, dead_letters, QUICK)):
        await until(lambda: recorder.handled == [1, 2, 3])
        await jetstream.call(stream, f"STREAM.DELETE.{stream.topology.stream}")
        await asyncio.sleep(0.2)
        await ensure_event_stream(stream)
        await publish(4, 5)
        await until(lambda: recorder.handled == [1, 2, 3, 4, 5])


async def test_it_goes_on_after_a_connection_fell_silent(
    proxied_url, proxy, stream, publish, recorder, dead_letters, until
) -> None:
    async with (
        Bus(proxied_url, "test", stream.topology, ping_interval_s=0.5) as bus,
        running(DurableConsumer(bus, "c", recorder, dead_letters, QUICK)),
    ):
        await publish(1)
        await until(lambda: recorder.handled == [1])
        proxy.silence()
        await publish(2)
        await until(lambda: 2 in recorder.handled)


async def test_a_lost_request_is_noticed_although_the_connection_lives(
    stream, publish, recorder, dead_letters, until
) -> None:
    """The server forgot our request, as it does when a consumer's leader restarts."""
    consumer = DurableConsumer(stream, "c", recorder, dead_letters, QUICK)
    async with running(consumer):
        await publish(1)
        await until(lambda: recorder.handled == [1])
        session = consumer._session
        assert session is not None
        # Interest gone on the server: it drops the request and stays silent.
        for sid, subscription in list(stream._subscriptions.items()):
            if subscription is session._subscription:
                stream._client.write(f"UNSUB {sid} \r\n".encode())
        await publish(2)
        await until(lambda: 2 in recorder.handled)
    assert consumer_module.STALLS.labels("c")._value.get() >= 1


async def test_draining_finishes_what_is_in_hand_and_takes_nothing_new(
    stream, publish, recorder, dead_letters, until
) -> None:
    started = asyncio.Event()

    async def slow(delivery: Delivery) -> None:
        started.set()
        await asyncio.sleep(0.1)
        await recorder(delivery)

    await publish(1, 2)
    consumer = DurableConsumer(stream, "c", slow, dead_letters, QUICK)
    async with running(consumer) as task:
        await started.wait()
        await consumer.drain()
        assert recorder.handled == [1, 2]
        await publish(3)
        await asyncio.sleep(0.3)
        assert recorder.handled == [1, 2]
        assert not task.done()
    assert await pending(stream, "c") == (1, 0)


async def test_the_trace_of_the_event_reaches_the_handler(stream, event, dead_letters, until) -> None:
    seen: list[str] = []

    async def handler(delivery: Delivery) -> None:
        trace = telemetry.current_trace()
        assert trace is not None
        seen.append(trace.trace_id)

    with telemetry.span("publish") as trace:
        message = event(1)
        headers = dict(message.headers)
        telemetry.inject(headers)
        async with PipelinedPublisher(stream) as publisher:
            await publisher.publish([message._replace(headers=headers)])
    async with running(DurableConsumer(stream, "c", handler, dead_letters, QUICK)):
        await until(lambda: seen == [trace.trace_id])
