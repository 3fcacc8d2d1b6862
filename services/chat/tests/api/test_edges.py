"""Where two things meet that do not go together."""

import asyncio

import pytest


@pytest.fixture
async def house(chat):
    """Ann, who owns the workspace, and Bob and Cat in `general`."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    return ann, bob, cat, workspace, workspace["general"]


async def test_two_people_edit_the_same_message_and_one_of_them_wrote_it(house):
    ann, bob, cat, _, channel = house
    said = await bob.say(channel, "one")
    path = f"/messages/{said['id']}"
    answers = await asyncio.gather(
        *(person.ask("PATCH", path, None, json={"text": person.id}) for person in (ann, bob, cat, bob))
    )
    assert [answer.status_code for answer in answers] == [403, 200, 403, 200]
    assert (await ann.get(path))["message"]["text"] == bob.id
    events = (await ann.get(f"/channels/{channel['id']}/events?after={said['ch_seq']}"))["items"]
    assert {event["actor_id"] for event in events} == {bob.id}


async def test_answering_while_the_question_is_deleted(house):
    """A reply finds its thread either way, and the thread keeps its shape."""
    ann, bob, cat, _, channel = house
    for _ in range(4):
        root = await bob.say(channel, "why?")
        replies = await asyncio.gather(
            *(person.reply(channel, root, person.id) for person in (ann, cat)),
            bob.delete(f"/messages/{root['id']}", 200),
            *(person.reply(channel, root, person.id) for person in (cat, ann)),
        )
        thread = (await ann.get(f"/messages/{root['id']}/thread"))["items"]
        assert (thread[0]["id"], thread[0]["text"], thread[0]["thread"]["reply_count"]) == (root["id"], "", 4)
        assert sorted(item["id"] for item in thread[1:]) == sorted(one["id"] for one in replies if "id" in one)
        late = await cat.reply(channel, root, "because")
        assert (await ann.get(f"/messages/{root['id']}/thread"))["items"][-1]["id"] == late["id"]


async def test_deleting_the_answer_while_others_answer_counts_what_is_there(house):
    ann, bob, cat, _, channel = house
    root = await bob.say(channel, "why?")
    first = await ann.reply(channel, root, "so")
    await asyncio.gather(
        ann.delete(f"/messages/{first['id']}", 200),
        *(person.reply(channel, root, "thus") for person in (bob, cat, bob, cat)),
    )
    summary = (await ann.get(f"/messages/{root['id']}"))["message"]["thread"]
    there = [item for item in (await ann.get(f"/messages/{root['id']}/thread"))["items"][1:] if not item["deleted_at"]]
    assert (summary["reply_count"], summary["last_reply_seq"]) == (4, there[-1]["ch_seq"])
    assert summary["last_repliers"] == list(dict.fromkeys(item["author_id"] for item in reversed(there)))


async def test_what_was_deleted_takes_no_mark_and_may_be_saved_by_nobody(house):
    ann, bob, _, _, channel = house
    said = await ann.say(channel, "oh no")
    path = f"/messages/{said['id']}"
    await ann.delete(path, 200)
    for method in ("PUT", "DELETE"):
        for mark in ("reactions/👍", "pin"):
            assert (await bob.ask(method, f"{path}/{mark}", 409))["code"] == "message_deleted"
    assert (await bob.ask("PUT", f"{path}/save", 409))["code"] == "message_deleted"


async def test_mentioning_who_is_not_in_the_channel_or_the_workspace(chat, house):
    """In the workspace: mentioned, and told of nothing that they may not read. Outside: it stays text."""
    ann, bob, cat, workspace, _ = house
    stranger = await chat.person()
    secret, plans = await ann.channel(workspace, "secret", "private"), await ann.channel(workspace, "plans")
    said = {
        place["id"]: await ann.say(place, f"<@{bob.id}> @{cat.user['username']} <@{stranger.id}>")
        for place in (secret, plans)
    }
    for message in said.values():
        assert message["mentions"] == [bob.id, cat.id]
    home = f"/workspaces/{workspace['id']}"
    for person in (bob, cat):
        listed = (await person.get(f"{home}/mentions"))["items"]
        assert [item["id"] for item in listed] == [said[plans["id"]]["id"]]
        assert (await person.get(f"{home}/unread"))["total"] == {"unread": 0, "mentions": 0}
        await person.get(f"/messages/{said[secret['id']]['id']}", 404)
    await stranger.get(f"{home}/mentions", 404)


async def test_a_conversation_with_oneself(house):
    """A place for notes: one member, nothing in it is ever unread, and there is only one of it."""
    ann, _, _, workspace, _ = house
    dms = f"/workspaces/{workspace['id']}/dms"
    mine = await ann.post(dms, {"user_ids": [ann.id]}, 201)
    assert (mine["kind"], mine["member_ids"]) == ("dm", [ann.id])
    assert (await ann.post(dms, {"user_ids": [ann.id, ann.id]}))["id"] == mine["id"]
    said = await ann.say(mine, f"remember, <@{ann.id}> @channel")
    await ann.reply(mine, said, "or not")
    await ann.ask("PUT", f"/channels/{mine['id']}/read", json={"seq": 0, "exact": True})
    unread = await ann.get(f"/workspaces/{workspace['id']}/unread")
    assert (unread["channels"], unread["total"]) == ([], {"unread": 0, "mentions": 0})
    state = await ann.get(f"/channels/{mine['id']}")
    assert (state["joined"], state["member_count"]) == (True, 1)
    for path, body in (("leave", None), ("members", {"user_id": house[1].id})):
        answer = await ann.post(f"/channels/{mine['id']}/{path}", body, 409)
        assert answer["code"] == "direct_channel"


async def test_a_name_that_is_taken_changes_nothing_else_of_the_wish(house):
    ann, _, _, workspace, channel = house
    plans = await ann.channel(workspace, "plans")
    before = await ann.get(f"/channels/{plans['id']}")
    wish = {"name": "GENERAL", "topic": "new"}
    assert (await ann.patch(f"/channels/{plans['id']}", wish, 409))["code"] == "channel_name_taken"
    assert await ann.get(f"/channels/{plans['id']}") == before
    await ann.patch(f"/channels/{channel['id']}", {"name": "lobby"})
    assert (await ann.patch(f"/channels/{plans['id']}", wish))["channel"]["name"] == "general"
