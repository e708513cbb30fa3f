"""A GitHub that remembers: enough of REST and GraphQL for comments, issues, commits and branches, as a WSGI application.

fake = FakeGitHub("acme/models")
with serving(fake) as url:                                    # or transport=httpx.WSGITransport(fake)
    run(env=fake.variables(url, tmp_path, "pull_request"))    # an event of tests/events, or a dict
fake.comments[7], fake.issues, fake.writes                    # what stands there, and what changed it

fake.tokens["ghs_other"] = "other[bot]"       who a token is; a `[bot]` is an app
fake.read_only.add("ghs_job")                 writes are 403, as in a fork's run
fake.limit = 30_000                           longer bodies are 422
fake.say(7, "mallory", "…")                   somebody's comment; `fake.pull(…)`, `fake.branches` likewise
fake.faults.append(Fault(502, method="POST", lost=True))     carried out, but the answer is lost
"""

from __future__ import annotations

import json
import re
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

EVENTS: Final = Path(__file__).parent / "events"
TOKEN: Final = "ghs_job"
MERGE: Final = "5" * 40
"""GITHUB_SHA of a pull request: the merge, which nothing must ever name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong answer to the next request that has this method and holds this in its path (empty: any).

    `lost` carries the request out all the same.
    """

    status: int = 502
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    method: str = ""
    path: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str


@dataclass(slots=True)
class Comment:
    """A comment of a pull request or an issue; an empty author is an account that's gone."""

    id: int
    author: str
    body: str
    is_hidden: bool = False

    @property
    def node(self) -> str:
        return f"IC_{self.id}"


@dataclass(slots=True)
class Issue:
    """An issue; on GitHub pull requests are listed among them."""

    number: int
    author: str
    title: str
    body: str
    is_open: bool = True
    is_pull: bool = False


class AnsweredError(Exception):
    """An answer that isn't a success."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.data = {"message": message, **more}


class FakeHost(ABC):
    """What both fakes share: the log, the faults, one request at a time."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.writes: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.tokens: dict[str, str] = {}
        self.read_only: set[str] = set()
        self.settings: dict[str, Any] = {}
        """What is answered below the repository, by path (empty: itself); a number is the status of a refusal."""
        self._lock = threading.Lock()
        self._ids = 100

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        with self._lock:
            response = self._respond(request)
        return response(environ, start_response)

    @abstractmethod
    def token_of(self, request: Request) -> str: ...

    @abstractmethod
    def answer(self, request: Request, login: str) -> Response: ...

    @abstractmethod
    def refuse_write(self) -> AnsweredError: ...

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def wrote(self, request: Request) -> None:
        self.writes.append((request.method, request.path))

    def _respond(self, request: Request) -> Response:
        body = request.get_data(as_text=True)
        query = request.query_string.decode()
        self.calls.append(Call(request.method, request.path, query, dict(request.headers), body))
        fault = next(
            (one for one in self.faults if one.method in {"", request.method} and one.path in request.path), None
        )
        if fault is not None:
            self.faults.remove(fault)
            if not fault.lost:
                return Response(fault.body, fault.status, dict(fault.headers))
        try:
            response = self.answer(request, self._login(request))
        except AnsweredError as error:
            response = as_json(error.data, error.status)
        return response if fault is None else Response(fault.body, fault.status, dict(fault.headers))

    def _login(self, request: Request) -> str:
        token = self.token_of(request)
        if token not in self.tokens:
            raise AnsweredError(401, "Bad credentials")
        return self.tokens[token]

    def setting(self, request: Request, path: str) -> Response:
        """A setting: a list by pages, also as the one value of an object."""
        data = self.settings[path]
        if isinstance(data, int):
            raise AnsweredError(data, "Not Found" if data == 404 else "Resource not accessible")
        if isinstance(data, list):
            return self._paged(request, data)
        listed = [key for key, value in data.items() if isinstance(value, list)]
        if len(data) == 1 and listed:
            page = self._paged(request, data[listed[0]])
            return as_json({"total_count": len(data[listed[0]]), listed[0]: page.json}, headers=dict(page.headers))
        return as_json(data)

    @abstractmethod
    def _paged(self, request: Request, listed: list[Any]) -> Response: ...


def as_json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(data), status, dict(headers or {}), content_type="application/json; charset=utf-8")


class FakeGitHub(FakeHost):
    """One repository. `api` and `graphql` are the paths of an Enterprise Server: `/api/v3`, `/api/graphql`."""

    def __init__(self, repository: str = "acme/models", *, api: str = "", graphql: str = "/graphql") -> None:
        super().__init__()
        self.repository = repository
        self.api, self.graphql = api, graphql
        self.tokens[TOKEN] = "github-actions[bot]"
        self.limit = 65_536
        """The longest body, in UTF-8 bytes."""
        self.page_size = 100
        """What `per_page` is cut to."""
        self.next_base = ""
        """Where `next` links lead, if not here."""
        self.knows_viewer = True
        self.names_suffix = True
        """Whether GraphQL writes `[bot]`."""
        self.comments: dict[int, list[Comment]] = defaultdict(list)
        """By the number of the pull request or the issue."""
        self.issues: dict[int, Issue] = {}
        self.pulls: list[dict[str, Any]] = []
        self.commits: dict[str, list[int]] = defaultdict(list)
        """Which pull requests a commit belongs to."""
        self.branches: dict[str, str] = {}

    # -- what a test sets up ---------------------------------------------------------------------------------------

    def say(self, number: int, author: str, body: str) -> Comment:
        """Somebody's comment."""
        comment = Comment(self.next_id(), author, body)
        self.comments[number].append(comment)
        return comment

    def raise_issue(self, author: str, title: str, body: str, *, is_pull: bool = False) -> Issue:
        """Somebody's issue."""
        number = self.next_id()
        self.issues[number] = Issue(number, author, title, body, is_pull=is_pull)
        return self.issues[number]

    def pull(
        self,
        number: int,
        sha: str,
        head: str = "acme:refunds",
        *,
        state: str = "open",
        is_merged: bool = False,
        base: str = "",
        commits: Iterable[str] = (),
    ) -> None:
        """A pull request: its number, its head's commit, owner and branch, and what else it has brought about."""
        owner, _, branch = head.partition(":")
        source = {"sha": sha, "ref": branch, "label": head, "repo": {"full_name": f"{owner}/models"}}
        goal = {"sha": "b" * 40, "ref": "main", "repo": {"full_name": base or self.repository}}
        merged = "2026-01-01T00:00:00Z" if is_merged else None
        self.pulls.append({"number": number, "state": state, "merged_at": merged, "head": source, "base": goal})
        for commit in (sha, *commits):
            self.commits[commit].append(number)

    def variables(
        self,
        url: str,
        folder: Path,
        event: str | Path | dict[str, Any] = "pull_request",
        event_name: str = "",
        *,
        token: str = TOKEN,
        run: int = 41,
        attempt: int = 1,
        **more: str,
    ) -> dict[str, str]:
        """What a step of GitHub Actions finds in its environment, with its files in `folder`.

        `event` is a file of tests/events by its stem, any other file, or the data; the event's name is guessed from
        the stem. `more` adds variables or replaces them.
        """
        path = _event_file(folder, event)
        stem = event if isinstance(event, str) else path.stem
        data = json.loads(path.read_text("utf-8"))
        name = event_name or ("pull_request" if stem.startswith("pull_request") else stem)
        default = f"refs/pull/{data['number']}/merge" if "number" in data else data.get("ref", "refs/heads/main")
        files = {"GITHUB_OUTPUT": folder / "github_output", "GITHUB_STEP_SUMMARY": folder / "github_step_summary"}
        for file in files.values():
            file.touch()
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": data.get("sender", {}).get("login", "github-actions"),
            "GITHUB_API_URL": f"{url}{self.api}",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_GRAPHQL_URL": f"{url}{self.graphql}",
            "GITHUB_REF": default,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_RUN_ID": str(30_000_000 + run),
            "GITHUB_RUN_NUMBER": str(run),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": data.get("after", MERGE) if name == "push" else MERGE,
            "GITHUB_TOKEN": token,
            **{variable: str(file) for variable, file in files.items()},
            **more,
        }

    # -- what it answers -------------------------------------------------------------------------------------------

    def token_of(self, request: Request) -> str:
        return request.headers.get("Authorization", "").removeprefix("Bearer ")

    def refuse_write(self) -> AnsweredError:
        return AnsweredError(403, "Resource not accessible by integration")

    def answer(self, request: Request, login: str) -> Response:
        if request.path == self.graphql:
            return as_json(self._graphql(request, login))
        here = f"{self.api}/repos/{self.repository}/"
        if not f"{request.path}/".startswith(here):
            raise AnsweredError(404, "Not Found")
        if request.method == "GET" and request.path[len(here) :] in self.settings:
            return self.setting(request, request.path[len(here) :])
        if request.method != "GET" and self.token_of(request) in self.read_only:
            raise self.refuse_write()
        path = request.path.removeprefix(here)
        routes: dict[str, Callable[..., Response]] = {
            r"GET issues/(\d+)/comments": self._list_comments,
            r"POST issues/(\d+)/comments": self._add_comment,
            r"PATCH issues/comments/(\d+)": self._edit_comment,
            r"GET issues": self._list_issues,
            r"POST issues": self._add_issue,
            r"PATCH issues/(\d+)": self._edit_issue,
            r"GET commits/([0-9a-f]{40})/pulls": self._pulls_of,
            r"GET pulls": self._list_pulls,
            r"GET branches/(.+)": self._branch,
        }
        for pattern, act in routes.items():
            if match := re.fullmatch(pattern, f"{request.method} {path}"):
                return act(request, login, *match.groups())
        raise AnsweredError(404, "Not Found")

    def _graphql(self, request: Request, login: str) -> dict[str, Any]:
        asked = request.get_json()
        if "viewer" in asked["query"]:
            shown = login if self.names_suffix else login.removesuffix("[bot]")
            return {"data": {"viewer": {"login": shown}}} if self.knows_viewer else {"data": {"viewer": None}}
        found = [one for listed in self.comments.values() for one in listed if one.node == asked["variables"]["id"]]
        if self.token_of(request) in self.read_only or not found:
            return {
                "data": None,
                "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}],
            }
        assert "OUTDATED" in asked["query"]
        found[0].is_hidden = True
        self.wrote(request)
        return {"data": {"minimizeComment": {"clientMutationId": None}}}

    def _paged(self, request: Request, listed: list[Any]) -> Response:
        size = min(int(request.args.get("per_page", 30)), self.page_size)
        page = int(request.args.get("page", 1))
        headers = {}
        if page * size < len(listed):
            others = "".join(f"{key}={value}&" for key, value in request.args.items() if key != "page")
            base = self.next_base or request.host_url.rstrip("/")
            last = -(-len(listed) // size)
            # As GitHub does it: absolute, several relations in one header.
            links = {"prev": page - 1, "next": page + 1, "last": last}
            headers["Link"] = ", ".join(
                f'<{base}{request.path}?{others}page={to}>; rel="{rel}"' for rel, to in links.items() if to
            )
        return as_json(listed[(page - 1) * size : page * size], headers=headers)

    def _body(self, request: Request) -> dict[str, Any]:
        data: dict[str, Any] = request.get_json()
        if len(str(data.get("body", "")).encode()) > self.limit:
            error = {"resource": "IssueComment", "code": "unprocessable", "message": f"Body is too long ({self.limit})"}
            raise AnsweredError(422, "Validation Failed", errors=[error])
        return data

    def _list_comments(self, request: Request, login: str, number: str) -> Response:
        return self._paged(request, [_comment(one) for one in self.comments[int(number)]])

    def _add_comment(self, request: Request, login: str, number: str) -> Response:
        comment = self.say(int(number), login, self._body(request)["body"])
        self.wrote(request)
        return as_json(_comment(comment), 201)

    def _edit_comment(self, request: Request, login: str, id_: str) -> Response:
        found = [one for listed in self.comments.values() for one in listed if one.id == int(id_)]
        if not found:
            raise AnsweredError(404, "Not Found")
        # Whose it is isn't looked at: a token that may write may edit everybody's.
        found[0].body = self._body(request)["body"]
        self.wrote(request)
        return as_json(_comment(found[0]))

    def _list_issues(self, request: Request, login: str) -> Response:
        is_open = request.args.get("state", "open") == "open"
        return self._paged(request, [_issue(one) for one in self.issues.values() if one.is_open or not is_open])

    def _add_issue(self, request: Request, login: str) -> Response:
        data = self._body(request)
        issue = self.raise_issue(login, data["title"], data["body"])
        self.wrote(request)
        return as_json(_issue(issue), 201)

    def _edit_issue(self, request: Request, login: str, number: str) -> Response:
        issue = self.issues.get(int(number))
        if issue is None:
            raise AnsweredError(404, "Not Found")
        data = self._body(request)
        issue.title, issue.body = data.get("title", issue.title), data.get("body", issue.body)
        issue.is_open = data.get("state", "open" if issue.is_open else "closed") == "open"
        self.wrote(request)
        return as_json(_issue(issue))

    def _pulls_of(self, request: Request, login: str, sha: str) -> Response:
        return self._paged(request, [pull for pull in self.pulls if pull["number"] in self.commits[sha]])

    def _list_pulls(self, request: Request, login: str) -> Response:
        head, state = request.args.get("head", ""), request.args.get("state", "open")
        return self._paged(
            request, [pull for pull in self.pulls if pull["state"] == state and head in {"", pull["head"]["label"]}]
        )

    def _branch(self, request: Request, login: str, name: str) -> Response:
        if name not in self.branches:
            raise AnsweredError(404, "Branch not found")
        return as_json({"name": name, "commit": {"sha": self.branches[name]}})


def _event_file(folder: Path, event: str | Path | dict[str, Any]) -> Path:
    if isinstance(event, dict):
        path = folder / "event.json"
        path.write_text(json.dumps(event), "utf-8")
        return path
    return EVENTS / f"{event}.json" if isinstance(event, str) else event


def _user(login: str) -> dict[str, str] | None:
    """The author as REST writes it; an account that is gone (an empty login) is null."""
    return {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"} if login else None


def _comment(one: Comment) -> dict[str, Any]:
    return {"id": one.id, "node_id": one.node, "user": _user(one.author), "body": one.body}


def _issue(one: Issue) -> dict[str, Any]:
    state = "open" if one.is_open else "closed"
    data = {"id": 9_000_000 + one.number, "number": one.number, "node_id": f"I_{one.number}", "user": _user(one.author)}
    data |= {"title": one.title, "body": one.body, "state": state}
    return data | ({"pull_request": {}} if one.is_pull else {})
