"""Prometheus metrics: the process-wide registry and the metrics that every service has.

All names are in docs/operations/metrics.md. A label never holds what people make without end: no path, user or channel.
"""

from importlib.metadata import version

from prometheus_client import REGISTRY, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. Fine below 100 ms, where the product's promises are."""

HTTP_SECONDS = Histogram(
    "http_request_seconds",
    "Time until the response's first byte, by route template. Streams count until their headers.",
    ["method", "route", "status"],
    buckets=LATENCY_BUCKETS,
)

BUILD = Gauge("tertulia_build_info", "1, labelled with what runs here.", ["service", "version"])


def tell_build(service: str) -> None:
    """All parts of the product have one version."""
    BUILD.labels(service, version("tertulia-shared")).set(1)


def render_metrics() -> tuple[bytes, str]:
    """The exposition of everything registered in this process, and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
