"""One span per event that reached somebody, in the event's own trace."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tertulia_shared.telemetry.trace import use_tracer

CHANNEL, EMPTY = "c" * 36, "d" * 36
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    use_tracer(provider.get_tracer("test"))
    yield exporter
    use_tracer(None)


async def test_a_delivery_is_one_span_with_the_number_of_sockets(world: Any, spans: InMemorySpanExporter) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify() as notify:
        streams = [await notify.stream(world.token(user)) for user in (ada, bob)]
        for stream in streams:
            await stream.hello()
        for channel, traceparent in ((CHANNEL, UNSAMPLED), (CHANNEL, None), (EMPTY, SAMPLED), (CHANNEL, SAMPLED)):
            message = world.message(channel)
            if traceparent is not None:
                message.headers["traceparent"] = traceparent
            await world.publish(message)
        for stream in streams:
            await stream.durable(3)
    (span,) = [span for span in spans.get_finished_spans() if span.name.startswith("deliver ")]
    assert span.name == "deliver message.created"
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, "00f067aa0ba902b7")
    assert (span.attributes or {})["tertulia.sockets"] == 2
