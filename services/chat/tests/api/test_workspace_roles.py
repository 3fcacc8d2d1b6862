"""Roles in a workspace: who gives which, what follows at once, and that an owner stays."""

import asyncio
import itertools
import json
import uuid

import asyncpg
import pytest
import pytest_asyncio

from tertulia_shared.events import BOT_USER_ID

RANK = {"guest": 0, "member": 1, "moderator": 2, "admin": 3, "owner": 4}


async def found(chat):
    """Ann owns the workspace, Bob and Cat are members."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    return ann, bob, cat, workspace


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def give(person, workspace, user, role, expect=200):
    answer = await person.patch(f"/workspaces/{workspace['id']}/members/{user.id}", {"role": role}, expect)
    return answer["role"] if expect == 200 else answer["code"]


async def role_of(person, workspace, user):
    page = await person.get(f"/workspaces/{workspace['id']}/members")
    return next(item["role"] for item in page["items"] if item["user"]["id"] == user.id)


async def told(chat):
    rows = await chat.sql("SELECT subject, body FROM event_log WHERE type = 'workspace.member_updated' ORDER BY id")
    return [(row["subject"].split(".")[3:], json.loads(row["body"])) for row in rows]


def may_give(actor, target, role, *, own):
    """The rule in words of its own: owners anything; admins up to admin, to those below them and to themselves."""
    if actor == "owner":
        return True
    return actor == "admin" and role != "owner" and (own or RANK[target] < RANK["admin"])


async def test_every_role_gives_every_role_to_every_role(chat, house):
    """Ann is the owner beside them, so that nobody is the last one."""
    ann, bob, cat, workspace = house
    behind = await asyncpg.connect(chat.postgres_url)
    seat = "UPDATE workspace_member SET role = $2 WHERE user_id = $1"
    for actor, target, role, own in itertools.product(RANK, RANK, RANK, (False, True)):
        if own and actor != target:
            continue
        await behind.execute(seat, uuid.UUID(cat.id), target)
        await behind.execute(seat, uuid.UUID(bob.id), actor)
        whom = bob if own else cat
        path = f"/workspaces/{workspace['id']}/members/{whom.id}"
        answer = await bob.patch(path, {"role": role}, None)
        allowed = may_give(actor, target, role, own=own)
        assert answer.status_code == (200 if allowed else 403), (actor, target, role, own)
        assert await role_of(ann, workspace, whom) == (role if allowed else target)
    await behind.close()


async def test_a_new_role_is_told_to_the_workspace_and_the_same_is_not(chat, house):
    ann, bob, _, workspace = house
    changed = await ann.patch(f"/workspaces/{workspace['id']}/members/{bob.id}", {"role": "admin"})
    assert (changed["user"]["id"], changed["role"]) == (bob.id, "admin")
    page = await ann.get(f"/workspaces/{workspace['id']}/members")
    assert changed in page["items"]
    assert await give(ann, workspace, bob, "admin") == "admin"
    ((scope, event),) = await told(chat)
    assert (scope, event["ch_seq"], event["actor_id"]) == (["ws", workspace["id"]], None, ann.id)
    assert event["data"] == {"user_id": bob.id, "role": "admin", "muted_until": None}
    items = (await bob.get("/workspaces"))["items"]
    assert [item["role"] for item in items] == ["admin"]


async def test_a_workspace_is_handed_over(house):
    ann, bob, cat, workspace = house
    assert await give(ann, workspace, ann, "member", 409) == "last_owner"
    await give(ann, workspace, bob, "owner")
    await give(ann, workspace, ann, "member")
    assert await give(ann, workspace, cat, "guest", 403) == "forbidden"
    assert await give(bob, workspace, bob, "guest", 409) == "last_owner"
    await ann.delete(f"/workspaces/{workspace['id']}/members/{ann.id}")
    assert await role_of(bob, workspace, bob) == "owner"


async def test_of_two_owners_who_step_down_at_once_one_stays(house):
    ann, bob, _, workspace = house
    await give(ann, workspace, bob, "owner")
    path = f"/workspaces/{workspace['id']}/members"
    answers = await asyncio.gather(
        ann.patch(f"{path}/{ann.id}", {"role": "member"}, None),
        bob.patch(f"{path}/{bob.id}", {"role": "member"}, None),
        bob.delete(f"{path}/{bob.id}", None),
    )
    assert 409 in [answer.status_code for answer in answers]
    owners = [item for item in (await house[2].get(path))["items"] if item["role"] == "owner"]
    assert len(owners) == 1


async def test_strangers_and_the_bot(chat, house):
    ann, bob, _, workspace = house
    stranger = await chat.person()
    robot = type("Bot", (), {"id": BOT_USER_ID})
    for role in ("guest", "member", "owner"):
        assert await give(ann, workspace, robot, role, 403) == "forbidden"
    assert await give(bob, workspace, robot, "guest", 403) == "forbidden"
    assert await give(stranger, workspace, bob, "guest", 404) == "not_found"
    assert await give(ann, workspace, stranger, "guest", 404) == "not_found"
    assert await give(ann, workspace, bob, "king", 422) == "validation_failed"
    await ann.delete(f"/workspaces/{workspace['id']}/members/{bob.id}")
    assert await give(bob, workspace, ann, "guest", 404) == "not_found"
    assert await told(chat) == []


async def test_a_member_who_becomes_a_guest_keeps_the_channels_that_they_are_in(house):
    ann, bob, _, workspace = house
    inside, outside = [await ann.channel(workspace, name) for name in ("inside", "outside")]
    await bob.post(f"/channels/{inside['id']}/join")
    said = await ann.say(outside, "for members")
    await bob.get(f"/messages/{said['id']}")
    for _ in range(2):
        await give(ann, workspace, bob, "guest")
        await bob.get(f"/messages/{said['id']}", 404)
        await bob.get(f"/channels/{outside['id']}", 404)
        await bob.post(f"/channels/{outside['id']}/join", None, 404)
        await bob.say(inside, "still here")
        names = [
            item["channel"]["name"] for item in (await bob.get(f"/workspaces/{workspace['id']}/channels"))["items"]
        ]
        assert names == ["general", "inside"]
        assert (await bob.get(f"/workspaces/{workspace['id']}/bootstrap"))["role"] == "guest"
        await give(ann, workspace, bob, "member")
        await bob.get(f"/messages/{said['id']}")


async def test_invitations_go_with_the_right_to_make_them(house):
    ann, bob, _, workspace = house
    path = f"/workspaces/{workspace['id']}/invites"
    await give(ann, workspace, bob, "owner")
    await bob.post(path, {"role": "admin"}, 201)
    await give(ann, workspace, bob, "admin")
    assert bob.id in [one["created_by"] for one in (await ann.get(path))["items"]]
    await give(ann, workspace, bob, "member")
    assert {one["created_by"] for one in (await ann.get(path))["items"]} == {ann.id}


@pytest.mark.parametrize("deed", ["invite", "rename channel", "set role"])
async def test_an_admin_who_is_being_set_back_cannot_finish(chat, house, deed):
    """The change holds the seat; the deed waits for it and sees how it ended."""
    ann, bob, cat, workspace = house
    await give(ann, workspace, bob, "admin")
    path = f"/workspaces/{workspace['id']}"
    deeds = {
        "invite": lambda: bob.post(f"{path}/invites", {}, 403),
        "rename channel": lambda: bob.patch(f"/channels/{workspace['general']['id']}", {"name": "mine"}, 403),
        "set role": lambda: bob.patch(f"{path}/members/{cat.id}", {"role": "guest"}, 403),
    }
    change = await asyncpg.connect(chat.postgres_url)
    try:
        async with change.transaction():
            await change.execute("SELECT 1 FROM workspace_member WHERE user_id = $1 FOR UPDATE", uuid.UUID(bob.id))
            await change.execute("UPDATE workspace_member SET role = 'member' WHERE user_id = $1", uuid.UUID(bob.id))
            waiting = asyncio.ensure_future(deeds[deed]())
            await chat.somebody_waits_for_a_lock()
        assert (await waiting)["code"] == "forbidden"
    finally:
        await change.close()


async def test_projections_start_from_the_roles_of_now(chat, house):
    ann, bob, _, workspace = house
    await give(ann, workspace, bob, "guest")
    headers = {"authorization": f"Bearer {chat.parts.services.issue('notify')}"}
    answer = await chat.ask("GET", "/internal/v1/memberships", None, headers=headers)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["role"] for line in lines if line.get("u") == bob.id and "role" in line] == ["guest"]
