import asyncio
import contextlib
import re
import time

import pytest

from tertulia_gateway.headers import TrustedProxies
from tertulia_gateway.routes import Rate, Route, Upstream

ME = "/api/v1/users/me"
POST = "/api/v1/channels/c1/messages"


async def test_a_body_with_a_length_arrives_as_it_was_sent(house):
    body = bytes(range(256)) * 100
    answer = await house.ask(POST, "POST", house.bearer, body)
    assert answer.json["body"].encode("latin-1") == body
    assert answer.json["headers"]["content-length"] == str(len(body))


async def test_a_chunked_body_arrives_whole_and_its_trailers_do_not(house):
    connection = await house.connect()
    await connection.send(
        f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nAuthorization: Bearer other\r\n\r\n"
    )
    answer = await connection.read()
    assert answer.json["body"] == "hello world"
    assert answer.json["headers"]["authorization"].endswith(house.token().rpartition(".")[2]) or answer.status == 200
    assert "other" not in answer.json["headers"]["authorization"]


async def test_many_requests_share_one_connection_to_the_service(house):
    connection = await house.connect()
    for number in range(20):
        answer = await connection.request("GET", f"{ME}?n={number}", house.bearer)
        assert answer.json["query"] == f"n={number}"
    assert len({call.headers["x-request-id"] for call in house.chat.calls}) == 20


async def test_pipelined_requests_are_answered_in_their_order(house):
    async def slow_first(call):
        if call.query == b"n=0":
            await asyncio.sleep(0.1)
        await call.answer(call.query)

    house.chat.handler = slow_first
    connection = await house.connect()
    request = f"GET {ME}?n=%d HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n"
    await connection.send("".join(request % number for number in range(10)))
    assert [(await connection.read()).body for _ in range(10)] == [f"n={number}".encode() for number in range(10)]


async def test_requests_read_before_a_broken_one_are_still_answered(house):
    connection = await house.connect()
    good = f"GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n"
    await connection.send(good + "NOT HTTP\r\n\r\n")
    assert (await connection.read()).status == 200
    broken = await connection.read()
    assert (broken.status, broken.json["code"]) == (400, "bad_request")
    assert await connection.ended() == b""


async def test_a_pipeline_of_refused_requests_is_answered_one_by_one(house):
    connection = await house.connect()
    good = f"GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n"
    refused = f"GET {ME} HTTP/1.1\r\nHost: x\r\n\r\n"
    await connection.send(good + refused * 30 + good)
    statuses = [(await connection.read()).status for _ in range(32)]
    assert statuses == [200, *[401] * 30, 200]


async def test_a_pipeline_without_end_is_cut(house):
    connection = await house.connect()
    good = f"GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n"
    await connection.send(good + f"GET {ME} HTTP/1.1\r\nHost: x\r\n\r\n" * 3000)
    statuses = [(await connection.read()).status for _ in range(34)]
    assert statuses == [200, *[401] * 32, 400]
    assert await connection.ended() == b""


async def test_hop_by_hop_headers_end_here(house):
    async def handler(call):
        await call.answer(
            b"ok", headers=[(b"x-kept", b"1"), (b"connection", b"x-private"), (b"x-private", b"1"), (b"te", b"x")]
        )

    house.chat.handler = handler
    answer = await house.ask(
        ME,
        headers={
            **house.bearer,
            "Connection": "keep-alive, X-Mine",
            "X-Mine": "1",
            "Keep-Alive": "timeout=5",
            "TE": "trailers",
            "Proxy-Authorization": "Basic eA==",
            "X-Kept": "1",
        },
    )
    seen = house.chat.calls[-1].headers
    assert seen["x-kept"] == "1"
    assert not {"connection", "keep-alive", "te", "proxy-authorization", "x-mine"} & set(seen)
    assert answer.headers["x-kept"] == "1"
    assert not {"x-private", "te", "connection"} & set(answer.headers)


async def test_what_a_client_says_about_its_address_is_dropped(house):
    await house.ask(
        ME,
        headers={
            **house.bearer,
            "X-Forwarded-For": "10.9.9.9",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "evil.test",
            "Forwarded": "for=10.9.9.9",
            "X-Real-IP": "10.9.9.9",
        },
    )
    seen = house.chat.calls[-1].headers
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "chat.test"
    assert not {"forwarded", "x-real-ip"} & set(seen)


async def test_a_trusted_proxy_is_believed_up_to_the_first_stranger(closed_house):
    await closed_house.open(proxies="127.0.0.0/8, 10.0.0.0/8")
    headers = {
        **closed_house.bearer,
        "X-Forwarded-For": "1.1.1.1, 203.0.113.7, 10.1.1.1",
        "X-Forwarded-Proto": "https",
    }
    answer = await closed_house.ask(ME, headers=headers)
    seen = closed_house.chat.calls[-1].headers
    assert seen["x-forwarded-for"] == "203.0.113.7"
    assert seen["x-forwarded-proto"] == "https"
    assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_request_id_and_trace_go_in_and_out(house):
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {**house.bearer, "X-Request-Id": "request-12345", "Traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = await house.ask(ME, headers=headers)
    assert answer.headers["x-request-id"] == answer.json["headers"]["x-request-id"] == "request-12345"
    passed = answer.json["headers"]["traceparent"]
    assert re.fullmatch(rf"00-{trace}-[0-9a-f]{{16}}-01", passed)
    assert "b7ad6b7169203331" not in passed


async def test_malformed_ids_are_replaced(house):
    headers = {**house.bearer, "X-Request-Id": "a b<script>", "Traceparent": "nonsense"}
    answer = await house.ask(ME, headers=headers)
    assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["x-request-id"])
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", answer.json["headers"]["traceparent"])


async def test_the_status_and_the_end_of_a_response_are_kept(house, subtests):
    for status in (200, 201, 204, 304, 404, 500, 299):
        with subtests.test(status=status):

            async def handler(call, status=status):
                await call.answer(b"" if status in (204, 304) else b"x", status)

            house.chat.handler = handler
            connection = await house.connect()
            for _ in range(3):
                assert (await connection.request("GET", ME, house.bearer)).status == status


async def test_head_has_the_length_and_no_body(house):
    connection = await house.connect()
    for _ in range(2):
        answer = await connection.request("HEAD", ME, house.bearer)
        assert answer.status == 200
        assert int(answer.headers["content-length"]) > 100


async def test_a_client_of_http_1_0_gets_an_unframed_stream(house):
    async def handler(call):
        await call.start()
        await call.write(b"one ")
        await call.write(b"two", more=False)

    house.chat.handler = handler
    connection = await house.connect()
    await connection.send(f"GET {ME} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n")
    answer = await connection.read()
    assert "transfer-encoding" not in answer.headers
    assert answer.headers["connection"] == "close"
    assert answer.body == b"one two"


async def test_expect_continue_is_answered_here(house):
    connection = await house.connect()
    await connection.send(
        f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n"
        "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    )
    assert (await connection.head()).status == 100
    await connection.send(b"hello")
    answer = await connection.read()
    assert answer.json["body"] == "hello"
    assert "expect" not in answer.json["headers"]


async def test_expect_continue_is_refused_before_the_body_when_the_token_is_missing(house):
    connection = await house.connect()
    await connection.send(f"POST {POST} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert (await connection.read()).status == 401


async def test_an_offer_to_upgrade_is_ignored(house):
    headers = {**house.bearer, "Connection": "Upgrade", "Upgrade": "websocket"}
    answer = await house.ask(ME, headers=headers)
    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert "upgrade" not in answer.json["headers"]


async def test_a_service_that_is_away_gives_503_and_comes_back_by_itself(house):
    await house.ask(ME, headers=house.bearer)
    port = house.chat.port
    await house.chat.stop()
    answer = await house.ask(ME, headers=house.bearer)
    assert (answer.status, answer.json["code"]) == (503, "dependency_unavailable")
    assert answer.headers["retry-after"] == "1"
    await house.chat.start(port)
    assert (await house.ask(ME, headers=house.bearer)).status == 200


class DyingService:
    """Answers the first request of each connection and closes the connection on the second, unanswered."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        with contextlib.suppress(asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()


async def _serve_instead_of_chat(house, callback) -> asyncio.Server:
    port = house.chat.port
    await house.ask(ME, headers=house.bearer)
    await house.chat.stop()
    return await asyncio.start_server(callback, "127.0.0.1", port)


async def test_a_get_on_a_dead_kept_connection_is_tried_once_more(house):
    dying = DyingService()
    async with await _serve_instead_of_chat(house, dying):
        assert (await house.ask(ME, headers=house.bearer)).body == b"ok"
        assert (await house.ask(ME, headers=house.bearer)).body == b"ok"
        assert dying.connections == 2


async def test_a_post_on_a_dead_kept_connection_is_never_repeated(house):
    dying = DyingService()
    async with await _serve_instead_of_chat(house, dying):
        assert (await house.ask(ME, headers=house.bearer)).body == b"ok"
        answer = await house.ask(POST, "POST", house.bearer, b"{}")
        assert (answer.status, answer.json["code"]) == (502, "upstream_failed")
        assert answer.headers["retry-after"] == "1"
        assert sum(request.startswith(b"POST") for request in dying.requests) == 1


@pytest.mark.parametrize(
    "response",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 70_000,
        b"",
    ],
)
async def test_a_service_that_answers_nonsense_gives_502(house, response):
    async def callback(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()

    async with await _serve_instead_of_chat(house, callback):
        answer = await house.ask(POST, "POST", house.bearer, b"")
        assert (answer.status, answer.json["code"]) == (502, "upstream_failed")


@pytest.mark.parametrize("head", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_a_service_that_dies_midway_leaves_a_visibly_broken_response(house, head):
    async def callback(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n5\r\nhello\r\n")
        await writer.drain()
        writer.close()

    async with await _serve_instead_of_chat(house, callback):
        connection = await house.connect()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await connection.request("GET", ME, house.bearer)


async def test_a_response_that_ends_with_its_connection_is_passed_whole(house):
    async def callback(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it")
        writer.close()

    async with await _serve_instead_of_chat(house, callback):
        assert (await house.ask(ME, headers=house.bearer)).body == b"all of it"


async def test_interim_responses_stay_inside(house):
    async def callback(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        await reader.read()
        writer.close()

    async with await _serve_instead_of_chat(house, callback):
        assert (await house.ask(ME, headers=house.bearer)).body == b"ok"


async def test_a_silent_service_gives_504_and_its_request_ends(closed_house):
    gone = asyncio.Event()

    async def silent(call):
        await call.read()
        while (await call.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    row = Route(path=ME, upstream=Upstream.CHAT, rate=Rate.READ, time_limit=0.3)
    await closed_house.open(routes=(row,))
    closed_house.chat.handler = silent
    started = time.monotonic()
    answer = await closed_house.ask(ME, headers=closed_house.bearer)
    assert (answer.status, answer.json["code"]) == (504, "upstream_timeout")
    assert time.monotonic() - started < 3
    await asyncio.wait_for(gone.wait(), 3)


def test_a_proxy_on_a_socket_of_both_families_is_known_by_its_old_address():
    proxies = TrustedProxies("10.0.0.0/8")
    forwarded = [(b"x-forwarded-for", b"203.0.113.7")]
    assert proxies.origin("::ffff:10.1.2.3", forwarded).address == "203.0.113.7"
    assert proxies.origin("::ffff:11.1.2.3", forwarded).address == "::ffff:11.1.2.3"
