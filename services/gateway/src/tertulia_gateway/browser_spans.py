"""Spans that pages report: checked, cut down to what we know, and sent on to the trace store in the background.

A page is a stranger. Whatever it writes, the store gets spans of one service, `tertulia-web`, with attributes from a
short list (no user among them), in traces that the sampling ratio allows. Nobody waits for the store: the queue is
bounded, and what does not fit is dropped and counted.
"""

import asyncio
from typing import Annotated, Literal

import aiohttp
import msgspec

from tertulia_gateway.metrics import BROWSER_SPANS
from tertulia_shared.problems import MalformedBody, ValidationFailed
from tertulia_shared.telemetry import logger, trace

log = logger(__name__)

QUEUED_REPORTS = 128
SEND_TIMEOUT_S = 10.0
MAX_SPANS = 128
MAX_SPAN_NS = 3600 * 1_000_000_000
SERVICE = "tertulia-web"
KNOWN_ATTRIBUTES = frozenset(
    {
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "tertulia.attempt",
        "tertulia.command",
        "tertulia.event",
    }
)

Nanoseconds = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}$")]
SpanId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
TraceId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
Text = Annotated[str, msgspec.Meta(max_length=256)]


class Value(msgspec.Struct, rename="camel", omit_defaults=True):
    """One of them."""

    string_value: Text | None = None
    int_value: Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,18}$")] | int | None = None
    double_value: float | None = None
    bool_value: bool | None = None


class Attribute(msgspec.Struct):
    key: Text
    value: Value


class SpanStatus(msgspec.Struct, omit_defaults=True):
    code: Literal[0, 1, 2] = 0


class Span(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | Literal[""] = ""
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    kind: Literal[0, 1, 2, 3, 4, 5] = 0
    start_time_unix_nano: Nanoseconds
    end_time_unix_nano: Nanoseconds
    attributes: Annotated[list[Attribute], msgspec.Meta(max_length=32)] = []
    status: SpanStatus = msgspec.field(default_factory=SpanStatus)


class ScopeSpans(msgspec.Struct, rename="camel"):
    spans: list[Span]


class ResourceSpans(msgspec.Struct, rename="camel"):
    scope_spans: list[ScopeSpans]


class Report(msgspec.Struct, rename="camel"):
    """The part of OTLP's ExportTraceServiceRequest (JSON mapping) that pages have a use for."""

    resource_spans: list[ResourceSpans]


_DECODER = msgspec.json.Decoder(Report)


def spans_of(body: bytes) -> list[Span]:
    """The sampled spans of a report, without what is not ours to know. Raises MalformedBody and ValidationFailed."""
    try:
        report = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise ValidationFailed(str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        raise MalformedBody from None
    spans = [span for each in report.resource_spans for scope in each.scope_spans for span in scope.spans]
    if len(spans) > MAX_SPANS:
        raise ValidationFailed(f"At most {MAX_SPANS} spans are taken at once.")
    for span in spans:
        if not 0 <= int(span.end_time_unix_nano) - int(span.start_time_unix_nano) <= MAX_SPAN_NS:
            raise ValidationFailed("A span ends after it begins, and lasts an hour at most.")
        span.attributes = [each for each in span.attributes if each.key in KNOWN_ATTRIBUTES]
    sampled = [span for span in spans if trace.within_ratio(span.trace_id)]
    BROWSER_SPANS.labels("unsampled").inc(len(spans) - len(sampled))
    return sampled


def report_of(spans: list[Span]) -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    scope_spans = [{"scope": {"name": SERVICE}, "spans": spans}]
    return msgspec.json.encode({"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]})


class BrowserSpans:
    """A component. Without an endpoint it takes reports and forgets them unread."""

    name = "browser spans"

    def __init__(self, http: aiohttp.ClientSession, endpoint: str | None) -> None:
        self._http = http
        self._url = None if endpoint is None else f"{endpoint.rstrip('/')}/v1/traces"
        self._queue = asyncio.Queue[list[Span]](QUEUED_REPORTS)

    def take(self, body: bytes) -> None:
        """Raises MalformedBody and ValidationFailed."""
        if self._url is None:
            return
        spans = spans_of(body)
        if not spans:
            return
        try:
            self._queue.put_nowait(spans)
        except asyncio.QueueFull:
            BROWSER_SPANS.labels("dropped").inc(len(spans))

    async def run(self) -> None:
        while True:
            spans = await self._queue.get()
            outcome = "sent" if await self._sent(report_of(spans)) else "failed"
            BROWSER_SPANS.labels(outcome).inc(len(spans))

    async def _sent(self, body: bytes) -> bool:
        timeout = aiohttp.ClientTimeout(total=SEND_TIMEOUT_S)
        headers = {"Content-Type": "application/json"}
        try:
            async with self._http.post(self._url or "", data=body, headers=headers, timeout=timeout) as answer:
                return answer.ok
        except (aiohttp.ClientError, TimeoutError) as error:
            log.debug("browser_spans.not_sent", error=str(error) or type(error).__name__)
            return False
