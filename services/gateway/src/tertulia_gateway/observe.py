"""What the gateway tells about each request: ids that follow it, one measurement, one debug line, and a span."""

import random
import re
from time import perf_counter

from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import Histogram

from tertulia_gateway.http1.message import Request
from tertulia_gateway.routes import V1, Route
from tertulia_shared.telemetry import logger, trace
from tertulia_shared.telemetry.metrics import HTTP_SECONDS

log = logger(__name__)

UNMATCHED = "unmatched"
SERVER_ERROR = 500

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}\Z")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET = tuple(path.encode() for path in (*trace.QUIET_PATHS, f"{V1}/telemetry/traces"))
"""Targets without a span: a report of spans must not make more of them."""
_SERIES: dict[tuple[str, str, int], Histogram] = {}


def _series(method: str, route: str, status: int) -> Histogram:
    """`labels()` costs more than the observation itself, so its children are kept."""
    key = (method if method in _METHODS else "other", route, status)
    child = _SERIES.get(key)
    if child is None:
        child = _SERIES[key] = HTTP_SECONDS.labels(*key)
    return child


class Observation:
    """One request under observation. The ids are made only when somebody asks for them."""

    __slots__ = ("_answered", "_request", "_span", "_started", "context", "request_id")

    def __init__(self, request: Request) -> None:
        given = request.request_id
        self._request = request
        self._started = perf_counter()
        self._answered = False
        self._span: Span | None = None
        self.request_id = given if _REQUEST_ID.match(given) else b"%024x" % random.getrandbits(96)
        parent = trace.parse_traceparent(request.traceparent.decode("latin-1")) if request.traceparent else None
        if trace.recording() and not request.target.startswith(_QUIET):
            self._span = trace.start(request.method, trace.at_the_edge(parent), SpanKind.SERVER)
            self.context = trace.context_of(self._span)
        else:
            self.context = trace.child_of(parent)

    @property
    def traceparent(self) -> bytes:
        return self.context.traceparent.encode()

    def answered(self, route: Route | None, status: int) -> None:
        """The response's head is on its way. Times are taken here, so that streams count until their headers."""
        self._answered = True
        seconds = perf_counter() - self._started
        method, path = self._request.method, route.path if route is not None else UNMATCHED
        _series(method, path, status).observe(seconds)
        log.debug(
            "request",
            method=method,
            route=path,
            status=status,
            ms=round(seconds * 1000, 2),
            request_id=self.request_id.decode(),
            trace_id=self.context.trace_id,
        )
        if self._span is not None:
            self._span.update_name(f"{method} {path}")
            self._span.set_attribute("http.request.method", method)
            self._span.set_attribute("http.route", path)
            self._span.set_attribute("http.response.status_code", status)
            if status >= SERVER_ERROR:
                self._span.set_status(Status(StatusCode.ERROR))

    def ended(self) -> None:
        if self._span is not None:
            self._span.end()
