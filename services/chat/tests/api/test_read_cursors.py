"""How far somebody has read: up, exactly, on several devices at once, and what everybody else notices (nothing)."""

import asyncio
import json
import uuid

import asyncpg
import pytest
import pytest_asyncio

from tertulia_chat.attention import cursors


async def furnish(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def read(person, channel, seq, expect=200, **more):
    return await person.ask("PUT", f"/channels/{channel['id']}/read", expect, json={"seq": seq, **more})


async def cursor(person, channel):
    start = await person.get(f"/workspaces/{channel['workspace_id']}/bootstrap")
    (found,) = [item for item in start["channels"] if item["channel"]["id"] == channel["id"]]
    return found["read_seq"], found["unread"], found["mentions"]


async def say_many(person, channel, count):
    return [await person.say(channel, f"message {number}") for number in range(count)]


async def test_reading_moves_the_cursor_up_and_tells_my_devices(chat, room, told):
    ann, bob, channel = room
    said = await say_many(ann, channel, 3)
    before = (await ann.get(f"/channels/{channel['id']}"))["channel"]
    state = await read(bob, channel, said[1]["ch_seq"])
    assert state == {
        "channel_id": channel["id"],
        "thread_id": None,
        "read_seq": said[1]["ch_seq"],
        "unread": 1,
        "mentions": 0,
    }
    assert await told(bob, "read.updated") == [state]
    assert await cursor(bob, channel) == (said[1]["ch_seq"], 1, 0)
    assert (await ann.get(f"/channels/{channel['id']}"))["channel"] == before
    assert await told(ann, "read.updated") == []
    (row,) = await chat.sql("SELECT * FROM event_log WHERE type = 'read.updated'")
    (sent, *_) = await chat.sql("SELECT shard FROM event_log WHERE type = 'message.created'")
    body = json.loads(row["body"])
    assert (row["shard"], row["ch_seq"], str(row["channel_id"])) == (sent["shard"], None, channel["id"])
    assert (body["workspace_id"], str(row["workspace_id"])) == (channel["workspace_id"],) * 2
    assert (body["id"], body["actor_id"], body["ch_seq"]) == (str(row["event_id"]), bob.id, None)
    assert row["subject"] == f"evt.{row['shard']:02d}.{channel['workspace_id']}.user.{bob.id}"


async def test_what_changes_nothing_is_told_to_nobody(room, told):
    ann, bob, channel = room
    said = await say_many(ann, channel, 3)
    state = await read(bob, channel, said[2]["ch_seq"])
    for seq, exact in ((said[2]["ch_seq"], False), (said[0]["ch_seq"], False), (0, False), (said[2]["ch_seq"], True)):
        assert await read(bob, channel, seq, exact=exact) == state
    assert await told(bob, "read.updated") == [state]


async def test_unread_from_here_lowers_the_cursor(room, told):
    ann, bob, channel = room
    said = await say_many(ann, channel, 3)
    await read(bob, channel, said[2]["ch_seq"])
    state = await read(bob, channel, said[1]["ch_seq"] - 1, exact=True)
    assert (state["read_seq"], state["unread"]) == (said[1]["ch_seq"] - 1, 2)
    assert (await told(bob, "read.updated"))[-1] == state
    assert (await read(bob, channel, 0, exact=True))["unread"] == 3
    assert (await read(bob, channel, said[2]["ch_seq"]))["unread"] == 0


@pytest.mark.parametrize("exact", [False, True])
async def test_a_number_beyond_the_end_is_the_end(room, exact):
    ann, bob, channel = room
    (said,) = await say_many(ann, channel, 1)
    await ann.patch(f"/messages/{said['id']}", {"text": "edited"})
    state = await read(bob, channel, 2**53, exact=exact)
    assert (state["read_seq"], state["unread"]) == (said["ch_seq"] + 1, 0)
    await ann.say(channel, "new")
    assert (await cursor(bob, channel))[1] == 1


@pytest.mark.parametrize("body", [{"seq": -1}, {"seq": 2**53 + 1}, {"seq": "1"}, {"seq": 1.5}, {}, {"seq": 1, "x": 1}])
async def test_what_is_no_number_is_refused(room, body):
    _, bob, channel = room
    await bob.ask("PUT", f"/channels/{channel['id']}/read", 422, json=body)


async def test_only_who_is_in_a_channel_has_read_it(room):
    ann, bob, channel = room
    workspace = {"id": channel["workspace_id"]}
    public, private = await ann.channel(workspace, "open"), await ann.channel(workspace, "secret", "private")
    assert (await read(bob, public, 1, 403))["code"] == "not_a_member"
    assert (await read(bob, private, 1, 404))["code"] == "not_found"
    await read(bob, {"id": str(uuid.uuid4())}, 1, 404)
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    assert (await read(bob, channel, 1, 403))["code"] == "not_a_member"


async def test_an_archived_channel_can_be_read(room):
    ann, bob, channel = room
    await say_many(ann, channel, 2)
    await ann.post(f"/channels/{channel['id']}/archive")
    assert (await cursor(bob, channel))[1] == 2
    assert (await read(bob, channel, 10**6))["unread"] == 0


async def test_who_comes_back_begins_at_the_coming_back(room):
    ann, bob, channel = room
    await say_many(ann, channel, 2)
    await ann.delete(f"/channels/{channel['id']}/members/{bob.id}")
    await say_many(ann, channel, 2)
    await ann.post(f"/channels/{channel['id']}/members", {"user_id": bob.id}, 201)
    last = (await ann.get(f"/channels/{channel['id']}"))["channel"]["last_seq"]
    assert await cursor(bob, channel) == (last - 1, 0, 0)
    await ann.say(channel, "welcome back")
    assert await cursor(bob, channel) == (last - 1, 1, 0)


async def test_two_devices_reading_at_once_end_where_the_farther_one_is(chat, room, told):
    ann, bob, channel = room
    said = await say_many(ann, channel, 12)
    phone = await chat.login(bob.user["username"])
    devices = (bob, phone)
    states = await asyncio.gather(*(read(devices[place % 2], channel, one["ch_seq"]) for place, one in enumerate(said)))
    assert await cursor(bob, channel) == (said[-1]["ch_seq"], 0, 0)
    events = await told(bob, "read.updated")
    assert [event["read_seq"] for event in events] == sorted({event["read_seq"] for event in events})
    assert all(event["unread"] == said[-1]["ch_seq"] - event["read_seq"] for event in events)
    assert events[-1]["unread"] == 0
    assert len(states) == 12
    await asyncio.gather(
        *(read(devices[place % 2], channel, one["ch_seq"], exact=True) for place, one in enumerate(said))
    )
    assert (await told(bob, "read.updated"))[-1]["read_seq"] == (await cursor(bob, channel))[0]


async def test_reading_while_others_write_is_true_at_its_place_among_the_messages(chat, room):
    """Whoever counts the messages in the order of the log finds what each `read.updated` says."""
    ann, bob, channel = room
    start = (await cursor(bob, channel))[0]

    async def talk():
        for number in range(40):
            said = await ann.say(channel, f"{number}")
            if number % 4 == 0:
                await ann.delete(f"/messages/{said['id']}", 200)

    async def keep_reading():
        for number in range(30):
            await read(bob, channel, start + number % 5, exact=True)

    await asyncio.gather(talk(), talk(), keep_reading())
    unread, checked = {}, 0
    for row in await chat.sql(
        "SELECT type, body FROM event_log WHERE channel_id = $1 ORDER BY id", uuid.UUID(channel["id"])
    ):
        data = json.loads(row["body"])["data"]
        if row["type"] in ("message.created", "message.deleted") and data["message"]["system"] is None:
            unread[data["message"]["ch_seq"]] = row["type"] == "message.created"
        elif row["type"] == "read.updated":
            assert data["unread"] == sum(there for seq, there in unread.items() if seq > data["read_seq"])
            checked += 1
    assert checked > 10


@pytest.mark.parametrize("attempts", [cursors.ATTEMPTS, 1])
async def test_a_channel_that_never_rests_is_read_all_the_same(chat, room, monkeypatch, attempts):
    """Whoever writes is waited for, and each time the channel is another one; the last attempt locks first."""
    monkeypatch.setattr(cursors, "ATTEMPTS", attempts)
    ann, bob, channel = room
    said = await ann.say(channel, "one")
    writers = [await asyncpg.connect(chat.postgres_url) for _ in range(3)]
    written, go_on = asyncio.Event(), asyncio.Event()

    async def write(writer):
        async with writer.transaction():
            await writer.execute("UPDATE channel SET last_seq = last_seq + 1 WHERE id = $1", uuid.UUID(channel["id"]))
            written.set()
            await go_on.wait()
            await asyncio.sleep(0.02)

    try:
        writing = [asyncio.ensure_future(write(writers[0]))]
        await written.wait()
        reading = asyncio.ensure_future(read(bob, channel, said["ch_seq"]))
        await chat.somebody_waits_for_a_lock()
        # Whoever of these is let in first, the reader finds another channel than the one it looked at.
        writing += [asyncio.ensure_future(write(writer)) for writer in writers[1:]]
        await asyncio.sleep(0.1)
        go_on.set()
        await asyncio.gather(*writing)
        assert (await reading)["read_seq"] == said["ch_seq"]
    finally:
        for writer in writers:
            writer.terminate()


async def test_a_message_to_a_thousand_touches_none_of_their_rows(chat, room):
    ann, _, channel = room
    await chat.sql(
        """
        WITH people AS (
            INSERT INTO user_account (id, username, email, display_name, password_hash, created_at)
            SELECT gen_random_uuid(), 'crowd' || n, 'crowd' || n || '@example.org', 'x', '!', now()
            FROM generate_series(1, 1000) AS n RETURNING id
        ), seats AS (
            INSERT INTO workspace_member SELECT $2, id, 'member', now() FROM people
        )
        INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq)
        SELECT $1, id, $2, 'member', now(), 1 FROM people
        """,
        uuid.UUID(channel["id"]),
        uuid.UUID(channel["workspace_id"]),
    )
    rows = "SELECT ctid, xmin, xmax, user_id FROM channel_member ORDER BY user_id"
    before = await chat.sql(rows)
    root = await ann.say(channel, "hello everybody")
    await ann.reply(channel, root, "and again")
    assert await chat.sql(rows) == before
    assert len(before) == 1002
    assert len(await chat.sql("SELECT 1 FROM thread_follow")) == 1
