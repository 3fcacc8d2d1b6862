"""Deleting a channel: from then on it is like one that never was."""

import asyncio
import json
import uuid

import pytest_asyncio

from tertulia_shared.events import BOT_USER_ID


@pytest_asyncio.fixture(loop_scope="session")
async def told_rows(chat):
    """What the log tells of a channel after a number, in its order."""

    async def told_rows(after=0):
        rows = await chat.sql("SELECT id, type, ch_seq, subject, body FROM event_log WHERE id > $1 ORDER BY id", after)
        return [dict(row) | {"body": json.loads(row["body"])} for row in rows]

    return told_rows


async def newest(chat):
    (row,) = await chat.sql("SELECT max(id) AS id FROM event_log")
    return row["id"]


async def test_who_was_in_it_leaves_and_the_others_see_it_become_private(house, chat, told_rows):
    await house.cat.say(house.channel, "the last word")
    before = (await house.cat.get(house.here))["channel"]
    people = [item["user"]["id"] for item in (await house.cat.get(f"{house.here}/members"))["items"]]
    start = await newest(chat)
    await house.ann.delete(house.here)
    outside, *left, gone = await told_rows(start)
    assert (outside["type"], outside["ch_seq"]) == ("channel.updated", None)
    assert outside["subject"].split(".")[3:] == ["ws", house.workspace["id"]]
    assert outside["body"]["data"]["channel"] == {
        **before,
        "kind": "private",
        "last_seq": before["last_seq"] + 1,
        "member_ids": None,
    }
    numbers = [before["last_seq"] + 1 + n for n in range(len(people) + 1)]
    assert [row["ch_seq"] for row in [*left, gone]] == numbers
    assert {(row["type"], *row["subject"].split(".")[3:]) for row in left} == {
        ("member.left", "user", person) for person in people
    }
    assert all(row["body"]["channel_id"] == house.channel["id"] for row in left)
    assert all(row["body"]["data"]["reason"] == "removed" for row in left)
    assert (gone["type"], gone["body"]["data"]) == ("channel.deleted", {"channel_id": house.channel["id"]})
    assert gone["subject"].split(".")[3:] == ["ch", house.channel["id"]]
    assert all(row["body"]["actor_id"] == house.ann.id for row in [outside, *left, gone])


async def test_a_private_channel_is_told_to_its_people_only(house, chat, told_rows):
    secret = await house.bob.channel(house.workspace, "secret", "private")
    await house.bob.post(f"/channels/{secret['id']}/members", {"user_id": house.ann.id}, 201)
    start = await newest(chat)
    await house.ann.delete(f"/channels/{secret['id']}")
    told = await told_rows(start)
    assert [row["type"] for row in told] == ["member.left", "member.left", "channel.deleted"]
    assert {row["subject"].split(".")[4] for row in told} == {house.ann.id, house.bob.id, secret["id"]}


async def test_nothing_of_it_is_there_any_more(house, chat):
    """For its owner, for who deleted it, for who only could read it: 404, like a channel that never was."""
    said = await house.cat.say(house.channel, f"<@{house.bob.id}> said")
    await house.bob.reply(house.channel, said, "an answer")
    await house.bob.ask("PUT", f"/messages/{said['id']}/pin")
    await house.bob.ask("PUT", f"/messages/{said['id']}/save", 204)
    await house.bob.ask("PUT", f"{house.here}/draft", json={"text": "half a thought"})
    await chat.decide()
    assert (await house.bob.get(f"{house.there}/mentions"))["items"]
    await house.ann.delete(house.here)
    never = f"/channels/{uuid.uuid4()}"
    for person in (house.bob, house.ann, house.cat, house.gil, house.mod):
        for method, tail, body in (
            ("GET", "", None),
            ("PATCH", "", {"topic": "x"}),
            ("DELETE", "", None),
            ("POST", "/join", None),
            ("POST", "/leave", None),
            ("POST", "/archive", None),
            ("POST", "/unarchive", None),
            ("GET", "/members", None),
            ("POST", "/members", {"user_id": house.bob.id}),
            ("GET", "/messages", None),
            ("POST", "/messages", {"text": "x", "client_msg_id": str(uuid.uuid4())}),
            ("GET", "/events?after=0", None),
            ("GET", "/pins", None),
            ("GET", "/draft", None),
            ("PUT", "/read", {"seq": 1}),
        ):
            answers = [await person.ask(method, place + tail, 404, json=body) for place in (house.here, never)]
            assert answers[0]["code"] == answers[1]["code"] == "not_found", (method, tail)
        for tail in ("", "/history", "/thread"):
            await person.get(f"/messages/{said['id']}{tail}", 404)
    for tail in ("mentions", "saved", "threads", "drafts", "notifications", "scheduled", "reminders"):
        assert (await house.bob.get(f"{house.there}/{tail}"))["items"] == [], tail
    assert house.channel["id"] not in json.dumps(await house.bob.get(f"{house.there}/unread"))
    for person in (house.bob, house.ann, house.mod):
        names = [item["channel"]["name"] for item in (await person.get(f"{house.there}/channels"))["items"]]
        assert names == ["general"]
        snapshot = await person.get(f"{house.there}/bootstrap")
        assert house.channel["id"] not in json.dumps(snapshot)


async def test_its_name_is_free_again(house):
    await house.ann.delete(house.here)
    again = await house.bob.channel(house.workspace, "plans")
    assert again["id"] != house.channel["id"]
    assert (await house.bob.get(f"/channels/{again['id']}/messages"))["items"] == []


async def test_a_repeated_deletion_finds_nothing(house, chat):
    await house.ann.delete(house.here)
    start = await newest(chat)
    assert (await house.ann.delete(house.here, 404))["code"] == "not_found"
    assert await newest(chat) == start


async def test_two_at_once_delete_once(house, chat):
    await asyncio.gather(*(house.ann.delete(house.here, None) for _ in range(4)))
    rows = await chat.sql("SELECT count(*) AS n FROM event_log WHERE type = 'channel.deleted'")
    assert rows[0]["n"] == 1


async def test_who_may_delete(house, chat):
    """Who owns the channel does not have it for that; who may and is not in a private one does not find it."""
    for person in (house.bob, house.mod, house.cat, house.gil):
        assert (await person.delete(house.here, 403))["code"] == "forbidden"
    await (await chat.person()).delete(house.here, 404)
    secret = await house.bob.channel(house.workspace, "secret", "private")
    assert (await house.ann.delete(f"/channels/{secret['id']}", 404))["code"] == "not_found"
    await house.ann.ask("PUT", f"{house.there}/permissions", json={"permissions": {"delete_channels": "moderator"}})
    await house.mod.delete(house.here)


async def test_what_is_not_deleted(house):
    (general, *_) = (await house.ann.get(f"{house.there}/channels"))["items"]
    path = f"/channels/{general['channel']['id']}"
    assert (await house.ann.delete(path, 409))["code"] == "default_channel"
    await house.ann.patch(path, {"is_default": False})
    assert (await house.ann.delete(path, 409))["code"] == "default_channel", "guests come into general"
    await house.ann.patch(path, {"name": "lobby"})
    await house.ann.delete(path)
    talk = await house.ann.post(f"{house.there}/dms", {"user_ids": [house.bob.id]}, 201)
    assert (await house.ann.delete(f"/channels/{talk['id']}", 409))["code"] == "direct_channel"


async def test_an_archived_channel_is_deleted_too(house):
    await house.ann.post(f"{house.here}/archive")
    await house.ann.delete(house.here)
    await house.bob.get(house.here, 404)


async def test_the_audit_log_says_what_it_was(house):
    await house.ann.delete(house.here)
    entry = (await house.audit())[-1]
    assert (entry["action"], entry["actor_id"], entry["target_id"]) == (
        "channel.deleted",
        house.ann.id,
        house.channel["id"],
    )
    assert json.loads(entry["before"]) == {
        "name": "plans",
        "kind": "public",
        "posting": "everyone",
        "is_default": False,
        "slow_mode_s": 0,
        "archived": False,
        "members": 5,
    }
    assert entry["after"] is None
    secret = await house.ann.channel(house.workspace, "secret", "private")
    await house.ann.delete(f"/channels/{secret['id']}")
    assert json.loads((await house.audit())[-1]["before"])["name"] == "(not public)"
    await house.cat.delete(f"/channels/{secret['id']}", 404)
    other = await house.bob.channel(house.workspace, "other")
    await house.bob.delete(f"/channels/{other['id']}", 403)
    assert (await house.audit(outcome="denied"))[-1]["action"] == "channel.deleted"


async def test_a_message_under_way_comes_before_or_not_at_all(house, chat):
    """Whatever the order, no number of the channel follows the deletion's."""
    sends = [house.cat.say(house.channel, f"word {n}", expect=None) for n in range(20)]
    await asyncio.gather(*sends[:10], house.ann.delete(house.here), *sends[10:])
    rows = await chat.sql(
        "SELECT type, ch_seq FROM event_log WHERE channel_id = $1 AND ch_seq IS NOT NULL ORDER BY id",
        uuid.UUID(house.channel["id"]),
    )
    assert [row["ch_seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["type"] == "channel.deleted"


async def test_who_joins_or_is_brought_in_at_the_same_moment(house, chat):
    dan = await chat.person()
    await house.ann.invite(house.workspace, dan)
    await asyncio.gather(
        dan.post(f"{house.here}/join", None, None),
        house.bob.post(f"{house.here}/members", {"user_id": BOT_USER_ID}, None),
        house.ann.delete(house.here),
    )
    rows = await chat.sql("SELECT 1 FROM channel_member WHERE channel_id = $1", uuid.UUID(house.channel["id"]))
    assert rows == []
    await dan.get(house.here, 404)


async def test_who_was_deactivated_does_not_come_back_into_it(house):
    path = f"{house.there}/members/{house.cat.id}"
    await house.ann.post(f"{path}/deactivate")
    await house.ann.delete(house.here)
    await house.ann.post(f"{path}/reactivate")
    cat = await house.chat.login(house.cat.user["username"])
    names = [item["channel"]["name"] for item in (await cat.get(f"{house.there}/channels"))["items"]]
    assert names == ["general"]
    rows = await house.chat.sql("SELECT 1 FROM channel_member WHERE channel_id = $1", uuid.UUID(house.channel["id"]))
    assert rows == []


async def test_an_invitation_to_it_leads_nowhere(house, chat):
    wish = {"role": "guest", "channel_ids": [house.channel["id"]]}
    code = (await house.ann.post(f"{house.there}/invites", wish, 201))["code"]
    await house.ann.delete(house.here)
    eve = await chat.person()
    await eve.post(f"/invites/{code}/accept")
    assert (await eve.get(f"{house.there}/channels"))["items"] == []


async def test_what_was_reported_there_is_not_shown(house):
    said = await house.cat.say(house.channel, "you fool")
    await house.gil.post(f"/messages/{said['id']}/report", {"category": "harassment", "note": "he said fool"}, 201)
    elsewhere = await house.bob.channel(house.workspace, "elsewhere")
    await house.mod.post(f"/channels/{elsewhere['id']}/join")
    other = await house.bob.say(elsewhere, "rude")
    await house.mod.post(f"/messages/{other['id']}/report", {"category": "spam", "note": "kept"}, 201)
    await house.ann.delete(house.here)
    items = (await house.mod.get(f"{house.there}/reports"))["items"]
    told = {item["report"]["channel_id"]: (item["text"], item["note"]) for item in items}
    assert told == {house.channel["id"]: (None, None), elsewhere["id"]: ("rude", "kept")}


async def test_an_answer_under_way_is_not_posted(house, bot):
    run = (await bot.open(house.cat, house.channel))["run"]
    await house.ann.delete(house.here)
    await house.cat.get(f"/runs/{run['id']}", 404)
    ended = await bot.finish(run["id"])
    assert (ended["run"]["state"], ended["run"]["error"]) == ("failed", "asker_left")


async def test_other_services_are_told_nothing_of_it(house, chat):
    """A snapshot knows no members and no name, an export none of its messages, and the counts agree with it."""
    kept = await house.bob.channel(house.workspace, "kept")
    await house.bob.say(kept, "kept")
    await house.cat.say(house.channel, "gone")
    headers = {"Authorization": f"Bearer {chat.parts.services.issue('search')}"}
    await house.ann.delete(house.here)
    answer = await chat.http.get("/internal/v1/memberships", headers=headers)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    (mine,) = [line for line in lines if line.get("c") == house.channel["id"]]
    assert (mine["k"], mine["name"]) == ("private", f"!{house.channel['id']}")
    exported = (await chat.ask("GET", "/internal/v1/messages/export", headers=headers))["items"]
    assert {item["channel_id"] for item in exported if not item["system"]} == {kept["id"]}
    counts = (await chat.ask("GET", "/internal/v1/messages/counts", headers=headers))["items"]
    assert counts == [{"workspace_id": house.workspace["id"], "messages": 1}]


async def test_many_people_are_told_in_few_statements(house, chat, monkeypatch):
    monkeypatch.setattr("tertulia_chat.membership.TOLD_AT_ONCE", 2)
    start = await newest(chat)
    await house.ann.delete(house.here)
    rows = await chat.sql("SELECT ch_seq FROM event_log WHERE id > $1 AND ch_seq IS NOT NULL ORDER BY id", start)
    assert len(rows) == 6
    assert [row["ch_seq"] for row in rows] == sorted(row["ch_seq"] for row in rows)
