"""Pinning: what is told, who may, the list, and that what a pin's event repeats can be erased."""

import asyncio
import json
import uuid

import pytest
import pytest_asyncio

from tertulia_chat.marks.pins import MAX_PINS
from tertulia_shared.events import decode, decode_envelope


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def pin(person, message, expect=200, method="PUT"):
    answer = await person.ask(method, f"/messages/{message['id']}/pin", expect)
    return answer["message"] if expect == 200 else answer


async def unpin(person, message, expect=200):
    return await pin(person, message, expect, "DELETE")


async def pins(person, channel, query=""):
    return await person.get(f"/channels/{channel['id']}/pins{query}")


async def events(person, channel, after=0):
    return (await person.get(f"/channels/{channel['id']}/events?after={after}&limit=200"))["items"]


async def everything_stored(chat):
    return "".join([str(await chat.sql(f"SELECT * FROM {table}")) for table in ("message", "event_log", "bot_run")])


async def test_a_pin_is_told_and_listed_as_the_message_is_now(room):
    ann, bob, channel = room
    said = await ann.say(channel, "the rules")
    pinned = await pin(bob, said)
    assert pinned == {**said, "pinned": {"by": bob.id, "at": pinned["pinned"]["at"]}}
    assert (await ann.get(f"/messages/{said['id']}"))["message"] == pinned
    assert await pins(ann, channel) == {"items": [pinned], "next": None}
    assert await unpin(ann, said) == said
    assert await pins(ann, channel) == {"items": [], "next": None}
    first, note, second = await events(ann, channel, said["ch_seq"])
    assert (first["type"], first["actor_id"], first["ch_seq"]) == ("message.pinned", bob.id, said["ch_seq"] + 1)
    assert note["data"]["message"]["system"]["message_id"] == said["id"]
    assert (second["type"], second["actor_id"], second["ch_seq"]) == ("message.unpinned", ann.id, said["ch_seq"] + 3)
    assert second["data"] == {"message": said}


async def test_doing_it_again_changes_nothing(room):
    ann, bob, channel = room
    said = await ann.say(channel, "the rules")
    assert await unpin(bob, said) == said
    pinned = await pin(bob, said)
    assert await pin(ann, said) == pinned
    event, _ = await events(ann, channel, said["ch_seq"])
    assert event["data"]["message"] == pinned
    assert await unpin(bob, said) == await unpin(ann, said)
    assert len(await events(ann, channel, said["ch_seq"])) == 3


async def test_who_may_pin_and_who_sees_pins(chat, room):
    ann, _, channel = room
    cat, gus = await chat.people(2)
    workspace = {"id": channel["workspace_id"]}
    await ann.invite(workspace, cat)
    await ann.invite(workspace, gus, role="guest")
    plans = await ann.channel(workspace, "plans")
    said = await ann.say(plans, "the rules")
    await pin(ann, said)
    for act in (pin, unpin):
        assert (await act(cat, said, 403))["code"] == "not_a_member"
        await act(gus, said, 404)
        await act(cat, {"id": str(uuid.uuid4())}, 404)
    assert len((await pins(cat, plans))["items"]) == 1
    await gus.get(f"/channels/{plans['id']}/pins", 404)
    await ann.post(f"/channels/{plans['id']}/members", {"user_id": gus.id}, 201)
    await unpin(gus, said)
    assert (await pin(gus, said))["pinned"]["by"] == gus.id
    await ann.post(f"/channels/{plans['id']}/archive")
    for act in (pin, unpin):
        assert (await act(ann, said, 409))["code"] == "channel_archived"
    assert len((await pins(gus, plans))["items"]) == 1


async def test_the_newest_pin_comes_first(room):
    ann, bob, channel = room
    said = [await ann.say(channel, f"rule {number}") for number in range(5)]
    for number in (2, 0, 4, 1, 3):
        await pin(bob, said[number])
    await unpin(ann, said[2])
    await pin(ann, said[2])
    order = [2, 3, 1, 4, 0]
    assert [item["id"] for item in (await pins(bob, channel))["items"]] == [said[number]["id"] for number in order]
    first = await pins(bob, channel, "?limit=2")
    await unpin(bob, said[3])  # the last of the page: the next one begins behind it all the same
    second = await pins(bob, channel, f"?limit=2&cursor={first['next']}")
    third = await pins(bob, channel, f"?limit=2&cursor={second['next']}")
    found = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert found == [said[number]["id"] for number in order]
    assert third["next"] is None
    for wrong in ("limit=0", "limit=201", "cursor=x", "cursor=-1", f"cursor={2**63}"):
        await bob.get(f"/channels/{channel['id']}/pins?{wrong}", 422)


async def test_a_channel_keeps_so_many_pins(room):
    ann, bob, channel = room
    said = [await ann.say(channel, f"rule {number}") for number in range(MAX_PINS + 2)]
    for one in said[4:]:
        await pin(bob, one)
    answers = await asyncio.gather(*(pin(bob, one, None) for one in said[:4]))
    refused = [one for one, answer in zip(said[:4], answers, strict=True) if answer.status_code == 409]
    assert len(refused) == 2
    assert (await pin(ann, refused[0], 409))["code"] == "too_many_pins"
    items = (await pins(ann, channel, "?limit=200"))["items"]
    assert len(items) == MAX_PINS
    await unpin(ann, items[0])
    await pin(ann, refused[0])
    other = await ann.channel({"id": channel["workspace_id"]}, "other")
    await pin(ann, await ann.say(other, "elsewhere"))


async def test_a_deleted_message_is_unpinned(room):
    ann, bob, channel = room
    said = await ann.say(channel, "the rules")
    await pin(bob, said)
    gone = (await ann.delete(f"/messages/{said['id']}", 200))["message"]
    assert gone["pinned"] is None
    assert (await events(ann, channel))[-1]["data"]["message"] == gone
    assert (await pins(ann, channel))["items"] == []
    for act in (pin, unpin):
        assert (await act(bob, said, 409))["code"] == "message_deleted"


@pytest.mark.parametrize("way", ["edit", "delete"])
async def test_what_a_pinned_message_said_before_is_nowhere(chat, room, way):
    ann, bob, channel = room
    said = await ann.say(channel, "hunter1")
    for act in (pin, unpin, pin):
        await act(bob, said)
    for word in ("hunter2", "hunter3"):
        await ann.patch(f"/messages/{said['id']}", {"text": word})
        await unpin(bob, said)
        await pin(bob, said)
    if way == "edit":
        await ann.patch(f"/messages/{said['id']}", {"text": "never mind"})
    else:
        await ann.delete(f"/messages/{said['id']}", 200)
    assert "hunter" not in await everything_stored(chat)
    log = await events(ann, channel)
    assert [event["ch_seq"] for event in log] == list(range(1, len(log) + 1))
    for row in await chat.sql("SELECT body FROM event_log"):
        assert decode(decode_envelope(row["body"])) is not None
    assert log[-1]["data"]["message"] == (await bob.get(f"/messages/{said['id']}"))["message"]


async def test_the_sending_and_the_newest_pin_tell_the_text(room):
    """Projections live on the first; a pin's event without a text is outdone by a later one."""
    ann, bob, channel = room
    said = await ann.say(channel, "the rules")
    for act in (pin, unpin, pin, unpin):
        await act(bob, said)
    log = await events(ann, channel, said["ch_seq"] - 1)
    told = [event["data"]["message"] for event in log]
    assert [one["text"] for one in told if not one["system"]] == ["the rules", "", "", "", "the rules"]
    assert log[0]["data"]["message"] == said


async def test_a_pinned_answer_loses_the_quote_of_what_was_erased(chat, room, bot):
    ann, bob, channel = room
    plans = await ann.channel({"id": channel["workspace_id"]}, "plans")
    source = await bob.say(channel, "it is hunter2")
    run = (await bot.open(ann, plans))["run"]
    answer = (await bot.finish(run["id"], "As Bob says [1].", citations=[bot.cite(source)]))["message"]
    pinned = await pin(ann, answer)
    assert pinned["ai"]["citations"][0]["quote"] == "it is hunter2"
    await bob.patch(f"/messages/{source['id']}", {"text": "never mind"})
    assert "hunter2" not in await everything_stored(chat)
    now = (await pins(ann, plans))["items"][0]
    assert (now["ai"]["citations"][0]["quote"], now["pinned"]) == ("", pinned["pinned"])
    assert (await events(ann, plans))[-1]["data"]["message"] == now


async def test_words_go_even_when_the_log_no_longer_reaches_back(chat, room):
    ann, bob, channel = room
    said = await ann.say(channel, "hunter1")
    await pin(bob, said)
    await chat.sql("DELETE FROM event_log")
    await unpin(bob, said)
    await ann.patch(f"/messages/{said['id']}", {"text": "never mind"})
    assert "hunter" not in await everything_stored(chat)


async def test_pinning_editing_and_deleting_at_once_leave_nothing(chat, room):
    ann, bob, channel = room
    for _ in range(5):
        said = await ann.say(channel, "hunter0")
        await asyncio.gather(
            *(act(bob, said, None) for act in (pin, unpin) * 3),
            *(ann.ask("PATCH", f"/messages/{said['id']}", None, json={"text": f"hunter{n}"}) for n in range(1, 4)),
            ann.ask("DELETE", f"/messages/{said['id']}", None),
        )
        assert "hunter" not in await everything_stored(chat)
        assert (await pins(ann, channel))["items"] == []
    rows = await chat.sql("SELECT body FROM event_log WHERE ch_seq IS NOT NULL ORDER BY ch_seq")
    assert [json.loads(row["body"])["ch_seq"] for row in rows] == list(range(1, len(rows) + 1))
