"""Every story ends as it says, whoever tells it: the pure core, `simulate`, the oracle."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.scenarios.stories import (
    Story,
    by_simulate,
    by_the_core,
    by_the_oracle,
    packs_of,
    problems,
    published,
    stories,
)

STORIES = list(stories())


def named(story: Story) -> str:
    return story.story.replace(" ", "-")


@pytest.mark.parametrize("story", STORIES, ids=named)
def test_a_story_ends_as_it_says(story: Story, tmp_path: Path) -> None:
    packs, plans = packs_of(story, tmp_path)
    core, events = by_the_core(story, packs)
    assert problems(story, core) == []
    assert problems(story, by_simulate(story, packs, events)) == []
    assert problems(story, by_the_oracle(story, plans, events, published(story, packs, events))) == []


def test_each_story_has_a_name_of_its_own() -> None:
    twice = [name for name, count in Counter(story.story for story in STORIES).items() if count > 1]
    assert not twice


def test_a_story_is_of_one_that_was_kept_or_of_one_that_was_broken() -> None:
    assert {story.outcome for story in STORIES} == {"kept", "broken"}
