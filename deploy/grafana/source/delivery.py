"""The way of an event: log, relay, stream, notify, consumers."""

from furniture import Dashboard, Panel, Row
from queries import or_zero, quantile, rate

DELIVERY = Dashboard(
    uid="tertulia-delivery",
    title="Tertulia: delivery",
    description=(
        "The way of an event, from chat's log to the sockets and the consumers. How it works: docs/subsystems/."
    ),
    rows=[
        Row(
            "Relay: from the log into the stream",
            [
                Panel(
                    title="Oldest event not published",
                    description="0 most of the time. Alert: RelayBehind.",
                    unit="s",
                    queries=[("max(relay_oldest_unpublished_seconds)", "age")],
                    warn=1,
                    bad=5,
                ),
                Panel(
                    title="Published",
                    description="New ones, and ones that the stream had already (after a restart or a rewind).",
                    unit="cps",
                    queries=[
                        (rate("relay_published_events_total"), "published"),
                        (rate("relay_repeated_events_total"), "again"),
                    ],
                ),
                Panel(
                    title="Shards with a relay",
                    description="All 32, spread over the relays that run. Alert: RelayHoldsTooFewShards.",
                    unit="none",
                    queries=[("sum(relay_held_shards)", "held")],
                    bad=32,
                    low_is_bad=True,
                ),
                Panel(
                    title="Publishing interrupted, stream rewound",
                    description=(
                        "Since each relay's start. A rewind means that NATS lost something. Alert: StreamRewound."
                    ),
                    unit="none",
                    queries=[
                        ("sum(relay_publish_failures_total)", "interrupted"),
                        ("sum(relay_rewinds_total)", "rewound"),
                    ],
                ),
                Panel(
                    title="Oldest open transaction",
                    description=(
                        "Transaction ids between it and the newest: the relay re-reads that far. Alert: "
                        "LongTransaction."
                    ),
                    unit="none",
                    queries=[("max(relay_xmin_lag_transactions)", "transactions")],
                    bad=100000,
                ),
                Panel(
                    title="Connections to NATS",
                    description="1 while connected, by process.",
                    unit="none",
                    queries=[("min by (job, bus) (bus_connected)", "{{job}} {{bus}}")],
                    bad=1,
                    low_is_bad=True,
                ),
            ],
        ),
        Row(
            "notify: to the sockets",
            [
                Panel(
                    title="From commit to the readers' queues",
                    description="The product's promise: a message is on its way to everybody within milliseconds.",
                    unit="s",
                    queries=[
                        (quantile(0.5, "notify_delivery_seconds"), "half"),
                        (quantile(0.99, "notify_delivery_seconds"), "99 of 100"),
                    ],
                    warn=0.05,
                    bad=0.5,
                ),
                Panel(
                    title="Newest canary",
                    description=(
                        "Age, by replica. One is written every 5 s and takes the way of every event. "
                        "Alert: CanaryMissing."
                    ),
                    unit="s",
                    queries=[("max by (instance) (notify_canary_age_seconds)", "{{instance}}")],
                    warn=15,
                    bad=30,
                ),
                Panel(
                    title="A canary's way",
                    description="From its writing into the log to notify, whether or not anybody writes.",
                    unit="s",
                    queries=[
                        (quantile(0.5, "notify_canary_seconds"), "half"),
                        (quantile(0.99, "notify_canary_seconds"), "99 of 100"),
                    ],
                    warn=0.1,
                    bad=1,
                ),
                Panel(
                    title="Deliveries",
                    description="Events handed to connections: one message to 500 open pages counts 500.",
                    unit="cps",
                    queries=[(rate("notify_deliveries_total"), "deliveries")],
                ),
                Panel(
                    title="Open streams",
                    description="By replica.",
                    unit="none",
                    queries=[("sum by (instance) (notify_connections)", "{{instance}}")],
                    stacked=True,
                ),
                Panel(
                    title="How connections begin",
                    description=(
                        "live and ring cost nothing; stream reads back; reset makes the client fetch a "
                        "snapshot. Many resets are a fault."
                    ),
                    unit="cps",
                    queries=[(rate("notify_resumes_total", "outcome"), "{{outcome}}")],
                    stacked=True,
                ),
                Panel(
                    title="How connections end",
                    description=(
                        "By the server: rotate is routine, drain a deployment, slow a client that does not read."
                    ),
                    unit="cps",
                    queries=[
                        (or_zero(rate("notify_byes_total", "reason")), "{{reason}}"),
                        (rate("notify_queue_overflows_total"), "too slow"),
                    ],
                    stacked=True,
                ),
                Panel(
                    title="Doubts",
                    description=(
                        "Since each start: gaps that were closed from the stream, quarantines that closed "
                        "every connection. Alerts: NotifyGaps, NotifyQuarantine."
                    ),
                    unit="none",
                    queries=[
                        (or_zero("sum(notify_ingress_gaps_total)"), "gaps"),
                        ("sum(notify_quarantines_total)", "quarantines"),
                        ("sum(notify_malformed_events_total)", "malformed"),
                    ],
                ),
                Panel(
                    title="Ring",
                    description="Recent events in memory, from which clients resume without touching the stream.",
                    unit="none",
                    queries=[("max by (instance) (notify_ring_events)", "{{instance}}")],
                ),
                Panel(
                    title="Dropped by a full queue",
                    description="Read again from the stream. Alert: BusDropsMessages.",
                    unit="cps",
                    queries=[(or_zero(rate("bus_dropped_messages_total", "job")), "{{job}}")],
                ),
            ],
        ),
        Row(
            "Durable consumers: search, bot, analytics",
            [
                Panel(
                    title="Behind",
                    description=(
                        "Age of the oldest event that is not settled, asked of NATS. Alerts: "
                        "ConsumerBehind, AnalyticsBehind."
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
                    title="Waiting",
                    description="Events not delivered yet, in hand, or waiting for another attempt.",
                    unit="none",
                    queries=[("max by (consumer) (bus_consumer_unsettled_messages)", "{{consumer}}")],
                ),
                Panel(
                    title="What became of deliveries",
                    description="rejected and exhausted are dead letters. Alert: DeadLetters.",
                    unit="cps",
                    queries=[(rate("bus_consumer_deliveries_total", "consumer, outcome"), "{{consumer}} {{outcome}}")],
                ),
                Panel(
                    title="Time of one handling",
                    description="p95, of one message or one batch.",
                    unit="s",
                    queries=[(quantile(0.95, "bus_consumer_seconds", "consumer"), "{{consumer}}")],
                    bad=10,
                ),
                Panel(
                    title="Found after",
                    description="From a message's commit until search can find it. Alert: SearchBehind.",
                    unit="s",
                    queries=[
                        (quantile(0.5, "search_findable_seconds"), "half"),
                        (quantile(0.95, "search_findable_seconds"), "19 of 20"),
                    ],
                    warn=1,
                    bad=15,
                ),
                Panel(
                    title="Searches",
                    description=(
                        "p95 in the engine, by what asks: people (search) or the bot for its sources (retrieve)."
                    ),
                    unit="s",
                    queries=[(quantile(0.95, "search_query_seconds", "kind"), "{{kind}}")],
                    warn=0.05,
                    bad=0.5,
                ),
                Panel(
                    title="Messages in the index",
                    description="Of the generation that answers.",
                    unit="short",
                    queries=[("max(search_documents)", "messages")],
                ),
                Panel(
                    title="Counted by analytics",
                    description="Events stored in ClickHouse.",
                    unit="cps",
                    queries=[(rate("analytics_rows_total"), "rows")],
                ),
                Panel(
                    title="Time of ClickHouse",
                    description="p95 of a batch made durable, and of a report's queries.",
                    unit="s",
                    queries=[
                        (quantile(0.95, "analytics_batch_seconds"), "batch"),
                        (quantile(0.95, "analytics_query_seconds", "kind"), "{{kind}}"),
                    ],
                    bad=5,
                ),
            ],
        ),
    ],
)
