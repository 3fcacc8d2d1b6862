"""A real OTLP endpoint over HTTP, and an end to recording after each test."""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tertulia_shared import telemetry
from tertulia_shared.settings import ServiceSettings
from tertulia_shared.telemetry.trace import use_tracer

Collector = tuple[str, list[ExportTraceServiceRequest]]
Spans = Callable[[], list[Any]]


@pytest.fixture(autouse=True)
def no_exporter() -> Iterator[None]:
    yield
    use_tracer(None)


@pytest.fixture
def collector() -> Iterator[Collector]:
    received: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def recording(collector: Collector) -> Callable[..., Spans]:
    """Call with a sampling ratio to record from now on; what it answers ends the recording and gives all spans."""
    url, received = collector

    def begin(ratio: float = 1.0) -> Spans:
        settings = ServiceSettings(port=0, otel_exporter_otlp_endpoint=url, otel_traces_sampler_arg=ratio)
        telemetry.configure("test", settings)

        def end() -> list[Any]:
            telemetry.shutdown()
            scopes = [scope for one in received for each in one.resource_spans for scope in each.scope_spans]
            return [span for scope in scopes for span in scope.spans]

        return end

    return begin
