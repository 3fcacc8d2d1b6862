"""What sending later tells Prometheus."""

from prometheus_client import Counter, Histogram

LATENESS = Histogram(
    "chat_scheduled_lateness_seconds",
    "From the time that a scheduled message was due to its sending.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600),
)
REFUSED = Counter(
    "chat_scheduled_refused", "Scheduled messages that could not be sent, by the reason's code.", ["code"]
)
