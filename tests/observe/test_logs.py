import io
import json
import logging
import warnings
from typing import Any

import pytest
import structlog

from sla_monitor.errors import BadConfiguration
from sla_monitor.observe import logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


pytestmark = pytest.mark.usefixtures("logging_as_before")


def logger() -> Any:
    return structlog.get_logger("sla_monitor.engine.shard")


def fail(local_variable: str) -> None:
    raise ValueError(f"client_secret={local_variable}")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_those_of_a_library_look_the_same() -> None:
    """One JSON object a line, with the same fields, whoever spoke."""
    stream = io.StringIO()
    logs.configure("json", "INFO", stream)
    logger().info("partition live", partition=3)
    logging.getLogger("aiokafka.consumer").warning("Heartbeat failed for %s", "group")
    ours, theirs = lines(stream)
    assert (ours["event"], ours["partition"], ours["logger"]) == ("partition live", 3, "sla_monitor.engine.shard")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (
        "Heartbeat failed for group",
        "warning",
        "aiokafka.consumer",
    )
    assert ours["timestamp"].endswith("Z")
    assert theirs["timestamp"].endswith("Z")


def test_logs_go_to_stderr_and_leave_stdout_to_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """`sla-monitor demo --json | jq` never meets a log line."""
    logs.configure("console")
    logger().warning("late", seconds=2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "late" in captured.err


def test_the_level_holds_for_everybody() -> None:
    """Quiet is quiet, libraries included."""
    stream = io.StringIO()
    logs.configure("json", "warning", stream)
    logger().info("no")
    logging.getLogger("faust").info("no")
    logger().error("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_debug_is_for_our_own_lines() -> None:
    """What a library says at that level may be a password: aiokafka logs the requests that it sends."""
    stream = io.StringIO()
    logs.configure("json", "debug", stream)
    for name in ("aiokafka.conn", "faust", "mode", "aiohttp", "asyncio"):
        logging.getLogger(name).debug("Request sasl_auth_bytes=b'worker hunter2'")
    logging.getLogger("aiokafka.conn").info("Authenticated as worker via PLAIN")
    logging.getLogger("aiokafka.conn").warning("no broker")
    logger().debug("transaction")
    assert [line["event"] for line in lines(stream)] == ["no broker", "transaction"]


def test_configured_twice_each_line_is_said_once() -> None:
    """The second configuration replaces the first, also for loggers made before."""
    first, second = io.StringIO(), io.StringIO()
    logs.configure("console", "INFO", first)
    kept = logger()
    kept.info("one")
    logs.configure("json", "INFO", second)
    kept.info("two")
    assert "one" in first.getvalue()
    assert "two" not in first.getvalue()
    assert [line["event"] for line in lines(second)] == ["two"]


def test_an_unknown_level_refuses_to_start() -> None:
    """A typing error does not silence a worker."""
    with pytest.raises(BadConfiguration, match="LOUD"):
        logs.configure("json", "LOUD")


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour on a terminal, none with NO_COLOR set, none in a file."""
    shown = {}
    for name, stream, no_color in (
        ("terminal", Terminal(), ""),
        ("asked", Terminal(), "1"),
        ("file", io.StringIO(), ""),
    ):
        monkeypatch.setenv("NO_COLOR", no_color)
        logs.configure("console", "INFO", stream)
        logger().info("hello", count=1)
        shown[name] = "\x1b[" in stream.getvalue()
    assert shown == {"terminal": True, "asked": False, "file": False}


@pytest.mark.parametrize("form", ["console", "json"])
def test_secrets_are_never_shown(form: logs.Format) -> None:
    """By name, inside other values, in free text, in addresses, in tracebacks and in their local variables."""
    stream = io.StringIO()
    logs.configure(form, "INFO", stream)
    options = {"sasl_plain_password": "hunter2", "ssl": {"token": "hunter2"}, "hosts": ["a", "b"]}
    logger().info("connect", options=options, **options)
    logger().info("connect sasl_plain_password='hunter2', retry", url="kafka://me:hunter2@broker:9092/x")
    logger().info("refused", error=OSError("no route for api_key=hunter2 to broker"))
    logging.getLogger("aiohttp").info("headers %s", {"Authorization": "Bearer hunter2", "Accept": "*/*"})
    try:
        fail("hunter" + str(2))  # the line itself is in the traceback
    except ValueError:
        logger().exception("failed")
    assert "hunter2" not in stream.getvalue()
    for kept in ("retry", "no route", "broker:9092/x", "hosts", "Accept", "ValueError", "Traceback"):
        assert kept in stream.getvalue(), kept


def test_numbers_stay_numbers() -> None:
    """Masking does not turn an offset into a string."""
    stream = io.StringIO()
    logs.configure("json", "INFO", stream)
    logger().info("committed", offset=12, seconds=0.5, last=None, live=True, partitions=(1, 2))
    (line,) = lines(stream)
    assert (line["offset"], line["seconds"], line["last"], line["live"]) == (12, 0.5, None, True)
    assert line["partitions"] == [1, 2]


def test_a_warning_of_python_is_a_log_line() -> None:
    """Nothing reaches stderr in another shape."""
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure("json", "INFO", stream)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "DeprecationWarning: old" in lines(stream)[0]["event"]
