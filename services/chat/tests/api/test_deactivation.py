"""Shutting somebody out and letting them in again, and all the ways in which they try to get in meanwhile."""

import asyncio
import itertools
import json
import uuid

import asyncpg
import pytest_asyncio

from tertulia_chat.permissions import ORDER
from tertulia_shared.events import BOT_USER_ID, decode, decode_envelope
from tertulia_shared.membership.projection import Projection


async def found(chat):
    """Ann owns the workspace, Bob is an admin who belongs to nothing else, Cat a member."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, role="admin")
    await ann.invite(workspace, cat)
    return ann, bob, cat, workspace


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def shut_out(person, workspace, user, expect=200):
    return await person.post(f"/workspaces/{workspace['id']}/members/{user.id}/deactivate", None, expect)


async def let_in(person, workspace, user, expect=200):
    return await person.post(f"/workspaces/{workspace['id']}/members/{user.id}/reactivate", None, expect)


async def events(chat, after=0):
    rows = await chat.sql("SELECT id, type, subject, body FROM event_log WHERE id > $1 ORDER BY id", after)
    return [(row["type"], row["subject"].split(".")[3:], json.loads(row["body"])) for row in rows]


async def end_of_log(chat):
    return (await chat.sql("SELECT max(id) AS id FROM event_log"))[0]["id"]


async def test_who_is_deactivated_gets_nothing_and_their_messages_stay(chat, house):
    ann, bob, _, workspace = house
    await bob.workspace("Elsewhere")
    private = await bob.channel(workspace, "secret", "private")
    await bob.post(f"/channels/{private['id']}/members", {"user_id": ann.id}, 201)
    direct = await bob.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [ann.id]}, 201)
    said = await bob.say(workspace["general"], "I was here")
    code = (await bob.post(f"/workspaces/{workspace['id']}/invites", {}, 201))["code"]
    gone = await shut_out(ann, workspace, bob)
    assert (gone["user"]["id"], gone["role"]) == (bob.id, "admin")
    assert gone["deactivated_at"] is not None
    place = f"/workspaces/{workspace['id']}"
    for path in ("", "/members", "/channels", "/bootstrap", "/unread", "/mentions", "/threads", "/saved", "/drafts"):
        await bob.get(place + path, 404)
    for path in ("/permissions", "/audit", "/audit/export", "/invites"):
        await bob.get(place + path, 404)
    for channel in (workspace["general"], private, direct):
        for path in ("", "/messages", "/events", "/members", "/pins"):
            await bob.get(f"/channels/{channel['id']}{path}", 404)
        await bob.say(channel, "let me in", expect=404)
        await bob.post(f"/channels/{channel['id']}/join", None, 404)
    for path in ("", "/history", "/thread"):
        await bob.get(f"/messages/{said['id']}{path}", 404)
    await bob.patch(f"/messages/{said['id']}", {"text": "not any more"}, 404)
    await bob.delete(f"/messages/{said['id']}", 404)
    await bob.post(f"{place}/dms", {"user_ids": [ann.id]}, 404)
    await ann.post(f"{place}/dms", {"user_ids": [bob.id]}, 404)
    await ann.post(f"/channels/{private['id']}/members", {"user_id": bob.id}, 404)
    await let_in(bob, workspace, bob, 404)
    assert [item["workspace"]["name"] for item in (await bob.get("/workspaces"))["items"]] == ["Elsewhere"]
    # Their own invitation is gone, and nobody else's lets them in.
    await bob.post(f"/invites/{code}/accept", None, 404)
    code = (await ann.post(f"{place}/invites", {}, 201))["code"]
    assert (await bob.post(f"/invites/{code}/accept", None, 403))["code"] == "member_deactivated"
    assert (await ann.get(f"/messages/{said['id']}"))["message"]["text"] == "I was here"
    assert (await ann.get(f"/users/{bob.id}"))["username"] == bob.user["username"]
    named = await ann.say(workspace["general"], f"<@{bob.id}> is away")
    assert named["mentions"] == []
    headers = {"authorization": f"Bearer {chat.parts.services.issue('notify')}"}
    snapshot = await chat.ask("GET", "/internal/v1/memberships", None, headers=headers)
    lines = [json.loads(line) for line in snapshot.text.splitlines()]
    assert not [line for line in lines if line.get("u") == bob.id and line.get("w") == workspace["id"]]


async def test_lists_say_who_is_deactivated(house):
    ann, bob, cat, workspace = house
    place = f"/workspaces/{workspace['id']}"
    gone = await shut_out(ann, workspace, bob)
    assert await shut_out(ann, workspace, bob) == gone
    members = [item["user"]["id"] for item in (await cat.get(f"{place}/members"))["items"]]
    assert sorted(members) == sorted([ann.id, cat.id, BOT_USER_ID])
    assert (await cat.get(f"{place}/members", params={"deactivated": True})) == {"items": [gone], "next": None}
    start = await cat.get(f"{place}/bootstrap")
    assert bob.id not in [one["user"]["id"] for one in start["members"]]
    assert start["former"] == [{"user": gone["user"], "deactivated_at": gone["deactivated_at"]}]
    await let_in(ann, workspace, bob)
    assert (await cat.get(f"{place}/bootstrap"))["former"] == []


async def test_their_sessions_end_where_they_have_nowhere_else_to_be(chat, house):
    ann, bob, cat, workspace = house
    await cat.workspace("Elsewhere")
    await shut_out(ann, workspace, bob)
    await shut_out(ann, workspace, cat)
    await bob.get("/users/me", 401)
    await chat.ask("POST", "/auth/refresh", 401, json={"refresh_token": bob.refresh_token})
    await cat.get("/users/me")
    rows = await chat.sql("SELECT body FROM event_log WHERE type = 'session.revoked'")
    assert [json.loads(row["body"])["data"]["user_id"] for row in rows] == [bob.id]
    again = await chat.login(bob.user["username"])
    assert (await again.get("/workspaces"))["items"] == []
    await again.get(f"/workspaces/{workspace['id']}", 404)


async def test_the_departure_has_its_place_in_every_channel_and_projections_follow_it(chat, house):
    ann, bob, _, workspace = house
    private = await bob.channel(workspace, "secret", "private")
    await bob.post(f"/channels/{private['id']}/members", {"user_id": ann.id}, 201)
    projection = Projection()

    async def follow():
        rows = await chat.sql("SELECT body FROM event_log ORDER BY id")
        for row in [*rows, *rows[-8:]]:  # the end twice, as the relay may
            envelope = decode_envelope(row["body"])
            projection.apply(decode(envelope), envelope.workspace_id, envelope.channel_id, envelope.ch_seq)

    await follow()
    assert projection.may_read(bob.id, private["id"])
    before = await end_of_log(chat)
    gone = await shut_out(ann, workspace, bob)
    told = [event for event in await events(chat, before) if not event[0].startswith("message.")]
    kinds = [(kind, scope[0], body["data"].get("user_id")) for kind, scope, body in told]
    assert kinds[:3] == [
        ("member.left", "ch", bob.id),
        ("member.left", "ch", bob.id),
        ("workspace.member_left", "ws", bob.id),
    ]
    left = told[2][2]
    assert (left["actor_id"], left["data"]["reason"]) == (ann.id, "removed")
    assert left["data"]["deactivated_at"] == gone["deactivated_at"]
    for _, scope, body in told[:2]:
        channel = (await ann.get(f"/channels/{scope[1]}"))["channel"]
        assert body["ch_seq"] == channel["last_seq"] - 1
    await follow()
    assert not projection.in_workspace(workspace["id"], bob.id)
    assert not projection.readable(workspace["id"], bob.id)
    await let_in(ann, workspace, bob)
    await follow()
    assert projection.role_of(workspace["id"], bob.id) == "admin"
    assert projection.may_read(bob.id, private["id"])


async def test_who_is_let_in_again_finds_their_place(chat, house):
    ann, bob, _, workspace = house
    mine = await bob.channel(workspace, "mine", "private")
    await bob.post(f"/channels/{mine['id']}/members", {"user_id": ann.id}, 201)
    elsewhere = await ann.channel(workspace, "elsewhere")
    wishes = {"level": "all", "muted": True, "section": "Later"}
    await bob.ask("PUT", f"/channels/{mine['id']}/preferences", json=wishes)
    before = await bob.get(f"/workspaces/{workspace['id']}/bootstrap")
    joined_at = {one["user"]["id"]: one for one in (await ann.get(f"/workspaces/{workspace['id']}/members"))["items"]}
    await shut_out(ann, workspace, bob)
    await ann.say(mine, "while you were out")
    back = await let_in(ann, workspace, bob)
    assert back == joined_at[bob.id]
    assert await let_in(ann, workspace, bob) == back
    bob = await chat.login(bob.user["username"])
    after = await bob.get(f"/workspaces/{workspace['id']}/bootstrap")
    assert after["role"] == before["role"] == "admin"
    assert [one["channel"]["id"] for one in after["channels"]] == [one["channel"]["id"] for one in before["channels"]]
    place = next(one for one in after["channels"] if one["channel"]["id"] == mine["id"])
    assert (place["preferences"], place["unread"]) == (wishes, 0)
    await bob.patch(f"/channels/{mine['id']}", {"name": "still-mine"})
    texts = [one["text"] for one in await bob.written(mine)]
    assert texts == ["while you were out"]
    assert (await bob.get(f"/channels/{elsewhere['id']}"))["joined"] is False
    told = [body["data"]["preferences"] for kind, _, body in await events(chat) if kind == "preferences.updated"]
    assert told == [wishes, wishes]


async def test_everybody_against_everybody(chat, house):
    """Only who holds the permission, and only against who stands below; the bot, strangers and oneself never."""
    ann, bob, cat, workspace = house
    await bob.workspace("Elsewhere")
    await cat.workspace("Elsewhere")
    behind = await asyncpg.connect(chat.postgres_url)
    seat = "UPDATE workspace_member SET role = $2 WHERE user_id = $1 AND workspace_id = $3"
    here = uuid.UUID(workspace["id"])
    for actor, target in itertools.product(ORDER, ORDER):
        await behind.execute(seat, uuid.UUID(bob.id), str(actor), here)
        await behind.execute(seat, uuid.UUID(cat.id), str(target), here)
        expected = ORDER.index(actor) >= ORDER.index("admin") and ORDER.index(actor) > ORDER.index(target)
        await shut_out(bob, workspace, cat, 200 if expected else 403)
        await let_in(bob, workspace, cat, 200 if expected else 403)
        await shut_out(bob, workspace, bob, 403)
    await behind.close()
    stranger = await chat.person()
    robot = type("Bot", (), {"id": BOT_USER_ID})
    for who in (shut_out, let_in):
        await who(ann, workspace, stranger, 404)
        await who(ann, workspace, robot, 403)
        await who(stranger, workspace, cat, 404)
        await who(ann, workspace, ann, 403)


async def test_an_admin_does_not_let_in_who_stood_above_them(house):
    ann, bob, cat, workspace = house
    await shut_out(ann, workspace, bob)
    await ann.patch(f"/workspaces/{workspace['id']}/members/{cat.id}", {"role": "admin"})
    await let_in(cat, workspace, bob, 403)
    await cat.delete(f"/workspaces/{workspace['id']}/members/{bob.id}", 403)


async def test_who_is_removed_for_good_may_be_invited_again(chat, house):
    ann, _, cat, workspace = house
    await shut_out(ann, workspace, cat)
    before = await end_of_log(chat)
    await ann.delete(f"/workspaces/{workspace['id']}/members/{cat.id}")
    ((kind, _, body),) = await events(chat, before)
    assert kind == "workspace.member_left"
    assert body["data"] == {"user_id": cat.id, "reason": "removed", "removal": "kicked", "deactivated_at": None}
    await let_in(ann, workspace, cat, 404)
    cat = await chat.login(cat.user["username"])
    await ann.invite(workspace, cat)
    await cat.get(f"/workspaces/{workspace['id']}")


async def test_a_burst_ends_with_the_departure(chat, house):
    """Whatever was under way is numbered before it, or refused."""
    ann, bob, _, workspace = house
    general = workspace["general"]

    async def burst():
        for number in range(12):
            answer = await bob.post(
                f"/channels/{general['id']}/messages", {"text": str(number), "client_msg_id": str(uuid.uuid4())}, None
            )
            if answer.status_code != 201:
                assert answer.status_code in (401, 404)
                return

    await asyncio.gather(*(burst() for _ in range(4)), shut_out(ann, workspace, bob))
    rows = await chat.sql(
        "SELECT type, ch_seq, body FROM event_log WHERE channel_id = $1 AND ch_seq IS NOT NULL ORDER BY ch_seq",
        uuid.UUID(general["id"]),
    )
    left = [
        row["ch_seq"]
        for row in rows
        if row["type"] == "member.left" and json.loads(row["body"])["data"]["user_id"] == bob.id
    ]
    assert len(left) == 1
    assert all(json.loads(row["body"])["actor_id"] != bob.id for row in rows if row["ch_seq"] > left[0])


async def test_of_two_who_shut_out_and_let_in_at_once_the_end_is_one_of_both(chat, house):
    ann, bob, cat, workspace = house
    await bob.workspace("Elsewhere")
    for _ in range(3):
        await asyncio.gather(
            shut_out(ann, workspace, cat, None),
            shut_out(bob, workspace, cat, None),
            let_in(ann, workspace, cat, None),
            ann.delete(f"/channels/{workspace['general']['id']}/members/{cat.id}", None),
        )
        (seat,) = await chat.sql(
            """SELECT (SELECT count(*) FROM workspace_member WHERE user_id = $1 AND workspace_id = $2) AS inside,
                      (SELECT count(*) FROM deactivated_member WHERE user_id = $1) AS outside,
                      (SELECT count(*) FROM channel_member WHERE user_id = $1 AND workspace_id = $2) AS seats""",
            uuid.UUID(cat.id),
            uuid.UUID(workspace["id"]),
        )
        assert seat["inside"] + seat["outside"] == 1
        assert seat["inside"] == 1 or seat["seats"] == 0
        await let_in(ann, workspace, cat)
