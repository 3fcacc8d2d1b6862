"""Changing a channel: names, topics, its kind; who may; who hears of it."""

import asyncio
import uuid

import pytest_asyncio


async def found(chat):
    """Ann owns the workspace, Bob the public channel `plans`, Cat is in it, Dan only looks in, Gil is a guest in it."""
    ann, bob, cat, dan, gil = await chat.people(5)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat, dan)
    await ann.invite(workspace, gil, role="guest")
    channel = await bob.channel(workspace)
    await cat.post(f"/channels/{channel['id']}/join")
    await bob.post(f"/channels/{channel['id']}/members", {"user_id": gil.id}, 201)
    return ann, bob, cat, dan, gil, workspace, (await bob.get(f"/channels/{channel['id']}"))["channel"]


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def change(person, channel, expect=200, **wish):
    answer = await person.patch(f"/channels/{channel['id']}", wish, expect)
    return answer["channel"] if expect == 200 else answer["code"]


async def told(chat, channel, kind="channel.%"):
    rows = await chat.sql(
        "SELECT subject, ch_seq, body::jsonb->'data'->'channel' AS channel FROM event_log "
        "WHERE channel_id = $1 AND type LIKE $2 AND type <> 'channel.created' ORDER BY id",
        uuid.UUID(channel["id"]),
        kind,
    )
    return [(row["subject"].split(".")[3], row["ch_seq"], row["channel"]) for row in rows]


async def test_a_rename_is_told_to_the_channel_with_a_number_and_to_the_workspace_without(chat, house):
    _, bob, cat, dan, _, _, channel = house
    renamed = await change(bob, channel, name="Pläne", topic=" soon ", purpose="all of them")
    seq = channel["last_seq"] + 1
    now_called = {**channel, "name": "pläne", "topic": "soon", "purpose": "all of them"}
    assert renamed == {**now_called, "last_seq": seq + 3}
    for person in (cat, dan):
        assert (await person.get(f"/channels/{channel['id']}"))["channel"] == renamed
    event, *notes = (await cat.get(f"/channels/{channel['id']}/events?after={channel['last_seq']}"))["items"]
    assert (event["type"], event["ch_seq"], event["actor_id"]) == ("channel.updated", seq, bob.id)
    assert event["data"]["channel"] == {**now_called, "last_seq": seq}
    assert [(note["type"], note["ch_seq"], note["data"]["message"]["system"]["kind"]) for note in notes] == [
        ("message.created", seq + 1, "renamed"),
        ("message.created", seq + 2, "topic_changed"),
        ("message.created", seq + 3, "purpose_changed"),
    ]
    assert [(scope, number) for scope, number, _ in await told(chat, channel)] == [("ws", None), ("ch", seq)]


async def test_links_and_messages_survive_a_rename_and_the_former_name_is_free(house):
    _, bob, cat, _, _, workspace, channel = house
    said = await cat.say(channel, "hello")
    await change(bob, channel, name="other")
    assert (await cat.get(f"/messages/{said['id']}"))["message"] == said
    again = await cat.channel(workspace, "plans")
    assert await change(cat, again, 409, name="OTHER") == "channel_name_taken"
    assert (await cat.get(f"/channels/{again['id']}"))["channel"]["name"] == "plans"


async def test_nothing_new_is_no_change(chat, house):
    _, bob, _, _, _, _, channel = house
    for _ in range(2):
        first = await change(bob, channel, name="Other", posting="admins", is_default=True)
    assert first["last_seq"] == channel["last_seq"] + 2  # The change, and that the channel says its new name.
    assert await change(bob, channel) == first
    assert len(await told(chat, channel)) == 2


async def test_what_a_channel_is_its_owner_and_admins_decide(house):
    ann, _, cat, dan, gil, _, channel = house
    for wish in (
        {"name": "other"},
        {"posting": "admins"},
        {"is_default": True},
        {"is_default": False, "kind": "private"},
    ):
        for person in (cat, dan, gil):
            assert await change(person, channel, 403, topic="mine", **wish) == "forbidden"
        if "kind" not in wish:
            await change(ann, channel, **wish)


async def test_what_it_is_about_everybody_in_it_says(house):
    ann, _, cat, dan, gil, _, channel = house
    for person in (ann, cat, gil):
        assert (await change(person, channel, topic=person.id, purpose=""))["topic"] == person.id
    assert await change(dan, channel, 403, topic="mine") == "not_a_member"
    await cat.post(f"/channels/{channel['id']}/leave", None, 204)
    assert await change(cat, channel, 403, topic="mine") == "not_a_member"
    await change(ann, channel, posting="admins")
    assert await change(gil, channel, 403, topic="mine") == "posting_restricted"


async def test_unacceptable_changes_are_refused(house):
    _, bob, _, _, _, _, channel = house
    for wish in (
        {"name": ""},
        {"name": "two words"},
        {"name": "x" * 65},
        {"name": None},
        {"topic": "x" * 251},
        {"purpose": "x" * 501},
        {"posting": "nobody"},
        {"kind": "dm"},
        {"is_default": 1},
        {"archived_at": None},
    ):
        assert await change(bob, channel, 422, **wish) == "validation_failed", wish
    assert (await bob.get(f"/channels/{channel['id']}"))["channel"] == channel


async def test_direct_conversations_and_archived_channels_do_not_change(house):
    ann, bob, cat, _, _, workspace, channel = house
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    await bob.post(f"/channels/{channel['id']}/archive")
    for wish in ({"name": "x"}, {"topic": "x"}, {"kind": "private"}, {"posting": "admins"}, {"is_default": True}, {}):
        assert await change(bob, talk, 409, **wish) == "direct_channel"
        assert await change(bob, channel, 409, **wish) == "channel_archived"
    for person, place, code in ((bob, talk, "direct_channel"), (ann, channel, "channel_archived")):
        path = f"/channels/{place['id']}/members/{bob.id}"
        assert (await person.patch(path, {"role": "owner"}, 409))["code"] == code
    assert await change(cat, talk, 404, topic="x") == "not_found"


async def test_of_two_who_take_a_name_at_once_one_gets_it(house):
    _, bob, cat, _, _, workspace, channel = house
    channels = [channel, *[await cat.channel(workspace, f"c{number}") for number in range(3)]]
    answers = await asyncio.gather(
        *(
            person.patch(f"/channels/{one['id']}", {"name": "best"}, None)
            for one, person in zip(channels, (bob, cat, cat, cat), strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    page = await cat.get(f"/workspaces/{workspace['id']}/channels?q=best")
    assert [item["channel"]["name"] for item in page["items"]] == ["best"]


async def test_a_channel_that_becomes_private_is_gone_for_who_only_looked_in(chat, house):
    ann, bob, cat, dan, gil, workspace, channel = house
    said = await cat.say(channel, "between us")
    channel = (await bob.get(f"/channels/{channel['id']}"))["channel"]
    private = await change(bob, channel, kind="private", name="hidden", topic="secret")
    path = f"/channels/{channel['id']}"
    for person in (ann, dan):
        for place in (path, f"{path}/messages", f"{path}/events", f"{path}/members", f"/messages/{said['id']}"):
            await person.get(place, 404)
        await person.post(f"{path}/join", None, 404)
        await person.say(channel, "let me in", expect=404)
        names = [
            item["channel"]["name"] for item in (await person.get(f"/workspaces/{workspace['id']}/channels"))["items"]
        ]
        assert names == ["general"]
    for person in (bob, cat, gil):
        assert (await person.get(path))["channel"] == private
    outside, inside = await told(chat, channel)
    seq = channel["last_seq"] + 1
    assert (inside[0], inside[1]) == ("ch", seq)
    events = (await gil.get(f"{path}/events?after={seq}"))["items"]
    said = [event["data"]["message"]["system"]["kind"] for event in events]
    assert said == ["renamed", "topic_changed", "became_private"]
    assert private["last_seq"] == seq + len(said)
    assert outside[:2] == ("ws", None)
    for word in ("hidden", "secret"):
        assert word not in outside[2]
        assert word in inside[2]
    assert '"kind": "private"' in outside[2]
    await change(bob, channel, topic="for us")
    assert [scope for scope, _, _ in await told(chat, channel)] == ["ws", "ch", "ch"]


async def test_private_is_for_good_and_never_for_everybody(house):
    _, bob, _, _, _, workspace, channel = house
    await change(bob, channel, is_default=True)
    assert await change(bob, channel, 409, kind="private") == "default_not_private"
    await change(bob, channel, kind="private", is_default=False)
    assert await change(bob, channel, 409, is_default=True) == "default_not_private"
    assert await change(bob, channel, 409, kind="public") == "kind_not_changeable"
    assert (await change(bob, channel, kind="private", topic="x"))["topic"] == "x"
    general = workspace["general"]
    assert await change(house[0], general, 409, kind="private") == "default_not_private"


async def test_who_joins_while_a_channel_becomes_private_is_in_or_out(chat, house):
    _, bob, *_, workspace, channel = house
    people = await chat.people(6)
    await house[0].invite(workspace, *people)
    path = f"/channels/{channel['id']}"
    *joins, private = await asyncio.gather(
        *(person.post(f"{path}/join", None, None) for person in people[:3]),
        *(person.post(f"{path}/join", None, None) for person in people[3:]),
        bob.patch(path, {"kind": "private"}, None),
    )
    assert private.status_code == 200
    for person, answer in zip(people, joins, strict=True):
        assert answer.status_code in (200, 404)
        await person.get(path, answer.status_code)
    events = (await bob.get(f"{path}/events?after=0"))["items"]
    assert [event["ch_seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["type"] for event in events]
    assert "member.joined" not in kinds[kinds.index("channel.updated") :]


async def test_archiving_is_told_to_the_workspace_too(chat, house):
    _, bob, _, _, _, workspace, channel = house
    archived = (await bob.post(f"/channels/{channel['id']}/archive"))["channel"]
    (_, none, outside), (_, seq, inside) = await told(chat, channel, "channel.archived")
    assert (none, seq, outside) == (None, channel["last_seq"] + 1, inside)
    assert archived["last_seq"] == seq + 1
    private = await bob.channel(workspace, "secret", "private")
    await bob.post(f"/channels/{private['id']}/archive")
    assert [scope for scope, _, _ in await told(chat, private)] == ["ch"]
