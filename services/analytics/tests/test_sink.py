"""Exactly once: every event that the stream has had is one row, whatever died, came twice or was away."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from uuid_utils import uuid7

from tertulia_analytics.errors import AnalyticsUnavailable
from tertulia_analytics.sink.batch import form
from tertulia_analytics.sink.lag import Lag
from tertulia_analytics.sink.position import Intent, Ledger, Position
from tertulia_analytics.sink.sink import Pace
from tertulia_analytics.sink.store import Store
from tertulia_analytics.warehouse.engine import Warehouse
from tertulia_shared import events
from tertulia_shared.bus import Outgoing, ensure_event_stream, jetstream, renew_incarnation, stream_state

SMALL = Pace(rows=10, batch_s=0.05, claim_s=0.05, first_retry_s=0.05, last_retry_s=0.2, late_s=0.5)


def ids_of(*messages: Outgoing) -> list[str]:
    return sorted(events.decode_envelope(message.data).id for message in messages)


def again(message: Outgoing) -> Outgoing:
    """The same event, published once more as the relay does after a rewind: under a message id of another life."""
    return Outgoing(message.subject, message.data, {**message.headers, "Nats-Msg-Id": str(uuid7())})


async def delete_stream(world: Any) -> None:
    await jetstream.call(world.bus, f"STREAM.DELETE.{world.topology.stream}")


async def test_every_event_is_one_row(world, analytics):
    ada = world.person("member", world.channel)
    sent = [world.message(ada) for _ in range(50)]
    await world.publish(*sent)
    await analytics.counted()
    assert await analytics.ids() == ids_of(*sent)


async def test_batches_are_cut_by_their_number_of_rows(world):
    ada = world.person()
    sent = [world.message(ada) for _ in range(95)]
    await world.publish(*sent)
    async with world.analytics(SMALL) as analytics:
        await analytics.counted()
        assert await analytics.ids() == ids_of(*sent)


async def test_an_event_that_is_published_twice_counts_once(world, analytics):
    ada = world.person()
    sent = [world.message(ada) for _ in range(20)]
    await world.publish(*sent, *map(again, sent[:5]))
    await analytics.counted()
    await world.publish(*map(again, sent))
    later = world.message(ada)
    await world.publish(later, again(sent[3]), again(later))
    await analytics.counted()
    assert await analytics.ids() == ids_of(*sent, later)


async def test_copies_among_many_rows_of_the_same_time_are_found(world, analytics, monkeypatch):
    """When the range of times holds much more than the batch, the ids are asked for by name."""
    monkeypatch.setattr("tertulia_analytics.sink.store.RANGE_ROWS", 0)
    ada = world.person()
    sent = [world.message(ada) for _ in range(300)]
    await world.publish(*sent)
    await analytics.counted()
    await world.publish(*map(again, sent[100:110]), world.message(ada))
    await analytics.counted()
    assert await analytics.count() == 301
    assert len(set(await analytics.ids())) == 301


async def test_a_late_event_counts(world, analytics):
    """Its time is before what is stored, so it is asked for; it is not there."""
    ada = world.person()
    await world.publish(*[world.message(ada) for _ in range(10)])
    await analytics.counted()
    world.now -= timedelta(days=40)
    late = world.message(ada)
    await world.publish(late)
    await analytics.counted()
    assert await analytics.count() == 11


async def test_a_new_life_of_the_stream_counts_nothing_twice(world, analytics):
    ada = world.person()
    sent = [world.message(ada) for _ in range(30)]
    await world.publish(*sent)
    await analytics.counted()
    await delete_stream(world)
    await ensure_event_stream(world.bus)
    # The relay rewinds, and what was written meanwhile comes too.
    more = [world.message(ada) for _ in range(5)]
    await world.publish(*sent[10:], *more)
    await analytics.counted()
    assert await analytics.ids() == ids_of(*sent, *more)


async def test_a_stream_that_came_back_shorter_is_read_from_its_beginning(world, sink_row):
    ada = world.person()
    sent = [world.message(ada) for _ in range(30)]
    await world.publish(*sent)
    async with world.analytics() as analytics:
        await analytics.counted()
    await delete_stream(world)
    state = await ensure_event_stream(world.bus)
    # Restored from a copy that still says it is the same.
    await sink_row.execute("UPDATE sink SET incarnation = $1", state.incarnation)
    await world.publish(*sent[:20])
    async with world.analytics() as analytics:
        await analytics.counted()
        assert await analytics.ids() == ids_of(*sent)


async def test_a_renewed_incarnation_alone_changes_nothing(world, analytics):
    ada = world.person()
    sent = [world.message(ada) for _ in range(10)]
    await world.publish(*sent)
    await analytics.counted()
    await renew_incarnation(world.bus)
    await analytics.counted()
    assert await analytics.ids() == ids_of(*sent)


async def test_another_warehouse_is_filled_from_the_stream(world, sink_row):
    ada = world.person()
    sent = [world.message(ada) for _ in range(10)]
    await world.publish(*sent)
    async with world.analytics() as analytics:
        await analytics.counted()
        for table in ("event", "channel", "schema_version"):
            await analytics.parts.warehouse.query(f"DROP TABLE {table}")
    async with world.analytics() as analytics:
        await analytics.counted()
        assert await analytics.ids() == ids_of(*sent)


# -- between the steps -----------------------------------------------------------------------------------------------


async def prepared(world: Any, sink_row: asyncpg.Connection, warehouse: Warehouse, count: int) -> tuple[Any, Any, Any]:
    """A sink that has read `count` events and is about to write its intent."""
    ada = world.person()
    sent = [world.message(ada) for _ in range(count)]
    await world.publish(*sent)
    state = await stream_state(world.bus)
    ledger = Ledger(sink_row)
    position = await ledger.restart(await warehouse.identity(), state.incarnation)
    batch = await form(world.bus, state, 0, state.last_seq)
    return sent, batch, (ledger, position)


def intent_of(batch: Any) -> Intent:
    return Intent(last=batch.last, token=batch.token, skipped=batch.skipped)


@pytest.mark.parametrize("inserted", [False, True])
async def test_an_intent_is_settled_once(world, sink_row, warehouse, inserted: bool):
    """The process died after the intent: before the insert, or after it and before it could say so."""
    sent, batch, (ledger, position) = await prepared(world, sink_row, warehouse, 20)
    await ledger.intend(position, intent_of(batch))
    if inserted:
        await Store(warehouse).insert(batch)
    more = world.message(world.person())
    await world.publish(more)
    async with world.analytics() as analytics:
        await analytics.counted()
        assert await analytics.ids() == ids_of(*sent, more)
    assert await sink_row.fetchval("SELECT pending_last FROM sink") is None
    assert await sink_row.fetchval("SELECT position FROM sink") == 21


async def test_an_intent_remembers_what_it_leaves_out(world, sink_row, warehouse):
    """The batch formed again has the same rows, so it has the same token."""
    sent, first, (ledger, position) = await prepared(world, sink_row, warehouse, 5)
    store = Store(warehouse)
    await store.insert(first)
    position = await ledger.settle(position, first.last)
    more = [world.message(world.person()) for _ in range(3)]
    await world.publish(again(sent[0]), *more, again(sent[1]), again(more[0]))
    second = await form(world.bus, await stream_state(world.bus), 5, 11)
    second.leave_out(await store.stored_of(second))
    assert ids_of(*more) == sorted(row[0] for row in second.rows)
    await ledger.intend(position, intent_of(second))
    await store.insert(second)
    async with world.analytics() as analytics:
        await analytics.counted()
        assert await analytics.ids() == ids_of(*sent, *more)


@pytest.mark.parametrize("inserted", [False, True])
async def test_an_intent_whose_rows_left_the_stream_is_void(world, sink_row, warehouse, inserted: bool):
    sent, batch, (ledger, position) = await prepared(world, sink_row, warehouse, 20)
    await ledger.intend(position, intent_of(batch))
    if inserted:
        await Store(warehouse).insert(batch)
    await jetstream.call(world.bus, f"STREAM.PURGE.{world.topology.stream}", {"seq": 11})
    more = world.message(world.person())
    await world.publish(more)
    async with world.analytics() as analytics:
        await analytics.counted()
        kept = sent if inserted else sent[10:]
        assert await analytics.ids() == ids_of(*kept, more)


async def test_an_intent_of_another_life_is_void(world, sink_row, warehouse):
    sent, batch, (ledger, position) = await prepared(world, sink_row, warehouse, 20)
    await ledger.intend(position, intent_of(batch))
    await Store(warehouse).insert(batch)
    await delete_stream(world)
    await ensure_event_stream(world.bus)
    await world.publish(*sent)
    async with world.analytics() as analytics:
        await analytics.counted()
        assert await analytics.ids() == ids_of(*sent)


async def test_a_number_that_was_deleted_inside_the_stream_is_passed_over(world):
    ada = world.person()
    sent = [world.message(ada) for _ in range(10)]
    seqs = await world.publish(*sent)
    await jetstream.call(world.bus, f"STREAM.MSG.DELETE.{world.topology.stream}", {"seq": seqs[4]})
    async with world.analytics(SMALL) as analytics:
        await analytics.counted()
        assert await analytics.ids() == ids_of(*sent[:4], *sent[5:])


# -- what cannot be read -----------------------------------------------------------------------------------------------


async def test_poison_is_put_aside_and_the_rest_goes_on(world, analytics, sink_row):
    ada = world.person()
    good = [world.message(ada) for _ in range(3)]
    broken = world.message(ada)
    envelope = json.loads(broken.data)
    broken = Outgoing(broken.subject, json.dumps(envelope | {"data": {"message": 1}}).encode(), broken.headers)
    headers = {**good[0].headers, "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    noise = Outgoing(good[0].subject, b"\x00 not json", {**headers, "Nats-Msg-Id": "noise"})
    await world.publish(good[0], noise, good[1], broken, good[2])
    await analytics.counted()
    await world.publish(again(broken))
    await analytics.counted()
    assert await analytics.ids() == ids_of(*good)
    letters = await sink_row.fetch("SELECT event_id, body, trace_id, stream_seq FROM dead_letter ORDER BY id")
    assert [letter["event_id"] for letter in letters] == ["noise", envelope["id"]]
    assert letters[0]["body"] == b"\x00 not json"
    assert letters[0]["trace_id"] == "a" * 32
    _, said, _ = await analytics.get("/metrics")
    assert "analytics_dead_letters_total" in said


async def test_an_unknown_type_is_stored_by_its_type(world, analytics):
    ada = world.person()
    envelope = events.decode_envelope(world.message(ada).data)
    closed = msgspec.structs.replace(envelope, type="poll.closed", data=msgspec.Raw(b'{"by":"ada"}'))
    await world.publish(world.outgoing(closed))
    await analytics.counted()
    assert await analytics.parts.warehouse.query("SELECT type, length FROM event") == [("poll.closed", 0)]


async def test_the_text_is_nowhere_in_the_warehouse(world, analytics, chdb_path):
    ada = world.person()
    await world.publish(world.message(ada, "the password is swordfish-7391"), world.message(ada, "x" * 100))
    await analytics.counted()
    assert await analytics.parts.warehouse.query("SELECT length FROM event ORDER BY 1") == [(30,), (100,)]
    files = [file for file in chdb_path.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if b"swordfish" in file.read_bytes()]


# -- more than one, and things that are away ---------------------------------------------------------------------------


async def test_one_writes_and_another_takes_over(world):
    ada = world.person()
    async with world.analytics() as first, world.analytics() as second:
        sent = [world.message(ada) for _ in range(10)]
        await world.publish(*sent)
        await first.counted()
        await second.counted()
        await world.stop(first)
        more = [world.message(ada) for _ in range(10)]
        await world.publish(*more)
        await second.counted()
        assert await second.ids() == ids_of(*sent, *more)


async def test_the_writer_that_lost_its_connection_writes_no_more(world, analytics, sink_row):
    ada = world.person()
    await world.publish(world.message(ada))
    await analytics.counted()
    for _ in range(3):
        await sink_row.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tertulia analytics'"
        )
        await world.publish(world.message(ada))
        await analytics.counted()
    assert await analytics.count() == 4


async def test_while_clickhouse_is_away_events_wait(world, monkeypatch):
    ada = world.person("member", world.channel)
    token = world.token(ada)
    async with world.analytics() as analytics:
        await world.publish(world.message(ada))
        await analytics.counted()
        warehouse = analytics.parts.warehouse
        right = warehouse._run

        def away(_: Any) -> Any:
            raise AnalyticsUnavailable("ClickHouse does not answer.")

        monkeypatch.setattr(warehouse, "_run", away)
        await world.publish(world.message(ada))
        await asyncio.sleep(1)
        status, body, _ = await analytics.get(f"/api/v1/workspaces/{world.workspace}/analytics/overview", token)
        assert (status, body["code"]) == (503, "analytics_unavailable")
        _, ready, _ = await analytics.get("/readyz")
        assert ready["dependencies"]["clickhouse"]["state"] == "down"
        assert "s behind: clickhouse is away" in ready["dependencies"]["sink"]["detail"]
        _, said, _ = await analytics.get("/metrics")
        lag = next(line for line in said.splitlines() if line.startswith("analytics_sink_lag_seconds "))
        assert float(lag.split()[1]) > 0.5
        monkeypatch.setattr(warehouse, "_run", right)
        await analytics.counted()
        assert await analytics.count() == 2
        await analytics.parts.sink.check()


async def test_an_insert_that_was_done_without_an_answer_is_not_done_twice(world, analytics, monkeypatch):
    ada = world.person()
    await analytics.counted()
    warehouse = analytics.parts.warehouse
    right, cuts = warehouse.insert, 3

    async def cut(table: str, *rest: Any) -> None:
        nonlocal cuts
        await right(table, *rest)
        if cuts:
            cuts -= 1
            raise AnalyticsUnavailable("The answer was lost.")

    monkeypatch.setattr(warehouse, "insert", cut)
    sent = [world.message(ada) for _ in range(20)]
    await world.publish(*sent)
    await analytics.counted()
    assert cuts == 0
    assert await analytics.ids() == ids_of(*sent)


async def test_a_stream_that_is_gone_while_an_insert_is_repeated(world, analytics, monkeypatch):
    """The rows are still in memory: the intent is settled before the new stream is looked at."""
    ada = world.person()
    await analytics.counted()
    store = analytics.parts.sink._store
    right, cut = store.insert, asyncio.Event()

    async def refuse(_: Any) -> None:
        cut.set()
        raise AnalyticsUnavailable("Not now.")

    monkeypatch.setattr(store, "insert", refuse)
    sent = [world.message(ada) for _ in range(20)]
    await world.publish(*sent)
    await asyncio.wait_for(cut.wait(), 10)
    await delete_stream(world)
    await ensure_event_stream(world.bus)
    monkeypatch.setattr(store, "insert", right)
    more = world.message(ada)
    await world.publish(more)
    await analytics.counted()
    assert await analytics.ids() == ids_of(*sent, more)


async def test_a_row_that_is_missing_is_said(sink_row):
    await sink_row.execute("DELETE FROM sink")
    with pytest.raises(LookupError, match="migrate"):
        await Ledger(sink_row).load()


def test_a_lag_grows_until_it_is_known_to_be_none():
    lag = Lag()
    assert lag.seconds < 1
    lag.none()
    assert lag.seconds == 0
    lag.since(None, "nats is away")
    lag.since(None, "nats is away")
    assert lag.reason == "nats is away"
    assert Position(warehouse="", incarnation="", seq=0).intent is None
