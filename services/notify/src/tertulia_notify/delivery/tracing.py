"""Notify's hop in the trace of an event: from its arrival to the queues of the sockets it is for."""

from opentelemetry.trace import SpanKind

from tertulia_notify.delivery.event import Event
from tertulia_shared.telemetry import trace


def delivered(event: Event, connections: int, started_ns: int) -> None:
    """Record that the event reached this many sockets. `started_ns` is a Unix time."""
    if event.trace is None or not event.trace.sampled:
        return
    attributes = {"messaging.operation.type": "process", "tertulia.event": event.type, "tertulia.sockets": connections}
    name = f"deliver {event.type}"
    trace.start(name, event.trace, SpanKind.CONSUMER, attributes, started_ns=started_ns).end()
