"""Spans of work that is done for many messages at once."""

import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager

from opentelemetry.trace import SpanKind, Status, StatusCode

from tertulia_shared.telemetry import trace

Headers = Mapping[str, str] | None


@contextmanager
def batch_span(
    name: str,
    messages: Iterable[tuple[str, Headers]],
    *,
    attributes: Mapping[str, trace.AttributeValue] | None = None,
) -> Generator[trace.TraceContext]:
    """Run the block as one hop for a whole batch of messages.

    `messages` gives a span name and the NATS headers of each message. Every sampled one gets a span of its own **in its
    own trace** (a child of the `traceparent` in its headers) that lasts as long as the block and links to the batch's
    span, so that a message's trace shows when the batch had it; the batch's span has a trace of its own. When the block
    raises, all of them are marked as failed.

        with telemetry.batch_span(
            f"{self.name} batch", ((f"{self.name} {each.event_type}", each.headers) for each in deliveries)
        ):
            await handler(deliveries)

    Without an exporter `messages` is not looked at, so give a generator.
    """
    started = time.time_ns()
    failed: Status | None = None
    with trace.span(name, kind=SpanKind.CONSUMER, attributes=attributes) as context:
        try:
            yield context
        except Exception as error:
            failed = Status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            if trace.recording():
                _record_each(messages, context, started, failed)


def _record_each(
    messages: Iterable[tuple[str, Headers]], batch: trace.TraceContext, started_ns: int, failed: Status | None
) -> None:
    for name, headers in messages:
        parent = trace.extract(headers)
        if parent is None or not parent.sampled:
            continue
        recorded = trace.start(name, parent, SpanKind.CONSUMER, links=(batch,), started_ns=started_ns)
        if failed is not None:
            recorded.set_status(failed)
        recorded.end()
