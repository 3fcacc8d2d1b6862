"""Which channels newcomers find themselves in: default channels, and what an invitation says for guests."""

import asyncio
import uuid

import pytest
import pytest_asyncio


async def found(chat):
    """Ann's workspace with `news` (default), `plans`, and the private `secret`."""
    ann, newcomer = await chat.people(2)
    workspace = await ann.workspace()
    news, plans = [await ann.channel(workspace, name) for name in ("news", "plans")]
    secret = await ann.channel(workspace, "secret", "private")
    await ann.patch(f"/channels/{news['id']}", {"is_default": True})
    return ann, newcomer, workspace, news, plans, secret


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def invited(person, workspace, expect=201, **wish):
    return await person.post(f"/workspaces/{workspace['id']}/invites", wish, expect)


async def joined(person, workspace):
    page = await person.get(f"/workspaces/{workspace['id']}/channels?filter=joined")
    return [item["channel"]["name"] for item in page["items"]]


async def enter(person, workspace, invite):
    await person.post(f"/invites/{invite['code']}/accept")
    return await joined(person, workspace)


async def test_general_is_a_default_channel_from_the_founding(house):
    _, _, workspace, *_ = house
    assert workspace["general"]["is_default"] is True


@pytest.mark.parametrize("role", ["member", "admin"])
async def test_newcomers_join_every_default_channel(house, role):
    ann, bob, workspace, news, *_ = house
    assert await enter(bob, workspace, await invited(ann, workspace, role=role)) == ["general", "news"]
    events = (await ann.get(f"/channels/{news['id']}/events?after=0"))["items"]
    kinds = ["member.joined", "channel.updated", "member.joined", "message.created"]
    assert [event["type"] for event in events] == kinds
    assert (await bob.get(f"/channels/{news['id']}"))["member_count"] == 2


async def test_who_is_in_already_does_not_join_a_new_default_channel(chat, house):
    ann, bob, workspace, news, plans, _ = house
    await enter(bob, workspace, await invited(ann, workspace))
    await ann.patch(f"/channels/{plans['id']}", {"is_default": True})
    assert await joined(bob, workspace) == ["general", "news"]
    await ann.post(f"/channels/{news['id']}/archive")
    await ann.patch(f"/channels/{workspace['general']['id']}", {"is_default": False})
    cat = await chat.person()
    assert await enter(cat, workspace, await invited(ann, workspace)) == ["plans"]


async def test_a_default_channel_keeps_its_newcomers_under_another_name(house):
    ann, bob, workspace, *_ = house
    await ann.patch(f"/channels/{workspace['general']['id']}", {"name": "lobby"})
    assert await enter(bob, workspace, await invited(ann, workspace)) == ["lobby", "news"]


async def test_guests_come_into_the_channels_that_the_invitation_names(house):
    ann, gil, workspace, _, plans, secret = house
    chosen = sorted([plans["id"], secret["id"]])
    invite = await invited(ann, workspace, role="guest", channel_ids=[secret["id"], plans["id"], plans["id"]])
    assert invite["channel_ids"] == chosen
    listed = (await ann.get(f"/workspaces/{workspace['id']}/invites"))["items"]
    assert [one["channel_ids"] for one in listed if one["code"] == invite["code"]] == [chosen]
    assert await enter(gil, workspace, invite) == ["plans", "secret"]
    assert await enter(gil, workspace, invite) == ["plans", "secret"]
    await gil.say(secret, "thank you")


async def test_guests_of_an_invitation_that_says_nothing_join_general_as_ever(chat, house):
    ann, gil, workspace, *_ = house
    assert (await invited(ann, workspace, role="guest"))["channel_ids"] is None
    assert await enter(gil, workspace, await invited(ann, workspace, role="guest")) == ["general"]
    eve = await chat.person()
    assert await enter(eve, workspace, await invited(ann, workspace, role="guest", channel_ids=[])) == []


async def test_an_invitation_lets_in_where_its_maker_could(chat, house):
    """When it is accepted: archived channels and those that its maker no longer reads are left out."""
    ann, gil, workspace, news, plans, secret = house
    bob, cat = await chat.people(2)
    await ann.invite(workspace, bob, cat, role="admin")
    await bob.post(f"/channels/{plans['id']}/join")
    await ann.post(f"/channels/{secret['id']}/members", {"user_id": bob.id}, 201)
    ids = [news["id"], plans["id"], secret["id"], workspace["general"]["id"]]
    invite = await invited(bob, workspace, role="guest", channel_ids=ids)
    await ann.patch(f"/channels/{plans['id']}", {"kind": "private"})
    await ann.delete(f"/channels/{secret['id']}/members/{bob.id}")
    await ann.post(f"/channels/{news['id']}/archive")
    assert await enter(gil, workspace, invite) == ["general", "plans"]


async def test_what_no_invitation_says(chat, house):
    ann, bob, workspace, _, plans, secret = house
    await ann.invite(workspace, bob, role="admin")
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    elsewhere = (await bob.workspace())["general"]
    old = await ann.channel(workspace, "old")
    await ann.post(f"/channels/{old['id']}/archive")
    for person, ids, status, code in (
        (bob, [secret["id"]], 404, "not_found"),
        (bob, [elsewhere["id"]], 404, "not_found"),
        (bob, [str(uuid.uuid4())], 404, "not_found"),
        (bob, [talk["id"]], 409, "direct_channel"),
        (bob, [old["id"]], 409, "channel_archived"),
        (bob, [plans["id"]] * 51, 422, "validation_failed"),
        (bob, ["plans"], 422, "validation_failed"),
    ):
        assert (await invited(person, workspace, status, role="guest", channel_ids=ids))["code"] == code
    refused = await invited(bob, workspace, 422, role="member", channel_ids=[plans["id"]])
    assert refused["errors"][0]["pointer"] == "/channel_ids"


async def test_many_come_in_at_once(chat, house):
    ann, _, workspace, news, *_ = house
    people = await chat.people(6)
    invite = await invited(ann, workspace)
    await asyncio.gather(
        *(person.post(f"/invites/{invite['code']}/accept") for person in people),
        ann.patch(f"/channels/{news['id']}", {"is_default": False}),
    )
    for person in people:
        assert "general" in await joined(person, workspace)
    for channel in (workspace["general"], news):
        state = await ann.get(f"/channels/{channel['id']}")
        events = (await ann.get(f"/channels/{channel['id']}/events?after=0&limit=200"))["items"]
        assert [event["ch_seq"] for event in events] == list(range(1, state["channel"]["last_seq"] + 1))
        assert state["member_count"] == sum(event["type"] == "member.joined" for event in events)
        kinds = [event["type"] for event in events]
        if channel is news:
            assert "member.joined" not in kinds[len(kinds) - kinds[::-1].index("channel.updated") :]
