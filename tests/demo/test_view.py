"""A frame of the demo, as text, at an instant."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from sla_monitor.core.facts import SECOND
from sla_monitor.demo import view
from sla_monitor.demo.ledger import Ledger
from tests.demo.test_ledger import BREACHED, STARTED, notice, retraction, taken
from tests.demo.told import MONDAY_NOON, SPEED, Heard, a_run, packs_in

CUSTOMERS = {"case-1": "Blue Lotus Clinics", "case-2": "A Name that is much longer than a column"}


def shown(ledger: Ledger, now: int, *, width: int = 110, lines: int = 30, left: int | None = None) -> str:
    """The frame as a terminal without colours has it."""
    console = Console(file=io.StringIO(), width=width, height=lines, markup=False, highlight=False)
    metrics = "http://127.0.0.1:40157/metrics"
    scene = view.Scene(customers=CUSTOMERS, metrics=metrics, speed=SPEED, left=left, lines=lines)
    console.print(view.frame(ledger, scene, now))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def row(text: str, start: str) -> list[str]:
    """The words of the first line that starts so."""
    return next(line for line in text.splitlines() if line.startswith(start)).split()


def test_a_deadline_counts_down_and_then_counts_on() -> None:
    """Case, customer, severity, plan, clock and what is left of it."""
    ledger = taken(STARTED)
    expected = ["case-1", "Blue", "Lotus", "Clinics", "A", "unified", "initial", "response"]
    assert row(shown(ledger, MONDAY_NOON + SECOND), "case-1") == [*expected, "5.0", "s"]
    assert row(shown(ledger, MONDAY_NOON + 5 * SECOND), "case-1") == [*expected, "1.0", "s"]
    assert row(shown(ledger, MONDAY_NOON + 7 * SECOND), "case-1") == [*expected, "now"]
    ledger.take(BREACHED)
    assert row(shown(ledger, MONDAY_NOON + 8 * SECOND), "case-1") == [*expected, "2.0", "s", "over"]


def test_the_latest_notices_are_in_words_the_newest_first() -> None:
    """And what was taken back is said in capitals."""
    text = shown(taken(STARTED, BREACHED), MONDAY_NOON)
    lines = [line.rstrip() for line in text.splitlines() if line.startswith("12:00:0")]
    assert lines[0].endswith("BREACHED: no answer within 6.0 s")
    assert lines[1].endswith("A: an answer is promised in less than 6.0 s")
    text = shown(taken(STARTED, BREACHED, retraction(BREACHED)), MONDAY_NOON)
    assert "TAKEN BACK: the breach" in text
    assert "0 breached · 1 taken back" in text


@pytest.mark.parametrize(("lines", "width"), [(24, 80), (50, 160), (8, 40)])
def test_a_frame_fits_the_terminal(tmp_path: Path, lines: int, width: int) -> None:
    """With more cases than lines; a terminal too small for the least gets the least."""
    heard = Heard(a_run(), packs_in(tmp_path), 40)
    text = shown(taken(*heard.notices), MONDAY_NOON + 40 * SECOND, width=width, lines=lines)
    if lines >= view.LINES_AROUND + 2 * view.ROWS_MIN and width >= 80:
        assert len(text.splitlines()) <= lines
    assert max(map(len, text.splitlines())) <= width


def test_long_words_leave_room_for_the_case() -> None:
    """What to do instead is cut off before its time, case and customer are."""
    advice = "See the documentation, ask the community, or have a partner train the users. " * 2
    declined = notice("coverage.declined", 1, clock=None, deadline=None, rule="SP-COV-HOWTO", advice=advice)
    [said] = [line for line in shown(taken(declined), MONDAY_NOON).splitlines() if "SP-COV-HOWTO" in line]
    assert said.startswith("12:00:01  case-1  Blue Lotus Clinics  not served (SP-COV-HOWTO): See the")
    assert said.endswith("…")


def test_how_it_ends_how_fast_it_runs_and_where_the_metrics_are_is_said() -> None:
    """Everything a newcomer asks next."""
    text = shown(Ledger(), MONDAY_NOON)
    assert "one hour of the plan takes 6.0 s here; opening hours are the real ones" in text
    assert "http://127.0.0.1:40157/metrics" in text
    assert "Ctrl-C ends it" in text
    assert "ends in 12 s, or with Ctrl-C" in shown(Ledger(), MONDAY_NOON, left=12 * SECOND)
    assert shown(Ledger(), MONDAY_NOON, width=80).splitlines()[-3:] == text.splitlines()[-3:]


def test_what_a_case_is_called_is_shown_as_it_is() -> None:
    """Names from Kafka are text, never markup; long ones are cut."""
    text = shown(taken(notice("sla.clock.started", 0, "[red]")), MONDAY_NOON)
    assert "[red]" in text
    assert "A Name that is much l…" in shown(taken(notice("sla.warning", 1, "case-2", level=75, remaining=1)), 0)


def test_urgency_has_a_colour_and_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Green, yellow, red by the share of time that is left; none of it where nobody wants it."""

    def coloured(now: int) -> str:
        console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=110)
        scene = view.Scene(customers={}, metrics="", speed=SPEED)
        console.print(view.frame(taken(STARTED), scene, now))
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    green, yellow, red = "\x1b\\[32m", "\x1b\\[33m", "\x1b\\[31m"
    assert re.search(rf"{green} *5\.0 s", coloured(MONDAY_NOON + SECOND))
    assert re.search(rf"{yellow} *1\.2 s", coloured(MONDAY_NOON + 48 * SECOND // 10))
    assert re.search(rf"{red} *0\.5 s", coloured(MONDAY_NOON + 55 * SECOND // 10))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search("\x1b\\[3", coloured(MONDAY_NOON + 55 * SECOND // 10))


def test_without_a_terminal_each_notice_is_a_line() -> None:
    """When, which case, whose, and what."""
    scene = view.Scene(customers=CUSTOMERS, metrics="", speed=SPEED)
    text = view.line(notice("sla.warning", 4, level=75, remaining=1.5), scene)
    assert text.plain == "12:00:04  case-1  Blue Lotus Clinics: 75 % of the time is gone, 1.5 s left"


def test_the_summary_tells_what_was_seen_and_what_stands() -> None:
    """The last word of a demo."""
    ledger = taken(STARTED, BREACHED, retraction(BREACHED))
    ledger.dead_letter()
    assert view.summary(ledger).plain.splitlines() == [
        "seen: 1 sla.breached, 1 sla.clock.started, 1 sla.retracted",
        "in the end: met 0, met too late 0, breached 0, downgrades recommended 0; taken back 1, dead letters 1",
    ]
