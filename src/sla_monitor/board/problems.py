"""What goes wrong for who asks, as RFC 9457 writes it. No text holds a token, nor anything of a case but its id."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from sla_monitor.board.models import Partition, Problem

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2


class Refused(Exception):
    """Raised anywhere below a route; `answer` is what is sent."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem, self.headers = problem, headers or {}

    def answer(self) -> web.Response:
        text = self.problem.model_dump_json(exclude_none=True)
        response = web.Response(text=text, status=self.problem.status, content_type=CONTENT_TYPE)
        response.headers.update(self.headers)
        return response


def refused(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> Refused:
    return Refused(Problem(title=status.phrase, status=status, detail=detail), headers)


def not_now(partition: Partition) -> Refused:
    """Who asked should ask again: the partition of the case is with nobody who can answer."""
    words = {
        "restoring": "its state is being restored",
        "moving": "it is being moved to another worker",
        "unowned": "no worker has it",
        "unreachable": "its worker does not answer",
    }
    why = words.get(partition.state, "it cannot be asked now")
    problem = Problem(
        title=HTTPStatus.SERVICE_UNAVAILABLE.phrase,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        detail=f"the case belongs to partition {partition.partition}: {why}",
        partition=partition.partition,
        partition_state=partition.state,
        owner=partition.owner,
        since=partition.since,
    )
    return Refused(problem, {"Retry-After": str(RETRY_AFTER_SECONDS)})
