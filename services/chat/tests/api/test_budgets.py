"""What every address of chat costs in SQL statements.

`ROWS` has at least one row for each; an address without one fails `test_every_address_has_a_budget`. To add one, write
`Row("POST /channels/{channel_id}/join", 0, ...)` and run it: the failure says what was sent, and so what it costs. The
number is exact. A higher one is a decision: is each of the statements needed, and does it stay one however much there
is?

What reads is asked twice, in a workspace of five channels and ten people and in one of five hundred and two thousand,
and costs the same. `CROWD` puts some of everything in both; what a new list shows belongs there too.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from litestar.routes import HTTPRoute

PASSWORD = "correct horse battery"
SERVICE = "a service"
# What no budget is for: they tell about the process, or are the contract itself.
OUTSIDE = ("/healthz", "/readyz", "/metrics", "/internal/openapi")
FEW = {"channels": 5, "people": 10}
MANY = {"channels": 500, "people": 2_000}


Furnished = Any
Before = Callable[[Furnished], Awaitable[dict[str, str] | None]]


@dataclass(frozen=True)
class Row:
    """One request and its cost. `body` may be made from the house; `of` puts another of its ids in a parameter's place;
    `before` is not counted, and what it answers goes into the path; `who` asks."""

    address: str
    statements: int
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)
    who: str | None = "ann"
    before: Before | None = None

    @property
    def name(self) -> str:
        return self.address + ("?" + "&".join(sorted(self.query)) if self.query else "")

    async def ask(self, house: Furnished, **ids: str) -> Any:
        method, path = self.address.split(" ")
        body = self.body(house) if callable(self.body) else self.body
        more = {} if body is None else {"json": body}
        path = path.format_map({**house.ids, **{name: house.ids[other] for name, other in self.of.items()}, **ids})
        query = {key: value(house) if callable(value) else value for key, value in self.query.items()}
        headers = house.headers(self.who)
        answer = await house.chat.ask(method, path, None, headers=headers, params=query, **more)
        assert answer.is_success, f"{self.name}: {answer.status_code} {answer.text}"
        return answer


def new_key() -> str:
    return str(uuid.uuid4())


def new_account(house: Furnished) -> dict[str, Any]:
    return {"email": "eve@example.org", "username": "eve", "password": PASSWORD, "display_name": "Eve"}


def another_text(house: Furnished) -> dict[str, Any]:
    return {"text": "hello", "client_msg_id": new_key()}


def a_run(house: Furnished) -> dict[str, Any]:
    place = {"id": house.ids.get("run_id", new_key()), "channel_id": house.plans["id"], "asker_id": house.ann.id}
    return {**place, "command": "ask", "prompt": "what is it?", "model": "small"}


def hour(house: Furnished, hours: int = 0) -> str:
    return (datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)).isoformat()


def until(house: Furnished) -> dict[str, Any]:
    return {"until": hour(house, 2), "reason": "enough"}


def a_schedule(house: Furnished) -> dict[str, Any]:
    return {**another_text(house), "channel_id": house.plans["id"], "send_at": hour(house, 2)}


def an_order(house: Furnished) -> dict[str, Any]:
    sections = [{"id": kind, "kind": kind} for kind in ("starred", "channels", "direct")]
    mine = {"id": "mine", "kind": "custom", "name": "Mine", "channel_ids": [house.plans["id"]]}
    return {"version": 0, "sections": [*sections, mine]}


def the_newest(house: Furnished) -> dict[str, Any]:
    return {"id": house.ids["notification_id"]}


async def another_session(house: Furnished) -> dict[str, str]:
    await house.chat.login(house.ann.user["username"])
    sessions = (await house.ann.get("/auth/sessions"))["items"]
    return {"session_id": next(session["id"] for session in sessions if not session["current"])}


async def running(house: Furnished) -> dict[str, str]:
    run_id = new_key()
    house.ids["run_id"] = run_id
    await Row("POST /internal/v1/runs", 0, a_run, who=SERVICE).ask(house)
    return {}


def done(method: str, path: str, body: Any = None, *, who: str = "ann") -> Before:
    """Has been asked before."""

    async def before(house: Furnished) -> None:
        await Row(f"{method} {path}", 0, body, who=who).ask(house)

    return before


async def dan_is_known(house: Furnished) -> None:
    await house.dan.invite(await house.dan.workspace(), house.ann)


async def notified(house: Furnished) -> None:
    page = await house.bob.get(f"/workspaces/{house.workspace['id']}/notifications")
    house.ids["notification_id"] = page["items"][0]["notification"]["id"]


MESSAGE, CHANNEL, WORKSPACE = "/messages/{message_id}", "/channels/{channel_id}", "/workspaces/{workspace_id}"
PERSON = f"{WORKSPACE}/members/{{user_id}}"

ROWS = (
    # Accounts
    Row("GET /auth/first-run", 1, who=None),
    Row("POST /auth/register", 3, new_account, who=None),
    Row("POST /auth/login", 4, lambda house: {"login": house.ann.user["username"], "password": PASSWORD}, who=None),
    Row("POST /auth/refresh", 6, lambda house: {"refresh_token": house.ann.refresh_token}, who=None),
    Row("POST /auth/logout", 4, lambda house: {"refresh_token": house.ann.refresh_token}),
    Row("POST /auth/logout-all", 3),
    Row("POST /auth/password", 5, {"current_password": PASSWORD, "new_password": "another battery"}),
    Row("GET /auth/sessions", 2),
    Row("DELETE /auth/sessions/{session_id}", 4, before=another_session),
    Row("GET /users/me", 2),
    Row("PATCH /users/me", 5, {"display_name": "Anna"}),
    Row("GET /users/{user_id}", 2),
    # Workspaces
    Row("POST /workspaces", 13, {"name": "Second"}),
    Row("GET /workspaces", 2),
    Row(f"GET {WORKSPACE}", 2),
    Row(f"PATCH {WORKSPACE}", 7, {"name": "Renamed"}),
    Row(f"GET {WORKSPACE}/members", 3),
    Row(f"POST {WORKSPACE}/members", 21, lambda house: {"user_id": house.dan.id}, before=dan_is_known),
    Row(f"PATCH {WORKSPACE}/members/{{user_id}}", 11, {"role": "admin"}),
    Row(f"DELETE {WORKSPACE}/members/{{user_id}}", 15),
    Row(f"POST {WORKSPACE}/invites", 6, {}),
    Row(f"GET {WORKSPACE}/invites", 3),
    Row(f"DELETE {WORKSPACE}/invites/{{code}}", 6),
    Row("POST /invites/{code}/accept", 21, who="dan"),
    Row(f"GET {WORKSPACE}/bootstrap", 7),
    Row(f"GET {WORKSPACE}/members", 3, query={"deactivated": True}),
    Row(f"POST {PERSON}/deactivate", 20),
    Row(f"POST {PERSON}/reactivate", 26, before=done("POST", f"{PERSON}/deactivate")),
    Row(f"GET {WORKSPACE}/permissions", 2),
    Row(f"PUT {WORKSPACE}/permissions", 8, {"permissions": {"pin_messages": "admin"}}),
    Row(f"GET {WORKSPACE}/sidebar", 4),
    Row(f"PUT {WORKSPACE}/sidebar", 6, an_order),
    Row(f"GET {WORKSPACE}/audit", 3),
    Row(f"GET {WORKSPACE}/audit", 3, query={"action": "invite.created"}),
    Row(f"GET {WORKSPACE}/audit/export", 4),
    # Channels
    Row(f"POST {WORKSPACE}/channels", 9, {"kind": "public", "name": "news"}),
    Row(f"GET {WORKSPACE}/channels", 4),
    Row(f"GET {WORKSPACE}/channels", 4, query={"q": "e"}),
    Row(f"GET {WORKSPACE}/channels", 4, query={"filter": "joined"}),
    Row(f"POST {WORKSPACE}/dms", 9, lambda house: {"user_ids": [house.bob.id, house.cid.id]}),
    Row(f"GET {CHANNEL}", 2),
    Row(f"PATCH {CHANNEL}", 8, {"topic": "what comes"}),
    Row(f"POST {CHANNEL}/join", 12, who="cid"),
    Row(f"POST {CHANNEL}/leave", 9, who="bob"),
    Row(f"POST {CHANNEL}/archive", 9),
    Row(f"POST {CHANNEL}/unarchive", 9, before=done("POST", f"{CHANNEL}/archive")),
    Row(f"DELETE {CHANNEL}", 11),
    Row(f"GET {CHANNEL}/reach", 3),
    Row(f"GET {CHANNEL}/members", 3),
    Row(f"POST {CHANNEL}/members", 13, lambda house: {"user_id": house.cid.id}),
    Row(f"PATCH {CHANNEL}/members/{{user_id}}", 12, {"role": "owner"}),
    Row(f"DELETE {CHANNEL}/members/{{user_id}}", 13),
    # Messages
    Row(f"POST {CHANNEL}/messages", 1, another_text),
    Row(f"GET {CHANNEL}/messages", 1),
    Row(f"GET {CHANNEL}/messages", 1, query={"before": 4}),
    Row(f"GET {CHANNEL}/messages", 1, query={"after": 2}),
    Row(f"GET {CHANNEL}/messages", 1, query={"around": 3}),
    Row(f"GET {CHANNEL}/events", 3),
    Row(f"GET {MESSAGE}", 2),
    Row(f"PATCH {MESSAGE}", 15, {"text": "something else"}),
    Row(f"DELETE {MESSAGE}", 16),
    Row(f"POST {MESSAGE}/restore", 10, before=done("DELETE", MESSAGE)),
    Row(f"GET {MESSAGE}/history", 4),
    Row(f"POST {MESSAGE}/forward", 11, lambda house: {"channel_id": house.general["id"], "client_msg_id": new_key()}),
    Row(f"GET {MESSAGE}/thread", 4, of={"message_id": "thread_id"}),
    Row(f"GET {MESSAGE}/thread", 4, of={"message_id": "thread_id"}, query={"before": 1000}),
    Row(f"GET {MESSAGE}/thread", 4, of={"message_id": "thread_id"}, query={"after": 1}),
    # Marks and drafts
    Row(f"PUT {MESSAGE}/reactions/{{emoji}}", 8),
    Row(f"DELETE {MESSAGE}/reactions/{{emoji}}", 8, before=done("PUT", f"{MESSAGE}/reactions/{{emoji}}")),
    Row(f"PUT {MESSAGE}/pin", 12, before=done("DELETE", f"{MESSAGE}/pin")),
    Row(f"DELETE {MESSAGE}/pin", 10),
    Row(f"PUT {MESSAGE}/save", 4, who="bob"),
    Row(f"DELETE {MESSAGE}/save", 4),
    Row(f"GET {CHANNEL}/pins", 3),
    Row(f"GET {WORKSPACE}/saved", 3),
    Row(f"PUT {CHANNEL}/draft", 9, {"text": "almost"}),
    Row(f"GET {CHANNEL}/draft", 3),
    Row(f"DELETE {CHANNEL}/draft", 8),
    Row(f"GET {WORKSPACE}/drafts", 3),
    # Attention
    Row(f"PUT {CHANNEL}/read", 2, {"seq": 1000}, who="bob"),
    Row(f"PUT {CHANNEL}/preferences", 5, {"muted": True}),
    Row("PUT /threads/{thread_id}/read", 3, {"seq": 1000}),
    Row("PUT /threads/{thread_id}/follow", 8, before=done("DELETE", "/threads/{thread_id}/follow")),
    Row("DELETE /threads/{thread_id}/follow", 8),
    Row(f"GET {WORKSPACE}/unread", 4),
    Row(f"POST {WORKSPACE}/read-all", 10, who="bob"),
    Row(f"GET {WORKSPACE}/mentions", 4, who="bob"),
    Row(f"GET {WORKSPACE}/threads", 4),
    Row(f"GET {WORKSPACE}/threads", 4, query={"filter": "unread"}),
    Row(f"GET {WORKSPACE}/notifications", 5),
    Row(f"POST {WORKSPACE}/notifications/read", 4, the_newest, who="bob", before=notified),
    Row(f"GET {WORKSPACE}/keywords", 3),
    Row(f"PUT {WORKSPACE}/keywords", 7, {"keywords": ["budget", "next year", "Zürich"]}),
    # Moderation
    Row(f"POST {CHANNEL}/members/{{user_id}}/kick", 13, {}),
    Row(f"GET {CHANNEL}/bans", 3),
    Row(f"PUT {CHANNEL}/bans/{{user_id}}", 17, until),
    Row(f"DELETE {CHANNEL}/bans/{{user_id}}", 11, before=done("PUT", f"{CHANNEL}/bans/{{user_id}}", until)),
    Row(f"GET {CHANNEL}/mutes", 3),
    Row(f"PUT {CHANNEL}/mutes/{{user_id}}", 15, until),
    Row(f"DELETE {CHANNEL}/mutes/{{user_id}}", 13, before=done("PUT", f"{CHANNEL}/mutes/{{user_id}}", until)),
    Row(f"GET {WORKSPACE}/bans", 3),
    Row(f"PUT {WORKSPACE}/bans/{{user_id}}", 20, until),
    Row(f"DELETE {WORKSPACE}/bans/{{user_id}}", 9, before=done("PUT", f"{WORKSPACE}/bans/{{user_id}}", until)),
    Row(f"GET {WORKSPACE}/mutes", 3),
    Row(f"PUT {WORKSPACE}/mutes/{{user_id}}", 13, until),
    Row(f"DELETE {WORKSPACE}/mutes/{{user_id}}", 11, before=done("PUT", f"{WORKSPACE}/mutes/{{user_id}}", until)),
    Row(f"POST {MESSAGE}/report", 4, {"category": "spam", "note": "look"}, of={"message_id": "thread_id"}, who="bob"),
    Row(f"GET {WORKSPACE}/reports", 3),
    Row("POST /reports/{report_id}/resolve", 7, {"outcome": "dismissed"}),
    Row("GET /users/me/notices", 2),
    # Later
    Row(f"POST {WORKSPACE}/scheduled", 8, a_schedule),
    Row(f"GET {WORKSPACE}/scheduled", 3),
    Row("PATCH /scheduled/{scheduled_id}", 8, {"text": "another time"}),
    Row("DELETE /scheduled/{scheduled_id}", 7),
    Row("POST /scheduled/{scheduled_id}/send", 11),
    Row(f"POST {MESSAGE}/reminders", 7, lambda house: {"remind_at": hour(house, 2)}, who="bob"),
    Row(f"GET {WORKSPACE}/reminders", 3),
    Row("PATCH /reminders/{reminder_id}", 5, {"completed": True}),
    Row("DELETE /reminders/{reminder_id}", 5),
    # Presence and status
    Row("PUT /users/me/status", 5, {"emoji": "🎉", "text": "having lunch"}),
    Row("DELETE /users/me/status", 5, before=done("PUT", "/users/me/status", {"text": "having lunch"})),
    Row("PUT /users/me/presence", 4, {"state": "away"}),
    # For other services
    Row("GET /.well-known/jwks.json", 0, who=None),
    Row("GET /internal/v1/memberships", 4, who=SERVICE),
    Row(
        "POST /internal/v1/channels/{channel_id}/import",
        7,
        lambda house: {
            "messages": [
                {"author_id": house.ann.id, "created_at": hour(house), "client_msg_id": new_key(), "text": "long ago"}
            ]
        },
        who=SERVICE,
    ),
    Row("GET /internal/v1/messages/export", 1, who=SERVICE),
    Row("GET /internal/v1/messages/counts", 2, who=SERVICE),
    Row("GET /internal/v1/events/digest", 2, query={"from": hour, "to": lambda house: hour(house, 1)}, who=SERVICE),
    Row("GET /internal/v1/events/ids", 2, query={"hour": hour, "type": "message.created"}, who=SERVICE),
    Row("GET /internal/v1/events/bounds", 1, who=SERVICE),
    Row("POST /internal/v1/runs", 4, a_run, who=SERVICE),
    Row(
        "POST /internal/v1/runs/{run_id}/finish",
        13,
        {"state": "done", "text": "Forty-two.", "model": "small"},
        who=SERVICE,
        before=running,
    ),
)
READINGS = tuple(row for row in ROWS if row.address.startswith("GET "))
CHANGES = tuple(row for row in ROWS if row not in READINGS)


def addresses(app: Any) -> set[str]:
    """Every method and path that the application serves, as the rows name them."""
    return {
        f"{method} {route.path_format.removeprefix('/api/v1')}"
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path_format.startswith(OUTSIDE)
        for method in route.methods - {"OPTIONS", "HEAD"}
    }


async def test_every_address_has_a_budget(chat):
    served, budgeted = addresses(chat.app.app.app), {row.address for row in ROWS}
    assert served - budgeted == set(), "addresses without a row in ROWS"
    assert budgeted - served == set(), "rows without an address"


def told(row, sent):
    """What a row cost, statement by statement."""
    listed = "\n".join(f"{number}. {' '.join(one.text.split())}" for number, one in enumerate(sent, 1))
    return f"{row.name} sent {len(sent)} statements:\n{listed}"


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: row.name)
async def test_a_change_costs_this_many_statements(furnished, statements, row):
    ids = (await row.before(furnished) if row.before else None) or {}
    statements.clear()
    await row.ask(furnished, **ids)
    assert len(statements) == row.statements, told(row, statements)


# Everybody is in the first channel, Ann in all of them: every tenth is a conversation of two. In each: a thread's first
# message with reactions that names her, a pinned answer, and a message of hers; she keeps and follows and drafts, and
# is told, reminded and sends later. Everybody has a status, is muted everywhere, banned somewhere, reported and gone.
CROWD = """
CREATE TEMP TABLE person ON COMMIT DROP AS SELECT gen_random_uuid() AS id, n FROM generate_series(1, {people}) AS n;
CREATE TEMP TABLE place ON COMMIT DROP AS
    SELECT CASE n WHEN 1 THEN '{channel}' ELSE gen_random_uuid() END AS id, gen_random_uuid() AS root,
        gen_random_uuid() AS answer, gen_random_uuid() AS other, n % 10 = 0 AS direct, n,
        (SELECT id FROM person WHERE person.n = 1 + place.n % {people}) AS author
    FROM generate_series(1, {channels}) AS place (n);
INSERT INTO user_account (id, username, email, display_name, password_hash, created_at)
    SELECT id, 'p' || n || '-{tag}', n || '@{tag}.example', 'Person ' || n, '!', now() FROM person;
INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
    SELECT '{workspace}', id, 'member', now() FROM person;
INSERT INTO channel (id, workspace_id, kind, name, people_key, created_by, created_at, last_seq, last_msg_seq)
    SELECT id, '{workspace}', CASE WHEN direct THEN 'dm' ELSE 'public' END, CASE WHEN NOT direct THEN 'place-' || n END,
        CASE WHEN direct THEN id::text END, '{ann}', now(), 4, 4 FROM place WHERE n > 1;
UPDATE channel SET last_seq = last_seq + 3, last_msg_seq = last_seq + 3 WHERE id = '{channel}';
INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq, read_seq)
    SELECT id, '{ann}'::uuid, '{workspace}'::uuid, 'owner', now(), 1, 1 FROM place WHERE n > 1
    UNION ALL SELECT id, author, '{workspace}', 'member', now(), 1, 1 FROM place WHERE n > 1
    UNION ALL SELECT '{channel}', id, '{workspace}', 'member', now(), 1, 1 FROM person;
UPDATE channel SET member_count = (SELECT count(*) FROM channel_member m WHERE m.channel_id = channel.id);
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, mentions,
        reactions, reply_count, last_reply_seq, last_reply_at, last_repliers)
    SELECT root, '{workspace}', c.id, c.last_seq - 2, author, gen_random_uuid(), 'hello', now(), ARRAY['{ann}'::uuid],
        jsonb_build_array(jsonb_build_object('emoji', '👍', 'user_ids', jsonb_build_array('{ann}'))), 1,
        c.last_seq - 1, now(), ARRAY[author]
    FROM place JOIN channel c USING (id);
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, thread_id,
        pinned_by, pinned_at, pin_seq)
    SELECT answer, '{workspace}', c.id, c.last_seq - 1, author, gen_random_uuid(), 'here', now(), root, author, now(),
        c.last_seq - 1
    FROM place JOIN channel c USING (id);
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at)
    SELECT other, '{workspace}', c.id, c.last_seq, '{ann}', gen_random_uuid(), 'well', now()
    FROM place JOIN channel c USING (id);
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, thread_id)
    SELECT gen_random_uuid(), '{workspace}', '{channel}', 1000 + person.n, person.id, gen_random_uuid(), 'so do I',
        now(), root
    FROM person, place WHERE place.n = 1;
UPDATE message SET pinned_by = author_id, pinned_at = now(), pin_seq = ch_seq
    WHERE channel_id = '{channel}' AND ch_seq BETWEEN 1001 AND 1000 + {channels};
INSERT INTO message_revision (message_id, number, workspace_id, text, replaced_at, replaced_by)
    SELECT root, person.n, '{workspace}', 'former', now(), author FROM place, person WHERE place.n = 1;
INSERT INTO thread_follow (thread_id, user_id, channel_id, workspace_id, following, read_seq)
    SELECT root, '{ann}', id, '{workspace}', true, 1 FROM place;
INSERT INTO saved_message (id, user_id, message_id, workspace_id, channel_id, saved_at)
    SELECT gen_random_uuid(), '{ann}', answer, '{workspace}', id, now() FROM place;
INSERT INTO draft (user_id, place_id, workspace_id, channel_id, text, updated_at)
    SELECT '{ann}', id, '{workspace}', id, 'not yet', now() + n * interval '1 ms' FROM place;
UPDATE user_account SET status_text = 'away' FROM person WHERE person.id = user_account.id;
INSERT INTO sanction (place_id, kind, user_id, workspace_id, until, reason, laid_by, laid_at)
    SELECT place, kind, id, '{workspace}', now() + interval '1 day', 'enough', '{ann}', now()
    FROM person, (VALUES ('{channel}'::uuid), ('{workspace}')) AS places (place),
        (VALUES ('ban'), ('mute')) AS kinds (kind);
INSERT INTO user_account (id, username, email, display_name, password_hash, created_at)
    SELECT gen_random_uuid(), 'f' || n || '-{tag}', 'f' || n || '@{tag}.example', 'Former ' || n, '!', now()
    FROM person;
INSERT INTO deactivated_member (workspace_id, user_id, role, joined_at, deactivated_at, deactivated_by)
    SELECT '{workspace}', id, 'member', now(), now(), '{ann}' FROM user_account WHERE username LIKE 'f%-{tag}';
INSERT INTO report (id, workspace_id, channel_id, message_id, author_id, reporter_id, category, text, state, created_at)
    SELECT gen_random_uuid(), '{workspace}', '{channel}', root, author, person.id, 'spam', 'hello', 'open', now()
    FROM person, place WHERE place.n = 1;
INSERT INTO notice (id, user_id, workspace_id, channel_id, kind, reason, created_at)
    SELECT gen_random_uuid(), '{ann}', '{workspace}', id, 'kicked', 'enough', now() FROM place;
INSERT INTO audit_log (id, workspace_id, at, actor_id, action, outcome, target_type, target_id)
    SELECT gen_random_uuid(), '{workspace}', now(), id, 'invite.created', 'done', 'workspace', '{workspace}' FROM person
    LIMIT 400;
INSERT INTO notification (id, user_id, workspace_id, channel_id, message_id, ch_seq, reason, created_at)
    SELECT gen_random_uuid(), '{ann}', '{workspace}', c.id, root, c.last_seq - 2, 'mention', now()
    FROM place JOIN channel c USING (id);
INSERT INTO scheduled_message (id, workspace_id, channel_id, author_id, client_msg_id, also_in_channel, text, state,
        due_at, wake_at, created_at, updated_at)
    SELECT gen_random_uuid(), '{workspace}', id, '{ann}', gen_random_uuid(), false, 'later', 'scheduled',
        now() + interval '1 day', now() + interval '1 day', now(), now()
    FROM place;
INSERT INTO reminder (id, user_id, message_id, workspace_id, channel_id, state, due_at, created_at)
    SELECT gen_random_uuid(), '{ann}', root, '{workspace}', id, 'due', now(), now() FROM place;
INSERT INTO sidebar (workspace_id, user_id, version, sections)
    SELECT '{workspace}', '{ann}', 1, jsonb_build_array(
        jsonb_build_object('id', 'channels', 'kind', 'channels', 'name', NULL, 'collapsed', false,
            'channels', jsonb_agg(jsonb_build_array(id, 1))))
    FROM place;
INSERT INTO invite (code, workspace_id, role, expires_at, created_by, created_at)
    SELECT 'code-{tag}-' || n, '{workspace}', 'member', now() + interval '1 day', '{ann}', now() FROM place;
INSERT INTO session (id, user_id, created_at, last_used_at) SELECT gen_random_uuid(), '{ann}', now(), now() FROM place;
INSERT INTO event_log (shard, subject, type, workspace_id, channel_id, ch_seq, event_id, body)
    SELECT 0, 'evt.0', 'message.created', '{workspace}', '{channel}', 1000 + n, gen_random_uuid(), '{{}}' FROM person;
UPDATE channel SET last_seq = 1000 + {people}, last_msg_seq = 1000 + {people} WHERE id = '{channel}';
"""


@pytest_asyncio.fixture(loop_scope="session")
async def crowded(chat, furnish):
    """A furnished house with this many more channels and people in its workspace."""

    async def crowded(channels: int, people: int) -> Furnished:
        house = await furnish()
        first = await house.ann.channel(house.workspace, "everybody")
        names = {"workspace": house.workspace["id"], "ann": house.ann.id, "channel": first["id"]}
        script = CROWD.format(**names, channels=channels, people=people, tag=new_key()[:8])
        connection = await asyncpg.connect(chat.postgres_url)
        try:
            async with connection.transaction():
                await connection.execute(script)
            await connection.execute("ANALYZE")
            root = await connection.fetchval(
                "SELECT id FROM message WHERE channel_id = $1 AND reply_count > 0", first["id"]
            )
        finally:
            await connection.close()
        house.ids |= {"channel_id": first["id"], "message_id": str(root), "thread_id": str(root)}
        return house

    return crowded


async def test_reading_costs_as_many_statements_for_many_as_for_few(crowded, statements):
    wrong: list[str] = []
    shown: dict[str, list[int]] = {}
    for size in (FEW, MANY):
        house = await crowded(**size)
        for row in READINGS:
            question = replace(row, query={**row.query, "limit": 200, **after_the_gap(row)})
            statements.clear()
            answer = await question.ask(house)
            if len(statements) != row.statements:
                wrong.append(f"{size}: {told(row, statements)}")
            shown.setdefault(row.name, []).append(len(answer.content))
    assert not wrong, "\n".join(wrong)
    grown = {name for name, (few, many) in shown.items() if many > 2 * few}
    assert len(grown) > len(READINGS) / 2, "the crowd is no crowd"


def after_the_gap(row: Row) -> dict[str, int]:
    """The crowd's events begin above the thousand."""
    return {"after": 1000} if row.address.endswith("/events") else {}
