import asyncio
import socket
import struct
import time

import pytest

from tertulia_gateway.http1 import exchange, front
from tertulia_gateway.routes import Route, Upstream

STREAM = "/api/v1/stream"
ME = "/api/v1/users/me"
POST = "/api/v1/channels/c1/messages"
SSE = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache, no-transform")]


async def _disconnected(call) -> None:
    while (await call.receive())["type"] != "http.disconnect":
        pass


async def test_events_pass_byte_by_byte_without_delay(house):
    sent: list[float] = []

    async def handler(call):
        await call.start(200, SSE)
        for byte in b"data: x\n\n":
            sent.append(time.monotonic())
            await call.write(bytes([byte]))
            await asyncio.sleep(0.02)
        await call.write(b"", more=False)

    house.notify.handler = handler
    connection = await house.connect()
    await connection.send(f"GET {STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n")
    head = await connection.head()
    assert head.headers["content-type"] == "text/event-stream"
    assert head.headers["cache-control"] == "no-cache, no-transform"
    received, delays = b"", []
    while chunk := await connection.chunk():
        delays.append(time.monotonic() - sent[len(received)])
        received += chunk
        assert len(chunk) == 1
    assert received == b"data: x\n\n"
    assert sorted(delays)[len(delays) // 2] < 0.02


async def test_when_the_client_leaves_the_service_knows_at_once(house):
    gone = asyncio.Event()

    async def handler(call):
        await call.start(200, SSE)
        await call.write(b": ok\n\n")
        await _disconnected(call)
        gone.set()

    house.notify.handler = handler
    connection = await house.connect()
    await connection.send(f"GET {STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n")
    await connection.head()
    assert await connection.chunk() == b": ok\n\n"
    started = time.monotonic()
    await connection.close()
    await asyncio.wait_for(gone.wait(), 2)
    assert time.monotonic() - started < 1


async def test_when_the_client_breaks_off_before_the_answer_the_service_knows_too(house):
    begun, gone = asyncio.Event(), asyncio.Event()

    async def handler(call):
        await call.read()
        begun.set()
        await _disconnected(call)
        gone.set()

    house.chat.handler = handler
    connection = await house.connect()
    await connection.send(
        f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    await asyncio.wait_for(begun.wait(), 2)
    # A reset: a mere end of sending is also what a client does that waits for its answer.
    connection.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await connection.close()
    await asyncio.wait_for(gone.wait(), 2)


async def test_a_body_reaches_the_service_while_it_is_still_being_sent(house):
    first = asyncio.Event()

    async def handler(call):
        message = await call.receive()
        assert message["body"] == b"begin"
        first.set()
        await call.read()
        await call.answer(call.body)

    house.chat.handler = handler
    connection = await house.connect()
    await connection.send(
        f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\nContent-Length: 8\r\n\r\nbegin"
    )
    await asyncio.wait_for(first.wait(), 2)
    await connection.send(b"end")
    assert (await connection.read()).body == b"end"


async def test_a_slow_reader_slows_the_service_down_instead_of_filling_memory(house):
    written = 0

    async def handler(call):
        nonlocal written
        await call.start(200, SSE)
        for _ in range(400):
            await call.write(b"x" * 65_536)
            written += 65_536
        await call.write(b"", more=False)

    house.notify.handler = handler
    connection = await house.connect()
    await connection.send(f"GET {STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n")
    await connection.head()
    await asyncio.sleep(0.5)
    stalled_at = written
    assert stalled_at < 400 * 65_536 * 3 / 4
    total = 0
    while chunk := await connection.chunk():
        total += len(chunk)
    assert total == 400 * 65_536


async def test_after_a_service_was_slow_to_take_a_body_the_connection_goes_on(closed_house):
    body_limit = 32 * 1024 * 1024
    await closed_house.open(
        routes=(Route(path=POST, upstream=Upstream.CHAT, body_limit=body_limit), Route(path=ME, upstream=Upstream.CHAT))
    )
    taken = 0

    async def slow(call):
        nonlocal taken
        if call.path == POST:
            await asyncio.sleep(0.3)
            taken = len(await call.read())
        await call.answer(b"ok")

    closed_house.chat.handler = slow
    connection = await closed_house.connect()
    for _ in range(2):
        assert (await connection.request("POST", POST, closed_house.bearer, b"x" * body_limit)).body == b"ok"
        assert taken == body_limit
        assert (await connection.request("GET", ME, closed_house.bearer)).body == b"ok"


async def test_a_mistake_of_our_own_is_a_500_and_goes_to_the_log(house, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(exchange, "split_target", broken)
    answer = await house.ask(ME, headers=house.bearer)
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert "a bug" not in answer.body.decode()


async def test_an_early_answer_to_a_long_upload_is_delivered_and_the_connection_ends(house):
    async def handler(call):
        await call.answer(b"enough", 409)

    house.chat.handler = handler
    connection = await house.connect()
    await connection.send(
        f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\nContent-Length: 100000\r\n\r\nxx"
    )
    answer = await connection.read()
    assert (answer.status, answer.body) == (409, b"enough")
    assert answer.headers["connection"] == "close"
    assert await connection.ended() == b""


@pytest.mark.parametrize("size", [1, 100_000])
async def test_many_streams_run_beside_requests(house, size):
    async def handler(call):
        await call.start(200, SSE)
        await call.write(b"y" * size)
        await _disconnected(call)

    house.notify.handler = handler
    streams = [await house.connect() for _ in range(50)]
    for stream in streams:
        await stream.send(f"GET {STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n")
    for stream in streams:
        await stream.head()
    for _ in range(20):
        assert (await house.ask("/api/v1/users/me", headers=house.bearer)).status == 200


async def test_draining_lets_a_request_finish_and_takes_no_new_ones(house):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(call):
        begun.set()
        await go_on.wait()
        await call.answer(b"done")

    house.chat.handler = handler
    idle = await house.connect()
    busy = await house.connect()
    waiting = asyncio.ensure_future(busy.request("GET", "/api/v1/users/me", house.bearer))
    await begun.wait()
    draining = asyncio.ensure_future(house.server.drain())
    assert await idle.ended() == b""
    with pytest.raises(ConnectionRefusedError):
        await house.connect()
    go_on.set()
    answer = await waiting
    assert (answer.body, answer.headers["connection"]) == (b"done", "close")
    await asyncio.wait_for(draining, 2)


async def test_a_slow_but_steady_reader_gets_everything(house, monkeypatch):
    monkeypatch.setattr(front, "STALL_TIME_S", 0.4)
    size = 12_000_000

    async def handler(call):
        await call.answer(b"x" * size)

    house.chat.handler = handler
    connection = await house.connect()
    await connection.send(f"GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n")
    await connection.head()
    received = 0
    while received < size:
        received += len(await connection.reader.readexactly(min(400_000, size - received)))
        await asyncio.sleep(0.05)
    assert (await connection.request(target=ME)).status == 401


@pytest.mark.parametrize("where", ["verify", "connect"])
async def test_a_mistake_before_the_service_is_reached_is_a_500_at_once(house, monkeypatch, where):
    async def broken(*_):
        raise RuntimeError("a mistake")

    rules = house.server._rules
    if where == "verify":
        monkeypatch.setattr(type(rules.authenticator), "verify", broken)
    else:
        monkeypatch.setattr(type(rules.pools[Upstream.CHAT]), "connect", broken)
    async with asyncio.timeout(3):
        assert (await house.ask(ME, headers=house.bearer)).status == 500


async def test_the_kernel_holds_little_of_a_stream_that_nobody_reads(house):
    written = 0

    async def handler(call):
        nonlocal written
        await call.start(200, SSE)
        for _ in range(2_000):
            await call.write(b"x" * 16_384)
            written += 16_384

    house.notify.handler = handler
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", house.server.port))
        request = f"GET {STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n"
        await loop.sock_sendall(client, request.encode())
        await asyncio.sleep(1.0)
    # By itself it would take 8 MB.
    assert written < 2**20
