"""Who is told of a message and why, once, and what they see of it."""

import asyncio
import json
import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia_chat.notifications import decide as deciding
from tertulia_chat.notifications import retention


async def found(chat):
    """Ann's workspace: Bob and Cat are in it and in `general`, Dan only in the workspace."""
    ann, bob, cat, dan = await chat.people(4)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat, dan)
    await dan.post(f"/channels/{workspace['general']['id']}/leave", None, 204)
    return ann, bob, cat, dan, workspace, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def prefer(person, channel, **wishes):
    await person.ask("PUT", f"/channels/{channel['id']}/preferences", json=wishes)


async def watch(person, workspace, *keywords):
    await person.ask("PUT", f"/workspaces/{workspace['id']}/keywords", json={"keywords": keywords})


async def list_of(person, workspace, query=""):
    return await person.get(f"/workspaces/{workspace['id']}/notifications{query}")


async def test_each_reason(house, told_of):
    ann, bob, cat, dan, workspace, channel = house
    await prefer(cat, channel, level="all")
    await watch(bob, workspace, "tide")
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id, cat.id]}, 201)
    root = await bob.say(channel, "root")
    await ann.reply(channel, root, "reply")
    await ann.say(channel, f"you, <@{bob.id}>")
    await ann.say(channel, "all of you, @channel")
    await ann.say(channel, "high Tide")
    await ann.say(channel, "nothing")
    await ann.say(talk, "between us")
    in_channel = [(f"you, <@{bob.id}>", "all"), ("all of you, @channel", "audience"), ("high Tide", "all")]
    assert await told_of(bob, workspace) == [
        ("reply", "thread_reply"),
        (f"you, <@{bob.id}>", "mention"),
        ("all of you, @channel", "audience"),
        ("high Tide", "keyword"),
        ("between us", "direct"),
    ]
    assert await told_of(cat, workspace) == [("root", "all"), *in_channel, ("nothing", "all"), ("between us", "direct")]
    assert await told_of(ann, workspace) == await told_of(dan, workspace) == []


async def test_what_a_channel_says_by_itself_tells_nobody(chat, house, told_of):
    ann, bob, cat, dan, workspace, channel = house
    for person in (bob, cat):
        await prefer(person, channel, level="all")
    await watch(bob, workspace, "tide")
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id, cat.id]}, 201)
    said = [await ann.say(place, "words") for place in (channel, talk)]
    before = [await told_of(person, workspace) for person in (bob, cat)]
    for message in said:
        await ann.ask("PUT", f"/messages/{message['id']}/pin")
    await ann.patch(f"/channels/{channel['id']}", {"topic": f"tide <@{bob.id}> @channel"})
    for _ in range(2):
        await dan.post(f"/channels/{channel['id']}/join")
        await dan.post(f"/channels/{channel['id']}/leave", None, 204)
    note = (await ann.get(f"/channels/{channel['id']}/messages"))["items"][-1]
    await ann.delete(f"/messages/{note['id']}", 200)
    await ann.post(f"/messages/{note['id']}/restore")
    assert [await told_of(person, workspace) for person in (bob, cat)] == before
    await chat.decide()
    assert [await told_of(person, workspace) for person in (bob, cat)] == before


async def test_of_several_reasons_the_first_counts(house, told_of):
    ann, bob, cat, _, workspace, channel = house
    await prefer(bob, channel, level="all")
    await watch(bob, workspace, "tide")
    root = await bob.say(channel, "root")
    for person in (bob, cat):
        await person.ask("PUT", f"/threads/{root['id']}/follow", 204)
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    await ann.say(channel, f"@channel <@{bob.id}> tide")
    await ann.say(channel, "@here tide")
    await ann.say(channel, "tide")
    body = {"text": "tide @channel", "client_msg_id": str(uuid.uuid4()), "thread_id": root["id"]}
    await ann.post(f"/channels/{channel['id']}/messages", body, 201)
    await ann.say(talk, f"<@{bob.id}>")
    await ann.say(talk, "tide")
    reasons = [reason for _, reason in await told_of(bob, workspace)]
    assert reasons == ["mention", "audience", "keyword", "thread_reply", "mention", "direct"]


@pytest.mark.parametrize(
    ("wishes", "reasons"),
    [
        ({}, ["mention", "audience", "keyword", "thread_reply"]),
        ({"level": "all"}, ["mention", "audience", "keyword", "all", "thread_reply"]),
        ({"level": "none"}, []),
        ({"muted": True}, ["mention"]),
        ({"muted": True, "level": "all"}, ["mention"]),
        ({"muted": True, "level": "none"}, []),
    ],
)
async def test_what_somebody_wants_of_a_channel(house, told_of, wishes, reasons):
    ann, bob, _, _, workspace, channel = house
    await watch(bob, workspace, "tide")
    root = await bob.say(channel, "root")
    await prefer(bob, channel, **wishes)
    for text in (f"<@{bob.id}>", "@channel", "the tide", "plain"):
        await ann.say(channel, text)
    await ann.reply(channel, root, "reply")
    assert [reason for _, reason in await told_of(bob, workspace)] == reasons


async def test_a_muted_direct_conversation_is_silent(house, told_of):
    ann, bob, _, _, workspace, _ = house
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    await prefer(bob, talk, muted=True)
    await ann.say(talk, "psst")
    await ann.say(talk, f"psst <@{bob.id}>")
    assert [reason for _, reason in await told_of(bob, workspace)] == ["mention"]


async def test_being_named_counts_wherever_one_may_read(house, told_of):
    ann, bob, _, dan, workspace, channel = house
    private = await ann.channel(workspace, "secret", "private")
    await ann.say(channel, f"<@{dan.id}>")
    await ann.say(private, f"<@{dan.id}> <@{bob.id}>")
    await ann.say(channel, "@channel")
    assert [reason for _, reason in await told_of(dan, workspace)] == ["mention"]
    assert await told_of(bob, workspace) == [("@channel", "audience")]
    await ann.patch(f"/workspaces/{workspace['id']}/members/{dan.id}", {"role": "guest"})
    await ann.say(channel, f"again <@{dan.id}>")
    assert await told_of(dan, workspace) == []


async def test_who_has_left_or_comes_later_is_told_nothing(house, told_of):
    ann, bob, cat, dan, workspace, _ = house
    private = await ann.channel(workspace, "secret", "private")
    for person in (bob, cat):
        await ann.post(f"/channels/{private['id']}/members", {"user_id": person.id}, 201)
    await ann.say(private, f"<@{bob.id}> @channel")
    await bob.post(f"/channels/{private['id']}/leave", None, 204)
    await ann.post(f"/channels/{private['id']}/members", {"user_id": dan.id}, 201)
    await prefer(dan, private, level="all")
    assert await told_of(bob, workspace) == await told_of(dan, workspace) == []
    assert [reason for _, reason in await told_of(cat, workspace)] == ["audience"]
    await ann.delete(f"/workspaces/{workspace['id']}/members/{cat.id}")
    await cat.get(f"/workspaces/{workspace['id']}/notifications", 404)


async def test_replies_are_for_those_in_the_thread(house, told_of):
    ann, bob, cat, _, workspace, channel = house
    await prefer(cat, channel, level="all")
    root = await bob.say(channel, "root")
    await ann.reply(channel, root, "@channel in the thread")
    body = {"text": "for all", "client_msg_id": str(uuid.uuid4()), "thread_id": root["id"], "also_in_channel": True}
    await ann.post(f"/channels/{channel['id']}/messages", body, 201)
    await bob.ask("PUT", f"/threads/{root['id']}/read", json={"seq": 100})
    await bob.delete(f"/threads/{root['id']}/follow")
    await ann.reply(channel, root, "you are gone")
    assert await told_of(bob, workspace) == []
    assert await told_of(cat, workspace) == [("root", "all"), ("for all", "all")]


async def test_the_bot_answers_in_the_thread_and_is_told_nothing(chat, house, told_of, bot):
    ann, bob, _, _, workspace, channel = house
    root = await bob.say(channel, "root")
    run = await bot.open(ann, channel, thread_id=root["id"])
    await bot.finish(run["run"]["id"])
    assert [reason for _, reason in await told_of(bob, workspace)] == ["thread_reply"]
    await ann.say(channel, "@channel")
    await chat.decide()
    bots = "SELECT FROM notification n JOIN user_account u ON u.id = n.user_id WHERE u.kind = 'bot'"
    assert await chat.sql(bots) == []


async def test_an_edit_tells_those_whom_it_names_and_who_were_not_told(chat, house, told_of):
    ann, bob, cat, _, workspace, channel = house
    await watch(bob, workspace, "tide")
    said = await ann.say(channel, f"hello <@{cat.id}>")
    assert await told_of(bob, workspace) == []
    for text in ("the tide", f"the tide, <@{cat.id}>", f"<@{bob.id}> <@{cat.id}>", "nobody", f"<@{bob.id}>"):
        await ann.patch(f"/messages/{said['id']}", {"text": text})
        await chat.decide()
    assert await told_of(bob, workspace) == [(f"<@{bob.id}>", "mention")]
    assert await told_of(cat, workspace) == [(f"<@{bob.id}>", "mention")]
    assert len(await chat.sql("SELECT FROM event_log WHERE type = 'notification.created'")) == 2


async def test_an_edit_before_deciding_is_decided_as_it_is_then(house, told_of):
    ann, bob, _, _, workspace, channel = house
    await watch(bob, workspace, "tide")
    said = await ann.say(channel, "hello")
    await ann.patch(f"/messages/{said['id']}", {"text": "the tide"})
    assert await told_of(bob, workspace) == [("the tide", "keyword")]


async def test_deleting_withdraws_what_is_unread_and_undoing_it_brings_it_back(chat, house, told_of, told):
    ann, bob, cat, _, workspace, channel = house
    said = [await ann.say(channel, f"{number} @channel") for number in range(3)]
    assert len(await told_of(bob, workspace)) == 3
    items = (await list_of(bob, workspace))["items"]
    await bob.post(f"/workspaces/{workspace['id']}/notifications/read", {"id": items[2]["notification"]["id"]})
    await cat.ask("PUT", f"/channels/{channel['id']}/read", json={"seq": said[1]["ch_seq"]})
    for message in said:
        await ann.delete(f"/messages/{message['id']}", 200)
    assert [text for text, _ in await told_of(bob, workspace)] == [""]
    assert [text for text, _ in await told_of(cat, workspace)] == ["", ""]
    withdrawn = [data["notification"]["message_id"] for data in await told(bob, "notification.withdrawn")]
    assert withdrawn == [said[1]["id"], said[2]["id"]]
    await ann.post(f"/messages/{said[2]['id']}/restore")
    assert (await told_of(bob, workspace))[1:] == [("2 @channel", "audience")]
    ids = [data["notification"]["id"] for data in await told(bob, "notification.created")]
    assert ids[3:] == ids[2:3] == [items[0]["notification"]["id"]]


async def test_what_was_deleted_before_deciding_tells_nobody(chat, house, told_of):
    ann, bob, _, _, workspace, channel = house
    said = await ann.say(channel, "@channel")
    await ann.delete(f"/messages/{said['id']}", 200)
    assert await told_of(bob, workspace) == []
    assert await chat.sql("SELECT FROM event_log WHERE type LIKE 'notification.%'") == []


async def test_what_was_taken_over_and_what_is_older_than_deciding_tells_nobody(chat, house, told_of):
    ann, bob, _, _, workspace, channel = house
    text = f"<@{bob.id}> long ago"
    body = {"author_id": ann.id, "text": text, "client_msg_id": str(uuid.uuid4()), "created_at": "2020-01-01T00:00:00Z"}
    headers = {"authorization": f"Bearer {chat.parts.services.issue('seed')}"}
    path = f"/internal/v1/channels/{channel['id']}/import"
    await chat.ask("POST", path, 200, json={"messages": [body]}, headers=headers)
    old = await ann.say(channel, "before deciding began")
    await chat.sql("INSERT INTO decided SELECT id, last_seq, last_seq FROM channel ON CONFLICT DO NOTHING")
    await ann.patch(f"/messages/{old['id']}", {"text": text})
    await ann.say(channel, f"now <@{bob.id}>")
    assert [reason for _, reason in await told_of(bob, workspace)] == ["mention"]


async def test_what_comes_twice_is_decided_once_whatever_has_changed_since(chat, house, told_of):
    ann, bob, _, _, workspace, channel = house
    await ann.say(channel, "plain")
    said = await ann.say(channel, "edited")
    await prefer(bob, channel, level="none")
    await ann.patch(f"/messages/{said['id']}", {"text": f"<@{bob.id}>"})
    for _ in range(2):
        assert await told_of(bob, workspace) == []
        await prefer(bob, channel, level="all")


async def live_a_little(ann, bob, cat, workspace, channel, talk):
    """Something of everything that is decided."""
    root = await bob.say(channel, "root")
    for number in range(3):
        await ann.reply(channel, root, f"reply {number} <@{cat.id}>")
        said = await ann.say(channel, f"@channel {number}")
        later = await ann.say(channel, "nobody yet")
        await cat.say(talk, f"{number}")
        await ann.delete(f"/messages/{said['id']}", 200)
        await ann.patch(f"/messages/{later['id']}", {"text": f"now <@{bob.id}>"})
        await ann.ask("PUT", f"/messages/{later['id']}/reactions/👍")


async def decided(chat):
    rows = await chat.sql("SELECT user_id, message_id, reason, withdrawn_at IS NULL AS there FROM notification")
    return {tuple(row.values()) for row in rows}


async def test_any_order_and_any_loss_come_to_the_same(chat, house):
    ann, bob, cat, _, workspace, channel = house
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id, cat.id]}, 201)
    await live_a_little(ann, bob, cat, workspace, channel, talk)
    log = await chat.sql("SELECT * FROM event_log ORDER BY id")
    await chat.decide(log)
    expected = await decided(chat)
    assert {reason for _, _, reason, _ in expected} == {"mention", "thread_reply", "direct"}
    ends = list({row["channel_id"]: row for row in log if row["ch_seq"] is not None}.values())
    for seed in range(15):
        dice = random.Random(seed)
        await chat.sql("DELETE FROM notification")
        await chat.sql("DELETE FROM decided")
        rows = [row for row in log if dice.random() < 0.7] + dice.sample(log, len(log) // 3)
        dice.shuffle(rows)
        while rows:
            size = dice.randint(1, 9)
            batch, rows = rows[:size], rows[size:]
            await chat.decide(batch)
        await chat.decide(ends)
        assert await decided(chat) == expected


async def test_several_processes_decide_once(chat, house):
    ann, bob, cat, _, workspace, channel = house
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id, cat.id]}, 201)
    await live_a_little(ann, bob, cat, workspace, channel, talk)
    log = await chat.sql("SELECT * FROM event_log ORDER BY id")
    await asyncio.gather(*(chat.decide(log[start:]) for start in (0, 0, 7, 20)))
    events = await chat.sql("SELECT body FROM event_log WHERE type = 'notification.created' ORDER BY id")
    told = [json.loads(row["body"])["data"]["notification"] for row in events]
    assert len(told) == len({one["id"] for one in told}) == len(await decided(chat))
    assert [one["id"] for one in told] == sorted(one["id"] for one in told)


async def test_a_kill_in_the_middle_leaves_nothing_half_done(chat, house, told_of, monkeypatch):
    ann, bob, _, _, workspace, channel = house
    for number in range(5):
        await ann.say(channel, f"{number} @channel")

    tell, calls = deciding.tell, []

    async def die_at_the_third(*given):
        calls.append(given)
        told = await tell(*given)
        if len(calls) == 3:
            raise RuntimeError("killed")
        return told

    with monkeypatch.context() as patch:
        patch.setattr(deciding, "AT_ONCE", 2)
        patch.setattr(deciding, "tell", die_at_the_third)
        with pytest.raises(RuntimeError):
            await chat.decide()
    for table in ("SELECT FROM notification", "SELECT FROM event_log WHERE type = 'notification.created'"):
        assert len(await chat.sql(table)) == 8
    assert [text for text, _ in await told_of(bob, workspace)] == [f"{number} @channel" for number in range(5)]


@pytest.mark.parametrize(("at_once", "people"), [(1, 1), (2, 20_000), (500, 3), (3, 5)])
async def test_much_is_decided_in_several_steps(chat, house, told_of, monkeypatch, at_once, people):
    ann, bob, cat, _, workspace, channel = house
    other = await ann.channel(workspace, "other")
    await bob.post(f"/channels/{other['id']}/join")
    monkeypatch.setattr(deciding, "AT_ONCE", at_once)
    monkeypatch.setattr(deciding, "MOST_PEOPLE", people)
    for number in range(7):
        await ann.say(channel if number % 2 else other, f"@channel {number}")
        await ann.say(other, "plain")
    assert sorted(await told_of(bob, workspace)) == [(f"@channel {number}", "audience") for number in range(7)]
    assert len(await told_of(cat, workspace)) == 3


async def test_everybody_of_a_large_channel_costs_as_many_statements_as_one(chat, house):
    ann, _, _, _, workspace, channel = house
    statements = []
    engine = chat.parts.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *more: statements.append(more[2]))
    costs = []
    for _ in range(2):
        for _ in range(4):
            await ann.say(channel, "@channel")
        statements.clear()
        await chat.decide()
        costs.append(len(statements))
        await ann.invite(workspace, *await chat.people(12))
    assert costs == [5, 5]


async def test_nobody_is_looked_at_who_did_not_ask(chat, house):
    """A plain message in a channel of any size reads an index of those who want everything, which is empty."""
    ann, _, _, _, _, channel = house
    await chat.sql(
        "INSERT INTO user_account (id, username, email, display_name, password_hash, created_at) "
        "SELECT gen_random_uuid(), 'crowd' || n, 'crowd' || n || '@example.org', 'x', 'x', now() "
        "FROM generate_series(1, 3000) n"
    )
    await chat.sql(
        "INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq) "
        "SELECT $1, id, $2, 'member', now(), 1 FROM user_account WHERE username LIKE 'crowd%'",
        uuid.UUID(channel["id"]),
        uuid.UUID(channel["workspace_id"]),
    )
    await chat.sql("ANALYZE channel_member")
    said = await ann.say(channel, "plain")
    values = {
        ":ids": f"'{{{said['id']}}}'",
        ":weakest": "5",
        ":kept_ids": "'{}'",
        ":kept_users": "'{}'",
        ":reasons": "'{mention,audience,thread_reply,direct,keyword,all}'",
        ":now": "now()",
    }
    statement = deciding.DECIDE
    for name, value in values.items():
        statement = statement.replace(name, value)
    (row,) = await chat.sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
    plan = json.loads(row[0])[0]["Plan"]

    def nodes(plan):
        yield plan
        for part in plan.get("Plans", ()):
            yield from nodes(part)

    assert all(node["Actual Rows"] <= 5 for node in nodes(plan) if node.get("Relation Name") == "channel_member")


async def test_pages_neither_repeat_nor_skip(chat, house):
    ann, bob, _, _, workspace, channel = house
    for number in range(5):
        await ann.say(channel, f"{number} @channel")
    await chat.decide()
    first = await list_of(bob, workspace, "?limit=2")
    await ann.say(channel, "meanwhile @channel")
    await chat.decide()
    second = await list_of(bob, workspace, f"?limit=2&cursor={first['next']}")
    third = await list_of(bob, workspace, f"?limit=2&cursor={second['next']}")
    texts = [item["message"]["text"][0] for page in (first, second, third) for item in page["items"]]
    assert (texts, third["next"]) == (["4", "3", "2", "1", "0"], None)


async def test_what_is_read_in_the_channel_is_read_here(chat, house):
    ann, bob, _, _, workspace, channel = house
    root = await bob.say(channel, "root")
    said = await ann.say(channel, "@channel")
    reply = await ann.reply(channel, root, "reply")
    await chat.decide()

    async def read():
        return [item["read"] for item in (await list_of(bob, workspace))["items"]]

    assert await read() == [False, False]
    await bob.ask("PUT", f"/channels/{channel['id']}/read", json={"seq": reply["ch_seq"]})
    assert await read() == [False, True]
    await bob.ask("PUT", f"/threads/{root['id']}/read", json={"seq": reply["ch_seq"]})
    assert await read() == [True, True]
    for path, seq in ((f"/channels/{channel['id']}/read", said["ch_seq"] - 1), (f"/threads/{root['id']}/read", 0)):
        await bob.ask("PUT", path, json={"seq": seq, "exact": True})
    assert await read() == [False, False]
    newest = (await list_of(bob, workspace))["items"][0]["notification"]["id"]
    await bob.post(f"/workspaces/{workspace['id']}/notifications/read", {"id": newest})
    assert await read() == [True, True]


async def test_seen_only_rises_and_is_told_to_all_devices(chat, house, told):
    ann, bob, _, _, workspace, channel = house
    path = f"/workspaces/{workspace['id']}/notifications/read"
    assert await bob.post(path, {"id": str(uuid.UUID(int=2**128 - 1))}) == {"read_id": None}
    for _ in range(3):
        await ann.say(channel, "@channel")
    await chat.decide()
    ids = [item["notification"]["id"] for item in (await list_of(bob, workspace))["items"]]
    for wish, seen in ((ids[1], ids[1]), (ids[2], ids[1]), (ids[1], ids[1]), (str(uuid.UUID(int=2**128 - 1)), ids[0])):
        assert await bob.post(path, {"id": wish}) == {"read_id": seen}
        assert (await list_of(bob, workspace))["read_id"] == seen
    assert await told(bob, "notifications.read") == [{"read_id": ids[1]}, {"read_id": ids[0]}]
    await ann.say(channel, "@channel")
    await chat.decide()
    assert [item["read"] for item in (await list_of(bob, workspace))["items"]] == [False, True, True, True]


async def test_a_list_costs_the_same_however_long_it_is(chat, house):
    ann, bob, _, _, workspace, channel = house
    statements = []
    sa.event.listen(
        chat.parts.database._engine.sync_engine, "before_cursor_execute", lambda *more: statements.append(more[2])
    )
    costs = []
    for number in range(4):
        await ann.say(channel, "@channel")
        await chat.decide()
        statements.clear()
        assert len((await list_of(bob, workspace))["items"]) == number + 1
        costs.append(len(statements))
    assert costs == [4] * 4


async def test_what_is_old_is_forgotten(chat, house, told_of, monkeypatch):
    ann, bob, _, _, workspace, channel = house
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for number in range(3):
        await ann.say(channel, f"{number} @channel")
    assert len(await told_of(bob, workspace)) == 3
    keeping = retention.Retention(chat.parts.database)
    assert await keeping.forget(datetime.now(UTC) - retention.KEPT) == 0
    assert await keeping.forget(datetime.now(UTC) + timedelta(seconds=1)) == 6
    assert await told_of(bob, workspace) == []


async def test_an_event_says_nothing_of_what_was_said(chat, house, told_of):
    ann, bob, _, _, workspace, channel = house
    await ann.say(channel, f"a secret for <@{bob.id}>")
    await told_of(bob, workspace)
    (row,) = await chat.sql("SELECT * FROM event_log WHERE type = 'notification.created'")
    assert "secret" not in row["body"]
    assert (row["subject"].split(".")[3:], row["ch_seq"]) == (["user", bob.id], None)
    assert json.loads(row["body"])["actor_id"] is None


class Device:
    """What somebody's client keeps of their notifications, moved on by events."""

    def __init__(self, page):
        self.there = {item["notification"]["id"]: item["notification"] for item in page["items"]}
        self.read_id = page["read_id"]

    def apply(self, event):
        match event["type"], event["data"]:
            case "notification.created", data:
                self.there[data["notification"]["id"]] = data["notification"]
            case "notification.withdrawn", data:
                del self.there[data["notification"]["id"]]
            case "notifications.read", data:
                self.read_id = data["read_id"]


class Life:
    """Ann does anything in a channel that Bob is in, and Bob reads."""

    def __init__(self, chat, ann, bob, workspace, said):
        self.chat, self.ann, self.bob, self.workspace = chat, ann, bob, workspace
        self.channel, self.said = workspace["general"], said

    def text(self, number):
        return ["plain", "@channel", f"<@{self.bob.id}>", "tide"][number % 4]

    async def say(self, number):
        self.said.append(await self.ann.say(self.channel, self.text(number)))

    async def reply(self, number):
        await self.ann.reply(self.channel, self.said[0], self.text(number))

    async def change(self, number, method, suffix="", body=None):
        message = self.said[1:][number % len(self.said[1:])]
        await self.ann.ask(method, f"/messages/{message['id']}{suffix}", None, json=body)

    async def edit(self, number):
        await self.change(number, "PATCH", body={"text": self.text(number // 4)})

    async def delete(self, number):
        await self.change(number, "DELETE")

    async def restore(self, number):
        await self.change(number, "POST", "/restore")

    async def see(self, number):
        if items := (await list_of(self.bob, self.workspace))["items"]:
            seen = items[number % len(items)]["notification"]["id"]
            await self.bob.post(f"/workspaces/{self.workspace['id']}/notifications/read", {"id": seen})

    async def read(self, number):
        await self.bob.ask("PUT", f"/channels/{self.channel['id']}/read", json={"seq": number, "exact": True})

    async def wish(self, number):
        level = ["all", "mentions", "none", "all"][number % 4]
        await prefer(self.bob, self.channel, level=level, muted=number % 5 == 0)

    async def decide(self, _):
        await self.chat.decide()


ACT = st.sampled_from(["say", "reply", "edit", "delete", "restore", "see", "read", "wish", "decide"])


async def live_and_compare(chat, acts):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace(f"Acme {uuid.uuid4().hex[:8]}")
    await ann.invite(workspace, bob)
    life = Life(chat, ann, bob, workspace, [await bob.say(workspace["general"], "root")])
    await life.say(1)
    await chat.decide()
    device = Device(await list_of(bob, workspace))
    (last,) = await chat.sql("SELECT max(id) AS id FROM event_log")
    for act, number in acts:
        await getattr(life, act)(number)
    await chat.decide()
    for row in await chat.sql("SELECT subject, body FROM event_log WHERE id > $1 ORDER BY id", last["id"]):
        if row["subject"].endswith(bob.id):
            device.apply(json.loads(row["body"]))
    fresh = Device(await list_of(bob, workspace, "?limit=200"))
    assert (device.there, device.read_id) == (fresh.there, fresh.read_id)


ACTS = st.tuples(ACT, st.integers(0, 19))
RUN = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=5, **RUN)
@given(acts=st.lists(ACTS, min_size=8, max_size=16))
async def test_old_state_and_events_make_new_state(chat, acts):
    await live_and_compare(chat, acts)


@pytest.mark.full
@settings(max_examples=60, **RUN)
@given(acts=st.lists(ACTS, min_size=10, max_size=40))
async def test_old_state_and_events_make_new_state_for_long(chat, acts):
    await live_and_compare(chat, acts)
