"""The published description of the API is what the worker answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from typer.testing import CliRunner

from sla_monitor.board.api import add_board
from sla_monitor.board.openapi import document
from sla_monitor.board.together import BASE
from sla_monitor.cli.main import app
from tests.board.test_answers import a_worker, press, recommended
from tests.board.worker import Worker, served

PUBLISHED = Path(__file__).parents[2] / "docs" / "openapi.json"


def valid(name: str, answer: Any) -> None:
    """Held to a schema of the published document by another hand."""
    registry = Registry().with_resource(
        "urn:api", DRAFT202012.create_resource(json.loads(PUBLISHED.read_text("utf-8")))
    )
    schema = {"$ref": f"urn:api#/components/schemas/{name}"}
    Draft202012Validator(schema, registry=registry).validate(answer)


def test_the_published_document_is_that_of_the_code() -> None:
    """`sla-monitor schema api` prints it, and docs/openapi.json is what it prints."""
    printed = CliRunner().invoke(app, ["schema", "api"])
    assert printed.exit_code == 0
    assert json.loads(printed.output) == json.loads(PUBLISHED.read_text("utf-8")) == document()


def test_every_route_is_described_and_no_other() -> None:
    """But what workers ask each other."""
    page = web.Application()
    add_board(page, Worker(), lambda _trace: [])
    served_routes = {
        (route.method.lower(), re.sub(r":[^}]*", "", route.resource.canonical.removeprefix(BASE)))
        for route in page.router.routes()
        if route.resource is not None and route.resource.canonical.startswith(BASE) and route.method in {"GET", "POST"}
    }
    described = {(method, path) for path, methods in document()["paths"].items() for method in methods}
    answers = {(method, re.sub("(confirm|decline)$", "{verb}", path)) for method, path in described}
    assert answers == served_routes - {("get", "/changes")}


def test_every_schema_is_one() -> None:
    """JSON Schema 2020-12, and every reference leads somewhere."""
    schemas = document()["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document())))
    assert named <= set(schemas)


@pytest.mark.parametrize(
    ("path", "name"), [("/overview", "Overview"), ("/cases", "Cases"), ("/cases/case-1", "CaseDetail")]
)
async def test_answers_are_of_the_published_schemas(path: str, name: str) -> None:
    """With a case of which everything is said: labels, downgrades, notices."""
    async with served(a_worker()) as client:
        valid(name, await client.get(path))
        assert await client.get("/openapi.json") == document()


async def test_so_are_an_answer_and_an_error() -> None:
    async with served(a_worker()) as client:
        _, accepted = await press(client, "confirm", (await recommended(client))["recommendation"])
        valid("Accepted", accepted)
        for path in ("/cases/nobody", "/cases?limit=0"):
            _, problem, _ = await client.ask(BASE + path)
            valid("Problem", problem)
