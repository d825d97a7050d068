"""What the documentation says is true: commands print what it shows, tables are those of the code, links lead on."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from sla_monitor.config.packs import BUILT_IN, load_packs
from sla_monitor.config.settings import describe
from sla_monitor.core.facts import TYPES
from sla_monitor.core.notices import KINDS
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Record
from sla_monitor.engine.simulation import arrival_of
from sla_monitor.observe import metrics
from sla_monitor.wire.inbound import REASONS, CaseEvent, decode
from sla_monitor.wire.notice_schema import notice_schema
from sla_monitor.wire.rows import PARTITION_KEY
from tests.pages import PAGES, ROOT, fences

EXAMPLE = ROOT / "docs/examples/first-case.jsonl"
README_LINES_MAX = 250
SIZES_MAY_DIFFER_BY = 0.1

# Hosts that a page may name. Anything else is a slip of the pen or the address of somebody's machine.
HOSTS = {"keepachangelog.com", "semver.org", "127.0.0.1"}
# What a finished page does not say.
UNWANTED = re.compile(r"\b(todo|fixme|tbd|lorem|coming soon|simply|obviously|colleagues?|blazing\w*)\b", re.IGNORECASE)
# Absolute paths: a CloudEvents source and the worker's own pages are none of anybody's machine.
ABSOLUTE = re.compile(r"(?<![\w.<>…\])}])/[a-z][\w.-]*(?:/[\w.-]+)+")
KNOWN_PATHS = {"/crm/cases", "/api/v1", "/api/v1/openapi.json"}


def shown_commands() -> Iterator[tuple[str, str, list[str]]]:
    """(page, command, lines shown below it) of every `$ sla-monitor …`."""
    for page in PAGES:
        for body in fences(page, "console"):
            for command, _, output in (part.partition("\n") for part in body.split("$ ")[1:]):
                yield page.name, command, output.splitlines()


def table(page: Path, first_heading: str) -> list[list[str]]:
    """The cells of the table whose first heading is this."""
    found: list[list[str]] = []
    inside = False
    for line in page.read_text("utf-8").splitlines():
        inside = line.startswith(f"| {first_heading} |") or (inside and line.startswith("|"))
        if inside:
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found[2:]


def shows(shown: str, printed: str) -> bool:
    """Whether a shortened line (`…` for what is left out) is the printed one."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), printed) is not None


@pytest.mark.parametrize(("page", "command", "shown"), [pytest.param(*each, id=each[1]) for each in shown_commands()])
def test_a_command_prints_what_its_page_shows(page: str, command: str, shown: Sequence[str]) -> None:
    """Line by line; only a last line of `…` stands for more."""
    program, *arguments = shlex.split(command)
    real = {"sla-monitor": [sys.executable, "-m", "sla_monitor"], "python": [sys.executable]}[program]
    source = None
    if "<" in arguments:
        *arguments, _, name = arguments
        source = (ROOT / name).read_text("utf-8")
    done = subprocess.run([*real, *arguments], cwd=ROOT, input=source, capture_output=True, text=True, check=False)
    printed = (done.stdout + done.stderr).splitlines()
    *lines, last = shown
    complete = last != "…"
    wanted = [*lines, last] if complete else lines
    assert len(printed) == len(wanted) if complete else len(printed) > len(wanted)
    for line, said in zip(wanted, printed, strict=False):
        assert shows(line, said), f"{page} shows\n{line}\nprinted is\n{said}"


def test_the_quick_start_is_among_them() -> None:
    """The example everybody tries first is shown, and so is an error of a pack."""
    commands = [command for _, command, _ in shown_commands()]
    assert "sla-monitor simulate docs/examples/first-case.jsonl" in commands
    assert any("--policy" in command for command in commands)


def test_the_table_of_settings_is_that_of_the_code() -> None:
    """Name, default and meaning of each, in order."""
    cells = [[name.strip("`"), default.strip("`"), meaning] for name, default, meaning in settings_table()]
    assert cells == [list(row) for row in describe()]


def settings_table() -> list[list[str]]:
    return table(ROOT / "README.md", "name")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Relative links name a file that exists, and a heading that it has."""
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            assert re.split(r"[/:]+", target)[1] in HOSTS, target
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_speaks_of_the_product_alone(page: Path) -> None:
    """No promises for later, no machine of anybody, no address that is not meant for readers."""
    text = page.read_text("utf-8")
    assert UNWANTED.findall(text) == []
    bare = re.sub(r"https?://\S+", "", text)
    assert set(ABSOLUTE.findall(bare)) <= KNOWN_PATHS
    assert {re.split(r"[/:]+", url)[1] for url in re.findall(r"https?://[^\s)>`]+", text)} <= HOSTS


def test_files_that_pages_name_are_there() -> None:
    """A path in backticks that starts with a folder of the repository exists."""
    for page in PAGES:
        for named in re.findall(r"`((?:src|tests|docs|scripts|deploy)/[\w./-]+)`", page.read_text("utf-8")):
            assert (ROOT / named).exists(), f"{page.name}: {named}"


def test_the_readme_can_be_read_in_one_sitting() -> None:
    """What is longer belongs under docs/."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= README_LINES_MAX


def test_events_and_notices_shown_are_valid() -> None:
    """Every JSON block is an event the worker takes or a notice of the published schema."""
    shown = [json.loads(body) for page in PAGES for body in fences(page, "json")]
    assert {each["type"].partition(".")[0] for each in shown} == {"case", "sla"}
    for each in shown:
        if each["type"] in TYPES:
            assert isinstance(decode(each["subject"].encode(), json.dumps(each).encode(), []), CaseEvent)
        else:
            jsonschema.validate(each, notice_schema())
            assert each in [json.loads(line) for line in simulated()]


def simulated() -> list[str]:
    command = [sys.executable, "-m", "sla_monitor", "simulate", str(EXAMPLE)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_types_reasons_and_rules_that_pages_name_exist() -> None:
    """Names in backticks that look like those of events, notices, dead letters or rules are such."""
    known = {*TYPES, *KINDS, "case.opened"}
    rules = set(load_packs().versions[0].clauses)
    for page in PAGES:
        text = page.read_text("utf-8")
        named = set(re.findall(r"`((?:case|sla|severity|coverage)\.[a-z_.]+)`", text))
        assert named <= known, f"{page.name}: {named - known}"
        cited = set(re.findall(r"\bSP(?:-[A-Z0-9]+)+\b", text))
        assert cited <= rules, f"{page.name}: {cited - rules}"
    assert all(f"`{reason}`" in (ROOT / "docs/concepts.md").read_text("utf-8") for reason in REASONS)
    assert all(f"`{kind}`" in (ROOT / "README.md").read_text("utf-8") for kind in KINDS)


def test_metrics_that_pages_name_are_in_the_catalogue() -> None:
    """A renamed metric takes its documentation along."""
    for page in PAGES:
        named = set(re.findall(r"`(sla_[a-z_]+)(?:\{[a-z]+\})?`", page.read_text("utf-8"))) - {"sla_monitor"}
        assert all(f"`{name}`" in metrics.markdown() for name in named), page.name


def test_excerpts_of_the_pack_are_from_the_built_in_one() -> None:
    """Line by line, as it stands there."""
    said = (BUILT_IN / "default.yaml").read_text("utf-8").splitlines()
    for body in fences(ROOT / "docs/policy-packs.md", "yaml"):
        assert [line for line in body.splitlines() if line not in said] == []


def test_the_sizes_of_rows_are_about_those_stated() -> None:
    """The example's case and partition, in bytes, within a tenth."""
    stated = [int(size) for _, size in table(ROOT / "docs/state.md", "after")]
    partition = Partition(0, Rules(packs=load_packs(), future_tolerance=None, live_within=None))
    rows: list[dict[bytes, bytes | None]] = []
    for offset, line in enumerate(EXAMPLE.read_bytes().splitlines()):
        arrival = arrival_of(line)
        assert arrival.at is not None
        partition.advance(arrival.at)
        partition.fire(arrival.at, 1_000)
        partition.fold(Record(offset, arrival.at // 1_000, arrival.key, line), arrival.at)
        rows.append(dict(partition.take().rows))
    case = b"CASE-1000123"
    found = [rows[0][case], rows[-1][case], rows[-1][PARTITION_KEY]]
    for size, row in zip(stated, found, strict=True):
        assert len(row or b"") == pytest.approx(size, rel=SIZES_MAY_DIFFER_BY)


def test_the_example_is_events_that_a_broker_takes_too() -> None:
    """Nothing in it works only in `simulate`."""
    for line in EXAMPLE.read_bytes().splitlines():
        assert isinstance(decode(json.loads(line)["subject"].encode(), line, []), CaseEvent)
