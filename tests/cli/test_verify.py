"""What `verify` prints, as `docs/verify.md` shows it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sla_monitor.cli.verify import print_text
from sla_monitor.engine.verify.deployment import Answer, as_document
from sla_monitor.engine.verify.evidence import CaseEvidence
from tests.engine.feeding import NINE, clock
from tests.engine.verify.test_court import Watched

DOCUMENT = Path(__file__).parents[2] / "docs" / "verify.md"


def an_answer(*, spoilt: bool) -> Answer:
    """Of two cases and a bad record. Spoilt: the breach of one was never sent, a warning of the other was sent twice;
    a third case began before what is left of the notices."""
    fed = Watched()
    fed.open("CASE-1000120", NINE, "o0")
    fed.open("CASE-1000123", NINE, "o1")
    fed.open("CASE-1000124", NINE, "o2")
    fed.fold(b"CASE-1000125", b"no JSON")
    fed.take()
    fed.wait(clock(2))

    def spoil(case: CaseEvidence) -> None:
        if case.key == b"CASE-1000120":
            del case.notices[0]
        elif case.key == b"CASE-1000123":
            case.notices = [said for said in case.notices if b'"sla.breached"' not in (said.value or b"")]
        elif case.key == b"CASE-1000124":
            case.notices.append(replace(case.notices[1], offset=99))

    cut = replace(fed.cut, notices_gone_to=0)
    tally = fed.tried(cut, spoil if spoilt else None)
    return Answer(partitions=1, seconds=0.2, cuts={0: cut}, tally=tally)


def test_the_example_in_the_documentation_is_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """Findings, sums, lateness, digests."""
    print_text(an_answer(spoilt=True))
    printed = "".join(line.rstrip() + "\n" for line in capsys.readouterr().out.splitlines())
    assert f"```text\n{printed}```\n" in DOCUMENT.read_text(), printed


def test_nothing_wrong_is_one_word(capsys: pytest.CaptureFixture[str]) -> None:
    print_text(an_answer(spoilt=False))
    assert capsys.readouterr().out.splitlines()[-1] == "clean"


@pytest.mark.parametrize("spoilt", [False, True])
def test_the_document_for_programs_is_json_and_says_the_same(*, spoilt: bool) -> None:
    document = json.loads(json.dumps(as_document(an_answer(spoilt=spoilt))))
    assert document["clean"] is not spoilt
    assert document["findings"] == ({"missing": 1, "repeated": 1} if spoilt else {})
    assert document["unverifiable"] == ({"notices_gone": 1} if spoilt else {})
    assert (document["digest"]["expected"] == document["digest"]["found"]) is not spoilt
    assert len(document["examples"]) == (2 if spoilt else 0)


def simulated(*arguments: str) -> bytes:
    command = [sys.executable, "-m", "sla_monitor", "simulate", *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_simulate_tells_its_digests_instead_of_its_notices(tmp_path: Path) -> None:
    """Of all bytes, and of what stands: the second is the same for another order of arrival, the first is not."""
    example = DOCUMENT.parent / "examples" / "first-case.jsonl"
    said = simulated(str(example))
    told = dict(line.split() for line in simulated(str(example), "--digest").decode().splitlines())
    assert told["transcript:"] == hashlib.sha256(said).hexdigest()
    assert told["notices:"] == str(len(said.splitlines())) == "11"
    in_time = tmp_path / "in-time.jsonl"
    events = [json.loads(line) for line in example.read_text().splitlines()]
    ordered = sorted(events, key=lambda event: str(event["time"]))
    in_time.write_text("".join(json.dumps({**event, "arrivedat": None}) + "\n" for event in ordered))
    other = dict(line.split() for line in simulated(str(in_time), "--digest").decode().splitlines())
    assert other["standing:"] == told["standing:"]
    assert other["transcript:"] != told["transcript:"]
