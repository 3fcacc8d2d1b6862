"""Registering, logging in, profiles and passwords."""

import asyncio
import threading
import uuid

import pytest


async def test_the_first_run_is_over_with_the_first_account(chat):
    assert await chat.ask("GET", "/auth/first-run", 200) == {"pending": True}
    await chat.person("ann")
    assert await chat.ask("GET", "/auth/first-run", 200) == {"pending": False}


async def test_registering_logs_in_and_shows_only_oneself_the_address(chat):
    ann = await chat.person("ann")
    me = await ann.get("/users/me")
    assert me["email"] == "ann@example.org"
    assert me["username"] == "ann"
    bob = await chat.person("bob")
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    profile = await bob.get(f"/users/{ann.id}")
    assert set(profile) == {"id", "username", "display_name", "created_at", "deactivated_at", "kind", "status"}
    assert profile["kind"] == "person"


async def test_the_answer_says_how_long_the_token_lives_and_must_not_be_cached(chat, make_registration):
    answer = await chat.ask("POST", "/auth/register", None, json=make_registration("ann"))
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 900
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "other@example.org"}, "username_taken"),
        ({"username": "other"}, "email_taken"),
        ({"username": "other", "email": "ANN@Example.org"}, "email_taken"),
    ],
)
async def test_a_taken_name_or_address_is_refused(chat, make_registration, change, code):
    await chat.person("ann")
    problem = await chat.ask("POST", "/auth/register", 409, json=make_registration("ann", **change))
    assert problem["code"] == code


async def test_of_two_who_register_one_name_at_once_exactly_one_wins(chat, make_registration):
    answers = await asyncio.gather(
        *(chat.ask("POST", "/auth/register", None, json=make_registration("ann")) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


@pytest.mark.parametrize(
    "change",
    [
        {"username": "A"},
        {"username": "-ann"},
        {"username": "ann doe"},
        {"username": "a" * 33},
        {"username": "ann\n"},
        {"email": "ann@example.org\n"},
        {"email": "a\x01nn@example.org"},
        {"password": "short"},
        {"password": "x" * 129},
        {"email": "nowhere"},
        {"display_name": "   "},
        {"display_name": "x" * 81},
        {"surprise": 1},
        {"username": None},
        {"display_name": "nul\0"},
    ],
)
async def test_unacceptable_registrations_are_refused_field_by_field(chat, make_registration, change):
    problem = await chat.ask("POST", "/auth/register", 422, json=make_registration("ann", **change))
    assert problem["code"] == "validation_failed"
    assert problem["errors"]


async def test_logging_in_works_by_name_and_by_address_in_any_case(chat):
    ann = await chat.person("ann")
    for login in ("ann", "ANN", "ann@example.org", "Ann@Example.ORG"):
        assert (await chat.login(login)).id == ann.id


@pytest.mark.parametrize(("login", "password"), [("ann", "wrong password"), ("nobody", "wrong password")])
async def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(chat, login, password):
    await chat.person("ann")
    answer = await chat.ask("POST", "/auth/login", None, json={"login": login, "password": password})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (401, "invalid_credentials")
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["x-request-id"]


async def test_a_deactivated_person_cannot_log_in(chat):
    await chat.person("ann")
    await chat.sql("UPDATE user_account SET deactivated_at = now()")
    body = {"login": "ann", "password": "correct horse battery"}
    await chat.ask("POST", "/auth/login", 401, json=body)


async def test_changing_the_password_ends_the_other_sessions_and_keeps_this_one(chat):
    ann = await chat.person("ann")
    elsewhere = await chat.login("ann")
    change = {"current_password": "correct horse battery", "new_password": "another long one"}
    await ann.post("/auth/password", change, 204)
    await ann.get("/users/me")
    await elsewhere.get("/users/me", 401)
    await chat.ask("POST", "/auth/refresh", 401, json={"refresh_token": elsewhere.refresh_token})
    await chat.ask("POST", "/auth/login", 401, json={"login": "ann", "password": "correct horse battery"})
    await chat.login("ann", "another long one")


async def test_changing_the_password_needs_the_present_one(chat):
    ann = await chat.person()
    change = {"current_password": "guessed wrong", "new_password": "another long one"}
    assert (await ann.post("/auth/password", change, 401))["code"] == "invalid_credentials"


async def test_a_profile_is_changed_in_part(chat):
    ann = await chat.person("ann")
    await ann.patch("/users/me", {"preferences": {"theme": "dark"}})
    me = await ann.patch("/users/me", {"display_name": " Ann D. "})
    assert me["display_name"] == "Ann D."
    assert me["preferences"] == {"theme": "dark"}
    assert (await ann.get("/users/me")) == me


async def test_preferences_are_limited_in_size(chat):
    ann = await chat.person()
    problem = await ann.patch("/users/me", {"preferences": {"note": "x" * 20_000}}, 422)
    assert problem["errors"][0]["pointer"] == "/preferences"


def nested(depth):
    """JSON with the innermost value at this depth."""
    return '{"preferences":' + '{"a":' * (depth - 1) + "{}" + "}" * depth


@pytest.mark.parametrize("depth", [33, 400, 900, 5_000])
@pytest.mark.parametrize("extra", ["", ',"display_name":"\\ud800"'])
async def test_json_that_is_nested_too_deeply_is_refused(chat, depth, extra):
    ann = await chat.person()
    content = nested(depth)[:-1] + extra + "}"
    problem = await ann.ask("PATCH", "/users/me", 422, content=content, headers={"content-type": "application/json"})
    assert problem["code"] == "validation_failed"


async def test_preferences_are_32_levels_deep_at_most(chat):
    ann = await chat.person()
    json_type = {"content-type": "application/json"}
    await ann.ask("PATCH", "/users/me", content=nested(32), headers=json_type)
    problem = await ann.ask("PATCH", "/users/me", 422, content=nested(33), headers=json_type)
    assert problem["errors"] == [{"detail": "Nested too deeply: at most 32 levels.", "pointer": "/preferences"}]


async def test_strangers_do_not_see_each_others_profile(chat):
    ann, bob = await chat.people(2)
    await ann.get(f"/users/{bob.id}", 404)
    await ann.get(f"/users/{uuid.uuid4()}", 404)
    await ann.get("/users/not-an-id", 404)


async def test_too_many_waiting_logins_are_told_to_come_back(chat, monkeypatch):
    passwords, held = chat.parts.passwords, threading.Event()
    monkeypatch.setattr(passwords, "_max_waiting", 1)
    monkeypatch.setattr(passwords, "_verify", lambda *_: held.wait(10) and False)
    body = {"login": "nobody", "password": "whatever it is"}
    first = asyncio.create_task(chat.ask("POST", "/auth/login", None, json=body))
    while passwords._waiting == 0:
        await asyncio.sleep(0.01)
    refused = await chat.ask("POST", "/auth/login", None, json=body)
    held.set()
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert int(refused.headers["retry-after"]) >= 1
    assert (await first).status_code == 401


async def test_a_hash_with_old_parameters_is_renewed_at_login(chat):
    from argon2 import PasswordHasher

    await chat.person("ann")
    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("correct horse battery")
    await chat.sql("UPDATE user_account SET password_hash = $1 WHERE kind = 'person'", old)
    await chat.login("ann")
    (row,) = await chat.sql("SELECT password_hash FROM user_account WHERE kind = 'person'")
    assert "m=8,t=1,p=1" in row["password_hash"]
