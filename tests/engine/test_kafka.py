"""Addresses and security of the Kafka clients."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from sla_monitor.config.settings import Settings
from sla_monitor.engine.kafka import client_options
from sla_monitor.errors import BadConfiguration


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
