"""The page's files: no data, no token, nothing from elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from sla_monitor.board import pages
from tests.board.worker import Worker, served


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of its own, whatever the real one looks like."""
    static = tmp_path / "static"
    (static / "deep").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>board</title>")
    (static / "board.js").write_text("export {}")
    (static / "deep" / "style.css").write_text("body {}")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(pages, "FOLDER", static)
    return static


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/case/CASE-1", "text/html"),
        ("/case/a%2Fb", "text/html"),
        ("/static/board.js", "text/javascript"),
        ("/static/deep/style.css", "text/css"),
    ],
)
async def test_files_are_served_without_a_token_and_under_a_strict_policy(path: str, kind: str) -> None:
    """They hold no data; what they may load is told to the browser: from here, nothing inline, no frame around it."""
    async with (
        served(Worker(token="a-token")) as client,
        aiohttp.ClientSession() as session,
        session.get(URL(client.url + path, encoded=True)) as answer,
    ):
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        assert (answer.status, answer.content_type) == (200, kind)
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


LEADING_OUT = ["/static/../secret", "/static/..%2Fsecret", "/static/%2e%2e/secret", "/static//etc/hosts"]


@pytest.mark.parametrize("path", LEADING_OUT)
async def test_no_name_leads_out_of_the_folder(path: str) -> None:
    async with served(Worker()) as client:
        status, body = await raw(client.url, path)
    assert (status, "secret" in body) == (404, False)


@pytest.mark.parametrize("name", ["board.js%00", "x" * 5_000 + ".js", "%FF.js"])
async def test_a_name_that_no_file_can_have_is_not_found(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """And is no error in the log: who asks for files needs no token."""
    async with served(Worker(token="a-token")) as client:
        status, _ = await raw(client.url, f"/static/{name}")
    assert (status, caplog.text) == (404, "")


async def raw(url: str, path: str) -> tuple[int, str]:
    """As it is written: no client tidies the path."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split(" ")[1]), answer
