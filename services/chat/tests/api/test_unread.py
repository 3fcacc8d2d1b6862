"""What is unread in a workspace: what counts, what it costs, and marking all of it read."""

import asyncio
import json
import uuid

import pytest_asyncio

from tertulia_chat.attention import overview

MANY = 500


async def furnish(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def unread(person, channel):
    return await person.get(f"/workspaces/{channel['workspace_id']}/unread")


async def count(person, channel):
    """The two numbers of one channel, which the bootstrap must agree with."""
    start = await person.get(f"/workspaces/{channel['workspace_id']}/bootstrap")
    (shown,) = [item for item in start["channels"] if item["channel"]["id"] == channel["id"]]
    listed = [item for item in (await unread(person, channel))["channels"] if item["channel_id"] == channel["id"]]
    if listed:
        for name in ("read_seq", "unread", "mentions"):
            assert listed[0][name] == shown[name]
        assert listed[0]["last_seq"] == shown["channel"]["last_seq"]
    else:
        assert (shown["unread"], shown["mentions"]) == (0, 0)
    return shown["unread"], shown["mentions"]


async def test_what_others_say_is_unread_and_what_i_say_is_not(room):
    ann, bob, channel = room
    assert await count(bob, channel) == (0, 0)
    await ann.say(channel, "one")
    assert (await count(bob, channel), await count(ann, channel)) == ((1, 0), (0, 0))
    await bob.say(channel, "mine")
    await ann.say(channel, "two")
    assert (await count(bob, channel), await count(ann, channel)) == ((2, 0), (1, 0))


async def test_edits_replies_joinings_and_the_deleted_are_not_unread(chat, room):
    ann, bob, channel = room
    said = await ann.say(channel, "one")
    await bob.ask("PUT", f"/channels/{channel['id']}/read", json={"seq": said["ch_seq"]})
    await ann.patch(f"/messages/{said['id']}", {"text": "edited"})
    reply = await ann.reply(channel, said, "reply")
    await ann.invite({"id": channel["workspace_id"]}, await chat.person())
    assert await count(bob, channel) == (0, 0)
    await chat.sql("UPDATE message SET in_channel = true WHERE id = $1", uuid.UUID(reply["id"]))
    assert await count(bob, channel) == (1, 0)
    await ann.delete(f"/messages/{reply['id']}", 200)
    assert await count(bob, channel) == (0, 0)


async def test_what_names_me_or_everybody_is_a_mention_once(room, name_in):
    ann, bob, channel = room
    said = [await ann.say(channel, f"{number}") for number in range(4)]
    await name_in(said[0], bob)
    await name_in(said[1], bob, ann, audience="here")
    await name_in(said[2], audience="channel")
    await name_in(said[3], ann)
    assert await count(bob, channel) == (4, 3)
    mine = await bob.say(channel, "mine")
    await name_in(mine, bob, audience="channel")
    assert (await count(bob, channel), await count(ann, channel)) == ((4, 3), (1, 1))
    await name_in(said[0])
    await ann.delete(f"/messages/{said[2]['id']}", 200)
    assert await count(bob, channel) == (3, 1)
    reply = await ann.reply(channel, said[1], "reply")
    await name_in(reply, bob, audience="channel")
    assert await count(bob, channel) == (3, 1)
    await bob.ask("PUT", f"/channels/{channel['id']}/read", json={"seq": said[1]["ch_seq"]})
    assert await count(bob, channel) == (1, 0)


async def test_everything_in_a_direct_conversation_is_a_mention(room):
    ann, bob, channel = room
    talk = await ann.post(f"/workspaces/{channel['workspace_id']}/dms", {"user_ids": [bob.id]}, 201)
    for text in ("one", "two"):
        await ann.say(talk, text)
    assert await count(bob, talk) == (2, 2)
    await bob.say(talk, "mine")
    assert (await count(bob, talk), await count(ann, talk)) == ((2, 2), (1, 1))
    state = await bob.ask("PUT", f"/channels/{talk['id']}/read", json={"seq": (await ann.say(talk, "x"))["ch_seq"] - 1})
    assert (state["unread"], state["mentions"]) == (1, 1)


async def test_only_what_is_unread_is_listed_and_summed_up(room, name_in):
    ann, bob, channel = room
    workspace = {"id": channel["workspace_id"]}
    quiet, loud = await ann.channel(workspace, "quiet"), await ann.channel(workspace, "loud")
    for place in (quiet, loud):
        await bob.post(f"/channels/{place['id']}/join")
    await bob.ask("PUT", f"/channels/{loud['id']}/preferences", json={"muted": True})
    await ann.say(channel, "one")
    await name_in(await ann.say(loud, "two"), bob)
    root = await bob.say(channel, "root")
    await name_in(await ann.reply(channel, root, "reply"), bob)
    found = await unread(bob, channel)
    assert [item["channel_id"] for item in found["channels"]] == sorted([channel["id"], loud["id"]])
    assert {item["channel_id"]: item["muted"] for item in found["channels"]} == {channel["id"]: False, loud["id"]: True}
    assert (found["threads"], found["total"]) == ({"unread": 1, "mentions": 1}, {"unread": 1, "mentions": 1})
    elsewhere = await bob.workspace("Elsewhere")
    assert (await bob.get(f"/workspaces/{elsewhere['id']}/unread"))["channels"] == []


async def test_more_than_a_thousand_is_a_thousand(chat, room):
    ann, bob, channel = room
    await chat.sql(
        """
        WITH more AS (
            INSERT INTO message
                (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, mentions)
            SELECT gen_random_uuid(), $1, $2, 100 + n, $3, gen_random_uuid(), 'x', now(), ARRAY[$4::uuid]
            FROM generate_series(1, 1001) AS n
        )
        UPDATE channel SET last_seq = 1101, last_msg_seq = 1101 WHERE id = $2
        """,
        *(uuid.UUID(one) for one in (channel["workspace_id"], channel["id"], ann.id, bob.id)),
    )
    assert await count(bob, channel) == (1000, 1000)
    state = await bob.ask("PUT", f"/channels/{channel['id']}/read", json={"seq": 102})
    assert (state["unread"], state["mentions"]) == (999, 999)


async def test_everything_is_read_and_can_be_unread_again(room, told):
    ann, bob, channel = room
    workspace = {"id": channel["workspace_id"]}
    other = await ann.channel(workspace, "other")
    await bob.post(f"/channels/{other['id']}/join")
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    root = await bob.say(other, "root")
    for place in (channel, talk):
        await ann.say(place, "unread")
    await ann.reply(other, root, "unread")
    before = await unread(bob, channel)
    former = await bob.post(f"/workspaces/{workspace['id']}/read-all")
    after = await unread(bob, channel)
    assert (after["channels"], after["threads"]["unread"], after["total"]["unread"]) == ([], 0, 0)
    assert [item["thread_id"] for item in former["threads"]] == [root["id"]]
    events = await told(bob, "read.updated")
    assert len(events) == len(former["channels"]) + 1
    assert {(event["unread"], event["mentions"]) for event in events} == {(0, 0)}
    assert {event["channel_id"] for event in events} == {channel["id"], other["id"], talk["id"]}
    assert await bob.post(f"/workspaces/{workspace['id']}/read-all") == {"channels": [], "threads": []}
    assert len(await told(bob, "read.updated")) == len(events)
    for item in former["channels"]:
        await bob.ask("PUT", f"/channels/{item['channel_id']}/read", json={"seq": item["read_seq"], "exact": True})
    for item in former["threads"]:
        await bob.ask("PUT", f"/threads/{item['thread_id']}/read", json={"seq": item["read_seq"], "exact": True})
    assert await unread(bob, channel) == before


async def test_reading_everything_while_others_write_loses_nothing(chat, room):
    ann, bob, channel = room
    path = f"/workspaces/{channel['workspace_id']}/read-all"
    await asyncio.gather(*(ann.say(channel, "hello") for _ in range(10)), *(bob.post(path) for _ in range(4)))
    (read_seq,) = [item["read_seq"] for item in (await bob.get(path.replace("read-all", "bootstrap")))["channels"]]
    said = (await ann.get(f"/channels/{channel['id']}/messages"))["items"]
    assert (await count(bob, channel))[0] == len([item for item in said if item["ch_seq"] > read_seq])


SEED = """
WITH channels AS (
    INSERT INTO channel (id, workspace_id, kind, name, created_by, created_at, last_seq, last_msg_seq)
    SELECT gen_random_uuid(), $1, 'public', 'seeded' || n, $2, now(), 60, 60 FROM generate_series(1, $4) AS n
    RETURNING id
), seats AS (
    INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq, read_seq)
    SELECT id, $3, $1, 'member', now(), 1, 51 FROM channels
)
INSERT INTO message
    (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, thread_id, mentions)
SELECT gen_random_uuid(), $1, id, n, $2, gen_random_uuid(), 'x', now(), CASE WHEN n % 3 <> 0 THEN id END,
    CASE WHEN n % 20 = 0 THEN ARRAY[$3::uuid] ELSE '{}' END
FROM channels CROSS JOIN generate_series(1, 60) AS n
"""


@pytest_asyncio.fixture(loop_scope="session")
async def large(chat, room):
    """Bob is in 500 more channels of 60 messages each, mostly replies. Three of the rest are unread, one names him."""
    ann, bob, channel = room
    await chat.sql(SEED, *(uuid.UUID(one) for one in (channel["workspace_id"], ann.id, bob.id)), MANY)
    await chat.sql("ANALYZE")
    return bob, channel


async def test_five_hundred_channels_cost_as_many_statements_as_one(chat, large, room, statements):
    ann, _, _ = room
    bob, channel = large
    start = f"/workspaces/{channel['workspace_id']}/bootstrap"
    sent = {}
    for person in (ann, bob):
        statements.clear()
        found = await unread(person, channel)
        sent[person.id] = [len(statements)]
        statements.clear()
        await person.get(start)
        sent[person.id].append(len(statements))
    assert found["total"] == {"unread": 3 * MANY, "mentions": MANY}
    assert sent[bob.id] == sent[ann.id] == [4, 7]


async def plan_of(chat, statement, user_id, workspace_id):
    """The plan, as it ran."""
    for name, value in (("user_id", user_id), ("workspace_id", workspace_id)):
        statement = statement.replace(f":{name}", f"'{value}'::uuid")
    (row,) = await chat.sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
    return json.loads(row[0])[0]["Plan"]


def nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def test_unread_messages_are_counted_in_an_index(chat, large):
    bob, channel = large
    plan = await plan_of(chat, overview._CHANNELS.text, bob.id, channel["workspace_id"])
    used = {node.get("Index Name") for node in nodes(plan)}
    assert used >= {"message_unread_idx", "mention_channel_idx"}
    scanned = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
    assert scanned <= {"channel", "channel_member"}
    assert all(node["Actual Rows"] <= 3 for node in nodes(plan) if node.get("Index Name") == "message_unread_idx")
