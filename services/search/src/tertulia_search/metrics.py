"""What an operator watches; docs/subsystems/search.md says what each number means."""

from prometheus_client import Counter, Gauge, Histogram

QUERY_SECONDS = Histogram(
    "search_query_seconds",
    "From the parsed query to the answer, by kind (search, retrieve) and outcome.",
    ["kind", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
INDEX_LAG_SECONDS = Gauge(
    "search_index_lag_seconds", "Age of the newest event when the engine had it; 0 when nothing waits."
)
FINDABLE_SECONDS = Histogram(
    "search_findable_seconds",
    "From an event's time (its commit in chat) until it can be found.",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60, 600),
)
CHANGES = Counter("search_changes", "Changes of messages handed to the engine, by kind.", ["kind"])
COMMIT_SECONDS = Histogram(
    "search_commit_seconds", "Taking a batch in and committing it.", buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
)
DOCUMENTS = Gauge("search_documents", "Messages in the live generation.")
REFUSED_HITS = Counter("search_refused_hits", "Hits that the last check before the answer took out: never expected.")
REBUILDS = Counter("search_rebuilds", "Rebuilds of the index by how they ended.", ["outcome"])
REBUILDING = Gauge("search_rebuilding", "1 while another generation is being filled.")
