"""What stands under a thread's first message: in events, in every reading, and whatever happens at once."""

import asyncio
import json
import uuid

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TRAP = '","thread":{"reply_count":-1,"last_reply_seq":-1,"last_repliers":[]},"ch_seq":-1,"id":"' + str(uuid.UUID(int=0))


async def furnish(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def events(person, channel, after=0):
    return (await person.get(f"/channels/{channel['id']}/events?after={after}&limit=200"))["items"]


async def stands_under(person, root):
    return (await person.get(f"/messages/{root['id']}"))["message"]["thread"]


async def test_a_reply_is_counted_in_its_event_and_in_every_reading(room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    assert root["thread"] is None
    reply = await bob.reply(channel, root, "one")
    expected = {
        "reply_count": 1,
        "last_reply_seq": reply["ch_seq"],
        "last_reply_at": reply["created_at"],
        "last_repliers": [bob.id],
    }
    (event,) = await events(ann, channel, root["ch_seq"])
    assert event["data"] == {"message": reply, "thread": expected}
    moved_on = {**root, "thread": event["data"]["thread"]}
    assert (await ann.get(f"/messages/{root['id']}"))["message"] == moved_on
    joined, *said_here = (await ann.get(f"/channels/{channel['id']}/messages"))["items"]
    assert (joined["system"]["kind"], said_here) == ("joined", [moved_on, reply])
    assert (await ann.get(f"/messages/{reply['id']}/thread"))["items"] == [moved_on, reply]
    edited = (await ann.patch(f"/messages/{root['id']}", {"text": "the root"}))["message"]
    assert edited["thread"] == expected
    assert (await events(ann, channel))[-1]["data"]["message"] == edited


async def test_a_message_that_begins_no_thread_tells_of_none(room):
    ann, _, channel = room
    root = await ann.say(channel, "root")
    (event,) = await events(ann, channel, root["ch_seq"] - 1)
    assert (event["data"]["thread"], event["data"]["message"]["thread"]) == (None, None)


@pytest.mark.parametrize("text", [TRAP, "\\" + TRAP, json.dumps(TRAP), "\\\\\" \u2028 'x' $1 {} %s :name"])
async def test_no_text_gets_into_the_summary_and_none_is_changed(room, text):
    ann, bob, channel = room
    root = await ann.say(channel, text)
    reply = await bob.reply(channel, root, text)
    created, answered = (await events(ann, channel))[-2:]
    assert created["data"] == {"message": root, "thread": None}
    assert answered["data"] == {"message": reply, "thread": await stands_under(ann, root)}
    assert (root["text"], reply["text"]) == (text, text)


async def test_the_last_five_people_stand_there_newest_first(chat, room):
    ann, _, channel = room
    people = await chat.people(6)
    await ann.invite({"id": channel["workspace_id"]}, *people)
    root = await ann.say(channel, "root")
    for person in (*people, people[3], ann, ann):
        await person.reply(channel, root, "me")
    order = [ann, people[3], people[5], people[4], people[2]]
    summary = await stands_under(ann, root)
    assert (summary["last_repliers"], summary["reply_count"]) == ([person.id for person in order], 9)


async def test_a_deleted_reply_does_not_count(room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    first, second = await ann.reply(channel, root, "one"), await bob.reply(channel, root, "two")
    await bob.delete(f"/messages/{second['id']}", 200)
    summary = await stands_under(ann, root)
    assert summary == {
        "reply_count": 1,
        "last_reply_seq": first["ch_seq"],
        "last_reply_at": first["created_at"],
        "last_repliers": [ann.id],
    }
    assert (await events(ann, channel))[-1]["data"]["thread"] == summary
    await ann.delete(f"/messages/{first['id']}", 200)
    await ann.delete(f"/messages/{first['id']}", 200)
    assert (await events(ann, channel))[-1]["data"]["thread"] is None
    assert await stands_under(ann, root) is None
    third = await bob.reply(channel, root, "three")
    assert (await stands_under(ann, root))["last_reply_seq"] == third["ch_seq"]
    await ann.delete(f"/messages/{root['id']}", 200)
    assert (await stands_under(bob, root))["reply_count"] == 1


async def test_an_answer_of_the_bot_is_a_reply(room, bot):
    ann, _, channel = room
    root = await ann.say(channel, "root")
    run = await bot.open(ann, channel, thread_id=root["id"])
    answer = (await bot.finish(run["run"]["id"]))["message"]
    told = next(event for event in await events(ann, channel) if event["data"].get("message") == answer)
    assert told["data"]["thread"] == await stands_under(ann, root)
    assert told["data"]["thread"]["last_repliers"] == [answer["author_id"]]


async def test_replies_at_the_same_moment_are_all_counted(chat, room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    replies = await asyncio.gather(*(one.reply(channel, root, "me") for one in (ann, bob) for _ in range(12)))
    told = [event["data"] for event in await events(ann, channel, root["ch_seq"])]
    assert [one["thread"]["reply_count"] for one in told] == list(range(1, 25))
    assert all(one["thread"]["last_reply_seq"] == one["message"]["ch_seq"] for one in told)
    assert all(one["thread"]["last_repliers"][0] == one["message"]["author_id"] for one in told)
    assert await stands_under(ann, root) == told[-1]["thread"]
    await asyncio.gather(*(ann.delete(f"/messages/{one['id']}", 200) for one in replies[::2]))
    assert (await stands_under(ann, root))["reply_count"] == 12


# Who replies (0..6), or which reply, counted from the newest, is deleted.
STEPS = st.lists(
    st.one_of(st.tuples(st.just("reply"), st.integers(0, 6)), st.tuples(st.just("delete"), st.integers(0, 3))),
    min_size=4,
    max_size=24,
)


@given(steps=STEPS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_summary_is_what_counting_would_say(chat, steps):
    people = await chat.people(7)
    workspace = await people[0].workspace()
    await people[0].invite(workspace, *people[1:])
    channel = workspace["general"]
    root = await people[0].say(channel, "root")
    there = []
    for kind, number in steps:
        if kind == "reply":
            there.append(await people[number].reply(channel, root, "me"))
        elif number < len(there):
            await people[0].delete(f"/messages/{there.pop(-1 - number)['id']}", 200)
    newest = there[-1] if there else None
    authors = list(dict.fromkeys(reply["author_id"] for reply in there[::-1]))
    expected = newest and {
        "reply_count": len(there),
        "last_reply_seq": newest["ch_seq"],
        "last_reply_at": newest["created_at"],
        "last_repliers": authors[:5],
    }
    assert await stands_under(people[1], root) == expected
