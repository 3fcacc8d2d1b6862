"""`dlq` and `replay` as an operator types them, on real servers and beside live deliveries."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn

import pytest
import structlog

from tertulia_shared.bus import (
    BatchConsumer,
    BatchOptions,
    Bus,
    ConsumerOptions,
    DeadLetters,
    Delivery,
    DurableConsumer,
    PipelinedPublisher,
    Reject,
    Retry,
    ensure_event_stream,
    stream_state,
)
from tertulia_shared.operators import replay as replay_room
from tertulia_shared.operators.command import completed, parsed, perform
from tertulia_shared.operators.dead_letters import Install

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    """No logs: the consumers run in this process and would write where the commands write."""

    def drop(*_: object) -> NoReturn:
        raise structlog.DropEvent

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[drop])
    yield
    structlog.configure(processors=before)


class Index:
    """Stands for a projection: what it holds after any number of deliveries is what it would hold after one of each."""

    def __init__(self) -> None:
        self.held: set[int] = set()
        self.deliveries: list[int] = []
        self.poison: set[int] = set()
        self.errors: set[int] = set()
        self.away = False
        self.fail_from: int | None = None

    def take(self, delivery: Delivery) -> None:
        number = int(delivery.data)
        self.deliveries.append(number)
        if self.away:
            raise Retry("the engine is away", delay_s=0.05)
        if self.fail_from is not None and number >= self.fail_from:
            raise Retry("the engine is away", delay_s=0.05)
        if number in self.errors:
            raise ValueError(f"{number} is odd")
        if number in self.poison:
            raise Reject(f"{number} is poison")
        self.held.add(number)

    async def one(self, delivery: Delivery) -> None:
        self.take(delivery)

    async def many(self, deliveries: list[Delivery]) -> None:
        held = set(self.held)
        try:
            for delivery in deliveries:
                self.take(delivery)
        except Exception:
            self.held = held
            raise


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def found(self) -> dict:
        return json.loads(self.out)


Operate = Callable[..., Awaitable[Done]]


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture
def operate(nats_url: str, topology, postgres_url: str, capsys: pytest.CaptureFixture[str]) -> Operate:
    async def run(*words: str, postgres: str = postgres_url, nats: str = nats_url) -> Done:
        install = Install(postgres_urls={"sample": postgres}, nats_url=nats, nats_prefix=topology.prefix)
        given = parsed("sample", words)
        capsys.readouterr()
        status = await completed(perform(install, given), as_json=given.json)
        written = capsys.readouterr()
        return Done(status, written.out.strip(), written.err)

    return run


@pytest.fixture
def publish(stream: Bus, event) -> Callable[..., Awaitable[None]]:
    async def publish(*numbers: int) -> None:
        async with PipelinedPublisher(stream) as publisher:
            await publisher.publish([event(number) for number in numbers])

    return publish


@pytest.fixture(params=["one by one", "in batches"])
def consumer(request: pytest.FixtureRequest, stream: Bus, index: Index, dead_letters: DeadLetters):
    quick = {"backoff_s": (0.05,), "heartbeat_s": 0.3, "max_attempts": 2}
    if request.param == "one by one":
        return DurableConsumer(stream, "c", index.one, dead_letters, ConsumerOptions(**quick))
    return BatchConsumer(stream, "c", index.many, dead_letters, BatchOptions(**quick))


@asynccontextmanager
async def running(consumer) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def letters_of(dead_letters: DeadLetters, count: int) -> list:
    async with asyncio.timeout(20):
        while len(kept := await dead_letters.list("c")) < count:
            await asyncio.sleep(0.02)
    return kept


# -- dead letters --------------------------------------------------------------------------------------------------


async def test_list_and_show_tell_what_failed_and_why(operate, consumer, publish, index, dead_letters) -> None:
    index.poison = {2}
    assert (await operate("dlq", "list")).out == "No dead letters."
    async with running(consumer):
        await publish(1, 2, 3)
        (kept,) = await letters_of(dead_letters, 1)
    name = f"c:{kept.id}"

    table = (await operate("dlq", "list")).out.splitlines()
    assert table[0].split() == ["LETTER", "TYPE", "SEQ", "ATTEMPTS", "FAILED", "ERROR"]
    assert table[1].startswith(name)
    assert "2 is poison" in table[1]
    found = (await operate("dlq", "list", "--json")).found
    assert [(one["id"], one["stream_seq"], one["error"]) for one in found["dead_letters"]] == [(name, 2, "2 is poison")]
    assert found["total"] == 1
    assert (await operate("dlq", "list", "--consumer", "other")).out == "No dead letters."

    shown = (await operate("dlq", "show", name, "--json")).found
    assert (shown["body"], shown["headers"]["Ch-Seq"]) == (2, "2")
    assert "2 is poison" in (await operate("dlq", "show", str(kept.id))).out


async def test_a_poison_that_was_mended_is_handled_once_and_gone(
    operate, consumer, publish, index, dead_letters
) -> None:
    index.poison = {2}
    async with running(consumer):
        await publish(1, 2, 3)
        (kept,) = await letters_of(dead_letters, 1)
        index.poison = set()
        done = await operate("dlq", "retry", f"c:{kept.id}", "--json")
        assert (done.status, done.found["retried"][0]["result"]) == (0, "done")
        assert index.held == {1, 2, 3}
        assert await dead_letters.list("c") == []
        # Asking again is harmless: there is nothing to do any more.
        again = await operate("dlq", "retry", f"c:{kept.id}")
        assert again.status == 1
        assert "dead_letter_not_found" in again.err


async def test_what_is_still_poison_stays_one_letter_with_the_new_error(
    operate, consumer, publish, index, dead_letters
) -> None:
    index.poison = {2}
    async with running(consumer):
        await publish(1, 2)
        (kept,) = await letters_of(dead_letters, 1)
        for attempt in (2, 3):
            done = await operate("dlq", "retry", f"c:{kept.id}")
            assert done.status == 1
            assert "fails still" in done.out
            (now,) = await dead_letters.list("c")
            assert (now.id, now.error, now.attempts) == (kept.id, "2 is poison", attempt)
            assert now.updated_at > kept.updated_at
        await asyncio.sleep(0.2)
        assert len(await dead_letters.list("c")) == 1


async def test_all_letters_at_once_are_taken_oldest_first(operate, consumer, publish, index, dead_letters) -> None:
    index.poison = {2, 4, 6}
    async with running(consumer):
        await publish(*range(1, 8))
        await letters_of(dead_letters, 3)
        index.poison = {4}
        index.deliveries.clear()
        done = await operate("dlq", "retry", "--all", "--consumer", "c")
        assert done.status == 1
        assert "2 of 3 handled." in done.out
        assert sorted(index.deliveries) == [2, 4, 6]
        assert [letter.error for letter in await dead_letters.list("c")] == ["4 is poison"]


async def test_while_the_engine_is_away_a_letter_stays_as_it_was(
    operate, consumer, publish, index, dead_letters
) -> None:
    index.poison = {2}
    async with running(consumer):
        await publish(2)
        (kept,) = await letters_of(dead_letters, 1)
        index.away = True
        done = await operate("dlq", "retry", f"c:{kept.id}")
        assert done.status == 1
        assert "not now" in done.out
        assert await dead_letters.list("c") == [kept]


async def test_two_operators_at_once_do_no_harm(operate, consumer, publish, index, dead_letters) -> None:
    index.poison = {2}
    async with running(consumer):
        await publish(1, 2)
        (kept,) = await letters_of(dead_letters, 1)
        index.poison = set()
        done = await asyncio.gather(*(operate("dlq", "retry", f"c:{kept.id}") for _ in range(4)))
        assert {one.status for one in done} <= {0, 1}
        assert index.held == {1, 2}
        assert await dead_letters.list("c") == []


async def test_errors_have_stable_codes(operate, dead_letters, stream) -> None:
    await dead_letters._pool.execute(
        "INSERT INTO dead_letter (consumer, event_id, event_type, stream, stream_seq, subject, headers, body, error, "
        "attempts) VALUES ('c', 'e', 't', 's', 1, 'evt.00.-.ch.c', '{}', '1', 'broken', 1)"
    )
    cases = {
        "service_unavailable": (3, await operate("dlq", "retry", "c:1")),
        "nats_unavailable": (3, await operate("dlq", "retry", "c:1", nats="nats://127.0.0.1:1")),
        "postgres_unavailable": (3, await operate("dlq", "list", postgres=NOWHERE)),
        "dead_letter_not_found": (1, await operate("dlq", "show", "c:77")),
        "bad_letter_name": (2, await operate("dlq", "show", "c:x")),
        "bad_arguments": (2, await operate("dlq", "retry")),
    }
    for code, (status, done) in cases.items():
        assert done.err.startswith(f"{code}: "), done
        assert (done.status, done.out) == (status, "")
    machine = await operate("dlq", "show", "c:77", "--json")
    assert json.loads(machine.err)["error"]["code"] == "dead_letter_not_found"
    assert [letter.attempts for letter in await dead_letters.list("c")] == [1]


# -- replay --------------------------------------------------------------------------------------------------------


async def test_a_range_is_handled_again_beside_live_traffic(operate, consumer, publish, index, until) -> None:
    await publish(*range(1, 1301))
    async with running(consumer):
        await until(lambda: len(index.held) == 1300)
        # The projection lost a part, and people go on writing.
        index.held -= set(range(100, 1200))
        live = asyncio.get_running_loop().create_task(_publish_steadily(publish, 1301, 1500))
        done = await operate("replay", "--consumer", "c", "--from", "100", "--to", "1199", "--json")
        await live
        await until(lambda: len(index.held) == 1500)
        report = done.found
        assert (report["first"], report["last"], report["handled"], report["put_aside"]) == (100, 1199, 1100, 0)
        assert index.held == set(range(1, 1501))
        live_deliveries = [number for number in index.deliveries if number > 1300]
        assert live_deliveries == list(range(1301, 1501))


async def _publish_steadily(publish, first: int, last: int) -> None:
    for number in range(first, last + 1, 10):
        await publish(*range(number, number + 10))
        await asyncio.sleep(0.01)


async def test_replayed_twice_is_as_once_and_poison_becomes_one_letter(
    operate, consumer, publish, index, dead_letters, until
) -> None:
    await publish(*range(1, 701))
    async with running(consumer):
        await until(lambda: len(index.held) == 700)
        index.poison = {300, 650}
        index.held -= index.poison
        for _ in range(2):
            done = await operate("replay", "--consumer", "c", "--from", "1", "--json")
            assert (done.status, done.found["handled"], done.found["put_aside"]) == (0, 698, 2)
        assert sorted(letter.stream_seq for letter in await dead_letters.list("c")) == [300, 650]
        assert index.held == set(range(1, 701)) - {300, 650}
        index.poison = set()
        assert (await operate("dlq", "retry", "--all")).status == 0
        assert index.held == set(range(1, 701))


async def test_a_replay_waits_for_an_engine_that_is_away(
    operate, consumer, publish, index, dead_letters, until
) -> None:
    await publish(*range(1, 51))
    async with running(consumer):
        await until(lambda: len(index.held) == 50)
        index.held.clear()
        index.away = True
        replaying = asyncio.get_running_loop().create_task(operate("replay", "--consumer", "c", "--from", "1"))
        await asyncio.sleep(0.7)
        index.away = False
        assert (await replaying).status == 0
        assert index.held == set(range(1, 51))
        assert await dead_letters.list("c") == []


async def test_a_replay_that_cannot_go_on_says_where_to_begin_again(
    operate, consumer, publish, index, dead_letters, until, monkeypatch
) -> None:
    monkeypatch.setattr(replay_room, "FIRST_PAUSE_S", 0.01)
    await publish(*range(1, 801))
    async with running(consumer):
        await until(lambda: len(index.held) == 800)
        index.fail_from = 600
        done = await operate("replay", "--consumer", "c", "--from", "1")
        assert done.status == 3
        assert "not_now: " in done.err
        assert "--from 501" in done.err
        assert await dead_letters.list("c") == []


async def test_what_fails_by_itself_until_the_last_time_is_put_aside(
    operate, consumer, publish, index, dead_letters, until, monkeypatch
) -> None:
    """Not rejected: an error that might have passed, and did not."""
    monkeypatch.setattr(replay_room, "FIRST_PAUSE_S", 0.01)
    await publish(*range(1, 101))
    async with running(consumer):
        await until(lambda: len(index.held) == 100)
        index.errors = {42}
        done = await operate("replay", "--consumer", "c", "--from", "1", "--json")
        assert (done.status, done.found["handled"], done.found["put_aside"]) == (0, 99, 1)
        assert [letter.error for letter in await dead_letters.list("c")] == ["ValueError: 42 is odd"]


async def test_a_range_by_time(operate, consumer, publish, index, until) -> None:
    await publish(*range(1, 11))
    await asyncio.sleep(0.05)
    begin = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await publish(*range(11, 21))
    await asyncio.sleep(0.05)
    end = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await publish(*range(21, 31))
    async with running(consumer):
        await until(lambda: len(index.held) == 30)
        index.deliveries.clear()
        done = await operate(
            "replay", "--consumer", "c", "--from", begin.isoformat(), "--to", end.isoformat(), "--json"
        )
        assert (done.found["first"], done.found["last"]) == (11, 20)
        assert sorted(index.deliveries) == list(range(11, 21))
        late = await operate("replay", "--consumer", "c", "--from", "2999-01-01T00:00:00Z")
        assert late.err.startswith("nothing_to_replay: ")


async def test_a_service_that_restarts_in_the_middle_loses_nothing(
    operate, stream, publish, index, dead_letters, until
) -> None:
    await publish(*range(1, 2001))
    consumer = BatchConsumer(stream, "c", index.many, dead_letters)
    async with running(consumer):
        await until(lambda: len(index.held) == 2000)
        index.held.clear()
        index.deliveries.clear()
        replaying = asyncio.get_running_loop().create_task(operate("replay", "--consumer", "c", "--from", "1"))
        await until(lambda: len(index.deliveries) > 0)
    await asyncio.sleep(0.3)
    async with running(BatchConsumer(stream, "c", index.many, dead_letters)):
        assert (await replaying).status == 0
    assert index.held == set(range(1, 2001))


async def test_a_stream_that_was_made_again_stops_a_replay(stream, publish, consumer, index, until) -> None:
    await publish(*range(1, 11))
    async with running(consumer):
        await until(lambda: len(index.held) == 10)
        former = (await stream_state(stream)).incarnation
        await stream.request(f"$JS.API.STREAM.DELETE.{stream.topology.stream}", b"")
        await ensure_event_stream(stream)
        report = replay_room.Report(consumer="c", first=1, last=10)
        with pytest.raises(replay_room.OperatorError) as stopped:
            async for _ in replay_room.pieces(stream, former, report):
                pass
        assert stopped.value.code == "stream_changed"


async def test_what_stops_a_replay_has_a_code(operate, stream, publish, dead_letters) -> None:
    await publish(1, 2, 3)
    cases = {
        "service_unavailable": (3, await operate("replay", "--consumer", "nobody", "--from", "1")),
        "nothing_to_replay": (1, await operate("replay", "--consumer", "c", "--from", "9")),
        "bad_place": (2, await operate("replay", "--consumer", "c", "--from", "yesterday")),
        "nats_unavailable": (3, await operate("replay", "--consumer", "c", "--from", "1", nats="nats://127.0.0.1:1")),
    }
    for code, (status, done) in cases.items():
        assert f"{code}: " in done.err, done
        assert (done.status, done.out) == (status, "")
