"""What an operator watches: docs/subsystems/analytics.md says what each number means."""

from prometheus_client import Counter, Gauge, Histogram

ROWS = Counter("analytics_rows", "Events inserted into ClickHouse.")
SKIPPED = Counter("analytics_duplicates", "Events that were there already and not counted again.")
DEAD_LETTERS = Counter("analytics_dead_letters", "Events that could not be read and were put aside.")
LOST = Counter("analytics_lost_events", "Sequences that had left the stream before the sink came to them.")
RETRIES = Counter("analytics_sink_retries", "Times that the sink had to wait, by what it waits for.", ["reason"])
RESTARTS = Counter("analytics_sink_restarts", "Times that the stream is read from its beginning, by why.", ["reason"])
LAG_SECONDS = Gauge("analytics_sink_lag_seconds", "Age of the oldest event that is not yet counted, 0 for none.")
LEADING = Gauge("analytics_sink_leading", "1 while this process is the one that writes.")
POSITION = Gauge("analytics_sink_position", "Sequence of the stream up to which everything is counted.")
BATCH_SECONDS = Histogram(
    "analytics_batch_seconds",
    "Time to make one batch durable, from the question for duplicates to the saved position.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
QUERY_SECONDS = Histogram(
    "analytics_query_seconds",
    "Time of one call to ClickHouse, waiting for its thread included.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
