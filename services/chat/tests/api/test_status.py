"""What people say of themselves, how they want to appear, and how both end by themselves."""

import asyncio
import json

import pytest
import pytest_asyncio
import sqlalchemy as sa

from .conftest import later

UNSAID = {"time_zone": None, "quiet_hours": None}
AUTO = {"state": "auto", "dnd_until": None, **UNSAID}


async def found(chat):
    """Ann and Bob share two workspaces, Eve none."""
    ann, bob, eve = await chat.people(3)
    workspaces = [await ann.workspace(name) for name in ("Acme", "Blue")]
    for workspace in workspaces:
        await ann.invite(workspace, bob)
    return ann, bob, eve, workspaces


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def say(person, expect=200, **status):
    answer = await person.ask("PUT", "/users/me/status", expect, json=status)
    return answer["status"] if expect == 200 else answer


async def seen(viewer, person):
    return (await viewer.get(f"/users/{person.id}"))["status"]


async def events_of(chat, kind):
    rows = await chat.sql("SELECT subject, body FROM event_log WHERE type = $1 ORDER BY id", kind)
    return [(row["subject"].split(".")[3:], json.loads(row["body"])["data"]) for row in rows]


async def test_a_status_is_told_to_every_workspace_and_shown_everywhere(chat, house):
    ann, bob, _, workspaces = house
    until = later(hours=1)
    status = await say(ann, emoji="🌴", text=" on holiday ", until=until)
    assert status == {"emoji": "🌴", "text": "on holiday", "until": until}
    assert await seen(bob, ann) == (await ann.get("/users/me"))["status"] == status
    for workspace in workspaces:
        start = await bob.get(f"/workspaces/{workspace['id']}/bootstrap")
        assert {item["user"]["id"]: item["user"]["status"] for item in start["members"]}[ann.id] == status
    told = await events_of(chat, "user.updated")
    assert sorted(place for place, _ in told) == sorted(["ws", workspace["id"]] for workspace in workspaces)
    profile = await bob.get(f"/users/{ann.id}")
    assert [fact["user"] for _, fact in told] == [profile, profile]


async def test_an_emoji_or_a_text_is_enough_and_the_next_replaces_all_of_it(house):
    ann, bob, _, _ = house
    for wish, shown in (
        ({"emoji": "❤"}, {"emoji": "❤️", "text": "", "until": None}),
        ({"text": "heads down"}, {"emoji": None, "text": "heads down", "until": None}),
        ({"text": "x" * 100, "emoji": None, "until": None}, {"emoji": None, "text": "x" * 100, "until": None}),
    ):
        assert await say(ann, **wish) == await seen(bob, ann) == shown


async def test_it_is_over_at_its_end_without_anything_happening(chat, house):
    ann, bob, _, (workspace, _) = house
    assert await say(ann, text="back in a second", until=later(seconds=1.5)) == await seen(bob, ann)
    await asyncio.sleep(1.6)
    assert await seen(bob, ann) is None
    assert (await ann.get("/users/me"))["status"] is None
    members = (await bob.get(f"/workspaces/{workspace['id']}/bootstrap"))["members"]
    assert {item["user"]["status"] for item in members if item["user"]["id"] == ann.id} == {None}
    told = await events_of(chat, "user.updated")
    await ann.delete("/users/me/status")
    assert await events_of(chat, "user.updated") == told, "whoever was told knows when it ends"
    # What is told of her afterwards does not bring it back.
    await ann.patch("/users/me", {"display_name": "Anna"})
    assert (await events_of(chat, "user.updated"))[-1][1]["user"]["status"] is None


async def test_it_can_be_taken_away(chat, house):
    ann, bob, _, _ = house
    await ann.delete("/users/me/status")
    assert await events_of(chat, "user.updated") == []
    await say(ann, text="busy")
    await ann.delete("/users/me/status")
    assert await seen(bob, ann) is None
    told = await events_of(chat, "user.updated")
    assert [fact["user"]["status"] for _, fact in told[2:]] == [None, None]
    await ann.delete("/users/me/status")
    assert await events_of(chat, "user.updated") == told


async def test_the_same_again_changes_and_tells_nothing(chat, house):
    ann, _, _, workspaces = house
    wish = {"emoji": "🍵", "text": "tea", "until": later(hours=2)}
    assert await say(ann, **wish) == await say(ann, **wish)
    assert len(await events_of(chat, "user.updated")) == len(workspaces)


async def test_whoever_is_in_no_workspace_hears_of_it_alone(chat, house, told):
    _, _, eve, _ = house
    await say(eve, text="alone")
    assert [fact["user"]["status"]["text"] for fact in await told(eve, "user.updated")] == ["alone"]
    assert len(await events_of(chat, "user.updated")) == 1


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({}, "/text"),
        ({"text": "  \n"}, "/text"),
        ({"text": "x" * 101}, "/text"),
        ({"text": "nul\0"}, "/text"),
        ({"emoji": ""}, "/emoji"),
        ({"emoji": "no"}, "/emoji"),
        ({"emoji": "👍👍", "text": "two"}, "/emoji"),
        ({"text": "late", "until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"text": "far", "until": "2999-01-01T00:00:00Z"}, "/until"),
        ({"text": "end of time", "until": "9999-12-31T23:59:59-14:00"}, "/until"),
        ({"text": "beginning", "until": "0001-01-01T00:00:00+14:00"}, "/until"),
        ({"text": "where?", "until": "2026-11-26T12:00:00"}, "/until"),
        ({"text": "x", "surprise": 1}, ""),
    ],
)
async def test_what_is_no_status_is_refused(house, wish, pointer):
    ann, bob, _, _ = house
    problem = await say(ann, 422, **wish)
    assert problem["errors"][0]["pointer"] == pointer
    assert await seen(bob, ann) is None


async def test_two_devices_at_once_tell_last_what_is_stored(chat, house):
    ann, bob, _, (workspace, _) = house
    await asyncio.gather(
        *(say(ann, text=f"number {number}") for number in range(6)),
        *(ann.patch("/users/me", {"display_name": f"Ann {number}"}) for number in range(6)),
    )
    told = [fact["user"] for place, fact in await events_of(chat, "user.updated") if place == ["ws", workspace["id"]]]
    assert told[-1] == await bob.get(f"/users/{ann.id}")


async def appear(person, expect=200, **wish):
    return await person.ask("PUT", "/users/me/presence", expect, json=wish)


async def test_how_somebody_wants_to_appear_is_theirs_alone(chat, house, told):
    ann, bob, _, _ = house
    end = later(hours=8)
    assert (await ann.get("/users/me"))["presence"] == await appear(ann) == AUTO
    states = [
        await appear(ann, state="offline"),
        await appear(ann, dnd_until=end),
        await appear(ann, state="away"),
        await appear(ann, dnd_until=None),
        await appear(ann, state="auto"),
    ]
    assert states == [
        {"state": "offline", "dnd_until": None, **UNSAID},
        {"state": "offline", "dnd_until": end, **UNSAID},
        {"state": "away", "dnd_until": end, **UNSAID},
        {"state": "away", "dnd_until": None, **UNSAID},
        AUTO,
    ]
    assert await appear(ann, state="auto") == (await ann.get("/users/me"))["presence"]
    assert await told(ann, "presence.updated") == [{"user_id": ann.id, "presence": state} for state in states]
    assert await told(bob, "presence.updated") == []
    assert all(place == ["user", ann.id] for place, _ in await events_of(chat, "presence.updated"))
    profile = json.dumps(await bob.get(f"/users/{ann.id}"))
    assert "presence" not in profile
    assert "dnd" not in profile


async def test_quiet_ends_by_itself(house):
    ann, *_ = house
    await appear(ann, dnd_until=later(seconds=1.5))
    await asyncio.sleep(1.6)
    assert (await ann.get("/users/me"))["presence"] == AUTO


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"state": "invisible"}, "/state"),
        ({"state": None}, "/state"),
        ({"dnd_until": "2020-01-01T00:00:00Z"}, "/dnd_until"),
        ({"dnd_until": "9999-12-31T23:59:59-14:00"}, "/dnd_until"),
        ({"dnd_until": 5}, "/dnd_until"),
        ({"status": "auto"}, ""),
    ],
)
async def test_what_is_no_wish_is_refused(house, wish, pointer):
    ann, *_ = house
    assert (await appear(ann, 422, **wish))["errors"][0]["pointer"] == pointer
    assert (await ann.get("/users/me"))["presence"] == AUTO


@pytest.mark.parametrize("workspaces", [0, 1, 8])
async def test_the_cost_in_statements_does_not_grow_with_the_workspaces(chat, workspaces):
    ann = await chat.person()
    for number in range(workspaces):
        await ann.workspace(f"Place {number}")
    sent = []
    engine = chat.parts.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *more: sent.append(more[2]))
    costs = []
    for method, path, body in (
        ("PUT", "/users/me/status", {"text": "busy"}),
        ("PUT", "/users/me/status", {"text": "busy"}),
        ("DELETE", "/users/me/status", None),
        ("PUT", "/users/me/presence", {"state": "away"}),
        ("PUT", "/users/me/presence", {"state": "away"}),
    ):
        sent.clear()
        await ann.ask(method, path, None, **({"json": body} if body else {}))
        costs.append(len(sent))
    assert costs == [4, 1, 4, 3, 1]
