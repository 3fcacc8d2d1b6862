"""Every dashboard and every alert, asked of a real Prometheus that scrapes the stack while people use it."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tertulia_client import Client, Run
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.ports import LOOPBACK

from .people import founded, listening, people
from .prometheus import SCRAPE_S, SHIPPED, Prometheus

# Whichever comes first waits for the stack, the model and Prometheus, on a machine that may be busy.
pytestmark = pytest.mark.timeout(420)

GRAFANA = SHIPPED.parent / "grafana" / "dashboards"
RECORDED = re.compile(r"\b[a-z]+:[a-z_]+:[a-z0-9_]+\b")
FUNCTIONS = {"histogram_quantile", "predict_linear"}
HOST = "tertulia_host"  # the group of the node exporter, which is not part of the stack


def queries() -> list[tuple[str, str]]:
    """(where it stands, PromQL) of every panel, with Grafana's interval as it would be here."""
    found: list[tuple[str, str]] = []
    for file in sorted(GRAFANA.glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", ()):
                name = f"{file.stem}: {panel['title']} {target['refId']}"
                found.append((name, target["expr"].replace("$__rate_interval", "5m")))
    return found


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((SHIPPED / "rules" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups if group["name"] != HOST for rule in group["rules"]]


def metrics_of(expression: str) -> set[str]:
    """Names of metrics in an expression; recorded ones are left out, their own expressions are looked at."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\b(?:by|on|without) ?\([^)]*\)', " ", RECORDED.sub(" ", expression))
    return {name for name in re.findall(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|\bup\b", bare) if name not in FUNCTIONS}


def family(metric: str, announced: dict[str, Any]) -> bool:
    """Whether some target announces it. A histogram is announced once for its three series."""
    names = {metric, *(metric.removesuffix(ending) for ending in ("_bucket", "_count", "_sum"))}
    return bool(names & set(announced)) or metric == "up"


@pytest.fixture(scope="module")
def prometheus(stack: BackgroundStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Scraping before, while and after people used everything that is measured."""
    ports = json.loads(Home(stack.data_dir).ports_file.read_text())
    jobs = ("chat-api", "chat-relay", "notify", "search", "bot", "analytics")
    addresses = {job: f"{LOOPBACK}:{ports[job]}" for job in jobs} | {"gateway": f"{LOOPBACK}:{ports['gateway-ops']}"}
    with Prometheus(tmp_path_factory.mktemp("prometheus"), addresses) as server:
        server.until(lambda: set(server.targets().values()) == {"up"})
        # A rate needs a value before and a value after.
        asyncio.run(use_everything(stack))
        server.until(lambda: bool(server.query("increase(bot_runs_total[5m]) > 0")))
        yield server


async def use_everything(stack: BackgroundStack) -> None:
    """Twice, so that every labelled counter that is born with the first use has something to count from; once more when
    the two runs of the bot ended differently, each of which is counted by itself."""
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        ended: list[str] = []
        while len(set(ended)) == len(ended):
            text = f"The lighthouse keeper counts ships, turn {len(ended)}"
            async with listening(ben) as (listener,):
                await ada.send(general, text)
                await listener.until_texts(general, text)
            await until_found(ada, workspace.id)
            ended.append(await answer_begun(ada, general))
            await ada.analytics.report(workspace.id, "messages")
            await asyncio.sleep(3 * SCRAPE_S)


async def until_found(client: Client, workspace: str) -> None:
    async with asyncio.timeout(30):
        while not (await client.search.messages(workspace, "lighthouse")).hits:
            await asyncio.sleep(0.1)


async def answer_begun(client: Client, channel: str) -> str:
    """How it ended. The first words are measured; waiting for the last ones would measure this machine."""
    run = await client.ai.command(channel, "/ask What does the lighthouse keeper count?")
    assert isinstance(run, Run)
    async with asyncio.timeout(120):
        while not run.text and not run.is_over:
            await asyncio.sleep(0.1)
            run = await client.ai.run(run.id)
        await client.ai.stop(run.id)
        while not run.is_over:
            await asyncio.sleep(0.1)
            run = await client.ai.run(run.id)
    return run.state


def test_every_panel_shows_something(prometheus: Prometheus):
    announced = prometheus.metadata()
    empty = [name for name, query in queries() if not prometheus.query(query)]
    named = {(name, metric) for name, query in queries() for metric in metrics_of(query)}
    nameless = {(name, metric) for name, metric in named if not family(metric, announced)}
    assert not empty, f"no data: {empty}"
    assert not nameless, f"nobody announces: {sorted(nameless)}"


def test_every_alert_asks_for_something_that_is_there(prometheus: Prometheus):
    announced = prometheus.metadata()
    for alert in alerts():
        prometheus.query(alert["expr"])
        assert all(family(metric, announced) for metric in metrics_of(alert["expr"])), alert["alert"]
        assert metrics_of(alert["expr"]) or RECORDED.search(alert["expr"])


def test_every_rule_is_evaluated_and_a_healthy_stack_alarms_nobody(prometheus: Prometheus):
    rules = prometheus.rules()
    assert {rule["health"] for rule in rules} == {"ok"}
    for rule in rules:
        if rule["type"] == "recording" and "dead_letters" not in rule["name"]:
            assert prometheus.query(rule["name"]), rule["name"]
    paging = prometheus.query('ALERTS{alertstate="firing", severity="page"}')
    assert paging == []
