"""The API as an OpenAPI 3.1 document, made from the models that answer. docs/openapi.json is the same, which a test
holds.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sla_monitor.board import models as m
from sla_monitor.board.clocks import STATES
from sla_monitor.board.query import FILTERS, LIMIT_DEFAULT, LIMIT_MAX, SORTS
from sla_monitor.board.together import BASE

VERSION: Final = "1"
_ANSWERS: Final = (m.Overview, m.Cases, m.CaseDetail, m.Accepted, m.Problem)
_WORDS: Final = {
    400: "A parameter, a value or a body that there is not.",
    401: "The token is missing or wrong.",
    403: "Without a token file: cases are shown on loopback alone, and nothing is changed.",
    404: "Nothing of this name is known.",
    409: "The recommendation was answered, or stands no longer.",
    503: "Its partition is being restored or moved, or the worker that has it does not answer: ask again.",
}


def document() -> dict[str, Any]:
    """OpenAPI 3.1, whose schemas are JSON Schema 2020-12."""
    _, definitions = models_json_schema(
        [(each, "serialization") for each in _ANSWERS] + [(m.Answer, "validation")],
        ref_template="#/components/schemas/{model}",
    )
    case = _in_path("case_id", "Id of the case, encoded as a part of a URL.")
    recommendation = _in_path("recommendation", "Id of the notice that recommended the downgrade.")
    answer = {"required": False, "content": {"application/json": {"schema": _reference(m.Answer)}}}
    paths: dict[str, Any] = {
        "/overview": {
            "get": _get("overview", "What is nearest, broken, paused and waiting.", [], m.Overview, 401, 403)
        },
        "/cases": {
            "get": _get("cases", "Clocks of open cases, page by page.", _filters(), m.Cases, 400, 401, 403),
        },
        "/cases/{case_id}": {
            "get": _get("case", "Everything about one case.", [case], m.CaseDetail, 400, 401, 403, 404, 503)
        },
    }
    for verb, words in (("confirm", "Follow a recommended downgrade."), ("decline", "Decide against it.")):
        operation = _operation(verb, words, [case, recommendation], 400, 401, 403, 404, 409, 503)
        operation["requestBody"] = answer
        operation["responses"]["202"] = _json("The event was written; its effect follows.", m.Accepted)
        paths[f"/cases/{{case_id}}/downgrades/{{recommendation}}/{verb}"] = {"post": operation}
    paths["/stream"] = {"get": _stream()}
    paths["/openapi.json"] = {"get": _openapi()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sla-monitor board",
            "version": VERSION,
            "description": "Open cases and their clocks, from any worker of a deployment. Times are RFC 3339 in UTC, "
            "durations seconds. Fields may be added; those that are here stay.",
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The content of SLA_WEB_TOKEN_FILE."}
            },
            "schemas": definitions["$defs"],
        },
    }


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _json(words: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": _reference(model)}}}


def _operation(name: str, words: str, parameters: list[dict[str, Any]], *problems: int) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": _reference(m.Problem)}}
    responses = {str(status): {"description": _WORDS[status], "content": problem} for status in problems}
    if "503" in responses:
        seconds = {"description": "Seconds.", "schema": {"type": "integer"}}
        responses["503"] = responses["503"] | {"headers": {"Retry-After": seconds}}
    return {"operationId": name, "summary": words, "parameters": parameters, "responses": responses}


def _get(
    name: str, words: str, parameters: list[dict[str, Any]], model: type[BaseModel], *problems: int
) -> dict[str, Any]:
    operation = _operation(name, words, parameters, *problems)
    operation["responses"] = {"200": _json(words, model)} | operation["responses"]
    return operation


def _in_path(name: str, words: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": words, "schema": {"type": "string"}}


def _in_query(name: str, words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": words, "schema": schema}


def _filters() -> list[dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {name: {"type": "string"} for name in FILTERS}
    values["state"] = {"enum": list(STATES)}
    many = [
        _in_query(name, "May be given several times: any of these.", {"type": "array", "items": value})
        for name, value in values.items()
    ]
    limit = {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}
    return [
        *many,
        _in_query("search", "The beginning of a case id.", {"type": "string"}),
        _in_query("sort", "What comes first is the smallest.", {"enum": list(SORTS), "default": SORTS[0]}),
        _in_query("limit", "Clocks a page.", limit),
        _in_query("after", "The `next` of the page before, of the same question.", {"type": "string"}),
    ]


def _stream() -> dict[str, Any]:
    case = _in_query("case", "Only changes of this case.", {"type": "string"})
    operation = _operation("stream", "Live updates, as server-sent events.", [case], 400, 401, 403, 503)
    words = (
        "`event: overview` with the overview as data, when it says something new, at most once a second; "
        "`event: case` with {case_id} of a case that changed; a comment every 15 seconds."
    )
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    operation["responses"] = {"200": {"description": words, "content": content}} | operation["responses"]
    return operation


def _openapi() -> dict[str, Any]:
    operation = _operation("openapi", "This document.", [], 401, 403)
    content = {"application/json": {"schema": {"type": "object"}}}
    operation["responses"] = {"200": {"description": "OpenAPI 3.1.", "content": content}} | operation["responses"]
    return operation
