"""Scheduling, changing and taking back: what the author sees and what is refused."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from .conftest import later

DAILY = {"rrule": "FREQ=DAILY;BYHOUR=9;BYMINUTE=0", "timezone": "Europe/Madrid"}


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def plan(person, channel, expect=201, **more):
    body = {"channel_id": channel["id"], "text": "later", "client_msg_id": str(uuid.uuid4()), **more}
    if not more.keys() & {"send_at", "recurrence"}:
        body["send_at"] = later(hours=1)
    answer = await person.post(f"/workspaces/{channel['workspace_id']}/scheduled", body, expect)
    return answer["scheduled"] if expect in (200, 201) else answer


async def mine(person, channel, query=""):
    return (await person.get(f"/workspaces/{channel['workspace_id']}/scheduled{query}"))["items"]


async def test_what_is_scheduled_is_shown_to_its_author_alone(room):
    ann, bob, channel = room
    at = later(days=3)
    one = await plan(ann, channel, send_at=at, text="  see **you**  ")
    assert one["state"] == "scheduled"
    assert (one["text"], one["send_at"], one["channel_id"]) == ("  see **you**  ", at, channel["id"])
    assert (one["recurrence"], one["error"], one["last"]) == (None, None, None)
    other = await plan(ann, channel)
    assert await mine(ann, channel) == [other, one]
    assert await mine(ann, channel, "?show=sent") == []
    assert await mine(bob, channel) == []
    for method, path, body in (("PATCH", "", {"text": "x"}), ("DELETE", "", None), ("POST", "/send", None)):
        more = {"json": body} if body else {}
        await bob.ask(method, f"/scheduled/{one['id']}{path}", 404, **more)
    assert await mine(ann, channel) == [other, one]


async def test_scheduling_again_answers_with_what_there_is(room):
    ann, _, channel = room
    key = str(uuid.uuid4())
    one = await plan(ann, channel, client_msg_id=key)
    changed = (await ann.patch(f"/scheduled/{one['id']}", {"text": "otherwise"}))["scheduled"]
    assert await plan(ann, channel, 200, client_msg_id=key) == changed
    elsewhere = await ann.channel({"id": channel["workspace_id"]}, "elsewhere")
    assert (await plan(ann, elsewhere, 409, client_msg_id=key))["code"] == "client_msg_id_reused"
    key = str(uuid.uuid4())
    answers = await asyncio.gather(*(plan(ann, channel, None, client_msg_id=key) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len(await mine(ann, channel)) == 2


async def test_a_recurring_one_shows_its_next_time(room):
    ann, _, channel = room
    starts_at = later(days=1)
    one = await plan(
        ann, channel, recurrence={**DAILY, "rrule": f"rrule:{DAILY['rrule'].lower()}", "starts_at": starts_at}
    )
    whole = starts_at[:19] + "Z"
    assert one["recurrence"] == {**DAILY, "starts_at": whole}
    assert one["send_at"] > whole
    assert one["send_at"][13:] == f":00:{whole[17:]}", "a rule says nothing of seconds"


@pytest.mark.parametrize(
    ("more", "code", "pointer"),
    [
        ({"send_at": later(minutes=-2)}, "time_in_the_past", "/send_at"),
        ({"send_at": "0001-01-01T00:00:00+14:00"}, "time_in_the_past", "/send_at"),
        ({"send_at": later(days=367)}, "time_too_far", "/send_at"),
        ({"send_at": "9999-12-31T23:59:59-14:00"}, "time_too_far", "/send_at"),
        ({"send_at": None}, "validation_failed", "/send_at"),
        ({"send_at": "2027-01-01T00:00:00"}, "validation_failed", "/send_at"),
        (
            {"send_at": later(days=1), "recurrence": {**DAILY, "starts_at": later(days=1)}},
            "validation_failed",
            "/send_at",
        ),
        ({"recurrence": {**DAILY, "starts_at": later(days=-1)}}, "time_in_the_past", "/recurrence/starts_at"),
        ({"recurrence": {**DAILY, "starts_at": later(days=367)}}, "time_too_far", "/recurrence/starts_at"),
        (
            {"recurrence": {**DAILY, "rrule": "FREQ=SECONDLY", "starts_at": later(days=1)}},
            "recurrence_invalid",
            "/recurrence/rrule",
        ),
        (
            {"recurrence": {**DAILY, "rrule": "FREQ=DAILY;UNTIL=20200101", "starts_at": later(days=1)}},
            "recurrence_over",
            "/recurrence/rrule",
        ),
        (
            {"recurrence": {**DAILY, "rrule": "FREQ=DAILY;" * 40, "starts_at": later(days=1)}},
            "validation_failed",
            "/recurrence/rrule",
        ),
        (
            {"recurrence": {**DAILY, "timezone": "Mars", "starts_at": later(days=1)}},
            "timezone_unknown",
            "/recurrence/timezone",
        ),
        ({"also_in_channel": True}, "validation_failed", "/also_in_channel"),
        ({"thread_id": str(uuid.uuid4())}, "thread_not_found", "/thread_id"),
        ({"text": " "}, "validation_failed", "/text"),
    ],
)
async def test_what_cannot_be_meant_is_refused(room, more, code, pointer):
    ann, _, channel = room
    answer = await plan(ann, channel, 422, **more)
    assert (answer["code"], answer["errors"][0]["pointer"]) == (code, pointer)
    assert await mine(ann, channel) == []


async def test_a_rule_whose_first_time_is_years_ahead_is_refused(room):
    ann, _, channel = room
    year = datetime.now(UTC).year
    leap = next(year + ahead for ahead in range(2, 8) if (year + ahead) % 4 == 0)
    recurrence = {
        **DAILY,
        "rrule": f"FREQ=YEARLY;INTERVAL={leap - year};BYMONTH=1;BYMONTHDAY=1",
        "starts_at": later(days=1),
    }
    assert (await plan(ann, channel, 422, recurrence=recurrence))["code"] == "time_too_far"


async def test_who_may_not_write_there_schedules_nothing_there(room):
    ann, bob, channel = room
    workspace = {"id": channel["workspace_id"]}
    secret = await ann.channel(workspace, "secret", "private")
    assert (await plan(bob, secret, 404))["code"] == "not_found"
    plans = await ann.channel(workspace)
    assert (await plan(bob, plans, 403))["code"] == "not_a_member"
    await ann.patch(f"/channels/{channel['id']}", {"posting": "admins"})
    assert (await plan(bob, channel, 403))["code"] == "posting_restricted"
    await ann.post(f"/channels/{plans['id']}/archive")
    assert (await plan(ann, plans, 409))["code"] == "channel_archived"
    elsewhere = (await ann.workspace("Other"))["general"]
    await plan(ann, {**elsewhere, "workspace_id": workspace["id"]}, 404)


async def test_only_so_many_are_open(chat, room, monkeypatch):
    monkeypatch.setattr("tertulia_chat.scheduled.commands.MAX_OPEN", 3)
    ann, _, channel = room
    answers = await asyncio.gather(*(plan(ann, channel, None) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    assert {answer.json().get("code") for answer in answers} == {None, "too_many_scheduled"}
    (first, *_) = await mine(ann, channel)
    await ann.delete(f"/scheduled/{first['id']}")
    await plan(ann, channel)
    await plan(ann, (await ann.workspace("Other"))["general"])


async def test_text_and_time_change(room):
    ann, _, channel = room
    one = await plan(ann, channel)
    path, at = f"/scheduled/{one['id']}", later(days=2)
    assert (await ann.patch(path, {}))["scheduled"] == one
    changed = (await ann.patch(path, {"text": "otherwise", "send_at": at}))["scheduled"]
    assert changed == {**one, "text": "otherwise", "send_at": at, "updated_at": changed["updated_at"]}
    starts_at = later(days=1)[:19] + "Z"
    recurring = (await ann.patch(path, {"recurrence": {**DAILY, "starts_at": starts_at}}))["scheduled"]
    assert recurring["recurrence"] == {**DAILY, "starts_at": starts_at}
    assert (await ann.patch(path, {"send_at": at}))["scheduled"]["recurrence"] is None
    assert (await ann.patch(path, {"paused": True}, 422))["errors"][0]["pointer"] == "/paused"
    for wrong in ({"send_at": later(days=-1)}, {"text": ""}, {"channel_id": channel["id"]}, {"recurrence": None}):
        await ann.patch(path, wrong, 422)
    await ann.delete(path)
    await ann.delete(path, 404)
    assert await mine(ann, channel) == []


async def test_a_recurring_one_pauses_and_goes_on(room):
    ann, _, channel = room
    one = await plan(ann, channel, recurrence={**DAILY, "starts_at": later(minutes=1)})
    path = f"/scheduled/{one['id']}"
    paused = (await ann.patch(path, {"paused": True}))["scheduled"]
    assert (paused["state"], paused["error"]) == ("paused", None)
    resumed = (await ann.patch(path, {"paused": False}))["scheduled"]
    assert resumed == {**one, "updated_at": resumed["updated_at"]}


async def test_what_is_sent_now_is_sent_once(room):
    ann, bob, channel = room
    one = await plan(ann, channel, text="hello @channel")
    answers = await asyncio.gather(*(ann.post(f"/scheduled/{one['id']}/send", None, None) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 4
    assert {answer.json().get("code") for answer in answers} == {None, "already_sent"}
    (sent,) = [answer.json() for answer in answers if answer.status_code == 200]
    (*_, shown) = (await bob.get(f"/channels/{channel['id']}/messages"))["items"]
    assert shown == sent["message"]
    assert (shown["text"], shown["audience"], shown["author_id"]) == ("hello @channel", "channel", ann.id)
    done = sent["scheduled"]
    assert (done["state"], done["text"], done["last"]["message_id"]) == ("sent", "", shown["id"])
    assert (await mine(ann, channel), await mine(ann, channel, "?show=sent")) == ([], [done])
    assert (await ann.patch(f"/scheduled/{one['id']}", {"text": "x"}, 409))["code"] == "already_sent"
    await ann.delete(f"/scheduled/{one['id']}")
    assert await mine(ann, channel, "?show=sent") == []


async def test_sending_now_is_refused_as_sending_is(room):
    ann, bob, channel = room
    one, again = await plan(bob, channel), await plan(bob, channel, recurrence={**DAILY, "starts_at": later(days=1)})
    assert (await bob.post(f"/scheduled/{again['id']}/send", None, 409))["code"] == "recurring"
    await ann.post(f"/channels/{channel['id']}/archive")
    assert (await bob.post(f"/scheduled/{one['id']}/send", None, 409))["code"] == "channel_archived"
    assert (await mine(bob, channel))[1] == one


async def test_pages_are_whole_while_others_come_and_go(room):
    ann, _, channel = room
    there = [await plan(ann, channel, text=f"number {number}") for number in range(7)]
    for gone in there[1::3]:
        await ann.post(f"/scheduled/{gone['id']}/send")
    stays = [one["id"] for one in there if one not in there[1::3]][::-1]
    found, cursor = [], ""
    path = f"/workspaces/{channel['workspace_id']}/scheduled?limit=2"
    while True:
        page = await ann.get(f"{path}{cursor}")
        found += [item["id"] for item in page["items"]]
        await plan(ann, channel)
        await ann.patch(f"/scheduled/{stays[0]}", {"send_at": later(days=1 + len(found))})
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == stays
    for wrong in ("limit=0", "cursor=x", "show=all"):
        await ann.get(f"/workspaces/{channel['workspace_id']}/scheduled?{wrong}", 422)
