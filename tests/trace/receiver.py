"""A trace store for tests: OTLP over HTTP, protobuf from the services and JSON from pages; it keeps the spans."""

import gzip
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    failed: bool
    attributes: dict[str, Any] = field(compare=False)
    links: tuple[str, ...] = ()
    """Trace ids."""


class Trace:
    """The spans of one trace, by service and name."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.spans = sorted(spans, key=lambda span: span.start_ns)

    @property
    def services(self) -> set[str]:
        return {span.service.removeprefix("tertulia-") for span in self.spans}

    def all(self, service: str, name: str) -> list[Span]:
        return [span for span in self.spans if (span.service, span.name) == (f"tertulia-{service}", name)]

    def one(self, service: str, name: str) -> Span:
        found = self.all(service, name)
        assert len(found) == 1, f"{len(found)} spans {name!r} of {service} in\n{self}"
        return found[0]

    def under(self, parent: Span) -> list[Span]:
        return [span for span in self.spans if span.parent_id == parent.span_id]

    def ancestors(self, span: Span) -> Iterator[Span]:
        by_id = {each.span_id: each for each in self.spans}
        while (parent := by_id.get(span.parent_id)) is not None:
            yield parent
            span = parent

    def __str__(self) -> str:
        """For a test that fails."""
        return "\n".join(
            f"{each.service:20} {each.name:45} {each.span_id} under {each.parent_id}" for each in self.spans
        )


class Receiver:
    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.url = ""

    def trace(self, trace_id: str) -> Trace:
        return Trace(span for span in list(self.spans) if span.trace_id == trace_id)

    def wait(self, trace_id: str, complete: Callable[[Trace], bool], timeout_s: float = 60.0) -> Trace:
        """The trace once `complete` holds, or as it is after `timeout_s`: the test's assertions say what is missing.

        Blocks: spans come in a thread of their own.
        """
        deadline = monotonic() + timeout_s
        while not complete(found := self.trace(trace_id)) and monotonic() < deadline:
            sleep(0.1)
        return found

    def take(self, body: bytes, content_type: str) -> None:
        self.spans.extend(_from_json(body) if content_type == "application/json" else _from_protobuf(body))


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.take(body, self.headers["content-type"])
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _from_protobuf(body: bytes) -> Iterator[Span]:
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _values(resource_spans.resource.attributes)
        for scope in resource_spans.scope_spans:
            for span in scope.spans:
                yield Span(
                    service=resource["service.name"],
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    failed=span.status.code == 2,
                    attributes=_values(span.attributes),
                    links=tuple(link.trace_id.hex() for link in span.links),
                )


def _values(attributes: Iterable[Any]) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _from_json(body: bytes) -> Iterator[Span]:
    for resource_spans in json.loads(body)["resourceSpans"]:
        resource = _json_values(resource_spans["resource"]["attributes"])
        for scope in resource_spans["scopeSpans"]:
            for span in scope["spans"]:
                yield Span(
                    service=resource["service.name"],
                    name=span["name"],
                    trace_id=span["traceId"],
                    span_id=span["spanId"],
                    parent_id=span.get("parentSpanId", ""),
                    start_ns=int(span["startTimeUnixNano"]),
                    end_ns=int(span["endTimeUnixNano"]),
                    failed=span.get("status", {}).get("code") == 2,
                    attributes=_json_values(span.get("attributes", [])),
                )


def _json_values(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in attributes}
