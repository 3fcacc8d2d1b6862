"""Many messages with one commit: each has its effect at least once, and a poison message stops nobody."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from tertulia_shared import telemetry
from tertulia_shared.bus import (
    BatchConsumer,
    BatchOptions,
    Bus,
    DeadLetters,
    Delivery,
    JetStreamError,
    Outgoing,
    PipelinedPublisher,
    Reject,
    Retry,
    batches,
    consumer_lag,
    consuming,
    ensure_event_stream,
)
from tertulia_shared.events import Topology
from tertulia_stack.servers import NatsServer

QUICK = BatchOptions(batch=100, backoff_s=(0.05,), ack_wait_s=2, heartbeat_s=0.3, max_attempts=3)


@asynccontextmanager
async def running(consumer: BatchConsumer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.get_running_loop().create_task(consumer.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Engine:
    """Takes a batch as a whole or not at all, like a transaction."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.calls: list[list[int]] = []
        self.poison: dict[int, Exception] = {}
        self.away: list[Exception] = []

    async def __call__(self, batch: list[Delivery]) -> None:
        numbers = [int(delivery.data) for delivery in batch]
        self.calls.append(numbers)
        if self.away:
            raise self.away.pop(0)
        for number in numbers:
            if number in self.poison:
                raise self.poison[number]
        self.stored += numbers


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def publish(stream: Bus, event) -> Callable[..., object]:
    async def publish(*numbers: int) -> None:
        async with PipelinedPublisher(stream) as publisher:
            await publisher.publish([event(number) for number in numbers])

    return publish


async def settled(bus: Bus, name: str = "c") -> bool:
    """Everything is acknowledged, if not at once then soon: what was stored is acknowledged when its batch ends."""
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            while (await consumer_lag(bus, name)).messages:
                await asyncio.sleep(0.01)
            return True
    return False


async def test_messages_come_in_order_in_full_batches_and_are_acknowledged(
    stream, publish, engine, dead_letters, until
) -> None:
    await publish(*range(1050))
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await until(lambda: len(engine.stored) == 1050)
        assert engine.stored == list(range(1050))
        assert max(len(call) for call in engine.calls) == 100
        assert len(engine.calls) < 30
        assert await settled(stream)


async def test_a_lonely_message_waits_only_for_a_moment(stream, publish, engine, dead_letters, until) -> None:
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await publish(1)
        await until(lambda: engine.calls == [[1]])
        await publish(2, 3)
        await until(lambda: engine.stored == [1, 2, 3])


async def test_what_is_waiting_while_a_batch_is_handled_is_the_next_batch(
    stream, publish, engine, dead_letters, until
) -> None:
    gate = asyncio.Event()

    async def slow(batch: list[Delivery]) -> None:
        await gate.wait()
        await engine(batch)

    await publish(*range(500))
    async with running(BatchConsumer(stream, "c", slow, dead_letters, QUICK)) as task:
        await asyncio.sleep(0.3)
        lag = await consumer_lag(stream, "c")
        assert lag.messages == 500
        assert 0.2 < lag.oldest_s < 30
        gate.set()
        await until(lambda: len(engine.stored) == 500)
        assert engine.stored == list(range(500))
        assert not task.done()


async def test_retry_brings_the_whole_batch_again_without_end_and_tries_nothing_meanwhile(
    stream, publish, engine, dead_letters, until
) -> None:
    """The engine is away for longer than `max_attempts` would allow: that is no message's fault."""
    engine.away = [Retry("the engine is away", delay_s=0.1) for _ in range(6)]
    await publish(*range(50))
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await until(lambda: len(engine.calls) == 2)
        await publish(*range(50, 60))
        await until(lambda: len(engine.stored) == 60)
        assert await settled(stream)
    assert sorted(engine.stored) == list(range(60))
    assert len(engine.calls) < 20
    assert await dead_letters.list("c") == []


async def test_retry_without_a_delay_follows_the_back_off(stream, publish, engine, dead_letters, until) -> None:
    engine.away = [Retry()]
    await publish(1)
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await until(lambda: engine.stored == [1])
    assert engine.calls == [[1], [1]]


async def test_an_error_of_the_moment_costs_one_repetition(stream, publish, engine, dead_letters, until) -> None:
    engine.away = [RuntimeError("connection reset")]
    await publish(*range(50))
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await until(lambda: len(engine.stored) == 50)
        assert await settled(stream)
    assert engine.stored == list(range(50))
    assert len(engine.calls) <= 4


async def test_rejected_messages_become_dead_letters_and_the_rest_of_the_batch_is_done(
    stream, publish, engine, dead_letters: DeadLetters, until
) -> None:
    engine.poison = {13: Reject("makes no sense"), 77: Reject("nor does this")}
    await publish(*range(100))
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await until(lambda: len(engine.stored) == 98)
        assert await settled(stream)
    assert engine.stored == [number for number in range(100) if number not in (13, 77)], "once, and in order"
    letters = await dead_letters.list("c")
    assert sorted((letter.body, letter.error, letter.attempts) for letter in letters) == [
        (b"13", "makes no sense", 1),
        (b"77", "nor does this", 1),
    ]
    assert len(engine.calls) < 50, "divided, not one by one"


async def test_a_message_that_always_fails_ends_alone_as_a_dead_letter(
    stream, publish, engine, dead_letters: DeadLetters, until
) -> None:
    engine.poison = {5: ValueError("poison")}
    await publish(*range(40))
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await until(lambda: len(engine.stored) == 39)
        await publish(*range(40, 80))
        while not (letters := await dead_letters.list("c")):
            await asyncio.sleep(0.01)
        await until(lambda: len(engine.stored) == 79)
        assert await settled(stream)
    (letter,) = letters
    assert (letter.body, letter.error, letter.attempts) == (b"5", "ValueError: poison", 3)
    assert sorted(engine.stored) == [number for number in range(80) if number != 5]
    last = max(index for index, call in enumerate(engine.calls) if 5 in call)
    assert engine.calls[last] == [5], "it does not fail its companions again"


async def test_a_part_of_a_divided_batch_can_wait_for_an_engine_that_just_went_away(
    stream, publish, engine, dead_letters: DeadLetters, until
) -> None:
    engine.poison = {0: Reject("no")}
    calls = 0

    async def handler(batch: list[Delivery]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Retry("away now", delay_s=0.05)
        await engine(batch)

    await publish(*range(8))
    async with running(BatchConsumer(stream, "c", handler, dead_letters, QUICK)):
        await until(lambda: len(engine.stored) == 7)
        while not await dead_letters.list("c"):
            await asyncio.sleep(0.01)
        assert await settled(stream)
    assert sorted(engine.stored) == list(range(1, 8))


async def test_nothing_is_given_up_while_its_dead_letter_cannot_be_kept(
    stream, publish, engine, dead_letters: DeadLetters, postgres_url, until, monkeypatch
) -> None:
    monkeypatch.setattr(consuming, "DEAD_LETTER_RETRY_S", 0.1)
    engine.poison = {1: Reject("never")}
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("ALTER TABLE dead_letter RENAME TO elsewhere")
    await publish(1)
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await until(lambda: engine.calls)
        await asyncio.sleep(0.3)
        assert (await consumer_lag(stream, "c")).messages == 1
        await connection.execute("ALTER TABLE elsewhere RENAME TO dead_letter")
        assert await settled(stream)
    await connection.close()
    assert len(await dead_letters.list("c")) == 1


async def test_a_batch_whose_process_died_after_the_effect_comes_twice(
    stream, publish, engine, dead_letters, until
) -> None:
    died = asyncio.Event()

    async def die_after_the_effect(batch: list[Delivery]) -> None:
        await engine(batch)
        died.set()
        await asyncio.Event().wait()

    await publish(*range(20))
    async with running(BatchConsumer(stream, "c", die_after_the_effect, dead_letters, QUICK)):
        await died.wait()
    async with running(BatchConsumer(stream, "c", engine, dead_letters, QUICK)):
        await until(lambda: len(engine.stored) == 40)
        assert await settled(stream)
    # In stream order, but for what comes again.
    assert engine.stored[:20] == sorted(engine.stored[20:]) == [*range(20)]


WORKER = """
import asyncio, sys
from pathlib import Path
import asyncpg
from tertulia_shared.bus import BatchConsumer, BatchOptions, Bus, DeadLetters
from tertulia_shared.events import Topology

async def main(nats, prefix, postgres):
    async with Bus(nats, "worker", Topology(prefix)) as bus, asyncpg.create_pool(postgres, min_size=1) as pool:
        async def store(batch):
            rows = [(int(delivery.data),) for delivery in batch]
            async with pool.acquire() as connection, connection.transaction():
                await connection.executemany("INSERT INTO seen VALUES ($1) ON CONFLICT DO NOTHING", rows)
                await connection.executemany("INSERT INTO effects VALUES ($1)", rows)
        options = BatchOptions(batch=50, ack_wait_s=1, heartbeat_s=0.3)
        await BatchConsumer(bus, "c", store, DeadLetters(pool), options).run()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_kill_9_in_the_middle_again_and_again_loses_nothing(
    stream, publish, dead_letters, postgres_url, nats_url, nats_prefix, tmp_path: Path
) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("CREATE TABLE seen (n int PRIMARY KEY); CREATE TABLE effects (n int)")
    chance = random.Random(7)
    total, kills = 1000, 3
    await publish(*range(total))

    async def seen() -> int:
        return await connection.fetchval("SELECT count(*) FROM seen")

    for left in reversed(range(kills)):
        enough = total - left * 300
        worker = subprocess.Popen([sys.executable, str(script), nats_url, nats_prefix, postgres_url])
        try:
            async with asyncio.timeout(50):
                while await seen() < enough:
                    assert worker.poll() is None
                    await asyncio.sleep(0.002)
            await asyncio.sleep(chance.random() * 0.02)
        finally:
            worker.kill()
            worker.wait()
    repeated = await connection.fetchval("SELECT count(*) FROM effects") - total
    print(f"\n{kills} kills, {repeated} of {total} messages handled twice, none missing")
    assert await connection.fetchval("SELECT count(*) FROM seen") == total
    await connection.close()
    assert await dead_letters.list("c") == []


async def test_it_goes_on_after_nats_was_killed(own_nats: NatsServer, nats_prefix, engine, dead_letters, until) -> None:
    async with Bus(own_nats.url, "test", Topology(nats_prefix)) as bus:
        await bus.wait_connected(5)
        await ensure_event_stream(bus)
        async with running(BatchConsumer(bus, "c", engine, dead_letters, QUICK)):
            for round_ in range(2):
                messages = [
                    Outgoing(f"{nats_prefix}evt.00.w.ch.c", str(n).encode(), {"Nats-Msg-Id": str(n)})
                    for n in range(round_ * 200, round_ * 200 + 200)
                ]
                async with PipelinedPublisher(bus) as publisher:
                    await publisher.publish(messages)
                await asyncio.to_thread(own_nats.kill)
                await asyncio.to_thread(own_nats.start)
                await bus.wait_connected(10)
            await until(lambda: set(engine.stored) == set(range(400)))
    assert await dead_letters.list("c") == []


async def test_draining_finishes_the_batch_in_hand(stream, publish, engine, dead_letters, until) -> None:
    started = asyncio.Event()

    async def slow(batch: list[Delivery]) -> None:
        started.set()
        await asyncio.sleep(0.1)
        await engine(batch)

    await publish(*range(10))
    consumer = BatchConsumer(stream, "c", slow, dead_letters, QUICK)
    async with running(consumer):
        await started.wait()
        await consumer.drain()
        assert engine.stored == list(range(10))
        await publish(10)
        await asyncio.sleep(0.2)
        assert engine.stored == list(range(10))
    assert (await consumer_lag(stream, "c")).messages == 1


async def test_a_slow_batch_keeps_its_messages(stream, publish, engine, dead_letters, until) -> None:
    async def slow(batch: list[Delivery]) -> None:
        await asyncio.sleep(1.5)
        await engine(batch)

    await publish(*range(10))
    options = BatchOptions(ack_wait_s=0.5, heartbeat_s=0.3)
    async with running(BatchConsumer(stream, "c", slow, dead_letters, options)):
        await until(lambda: len(engine.stored) == 10)
        await asyncio.sleep(0.7)
    assert engine.calls == [list(range(10))]


async def test_a_batch_has_one_trace_of_its_own(stream, publish, dead_letters, until) -> None:
    traces: list[str] = []

    async def handler(_: list[Delivery]) -> None:
        trace = telemetry.current_trace()
        assert trace is not None
        traces.append(trace.trace_id)

    await publish(1, 2)
    async with running(BatchConsumer(stream, "c", handler, dead_letters, QUICK)):
        await until(lambda: len(traces) == 1)


async def test_the_lag_of_a_consumer_that_is_not_there_is_an_error(stream: Bus) -> None:
    with pytest.raises(JetStreamError):
        await consumer_lag(stream, "nobody")


def test_a_pause_is_bounded() -> None:
    assert BatchOptions().ack_wait_s >= batches.LONGEST_PAUSE_S
