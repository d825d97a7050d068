"""Ways to falsify an explanation. Each gives false copies of a trace: one for each place it applies to."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any

from tests.explain.checker import STILL

Trace = dict[str, Any]
Change = Callable[[Trace], bool | None]  # made in place; False: there is nothing to falsify here
FAR_ZONE = {True: "Etc/GMT-14", False: "Etc/GMT+12"}


def moved(text: str, microseconds: int) -> str:
    return (datetime.fromisoformat(text) + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")


def dropped(which: int) -> Change:
    def change(count: Trace) -> bool:
        periods = count["periods"]
        return bool(periods) and bool(periods.pop(which % len(periods)))

    return change


def shifted(which: int, edge: str, by: int) -> Change:
    def change(count: Trace) -> bool:
        if count["periods"]:
            period = count["periods"][which % len(count["periods"])]
            period[edge] = moved(period[edge], by)
        return bool(count["periods"])

    return change


def swapped(count: Trace) -> bool:
    periods = count["periods"]
    if len(periods) < 2:
        return False
    periods[0], periods[1] = periods[1], periods[0]
    return True


def twice(count: Trace) -> bool:
    periods = count["periods"]
    periods[:1] = [*periods[:1], *copy.deepcopy(periods[:1])]
    return bool(periods)


def split(count: Trace) -> bool:
    """One period told as two that touch."""
    if not count["periods"] or count["periods"][0]["seconds"] < 2:
        return False
    first = count["periods"][0]
    middle = moved(first["from"], 1_000_000)
    one = {**first, "to": middle, "seconds": 1, "sum_seconds": count["credit_seconds"] + 1}
    count["periods"][:1] = [one, {**first, "from": middle, "seconds": first["seconds"] - 1}]
    return True


def wrong_number(*path: str | int, by: float = 1) -> Change:
    def change(count: Trace) -> bool:
        place: Any = count
        for step in path[:-1]:
            if place == []:
                return False
            place = place[step]
        place[path[-1]] += by
        return True

    return change


def moved_together(by: int) -> Change:
    """The end, with the last period and the sums: all agree with each other, and none with the target."""

    def change(count: Trace) -> bool:
        if not count["periods"] or (by < 0 and count["periods"][-1]["seconds"] * 1_000_000 <= -by):
            return False
        last, seconds = count["periods"][-1], by / 1_000_000
        last["to"] = count["ends_at"] = moved(count["ends_at"], by)
        last["seconds"] += seconds
        last["sum_seconds"] += seconds
        count["sum_seconds"] += seconds
        return True

    return change


def day_left_out(count: Trace) -> bool:
    days = count["calendar"]["days"]
    return bool(days) and bool(days.pop(len(days) // 2))


def day_repeated(count: Trace) -> bool:
    days = count["calendar"]["days"]
    days[:1] = days[:1] * 2
    return bool(days)


def holiday_made_up(count: Trace) -> bool:
    """A day on which time was counted is said to be closed."""
    if not count["periods"]:
        return False
    if count["pauses"]:
        return False  # a day that was paused is no day that counted
    day = next((each for each in count["calendar"]["days"][1:-1] if each["open"]), None)
    if day is not None:
        day["open"] = []
    return day is not None


def holiday_worked(count: Trace) -> bool:
    """A closed day between is said to be open."""
    if count["pauses"]:
        return False  # a day that was paused is no day that counted
    day = next((each for each in count["calendar"]["days"][1:-1] if not each["open"]), None)
    if day is not None:
        day["open"] = [["10:00", "10:01"]]
    return day is not None


def longer_hours(count: Trace) -> bool:
    if count["pauses"]:
        return False  # a day that was paused is no day that counted
    days = [each for each in count["calendar"]["days"][1:-1] if not near_an_interruption(count, each)]
    day = next((each for each in days if each["open"] and each["open"][-1][1] < "24:00"), None)
    if day is not None:
        day["open"][-1][1] = "24:00"
    return day is not None


def near_an_interruption(count: Trace, day: Trace) -> bool:
    """Hours that an event takes away may be said longer, and all adds up as before."""
    before, after = (str(date.fromisoformat(day["date"]) + timedelta(days=by)) for by in (-1, 1))
    told = count["calendar"].get("interruptions", [])
    return any(each["from"][:10] <= after and before <= each["to"][:10] for each in told)


def closing_left_out(count: Trace) -> bool:
    """A day is short, and nothing says why."""
    day = only_closing(count)
    return day is not None and bool(day["closings"].clear() or True)


def closing_made_smaller(count: Trace) -> bool:
    """What closed it has closed a minute only."""
    day = only_closing(count)
    if day is not None:
        day["closings"][0]["closed"] = [["00:00", "00:01"]]
    return day is not None and day["hours"][0][0] != "00:00"


def only_closing(count: Trace) -> Trace | None:
    days: list[Trace] = count["calendar"]["days"]
    short = (day for day in days if len(day.get("closings", [])) == 1 and day["hours"] != day["open"])
    return next(short, None)


def closing_made_up(count: Trace) -> bool:
    """An open day is said to be a holiday as well."""
    day = next((each for each in count["calendar"]["days"] if each["open"]), None)
    if day is not None:
        day["hours"] = day.get("hours", day["open"])
        day["closings"] = [*day.get("closings", []), {"kind": "holiday", "closed": [["00:00", "24:00"]]}]
    return day is not None


def half_holiday(count: Trace) -> bool:
    """A holiday that closes a part of a day, after all is open."""
    day = next((each for each in count["calendar"]["days"] if "closings" not in each and not each["open"]), None)
    if day is not None:
        day["closings"] = [{"kind": "holiday", "closed": [["10:00", "10:01"]]}]
    return day is not None


def interruption_left_out(count: Trace) -> bool:
    stretches = count["calendar"]["interruptions"]
    return len(stretches) == 1 and not count["pauses"] and bool(stretches.pop())


def interruption_made_up(count: Trace) -> bool:
    """In the middle of what was counted."""
    if count["calendar"]["always_open"] or not count["periods"]:
        return False
    begins = count["periods"][0]["from"]
    count["calendar"]["interruptions"].append({"from": begins, "to": moved(begins, 1), "kind": "closure"})
    return True


def interruption_longer(count: Trace) -> bool:
    """It ends later than counting went on."""
    begins = {each["from"] for each in count["periods"]}
    stretch = next((each for each in count["calendar"]["interruptions"] if each["to"] in begins), None)
    if stretch is not None:
        stretch["to"] = moved(stretch["to"], 1)
    return stretch is not None


def another_zone(count: Trace) -> bool:
    calendar = count["calendar"]
    if len(count["periods"]) < 2 or calendar["always_open"] or count["pauses"]:
        return False  # within one day's hours it may be open in both
    calendar["zone"] = FAR_ZONE[calendar["zone"].startswith(("America", "Pacific"))]
    calendar["name"] = calendar["name"].rpartition(":")[0] + ":" + calendar["zone"]
    return len(count["periods"]) > len(calendar["interruptions"]) + 1


def zone_of_nobody(count: Trace) -> bool:
    """Another one than the calendar has in its name."""
    calendar = count["calendar"]
    calendar["zone"] = "Europe/Berlin" if calendar["zone"] != "Europe/Berlin" else "Europe/Paris"
    return not calendar["always_open"]


def round_the_clock(count: Trace) -> bool:
    """Hours taken away where some time was closed."""
    if count["calendar"]["always_open"] or count["pauses"]:
        return False
    whole = [(count["from"], count["ends_at"])]
    count["calendar"]["always_open"] = True
    return [(each["from"], each["to"]) for each in count["periods"]] not in ([], whole)


def business_hours(count: Trace) -> bool:
    """Hours put where there are none."""
    if not count["calendar"]["always_open"]:
        return False
    count["calendar"]["always_open"] = False
    return bool(count["periods"])


def pause_made_up(count: Trace) -> bool:
    """In the middle of what was counted."""
    period = next(iter(count["periods"]), None)
    if period is None:
        return False
    count["pauses"].append({"from": period["from"], "to": moved(period["from"], 1)})
    return True


def of_many(name: str, by: int) -> Change:
    """Of periods that are told together."""

    def change(count: Trace) -> bool:
        group = next((each for each in count["periods"] if "periods" in each), None)
        if group is not None:
            group[name] += by
        return group is not None

    return change


def told_as_one(count: Trace) -> bool:
    """So many periods are said to be a single long one."""
    group = next((each for each in count["periods"] if "periods" in each), None)
    return group is not None and bool(group.pop("periods"))


def period_put_together(count: Trace) -> bool:
    """Two that are told together, with the length of the first alone."""
    if len(count["periods"]) < 2 or "stretches" not in count["calendar"]:
        return False
    first, second = count["periods"][:2]
    count["periods"][:2] = [{**first, "to": second["to"], "periods": 2, "sum_seconds": second["sum_seconds"]}]
    return True


def stretch_of(count: Trace, kind: str) -> Trace | None:
    stretches: list[Trace] = count["calendar"].get("stretches", [])
    return next((each for each in stretches if kind in each), None)


def stretch_left_out(count: Trace) -> bool:
    stretches = count["calendar"].get("stretches", [])
    return bool(stretches) and bool(stretches.pop(len(stretches) // 2))


def stretch_moved(edge: str, days: int) -> Change:
    def change(count: Trace) -> bool:
        stretch = next(iter(count["calendar"].get("stretches", [])), None)
        if stretch is not None:
            stretch[edge] = str(date.fromisoformat(stretch[edge]) + timedelta(days=days))
        return stretch is not None

    return change


def stretch_of_more(count: Trace) -> bool:
    stretch = next(iter(count["calendar"].get("stretches", [])), None)
    if stretch is not None:
        stretch["dates"] += 1
    return stretch is not None


def longer_week(count: Trace) -> bool:
    """A weekday of a stretch is said to be open all day; there was no pause on most of them."""
    stretch = stretch_of(count, "week")
    if stretch is None or count["pauses"]:
        return False
    day = next((name for name, hours in stretch["week"].items() if hours != [["00:00", "24:00"]]), None)
    if day is not None:
        stretch["week"][day] = [["00:00", "24:00"]]
    return day is not None


def week_of_fewer(count: Trace) -> bool:
    """A weekday of a stretch is forgotten."""
    stretch = stretch_of(count, "week")
    return stretch is not None and bool(stretch["week"].popitem())


def exception_left_out(count: Trace) -> bool:
    """A date within a stretch that was told by itself is said to be like the others."""
    stretch = stretch_of(count, "week")
    days = count["calendar"]["days"]
    if stretch is None:
        return False
    within = [day for day in days if stretch["from"] < day["date"] < stretch["to"]]
    return bool(within) and not days.remove(within[0])


def pause_stretched(count: Trace) -> bool:
    """Dates that counted are said to be in a pause."""
    stretch = stretch_of(count, "week")
    if stretch is not None:
        del stretch["week"]
        stretch.pop("since", None)
        stretch["paused"] = True
    return stretch is not None


def denied(count: Trace) -> None:
    count["reaches_target"] = not count["reaches_target"]


def from_earlier(count: Trace) -> None:
    count["from"] = moved(count["from"], -1)


OF_COUNTS: dict[str, Change] = {
    "first period dropped": dropped(0),
    "middle period dropped": lambda count: dropped(len(count["periods"]) // 2)(count),
    "last period dropped": dropped(-1),
    "first period begins later": shifted(0, "from", 1),
    "first period begins earlier": shifted(0, "from", -1_000_000),
    "first period ends later": shifted(0, "to", 1_000_000),
    "last period begins earlier": shifted(-1, "from", -1),
    "last period ends earlier": shifted(-1, "to", -1),
    "last period ends later": shifted(-1, "to", 60_000_000),
    "periods swapped": swapped,
    "a period twice": twice,
    "a period told as two": split,
    "target raised": wrong_number("target", "seconds"),
    "target lowered": wrong_number("target", "seconds", by=-0.5),
    "credit made up": wrong_number("credit_seconds", by=60),
    "length of a period": wrong_number("periods", 0, "seconds"),
    "running sum": wrong_number("periods", -1, "sum_seconds"),
    "whole sum": wrong_number("sum_seconds", by=-1),
    "moved together, later": moved_together(1_000_000),
    "moved together, earlier": moved_together(-500_000),
    "a day left out": day_left_out,
    "a day repeated": day_repeated,
    "a holiday made up": holiday_made_up,
    "a holiday worked": holiday_worked,
    "longer hours on a day": longer_hours,
    "a closing left out": closing_left_out,
    "a closing made smaller": closing_made_smaller,
    "a closing made up": closing_made_up,
    "half a holiday": half_holiday,
    "an interruption left out": interruption_left_out,
    "an interruption made up": interruption_made_up,
    "an interruption that is longer": interruption_longer,
    "another zone": another_zone,
    "another zone than the calendar's": zone_of_nobody,
    "round the clock": round_the_clock,
    "business hours without any": business_hours,
    "a pause made up": pause_made_up,
    "one more period of many": of_many("periods", 1),
    "one less period of many": of_many("periods", -1),
    "length of many periods": of_many("seconds", -1),
    "sum after many periods": of_many("sum_seconds", 1),
    "many periods told as one": told_as_one,
    "two periods with the length of one": period_put_together,
    "a stretch left out": stretch_left_out,
    "a stretch that begins earlier": stretch_moved("from", -1),
    "a stretch that ends earlier": stretch_moved("to", -1),
    "a stretch that ends later": stretch_moved("to", 1),
    "a stretch of one date more": stretch_of_more,
    "a stretch with a longer week": longer_week,
    "a stretch with a shorter week": week_of_fewer,
    "a date of a stretch that is not like it": exception_left_out,
    "a stretch said to be paused": pause_stretched,
    "target denied": denied,
    "counted from earlier": from_earlier,
}


def deadline_moved(by: int) -> Change:
    def change(told: Trace) -> bool:
        told["deadline"] = told["deadline"] and moved(told["deadline"], by)
        return told["deadline"] is not None

    return change


def started_later(life: Trace) -> None:
    life["started_at"] = moved(life["started_at"], 1)


def since_later(silence: Trace) -> None:
    silence["since"] = moved(silence["since"], 1)


def other_count_decides(life: Trace) -> bool:
    ends = [count["ends_at"] for count in life["counts"]]
    other = next((index for index, at in enumerate(ends) if at != ends[life["decisive_count"]]), None)
    life["decisive_count"] = other
    return other is not None


def last_count_dropped(life: Trace) -> bool:
    """The change that moved the deadline is not told."""
    ends = [count["ends_at"] for count in life["counts"]]
    if life["deadline"] is None or life["deadline"] in ends[:-1]:
        return False
    if len(life["counts"]) < 2:
        return False
    del life["counts"][-1]
    life["decisive_count"] -= 1
    return True


def raise_that_is_later(life: Trace) -> bool:
    """The last word is said to be the one that ends later."""
    if life["deadline"] is None:
        return False
    later = next((index for index, count in enumerate(life["counts"]) if count["ends_at"] > life["deadline"]), None)
    if later is None or life["counts"][later]["how"] != "from_change":
        return False
    life["decisive_count"], life["deadline"] = later, life["counts"][later]["ends_at"]
    return True


def how_changed(life: Trace) -> bool:
    """A count from a change keeps what was used up, it is said."""
    count = life["counts"][-1]
    return count["how"] == "from_start" and bool(count.update(how="from_change") or True)


def count_of_no_change(life: Trace) -> bool:
    life["counts"][-1]["change"] = None
    return len(life["counts"]) > 1


def count_of_another_change(life: Trace) -> bool:
    """Two counts are said to be of one change."""
    if len(life["counts"]) < 3:
        return False
    life["counts"][-1]["change"] = life["counts"][-2]["change"]
    return True


OF_CLOCKS: dict[str, Change] = {
    "a count of no change": count_of_no_change,
    "a count of another change": count_of_another_change,
    "deadline later": deadline_moved(1),
    "deadline earlier": deadline_moved(-1_000_000),
    "started later": started_later,
    "another count decides": other_count_decides,
    "the last count dropped": last_count_dropped,
    "a raise moves it later": raise_that_is_later,
    "the first count is from a change": how_changed,
}
OF_SILENCES: dict[str, Change] = {
    "limit later": deadline_moved(1),
    "limit earlier": deadline_moved(-60_000_000),
    "since later": since_later,
}


Told = tuple[tuple[str, int], Trace, Trace]  # which run, the change, what it did to that run


def told_of(trace: Trace) -> dict[tuple[str, int], list[Told]]:
    """What changes did to each run that was never paused, in order."""
    lives = [*trace["clocks"], *trace["silences"]]
    found: dict[tuple[str, int], list[Told]] = {
        (life["clock"], life["run"]): [] for life in lives if not life.get("pauses")
    }
    for change in trace["changes"]:
        for effect in change["effects"]:
            run = effect["clock"], effect["run"]
            if run in found:
                found[run].append((run, change, effect))
    return found


def last_word_moved(trace: Trace) -> bool:
    """What the last change did to a run is not what its deadline is."""
    told = next((each[-1] for each in told_of(trace).values() if each), None)
    if told is not None:
        deadline = told[2]["new_deadline"]
        told[2]["new_deadline"] = moved(deadline, 1) if deadline else "2026-01-01T00:00:00Z"
    return told is not None


def last_instant_moved(trace: Trace) -> bool:
    """The same, of a run that ended in the very instant of the change."""
    ends = {(each["clock"], each["run"]): each.get("ended_at") for each in trace["clocks"]}
    lasts = [each[-1] for each in told_of(trace).values() if each]
    told = next((each for each in lasts if each[1]["at"] == ends.get(each[0])), None)
    if told is not None:
        told[2]["new_deadline"] = moved(told[2]["new_deadline"], -1_000_000)
    return told is not None


def change_left_out(trace: Trace) -> bool:
    """A change that moved a deadline is not told, the one before it is."""
    for told in told_of(trace).values():
        for _, change, effect in told[1:]:
            if effect["old_deadline"] != effect["new_deadline"]:
                change["effects"].remove(effect)
                return True
    return False


def old_made_up(trace: Trace) -> bool:
    """A change is said to have found another deadline than the one before it had left."""
    told = next((each[-1] for each in told_of(trace).values() if len(each) > 1), None)
    if told is not None:
        told[2]["old_deadline"] = moved(told[2]["old_deadline"] or "2026-01-01T00:00:00Z", 1)
    return told is not None


def standing_moved(trace: Trace) -> bool:
    """A clock that had ended, or had its verdict, is said to have moved all the same."""
    told = next((each[0] for each in told_of(trace).values() if each and each[0][2]["how"] in STILL), None)
    if told is not None:
        told[2]["old_deadline"] = moved(told[2]["old_deadline"], -1)
    return told is not None


def of_another_run(trace: Trace) -> bool:
    """What a change did to one run is told of another one of the same clock."""
    lives = {(each["clock"], each["run"]): each for each in trace["clocks"]}
    found = told_of(trace)
    for (clock, number), told in found.items():
        other = lives.get((clock, number - 1))
        if told and other and not other["pauses"] and told[-1][2]["new_deadline"] != other["deadline"]:
            told[-1][2]["run"] = number - 1
            return True
    return False


def numbered_twice(trace: Trace) -> bool:
    second = next((each for each in trace["clocks"] if each["run"] > 1), None)
    if second is not None:
        second["run"] -= 1
    return second is not None


OF_TRACES: dict[str, Change] = {
    "the last change moved it elsewhere": last_word_moved,
    "a change in the last instant moved it elsewhere": last_instant_moved,
    "a change left out": change_left_out,
    "an old deadline made up": old_made_up,
    "a verdict that moved": standing_moved,
    "a change of another run": of_another_run,
    "two runs with one number": numbered_twice,
}


def falsified(trace: Trace) -> Iterator[tuple[str, Trace]]:
    """(name of the mutation, a false trace), most with one clock or silence each, which is enough to be wrong."""
    yield from changed(trace, OF_TRACES, lambda told: told)
    empty = {**trace, "clocks": [], "silences": []}
    for life in trace["clocks"]:
        for index in range(len(life["counts"])):
            for name, false in changed(life, OF_COUNTS, partial(_count, index)):
                yield name, {**empty, "clocks": [false]}
        for name, false in changed(life, OF_CLOCKS, lambda told: told):
            yield name, {**empty, "clocks": [false]}
    for silence in trace["silences"]:
        for name, false in changed(silence, OF_COUNTS, itemgetter("count")):
            yield name, {**empty, "silences": [false]}
        for name, false in changed(silence, OF_SILENCES, lambda told: told):
            yield name, {**empty, "silences": [false]}


def _count(index: int, life: Trace) -> Trace:
    found: Trace = life["counts"][index]
    return found


def changed(part: Trace, changes: dict[str, Change], place: Callable[[Trace], Trace]) -> Iterator[tuple[str, Trace]]:
    written = json.dumps(part)  # a copy by way of text is much cheaper than `deepcopy`
    for name, change in changes.items():
        false = json.loads(written)
        if change(place(false)) is not False:
            yield name, false
