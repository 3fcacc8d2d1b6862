"""One trace goes through HTTP and NATS; without an exporter nothing is recorded but everything is passed on."""

import json

import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.testing import AsyncTestClient

from tertulia_shared import telemetry
from tertulia_shared.bus import Bus, BusMessage
from tertulia_shared.settings import ServiceSettings
from tertulia_shared.telemetry import TraceMiddleware

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
INCOMING = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@get("/things/{thing:str}")
async def thing(thing: FromPath[str]) -> dict[str, str | None]:
    headers: dict[str, str] = {}
    telemetry.inject(headers)
    return {**headers, "request_id": telemetry.current_request_id()}


@get("/broken")
async def broken() -> None:
    raise RuntimeError("broken on purpose")


@pytest.fixture
async def client():
    async with AsyncTestClient(TraceMiddleware(Litestar([thing, broken])), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "nonsense",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"ff-{TRACE_ID}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID.upper()}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID}-00f067aa0ba902b7",
    ],
)
def test_a_broken_traceparent_is_ignored(value: str | None) -> None:
    assert telemetry.parse_traceparent(value) is None


def test_a_traceparent_survives_the_round_trip() -> None:
    context = telemetry.parse_traceparent(INCOMING)
    assert context is not None
    assert context.traceparent == INCOMING
    assert telemetry.extract({"traceparent": INCOMING}) == context
    assert telemetry.extract(None) is None


def test_spans_nest_and_end() -> None:
    assert telemetry.traceparent() is None
    with telemetry.span("outer") as outer:
        with telemetry.span("inner") as inner:
            assert inner.trace_id == outer.trace_id
            assert inner.span_id != outer.span_id
            assert telemetry.current_trace() == inner
        assert telemetry.current_trace() == outer
    assert telemetry.current_trace() is None


def test_without_an_exporter_no_span_exists() -> None:
    with telemetry.span("nothing recorded"):
        assert not telemetry.trace.recording()


async def test_a_request_continues_the_callers_trace_with_a_hop_of_its_own(client: AsyncTestClient) -> None:
    response = await client.get("/things/1", headers={"traceparent": INCOMING, "x-request-id": "abcdefgh-1"})
    seen = telemetry.parse_traceparent(response.json()["traceparent"])
    assert seen is not None
    assert seen.trace_id == TRACE_ID
    assert seen.span_id != "00f067aa0ba902b7"
    assert response.json()["request_id"] == response.headers["x-request-id"] == "abcdefgh-1"


async def test_a_request_without_ids_gets_some(client: AsyncTestClient) -> None:
    first, second = await client.get("/things/1"), await client.get("/things/1")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.json()["traceparent"][3:35] != second.json()["traceparent"][3:35]


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space 1", "<script>alert"])
async def test_a_strange_request_id_is_replaced(client: AsyncTestClient, given: str) -> None:
    response = await client.get("/things/1", headers={"x-request-id": given})
    assert response.headers["x-request-id"] != given


async def test_requests_are_measured_by_route_and_never_by_path(client: AsyncTestClient) -> None:
    await client.get("/things/secret-thing")
    await client.get("/no/such/path")
    await client.get("/broken")
    text = telemetry.render_metrics()[0].decode()
    assert 'http_request_seconds_count{method="GET",route="/things/{thing}",status="200"}' in text
    assert 'http_request_seconds_count{method="GET",route="unmatched",status="404"}' in text
    assert 'route="/broken",status="500"' in text
    assert "secret-thing" not in text
    assert "no/such" not in text


async def test_an_unknown_method_makes_no_series_of_its_own(client: AsyncTestClient) -> None:
    await client.request("BREW", "/things/1")
    text = telemetry.render_metrics()[0].decode()
    assert "BREW" not in text
    assert 'method="other"' in text


async def test_a_trace_goes_through_nats(bus_url: str, nats_prefix: str) -> None:
    async with Bus(bus_url, "trace") as bus:
        await bus.wait_connected(5)

        def answer(message: BusMessage) -> None:
            with telemetry.span("answer", parent=telemetry.extract(message.headers)):
                bus.publish_nowait(message.reply, (telemetry.traceparent() or "").encode())

        await bus.subscribe(f"{nats_prefix}ask", answer)
        with telemetry.span("ask") as asked:
            headers: dict[str, str] = {}
            telemetry.inject(headers)
            reply = await bus.request(f"{nats_prefix}ask", b"", headers=headers)
    seen = telemetry.parse_traceparent(reply.data.decode())
    assert seen is not None
    assert seen.trace_id == asked.trace_id
    assert seen.span_id != asked.span_id


@pytest.fixture
def bus_url(nats_url: str) -> str:
    return nats_url


async def test_with_an_endpoint_spans_are_recorded_and_exported(client: AsyncTestClient, collector) -> None:
    url, received = collector
    telemetry.configure("test", ServiceSettings(port=0, otel_exporter_otlp_endpoint=url))
    await client.get("/things/1", headers={"traceparent": INCOMING})
    with pytest.raises(LookupError), telemetry.span("fails"):
        raise LookupError
    telemetry.shutdown()
    spans = [s for request in received for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
    by_name = {span.name: span for span in spans}
    served = by_name["GET /things/{thing}"]
    assert served.trace_id.hex() == TRACE_ID
    assert served.parent_span_id.hex() == "00f067aa0ba902b7"
    assert {a.key: a.value for a in served.attributes}["http.response.status_code"].int_value == 200
    assert by_name["fails"].status.code == 2
    resource = {a.key: a.value.string_value for a in received[0].resource_spans[0].resource.attributes}
    assert resource["service.name"] == "tertulia-test"


def test_without_an_endpoint_nothing_is_exported() -> None:
    telemetry.configure("test", ServiceSettings(port=0))
    assert not telemetry.trace.recording()


async def test_log_lines_carry_the_ids_of_their_request(capfd) -> None:
    telemetry.configure("chat", ServiceSettings(port=0))
    log = telemetry.logger("a.module")

    @get("/log")
    async def route() -> None:
        log.info("inside", answer=42)

    async with AsyncTestClient(TraceMiddleware(Litestar([route]))) as client:
        await client.get("/log", headers={"traceparent": INCOMING, "x-request-id": "request-77"})
    (line,) = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"inside"' in line]
    assert line["trace_id"] == TRACE_ID
    assert len(line["span_id"]) == 16
    assert line["request_id"] == "request-77"
    assert (line["service"], line["module"], line["level"], line["answer"]) == ("chat", "a.module", "info", 42)
