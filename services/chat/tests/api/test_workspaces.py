"""Founding workspaces, inviting, removing."""

import asyncio
import uuid

import asyncpg
import pytest

from tertulia_shared.events import BOT_USER_ID


async def test_a_new_workspace_has_its_founder_in_general(chat):
    ann = await chat.person()
    workspace = await ann.workspace("Blue Team")
    assert workspace["slug"].startswith("blue-team-")
    assert workspace["general"]["name"] == "general"
    assert (await ann.get("/workspaces"))["items"][0]["role"] == "owner"
    members = await ann.get(f"/channels/{workspace['general']['id']}/members")
    assert [(item["user"]["id"], item["role"]) for item in members["items"]] == [(ann.id, "owner")]


async def test_a_slug_is_taken_once(chat):
    ann, bob = await chat.people(2)
    await ann.post("/workspaces", {"name": "Blue", "slug": "blue"}, 201)
    assert (await bob.post("/workspaces", {"name": "Blue", "slug": "blue"}, 409))["code"] == "slug_taken"
    await bob.post("/workspaces", {"name": "Blue"}, 201)
    await bob.post("/workspaces", {"name": "Blue", "slug": "No Spaces"}, 422)
    await bob.post("/workspaces", {"name": "Blue", "slug": "green\n"}, 422)


async def test_only_admins_rename(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    assert (await ann.patch(f"/workspaces/{workspace['id']}", {"name": "New"}))["name"] == "New"
    assert (await bob.patch(f"/workspaces/{workspace['id']}", {"name": "Mine"}, 403))["code"] == "forbidden"
    assert (await bob.get(f"/workspaces/{workspace['id']}"))["name"] == "New"


async def test_a_code_lets_people_into_the_workspace_and_general(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    invite = await ann.post(f"/workspaces/{workspace['id']}/invites", {"max_uses": 2}, 201)
    first = await bob.post(f"/invites/{invite['code']}/accept")
    again = await bob.post(f"/invites/{invite['code']}/accept")
    assert first == again
    assert first["role"] == "member"
    assert (await bob.get(f"/channels/{workspace['general']['id']}"))["joined"] is True
    (listed,) = (await ann.get(f"/workspaces/{workspace['id']}/invites"))["items"]
    assert (listed["uses"], listed["created_by"]) == (1, ann.id)


async def test_a_code_works_as_often_as_it_says_even_when_all_come_at_once(chat):
    ann, *others = await chat.people(5)
    workspace = await ann.workspace()
    invite = await ann.post(f"/workspaces/{workspace['id']}/invites", {"max_uses": 2}, 201)
    answers = await asyncio.gather(*(one.post(f"/invites/{invite['code']}/accept", None, None) for one in others))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 410, 410]
    refused = next(answer for answer in answers if answer.status_code == 410)
    assert refused.json()["code"] == "invite_expired"
    assert (await ann.get(f"/workspaces/{workspace['id']}/invites"))["items"] == []


async def test_one_person_accepting_twice_at_once_uses_the_code_once(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    invite = await ann.post(f"/workspaces/{workspace['id']}/invites", {"max_uses": 5}, 201)
    await asyncio.gather(*(bob.post(f"/invites/{invite['code']}/accept") for _ in range(4)))
    assert (await ann.get(f"/workspaces/{workspace['id']}/invites"))["items"][0]["uses"] == 1


async def test_two_codes_accepted_by_one_person_at_once_both_answer(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    codes = [(await ann.post(f"/workspaces/{workspace['id']}/invites", {}, 201))["code"] for _ in range(4)]
    await asyncio.gather(*(bob.post(f"/invites/{code}/accept") for code in codes))
    assert len((await ann.get(f"/workspaces/{workspace['id']}/members"))["items"]) == 3  # and the bot


async def test_expired_withdrawn_and_unknown_codes_are_told_apart(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    path = f"/workspaces/{workspace['id']}/invites"
    invite = await ann.post(path, {}, 201)
    await chat.sql("UPDATE invite SET expires_at = now()")
    assert (await bob.post(f"/invites/{invite['code']}/accept", None, 410))["code"] == "invite_expired"
    await ann.delete(f"{path}/{invite['code']}")
    assert (await bob.post(f"/invites/{invite['code']}/accept", None, 404))["code"] == "invite_not_found"
    assert (await ann.delete(f"{path}/{invite['code']}", 404))["code"] == "invite_not_found"


@pytest.mark.parametrize("wish", [{"role": "owner"}, {"role": "king"}, {"max_uses": 0}, {"expires_in_s": 1}])
async def test_unacceptable_invitations_are_refused(chat, wish):
    ann = await chat.person()
    workspace = await ann.workspace()
    await ann.post(f"/workspaces/{workspace['id']}/invites", wish, 422)


async def test_members_do_not_invite(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    path = f"/workspaces/{workspace['id']}/invites"
    await bob.post(path, {}, 403)
    await bob.get(path, 403)
    await bob.delete(f"{path}/whatever", 403)


async def test_whoever_leaves_loses_everything_at_once(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    private = await ann.channel(workspace, "secret", "private")
    await ann.post(f"/channels/{private['id']}/members", {"user_id": bob.id}, 201)
    await bob.delete(f"/workspaces/{workspace['id']}/members/{bob.id}")
    await bob.get(f"/workspaces/{workspace['id']}", 404)
    for channel in (private, workspace["general"]):
        await bob.get(f"/channels/{channel['id']}", 404)
        await bob.say(channel, "still here?", expect=404)
    reasons = await chat.sql(
        "SELECT type, body::jsonb->'data'->>'reason' AS reason FROM event_log WHERE type LIKE '%left' ORDER BY id"
    )
    assert [tuple(row) for row in reasons] == [
        ("member.left", "left"),
        ("member.left", "left"),
        ("workspace.member_left", "left"),
    ]


async def test_the_last_owner_stays(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, role="admin")
    assert (await ann.delete(f"/workspaces/{workspace['id']}/members/{ann.id}", 409))["code"] == "last_owner"


async def test_of_two_owners_who_leave_at_once_one_stays(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    await chat.sql("UPDATE workspace_member SET role = 'owner' WHERE user_id <> $1", uuid.UUID(BOT_USER_ID))
    path = f"/workspaces/{workspace['id']}/members"
    answers = await asyncio.gather(ann.delete(f"{path}/{ann.id}", None), bob.delete(f"{path}/{bob.id}", None))
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_who_may_remove_whom(chat):
    ann, bob, cat, dan = await chat.people(4)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat, role="admin")
    await ann.invite(workspace, dan)
    path = f"/workspaces/{workspace['id']}/members"
    await dan.delete(f"{path}/{bob.id}", 403)
    await bob.delete(f"{path}/{cat.id}", 403)
    await bob.delete(f"{path}/{ann.id}", 403)
    await bob.delete(f"{path}/{dan.id}")
    await ann.delete(f"{path}/{bob.id}")
    await ann.delete(f"{path}/{bob.id}", 404)


async def test_someone_who_was_removed_can_be_invited_again(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    await ann.delete(f"/workspaces/{workspace['id']}/members/{bob.id}")
    await ann.invite(workspace, bob)
    await bob.say(workspace["general"], "back")


@pytest.mark.parametrize("own_will", [False, True])
async def test_whoever_goes_takes_their_invitations_along(chat, own_will):
    ann, bob, cat = await chat.people(3)
    workspace, other = await ann.workspace(), await ann.workspace()
    for place in (workspace, other):
        await ann.invite(place, bob, role="admin")
    codes = [
        (await bob.post(f"/workspaces/{place['id']}/invites", {"role": "admin"}, 201))["code"]
        for place in (workspace, other)
    ]
    await (bob if own_will else ann).delete(f"/workspaces/{workspace['id']}/members/{bob.id}")
    for person in (bob, cat):
        assert (await person.post(f"/invites/{codes[0]}/accept", None, 404))["code"] == "invite_not_found"
    await cat.post(f"/invites/{codes[1]}/accept")
    (left,) = (await ann.get(f"/workspaces/{workspace['id']}/invites"))["items"]
    assert left["created_by"] == ann.id


@pytest.mark.parametrize("deed", ["invite", "withdraw", "rename", "remove"])
async def test_an_admin_who_is_being_removed_cannot_finish(chat, deed):
    """The removal holds the seat; the deed waits for it, sees how it ended and does nothing."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, role="admin")
    await ann.invite(workspace, cat)
    path = f"/workspaces/{workspace['id']}"
    code = (await ann.get(f"{path}/invites"))["items"][0]["code"]
    deeds = {
        "invite": lambda: bob.post(f"{path}/invites", {"role": "admin"}, 404),
        "withdraw": lambda: bob.delete(f"{path}/invites/{code}", 404),
        "rename": lambda: bob.patch(path, {"name": "Mine"}, 404),
        "remove": lambda: bob.delete(f"{path}/members/{cat.id}", 404),
    }
    removal = await asyncpg.connect(chat.postgres_url)
    try:
        async with removal.transaction():
            await removal.execute("DELETE FROM workspace_member WHERE user_id = $1", uuid.UUID(bob.id))
            waiting = asyncio.ensure_future(deeds[deed]())
            await chat.somebody_waits_for_a_lock()
        await waiting
    finally:
        await removal.close()


async def test_members_come_in_pages(chat):
    ann, *others = await chat.people(5)
    workspace = await ann.workspace()
    await ann.invite(workspace, *others)
    path = f"/workspaces/{workspace['id']}/members?limit=2"
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await ann.get(path + (f"&cursor={cursor}" if cursor else ""))
        seen += [item["user"]["id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [BOT_USER_ID, *sorted(one.id for one in (ann, *others))]
    await ann.get(path + "&cursor=nonsense", 422)
