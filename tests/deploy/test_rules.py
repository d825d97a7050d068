"""Rules of Prometheus: the committed ones follow from the pack, each is proved to fire and not to fire, and says what
to do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sla_monitor.cli.main import app
from sla_monitor.config.packs import load_packs
from sla_monitor.core.attainment import WINDOWS
from sla_monitor.core.facts import HOUR
from sla_monitor.observe.rules import files, objectives
from tests.deploy.composed import read_yaml
from tests.deploy.fixtures import Monitoring
from tests.deploy.program import command_problems
from tests.deploy.queries import ROOT, RULES, Rule, problems, rules

TESTS = ROOT / "deploy/prometheus/tests"
RUNBOOKS = ROOT / "deploy/runbooks"
ALERTS = [rule for rule in rules() if rule.alert]
NAMES = sorted({rule.alert for rule in ALERTS})
SECTIONS = ["Meaning", "Impact", "First look", "What to do", "When to escalate"]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=ROOT)


# --- generated ----------------------------------------------------------------------------------------------------


def test_the_committed_rules_are_those_of_the_built_in_pack() -> None:
    """`sla-monitor rules generate` writes what stands there, byte for byte."""
    assert {name: (RULES / name).read_text("utf-8") for name in files(load_packs().versions[0])} == files(
        load_packs().versions[0]
    )


def test_the_command_prints_or_writes_the_files(tmp_path: Path) -> None:
    """The same text either way; links to runbooks begin as one asks for."""
    command = ["rules", "generate", "--runbooks", "https://runbooks.example/sla/"]
    printed = CliRunner().invoke(app, command)
    written = CliRunner().invoke(app, [*command, str(tmp_path)])
    assert (printed.exit_code, written.exit_code) == (0, 0)
    texts = [path.read_text("utf-8") for path in sorted(tmp_path.iterdir(), reverse=True)]
    assert "".join(texts) == printed.output
    assert "runbook_url: https://runbooks.example/sla/SlaPromiseBroken.md" in printed.output
    assert "deploy/runbooks" not in printed.output


def test_another_pack_has_rules_of_its_own(tmp_path: Path, monitoring: Monitoring) -> None:
    """Its clocks, severities and plans; plans with a share of their own have alerts of their own, and where so much may
    go wrong that a window can never tell, it is left out. Prometheus takes them."""
    text = (ROOT / "docs/examples/hosting.yaml").read_text("utf-8")
    shares = (
        "attainment:\n"
        "  - {clock: first_reply, severity: urgent, plan: managed, percent: 99.5}\n"
        "  - {clock: first_reply, severity: urgent, percent: 90}\n"
        "  - {clock: resolution, severity: high, percent: 50}\n"
    )
    pack = tmp_path / "pack.yaml"
    pack.write_text(text.replace("\nrules:\n", f"\n{shares}\nrules:\n"), "utf-8")
    [version] = load_packs(pack).versions
    assert [(each.clock, each.severity, each.plans, each.ratio) for each in objectives(version)] == [
        ("first_reply", "urgent", ("basic",), 0.9),
        ("first_reply", "urgent", ("managed",), 0.995),
        ("resolution", "high", ("basic", "managed"), 0.5),
    ]
    folder = tmp_path / "rules"
    folder.mkdir()
    done = CliRunner().invoke(app, ["rules", "generate", str(folder), "--policy", str(pack)])
    assert done.exit_code == 0, done.output
    checked = run(monitoring.promtool, "check", "rules", *sorted(folder.iterdir()))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    alerts = read_yaml(folder / "promises.yaml")["groups"][0]["rules"]
    fast = {rule["labels"]["target"]: rule["expr"] for rule in alerts if rule["alert"] == "SlaErrorBudgetBurnsFast"}
    assert set(fast) == {"90 %", "99.5 %"}
    assert 'plan=~"managed"' in fast["99.5 %"]
    assert "rate1h" not in fast["90 %"]
    assert "rate6h" in fast["90 %"]
    slow = [rule["labels"]["target"] for rule in alerts if rule["alert"] == "SlaErrorBudgetBurnsSlowly"]
    assert slow == ["90 %", "99.5 %", "50 %"]


def test_a_pack_without_shares_still_tells_of_cases() -> None:
    """Overdue and at risk need no target of attainment."""
    [hosting] = load_packs(ROOT / "docs/examples/hosting.yaml").versions
    text = files(hosting)["promises.yaml"]
    assert re.findall(r"alert: (\w+)", text) == ["SlaPromiseBroken", "SlaPromiseBroken", "SlaPromiseAtRisk"]
    assert 'severity="urgent"' in text


def test_the_windows_are_those_of_a_budget_of_thirty_days() -> None:
    """2 % in an hour and 5 % in six wake somebody, 10 % in a day and in three days can wait."""
    assert [(each.budget_percent, each.long // HOUR, round(each.burn_rate, 6), each.pages) for each in WINDOWS] == [
        (2, 1, 14.4, True),
        (5, 6, 6.0, True),
        (10, 24, 3.0, False),
        (10, 72, 1.0, False),
    ]
    assert all(each.long == 12 * each.short for each in WINDOWS)


# --- held to Prometheus and to the catalogue ------------------------------------------------------------------------


def test_prometheus_takes_every_rule(monitoring: Monitoring) -> None:
    """`promtool check rules`, with nothing found by its linter."""
    checked = run(monitoring.promtool, "check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.yaml")))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", [path.name for path in sorted(TESTS.glob("*.yaml"))])
def test_every_alert_fires_and_does_not_fire_as_its_tests_say(name: str, monitoring: Monitoring) -> None:
    """`promtool test rules`: labels, annotations with their values, and when."""
    tested = run(monitoring.promtool, "test", "rules", TESTS / name)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("name", [path.name for path in sorted(TESTS.glob("*.yaml"))])
def test_what_is_recorded_is_there_before_an_alert_reads_it(name: str) -> None:
    """Groups that a test does not put in order are taken in any: each is named, those that record first."""
    tested = read_yaml(TESTS / name)
    groups = [each["name"] for file in tested["rule_files"] for each in read_yaml(TESTS / file)["groups"]]
    assert tested["group_eval_order"] == groups


def test_a_rule_that_is_wrong_is_found_by_its_tests(tmp_path: Path, monitoring: Monitoring) -> None:
    """A threshold, a label, a word of what is said: each fails its test."""
    text = (RULES / "cases.yaml").read_text("utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests/cases.yaml").write_bytes((TESTS / "cases.yaml").read_bytes())
    (tmp_path / "rules/recording.yaml").write_text("groups: []\n", "utf-8")
    for before, after in (("> 100", "> 1000"), ("severity: info", "severity: warning"), ("said and", "told and")):
        assert text.count(before) == 1
        (tmp_path / "rules/cases.yaml").write_text(text.replace(before, after), "utf-8")
        tested = run(monitoring.promtool, "test", "rules", tmp_path / "tests/cases.yaml")
        assert tested.returncode == 1, before


@cache
def proved() -> list[tuple[str, dict[str, list[Any]]]]:
    """(file, alert -> what it is expected to say at each look) of each group of tests."""
    found = []
    for path in sorted(TESTS.glob("*.yaml")):
        for group in read_yaml(path)["tests"]:
            looks: dict[str, list[Any]] = {}
            for look in group["alert_rule_test"]:
                looks.setdefault(look["alertname"], []).append(look["exp_alerts"])
            found.append((path.name, looks))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_must_not(name: str) -> None:
    """In the file of tests of the same name as its own; each rule of a name that several have fires in some test."""
    [file] = {rule.file for rule in ALERTS if rule.alert == name}
    looks = [said[name] for where, said in proved() if name in said and where == file]
    assert any(any(said) for said in looks), "never fires"
    assert any(not any(said) for said in looks), "never silent"
    fired = [each["exp_labels"] for said in looks for alerts in said for each in alerts or ()]
    for rule in ALERTS:
        if rule.alert == name:
            fixed = {key: value for key, value in rule.said["labels"].items() if "{{" not in value}
            assert any(fixed.items() <= labels.items() for labels in fired), fixed


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.alert or rule.said["record"])
def test_a_rule_speaks_of_what_a_worker_shows(rule: Rule) -> None:
    """Each series is in the catalogue or recorded, each label is one of its series."""
    assert list(problems(rule.expression)) == []


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("sla_open_case > 0", "neither in the catalogue"),
        ('sla_open_cases{queue="x"}', "has no label queue"),
        ("sum by (clock) (sla_open_cases)", "label clock is of none"),
        ("sla:promises_broken:rate7d", "neither in the catalogue"),
        ("sla_timer_lateness_seconds", "neither in the catalogue"),
        ('sla:open_cases:sum{queue="x"}', "has no label queue"),
    ],
)
def test_a_slip_in_an_expression_is_found(expression: str, found: str) -> None:
    """What Prometheus itself would take for a series that happens to be empty."""
    assert any(found in problem for problem in problems(expression)), list(problems(expression))


# --- what is said, and what to do ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule.alert}-{rule.said['labels'].get('case_severity')}")
def test_an_alert_says_what_is_wrong_in_words(rule: Rule) -> None:
    """A severity that routes it, a summary, a description with a value or a place in it, and its runbook."""
    labels, annotations = rule.said["labels"], rule.said["annotations"]
    assert labels["severity"] in {"critical", "warning", "info"}
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert annotations["runbook_url"] == f"deploy/runbooks/{rule.alert}.md"
    assert not annotations["summary"].endswith(".")
    assert annotations["description"].endswith(".")
    assert "{{" in annotations["description"] or rule.alert in {"SlaWorkerAbsent", "SlaReloadFailed"}


def test_there_are_alerts_enough_and_none_twice() -> None:
    """At least fourteen; one name stands in one file."""
    assert len(NAMES) >= 14
    assert all(len({rule.file for rule in ALERTS if rule.alert == name}) == 1 for name in NAMES)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    """Nothing is left over on either side."""
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_leads_from_the_alert_to_what_to_do(name: str) -> None:
    """The same five sections in the same order; its queries are right, its commands exist, its links lead on."""
    page = RUNBOOKS / f"{name}.md"
    text = page.read_text("utf-8")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    bodies = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert all(len(body.split()) >= 8 for body in bodies)
    looks = re.findall(r"^```(\w+)\n(.*?)^```$", bodies[SECTIONS.index("First look")], re.MULTILINE | re.DOTALL)
    assert {language for language, _ in looks} <= {"promql", "sh"}
    assert looks, "nothing to run"
    for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in body.splitlines():
            assert list(problems(line) if language == "promql" else unknown_commands(line)) == [], line
    for command in re.findall(r"`(sla-monitor [^`]*)`", text):  # in a sentence, mostly without what it is about
        assert [each for each in unknown_commands(command) if "Missing" not in each] == [], command
    for target in re.findall(r"\]\(([^)\s#]+)", text):
        assert (page.parent / target).exists(), target


PLACEHOLDERS = {"PARTITION": "0", "PARTITION:OFFSET": "0:0", "REASON": "not_json", "FILE": "pyproject.toml"}
PLACEHOLDERS |= {"FOLDER": "deploy"}


def unknown_commands(line: str) -> Iterator[str]:
    """Of a line of shell, what our own program would not take; capitals stand for values, as in help texts."""
    words = line.partition("#")[0].partition("|")[0].split()
    if words[:1] == ["sla-monitor"]:
        yield from command_problems([PLACEHOLDERS.get(word, word) for word in words[1:]])


def test_the_queries_of_runbooks_are_ones_that_prometheus_takes(tmp_path: Path, monitoring: Monitoring) -> None:
    """Each as the expression of a rule."""
    lines = [
        line
        for page in sorted(RUNBOOKS.glob("*.md"))
        for body in re.findall(r"^```promql\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for line in body.splitlines()
        if line and not line.startswith("#")
    ]
    text = "groups:\n  - name: runbooks\n    rules:\n"
    text += "".join(f"      - record: runbook:{number}\n        expr: '{line}'\n" for number, line in enumerate(lines))
    (tmp_path / "rules.yaml").write_text(text, "utf-8")
    checked = run(monitoring.promtool, "check", "rules", tmp_path / "rules.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len(lines) >= len(NAMES)
