"""`sla-monitor demo` as a process: what it prints, how it ends, and that nothing is left of it.

Each runs the plan three times as fast as usual: what takes half a minute takes ten seconds. Most of the time is the
embedded broker's, whose groups take ten seconds to form.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sla_monitor.config.settings import Settings
from sla_monitor.demo.pack import write_shortened
from sla_monitor.demo.performance import name_of
from sla_monitor.engine.embedded import embedded_broker
from sla_monitor.engine.reading import records_of
from sla_monitor.engine.verify.deployment import Question, verify
from sla_monitor.errors import EXIT_FATAL, EXIT_USAGE
from tests.kafka.broker import Broker
from tests.kafka.helpers import fresh_prefix

SPEED = 1_800
STARTED_SECONDS_MAX = 60.0
GONE_SECONDS_MAX = 20.0
SEEN = {
    "sla.clock.started",
    "sla.warning",
    "sla.met",
    "sla.breached",
    "severity.downgrade_recommended",
    "sla.retracted",
}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "sla_monitor", "demo", "--speed", str(SPEED), *map(str, arguments)]


def environment(temporary: Path, **settings: str) -> dict[str, str]:
    """Ours without any setting, with a folder of its own for what is temporary, and as where a proxy that is not there
    is the only way out: nothing of a demo leaves the machine.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    return kept | {"TMPDIR": str(temporary), "http_proxy": "http://127.0.0.1:9"} | settings


def eventually(holds: Callable[[], object], seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid: int) -> list[int]:
    """The keepers, and behind each its broker or worker."""
    found = children(pid)
    return found + [each for child in found for each in descendants(child)]


def is_gone(pid: int) -> bool:
    """No process, or one that only waits to be reaped by whoever inherited it."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def worker_of(demo: subprocess.Popen[bytes]) -> int:
    """The process that runs `sla-monitor run`, not its keeper."""
    [worker] = [pid for pid in descendants(demo.pid) if not children(pid)]
    return worker


@contextmanager
def a_demo(temporary: Path, *arguments: object, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Running, its output in files of this folder; it has said its first notice."""
    out, err = temporary / "out", temporary / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        demo = subprocess.Popen(
            command("--json", *arguments), env=environment(temporary, **settings), stdout=stdout, stderr=stderr
        )
    try:
        eventually(lambda: out.stat().st_size or demo.poll() is not None, STARTED_SECONDS_MAX)
        assert demo.poll() is None, err.read_text()
        yield demo
    finally:
        if demo.poll() is None:
            demo.terminate()
        demo.wait(GONE_SECONDS_MAX)


def leftovers(temporary: Path) -> list[str]:
    return [each.name for each in temporary.iterdir() if each.name not in {"out", "err"}]


def test_one_command_shows_everything_important_and_leaves_nothing(tmp_path: Path) -> None:
    """No broker, no Java: notices as lines on standard output, all else on standard error, exit 0, nothing left. How
    another broker is spoken to does not matter.
    """
    out, err = tmp_path / "out", tmp_path / "err"
    around = environment(tmp_path, SLA_SECURITY_PROTOCOL="SASL_SSL", SLA_SASL_USERNAME="sla")
    with out.open("wb") as stdout, err.open("wb") as stderr:
        demo = subprocess.run(command("--json", "--duration", 9), env=around, stdout=stdout, stderr=stderr, check=False)
    assert demo.returncode == 0, err.read_text()
    notices = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert {notice["type"] for notice in notices} >= SEEN
    assert {notice["data"]["policy"]["name"] for notice in notices} == {f"vendor-support-x{SPEED}"}
    assert "one hour of the plan takes 2.0 s here" in err.read_text()
    assert "seen: " in err.read_text()
    assert leftovers(tmp_path) == []


def test_a_demo_that_is_killed_leaves_nothing_and_another_goes_on(tmp_path: Path) -> None:
    """SIGKILL ends the worker and the folder too. On the broker, which lives, the next one goes on: no notice is
    missing, as the oracle has it, and one that is repeated is the same to the byte.
    """
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with embedded_broker() as broker:
        with a_demo(first, "--broker", broker) as demo:
            eventually(lambda: b'"sla.breached"' in (first / "out").read_bytes(), STARTED_SECONDS_MAX)
            running = descendants(demo.pid)
            assert len(running) == 2
            demo.kill()
            demo.wait()
            eventually(lambda: all(map(is_gone, running)), GONE_SECONDS_MAX)
            eventually(lambda: leftovers(first) == [], GONE_SECONDS_MAX)
        with a_demo(second, "--broker", broker, "--duration", 5) as demo:
            assert demo.wait() == 0, (second / "err").read_text()
        assert leftovers(second) == []
        settings = settings_of(broker, write_shortened(tmp_path, SPEED))
        in_kafka = asyncio.run(notices_in(settings))
        verdict = verify(Question(settings=settings, jobs=1))
    assert verdict.tally.counts == {}
    assert verdict.tally.cases > 10
    shown = [set((each / "out").read_bytes().splitlines()) for each in (first, second)]
    assert shown[1] == set(in_kafka)
    assert shown[0] <= shown[1]
    by_id: dict[str, set[bytes]] = {}
    for line in in_kafka:
        by_id.setdefault(json.loads(line)["id"], set()).add(line)
    assert [same for same in by_id.values() if len(same) > 1] == []
    cases = {json.loads(line)["subject"] for line in in_kafka}
    assert {"CASE-1-0001"} < cases
    assert [case for case in cases if case.endswith("-0001") and case != "CASE-1-0001"]


def settings_of(broker: str, policy: Path) -> Settings:
    """Those of the demo's worker."""
    name = name_of(SPEED)
    return Settings(
        broker=broker,
        group=f"sla-monitor-{name}",
        topic_prefix=f"{name}.",
        journal="at_least_once",
        policy=policy,
        settle_seconds=0,
    )


async def notices_in(settings: Settings) -> list[bytes]:
    return [record.value or b"" async for record in records_of(settings, settings.topics.notices, range(4))]


def on_kafka() -> dict[str, str]:
    """Settings for a broker with transactions that others use too."""
    return {"SLA_JOURNAL": "transactional", "SLA_TOPIC_PREFIX": fresh_prefix(), "SLA_GROUP": fresh_prefix()}


def test_a_worker_that_dies_ends_the_demo_loudly(broker: Broker, tmp_path: Path) -> None:
    """70 with the worker's last lines, and nothing is left, not even what the worker could not tidy up."""
    with a_demo(tmp_path, "--broker", broker.bootstrap, **on_kafka()) as demo:
        running = descendants(demo.pid)
        os.kill(worker_of(demo), signal.SIGKILL)
        assert demo.wait(GONE_SECONDS_MAX) == EXIT_FATAL
    said = (tmp_path / "err").read_text()
    assert "the worker ended unexpectedly" in said
    assert "ready for partitions" in said
    assert all(map(is_gone, running))
    assert leftovers(tmp_path) == []


def test_on_a_terminal_it_is_a_live_view_until_ctrl_c(broker: Broker, tmp_path: Path) -> None:
    """Drawn again and again, within the terminal; then a summary, and exit 0."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    demo = subprocess.Popen(
        command("--broker", broker.bootstrap),
        env=environment(tmp_path, TERM="xterm", SLA_WEB_HOST="127.0.0.2", **on_kafka()),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    drawn = b""
    try:
        while drawn.count(b"Nearest deadlines") < 3:
            drawn += os.read(screen, 65_536)
        demo.send_signal(signal.SIGINT)
        with suppress(OSError):  # how a terminal ends that nobody writes to any more
            while more := os.read(screen, 65_536):
                drawn += more
        assert demo.wait(GONE_SECONDS_MAX) == 0
    finally:
        os.close(screen)
        demo.kill()
        demo.wait()
    assert b"clocks running" in drawn
    assert b"Ctrl-C ends it" in drawn
    assert b"http://127.0.0.2:" in drawn
    assert drawn.rfind(b"seen: ") > drawn.rfind(b"Nearest deadlines")
    assert b"Traceback" not in drawn
    assert leftovers(tmp_path) == []


def test_what_refuses_the_worker_is_said_as_the_worker_says_it(tmp_path: Path) -> None:
    """Transactions asked of a broker without them: its line, exit 2, nothing left."""
    done = subprocess.run(
        command("--duration", 5),
        env=environment(tmp_path, SLA_JOURNAL="transactional"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == EXIT_USAGE, done.stderr
    assert "SLA_JOURNAL" in done.stderr
    assert done.stdout == ""
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("arguments", [("--json",), ()], ids=["json", "lines"])
def test_a_reader_that_has_enough_ends_the_demo(broker: Broker, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """`demo | head`: no traceback, no worker that goes on for nobody, and nothing was found wrong."""
    with (
        (tmp_path / "err").open("wb") as stderr,
        subprocess.Popen(
            command(*arguments, "--broker", broker.bootstrap),
            env=environment(tmp_path, **on_kafka()),
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as demo,
    ):
        assert demo.stdout
        assert b"CASE-1-0" in demo.stdout.readline()
        demo.stdout.close()
        assert demo.wait(STARTED_SECONDS_MAX) == 0
    assert "Traceback" not in (tmp_path / "err").read_text()
    assert leftovers(tmp_path) == []


def test_a_reader_that_does_not_read_is_not_waited_for(broker: Broker, tmp_path: Path) -> None:
    """One Ctrl-C ends the demo in order, whoever has stopped reading; nothing is left."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4_096)  # a few notices
    with (tmp_path / "err").open("wb") as stderr:
        demo = subprocess.Popen(
            command("--json", "--broker", broker.bootstrap),
            env=environment(tmp_path, **on_kafka()),
            stdout=writer,
            stderr=stderr,
        )
    os.close(writer)
    try:
        eventually(lambda: "pipe_write" in Path(f"/proc/{demo.pid}/wchan").read_text(), STARTED_SECONDS_MAX)
        running = descendants(demo.pid)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(GONE_SECONDS_MAX) == 0
    finally:
        os.close(reader)
        demo.kill()
        demo.wait()
    eventually(lambda: all(map(is_gone, running)), GONE_SECONDS_MAX)
    assert leftovers(tmp_path) == []


HANGS = """
import asyncio, os, sys
from sla_monitor.demo.performance import until_signal
async def hang():
    while True:
        os.write(1, b"x" * 4_096)
asyncio.run(until_signal(hang()))
"""


def test_a_second_ctrl_c_ends_it_at_once() -> None:
    """Whatever the first one waits for."""
    reader, writer = os.pipe()
    with subprocess.Popen([sys.executable, "-c", HANGS], stdout=writer, stderr=subprocess.DEVNULL) as hanging:
        os.close(writer)
        try:
            eventually(lambda: "pipe_write" in Path(f"/proc/{hanging.pid}/wchan").read_text(), STARTED_SECONDS_MAX)
            hanging.send_signal(signal.SIGINT)
            eventually(lambda: int(caught(hanging.pid), 16) & 1 << signal.SIGINT - 1 == 0, GONE_SECONDS_MAX)
            hanging.send_signal(signal.SIGINT)
            assert hanging.wait(GONE_SECONDS_MAX) == -signal.SIGINT
        finally:
            os.close(reader)
            hanging.kill()


def caught(pid: int) -> str:
    """The signals that it handles itself, as the kernel writes them."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:")]
    return line.split()[1]


def test_without_a_broker_there_it_says_so(tmp_path: Path) -> None:
    """Exit 2, and the address."""
    done = subprocess.run(
        command("--broker", "127.0.0.1:1"), env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == EXIT_USAGE
    assert "127.0.0.1:1" in done.stderr
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("speed", [600.0, 1_800.0, 61.5])
def test_what_was_decided_at_one_speed_is_not_mixed_with_another(speed: float) -> None:
    """Each has topics of its own; the usual one the plain name."""
    assert name_of(speed) == {600.0: "demo", 1_800.0: "demo-x1800", 61.5: "demo-x61.5"}[speed]
