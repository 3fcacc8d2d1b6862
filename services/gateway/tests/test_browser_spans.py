"""Spans that pages report: what is taken, what the trace store gets, and that nobody waits for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from tertulia_gateway import browser_spans
from tertulia_shared.settings import ServiceSettings
from tertulia_shared.telemetry import configure, shutdown, trace

TRACES = "/api/v1/telemetry/traces"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
HIGH = "f" * 32


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("gateway_browser_spans_total", {"outcome": outcome}) or 0.0


def span(**other: object) -> dict[str, object]:
    return {
        "traceId": TRACE_ID,
        "spanId": "00f067aa0ba902b7",
        "name": "send message",
        "kind": 3,
        "startTimeUnixNano": "1764025200000000000",
        "endTimeUnixNano": "1764025200250000000",
        "attributes": [
            {"key": "http.route", "value": {"stringValue": "/channels/{id}/messages"}},
            {"key": "http.response.status_code", "value": {"intValue": "201"}},
            {"key": "enduser.id", "value": {"stringValue": "0190a1b2-0000-7000-8000-000000000001"}},
        ],
        "status": {"code": 1},
        **other,
    }


def report(*spans: dict[str, object]) -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "tertulia-chat"}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}).encode()


@dataclass
class Store:
    """A trace store."""

    url: str = ""
    status: int = 200
    received: list[dict] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.received.append(await request.json())
        await self.go_on.wait()
        return web.Response(status=self.status)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = Store()
    store.go_on.set()
    app = web.Application()
    app.router.add_post("/v1/traces", store.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    store.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield store
    store.go_on.set()
    await runner.cleanup()


async def test_a_report_reaches_the_store_without_what_is_not_ours_to_know(closed_house, store):
    house = closed_house
    await house.open(traces_to=store.url)
    answer = await house.ask(TRACES, "POST", house.bearer, report(span(), span(spanId="b7ad6b7169203331", kind=1)))
    assert (answer.status, answer.body) == (204, b"")
    await store.until(lambda: store.received)
    (resource_spans,) = store.received[0]["resourceSpans"]
    assert resource_spans["resource"] == {
        "attributes": [{"key": "service.name", "value": {"stringValue": "tertulia-web"}}]
    }
    first, second = resource_spans["scopeSpans"][0]["spans"]
    assert first == {**span(), "attributes": span()["attributes"][:2]}
    assert second["spanId"] == "b7ad6b7169203331"


async def test_a_chunked_report_is_put_together(closed_house, store):
    house = closed_house
    await house.open(traces_to=store.url)
    connection = await house.connect()
    body = report(span())
    await connection.send(
        f"POST {TRACES} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    for start in range(0, len(body), 100):
        piece = body[start : start + 100]
        await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    await connection.send(b"0\r\n\r\n")
    assert (await connection.read()).status == 204
    await store.until(lambda: store.received)
    assert (await connection.request("POST", TRACES, house.bearer, report(span()))).status == 204


async def test_only_people_with_a_token_may_report(closed_house, store):
    house = closed_house
    await house.open(traces_to=store.url)
    assert (await house.ask(TRACES, "POST", body=report(span()))).status == 401
    assert (await house.ask(TRACES, headers=house.bearer)).status == 405
    assert not store.received


async def test_while_nothing_is_kept_reports_are_taken_unread(house):
    assert (await house.ask(TRACES, "POST", house.bearer, b"not json")).status == 204
    assert (await house.ask(TRACES, "POST", house.bearer, b"")).status == 204
    assert (await house.ask("/api/v1/status")).json["tracing"] is False


async def test_the_status_says_that_spans_are_kept(closed_house, store):
    await closed_house.open(traces_to=store.url)
    assert (await closed_house.ask("/api/v1/status")).json["tracing"] is True


async def test_what_is_no_report_is_refused(closed_house, store, subtests):
    house = closed_house
    await house.open(traces_to=store.url)
    for body, status, code in (
        (b"not json", 400, "malformed_body"),
        (b"", 400, "malformed_body"),
        (b'{"x":' + b"[" * 60_000, 400, "malformed_body"),
        (b"{}", 422, "validation_failed"),
        (report(span(traceId="short")), 422, "validation_failed"),
        (report(span(spanId="00F067AA0BA902B7")), 422, "validation_failed"),
        (report(span(name="")), 422, "validation_failed"),
        (report(span(name="x" * 129)), 422, "validation_failed"),
        (report(span(kind=9)), 422, "validation_failed"),
        (report(span(startTimeUnixNano="later")), 422, "validation_failed"),
        (report(span(endTimeUnixNano="1764025199999999999")), 422, "validation_failed"),
        (report(span(endTimeUnixNano="1764999999999999999")), 422, "validation_failed"),
        (report(span(attributes=[{"key": "a", "value": {"stringValue": "x" * 300}}])), 422, "validation_failed"),
        (report(*[span(attributes=[])] * 129), 422, "validation_failed"),
    ):
        with subtests.test(body=body):
            answer = await house.ask(TRACES, "POST", house.bearer, body)
            assert (answer.status, answer.json["code"]) == (status, code)


async def test_a_report_over_64_kib_is_refused(closed_house, store):
    house = closed_house
    await house.open(traces_to=store.url)
    answer = await house.ask(TRACES, "POST", house.bearer, b" " * (64 * 1024 + 1))
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


async def test_nobody_waits_for_a_store_that_is_slow(closed_house, store, monkeypatch):
    monkeypatch.setattr(browser_spans, "QUEUED_REPORTS", 2)
    store.go_on.clear()
    house = closed_house
    await house.open(traces_to=store.url)
    dropped, sent = count("dropped"), count("sent")
    connection = await house.connect()
    for _ in range(5):
        assert (await connection.request("POST", TRACES, house.bearer, report(span()))).status == 204
        await store.until(lambda: store.received)
    assert count("dropped") == dropped + 2
    store.go_on.set()
    await store.until(lambda: count("sent") == sent + 3)


async def test_a_store_that_refuses_or_is_away_costs_the_spans_and_nothing_else(closed_house, store):
    house = closed_house
    store.status = 500
    await house.open(traces_to=store.url)
    failed = count("failed")
    assert (await house.ask(TRACES, "POST", house.bearer, report(span()))).status == 204
    await store.until(lambda: count("failed") == failed + 1)


async def test_a_store_that_does_not_answer_at_all_costs_the_spans_and_nothing_else(closed_house):
    house = closed_house
    await house.open(traces_to="http://127.0.0.1:9")
    failed = count("failed")
    assert (await house.ask(TRACES, "POST", house.bearer, report(span()))).status == 204
    await Store().until(lambda: count("failed") == failed + 1)


async def test_pages_do_not_decide_how_many_traces_are_kept(closed_house, store):
    house = closed_house
    settings = ServiceSettings(port=0, otel_exporter_otlp_endpoint=store.url, otel_traces_sampler_arg=0.5)
    configure("gateway", settings)
    try:
        await house.open(traces_to=store.url)
        unsampled = count("unsampled")
        mine = f"00-{HIGH}-00f067aa0ba902b7-01"
        answer = await house.ask("/api/v1/users/me", headers={**house.bearer, "traceparent": mine})
        passed = trace.parse_traceparent(answer.json["headers"]["traceparent"])
        assert passed is not None
        assert (passed.trace_id, passed.sampled) == (HIGH, False)
        await house.ask(TRACES, "POST", house.bearer, report(span(traceId=HIGH)))
        assert count("unsampled") == unsampled + 1
    finally:
        shutdown()
    assert not store.received
