"""The bot: runs, speed, tokens, and what it leans on."""

from furniture import Dashboard, Panel, Row
from queries import or_zero, quantile, rate

AI = Dashboard(
    uid="tertulia-ai",
    title="Tertulia: AI",
    description="Runs of the bot, how fast they speak, what they cost, and what they lean on.",
    rows=[
        Row(
            "Now",
            [
                Panel(
                    title="Runs under way",
                    description="Answers that are being written.",
                    unit="none",
                    queries=[("sum(bot_active_runs)", "runs")],
                    stat=True,
                    width=6,
                ),
                Panel(
                    title="Failed, of the last hour",
                    description="Share of the runs that ended. Alert: RunsFail.",
                    unit="percentunit",
                    queries=[
                        (
                            '(sum(increase(bot_runs_total{state="failed"}[1h])) or vector(0))'
                            " / (sum(increase(bot_runs_total[1h])) > 0) or vector(0)",
                            "failed",
                        )
                    ],
                    stat=True,
                    width=6,
                    warn=0.05,
                    bad=0.2,
                ),
                Panel(
                    title="Tokens in the last hour",
                    description="Charged to the workspaces' budgets: prompts and answers.",
                    unit="short",
                    queries=[("sum(increase(bot_tokens_total[1h])) or vector(0)", "tokens")],
                    stat=True,
                    width=6,
                ),
                Panel(
                    title="Refused for budget, last hour",
                    description="Asks answered with 429 because the day's tokens are used up. Alert: BudgetExhausted.",
                    unit="none",
                    queries=[("sum(increase(bot_budget_refusals_total[1h]))", "refused")],
                    stat=True,
                    width=6,
                    warn=1,
                ),
            ],
        ),
        Row(
            "Runs",
            [
                Panel(
                    title="Runs by how they ended",
                    description="stopped is a person's wish, failed a fault.",
                    unit="cps",
                    queries=[(rate("bot_runs_total", "state"), "{{state}}")],
                    stacked=True,
                ),
                Panel(
                    title="Runs by command",
                    description="What people use.",
                    unit="cps",
                    queries=[(rate("bot_runs_total", "command"), "/{{command}}")],
                    stacked=True,
                ),
                Panel(
                    title="Until the first word",
                    description="From accepting the run to the first text sent on. Alert: FirstTokenSlow.",
                    unit="s",
                    queries=[
                        (quantile(0.5, "bot_first_token_seconds"), "half"),
                        (quantile(0.95, "bot_first_token_seconds"), "19 of 20"),
                    ],
                    warn=5,
                    bad=20,
                ),
                Panel(
                    title="Tokens",
                    description="Read (prompt) and written (completion), as the provider counts them.",
                    unit="cps",
                    queries=[(rate("bot_tokens_total", "kind"), "{{kind}}")],
                    stacked=True,
                ),
                Panel(
                    title="Tokens of one run",
                    description="Mean over the last hour.",
                    unit="short",
                    queries=[
                        (
                            "sum by (kind) (increase(bot_tokens_total[1h]))"
                            " / scalar(sum(increase(bot_runs_total[1h])) > 0)",
                            "{{kind}}",
                        )
                    ],
                ),
                Panel(
                    title="Refused for budget",
                    description="Asks a second that met an empty budget.",
                    unit="cps",
                    queries=[(or_zero(rate("bot_budget_refusals_total")), "refused")],
                ),
            ],
        ),
        Row(
            "What it leans on",
            [
                Panel(
                    title="Provider, search, chat, database",
                    description="1 while it answers, as the bot sees it.",
                    unit="none",
                    queries=[('min by (dependency) (service_dependency_up{job="bot"})', "{{dependency}}")],
                    bad=1,
                    low_is_bad=True,
                ),
                Panel(
                    title="Behind with mentions",
                    description="Age of the oldest event that the bot has not looked at: how late it answers @bot.",
                    unit="s",
                    queries=[('max(bus_consumer_lag_seconds{consumer=~".*bot.*"})', "lag")],
                    warn=5,
                    bad=60,
                ),
                Panel(
                    title="Looking for sources",
                    description="p95 of search's answers to the bot.",
                    unit="s",
                    queries=[(quantile(0.95, "search_query_seconds", where='kind="retrieve"'), "retrieve")],
                    warn=0.1,
                    bad=1,
                ),
                Panel(
                    title="Processor",
                    description="Cores in use by the bot; the local model is another process and tells none.",
                    unit="none",
                    queries=[(rate("process_cpu_seconds_total", "job", 'job="bot"'), "{{job}}")],
                ),
                Panel(
                    title="Memory",
                    description="Resident, of the bot.",
                    unit="bytes",
                    queries=[('max by (job) (process_resident_memory_bytes{job="bot"})', "{{job}}")],
                ),
                Panel(
                    title="Answers of the bot's API",
                    description="p95 at the gateway: commands, runs, usage.",
                    unit="s",
                    queries=[(quantile(0.95, "gateway_upstream_seconds", where='upstream="bot"'), "bot")],
                    bad=2,
                ),
            ],
        ),
    ],
)
