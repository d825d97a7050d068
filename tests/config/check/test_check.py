"""`policy check`: what a worker would refuse, and what can never happen in a pack that it takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sla_monitor.config.check import KINDS, cases, check_packs, findings
from sla_monitor.config.packs import BUILT_IN, load_packs
from sla_monitor.errors import BadConfiguration

HERE = Path(__file__).parent
CLEAN = HERE / "clean.yaml"
FAULTY = sorted(path for path in (HERE / "faulty").iterdir())
REFUSED = sorted((HERE.parent / "faulty").glob("*.yaml"))
MARK = re.compile(r"# found: (.*)$")


def files_of(path: Path) -> list[Path]:
    return sorted(path.glob("*.yaml")) if path.is_dir() else [path]


def seeded(path: Path) -> list[tuple[str, int, str, str]]:
    """`# found: kind: words` stands on the line of the fault."""
    found = []
    for file in files_of(path):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            if match := MARK.search(line):
                kind, _, words = match[1].partition(": ")
                found.append((str(file), number, kind, words))
    return found


@pytest.mark.parametrize("path", FAULTY, ids=lambda path: str(path.stem))
def test_a_seeded_fault_is_found_on_its_line_and_nothing_else_is(path: Path) -> None:
    """Each in its words, with the rule it is about."""
    told = check_packs([path])
    assert [each[:3] for each in told] == [each[:3] for each in seeded(path)]
    for each, (*_, words) in zip(told, seeded(path), strict=True):
        assert words in f"{each.rule}: {each.text}"


def test_every_kind_of_finding_has_a_seeded_fault() -> None:
    """Those that take two files, or too many combinations, have tests of their own below."""
    assert {kind for path in FAULTY for _, _, kind, _ in seeded(path)} == KINDS.keys() - {
        findings.SAME_VERSION,
        findings.UNDECIDED,
    }


@pytest.mark.parametrize(
    "path",
    [
        CLEAN,
        BUILT_IN / "default.yaml",
        HERE.parent / "four_severities.yaml",
        HERE.parents[2] / "docs" / "examples" / "hosting.yaml",
        HERE.parents[2] / "docs" / "examples" / "hosting-next.yaml",
    ],
    ids=lambda path: str(path.stem),
)
def test_a_good_pack_has_neither_findings_nor_notes(path: Path) -> None:
    """The built-in one among them."""
    assert check_packs([path]) == []


def test_a_pack_that_is_meant_to_be_odd_has_notes_alone() -> None:
    """The pack that tells the worker and its oracle apart: it mixes modes, and calls whom it serves at night by day."""
    told = check_packs([HERE.parents[1] / "oracle" / "night.yaml"])
    assert {each.kind for each in told} == {findings.MIXED_MODES, findings.NOT_CONTACTED}
    assert {each.level for each in told} == {findings.NOTE}


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: str(path.stem))
def test_what_a_worker_refuses_is_told_as_the_worker_tells_it(path: Path) -> None:
    """Line by line and word by word."""
    with pytest.raises(BadConfiguration) as refused:
        load_packs(path)
    told = check_packs([path])
    assert [f"{each.file}:{each.line}: {each.text}" for each in told] == refused.value.problems
    assert {each.kind for each in told} == {findings.REFUSED}


def test_all_files_are_told_of_at_once() -> None:
    """A file that does not load hides nothing of the others."""
    first, second = HERE / "faulty" / "refused.yaml", HERE / "faulty" / "uncited.yaml"
    told = check_packs([second, CLEAN, first])
    assert {(each.file, each.kind) for each in told if each.kind != findings.SAME_VERSION} == {
        (str(first), findings.REFUSED),
        (str(second), findings.UNCITED),
    }


def test_a_file_of_a_folder_that_does_not_load_hides_nothing_of_the_others(tmp_path: Path) -> None:
    """They are checked all the same."""
    (tmp_path / "a.yaml").write_text("name: [")
    (tmp_path / "b.yaml").write_bytes((HERE / "faulty" / "uncited.yaml").read_bytes())
    told = check_packs([tmp_path])
    assert [(each.file, each.kind) for each in told] == [
        (f"{tmp_path}/a.yaml", findings.REFUSED),
        (f"{tmp_path}/b.yaml", findings.UNCITED),
        (f"{tmp_path}/b.yaml", findings.UNCITED),
    ]


def test_a_path_that_is_no_pack_is_a_finding(tmp_path: Path) -> None:
    """A folder without one; `cli` tells of a file that is not there."""
    assert [str(each) for each in check_packs([tmp_path])] == [
        f"{tmp_path}: finding, refused: no policy pack in this folder (.yaml, .yml)"
    ]


def test_files_of_one_name_are_versions_of_one_pack(tmp_path: Path) -> None:
    """Given one by one they must differ as in a folder; a file that is given twice is one file."""
    second = tmp_path / "second.yaml"
    second.write_bytes(CLEAN.read_bytes())
    assert [(each.file, each.line, each.kind, each.text) for each in check_packs([CLEAN, second, CLEAN])] == [
        (str(second), 2, findings.SAME_VERSION, f"the same version as {CLEAN}"),
        (str(second), 3, findings.SAME_VERSION, f"the same effective_from as {CLEAN}"),
    ]


@pytest.mark.parametrize(
    ("earlier", "later", "told"),
    [("2", "10", False), ("10", "2", True), ("2026-01", "2026-02", False), ("b", "a", True), ("v1", "2", False)],
)
def test_versions_come_in_their_order(tmp_path: Path, earlier: str, later: str, *, told: bool) -> None:
    """Numbers in their names count as numbers; names that are not alike have no order."""
    for name, version, year in (("a.yaml", earlier, "2026"), ("b.yaml", later, "2027")):
        text = CLEAN.read_text("utf-8").replace('"1"', f'"{version}"').replace("2026-01-01", f"{year}-01-01")
        (tmp_path / name).write_text(text, "utf-8")
    kinds = [each.kind for each in check_packs([tmp_path])]
    assert kinds == ([findings.ORDER_OF_VERSIONS] if told else [])


def test_what_takes_too_long_to_decide_is_said_to_be_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never guessed, and never a loop: a note for each rule that could not be judged."""
    monkeypatch.setattr(cases, "STEPS_MAX", 3)
    told = check_packs([HERE / "faulty" / "unreachable_by_combination.yaml"])
    assert findings.UNDECIDED in {each.kind for each in told}
    assert findings.UNREACHABLE not in {each.kind for each in told}


def test_the_page_lists_every_kind_as_the_code_does() -> None:
    """Kind, level and meaning, in order."""
    page = (HERE.parents[2] / "docs" / "policy-check.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", page, re.MULTILINE)
    assert rows == [(kind, *told) for kind, told in KINDS.items()]
