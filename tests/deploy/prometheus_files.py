"""deploy/prometheus and deploy/grafana, read."""

import json
from typing import Any

import yaml

from .processes import REPOSITORY

PROMETHEUS = REPOSITORY / "deploy" / "prometheus"
DASHBOARDS = REPOSITORY / "deploy" / "grafana" / "dashboards"

CONFIG: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
JOBS: dict[str, str] = {job["job_name"]: job["static_configs"][0]["targets"][0] for job in CONFIG["scrape_configs"]}


def rules(kind: str) -> list[dict[str, Any]]:
    """Every rule that is an `alert` or a `record`, with its group's name under `group`."""
    files = sorted((PROMETHEUS / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [{**rule, "group": group["name"]} for group in groups for rule in group["rules"] if kind in rule]


def panels() -> list[tuple[str, dict[str, Any]]]:
    """Every panel that asks something, with its dashboard's file name."""
    return [
        (file.stem, panel)
        for file in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(file.read_text())["panels"]
        if panel["type"] != "row"
    ]
