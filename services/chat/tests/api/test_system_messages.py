"""What a channel says by itself: who came and went, what it is called, what was pinned."""

import asyncio
import json
import uuid

import pytest_asyncio
import sqlalchemy as sa

from tertulia_chat import membership
from tertulia_chat.tables import UserRow
from tertulia_shared.events import Role


async def found(chat):
    """Ann, who owns the workspace and the channel `plans`, and Bob and Cat, who are in neither but the workspace."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    return ann, bob, cat, workspace, await ann.channel(workspace, "plans")


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def items(person, channel, query=""):
    return (await person.get(f"/channels/{channel['id']}/messages?limit=200{query}"))["items"]


async def notes(person, channel):
    """Each as kind, author, whom it is about."""
    return [
        (item["system"]["kind"], item["author_id"], item["system"]["user_ids"])
        for item in await items(person, channel)
        if item["system"]
    ]


async def join(person, channel):
    return await person.post(f"/channels/{channel['id']}/join")


async def log(chat, channel):
    rows = await chat.sql(
        "SELECT body FROM event_log WHERE channel_id = $1 AND ch_seq IS NOT NULL ORDER BY id", uuid.UUID(channel["id"])
    )
    return [json.loads(row["body"]) for row in rows]


async def test_joining_and_leaving_are_said_in_their_place(chat, house):
    ann, bob, _, _, channel = house
    await join(bob, channel)
    await bob.say(channel, "hello")
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    joined, hello, left = await items(ann, channel)
    assert (joined["system"]["kind"], left["system"]["kind"], hello["system"]) == ("joined", "left", None)
    assert joined["author_id"] == left["author_id"] == bob.id
    assert (joined["text"], left["text"]) == ("joined the channel", "left the channel")
    assert (joined["thread_id"], joined["mentions"], joined["edited_at"]) == (None, [], None)
    events = await log(chat, channel)
    assert [event["ch_seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events][1:] == [
        "member.joined",
        "message.created",
        "message.created",
        "member.left",
        "message.created",
    ]
    assert (events[2]["data"]["message"], events[5]["data"]["message"]) == (joined, left)


async def test_adding_and_removing_name_who_did_it_to_whom(house):
    ann, bob, _, _, channel = house
    await ann.post(f"/channels/{channel['id']}/members", {"user_id": bob.id}, 201)
    await ann.post(f"/channels/{channel['id']}/members", {"user_id": bob.id}, 200)
    await ann.delete(f"/channels/{channel['id']}/members/{bob.id}")
    added, removed = await items(ann, channel)
    assert await notes(ann, channel) == [("added", ann.id, [bob.id]), ("removed", ann.id, [bob.id])]
    assert (added["text"], removed["text"]) == (f"added <@{bob.id}>", f"removed <@{bob.id}>")
    assert (added["system"]["count"], added["mentions"]) == (1, [])


async def test_who_leaves_hears_nothing_after_it(chat, house):
    _, bob, _, _, channel = house
    await join(bob, channel)
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    *_, left, said = await log(chat, channel)
    assert (left["type"], said["type"], said["ch_seq"]) == ("member.left", "message.created", left["ch_seq"] + 1)


async def test_what_a_channel_is_called_and_is_for_is_said_with_what_it_was(house):
    ann, _, _, _, channel = house
    path = f"/channels/{channel['id']}"
    await ann.patch(path, {"name": "ideas", "topic": "new ones", "purpose": "to have some"})
    await ann.patch(path, {"topic": ""})
    await ann.patch(path, {"topic": ""})
    await ann.patch(path, {"posting": "admins"})
    await ann.patch(path, {"kind": "private"})
    for verb in ("archive", "archive", "unarchive"):
        await ann.post(f"{path}/{verb}")
    said = await items(ann, channel)
    told = [(item["system"]["kind"], item["system"]["before"], item["system"]["after"]) for item in said]
    assert told == [
        ("renamed", "plans", "ideas"),
        ("topic_changed", "", "new ones"),
        ("purpose_changed", "", "to have some"),
        ("topic_changed", "new ones", ""),
        ("became_private", None, None),
        ("archived", None, None),
        ("unarchived", None, None),
    ]
    assert [item["text"] for item in said][:4] == [
        "renamed the channel from plans to ideas",
        "set the topic: new ones",
        "set the purpose: to have some",
        "cleared the topic",
    ]


async def test_the_answer_to_a_change_knows_the_number_of_what_was_said_of_it(house):
    ann, _, _, _, channel = house
    answer = (await ann.patch(f"/channels/{channel['id']}", {"name": "ideas"}))["channel"]
    assert answer == (await ann.get(f"/channels/{channel['id']}"))["channel"]
    assert answer["last_seq"] == (await items(ann, channel))[-1]["ch_seq"]
    assert answer["last_msg_seq"] == 0


async def test_a_pin_is_said_once_and_taking_it_off_is_not(house):
    ann, _, _, _, channel = house
    said = await ann.say(channel, "keep this")
    for _ in range(2):
        await ann.ask("PUT", f"/messages/{said['id']}/pin")
    await ann.ask("DELETE", f"/messages/{said['id']}/pin")
    _, note = await items(ann, channel)
    assert (note["system"]["kind"], note["system"]["message_id"], note["author_id"]) == ("pinned", said["id"], ann.id)
    assert "keep this" not in json.dumps(note)


async def test_direct_conversations_and_beginnings_say_nothing_of_their_people(chat, house):
    ann, bob, cat, workspace, channel = house
    group = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id, cat.id]}, 201)
    assert await items(ann, group) == await items(ann, channel) == []
    await ann.delete(f"/workspaces/{workspace['id']}/members/{cat.id}")
    assert await items(ann, group) == []


async def test_people_who_join_in_turn_stand_in_one(chat, house):
    ann, bob, cat, _, channel = house
    await join(bob, channel)
    before = (await items(ann, channel))[0]
    await ann.ask("PUT", f"/messages/{before['id']}/reactions/👋")
    await join(cat, channel)
    (note,) = await items(ann, channel)
    assert (note["id"], note["ch_seq"], note["author_id"]) == (before["id"], before["ch_seq"], bob.id)
    assert (note["system"]["user_ids"], note["system"]["count"]) == ([bob.id, cat.id], 2)
    assert (note["text"], note["edited_at"]) == ("and others joined the channel, 2 people", None)
    *_, joined, told = await log(chat, channel)
    assert (joined["type"], told["type"], told["ch_seq"]) == ("member.joined", "message.updated", joined["ch_seq"] + 1)
    assert told["data"]["message"] == note
    assert [reaction["emoji"] for reaction in note["reactions"]] == ["👋"]


async def test_what_is_said_between_parts_them_and_so_does_an_hour(chat, house):
    ann, bob, cat, workspace, channel = house
    dan, eve = await chat.people(2)
    await ann.invite(workspace, dan, eve)
    await join(bob, channel)
    await ann.say(channel, "welcome")
    await join(cat, channel)
    await join(dan, channel)
    await chat.sql("UPDATE message SET created_at = created_at - interval '61 min'")
    await join(eve, channel)
    assert await notes(ann, channel) == [
        ("joined", bob.id, [bob.id]),
        ("joined", cat.id, [cat.id, dan.id]),
        ("joined", eve.id, [eve.id]),
    ]


async def test_who_is_added_stands_with_others_by_the_same_person(chat, house):
    ann, bob, cat, workspace, channel = house
    dan = await chat.person()
    await ann.invite(workspace, dan)
    path = f"/channels/{channel['id']}/members"
    for person, other in ((ann, bob), (ann, cat), (bob, dan)):
        await person.post(path, {"user_id": other.id}, 201)
    assert await notes(ann, channel) == [("added", ann.id, [bob.id, cat.id]), ("added", bob.id, [dan.id])]
    assert (await items(ann, channel))[0]["text"] == "added 2 people"


async def test_a_deleted_note_takes_nobody_in(house):
    ann, bob, cat, _, channel = house
    await join(bob, channel)
    (note,) = await items(ann, channel)
    await ann.delete(f"/messages/{note['id']}", 200)
    await join(cat, channel)
    gone, fresh = await items(ann, channel)
    assert (gone["id"], gone["text"], gone["system"]["kind"], gone["system"]["user_ids"]) == (
        note["id"],
        "",
        "joined",
        [],
    )
    assert fresh["system"]["user_ids"] == [cat.id]


async def test_whoever_comes_into_the_workspace_fills_no_channel(chat, house):
    ann, bob, cat, workspace, channel = house
    await ann.patch(f"/channels/{channel['id']}", {"is_default": True})
    people = await chat.people(5)
    await ann.invite(workspace, *people)
    everybody = [bob.id, cat.id, *(person.id for person in people)]
    assert await notes(ann, workspace["general"]) == [("joined", bob.id, everybody)]
    assert [user_ids for _, _, user_ids in await notes(ann, channel)] == [[person.id for person in people]]


async def test_many_at_once_are_one_note_that_names_a_hundred(chat, house):
    ann, _, _, workspace, channel = house
    ids = [str(uuid.uuid4()) for _ in range(1_000)]
    await chat.sql(
        "INSERT INTO user_account (id, username, email, display_name, password_hash, created_at) "
        "SELECT id, 'u' || row, row || '@x.org', 'U', 'x', now() FROM unnest($1::uuid[]) WITH ORDINALITY u (id, row)",
        ids,
    )
    sent = []
    engine = chat.parts.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *more: sent.append(more[2]))
    async with chat.parts.database.transaction() as session:
        (row,) = await membership.lock_channels(session, [uuid.UUID(channel["id"])])
        people = [await session.get_one(UserRow, uuid.UUID(one)) for one in ids]
        sent.clear()
        joined = await membership.add_people(session, row, people, role=Role.MEMBER, actor_id=uuid.UUID(ann.id))
    assert (len(joined), len(sent)) == (1_000, 6)
    (note,) = await items(ann, channel)
    assert (note["system"]["count"], note["system"]["user_ids"]) == (1_000, ids[:100])
    assert note["text"] == "added 1000 people"
    state = await ann.get(f"/channels/{channel['id']}")
    assert (state["member_count"], state["channel"]["last_seq"]) == (1_001, 1_002)
    assert len(await log(chat, channel)) == 1_002
    (first,) = await chat.people(1)
    await ann.invite(workspace, first)
    await ann.post(f"/channels/{channel['id']}/members", {"user_id": first.id}, 201)
    (note,) = await items(ann, channel)
    assert (note["system"]["count"], note["system"]["user_ids"]) == (1_001, ids[:100])


async def test_nothing_a_channel_says_is_unread_or_makes_it_look_busy(chat, house):
    ann, bob, cat, workspace, channel = house
    await join(bob, channel)
    said = await ann.say(channel, "hello")
    await bob.ask("PUT", f"/channels/{channel['id']}/read", json={"seq": said["ch_seq"]})
    await ann.ask("PUT", f"/messages/{said['id']}/pin")
    await ann.patch(f"/channels/{channel['id']}", {"topic": f"<@{bob.id}> @channel"})
    await join(cat, channel)
    unread = await bob.get(f"/workspaces/{workspace['id']}/unread")
    assert [one["channel_id"] for one in unread["channels"]] == []
    start = await bob.get(f"/workspaces/{workspace['id']}/bootstrap")
    (entry,) = [one for one in start["channels"] if one["channel"]["id"] == channel["id"]]
    assert (entry["unread"], entry["mentions"], entry["channel"]["last_msg_seq"]) == (0, 0, said["ch_seq"])
    assert (await bob.get(f"/workspaces/{workspace['id']}/mentions"))["items"] == []
    back = {"seq": 0, "exact": True}
    assert (await bob.ask("PUT", f"/channels/{channel['id']}/read", json=back))["unread"] == 1


async def test_pages_know_of_notes_before_and_after(house):
    ann, bob, _, _, channel = house
    await join(bob, channel)
    said = await ann.say(channel, "hello")
    await ann.patch(f"/channels/{channel['id']}", {"topic": "a"})
    path = f"/channels/{channel['id']}/messages"
    page = await ann.get(f"{path}?before={said['ch_seq'] + 1}&limit=1")
    assert ([item["id"] for item in page["items"]], page["has_before"], page["has_after"]) == ([said["id"]], True, True)
    page = await ann.get(f"{path}?after={said['ch_seq']}")
    assert ([item["text"] for item in page["items"]], page["has_after"]) == (["set the topic: a"], False)
    page = await ann.get(f"{path}?after={page['items'][0]['ch_seq']}")
    assert (page["items"], page["has_before"], page["has_after"]) == ([], True, False)


async def test_nobody_edits_answers_forwards_or_pins_it_and_anybody_reacts(house):
    ann, bob, _, workspace, channel = house
    await join(bob, channel)
    (note,) = await items(ann, channel)
    path = f"/messages/{note['id']}"
    for person in (ann, bob):
        assert (await person.patch(path, {"text": "mine"}, 403))["code"] == "system_message"
        assert (await person.ask("PUT", f"{path}/pin", 403))["code"] == "system_message"
        body = {"channel_id": channel["id"], "client_msg_id": str(uuid.uuid4())}
        assert (await person.post(f"{path}/forward", body, 403))["code"] == "system_message"
        assert (await person.reply(channel, note, "hello", 422))["code"] == "thread_not_found"
        assert (await person.ask("PUT", f"/threads/{note['id']}/follow", None)).status_code == 404
        await person.ask("PUT", f"{path}/reactions/👋")
        await person.ask("PUT", f"{path}/save", 204)
    page = await bob.get(f"{path}/thread")
    assert [item["id"] for item in page["items"]] == [note["id"]]
    assert (await bob.get(f"/workspaces/{workspace['id']}/saved"))["items"][0]["message"]["id"] == note["id"]


async def test_only_admins_delete_it_and_may_bring_it_back(chat, house):
    ann, bob, _, _, channel = house
    await join(bob, channel)
    await ann.patch(f"/channels/{channel['id']}", {"topic": "a secret"})
    _, note = await items(ann, channel)
    path = f"/messages/{note['id']}"
    await bob.patch(f"/channels/{channel['id']}", {"topic": ""})
    his = (await items(ann, channel))[-1]
    assert his["author_id"] == bob.id
    for one in (note, his):
        await bob.delete(f"/messages/{one['id']}", 403)
    gone = (await ann.delete(path, 200))["message"]
    kept = {"kind": "topic_changed", "user_ids": [], "count": 0, "before": None, "after": None, "message_id": None}
    assert (gone["text"], gone["system"], gone["thread_id"]) == ("", kept, None)
    told = [event for event in await log(chat, channel) if event["type"] == "message.created"]
    assert "a secret" not in json.dumps([event for event in told if event["data"]["message"]["id"] == note["id"]])
    assert (await ann.post(f"{path}/restore"))["message"] == note


async def test_whoever_deletes_it_the_audit_log_says_so_and_nobody_is_told_that_theirs_was(chat, house):
    ann, bob, cat, _, channel = house
    await join(bob, channel)
    await ann.post(f"/channels/{channel['id']}/members", {"user_id": cat.id}, 201)
    of_bob, of_ann = await items(ann, channel)
    for one in (of_bob, of_ann):
        await ann.ask("DELETE", f"/messages/{one['id']}", params={"reason": "Noise."})
    rows = await chat.sql("SELECT target_id, reason FROM audit_log WHERE action = 'message.deleted' ORDER BY id")
    assert [tuple(row) for row in rows] == [(of_bob["id"], "Noise."), (of_ann["id"], "Noise.")]
    assert (await bob.get("/users/me/notices"))["items"] == []


async def test_its_key_sends_nothing(house):
    ann, bob, _, _, channel = house
    await join(bob, channel)
    (note,) = await items(ann, channel)
    refused = await bob.say(channel, note["text"], note["client_msg_id"], expect=409)
    assert refused["code"] == "client_msg_id_reused"


async def test_the_bot_reads_nothing_of_it_and_no_count_counts_it(chat, house, bot):
    ann, bob, _, _, channel = house
    await join(bob, channel)
    await ann.say(channel, "hello")
    await ann.patch(f"/channels/{channel['id']}", {"topic": "@bot hello"})
    opened = await bot.open(ann, channel, context_limit=20)
    assert [message["text"] for message in opened["messages"]] == ["hello"]
    headers = {"authorization": f"Bearer {chat.parts.services.issue('search')}"}
    counted = await chat.ask("GET", "/internal/v1/messages/counts", headers=headers)
    assert [item["messages"] for item in counted["items"]] == [1]


async def test_all_leave_at_once_and_each_number_is_taken_once(chat, house):
    ann, bob, cat, workspace, channel = house
    people = [bob, cat, *await chat.people(4)]
    await ann.invite(workspace, *people[2:])
    await asyncio.gather(*(join(person, channel) for person in people))
    await asyncio.gather(
        *(person.post(f"/channels/{channel['id']}/leave", None, 204) for person in people),
        *(ann.say(channel, str(number)) for number in range(4)),
        ann.patch(f"/channels/{channel['id']}", {"name": "ideas", "topic": "x"}),
    )
    events = await log(chat, channel)
    assert [event["ch_seq"] for event in events] == list(range(1, len(events) + 1))
    replayed = {}
    for event in events:
        if event["type"].startswith("message."):
            replayed[event["data"]["message"]["id"]] = event["data"]["message"]
    assert await items(ann, channel) == sorted(replayed.values(), key=lambda message: message["ch_seq"])
    left = [user_id for kind, _, user_ids in await notes(ann, channel) if kind == "left" for user_id in user_ids]
    assert sorted(left) == sorted(person.id for person in people)


async def test_seeing_somebody_off_costs_the_same_for_one_channel_and_many(chat, house):
    ann, bob, cat, workspace, _ = house
    for number in range(8):
        await join(cat, await ann.channel(workspace, f"c{number}"))
    sent = []
    engine = chat.parts.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *more: sent.append(more[2]))
    costs = []
    for person in (bob, cat):
        sent.clear()
        await ann.delete(f"/workspaces/{workspace['id']}/members/{person.id}")
        costs.append(len(sent))
    assert costs[0] == costs[1]
    kinds = [kind for kind, *_ in await notes(ann, workspace["general"])]
    assert kinds == ["joined", "removed"]
