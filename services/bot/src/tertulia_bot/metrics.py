"""What an operator watches; docs/operations/metrics.md says what each means."""

from prometheus_client import Counter, Gauge, Histogram

RUNS = Counter("bot_runs", "Runs that ended.", ["command", "state"])
ACTIVE_RUNS = Gauge("bot_active_runs", "Runs that this process works on.")
FIRST_TOKEN_SECONDS = Histogram(
    "bot_first_token_seconds",
    "From accepting the run to the first piece of text sent on.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60),
)
TOKENS = Counter("bot_tokens", "Tokens that were charged.", ["kind"])
BUDGET_REFUSALS = Counter("bot_budget_refusals", "Asks refused because the day's budget of a workspace is used up.")
