"""Replies and threads."""

import asyncio
import uuid

import pytest_asyncio


async def furnish(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def page(person, message, query=""):
    got = await person.get(f"/messages/{message['id']}/thread{query}")
    return [item["text"] for item in got["items"]], got["has_before"], got["has_after"]


async def test_a_reply_names_its_thread_everywhere(room):
    ann, bob, channel = room
    root = await ann.say(channel, "a question")
    reply = await bob.reply(channel, root, "an answer")
    assert reply["thread_id"] == root["id"]
    assert (await ann.get(f"/messages/{reply['id']}"))["message"] == reply
    begun = (await ann.get(f"/messages/{root['id']}"))["message"]
    joined, *said_here = (await ann.get(f"/channels/{channel['id']}/messages"))["items"]
    assert (joined["system"]["kind"], said_here) == ("joined", [begun, reply])
    (event,) = (await ann.get(f"/channels/{channel['id']}/events?after={root['ch_seq']}"))["items"]
    assert event["data"]["message"] == reply


async def test_a_thread_is_read_in_both_directions(room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    replies = []
    for number in range(5):
        await ann.say(channel, "beside")
        replies.append(await bob.reply(channel, root, f"r{number}"))
    everything = ["root", "r0", "r1", "r2", "r3", "r4"]
    assert await page(ann, root) == (everything, False, False)
    assert await page(ann, replies[3]) == (everything, False, False)
    assert await page(ann, root, "?limit=2") == (["r3", "r4"], True, False)
    assert await page(ann, root, "?limit=5") == (everything[1:], True, False)
    assert await page(ann, root, "?limit=6") == (everything, False, False)
    second = replies[1]["ch_seq"]
    assert await page(ann, root, f"?before={second}") == (["root", "r0"], False, True)
    assert await page(ann, root, f"?before={second}&limit=1") == (["r0"], True, True)
    assert await page(ann, root, f"?before={root['ch_seq']}") == ([], False, True)
    assert await page(ann, root, f"?after={second}&limit=2") == (["r2", "r3"], True, True)
    assert await page(ann, root, f"?after={second}") == (["r2", "r3", "r4"], True, False)
    assert await page(ann, root, "?after=0&limit=2") == (["root", "r0"], False, True)
    assert await page(ann, root, "?after=0&limit=1") == (["root"], False, True)
    assert await page(ann, root, f"?after={replies[-1]['ch_seq']}") == ([], True, False)
    await ann.get(f"/messages/{root['id']}/thread?before=1&after=1", 422)
    await ann.get(f"/messages/{root['id']}/thread?limit=0", 422)


async def test_a_message_without_replies_is_a_thread_of_one(room):
    ann, _, channel = room
    root = await ann.say(channel, "alone")
    assert await page(ann, root) == (["alone"], False, False)


async def test_only_a_first_message_of_the_same_channel_is_answered_to(chat, room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    reply = await bob.reply(channel, root, "reply")
    other = await ann.channel({"id": channel["workspace_id"]}, "other")
    elsewhere = await ann.say(other, "elsewhere")
    before = (await ann.get(f"/channels/{channel['id']}"))["channel"]["last_seq"]
    for nowhere in (reply, elsewhere, {"id": str(uuid.uuid4())}):
        problem = await ann.reply(channel, nowhere, "lost", 422)
        assert (problem["code"], problem["errors"][0]["pointer"]) == ("thread_not_found", "/thread_id")
    assert (await ann.get(f"/channels/{channel['id']}"))["channel"]["last_seq"] == before
    await ann.reply(channel, {"id": "nonsense"}, "lost", 422)


async def test_a_reply_is_refused_like_any_message(chat, room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    stranger = await chat.person()
    assert (await stranger.reply(channel, root, "hi", 404))["code"] == "not_found"
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    assert (await bob.reply(channel, root, "hi", 403))["code"] == "not_a_member"
    await ann.post(f"/channels/{channel['id']}/archive")
    assert (await ann.reply(channel, root, "hi", 409))["code"] == "channel_archived"


async def test_a_thread_outlives_its_first_message(room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    await bob.reply(channel, root, "one")
    await ann.delete(f"/messages/{root['id']}", 200)
    await bob.reply(channel, root, "two")
    assert await page(bob, root) == (["", "one", "two"], False, False)


async def test_a_reply_sent_again_answers_with_the_first_one(room):
    ann, _, channel = room
    root = await ann.say(channel, "root")
    body = {"text": "reply", "client_msg_id": str(uuid.uuid4()), "thread_id": root["id"]}
    path = f"/channels/{channel['id']}/messages"
    answers = await asyncio.gather(*(ann.post(path, body, None) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    body["thread_id"] = None
    assert (await ann.post(path, body, 409))["code"] == "client_msg_id_reused"
