"""Packs, holidays and time zones: what is in force, and until when it is known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sla_monitor.config.lock import Drift
from sla_monitor.config.packs import BUILT_IN, load_packs
from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor.rules import (
    calendars,
    judge_horizon,
    judge_lock,
    judge_packs,
    judge_zones,
    known_until,
    policy,
    system_zones,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DEFAULT = (BUILT_IN / "default.yaml").read_text("utf-8")


def a_pack(folder: Path, version: str, begins: str) -> None:
    """The built-in pack as another version."""
    lines = [
        f'version: "{version}"' if line.startswith("version:") else line
        for line in DEFAULT.splitlines()
        if not line.startswith("effective_from:")
    ]
    (folder / f"{version}.yaml").write_text("\n".join([*lines, f"effective_from: {begins}"]), "utf-8")


def test_each_version_is_named_and_the_one_in_force_marked(tmp_path: Path) -> None:
    """With its digest: unequal ones among workers would judge unequally."""
    a_pack(tmp_path, "one", "2026-01-01T00:00:00Z")
    a_pack(tmp_path, "two", "2026-06-01T00:00:00Z")
    a_pack(tmp_path, "three", "2027-01-01T00:00:00Z")
    packs = load_packs(tmp_path)
    findings = list(judge_packs(packs, NOW))
    assert [finding.level for finding in findings] == ["ok"] * 3
    assert [" in force now" in finding.says for finding in findings] == [False, True, False]
    assert all(pack.digest[:12] in finding.says for pack, finding in zip(packs.versions, findings, strict=True))


def test_a_pack_that_is_not_in_force_yet_is_a_warning(tmp_path: Path) -> None:
    """Cases of today get it all the same."""
    a_pack(tmp_path, "next", "2027-01-01T00:00:00Z")
    [finding] = judge_packs(load_packs(tmp_path), NOW)
    assert finding.level == "warning"


async def test_every_problem_of_a_pack_is_a_finding(tmp_path: Path) -> None:
    """With file and line, as `run` would refuse it."""
    file = tmp_path / "pack.yaml"
    file.write_text("name: broken\n")
    findings = await policy(Settings(policy=file))
    assert {finding.level for finding in findings} == {"problem"}
    assert f"{file}:1: 'version' is missing" in [finding.says for finding in findings]


async def test_the_built_in_pack_is_fine() -> None:
    """It comes with the product."""
    assert [finding.level for finding in await policy(Settings())] == ["ok"]


def test_holidays_that_end_within_a_year_are_a_warning() -> None:
    """Well before: a deadline of tomorrow may reach into the next year."""
    findings = list(judge_horizon("1.0", {"DE": 2100, "JP": 2099, "LK": 2026, "XX": None}, NOW))
    assert [finding.level for finding in findings] == ["warning", "ok", "ok"]
    assert "LK 2026" in findings[0].says
    assert "2 countries, known to the end of 2099" in findings[1].says
    assert "XX" in findings[2].says


def test_holidays_that_reach_far_are_one_line() -> None:
    """The last days of 2027 are more than a year away."""
    [finding] = judge_horizon("1.0", {"DE": 2100, "FR": 2027}, NOW)
    assert (finding.level, "2 countries" in finding.says) == ("ok", True)


def test_what_the_package_knows_is_asked_of_it() -> None:
    """Every country of the table, and some that the package does not have or knows for long."""
    found = known_until()
    assert found["DE"] is not None
    assert found["DE"] > 2050
    assert len(found) == 250


@pytest.mark.parametrize(
    ("package", "system", "level", "words"),
    [
        ("2026b", "2026b", "ok", "the same"),
        ("2026b", "2019c", "ok", "are 2019c and not used"),
        ("2025a", None, "ok", "unknown"),
        ("2024b", "2026b", "warning", "several releases"),
    ],
)
def test_only_the_packages_zones_count(package: str, system: str | None, level: str, words: str) -> None:
    """Those of the machine are told, for whoever compares, and may be old."""
    finding = judge_zones(package, system, NOW)
    assert (finding.level, words in finding.says) == (level, True)


def test_the_version_of_the_machines_zones(tmp_path: Path) -> None:
    """From the first folder that has it."""
    (tmp_path / "tzdata.zi").write_text("# version 2025b\n# This zic input file is in the public domain.\n")
    assert system_zones((str(tmp_path / "missing"), str(tmp_path))) == "2025b"
    assert system_zones((str(tmp_path / "missing"),)) is None


def test_a_lock_that_differs_from_today_is_a_warning() -> None:
    """What decides is the lock, so nothing is wrong yet; the first difference is named, and how many there are."""
    assert judge_lock([]).level == "ok"
    moved = Drift(where="DE public", come=("2027-01-04",), gone=("2027-01-05",))
    one, many = judge_lock([moved]), judge_lock([moved, moved, moved])
    assert (one.level, many.level) == ("warning", "warning")
    assert one.says == "calendars.lock: DE public: +2027-01-04 -2027-01-05"
    assert many.says.endswith(", and 2 more")
    assert "calendar lock --check" in one.what_to_do


async def test_the_built_in_pack_is_locked_and_one_of_your_own_is_told(tmp_path: Path) -> None:
    """A pack without a lock moves its deadlines with the package."""
    a_pack(tmp_path, "one", "2026-01-01T00:00:00Z")
    found = {policy: (await calendars(Settings(policy=policy)))[-1] for policy in (None, tmp_path)}
    assert found[None].says.startswith("calendars.lock: ")
    assert "is missing" in found[tmp_path].says
