"""Adds an explanation up, without any code of the product: `problems` of a trace as data, none if all of it is true.

Wall times become instants here by `zoneinfo` alone; what is open is what the days of the trace say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

Trace = dict[str, Any]
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WHOLE = [["00:00", "24:00"]]
STILL = {"stands", "ended"}  # what moves no deadline
HORIZON = "2106-01-01T00:00:00Z"  # where calendars end
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def at(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


def micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def walls(pairs: Iterable[list[str]]) -> list[tuple[int, int]]:
    """Minutes of a day."""
    return [(int(one[:2]) * 60 + int(one[3:]), int(other[:2]) * 60 + int(other[3:])) for one, other in pairs]


def dates(first: str, last: str) -> Iterator[date]:
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    return (begins + timedelta(days=number) for number in range((ends - begins).days + 1))


def every_day(calendar: Trace) -> list[Trace]:
    """Those told one by one, and those of stretches of like ones, each as its weekday says; in a pause none is open."""
    days: list[Trace] = list(calendar["days"])
    alone = {day["date"] for day in days}
    for stretch in calendar.get("stretches", []):
        for day in dates(stretch["from"], stretch["to"]):
            if day.isoformat() not in alone:
                hours = [] if "paused" in stretch else stretch["week"].get(WEEKDAYS[day.weekday()], [])
                days.append({"date": day.isoformat(), "open": hours})
    return sorted(days, key=itemgetter("date"))


def of_stretches(count: Trace) -> Iterator[str]:
    """Each stands for as many dates as it says, of weekdays that it knows, and what is paused is wholly so."""
    calendar = count["calendar"]
    alone = {day["date"] for day in calendar["days"]}
    for stretch in calendar.get("stretches", []):
        told = [day for day in dates(stretch["from"], stretch["to"]) if day.isoformat() not in alone]
        if len(told) != stretch["dates"] or {stretch["from"], stretch["to"]} & alone:
            yield "a stretch does not stand for as many dates as it says, from its first to its last"
        if "week" in stretch and not {WEEKDAYS[day.weekday()] for day in told} <= stretch["week"].keys():
            yield "a stretch does not say of each of its weekdays what is open"
        if "paused" in stretch:
            zone = ZoneInfo(calendar["zone"])
            edges = (date.fromisoformat(stretch["from"]), date.fromisoformat(stretch["to"]) + timedelta(days=1))
            midnights = (datetime.combine(day, datetime.min.time(), zone) for day in edges)
            begins, ends = ((midnight - EPOCH) // MICROSECOND for midnight in midnights)
            if not any(at(pause["from"]) <= begins and ends <= at(pause["to"]) for pause in count["pauses"]):
                yield "a stretch is not within a pause"


def closed(day: Trace) -> list[list[str]]:
    return [pair for closing in day.get("closings", []) for pair in closing["closed"]]


def opened(calendar: Trace, start: int, end: int) -> list[tuple[int, int]]:
    """What is open in a span, by the hours that the trace states and all that it says was closed."""
    if calendar["always_open"]:
        return [(start, end)] if start < end else []
    zone, found = ZoneInfo(calendar["zone"]), list[tuple[int, int]]()
    cuts = [(at(each["from"]), at(each["to"])) for each in calendar["interruptions"]]
    for day in every_day(calendar):
        midnight = datetime.combine(date.fromisoformat(day["date"]), datetime.min.time(), zone)
        for place, pairs in ((found, day["hours" if "hours" in day else "open"]), (cuts, closed(day))):
            for wall in walls(pairs):  # on the wall, not elapsed
                opens, closes = ((midnight + timedelta(minutes=each) - EPOCH) // MICROSECOND for each in wall)
                place.append((opens, closes))
    return without(joined((max(opens, start), min(closes, end)) for opens, closes in found), cuts)


def joined(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, those that touch as one."""
    joined: list[tuple[int, int]] = []
    for opens, closes in sorted(intervals):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        elif opens < closes:
            joined.append((opens, closes))
    return joined


def without(intervals: list[tuple[int, int]], cuts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Both in order, so that each is gone through once: a clock paused for good counts to where calendars end."""
    left, cuts, place = list[tuple[int, int]](), joined(cuts), 0
    for opens, closes in intervals:
        while place < len(cuts) and cuts[place][0] < closes:
            begins, ends = cuts[place]
            if opens < begins:
                left.append((opens, begins))
            opens = max(opens, ends)  # noqa: PLW2901 - what is left of it
            if ends > closes:
                break  # it reaches into the next one
            place += 1
        if opens < closes:
            left.append((opens, closes))
    return left


def without_pauses(intervals: list[tuple[int, int]], pauses: list[Trace]) -> list[tuple[int, int]]:
    return without(intervals, [(at(pause["from"]), at(pause["to"])) for pause in pauses])


def of_days(days: list[Trace]) -> Iterator[str]:
    """What a date has open is its hours less what closes it, and holidays close all of it."""
    for day in days:
        if walls(day["open"]) != without(joined(walls(day["hours" if "hours" in day else "open"])), walls(closed(day))):
            yield "a day is not open as its hours and closings say"
        if any(each["kind"] == "holiday" and each["closed"] != WHOLE for each in day.get("closings", [])):
            yield "a holiday closes a part of a day"


def of_periods(count: Trace, periods: list[tuple[int, int]]) -> Iterator[str]:
    """All that are open, in order, some of them told as so many together."""
    place, total = 0, micros(count["credit_seconds"])
    for each in count["periods"]:
        group = periods[place : place + each.get("periods", 1)]
        place += each.get("periods", 1)
        if not group or (at(each["from"]), at(each["to"])) != (group[0][0], group[-1][1]):
            yield "the periods are not what the days have open"
        spent = sum(closes - opens for opens, closes in group)
        total += spent
        if micros(each["seconds"]) != spent or micros(each["sum_seconds"]) != total:
            yield "a period's length or the running sum is wrong"
    if place != len(periods):
        yield "the periods are not all that the days have open"


def of_count(count: Trace) -> Iterator[str]:
    """The days follow each other; every open period is consumed, in order, whole; the sum is the target."""
    start, end, calendar = at(count["from"]), at(count["ends_at"]), count["calendar"]
    if not calendar["always_open"]:
        zone, days = ZoneInfo(calendar["zone"]), [date.fromisoformat(day["date"]) for day in every_day(calendar)]
        first, last = (datetime.fromisoformat(count[name]).astimezone(zone).date() for name in ("from", "ends_at"))
        if calendar["name"].rpartition(":")[2] != calendar["zone"]:
            yield "the zone is not the calendar's"
        if days != [first + timedelta(days=number) for number in range((last - first).days + 1)]:
            yield "the days are not those from the first to the last"
    yield from of_days(calendar["days"])
    yield from of_stretches(count)
    periods = without_pauses(opened(calendar, start, end), count["pauses"])
    yield from of_periods(count, periods)
    total = micros(count["credit_seconds"]) + sum(closes - opens for opens, closes in periods)
    wanted, is_cut = micros(count["target"]["seconds"]), count["ends_at"] == HORIZON
    if micros(count["sum_seconds"]) != total or not (total == wanted or (is_cut and total < wanted)):
        yield "the sum is not the target"
    if count["reaches_target"] != (total == wanted):
        yield "it does not say whether it reaches the target"
    if end != (periods[-1][1] if periods else start) and not is_cut:
        yield "it does not end where the last period ends"


def of_clock(life: Trace) -> Iterator[str]:
    """The counts lead from one to the next, and the last word is the deadline."""
    due, before = None, None
    for count in life["counts"]:
        yield from of_count(count)
        start, end, credit = at(count["from"]), at(count["ends_at"]), micros(count["credit_seconds"])
        if before is None or due is None:
            if start != at(life["started_at"]) or credit or count["how"] != "from_start":
                yield "the first count is not from the start"
            due = end
        elif not at(before["from"]) <= start < due:
            yield "a count begins after the deadline, or before the one before it"
        elif count["how"] == "keep_elapsed":
            spent = without_pauses(opened(before["calendar"], at(before["from"]), start), before["pauses"])
            used = micros(before["credit_seconds"]) + sum(closes - opens for opens, closes in spent)
            if credit != min(used, micros(count["target"]["seconds"])):
                yield "what was used up before is not kept"
            due = end
        elif credit or count["how"] != "from_change":
            yield "a count from a change keeps something"
        else:
            due = min(due, end)  # a raise never moves a deadline later
        before = count
    yield from of_deadline(life, due)


def of_deadline(life: Trace, due: int | None) -> Iterator[str]:
    """What the clock says of itself is what its counts say."""
    if (life["deadline"] is None) != (life["verdict"]["state"] == "paused"):
        yield "a clock has no deadline while it is paused, and one otherwise"
    if life["deadline"] is not None and due != at(life["deadline"]):
        yield "the deadline is not where the counts end"
    if at(life["counts"][life["decisive_count"]]["ends_at"]) != due:
        yield "the decisive count does not end at the deadline"
    told = [at(pause["from"]) for pause in life["pauses"]]
    if any(
        at(pause["from"]) not in [*told, at(count["from"])] for count in life["counts"] for pause in count["pauses"]
    ):
        yield "a count pauses where the clock did not"


def of_silence(silence: Trace) -> Iterator[str]:
    """Counted from when it began; never broken before its terms held."""
    yield from of_count(silence["count"])
    if silence["count"]["from"] != silence["since"] or silence["count"]["credit_seconds"]:
        yield "a silence is not counted from when it began"
    due = max(at(silence["count"]["ends_at"]), at(silence["not_before"]))
    if silence["deadline"] is not None and at(silence["deadline"]) != due:
        yield "the limit of a silence is not where its count ends"


def of_changes(trace: Trace) -> Iterator[str]:
    """A count begins where the case changed; what a change did to a run goes on where the change before had left it,
    and where the last one left the deadline, there it is.
    """
    runs = {(each["clock"], each["run"]): each for each in [*trace["clocks"], *trace["silences"]]}
    if len(runs) < len(trace["clocks"]) + len(trace["silences"]):
        yield "two runs of a clock have one number"
    for run, life in runs.items():
        told = [
            (at(change["at"]), effect)
            for change in trace["changes"]
            for effect in change["effects"]
            if (effect["clock"], effect["run"]) == run
        ]
        if not trace["history_folded_before"]:
            yield from of_beginnings(trace["changes"], run, life.get("counts", []))
        stops = [(at(each["from"]), at(each["to"] or HORIZON)) for each in life.get("pauses", [])]
        for (before, one), (after, other) in pairwise(told):
            is_apart = any(begins <= after and before <= ends for begins, ends in stops)  # a pause moves it too
            if not is_apart and other["old_deadline"] != one["new_deadline"]:
                yield "a change does not go on where the one before had left the deadline"
        if any(each["how"] in STILL and each["old_deadline"] != each["new_deadline"] for _, each in told):
            yield "what moves nothing has moved a deadline"
        if told and all(ends < told[-1][0] for _, ends in stops) and told[-1][1]["new_deadline"] != life["deadline"]:
            yield "the deadline is not where the last change left it"


def of_beginnings(changes: list[Trace], run: tuple[str, int], counts: list[Trace]) -> Iterator[str]:
    """Each count after the first begins with a change that did something to its run, and each with another one."""
    made = [count["change"] for count in counts]
    if made[:1] not in ([], [None]) or None in made[1:] or len(set(made)) < len(made):
        yield "a count is of no change, or of one that has made another"
        return
    for count, index in zip(counts[1:], made[1:], strict=True):
        done = [each["how"] for each in changes[index]["effects"] if (each["clock"], each["run"]) == run]
        if count["from"] != changes[index]["at"] or not {*done} - {*STILL, "started"}:
            yield "a count begins where nothing changed"


def problems(trace: Trace) -> list[str]:
    clocks = list(of_changes(trace))
    clocks += [f"{life['clock']}: {found}" for life in trace["clocks"] for found in of_clock(life)]
    return clocks + [f"silence: {found}" for silence in trace["silences"] for found in of_silence(silence)]
