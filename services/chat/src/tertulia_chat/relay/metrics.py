"""What the relay tells Prometheus."""

from prometheus_client import Counter, Gauge

PUBLISHED = Counter("relay_published_events", "Events of the log stored in the stream.")
REWINDS = Counter("relay_rewinds", "Times that the stream came back shorter and the log was published again.")
FAILURES = Counter("relay_publish_failures", "Publishes that stopped half-way and were taken up again.")
UNPUBLISHED_AGE = Gauge("relay_oldest_unpublished_seconds", "Age of the oldest event that is not in the stream yet.")
REPEATED = Counter("relay_repeated_events", "Events that the stream had already when they were published again.")
OPEN_TRANSACTIONS = Gauge(
    "relay_xmin_lag_transactions",
    "Transaction ids between the oldest open writer and the newest: grows with a long one.",
)
CANARIES = Counter("relay_canaries", "Canaries written into the log.")
HELD = Gauge("relay_held_shards", "Shards that this process publishes.")
