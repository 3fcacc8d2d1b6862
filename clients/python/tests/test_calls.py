"""Calls: tokens, errors, safe repetition and pages, over real HTTP."""

import asyncio
import time

import pytest
from aiohttp import web

from tertulia_client import (
    Client,
    ClientClosed,
    Conflict,
    NetworkError,
    NotSignedIn,
    ProtocolError,
    RateLimited,
    ServerFailed,
    Tokens,
    Unauthenticated,
    ValidationFailed,
)
from tertulia_client.errors import retry_after_s

from .conftest import CHANNELS, WORKSPACE, Server, answering, cut_before

POST = f"/channels/{CHANNELS[0]}/messages"


async def test_a_wrong_password_is_told_with_its_code(server: Server):
    async with Client(server.url) as client:
        with pytest.raises(Unauthenticated) as caught:
            await client.auth.login("ada", "wrong")
        assert (caught.value.code, caught.value.status, caught.value.request_id) == (
            "invalid_credentials",
            401,
            "req-1",
        )
        with pytest.raises(NotSignedIn):
            await client.workspaces.mine()
        with pytest.raises(NotSignedIn):
            _ = client.user


async def test_an_expired_token_is_renewed_once_and_the_call_repeated(server: Server, client: Client):
    for token in server.access:
        server.access[token] = 0.0
    assert len(await client.workspaces.mine()) == 1
    assert server.count("POST", "/auth/refresh") == 1


async def test_a_server_that_refuses_fresh_tokens_too_is_not_asked_for_ever(server: Server, client: Client):
    server.plan("GET", "/workspaces", answering(401, "token_expired"), answering(401, "token_expired"))
    with pytest.raises(Unauthenticated):
        await client.workspaces.mine()
    assert server.count("GET", "/workspaces") == 2


async def test_a_call_that_outlives_several_tokens_renews_each_of_them(server: Server, client: Client):
    expired, busy = answering(401, "token_expired"), answering(429, "rate_limited", {"Retry-After": "0"})
    server.plan("POST", POST, expired, busy, expired, busy, expired)
    assert (await client.send(CHANNELS[0], "at last")).text == "at last"
    assert server.count("POST", "/auth/refresh") == 3


async def test_a_closed_client_stays_closed(server: Server):
    client = Client(server.url)
    await client.auth.login("ada", "correct horse")
    await client.aclose()
    with pytest.raises(ClientClosed):
        await client.workspaces.mine()
    with pytest.raises(ClientClosed):
        await anext(client.stream())


async def test_many_callers_share_one_refresh(server: Server, client: Client):
    for token in server.access:
        server.access[token] = 0.0
    await asyncio.gather(*(client.workspaces.mine() for _ in range(20)))
    assert server.count("POST", "/auth/refresh") == 1


async def test_a_token_is_renewed_before_it_expires(server: Server):
    server.token_ttl_s = 0.5
    async with Client(server.url) as client:
        await client.auth.login("ada", "correct horse")
        await asyncio.sleep(0.42)
        await client.workspaces.mine()
    assert server.requests[-2:] == [("POST", "/auth/refresh"), ("GET", "/workspaces")]


async def test_while_refreshing_fails_a_token_that_still_lives_is_used(server: Server):
    server.token_ttl_s = 5.0
    async with Client(server.url) as client:
        await client.auth.login("ada", "correct horse")
        client.auth._caller.tokens._renew_at = 0.0
        server.plan("POST", "/auth/refresh", answering(503, "dependency_unavailable"))
        assert len(await client.workspaces.mine()) == 1


async def test_a_dead_token_is_renewed_however_often_that_fails_at_first(server: Server, client: Client):
    client.auth._caller.tokens._renew_at = client.auth._caller.tokens._dies_at = 0.0
    server.plan("POST", "/auth/refresh", *[answering(503, "down", {"Retry-After": "0"})] * 3)
    assert len(await client.workspaces.mine()) == 1


async def test_a_lost_answer_of_a_refresh_is_tried_again(server: Server, client: Client):
    server.plan("POST", "/auth/refresh", cut_before, answering(503, "dependency_unavailable", {"Retry-After": "0"}))
    await client.auth.refresh()
    assert server.count("POST", "/auth/refresh") == 3


async def test_a_session_that_is_over_signs_the_client_out(server: Server):
    kept: list[Tokens | None] = []
    async with Client(server.url, on_tokens=kept.append) as client:
        await client.auth.login("ada", "correct horse")
        server.refresh = "replaced by a thief"
        with pytest.raises(Unauthenticated) as caught:
            await client.auth.refresh()
        assert caught.value.code == "refresh_token_reused"
        with pytest.raises(NotSignedIn):
            await client.workspaces.mine()
    assert kept[0] is not None
    assert kept[-1] is None


async def test_kept_tokens_go_on_with_the_session(server: Server, client: Client):
    assert client.tokens is not None
    async with Client(server.url, tokens=client.tokens) as later:
        assert len(await later.workspaces.mine()) == 1
        stale = Tokens(access_token="x", refresh_token=client.tokens.refresh_token, expires_at=time.time() - 60)
    async with Client(server.url, tokens=stale) as later:
        assert len(await later.workspaces.mine()) == 1
        assert later.user.username == "ada"


async def test_logging_out_forgets_the_tokens_even_when_the_session_had_ended(server: Server, client: Client):
    server.plan("POST", "/auth/logout", answering(401, "unauthenticated"))
    await client.auth.logout()
    assert client.tokens is None
    await client.auth.logout()
    assert server.count("POST", "/auth/logout") == 1


async def test_sending_repeats_with_the_same_id_until_it_is_answered(server: Server, client: Client):
    server.cut_after_commit = 2
    server.plan("POST", POST, cut_before, answering(503, "dependency_unavailable", {"Retry-After": "0"}))
    message = await client.send(CHANNELS[0], "once")
    assert server.count("POST", POST) >= 4
    assert [event["data"]["message"]["text"] for event in server.log] == ["once"]
    assert (message.ch_seq, message.text) == (1, "once")


async def test_a_request_timeout_of_the_server_is_repeated(server: Server, client: Client):
    server.plan("POST", POST, answering(408, "request_timeout"))
    assert (await client.send(CHANNELS[0], "at last")).text == "at last"


async def test_sending_waits_as_long_as_a_429_asks(server: Server, client: Client):
    server.plan("POST", POST, answering(429, "rate_limited", {"Retry-After": "0.4"}))
    started = time.monotonic()
    await client.send(CHANNELS[0], "patient")
    assert time.monotonic() - started >= 0.4


async def test_sending_a_refused_message_raises_at_once(server: Server, client: Client):
    with pytest.raises(ValidationFailed) as caught:
        await client.send(CHANNELS[0], "  ")
    assert (caught.value.errors[0].pointer, caught.value.errors[0].detail) == ("/text", "must not be blank")
    server.plan("POST", POST, answering(409, "client_msg_id_reused"))
    with pytest.raises(Conflict):
        await client.send(CHANNELS[0], "other")
    assert server.count("POST", POST) == 2


async def test_sending_gives_up_when_patience_ends(server: Server, client: Client):
    server.plan("POST", POST, *[answering(503, "dependency_unavailable", {"Retry-After": "0"})] * 100)
    with pytest.raises(ServerFailed) as caught:
        await client.messages.send(CHANNELS[0], "never", patience_s=0.3)
    assert caught.value.retry_after_s == 0.0


async def test_an_unsafe_call_is_not_repeated_after_a_lost_answer_but_after_a_429(server: Server, client: Client):
    path = f"/channels/{CHANNELS[0]}/typing"
    server.plan("POST", path, answering(429, "rate_limited", {"Retry-After": "0"}), cut_before)
    with pytest.raises(NetworkError):
        await client.channels.typing(CHANNELS[0])
    assert server.count("POST", path) == 2


async def test_what_is_to_happen_once_is_repeated_with_one_key(server: Server, client: Client):
    keys: list[str] = []
    made = {"id": WORKSPACE, "name": "W", "slug": "w", "created_by": "u1", "created_at": "2026-01-01T00:00:00.000Z"}

    async def lost(request: web.Request) -> web.StreamResponse | None:
        keys.append(request.headers["Idempotency-Key"])
        return await cut_before(request)

    async def done(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers["Idempotency-Key"])
        return web.json_response(made, status=201)

    at_work = answering(409, "idempotency_key_in_use", {"Retry-After": "0"})
    server.plan("POST", "/workspaces", lost, answering(503, "down", {"Retry-After": "0"}), at_work, done, done)
    assert (await client.workspaces.create("W")).id == WORKSPACE
    assert server.count("POST", "/workspaces") == 4
    assert len(set(keys)) == 1
    await client.workspaces.create("W")
    assert len(set(keys)) == 2


async def test_another_conflict_is_raised_at_once(server: Server, client: Client):
    server.plan("POST", "/workspaces", answering(409, "slug_taken"))
    with pytest.raises(Conflict):
        await client.workspaces.create("W", slug="w")
    assert server.count("POST", "/workspaces") == 1


async def test_a_429_that_asks_for_more_than_the_patience_is_raised(server: Server, client: Client):
    server.plan("GET", "/workspaces", answering(429, "rate_limited", {"Retry-After": "3600"}))
    with pytest.raises(RateLimited) as caught:
        await client.workspaces.mine()
    assert caught.value.retry_after_s == 3600.0


async def test_a_refused_connection_is_a_network_error(unused_tcp_port: int):
    async with Client(f"http://127.0.0.1:{unused_tcp_port}", patience_s=0.2) as client:
        with pytest.raises(NetworkError):
            await client.auth.login("ada", "x")


async def test_a_proxys_error_page_is_an_error_with_its_status_as_code(server: Server, client: Client):
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(status=403, text="<h1>Forbidden</h1>", headers={"X-Request-Id": "edge-7"})

    server.plan("GET", "/workspaces", page)
    with pytest.raises(Exception, match="http_403") as caught:
        await client.workspaces.mine()
    assert getattr(caught.value, "request_id", None) == "edge-7"


async def test_an_answer_that_is_not_the_contract_is_a_protocol_error(server: Server, client: Client):
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>")

    server.plan("GET", "/workspaces", page)
    with pytest.raises(ProtocolError):
        await client.workspaces.mine()


async def test_pages_are_walked_to_the_end(server: Server, client: Client):
    assert [item.channel.id async for item in client.channels.list(WORKSPACE, page_size=1)] == CHANNELS
    for number in range(7):
        server.commit(CHANNELS[0], f"m{number}")
    newest = [m.ch_seq async for m in client.messages.newest_first(CHANNELS[0], page_size=3)]
    oldest = [m.ch_seq async for m in client.messages.oldest_first(CHANNELS[0], page_size=3)]
    events = [e.ch_seq async for e in client.channels.events(CHANNELS[0], after=2)]
    assert (newest, oldest, events) == ([7, 6, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6, 7], [3, 4, 5, 6, 7])


@pytest.mark.parametrize(("value", "seconds"), [(None, None), ("7", 7.0), ("-1", 0.0), ("soon", None)])
def test_retry_after_is_read_as_seconds(value, seconds):
    assert retry_after_s(value) == seconds


def test_retry_after_may_be_a_date():
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
