"""Channels, direct conversations, joining and leaving."""

import asyncio
import uuid

import pytest


async def pair(chat, role="member"):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, role=role)
    return ann, bob, workspace


async def test_public_channels_are_found_and_joined_by_everybody(chat):
    ann, bob, workspace = await pair(chat)
    channel = await ann.channel(workspace, "plans")
    listed = (await bob.get(f"/workspaces/{workspace['id']}/channels"))["items"]
    assert [(item["channel"]["name"], item["joined"]) for item in listed] == [("general", True), ("plans", False)]
    joined = await bob.post(f"/channels/{channel['id']}/join")
    assert joined["last_seq"] == channel["last_seq"] + 2  # The joining, and that the channel says it.
    assert (await bob.post(f"/channels/{channel['id']}/join"))["last_seq"] == joined["last_seq"]
    assert (await bob.get(f"/channels/{channel['id']}"))["member_count"] == 2


async def test_private_channels_do_not_exist_for_those_outside(chat):
    ann, bob, workspace = await pair(chat, role="admin")
    channel = await ann.channel(workspace, "secret", "private")
    await bob.get(f"/channels/{channel['id']}", 404)
    await bob.post(f"/channels/{channel['id']}/join", None, 404)
    names = [item["channel"]["name"] for item in (await bob.get(f"/workspaces/{workspace['id']}/channels"))["items"]]
    assert names == ["general"]
    await ann.post(f"/channels/{channel['id']}/members", {"user_id": bob.id}, 201)
    await ann.post(f"/channels/{channel['id']}/members", {"user_id": bob.id}, 200)
    assert (await bob.get(f"/channels/{channel['id']}"))["joined"] is True


async def test_a_public_channel_can_be_read_but_not_written_from_outside(chat):
    ann, bob, workspace = await pair(chat)
    channel = await ann.channel(workspace)
    await ann.say(channel, "hello")
    assert len((await bob.get(f"/channels/{channel['id']}/messages"))["items"]) == 1
    assert (await bob.say(channel, "me too", expect=403))["code"] == "not_a_member"


async def test_guests_see_only_what_they_are_in(chat):
    ann, guest, workspace = await pair(chat, role="guest")
    channel = await ann.channel(workspace)
    await guest.get(f"/channels/{channel['id']}", 404)
    await guest.say(channel, "hello", expect=404)
    names = [item["channel"]["name"] for item in (await guest.get(f"/workspaces/{workspace['id']}/channels"))["items"]]
    assert names == ["general"]
    await guest.post(f"/workspaces/{workspace['id']}/channels", {"kind": "public", "name": "mine"}, 403)
    await ann.post(f"/channels/{channel['id']}/members", {"user_id": guest.id}, 201)
    await guest.say(channel, "thanks")
    await guest.post(f"/channels/{channel['id']}/members", {"user_id": ann.id}, 403)


@pytest.mark.parametrize(
    ("wish", "name"), [("Plans", "plans"), ("ДОМ-2", "дом-2"), ("日本", "日本"), ("x" * 64, "x" * 64)]
)
async def test_channel_names_are_letters_of_any_language_in_lower_case(chat, wish, name):
    ann = await chat.person()
    workspace = await ann.workspace()
    assert (await ann.channel(workspace, wish))["name"] == name


@pytest.mark.parametrize("wish", ["", "-a", ".a", "a b", "a/b", "a\u202eb", "x" * 65, "🙂", "a\n"])
async def test_other_channel_names_are_refused(chat, wish):
    ann = await chat.person()
    workspace = await ann.workspace()
    await ann.post(f"/workspaces/{workspace['id']}/channels", {"kind": "public", "name": wish}, 422)


async def test_a_name_is_taken_once_in_a_workspace_and_free_in_another(chat):
    ann = await chat.person()
    workspace, other = await ann.workspace(), await ann.workspace()
    body = {"kind": "private", "name": "PLANS"}
    await ann.channel(workspace, "plans")
    assert (await ann.post(f"/workspaces/{workspace['id']}/channels", body, 409))["code"] == "channel_name_taken"
    await ann.post(f"/workspaces/{other['id']}/channels", body, 201)


async def test_the_same_people_always_meet_in_the_same_place(chat):
    ann, bob, workspace = await pair(chat)
    path = f"/workspaces/{workspace['id']}/dms"
    first = await ann.post(path, {"user_ids": [bob.id]}, 201)
    assert (first["kind"], first["name"], first["member_ids"]) == ("dm", None, sorted([ann.id, bob.id]))
    again = await bob.post(path, {"user_ids": [ann.id, bob.id, ann.id]}, 200)
    assert again["id"] == first["id"]
    notes = await ann.post(path, {"user_ids": [ann.id]}, 201)
    assert (notes["kind"], notes["member_ids"]) == ("dm", [ann.id])


async def test_a_conversation_opened_by_both_at_once_is_one(chat):
    ann, bob, workspace = await pair(chat)
    path = f"/workspaces/{workspace['id']}/dms"
    answers = await asyncio.gather(
        *(one.post(path, {"user_ids": [other.id]}, None) for one, other in [(ann, bob), (bob, ann)] * 2)
    )
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_group_conversations_take_nine_people_and_no_strangers(chat):
    ann, *others = await chat.people(10)
    workspace = await ann.workspace()
    await ann.invite(workspace, *others[:8])
    path = f"/workspaces/{workspace['id']}/dms"
    group = await ann.post(path, {"user_ids": [one.id for one in others[:8]]}, 201)
    assert (group["kind"], len(group["member_ids"])) == ("group_dm", 9)
    await ann.post(path, {"user_ids": [one.id for one in others[:9]]}, 422)
    await ann.post(path, {"user_ids": [others[8].id]}, 404)
    await ann.post(path, {"user_ids": []}, 422)
    await ann.post(path, {"user_ids": ["nobody"]}, 422)


async def test_the_people_of_a_conversation_do_not_change(chat):
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    path = f"/channels/{talk['id']}"
    for problem in (
        await ann.post(f"{path}/leave", None, 409),
        await ann.post(f"{path}/members", {"user_id": cat.id}, 409),
        await ann.delete(f"{path}/members/{bob.id}", 409),
    ):
        assert problem["code"] == "direct_channel"
    await cat.get(path, 404)


async def test_a_conversation_takes_back_who_left_the_workspace(chat):
    ann, bob, workspace = await pair(chat)
    path = f"/workspaces/{workspace['id']}/dms"
    talk = await ann.post(path, {"user_ids": [bob.id]}, 201)
    await bob.delete(f"/workspaces/{workspace['id']}/members/{bob.id}")
    assert (await ann.get(f"/channels/{talk['id']}"))["channel"]["member_ids"] == [ann.id]
    await ann.invite(workspace, bob)
    again = await ann.post(path, {"user_ids": [bob.id]}, 200)
    assert (again["id"], again["member_ids"]) == (talk["id"], sorted([ann.id, bob.id]))


async def test_leaving_is_idempotent_and_ends_writing(chat):
    ann, bob, workspace = await pair(chat)
    channel = await ann.channel(workspace)
    await bob.post(f"/channels/{channel['id']}/join")
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    await bob.say(channel, "?", expect=403)
    events = (await ann.get(f"/channels/{channel['id']}/events"))["items"]
    assert [event["type"] for event in events] == [
        "member.joined",
        "member.joined",
        "message.created",
        "member.left",
        "message.created",
    ]
    assert [event["data"]["message"]["system"]["kind"] for event in events[2::2]] == ["joined", "left"]


async def test_who_may_remove_whom_from_a_channel(chat):
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    channel = await bob.channel(workspace)
    path = f"/channels/{channel['id']}/members"
    for one in (ann, cat):
        await one.post(f"/channels/{channel['id']}/join")
    await cat.delete(f"{path}/{ann.id}", 403)
    await bob.delete(f"{path}/{cat.id}")
    await bob.delete(f"{path}/{cat.id}", 404)
    await ann.delete(f"{path}/{bob.id}")
    await ann.delete(f"{path}/{ann.id}")
    assert (await ann.get(f"/channels/{channel['id']}"))["member_count"] == 0


async def test_only_people_of_the_workspace_are_added(chat):
    ann, stranger = await chat.people(2)
    workspace = await ann.workspace()
    path = f"/channels/{workspace['general']['id']}/members"
    await ann.post(path, {"user_id": stranger.id}, 404)
    await ann.post(path, {"user_id": str(uuid.uuid4())}, 404)


async def test_an_archived_channel_takes_nobody_in(chat):
    ann, bob, workspace = await pair(chat)
    channel = await ann.channel(workspace)
    await chat.sql("UPDATE channel SET archived_at = now() WHERE id = $1", uuid.UUID(channel["id"]))
    assert (await bob.post(f"/channels/{channel['id']}/join", None, 409))["code"] == "channel_archived"
    assert (await ann.say(channel, "?", expect=409))["code"] == "channel_archived"


async def test_channels_and_members_come_in_pages(chat):
    ann, bob, workspace = await pair(chat)
    for name in ("a", "b", "c"):
        await ann.channel(workspace, name)
    first = await bob.get(f"/workspaces/{workspace['id']}/channels?limit=3")
    rest = await bob.get(f"/workspaces/{workspace['id']}/channels?limit=3&cursor={first['next']}")
    names = [item["channel"]["name"] for item in first["items"] + rest["items"]]
    assert (names, rest["next"]) == (["general", "a", "b", "c"], None)
    path = f"/channels/{workspace['general']['id']}/members?limit=1"
    one = await ann.get(path)
    two = await ann.get(f"{path}&cursor={one['next']}")
    assert [page["items"][0]["user"]["id"] for page in (one, two)] == sorted([ann.id, bob.id])
    assert two["next"] is None


async def test_leaving_the_workspace_while_joining_a_channel_leaves_no_trace(chat):
    ann, *others = await chat.people(6)
    workspace = await ann.workspace()
    channel = await ann.channel(workspace)
    await ann.invite(workspace, *others)
    await asyncio.gather(
        *(one.post(f"/channels/{channel['id']}/join", None, None) for one in others),
        *(one.delete(f"/workspaces/{workspace['id']}/members/{one.id}") for one in others),
    )
    left_over = await chat.sql(
        "SELECT 1 FROM channel_member m WHERE NOT EXISTS "
        "(SELECT 1 FROM workspace_member w WHERE w.workspace_id = m.workspace_id AND w.user_id = m.user_id)"
    )
    assert left_over == []
