"""Where somebody is mentioned: the list, who sees what in it, and the index behind it that PostgreSQL keeps."""

import uuid

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


async def furnish(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def mentions(person, channel, query=""):
    return await person.get(f"/workspaces/{channel['workspace_id']}/mentions{query}")


async def texts(person, channel):
    return [item["text"] for item in (await mentions(person, channel))["items"]]


async def test_mentions_by_name_and_audience_newest_first(room, name_in):
    ann, bob, channel = room
    said = {text: await ann.say(channel, text) for text in ("name", "nobody", "channel", "both", "here")}
    await name_in(said["name"], bob)
    await name_in(said["channel"], audience="channel")
    await name_in(said["both"], bob, ann, audience="here")
    await name_in(said["here"], audience="here")
    reply = await ann.reply(channel, said["nobody"], "in a reply")
    await name_in(reply, bob)
    assert await texts(bob, channel) == ["in a reply", "here", "both", "channel", "name"]
    assert await texts(ann, channel) == []
    for item in (await mentions(bob, channel))["items"]:
        assert item == (await bob.get(f"/messages/{item['id']}"))["message"]


async def test_the_list_comes_in_pages(room, name_in):
    ann, bob, channel = room
    for number in range(7):
        await name_in(await ann.say(channel, f"{number}"), bob, audience="here" if number % 2 else None)
    found, page = [], {"next": None}
    for _ in range(4):
        page = await mentions(bob, channel, "?limit=2" + (f"&cursor={page['next']}" if page["next"] else ""))
        found += [item["text"] for item in page["items"]]
    assert found == [f"{number}" for number in range(6, -1, -1)]
    assert page["next"] is None
    for wrong in ("limit=0", "limit=201", "cursor=x"):
        await bob.get(f"/workspaces/{channel['workspace_id']}/mentions?{wrong}", 422)


async def test_what_was_deleted_or_edited_away_mentions_nobody(chat, room, name_in):
    ann, bob, channel = room
    said = [await ann.say(channel, f"{number}") for number in range(3)]
    for message in said:
        await name_in(message, bob, audience="channel")
    await ann.delete(f"/messages/{said[0]['id']}", 200)
    await name_in(said[1])
    assert await texts(bob, channel) == ["2"]
    await name_in(said[1], bob)
    assert await texts(bob, channel) == ["2", "1"]
    await ann.delete(f"/messages/{said[1]['id']}", 200)
    await ann.delete(f"/messages/{said[2]['id']}", 200)
    assert await chat.sql("SELECT * FROM mention") == []


async def test_only_what_may_be_read_is_in_the_list(chat, room, name_in):
    ann, bob, channel = room
    workspace = {"id": channel["workspace_id"]}
    guest = await chat.person()
    await ann.invite(workspace, guest, role="guest")
    public, private = await ann.channel(workspace, "open"), await ann.channel(workspace, "secret", "private")
    for place in (public, private):
        await name_in(await ann.say(place, f"name in {place['name']}"), bob, guest)
        await name_in(await ann.say(place, f"all in {place['name']}"), audience="channel")
    assert await texts(bob, channel) == ["name in open"]
    assert await texts(guest, channel) == []
    for place in (public, private):
        for person in (bob, guest):
            await ann.post(f"/channels/{place['id']}/members", {"user_id": person.id}, 201)
    for person in (bob, guest):
        assert await texts(person, channel) == ["name in secret", "name in open"]
    await name_in(await ann.say(private, "all again"), audience="channel")
    assert (await texts(bob, channel))[0] == "all again"
    await ann.delete(f"/channels/{private['id']}/members/{bob.id}")
    assert await texts(bob, channel) == ["name in open"]
    elsewhere = await bob.workspace("Elsewhere")
    assert await texts(bob, elsewhere["general"]) == []


# Of one message after the other: whom it names (0..2) and whether everybody, or that it is deleted.
STATES = st.lists(
    st.one_of(st.none(), st.tuples(st.sets(st.integers(0, 2)), st.sampled_from([None, "here", "channel"]))),
    min_size=1,
    max_size=12,
)


@given(states=STATES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_index_is_what_the_messages_say(chat, name_in, states):
    people = await chat.people(3)
    workspace = await people[0].workspace()
    said, expected = [], set()
    for number, state in enumerate(states):
        if number % 3 == 0:
            said.append(await people[0].say(workspace["general"], "x"))
        message = said[-1]
        expected = {entry for entry in expected if entry[0] != message["id"]}
        if state is None:
            await people[0].delete(f"/messages/{message['id']}", 200)
            said.append(await people[0].say(workspace["general"], "x"))
        else:
            named, audience = state
            await name_in(message, *(people[one] for one in named), audience=audience)
            expected |= {(message["id"], people[one].id) for one in named if one != 0}
            expected |= {(message["id"], str(uuid.UUID(int=0)))} if audience else set()
    ids = [uuid.UUID(message["id"]) for message in said]
    rows = await chat.sql("SELECT * FROM mention WHERE message_id = ANY ($1)", ids)
    assert {(str(row["message_id"]), str(row["user_id"])) for row in rows} == expected
    places = {message["id"]: message["ch_seq"] for message in said}
    assert all(row["ch_seq"] == places[str(row["message_id"])] for row in rows)
