"""What other services ask chat."""

import asyncio
import json
import time
import uuid

import asyncpg
import pytest

from tertulia_shared.events import BOT_USER_ID


def service(chat):
    return {"authorization": f"Bearer {chat.parts.services.issue('notify')}"}


async def snapshot(chat, query=""):
    answer = await chat.ask("GET", f"/internal/v1/memberships{query}", None, headers=service(chat))
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_the_snapshot_tells_who_belongs_where_and_which_sessions_ended(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    await chat.login(bob.user["username"])
    await bob.post("/auth/logout", None, 204)
    *lines, end = await snapshot(chat)
    general = workspace["general"]["id"]
    assert end == {"end": True, "count": len(lines)}
    assert [line for line in lines if "s" in line] == [
        {"c": general, "w": workspace["id"], "u": ann.id, "s": 1},
        {"c": general, "w": workspace["id"], "u": bob.id, "s": 2},
    ]
    assert [line for line in lines if "n" in line] == [
        {"c": general, "n": 3, "w": workspace["id"], "k": "public", "name": "general"}
    ]
    belong = {line["name"]: line for line in lines if "role" in line}
    assert belong == {
        ann.user["username"]: {"w": workspace["id"], "u": ann.id, "role": "owner", "name": ann.user["username"]},
        bob.user["username"]: {"w": workspace["id"], "u": bob.id, "role": "member", "name": bob.user["username"]},
        "bot": {"w": workspace["id"], "u": BOT_USER_ID, "role": "member", "name": "bot", "bot": True},
    }
    (revoked,) = [line for line in lines if "revoked" in line]
    assert time.time() < revoked["exp"] <= time.time() + 901


async def test_the_snapshot_tells_every_channel_also_empty_and_nameless_ones(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    empty = await ann.channel(workspace, "дом-2")
    await ann.post(f"/channels/{empty['id']}/leave", None, 204)
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    lines = await snapshot(chat)
    channels = {line["c"]: line for line in lines if "n" in line}
    assert channels[empty["id"]] == {"c": empty["id"], "n": 3, "w": workspace["id"], "k": "public", "name": "дом-2"}
    assert channels[talk["id"]] == {"c": talk["id"], "n": 2, "w": workspace["id"], "k": "dm", "name": None}
    assert not [line for line in lines if line.get("c") == empty["id"] and "s" in line]


async def test_who_asks_is_told_who_wants_to_appear_otherwise_than_they_are(chat):
    ann, bob, _ = await chat.people(3)
    for person, state in ((ann, "offline"), (bob, "away")):
        await person.ask("PUT", "/users/me/presence", json={"state": state})
    *lines, end = await snapshot(chat, "?wishes=true")
    assert sorted(lines, key=lambda line: line["wish"]) == [
        {"u": bob.id, "wish": "away"},
        {"u": ann.id, "wish": "offline"},
    ]
    assert end == {"end": True, "count": 2}
    assert await snapshot(chat) == [{"end": True, "count": 0}]


async def test_sessions_that_ended_long_ago_are_forgotten(chat):
    ann = await chat.person()
    await ann.post("/auth/logout", None, 204)
    await chat.sql("UPDATE session SET revoked_at = now() - interval '16 minutes'")
    assert await snapshot(chat) == [{"end": True, "count": 0}]


@pytest.mark.parametrize("many", [5_000, pytest.param(100_000, marks=pytest.mark.full)])
async def test_memberships_are_streamed_however_many(chat, many):
    ann = await chat.person()
    workspace = await ann.workspace()
    await chat.sql(
        "WITH many AS (INSERT INTO channel (id, workspace_id, kind, name, created_by, created_at) "
        "SELECT gen_random_uuid(), $1, 'public', 'c' || n, $2, now() FROM generate_series(1, $3::int) n RETURNING id) "
        "INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq) "
        "SELECT id, $2, $1, 'member', now(), 1 FROM many",
        uuid.UUID(workspace["id"]),
        uuid.UUID(ann.id),
        many,
    )
    started = time.perf_counter()
    lines = await snapshot(chat)
    print(f"{many:,} memberships in {time.perf_counter() - started:.2f} s")
    assert lines[-1] == {"end": True, "count": 2 * many + 4}
    assert len(lines) == 2 * many + 5


def written(author, text, day=1, **more):
    created_at = f"2026-11-{day:02d}T09:00:00Z"
    return {"author_id": author.id, "text": text, "created_at": created_at, "client_msg_id": str(uuid.uuid4()), **more}


async def test_an_import_keeps_order_authors_and_times_and_can_be_repeated(chat, said_in):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    channel = workspace["general"]
    messages = [written((ann, bob)[number % 2], f"line {number}", number + 1) for number in range(20)]
    path = f"/internal/v1/channels/{channel['id']}/import"
    first = await chat.ask("POST", path, json={"messages": messages + messages[:1]}, headers=service(chat))
    assert first == {"imported": 20, "skipped": 1, "last_seq": 23}
    again = await chat.ask("POST", path, json={"messages": messages}, headers=service(chat))
    assert again == {"imported": 0, "skipped": 20, "last_seq": 23}
    items = await said_in(ann, channel)
    assert [item["text"] for item in items] == [message["text"] for message in messages]
    assert items[3]["created_at"].startswith("2026-11-04T09:00:00")
    events = (await ann.get(f"/channels/{channel['id']}/events?after=3"))["items"]
    assert [event["data"]["message"] for event in events] == items
    assert (await ann.get(f"/channels/{channel['id']}"))["channel"]["last_msg_seq"] == 23


async def test_an_import_refuses_strangers_and_unknown_places(chat):
    ann, stranger = await chat.people(2)
    workspace = await ann.workspace()
    path = f"/internal/v1/channels/{workspace['general']['id']}/import"
    problem = await chat.ask("POST", path, 422, json={"messages": [written(stranger, "hi")]}, headers=service(chat))
    assert problem["errors"][0]["pointer"] == "/messages/0/author_id"
    naive = written(ann, "hi", created_at="2026-11-01T09:00:00")
    await chat.ask("POST", path, 422, json={"messages": [naive]}, headers=service(chat))
    nowhere = f"/internal/v1/channels/{uuid.uuid4()}/import"
    await chat.ask("POST", nowhere, 404, json={"messages": [written(ann, "hi")]}, headers=service(chat))
    many = [written(ann, "hi") for _ in range(501)]
    await chat.ask("POST", path, 422, json={"messages": many}, headers=service(chat))


async def test_an_import_skips_what_its_author_is_sending_elsewhere_at_this_moment(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    messages = [written(ann, "one"), written(ann, "two")]
    path = f"/internal/v1/channels/{workspace['general']['id']}/import"
    sending = await asyncpg.connect(chat.postgres_url)
    try:
        async with sending.transaction():
            await sending.execute(
                "INSERT INTO message "
                "(id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at) VALUES "
                "(gen_random_uuid(), $1, gen_random_uuid(), 1, $2, $3, 'elsewhere', now())",
                *(uuid.UUID(value) for value in (workspace["id"], ann.id, messages[0]["client_msg_id"])),
            )
            waiting = asyncio.ensure_future(chat.ask("POST", path, json={"messages": messages}, headers=service(chat)))
            await chat.somebody_waits_for_a_lock()
        assert await waiting == {"imported": 1, "skipped": 1, "last_seq": 2}
    finally:
        await sending.close()
