"""Search, the bot and analytics: where their addresses lead, and what is said when one is not there."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from tertulia_gateway.limits import PER_USER
from tertulia_gateway.router import Router
from tertulia_gateway.routes import ROUTES, Rate, Route, Upstream

PARTS = {
    "search": "/api/v1/workspaces/w1/search",
    "bot": "/api/v1/workspaces/w1/commands",
    "analytics": "/api/v1/workspaces/w1/analytics/overview",
}


def errors(upstream: str, kind: str) -> float:
    found = REGISTRY.get_sample_value("gateway_upstream_errors_total", {"upstream": upstream, "kind": kind})
    return found or 0.0


@pytest.mark.parametrize(
    ("method", "path", "upstream"),
    [
        ("GET", "/api/v1/workspaces/w1/search", Upstream.SEARCH),
        ("GET", "/api/v1/workspaces/search/search", Upstream.SEARCH),
        ("GET", "/api/v1/workspaces/search", Upstream.CHAT),
        ("GET", "/api/v1/workspaces/w1/search/more", Upstream.CHAT),
        ("POST", "/api/v1/workspaces/w1/search", Upstream.CHAT),
        ("GET", "/api/v1/workspaces/w1/members", Upstream.CHAT),
        ("GET", "/api/v1/workspaces/w1/commands", Upstream.BOT),
        ("POST", "/api/v1/channels/c1/commands", Upstream.BOT),
        ("GET", "/api/v1/channels/c1/runs", Upstream.BOT),
        ("GET", "/api/v1/channels/c1/messages", Upstream.CHAT),
        ("POST", "/api/v1/channels/c1/archive", Upstream.CHAT),
        ("GET", "/api/v1/runs/r1", Upstream.BOT),
        ("POST", "/api/v1/runs/r1/stop", Upstream.BOT),
        ("GET", "/api/v1/ai/models", Upstream.BOT),
        ("GET", "/api/v1/workspaces/w1/ai/usage", Upstream.BOT),
        ("GET", "/api/v1/workspaces/w1/ai/settings", Upstream.BOT),
        ("PUT", "/api/v1/workspaces/w1/ai/settings", Upstream.BOT),
        ("GET", "/api/v1/workspaces/w1/analytics/active-users", Upstream.ANALYTICS),
    ],
)
def test_the_nearest_row_decides_which_part_answers(method, path, upstream):
    assert Router().match(method, path).upstream is upstream


def test_typing_a_query_is_cheap_and_a_command_is_not():
    assert Router().match("GET", PARTS["search"]).rate is Rate.SEARCH
    assert (PER_USER[Rate.SEARCH].burst, PER_USER[Rate.SEARCH].per_second) == (40, 20)
    assert Router().match("POST", "/api/v1/channels/c1/commands").rate is Rate.COMMAND
    assert (PER_USER[Rate.COMMAND].burst, PER_USER[Rate.COMMAND].per_second) == (10, 1)


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_is_left_out_says_so_and_the_gateway_is_ready_without_it(closed_house, part):
    house = closed_house
    await house.open(without=part)
    before = errors(part, "not_running")
    answer = await house.ask(PARTS[part], headers=house.bearer)
    assert (answer.status, answer.json["code"]) == (503, "part_not_running")
    assert answer.headers["retry-after"] == "300"
    assert errors(part, "not_running") == before + 1
    assert (await house.ask(PARTS[part])).status == 401
    for other, path in PARTS.items():
        if other != part:
            assert (await house.ask(path, headers=house.bearer)).status == 200
    readiness = await house.ask("/readyz")
    assert readiness.status == 200
    assert part not in readiness.json["dependencies"]
    status = (await house.ask("/api/v1/status")).json
    assert status["status"] == "ok"
    assert {each["name"]: each["state"] for each in status["services"]}[part] == "not_running"


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_is_down_is_said_to_be_and_comes_back_by_itself(house, part):
    service = house.services[part]
    port = service.port
    await service.stop()
    before = errors(part, "unavailable")
    answer = await house.ask(PARTS[part], headers=house.bearer)
    assert (answer.status, answer.json["code"]) == (503, "dependency_unavailable")
    assert errors(part, "unavailable") == before + 1
    assert (await house.ask("/readyz")).status == 200
    assert (await house.ask("/api/v1/status")).json["status"] == "degraded"
    await service.start(port)
    assert (await house.ask(PARTS[part], headers=house.bearer)).status == 200


async def test_status_tells_how_far_a_part_is_behind(house):
    house.search.lag_s = 7.25
    status = (await house.ask("/api/v1/status")).json
    assert {each["name"]: each["lag_s"] for each in status["services"]} == {
        "chat": None,
        "notify": None,
        "search": 7.25,
        "bot": None,
        "analytics": None,
    }


async def test_a_report_as_csv_passes_with_its_headers(house):
    async def as_csv(call):
        fields = [
            (b"content-type", b"text/csv; charset=utf-8"),
            (b"content-disposition", b'attachment; filename="messages.csv"'),
        ]
        await call.start(200, fields)
        await call.write(b"time,messages\r\n")
        await call.write(b"2026-11-24T00:00:00Z,3\r\n", more=False)

    house.analytics.handler = as_csv
    answer = await house.ask("/api/v1/workspaces/w1/analytics/messages?format=csv&bucket=day", headers=house.bearer)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="messages.csv"'
    assert answer.body == b"time,messages\r\n2026-11-24T00:00:00Z,3\r\n"
    assert house.analytics.calls[-1].query == b"format=csv&bucket=day"


def test_a_report_may_take_half_a_minute():
    assert Router().match("GET", PARTS["analytics"]).time_limit == 30.0


async def test_a_report_that_takes_too_long_is_not_asked_for_again(closed_house):
    house = closed_house
    slow = tuple(
        Route(path=row.path, upstream=row.upstream, methods=row.methods, rate=row.rate, time_limit=0.3)
        if row.upstream is Upstream.ANALYTICS
        else row
        for row in ROUTES
    )
    await house.open(routes=slow)
    assert (await house.ask(PARTS["analytics"], headers=house.bearer)).status == 200

    async def forever(_):
        await asyncio.Event().wait()

    house.analytics.handler = forever
    house.analytics.calls.clear()
    before = errors("analytics", "timeout")
    answer = await house.ask(PARTS["analytics"], headers=house.bearer)
    assert (answer.status, answer.json["code"]) == (504, "upstream_timeout")
    assert len(house.analytics.calls) == 1
    assert errors("analytics", "timeout") == before + 1


async def test_a_long_command_passes_and_an_endless_one_does_not(house):
    target = "/api/v1/channels/c1/commands"
    assert (await house.ask(target, "POST", house.bearer, b"a" * 100_000)).status == 200
    assert (await house.ask(target, "POST", house.bearer, b"a" * (256 * 1024 + 1))).status == 413


async def test_commands_run_out_before_searches_do(closed_house):
    house = closed_house
    await house.open(limits="on")
    answers = [await house.ask("/api/v1/channels/c1/commands", "POST", house.bearer, b"{}") for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert (await house.ask(PARTS["search"], headers=house.bearer)).headers["ratelimit-limit"] == "40"


async def test_what_services_do_is_measured(house):
    async def broken(call):
        await call.answer(status=500)

    answered = {"upstream": "search"}
    before = REGISTRY.get_sample_value("gateway_upstream_seconds_count", answered) or 0.0
    failed = errors("search", "status")
    await house.ask(PARTS["search"], headers=house.bearer)
    house.search.handler = broken
    await house.ask(PARTS["search"], headers=house.bearer)
    assert REGISTRY.get_sample_value("gateway_upstream_seconds_count", answered) == before + 2
    assert errors("search", "status") == failed + 1
    idle = REGISTRY.get_sample_value("gateway_upstream_connections", {"upstream": "search", "state": "idle"})
    busy = REGISTRY.get_sample_value("gateway_upstream_connections", {"upstream": "search", "state": "busy"})
    assert (idle, busy) == (1, 0)


async def test_open_streams_are_counted_while_they_last(house):
    async def stream(call):
        await call.start(200, [(b"content-type", b"text/event-stream")])
        await call.write(b": ok\n\n")
        await asyncio.Event().wait()

    house.notify.handler = stream
    assert REGISTRY.get_sample_value("gateway_open_streams") == 0
    connection = await house.connect()
    await connection.send(f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n\r\n")
    assert (await connection.head()).status == 200
    assert REGISTRY.get_sample_value("gateway_open_streams") == 1
    await connection.close()
    for _ in range(100):
        if REGISTRY.get_sample_value("gateway_open_streams") == 0:
            break
        await asyncio.sleep(0.02)
    assert REGISTRY.get_sample_value("gateway_open_streams") == 0
