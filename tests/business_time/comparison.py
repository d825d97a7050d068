"""Asks the command's own code and the walker the same questions, and collects where they differ."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from typing import Any

from sla_monitor.cli.business_time import Computer
from tests.business_time.questions import Moment, any_moment, odd_moments, questions
from tests.business_time.walker import A_DAY, Outside, Stretch, Walker

QUESTIONS_A_CALENDAR = 6
CALENDARS_A_MOMENT = 6


@dataclass
class Comparison:
    """`asked` counts questions by operation; those whose answer lies outside the walk are not asked."""

    asked: Counter[str] = field(default_factory=Counter)
    zones: set[str] = field(default_factory=set)
    differences: list[dict[str, Any]] = field(default_factory=list)
    computer: Computer = field(default_factory=Computer)

    def ask(self, question: dict[str, Any], expected: object) -> None:
        answer = self.computer.answer(json.dumps(question).encode())
        self.asked[question["op"]] += 1
        self.zones.add(question["tz"])
        if not same(answer.get("result"), expected):
            self.differences.append({"question": question, "answer": answer, "walked": expected})


def same(answer: object, expected: object) -> bool:
    """The same text; where an offset has seconds, which RFC 3339 cannot say, the same instants."""
    if answer == expected:
        return True
    if isinstance(answer, str) and isinstance(expected, str) and expected[-3] == ":" == expected[-6]:
        return datetime.fromisoformat(answer) == datetime.fromisoformat(expected)
    if isinstance(answer, list) and isinstance(expected, list) and len(answer) == len(expected):
        return all(map(same, answer, expected))
    return False


def compare(chance: random.Random, wanted: int, step: int, comparison: Comparison) -> None:
    """So many questions, walked with steps of so many seconds: first all odd moments, then any.

    With steps of a second the oldest come first: only they have offsets with odd seconds.
    """
    odd = odd_moments()
    chance.shuffle(odd)
    if step == 1:
        odd.sort(key=lambda moment: moment[1])
    before = comparison.asked.total()
    for moment in chain(odd, (any_moment(chance) for _ in count())):
        for question, expected in walked(chance, moment, step):
            if comparison.asked.total() - before == wanted:
                return
            comparison.ask(question, expected)


def walked(chance: random.Random, moment: Moment, step: int) -> Iterator[tuple[dict[str, Any], object]]:
    zone, day = moment
    around = 4 * A_DAY if step > 1 else A_DAY // 2
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    at = (noon - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    stretch = Stretch(zone, at - around, at + around, step)
    if not stretch.whole():
        return
    for _ in range(CALENDARS_A_MOMENT if step > 1 else 2):
        asked = list(questions(chance, moment, around - 1, QUESTIONS_A_CALENDAR))
        walker = Walker(stretch, asked[0])
        for question in asked:
            try:
                yield question, walker.answer(question)
            except Outside:
                continue
