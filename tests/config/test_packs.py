"""Policy packs as files: the built-in plan says what it should, and a faulty pack is told where."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from sla_monitor.config import pack_model, packs, yaml_lines
from sla_monitor.config.packs import load_packs, pack_schema
from sla_monitor.core import policy, profile
from sla_monitor.core.facts import HOUR, MINUTE, SECOND
from sla_monitor.core.policy import Policy
from sla_monitor.core.profile import Profile
from sla_monitor.errors import BadConfiguration
from sla_monitor.wire.events import CauseFoundData, OpenedData
from tests.cli.packs import hosting

HERE = Path(__file__).parent
OTHER_PLAN = HERE / "four_severities.yaml"
BUILT_IN = packs.BUILT_IN / "default.yaml"
FAULTY = sorted((HERE / "faulty").glob("*.yaml"))
MARK = re.compile(r"# wrong: (.*)$")
ACCESS = (None, "24x7", "business_hours")
MONDAY = 1_767_571_200 * SECOND  # 2026-01-05T00:00:00Z


@pytest.fixture(scope="module")
def plan() -> Policy:
    return load_packs().versions[0]


def case(**changes: Any) -> Profile:
    """An ordinary German case of severity B on the Standard plan, in English."""
    usual: dict[str, Any] = {"severity": "B", "plan": "standard", "country": "DE", "language": "en"}
    return Profile(**(usual | changes))


def problems_of(path: Path) -> list[str]:
    with pytest.raises(BadConfiguration) as refused:
        load_packs(path)
    return refused.value.problems


def pack_text(**replaced: str) -> str:
    """The other plan's file with the values of some top-level keys replaced."""
    text = OTHER_PLAN.read_text("utf-8")
    for key, value in replaced.items():
        text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", text)
    return text


# --- the built-in plan -------------------------------------------------------------------------------------------

TARGETS = {
    ("A", "standard"): ("SP-A", 1),
    ("A", "professional_direct"): ("SP-A", 1),
    ("A", "unified"): ("SP-A", 1),
    ("B", "standard"): ("SP-B", 4),
    ("B", "professional_direct"): ("SP-B", 2),
    ("B", "unified"): ("SP-B", 2),
    ("C", "standard"): ("SP-C", 8),
    ("C", "professional_direct"): ("SP-C", 4),
    ("C", "unified"): ("SP-C", 4),
}


@pytest.mark.parametrize(("severity", "plan_name"), TARGETS)
def test_the_first_answer_is_due_as_the_plan_says(plan: Policy, severity: str, plan_name: str) -> None:
    """SP-A, SP-B, SP-C: one target for each severity and plan, whatever access and language a case has."""
    for access, language in product(ACCESS, ("en", "de", "sv")):
        profile = case(severity=severity, plan=plan_name, access=access, language=language)
        terms = plan.terms(plan.clocks[0], profile)
        assert (terms.rule, terms.target, terms.promised) == (
            TARGETS[severity, plan_name][0],
            TARGETS[severity, plan_name][1] * HOUR,
            True,
        )


@pytest.mark.parametrize("severity", ["A", "B", "C"])
@pytest.mark.parametrize("access", ACCESS)
@pytest.mark.parametrize("language", ["en", "de", "sv", "sv, accepts English", "sv, accepts translation"])
def test_support_round_the_clock_is_in_english_only(
    plan: Policy, severity: str, access: str | None, language: str
) -> None:
    """SP-LANG-24: A always, B if chosen, C never, and only in English; SP-LANG-LOC: all else in business hours."""
    profile = case(
        severity=severity,
        access=access,
        language=language[:2],
        accepts_english=language.endswith("English"),
        accepts_translation=language.endswith("translation"),
    )
    terms = plan.terms(plan.clocks[0], profile)
    english = language not in {"de", "sv"}
    around = english and (severity == "A" or (severity == "B" and access == "24x7"))
    assert terms.round_the_clock is around
    assert terms.hours_rule == ("SP-LANG-24" if around else "SP-LANG-LOC")
    assert terms.calendar.name == ("24x7" if around else "SP-HRS-1:DE:Europe/Berlin")
    assert plan.language_is_limited(profile) is (language == "sv")


@pytest.mark.parametrize(
    ("country", "name", "opens_at", "hours"),
    [
        ("US", "SP-HRS-NA:US:America/Los_Angeles", 14 * HOUR, 12 * HOUR),
        ("CA", "SP-HRS-NA:CA:America/Los_Angeles", 14 * HOUR, 12 * HOUR),
        ("JP", "SP-HRS-JP:JP:Asia/Tokyo", 0, 8 * HOUR + 30 * MINUTE),
        ("DE", "SP-HRS-1:DE:Asia/Kolkata", 3 * HOUR + 30 * MINUTE, 8 * HOUR),
        ("MX", "SP-HRS-1:MX:Asia/Kolkata", 3 * HOUR + 30 * MINUTE, 8 * HOUR),
    ],
)
def test_business_hours_follow_the_country(plan: Policy, country: str, name: str, opens_at: int, hours: int) -> None:
    """SP-HRS-NA and SP-HRS-JP fix their zone; elsewhere it is nine to five in the zone that the case names."""
    calendar = plan.calendar_for(country, None, "Asia/Kolkata")
    assert (calendar.name, calendar.day) == (name, hours)
    assert calendar.add(MONDAY, 1) == MONDAY + opens_at + 1


def test_the_weekend_is_that_of_the_country(plan: Policy) -> None:
    """Hours are for working days: on a Friday Germany works and Kuwait does not."""
    friday = MONDAY + 4 * 24 * HOUR
    assert plan.calendar_for("DE", None, None).between(friday, friday + 24 * HOUR) == 8 * HOUR
    assert plan.calendar_for("KW", None, None).between(friday, friday + 24 * HOUR) == 0


@pytest.mark.parametrize(
    ("severity", "access", "country", "rule", "limit", "step"),
    [
        ("A", None, "DE", "SP-DOWN-A", 2 * HOUR, ("SP-DOWN-A", "B")),
        ("A", "business_hours", "DE", "SP-DOWN-A", 2 * HOUR, ("SP-DOWN-A", "B")),
        ("B", "24x7", "DE", "SP-DOWN-B", 4 * HOUR, ("SP-DOWN-B", "C")),
        ("B", None, "DE", "SP-DOWN-RES", 8 * HOUR, ("SP-DOWN-RES", "C")),
        ("B", "business_hours", "US", "SP-DOWN-RES", 12 * HOUR, ("SP-DOWN-RES", "C")),
        ("C", None, "JP", "SP-DOWN-RES", 8 * HOUR + 30 * MINUTE, None),
        ("C", "24x7", "DE", "SP-DOWN-RES", 8 * HOUR, None),
    ],
)
def test_a_silence_breaks_the_commitment_after_its_limit(
    plan: Policy, severity: str, access: str | None, country: str, rule: str, limit: int, step: tuple[str, str] | None
) -> None:
    """SP-DOWN-SILENCE: 2 h, 4 h or one day's open time; then one step down is recommended, and none below C."""
    terms = plan.silence(case(severity=severity, access=access, country=country))
    assert (terms.rule, terms.limit) == (rule, limit)
    assert (terms.downgrade and (terms.downgrade.rule, terms.downgrade.to)) == step
    assert terms.downgrade is None or not terms.downgrade.automatic


def test_the_built_in_plan_says_when_it_speaks(plan: Policy) -> None:
    """Warnings, overdue levels, what stops the clock and what a change does are those of the plan."""
    (clock,) = plan.clocks
    assert (clock.name, clock.warnings, clock.overdue) == ("initial_response", (75, 90), (150, 200))
    assert clock.stops == {"case.responded", "case.resolved", "case.closed"}
    assert clock.changes == policy.Changes(
        raised=policy.Direction(how="from_change", rule="SP-UP-CLOCK"),
        lowered=policy.Direction(how="from_start", rule="SP-DOWN-CLOCK"),
        sideways=policy.Direction(how="from_start"),
    )
    assert (plan.commitment.name, plan.commitment.unreached_attempts) == ("commitment", 3)
    assert (plan.severities, plan.plans) == (("A", "B", "C"), ("standard", "professional_direct", "unified"))
    assert (plan.key, plan.effective_from, plan.switched_off) == (
        "vendor-support/2026-01",
        946_684_800 * SECOND,
        frozenset(),
    )


def test_a_target_of_the_case_wins_and_cites_its_own_rule(plan: Policy) -> None:
    """SP-UNI: own targets win over the table."""
    terms = plan.terms(plan.clocks[0], case(targets=(("initial_response", 10 * MINUTE),)))
    assert (terms.rule, terms.target) == ("SP-UNI", 10 * MINUTE)


def test_every_rule_the_worker_can_cite_has_its_sentence(plan: Policy) -> None:
    """Whatever rule a notice names, `clauses` has a sentence for it that ends like one."""
    cited = set(re.findall(r"SP-[A-Z0-9-]+", BUILT_IN.read_text("utf-8").split("\nrules:")[0]))
    assert cited <= plan.clauses.keys()
    assert all(clause.endswith(".") for clause in plan.clauses.values())


# --- another plan ------------------------------------------------------------------------------------------------


def test_an_unlike_plan_loads_without_a_change_of_code() -> None:
    """Four severities, one plan, another clock, a lunch break: nothing of the built-in plan is in the code."""
    (pack,) = load_packs(OTHER_PLAN).versions
    (clock,) = pack.clocks
    assert (pack.key, pack.switched_off, pack.commitment.name) == (
        "shop-care/1.10",
        frozenset({"sla.clock.started"}),
        "your_turn",
    )
    wanted = {
        "P1": (True, 90 * SECOND),
        "P2": (False, 90 * SECOND),
        "P3": (False, 30 * MINUTE),
        "P4": (False, 16 * HOUR),
    }
    for severity, (around, target) in wanted.items():
        terms = pack.terms(clock, case(severity=severity, plan="care"))
        assert (terms.round_the_clock, terms.target, terms.promised) == (around, target, severity != "P4")
    silence = pack.silence(case(severity="P2", plan="care"))
    assert silence.limit == 13 * HOUR + 30 * MINUTE
    assert silence.downgrade is not None
    assert (silence.downgrade.to, silence.downgrade.automatic) == ("P3", True)
    assert clock.changes == policy.Changes(raised=policy.Direction(how="keep_elapsed"))


# --- versions ----------------------------------------------------------------------------------------------------


def test_a_folder_holds_all_versions_in_the_order_they_came_into_force(tmp_path: Path) -> None:
    """The version of a case is picked by its opening, whatever the files are called; hidden files do not count."""
    (tmp_path / "a.yaml").write_text(pack_text(version="two", effective_from="2026-06-01T00:00:00Z"))
    (tmp_path / "b.yml").write_text(pack_text(version="one", effective_from="2026-01-01T00:00:00Z"))
    (tmp_path / ".hidden.yaml").write_text("not: [a pack")
    (tmp_path / "notes.txt").write_text("not a pack")
    loaded = load_packs(tmp_path)
    assert [pack.version for pack in loaded.versions] == ["one", "two"]
    assert loaded.at(MONDAY).version == "one"


def test_two_files_cannot_be_the_same_version_nor_another_pack(tmp_path: Path) -> None:
    """Each version, each beginning once and one name in a folder, told at the line of the later file."""
    (tmp_path / "a.yaml").write_text(pack_text())
    (tmp_path / "b.yaml").write_text(pack_text(effective_from="2026-02-28T23:00:00Z"))
    (tmp_path / "c.yaml").write_text(pack_text(name="other", version="2", effective_from="2027-01-01T00:00:00Z"))
    (tmp_path / "d.yaml").write_text(pack_text(version="three", effective_from="2028-01-01T00:00:00Z"))
    first = tmp_path / "a.yaml"
    assert problems_of(tmp_path) == [
        f"{tmp_path / 'b.yaml'}:3: the same version '1.10' as {first}",
        f"{tmp_path / 'b.yaml'}:4: the same effective_from '2026-02-28T23:00:00Z' as {first}",
        f"{tmp_path / 'c.yaml'}:2: another pack, 'other', than 'shop-care' of {first}",
        f"{tmp_path / 'c.yaml'}:3: version: 2 must be text; put it in quotes",
    ]


def test_a_version_takes_over_only_what_it_can_count(tmp_path: Path) -> None:
    """Severities and plans are the same, and no label is asked for that the cases before did not keep."""
    (tmp_path / "a.yaml").write_text(pack_text(plans="[care, old]"))
    news = {"version": "two", "effective_from": "2027-01-01T00:00:00Z\nopen_cases: from_change"}
    asking = pack_text(**news).replace(
        "hours:\n", "hours:\n  - {rule: CALLBACK, when: {queue: [vip]}, serve: round_the_clock}\n", 1
    )
    (tmp_path / "b.yaml").write_text(asking)
    (tmp_path / "c.yaml").write_text(pack_text(version="three", effective_from="2028-01-01T00:00:00Z"))
    told = f"{tmp_path / 'b.yaml'}:5: open_cases: takes over cases of version 1.10, "
    assert problems_of(tmp_path) == [
        told + "and only one of the two has the plan 'old'",
        told + "which did not ask for 'queue': what such a case had there was not kept",
    ]
    (tmp_path / "a.yaml").write_text(
        asking.replace("two", "one").replace("2027", "2026").replace("from_change", "stay")
    )
    assert [each.key for each in load_packs(tmp_path).moving] == ["shop-care/two"]


def test_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """A syntax error in one version hides nothing that is wrong with another."""
    (tmp_path / "a.yaml").write_text("name: [")
    (tmp_path / "b.yaml").write_text(pack_text(plans="[]"))
    told = problems_of(tmp_path)
    assert [problem.split(": ")[0] for problem in told] == [f"{tmp_path}/a.yaml:1", f"{tmp_path}/b.yaml:6"]


def test_nothing_to_read_is_refused_by_its_path(tmp_path: Path) -> None:
    """An empty folder and a missing file have no line, but a name."""
    assert problems_of(tmp_path) == [f"{tmp_path}: no policy pack in this folder (.yaml, .yml)"]
    assert problems_of(tmp_path / "gone.yaml") == [f"{tmp_path}/gone.yaml: cannot be read: No such file or directory"]


def test_a_place_that_the_system_does_not_let_us_see_is_refused_by_its_path(tmp_path: Path) -> None:
    """As behind a folder without permission. A worker that reads its packs anew must not end by it."""
    unseen = tmp_path / ("x" * 300)
    assert problems_of(unseen) == [f"{unseen}: cannot be read: File name too long"]


def test_the_digest_is_of_what_a_pack_says(tmp_path: Path) -> None:
    """Comments, layout and the order of keys do not count; a word of a clause does."""
    text = BUILT_IN.read_text("utf-8")
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    head, rules = text.split("\nrules:\n")
    same.write_text("# a comment\nrules:\n" + rules + "\n" + head.replace("[75, 90]", "\n      - 75\n      - 90"))
    other.write_text(text.replace("at any hour", "at every hour"))
    digest = load_packs().versions[0].digest
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert load_packs(same).versions[0].digest == digest
    assert load_packs(other).versions[0].digest != digest


# --- faults ------------------------------------------------------------------------------------------------------


def seeded(file: Path) -> list[tuple[int, str]]:
    """What a faulty pack says of itself: `# wrong: words|words` stands on the line of the fault."""
    lines = enumerate(file.read_text("utf-8").splitlines(), start=1)
    marked = [(number, MARK.search(line)) for number, line in lines]
    return [(number, words) for number, match in marked if match for words in match[1].split("|")]


@pytest.mark.parametrize("file", FAULTY, ids=lambda file: str(file.stem))
def test_a_faulty_pack_is_refused_with_the_line_of_every_fault(file: Path) -> None:
    """Every seeded fault is reported at its line in its words, in the order of the file, and nothing else is."""
    for (line, words), problem in zip(seeded(file), problems_of(file), strict=True):
        assert problem.startswith(f"{file}:{line}: ")
        assert words in problem


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000, "{a: " * 250_000, "a: 1\n" * 200_000, "- " * 500_000, "? " * 500_000, "a: [" + "b, " * 300_000],
    ids=["brackets", "mappings", "duplicates", "dashes", "keys", "list"],
)
@pytest.mark.timeout(10)
def test_a_hostile_file_is_refused_in_seconds(tmp_path: Path, text: str) -> None:
    """Up to 1 MiB of anything is refused with one problem a line, neither slowly nor by a crash."""
    (tmp_path / "pack.yaml").write_text(text)
    assert problems_of(tmp_path)


def test_a_file_of_more_than_a_mebibyte_is_not_read(tmp_path: Path) -> None:
    """A pack is text for people; nobody writes a mebibyte."""
    (tmp_path / "pack.yaml").write_bytes(b"#" * yaml_lines.BYTES_MAX + b"\n")
    assert problems_of(tmp_path) == [f"{tmp_path}/pack.yaml: larger than 1 MiB"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name: a\nplans: [\xff]\n", ":2: not UTF-8"),
        (b"name: a\nplans: \x01\n", ":2: not YAML: a character that YAML does not allow"),
        (b"", ":1: no value must be a mapping of fields"),
        (b"? [a]\n: 1\n", ":1: a key must be text"),
        (b"a: b: c\n", ":1: not YAML: mapping values are not allowed here"),
    ],
)
def test_a_file_that_is_no_yaml_is_refused_with_its_line(tmp_path: Path, content: bytes, told: str) -> None:
    """Whatever the bytes are, the answer is a file, a line and a reason."""
    file = tmp_path / "pack.yaml"
    file.write_bytes(content)
    assert problems_of(file) == [f"{file}{told}"]


# --- what is published -------------------------------------------------------------------------------------------


def test_the_schema_describes_every_section() -> None:
    """Editors complete and explain a pack from its schema; each top-level field has words there."""
    schema = pack_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    sections = {name for name, section in schema["$defs"].items() if "description" in section}
    for name, field in schema["properties"].items():
        assert "description" in field or field["$ref"].rpartition("/")[2] in sections, name
    assert schema["$defs"]["Target"]["properties"]["target"]["pattern"] == "^([0-9]{1,6})([smh])$"


def test_a_rule_may_match_exactly_what_the_core_can_match() -> None:
    """The file format and the compiled form know the same fields of a case."""
    assert set(pack_model.When.model_fields) == profile.MATCHABLE


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("Access", OpenedData, "access"),
        ("Request", OpenedData, "request"),
        ("Release", OpenedData, "release"),
        ("Channel", OpenedData, "channel"),
        ("Submitter", OpenedData, "submitted_by"),
        ("Trait", OpenedData, "traits"),
        ("Cause", CauseFoundData, "cause"),
    ],
)
def test_packs_and_events_know_the_same_words(name: str, data: Any, field: str) -> None:
    """What an event may carry can be matched, and a pack cannot wait for what no event carries."""
    said_by_events = re.findall(r"'([^']+)'", str(get_type_hints(data)[field]))
    assert set(get_args(getattr(pack_model, name))) == set(said_by_events)


def test_closures_make_the_digest(tmp_path: Path) -> None:
    """Whoever has another file of closed days may decide otherwise, also with the same pack."""
    hosting(tmp_path, "  - {rule: H-OFFICE, hours: 09:00-17:00, closures: closures.ics}\n")
    closures = (tmp_path / "closures.ics").read_text("utf-8")
    digests = set()
    for title in ("Works holidays", "Works holidays of another year"):
        (tmp_path / "closures.ics").write_text(closures.replace("Works holidays", title), "utf-8")
        digests |= {load_packs(tmp_path).digest for _ in range(2)}
    assert len(digests) == 2


def test_all_versions_and_pinned_dates_make_the_digest(tmp_path: Path) -> None:
    """Workers compare it: whoever has another version, also an older one, or other holidays has another digest."""
    text = BUILT_IN.read_text("utf-8")
    (tmp_path / "a.yaml").write_text(text)
    digests = {load_packs(tmp_path).digest}
    (tmp_path / "calendars.lock").write_text((BUILT_IN.parent / "calendars.lock").read_text("utf-8"))
    digests.add(load_packs(tmp_path).digest)
    (tmp_path / "b.yaml").write_text(text.replace("2026-01", "older").replace("2000-01-01T", "2000-01-02T"))
    digests.add(load_packs(tmp_path).digest)
    assert len(digests) == 3
    assert load_packs(tmp_path).digest in digests


def changed(text: str, folder: Path, *replacements: tuple[str, str]) -> Policy:
    """The built-in pack with these words instead."""
    for before, after in replacements:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (folder / "pack.yaml").write_text(text, "utf-8")
    [version] = load_packs(folder / "pack.yaml").versions
    return version


def test_how_much_is_to_be_kept_is_the_first_entry_that_matches(plan: Policy) -> None:
    """By clock, severity and plan; where nobody has said it, there is nothing."""
    assert [plan.attainment_of("initial_response", severity, "unified") for severity in "ABC"] == [0.99, 0.97, 0.95]
    assert plan.attainment_of("resolution", "A", "unified") is None


def test_what_only_counts_may_change_without_a_new_version(plan: Policy, tmp_path: Path) -> None:
    """Queues and shares decide nothing, so state that was decided before goes on; a target is another matter."""
    text = BUILT_IN.read_text("utf-8")
    counts = changed(text, tmp_path, ("queues: []", "queues: [finance]"), ("percent: 99}", "percent: 99.9}"))
    assert (counts.queues, counts.attainment_of("initial_response", "A", "unified")) == (("finance",), 0.999)
    assert counts.digest == plan.digest
    decides = changed(text, tmp_path, ("{severity: A}, target: 1h", "{severity: A}, target: 2h"))
    assert decides.digest != plan.digest


def test_a_queue_is_kept_of_a_case_only_where_it_is_counted_by(plan: Policy, tmp_path: Path) -> None:
    """Labels that nobody asks for would make many profiles of one."""
    counted = changed(BUILT_IN.read_text("utf-8"), tmp_path, ("queues: []", "queues: [finance]"))
    assert (set(plan.labels), set(counted.labels)) == (set(), {"queue"})


def test_the_days_off_of_the_built_in_calendars_are_known_as_far_as_they_are_pinned(plan: Policy) -> None:
    """The years of calendars.lock; a pack without a lock knows what the package knows of most countries."""
    pinned = 2_082_758_400 * SECOND  # 2036-01-01T00:00:00Z
    assert plan.horizons() == dict.fromkeys(("SP-HRS-NA", "SP-HRS-JP", "SP-HRS-1"), pinned)
    assert plan.calendars == tuple(plan.horizons())
    [hosting] = load_packs(HERE.parents[1] / "docs/examples/hosting.yaml").versions
    assert min(hosting.horizons().values()) > pinned
