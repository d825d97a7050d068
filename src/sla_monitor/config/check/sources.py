"""Files to check, loaded as the worker loads them, with what it would refuse them for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sla_monitor.config.check.findings import REFUSED, Finding
from sla_monitor.config.pack_model import Pack
from sla_monitor.config.packs import load_packs, pack_files, validated
from sla_monitor.config.yaml_lines import Document, Value, Where, read_yaml
from sla_monitor.core.policy import Policy
from sla_monitor.errors import BadConfiguration

PLACE = re.compile(r":([0-9]+)?:? ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file that loads: its lines, what it says, and what it means to the worker."""

    document: Document
    pack: Pack
    policy: Policy

    def finding(self, kind: str, where: Where, text: str) -> Finding:
        """At the line of the entry at `where`, about the rule that it cites."""
        line = self.document.lines.get(self.document.nearest(where), 1)
        return Finding(self.document.name, line, kind, text, rule_at(self.document.content, where))

    def line(self, where: Where) -> int:
        return self.document.lines.get(self.document.nearest(where), 1)


def rule_at(content: Value, where: Where) -> str:
    """The id of the rule at a place: its own entry under `rules`, or the nearest `rule` around it."""
    if where[:1] == ("rules",) and len(where) > 1:
        return str(where[1])
    found, here = "", content
    for step in (*where, None):
        if isinstance(here, dict):
            cited = here.get("rule")
            found = cited if isinstance(cited, str) else found
            here = here.get(step) if isinstance(step, str) else None
        elif isinstance(here, list):
            here = here[step] if isinstance(step, int) and step < len(here) else None
    return found


def read(path: Path) -> tuple[list[Source], list[Finding]]:
    """The files of a pack that load, and what a worker says to the rest."""
    try:
        files = pack_files(path)
    except BadConfiguration as refused:
        return [], [Finding(str(path), 0, REFUSED, text.removeprefix(f"{path}: ")) for text in refused.problems]
    documents = {str(file): read_yaml(file) for file in files}
    problems = problems_of(path)
    sources: list[Source] = []
    for file in files:
        told = problems if path == file else problems_of(file)
        pack = None if told else validated(documents[str(file)])
        if pack:
            (policy,) = load_packs(file).versions
            sources.append(Source(document=documents[str(file)], pack=pack, policy=policy))
        problems += [each for each in told if each not in problems]
    return sources, [*refusals(problems, documents)]


def problems_of(path: Path) -> list[str]:
    try:
        load_packs(path)
    except BadConfiguration as refused:
        return [*refused.problems]
    return []


def refusals(problems: Iterable[str], documents: Mapping[str, Document]) -> Iterator[Finding]:
    """`file:line: problem` as findings; the rule is that of the line, where it has one."""
    for problem in problems:
        name = max((name for name in documents if problem.startswith(f"{name}:")), key=len, default="")
        place = PLACE.match(problem, len(name))
        line = int(place[1] or 0) if place else 0
        text = problem[place.end() :] if place else problem
        yield Finding(name, line, REFUSED, text, rule_on(documents[name], line) if name else "")


def rule_on(document: Document, line: int) -> str:
    """The rule that is cited by whatever stands on a line."""
    places = (where for where, number in document.lines.items() if number == line)
    return next((rule for where in places if (rule := rule_at(document.content, where))), "")
