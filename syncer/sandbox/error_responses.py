"""What the server answers, and the five shapes of its error bodies.

E1  400             {"errors": {"model": {"name": ["must be filled"]}}}                a contract was broken
E2  401 403 404 422 {"errors": [{"status", "title": "Error", "detail", "source"?}]}    refused by the application
E3  400             {"errors": [{"status", "title": "Bad Request", "detail", …}]}      any exception
E4  404 422 429     {"error": "…"}                                                     not found, empty, too often
E5  400 404 500     {"status": 404, "error": "Not Found"}                              the framework itself
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox import jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, before `http_response` adds what HTTP asks for. `content_type` None: no such header."""

    status: int
    text: str = ""
    content_type: str | None = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The request ends here, with this answer. What it has written until now stays written."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        super().__init__(answer.status)
        self.answer = answer


class FrameworkError(Exception):
    """The framework ends the request outside of the application (E5): malformed JSON, unknown route, a crash."""

    def __init__(self, status: int) -> None:
        """Keep the status."""
        super().__init__(status)
        self.status = status


def contract_broken(errors: Mapping[str, Any]) -> RefusedError:
    """Build E1: which keys of the request break the contract, and how."""
    return RefusedError(Answer(400, jsonb.dumps({"errors": errors})))


def application_error(status: int, detail: str, source: Mapping[str, str] | None = None) -> RefusedError:
    """Build E2: the application refuses; `source` names the attributes that are invalid."""
    error: dict[str, Any] = {"status": status, "title": "Error", "detail": detail}
    if source is not None:
        error["source"] = source
    return RefusedError(Answer(status, jsonb.dumps({"errors": [error]})))


def exception_raised(*, detail: str) -> RefusedError:
    """Build E3: an exception was raised while the request was handled. A wrong Workspace-Id gives it, too."""
    error = {
        "status": 400,
        "title": "Bad Request",
        "detail": f"There was a problem with the request format: {detail}",
        "source": {"pointer": "/request/payload"},
    }
    return RefusedError(Answer(400, jsonb.dumps({"errors": [error]})))


def one_sentence(status: int, text: str) -> RefusedError:
    """Build E4: one sentence."""
    return RefusedError(Answer(status, jsonb.dumps({"error": text})))


def framework_error(status: int, *, wants_json: bool) -> Answer:
    """Build E5. A client that did not ask for JSON gets an empty page: the server has no HTML for errors."""
    if not wants_json:
        return Answer(status, content_type="text/html; charset=UTF-8")
    body = {"status": status, "error": HTTPStatus(status).phrase}
    return Answer(status, jsonb.dumps(body), "application/json; charset=UTF-8")
