"""The lines of debug level: what was committed, traceable to the event, and nothing that is nobody's business."""

from __future__ import annotations

import io
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sla_monitor.core.times import iso
from sla_monitor.engine import canonical
from sla_monitor.engine.records import Batch
from sla_monitor.observe import logs
from tests.calls import calls_during
from tests.engine.feeding import A_CASE, NINE, Fed, clock, event

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PAGE = Path(__file__).parents[2] / "docs/logs.md"


pytestmark = pytest.mark.usefixtures("logging_as_before")


def told(level: str, *batches: Batch) -> list[dict[str, Any]]:
    """The lines, as a program reads them."""
    stream = io.StringIO()
    logs.configure("json", level, stream)
    for batch in batches:
        canonical.tell(3, batch, 0.0123456789, -0.5)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def opening(case_id: str, **attributes: str) -> bytes:
    said = event(case_id, "case.opened", NINE, "o", **A_CASE, customer="Alpenfracht", queue="finance")
    return json.dumps(json.loads(said) | attributes).encode()


def a_busy_hour() -> Fed:
    """A case that is opened with a trace and breached, another without one that is answered, a record of nonsense, and
    an answer to the first one that was in time and is told too late.
    """
    fed = Fed()
    fed.fold(b"case-1", opening("case-1", traceparent=f"00-{TRACE}-{SPAN}-01"))
    fed.take()
    fed.fold(b"case-2", opening("case-2"))
    fed.tell("case-2", "case.responded", NINE + 1)
    fed.fold(b"case-3", b"{nonsense of Alpenfracht")
    fed.take()
    fed.wait(clock(2))
    fed.tell("case-1", "case.responded", clock(0, 30))
    return fed


def test_a_transaction_its_decisions_and_its_dead_letters_are_lines() -> None:
    """As many as were committed, in that order, with the numbers of the batch."""
    batches = [each for each in a_busy_hour().batches if not each.is_empty]
    lines = told("debug", *batches)
    assert [line["event"] for line in lines] == [
        name
        for batch in batches
        for name in ("transaction", *["decision"] * len(batch.notices), *["dead letter"] * len(batch.dead))
    ]
    first = lines[0]
    assert (first["partition"], first["events"], first["applied"]) == (3, 1, 0)
    assert (first["seconds"], first["skew_seconds"]) == (0.012346, -0.5)
    assert (first["rows"], first["notices"]) == (len(batches[0].rows), len(batches[0].notices))
    [dead] = [line for line in lines if line["event"] == "dead letter"]
    assert (dead["reason"], dead["offset"]) == ("not_json", 3)


def test_a_decision_has_the_trace_of_the_event_that_caused_it() -> None:
    """And what is about which promise. What time decided has none: no event caused it."""
    decisions = [line for line in told("debug", *a_busy_hour().batches) if line["event"] == "decision"]
    [started] = [line for line in decisions if line["type"] == "sla.clock.started" and line["case_id"] == "case-1"]
    assert (started["trace_id"], started["span_id"], started["by_timer"]) == (TRACE, SPAN, False)
    [breach] = [line for line in decisions if line["type"] == "sla.breached"]
    assert (breach["case_id"], breach["clock"], breach["at"]) == ("case-1", "initial_response", iso(clock(1)))
    assert (breach["by_timer"], breach["promised"], breach["generation"]) == (True, True, 1)
    assert re.fullmatch(r"[\w-]+/[\w.-]+", breach["policy"])
    assert {line["type"] for line in decisions if "trace_id" in line} == {"sla.clock.started"}
    withdrawn = {line["retracted_type"] for line in decisions if line["type"] == "sla.retracted" and line["corrects"]}
    assert "sla.breached" in withdrawn


@pytest.mark.parametrize("traceparent", ["", "x", "00-secret-text-01", f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-01\n"])
def test_what_is_no_trace_is_not_repeated(traceparent: str) -> None:
    """Whatever a producer writes there."""
    opened = opening("case-1", traceparent=traceparent)
    fed = Fed()
    fed.fold(b"case-1", opened)
    fed.take()
    decisions = [line for line in told("debug", *fed.batches) if line["event"] == "decision"]
    assert decisions
    assert [line for line in decisions if "trace_id" in line] == []


def test_no_line_repeats_what_an_event_said_of_anybody() -> None:
    """The id of the case is all."""
    lines = told("debug", *a_busy_hour().batches)
    assert lines
    assert "Alpenfracht" not in json.dumps(lines)
    assert "nonsense" not in json.dumps(lines)


def test_the_page_lists_every_field() -> None:
    """And none that is not there. What stands in every line of the log is listed before."""
    rows = re.findall(
        r"^\| ((?:`\w+` ?)+)\| (all|transaction|decision|dead letter) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )
    listed = {(name, where) for names, where in rows for name in re.findall(r"\w+", names)}
    said = {
        (name, "all" if name in {"event", "partition"} else line["event"])
        for line in told("debug", *a_busy_hour().batches)
        for name in line.keys() - {"timestamp", "level", "logger"}
    }
    assert said == listed


def test_nothing_is_worked_out_while_the_level_is_off() -> None:
    """As many calls for two hundred decisions as for none."""
    fed = Fed()
    for number in range(200):
        fed.fold(f"case-{number}".encode(), opening(f"case-{number}"))
    fed.take()
    [full] = fed.batches
    assert len(full.notices) >= 200
    assert told("info", full) == []
    empty = Batch()
    calls = [calls_during(partial(canonical.tell, 3, each, 0.1, None)) for each in (full, empty)]
    assert calls[0] == calls[1]
