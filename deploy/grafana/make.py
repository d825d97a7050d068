"""Makes `dashboards/*.json` from what is written in `panels.py`: a panel is a title, a sentence, a unit and queries.

    python deploy/grafana/make.py

The files are committed, and a test holds them equal. Grafana's classic dashboard model, which all its versions read.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from deploy.grafana import panels
from deploy.grafana.model import Dashboard, Panel, Row

FOLDER: Final = Path(__file__).parent / "dashboards"
COLUMNS: Final = 24
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
SCHEMA_VERSION: Final = 39  # of Grafana 11; later ones bring it up to their own


def dashboard(said: Dashboard) -> dict[str, Any]:
    return {
        "uid": said.uid,
        "title": said.title,
        "description": said.description,
        "tags": ["sla-monitor"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,  # one crosshair for all panels
        "timezone": "browser",
        "time": {"from": said.since, "to": "now"},
        "refresh": "30s",
        "links": [
            {
                "type": "dashboards",
                "title": "SLA monitor",
                "tags": ["sla-monitor"],
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
            }
        ],
        "annotations": {"list": list(marks())},
        "templating": {"list": list(variables(said))},
        "panels": list(placed(said.rows)),
    }


def marks() -> Iterator[dict[str, Any]]:
    for name, colour, expression, text in panels.ANNOTATIONS:
        yield {
            "name": name,
            "datasource": SOURCE,
            "enable": True,
            "hide": False,
            "iconColor": colour,
            "expr": expression,
            "step": "60s",
            "titleFormat": name,
            "textFormat": text,
            "target": {"refId": "Anno", "expr": expression, "interval": "60s", "legendFormat": text},
        }


def variables(said: Dashboard) -> Iterator[dict[str, Any]]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {"text": "Prometheus", "value": "sla-prometheus"},
        "hide": 0,
    }
    for name, label in said.variables.items():
        query, several = panels.VARIABLES[name]
        everything: dict[str, Any] = {"text": "All", "value": "$__all"}
        yield {
            "name": name,
            "label": label,
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": query, "refId": f"Variable-{name}"},
            "definition": query,
            "refresh": 2,  # whenever the time range changes
            "sort": 1,
            "multi": several,
            "includeAll": several,
            "allValue": ".*" if several else None,
            "current": everything if several else {},
            "hide": 0,
        }


def placed(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Panels one after the other from the left, each row under its heading."""
    number, top = 1, 0
    for row in rows:
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
            "panels": [],
        }
        number, top, left, tallest = number + 1, top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            yield {
                "id": number,
                "gridPos": {"h": panel.height, "w": panel.width, "x": left, "y": top},
                **shown(panel),
            }
            number, left, tallest = number + 1, left + panel.width, max(tallest, panel.height)
        top += tallest


def shown(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults(panel), "overrides": []},
        "options": OPTIONS[panel.kind],
        "targets": list(targets(panel)),
    }
    if panel.kind == "table":
        found["transformations"] = [
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {"excludeByName": {"Time": True, "job": True}, "renameByName": columns(panel)},
            },
        ]
    return found


def defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": colour, "value": value} for value, colour in panel.thresholds]
    found: dict[str, Any] = {
        "unit": panel.unit,
        "color": {"mode": "thresholds" if panel.thresholds and panel.kind != "timeseries" else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps or [{"color": "text", "value": None}]},
        "noValue": panel.none,
    }
    if panel.unit == "percentunit":
        found["decimals"] = 2
    if panel.kind == "timeseries":
        found["min"] = panel.least
        found["custom"] = {
            "drawStyle": "bars" if panel.bars else "line",
            "fillOpacity": 60 if panel.stacked else 10,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if panel.thresholds else "off"},
        }
    return found


OPTIONS: Final[dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "value",
        "graphMode": "area",
        "textMode": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "bargauge": {
        "displayMode": "gradient",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}


def targets(panel: Panel) -> Iterator[dict[str, Any]]:
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        found = {
            "refId": letter,
            "datasource": SOURCE,
            "expr": query.expression,
            "legendFormat": query.legend,
            "range": panel.kind != "table",
            "instant": panel.kind == "table",
        }
        if panel.kind == "table":
            found["format"] = "table"
        if panel.exemplars:
            found["exemplar"] = True
        yield found


def columns(panel: Panel) -> dict[str, str]:
    """What several instant queries are merged into: one column each, named by its legend."""
    if len(panel.queries) == 1:
        return {"Value": panel.queries[0].legend}
    letters: Sequence[str] = "ABCDEFGH"
    return {f"Value #{letter}": query.legend for letter, query in zip(letters, panel.queries, strict=False)}


def files() -> dict[str, str]:
    """The text of each file by its name."""
    return {
        f"{each.uid.removeprefix('sla-')}.json": json.dumps(dashboard(each), indent=2, ensure_ascii=False) + "\n"
        for each in panels.DASHBOARDS
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
