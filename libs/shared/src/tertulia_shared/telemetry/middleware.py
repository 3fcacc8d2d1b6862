"""The outermost ASGI layer of every service: request id, trace, request metrics, one debug line per request.

It never wraps or buffers a body, so a stream passes through untouched. Its cost without an exporter is about 5 µs.
"""

import random
import re
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.trace import SpanKind, Status, StatusCode
from prometheus_client import Histogram

from tertulia_shared.telemetry import trace
from tertulia_shared.telemetry.logs import debug_enabled, logger
from tertulia_shared.telemetry.metrics import HTTP_SECONDS

if TYPE_CHECKING:
    # Every process has telemetry, and those that serve nothing start without Litestar.
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

log = logger(__name__)

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}\Z")
_MAX_ADDRESS = 64
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
UNMATCHED = "unmatched"
"""Route label of requests that no route took: the raw path would make a time series per guess of a scanner."""


class TraceMiddleware:
    """Wraps a whole ASGI application. `scope["request_id"]` and `scope["route"]` are for whoever comes inside:
    an application that is not Litestar names its route template by setting `scope["route"]`."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app
        self._series: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        parent, request_id, address = _incoming(scope)
        trace.set_request_id(request_id)
        trace.set_address(address)
        cast(dict[str, Any], scope)["request_id"] = request_id
        exchange = _Exchange(self, scope, send, request_id)
        if trace.recording() and scope["path"] not in trace.QUIET_PATHS:
            await self._recorded(exchange, parent, receive)
            return
        # A request has its own task and context in uvicorn, so nothing needs to be put back afterwards.
        trace.enter(trace.child_of(parent))
        try:
            await self.app(scope, receive, exchange.send)
        finally:
            exchange.finish()

    async def _recorded(self, exchange: "_Exchange", parent: trace.TraceContext | None, receive: "Receive") -> None:
        method = exchange.scope["method"]
        recorded = trace.start(f"{method}", parent, SpanKind.SERVER)
        trace.enter(trace.context_of(recorded))
        try:
            await self.app(exchange.scope, receive, exchange.send)
        finally:
            exchange.finish()
            recorded.update_name(f"{method} {exchange.route}")
            recorded.set_attribute("http.request.method", method)
            recorded.set_attribute("http.route", exchange.route)
            recorded.set_attribute("http.response.status_code", exchange.status)
            if exchange.status >= 500:
                recorded.set_status(Status(StatusCode.ERROR))
            recorded.end()

    def series(self, method: str, route: str, status: int) -> Histogram:
        """`labels()` costs more than the observation itself, so its children are kept."""
        key = (method if method in _METHODS else "other", route, status)
        child = self._series.get(key)
        if child is None:
            child = self._series[key] = HTTP_SECONDS.labels(*key)
        return child


class _Exchange:
    """One request on its way through."""

    __slots__ = ("_middleware", "_send", "_started", "request_id", "scope", "seconds", "status")

    def __init__(self, middleware: TraceMiddleware, scope: "Scope", send: "Send", request_id: str) -> None:
        self._middleware = middleware
        self._send = send
        self._started = perf_counter()
        self.scope: Any = scope
        self.request_id = request_id
        self.status = 500
        self.seconds: float | None = None

    @property
    def route(self) -> str:
        return self.scope.get("route") or self.scope.get("path_template") or UNMATCHED

    async def send(self, message: "Message") -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.seconds = perf_counter() - self._started
            message["headers"] = [*message["headers"], (b"x-request-id", self.request_id.encode())]
        await self._send(message)

    def finish(self) -> None:
        seconds = self.seconds if self.seconds is not None else perf_counter() - self._started
        method = self.scope["method"]
        route = self.route
        self._middleware.series(method, route, self.status).observe(seconds)
        if debug_enabled():
            log.debug("request", method=method, route=route, status=self.status, ms=round(seconds * 1000, 2))


def _incoming(scope: "Scope") -> tuple[trace.TraceContext | None, str, str | None]:
    """The caller's trace and request id, where they are well-formed, and the caller's address.

    The gateway says whose address it was; the last hop it added is the one to believe.
    """
    parent: trace.TraceContext | None = None
    request_id: str | None = None
    address: str | None = None
    for name, value in scope["headers"]:
        if name == b"traceparent":
            parent = trace.parse_traceparent(value.decode("latin-1"))
        elif name == b"x-request-id" and _REQUEST_ID.match(value):
            request_id = value.decode("ascii")
        elif name == b"x-forwarded-for":
            address = value.decode("latin-1").rpartition(",")[2].strip()[:_MAX_ADDRESS]
    client = scope.get("client")
    return parent, request_id or f"{random.getrandbits(96):024x}", address or (client[0] if client else None)
