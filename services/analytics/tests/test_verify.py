"""The comparison with chat's log: equal when it is, also while people write; what differs is named."""

import asyncio
import io
from datetime import timedelta

import pytest

from tertulia_analytics.settings import VerifySettings
from tertulia_analytics.verify import cli, compare
from tertulia_shared import events
from tertulia_shared.bus import Outgoing


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    monkeypatch.setattr(compare, "PAUSE_S", 0.01)


async def filled(world, analytics, count: int = 30) -> list[Outgoing]:
    ada = world.person()
    sent = []
    for _ in range(count):
        world.now += timedelta(minutes=7)
        sent.append(world.message(ada))
    await world.publish(*sent)
    await analytics.counted()
    return sent


async def cli_said(world, analytics) -> tuple[int, str]:
    settings = world.settings()
    key = settings.secret_key.get_secret_value()
    port = int(analytics.url.rsplit(":", 1)[1])
    out = io.StringIO()
    code = await cli._main(VerifySettings(secret_key=key, port=port), out)
    return code, out.getvalue()


async def test_equal(world, analytics):
    await filled(world, analytics)
    lines = await analytics.verify()
    assert lines[-1] == {
        "from": "2026-11-18T12:00:00Z",
        "to": lines[-1]["to"],
        "events": 30,
        "differences": 0,
        "missing": 0,
        "extra": 0,
        "dead_letters": 0,
        "done": True,
    }
    assert sum(line["events"] for line in lines[:-1]) == 30
    code, said = await cli_said(world, analytics)
    assert code == 0
    assert "Equal: 30 events of chat's log are counted once each." in said


async def test_a_canary_is_neither_counted_nor_missing(world, analytics):
    def canary() -> Outgoing:
        world.now += timedelta(minutes=7)
        return world.event(events.CanarySent())

    await world.publish(*(canary() for _ in range(3)))
    await filled(world, analytics, 5)
    await world.publish(canary())
    await analytics.counted()
    assert len(await analytics.ids()) == 5
    lines = await analytics.verify()
    assert (lines[-1]["events"], lines[-1]["differences"]) == (5, 0)


async def test_nothing_yet(world, analytics):
    lines = await analytics.verify()
    assert lines == [lines[-1]]
    assert lines[0]["done"]
    assert lines[0]["from"] is None


async def test_missing_and_extra_are_named(world, analytics, monkeypatch):
    monkeypatch.setattr(compare, "ROUNDS", 2)
    sent = await filled(world, analytics)
    ids = [outgoing.headers["Nats-Msg-Id"] for outgoing in sent]
    unknown = world.chat.log.pop(ids[20])
    forgotten = world.message(world.person())
    code, said = await cli_said(world, analytics)
    assert code == 1
    lines = await analytics.verify()
    assert lines[-1]["differences"] == 2
    assert (lines[-1]["missing"], lines[-1]["extra"]) == (1, 1)
    named = [line for line in lines if "missing_ids" in line]
    assert [each for line in named for each in line["extra_ids"]] == [unknown.id]
    assert [each for line in named for each in line["missing_ids"]] == [forgotten.headers["Nats-Msg-Id"]]
    for line in ("DIFFERENT in 2 hours", f"missing {forgotten.headers['Nats-Msg-Id']}", f"extra   {unknown.id}"):
        assert line in said


async def test_a_row_that_is_there_twice_is_extra(world, analytics, monkeypatch):
    monkeypatch.setattr(compare, "ROUNDS", 1)
    await filled(world, analytics, 3)
    warehouse = analytics.parts.warehouse
    await warehouse.query("SYSTEM STOP MERGES event")
    await warehouse.query("INSERT INTO event SELECT * FROM event LIMIT 1")
    lines = await analytics.verify()
    assert (lines[-1]["extra"], lines[-1]["missing"]) == (1, 0)


async def test_of_the_oldest_hour_chat_may_have_dropped_a_part(world, analytics):
    sent = await filled(world, analytics)
    for outgoing in sent[:3]:
        world.chat.log.pop(outgoing.headers["Nats-Msg-Id"])
    lines = await analytics.verify()
    assert lines[-1]["differences"] == 0
    assert lines[-1]["events"] == 27


async def test_dead_letters_are_known_to_be_missing(world, analytics):
    sent = await filled(world, analytics, 3)
    poison = world.message(world.person())
    body = poison.data.replace(b'"author_id"', b'"nobody"')
    await world.publish(poison._replace(data=body))
    await analytics.counted()
    lines = await analytics.verify()
    assert (lines[-1]["differences"], lines[-1]["dead_letters"], lines[-1]["events"]) == (0, 1, len(sent) + 1)
    assert "1 put aside as unreadable" in (await cli_said(world, analytics))[1]


async def test_equal_while_people_write(world, analytics):
    ada = world.person()
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            # chat's log has it before the stream does.
            await world.publish(*[world.message(ada) for _ in range(5)])
            await asyncio.sleep(0.005)

    writing = asyncio.ensure_future(write())
    for _ in range(3):
        await asyncio.sleep(0.2)
        assert (await analytics.verify())[-1]["differences"] == 0
    stop.set()
    await writing


async def test_what_cannot_be_asked_is_said(world, analytics):
    world.chat.down = True
    lines = await analytics.verify()
    assert list(lines[-1]) == ["error"]
    code, said = await cli_said(world, analytics)
    assert code == 2
    assert "Not finished" in said


async def test_only_services_may_ask(world, analytics):
    async with analytics.http.post(analytics.url + "/internal/v1/verify") as answer:
        assert answer.status == 401
    token = {"Authorization": f"Bearer {world.token(world.person())}"}
    async with analytics.http.post(analytics.url + "/internal/v1/verify", headers=token) as answer:
        assert answer.status == 401


async def test_nobody_listens(world, chdb_path):
    settings = world.settings()
    out = io.StringIO()
    key = settings.secret_key.get_secret_value()
    assert await cli._main(VerifySettings(secret_key=key, port=9), out) == 2
    assert "could not be asked" in out.getvalue()
