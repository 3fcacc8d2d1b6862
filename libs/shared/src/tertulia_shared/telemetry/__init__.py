"""What a process tells about itself: structured logs, metrics, and a trace that crosses HTTP and NATS.

Trace ids are always made and passed on, so that a log line can be followed through every process. Spans are recorded
and sent only when an OTLP endpoint is set; without one a request costs two random numbers and a few log fields.
Nothing here ever raises into the request it observes.
"""

from tertulia_shared.telemetry.batch import batch_span
from tertulia_shared.telemetry.configure import configure, shutdown
from tertulia_shared.telemetry.logs import logger, redact_text
from tertulia_shared.telemetry.metrics import render_metrics
from tertulia_shared.telemetry.middleware import TraceMiddleware
from tertulia_shared.telemetry.trace import (
    TraceContext,
    current_address,
    current_request_id,
    current_trace,
    extract,
    inject,
    parse_traceparent,
    span,
    traceparent,
)

__all__ = [
    "TraceContext",
    "TraceMiddleware",
    "batch_span",
    "configure",
    "current_address",
    "current_request_id",
    "current_trace",
    "extract",
    "inject",
    "logger",
    "parse_traceparent",
    "redact_text",
    "render_metrics",
    "shutdown",
    "span",
    "traceparent",
]
