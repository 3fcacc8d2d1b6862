"""The relay is one hop of an event's trace, and consumers come under it."""

from collections.abc import Iterator

import asyncpg
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tertulia_chat.relay.log import LogRow
from tertulia_chat.relay.tracing import published
from tertulia_shared.telemetry.trace import use_tracer

SAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    use_tracer(provider.get_tracer("test"))
    yield exporter
    use_tracer(None)


def row(traceparent: str | None) -> LogRow:
    return LogRow(1, 0, "evt.00.w1.ch.c1", "message.created", 1, "e1", traceparent, b'{"v":1}', 0)


def as_traceparent(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


async def test_what_reaches_the_stream_names_the_relays_span(scene, spans) -> None:
    async def post(connection: asyncpg.Connection, traceparent: str | None) -> None:
        async with connection.transaction():
            log_id = await scene.post(connection)
            await connection.execute("UPDATE event_log SET traceparent = $1 WHERE id = $2", traceparent, log_id)

    async with scene.connection() as connection, scene.relay():
        for traceparent in (SAMPLED, UNSAMPLED, None):
            await post(connection, traceparent)
        stored = await scene.check()
    (span,) = spans.get_finished_spans()
    assert span.name == "publish message.created"
    assert span.parent is not None
    assert f"00-{span.parent.trace_id:032x}-{span.parent.span_id:016x}-01" == SAMPLED
    assert [message.headers.get("traceparent") for message in stored] == [as_traceparent(span), UNSAMPLED, None]


def test_without_an_exporter_rows_pass_as_they_are() -> None:
    rows = [row(SAMPLED)]
    with published(rows) as given:
        assert given is rows


def test_a_publish_that_stops_shows_in_every_event_of_it(spans) -> None:
    with pytest.raises(ConnectionError), published([row(SAMPLED), row(SAMPLED)]):
        raise ConnectionError
    found = spans.get_finished_spans()
    assert [(span.status.status_code, span.status.description) for span in found] == [
        (StatusCode.ERROR, "ConnectionError")
    ] * 2
