"""Where two things meet that do not go together."""

import asyncio
import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tertulia_chat.tables.base import first_id


async def found(chat):
    """Ann, who owns the workspace, and Bob and Cat in `general`."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    return ann, bob, cat, workspace, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


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


async def test_who_is_removed_in_the_middle_of_a_burst_reads_nothing_more(house):
    """Nothing of it by any reading, whatever they kept of it; the last that they may know of is their removal."""
    ann, bob, _, workspace, _ = house
    home = f"/workspaces/{workspace['id']}"
    secret = await ann.channel(workspace, "secret", "private")
    here = f"/channels/{secret['id']}"
    await ann.post(f"{here}/members", {"user_id": bob.id}, 201)
    kept = await ann.say(secret, f"<@{bob.id}> before")
    await bob.ask("PUT", f"/messages/{kept['id']}/save", 204)
    await bob.reply(secret, kept, "I follow this")
    text = f"<@{bob.id}> @channel burst"
    burst = [ann.say(secret, text) for _ in range(20)] + [ann.reply(secret, kept, text) for _ in range(5)]
    *_, last = await asyncio.gather(*burst[:12], ann.delete(f"{here}/members/{bob.id}"), *burst[12:])
    for path in ("", "/messages", "/events", "/pins", "/members", "/draft"):
        await bob.get(here + path, 404)
    for message in (kept, last):
        for path in ("", "/thread", "/history"):
            await bob.get(f"/messages/{message['id']}{path}", 404)
    assert (await bob.get(f"{home}/mentions"))["items"] == []
    assert (await bob.get(f"{home}/threads"))["items"] == []
    assert [item["message"] for item in (await bob.get(f"{home}/saved"))["items"]] in ([], [None])
    unread = await bob.get(f"{home}/unread")
    assert (unread["channels"], unread["threads"]) == ([], {"unread": 0, "mentions": 0})
    joined = [item["channel"]["id"] for item in (await bob.get(f"{home}/bootstrap"))["channels"]]
    assert secret["id"] not in joined
    await bob.ask("PUT", f"{here}/read", 404, json={"seq": last["ch_seq"]})


@pytest.mark.parametrize("jump", [timedelta(days=-300), timedelta(days=300)], ids=["back", "ahead"])
async def test_a_clock_that_jumps_changes_no_order_and_no_count(house, monkeypatch, jump):
    """Numbers order a channel, not times; a list by ids says each message once, wherever the clock put it."""
    ann, bob, _, workspace, channel = house
    text = f"<@{bob.id}> see"

    def somewhen():
        return id_at(datetime.now(UTC) + jump)

    said = [await ann.say(channel, text)]
    with monkeypatch.context() as jumped:
        jumped.setattr("tertulia_chat.messages.send.now", lambda: datetime.now(UTC) + jump)
        jumped.setattr("tertulia_chat.messages.send.new_id", somewhen)
        said += [await ann.say(channel, text) for _ in range(2)]
    said += [await ann.say(channel, text)]
    ids = [message["id"] for message in said]
    assert sorted(ids) != ids
    assert [message["id"] for message in await bob.written(channel)] == ids
    home = f"/workspaces/{workspace['id']}"
    assert (await bob.get(f"{home}/unread"))["total"] == {"unread": 4, "mentions": 4}
    listed, place = [], ""
    while place is not None:
        page = await bob.get(f"{home}/mentions?limit=1{place and f'&cursor={place}'}")
        listed += [item["id"] for item in page["items"]]
        place = page["next"]
    assert sorted(listed) == sorted(ids)
    path = f"/channels/{channel['id']}/read"
    state = await bob.ask("PUT", path, json={"seq": said[1]["ch_seq"]})
    assert (state["unread"], state["mentions"]) == (2, 2)
    page = await bob.get(f"/channels/{channel['id']}/messages?after={said[1]['ch_seq']}")
    assert [item["id"] for item in page["items"]] == ids[2:]


def id_at(at):
    """A UUIDv7 of that moment."""
    return uuid.UUID(int=first_id(at).int | 7 << 76 | 2 << 62 | random.getrandbits(62))


CROWD = """
WITH person AS (
    INSERT INTO user_account (id, username, email, display_name, password_hash, created_at)
    SELECT gen_random_uuid(), 'c' || n, n || '@crowd.example', 'Person ' || n, '!', now()
    FROM generate_series(1, $2::integer) AS n
    RETURNING id
)
INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
SELECT $1, id, 'member', now() FROM person RETURNING user_id
"""
SEATED = """
WITH seated AS (
    INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq)
    SELECT c.id, who, c.workspace_id, 'member', now(), c.last_seq
    FROM channel c CROSS JOIN unnest($2::uuid[]) AS who WHERE c.id = $1
    RETURNING user_id
)
UPDATE channel SET member_count = member_count + (SELECT count(*) FROM seated) WHERE id = $1
"""


async def test_a_private_channel_of_a_thousand_costs_what_one_of_ten_does(chat, house, statements):
    """Adding, listing, posting, reading and unread: the same statements, and everybody in it has one unread."""
    ann, bob, cat, workspace, _ = house
    home = f"/workspaces/{workspace['id']}"
    people = [row["user_id"] for row in await chat.sql(CROWD, uuid.UUID(workspace["id"]), 997)]
    costs = []
    for name, members in (("few", people[:7]), ("many", people)):
        channel = await ann.channel(workspace, name, "private")
        here = f"/channels/{channel['id']}"
        await chat.sql(SEATED, uuid.UUID(channel["id"]), members)
        await ann.post(f"{here}/members", {"user_id": bob.id}, 201)
        cost = {}

        async def measured(what, asking, cost=cost):
            statements.clear()
            answer = await asking
            cost[what] = len(statements)
            return answer

        await measured("add", ann.post(f"{here}/members", {"user_id": cat.id}, 201))
        said = await measured("post", ann.say(channel, f"@channel <@{cat.id}> all here?"))
        pages, place = [], ""
        while place is not None:
            page = await measured("list", cat.get(f"{here}/members?limit=200{place and f'&cursor={place}'}"))
            pages.append([item["user"]["id"] for item in page["items"]])
            place = page["next"]
        listed = [one for page in pages for one in page]
        assert set(listed) == {ann.id, bob.id, cat.id, *map(str, members)}
        assert len(listed) == len(set(listed)) == len(members) + 3
        state = await measured("show", cat.get(here))
        assert state["member_count"] == len(members) + 3
        unread = await measured("unread", cat.get(f"{home}/unread"))
        mine = {one["channel_id"]: (one["unread"], one["mentions"]) for one in unread["channels"]}
        assert mine[channel["id"]] == (1, 1)
        await measured("read", cat.ask("PUT", f"{here}/read", json={"seq": said["ch_seq"]}))
        await measured("remove", ann.delete(f"{here}/members/{bob.id}"))
        costs.append(cost)
    assert costs[0] == costs[1]
    assert costs[0]["post"] == 1
