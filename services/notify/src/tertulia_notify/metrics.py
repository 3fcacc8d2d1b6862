"""What an operator watches: docs/subsystems/realtime.md says what each number means."""

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("notify_connections", "Open streams.")
DELIVERIES = Counter("notify_deliveries", "Durable events handed to a connection's queue.")
EVENTS = Counter("notify_events", "Durable events received, by how.", ["source"])
DELIVERY_SECONDS = Histogram(
    "notify_delivery_seconds",
    "From the event's time (its commit in chat) to the queues of its readers.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30),
)
CANARY_AGE = Gauge(
    "notify_canary_age_seconds",
    "Time since the newest canary that came here was written; since the start while none came.",
)
CANARY_SECONDS = Histogram(
    "notify_canary_seconds",
    "From a canary's writing into the log to here.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30),
)
RING_EVENTS = Gauge("notify_ring_events", "Events in the in-memory ring.")
RING_BYTES = Gauge("notify_ring_bytes", "Bytes of the events' bodies in the ring.")
MEMBERSHIPS = Gauge("notify_memberships", "Channel memberships in the last snapshot.")
GAPS = Counter("notify_ingress_gaps", "Times that contiguity was in doubt, by reason.", ["reason"])
QUARANTINES = Counter("notify_quarantines", "Times that every connection was closed for want of a proof.")
EPOCHS = Counter("notify_epochs", "New lives of the stream seen while serving.")
RESUMES = Counter("notify_resumes", "How connections began: live, ring, stream, reset.", ["outcome"])
OVERFLOWS = Counter("notify_queue_overflows", "Connections closed because their client read too slowly.")
EPHEMERAL_DROPPED = Counter("notify_ephemeral_dropped", "Typing notices and run deltas that a full queue did not take.")
PRESENT = Gauge("notify_present_people", "People whom others are shown as online or away, of all processes.", ["state"])
PRESENCE_PROCESSES = Gauge("notify_presence_processes", "Other processes whose people are known.")
PRESENCE_WATCHES = Gauge("notify_presence_watches", "People watched, counted once for each connection.")
PRESENCE_TOLD = Counter("notify_presence_told", "States handed to connections.")
PRESENCE_REPAIRS = Counter("notify_presence_repairs", "Times that another process's changes were incomplete.")
BYES = Counter("notify_byes", "Connections ended by the server, by reason.", ["reason"])
MALFORMED = Counter("notify_malformed_events", "Messages on the stream that break the contract.")
