"""What an explanation says of the days on which people would count wrongly, and of cases that are no ordinary ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from sla_monitor.config.calendars import CalendarRule, CountryCalendars
from sla_monitor.config.closures import read_closures
from sla_monitor.config.packs import country_table
from sla_monitor.core import decide
from sla_monitor.core import facts as f
from sla_monitor.core.explain.trace import explain
from sla_monitor.core.hours import Hours
from sla_monitor.core.policy import CoverageRule, Direction, Packs
from tests.config.test_closures import ics
from tests.core.stories import AUTOMATIC, PACKS, Story, at, own_target
from tests.explain.checker import problems
from tests.oracle.differential import PACKS as BY_NIGHT

NIGHT = BY_NIGHT[True]


def explained(story: Story, packs: Packs = PACKS) -> dict[str, Any]:
    """The trace, which adds up."""
    trace = explain(story.case, packs, story.now)
    assert problems(trace) == []
    return trace


def one_count(trace: dict[str, Any]) -> dict[str, Any]:
    [life] = trace["clocks"]
    [count] = life["counts"]
    return dict(count)


def consumed(count: dict[str, Any]) -> list[tuple[str, str, float]]:
    return [(each["from"], each["to"], each["sum_seconds"]) for each in count["periods"]]


def test_a_weekend_on_which_clocks_go_forward() -> None:
    """An hour is left on Friday, three are on Monday; the hour that Sunday lacks lies outside the hours."""
    story = Story("2026-03-27 16:00")
    count = one_count(explained(story))
    assert consumed(count) == [
        ("2026-03-27T15:00:00Z", "2026-03-27T16:00:00Z", 3600),
        ("2026-03-30T07:00:00Z", "2026-03-30T10:00:00Z", 14_400),
    ]
    change = {"at": "2026-03-29T01:00:00Z", "from": "+01:00", "to": "+02:00"}
    assert count["calendar"]["offset_changes"] == [change]
    assert [day["open"] for day in count["calendar"]["days"]] == [[["09:00", "17:00"]], [], [], [["09:00", "17:00"]]]


@pytest.mark.parametrize(
    ("opened", "ends_at", "change"),
    [
        ("2026-03-29 01:30", "2026-03-29T01:30:00Z", ("2026-03-29T01:00:00Z", "+01:00", "+02:00")),
        ("2026-10-25 02:30", "2026-10-25T01:30:00Z", ("2026-10-25T01:00:00Z", "+02:00", "+01:00")),
    ],
)
def test_round_the_clock_an_hour_is_an_hour(opened: str, ends_at: str, change: tuple[str, str, str]) -> None:
    """Whatever the clock on the wall does meanwhile, both ways."""
    count = one_count(explained(Story(opened, severity="A")))
    assert count["ends_at"] == ends_at
    assert [period["seconds"] for period in count["periods"]] == [3600]
    assert count["calendar"]["offset_changes"] == [dict(zip(("at", "from", "to"), change, strict=True))]


def test_hours_that_pass_midnight_in_the_night_on_which_clocks_change() -> None:
    """They begin in the hour that is skipped; what is open is one hour less, and told as such."""
    story = Story("2026-03-26 23:00", severity="B", country="GB", zone="Europe/London", packs=NIGHT)
    trace = explained(story, NIGHT)
    count = next(life for life in trace["clocks"] if life["clock"] == "initial_response")["counts"][0]
    assert ["01:30", "06:15"] in count["calendar"]["days"][0]["open"]
    assert ["22:00", "24:00"] in count["calendar"]["days"][0]["open"]
    assert sum(each["seconds"] for each in count["periods"]) == 7 * 3600
    assert len(count["periods"]) > 2


def test_holidays_are_named_where_they_close() -> None:
    """Good Friday and Easter Monday, and the weekend between that needs no name."""
    days = one_count(explained(Story("2026-04-02 15:30")))["calendar"]["days"]
    assert [(day["date"], day.get("closings")) for day in days if not day["open"]] == [
        ("2026-04-03", [{"kind": "holiday", "name": "Good Friday", "closed": [["00:00", "24:00"]]}]),
        ("2026-04-04", None),
        ("2026-04-05", None),
        ("2026-04-06", [{"kind": "holiday", "name": "Easter Monday", "closed": [["00:00", "24:00"]]}]),
    ]


def test_a_closure_of_some_hours_is_named_to_the_second() -> None:
    """In the night on which clocks go back it may lie in the second pass of an hour; what is counted goes around it."""
    packs = closing("DTSTART:20261025T011500Z\r\nDTEND:20261025T013030Z\r\nSUMMARY:Patches", hours=((60, 300),))
    story = Story("2026-10-25 01:30", packs=packs)
    trace = explained(story, packs)
    count = one_count(trace)
    assert consumed(count) == [
        ("2026-10-24T23:30:00Z", "2026-10-25T01:15:00Z", 6_300),
        ("2026-10-25T01:30:30Z", "2026-10-25T03:45:30Z", 14_400),
    ]
    told = {"from": "2026-10-25T01:15:00Z", "to": "2026-10-25T01:30:30Z", "kind": "closure"}
    assert count["calendar"]["interruptions"] == [told | {"name": "Patches", "file": "closed.ics"}]
    count["calendar"]["interruptions"].clear()
    assert problems(trace)


def test_a_day_that_an_event_closes_is_named_beside_the_holiday_that_it_is() -> None:
    """Both would close it; leaving one out is no lie about the sum, leaving out both is."""
    packs = closing("DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Stocktaking")
    trace = explained(Story("2026-12-24 15:30", packs=packs), packs)
    day = one_count(trace)["calendar"]["days"][1]
    assert day["closings"] == [
        {"kind": "holiday", "name": "Christmas Day", "closed": [["00:00", "24:00"]]},
        {"kind": "closure", "name": "Stocktaking", "file": "closed.ics", "closed": [["00:00", "24:00"]]},
    ]
    assert (day["hours"], day["open"]) == ([["09:00", "17:00"]], [])
    day["closings"].clear()
    assert problems(trace)


def closing(event: str, hours: Hours = ((540, 1_020),)) -> Packs:
    """The built-in pack, but on a calendar that is open every day of the week and has this event."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "closed.ics")
        file.write_text(ics(event), newline="")
        rule = CalendarRule(
            rule="SP-HRS-1", hours=dict.fromkeys(range(7), hours), closures=(read_closures(file, file.name),)
        )
    found = CountryCalendars([rule], country_table())
    return Packs(versions=tuple(replace(each, calendar_for=found.calendar_for) for each in PACKS.versions))


def test_a_raise_counts_from_the_change() -> None:
    """Two counts; the second decides."""
    story = Story("2026-01-05 09:00", severity="C")
    story.tell("2026-01-05 10:00", f.SeverityChanged(severity="A"))
    trace = explained(story)
    [life] = trace["clocks"]
    assert [(count["how"], count["from"]) for count in life["counts"]] == [
        ("from_start", "2026-01-05T08:00:00Z"),
        ("from_change", "2026-01-05T09:00:00Z"),
    ]
    assert (life["decisive_count"], life["deadline"]) == (1, "2026-01-05T10:00:00Z")
    [change] = trace["changes"]
    [effect] = change["effects"]
    assert effect["rule"] == "SP-UP-CLOCK"
    assert (effect["old_deadline"], effect["new_deadline"]) == ("2026-01-05T16:00:00Z", "2026-01-05T10:00:00Z")


def test_a_raise_never_moves_a_deadline_later() -> None:
    """The first count ends earlier, and decides."""
    story = Story("2026-01-05 09:00", severity="B", plan="unified")
    story.tell("2026-01-05 10:30", f.SeverityChanged(severity="A"))
    [life] = explained(story)["clocks"]
    assert [count["ends_at"] for count in life["counts"]] == ["2026-01-05T10:00:00Z", "2026-01-05T10:30:00Z"]
    assert (life["decisive_count"], life["deadline"]) == (0, "2026-01-05T10:00:00Z")


def test_a_severity_that_returns_brings_its_deadline_back() -> None:
    """Lowered, and raised again: as if nothing had been, and the changes say so."""
    story = Story("2026-01-05 09:00", severity="B")
    story.tell("2026-01-05 09:30", f.SeverityChanged(severity="C"))
    story.tell("2026-01-05 10:00", f.SeverityChanged(severity="B"))
    trace = explained(story)
    assert one_count(trace)["ends_at"] == "2026-01-05T12:00:00Z"
    effects = [change["effects"][0] for change in trace["changes"]]
    assert [(each["how"], each["rule"]) for each in effects] == [
        ("from_start", "SP-DOWN-CLOCK"),
        ("restored", "SP-DOWN-BACK"),
    ]
    assert effects[0]["new_deadline"] == effects[1]["old_deadline"] == "2026-01-05T16:00:00Z"
    assert [each["type"] for each in trace["downgrades"]] == ["severity.restored"]


def test_after_the_deadline_a_change_does_nothing() -> None:
    """The verdict stands, and the explanation says that it does."""
    story = Story("2026-01-05 09:00", severity="A")
    story.tell("2026-01-05 11:00", f.SeverityChanged(severity="C"))
    trace = explained(story)
    [life] = trace["clocks"]
    assert life["verdict"] == {"state": "breached", "at": "2026-01-05T09:00:00Z"}
    assert [each["how"] for each in trace["changes"][0]["effects"]] == ["stands"]


def test_the_exact_second_is_late() -> None:
    """Nothing is left, and nothing is over."""
    story = Story("2026-01-05 09:00", severity="A")
    story.tell("2026-01-05 10:00", f.Responded())
    [life] = explained(story)["clocks"]
    assert life["verdict"]["state"] == "met_late"
    assert (life["verdict"]["remaining_seconds"], life["verdict"]["late_by_seconds"]) == (0, 0)
    assert life["ended_by"]["type"] == "case.responded"


def test_a_pause_counts_nothing() -> None:
    """The deadline is later by the open time of the pause; while it goes on there is none."""
    packs = pausing()
    story = Story("2026-01-05 09:00", packs=packs)
    story.tell("2026-01-05 10:00", f.WaitingOnCustomer())
    story.wake("2026-01-05 11:00")
    [life] = explained(story, packs)["clocks"]
    assert (life["deadline"], life["verdict"]["state"]) == (None, "paused")
    waits = {"source": "crm", "id": "e1", "type": "case.waiting_on_customer"}
    assert life["pauses"] == [{"from": "2026-01-05T09:00:00Z", "by": waits, "to": None, "ended_by": None}]
    story.tell("2026-01-05 16:00", f.CustomerResponded())
    trace = explained(story, packs)
    assert consumed(one_count(trace)) == [
        ("2026-01-05T08:00:00Z", "2026-01-05T09:00:00Z", 3600),
        ("2026-01-05T15:00:00Z", "2026-01-05T16:00:00Z", 7200),
        ("2026-01-06T08:00:00Z", "2026-01-06T10:00:00Z", 14_400),
    ]
    [pause] = trace["clocks"][0]["pauses"]
    assert (pause["from"], pause["to"]) == ("2026-01-05T09:00:00Z", "2026-01-05T15:00:00Z")
    assert pause["ended_by"]["type"] == "case.customer_responded"
    one_count(trace)["pauses"].clear()
    assert problems(trace)


def test_a_clock_that_is_met_in_a_pause_says_what_was_left() -> None:
    """And a deadline, as if the pause had ended then."""
    packs = pausing()
    story = Story("2026-01-05 09:00", packs=packs)
    story.tell("2026-01-05 10:00", f.WaitingOnCustomer())
    story.tell("2026-01-05 12:00", f.Responded())
    [life] = explained(story, packs)["clocks"]
    assert (life["deadline"], life["verdict"]["state"]) == ("2026-01-05T14:00:00Z", "met")
    assert life["verdict"]["remaining_seconds"] == 3 * 3600


def test_a_version_that_takes_the_case_over_is_told_like_a_change() -> None:
    """What was used up under the old version is kept, each count says whose rules it is by, and so does each rule that
    said something else before.
    """
    first = PACKS.versions[-1]
    later = replace(
        first,
        version="later",
        effective_from=at("2026-01-05 10:00"),
        open_cases="keep_elapsed",
        clauses={**first.clauses, "SP-B": "Twice the time."},
        clocks=tuple(
            replace(clock, targets=tuple(replace(each, target=2 * each.target) for each in clock.targets))
            for clock in first.clocks
        ),
    )
    packs = Packs(versions=(first, later))
    story = Story("2026-01-05 09:00", packs=packs)
    story.wake("2026-01-05 11:00")
    trace = explained(story, packs)
    [life] = trace["clocks"]
    assert [(count["policy"], count["credit_seconds"]) for count in life["counts"]] == [
        (first.version, 0),
        ("later", 3600),
    ]
    assert life["deadline"] == "2026-01-05T16:00:00Z"
    [change] = trace["changes"]
    assert (change["fields"], change["by"]) == ({"policy": [first.version, "later"]}, None)
    [effect] = change["effects"]
    assert (effect["how"], effect["old_deadline"]) == ("keep_elapsed", "2026-01-05T12:00:00Z")
    assert trace["rules"]["SP-B"]["clause"] == "Twice the time."
    assert trace["rules"]["SP-B"]["earlier"] == {first.version: first.clauses["SP-B"]}


def test_a_silence_that_a_new_version_ends_in_its_instant_is_counted_by_that_version() -> None:
    """The limit is shorter now, and had passed: it is broken when the version comes, by the version's terms."""
    first = PACKS.versions[-1]
    silences = tuple(replace(each, limit=1_800_000_000) for each in first.commitment.silences)
    later = replace(
        first,
        version="later",
        effective_from=at("2026-01-05 12:00"),
        open_cases="keep_elapsed",
        commitment=replace(first.commitment, silences=silences),
    )
    packs = Packs(versions=(first, later))
    story = Story("2026-01-05 09:00", packs=packs)
    story.tell("2026-01-05 10:00", f.WaitingOnCustomer())
    story.wake("2026-01-05 13:00")
    [silence] = explained(story, packs)["silences"]
    assert (silence["count"]["policy"], silence["count"]["ends_at"]) == ("later", "2026-01-05T09:30:00Z")
    assert silence["verdict"]["at"] == silence["not_before"] == silence["deadline"] == "2026-01-05T11:00:00Z"


def test_a_clock_that_starts_again_has_several_lives() -> None:
    """One for each event that starts it, each with its own deadline."""
    packs = pausing(starts=frozenset({"case.customer_responded"}))
    story = Story("2026-01-05 09:00", packs=packs)
    for hour in (10, 12):
        story.tell(f"2026-01-05 {hour}:00", f.CustomerResponded())
        story.tell(f"2026-01-05 {hour}:30", f.Responded())
    lives = explained(story, packs)["clocks"]
    assert [life["started_at"] for life in lives] == ["2026-01-05T09:00:00Z", "2026-01-05T11:00:00Z"]
    assert [life["verdict"]["state"] for life in lives] == ["met", "met"]


def test_a_change_in_the_instant_in_which_the_clock_ends_is_told_of_it() -> None:
    """Lowered, raised again and answered in that instant: the deadline is where the raise has left it."""
    story = Story("2026-01-05 09:00")
    story.tell("2026-01-05 09:30", f.SeverityChanged(severity="C"))
    story.tell("2026-01-05 10:00", f.SeverityChanged(severity="B"), sequence=1)
    story.tell("2026-01-05 10:00", f.Responded(), sequence=2)
    story.tell("2026-01-05 10:00", f.SeverityChanged(severity="A"), sequence=3)
    trace = explained(story)
    [life] = trace["clocks"]
    assert (life["deadline"], life["ended_at"]) == ("2026-01-05T12:00:00Z", "2026-01-05T09:00:00Z")
    effects = [change["effects"][0] for change in trace["changes"]]
    assert [(each["how"], each["run"]) for each in effects] == [("from_start", 1), ("restored", 1), ("stands", 1)]
    effects[1]["new_deadline"] = effects[2]["old_deadline"] = "2026-01-05T12:30:00Z"
    assert problems(trace)


def test_a_change_is_told_of_the_run_it_is_about() -> None:
    """A clock that is changed, stopped, started and changed again in one instant: two runs, a change for each."""
    packs = pausing(starts=frozenset({"case.customer_responded"}))
    story = Story("2026-01-05 09:00", packs=packs)
    story.tell("2026-01-05 10:00", f.CustomerResponded())
    told: list[f.Body] = [
        f.PlanChanged(plan="unified"),
        f.Responded(),
        f.CustomerResponded(),
        f.SeverityChanged(severity="A"),
    ]
    for number, body in enumerate(told):
        story.tell("2026-01-05 10:30", body, sequence=number)
    trace = explained(story, packs)
    assert [(life["run"], life["deadline"]) for life in trace["clocks"]] == [
        (1, "2026-01-05T11:30:00Z"),
        (2, "2026-01-05T10:30:00Z"),
    ]
    effects = [(each["run"], each["new_deadline"]) for change in trace["changes"] for each in change["effects"]]
    assert effects == [(1, "2026-01-05T11:30:00Z"), (2, "2026-01-05T10:30:00Z")]


def test_a_clock_that_one_fact_starts_and_ends_is_told_too() -> None:
    """The change that starts it leaves the case without service: a run of no length, without a verdict."""
    packs = pausing(starts=frozenset({"case.labels_changed"}))
    story = Story("2026-01-05 09:00", packs=declining(packs))
    story.tell("2026-01-05 10:00", f.LabelsChanged(product="sales"))
    trace = explained(story, declining(packs))
    [life] = trace["clocks"]
    assert (life["started_at"], life["ended_at"], life["verdict"]["state"]) == (
        "2026-01-05T09:00:00Z",
        "2026-01-05T09:00:00Z",
        "cancelled",
    )
    assert [each["how"] for each in trace["changes"][0]["effects"]] == ["started", "ended"]


def test_a_pause_of_no_length_is_told() -> None:
    """It moves nothing, but in its instant there was no deadline to move."""
    packs = pausing()
    story = Story("2026-01-05 09:00", packs=packs)
    told: list[f.Body] = [f.WaitingOnCustomer(), f.SeverityChanged(severity="C"), f.CustomerResponded()]
    for number, body in enumerate(told):
        story.tell("2026-01-05 10:00", body, sequence=number)
    trace = explained(story, packs)
    [life] = trace["clocks"]
    assert [(each["from"], each["to"]) for each in life["pauses"]] == [("2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z")]
    assert life["deadline"] == "2026-01-05T16:00:00Z"
    effect = trace["changes"][0]["effects"][0]
    assert (effect["clock"], effect["old_deadline"], effect["new_deadline"]) == ("initial_response", None, None)


def declining(packs: Packs) -> Packs:
    """The same, but that nothing of the product `sales` is served."""
    rule = CoverageRule(rule="SP-COV-TIERS", when=(("product", frozenset({"sales"})),), outcome="declined")
    return Packs(versions=tuple(replace(each, coverage=(rule, *each.coverage)) for each in packs.versions))


def pausing(**changes: Any) -> Packs:
    """The built-in pack, but that its clock pauses while support waits on the customer."""
    waits = {"pauses": frozenset({"case.waiting_on_customer"}), "resumes": frozenset({"case.customer_responded"})}
    return Packs(
        versions=tuple(
            replace(each, clocks=tuple(replace(clock, **(waits | changes)) for clock in each.clocks))
            for each in PACKS.versions
        )
    )


def test_a_target_of_the_case_itself_is_told_as_such() -> None:
    """SP-UNI: not the pack's."""
    target = one_count(explained(Story("2026-01-05 09:00", targets=own_target(3))))["target"]
    assert (target["rule"], target["source"], target["seconds"]) == ("SP-UNI", "case", 10_800)
    assert target["because"] == {"targets": {"initial_response": 10_800}}


def test_rules_say_what_they_asked_for() -> None:
    """Fields of the case with its values; where a rule is for all others, none."""
    trace = explained(Story("2026-01-05 09:00", plan="unified"))
    count = one_count(trace)
    assert count["target"]["because"] == {"severity": "B", "plan": "unified"}
    assert (count["hours"]["rule"], count["hours"]["because"]) == ("SP-LANG-LOC", {})
    assert count["calendar"]["rule"] == "SP-HRS-1"
    assert trace["rules"]["SP-B"]["origin"] == "stated"
    assert {"SP-B", "SP-LANG-LOC", "SP-HRS-1", "SP-COV-TIERS"} <= trace["rules"].keys()


def test_a_target_that_no_calendar_reaches_ends_with_the_calendars() -> None:
    """The sum is less than the target, and it is said."""
    count = one_count(explained(Story("2099-01-05 09:00", targets=own_target(10 * 365 * 24))))
    assert not count["reaches_target"]
    assert count["ends_at"] == "2106-01-01T00:00:00Z"


def test_a_count_of_two_months_is_told_date_by_date() -> None:
    """And a longer one in weeks: its first and last ones date by date, and what is otherwise between them."""
    short = one_count(explained(Story("2026-01-05 09:00", targets=own_target(44 * 8))))
    assert "stretches" not in short["calendar"]
    assert len(short["calendar"]["days"]) == 60
    assert len(short["periods"]) == 44
    long = one_count(explained(Story("2026-01-05 09:00", targets=own_target(60 * 8))))
    week = {day: [["09:00", "17:00"]] for day in ("Mon", "Tue", "Wed", "Thu", "Fri")} | {"Sat": [], "Sun": []}
    assert long["calendar"]["stretches"] == [{"from": "2026-01-12", "to": "2026-03-20", "dates": 68, "week": week}]
    assert [day["date"][5:] for day in long["calendar"]["days"]][6:8] == ["01-11", "03-21"]
    assert [each.get("periods", 1) for each in long["periods"]] == [*[1] * 10, 40, *[1] * 10]
    assert long["periods"][10] == {
        "from": "2026-01-19T08:00:00Z",
        "to": "2026-03-13T16:00:00Z",
        "periods": 40,
        "seconds": 40 * 28_800,
        "sum_seconds": 50 * 28_800,
    }


@pytest.mark.parametrize(("how", "due"), [("keep_elapsed", "11:00"), ("from_start", "09:00")])
def test_a_pause_in_which_a_promise_is_broken_ends_there(how: str, due: str) -> None:
    """Two hours were used, one is promised from noon on (11:00 in UTC); nothing is counted to where calendars end."""
    clock = PACKS.versions[0].clocks[0]
    packs = pausing(changes=replace(clock.changes, raised=Direction(how=how)))
    story = Story("2026-01-05 09:00", packs=packs, language="de")
    story.tell("2026-01-05 11:00", f.WaitingOnCustomer())
    story.tell("2026-01-05 12:00", f.SeverityChanged(severity="A"))
    story.wake("2026-01-07 12:00")
    [life] = explained(story, packs)["clocks"]
    assert (life["deadline"], life["verdict"]["state"]) == (f"2026-01-05T{due}:00Z", "breached")
    [pause] = life["pauses"]
    assert (pause["to"], pause["ended_by"]["type"]) == ("2026-01-05T11:00:00Z", "case.severity_changed")


def test_a_pause_of_years_is_one_entry() -> None:
    """Whatever was open in it did not count."""
    story = Story("2026-01-05 09:00", packs=pausing())
    story.tell("2026-01-05 10:00", f.WaitingOnCustomer())
    story.tell("2029-01-08 10:00", f.CustomerResponded())
    count = one_count(explained(story, story.packs))
    pause = {"from": "2026-01-12", "to": "2029-01-01", "dates": 1_086, "paused": True}
    assert count["calendar"]["stretches"] == [pause]
    assert len(count["periods"]) == 2


def test_periods_are_not_told_together_across_a_change_that_keeps_them() -> None:
    """So that what was used up until then can be read."""
    clock = PACKS.versions[0].clocks[0]
    changes = replace(clock.changes, raised=Direction(how="keep_elapsed"))
    packs = pausing(changes=changes, targets=tuple(replace(each, target=100 * each.target) for each in clock.targets))
    story = Story("2026-01-05 09:00", packs=packs, severity="C", plan="standard")
    story.tell("2026-02-16 12:00", f.SeverityChanged(severity="B"))
    [first, second] = explained(story, packs)["clocks"][0]["counts"]
    assert "stretches" in first["calendar"]
    before = [each for each in first["periods"] if each["to"] <= second["from"]]
    [within] = [each for each in first["periods"] if each["from"] < second["from"] < each["to"]]
    assert "periods" not in within
    assert before[-1]["sum_seconds"] + 3 * 3_600 == second["credit_seconds"]


def test_a_silence_is_counted_like_a_clock() -> None:
    """And broken at its limit."""
    story = Story("2026-01-05 09:00")
    story.tell("2026-01-05 15:00", f.WaitingOnCustomer())
    story.wake("2026-01-06 18:00")
    trace = explained(story)
    [silence] = trace["silences"]
    assert silence["deadline"] == silence["verdict"]["at"] == "2026-01-06T14:00:00Z"
    assert [period["sum_seconds"] for period in silence["count"]["periods"]] == [7_200, 28_800]
    assert silence["verdict"]["state"] == "broken"
    assert trace["downgrades"][0]["evidence"]["silence_seconds"] == 28_800


def test_a_silence_that_attempts_have_used_or_that_leads_nowhere() -> None:
    """Each says why no limit is waited for."""
    story = Story("2026-01-05 09:00")
    story.tell("2026-01-05 10:00", f.WaitingOnCustomer())
    for hour in (11, 12, 13):
        story.tell(f"2026-01-05 {hour}:00", f.ContactAttempted(reached=False))
    assert explained(story)["silences"][0]["verdict"]["state"] == "used_by_attempts"
    story = Story("2026-01-05 09:00", severity="C")
    story.tell("2026-01-05 10:00", f.WaitingOnCustomer())
    silence = explained(story)["silences"][0]
    assert (silence["deadline"], silence["verdict"]["state"]) == (None, "nothing_follows")


def test_a_downgrade_without_asking_is_a_change_by_time() -> None:
    """No event has made it, the pack has; the clock then counts as that severity does."""
    story = Story("2026-01-05 09:00", packs=AUTOMATIC, severity="A", targets=own_target(9))
    story.tell("2026-01-05 10:00", f.WaitingOnCustomer())
    story.wake("2026-01-05 13:00")
    trace = explained(story, AUTOMATIC)
    [change] = trace["changes"]
    assert (change["at"], change["by"], change["fields"]) == ("2026-01-05T11:00:00Z", None, {"severity": ["A", "B"]})
    [life] = trace["clocks"]
    assert life["counts"][0]["calendar"]["name"].startswith("SP-HRS-1")
    assert trace["silences"][0]["verdict"]["state"] == "broken"


def test_what_a_pack_does_not_send_is_explained_all_the_same() -> None:
    """Verdicts do not hang on notices."""
    quiet = {"sla.clock.started", "sla.breached", "sla.met", "sla.clock.stopped"}
    packs = Packs(versions=tuple(replace(each, switched_off=frozenset(quiet)) for each in PACKS.versions))
    story = Story("2026-01-05 09:00", packs=packs, severity="A")
    story.wake("2026-01-05 12:00")
    [life] = explained(story, packs)["clocks"]
    assert life["verdict"]["state"] == "breached"


def test_a_case_that_is_not_served_says_by_which_rule() -> None:
    """No clock, a reason, what to do instead."""
    trace = explained(Story("2026-01-05 09:00", submitted_by="end_user"))
    assert (trace["status"], trace["clocks"]) == ("declined", [])
    assert trace["coverage"]["rule"] == "SP-ELIG-USER"
    assert trace["coverage"]["because"] == {"submitted_by": "end_user"}
    assert trace["coverage"]["advice"]


def test_a_case_that_nothing_has_opened_lists_what_waits() -> None:
    """Nothing is counted."""
    story = Story(None)
    story.tell("2026-01-05 09:00", f.Responded())
    trace = explain(story.case, PACKS, story.now)
    assert trace["status"] == "never_opened"
    assert [each["by"]["type"] for each in trace["waiting_events"]] == ["case.responded"]


def test_a_fact_that_was_withdrawn_explains_nothing() -> None:
    """As if it had not been."""
    story = Story("2026-01-05 09:00", severity="C")
    story.tell("2026-01-05 10:00", f.SeverityChanged(severity="A"), identity="wrong")
    story.tell("2026-01-05 10:10", f.FactWithdrawn(source="crm", id="wrong"))
    trace = explained(story)
    assert (trace["changes"], len(trace["clocks"][0]["counts"])) == ([], 1)


def test_folded_history_is_told_by_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case too long to be kept whole still has its deadline, and says since when it is known."""
    monkeypatch.setattr(decide, "FACTS_MAX", 4)
    story = Story("2026-01-05 09:00", severity="C")
    for minute in range(10, 20):
        story.tell(f"2026-01-05 09:{minute}", f.WorkStarted(engineer=str(minute)))
    trace = explained(story)
    assert trace["history_folded_before"] is not None
    assert trace["clocks"][0]["deadline"] == "2026-01-05T16:00:00Z"


def test_a_reopened_case_has_a_clock_for_each_generation() -> None:
    """Each with its own beginning and verdict."""
    story = Story("2026-01-05 09:00", severity="A")
    story.tell("2026-01-05 09:30", f.Closed())
    story.tell("2026-01-06 09:00", f.ReopenRequested(fingerprint=()))
    trace = explained(story)
    assert [(life["generation"], life["verdict"]["state"]) for life in trace["clocks"]] == [(1, "met"), (2, "running")]
    assert trace["clocks"][1]["started_at"] == "2026-01-06T08:00:00Z"
