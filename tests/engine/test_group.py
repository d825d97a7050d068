"""Where workers say they are, and how they learn who has what."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sla_monitor.engine.group import as_told, owners, url_of


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:6066"),
        ("::1", "http://[::1]:6066"),
        ("worker-1", "http://worker-1:6066"),
        ("0.0.0.0", "http://127.0.0.1:6066"),  # noqa: S104 - what is listened on
        ("::", "http://[::1]:6066"),
    ],
)
def test_the_address_of_a_web_server(host: str, url: str) -> None:
    """One that listens on every address is found on loopback, by who runs on the same machine."""
    assert url_of(host, 6066) == url


def test_an_address_is_compared_as_the_group_writes_it() -> None:
    """Or a worker would take itself for another one."""
    assert as_told("HTTP://Worker-1:6066") == as_told("http://worker-1:6066")
    assert as_told("https://gateway/worker-1") == "https://gateway/worker-1"


def test_the_map_of_the_last_assignment_says_who_has_a_partition() -> None:
    """Of the topic that is asked for; before the first one nobody has any."""
    given = {"http://a:1": {"case-events": [0, 2], "other": [1]}, "http://b:1": {"case-events": [1]}, "http://c:1": {}}
    app = SimpleNamespace(assignor=SimpleNamespace(external_topics_metadata=lambda: given))
    assert owners(cast(Any, app), "case-events") == {0: "http://a:1", 2: "http://a:1", 1: "http://b:1"}
    given.clear()
    assert owners(cast(Any, app), "case-events") == {}
