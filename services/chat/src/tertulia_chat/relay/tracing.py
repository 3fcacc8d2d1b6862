"""The relay's hop in the trace of each event."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from tertulia_chat.relay.log import LogRow
from tertulia_shared.telemetry import parse_traceparent, trace


@contextmanager
def published(rows: Sequence[LogRow]) -> Generator[Sequence[LogRow]]:
    """Publish inside the block what this yields: rows that name the relay's span, so that consumers come under it.

    Rows without a sampled trace pass unchanged; without an exporter all do.
    """
    if not trace.recording():
        yield rows
        return
    spans: list[Span] = []
    try:
        yield [_traced(row, spans) for row in rows]
    except Exception as error:
        for span in spans:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        for span in spans:
            span.end()


def _traced(row: LogRow, spans: list[Span]) -> LogRow:
    parent = parse_traceparent(row.traceparent)
    if parent is None or not parent.sampled:
        return row
    attributes = {"messaging.operation.type": "send", "tertulia.event": row.type, "tertulia.log_id": row.id}
    span = trace.start(f"publish {row.type}", parent, SpanKind.PRODUCER, attributes)
    spans.append(span)
    return row._replace(traceparent=trace.context_of(span).traceparent)
