"""The audit log: everything that governs is in it, every refusal too, nothing else is, and nothing goes out of it."""

import asyncio
import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from tertulia_chat.audit import export


async def found(chat):
    """Ann owns the workspace, Bob and Cat are members."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    return ann, bob, cat, workspace


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def audit(person, workspace, expect=200, **filters):
    """The oldest first."""
    answer = await person.get(f"/workspaces/{workspace['id']}/audit", expect, params={"limit": 200, **filters})
    return answer["items"][::-1] if expect == 200 else answer


def short(entry):
    return entry["action"], entry["before"], entry["after"]


async def test_everything_that_governs_is_an_entry(house):
    ann, bob, cat, workspace = house
    place = f"/workspaces/{workspace['id']}"
    seen = len(await audit(ann, workspace))
    await ann.patch(place, {"name": "Renamed", "history_policy": "all"})
    await ann.patch(place, {"name": "Renamed"})
    await ann.ask("PUT", f"{place}/permissions", json={"permissions": {"pin_messages": "member"}})
    await ann.patch(f"{place}/members/{bob.id}", {"role": "moderator"})
    code = (await ann.post(f"{place}/invites", {"role": "guest", "max_uses": 3}, 201))["code"]
    await ann.delete(f"{place}/invites/{code}")
    channel = await ann.channel(workspace, "plans")
    await bob.post(f"/channels/{channel['id']}/join")
    await ann.patch(f"/channels/{channel['id']}/members/{bob.id}", {"role": "owner"})
    await ann.patch(f"/channels/{channel['id']}", {"topic": "untold"})
    await ann.patch(f"/channels/{channel['id']}", {"name": "ideas", "is_default": True})
    await ann.patch(f"/channels/{channel['id']}", {"posting": "admins", "is_default": False})
    await ann.post(f"/channels/{channel['id']}/archive")
    await ann.post(f"/channels/{channel['id']}/unarchive")
    await ann.delete(f"/channels/{channel['id']}/members/{bob.id}")
    said = await cat.say(workspace["general"], "words that are nobody's business")
    await bob.delete(f"/messages/{said['id']}", 200)
    own = await bob.say(workspace["general"], "mine")
    await bob.delete(f"/messages/{own['id']}", 200)
    await ann.post(f"{place}/members/{cat.id}/deactivate")
    await ann.post(f"{place}/members/{cat.id}/reactivate")
    await ann.delete(f"{place}/members/{cat.id}")
    await bob.delete(f"{place}/members/{bob.id}")
    entries = (await audit(ann, workspace))[seen:]
    expiry = entries[3]["after"].pop("expires_at")
    assert datetime.fromisoformat(expiry) > datetime.now(UTC)
    public = {"name": "plans", "kind": "public", "posting": "everyone", "is_default": False, "slow_mode_s": 0}
    assert [short(entry) for entry in entries] == [
        (
            "workspace.updated",
            {"name": "Acme", "history_policy": "edits"},
            {"name": "Renamed", "history_policy": "all"},
        ),
        ("permissions.updated", {"pin_messages": "guest"}, {"pin_messages": "member"}),
        ("member.role_changed", {"role": "member"}, {"role": "moderator"}),
        ("invite.created", None, {"role": "guest", "max_uses": 3}),
        ("invite.withdrawn", {"role": "guest"}, None),
        ("channel.created", None, public),
        ("channel.role_changed", {"role": "member"}, {"role": "owner"}),
        ("channel.updated", {"name": "plans", "is_default": False}, {"name": "ideas", "is_default": True}),
        ("channel.updated", {"posting": "everyone", "is_default": True}, {"posting": "admins", "is_default": False}),
        ("channel.archived", None, None),
        ("channel.unarchived", None, None),
        ("channel.member_removed", None, None),
        ("message.deleted", {"author_id": cat.id, "length": 32}, None),
        ("member.deactivated", {"role": "member"}, {"channels": 1, "sessions_ended": 1}),
        ("member.reactivated", None, {"role": "member", "channels": 1}),
        ("member.removed", {"role": "member"}, None),
    ]
    assert {(entry["actor_id"], entry["outcome"], entry["times"]) for entry in entries} == {
        (ann.id, "done", 1),
        (bob.id, "done", 1),
    }
    targets = {entry["action"]: (entry["target_type"], entry["target_id"], entry["channel_id"]) for entry in entries}
    assert targets["channel.updated"] == ("channel", channel["id"], channel["id"])
    assert targets["channel.role_changed"] == ("user", bob.id, channel["id"])
    assert targets["message.deleted"] == ("message", said["id"], workspace["general"]["id"])
    assert targets["workspace.updated"] == ("workspace", workspace["id"], None)
    assert targets["invite.created"] == targets["invite.withdrawn"]
    told = json.dumps(entries)
    assert code not in told
    assert "nobody's business" not in told


async def test_the_name_of_a_channel_that_is_not_public_stays_with_its_people(house):
    ann, bob, _, workspace = house
    secret = await bob.channel(workspace, "takeover", "private")
    await bob.patch(f"/channels/{secret['id']}", {"name": "takeover-2"})
    public = await ann.channel(workspace, "open")
    await ann.patch(f"/channels/{public['id']}", {"kind": "private", "name": "closed"})
    entries = await audit(ann, workspace)
    assert "takeover" not in json.dumps(entries)
    assert "closed" not in json.dumps(entries)
    assert [short(entry)[1:] for entry in entries if entry["action"] == "channel.updated"] == [
        ({"name": "(not public)"}, {"name": "(not public)"}),
        ({"name": "open", "kind": "public"}, {"name": "(not public)", "kind": "private"}),
    ]


async def test_an_entry_says_where_it_came_from(chat, house):
    ann, _, _, workspace = house
    headers = {"x-forwarded-for": "203.0.113.9, 198.51.100.7", "x-request-id": "the-request-1"}
    await ann.ask("PATCH", f"/workspaces/{workspace['id']}", json={"name": "From afar"}, headers=headers)
    (entry,) = await audit(ann, workspace, action="workspace.updated")
    assert (entry["address"], entry["request_id"]) == ("198.51.100.7", "the-request-1")
    assert abs(datetime.fromisoformat(entry["at"]) - datetime.now(UTC)) < timedelta(minutes=1)


async def test_what_was_not_done_is_no_entry(house):
    ann, bob, _, workspace = house
    seen = await audit(ann, workspace)
    await ann.patch(f"/workspaces/{workspace['id']}/members/{ann.id}", {"role": "member"}, 409)
    await ann.patch(f"/workspaces/{workspace['id']}/members/{bob.id}", {"role": "member"})
    await ann.patch(f"/channels/{workspace['general']['id']}", {"kind": "private"}, 409)
    assert await audit(ann, workspace) == seen


REFUSED = {
    "workspace.updated": ("PATCH", "/workspaces/{w}", {"name": "mine"}, "workspace"),
    "permissions.updated": ("PUT", "/workspaces/{w}/permissions", {"permissions": {}}, "workspace"),
    "member.added": ("POST", "/workspaces/{w}/members", {"username": "somebody"}, "workspace"),
    "member.role_changed": ("PATCH", "/workspaces/{w}/members/{u}", {"role": "admin"}, "user"),
    "member.removed": ("DELETE", "/workspaces/{w}/members/{u}", None, "user"),
    "member.deactivated": ("POST", "/workspaces/{w}/members/{u}/deactivate", None, "user"),
    "member.reactivated": ("POST", "/workspaces/{w}/members/{u}/reactivate", None, "user"),
    "invite.created": ("POST", "/workspaces/{w}/invites", {}, "workspace"),
    "invite.read": ("GET", "/workspaces/{w}/invites", None, "workspace"),
    "invite.withdrawn": ("DELETE", "/workspaces/{w}/invites/secret-code", None, "invite"),
    "audit.read": ("GET", "/workspaces/{w}/audit", None, "workspace"),
    "audit.exported": ("GET", "/workspaces/{w}/audit/export", None, "workspace"),
    "channel.updated": ("PATCH", "/channels/{c}", {"name": "mine"}, "channel"),
    "channel.archived": ("POST", "/channels/{c}/archive", None, "channel"),
    "channel.unarchived": ("POST", "/channels/{c}/unarchive", None, "channel"),
    "channel.role_changed": ("PATCH", "/channels/{c}/members/{u}", {"role": "owner"}, "user"),
    "channel.member_removed": ("DELETE", "/channels/{c}/members/{u}", None, "user"),
    "message.deleted": ("DELETE", "/messages/{m}", None, "message"),
}


async def test_every_refusal_is_an_entry_once_a_minute(chat, house):
    ann, bob, cat, workspace = house
    said = await ann.say(workspace["general"], "hello")
    names = {"w": workspace["id"], "u": cat.id, "c": workspace["general"]["id"], "m": said["id"]}
    for _ in range(3):
        for method, path, body, _ in REFUSED.values():
            await bob.ask(method, path.format(**names), 403, **({"json": body} if body is not None else {}))
    entries = await audit(ann, workspace, outcome="denied")
    assert {entry["actor_id"] for entry in entries} == {bob.id}
    total = {}
    for entry in entries:
        total[entry["action"]] = total.get(entry["action"], 0) + entry["times"]
        assert entry["target_type"] == REFUSED[entry["action"]][3]
        assert entry["reason"]
    assert total == dict.fromkeys(REFUSED, 3)
    assert len(entries) <= 2 * len(REFUSED)  # the minute may end in between
    by_target = {entry["target_type"]: entry for entry in entries}
    assert by_target["channel"]["channel_id"] == by_target["channel"]["target_id"] == names["c"]
    assert by_target["message"]["channel_id"] == names["c"]
    assert "secret-code" not in json.dumps(entries)


async def test_a_stranger_leaves_no_entry(chat, house):
    ann, *_, workspace = house
    stranger = await chat.person()
    seen = await audit(ann, workspace)
    await stranger.patch(f"/workspaces/{workspace['id']}", {"name": "mine"}, 404)
    await stranger.patch(f"/channels/{workspace['general']['id']}", {"name": "mine"}, 404)
    await chat.ask("PATCH", f"/workspaces/{workspace['id']}", 401, json={"name": "mine"})
    assert await audit(ann, workspace) == seen


async def test_many_refusals_at_once_are_one_row(chat, house):
    ann, bob, _, workspace = house
    path = f"/workspaces/{workspace['id']}"
    await asyncio.gather(*(bob.patch(path, {"name": "mine"}, 403) for _ in range(20)))
    entries = await audit(ann, workspace, outcome="denied")
    assert sum(entry["times"] for entry in entries) == 20
    assert len(entries) <= 2


async def test_nothing_is_changed_and_nothing_goes(chat, house):
    ann, bob, _, workspace = house
    await bob.patch(f"/workspaces/{workspace['id']}", {"name": "mine"}, 403)
    await ann.patch(f"/workspaces/{workspace['id']}", {"name": "Ours"})
    before = await audit(ann, workspace)
    for statement in (
        "UPDATE audit_log SET actor_id = gen_random_uuid()",
        "UPDATE audit_log SET times = times + 1 WHERE outcome = 'done'",
        "UPDATE audit_log SET times = times - 1 WHERE outcome = 'denied'",
        "UPDATE audit_log SET times = times + 1, reason = 'other' WHERE outcome = 'denied'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await chat.sql(statement)
    assert await audit(ann, workspace) == before


async def test_what_is_older_than_a_year_an_operator_takes_away(chat, house):
    *_, workspace = house
    row = """INSERT INTO audit_log (id, workspace_id, at, actor_id, action, outcome, target_type, target_id)
             VALUES (gen_random_uuid(), $1, now() - $2::interval, gen_random_uuid(), 'old', 'done', 'user', 'x')"""
    for age in (timedelta(days=370), timedelta(days=360)):
        await chat.sql(row, uuid.UUID(workspace["id"]), age)
    await chat.sql("DELETE FROM audit_log WHERE at < now() - interval '1 year'")
    assert [row["count"] for row in await chat.sql("SELECT count(*) FROM audit_log WHERE action = 'old'")] == [1]


async def test_filters_and_pages(house):
    ann, bob, cat, workspace = house
    place = f"/workspaces/{workspace['id']}"
    for role in ("admin", "member", "moderator"):
        await ann.patch(f"{place}/members/{bob.id}", {"role": role})
    await ann.patch(f"{place}/members/{cat.id}", {"role": "guest"})
    await bob.patch(place, {"name": "mine"}, 403)
    everything = await audit(ann, workspace)
    assert await audit(ann, workspace, actor=bob.id) == [one for one in everything if one["actor_id"] == bob.id]
    changes = await audit(ann, workspace, action="member.role_changed")
    assert [entry["after"]["role"] for entry in changes] == ["admin", "member", "moderator", "guest"]
    assert await audit(ann, workspace, target=cat.id) == [changes[3]]
    assert await audit(ann, workspace, outcome="denied", target=cat.id) == []
    middle = changes[2]["at"]
    later = await audit(ann, workspace, **{"from": middle})
    earlier = await audit(ann, workspace, to=middle)
    assert earlier + later == everything
    assert all(entry["at"] < middle for entry in earlier)
    for wrong in ({"from": "2026-11-21T00:00:00"}, {"from": "yesterday"}, {"actor": "bob"}, {"action": "x" * 65}):
        await audit(ann, workspace, 422, **wrong)
    paged, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = await ann.get(f"{place}/audit", params=params)
        paged += page["items"]
        if (cursor := page["next"]) is None:
            break
        assert len(page["items"]) == 2
    assert paged == everything[::-1]


async def test_a_workspace_sees_only_its_own(chat, house):
    ann, bob, _, workspace = house
    other = await bob.workspace("Other")
    await bob.patch(f"/workspaces/{other['id']}", {"name": "Renamed"})
    assert not [entry for entry in await audit(ann, workspace) if entry["actor_id"] == bob.id]
    await audit(ann, other, 404)
    await audit(bob, workspace, 403)


async def test_the_log_as_a_file(house, monkeypatch):
    monkeypatch.setattr(export, "AT_ONCE", 3)
    ann, bob, _, workspace = house
    place = f"/workspaces/{workspace['id']}"
    await ann.patch(place, {"name": '=1+1, "quoted"\nname'})
    await bob.patch(place, {"name": "mine"}, 403)
    for role in ("admin", "member", "moderator", "guest", "member"):
        await ann.patch(f"{place}/members/{bob.id}", {"role": role})
    everything = await audit(ann, workspace)
    await asyncio.sleep(0.005)  # past the millisecond of the newest entry
    lines = await ann.get(f"{place}/audit/export", None)
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    assert "audit.jsonl" in lines.headers["content-disposition"]
    exported = [json.loads(line) for line in lines.text.splitlines()]
    assert exported[: len(everything)] == everything
    assert {entry["action"] for entry in exported[len(everything) :]} <= {"audit.exported"}
    table = await ann.get(f"{place}/audit/export", None, params={"format": "csv", "action": "workspace.updated"})
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["outcome"] for row in rows] == ["done", "denied"]
    assert json.loads(rows[0]["after"]) == {"name": '=1+1, "quoted"\nname'}
    assert rows[0]["id"] in {entry["id"] for entry in everything}
    assert (rows[1]["before"], rows[1]["times"]) == ("", "1")
    taken = await audit(ann, workspace, action="audit.exported")
    assert [entry["after"] for entry in taken] == [{"format": "jsonl"}, {"format": "csv"}]
    await ann.get(f"{place}/audit/export", 422, params={"format": "xls"})


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_computes_nothing(text):
    assert export._cell(text) == f"'{text}"


async def test_a_page_uses_an_index(chat, house):
    *_, workspace = house
    await chat.sql(
        """INSERT INTO audit_log (id, workspace_id, at, actor_id, action, outcome, target_type, target_id)
           SELECT gen_random_uuid(), gen_random_uuid(), now(), gen_random_uuid(), 'a' || n % 7, 'done', 'user', 'x' || n
           FROM generate_series(1, 20000) AS n"""
    )
    await chat.sql("ANALYZE audit_log")
    for filters in ("", "AND actor_id = gen_random_uuid()", "AND action = 'a1'", "AND target_id = 'x1'"):
        mine = f"workspace_id = '{workspace['id']}' {filters}"
        plan = await chat.sql(f"EXPLAIN SELECT * FROM audit_log WHERE {mine} ORDER BY id DESC LIMIT 51")
        assert "Seq Scan" not in str(plan), plan
