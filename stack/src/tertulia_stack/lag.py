"""How far a service is behind, from the metrics that it exports (docs/operations/metrics.md)."""

from urllib.parse import urlsplit

from tertulia_stack.probe import http_text

GAUGES = (
    "relay_oldest_unpublished_seconds",
    "bus_consumer_lag_seconds",
    "search_index_lag_seconds",
    "analytics_sink_lag_seconds",
)
"""In seconds. Whoever exports several is as late as the latest."""


async def lag_of(ready_url: str) -> float | None:
    """Seconds; None for a service that follows nothing, or does not answer."""
    parts = urlsplit(ready_url)
    text = await http_text(f"{parts.scheme}://{parts.netloc}/metrics")
    return None if text is None else lag_in(text)


def lag_in(metrics: str) -> float | None:
    """The largest of the known gauges in Prometheus' text format."""
    values: list[float] = []
    for line in metrics.splitlines():
        name, _, value = line.rpartition(" ")
        if name.partition("{")[0] in GAUGES:
            values.append(float(value))
    return round(max(values), 1) if values else None
