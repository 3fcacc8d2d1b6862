"""Reacting to messages: what is told, who may, and that nothing is lost when many react at once."""

import asyncio
import uuid
from urllib.parse import quote

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia_chat.marks.reactions import MAX_DIFFERENT

SOME = [chr(0x1F600 + number) for number in range(MAX_DIFFERENT + 1)]


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def react(person, message, emoji="👍", expect=200, method="PUT"):
    answer = await person.ask(method, f"/messages/{message['id']}/reactions/{quote(emoji, safe='')}", expect)
    return answer["message"] if expect == 200 else answer


async def take_back(person, message, emoji="👍", expect=200):
    return await react(person, message, emoji, expect, "DELETE")


async def events(person, channel, after=0):
    return (await person.get(f"/channels/{channel['id']}/events?after={after}&limit=200"))["items"]


def has(emoji, *people):
    return {"emoji": emoji, "user_ids": [person.id for person in people]}


async def test_a_reaction_tells_all_that_the_message_has(room):
    ann, bob, channel = room
    said = await ann.say(channel, "ship it")
    await react(bob, said)
    await react(bob, said, "🎉")
    marked = await react(ann, said)
    assert marked == {**said, "reactions": [has("👍", bob, ann), has("🎉", bob)]}
    assert (await bob.get(f"/messages/{said['id']}"))["message"] == marked
    assert await bob.written(channel) == [marked]
    left = await take_back(bob, said)
    assert left["reactions"] == [has("👍", ann), has("🎉", bob)]
    *_, added, removed = await events(ann, channel)
    told = {"message_id": said["id"], "emoji": "👍"}
    assert (added["type"], added["actor_id"], added["ch_seq"]) == ("reaction.added", ann.id, said["ch_seq"] + 3)
    assert added["data"] == {**told, "user_id": ann.id, "reactions": marked["reactions"]}
    assert (removed["type"], removed["actor_id"], removed["ch_seq"]) == ("reaction.removed", bob.id, said["ch_seq"] + 4)
    assert removed["data"] == {**told, "user_id": bob.id, "reactions": left["reactions"]}
    assert (await take_back(ann, said))["reactions"] == [has("🎉", bob)]
    assert (await react(ann, said))["reactions"] == [has("🎉", bob), has("👍", ann)]
    state = (await ann.get(f"/channels/{channel['id']}"))["channel"]
    assert (state["last_seq"], state["last_msg_seq"]) == (said["ch_seq"] + 6, said["ch_seq"])


async def test_doing_it_again_changes_nothing(room):
    ann, bob, channel = room
    said = await ann.say(channel, "ship it")
    assert await take_back(bob, said) == said
    marked = await react(bob, said, "❤️")
    for same in ("❤️", "❤", "❤\ufe0e"):
        assert await react(bob, said, same) == marked
    assert len(await events(ann, channel, said["ch_seq"])) == 1
    for same in ("❤", "❤️"):
        assert await take_back(bob, said, same) == said
    assert len(await events(ann, channel, said["ch_seq"])) == 2


@pytest.mark.parametrize("emoji", ["thumbsup", ":+1:", "👍👍", "7", "%00", "👍 ", "🏿"])
async def test_only_one_emoji_is_a_reaction(room, emoji):
    ann, _, channel = room
    said = await ann.say(channel, "ship it")
    for method in ("PUT", "DELETE"):
        problem = await react(ann, said, emoji, 422, method)
        assert (problem["code"], problem["errors"][0]["parameter"]) == ("validation_failed", "emoji")


@given(strange=st.lists(st.text(max_size=20), min_size=20, max_size=20))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_address_is_too_strange(chat, strange):
    ann = await chat.person()
    path = f"/messages/{uuid.uuid4()}/reactions"
    answers = await asyncio.gather(*(ann.ask("PUT", f"{path}/{quote(text, safe='')}", None) for text in strange))
    assert {answer.status_code for answer in answers} <= {404, 405, 422}


async def test_who_may_react(chat, room):
    ann, _, channel = room
    cat, gus = await chat.people(2)
    workspace = {"id": channel["workspace_id"]}
    await ann.invite(workspace, cat)
    await ann.invite(workspace, gus, role="guest")
    plans = await ann.channel(workspace, "plans")
    said = await ann.say(plans, "ship it")
    for act in (react, take_back):
        assert (await act(cat, said, expect=403))["code"] == "not_a_member"
        await act(gus, said, expect=404)
        await act(cat, {"id": str(uuid.uuid4())}, expect=404)
    for person in (cat, gus):
        await ann.post(f"/channels/{plans['id']}/members", {"user_id": person.id}, 201)
        await react(person, said)
        await person.post(f"/channels/{plans['id']}/leave", None, 204)
    assert (await take_back(cat, said, expect=403))["code"] == "not_a_member"
    await take_back(gus, said, expect=404)
    assert (await ann.get(f"/messages/{said['id']}"))["message"]["reactions"] == [has("👍", cat, gus)]


async def test_what_is_archived_or_deleted_takes_no_reaction(room):
    ann, bob, channel = room
    said, gone = await ann.say(channel, "ship it"), await ann.say(channel, "oh no")
    await react(bob, said)
    await react(bob, gone)
    deleted = (await ann.delete(f"/messages/{gone['id']}", 200))["message"]
    assert deleted["reactions"] == []
    (event,) = (await events(ann, channel))[-1:]
    assert event["data"]["message"] == deleted
    for act in (react, take_back):
        assert (await act(bob, gone, expect=409))["code"] == "message_deleted"
    await ann.post(f"/channels/{channel['id']}/archive")
    for act in (react, take_back):
        assert (await act(bob, said, expect=409))["code"] == "channel_archived"


async def test_an_edit_keeps_the_reactions(room):
    ann, bob, channel = room
    said = await ann.say(channel, "shpi it")
    marked = await react(bob, said)
    edited = (await ann.patch(f"/messages/{said['id']}", {"text": "ship it"}))["message"]
    assert edited["reactions"] == marked["reactions"]
    assert (await events(bob, channel))[-1]["data"]["message"] == edited


async def test_a_message_takes_so_many_different_reactions(room):
    ann, bob, channel = room
    said = await ann.say(channel, "ship it")
    *first, last = SOME
    await asyncio.gather(*(react(ann, said, emoji) for emoji in first))
    assert (await react(bob, said, last, 409))["code"] == "too_many_reactions"
    await react(bob, said, first[0])
    await take_back(ann, said, first[1])
    assert len((await react(bob, said, last))["reactions"]) == MAX_DIFFERENT


async def test_every_kind_of_message_takes_reactions(chat, room, bot):
    ann, bob, channel = room
    run = (await bot.open(ann, channel))["run"]
    answer = (await bot.finish(run["id"]))["message"]
    assert (await react(bob, answer))["reactions"] == [has("👍", bob)]
    reply = await bob.reply(channel, answer, "thanks")
    assert (await react(ann, reply))["reactions"] == [has("👍", ann)]
    notes = await ann.post(f"/workspaces/{channel['workspace_id']}/dms", {"user_ids": [ann.id]}, 201)
    note = await ann.say(notes, "milk")
    assert (await react(ann, note, "✅"))["reactions"] == [has("✅", ann)]


async def test_twenty_people_react_at_once(chat, room):
    ann, _, channel = room
    people = await chat.people(20)
    await ann.invite({"id": channel["workspace_id"]}, *people)
    said = await ann.say(channel, "who is in?")
    await asyncio.gather(*(react(person, said, emoji) for person in people for emoji in ("🙋", "🎉")))
    marked = (await ann.get(f"/messages/{said['id']}"))["message"]
    assert sorted(each["emoji"] for each in marked["reactions"]) == sorted(("🙋", "🎉"))
    for each in marked["reactions"]:
        assert sorted(each["user_ids"]) == sorted(person.id for person in people)
    log = await events(ann, channel, said["ch_seq"])
    assert [event["ch_seq"] for event in log] == list(range(said["ch_seq"] + 1, said["ch_seq"] + 41))
    assert log[-1]["data"]["reactions"] == marked["reactions"]
    await asyncio.gather(*(take_back(person, said, "🎉") for person in people), *(react(one, said) for one in people))
    marked = (await ann.get(f"/messages/{said['id']}"))["message"]
    assert [each["emoji"] for each in marked["reactions"]] == ["🙋", "👍"]


async def test_reacting_while_deleting_ends_without_reactions(room):
    ann, bob, channel = room
    for _ in range(6):
        said = await ann.say(channel, "oh no")
        *answers, deleted = await asyncio.gather(
            *(react(person, said, emoji, None) for person in (ann, bob) for emoji in SOME[:3]),
            ann.ask("DELETE", f"/messages/{said['id']}", None),
        )
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert deleted.status_code == 200
        assert (await bob.get(f"/messages/{said['id']}"))["message"]["reactions"] == []
    log = await events(ann, channel)
    assert [event["ch_seq"] for event in log] == list(range(1, len(log) + 1))
