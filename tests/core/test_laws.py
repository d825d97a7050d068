"""The laws of the core: what holds for every plausible life of a case, whatever the order its events arrive in."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.decide import Bounds, Case, fold, fold_early, load, next_wake, wake
from sla_monitor.core.facts import DAY, HOUR, MINUTE, Fact
from sla_monitor.core.notices import Intent, Key, Notice, notice_id
from sla_monitor.core.policy import Packs
from sla_monitor.core.times import iso
from sla_monitor.errors import BadEvent
from sla_monitor.wire.rows import Orphan, Row, decode_row, encode_row
from tests.core.stories import AUTOMATIC, MONDAY, PACKS, at, fact, opening, own_target, standing

EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "60"))  # a hunt has 20,000
modest = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
OPEN_HISTORY = Bounds(correction_horizon=60 * DAY)  # nothing is too late
CASE_ID = "case-1"
NINE = at(f"{MONDAY} 09:00")
END = NINE + 30 * DAY  # every clock of the lives below has run out

# --- plausible lives ----------------------------------------------------------------------------------------------

COUNTRIES = ("DE", "US", "JP", "EG")
LANGUAGES = ("en", "ja", "fi")
SEVERITIES = st.sampled_from("ABC")
PLANS = st.sampled_from(["standard", "professional_direct", "unified"])
# Half hours around a Monday's opening, so that events meet deadlines, limits and one another; and their neighbours.
HALF_HOURS = st.integers(0, 16).map(lambda count: NINE + count * 30 * MINUTE)
INSTANTS = st.one_of(
    HALF_HOURS,
    HALF_HOURS,
    st.builds(lambda instant, by: instant + by, HALF_HOURS, st.sampled_from([-1, 1])),
    st.integers(NINE - HOUR, NINE + 4 * DAY),
)
TRAITS = st.lists(
    st.sampled_from(["third_party", "custom_code", "performance_broad", "not_reproducible"]), max_size=2
).map(tuple)
UNREACHED = st.just(f.ContactAttempted(reached=False))
BODIES: st.SearchStrategy[f.Body] = st.one_of(
    st.just(f.Responded()),
    st.builds(f.SeverityChanged, severity=SEVERITIES),
    st.builds(f.SeverityChanged, severity=SEVERITIES),
    st.builds(f.PlanChanged, plan=PLANS),
    st.builds(f.AccessChanged, access=st.sampled_from(["24x7", "business_hours"])),
    st.builds(
        f.LanguageChanged,
        language=st.sampled_from(LANGUAGES),
        accepts_english=st.sampled_from([None, True, False]),
        accepts_translation=st.sampled_from([None, True]),
    ),
    st.builds(
        f.LocationChanged,
        country=st.sampled_from(COUNTRIES),
        timezone=st.sampled_from([None, "Asia/Kolkata"]),
    ),
    UNREACHED,
    UNREACHED,
    st.just(f.ContactAttempted(reached=True)),
    st.just(f.WaitingOnCustomer()),
    st.just(f.WaitingOnCustomer(reason="resources")),
    st.just(f.CustomerResponded()),
    st.sampled_from([f.ResolutionProposed(), f.ResolutionRejected()]),
    st.sampled_from([f.Resolved(), f.Closed(), f.Cancelled()]),
    st.builds(f.TraitsChanged, add=TRAITS, remove=TRAITS),
    st.builds(f.CauseFound, cause=st.sampled_from(["service", "custom_code"])),
    st.sampled_from(
        [
            f.ContactUpdated(verified=False),
            f.WorkStarted(engineer="eve"),
            f.WorkStopped(engineer="eve"),
            f.EffortLogged(effort=90 * MINUTE),
            f.ScriptSubmitted(uat_tested=True),
            f.ReopenRequested(fingerprint=(("build", "7"),)),
            f.ReopenRequested(fingerprint=(("error", "e"),), new_update_installed=True),
            f.LabelsChanged(customer="Contoso"),
        ]
    ),
)
OPENINGS = st.builds(
    opening,
    severity=SEVERITIES,
    plan=PLANS,
    country=st.sampled_from(COUNTRIES),
    language=st.sampled_from(LANGUAGES),
    access=st.sampled_from([None, "24x7", "business_hours"]),
    accepts_english=st.booleans(),
    fingerprint=st.sampled_from([(), (("build", "7"),), (("error", "f"),)]),
    submitted_by=st.sampled_from(["admin", "admin", "admin", "end_user"]),
    request=st.sampled_from(["break_fix", "break_fix", "advisory"]),
    release=st.sampled_from(["general_availability", "general_availability", "public_preview"]),
    traits=TRAITS,
    targets=st.sampled_from([(), own_target(0.5), own_target(2), own_target(3)]),
)


@dataclass(frozen=True)
class Life:
    """Everything that happens to one case, in true order, and the packs that decide."""

    facts: tuple[Fact, ...]
    automatic: bool  # downgrades are done at once

    @property
    def packs(self) -> Packs:
        return AUTOMATIC if self.automatic else PACKS


@st.composite
def lives(draw: st.DrawFn, *, corrections: bool = True) -> Life:
    """One opening and up to 14 events, a few of them answers to recommendations, or withdrawals of others."""
    opened = fact(draw(HALF_HOURS), draw(OPENINGS), "open", sequence=draw(st.sampled_from([None, 0, 5])))
    told = [opened]
    for number in range(draw(st.integers(0, 12))):
        source = draw(st.sampled_from(["crm", "bot"]))
        sequence = draw(st.sampled_from([None, None, 1, 2]))
        told.append(fact(draw(INSTANTS), draw(BODIES), f"e{number}", source=source, sequence=sequence))
    begun = [max(each.at, opened.at) for each in told if isinstance(each.body, WAITS)]
    for number in range(draw(st.integers(0, 2)) if begun else 0):
        rule = draw(st.sampled_from(["SP-DOWN-A", "SP-DOWN-B", "SP-DOWN-RES"]))
        key = Key(1, rule, n.DOWNGRADE_RECOMMENDED, draw(st.sampled_from(begun)))
        confirmed = draw(st.booleans())
        recommendation = notice_id(CASE_ID, opened.identity, key, draw(st.integers(0, 1)))
        answer: f.Body = f.DowngradeDeclined(recommendation=recommendation)
        if confirmed:
            answer = f.DowngradeConfirmed(recommendation=recommendation)
        told.append(fact(draw(INSTANTS), answer, f"answer{number}"))
    for number in range(draw(st.integers(0, 2)) if corrections else 0):
        wrong = draw(st.sampled_from([*told[1:], *told[1:], opened, fact(0, f.Responded(), "unheard-of")]))
        body = f.FactWithdrawn(source=wrong.source, id=wrong.id)
        told.append(fact(draw(INSTANTS), body, f"withdrawal{number}"))
    return Life(facts=tuple(sorted(told, key=lambda each: each.order)), automatic=draw(st.booleans()))


WAITS = (f.WaitingOnCustomer, f.ResolutionProposed, f.ContactAttempted)


@st.composite
def watermarks(draw: st.DrawFn, count: int) -> list[int]:
    """One for each step, ascending: anything from long behind the events to long after them."""
    mark = st.one_of(st.just(0), INSTANTS, HALF_HOURS, st.just(END - DAY))
    return sorted(draw(mark) for _ in range(count))


Step = tuple[Fact | None, int]  # what arrives (None: only time passes), and the watermark then


@st.composite
def arrivals(draw: st.DrawFn, life: Life) -> list[Step]:
    """The events of a life in any order, some of them twice, with wake-ups between them."""
    again = draw(st.lists(st.sampled_from(life.facts), max_size=3))
    woken: list[Fact | None] = [None] * draw(st.integers(0, 3))
    if draw(st.booleans()):
        order: list[Fact | None] = draw(st.permutations([*life.facts, *again, *woken]))
    else:  # nearly in order: one straggler
        order = [*life.facts, *again]
        straggler = order.pop(draw(st.integers(0, len(order) - 1)))
        order.insert(draw(st.integers(0, len(order))), straggler)
    return list(zip(order, draw(watermarks(len(order))), strict=True))


@st.composite
def lives_and_arrivals(draw: st.DrawFn, *, corrections: bool = True) -> tuple[Life, list[Step]]:
    life = draw(lives(corrections=corrections))
    return life, draw(arrivals(life))


def in_order(life: Life) -> list[Step]:
    return [(each, each.at) for each in life.facts]


class Telling:
    """A case that is told step by step; it keeps all that was sent."""

    def __init__(self, packs: Packs, bounds: Bounds = OPEN_HISTORY) -> None:
        self.packs, self.bounds = packs, bounds
        self.case = Case(case_id=CASE_ID)
        self.sent: list[Notice] = []

    def step(self, arrived: Fact | None, now: int) -> None:
        if arrived is not None:
            decision = fold(self.case, arrived, now, self.packs, self.bounds)
        else:
            decision = wake(self.case, now, self.packs, self.bounds)
            following = next_wake(self.case, self.bounds)
            assert following is None or following > now, "woken again and again, and nothing moves on"
        self.sent += decision.notices

    def through_a_row(self) -> bytes:
        """The case is written, forgotten and read again."""
        value = encode_row(Row(case=self.case), next_wake(self.case, self.bounds))
        self.case = decode_row(CASE_ID, value, self.packs).case
        load(self.case, self.packs)
        return value


def told(packs: Packs, steps: list[Step], bounds: Bounds = OPEN_HISTORY) -> Telling:
    telling = Telling(packs, bounds)
    for arrived, now in steps:
        telling.step(arrived, now)
    return telling


def as_a_set(notices: list[Notice]) -> Counter[str]:
    """Standing notices as the promise compares them: what, when, and every word; not their ids."""
    return Counter(f"{notice.kind} {notice.at} {sorted(notice.data.items())}" for notice in standing(notices))


# --- the laws -------------------------------------------------------------------------------------------------------


@modest
@given(lives_and_arrivals())
def test_the_order_of_arrival_does_not_matter(told_so: tuple[Life, list[Step]]) -> None:
    """The promise (a): whatever order, duplication and watermark, the same notices stand in the end."""
    life, steps = told_so
    expected = told(life.packs, [*in_order(life), (None, END)])
    found = told(life.packs, [*steps, (None, END)])
    assert as_a_set(found.sent) == as_a_set(expected.sent)


@modest
@given(lives_and_arrivals(), st.data())
def test_a_case_read_from_its_row_goes_on_alike(told_so: tuple[Life, list[Step]], data: st.DataObject) -> None:
    """The idea, 1: the incremental path and the full fold say the same, wherever a row lies between."""
    life, steps = told_so
    kept, reread = Telling(life.packs), Telling(life.packs)
    for step in [*steps, (None, END)]:
        kept.step(*step)
        reread.step(*step)
        assert kept.sent == reread.sent
        if data.draw(st.booleans()):
            reread.through_a_row()
            assert next_wake(kept.case, OPEN_HISTORY) == next_wake(reread.case, OPEN_HISTORY)


@modest
@given(lives_and_arrivals())
def test_waking_at_every_instant_or_once_is_the_same(told_so: tuple[Life, list[Step]]) -> None:
    """Time: the instants that `next_wake` names are all there are; stopping at each says the same as jumping over."""
    life, steps = told_so
    once, stepwise = told(life.packs, steps), told(life.packs, steps)
    jumps, now = 0, max((mark for _, mark in steps), default=0)
    while (due := next_wake(stepwise.case, OPEN_HISTORY)) is not None and due <= END:
        stepwise.step(None, max(due, now))
        jumps += 1
        assert jumps < 200
    once.step(None, END)
    stepwise.step(None, END)
    assert Counter(map(repr, once.sent)) == Counter(map(repr, stepwise.sent))


@modest
@given(lives_and_arrivals())
def test_what_time_brings_next_is_known_after_every_event(told_so: tuple[Life, list[Step]]) -> None:
    """It is kept, not worked out at each question. Kept wrongly, a case would sleep through its deadline."""
    life, steps = told_so
    telling = Telling(life.packs)
    for arrived, now in [*steps, (None, END)]:
        telling.step(arrived, now)
        state = telling.case.state
        assert state is None or state.timer == state.copy().timer  # a copy works it out anew


@modest
@given(lives_and_arrivals())
def test_every_notice_has_an_id_of_its_own(told_so: tuple[Life, list[Step]]) -> None:
    """Contract, notices: no id twice; a retraction withdraws what stands; revisions of one key count up."""
    life, steps = told_so
    telling = Telling(life.packs)
    revisions: dict[Key, int] = {}
    opened = next(each.identity for each in life.facts if isinstance(each.body, f.Opened))
    for step in [*steps, (None, END)]:
        before = len(telling.sent)
        telling.step(*step)
        fresh = {notice.id for notice in telling.sent[before:] if notice.kind != n.RETRACTED}
        for sent in telling.case.ledger.standing:
            if notice_id(CASE_ID, opened, sent.key, sent.revision) in fresh:
                assert sent.revision == revisions.get(sent.key, -1) + 1
                revisions[sent.key] = sent.revision
        ids = {notice_id(CASE_ID, opened, sent.key, sent.revision) for sent in telling.case.ledger.standing}
        assert ids == {notice.id for notice in standing(telling.sent)}, "the ledger knows what stands"


@modest
@given(lives_and_arrivals(), st.integers(0, 5 * 48))
def test_a_row_keeps_everything(told_so: tuple[Life, list[Step]], half_hours: int) -> None:
    """Rows: what is read is what was written, also after the horizon has cut facts into a base, and orphans wait."""
    life, steps = told_so
    telling = told(life.packs, steps)
    last = max(mark for _, mark in steps)
    bounds = Bounds(correction_horizon=half_hours * 30 * MINUTE)
    telling.case.known_since = 0  # heard of long ago, so that the horizon cuts
    wake(telling.case, max(last, NINE + 3 * DAY), life.packs, bounds)
    orphan = Orphan(identity=("crm", "o"), arrived_at=last, offset=7, key=b"k", value=None, headers=(("dead", b"x"),))
    value = encode_row(Row(case=telling.case, orphans=[orphan]), None)
    again = decode_row(CASE_ID, value, life.packs)
    load(again.case, life.packs)
    assert again.orphans == [orphan]
    assert encode_row(again, None) == value
    before, after = telling.case.state, again.case.state
    assert (before is None) == (after is None)
    if before and after:
        assert replace(after, cause=None) == replace(before, cause=None)
    assert again.case.pending == telling.case.pending
    assert replace(again.case, state=None) == replace(telling.case, state=None)


@modest
@given(lives(corrections=False), st.data())
def test_nothing_is_taken_back_while_nothing_comes_late(life: Life, data: st.DataObject) -> None:
    """Time: events that arrive in order, never behind the watermark, never cause a retraction."""
    steps: list[Step] = []
    mark = 0
    for each in life.facts:
        mark = data.draw(st.integers(mark, max(mark, each.at)))
        steps += [(None, mark), (each, mark)]
    telling = told(life.packs, [*steps, (None, END)])
    assert not [notice for notice in telling.sent if notice.kind == n.RETRACTED]


@modest
@given(lives(corrections=False), st.integers(0, 200), st.data())
def test_closing_history_changes_nothing_that_comes_in_order(life: Life, half_hours: int, data: st.DataObject) -> None:
    """Bounds: whatever the horizon, wherever old facts are folded early or a row lies between: what comes in order is
    told as if all history were open."""
    expected = told(life.packs, [*in_order(life), (None, END)])
    found = Telling(life.packs, Bounds(correction_horizon=half_hours * 30 * MINUTE))
    folded_early = []
    for arrived, now in [*in_order(life), (None, END)]:
        found.step(arrived, now)
        what = data.draw(st.sampled_from(["nothing", "nothing", "row", "fold"]))
        if what == "row":
            found.through_a_row()
        elif what == "fold":
            folded_early += fold_early(found.case, found.packs)[0]
    kinds = [notice.kind for notice in folded_early]
    assert set(kinds) <= {n.HISTORY_FOLDED}
    assert as_a_set(found.sent) == as_a_set(expected.sent)


@modest
@given(lives_and_arrivals())
def test_a_breach_is_about_its_deadline(told_so: tuple[Life, list[Step]]) -> None:
    """Contract, notices: the time of a breach is its deadline, whenever it is known; none is said ahead of the
    watermark unless a fact has closed the clock."""
    life, steps = told_so
    telling = Telling(life.packs)
    for arrived, now in [*steps, (None, END)]:
        before = len(telling.sent)
        telling.step(arrived, now)
        state = telling.case.state
        for notice in telling.sent[before:]:
            if notice.kind == n.BREACHED:
                assert notice.data["deadline"] == iso(notice.at)
                assert notice.at <= now or (
                    state
                    and state.is_settled(
                        Intent(
                            key=Key(int(str(notice.data["generation"])), "initial_response", n.BREACHED),
                            at=notice.at,
                            data={},
                        )
                    )
                )


@modest
@given(lives_and_arrivals(), st.data())
def test_a_refused_event_leaves_the_case_as_it_was(told_so: tuple[Life, list[Step]], data: st.DataObject) -> None:
    """Errors: BadEvent sends one record to the dead letters, and nothing else is touched."""
    life, steps = told_so
    telling = told(life.packs, steps)
    now = max(mark for _, mark in steps) + data.draw(st.sampled_from([0, HOUR, 20 * DAY]))
    bounds = data.draw(st.sampled_from([OPEN_HISTORY, Bounds(correction_horizon=DAY)]))
    wrong = data.draw(
        st.sampled_from(
            [
                fact(NINE + 17, f.LabelsChanged(customer="other content"), "open"),
                fact(NINE + 17, opening(customer="another"), "second opening"),
                fact(NINE + 17, f.SeverityChanged(severity="Z"), "no such severity"),
                fact(NINE - 300 * DAY, f.Responded(), "long ago"),
            ]
        )
    )
    value = encode_row(Row(case=telling.case), None)
    waking = next_wake(telling.case, bounds)
    try:
        fold(telling.case, wrong, now, life.packs, bounds)
    except BadEvent:
        assert encode_row(Row(case=telling.case), None) == value
        assert next_wake(telling.case, bounds) == waking


def test_rows_have_the_same_bytes_under_every_hash_seed() -> None:
    """Rows: what is written depends on the facts alone, so that two workers write the same."""
    told_in_a_process = """
import hashlib
from tests.core.test_laws import rows_of_a_life
print(hashlib.sha256(rows_of_a_life()).hexdigest())
"""
    digests = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", told_in_a_process], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert digests == {hashlib.sha256(rows_of_a_life()).hexdigest() + "\n"}


def rows_of_a_life() -> bytes:
    """Every row, and every notice, of a case that has everything: a base, a restored severity, a broken silence."""
    bodies: list[f.Body] = [
        opening(severity="A", targets=(("initial_response", 30 * HOUR),), traits=("third_party", "custom_code")),
        f.WaitingOnCustomer(),
        f.SeverityChanged(severity="B"),
        f.LanguageChanged(language="fi", accepts_english=False),
        f.SeverityChanged(severity="A"),
        f.LocationChanged(country="JP"),
        f.ContactAttempted(reached=False),
    ]
    facts = [fact(NINE + hour * 3 * HOUR, body, f"e{hour}") for hour, body in enumerate(bodies)]
    telling = Telling(PACKS, Bounds(correction_horizon=4 * HOUR))
    written = []
    for each in facts:
        telling.step(each, each.at)
        written.append(telling.through_a_row())
    telling.step(None, END)
    return b"".join([*written, telling.through_a_row(), repr(telling.sent).encode()])
