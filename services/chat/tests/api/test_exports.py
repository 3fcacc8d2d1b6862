"""What search and analytics build and check their projections from."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor

import pytest
import pytest_asyncio

from tertulia_chat.relay.partitions import keep

HOUR = timedelta(hours=1)


async def furnish(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def ask(chat, path, expect=200, **params):
    headers = {"authorization": f"Bearer {chat.parts.services.issue('analytics')}"}
    return await chat.ask("GET", f"/internal/v1/{path}", expect, params=params, headers=headers)


def text_of(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_all_messages_come_in_pages_as_they_are_now(chat, room):
    ann, bob, channel = room
    said = [await (ann, bob)[number % 2].say(channel, f"line {number}") for number in range(7)]
    await ann.reply(channel, said[0], "a reply")
    await ann.patch(f"/messages/{said[2]['id']}", {"text": "edited"})
    await bob.delete(f"/messages/{said[3]['id']}", 200)
    collected, after, pages = [], {}, 0
    while True:
        page = await ask(chat, "messages/export", limit=3, **after)
        collected += page["items"]
        pages += 1
        if page["next"] is None:
            break
        assert page["next"] == page["items"][-1]["id"]
        after = {"after": page["next"]}
    listed = (await ann.get(f"/channels/{channel['id']}/messages"))["items"]
    assert collected == sorted(listed, key=lambda message: message["id"])
    assert [message["system"] and message["system"]["kind"] for message in collected] == ["joined", *[None] * 8]
    assert pages == 3
    assert [message["text"] for message in collected if message["deleted_at"]] == [""]
    assert (await ask(chat, "messages/export", limit=9))["next"] is None
    assert await ask(chat, "messages/export", after=str(uuid.UUID(int=2**128 - 1))) == {"items": [], "next": None}


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 5001}, {"after": "x"}])
async def test_unacceptable_pages_are_refused(chat, params):
    await ask(chat, "messages/export", 422, **params)


async def test_five_thousand_at_once(chat, room):
    ann, _, channel = room
    await chat.sql(
        "INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at) "
        "SELECT gen_random_uuid(), $1, $2, 100 + n, $3, gen_random_uuid(), 'line ' || n, now() "
        "FROM generate_series(1, 5001) n",
        *(uuid.UUID(value) for value in (channel["workspace_id"], channel["id"], ann.id)),
    )
    first = await ask(chat, "messages/export", limit=5000)
    rest = await ask(chat, "messages/export", limit=5000, after=first["next"])
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (5000, 2, None)
    assert len({message["id"] for message in first["items"] + rest["items"]}) == 5002


async def test_messages_are_counted_by_workspace_without_deleted_ones(chat, room):
    ann, bob, channel = room
    other = await bob.workspace()
    said = [await ann.say(channel, str(number)) for number in range(3)]
    await bob.say(other["general"], "hello")
    await ann.delete(f"/messages/{said[0]['id']}", 200)
    counted = {item["workspace_id"]: item["messages"] for item in (await ask(chat, "messages/counts"))["items"]}
    assert counted == {channel["workspace_id"]: 2, other["id"]: 1}


async def stored(chat):
    """Every event as (hour of its envelope, type, id)."""
    rows = await chat.sql("SELECT body FROM event_log")
    events = [json.loads(row["body"]) for row in rows]
    return [(event["time"][:13] + ":00:00Z", event["type"], event["id"]) for event in events]


def signed(event_id):
    return int.from_bytes(uuid.UUID(event_id).bytes[8:], signed=True)


async def test_the_digest_is_that_of_the_log(chat, room):
    _, bob, channel = room
    for number in range(5):
        said = await bob.say(channel, f'"time":"2020-01-01T00:00:00Z" {number}')
    await bob.patch(f"/messages/{said['id']}", {"text": "edited"})
    await bob.delete(f"/messages/{said['id']}", 200)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    # Spread over several hours, as the envelopes tell, and the row's own time in the hour after.
    for place, earlier in enumerate((hour - HOUR, hour - 2 * HOUR)):
        await chat.sql(
            'UPDATE event_log SET body = regexp_replace(body, \'"time":"[^"]+"\', $1), created_at = $2 '
            "WHERE id IN (SELECT id FROM event_log ORDER BY id OFFSET $3 LIMIT 4)",
            f'"time":"{earlier:%Y-%m-%dT%H}:59:59.900000Z"',
            earlier + HOUR + timedelta(seconds=3),
            4 * place,
        )
    groups: dict[tuple[str, str], list[str]] = {}
    for when, kind, event_id in await stored(chat):
        groups.setdefault((when, kind), []).append(event_id)
    assert len({when for when, _ in groups}) >= 3
    found = await ask(chat, "events/digest", **{"from": text_of(hour - 3 * HOUR), "to": text_of(hour + 2 * HOUR)})
    assert {(item["hour"], item["type"]): (item["count"], item["xor"]) for item in found["items"]} == {
        key: (len(ids), str(reduce(xor, map(signed, ids)))) for key, ids in groups.items()
    }
    for (when, kind), ids in groups.items():
        assert sorted((await ask(chat, "events/ids", hour=when, type=kind))["ids"]) == sorted(ids)
    one = (await ask(chat, "events/digest", **{"from": text_of(hour - HOUR), "to": text_of(hour)}))["items"]
    assert {item["hour"] for item in one} == {text_of(hour - HOUR)}
    assert (await ask(chat, "events/ids", hour=text_of(hour), type="no.such"))["ids"] == []


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("events/digest", {"from": "2026-11-21T00:30:00Z", "to": "2026-11-21T02:00:00Z"}, "from"),
        ("events/digest", {"from": "2026-11-21T00:00:00Z", "to": "2026-11-21T02:00:01Z"}, "to"),
        ("events/digest", {"from": "2026-11-21T00:00:00", "to": "2026-11-21T02:00:00Z"}, "from"),
        ("events/ids", {"hour": "2026-11-21T00:00:00.5Z", "type": "message.created"}, "hour"),
    ],
)
async def test_only_whole_hours_are_asked_for(chat, path, params, parameter):
    problem = await ask(chat, path, 422, **params)
    assert problem["errors"][0]["parameter"] == parameter


async def test_hours_of_other_zones_are_understood(chat, room):
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    utc = await ask(chat, "events/digest", **{"from": text_of(hour), "to": text_of(hour + HOUR)})
    east = hour + 2 * HOUR
    zoned = {"from": f"{east:%Y-%m-%dT%H}:00:00+02:00", "to": f"{east + HOUR:%Y-%m-%dT%H}:00:00+02:00"}
    assert await ask(chat, "events/digest", **zoned) == utc


async def test_the_log_says_how_far_back_it_goes(chat):
    assert await ask(chat, "events/bounds") == {"oldest": None}
    ann = await chat.person()
    await ann.workspace()
    (first,) = await chat.sql("SELECT body FROM event_log ORDER BY id LIMIT 1")
    assert (await ask(chat, "events/bounds"))["oldest"] == json.loads(first["body"])["time"]


async def test_an_hour_is_found_without_reading_other_days(chat):
    today = datetime.now(UTC)
    await keep(chat.postgres_url, today.date(), timedelta(days=7))
    rows = await chat.sql(
        "EXPLAIN SELECT count(*) FROM event_log WHERE created_at >= $1 AND created_at < $1 + interval '3 hours'",
        today + timedelta(days=2),
    )
    plan = "\n".join(row[0] for row in rows)
    days = [today + timedelta(days=offset) for offset in range(-1, 7)]
    read = [offset for offset, day in enumerate(days, -1) if f"event_log_{day:%Y%m%d}" in plan]
    assert set(read) <= {2, 3}
    assert read
