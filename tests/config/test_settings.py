"""Settings come from the environment; what is wrong with them is said at once, completely and without secrets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sla_monitor.config import settings as config
from sla_monitor.config.settings import Settings, Topics, load
from sla_monitor.errors import BadConfiguration

Environment = Callable[..., None]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment that has no setting yet; call it to set some."""
    for name in list(os.environ):
        if name.upper().startswith("SLA_"):
            monkeypatch.delenv(name)

    def put(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


def problems() -> list[str]:
    """What loading complains about."""
    with pytest.raises(BadConfiguration) as refused:
        load()
    return refused.value.problems


def test_without_any_variable_the_documented_defaults_hold() -> None:
    """A bare environment is a complete configuration: a local broker, everything on loopback."""
    settings = load()
    assert settings.bootstrap_servers == ["127.0.0.1:9092"]
    assert (settings.group, settings.topic_prefix, settings.journal) == ("sla-monitor", "", "transactional")
    assert (settings.settle_seconds, settings.session_timeout_seconds) == (2, 10)
    assert (settings.web_host, settings.web_port, settings.partition_check) == ("127.0.0.1", 6066, "count")
    assert (settings.future_tolerance_seconds, settings.orphan_seconds) == (300, 86_400)
    assert (settings.correction_horizon_seconds, settings.retention_days) == (604_800, 396)
    assert (settings.breaker_ratio, settings.policy, settings.notices_from_at) == (0.5, None, None)


def test_variables_are_read_and_options_of_a_command_win(environment: Environment) -> None:
    """The environment beats the defaults, the command line beats the environment."""
    environment(SLA_BROKER="a:1, b:2", SLA_SETTLE_SECONDS="0.5", SLA_NOTICES_FROM="2026-01-01T01:00:00.5+01:00")
    assert load().bootstrap_servers == ["a:1", "b:2"]
    assert load(broker="c:3").bootstrap_servers == ["c:3"]
    assert load().settle_seconds == 0.5
    assert load().notices_from_at == 1_767_225_600_500_000


def test_an_empty_variable_is_as_good_as_none(environment: Environment) -> None:
    """Compose files pass `SLA_POLICY=` for what was not set."""
    environment(SLA_POLICY="", SLA_WEB_PORT="")
    assert load().policy is None
    assert load().web_port == 6066


def test_the_prefix_stands_before_every_topic() -> None:
    """Two deployments on one cluster differ by the prefix alone."""
    assert load(topic_prefix="eu.").topics == Topics(
        events="eu.case-events", notices="eu.sla-notices", state="eu.sla-state", dead="eu.case-events.dead"
    )


def test_every_problem_is_listed_by_its_variable(environment: Environment) -> None:
    """Nobody corrects one mistake only to be shown the next."""
    environment(
        SLA_BREAKER_RATIO="0",
        SLA_BROKER="kafka",
        SLA_JOURNAL="exactly",
        SLA_RETENTION_DAYS="99",
        SLA_SESION_TIMEOUT_SECONDS="5",
        SLA_WEB_PORT="http",
    )
    assert problems() == [
        "SLA_BREAKER_RATIO: input should be greater than 0",
        "SLA_BROKER: not HOST:PORT, or several separated by commas",
        "SLA_JOURNAL: input should be 'transactional' or 'at_least_once'",
        "SLA_RETENTION_DAYS: input should be greater than or equal to 100",
        "SLA_SESION_TIMEOUT_SECONDS: is no setting; did you mean SLA_SESSION_TIMEOUT_SECONDS?",
        "SLA_WEB_PORT: must be a whole number",
    ]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLA_BROKER", "kafka://a:1"),
        ("SLA_BROKER", "a:70000"),
        ("SLA_BROKER", "a:1,,b:2"),
        ("SLA_GROUP", "a b"),
        ("SLA_TOPIC_PREFIX", "eu/"),
        ("SLA_SETTLE_SECONDS", "-1"),
        ("SLA_SETTLE_SECONDS", "nan"),
        ("SLA_NOTICES_FROM", "2026-01-01"),
        ("SLA_NOTICES_FROM", "2026-01-01T00:00:00"),
        ("SLA_NOTICES_FROM", "1767225600"),
        ("SLA_BREAKER_RATIO", "1.01"),
        ("SLA_WEB_TOKEN_FILE", "/nowhere"),
        ("SLA_WEB_ADVERTISED_URL", "worker:6066"),
        ("SLA_WEB_ADVERTISED_URL", "http://me:secret@worker:6066"),
        ("SLA_CORRECTION_HORIZON_SECONDS", "8726400"),
        ("SLA_SECURITY_PROTOCOL", "TLS"),
    ],
)
def test_a_bad_value_is_named_and_not_repeated(environment: Environment, variable: str, value: str) -> None:
    """The value may be a secret in the wrong place, so only its variable is named."""
    environment(**{variable: value})
    [problem] = problems()
    assert problem.startswith(f"{variable}: ")
    assert "secret" not in problem


def test_a_password_in_the_environment_is_refused_and_not_shown(environment: Environment) -> None:
    """Secrets come in files; the nearest setting is named, the secret is not."""
    environment(SLA_SASL_PASSWORD="hunter2")
    assert problems() == ["SLA_SASL_PASSWORD: is no setting; did you mean SLA_SASL_PASSWORD_FILE?"]


def test_what_kubernetes_adds_for_a_service_is_no_mistake(environment: Environment) -> None:
    """A service called sla-monitor puts variables into every pod of its namespace."""
    environment(
        SLA_MONITOR_SERVICE_HOST="10.0.0.1",
        SLA_MONITOR_SERVICE_PORT="6066",
        SLA_MONITOR_SERVICE_PORT_METRICS="6066",
        SLA_MONITOR_PORT="tcp://10.0.0.1:6066",
        SLA_MONITOR_PORT_6066_TCP_ADDR="10.0.0.1",
    )
    assert load().web_port == 6066
    environment(SLA_MONITOR_POLICY="x")
    assert problems() == ["SLA_MONITOR_POLICY: is no setting; did you mean SLA_POLICY?"]


def test_sasl_needs_all_its_parts(environment: Environment) -> None:
    """With a SASL protocol the missing parts are listed, each by its name."""
    environment(SLA_SECURITY_PROTOCOL="SASL_SSL", SLA_SASL_USERNAME="worker")
    assert problems() == [
        "SLA_SASL_MECHANISM: is needed with SLA_SECURITY_PROTOCOL=SASL_SSL",
        "SLA_SASL_PASSWORD_FILE: is needed with SLA_SECURITY_PROTOCOL=SASL_SSL",
    ]


def test_security_that_would_not_be_used_is_a_mistake(environment: Environment, tmp_path: Path) -> None:
    """Whoever names a certificate or a user does not expect to speak in the clear."""
    file = tmp_path / "file"
    file.write_text("x")
    environment(SLA_SSL_CAFILE=str(file), SLA_SASL_USERNAME="worker", SLA_SSL_KEYFILE=str(file))
    assert [problem.partition(":")[0] for problem in problems()] == [
        "SLA_SASL_USERNAME",
        "SLA_SSL_CAFILE",
        "SLA_SSL_KEYFILE",
    ]


def test_a_certificate_goes_with_its_key(environment: Environment, tmp_path: Path) -> None:
    """One without the other is a mistake."""
    file = tmp_path / "cert.pem"
    file.write_text("x")
    environment(SLA_SECURITY_PROTOCOL="SSL", SLA_SSL_CERTFILE=str(file))
    assert problems() == ["SLA_SSL_KEYFILE: goes together with SLA_SSL_CERTFILE: set both or neither"]


def test_settings_do_not_change_and_hold_no_secret(tmp_path: Path) -> None:
    """What is printed has the path of the password, never the password."""
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    settings = load(
        security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", sasl_username="worker", sasl_password_file=file
    )
    assert "hunter2" not in repr(settings)
    assert config.read_secret(file, "SLA_SASL_PASSWORD_FILE") == "hunter2"
    with pytest.raises(ValueError, match="frozen"):
        settings.group = "other"  # type: ignore[misc]


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    """A file that a secret never reached must not count as a password of no letters."""
    file = tmp_path / "password"
    file.write_text("\n")
    with pytest.raises(BadConfiguration, match="SLA_SASL_PASSWORD_FILE"):
        config.read_secret(file, "SLA_SASL_PASSWORD_FILE")


def test_every_setting_is_described() -> None:
    """`--help` and the documentation are made from the same sentences."""
    described = config.describe()
    assert [name for name, _, _ in described] == [f"SLA_{field.upper()}" for field in Settings.model_fields]
    assert all(meaning.endswith(".") for _, _, meaning in described)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SLA_WEB_TOKEN_FILE", "nowhere/token", "there is no such file"),
        ("SLA_GROUP", "two words", "letters, digits, dots"),
        ("SLA_RETENTION_DAYS", "1.5", "a whole number"),
        ("SLA_SETTLE_SECONDS", "soon", "must be a number"),
        ("SLA_WEB_PORT", "99999", "less than or equal to 65535"),
        ("SLA_JOURNAL", "paper", "'transactional' or 'at_least_once'"),
    ],
)
def test_a_problem_says_what_a_good_value_is(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """In words for whoever sets it, and without the value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(BadConfiguration) as refused:
        load()
    [problem] = refused.value.problems
    assert problem.startswith(f"{name}: ")
    assert words in problem
    assert value not in problem


def test_a_shadow_shares_the_input_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics, group and transactional ids, which begin with the topic of the state, are its own."""
    monkeypatch.setenv("SLA_TOPIC_PREFIX", "eu.")
    live, shadow = load(), load(shadow="next")
    assert shadow.topics.events == live.topics.events == "eu.case-events"
    assert set(shadow.topics) & set(live.topics) == {live.topics.events}
    assert (shadow.topics.notices, shadow.group) == ("eu.next.sla-notices", "sla-monitor.next")


def test_a_shadow_whose_names_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Kafka refuses them."""
    monkeypatch.setenv("SLA_TOPIC_PREFIX", "p" * 150)
    with pytest.raises(BadConfiguration, match="SLA_SHADOW: is too long"):
        load(shadow="s" * 150)
