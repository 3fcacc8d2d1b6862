"""Where people's clocks are, the hours in which nothing rings, and what who writes to them learns of both."""

import json
import random
import uuid
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from tertulia_chat.clocks import quiet_until
from tertulia_shared.events import BOT_USER_ID

from .conftest import later

ZONE = "Asia/Kathmandu"


async def found(chat):
    """Ann, Bob and Cat are in a channel, and Ann and Bob talk to each other; Dan is in the workspace, Eve is not."""
    people = ann, bob, cat, dan, _ = await chat.people(5)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat, dan)
    channel = await ann.channel(workspace)
    for person in (bob, cat):
        await person.post(f"/channels/{channel['id']}/join")
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    return people, workspace, channel, talk


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def wish(person, expect=200, **wishes):
    return await person.ask("PUT", "/users/me/presence", expect, json=wishes)


async def reach(person, channel, expect=200):
    return await person.ask("GET", f"/channels/{channel['id']}/reach", expect)


def hours(zone, start, end):
    """From so many hours after now to so many, by the clock of this zone."""
    local = datetime.now(ZoneInfo(zone))
    return {name: f"{local + timedelta(hours=at):%H:%M}" for name, at in (("starts", start), ("ends", end))}


async def sleeps(person, zone=ZONE):
    """They are in the middle of their quiet hours, which end in about eleven hours: nobody's test takes that long."""
    return await wish(person, time_zone=zone, quiet_hours=hours(zone, -11, 11))


async def silences(chat, person, workspace):
    await chat.decide()
    page = await person.get(f"/workspaces/{workspace['id']}/notifications")
    return [(item["message"]["text"], item["notification"]["silent"]) for item in reversed(page["items"])]


async def test_both_are_off_until_somebody_says_so_and_told_to_all_devices(house, told):
    (ann, bob, *_), *_ = house
    night = {"starts": "22:00", "ends": "07:30"}
    assert (await ann.get("/users/me"))["presence"] == {
        **{"state": "auto", "dnd_until": None, "time_zone": None, "quiet_hours": None}
    }
    states = [
        await wish(ann, time_zone=ZONE),
        await wish(ann, quiet_hours=night),
        await wish(ann, state="away"),
        await wish(ann, time_zone="Europe/Madrid", quiet_hours=None),
    ]
    assert [(state["time_zone"], state["quiet_hours"]) for state in states] == [
        *((ZONE, None), (ZONE, night), (ZONE, night), ("Europe/Madrid", None))
    ]
    assert await wish(ann, time_zone="Europe/Madrid") == (await ann.get("/users/me"))["presence"] == states[-1]
    assert [fact["presence"] for fact in await told(ann, "presence.updated")] == states
    profile = json.dumps(await bob.get(f"/users/{ann.id}"))
    assert "zone" not in profile
    assert "quiet" not in profile


@pytest.mark.parametrize(
    ("wishes", "pointer", "code"),
    [
        ({"time_zone": "Mars/Olympus"}, "/time_zone", "timezone_unknown"),
        ({"time_zone": "localtime"}, "/time_zone", "timezone_unknown"),
        ({"time_zone": "../etc/passwd"}, "/time_zone", "timezone_unknown"),
        ({"time_zone": None}, "/time_zone", "validation_failed"),
        ({"quiet_hours": {"starts": "22:00", "ends": "07:00"}}, "/time_zone", "validation_failed"),
        (
            {"time_zone": "UTC", "quiet_hours": {"starts": "22:00", "ends": "22:00"}},
            "/quiet_hours/ends",
            "validation_failed",
        ),
        (
            {"time_zone": "UTC", "quiet_hours": {"starts": "24:00", "ends": "07:00"}},
            "/quiet_hours/starts",
            "validation_failed",
        ),
        (
            {"time_zone": "UTC", "quiet_hours": {"starts": "22:00", "ends": "7:00"}},
            "/quiet_hours/ends",
            "validation_failed",
        ),
        (
            {"time_zone": "UTC", "quiet_hours": {"starts": "22:00", "ends": "07:00\n"}},
            "/quiet_hours/ends",
            "validation_failed",
        ),
    ],
)
async def test_what_is_neither_zone_nor_hours_is_refused(house, wishes, pointer, code):
    (ann, *_), *_ = house
    problem = await wish(ann, 422, **wishes)
    assert (problem["errors"][0]["pointer"], problem["code"]) == (pointer, code)
    assert (await ann.get("/users/me"))["presence"]["time_zone"] is None


async def test_in_quiet_hours_they_are_told_silently(chat, house, told):
    (ann, bob, cat, *_), workspace, channel, _ = house
    await sleeps(bob)
    await wish(cat, time_zone=ZONE, quiet_hours=hours(ZONE, 1, 2))
    await ann.say(channel, "now, @channel")
    assert await silences(chat, bob, workspace) == [("now, @channel", True)]
    assert await silences(chat, cat, workspace) == [("now, @channel", False)]
    await wish(bob, quiet_hours=None)
    await ann.say(channel, f"awake, <@{bob.id}>?")
    assert [silent for _, silent in await silences(chat, bob, workspace)] == [True, False]
    assert [fact["notification"]["silent"] for fact in await told(bob, "notification.created")] == [True, False]


async def test_so_are_those_who_do_not_want_to_be_disturbed_for_a_while(chat, house):
    (ann, bob, *_), workspace, channel, _ = house
    await wish(bob, dnd_until=later(hours=1))
    await ann.say(channel, f"<@{bob.id}>")
    await chat.decide()
    await wish(bob, dnd_until=None)
    await ann.say(channel, "@here")
    assert [silent for _, silent in await silences(chat, bob, workspace)] == [True, False]


async def test_a_notification_that_returns_is_as_silent_as_it_was(chat, house, told):
    (ann, bob, *_), workspace, channel, _ = house
    await sleeps(bob)
    message = await ann.say(channel, f"<@{bob.id}>")
    await chat.decide()
    await ann.delete(f"/messages/{message['id']}", 200)
    await chat.decide()
    await wish(bob, quiet_hours=None)
    await ann.post(f"/messages/{message['id']}/restore")
    assert [silent for _, silent in await silences(chat, bob, workspace)] == [True]
    assert [fact["notification"]["silent"] for fact in await told(bob, "notification.created")] == [True, True]


async def test_a_zone_that_postgresql_does_not_know_keeps_nobody_from_being_told(chat, house):
    """A database may have moved to a machine that knows fewer of them."""
    (ann, bob, cat, *_), workspace, channel, talk = house
    await sleeps(bob)
    await sleeps(cat)
    await chat.sql("UPDATE user_account SET time_zone = 'Nowhere/Else' WHERE id = $1", uuid.UUID(bob.id))
    await ann.say(channel, "@channel")
    assert await silences(chat, bob, workspace) == [("@channel", False)]
    assert await silences(chat, cat, workspace) == [("@channel", True)]
    assert await reach(ann, channel) == {"people": 2, "time_zones": 1, "quiet_until": None}
    assert await reach(ann, talk) == {"people": 1, "time_zones": 0, "quiet_until": None}


async def test_postgresql_and_the_composer_mean_the_same_hours(chat):
    dice = random.Random(11)
    zones = ("UTC", ZONE, "Europe/Madrid", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe")
    asked = [
        (
            datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(5 * 366 * 24 * 60)),
            dice.choice(zones),
            *(time(minutes // 60, minutes % 60) for minutes in dice.sample(range(24 * 60), 2)),
        )
        for _ in range(2_000)
    ]
    statement = """SELECT is_quiet(moment, place, starts, ends) AS quiet
        FROM unnest($1::timestamptz[], $2::text[], $3::time[], $4::time[]) WITH ORDINALITY
        AS x (moment, place, starts, ends, n) ORDER BY n"""
    rows = await chat.sql(statement, *(list(column) for column in zip(*asked, strict=True)))
    ends = [quiet_until(place, starts, ends, moment) for moment, place, starts, ends in asked]
    assert [row["quiet"] for row in rows] == [end is not None for end in ends]
    assert {row["quiet"] for row in rows} == {True, False}
    for (moment, place, _, ends_at), end in zip(asked, ends, strict=True):
        if end is not None:
            # An hour more or less on the days on which clocks change.
            assert timedelta(0) <= end - moment <= timedelta(hours=25)
            local = end.astimezone(ZoneInfo(place)).replace(tzinfo=None)
            assert abs(local - datetime.combine(local.date(), ends_at)) <= timedelta(hours=1)


async def test_a_channel_tells_how_many_people_and_clocks_and_nothing_more(house):
    (ann, bob, cat, *_), _, channel, _ = house
    assert await reach(ann, channel) == {"people": 2, "time_zones": 0, "quiet_until": None}
    await wish(ann, time_zone="Europe/Madrid")
    await sleeps(bob)
    await wish(cat, time_zone="Asia/Katmandu")
    assert await reach(ann, channel) == {"people": 2, "time_zones": 1, "quiet_until": None}, "two names of one clock"
    await wish(cat, time_zone="America/Bogota")
    assert await reach(ann, channel) == {"people": 2, "time_zones": 2, "quiet_until": None}
    assert await reach(bob, channel) == {"people": 2, "time_zones": 2, "quiet_until": None}
    await cat.post(f"/channels/{channel['id']}/leave", None, 204)
    assert await reach(ann, channel) == {"people": 1, "time_zones": 1, "quiet_until": None}


async def test_a_direct_conversation_tells_until_when_the_other_sleeps(house):
    (ann, bob, *_), _, _, talk = house
    await wish(bob, time_zone=ZONE, quiet_hours=hours(ZONE, 1, 2))
    assert (await reach(ann, talk))["quiet_until"] is None
    settings = await sleeps(bob)
    end = datetime.fromisoformat((await reach(ann, talk))["quiet_until"])
    assert f"{end.astimezone(ZoneInfo(ZONE)):%H:%M}" == settings["quiet_hours"]["ends"]
    assert timedelta(hours=10) < end - datetime.now(UTC) < timedelta(hours=12)
    assert (await reach(bob, talk))["quiet_until"] is None, "it is about the other"
    await wish(bob, quiet_hours=None, dnd_until=later(hours=1))
    assert (await reach(ann, talk))["quiet_until"] is None, "a pause is theirs alone"


async def test_who_talks_to_nobody_or_to_the_bot_reaches_nobody(house):
    (ann, *_), workspace, *_ = house
    for other in (ann.id, BOT_USER_ID):
        talk = await ann.ask("POST", f"/workspaces/{workspace['id']}/dms", None, json={"user_ids": [other]})
        assert await reach(ann, talk.json()) == {"people": 0, "time_zones": 0, "quiet_until": None}


async def test_nobody_else_learns_it(house):
    (ann, bob, cat, dan, eve), workspace, channel, talk = house
    await sleeps(bob)
    for stranger in (cat, dan, eve):
        await reach(stranger, talk, 404)
    group = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id, cat.id]}, 201)
    assert (await reach(ann, group))["quiet_until"] is None
    secret = await ann.channel(workspace, "secret", kind="private")
    await reach(bob, secret, 404)
    assert (await reach(dan, channel, 403))["code"] == "not_a_member"
    await reach(eve, channel, 404)
    gil = (await ann.chat.people(1))[0]
    await ann.invite(workspace, gil, role="guest")
    await reach(gil, channel, 404)
    await ann.ask("PUT", f"/channels/{channel['id']}/bans/{cat.id}", json={"reason": "enough"})
    await reach(cat, channel, 403)
    await ann.delete(f"/workspaces/{workspace['id']}/members/{bob.id}")
    await reach(bob, talk, 404)
