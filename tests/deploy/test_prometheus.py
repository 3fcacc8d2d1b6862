"""Scrape configuration, rules and dashboards, without a server. tests/e2e/test_observability.py asks a real one."""

import re
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from .processes import REPOSITORY
from .prometheus_files import DASHBOARDS, PROMETHEUS, panels, rules

ALERTS = rules("alert")
PANELS = panels()
OPERATIONS = (REPOSITORY / "docs" / "operations" / "observability.md").read_text()


def promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_valid():
    promtool("check", "config", "prometheus.yml")


def test_the_rules_are_valid():
    promtool("check", "rules", *(f"rules/{file.name}" for file in sorted((PROMETHEUS / "rules").glob("*.yml"))))


def test_the_alerts_fire_when_they_should_and_only_then():
    promtool("test", "rules", "tests/alerts.yml")


@pytest.mark.parametrize("alert", ALERTS, ids=[alert["alert"] for alert in ALERTS])
def test_an_alert_says_how_urgent_it_is_and_what_to_do(alert: dict[str, Any]):
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert {"summary", "description"} == set(alert["annotations"])
    situations = (PROMETHEUS / "tests" / "alerts.yml").read_text()
    assert f'alertname="{alert["alert"]}"' in situations, "no situation in which it fires"
    assert f"`{alert['alert']}`" in OPERATIONS, "not in docs/operations/observability.md"


def test_the_dashboards_are_in_step_with_their_source():
    source = REPOSITORY / "deploy" / "grafana" / "source" / "write.py"
    done = subprocess.run([sys.executable, source, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=[f"{name}: {panel['title']}" for name, panel in PANELS])
def test_a_panel_has_a_unit_and_says_what_it_means(dashboard: str, panel: dict[str, Any]):
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert len(panel["description"]) > 4
    assert defaults["thresholds"]["steps"]
    assert panel["targets"]
    assert all(target["legendFormat"] and target["datasource"]["uid"] == "prometheus" for target in panel["targets"])
    assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for name in re.findall(r"Alerts?: ([\w, ]+)\.", panel["description"]):
        assert set(name.split(", ")) <= {alert["alert"] for alert in ALERTS}


def test_panels_do_not_overlap_and_dashboards_are_three():
    assert {file.stem for file in DASHBOARDS.glob("*.json")} == {"overview", "delivery", "ai"}
    for name in ("overview", "delivery", "ai"):
        cells = Counter(
            (x, y)
            for dashboard, panel in PANELS
            if dashboard == name
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        )
        assert max(cells.values()) == 1
