"""`Idempotency-Key`: the same request again does nothing and is answered as the first time."""

import asyncio
import contextlib
import json
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia_chat.app import openapi_app
from tertulia_chat.idempotency import KeyRetention, keeping

REPLAYED = "idempotency-replayed"


def new_key():
    return str(uuid.uuid4())


class Room:
    """Ann owns Acme, Bob is a member, Cid an admin; `ask` sends a POST with a key and answers the response."""

    def __init__(self, chat, people, workspace):
        self.chat, self.workspace = chat, workspace
        self.ann, self.bob, self.cid = people
        self.there = f"/workspaces/{workspace['id']}"

    async def ask(self, who, path, key, body=None):
        return await who.post(path, body, None, headers={"idempotency-key": key})

    async def channel(self, who, key, name="plans", kind="public"):
        return await self.ask(who, f"{self.there}/channels", key, {"kind": kind, "name": name})

    async def log(self):
        return (await self.chat.sql("SELECT count(*) AS n, max(id) AS last FROM event_log"))[0]

    async def kept(self):
        return (await self.chat.sql("SELECT count(*) AS n FROM idempotency_key"))[0]["n"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(chat):
    people = ann, bob, cid = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    await ann.invite(workspace, cid, role="admin")
    return Room(chat, people, workspace)


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert REPLAYED not in answer.headers


# -- again ---------------------------------------------------------------------------------------------------


async def test_again_is_the_first_answer_and_does_nothing(room):
    key = new_key()
    first = await room.channel(room.ann, key)
    assert first.status_code == 201
    assert REPLAYED not in first.headers
    log = await room.log()
    for _ in range(2):
        again = await room.channel(room.ann, key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers[REPLAYED] == "true"
        assert again.headers["content-type"] == "application/json"
    assert await room.log() == log


async def test_it_is_the_first_answer_whatever_happened_since(room):
    key = new_key()
    first = await room.channel(room.ann, key)
    await room.ann.patch(f"/channels/{first.json()['id']}", {"name": "renamed"})
    assert (await room.channel(room.ann, key)).content == first.content


async def test_without_a_body_to_say(room):
    """The second time, who left a private channel no longer knows it."""
    channel = await room.ann.channel(room.workspace, "secret", "private")
    key, path = new_key(), f"/channels/{channel['id']}/leave"
    assert (await room.ask(room.ann, path, key)).status_code == 204
    assert (await room.ask(room.ann, path, new_key())).status_code == 404
    again = await room.ask(room.ann, path, key)
    assert (again.status_code, again.content, again.headers[REPLAYED]) == (204, b"", "true")


async def test_without_a_key_nothing_is_kept(room):
    await room.ann.channel(room.workspace, "one")
    await room.ann.channel(room.workspace, "two")
    assert await room.kept() == 0


async def test_what_is_told_once_is_told_once(room):
    """The relay gets the events of the first one."""
    key = new_key()
    before = (await room.log())["n"]
    for _ in range(3):
        await room.channel(room.ann, key)
    rows = await room.chat.sql("SELECT type FROM event_log WHERE type LIKE 'channel.created' OR type LIKE 'member.%'")
    assert [row["type"] for row in rows].count("channel.created") == 2  # general and plans
    assert (await room.log())["n"] > before


# -- something else ------------------------------------------------------------------------------------------


async def test_another_body_or_address_is_refused(room):
    key = new_key()
    await room.channel(room.ann, key)
    log = await room.log()
    refused(await room.channel(room.ann, key, "other"), 422, "idempotency_key_reused")
    refused(await room.ask(room.ann, f"{room.there}/invites", key, {}), 422, "idempotency_key_reused")
    other = {"kind": "public", "name": "plans"}
    refused(await room.ask(room.ann, f"{room.there}/channels?a=b", key, other), 422, "idempotency_key_reused")
    assert await room.log() == log


async def test_the_same_key_of_somebody_else_is_another(room):
    key = new_key()
    await room.channel(room.ann, key)
    other = await room.channel(room.cid, key, "theirs")
    assert (other.status_code, other.json()["name"]) == (201, "theirs")
    assert await room.kept() == 2


@pytest.mark.parametrize("key", ["", " ", "a b", "ü".encode("latin-1"), "x" * 201])
async def test_a_key_that_is_none(room, key):
    answer = await room.channel(room.ann, key)
    refused(answer, 422, "validation_failed")
    assert answer.json()["errors"][0]["parameter"] == "Idempotency-Key"


async def test_quotes_belong_to_the_key(room):
    """The IETF's draft writes it as a string in quotes, others without."""
    first = await room.channel(room.ann, '"k1"')
    assert (await room.channel(room.ann, '"k1"')).content == first.content
    assert (await room.channel(room.ann, "k1", "other")).status_code == 201


# -- what did not succeed ------------------------------------------------------------------------------------


async def test_a_failure_is_not_kept(room):
    key = new_key()
    taken = await room.ann.channel(room.workspace, "plans")
    refused(await room.channel(room.ann, key), 409, "channel_name_taken")
    assert await room.kept() == 0
    await room.ann.patch(f"/channels/{taken['id']}", {"name": "moved"})
    again = await room.channel(room.ann, key)
    assert (again.status_code, REPLAYED in again.headers) == (201, False)


async def test_a_refusal_is_in_the_audit_log(room):
    key = new_key()
    refused(await room.ask(room.bob, f"{room.there}/invites", key, {}), 403, "forbidden")
    (entry,) = await room.chat.sql("SELECT action FROM audit_log WHERE outcome = 'denied'")
    assert entry["action"] == "invite.created"
    assert await room.kept() == 0


async def test_nobody_else_gets_in_with_a_key(room):
    key = new_key()
    await room.channel(room.ann, key)
    answer = await room.chat.http.post(f"/api/v1{room.there}/channels", headers={"idempotency-key": key}, json={})
    assert answer.status_code == 401
    await room.ann.post("/auth/logout-all", None, 204)
    refused(await room.channel(room.ann, key), 401, "unauthenticated")


async def test_too_large_a_body(room):
    answer = await room.channel(room.ann, new_key(), "x" * 300_000)
    refused(answer, 413, "body_too_large")


# -- who lost the right --------------------------------------------------------------------------------------


async def test_who_was_removed_learns_nothing(room):
    key = new_key()
    assert (await room.ask(room.cid, f"{room.there}/invites", key, {})).status_code == 201
    await room.ann.delete(f"{room.there}/members/{room.cid.id}")
    refused(await room.ask(room.cid, f"{room.there}/invites", key, {}), 404, "not_found")


async def test_who_lost_the_permission_learns_nothing(room):
    key = new_key()
    first = await room.ask(room.cid, f"{room.there}/invites", key, {})
    await room.ann.patch(f"{room.there}/members/{room.cid.id}", {"role": "member"})
    refused(await room.ask(room.cid, f"{room.there}/invites", key, {}), 403, "forbidden")
    await room.ann.patch(f"{room.there}/members/{room.cid.id}", {"role": "admin"})
    assert (await room.ask(room.cid, f"{room.there}/invites", key, {})).content == first.content


async def test_who_is_no_longer_in_a_private_channel(room):
    channel = await room.cid.channel(room.workspace, "secret", "private")
    await room.cid.post(f"/channels/{channel['id']}/members", {"user_id": room.ann.id}, 201)
    key, path = new_key(), f"/channels/{channel['id']}/members"
    assert (await room.ask(room.ann, path, key, {"user_id": room.bob.id})).status_code == 201
    await room.cid.delete(f"/channels/{channel['id']}/members/{room.ann.id}", None)
    await room.ann.post(f"/channels/{channel['id']}/leave", None, None)
    refused(await room.ask(room.ann, path, key, {"user_id": room.bob.id}), 404, "not_found")


# -- at the same time, and half way --------------------------------------------------------------------------


async def test_twenty_at_once_are_one(room):
    key = new_key()
    answers = await asyncio.gather(*(room.channel(room.ann, key) for _ in range(20)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert len([answer for answer in done if REPLAYED not in answer.headers]) == 1
    assert len({answer.content for answer in done}) == 1
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409, "idempotency_key_in_use")
            assert answer.headers["retry-after"] == "1"
    rows = await room.chat.sql("SELECT 1 FROM channel WHERE name = 'plans'")
    assert len(rows) == await room.kept() == 1


@contextlib.asynccontextmanager
async def workspace_held(room):
    """Whoever changes the workspace waits."""
    connection = await asyncpg.connect(room.chat.postgres_url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT 1 FROM workspace WHERE id = $1 FOR UPDATE", uuid.UUID(room.workspace["id"]))
        yield
        await transaction.rollback()
    finally:
        await connection.close()


async def test_one_that_is_at_work(room):
    key, path = new_key(), f"{room.there}/invites"
    async with workspace_held(room):
        first = asyncio.ensure_future(room.ask(room.ann, path, key, {}))
        await room.chat.somebody_waits_for_a_lock()
        refused(await room.ask(room.ann, path, key, {}), 409, "idempotency_key_in_use")
        refused(await room.ask(room.ann, path, key, {"role": "guest"}), 409, "idempotency_key_in_use")
    assert (await first).status_code == 201
    assert (await room.ask(room.ann, path, key, {})).content == first.result().content


KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def test_a_connection_that_dies_leaves_neither(room):
    """As when the process is killed: PostgreSQL takes back what was not committed, and lets the key go."""
    key, path = new_key(), f"{room.there}/invites"
    async with workspace_held(room):
        first = asyncio.ensure_future(room.ask(room.ann, path, key, {}))
        await room.chat.somebody_waits_for_a_lock()
        await room.chat.sql(KILL)
        refused(await first, 503, "dependency_unavailable")
    assert await room.kept() == 0
    again = await room.ask(room.ann, path, key, {})
    assert (again.status_code, REPLAYED in again.headers) == (201, False)
    assert len((await room.ann.get(path))["items"]) == 1 + 2  # with those that let Bob and Cid in


@pytest.mark.parametrize("where", ["keep", "commit"])
async def test_a_request_that_ends_before_the_commit_leaves_neither(room, monkeypatch, where):
    """The handler was done; what it did is taken back with the answer."""
    key, path, log = new_key(), f"{room.there}/invites", await room.log()
    reached = asyncio.Event()

    async def never(*_):
        reached.set()
        await asyncio.Event().wait()

    target = "tertulia_chat.idempotency.layer.keep" if where == "keep" else "tertulia_chat.database.Enclosing.commit"
    with monkeypatch.context() as patched:
        patched.setattr(target, never)
        first = asyncio.ensure_future(room.ask(room.ann, path, key, {}))
        await reached.wait()
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
    assert (await room.kept(), await room.log()) == (0, log)
    assert (await room.ask(room.ann, path, key, {})).status_code == 201


async def test_what_a_rehearsal_does_is_taken_back(room):
    """The name is free again, so the handler would make a second channel."""
    key = new_key()
    first = await room.channel(room.ann, key)
    await room.ann.patch(f"/channels/{first.json()['id']}", {"name": "renamed"})
    await room.channel(room.ann, key)
    names = {row["name"] for row in await room.chat.sql("SELECT name FROM channel")}
    assert names == {"general", "renamed"}


# -- for how long, and how many ------------------------------------------------------------------------------


async def test_it_is_forgotten_after_a_day(room):
    key = new_key()
    await room.channel(room.ann, key)
    retention = KeyRetention(room.chat.parts.database)
    await room.chat.sql("UPDATE idempotency_key SET created_at = now() - interval '23 hours 59 minutes'")
    assert await retention.forget() == 0
    assert (await room.channel(room.ann, key)).headers[REPLAYED] == "true"
    await room.chat.sql("UPDATE idempotency_key SET created_at = now() - interval '24 hours 1 minute'")
    assert await retention.forget() == 1
    refused(await room.channel(room.ann, key), 409, "channel_name_taken")


async def test_so_many_and_no_more(room, monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 2)
    keys = [new_key() for _ in range(3)]
    for number, key in enumerate(keys[:2]):
        assert (await room.channel(room.ann, key, f"n{number}")).status_code == 201
    answer = await room.channel(room.ann, keys[2], "n2")
    refused(answer, 429, "too_many_idempotency_keys")
    assert answer.headers["retry-after"] == "600"
    assert (await room.channel(room.ann, keys[0], "n0")).headers[REPLAYED] == "true"
    assert (await room.channel(room.bob, keys[2], "n2")).status_code == 201


# -- who takes part ------------------------------------------------------------------------------------------

WITHOUT = {
    # They hand out tokens, and secrets are not kept.
    *(f"/auth/{name}" for name in ("register", "login", "refresh", "logout", "logout-all", "password")),
    # They answer with a text, which is kept in one place only; most have a `client_msg_id`.
    "/channels/{channel_id}/messages",
    "/messages/{message_id}/forward",
    "/messages/{message_id}/restore",
    "/workspaces/{workspace_id}/scheduled",
    "/scheduled/{scheduled_id}/send",
}


def test_every_post_is_decided():
    paths = openapi_app().openapi_schema.to_schema()["paths"]
    posts = {path.removeprefix("/api/v1"): item["post"] for path, item in paths.items() if "post" in item}
    described = {
        path
        for path, post in posts.items()
        if any(one["name"] == "Idempotency-Key" for one in post.get("parameters", []))
    }
    assert posts.keys() - described == WITHOUT
    for path in described:
        done = [answer for status, answer in posts[path]["responses"].items() if status.startswith("2")]
        assert all("Idempotency-Replayed" in answer["headers"] for answer in done)


async def test_who_hands_out_tokens_keeps_nothing(room, make_registration):
    key = {"idempotency-key": new_key()}
    await room.chat.ask("POST", "/auth/register", 201, json=make_registration("dora"), headers=key)
    await room.chat.ask("POST", "/auth/register", 409, json=make_registration("dora"), headers=key)
    assert await room.kept() == 0


@pytest_asyncio.fixture(loop_scope="session")
async def deeds(furnished):
    """Something to do at every address that takes part, and who does it."""
    house = furnished
    ids = house.ids
    there, here = f"/workspaces/{ids['workspace_id']}", f"/channels/{ids['channel_id']}"
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    page = await house.bob.get(f"{there}/notifications")
    seen = {"id": page["items"][0]["notification"]["id"]}
    said, root, report = ids["message_id"], ids["thread_id"], ids["report_id"]
    person, bob = "/workspaces/{workspace_id}/members/{user_id}", f"{there}/members/{house.bob.id}"
    # In an order in which each finds its people; who is deactivated is logged out.
    return {
        "/workspaces": (house.ann, "/workspaces", {"name": "Second"}),
        "/workspaces/{workspace_id}/members": (house.ann, f"{there}/members", {"user_id": house.bob.id}),
        "/workspaces/{workspace_id}/invites": (house.ann, f"{there}/invites", {}),
        "/invites/{code}/accept": (house.dan, f"/invites/{ids['code']}/accept", None),
        "/workspaces/{workspace_id}/channels": (house.ann, f"{there}/channels", {"kind": "public", "name": "news"}),
        "/workspaces/{workspace_id}/dms": (house.ann, f"{there}/dms", {"user_ids": [house.cid.id]}),
        "/messages/{message_id}/report": (house.bob, f"/messages/{root}/report", {"category": "spam"}),
        "/reports/{report_id}/resolve": (house.ann, f"/reports/{report}/resolve", {"outcome": "dismissed"}),
        "/messages/{message_id}/reminders": (house.bob, f"/messages/{said}/reminders", {"remind_at": later}),
        "/workspaces/{workspace_id}/read-all": (house.bob, f"{there}/read-all", None),
        "/workspaces/{workspace_id}/notifications/read": (house.bob, f"{there}/notifications/read", seen),
        "/channels/{channel_id}/join": (house.cid, f"{here}/join", None),
        "/channels/{channel_id}/members": (house.ann, f"{here}/members", {"user_id": house.cid.id}),
        "/channels/{channel_id}/members/{user_id}/kick": (house.ann, f"{here}/members/{house.cid.id}/kick", {}),
        "/channels/{channel_id}/archive": (house.ann, f"{here}/archive", None),
        "/channels/{channel_id}/unarchive": (house.ann, f"{here}/unarchive", None),
        "/channels/{channel_id}/leave": (house.bob, f"{here}/leave", None),
        f"{person}/deactivate": (house.ann, f"{bob}/deactivate", None),
        f"{person}/reactivate": (house.ann, f"{bob}/reactivate", None),
    }


async def test_every_address_that_takes_part_does_it_once(chat, deeds):
    paths = openapi_app().openapi_schema.to_schema()["paths"]
    posts = {path.removeprefix("/api/v1") for path, item in paths.items() if "post" in item}
    assert set(deeds) == posts - WITHOUT
    for address, (who, path, body) in deeds.items():
        headers = {"idempotency-key": f"key-of-{address.replace('{', '').replace('}', '')}"}
        first = await who.post(path, body, None, headers=headers)
        assert first.is_success, f"{address}: {first.text}"
        log = await chat.sql("SELECT count(*) FROM event_log")
        again = await who.post(path, body, None, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content), address
        assert again.headers[REPLAYED] == "true", address
        assert await chat.sql("SELECT count(*) FROM event_log") == log, address
    texts = await chat.sql("SELECT text FROM message WHERE text <> ''")
    answers = b"".join(row["answer"] for row in await chat.sql("SELECT answer FROM idempotency_key")).decode()
    assert not [row["text"] for row in texts if json.dumps(row["text"]) in answers]


async def test_what_a_key_costs(room, statements):
    """Claiming, finding and keeping; and the savepoint that makes the handler's transaction a part of this one."""
    body = {"kind": "public", "name": "one"}
    await room.ann.post(f"{room.there}/channels", body, 201)
    statements.clear()
    await room.ann.post(f"{room.there}/channels", {**body, "name": "two"}, 201)
    without = len(statements)
    statements.clear()
    await room.channel(room.ann, new_key(), "three")
    extra = [one.text for one in statements if "SAVEPOINT" not in one.text]
    assert len(extra) == without + 3


# -- any order -----------------------------------------------------------------------------------------------

KEYS, NAMES = ["k1", "k2", "k3"], ["alpha", "beta"]
STEP = st.tuples(st.sampled_from(["ann", "cid"]), st.sampled_from(KEYS), st.sampled_from(NAMES))
QUIETLY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@given(steps=st.lists(STEP, min_size=4, max_size=12))
@settings(max_examples=12, **QUIETLY)
async def test_any_order_is_as_a_dictionary_says(chat, steps):
    people = ann, cid = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, cid, role="admin")
    room = Room(chat, (ann, None, cid), workspace)
    by_name = dict(zip(("ann", "cid"), people, strict=True))
    kept: dict[tuple[str, str], tuple[str, bytes]] = {}
    taken: set[str] = set()
    for who, key, name in steps:
        answer: httpx.Response = await room.channel(by_name[who], key, name)
        if (who, key) in kept:
            asked, body = kept[who, key]
            assert answer.status_code == (201 if asked == name else 422)
            assert asked != name or (answer.content, answer.headers[REPLAYED]) == (body, "true")
        elif name in taken:
            refused(answer, 409, "channel_name_taken")
        else:
            assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
            kept[who, key] = name, answer.content
            taken.add(name)
