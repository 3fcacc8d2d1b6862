"""From the stream into the index: delivered twice, in any order, broken, or while the engine is away."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest

from tertulia_search.engines.choose import engine_at
from tertulia_search.engines.port import SearchEngine
from tertulia_search.indexing.changes import change_of
from tertulia_search.indexing.indexer import Indexer, Malformed
from tertulia_shared import events
from tertulia_shared.bus import DeadLetters, Delivery, Outgoing, StoredMessage
from tertulia_shared.events import Envelope, decode_envelope
from tertulia_shared.operators import replay
from tertulia_shared.operators.dead_letters import Install, retry, show_list


@pytest.fixture
async def room(world: Any) -> Any:
    world.general = world.channel("general", "public")
    world.ada = world.person("ada", world.general)
    return world


def delivery(message: Outgoing, seq: int) -> Delivery:
    stored = StoredMessage(seq, message.subject, message.headers, message.data, datetime.now(UTC))
    return Delivery(stored, 1, "")


def again(message: Outgoing) -> Outgoing:
    """The same event, published once more by a relay that had lost its place."""
    return message._replace(headers={**message.headers, "Nats-Msg-Id": message.headers["Nats-Msg-Id"] + "-again"})


@asynccontextmanager
async def indexing(room: Any) -> AsyncGenerator[tuple[SearchEngine, Indexer]]:
    engine = engine_at(f"tantivy://{room.directory}")
    await engine.open()
    try:
        yield engine, Indexer(engine)
    finally:
        await engine.close()


async def test_delivered_twice_is_there_once(room: Any) -> None:
    """Every event of a message, in order, and then all of them once more."""
    first = room.say(room.general, room.ada, "green tea")
    kept = room.say(room.general, room.ada, "white tea")
    edited = msgspec.structs.replace(first, text="black tea")
    gone = msgspec.structs.replace(first, text="", deleted_at=first.created_at)
    happened = [
        room.event_of("created", first, first.ch_seq),
        room.event_of("created", kept, kept.ch_seq),
        room.event_of("updated", edited, room.next_seq(room.general)),
        room.event_of("deleted", gone, room.next_seq(room.general)),
    ]
    async with indexing(room) as (engine, indexer):
        for turn in range(2):
            for number, message in enumerate(happened):
                await indexer.handle([delivery(message, number)])
            assert await engine.counts() == {room.workspace: 1}, turn
        await indexer.handle([delivery(message, number) for number, message in enumerate(happened)] * 2)
        assert await engine.counts() == {room.workspace: 1}


async def test_a_message_that_is_restored_is_there_again(room: Any) -> None:
    """The deletion's undo is an update with a later number; the deletion told once more afterwards takes nothing."""
    said = room.say(room.general, room.ada, "green tea")
    gone = msgspec.structs.replace(said, text="", deleted_at=said.created_at)
    happened = [
        room.event_of("created", said, said.ch_seq),
        room.event_of("deleted", gone, room.next_seq(room.general)),
        room.event_of("updated", said, room.next_seq(room.general)),
    ]
    async with indexing(room) as (engine, indexer):
        for number, (message, count) in enumerate(zip(happened, (1, 0, 1), strict=True)):
            await indexer.handle([delivery(message, number)])
            assert await engine.counts() == ({room.workspace: 1} if count else {}), number
        for message in (happened[1], happened[0]):
            await indexer.handle([delivery(message, 9)])
            assert await engine.counts() == {room.workspace: 1}


async def test_a_deleted_channel_is_forgotten_and_what_comes_late_of_it_too(room: Any) -> None:
    kept = room.channel("kept", "public")
    said = [room.say(room.general, room.ada, f"tea {number}") for number in range(3)]
    other = room.say(kept, room.ada, "other tea")
    happened = [
        *(room.event_of("created", message, message.ch_seq) for message in [*said, other]),
        room.event(events.ChannelDeleted(channel_id=room.general), "ch", room.general, ch_seq=9),
    ]
    async with indexing(room) as (engine, indexer):
        for turn in range(2):
            for number, message in enumerate(happened):
                await indexer.handle([delivery(message, number)])
            assert await engine.counts() == {room.workspace: 1}, turn
        await indexer.handle([delivery(message, number) for number, message in enumerate(happened)] * 2)
        await indexer.handle([delivery(happened[0], 1)])
        assert await engine.counts() == {room.workspace: 1}


async def test_a_relay_that_repeats_itself(room: Any) -> None:
    async with room.search() as search:
        message = room.say(room.general, room.ada, "tea")
        event = room.event_of("created", message, message.ch_seq)
        await room.publish(event, again(event), again(again(event)))
        await room.post(room.general, room.ada, "the end")
        await search.until_found(room.ada, "end", 1)
        assert await search.texts(room.ada, "tea") == ["tea"]


async def test_what_a_channel_says_by_itself_is_not_found(room: Any) -> None:
    note = events.SystemNote(kind=events.SystemKind.TOPIC_CHANGED, before="", after="green tea")
    said = room.say(room.general, room.ada, "set the topic: green tea", system=note)
    gone = msgspec.structs.replace(said, text="", deleted_at=said.created_at)
    for kind, message in (("created", said), ("updated", said), ("deleted", gone)):
        assert change_of(decode_envelope(room.event_of(kind, message, 3).data)) is None


async def test_events_of_others_pass_by(room: Any) -> None:
    fact = events.MemberLeft(user_id=room.ada, reason=events.LeaveReason.LEFT)
    other = room.event(fact, "ch", room.general, ch_seq=2)
    assert change_of(decode_envelope(other.data)) is None
    unknown = room.event_of("created", room.say(room.general, room.ada, "x"), 3)
    newer = msgspec.structs.replace(decode_envelope(unknown.data), v=99)
    assert change_of(newer) is None


async def test_a_broken_event_is_a_dead_letter_and_the_rest_goes_on(room: Any) -> None:
    async with room.search() as search:
        message = room.say(room.general, room.ada, "broken")
        event = room.event_of("created", message, message.ch_seq)
        broken = event._replace(data=event.data.replace(b'"message"', b'"massage"'))
        await room.publish(broken)
        for number in range(5):
            await room.post(room.general, room.ada, f"tea {number}")
        await search.until_found(room.ada, "tea", 5)
        async with asyncpg.create_pool(room.postgres_url, min_size=1, max_size=1) as pool:
            letters = DeadLetters(pool)
            async with asyncio.timeout(10):
                while not (kept := await letters.list("search")):
                    await asyncio.sleep(0.05)
        assert [(letter.event_type, letter.body) for letter in kept] == [("message.created", broken.data)]
        assert "message" in kept[0].error


async def test_a_letter_whose_cause_was_mended_and_a_replay_are_found_once(
    room: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install = Install(
        postgres_urls={"search": room.postgres_url}, nats_url=room.nats_url, nats_prefix=room.topology.prefix
    )
    async with room.search() as search:
        with monkeypatch.context() as faulty:

            def refuse(_: Envelope) -> None:
                raise msgspec.DecodeError("a bug of this release")

            faulty.setattr("tertulia_search.indexing.indexer.change_of", refuse)
            await room.post(room.general, room.ada, "green tea")
            async with asyncpg.create_pool(room.postgres_url, min_size=1, max_size=1) as pool, asyncio.timeout(10):
                while not await DeadLetters(pool).list("search"):
                    await asyncio.sleep(0.05)
            assert await retry(install, [], None, every=True, as_json=False) == 1
            assert "fails still" in capsys.readouterr().out
        assert await retry(install, [], None, every=True, as_json=False) == 0
        await search.until_found(room.ada, "tea", 1)
        assert await replay.run(install, "search", 1, None, as_json=False) == 0
        await room.post(room.general, room.ada, "the end")
        await search.until_found(room.ada, "end", 1)
        assert await search.texts(room.ada, "tea") == ["green tea"]
        await show_list(install, None, 10, as_json=False)
        assert "No dead letters." in capsys.readouterr().out


async def test_a_batch_with_a_broken_event_writes_nothing(room: Any) -> None:
    good, bad = room.say(room.general, room.ada, "good"), room.say(room.general, room.ada, "bad")
    broken = room.event_of("created", bad, bad.ch_seq)._replace(data=b"{")
    async with indexing(room) as (engine, indexer):
        with pytest.raises(Malformed):
            await indexer.handle([delivery(room.event_of("created", good, good.ch_seq), 1), delivery(broken, 2)])
        assert await engine.counts() == {}


async def test_while_the_index_is_away_events_wait_and_then_all_is_caught_up(room: Any) -> None:
    """Another process has the index: the service lives, says so, and goes on by itself when it can."""
    room.directory.mkdir()
    lock = os.open(room.directory / "LOCK", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    path = f"/api/v1/workspaces/{room.workspace}/search"
    async with room.search(ready=False) as search:
        async with asyncio.timeout(10):
            while (await search.get("/readyz"))[1]["dependencies"]["memberships"]["state"] != "up":
                await asyncio.sleep(0.05)
        messages = [await room.post(room.general, room.ada, f"tea {number}") for number in range(3)]
        await room.edit(messages[0], "coffee")
        status, body = await search.get(path, room.ada, q="tea")
        assert (status, body["code"]) == (503, "search_unavailable")
        status, readiness = await search.get("/readyz")
        assert status == 503
        assert readiness["dependencies"]["index"]["state"] == "down"
        assert (await search.get("/healthz"))[0] == 200
        os.close(lock)
        await search.until_ready()
        await search.until_found(room.ada, "tea", 2, timeout=30)
        await search.until_found(room.ada, "coffee", 1)


async def test_what_was_indexed_is_there_after_a_restart(room: Any) -> None:
    async with room.search() as search:
        await room.post(room.general, room.ada, "tea")
        await search.until_found(room.ada, "tea", 1)
    await room.post(room.general, room.ada, "tea while away")
    async with room.search() as search:
        assert len(await search.until_found(room.ada, "tea", 2)) == 2
        status, metrics = await _metrics(search)
    assert status == 200
    for name in (
        "search_documents",
        "search_index_lag_seconds",
        "search_query_seconds_bucket",
        "bus_consumer_lag_seconds",
    ):
        assert name in metrics


async def _metrics(search: Any) -> tuple[int, str]:
    async with search._http.get(search.url + "/metrics") as answer:
        return answer.status, await answer.text()
