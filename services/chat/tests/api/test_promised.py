"""The addresses that the API's first design promises, one by one; and that nothing is described which is not tried.

Every address that chat describes is asked with success (`test_budgets`) and by who has no business there
(`test_access`); a new one fails here until it has its lines in both. `test_described` asks all that are described.
"""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from tertulia_chat.app import openapi_app

PROMISED = """
    POST /auth/register, POST /auth/login, POST /auth/refresh, POST /auth/logout, POST /auth/logout-all
    POST /auth/password, GET /auth/sessions, DELETE /auth/sessions/{session_id}
    GET /users/me, PATCH /users/me, GET /users/{user_id}, PUT /users/me/presence
    POST /workspaces, GET /workspaces
    GET /workspaces/{workspace_id}, PATCH /workspaces/{workspace_id}, DELETE /workspaces/{workspace_id}
    GET /workspaces/{workspace_id}/members, POST /workspaces/{workspace_id}/members
    PATCH /workspaces/{workspace_id}/members/{user_id}, DELETE /workspaces/{workspace_id}/members/{user_id}
    POST /workspaces/{workspace_id}/invites, GET /workspaces/{workspace_id}/invites
    DELETE /workspaces/{workspace_id}/invites/{code}, POST /invites/{code}/accept
    GET /workspaces/{workspace_id}/audit, GET /workspaces/{workspace_id}/bootstrap
    POST /workspaces/{workspace_id}/channels, GET /workspaces/{workspace_id}/channels
    POST /workspaces/{workspace_id}/dms
    GET /channels/{channel_id}, PATCH /channels/{channel_id}, DELETE /channels/{channel_id}
    POST /channels/{channel_id}/join, POST /channels/{channel_id}/leave, POST /channels/{channel_id}/archive
    GET /channels/{channel_id}/members, POST /channels/{channel_id}/members
    PATCH /channels/{channel_id}/members/{user_id}, DELETE /channels/{channel_id}/members/{user_id}
    PUT /channels/{channel_id}/preferences
    POST /channels/{channel_id}/messages, GET /channels/{channel_id}/messages, GET /channels/{channel_id}/events
    GET /messages/{message_id}, PATCH /messages/{message_id}, DELETE /messages/{message_id}
    GET /messages/{message_id}/history, GET /messages/{message_id}/thread
    PUT /messages/{message_id}/reactions/{emoji}, DELETE /messages/{message_id}/reactions/{emoji}
    PUT /messages/{message_id}/pin, DELETE /messages/{message_id}/pin
    PUT /messages/{message_id}/save, DELETE /messages/{message_id}/save, POST /messages/{message_id}/forward
    PUT /channels/{channel_id}/read, PUT /threads/{thread_id}/read
    GET /workspaces/{workspace_id}/unread, GET /workspaces/{workspace_id}/threads
    GET /workspaces/{workspace_id}/mentions, GET /workspaces/{workspace_id}/saved
    PUT /channels/{channel_id}/draft, GET /channels/{channel_id}/draft, DELETE /channels/{channel_id}/draft
    POST /workspaces/{workspace_id}/scheduled, GET /workspaces/{workspace_id}/scheduled
"""
# Why not: docs/subsystems/channels-and-roles.md.
NOT_BUILT = {
    "DELETE /workspaces/{workspace_id}",
}
MESSAGE = """
    id workspace_id channel_id ch_seq author_id text thread_id mentions reactions edited_at deleted_at created_at
    client_msg_id
"""
HERE = Path(__file__).parent
DESCRIPTION = json.loads((HERE.parents[3] / "docs" / "openapi.json").read_text("utf-8"))
METHODS = {"get", "post", "put", "patch", "delete"}
PREFIX = "/api/v1"


def described():
    """What chat says of itself, without what its process tells."""
    schema = openapi_app().openapi_schema.to_schema()
    return {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, item in schema["paths"].items()
        if path.startswith(PREFIX)
        for method in METHODS & item.keys()
    }


def load(name):
    """A neighbouring test module; they are no package."""
    spec = importlib.util.spec_from_file_location(f"promised_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_what_is_promised_is_served():
    promised = {line.strip() for line in PROMISED.replace(",", "\n").splitlines() if line.strip()}
    assert promised - described() == NOT_BUILT


def test_a_message_carries_what_is_promised():
    message = DESCRIPTION["components"]["schemas"]["Message"]["properties"]
    assert message.keys() >= set(MESSAGE.split())


def test_what_chat_serves_is_in_the_published_description():
    published = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, item in DESCRIPTION["paths"].items()
        for method in METHODS & item.keys()
    }
    assert described() <= published


def succeeding():
    return {row.address for row in load("test_budgets").ROWS}


def guarded():
    access = load("test_access")
    return {f"{method} {path.removeprefix(PREFIX)}" for method, path in (*access.GUARDED, *access.OPEN)}


@pytest.mark.parametrize("tried", [succeeding, guarded])
def test_every_operation_is_tried_by_name(tried):
    assert described() - tried() == set()
