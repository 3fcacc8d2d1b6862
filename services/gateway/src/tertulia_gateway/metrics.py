"""What the gateway tells Prometheus beside the metrics of every service; docs/operations/metrics.md explains them."""

from prometheus_client import Counter, Gauge, Histogram

from tertulia_shared.telemetry.metrics import LATENCY_BUCKETS

OPEN_EXCHANGES = Gauge("gateway_open_exchanges", "Requests on their way, streams included.")
OPEN_STREAMS = Gauge("gateway_open_streams", "Open server-sent event streams.")
UPSTREAM_SECONDS = Histogram(
    "gateway_upstream_seconds",
    "From handing a request to a service to the head of its answer.",
    ["upstream"],
    buckets=LATENCY_BUCKETS,
)
UPSTREAM_ERRORS = Counter(
    "gateway_upstream_errors",
    "Requests that a service failed: status, unavailable, broken_off, timeout, not_running.",
    ["upstream", "kind"],
)
UPSTREAM_CONNECTIONS = Gauge("gateway_upstream_connections", "Connections to a service.", ["upstream", "state"])
RATE_LIMITED = Counter("gateway_rate_limited", "Requests refused with 429.", ["rate", "per"])
BROWSER_SPANS = Counter(
    "gateway_browser_spans", "Spans reported by pages: sent, unsampled, dropped, failed.", ["outcome"]
)
