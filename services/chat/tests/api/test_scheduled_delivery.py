"""Sending what is due: once, by whoever comes first, with the rights of that moment, and never in silence."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from tertulia_chat.app import schedulers
from tertulia_chat.database import Database
from tertulia_chat.errors import Busy
from tertulia_chat.messages.send import send_scheduled
from tertulia_chat.scheduled.delivery import Delivery, key_of
from tertulia_chat.scheduler import POLL_S, Scheduler
from tertulia_chat.tables import ScheduledMessageRow
from tertulia_shared.problems import RateLimited

from .conftest import later

MINUTELY = {"rrule": "FREQ=MINUTELY", "timezone": "UTC"}


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
        return min([await scheduler.turn() for scheduler in schedulers(chat.parts)])

    return turn


async def plan(person, channel, **more):
    body = {"channel_id": channel["id"], "text": "later", "client_msg_id": str(uuid.uuid4()), **more}
    if not more.keys() & {"send_at", "recurrence"}:
        body["send_at"] = later()
    return (await person.post(f"/workspaces/{channel['workspace_id']}/scheduled", body, 201))["scheduled"]


async def mine(person, channel, state="open"):
    return (await person.get(f"/workspaces/{channel['workspace_id']}/scheduled?show={state}"))["items"]


async def said(person, channel):
    """What people wrote; the channel's own notes are nobody's."""
    items = (await person.get(f"/channels/{channel['id']}/messages?limit=200"))["items"]
    return [item for item in items if item["system"] is None]


async def texts(person, channel):
    return [item["text"] for item in await said(person, channel)]


async def time_passes(chat, **more):
    """For all that is scheduled, by letting it have been scheduled earlier."""
    await chat.sql(
        "UPDATE scheduled_message SET due_at = due_at - $1::interval, wake_at = wake_at - $1, "
        "starts_at = starts_at - $1, anchor = anchor - $1",
        timedelta(**more),
    )


def scheduler(chat, send=send_scheduled, database=None):
    return Scheduler(database or chat.parts.database, ScheduledMessageRow, Delivery(send).deliver_due)


async def test_it_is_sent_when_it_is_due_and_not_before(chat, room, turn):
    ann, bob, channel = room
    soon = await plan(ann, channel, send_at=later(milliseconds=700), text="now, @here")
    assert 0 < await turn() < 0.7
    assert await texts(bob, channel) == []
    await asyncio.sleep(0.75)
    await turn()
    (now,) = await said(bob, channel)
    assert (now["text"], now["author_id"], now["audience"]) == ("now, @here", ann.id, "here")
    (sent,) = await mine(ann, channel, "sent")
    assert (sent["state"], sent["text"], sent["id"]) == ("sent", "", soon["id"])
    assert sent["last"] == {
        "due_at": soon["send_at"],
        "sent_at": sent["last"]["sent_at"],
        "message_id": now["id"],
        "missed": 0,
    }
    assert await turn() == POLL_S


async def test_a_reply_goes_to_its_thread(chat, room, turn):
    ann, bob, channel = room
    root = await bob.say(channel, "who comes?")
    await plan(ann, channel, thread_id=root["id"], also_in_channel=True, text=f"I, <@{bob.id}>")
    await turn()
    (root, reply) = await said(bob, channel)
    assert (reply["thread_id"], reply["in_channel"], reply["mentions"]) == (root["id"], True, [bob.id])
    assert root["thread"]["reply_count"] == 1


async def test_many_schedulers_send_everything_once(chat, room):
    ann, bob, channel = room
    for number in range(15):
        await plan(ann, channel, text=f"number {number}")
    async with Database(chat.postgres_url, pool_size=4, wake=lambda _: None) as other:
        several = [scheduler(chat, database=database) for database in (chat.parts.database, other) * 2]

        async def until_done(one):
            while await one.turn() == 0:
                pass

        await asyncio.gather(*map(until_done, several))
        for one in several:
            await one.turn()
    assert sorted(await texts(bob, channel)) == sorted(f"number {number}" for number in range(15))
    assert await mine(ann, channel) == []


async def test_its_component_sends_within_a_second(chat, room):
    ann, bob, channel = room
    running = asyncio.gather(*(one.run() for one in schedulers(chat.parts)))
    try:
        await plan(ann, channel)
        async with asyncio.timeout(5):
            while not await texts(bob, channel):
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
    (sent,) = await mine(ann, channel, "sent")
    assert sent["last"]["sent_at"] >= sent["last"]["due_at"]


DYING = """
import asyncio, os, signal, sys
from tertulia_chat.database import Database
from tertulia_chat.messages.send import send_scheduled
from tertulia_chat.scheduled.delivery import Delivery
from tertulia_chat.scheduler import Scheduler
from tertulia_chat.tables import ScheduledMessageRow

async def send(*values, **more):
    await send_scheduled(*values, **more)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with Database(sys.argv[1], pool_size=2, wake=lambda _: None) as database:
        await Scheduler(database, ScheduledMessageRow, Delivery(send).deliver_due).turn()

asyncio.run(main())
"""


async def test_a_process_killed_between_the_sending_and_the_mark_sends_once(chat, room, turn):
    ann, bob, channel = room
    await plan(ann, channel)
    died = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", DYING, chat.postgres_url], env=dict(os.environ), timeout=60
    )
    assert died.returncode == -signal.SIGKILL
    assert await texts(bob, channel) == []
    await turn()
    assert await texts(bob, channel) == [], "the dead one's hold is not over"
    await chat.sql("UPDATE scheduled_message SET wake_at = wake_at - interval '10 s'")
    await turn()
    await turn()
    assert await texts(bob, channel) == ["later"]


async def test_what_was_sent_before_a_restored_backup_is_not_sent_again(chat, room, turn):
    ann, bob, channel = room
    one = await plan(ann, channel)
    before = await chat.sql("SELECT * FROM scheduled_message")
    await turn()
    (sent,) = await mine(ann, channel, "sent")
    await chat.sql(
        "UPDATE scheduled_message SET state = 'scheduled', text = 'later', wake_at = now(), last_message_id = NULL"
    )
    await turn()
    assert await texts(bob, channel) == ["later"]
    (again,) = await mine(ann, channel, "sent")
    assert again["last"]["message_id"] == sent["last"]["message_id"]
    (row,) = await chat.sql("SELECT client_msg_id FROM message WHERE system IS NULL")
    assert row["client_msg_id"] == key_of(uuid.UUID(one["id"]), before[0]["due_at"])


@pytest.mark.parametrize("jump", [timedelta(days=-300), timedelta(days=300)])
async def test_a_clock_that_jumps_sends_nothing_early_and_nothing_twice(chat, room, turn, monkeypatch, jump):
    ann, bob, channel = room
    await plan(ann, channel, text="now")
    await plan(ann, channel, send_at=later(hours=1), text="in an hour")
    await plan(ann, channel, recurrence={**MINUTELY, "starts_at": later(seconds=-30)}, text="every minute")
    for module in ("tables", "tables.base", "messages.send", "outbox.record", "scheduled.commands"):
        monkeypatch.setattr(f"tertulia_chat.{module}.now", lambda: datetime.now(UTC) + jump, raising=False)
    for _ in range(3):
        await turn()
    assert sorted(await texts(bob, channel)) == ["every minute", "now"]
    assert {one["text"] for one in await mine(ann, channel)} == {"in an hour", "every minute"}


async def test_after_an_outage_what_was_missed_is_sent_once_and_says_so(chat, room, turn):
    ann, bob, channel = room
    await plan(ann, channel, send_at=later(minutes=5), text="once")
    await plan(ann, channel, recurrence={**MINUTELY, "starts_at": later(minutes=5)}, text="every minute")
    await time_passes(chat, minutes=125)
    for _ in range(3):
        await turn()
    assert sorted(await texts(bob, channel)) == ["every minute", "once"]
    (once,) = await mine(ann, channel, "sent")
    assert datetime.fromisoformat(once["last"]["sent_at"]) - datetime.fromisoformat(once["last"]["due_at"]) > timedelta(
        minutes=119
    )
    (every,) = await mine(ann, channel)
    last = every["last"]
    assert last["missed"] in (119, 120)
    late = datetime.fromisoformat(last["sent_at"]) - datetime.fromisoformat(last["due_at"])
    assert timedelta(0) <= late < timedelta(minutes=1)
    assert datetime.fromisoformat(every["send_at"]) - datetime.fromisoformat(last["due_at"]) == timedelta(minutes=1)


async def test_a_rule_comes_to_its_end(chat, room, turn):
    ann, bob, channel = room
    await plan(ann, channel, recurrence={**MINUTELY, "rrule": "FREQ=MINUTELY;COUNT=3", "starts_at": later()})
    for number in range(1, 6):
        await turn()
        assert len(await texts(bob, channel)) == min(number, 3)
        # Never to the same moment again: that would be the same occurrence.
        await time_passes(chat, seconds=61 + number)
    (over,) = await mine(ann, channel, "sent")
    assert (over["state"], over["text"]) == ("sent", "")


async def leave_workspace(ann, bob, channel, chat):
    await ann.delete(f"/workspaces/{channel['workspace_id']}/members/{bob.id}")


async def leave_channel(ann, bob, channel, chat):
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)


async def archive(ann, bob, channel, chat):
    await ann.post(f"/channels/{channel['id']}/archive")


async def restrict(ann, bob, channel, chat):
    await ann.patch(f"/channels/{channel['id']}", {"posting": "admins"})


async def mute(ann, bob, channel, chat):
    await ann.ask("PUT", f"/channels/{channel['id']}/mutes/{bob.id}", 200, json={"until": later(hours=1)})


async def ban(ann, bob, channel, chat):
    await ann.ask("PUT", f"/channels/{channel['id']}/bans/{bob.id}", 200, json={})


async def deactivate(ann, bob, channel, chat):
    await chat.sql("UPDATE user_account SET deactivated_at = now() WHERE id = $1", uuid.UUID(bob.id))


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (leave_workspace, "not_found"),
        (leave_channel, "not_a_member"),
        (archive, "channel_archived"),
        (restrict, "posting_restricted"),
        (mute, "muted"),
        (ban, "banned"),
        (deactivate, "author_deactivated"),
    ],
)
async def test_what_cannot_be_sent_says_why(chat, room, turn, told, happens, code):
    ann, bob, channel = room
    await plan(bob, channel, text="once")
    await plan(bob, channel, recurrence={**MINUTELY, "starts_at": later(seconds=-30)}, text="every minute")
    await happens(ann, bob, channel, chat)
    for _ in range(2):
        await turn()
    assert await texts(ann, channel) == []
    heard = [data["scheduled"] for data in await told(bob, "scheduled.updated") if data["scheduled"]]
    assert sorted((one["text"], one["state"], one["error"]) for one in heard) == [
        ("every minute", "paused", code),
        ("once", "failed", code),
    ]
    if happens is not leave_workspace:
        assert sorted(await mine(bob, channel), key=lambda one: one["text"]) == sorted(
            heard, key=lambda one: one["text"]
        )
    else:
        await bob.get(f"/workspaces/{channel['workspace_id']}/scheduled", 404)
        await bob.patch(f"/scheduled/{heard[0]['id']}", {"text": "x"}, 404)


async def test_its_author_takes_up_again_what_failed(chat, room, turn):
    ann, bob, channel = room
    once = await plan(bob, channel, text="once")
    again = await plan(bob, channel, recurrence={**MINUTELY, "starts_at": later(seconds=-30)}, text="every minute")
    await archive(ann, bob, channel, chat)
    await turn()
    await ann.post(f"/channels/{channel['id']}/unarchive")
    resumed = (await bob.patch(f"/scheduled/{again['id']}", {"paused": False}))["scheduled"]
    assert (resumed["state"], resumed["error"]) == ("scheduled", None)
    assert resumed["send_at"] > again["send_at"]
    moved = (await bob.patch(f"/scheduled/{once['id']}", {"send_at": later()}))["scheduled"]
    assert (moved["state"], moved["error"]) == ("scheduled", None)
    await turn()
    assert await texts(bob, channel) == ["once"]


async def test_what_is_only_too_soon_is_tried_again(chat, room, turn):
    ann, bob, channel = room
    await plan(ann, channel)

    async def too_soon(*_, **__):
        raise RateLimited(retry_after=7)

    await scheduler(chat, too_soon).turn()
    (one,) = await mine(ann, channel)
    assert (one["state"], one["error"]) == ("scheduled", None)
    (row,) = await chat.sql("SELECT extract(epoch FROM wake_at - now())::float8 AS wait FROM scheduled_message")
    assert 6 < row["wait"] <= 7
    await turn()
    assert await texts(bob, channel) == []
    await chat.sql("UPDATE scheduled_message SET wake_at = now()")
    await turn()
    assert await texts(bob, channel) == ["later"]


async def test_in_a_slow_channel_each_waits_for_its_turn(chat, room, turn):
    ann, bob, channel = room
    for text in ("one", "other"):
        await plan(bob, channel, text=text)
    await ann.patch(f"/channels/{channel['id']}", {"slow_mode_s": 30})
    await turn()
    (first,) = await texts(ann, channel)
    (waits,) = await mine(bob, channel)
    assert (waits["state"], waits["error"], {first, waits["text"]}) == ("scheduled", None, {"one", "other"})
    assert (await bob.post(f"/scheduled/{waits['id']}/send", None, 429))["code"] == "slow_mode"
    (row,) = await chat.sql(
        "SELECT extract(epoch FROM wake_at - now())::float8 AS wait FROM scheduled_message WHERE wake_at IS NOT NULL"
    )
    assert 20 < row["wait"] <= 30
    await chat.sql("UPDATE slow_mode_turn SET sent_at = sent_at - interval '30 s'")
    await chat.sql("UPDATE scheduled_message SET wake_at = now() WHERE wake_at IS NOT NULL")
    await turn()
    assert await texts(ann, channel) == [first, waits["text"]]


@pytest.mark.parametrize("error", [ZeroDivisionError(), Busy()])
async def test_one_that_breaks_keeps_no_other_from_its_time(chat, room, turn, error):
    ann, bob, channel = room
    await plan(ann, channel, text="broken")
    await plan(ann, channel, text="whole")

    async def send(*values, **more):
        if more["text"] == "broken":
            raise error
        return await send_scheduled(*values, **more)

    await scheduler(chat, send).turn()
    assert await texts(bob, channel) == ["whole"]
    await chat.sql("UPDATE scheduled_message SET wake_at = now() WHERE wake_at IS NOT NULL")
    await turn()
    assert sorted(await texts(bob, channel)) == ["broken", "whole"]


async def test_what_is_changed_while_it_is_sent_waits(chat, room):
    """Either it goes out as it was changed, or it is too late to change it."""
    ann, bob, channel = room
    one = await plan(ann, channel)
    sending, changed = asyncio.Event(), asyncio.Event()

    async def send(*values, **more):
        sending.set()
        await asyncio.sleep(0.2)
        return await send_scheduled(*values, **more)

    async def change():
        await sending.wait()
        answer = await ann.patch(f"/scheduled/{one['id']}", {"text": "otherwise"}, 409)
        changed.set()
        return answer["code"]

    code, _ = await asyncio.gather(change(), scheduler(chat, send).turn())
    assert code == "already_sent"
    assert await texts(bob, channel) == ["later"]


async def test_deleted_in_time_it_is_not_sent(chat, room, turn):
    ann, bob, channel = room
    one = await plan(ann, channel)
    held = await chat.sql("UPDATE scheduled_message SET wake_at = now() RETURNING id")
    await ann.delete(f"/scheduled/{one['id']}")
    async with chat.parts.database.transaction() as session:
        await chat.parts.delivery.deliver_due(session, held[0]["id"])
    await turn()
    assert await texts(bob, channel) == []


def is_note(event):
    return event["type"] == "message.created" and event["data"]["message"]["system"] is not None


async def test_somebody_leaves_while_theirs_is_sent(chat, room, turn):
    """Whatever comes first: nothing of them stands behind their departure."""
    ann, bob, channel = room
    for number in range(6):
        await plan(bob, channel, text=f"number {number}")
    await asyncio.gather(turn(), leave_channel(ann, bob, channel, chat), turn())
    await turn()
    events = (await ann.get(f"/channels/{channel['id']}/events?after=0&limit=200"))["items"]
    kinds = [event["type"] for event in events if not is_note(event)]
    assert "message.created" not in kinds[kinds.index("member.left") :]
    failed = [one for one in await mine(bob, channel) if one["state"] == "failed"]
    assert kinds.count("message.created") + len(failed) == 6


async def test_what_is_due_is_found_by_an_index(chat):
    """As it is asked: prepared, for any values."""
    for one in schedulers(chat.parts):
        connection = await asyncpg.connect(chat.postgres_url)
        try:
            await connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
            await connection.execute(f"PREPARE hold AS {one._hold}")
            plan = await connection.fetch("EXPLAIN EXECUTE hold(4, 10)")
        finally:
            await connection.close()
        text = "\n".join(row[0] for row in plan)
        index = one.name.removeprefix("scheduler:") + "_wake_idx"
        assert text.count(index) == 2
        assert "Seq Scan" not in text.replace("Seq Scan on pg_", "")
