"""Following threads: by itself, by wish, and never against it. The inbox, and how far one has read in it."""

import asyncio
import json
import uuid

import pytest_asyncio


async def furnish(chat):
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    return ann, bob, cat, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


@pytest_asyncio.fixture(loop_scope="session")
async def names_cat(chat):
    """While it is in place, whatever is sent mentions whom `names_cat(cat)` says."""

    async def begin(person):
        await chat.sql(
            f"CREATE FUNCTION names_cat() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN NEW.mentions := ARRAY['{person.id}']::uuid[]; RETURN NEW; END $$"
        )
        await chat.sql("CREATE TRIGGER names_cat BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION names_cat()")

    yield begin
    await chat.sql("DROP FUNCTION IF EXISTS names_cat CASCADE")


async def inbox(person, channel, query=""):
    return await person.get(f"/workspaces/{channel['workspace_id']}/threads{query}")


async def followed(person, channel):
    return [item["root"]["id"] for item in (await inbox(person, channel))["items"]]


async def test_who_began_a_thread_and_who_answered_follow_it(chat, room, told):
    ann, bob, cat, channel = room
    root = await ann.say(channel, "root")
    assert await followed(ann, channel) == []
    reply = await bob.reply(channel, root, "one")
    expected = {"channel_id": channel["id"], "thread_id": root["id"], "following": True}
    for person in (ann, bob):
        assert await followed(person, channel) == [root["id"]]
        assert await told(person, "thread.followed") == [expected]
    assert (await followed(cat, channel), await told(cat, "thread.followed")) == ([], [])
    await bob.reply(channel, root, "two")
    assert len(await told(ann, "thread.followed")) == 1
    # Nothing is unread when one hears of following; the reply comes after that.
    log = await chat.sql("SELECT type, shard, event_id, body FROM event_log ORDER BY id DESC LIMIT 4")
    assert [row["type"] for row in log] == ["message.created", "message.created", *["thread.followed"] * 2]
    assert len({row["shard"] for row in log}) == 1
    for row in log:
        assert json.loads(row["body"])["id"] == str(row["event_id"])
    (mine,) = (await inbox(ann, channel))["items"]
    assert (mine["read_seq"], mine["unread"]) == (reply["ch_seq"] - 1, 2)
    assert (await inbox(bob, channel))["items"][0]["unread"] == 0


async def test_what_somebody_does_not_follow_any_more_is_not_followed_for_them(room, told):
    ann, bob, _, channel = room
    root = await ann.say(channel, "root")
    await ann.delete(f"/threads/{root['id']}/follow")
    await bob.reply(channel, root, "one")
    await bob.delete(f"/threads/{root['id']}/follow")
    await asyncio.gather(*(one.reply(channel, root, "two") for one in (ann, bob)))
    assert [await followed(one, channel) for one in (ann, bob)] == [[], []]
    assert [data["following"] for data in await told(bob, "thread.followed")] == [True, False]
    assert await told(ann, "thread.followed") == []
    await ann.ask("PUT", f"/threads/{root['id']}/follow", 204)
    assert (await inbox(ann, channel))["items"][0]["unread"] == 0
    await bob.reply(channel, root, "three")
    assert (await inbox(ann, channel))["items"][0]["unread"] == 1


async def test_who_is_mentioned_in_a_reply_follows_the_thread(room, told, names_cat):
    ann, bob, cat, channel = room
    root = await ann.say(channel, "root")
    early = await ann.say(channel, "another root")
    await bob.reply(channel, root, "one")
    await names_cat(cat)
    await ann.say(channel, "hello cat")
    assert await followed(cat, channel) == []
    reply = await bob.reply(channel, root, "two")
    assert await followed(cat, channel) == [root["id"]]
    assert await told(cat, "thread.followed") == [
        {"channel_id": channel["id"], "thread_id": root["id"], "following": True}
    ]
    (item,) = (await inbox(cat, channel))["items"]
    assert (item["read_seq"], item["unread"], item["mentions"]) == (reply["ch_seq"] - 1, 1, 1)
    await cat.post(f"/channels/{channel['id']}/leave", None, 204)
    await bob.reply(channel, early, "three")
    assert await followed(cat, channel) == [root["id"]]


async def test_nobody_outside_hears_of_a_thread_that_mentions_them(room, told, names_cat):
    ann, bob, cat, channel = room
    private = await ann.channel({"id": channel["workspace_id"]}, "secret", "private")
    await ann.post(f"/channels/{private['id']}/members", {"user_id": bob.id}, 201)
    root = await bob.say(private, "root")
    await ann.delete(f"/channels/{private['id']}/members/{bob.id}")
    await names_cat(cat)
    await ann.reply(private, root, "cat must not know")
    assert [await told(one, "thread.followed") for one in (bob, cat)] == [[], []]
    assert len(await told(ann, "thread.followed")) == 1


async def test_following_and_not_are_idempotent_and_told_once(room, told):
    ann, bob, _, channel = room
    root = await ann.say(channel, "root")
    for method, expected in (("PUT", [True]), ("DELETE", [True, False]), ("PUT", [True, False, True])):
        for _ in range(2):
            await asyncio.gather(*(bob.ask(method, f"/threads/{root['id']}/follow", 204) for _ in range(3)))
        assert [data["following"] for data in await told(bob, "thread.followed")] == expected
    assert await followed(bob, channel) == [root["id"]]
    reply = await ann.reply(channel, root, "one")
    for method in ("PUT", "DELETE"):
        for nothing in (reply["id"], uuid.uuid4()):
            await bob.ask(method, f"/threads/{nothing}/follow", 404)
    await bob.ask("PUT", f"/threads/{reply['id']}/read", 404, json={"seq": 1})


async def test_the_inbox_has_the_newest_reply_first_in_pages(room):
    ann, bob, _, channel = room
    roots = [await ann.say(channel, f"root {number}") for number in range(5)]
    for root in (*roots, roots[1]):
        await bob.reply(channel, root, "one")
        await asyncio.sleep(0.002)
    order = [roots[number]["id"] for number in (1, 4, 3, 2, 0)]
    page = await inbox(ann, channel, "?limit=2")
    found = page["items"]
    while page["next"]:
        page = await inbox(ann, channel, f"?limit=2&cursor={page['next']}")
        found += page["items"]
    assert [item["root"]["id"] for item in found] == order
    assert found == (await inbox(ann, channel))["items"]
    assert [item["unread"] for item in found] == [2, 1, 1, 1, 1]
    for item in found:
        assert item["root"] == (await ann.get(f"/messages/{item['root']['id']}"))["message"]
    for wrong in ("cursor=x", "cursor=1-2", f"cursor={'9' * 30}-{uuid.uuid4()}", "filter=mine", "limit=0", "limit=201"):
        await inbox_refuses(ann, channel, wrong)


async def inbox_refuses(person, channel, query):
    await person.get(f"/workspaces/{channel['workspace_id']}/threads?{query}", 422)


async def test_reading_a_thread(room, told):
    ann, bob, cat, channel = room
    root = await ann.say(channel, "root")
    replies = [await bob.reply(channel, root, f"{number}") for number in range(4)]
    path, total = f"/threads/{root['id']}/read", f"/workspaces/{channel['workspace_id']}/unread"
    assert (await ann.get(total))["threads"] == {"unread": 4, "mentions": 0}
    assert (await ann.get(total))["channels"] == []
    state = await ann.ask("PUT", path, json={"seq": replies[1]["ch_seq"]})
    expected = {"channel_id": channel["id"], "thread_id": root["id"], "read_seq": replies[1]["ch_seq"]}
    assert state == {**expected, "unread": 2, "mentions": 0}
    assert await told(ann, "read.updated") == [state]
    assert (await ann.get(total))["threads"] == {"unread": 2, "mentions": 0}
    assert await ann.ask("PUT", path, json={"seq": 1}) == state
    await bob.delete(f"/messages/{replies[3]['id']}", 200)
    assert (await ann.get(total))["threads"] == {"unread": 1, "mentions": 0}
    assert (await inbox(ann, channel, "?filter=unread"))["items"][0]["unread"] == 1
    end = await ann.ask("PUT", path, json={"seq": 10**6})
    assert (end["unread"], end["read_seq"]) == (0, replies[3]["ch_seq"] + 1)
    assert (await inbox(ann, channel, "?filter=unread"))["items"] == []
    back = await ann.ask("PUT", path, json={"seq": replies[0]["ch_seq"] - 1, "exact": True})
    assert back["unread"] == 3
    assert await told(ann, "read.updated") == [state, end, back]
    assert (await cat.ask("PUT", path, 409, json={"seq": 1}))["code"] == "thread_not_followed"


async def test_only_threads_of_channels_that_may_still_be_read_are_in_the_inbox(chat, room):
    ann, bob, cat, channel = room
    workspace = {"id": channel["workspace_id"]}
    guest = await chat.person()
    await ann.invite(workspace, guest, role="guest")
    private = await ann.channel(workspace, "secret", "private")
    people = (bob, guest)
    for place in (channel, private):
        for person in people:
            await ann.post(f"/channels/{place['id']}/members", {"user_id": person.id}, None)
    roots = [await ann.say(place, "root") for place in (channel, private)]
    for root, place in zip(roots, (channel, private), strict=True):
        for person in people:
            await person.ask("PUT", f"/threads/{root['id']}/follow", 204)
        await ann.reply(place, root, "new")
    for person in people:
        assert set(await followed(person, channel)) == {root["id"] for root in roots}
        for place in (channel, private):
            await ann.delete(f"/channels/{place['id']}/members/{person.id}")
    assert await followed(bob, channel) == [roots[0]["id"]]
    assert await followed(guest, channel) == []
    for person, count in ((bob, 1), (guest, 0)):
        assert (await person.get(f"/workspaces/{workspace['id']}/unread"))["threads"]["unread"] == count
        await person.ask("PUT", f"/threads/{roots[1]['id']}/read", 404, json={"seq": 1})
    await bob.ask("PUT", f"/threads/{roots[0]['id']}/read", 200, json={"seq": 10**6})
    await cat.ask("PUT", f"/threads/{roots[1]['id']}/follow", 404)


async def test_everything_in_a_thread_of_a_direct_conversation_is_a_mention(room):
    ann, bob, _, channel = room
    talk = await ann.post(f"/workspaces/{channel['workspace_id']}/dms", {"user_ids": [bob.id]}, 201)
    root = await ann.say(talk, "root")
    await bob.reply(talk, root, "one")
    (item,) = (await inbox(ann, channel))["items"]
    assert (item["unread"], item["mentions"]) == (1, 1)
