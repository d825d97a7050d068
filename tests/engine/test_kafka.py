"""Addresses and security of the Kafka clients."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from sla_monitor.config.settings import Settings
from sla_monitor.engine.kafka import NoConnection, client_options, no_connection, plain_client
from sla_monitor.errors import BadConfiguration
from tests.kafka.broker import free_port


def test_the_default_is_a_plain_connection() -> None:
    """Nothing about security is passed that was not set."""
    assert client_options(Settings(broker="a:1,b:2")) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }


def test_the_password_comes_from_its_file(tmp_path: Path) -> None:
    """Without the line end that editors add."""
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    options = client_options(
        Settings(
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="worker",
            sasl_password_file=file,
        )
    )
    assert options["sasl_plain_password"] == "hunter2"
    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == ("SCRAM-SHA-512", "worker")
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert options["ssl_context"].check_hostname


@pytest.mark.parametrize("wrong", ["ssl_cafile", "ssl_certfile"])
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, wrong: str) -> None:
    """The setting and the file, not OpenSSL's words alone."""
    file = tmp_path / "wrong.pem"
    file.write_text("no certificate")
    files = {"ssl_cafile": file} if wrong == "ssl_cafile" else {"ssl_certfile": file, "ssl_keyfile": file}
    with pytest.raises(BadConfiguration, match=f"SLA_{wrong.upper()}: .*wrong.pem"):
        client_options(Settings.model_validate({"security_protocol": "SSL", **files}))


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ('"a:1": [Errno 111] Connect call failed', "start the broker"),
        ('"a:1": [Errno -2] Name or service not known', "the host is unknown here"),
        ('"a:1": [Error 58] SaslAuthenticationFailed: <AIOKafkaConnection host=a port=1>', "SLA_SASL_USERNAME"),
        ('"a:1": [Error 34] IllegalSaslStateError', "asks nobody who they are"),
        ('"a:1": [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed', "SLA_SSL_CAFILE"),
        ('"a:1": [SSL: WRONG_VERSION_NUMBER] wrong version number', "may not speak TLS"),
        ('"a:1": KafkaConnectionError: Connection at a:1 closed', "one side may speak TLS"),
        ('"a:1": TimeoutError', "firewall"),
    ],
)
def test_what_to_do_about_a_connection_that_failed(reason: str, advice: str) -> None:
    """The client's words, and then what helps."""
    refusal = no_connection("a:1", [f"Unable connect to {reason}"])
    assert reason in refusal.why
    assert advice in refusal.what_to_do
    assert str(refusal) == f"SLA_BROKER: {refusal.why}: {refusal.what_to_do}"


def test_each_server_has_its_reason_and_each_advice_is_given_once() -> None:
    """Two that are down, and one that has no address."""
    down, lost = "[Errno 111] Connect call failed", "[Errno -2] Name or service not known"
    refusal = no_connection("a:1,b:1,c:1", [f'"a:1": {down}', f'"b:1": {down}', f'"c:1": {lost}'])
    assert refusal.why.count(down) == 2
    assert refusal.what_to_do.count("start the broker") == 1
    assert "the host is unknown here" in refusal.what_to_do


async def test_a_refusal_is_one_line_and_the_log_says_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    """The client tells its log alone why it could not connect."""
    with pytest.raises(NoConnection, match="Connect call failed") as refused:
        async with plain_client(Settings(broker=f"127.0.0.1:{free_port()}")):
            pass
    assert "\n" not in str(refused.value)
    assert caplog.records == []
