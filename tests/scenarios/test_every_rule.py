"""Each rule of the support plan is in the pack, is kept and broken in a story, and is cited by what is said there."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sla_monitor.config.packs import BUILT_IN, load_packs
from tests.scenarios.stories import Story, by_the_core, packs_of, stories

# The rules of the support plan, section by section, by hand: a rule that the pack forgets is missed here.
RULES = """
    SP-A SP-B SP-C SP-LT SP-UNI
    SP-HRS-1 SP-HRS-NA SP-HRS-JP SP-LANG-24 SP-LANG-LOC SP-LANG-TR SP-CONTACT-B SP-CONTACT-C SP-CONTACT-OK
    SP-DOWN-A SP-DOWN-B SP-DOWN-RES SP-DOWN-RCA SP-DOWN-CUSTOM SP-DOWN-PROPOSED SP-DOWN-MODE SP-DOWN-SILENCE
    SP-DOWN-BACK SP-UP-CLOCK SP-DOWN-CLOCK
    SP-COV-TIERS SP-COV-ADV SP-COV-HOWTO SP-COV-GA SP-COV-PUB SP-COV-PRIV SP-COV-3P SP-COV-RCA SP-COV-DATA
    SP-ELIG-ADMIN SP-ELIG-USER SP-ELIG-PARTNER SP-COV-REGION SP-ELIG-NOSUB
    SP-EFF-PERF SP-EFF-BROAD SP-EFF-REPRO SP-EFF-CAUSE
    SP-RE-BUILD SP-RE-SAME SP-RE-NEW SP-RE-3M
"""
OURS = ["SP-RESOLUTION"]  # what the plan leaves to us to offer and has no id for
PLAN = RULES.split() + OURS
MONDAY = "2026-01-05 09:00"
STORIES = list(stories())


@cache
def see() -> dict[str, list[str]]:
    """Rules that a rule of the pack leads on to."""
    rules = YAML(typ="safe", pure=True).load((BUILT_IN / "default.yaml").read_text("utf-8"))["rules"]
    return {rule: said.get("see", []) for rule, said in rules.items()}


@cache
def cited(number: int, folder: Path) -> frozenset[str]:
    """Rules that the notices of a story name in their data, and those that these lead on to."""
    story = STORIES[number]
    packs, _ = packs_of(story, folder)
    notices, _ = by_the_core(story, packs)
    words = json.dumps([notice.data for notice in notices])
    named = {
        rule for rule in PLAN if f'"{rule}"' in words or f'"{rule}:' in words
    }  # as a rule, or before a calendar's place
    return frozenset(named.union(*(see()[rule] for rule in named)))


def test_the_pack_has_each_rule_and_no_other() -> None:
    assert sorted(load_packs().versions[0].clauses) == sorted(PLAN)


def test_stories_show_rules_of_their_plan() -> None:
    assert {rule for story in STORIES if not story.pack_file for rule in story.shows} <= set(PLAN)


@pytest.mark.parametrize("rule", PLAN)
def test_a_rule_is_kept_in_a_story_and_broken_in_another(rule: str) -> None:
    assert {story.outcome for story in STORIES if rule in story.shows} == {"kept", "broken"}


@pytest.mark.parametrize("rule", PLAN)
def test_a_rule_is_cited_in_a_story_that_shows_it(rule: str, tmp_path: Path) -> None:
    """By a notice, or by a rule that a notice cites: so a reader gets from what was said to the sentence behind it."""
    showing = [number for number, story in enumerate(STORIES) if rule in story.shows]
    assert any(rule in cited(number, tmp_path) for number in showing)


def test_what_cites_nothing_is_noticed(tmp_path: Path) -> None:
    """A story in which nothing is said cites no rule."""
    silent = Story(
        story="silent", shows=[], outcome="kept", until="2026-01-05 09:00", stands=[], events=[[MONDAY, "responded"]]
    )
    notices, _ = by_the_core(silent, packs_of(silent, tmp_path)[0])
    assert notices == []
