"""`policy check`: everything that is wrong with policy packs, and what can never happen although they load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sla_monitor.config.check.attainment import check_attainment
from sla_monitor.config.check.cases import Cases
from sla_monitor.config.check.findings import FINDING, KINDS, NOTE, REFUSED, Finding
from sla_monitor.config.check.lists import check_lists, check_served, lists_of, service_of
from sla_monitor.config.check.pack import check_pack
from sla_monitor.config.check.sources import Source, read
from sla_monitor.config.check.steps import check_steps
from sla_monitor.config.check.times import check_times
from sla_monitor.config.check.versions import check_versions

__all__ = ["FINDING", "KINDS", "NOTE", "Finding", "check_packs"]


def check_packs(paths: Sequence[Path]) -> list[Finding]:
    """What there is to say about packs, each a file or a folder of versions, in the order of files and lines."""
    sources: dict[str, Source] = {}
    findings: list[Finding] = []
    for path in paths:
        loaded, refused = read(path)
        sources |= {source.document.name: source for source in loaded}
        findings += refused
    for source in sources.values():
        findings += check_source(source)
    refused_on = {(each.file, each.line) for each in findings if each.kind == REFUSED}  # as files of one folder
    findings += [each for each in check_versions([*sources.values()]) if (each.file, each.line) not in refused_on]
    return sorted(set(findings))


def check_source(source: Source) -> Iterator[Finding]:
    """What can never happen, or is hardly meant so, in a file that loads."""
    lists = lists_of(source.pack)
    conditions = [condition for each in lists for condition in each.conditions]
    service = service_of(Cases(source.pack, source.policy.countries, conditions), lists)
    yield from check_lists(source, service, lists)
    yield from check_served(source, service)
    yield from check_times(source, service)
    yield from check_steps(source)
    yield from check_pack(source)
    yield from check_attainment(source)
