"""Dashboards and what provisions them: made from code, every panel explained, every query right. No Grafana runs."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana import make
from deploy.grafana import panels as said
from sla_monitor.observe.metrics import CATALOGUE
from tests.deploy.composed import composed, read_yaml, seconds
from tests.deploy.dashboards import Asked, asked, dashboards, filled_in, panels
from tests.deploy.fixtures import Monitoring
from tests.deploy.queries import ROOT, problems, recorded, rules, selectors

PROVISIONING = ROOT / "deploy/grafana/provisioning"
QUERIES = list(asked())
UNITS = {"short", "s", "d", "percentunit", "ops", "rowsps", "bytes"}  # of Grafana's list, as far as used here


def test_the_committed_files_are_those_that_the_program_makes() -> None:
    """`python deploy/grafana/make.py` changes nothing."""
    assert {path.name: path.read_text("utf-8") for path in make.FOLDER.glob("*.json")} == make.files()


def test_there_are_three_that_lead_to_each_other() -> None:
    """Promises, cases and queues, worker: found by the tag that all of them have."""
    assert set(dashboards()) == {"promises", "cases", "worker"}
    for each in dashboards().values():
        [link] = each["links"]
        assert link["type"] == "dashboards"
        assert set(link["tags"]) <= set(each["tags"])
        assert (link["keepTime"], link["includeVars"]) == (True, True)
    assert len({each["uid"] for each in dashboards().values()}) == 3


@pytest.mark.parametrize(
    ("name", "panel"), [pytest.param(*each, id=f"{each[0]}: {each[1]['title']}") for each in panels()]
)
def test_a_panel_says_what_it_shows(name: str, panel: dict[str, Any]) -> None:
    """A title, a description in sentences, a unit, a legend that tells its series apart, the variable as source."""
    assert panel["title"]
    assert len(panel["description"].split()) >= 5
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        grouped = re.match(r"(?:sum|max|min) by \(([^)]*)\)", target["expr"])
        if grouped and panel["type"] != "table":
            assert set(grouped[1].split(", ")) <= named, target["expr"]
    assert name in dashboards()


@pytest.mark.parametrize(
    "query", QUERIES, ids=lambda query: f"{query.dashboard}: {query.title}: {query.expression[:40]}"
)
def test_a_query_is_about_what_a_worker_shows(query: Asked) -> None:
    """Series and labels of the catalogue, of the chosen deployment, over an interval that fits the scrapes."""
    assert list(problems(filled_in(query.expression))) == []
    for name, matchers in selectors(query.expression):
        assert 'job="$job"' in matchers, name
    if "changes(" not in query.expression:
        intervals = set(re.findall(r"\[([^\]]*)\]", query.expression))
        assert intervals <= {"$__rate_interval"}


def test_every_query_is_one_that_prometheus_takes(monitoring: Monitoring, tmp_path: Path) -> None:
    """Each as the expression of a rule, with Grafana's variables filled in."""
    rule_of = [{"record": f"query:{number}", "expr": filled_in(each.expression)} for number, each in enumerate(QUERIES)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rule_of}]}), "utf-8")
    checked = subprocess.run([monitoring.promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len(QUERIES) > 60


def test_every_series_that_is_recorded_or_shown_is_looked_at() -> None:
    """By a rule, a dashboard or a runbook: what nobody looks at costs all the same."""
    texts = [each.expression for each in rules()]
    texts += [each.expression for each in QUERIES]
    texts += [path.read_text("utf-8") for path in (ROOT / "deploy/runbooks").glob("*.md")]
    words = set(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", "\n".join(texts)))
    assert [name for name in recorded() if name not in words] == []
    suffixes = ("", "_bucket", "_sum", "_count")
    assert [each.name for each in CATALOGUE if not words & {each.name + suffix for suffix in suffixes}] == []


@pytest.mark.parametrize("name", sorted(dashboards()))
def test_panels_stand_beside_each_other(name: str) -> None:
    """Inside the grid, none above another, each with a number of its own."""
    placed = dashboards()[name]["panels"]
    assert len({panel["id"] for panel in placed}) == len(placed)
    taken: set[tuple[int, int]] = set()
    for panel in placed:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= make.COLUMNS
        cells = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", sorted(dashboards()))
def test_variables_are_those_that_its_queries_use(name: str) -> None:
    """Data source and deployment in each; none that changes nothing."""
    variables = [each["name"] for each in dashboards()[name]["templating"]["list"]]
    assert variables[:2] == ["datasource", "job"]
    used = {word for each in QUERIES if each.dashboard == name for word in re.findall(r"\$(\w+)", each.expression)}
    assert set(variables) - {"datasource"} == used - {"__rate_interval"}
    assert set(variables) - {"datasource"} <= set(said.VARIABLES)


def test_reloads_and_rebalances_are_marked_in_every_dashboard() -> None:
    """What explains a step in a graph."""
    for each in dashboards().values():
        marked = " ".join(annotation["target"]["expr"] for annotation in each["annotations"]["list"])
        assert "sla_config_reloads_total" in marked
        assert "sla_rebalances_total" in marked


# --- provisioning ---------------------------------------------------------------------------------------------------


def sources() -> list[dict[str, Any]]:
    return list(read_yaml(PROVISIONING / "datasources/prometheus.yaml")["datasources"])


def test_the_first_source_is_the_prometheus_that_scrapes() -> None:
    """Its uid is the one that the dashboards begin with; its interval is that of the scrapes."""
    [prometheus] = [each for each in sources() if each["type"] == "prometheus"]
    assert prometheus["isDefault"]
    for each in dashboards().values():
        assert each["templating"]["list"][0]["current"]["value"] == prometheus["uid"]
    scraped = read_yaml(ROOT / "deploy/prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert seconds(prometheus["jsonData"]["timeInterval"]) == seconds(scraped)


def test_the_sources_are_services_of_the_deployment() -> None:
    """At the ports at which they listen."""
    services = {it.name: it for it in composed(read_yaml(ROOT / "docker-compose.yml"), ROOT)}
    for each in sources():
        name, port = each["url"].removeprefix("http://").split(":")
        assert any(str(published).endswith(f":{port}") for published in services[name].service["ports"])


def test_the_dashboards_are_mounted_where_they_are_read() -> None:
    """Provisioning and dashboards, both from the repository and read-only."""
    [grafana] = [it for it in composed(read_yaml(ROOT / "docker-compose.yml"), ROOT) if it.name == "grafana"]
    mounts = {target: source for source, target in (mount.split(":")[:2] for mount in grafana.service["volumes"])}
    [provider] = read_yaml(PROVISIONING / "dashboards/sla-monitor.yaml")["providers"]
    assert (ROOT / mounts[provider["options"]["path"]]).resolve() == make.FOLDER
    assert (ROOT / mounts["/etc/grafana/provisioning"]).resolve() == PROVISIONING
