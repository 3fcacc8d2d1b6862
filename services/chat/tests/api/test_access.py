"""Trying to get in, on every route there is.

A new route fails the first test until it has a line in the table.
"""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest_asyncio
from joserfc.jwk import OKPKey

from tertulia_chat.app import openapi_app
from tertulia_shared.tokens import TokenSigner

SOME_ID = str(uuid.uuid4())
ASK = {"command": "ask", "prompt": "let me in", "model": "m"}
TEXT = {"text": "let me in", "client_msg_id": SOME_ID}
UNTIL = {"until": "2099-01-01T00:00:00Z"}

SECTIONS = [{"id": kind, "kind": kind} for kind in ("starred", "channels", "direct")]
LATER = {"channel_id": SOME_ID, **TEXT}

# Addresses that work without an access token.
OPEN = {
    ("GET", "/api/v1/auth/first-run"),
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/internal/openapi"),
    ("GET", "/internal/openapi/openapi.json"),
    ("GET", "/internal/openapi/{path}"),
}

# Everything else: an acceptable body, and what somebody gets who is logged in but has no business there.
# None: the address is about the caller alone, or (accept) lets in whoever knows the code.
GUARDED = {
    ("POST", "/api/v1/auth/logout"): (None, None),
    ("POST", "/api/v1/auth/logout-all"): (None, None),
    ("POST", "/api/v1/auth/password"): ({"current_password": "x", "new_password": "long enough"}, None),
    ("GET", "/api/v1/auth/sessions"): (None, None),
    ("DELETE", "/api/v1/auth/sessions/{session_id}"): (None, 404),
    ("GET", "/api/v1/users/me"): (None, None),
    ("PATCH", "/api/v1/users/me"): ({}, None),
    ("PUT", "/api/v1/users/me/status"): ({"text": "let me in"}, None),
    ("DELETE", "/api/v1/users/me/status"): (None, None),
    ("PUT", "/api/v1/users/me/presence"): ({}, None),
    ("GET", "/api/v1/users/{user_id}"): (None, 404),
    ("POST", "/api/v1/workspaces"): ({"name": "Mine"}, None),
    ("GET", "/api/v1/workspaces"): (None, None),
    ("GET", "/api/v1/workspaces/{workspace_id}"): (None, 404),
    ("PATCH", "/api/v1/workspaces/{workspace_id}"): ({"name": "Mine"}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/members"): (None, 404),
    ("POST", "/api/v1/workspaces/{workspace_id}/members"): ({"user_id": SOME_ID}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/permissions"): (None, 404),
    ("PUT", "/api/v1/workspaces/{workspace_id}/permissions"): ({"permissions": {}}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/audit"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/audit/export"): (None, 404),
    ("POST", "/api/v1/workspaces/{workspace_id}/members/{user_id}/deactivate"): (None, 404),
    ("POST", "/api/v1/workspaces/{workspace_id}/members/{user_id}/reactivate"): (None, 404),
    ("DELETE", "/api/v1/workspaces/{workspace_id}/members/{user_id}"): (None, 404),
    ("PATCH", "/api/v1/workspaces/{workspace_id}/members/{user_id}"): ({"role": "owner"}, 404),
    ("POST", "/api/v1/workspaces/{workspace_id}/invites"): ({}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/invites"): (None, 404),
    ("DELETE", "/api/v1/workspaces/{workspace_id}/invites/{code}"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/sidebar"): (None, 404),
    ("PUT", "/api/v1/workspaces/{workspace_id}/sidebar"): ({"version": 0, "sections": SECTIONS}, 404),
    ("POST", "/api/v1/invites/{code}/accept"): (None, None),
    ("POST", "/api/v1/workspaces/{workspace_id}/channels"): ({"kind": "public", "name": "mine"}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/channels"): (None, 404),
    ("POST", "/api/v1/workspaces/{workspace_id}/dms"): ({"user_ids": [SOME_ID]}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/bootstrap"): (None, 404),
    ("GET", "/api/v1/channels/{channel_id}"): (None, 404),
    ("PATCH", "/api/v1/channels/{channel_id}"): ({"topic": "mine"}, 404),
    ("DELETE", "/api/v1/channels/{channel_id}"): (None, 404),
    ("POST", "/api/v1/channels/{channel_id}/join"): (None, 404),
    ("POST", "/api/v1/channels/{channel_id}/leave"): (None, 404),
    ("GET", "/api/v1/channels/{channel_id}/members"): (None, 404),
    ("GET", "/api/v1/channels/{channel_id}/reach"): (None, 404),
    ("POST", "/api/v1/channels/{channel_id}/members"): ({"user_id": SOME_ID}, 404),
    ("DELETE", "/api/v1/channels/{channel_id}/members/{user_id}"): (None, 404),
    ("PATCH", "/api/v1/channels/{channel_id}/members/{user_id}"): ({"role": "owner"}, 404),
    ("POST", "/api/v1/channels/{channel_id}/messages"): (TEXT, 404),
    ("GET", "/api/v1/channels/{channel_id}/messages"): (None, 404),
    ("GET", "/api/v1/channels/{channel_id}/events"): (None, 404),
    ("POST", "/api/v1/channels/{channel_id}/archive"): (None, 404),
    ("POST", "/api/v1/channels/{channel_id}/unarchive"): (None, 404),
    ("GET", "/api/v1/messages/{message_id}"): (None, 404),
    ("PATCH", "/api/v1/messages/{message_id}"): ({"text": "mine"}, 404),
    ("DELETE", "/api/v1/messages/{message_id}"): (None, 404),
    ("GET", "/api/v1/messages/{message_id}/thread"): (None, 404),
    ("PUT", "/api/v1/messages/{message_id}/reactions/{emoji}"): (None, 404),
    ("DELETE", "/api/v1/messages/{message_id}/reactions/{emoji}"): (None, 404),
    ("PUT", "/api/v1/messages/{message_id}/pin"): (None, 404),
    ("DELETE", "/api/v1/messages/{message_id}/pin"): (None, 404),
    ("PUT", "/api/v1/messages/{message_id}/save"): (None, 404),
    ("DELETE", "/api/v1/messages/{message_id}/save"): (None, 404),
    ("GET", "/api/v1/channels/{channel_id}/pins"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/saved"): (None, 404),
    ("PUT", "/api/v1/channels/{channel_id}/draft"): ({"text": "let me in"}, 404),
    ("GET", "/api/v1/channels/{channel_id}/draft"): (None, 404),
    ("DELETE", "/api/v1/channels/{channel_id}/draft"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/drafts"): (None, 404),
    ("POST", "/api/v1/workspaces/{workspace_id}/scheduled"): ({**LATER, "send_at": "2026-11-21T00:00:00Z"}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/scheduled"): (None, 404),
    ("PATCH", "/api/v1/scheduled/{scheduled_id}"): ({"text": "let me in"}, 404),
    ("DELETE", "/api/v1/scheduled/{scheduled_id}"): (None, 404),
    ("POST", "/api/v1/scheduled/{scheduled_id}/send"): (None, 404),
    ("POST", "/api/v1/messages/{message_id}/reminders"): ({"remind_at": "2026-11-21T00:00:00Z"}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/reminders"): (None, 404),
    ("PATCH", "/api/v1/reminders/{reminder_id}"): ({"completed": True}, 404),
    ("DELETE", "/api/v1/reminders/{reminder_id}"): (None, 404),
    ("GET", "/api/v1/messages/{message_id}/history"): (None, 404),
    ("POST", "/api/v1/messages/{message_id}/restore"): (None, 404),
    ("POST", "/api/v1/messages/{message_id}/forward"): ({"channel_id": SOME_ID, "client_msg_id": SOME_ID}, 404),
    ("PUT", "/api/v1/channels/{channel_id}/read"): ({"seq": 1}, 404),
    ("PUT", "/api/v1/channels/{channel_id}/preferences"): ({"muted": True}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/unread"): (None, 404),
    ("POST", "/api/v1/workspaces/{workspace_id}/read-all"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/mentions"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/threads"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/notifications"): (None, 404),
    ("POST", "/api/v1/workspaces/{workspace_id}/notifications/read"): ({"id": SOME_ID}, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/keywords"): (None, 404),
    ("PUT", "/api/v1/workspaces/{workspace_id}/keywords"): ({"keywords": ["mine"]}, 404),
    ("PUT", "/api/v1/threads/{thread_id}/follow"): (None, 404),
    ("DELETE", "/api/v1/threads/{thread_id}/follow"): (None, 404),
    ("PUT", "/api/v1/threads/{thread_id}/read"): ({"seq": 1}, 404),
    ("POST", "/api/v1/channels/{channel_id}/members/{user_id}/kick"): ({}, 404),
    ("PUT", "/api/v1/channels/{channel_id}/bans/{user_id}"): ({}, 404),
    ("DELETE", "/api/v1/channels/{channel_id}/bans/{user_id}"): (None, 404),
    ("GET", "/api/v1/channels/{channel_id}/bans"): (None, 404),
    ("PUT", "/api/v1/channels/{channel_id}/mutes/{user_id}"): (UNTIL, 404),
    ("DELETE", "/api/v1/channels/{channel_id}/mutes/{user_id}"): (None, 404),
    ("GET", "/api/v1/channels/{channel_id}/mutes"): (None, 404),
    ("PUT", "/api/v1/workspaces/{workspace_id}/bans/{user_id}"): ({}, 404),
    ("DELETE", "/api/v1/workspaces/{workspace_id}/bans/{user_id}"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/bans"): (None, 404),
    ("PUT", "/api/v1/workspaces/{workspace_id}/mutes/{user_id}"): (UNTIL, 404),
    ("DELETE", "/api/v1/workspaces/{workspace_id}/mutes/{user_id}"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/mutes"): (None, 404),
    ("GET", "/api/v1/workspaces/{workspace_id}/reports"): (None, 404),
    ("POST", "/api/v1/messages/{message_id}/report"): ({"category": "spam"}, 404),
    ("POST", "/api/v1/reports/{report_id}/resolve"): ({"outcome": "dismissed"}, 404),
    ("GET", "/api/v1/users/me/notices"): (None, None),
    ("GET", "/internal/v1/memberships"): (None, 401),
    ("GET", "/internal/v1/messages/export"): (None, 401),
    ("GET", "/internal/v1/messages/counts"): (None, 401),
    ("GET", "/internal/v1/events/digest?from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z"): (None, 401),
    ("GET", "/internal/v1/events/ids?hour=2026-11-21T00:00:00Z&type=message.created"): (None, 401),
    ("GET", "/internal/v1/events/bounds"): (None, 401),
    ("POST", "/internal/v1/runs"): ({"id": SOME_ID, "asker_id": SOME_ID, "channel_id": SOME_ID, **ASK}, 401),
    ("POST", "/internal/v1/runs/{run_id}/finish"): ({"state": "done", "text": "let me in", "model": "m"}, 401),
    ("POST", "/internal/v1/channels/{channel_id}/import"): (
        {"messages": [{"author_id": SOME_ID, "created_at": "2026-11-21T00:00:00Z", **TEXT}]},
        401,
    ),
}
PRIVATE = {"{channel_id}", "{message_id}", "{thread_id}", "{scheduled_id}", "{reminder_id}"}
FORBIDDEN = [(*route, *line) for route, line in GUARDED.items() if line[1] is not None]


def all_routes():
    for route in openapi_app().routes:
        for method in getattr(route, "methods", ()):
            if method not in ("OPTIONS", "HEAD"):
                yield method, route.path_format.split("?")[0].replace(":uuid", "").replace(":str", "")


def test_every_route_is_either_open_or_guarded():
    assert set(all_routes()) - OPEN == {(method, path.split("?")[0]) for method, path in GUARDED}


async def found(chat):
    """Ann's workspace with a private channel and a message; Bob belongs to the workspace, the stranger to nothing."""
    ann, bob, stranger = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    channel = await ann.channel(workspace, "secret", "private")
    message = await ann.say(channel, "our secret")
    invite = await ann.post(f"/workspaces/{workspace['id']}/invites", {}, 201)
    session = (await ann.get("/auth/sessions"))["items"][0]
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"channel_id": channel["id"], "text": "our secret", "client_msg_id": SOME_ID, "send_at": at}
    scheduled = (await ann.post(f"/workspaces/{workspace['id']}/scheduled", body, 201))["scheduled"]
    reminder = (await ann.post(f"/messages/{message['id']}/reminders", {"remind_at": at}, 201))["reminder"]
    names = {
        "workspace_id": workspace["id"],
        "channel_id": channel["id"],
        "message_id": message["id"],
        "thread_id": message["id"],
        "user_id": ann.id,
        "session_id": session["id"],
        "code": invite["code"],
        "run_id": SOME_ID,
        "report_id": SOME_ID,
        "scheduled_id": scheduled["id"],
        "reminder_id": reminder["id"],
        "emoji": "👍",
    }
    return ann, bob, stranger, names


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def knock(chat, method, path, names, body, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    more = {"json": body} if body is not None else {}
    return await chat.http.request(method, path.format(**names), headers=headers, **more)


async def test_nobody_gets_in_without_a_token(chat, house, subtests):
    *_, names = house
    for (method, path), (body, _) in GUARDED.items():
        with subtests.test(f"{method} {path}"):
            for token in (None, "nonsense", "a.b.c", "x" * 5000):
                answer = await knock(chat, method, path, names, body, token)
                assert answer.status_code == 401
                assert answer.json()["code"] == "unauthenticated"
                assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_stranger_gets_nowhere(chat, house, subtests):
    ann, _, stranger, names = house
    for method, path, body, expected in FORBIDDEN:
        with subtests.test(f"{method} {path}"):
            about = names | ({"user_id": stranger.id} if path.endswith("members/{user_id}") else {})
            answer = await knock(chat, method, path, about, body, stranger.access_token)
            assert answer.status_code == expected, answer.text
            (kept,) = (await ann.get(f"/channels/{names['channel_id']}/messages"))["items"]
            assert (kept["text"], kept["deleted_at"]) == ("our secret", None)
            assert (await ann.get(f"/channels/{names['channel_id']}"))["channel"]["archived_at"] is None


async def test_a_member_of_the_workspace_gets_nowhere_near_a_private_channel(chat, house, subtests):
    _, bob, _, names = house
    for method, path, body, _ in FORBIDDEN:
        if set(path.split("/")) & PRIVATE:
            with subtests.test(f"{method} {path}"):
                answer = await knock(chat, method, path, names, body, bob.access_token)
                assert answer.status_code == (401 if path.startswith("/internal") else 404), answer.text


async def test_a_stranger_entering_another_workspace_does_not_open_this_one(chat, house):
    _, _, stranger, names = house
    own = await stranger.workspace()
    await stranger.get(f"/workspaces/{own['id']}/channels")
    await stranger.get(f"/channels/{names['channel_id']}", 404)
    await stranger.post(f"/workspaces/{own['id']}/dms", {"user_ids": [names["user_id"]]}, 404)


async def test_expired_and_forged_tokens_are_told_apart(chat, house):
    ann, bob, _, _ = house
    (session,) = await chat.sql("SELECT id FROM session WHERE user_id = $1", uuid.UUID(ann.id))
    signer = await chat.parts.keys.signer()
    kid = (await chat.parts.keys.jwks())["keys"][0]["kid"]
    foreign = TokenSigner(OKPKey.generate_key("Ed25519", {"kid": kid}))
    real = signer.issue(ann.id, str(session["id"]), 60)
    head, claims, signature = real.split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid}).encode()).decode().rstrip("=")
    tokens = {
        signer.issue(ann.id, str(session["id"]), -1): "token_expired",
        foreign.issue(ann.id, str(session["id"]), 60): "unauthenticated",
        f"{head}.{claims}.{signature[:-4]}AAAA": "unauthenticated",
        f"{head}.{bob.access_token.split('.')[1]}.{signature}": "unauthenticated",
        signer.issue(ann.id, str(uuid.uuid4()), 60): "unauthenticated",
        signer.issue(bob.id, str(session["id"]), 60): "unauthenticated",
        f"{unsigned}.{claims}.": "unauthenticated",
        chat.parts.services.issue("notify"): "unauthenticated",
    }
    for token, code in tokens.items():
        answer = await chat.ask("GET", "/users/me", 401, headers={"authorization": f"Bearer {token}"})
        assert answer["code"] == code
    await chat.ask("GET", "/users/me", 200, headers={"authorization": f"bearer {real}"})
