"""Requests that two readers could take apart differently: request smuggling (CWE-444)."""

import asyncio

import pytest

POST = "/api/v1/channels/c1/messages"

SMUGGLED = f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\n"


AMBIGUOUS = {
    "two lengths": "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "lengths in a list": "Content-Length: 3, 3\r\n\r\nabc",
    "length and chunked": "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "chunked twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding first": "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc",
    "a folded header": "X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a folded coding": "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": "Content-Length : 3\r\n\r\nabc",
    "a signed length": "Content-Length: +3\r\n\r\nabc",
    "a negative length": "Content-Length: -3\r\n\r\nabc",
    "a hexadecimal length": "Content-Length: 0x3\r\n\r\nabc",
    "an endless length": "Content-Length: 99999999999999999999\r\n\r\nabc",
    "a bare line feed": "X-A: b\nX-B: c\r\nContent-Length: 0\r\n\r\n",
    "a bare carriage return": "X-A: b\rX-B: c\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a value": "X-A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "a header without a name": ": b\r\nContent-Length: 0\r\n\r\n",
    "two hosts": "Host: y\r\nContent-Length: 0\r\n\r\n",
    "two tokens": "Authorization: Bearer other\r\nContent-Length: 0\r\n\r\n",
    "a chunk size that is none": "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than it says": "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "an upgrade with a body": "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
}


async def test_an_ambiguous_request_is_refused_and_its_connection_ends(house, subtests):
    for why, rest in AMBIGUOUS.items():
        with subtests.test(why):
            await house.ask("/api/v1/users/me", headers=house.bearer)
            connection = await house.connect()
            await connection.send(SMUGGLED.replace("TOKEN", house.token()) + rest)
            answer = await connection.read()
            assert (answer.status, answer.json["code"]) in ((400, "bad_request"), (413, "body_too_large"))
            assert answer.headers["connection"] == "close"
            assert await connection.ended() == b""
            assert all(call.method == "GET" or not call.body for call in house.chat.calls)


async def test_what_is_not_http_1_1_is_refused(house, subtests):
    for request_bytes in (
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "get / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01",
        "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with subtests.test(request_bytes=request_bytes):
            connection = await house.connect()
            await connection.send(request_bytes)
            assert (await connection.read()).status == 400
            assert await connection.ended() == b""


async def test_other_methods_are_not_known(house, subtests):
    for method in ("CONNECT", "TRACE", "PROPFIND"):
        with subtests.test(method):
            answer = await house.ask("/api/v1/users/me", method, house.bearer)
            assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")


async def test_too_many_headers_are_refused(house):
    headers = {f"X-{number}": "1" for number in range(150)}
    answer = await house.ask("/healthz", headers=headers)
    assert (answer.status, answer.json["code"]) == (431, "headers_too_large")


@pytest.mark.parametrize("form", ["whole", "endless"])
async def test_headers_over_32_kib_are_refused(house, form):
    connection = await house.connect()
    await connection.send("GET / HTTP/1.1\r\nHost: x\r\nX-A: " + "a" * 70_000 + ("\r\n\r\n" if form == "whole" else ""))
    answer = await connection.read()
    assert (answer.status, answer.json["code"]) == (431, "headers_too_large")
    assert await connection.ended() == b""


@pytest.mark.parametrize("start", ["0\r\nX-T: ", "0\r\n", "3;ext="])
async def test_a_trailer_or_chunk_extension_without_end_is_refused(house, start):
    connection = await house.connect()
    await connection.send(
        SMUGGLED.replace("TOKEN", house.token()) + f"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n{start}"
    )
    for number in range(20):
        await asyncio.sleep(0.01)
        await connection.send(f"X-{number}: {'t' * 4000}\r\n" if start == "0\r\n" else "t" * 4000)
    answer = await connection.read()
    assert (answer.status, answer.json["code"]) == (431, "headers_too_large")
    assert await connection.ended() == b""


async def test_a_broken_chunk_after_the_answer_ends_the_connection_quietly(house, caplog):
    connection = await house.connect()
    await connection.send(f"POST {POST} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await connection.read()).status == 401
    await connection.send("zz\r\n")
    assert await connection.ended() == b""
    both = f"POST {POST} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    connection = await house.connect()
    await connection.send(both)
    assert (await connection.read()).status in (400, 401)
    assert await connection.ended() == b""
    assert "ValueError" not in caplog.text


async def test_a_client_that_closes_its_half_still_gets_its_answers(house):
    async def slow(call):
        await asyncio.sleep(0.1)
        await call.answer(b"late")

    house.chat.handler = slow
    connection = await house.connect()
    request = f"GET /api/v1/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n"
    await connection.send(request * 2)
    connection.writer.write_eof()
    assert (await connection.read()).body == b"late"
    last = await connection.read()
    assert (last.body, last.headers["connection"]) == (b"late", "close")
    assert await connection.ended() == b""
