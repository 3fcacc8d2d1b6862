"""Where the time between a post and its last reader goes, told by the product's own spans.

A small trace store (OTLP over HTTP) that keeps, of each trace, when the services had the message. Spans carry the
system's clock; what the load clients saw is brought to the same clock.
"""

import gzip
import time
from collections import defaultdict
from collections.abc import Mapping
from statistics import median
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tertulia_bench.conversation import percentile
from tertulia_bench.listening import Heard
from tertulia_bench.posting import Posted
from tertulia_stack.ports import LOOPBACK

SHARE = 0.2
"""So many of the messages are traced: all of them would be a load of its own."""
SPANS = {
    "gateway": "POST /api/v1/channels/{channel}/messages",
    "chat": "POST /api/v1/channels/{channel_id}/messages",
    "relay": "publish message.created",
    "notify": "deliver message.created",
}
"""By service, its span of interest: chat has a second one, of the consumer that decides who is told."""

Key = tuple[int, int]


class Span(NamedTuple):
    """Unix seconds."""

    start: float
    end: float


class Hop(NamedTuple):
    """Milliseconds at p50 and p95."""

    name: str
    p50: float
    p95: float


class TraceStore:
    """`async with` serves it; `environment` makes a stack report to it."""

    def __init__(self) -> None:
        self._spans: dict[str, dict[str, Span]] = defaultdict(dict)
        self._runner = web.AppRunner(self._app())
        self._url = ""

    @property
    def environment(self) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._url,
            "OTEL_TRACES_SAMPLER_ARG": str(SHARE),
            "OTEL_BSP_SCHEDULE_DELAY": "500",
        }

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, 0).start()
        self._url = f"http://{LOOPBACK}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def hops(self, posted: Posted, heard: Heard) -> list[Hop]:
        """Of the messages that all services told of; empty when there are none."""
        to_unix = time.time() - time.monotonic()
        taken: dict[str, list[float]] = defaultdict(list)
        for key, trace_id in posted.trace_ids.items():
            spans = self._spans.get(trace_id, {})
            if all(service in spans for service in SPANS) and key in heard.last_at:
                for name, seconds in _parts(spans, key, posted, heard, to_unix):
                    taken[name].append(seconds * 1000)
        return [Hop(name, median(each), percentile(sorted(each), 0.95)) for name, each in taken.items()]

    def traced(self) -> int:
        """Messages that all services told of."""
        return sum(all(service in spans for service in SPANS) for spans in self._spans.values())

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/{path:.*}", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        # aiohttp unpacks what says that it is packed, depending on its version and extras.
        found = ExportTraceServiceRequest.FromString(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        for one in found.resource_spans:
            service = _value(one.resource.attributes, "service.name").removeprefix("tertulia-")
            for scope in one.scope_spans:
                for span in scope.spans:
                    if SPANS.get(service) == span.name:
                        times = Span(span.start_time_unix_nano / 1e9, span.end_time_unix_nano / 1e9)
                        self._spans[span.trace_id.hex()][service] = times
        return web.Response()


def _parts(
    spans: Mapping[str, Span], key: Key, posted: Posted, heard: Heard, to_unix: float
) -> list[tuple[str, float]]:
    """One after the other from the post to its last reader; those in brackets lie beside them. When PostgreSQL has
    committed nobody tells: the relay may read a message before chat knows that it is there."""
    gateway, chat, relay, notify = (spans[service] for service in SPANS)
    due, acked = posted.due_at[key] + to_unix, posted.acked_at[key] + to_unix
    first, last = heard.first_at[key] + to_unix, heard.last_at[key] + to_unix
    return [
        ("due, until the gateway has the request's head", gateway.start - due),
        ("until chat has it", chat.start - gateway.start),
        ("chat checks, PostgreSQL commits, the relay has read it", relay.start - chat.start),
        ("JetStream stores it, notify has it", notify.start - relay.start),
        ("notify queues it for its readers", notify.end - notify.start),
        ("through sockets and gateway to the first reader", first - notify.end),
        ("until the last reader has it", last - first),
        ("(until chat has answered, of the third)", chat.end - chat.start),
        ("(the answer's way back to its author)", acked - chat.end),
        ("(until JetStream has acknowledged it to the relay)", relay.end - relay.start),
    ]


def _value(attributes: Any, key: str) -> str:
    return next((each.value.string_value for each in attributes if each.key == key), "")
