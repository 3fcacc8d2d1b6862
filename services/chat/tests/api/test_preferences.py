"""What somebody wants of a channel."""

import asyncio
import json
import uuid

import pytest
import pytest_asyncio

DEFAULT = {"level": "mentions", "muted": False, "section": None}


async def furnish(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def prefer(person, channel, expect=200, **wishes):
    return await person.ask("PUT", f"/channels/{channel['id']}/preferences", expect, json=wishes)


async def shown(person, channel):
    start = await person.get(f"/workspaces/{channel['workspace_id']}/bootstrap")
    return next(item["preferences"] for item in start["channels"] if item["channel"]["id"] == channel["id"])


async def test_what_is_absent_stays(room, told):
    ann, bob, channel = room
    assert await shown(bob, channel) == await prefer(bob, channel) == DEFAULT
    states = []
    for wish in ({"muted": True}, {"level": "none", "section": "Work"}, {"section": None}, {"level": "all"}):
        states.append({**(states[-1] if states else DEFAULT), **wish})
        assert await prefer(bob, channel, **wish) == await shown(bob, channel) == states[-1]
        assert await prefer(bob, channel, **wish) == states[-1]
    events = await told(bob, "preferences.updated")
    assert events == [{"channel_id": channel["id"], "preferences": state} for state in states]
    assert await shown(ann, channel) == DEFAULT
    assert await told(ann, "preferences.updated") == []


async def test_it_goes_in_the_channels_lane_and_changes_nothing_in_it(chat, room):
    ann, bob, channel = room
    before = (await ann.get(f"/channels/{channel['id']}"))["channel"]
    await prefer(bob, channel, muted=True)
    assert (await ann.get(f"/channels/{channel['id']}"))["channel"] == before
    (row,) = await chat.sql("SELECT * FROM event_log WHERE type = 'preferences.updated'")
    (joined, *_) = await chat.sql("SELECT shard FROM event_log WHERE channel_id = $1", uuid.UUID(channel["id"]))
    assert (row["shard"], row["ch_seq"], str(row["channel_id"])) == (joined["shard"], None, channel["id"])
    assert json.loads(row["body"])["actor_id"] == bob.id


async def test_mentions_count_in_a_muted_channel(room, name_in):
    ann, bob, channel = room
    await prefer(bob, channel, muted=True, level="none")
    await name_in(await ann.say(channel, "hello"), bob)
    await ann.say(channel, "hello")
    found = await bob.get(f"/workspaces/{channel['workspace_id']}/unread")
    (item,) = found["channels"]
    assert (item["unread"], item["mentions"], item["muted"]) == (2, 1, True)
    assert found["total"] == {"unread": 0, "mentions": 1}


async def test_only_members_have_wishes_and_leaving_ends_them(room, told):
    ann, bob, channel = room
    workspace = {"id": channel["workspace_id"]}
    public, private = await ann.channel(workspace, "open"), await ann.channel(workspace, "secret", "private")
    assert (await prefer(bob, public, 403, muted=True))["code"] == "not_a_member"
    await prefer(bob, private, 404, muted=True)
    await prefer(bob, channel, muted=True)
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    await prefer(bob, channel, 403, muted=False)
    await bob.post(f"/channels/{channel['id']}/join")
    assert await shown(bob, channel) == DEFAULT
    await ann.post(f"/channels/{channel['id']}/archive")
    await prefer(bob, channel, muted=True)


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"level": "loud"}, "/level"),
        ({"level": None}, "/level"),
        ({"muted": 1}, "/muted"),
        ({"section": ""}, "/section"),
        ({"section": " "}, "/section"),
        ({"section": "x" * 65}, "/section"),
        ({"section": "\0"}, "/section"),
        ({"theme": "dark"}, ""),
    ],
)
async def test_what_is_no_wish_is_refused(room, wish, pointer):
    _, bob, channel = room
    assert (await prefer(bob, channel, 422, **wish))["errors"][0]["pointer"] == pointer
    assert await shown(bob, channel) == DEFAULT


async def test_the_last_of_two_devices_is_what_is_told_last(room, told):
    _, bob, channel = room
    wishes = [{"muted": True}, {"section": "Work"}, {"muted": False}, {"level": "all"}, {"section": "Play"}]
    await asyncio.gather(*(prefer(bob, channel, **wish) for wish in wishes * 3))
    assert (await told(bob, "preferences.updated"))[-1]["preferences"] == await shown(bob, channel)
