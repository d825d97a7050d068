"""What a committed batch is counted as. Nothing is counted before it is committed."""

from __future__ import annotations

from collections import Counter

from sla_monitor.core import notices as n
from sla_monitor.core.facts import SECOND
from sla_monitor.core.notices import Notice
from sla_monitor.engine.records import Batch, Outgoing
from sla_monitor.observe.recorder import Recorder, exemplar_of

_BREACHED, _CANCELLED, _MET, _MET_LATE = "breached", "cancelled", "met", "met_late"


def count(batch: Batch, recorder: Recorder, committed_at: float, settle: int) -> None:
    """Counters and histograms of one transaction. `committed_at`: wall seconds; `settle`: microseconds."""
    for kind, number in batch.events.items():
        recorder.event(kind, number)
    for reason, number in batch.without_effect.items():
        recorder.without_effect(reason, number)
    for reason, number in Counter(letter.reason for letter in batch.dead).items():
        recorder.dead(reason, number)
    for (kind, how), number in Counter((out.notice.kind, out.detected) for out in batch.notices).items():
        recorder.notice(kind, how, number)
    if batch.mismatches:
        recorder.mismatch(batch.mismatches)
    if batch.folded_early:
        recorder.folded_early(batch.folded_early)
    for out in batch.notices:
        _count_notice(out, recorder, committed_at, settle)


def _count_notice(out: Outgoing, recorder: Recorder, committed_at: float, settle: int) -> None:
    notice = out.notice
    if notice.by_timer and not notice.corrects:
        about = exemplar_of(notice.case_id, notice.traceparent)
        recorder.timer_late(committed_at - (notice.at + settle) / SECOND, about)
    if notice.kind == n.RETRACTED:
        withdrawn = str(notice.data["retracted_type"])
        recorder.retracted(withdrawn)
        if (words := _verdict(withdrawn, notice)) is not None:
            recorder.verdict_retracted(*words)
    elif (words := _verdict(notice.kind, notice)) is not None:
        about = exemplar_of(notice.case_id, notice.traceparent) if notice.kind == n.BREACHED else None
        recorder.verdict(*words, about)


def _verdict(kind: str, notice: Notice) -> tuple[str, str, str, str, bool] | None:
    """(clock, severity, plan, outcome, promised) of a notice that is a verdict. A late answer is told by its breach
    already: `met_late` says that it came at all.
    """
    outcome = {n.BREACHED: _BREACHED, n.CANCELLED: _CANCELLED, n.MET: _MET}.get(kind)
    if outcome is None:
        return None
    data = notice.data
    if outcome == _MET and data.get("late"):
        outcome = _MET_LATE
    promised = bool(data.get("promised", False))
    return str(data.get("clock", "")), str(data["severity"]), str(data["plan"]), outcome, promised
