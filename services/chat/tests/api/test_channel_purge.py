"""What a deleted channel leaves behind is removed, bit by bit, and nothing else is."""

import asyncio
import json
import uuid

import asyncpg
import pytest
import pytest_asyncio

from tertulia_chat import purge
from tertulia_chat.__main__ import REBUILDS
from tertulia_chat.app import schedulers
from tertulia_chat.purge import ChannelPurge
from tertulia_chat.rebuild import command

WORD, KEPT = "violet", "orange"
TABLES = """
SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(purge, "AT_ONCE", 3)
    monkeypatch.setattr(purge, "GRACE_S", 0)


async def holding(chat, word):
    """How many rows of which table have the word anywhere."""
    found = {}
    for table in await chat.sql(TABLES):
        (row,) = await chat.sql(f"SELECT count(*) AS n FROM {table['name']} t WHERE t::text LIKE $1", f"%{word}%")
        if row["n"]:
            found[table["name"]] = row["n"]
    return found


async def fill(house, bot, channel, word, at):
    """Everything that a channel can hold, with the word in it."""
    here = f"/channels/{channel['id']}"
    said = [await house.cat.say(channel, f"{word} {number} <@{house.bob.id}> @channel") for number in range(8)]
    await house.bob.reply(channel, said[0], f"{word} answer")
    await house.cat.patch(f"/messages/{said[1]['id']}", {"text": f"{word} edited"})
    await house.cat.delete(f"/messages/{said[2]['id']}", 200)
    await house.bob.ask("PUT", f"/messages/{said[3]['id']}/pin")
    for number in range(4, 7):
        await house.bob.ask("PUT", f"/messages/{said[number]['id']}/save", 204)
        await house.bob.post(f"/messages/{said[number]['id']}/reminders", {"remind_at": at}, 201)
        wish = {"channel_id": channel["id"], "text": f"{word} later", "client_msg_id": str(uuid.uuid4()), "send_at": at}
        await house.bob.post(f"{house.there}/scheduled", {**wish, "thread_id": said[0]["id"]}, 201)
    for person in (house.ann, house.bob, house.cat, house.mod):
        await person.ask("PUT", f"{here}/draft", json={"text": f"{word} half a thought"})
    await house.gil.post(f"/messages/{said[5]['id']}/report", {"category": "spam", "note": word}, 201)
    run = (await bot.open(house.cat, channel, prompt=f"{word}?"))["run"]
    await bot.finish(run["id"], f"{word}!", citations=[bot.cite(said[6])])
    await bot.open(house.cat, channel, prompt=f"{word} still running?")
    await house.mod.ask("PUT", f"{here}/mutes/{house.gil.id}", json={"until": at, "reason": "pace"})
    return said


@pytest_asyncio.fixture(loop_scope="session")
async def filled(house, bot, chat, in_an_hour):
    """`plans` and, beside it, a channel that stays."""
    other = await house.bob.channel(house.workspace, "other")
    for person in (house.ann, house.mod, house.cat):
        await person.post(f"/channels/{other['id']}/join")
    await house.bob.post(f"/channels/{other['id']}/members", {"user_id": house.gil.id}, 201)
    house.said = await fill(house, bot, house.channel, WORD, in_an_hour)
    await fill(house, bot, other, KEPT, in_an_hour)
    await chat.decide()
    house.other = other
    return house


async def rebuilt(chat):
    """What the rebuilds find wrong."""
    connection = await asyncpg.connect(chat.postgres_url)
    try:
        return {name: (await command.ROOMS[name].rebuild(connection, lambda _: None)).repaired for name in REBUILDS}
    finally:
        await connection.close()


async def test_no_word_of_it_stays_anywhere(filled, chat):
    kept = await holding(chat, KEPT)
    tables = {"message", "message_revision", "draft", "scheduled_message", "bot_run", "report", "event_log"}
    assert tables <= kept.keys()
    assert (await holding(chat, WORD)).keys() == kept.keys()
    await filled.ann.delete(filled.here)
    assert await rebuilt(chat) == dict.fromkeys(REBUILDS, 0)
    assert await ChannelPurge(chat.parts.database).purge() > 6
    assert await holding(chat, WORD) == {}
    assert await holding(chat, KEPT) == kept
    for table in ("message", "mention", "saved_message", "reminder", "scheduled_message", "draft", "thread_follow"):
        rows = await chat.sql(f"SELECT DISTINCT channel_id::text AS c FROM {table}")
        assert filled.channel["id"] not in {row["c"] for row in rows}, table
    assert await chat.sql("SELECT 1 FROM deleted_channel") == []
    assert await chat.sql("SELECT 1 FROM sanction WHERE place_id = $1", uuid.UUID(filled.channel["id"])) == []
    assert await rebuilt(chat) == dict.fromkeys(REBUILDS, 0)
    assert await ChannelPurge(chat.parts.database).purge() == 0


async def test_answers_elsewhere_lose_what_they_quote(filled, chat, bot, told):
    """As when the message is deleted, and only that: the answer stays, and so do quotes of other messages."""
    kept = await filled.cat.say(filled.other, f"{KEPT} is quoted too")
    run = (await bot.open(filled.cat, filled.other, prompt="what do we know?"))["run"]
    cited = [bot.cite(filled.said[6], 1), bot.cite(filled.said[7], 2), bot.cite(kept, 3)]
    answer = (await bot.finish(run["id"], "This.", citations=cited))["message"]
    late = (await bot.open(filled.cat, filled.other, prompt="and now?"))["run"]
    await filled.ann.delete(filled.here)
    await ChannelPurge(chat.parts.database).purge()
    now = (await filled.bob.get(f"/messages/{answer['id']}"))["message"]
    assert (now["text"], [each["quote"] for each in now["ai"]["citations"]]) == ("This.", ["", "", kept["text"]])
    events = (await filled.bob.get(f"/channels/{filled.other['id']}/events?after={answer['ch_seq']}"))["items"]
    assert events[-1]["data"]["message"] == now
    assert await holding(chat, WORD) == {}
    ended = await bot.finish(late["id"], "That.", citations=cited)
    assert [each["quote"] for each in ended["message"]["ai"]["citations"]] == ["", "", kept["text"]]


async def test_its_events_are_all_there_and_decode(filled, chat):
    """Consumers that are behind, and a rewound relay, find every number of the channel."""
    await filled.ann.delete(filled.here)
    before = await chat.sql("SELECT id, type, ch_seq, event_id FROM event_log ORDER BY id")
    await ChannelPurge(chat.parts.database).purge()
    rows = await chat.sql("SELECT id, type, ch_seq, event_id, body FROM event_log ORDER BY id")
    assert [tuple(row)[:4] for row in rows[: len(before)]] == [tuple(row) for row in before]
    told = [json.loads(row["body"]) for row in rows if row["type"] == "message.created"]
    texts = {event["data"]["message"]["text"] for event in told if event["channel_id"] == filled.channel["id"]}
    assert texts == {""}


async def test_people_are_told_what_goes_of_theirs(filled, chat, told):
    scheduled = (await filled.bob.get(f"{filled.there}/scheduled"))["items"]
    reminders = (await filled.bob.get(f"{filled.there}/reminders"))["items"]
    await filled.ann.delete(filled.here)
    await ChannelPurge(chat.parts.database).purge()
    for path, kind, key, items, id_of in (
        ("scheduled", "scheduled.updated", "scheduled", scheduled, lambda item: item),
        ("reminders", "reminder.updated", "reminder", reminders, lambda item: item["reminder"]),
    ):
        gone = {id_of(item)["id"] for item in items if id_of(item)["channel_id"] == filled.channel["id"]}
        assert len(gone) == 3
        left = (await filled.bob.get(f"{filled.there}/{path}"))["items"]
        assert {id_of(item)["channel_id"] for item in left} == {filled.other["id"]}
        events = await told(filled.bob, kind)
        assert {event[f"{key}_id"] for event in events if event[key] is None} == gone


async def test_what_was_scheduled_is_not_sent(filled, chat):
    await filled.ann.delete(filled.here)
    await chat.sql("UPDATE scheduled_message SET due_at = now(), wake_at = now() WHERE wake_at IS NOT NULL")
    for scheduler in schedulers(chat.parts):
        await scheduler.turn()
    rows = await chat.sql(
        "SELECT type FROM event_log WHERE channel_id = $1 AND ch_seq IS NOT NULL ORDER BY id DESC LIMIT 1",
        uuid.UUID(filled.channel["id"]),
    )
    assert rows[0]["type"] == "channel.deleted"
    items = (await filled.bob.get(f"{filled.there}/scheduled"))["items"]
    mine = [item for item in items if item["channel_id"] == filled.channel["id"]]
    assert {(item["state"], item["error"]) for item in mine} == {("failed", "not_found")}
    await ChannelPurge(chat.parts.database).purge()
    assert WORD not in json.dumps((await filled.bob.get(f"{filled.there}/scheduled"))["items"])


async def test_it_begins_when_every_request_from_before_has_ended(filled, chat, monkeypatch):
    monkeypatch.setattr(purge, "GRACE_S", 60)
    await filled.ann.delete(filled.here)
    assert await ChannelPurge(chat.parts.database).purge() == 0
    await chat.sql("UPDATE deleted_channel SET deleted_at = deleted_at - interval '1 minute'")
    assert await ChannelPurge(chat.parts.database).purge() > 0


async def test_several_replicas_do_it_together(filled, chat):
    await filled.ann.delete(filled.here)
    await filled.ann.delete(f"/channels/{filled.other['id']}")
    await asyncio.gather(*(ChannelPurge(chat.parts.database).purge() for _ in range(3)))
    await ChannelPurge(chat.parts.database).purge()
    assert await holding(chat, WORD) == {}
    assert await holding(chat, KEPT) == {}


async def test_a_repeated_send_finds_no_channel(filled, chat):
    """Who did not hear that it was sent sends it again."""
    said = filled.said[7]
    for removed in (False, True):
        if removed:
            await ChannelPurge(chat.parts.database).purge()
        else:
            await filled.ann.delete(filled.here)
        await filled.cat.say(filled.channel, said["text"], said["client_msg_id"], expect=404)
