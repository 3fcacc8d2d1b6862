"""Refresh tokens, sessions, logout."""

import asyncio

WEB = {"x-tertulia-client": "web"}


async def refresh(chat, token, expect=200):
    return await chat.ask("POST", "/auth/refresh", expect, json={"refresh_token": token})


async def test_a_refresh_token_is_exchanged_for_a_new_pair(chat):
    ann = await chat.person()
    result = await refresh(chat, ann.refresh_token)
    assert result["refresh_token"] != ann.refresh_token
    ann.access_token = result["access_token"]
    await ann.get("/users/me")


async def test_an_answer_that_was_lost_can_be_asked_for_again(chat):
    ann = await chat.person()
    await refresh(chat, ann.refresh_token)
    again = await refresh(chat, ann.refresh_token)
    await refresh(chat, again["refresh_token"])


async def test_a_token_whose_successor_was_used_ends_the_session(chat):
    ann = await chat.person()
    first = await refresh(chat, ann.refresh_token)
    second = await refresh(chat, first["refresh_token"])
    assert (await refresh(chat, ann.refresh_token, 401))["code"] == "refresh_token_reused"
    assert (await refresh(chat, second["refresh_token"], 401))["code"] == "refresh_token_invalid"
    await ann.get("/users/me", 401)
    revoked = await chat.sql(
        "SELECT body::jsonb->'data'->>'reason' AS reason FROM event_log WHERE type = $1", "session.revoked"
    )
    assert [row["reason"] for row in revoked] == ["refresh_reused"]


async def test_an_unused_successor_cannot_be_used_beside_its_used_twin(chat):
    ann = await chat.person()
    first = await refresh(chat, ann.refresh_token)
    twin = await refresh(chat, ann.refresh_token)
    await refresh(chat, twin["refresh_token"])
    assert (await refresh(chat, first["refresh_token"], 401))["code"] == "refresh_token_reused"


async def test_a_used_token_ends_the_session_after_half_a_minute(chat):
    ann = await chat.person()
    await refresh(chat, ann.refresh_token)
    await chat.sql("UPDATE refresh_token SET used_at = used_at - interval '31 seconds' WHERE used_at IS NOT NULL")
    assert (await refresh(chat, ann.refresh_token, 401))["code"] == "refresh_token_reused"


async def test_two_exchanges_at_once_both_get_a_usable_answer(chat):
    ann = await chat.person()
    results = await asyncio.gather(*(refresh(chat, ann.refresh_token) for _ in range(3)))
    await refresh(chat, results[-1]["refresh_token"])


async def test_an_expired_or_made_up_refresh_token_is_refused(chat):
    ann = await chat.person()
    assert (await refresh(chat, "made-up", 401))["code"] == "refresh_token_invalid"
    await chat.sql("UPDATE refresh_token SET expires_at = now()")
    assert (await refresh(chat, ann.refresh_token, 401))["code"] == "refresh_token_invalid"
    assert (await chat.ask("POST", "/auth/refresh", 401))["code"] == "refresh_token_invalid"


async def test_browsers_keep_the_refresh_token_in_a_cookie(chat, make_registration):
    headers = {**WEB, "x-forwarded-proto": "https"}
    answer = await chat.ask("POST", "/auth/register", None, json=make_registration("ann"), headers=headers)
    assert answer.json()["refresh_token"] is None
    cookie = answer.headers["set-cookie"]
    for part in ("tertulia_refresh=", "HttpOnly", "SameSite=strict", "Path=/api/v1/auth", "Secure"):
        assert part.lower() in cookie.lower()
    chat.http.cookies.clear()
    token = cookie.split("tertulia_refresh=")[1].split(";")[0]
    jar = {"cookie": f"tertulia_refresh={token}"}
    await chat.ask("POST", "/auth/refresh", 401, headers=jar)
    renewed = await chat.ask("POST", "/auth/refresh", None, headers={**WEB, **jar})
    assert renewed.status_code == 200
    assert "Secure" not in renewed.headers["set-cookie"]
    chat.http.cookies.clear()
    token = renewed.headers["set-cookie"].split("tertulia_refresh=")[1].split(";")[0]
    out = await chat.ask("POST", "/auth/logout", 204, headers={**WEB, "cookie": f"tertulia_refresh={token}"})
    assert "max-age=0" in out.headers["set-cookie"].lower()


async def test_sessions_are_listed_and_ended_one_by_one(chat):
    ann = await chat.person("ann")
    phone = await chat.login("ann", headers={"user-agent": "Phone", "x-forwarded-for": "10.0.0.1, 192.0.2.7"})
    items = (await ann.get("/auth/sessions"))["items"]
    assert [item["current"] for item in items] == [False, True]
    assert (items[0]["user_agent"], items[0]["ip"]) == ("Phone", "192.0.2.7")
    bob = await chat.person("bob")
    await bob.delete(f"/auth/sessions/{items[0]['id']}", 404)
    await ann.delete(f"/auth/sessions/{items[0]['id']}")
    await ann.delete(f"/auth/sessions/{items[0]['id']}", 404)
    await phone.get("/users/me", 401)
    assert len((await ann.get("/auth/sessions"))["items"]) == 1


async def test_logging_out_ends_the_session_at_once_everywhere(chat):
    ann = await chat.person("ann")
    workspace = await ann.workspace()
    await chat.ask("POST", "/auth/logout", 204, json={"refresh_token": ann.refresh_token})
    assert (await ann.get("/users/me", 401))["code"] == "unauthenticated"
    assert (await ann.say(workspace["general"], "too late", expect=401))["code"] == "unauthenticated"
    await refresh(chat, ann.refresh_token, 401)
    await chat.ask("POST", "/auth/logout", 204, json={"refresh_token": ann.refresh_token})


async def test_logging_out_works_with_the_access_token_alone(chat):
    ann = await chat.person()
    await ann.post("/auth/logout", None, 204)
    await ann.get("/users/me", 401)


async def test_logging_out_everywhere_ends_all_sessions(chat):
    ann = await chat.person("ann")
    phone = await chat.login("ann")
    bob = await chat.person("bob")
    await ann.post("/auth/logout-all", None, 204)
    await ann.get("/users/me", 401)
    await phone.get("/users/me", 401)
    await bob.get("/users/me")
    events = await chat.sql("SELECT subject FROM event_log WHERE type = 'session.revoked'")
    assert len(events) == 2
    assert all(row["subject"].endswith(f".user.{ann.id}") for row in events)
