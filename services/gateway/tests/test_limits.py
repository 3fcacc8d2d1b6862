import asyncio

import pytest

from tertulia_gateway.http1 import front
from tertulia_gateway.limits import MAX_BUCKETS, PER_USER, Bucket, Budget, Limiter, owner_of_address
from tertulia_gateway.routes import Rate
from tertulia_shared.problems import RateLimited

ME = "/api/v1/users/me"
POST = "/api/v1/channels/c1/messages"
TYPING = "/api/v1/channels/c1/typing"
OTHER_USER = "0190a1b2-0000-7000-8000-00000000000f"


async def test_a_declared_body_over_the_limit_is_refused_unread(house):
    connection = await house.connect()
    await connection.send(
        f"POST {TYPING} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\nContent-Length: 70000\r\n\r\n"
    )
    answer = await connection.read()
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"
    assert await connection.ended() == b""
    assert not house.notify.calls


async def test_after_refusing_a_small_body_the_connection_goes_on(house):
    connection = await house.connect()
    assert (await connection.request("POST", TYPING, house.bearer, b"a" * 1025)).status == 413
    assert (await connection.request("POST", TYPING, None, b"{}")).status == 401
    assert (await connection.request("POST", TYPING, house.bearer, b"{}")).status == 200
    assert len(house.notify.calls) == 1


async def test_a_chunked_body_is_cut_where_it_passes_the_limit(house):
    connection = await house.connect()
    await connection.send(
        f"POST {TYPING} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n" + ("100\r\n" + "a" * 256 + "\r\n") * 5
    )
    answer = await connection.read()
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert await connection.ended() == b""


async def test_a_body_at_the_limit_passes(house):
    assert (await house.ask(TYPING, "POST", house.bearer, b"a" * 1024)).status == 200
    assert (await house.ask(POST, "POST", house.bearer, b"a" * 256 * 1024)).status == 200


async def test_a_client_that_dribbles_its_headers_gets_408(house, monkeypatch):
    monkeypatch.setattr(front, "HEAD_TIME_S", 0.4)
    connection = await house.connect()
    for byte in "GET /":
        await connection.send(byte)
        await asyncio.sleep(0.05)
    answer = await connection.read()
    assert (answer.status, answer.json["code"]) == (408, "request_timeout")
    assert await connection.ended() == b""


async def test_a_client_that_dribbles_its_body_gets_408(house):
    connection = await house.connect()
    row = house.server._rules.router.match("POST", POST)
    object.__setattr__(row, "body_time", 0.4)
    try:
        await connection.send(
            f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\nContent-Length: 100\r\n\r\n"
        )
        for _ in range(3):
            await connection.send("a")
            await asyncio.sleep(0.05)
        answer = await connection.read()
    finally:
        object.__setattr__(row, "body_time", 15.0)
    assert (answer.status, answer.json["code"]) == (408, "request_timeout")
    assert await connection.ended() == b""


async def test_a_connection_that_says_nothing_is_closed_without_a_word(house, monkeypatch):
    monkeypatch.setattr(front, "HEAD_TIME_S", 0.2)
    connection = await house.connect()
    assert await connection.ended() == b""


async def test_an_idle_connection_is_closed_after_its_time(house, monkeypatch):
    monkeypatch.setattr(front, "IDLE_TIME_S", 0.2)
    connection = await house.connect()
    assert (await connection.request("GET", "/healthz")).status == 200
    assert await connection.ended() == b""


async def test_a_client_that_never_reads_is_cut_off(house, monkeypatch):
    monkeypatch.setattr(front, "STALL_TIME_S", 0.3)
    stopped = asyncio.Event()

    async def flood(call):
        await call.start()
        try:
            while (await asyncio.wait_for(call.receive(), 0.001))["type"] != "http.disconnect":
                pass
        except TimeoutError:
            pass
        disconnected = asyncio.ensure_future(_until_disconnect(call))
        while not disconnected.done():
            await call.write(b"x" * 65_536)
            await asyncio.sleep(0)
        stopped.set()

    house.notify.handler = flood
    connection = await house.connect()
    await connection.send(f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n")
    await connection.head()
    await asyncio.wait_for(stopped.wait(), 5)


async def _until_disconnect(call) -> None:
    while (await call.receive())["type"] != "http.disconnect":
        pass


async def test_a_user_over_the_rate_gets_429_and_other_users_do_not(closed_house):
    await closed_house.open(limits="on")
    connection = await closed_house.connect()
    burst = PER_USER[Rate.SEND].burst
    first = await connection.request("POST", POST, closed_house.bearer, b"{}")
    assert first.headers["ratelimit-limit"] == str(burst)
    assert int(first.headers["ratelimit-remaining"]) == burst - 1
    assert int(first.headers["ratelimit-reset"]) >= 1
    bearer = closed_house.bearer
    # Places come back meanwhile, the more the longer the machine takes.
    for _ in range(10 * burst):
        refused = await connection.request("POST", POST, bearer, b"{}")
        if refused.status == 429:
            break
    assert refused.json["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit-remaining"] == "0"
    assert [name for name, _ in refused.lines].count("RateLimit-Limit") == 1
    other = {"Authorization": f"Bearer {closed_house.token(OTHER_USER)}"}
    assert (await connection.request("POST", POST, other, b"{}")).status == 200
    assert (await connection.request("GET", ME, bearer)).status == 200


async def test_guessing_passwords_is_slowed_down_by_address(closed_house):
    await closed_house.open(limits="on")
    connection = await closed_house.connect()
    statuses = [(await connection.request("POST", "/api/v1/auth/login", None, b"{}")).status for _ in range(40)]
    assert statuses.count(429) >= 5
    assert statuses[:30] == [200] * 30


async def test_limits_can_be_turned_off(house):
    connection = await house.connect()
    answers = [await connection.request("POST", "/api/v1/auth/login", None, b"{}") for _ in range(100)]
    assert {answer.status for answer in answers} == {200}
    assert "ratelimit-limit" not in answers[0].headers


def test_a_bucket_fills_with_time_and_never_over_its_burst():
    bucket = Bucket(Budget(2, 1.0), 100.0)
    assert [bucket.take(100.0) for _ in range(3)] == [True, True, False]
    assert bucket.until_next_s == pytest.approx(1.0)
    assert bucket.take(101.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [True, True, False]


def test_a_flood_of_addresses_does_not_fill_memory():
    limiter = Limiter({Rate.OPEN: Budget(2, 0.001)}, "user")
    for number in range(MAX_BUCKETS + 10_000):
        limiter.take(str(number), Rate.OPEN)
    assert len(limiter._buckets) <= MAX_BUCKETS
    for _ in range(2):
        limiter.take("last", Rate.OPEN)
    with pytest.raises(RateLimited):
        limiter.take("last", Rate.OPEN)


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_an_ipv6_subscriber_is_counted_by_network(address, owner):
    assert owner_of_address(address) == owner


async def test_another_spelling_of_a_credentials_path_reaches_nobody(closed_house, subtests):
    await closed_house.open(limits="on")
    for path in ("login/", "%6cogin", "logi%6E", "login/x", "register/", "password/", "Login"):
        with subtests.test(path):
            answer = await closed_house.ask(f"/api/v1/auth/{path}", "POST", closed_house.bearer, b"{}")
            assert answer.status in (400, 404)
            assert not closed_house.chat.calls
