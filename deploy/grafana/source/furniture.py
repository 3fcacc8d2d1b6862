"""What a panel is, and how it becomes Grafana's JSON. Colours, sizes and places come from here, so that no panel looks
different by accident."""

from dataclasses import dataclass, field
from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
GRID_WIDTH = 24
STAT_HEIGHT, CHART_HEIGHT = 4, 8
SCHEMA_VERSION = 41


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question. `queries` are (PromQL, legend); `warn` and `bad` colour the answer from there on."""

    title: str
    description: str
    unit: str
    queries: list[tuple[str, str]]
    stat: bool = False
    stacked: bool = False
    width: int = 8
    warn: float | None = None
    bad: float | None = None
    low_is_bad: bool = False
    """Thresholds count downwards: 1 is good, 0 is bad."""
    mappings: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Row:
    title: str
    panels: list[Panel]


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    uid: str
    title: str
    description: str
    rows: list[Row]


def render(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["tertulia"],
        "timezone": "browser",
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "graphTooltip": 1,
        "editable": False,
        "links": [
            {"type": "dashboards", "title": "Tertulia", "tags": ["tertulia"], "asDropdown": False, "keepTime": True}
        ],
        "panels": _placed(dashboard.rows),
    }


def _placed(rows: list[Row]) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        panels.append(_panel(len(panels), 0, y, GRID_WIDTH, 1) | {"type": "row", "title": row.title, "panels": []})
        y += 1
        x = tallest = 0
        for panel in row.panels:
            height = STAT_HEIGHT if panel.stat else CHART_HEIGHT
            if x + panel.width > GRID_WIDTH:
                y, x, tallest = y + tallest, 0, 0
            panels.append(_panel(len(panels), x, y, panel.width, height) | _content(panel))
            x, tallest = x + panel.width, max(tallest, height)
        y += tallest
    return panels


def _panel(number: int, x: int, y: int, width: int, height: int) -> dict[str, Any]:
    return {"id": number + 1, "gridPos": {"x": x, "y": y, "w": width, "h": height}}


def _content(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": _thresholds(panel), "min": 0}
    if panel.mappings:
        options = {value: {"text": text, "index": index} for index, (value, text) in enumerate(panel.mappings.items())}
        defaults["mappings"] = [{"type": "value", "options": options}]
    defaults |= {"color": {"mode": "thresholds"}} if panel.stat else _line(panel)
    return {
        "type": "stat" if panel.stat else "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _stat_options() if panel.stat else _chart_options(),
    }


def _thresholds(panel: Panel) -> dict[str, Any]:
    good, bad = ("red", "green") if panel.low_is_bad else ("green", "red")
    steps: list[dict[str, Any]] = [{"color": good, "value": None}]
    if panel.warn is not None:
        steps.append({"color": "orange", "value": panel.warn})
    if panel.bad is not None:
        steps.append({"color": bad, "value": panel.bad})
    return {"mode": "absolute", "steps": steps}


def _line(panel: Panel) -> dict[str, Any]:
    shown = "line" if panel.bad is not None or panel.warn is not None else "off"
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 25 if panel.stacked else 8,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.stacked else "none"},
        "thresholdsStyle": {"mode": shown},
    }
    return {"color": {"mode": "palette-classic"}, "custom": custom}


def _stat_options() -> dict[str, Any]:
    return {
        "colorMode": "background",
        "graphMode": "area",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
        "wideLayout": True,
    }


def _chart_options() -> dict[str, Any]:
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
