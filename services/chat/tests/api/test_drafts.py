"""Drafts: one for each person and place, the last writer wins, and what one said before is nowhere."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia_shared.events import decode, decode_envelope


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def write(person, channel, text, expect=200, **more):
    answer = await person.ask("PUT", f"/channels/{channel['id']}/draft", expect, json={"text": text, **more})
    return answer["draft"] if expect == 200 else answer


async def draft(person, channel, query=""):
    return (await person.get(f"/channels/{channel['id']}/draft{query}"))["draft"]


async def drafts(person, channel, query=""):
    return await person.get(f"/workspaces/{channel['workspace_id']}/drafts{query}")


async def told(chat):
    rows = await chat.sql("SELECT * FROM event_log WHERE type = 'draft.updated' ORDER BY id")
    assert all(decode(decode_envelope(row["body"])) is not None for row in rows)
    return rows


def ago(seconds):
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


async def test_a_draft_is_the_same_on_all_my_devices(chat, room):
    ann, bob, channel = room
    written = await write(bob, channel, "half a thou")
    assert (written["channel_id"], written["thread_id"], written["text"]) == (channel["id"], None, "half a thou")
    assert await draft(bob, channel) == written
    assert await drafts(bob, channel) == {"items": [written], "next": None}
    (row,) = await told(chat)
    assert json.loads(row["body"])["data"] == {"channel_id": channel["id"], "thread_id": None, "draft": written}
    assert row["subject"].split(".")[3:] == ["user", bob.id]
    assert (str(row["channel_id"]), row["ch_seq"]) == (channel["id"], None)
    assert await draft(ann, channel) is None
    assert await drafts(ann, channel) == {"items": [], "next": None}
    await bob.delete(f"/channels/{channel['id']}/draft")
    assert await draft(bob, channel) is None
    assert json.loads((await told(chat))[-1]["body"])["data"]["draft"] is None


async def test_a_thread_has_a_draft_of_its_own(room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    reply = await ann.reply(channel, root, "reply")
    elsewhere = await ann.say(await ann.channel({"id": channel["workspace_id"]}, "other"), "elsewhere")
    in_thread = await write(bob, channel, "for the thread", thread_id=root["id"])
    in_channel = await write(bob, channel, "for the channel")
    assert in_thread["thread_id"] == root["id"]
    assert await draft(bob, channel, f"?thread_id={root['id']}") == in_thread
    assert await draft(bob, channel) == in_channel
    for nowhere in (reply, elsewhere, {"id": str(uuid.uuid4())}, channel):
        problem = await write(bob, channel, "lost", 422, thread_id=nowhere["id"])
        assert problem["code"] == "thread_not_found"
        if nowhere is not channel:
            assert await draft(bob, channel, f"?thread_id={nowhere['id']}") is None
            await bob.delete(f"/channels/{channel['id']}/draft?thread_id={nowhere['id']}")
    await ann.delete(f"/messages/{root['id']}", 200)
    await bob.delete(f"/channels/{channel['id']}/draft")
    assert (await drafts(bob, channel))["items"] == [in_thread]
    await bob.delete(f"/channels/{channel['id']}/draft?thread_id={root['id']}")
    assert (await drafts(bob, channel))["items"] == []


async def test_the_same_text_changes_nothing(chat, room):
    _, bob, channel = room
    path = f"/channels/{channel['id']}/draft"
    await bob.delete(path)
    assert await write(bob, channel, "") is None
    written = await write(bob, channel, "once")
    assert await write(bob, channel, "once") == written
    assert len(await told(chat)) == 1
    for _ in range(2):
        await bob.delete(path)
    assert len(await told(chat)) == 2


@pytest.mark.parametrize("nothing", ["", " \n\t"])
async def test_an_empty_text_drops_the_draft(chat, room, nothing):
    _, bob, channel = room
    await write(bob, channel, "half a thought")
    assert await write(bob, channel, nothing) is None
    assert await draft(bob, channel) is None
    assert (await drafts(bob, channel))["items"] == []
    assert json.loads((await told(chat))[-1]["body"])["data"]["draft"] is None


async def test_who_comes_late_loses_also_against_a_draft_that_was_dropped(room):
    _, bob, channel = room
    written = await write(bob, channel, "from the train", updated_at=ago(60))
    assert await write(bob, channel, "from the platform", updated_at=ago(120)) == written
    newer = await write(bob, channel, "from home", updated_at=ago(30))
    assert newer["text"] == "from home"
    await bob.delete(f"/channels/{channel['id']}/draft")
    assert await write(bob, channel, "from the tunnel", updated_at=ago(10)) is None
    assert (await write(bob, channel, "now"))["text"] == "now"


async def test_nobody_writes_in_the_future(room):
    _, bob, channel = room
    written = await write(bob, channel, "tomorrow", updated_at=ago(-86_400))
    assert datetime.fromisoformat(written["updated_at"]) <= datetime.now(UTC)
    assert (await write(bob, channel, "today"))["text"] == "today"
    for early in ("0001-01-01T00:00:00+14:00", "1969-12-31T00:00:00Z"):
        assert (await write(bob, channel, "long ago", updated_at=early))["text"] == "today"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": "x" * 16_001}, "/text"),
        ({"text": "nul \0"}, "/text"),
        ({"text": None}, "/text"),
        ({}, ""),
        ({"text": "x", "thread_id": "root"}, "/thread_id"),
        ({"text": "x", "updated_at": "2026-11-25T10:00:00"}, "/updated_at"),
        ({"text": "x", "updated_at": "yesterday"}, "/updated_at"),
    ],
)
async def test_what_is_no_draft_is_refused(room, body, pointer):
    _, bob, channel = room
    problem = await bob.ask("PUT", f"/channels/{channel['id']}/draft", 422, json=body)
    assert problem["errors"][0]["pointer"] == pointer
    assert await draft(bob, channel) is None


async def test_a_draft_may_be_as_long_as_a_message_and_sending_leaves_it(room):
    _, bob, channel = room
    written = await write(bob, channel, "🫠" * 16_000)
    await bob.say(channel, written["text"])
    assert await draft(bob, channel) == written


async def test_what_a_draft_said_before_is_nowhere(chat, room):
    ann, bob, channel = room
    root = await ann.say(channel, "root")
    for place in ({}, {"thread_id": root["id"]}):
        for word in ("hunter1", "hunter2", "hunter3"):
            await write(bob, channel, word, **place)
    stored = str(await told(chat)) + str(await chat.sql("SELECT * FROM draft"))
    assert [word in stored for word in ("hunter1", "hunter2", "hunter3")] == [False, False, True]
    assert [bool(json.loads(row["body"])["data"]["draft"]) for row in await told(chat)] == [False, False, True] * 2
    await bob.delete(f"/channels/{channel['id']}/draft")
    await write(bob, channel, "", thread_id=root["id"])
    assert "hunter" not in str(await told(chat)) + str(await chat.sql("SELECT * FROM draft"))
    await write(bob, channel, "again")
    await chat.sql("DELETE FROM event_log")
    await write(bob, channel, "and again")


async def test_the_last_that_was_told_is_what_is(chat, room):
    """Of many devices that write and drop at once."""
    _, bob, channel = room
    for turn in range(4):
        await asyncio.gather(
            *(write(bob, channel, f"turn {turn}, device {device}") for device in range(8)),
            *(bob.delete(f"/channels/{channel['id']}/draft") for _ in range(2)),
        )
        bodies = [json.loads(row["body"])["data"]["draft"] for row in await told(chat)]
        assert bodies[-1] == await draft(bob, channel)
        assert not any(bodies[:-1])


# Which device says what: it wrote so many seconds ago, or writes now.
WRITES = st.lists(st.tuples(st.sampled_from([None, 10, 20, 30, 40]), st.sampled_from(["", "a", "b"])), max_size=12)


@given(writes=WRITES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_last_writer_wins(chat, writes):
    ann = await chat.person()
    channel = (await ann.workspace())["general"]
    now, told_text, told_at = datetime.now(UTC), "", -1.0
    for number, (seconds, text) in enumerate(writes):
        when = {} if seconds is None else {"updated_at": (now - timedelta(seconds=seconds)).isoformat()}
        at = 1000.0 + number if seconds is None else 100.0 - seconds
        answer = await write(ann, channel, text, **when)
        if at >= told_at and text != told_text:
            told_text, told_at = text, at
        assert (answer["text"] if answer else "") == told_text
    found = (await drafts(ann, channel))["items"]
    assert [item["text"] for item in found] == ([told_text] if told_text else [])
