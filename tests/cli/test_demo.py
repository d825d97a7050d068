"""How `sla-monitor demo` shows what it reads: lines for a program, lines for a person without a terminal."""

from __future__ import annotations

import json

import pytest

from sla_monitor.cli.demo import Json, Lines
from sla_monitor.demo.stories import Story
from tests.demo.test_ledger import BREACHED
from tests.demo.told import MONDAY_NOON

STORY = Story(plot="missed", case_id="case-1", customer="Alpenfracht", begins_at=MONDAY_NOON, tellings=())


def test_json_is_what_is_in_kafka(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """To the byte, repeats too; progress and summary go to standard error."""
    show, line = Json(600.0), b' {"spaced":  1,' + json.dumps(BREACHED).encode()[1:]
    show.progress("the worker starts")
    show.begins(STORY)
    for _ in range(2):
        show.notice(line)
    show.dead_letter()
    show.playing("http://127.0.0.1:1/metrics")
    show.close()
    out, err = capfdbinary.readouterr()
    assert out == 2 * (line + b"\n")
    assert b"seen: 1 sla.breached" in err
    assert b"dead letters 1" in err


def test_lines_are_words_and_each_notice_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """With the customer's name; long lines are not broken, for what reads them breaks them itself."""
    show = Lines(600.0)
    show.begins(STORY)
    for _ in range(2):
        show.notice(json.dumps(BREACHED).encode())
    out, _ = capsys.readouterr()
    assert out == "12:00:06  case-1  Alpenfracht: BREACHED: no answer within 6.0 s\n"
