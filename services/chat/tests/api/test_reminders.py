"""Reminders about messages: for their person alone, once when their time comes, without repeating what was said."""

import asyncio
import uuid

import pytest
import pytest_asyncio

from tertulia_chat.app import schedulers

from .conftest import later


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


@pytest.fixture
def turn(chat):
    """One turn of every scheduler."""

    async def turn():
        for scheduler in schedulers(chat.parts):
            await scheduler.turn()

    return turn


async def remind(person, message, expect=201, **more):
    body = {"remind_at": later(**(more or {"hours": 1}))}
    answer = await person.post(f"/messages/{message['id']}/reminders", body, expect)
    return answer["reminder"] if expect in (200, 201) else answer


async def mine(person, channel, query=""):
    return (await person.get(f"/workspaces/{channel['workspace_id']}/reminders{query}"))["items"]


async def test_a_reminder_is_its_persons_alone(room, told):
    ann, bob, channel = room
    said = await ann.say(channel, "read this")
    one = await remind(bob, said)
    assert (one["message_id"], one["channel_id"], one["state"]) == (said["id"], channel["id"], "pending")
    assert await mine(bob, channel) == [{"reminder": one, "subject": "there", "message": said}]
    assert await mine(ann, channel) == []
    assert await told(bob, "reminder.updated") == [{"reminder_id": one["id"], "reminder": one}]
    assert await told(ann, "reminder.updated") == []
    await ann.patch(f"/reminders/{one['id']}", {"completed": True}, 404)
    await ann.delete(f"/reminders/{one['id']}", 404)


async def test_setting_it_again_moves_it(room, told):
    ann, _, channel = room
    said = await ann.say(channel, "read this")
    answers = await asyncio.gather(*(remind(ann, said, None) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    body = {"remind_at": later(days=2)}
    for _ in range(2):
        moved = await ann.post(f"/messages/{said['id']}/reminders", body, 200)
    assert [item["reminder"] for item in await mine(ann, channel)] == [moved["reminder"]]
    assert moved["reminder"]["remind_at"] == body["remind_at"]
    heard = await told(ann, "reminder.updated")
    assert heard[-1]["reminder"] == moved["reminder"] != heard[-2]["reminder"]


async def test_it_rings_once_however_many_look(chat, room, turn, told):
    ann, bob, channel = room
    said = [await ann.say(channel, f"number {number}") for number in range(6)]
    for one in said:
        await remind(bob, one, seconds=0)
    await remind(bob, await ann.say(channel, "not yet"), minutes=5)
    await asyncio.gather(*(turn() for _ in range(4)))
    await turn()
    heard = await told(bob, "reminder.due")
    assert sorted(data["reminder"]["message_id"] for data in heard) == sorted(one["id"] for one in said)
    assert {data["subject"] for data in heard} == {"there"}
    assert [item["reminder"]["state"] for item in await mine(bob, channel)] == ["pending"] + ["due"] * 6
    assert await told(ann, "reminder.due") == []


async def test_snoozed_it_rings_again_and_completed_never(chat, room, turn, told):
    ann, _, channel = room
    one = await remind(ann, await ann.say(channel, "read this"), seconds=0)
    path = f"/reminders/{one['id']}"
    await turn()
    snoozed = (await ann.patch(path, {"remind_at": later(hours=2)}))["reminder"]
    assert snoozed["state"] == "pending"
    await turn()
    assert len(await told(ann, "reminder.due")) == 1
    await ann.patch(path, {"remind_at": later()})
    await turn()
    assert len(await told(ann, "reminder.due")) == 2
    completed = (await ann.patch(path, {"completed": True}))["reminder"]
    assert completed["state"] == "completed"
    assert completed["completed_at"] is not None
    assert (await ann.patch(path, {"completed": True}))["reminder"] == completed
    assert await mine(ann, channel) == []
    assert [item["reminder"] for item in await mine(ann, channel, "?show=completed")] == [completed]
    reopened = (await ann.patch(path, {"completed": False}))["reminder"]
    assert (reopened["state"], reopened["completed_at"]) == ("due", None)
    await ann.patch(path, {"remind_at": later(hours=2), "completed": True})
    await turn()
    assert len(await told(ann, "reminder.due")) == 2
    again = await remind(ann, {"id": one["message_id"]}, 200)
    assert (again["id"], again["state"]) == (one["id"], "pending")
    await ann.delete(path)
    await ann.delete(path, 404)
    assert (await told(ann, "reminder.updated"))[-1] == {"reminder_id": one["id"], "reminder": None}


async def test_what_was_deleted_or_is_hidden_is_not_told(chat, room, turn, told):
    ann, bob, channel = room
    secret = await ann.channel({"id": channel["workspace_id"]}, "secret", "private")
    await ann.post(f"/channels/{secret['id']}/members", {"user_id": bob.id}, 201)
    gone, hidden = await ann.say(channel, "oh no"), await ann.say(secret, "between us")
    for one in (gone, hidden):
        await remind(bob, one, seconds=0)
    await ann.delete(f"/messages/{gone['id']}", 200)
    await ann.delete(f"/channels/{secret['id']}/members/{bob.id}")
    await turn()
    expected = {gone["id"]: "deleted", hidden["id"]: "hidden"}
    heard = await told(bob, "reminder.due")
    assert {data["reminder"]["message_id"]: data["subject"] for data in heard} == expected
    items = await mine(bob, channel)
    assert {item["reminder"]["message_id"]: item["subject"] for item in items} == expected
    assert [item["message"] for item in items] == [None, None]
    rows = await chat.sql("SELECT body FROM event_log WHERE type LIKE 'reminder.%'")
    assert not any("oh no" in row["body"] or "between us" in row["body"] for row in rows)
    await ann.delete(f"/messages/{hidden['id']}", 200)
    assert {item["subject"] for item in await mine(bob, channel)} == {"deleted", "hidden"}
    await ann.post(f"/channels/{secret['id']}/members", {"user_id": bob.id}, 201)
    assert {item["subject"] for item in await mine(bob, channel)} == {"deleted"}


async def test_who_left_the_workspace_is_told_nothing_of_the_message(room, turn, told):
    ann, bob, channel = room
    await remind(bob, await ann.say(channel, "read this"), seconds=0)
    await ann.delete(f"/workspaces/{channel['workspace_id']}/members/{bob.id}")
    await turn()
    assert [data["subject"] for data in await told(bob, "reminder.due")] == ["hidden"]
    await bob.get(f"/workspaces/{channel['workspace_id']}/reminders", 404)


async def test_what_cannot_be_meant_is_refused(room, monkeypatch):
    ann, bob, channel = room
    said, gone = await ann.say(channel, "read this"), await ann.say(channel, "oh no")
    await ann.delete(f"/messages/{gone['id']}", 200)
    assert (await remind(ann, gone, 409))["code"] == "message_deleted"
    assert (await remind(ann, {"id": str(uuid.uuid4())}, 404))["code"] == "not_found"
    assert (await remind(ann, said, 422, minutes=-2))["code"] == "time_in_the_past"
    assert (await remind(ann, said, 422, days=367))["code"] == "time_too_far"
    one = await remind(ann, said)
    for wrong in ({"remind_at": later(minutes=-2)}, {"remind_at": "now"}, {"state": "due"}):
        await ann.patch(f"/reminders/{one['id']}", wrong, 422)
    assert (await ann.patch(f"/reminders/{one['id']}", {}))["reminder"] == one
    monkeypatch.setattr("tertulia_chat.reminders.commands.MAX_OPEN", 1)
    other = await ann.say(channel, "and this")
    assert (await remind(ann, other, 409))["code"] == "too_many_reminders"
    await remind(ann, said, 200)
    await remind(bob, other)


async def test_pages_are_whole_while_others_come_and_go(room):
    ann, _, channel = room
    there = [await remind(ann, await ann.say(channel, f"number {number}")) for number in range(7)]
    for gone in there[1::3]:
        await ann.patch(f"/reminders/{gone['id']}", {"completed": True})
    stays = [one["id"] for one in there if one not in there[1::3]][::-1]
    found, cursor = [], ""
    path = f"/workspaces/{channel['workspace_id']}/reminders?limit=2"
    while True:
        page = await ann.get(f"{path}{cursor}")
        found += [item["reminder"]["id"] for item in page["items"]]
        await remind(ann, await ann.say(channel, "one more"))
        await ann.patch(f"/reminders/{stays[0]}", {"remind_at": later(days=1 + len(found))})
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == stays
    for wrong in ("limit=0", "cursor=x", "show=all"):
        await ann.get(f"/workspaces/{channel['workspace_id']}/reminders?{wrong}", 422)
