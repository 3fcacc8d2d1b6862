"""Is it well? The page to look at first."""

from furniture import Dashboard, Panel, Row
from queries import or_zero, quantile, rate

GATEWAY = 'job="gateway"'

OVERVIEW = Dashboard(
    uid="tertulia-overview",
    title="Tertulia: overview",
    description=(
        "Is it well, for the people in front of it? What is behind each number: docs/operations/observability.md."
    ),
    rows=[
        Row(
            "Now",
            [
                Panel(
                    title="Parts ready",
                    description=(
                        "Processes whose /readyz answers 200. Without search, bot or analytics the rest goes on."
                    ),
                    unit="none",
                    queries=[("service_ready", "{{job}}")],
                    stat=True,
                    width=12,
                    bad=1,
                    low_is_bad=True,
                    mappings={"0": "not ready", "1": "ready"},
                ),
                Panel(
                    title="People connected",
                    description="Open streams of events: one for each open page.",
                    unit="short",
                    queries=[("sum(notify_connections)", "streams")],
                    stat=True,
                    width=4,
                ),
                Panel(
                    title="Requests that fail",
                    description="Share of the gateway's answers that are 5xx, over five minutes. Alert: RequestsFail.",
                    unit="percentunit",
                    queries=[('job:http_errors:ratio5m{job="gateway"} or vector(0)', "5xx")],
                    stat=True,
                    width=4,
                    warn=0.005,
                    bad=0.02,
                ),
                Panel(
                    title="Oldest message not out yet",
                    description="Age of the oldest event that the relay has not published. Alert: RelayBehind.",
                    unit="s",
                    queries=[("max(relay_oldest_unpublished_seconds)", "age")],
                    stat=True,
                    width=4,
                    warn=1,
                    bad=5,
                ),
            ],
        ),
        Row(
            "Requests",
            [
                Panel(
                    title="Requests",
                    description="By the service that answers. The gateway's are all that came in.",
                    unit="reqps",
                    queries=[(rate("http_request_seconds_count", "job"), "{{job}}")],
                ),
                Panel(
                    title="Time to the answer, as people have it",
                    description=(
                        "At the gateway, from the request's head to the head of the answer. Streams count "
                        "until their headers."
                    ),
                    unit="s",
                    queries=[
                        (quantile(0.5, "http_request_seconds", where=GATEWAY), "half"),
                        (quantile(0.95, "http_request_seconds", where=GATEWAY), "19 of 20"),
                        (quantile(0.99, "http_request_seconds", where=GATEWAY), "99 of 100"),
                    ],
                    warn=0.5,
                    bad=2,
                ),
                Panel(
                    title="Slowest routes",
                    description="Their p95 at the gateway; a route is a template, never a path.",
                    unit="s",
                    queries=[
                        (
                            f"topk(8, {quantile(0.95, 'http_request_seconds', 'method, route', GATEWAY)})",
                            "{{method}} {{route}}",
                        )
                    ],
                ),
                Panel(
                    title="Answers by status",
                    description="What the gateway said. 429 is a limit, 401 an expired session.",
                    unit="reqps",
                    queries=[(rate("http_request_seconds_count", "status", GATEWAY), "{{status}}")],
                    stacked=True,
                ),
                Panel(
                    title="Time behind the gateway",
                    description="p95 of each service's answers as the gateway sees them.",
                    unit="s",
                    queries=[(quantile(0.95, "gateway_upstream_seconds", "upstream"), "{{upstream}}")],
                    bad=2,
                ),
                Panel(
                    title="Refused and failed",
                    description="Requests over a limit, and services that did not answer well. Alert: UpstreamErrors.",
                    unit="reqps",
                    queries=[
                        (or_zero(rate("gateway_rate_limited_total")), "over a limit"),
                        (or_zero(rate("gateway_upstream_errors_total", where='kind!="not_running"')), "service failed"),
                    ],
                ),
            ],
        ),
        Row(
            "Behind the people",
            [
                Panel(
                    title="Messages and other events",
                    description="What the relay publishes: every change that anybody made.",
                    unit="cps",
                    queries=[(rate("relay_published_events_total"), "events")],
                ),
                Panel(
                    title="How far the consumers are behind",
                    description=(
                        "Age of the oldest event that search, bot or analytics has not settled. Alert: ConsumerBehind."
                    ),
                    unit="s",
                    queries=[
                        ("max by (consumer) (bus_consumer_lag_seconds)", "{{consumer}}"),
                        ("max(analytics_sink_lag_seconds)", "analytics"),
                    ],
                    warn=10,
                    bad=60,
                ),
                Panel(
                    title="Dependencies",
                    description="1 while it answers, for each service that needs it.",
                    unit="none",
                    queries=[("min by (job, dependency) (service_dependency_up)", "{{job}}: {{dependency}}")],
                    bad=1,
                    low_is_bad=True,
                ),
            ],
        ),
        Row(
            "Processes",
            [
                Panel(
                    title="Processor",
                    description="Cores in use. A Python process uses at most about one.",
                    unit="none",
                    queries=[(rate("process_cpu_seconds_total", "job"), "{{job}}")],
                    warn=0.8,
                ),
                Panel(
                    title="Memory",
                    description="Resident, of the largest process of each kind. Alert: MemoryHigh.",
                    unit="bytes",
                    queries=[("max by (job) (process_resident_memory_bytes)", "{{job}}")],
                ),
                Panel(
                    title="File descriptors",
                    description=(
                        "Share in use. notify and the gateway need one for each open stream. Alert: FileDescriptors."
                    ),
                    unit="percentunit",
                    queries=[("max by (job) (process_open_fds / process_max_fds)", "{{job}}")],
                    bad=0.8,
                ),
            ],
        ),
    ],
)
