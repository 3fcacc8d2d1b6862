"""A new generation from chat's export and the stream, while the old one serves."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tertulia_search.engines.port import ChangeRefused, EngineBroken
from tertulia_search.engines.tantivy_engine import TantivyEngine, TantivyGeneration
from tertulia_search.engines.tantivy_index import TantivyIndex
from tertulia_search.engines.watch import EngineWatch
from tertulia_shared.bus import StoredMessage, jetstream, read_range, renew_incarnation
from tertulia_shared.events import SystemKind, SystemNote


@pytest.fixture
async def room(world: Any) -> Any:
    world.general = world.channel("general", "public")
    world.ada = world.person("ada", world.general)
    return world


def generations(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("g*-*"))


async def test_a_rebuild_brings_back_what_the_index_lost(room: Any) -> None:
    async with room.search() as search:
        messages = [await room.post(room.general, room.ada, f"tea {number}") for number in range(5)]
        await search.until_found(room.ada, "tea", 5)
        await room.edit(messages[0], "black tea")
        await room.delete(messages[1])
        await search.until_found(room.ada, "tea", 4)
        before = generations(room.directory)
        # Said before the stream began, and an index that has forgotten something.
        room.say(room.general, room.ada, "ancient tea")
        room.say(room.general, room.ada, "", deleted_at=room.clock)
        room.say(room.general, room.ada, "tea", system=SystemNote(kind=SystemKind.TOPIC_CHANGED, after="tea"))
        await search.parts.engine.swap(await search.parts.engine.prepare())
        assert await search.texts(room.ada, "tea") == []
        lines = await search.rebuild()
        assert lines[-1] == {"phase": "end", "messages": 5, "done": True}
        assert {line["phase"] for line in lines} == {"export", "replay", "compare", "end"}
        assert await search.until_found(room.ada, "ancient", 1) == ["ancient tea"]
        assert sorted(await search.texts(room.ada, "tea")) == ["ancient tea", "black tea", "tea 2", "tea 3", "tea 4"]
        assert len(generations(room.directory)) == 1
        assert generations(room.directory) != before
        await room.post(room.general, room.ada, "tea after")
        await search.until_found(room.ada, "after", 1)


async def test_what_happens_meanwhile_is_not_lost(room: Any) -> None:
    """New, edited and deleted messages while the export runs: found at once in the old, and in the new generation."""
    async with room.search() as search:
        messages = [await room.post(room.general, room.ada, f"tea {number}") for number in range(6)]
        await search.until_found(room.ada, "tea", 6)
        pages = 0

        async def meanwhile() -> None:
            nonlocal pages
            pages += 1
            await room.post(room.general, room.ada, f"meanwhile tea {pages}")
            if pages == 1:
                await room.edit(messages[0], "edited tea, already exported")
                await room.edit(messages[5], "edited tea, not yet exported")
            elif pages == 2:
                await room.delete(messages[1])
                await room.delete(messages[4])
                assert "edited tea, already exported" in await search.until_found(room.ada, "edited", 2)
            if pages == 3:
                room.chat.exported = None

        room.chat.exported = meanwhile
        lines = await search.rebuild()
        assert lines[-1]["done"]
        found = sorted(await search.texts(room.ada, "tea", limit=100))
        assert found == sorted(message.text for message in room.chat.messages.values() if message.deleted_at is None)
        assert pages == 3


async def test_an_old_event_that_comes_late_does_not_undo_the_export(room: Any) -> None:
    """The export shows the second edit; the event of the first one is delivered again after the rebuild."""
    async with room.search() as search:
        message = room.say(room.general, room.ada, "tea")
        first, first_seq = room.change(message, text="tea, edited")
        second, _ = room.change(message, text="tea, edited twice")
        gone = room.say(room.general, room.ada, "gone tea")
        room.change(gone, text="", deleted_at=room.clock)
        assert (await search.rebuild())[-1]["messages"] == 1
        late = [room.event_of("updated", first, first_seq), room.event_of("created", gone, gone.ch_seq)]
        await room.publish(*late)
        await room.post(room.general, room.ada, "the end")
        await search.until_found(room.ada, "end", 1)
        assert await search.texts(room.ada, "tea") == ["tea, edited twice"]
        assert second.text == "tea, edited twice"


async def test_a_second_rebuild_at_once_is_refused(room: Any) -> None:
    async with room.search() as search:
        room.say(room.general, room.ada, "tea")
        going, go_on = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            going.set()
            await go_on.wait()

        room.chat.exported = hold
        first = asyncio.ensure_future(search.rebuild())
        await going.wait()
        status, body = await search.internal("/internal/v1/rebuild")
        assert (status, json.loads(body)["code"]) == (409, "rebuild_running")
        assert await search.texts(room.ada, "tea") == []
        go_on.set()
        assert (await first)[-1]["done"]
        assert await search.texts(room.ada, "tea") == ["tea"]
        assert (await search.rebuild())[-1]["done"]


async def test_counts_that_differ_keep_the_old_generation(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tertulia_search.rebuild.rebuild.COMPARE_AGAIN_S", 0.01)
    async with room.search() as search:
        await room.post(room.general, room.ada, "tea")
        await search.until_found(room.ada, "tea", 1)
        before = generations(room.directory)
        room.chat.extra_counts = {room.workspace: 1}
        last = (await search.rebuild())[-1]
        assert last["error"] == "counts_differ"
        assert generations(room.directory) == before
        assert await search.texts(room.ada, "tea") == ["tea"]


async def test_cancelled_in_the_swap_the_new_generation_serves(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is told to stop between the moment CURRENT names the new generation and the rebuild's end."""
    pointed, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    async with room.search() as search:
        await room.post(room.general, room.ada, "tea")
        await search.until_found(room.ada, "tea", 1)
        [former] = generations(room.directory)
        point_at = TantivyEngine._point_at

        def point_and_wait(engine: TantivyEngine, name: str) -> None:
            point_at(engine, name)
            loop.call_soon_threadsafe(pointed.set)
            assert go_on.wait(20)

        monkeypatch.setattr(TantivyEngine, "_point_at", point_and_wait)
        rebuilding = search.parts.keeper.rebuild()
        await pointed.wait()
        running = search.parts.keeper._running
        running.cancel()
        await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.sleep(0.05)
        go_on.set()
        await asyncio.wait([running])
        assert [progress.error async for progress in rebuilding if progress.phase == "end"] == []
        await search.until_found(room.ada, "tea", 1)
        [current] = generations(room.directory)
        assert current != former
        assert (room.directory / "CURRENT").read_text() == current
        await room.post(room.general, room.ada, "tea after")
        await search.until_found(room.ada, "tea", 2)
    async with room.search() as search:
        assert len(await search.texts(room.ada, "tea")) == 2


async def test_a_former_generation_that_does_not_go_changes_nothing(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with room.search() as search:
        await room.post(room.general, room.ada, "tea")
        await search.until_found(room.ada, "tea", 1)
        end = TantivyGeneration.end

        async def refuse(generation: TantivyGeneration, *, remove: bool) -> None:
            raise OSError("read-only")

        monkeypatch.setattr(TantivyGeneration, "end", refuse)
        assert (await search.rebuild())[-1] == {"phase": "end", "messages": 1, "done": True}
        assert await search.texts(room.ada, "tea") == ["tea"]
        monkeypatch.setattr(TantivyGeneration, "end", end)
    async with room.search() as search:
        assert await search.texts(room.ada, "tea") == ["tea"]
        assert len(generations(room.directory)) == 1


async def test_the_disk_fails_before_or_after_the_replacement(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with room.search() as search:
        room.say(room.general, room.ada, "tea")
        [before] = generations(room.directory)
        point_at = TantivyEngine._point_at

        def fail(engine: TantivyEngine, name: str) -> None:
            raise OSError("full")

        def fail_after(engine: TantivyEngine, name: str) -> None:
            point_at(engine, name)
            raise OSError("not synced")

        monkeypatch.setattr(TantivyEngine, "_point_at", fail)
        assert (await search.rebuild())[-1]["error"] == "dependency_unavailable"
        assert generations(room.directory) == [before]
        monkeypatch.setattr(TantivyEngine, "_point_at", fail_after)
        assert (await search.rebuild())[-1]["done"]
        assert generations(room.directory) != [before]
        assert await search.texts(room.ada, "tea") == ["tea"]


async def test_the_live_generation_is_not_thrown_away(room: Any) -> None:
    async with room.search() as search:
        await room.post(room.general, room.ada, "tea")
        await search.until_found(room.ada, "tea", 1)
        engine = search.parts.engine
        await engine.discard(engine._live)
        assert await search.texts(room.ada, "tea") == ["tea"]


async def test_a_hole_in_the_replay_is_read_again_or_ends_the_rebuild(
    room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that lags behind its leader leaves the newest messages out."""
    holes = 2

    async def lagging(*asked: Any) -> AsyncIterator[StoredMessage]:
        nonlocal holes
        holes -= 1
        async for message in read_range(*asked):
            if holes < 0 or b"white" not in message.data:
                yield message

    async def said() -> None:
        if not any(message.text == "white tea" for message in room.chat.messages.values()):
            for kind in ("green", "white", "black"):
                await room.post(room.general, room.ada, f"{kind} tea")

    monkeypatch.setattr("tertulia_shared.bus.proof.read_range", lagging)
    monkeypatch.setattr("tertulia_search.rebuild.rebuild.NOT_YET_S", (0.0, 0.01, 0.01))
    async with room.search() as search:
        room.say(room.general, room.ada, "tea")
        room.chat.exported = said
        room.chat.page = 1
        assert (await search.rebuild())[-1]["done"]
        assert len(await search.texts(room.ada, "tea")) == 4
        before = generations(room.directory)
        room.chat.messages.clear()
        room.say(room.general, room.ada, "tea")
        holes = 1_000
        assert (await search.rebuild())[-1]["error"] == "stream_incomplete"
        assert generations(room.directory) == before


async def test_events_that_left_the_stream_end_a_rebuild(room: Any) -> None:
    async with room.search() as search:
        room.say(room.general, room.ada, "tea")

        async def purge() -> None:
            for number in range(3):
                message = room.say(room.general, room.ada, f"tea {number}")
                await room.publish(room.event_of("created", message, message.ch_seq))
            await jetstream.call(room.bus, f"STREAM.PURGE.{room.topology.stream}", {"keep": 1})
            room.chat.exported = None

        room.chat.exported = purge
        assert (await search.rebuild())[-1]["error"] == "stream_too_short"


async def test_a_message_that_the_engine_refuses_ends_a_rebuild(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with room.search() as search:
        room.say(room.general, room.ada, "tea")

        async def refuse(_: TantivyGeneration) -> None:
            raise ChangeRefused("too long")

        monkeypatch.setattr(TantivyGeneration, "commit", refuse)
        assert (await search.rebuild())[-1] == {"phase": "end", "error": "change_refused", "detail": "too long"}


async def test_an_engine_that_panics_ends_the_process(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches are refused, the event stays in the stream, and a new process finds it."""

    class Panic(BaseException):
        pass

    def panic(*_: object) -> None:
        raise Panic("poisoned")

    async with room.search() as search:
        with monkeypatch.context() as broken:
            broken.setattr(TantivyIndex, "commit", panic)
            broken.setattr(TantivyIndex, "look", panic)
            watching = asyncio.ensure_future(EngineWatch(search.parts.engine).run())
            await room.post(room.general, room.ada, "tea")
            with pytest.raises(EngineBroken):
                await asyncio.wait_for(watching, 20)
            path = f"/api/v1/workspaces/{room.workspace}/search"
            assert (await search.get(path, room.ada, q="tea"))[1]["code"] == "search_unavailable"
    async with room.search() as search:
        await search.until_found(room.ada, "tea", 1)


async def test_chat_away_or_a_new_stream_end_a_rebuild(room: Any) -> None:
    async with room.search() as search:
        await room.post(room.general, room.ada, "tea")
        await search.until_found(room.ada, "tea", 1)

        async def renew() -> None:
            await renew_incarnation(room.bus)

        room.chat.exported = renew
        assert (await search.rebuild())[-1]["error"] == "stream_began_anew"
        room.chat.exported = None
        room.chat.down = True
        assert (await search.rebuild())[-1]["error"] == "dependency_unavailable"
        assert len(generations(room.directory)) == 1
        room.chat.down = False


async def test_an_empty_index_is_filled_by_itself(room: Any) -> None:
    """chat has messages that the stream no longer holds; chat is away at first."""
    for number in range(5):
        room.say(room.general, room.ada, f"old tea {number}")
    room.chat.down = True
    async with room.search(ready=False) as search:
        async with asyncio.timeout(10):
            while (await search.get("/readyz"))[1]["dependencies"]["index"]["state"] != "up":
                await asyncio.sleep(0.05)
        history = (await search.get("/readyz"))[1]["dependencies"]["history"]
        assert (history["state"], history["required"]) == ("down", False)
        room.chat.down = False
        await search.until_ready()
        await search.until_found(room.ada, "tea", 5)
        await search.until_filled()
    shutil.rmtree(room.directory)
    async with room.search() as search:
        assert len(await search.texts(room.ada, "tea")) == 5


async def test_a_filled_index_is_not_filled_again(room: Any) -> None:
    room.say(room.general, room.ada, "tea")
    async with room.search() as search:
        await search.until_found(room.ada, "tea", 1)
    before = generations(room.directory)
    (room.directory / "g1-halfbuilt").mkdir()
    (room.directory / "g0-another").mkdir()
    started = time.monotonic()
    async with room.search() as search:
        assert await search.texts(room.ada, "tea") == ["tea"]
    assert time.monotonic() - started < 10
    assert generations(room.directory) == before


async def test_an_index_that_cannot_be_read_is_built_anew(room: Any) -> None:
    room.say(room.general, room.ada, "tea")
    async with room.search() as search:
        await search.until_found(room.ada, "tea", 1)
    [name] = generations(room.directory)
    (room.directory / name / "meta.json").unlink()
    async with room.search() as search:
        assert await search.texts(room.ada, "tea") == ["tea"]
    assert generations(room.directory) != [name]
