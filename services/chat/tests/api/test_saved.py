"""What somebody saved for later: for themselves alone, as it is now, while they may read it."""

import asyncio
import json
import uuid

import pytest_asyncio

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


async def save(person, message, expect=204, method="PUT"):
    return await person.ask(method, f"/messages/{message['id']}/save", expect)


async def forget(person, message, expect=204):
    return await save(person, message, expect, "DELETE")


async def saved(person, channel, query=""):
    return await person.get(f"/workspaces/{channel['workspace_id']}/saved{query}")


async def ids(person, channel, query=""):
    return [item["message"]["id"] for item in (await saved(person, channel, query))["items"]]


async def told(chat):
    """What the log tells of saving."""
    rows = await chat.sql("SELECT * FROM event_log WHERE type = 'saved.updated' ORDER BY id")
    assert all(decode(decode_envelope(row["body"])) is not None for row in rows)
    return rows


async def test_saving_is_told_to_my_own_devices_alone(chat, room):
    ann, bob, channel = room
    said = await ann.say(channel, "read this")
    await save(bob, said)
    await forget(bob, said)
    rows = await told(chat)
    here = {"channel_id": channel["id"], "message_id": said["id"]}
    assert [json.loads(row["body"])["data"] for row in rows] == [{**here, "saved": True}, {**here, "saved": False}]
    for row in rows:
        assert row["subject"].split(".")[3:] == ["user", bob.id]
        assert (str(row["channel_id"]), row["ch_seq"]) == (channel["id"], None)
    assert (await ann.get(f"/channels/{channel['id']}/events?after={said['ch_seq']}"))["items"] == []
    assert (await ann.get(f"/messages/{said['id']}"))["message"] == said


async def test_my_list_shows_messages_as_they_are_now(room):
    ann, bob, channel = room
    said = [await ann.say(channel, f"number {number}") for number in range(3)]
    for one in (said[1], said[0], said[2]):
        await save(bob, one)
    edited = (await ann.patch(f"/messages/{said[0]['id']}", {"text": "edited"}))["message"]
    gone = (await ann.delete(f"/messages/{said[2]['id']}", 200))["message"]
    items = (await saved(bob, channel))["items"]
    assert [item["message"] for item in items] == [gone, edited, said[1]]
    times = [item["saved_at"] for item in items]
    assert times == sorted(times, reverse=True)
    assert await ids(ann, channel) == []
    await forget(bob, gone)
    assert await ids(bob, channel) == [edited["id"], said[1]["id"]]


async def test_doing_it_again_changes_nothing(chat, room):
    ann, bob, channel = room
    said = await ann.say(channel, "read this")
    await forget(bob, said)
    assert await told(chat) == []
    await asyncio.gather(*(save(bob, said) for _ in range(6)))
    before = await saved(bob, channel)
    await save(bob, said)
    assert await saved(bob, channel) == before
    assert len(await told(chat)) == 1
    await asyncio.gather(*(forget(bob, said) for _ in range(6)))
    assert len(await told(chat)) == 2


async def test_the_last_that_was_told_is_what_is(chat, room):
    ann, bob, channel = room
    said = await ann.say(channel, "read this")
    for _ in range(5):
        await asyncio.gather(*(act(bob, said) for act in (save, forget) * 3))
        last = json.loads((await told(chat))[-1]["body"])["data"]["saved"]
        assert (await ids(bob, channel) == [said["id"]]) == last


async def test_what_is_deleted_or_unknown_is_not_saved(room):
    ann, bob, channel = room
    gone = await ann.say(channel, "oh no")
    await ann.delete(f"/messages/{gone['id']}", 200)
    assert (await save(bob, gone, 409))["code"] == "message_deleted"
    await forget(bob, gone)
    for act in (save, forget):
        await act(bob, {"id": str(uuid.uuid4())}, 404)


async def test_an_archived_channel_is_read_later_all_the_same(room):
    ann, bob, channel = room
    said = await ann.say(channel, "read this")
    await ann.post(f"/channels/{channel['id']}/archive")
    await save(bob, said)
    assert await ids(bob, channel) == [said["id"]]


async def test_what_i_may_no_longer_read_is_kept_and_comes_back(room):
    ann, bob, channel = room
    secret = await ann.channel({"id": channel["workspace_id"]}, "secret", "private")
    path = f"/channels/{secret['id']}/members"
    await ann.post(path, {"user_id": bob.id}, 201)
    said, open_word = await ann.say(secret, "between us"), await ann.say(channel, "hello")
    for one in (said, open_word):
        await save(bob, one)
    assert await ids(bob, channel) == [open_word["id"], said["id"]]
    await ann.delete(f"{path}/{bob.id}")
    assert await ids(bob, channel) == [open_word["id"]]
    for act in (save, forget):
        await act(bob, said, 404)
    await ann.post(path, {"user_id": bob.id}, 201)
    assert await ids(bob, channel) == [open_word["id"], said["id"]]
    await ann.delete(f"/workspaces/{channel['workspace_id']}/members/{bob.id}")
    await bob.get(f"/workspaces/{channel['workspace_id']}/saved", 404)


async def test_the_list_shows_exactly_what_may_be_read(chat, room):
    """One rule in two forms: for every role, in and outside of every kind of channel."""
    ann, bob, channel = room
    workspace = {"id": channel["workspace_id"]}
    gus = await chat.person()
    await ann.invite(workspace, gus, role="guest")
    channels = [
        *[await ann.channel(workspace, f"{kind}-{n}", kind) for kind in ("public", "private") for n in range(2)],
        await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201),
        await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id, gus.id]}, 201),
    ]
    said = [await ann.say(one, "words") for one in channels]
    for place in channels[:4]:
        for person in (bob, gus):
            await ann.post(f"/channels/{place['id']}/members", {"user_id": person.id}, 201)
    for person in (ann, bob, gus):
        for one in said:
            answer = await save(person, one, None)
            assert answer.status_code == (404 if person is gus and one is said[4] else 204)
    for place in (channels[1], channels[3]):
        for person in (bob, gus):
            await ann.delete(f"/channels/{place['id']}/members/{person.id}")
    for person in (ann, bob, gus):
        readable = [one["id"] for one in said if (await person.get(f"/messages/{one['id']}", None)).status_code == 200]
        assert sorted(await ids(person, channel)) == sorted(readable)


async def test_pages_are_whole_although_something_is_hidden(room):
    ann, bob, channel = room
    secret = await ann.channel({"id": channel["workspace_id"]}, "secret", "private")
    await ann.post(f"/channels/{secret['id']}/members", {"user_id": bob.id}, 201)
    said = [await ann.say(place, f"number {number}") for number in range(5) for place in (channel, secret)]
    for one in said:
        await save(bob, one)
    await bob.post(f"/channels/{secret['id']}/leave", None, 204)
    pages = [await saved(bob, channel, "?limit=2")]
    await forget(bob, pages[0]["items"][-1]["message"])
    while pages[-1]["next"]:
        pages.append(await saved(bob, channel, f"?limit=2&cursor={pages[-1]['next']}"))
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    found = [item["message"]["text"] for page in pages for item in page["items"]]
    assert found == [f"number {number}" for number in (4, 3, 2, 1, 0)]
    for wrong in ("limit=0", "limit=201", "cursor=x"):
        await bob.get(f"/workspaces/{channel['workspace_id']}/saved?{wrong}", 422)


async def test_each_workspace_has_its_own_list(room):
    ann, _, channel = room
    other = await ann.workspace("Other")
    said, elsewhere = await ann.say(channel, "here"), await ann.say(other["general"], "there")
    for one in (said, elsewhere):
        await save(ann, one)
    assert await ids(ann, channel) == [said["id"]]
    assert await ids(ann, other["general"]) == [elsewhere["id"]]
