"""Settings: environment variables that start with `SLA_`, each described once, here.

`load` reads them and lists every problem at once. A secret is never a setting, only the path of the file that has it:
environments are printed, inherited and kept in crash reports.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, FilePath, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sla_monitor.errors import BadConfiguration

PREFIX = "SLA_"
CRASH_AT = "SLA_CRASH_AT"  # read by engine/crash.py: an instrument of tests, no setting
DAY_SECONDS = 86_400
REOPENING_WINDOW_DAYS = 100  # closed cases must be known for as long as they may be reopened
TOPIC_PREFIX_LENGTH_MAX = 200  # Kafka's limit is 249 for the whole name; the longest of ours has 16
PORT_MAX = 65_535

WORDS = {  # for people, where pydantic speaks to programmers
    "path_not_file": "there is no such file, or this user may not see it: make it, or correct the path",
    "string_pattern_mismatch": "may have letters, digits, dots, underscores and dashes, and nothing else",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]/]+):(\d{1,5})", re.ASCII)


def _servers(text: str) -> str:
    servers = [server.strip() for server in text.split(",")]
    for server in servers:
        match = _SERVER.fullmatch(server)
        if match is None or not 0 < int(match[2]) <= PORT_MAX:
            raise ValueError("not HOST:PORT, or several separated by commas")
    return ",".join(servers)


def _instant(value: object) -> object:
    if isinstance(value, str) and not _RFC_3339.fullmatch(value):
        raise ValueError("not a time with an offset (RFC 3339), such as 2026-01-01T00:00:00Z")
    return value


def _web_address(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("not an address such as http://worker-1:6066")
    if url.username or url.password:
        raise ValueError("must not carry a user or a password: it is shown to others")
    return text.rstrip("/")


Servers = Annotated[str, AfterValidator(_servers)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Seconds = Annotated[float, Field(ge=0, le=10 * 366 * DAY_SECONDS, allow_inf_nan=False)]
KafkaName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=TOPIC_PREFIX_LENGTH_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The names of the topics. Nothing else in the product spells one."""

    events: str
    notices: str
    state: str
    dead: str

    @classmethod
    def with_prefix(cls, prefix: str) -> Self:
        """The default names, each with the prefix before it."""
        return cls(
            events=f"{prefix}case-events",
            notices=f"{prefix}sla-notices",
            state=f"{prefix}sla-state",
            dead=f"{prefix}case-events.dead",
        )

    def shadowed(self, prefix: str, name: str) -> Self:
        """Those of a shadow: the same input, all else its own."""
        return replace(self.with_prefix(f"{prefix}{name}."), events=self.events)

    def __iter__(self) -> Iterator[str]:
        return iter((self.events, self.notices, self.state, self.dead))


class Settings(BaseSettings):
    """Every setting. An empty variable counts as absent."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    broker: Servers = Field("127.0.0.1:9092", description="Bootstrap servers, HOST:PORT, separated by commas.")
    group: KafkaName = Field("sla-monitor", description="Consumer group, and name of the deployment.")
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=TOPIC_PREFIX_LENGTH_MAX)] = Field(
        "", description="Put before every topic name."
    )
    shadow: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$")] = Field(
        "", description="Name of a shadow: reads the same input; group, state, notices and dead letters are its own."
    )
    journal: Literal["transactional", "at_least_once"] = Field(
        "transactional", description="How notices, state and offsets are committed; at_least_once is for one worker."
    )
    policy: Path | None = Field(
        None, description="Policy pack, or a folder of all its versions. Without it the built-in one."
    )
    settle_seconds: Seconds = Field(2, description="Grace for facts on the way, before a deadline is judged.")
    notices_from: Instant | None = Field(
        None, description="Go-live (RFC 3339): notices about earlier instants are marked as history."
    )
    partition_check: Literal["count", "strict"] = Field(
        "count", description="What becomes of a record in another partition than its key's: counted, or dead-lettered."
    )
    future_tolerance_seconds: Seconds = Field(300, description="How far ahead of the worker an event may be.")
    orphan_seconds: Seconds = Field(DAY_SECONDS, description="How long an event waits for the opening of its case.")
    correction_horizon_seconds: Seconds = Field(
        7 * DAY_SECONDS, description="How old a fact may be and still change what was decided."
    )
    retention_days: int = Field(
        396, ge=REOPENING_WINDOW_DAYS, le=3660, description="How long a closed case is kept, in days."
    )
    breaker_ratio: float = Field(
        0.5, gt=0, le=1, description="Share of bad records among the last 1,000 that stops a partition."
    )
    session_timeout_seconds: float = Field(
        10, ge=1, le=1800, description="After this silence a worker's partitions go to others."
    )
    web_host: str = Field("127.0.0.1", min_length=1, description="Address the web server listens on.")
    web_port: int = Field(
        6066, ge=0, le=PORT_MAX, description="Port of metrics, health and the board; 0 takes a free one."
    )
    web_token_file: FilePath | None = Field(
        None, description="File with the token that guards what changes anything or shows a case."
    )
    web_advertised_url: WebAddress | None = Field(None, description="Where the other workers reach this one.")
    log_format: Literal["console", "json"] = Field("console", description="Logs for people, or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What is logged; debug adds a line for each transaction and each decision."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How Kafka is spoken to."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, validate_default=True, description="How this worker proves who it is."
    )
    sasl_username: str | None = Field(None, validate_default=True, description="Who this worker is.")
    sasl_password_file: FilePath | None = Field(None, validate_default=True, description="File with the password.")
    ssl_cafile: FilePath | None = Field(
        None, description="Certificates to trust (PEM). Without it those of the system."
    )
    ssl_certfile: FilePath | None = Field(None, description="Certificate of this worker (PEM).")
    ssl_keyfile: FilePath | None = Field(None, validate_default=True, description="Key of that certificate (PEM).")

    @property
    def topics(self) -> Topics:
        """The topic names of this deployment."""
        live = Topics.with_prefix(self.topic_prefix)
        return live.shadowed(self.topic_prefix, self.shadow) if self.shadow else live

    @property
    def bootstrap_servers(self) -> list[str]:
        """`broker` as a list of HOST:PORT."""
        return self.broker.split(",")

    @property
    def notices_from_at(self) -> int | None:
        """`notices_from` in microseconds since the epoch."""
        return None if self.notices_from is None else (self.notices_from - _EPOCH) // timedelta(microseconds=1)

    @field_validator("shadow")
    @classmethod
    def _leaves_room(cls, name: str, info: ValidationInfo) -> str:
        prefix = info.data.get("topic_prefix", "")
        if len(prefix) + len(name) + 1 > TOPIC_PREFIX_LENGTH_MAX:
            raise ValueError(f"is too long: with {PREFIX}TOPIC_PREFIX at most {TOPIC_PREFIX_LENGTH_MAX - 1} characters")
        return name

    @field_validator("correction_horizon_seconds")
    @classmethod
    def _shorter_than_any_retention(cls, seconds: float) -> float:
        if seconds > REOPENING_WINDOW_DAYS * DAY_SECONDS:
            raise ValueError(f"above {REOPENING_WINDOW_DAYS} days: facts would outlive the cases they correct")
        return seconds

    @field_validator("sasl_mechanism", "sasl_username", "sasl_password_file")
    @classmethod
    def _fits_the_protocol(cls, value: object, info: ValidationInfo) -> object:
        protocol = info.data.get("security_protocol")  # absent when it is wrong itself
        if protocol and protocol.startswith("SASL_") and value is None:
            raise ValueError(f"is needed with {PREFIX}SECURITY_PROTOCOL={protocol}")
        if protocol and not protocol.startswith("SASL_") and value is not None:
            raise ValueError(f"has no effect with {PREFIX}SECURITY_PROTOCOL={protocol}; SASL_SSL is what uses it")
        return value

    @field_validator("ssl_cafile", "ssl_certfile", "ssl_keyfile")
    @classmethod
    def _is_used(cls, value: object, info: ValidationInfo) -> object:
        protocol = info.data.get("security_protocol")
        if protocol and not protocol.endswith("SSL") and value is not None:
            raise ValueError(f"has no effect with {PREFIX}SECURITY_PROTOCOL={protocol}; SSL and SASL_SSL use it")
        return value

    @field_validator("ssl_keyfile")
    @classmethod
    def _goes_with_its_certificate(cls, value: object, info: ValidationInfo) -> object:
        if "ssl_certfile" in info.data and (value is None) is not (info.data["ssl_certfile"] is None):
            raise ValueError(f"goes together with {PREFIX}SSL_CERTFILE: set both or neither")
        return value


NAMES = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}


def load(**given: Any) -> Settings:
    """The settings of this process: `given` (options of a command) before the environment before the defaults.

    BadConfiguration lists every problem as `SLA_NAME: problem`, without the values: one may be a secret in the wrong
    place.
    """
    problems = list(_unknown(os.environ))
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += [f"{PREFIX}{str(each['loc'][0]).upper()}: {_words(each)}" for each in error.errors()]
    else:
        if not problems:
            return as_shadow(settings, settings.shadow) if settings.shadow else settings
    raise BadConfiguration(sorted(problems))


def as_shadow(live: Settings, name: str) -> Settings:
    """The same deployment's shadow of this name."""
    return live.model_copy(update={"shadow": name, "group": f"{live.group}.{name}"})


def read_secret(path: Path, name: str) -> str:
    """The secret in the file that setting `name` points to, without the line end. BadConfiguration: none in it."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{name}: {path} cannot be read ({type(error).__name__})") from None
    if not secret:
        raise BadConfiguration(f"{name}: {path} is empty")
    return secret


def describe() -> list[tuple[str, str, str]]:
    """Name, default and meaning of each setting, for `--help` and the documentation."""
    fields = [(name, Settings.model_fields[field]) for name, field in NAMES.items()]
    return [
        (name, "" if field.default is None else str(field.default), field.description or "") for name, field in fields
    ]


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    """A name that starts like ours and is none of ours is a mistake, except what Kubernetes puts into each pod for a
    service that happens to be called `sla-…`.
    """
    names = {name.upper() for name in environment if name.upper().startswith(PREFIX)}
    services = {name.removesuffix("_SERVICE_HOST") for name in names if name.endswith("_SERVICE_HOST")}
    for name in names - NAMES.keys() - {CRASH_AT}:
        if any(re.match(rf"{re.escape(service)}_(SERVICE_(HOST|PORT)|PORT)(_|$)", name) for service in services):
            continue
        [near] = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.7) or [""]
        yield f"{name}: is no setting" + (f"; did you mean {near}?" if near else "")


def _words(error: Mapping[str, Any]) -> str:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ValueError):
        return str(cause)
    message: str = WORDS.get(error["type"], error["msg"])
    return message[:1].lower() + message[1:]
