"""Trace context (W3C traceparent) as a context variable, and spans where an exporter is configured.

A trace is recorded or not as a whole: its first hop decides by the sampling ratio, every later one follows the flag in
its parent's traceparent.
"""

import random
import re
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

TRACEPARENT = "traceparent"

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?\Z")
_INVALID_TRACE_ID = "0" * 32
_INVALID_SPAN_ID = "0" * 16

AttributeValue = str | int | float | bool

QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds for as long as a process lives: their spans would drown the others."""

_RATIO_BITS = 64


class TraceContext(NamedTuple):
    """One hop of a trace: 32 and 16 lower-case hex digits."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


_current: ContextVar[TraceContext | None] = ContextVar("trace", default=None)
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_address: ContextVar[str | None] = ContextVar("address", default=None)

# Set once by `configure`; while None, contexts are made and passed on but nothing is recorded.
_tracer: otel.Tracer | None = None
_bound = 1 << _RATIO_BITS


def use_tracer(tracer: otel.Tracer | None, ratio: float = 1.0) -> None:
    """Record spans with this tracer from now on (None: record nothing). `ratio` is that of the tracer's own sampler."""
    global _tracer, _bound  # noqa: PLW0603 -- one tracer per process, as in OpenTelemetry itself
    _tracer = tracer
    _bound = round(ratio * (1 << _RATIO_BITS))


def recording() -> bool:
    return _tracer is not None


def current_trace() -> TraceContext | None:
    return _current.get()


def current_request_id() -> str | None:
    return _request_id.get()


def set_request_id(request_id: str | None) -> None:
    _request_id.set(request_id)


def current_address() -> str | None:
    """Where the request that is being served comes from, as the last hop in front of this process saw it."""
    return _address.get()


def set_address(address: str | None) -> None:
    _address.set(address)


def enter(context: TraceContext) -> None:
    """Make this the current context for the rest of the running task."""
    _current.set(context)


def traceparent() -> str | None:
    """The current context as a traceparent header's value."""
    context = _current.get()
    return None if context is None else context.traceparent


def parse_traceparent(value: str | None) -> TraceContext | None:
    """None for anything that is not a valid W3C traceparent: a stranger's broken header must not break a request."""
    if value is None or (match := _TRACEPARENT.match(value)) is None or value.startswith("ff"):
        return None
    trace_id, span_id, flags = match.groups()
    if trace_id == _INVALID_TRACE_ID or span_id == _INVALID_SPAN_ID:
        return None
    return TraceContext(trace_id, span_id, sampled=bool(int(flags, 16) & 1))


def within_ratio(trace_id: str) -> bool:
    """Whether a trace of this id belongs to the sampled ones: the same answer in every process and for every hop."""
    return int(trace_id[-16:], 16) < _bound


def at_the_edge(asked: TraceContext | None) -> TraceContext | None:
    """What a stranger's traceparent becomes: their trace goes on, but they do not decide how many are recorded."""
    if _tracer is None or asked is None or not asked.sampled or within_ratio(asked.trace_id):
        return asked
    return asked._replace(sampled=False)


def inject(headers: MutableMapping[str, str]) -> None:
    """Add the current context to the headers of a NATS message or an outgoing request."""
    context = _current.get()
    if context is not None:
        headers[TRACEPARENT] = context.traceparent


def extract(headers: Mapping[str, str] | None) -> TraceContext | None:
    """The context that came with a NATS message or a request (header names in lower case)."""
    return None if not headers else parse_traceparent(headers.get(TRACEPARENT))


def child_of(parent: TraceContext | None) -> TraceContext:
    """A new hop in the parent's trace, or the first hop of a new trace."""
    span_id = f"{random.getrandbits(64) or 1:016x}"
    if parent is None:
        return TraceContext(f"{random.getrandbits(128) or 1:032x}", span_id)
    return TraceContext(parent.trace_id, span_id, parent.sampled)


@contextmanager
def span(
    name: str,
    *,
    parent: TraceContext | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    links: tuple[TraceContext, ...] = (),
) -> Generator[TraceContext]:
    """Run the block as one hop: under `parent`, else under the current context, else as a new trace.

    `links` name other traces that this work belongs to, for a batch made of many messages.
    """
    origin = parent if parent is not None else _current.get()
    if _tracer is None:
        context = child_of(origin)
        token = _current.set(context)
        try:
            yield context
        finally:
            _current.reset(token)
        return
    recorded = start(name, origin, kind, attributes, links)
    token = _current.set(context_of(recorded))
    try:
        yield context_of(recorded)
    except Exception as error:
        recorded.set_status(Status(StatusCode.ERROR, type(error).__name__))
        recorded.record_exception(error)
        raise
    finally:
        _current.reset(token)
        recorded.end()


def start(
    name: str,
    parent: TraceContext | None,
    kind: SpanKind,
    attributes: Mapping[str, AttributeValue] | None = None,
    links: tuple[TraceContext, ...] = (),
    started_ns: int | None = None,
) -> otel.Span:
    """A span that the caller ends; one that records nothing without an exporter. `started_ns` is a Unix time."""
    if _tracer is None:
        return otel.INVALID_SPAN
    outer = Context() if parent is None else otel.set_span_in_context(NonRecordingSpan(_to_otel(parent)), Context())
    return _tracer.start_span(
        name,
        outer,
        kind=kind,
        attributes=attributes,
        links=[Link(_to_otel(link)) for link in links],
        start_time=started_ns,
    )


def context_of(recorded: otel.Span) -> TraceContext:
    inner = recorded.get_span_context()
    return TraceContext(f"{inner.trace_id:032x}", f"{inner.span_id:016x}", inner.trace_flags.sampled)


def _to_otel(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=flags)
