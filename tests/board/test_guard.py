"""Who may see cases, and who may change anything."""

from __future__ import annotations

import pytest

from sla_monitor.board.guard import is_loopback
from tests.board.worker import Worker, served

TOKEN = "a-token"
READS = ["/overview", "/cases", "/cases/case-1"]


@pytest.mark.parametrize("path", READS)
async def test_with_a_token_file_nothing_is_shown_without_the_token(path: str) -> None:
    """401 and how to ask, on loopback too, for no token and for a wrong one."""
    worker = Worker(token=TOKEN)
    worker.of("case-1").open("case-1")
    async with served(worker) as client:
        for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": TOKEN}):
            status, body, answered = await client.ask(f"/api/v1{path}", headers=headers)
            assert (status, body["status"], answered["WWW-Authenticate"]) == (401, 401, "Bearer")
        status, _, _ = await client.ask(f"/api/v1{path}")
        assert status == 200


@pytest.mark.parametrize("path", READS)
async def test_without_a_token_cases_are_shown_on_loopback_alone(path: str) -> None:
    """A server that others can reach answers 403, whoever asks."""
    async with served(Worker(is_on_loopback=False)) as client:
        status, body, _ = await client.ask(f"/api/v1{path}")
    assert (status, body["title"]) == (403, "Forbidden")
    assert "SLA_WEB_TOKEN_FILE" in body["detail"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:6066", "127.0.0.1.evil.example", "10.0.0.1:6066"])
async def test_a_page_of_another_name_reads_nothing(host: str) -> None:
    """A name that somebody lets point to 127.0.0.1 is not this machine's (DNS rebinding)."""
    async with served(Worker()) as client:
        status, _, _ = await client.ask("/api/v1/cases", headers={"Host": host})
    assert status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:6066", "127.0.0.1", "127.1.2.3:80", "[::1]:6066", "[::1]"])
async def test_this_machine_has_several_names(host: str) -> None:
    async with served(Worker()) as client:
        status, _, _ = await client.ask("/api/v1/cases", headers={"Host": host})
    assert status == 200


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_data_is_kept_by_nobody(token: str | None) -> None:
    """Neither by a cache on the way nor by the browser, errors included."""
    async with served(Worker(token=token)) as client:
        for path in ("/api/v1/cases", "/api/v1/cases/none", "/api/v1/none", "/api/v1/cases?sort=none"):
            _, _, headers = await client.ask(path)
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"


def test_an_empty_host_is_not_this_machine() -> None:
    assert not is_loopback("")
    assert not is_loopback("::ffff:8.8.8.8")


async def test_a_defect_is_told_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an error holds stays in the log; the worker goes on."""

    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    worker = Worker()
    worker.of("case-1").open("case-1")
    monkeypatch.setattr("sla_monitor.board.api.detail", fail)
    async with served(worker) as client:
        status, body, headers = await client.ask("/api/v1/cases/case-1")
        again, _, _ = await client.ask("/api/v1/cases")
    assert (status, again, headers["Content-Type"].partition(";")[0]) == (500, 200, "application/problem+json")
    assert "secret" not in str(body)


@pytest.mark.parametrize("size", [5_000, 1_000_000])
async def test_a_body_larger_than_any_answer_is_refused(size: int) -> None:
    """As what it is: not such a body."""
    async with served(Worker(token=TOKEN)) as client:
        path = "/api/v1/cases/case-1/downgrades/x/confirm"
        status, body, _ = await client.ask(path, method="POST", json={"by": "x" * size})
    assert (status, body["status"]) == (400, 400)
