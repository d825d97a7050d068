"""What a check says: how bad it is, what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "warning", "problem", "cannot be checked"]

LEVELS: tuple[Level, ...] = ("ok", "warning", "problem", "cannot be checked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's. `check` is a stable word for programs; `what_to_do` is empty where all is well.

    warning: it works, and will not always. problem: the worker refuses to start, ends, or says what is wrong.
    """

    check: str
    level: Level
    says: str
    what_to_do: str = ""


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check=check, level="ok", says=says)


def warning(check: str, says: str, what_to_do: str) -> Finding:
    """It works, and will not always."""
    return Finding(check=check, level="warning", says=says, what_to_do=what_to_do)


def problem(check: str, says: str, what_to_do: str) -> Finding:
    """The worker refuses to start, ends, or says what is wrong."""
    return Finding(check=check, level="problem", says=says, what_to_do=what_to_do)


def unknown(check: str, why: str, what_to_do: str = "") -> Finding:
    """Nobody could look, or the answer does not tell."""
    return Finding(check=check, level="cannot be checked", says=why, what_to_do=what_to_do)


def is_healthy(findings: Iterable[Finding]) -> bool:
    """No problem. Warnings and what cannot be checked alone do not fail a deployment."""
    return all(finding.level != "problem" for finding in findings)


def as_document(findings: list[Finding]) -> dict[str, Any]:
    """For programs."""
    counts = {level.replace(" ", "_"): sum(finding.level == level for finding in findings) for level in LEVELS}
    return {"healthy": is_healthy(findings), "counts": counts, "findings": [asdict(finding) for finding in findings]}
