"""Who owns a channel."""

import asyncio

import pytest_asyncio

from tertulia_shared.events import BOT_USER_ID


async def found(chat):
    """Ann owns the workspace, Bob the channel, Cat and the guest Gil are in it, Dan is not."""
    ann, bob, cat, dan, gil = await chat.people(5)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat, dan)
    await ann.invite(workspace, gil, role="guest")
    channel = await bob.channel(workspace)
    await cat.post(f"/channels/{channel['id']}/join")
    await bob.post(f"/channels/{channel['id']}/members", {"user_id": gil.id}, 201)
    return ann, bob, cat, dan, gil, workspace, channel


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def give(person, channel, user, role, expect=200):
    answer = await person.patch(f"/channels/{channel['id']}/members/{user.id}", {"role": role}, expect)
    return answer["role"] if expect == 200 else answer["code"]


async def roles(person, channel):
    return {
        item["user"]["id"]: item["role"] for item in (await person.get(f"/channels/{channel['id']}/members"))["items"]
    }


async def events(person, channel):
    items = (await person.get(f"/channels/{channel['id']}/events?after=0&limit=200"))["items"]
    assert [event["ch_seq"] for event in items] == list(range(1, len(items) + 1))
    return [(event["data"]["user_id"], event["data"]["role"]) for event in items if event["type"] == "member.updated"]


async def test_a_channel_may_have_several_owners(house):
    _, bob, cat, _, _, _, channel = house
    assert await give(bob, channel, cat, "owner") == "owner"
    await cat.patch(f"/channels/{channel['id']}", {"name": "hers"})
    assert await give(cat, channel, bob, "member") == "member"
    assert await roles(bob, channel) == {**await roles(cat, channel), bob.id: "member", cat.id: "owner"}
    assert await events(cat, channel) == [(cat.id, "owner"), (bob.id, "member")]
    assert await give(bob, channel, bob, "owner", 403) == "forbidden"


async def test_the_same_role_is_no_change(house):
    _, bob, cat, _, _, _, channel = house
    for _ in range(2):
        await give(bob, channel, cat, "owner")
        await give(bob, channel, bob, "owner")
    assert await events(cat, channel) == [(cat.id, "owner")]


async def test_who_may_make_owners_of_whom(chat, house):
    ann, bob, cat, dan, gil, _, channel = house
    for person in (cat, gil, dan):
        assert await give(person, channel, cat, "owner", 403) == "forbidden"
    assert await give(await chat.person(), channel, cat, "owner", 404) == "not_found"
    for nobody in (dan, await chat.person(), type("Bot", (), {"id": BOT_USER_ID})):
        assert await give(bob, channel, nobody, "owner", 404) == "not_found"
    assert await give(bob, channel, gil, "owner", 403) == "forbidden"
    assert await give(bob, channel, cat, "admin", 422) == "validation_failed"
    assert await give(ann, channel, cat, "owner") == "owner"


async def test_a_channel_without_owners_is_governed_by_the_admins(house):
    ann, bob, cat, _, _, _, channel = house
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    assert "owner" not in (await roles(cat, channel)).values()
    await cat.patch(f"/channels/{channel['id']}", {"name": "mine"}, 403)
    assert await give(ann, channel, cat, "owner") == "owner"
    await bob.post(f"/channels/{channel['id']}/join")
    assert (await roles(bob, channel))[bob.id] == "member"


async def test_an_owner_who_becomes_a_guest_owns_nothing_until_they_are_back(house):
    ann, bob, cat, _, _, workspace, channel = house
    seat = f"/workspaces/{workspace['id']}/members/{bob.id}"
    await ann.patch(seat, {"role": "guest"})
    assert await give(bob, channel, cat, "owner", 403) == "forbidden"
    await bob.patch(f"/channels/{channel['id']}", {"name": "x"}, 403)
    await bob.post(f"/channels/{channel['id']}/archive", None, 403)
    await bob.delete(f"/channels/{channel['id']}/members/{cat.id}", 403)
    await ann.patch(seat, {"role": "member"})
    assert await give(bob, channel, cat, "owner") == "owner"


async def test_two_owners_who_set_each_other_back_at_once(house):
    _, bob, cat, _, _, _, channel = house
    await give(bob, channel, cat, "owner")
    answers = await asyncio.gather(
        *(
            one.patch(f"/channels/{channel['id']}/members/{other.id}", {"role": "member"}, None)
            for one, other in ((bob, cat), (cat, bob))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    assert sorted((await roles(bob, channel)).values()) == ["member", "member", "owner"]


async def test_who_is_being_removed_is_not_made_an_owner(house):
    _, bob, cat, _, _, _, channel = house
    path = f"/channels/{channel['id']}/members/{cat.id}"
    made, _ = await asyncio.gather(bob.patch(path, {"role": "owner"}, None), cat.delete(path))
    assert made.status_code in (200, 404)
    assert cat.id not in await roles(bob, channel)
    await events(bob, channel)
