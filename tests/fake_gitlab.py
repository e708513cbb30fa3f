"""A GitLab that remembers: notes, issues, commits, their statuses and branches of one project, as a WSGI application.

    fake = FakeGitLab()
    with serving(fake) as url:                          # or transport=httpx.WSGITransport(fake)
        run(env=fake.variables(url))                    # a merge request's pipeline; source="push" and so on
    fake.notes[7], fake.issues, fake.writes             # what stands there, and what changed it
    fake.statuses, fake.set_status("mallory", …)        # the statuses of commits; somebody's own
    fake.reporters.add("glpat-job")                     # a token that sets none

Tokens, `read_only`, `faults`, `limit` and `page_size` are as in `fake_github`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fake_github import AnsweredError, FakeHost, Issue, as_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request, Response

TOKEN: Final = "glpat-job"
HEAD: Final = "c" * 40
BASE: Final = "d" * 40
STATES: Final = {"pending", "running", "success", "failed", "canceled", "skipped"}
LONGEST: Final = 255


@dataclass(slots=True)
class Remark:
    """A note of a merge request, or of an issue; GitLab's own are `is_system`."""

    id: int
    author: str
    body: str
    is_system: bool = False


@dataclass(slots=True)
class Status:
    """A status of a commit: one row of one pipeline."""

    id: int
    author: str
    pipeline: int
    name: str
    state: str
    description: str | None = None
    target_url: str | None = None


class FakeGitLab(FakeHost):
    """One project."""

    def __init__(self, project: int = 42) -> None:
        super().__init__()
        self.project = project
        self.tokens[TOKEN] = "project_42_bot"
        self.limit = 1_000_000
        """The longest text, in characters."""
        self.page_size = 100
        self.notes: dict[int, list[Remark]] = defaultdict(list)
        """By the number of the merge request."""
        self.issue_notes: dict[int, list[Remark]] = defaultdict(list)
        self.issues: dict[int, Issue] = {}
        self.requests_of: dict[str, list[dict[str, Any]]] = defaultdict(list)
        """The merge requests of a commit: `{"iid", "state", "target_project_id"}`."""
        self.branches: dict[str, str] = {}
        self.pipelines: dict[int, tuple[str, str]] = {}
        """The commit and the branch of each, by its id: of whatever `variables` were given for."""
        self.jobs: set[str] = {"syncer:plan-merge", "syncer:apply"}
        """The names that no status may have."""
        self.statuses: list[Status] = []
        self.reporters: set[str] = set()
        """Tokens that are no Developer's, or may not merge to the branch: they set no status."""

    def set_status(self, author: str, pipeline: int, name: str, description: str) -> Status:
        """Somebody's status."""
        self.statuses.append(Status(self.next_id(), author, pipeline, name, "success", description))
        return self.statuses[-1]

    def say(self, number: int, author: str, body: str, *, is_system: bool = False) -> Remark:
        """Somebody's note."""
        remark = Remark(self.next_id(), author, body, is_system)
        self.notes[number].append(remark)
        return remark

    def raise_issue(self, author: str, title: str, body: str) -> Issue:
        """Somebody's issue."""
        number = self.next_id()
        self.issues[number] = Issue(number, author, title, body)
        return self.issues[number]

    def variables(
        self, url: str, source: str = "merge_request_event", *, token: str = TOKEN, run: int = 41, **more: str
    ) -> dict[str, str]:
        """What a job of GitLab finds in its environment."""
        request = {
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": str(self.project),
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": str(self.project),
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": BASE,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        }
        branch = {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": BASE if source == "push" else "0" * 40}
        pipeline = 9000 + run
        self.pipelines[pipeline] = (more.get("CI_COMMIT_SHA", HEAD), branch["CI_COMMIT_BRANCH"])
        return {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_PIPELINE_ID": str(pipeline),
            "CI_API_V4_URL": f"{url}/api/v4",
            "CI_PROJECT_ID": str(self.project),
            "CI_COMMIT_SHA": HEAD,
            "CI_DEFAULT_BRANCH": "main",
            "CI_PROJECT_URL": "https://gitlab.com/acme/models",
            "CI_JOB_URL": "https://gitlab.com/acme/models/-/jobs/5",
            "CI_PIPELINE_IID": str(run),
            "CI_PIPELINE_SOURCE": source,
            "SYNCER_GITLAB_TOKEN": token,
            **(request if source == "merge_request_event" else branch),
            **more,
        }

    # -- what it answers -------------------------------------------------------------------------------------------

    def token_of(self, request: Request) -> str:
        return request.headers.get("PRIVATE-TOKEN", "")

    def refuse_write(self) -> AnsweredError:
        return AnsweredError(403, "403 Forbidden")

    def answer(self, request: Request, login: str) -> Response:
        if (request.method, request.path) == ("GET", "/api/v4/user"):
            return as_json({"id": 5, "username": login})
        here = f"/api/v4/projects/{self.project}/"
        if not f"{request.path}/".startswith(here):
            raise AnsweredError(404, "404 Project Not Found")
        if request.method == "GET" and request.path[len(here) :] in self.settings:
            return self.setting(request, request.path[len(here) :])
        if request.method != "GET" and self.token_of(request) in self.read_only:
            raise self.refuse_write()
        path = request.path.removeprefix(here)
        routes: dict[str, Callable[..., Response]] = {
            r"GET merge_requests/(\d+)/notes": self._list_notes,
            r"POST merge_requests/(\d+)/notes": self._add_note,
            r"PUT merge_requests/(\d+)/notes/(\d+)": self._edit_note,
            r"GET issues": self._list_issues,
            r"POST issues": self._add_issue,
            r"PUT issues/(\d+)": self._edit_issue,
            r"POST issues/(\d+)/notes": self._add_issue_note,
            r"GET repository/commits/([0-9a-f]{40})/merge_requests": self._requests_of,
            r"GET repository/branches/(.+)": self._branch,
            r"GET repository/commits/([0-9a-f]{40})/statuses": self._list_statuses,
            r"POST statuses/([0-9a-f]{40})": self._set_status,
        }
        for pattern, act in routes.items():
            if match := re.fullmatch(pattern, f"{request.method} {path}"):
                return act(request, login, *match.groups())
        raise AnsweredError(404, "404 Not Found")

    def _paged(self, request: Request, listed: list[Any]) -> Response:
        size = min(int(request.args.get("per_page", 20)), self.page_size)
        page = int(request.args.get("page", 1))
        following = str(page + 1) if page * size < len(listed) else ""
        return as_json(listed[(page - 1) * size : page * size], headers={"X-Next-Page": following})

    def _data(self, request: Request, key: str) -> dict[str, Any]:
        data: dict[str, Any] = request.get_json()
        if len(data.get(key, "")) > self.limit:
            raise AnsweredError(400, f"400 Bad request - Note is too long (maximum is {self.limit} characters)")
        return data

    def _list_notes(self, request: Request, login: str, number: str) -> Response:
        return self._paged(request, [_remark(one) for one in self.notes[int(number)]])

    def _add_note(self, request: Request, login: str, number: str) -> Response:
        remark = self.say(int(number), login, self._data(request, "body")["body"])
        self.wrote(request)
        return as_json(_remark(remark), 201)

    def _edit_note(self, request: Request, login: str, number: str, id_: str) -> Response:
        found = [one for one in self.notes[int(number)] if one.id == int(id_)]
        if not found:
            raise AnsweredError(404, "404 Not found")
        found[0].body = self._data(request, "body")["body"]
        self.wrote(request)
        return as_json(_remark(found[0]))

    def _list_issues(self, request: Request, login: str) -> Response:
        return self._paged(request, [_issue(one) for one in self.issues.values() if one.is_open])

    def _add_issue(self, request: Request, login: str) -> Response:
        data = self._data(request, "description")
        issue = self.raise_issue(login, data["title"], data["description"])
        self.wrote(request)
        return as_json(_issue(issue), 201)

    def _edit_issue(self, request: Request, login: str, number: str) -> Response:
        issue = self.issues.get(int(number))
        if issue is None:
            raise AnsweredError(404, "404 Not found")
        data = self._data(request, "description")
        issue.title, issue.body = data.get("title", issue.title), data.get("description", issue.body)
        issue.is_open = issue.is_open and data.get("state_event") != "close"
        self.wrote(request)
        return as_json(_issue(issue))

    def _add_issue_note(self, request: Request, login: str, number: str) -> Response:
        remark = Remark(self.next_id(), login, request.get_json()["body"])
        self.issue_notes[int(number)].append(remark)
        self.wrote(request)
        return as_json(_remark(remark), 201)

    def _requests_of(self, request: Request, login: str, sha: str) -> Response:
        return self._paged(request, self.requests_of[sha])

    def _branch(self, request: Request, login: str, name: str) -> Response:
        if name not in self.branches:
            raise AnsweredError(404, "404 Branch Not Found")
        return as_json({"name": name, "commit": {"id": self.branches[name]}})

    def _list_statuses(self, request: Request, login: str, sha: str) -> Response:
        if sha not in {one for one, _ in self.pipelines.values()}:
            raise AnsweredError(404, "404 Commit Not Found")
        here = [one for one in self.statuses if self.pipelines[one.pipeline][0] == sha]
        if request.args.get("all") != "true":
            # The newest of each name and pipeline, whoever set it.
            here = list({(one.pipeline, one.name): one for one in here}.values())
        here = [one for one in here if request.args.get("pipeline_id") in {None, str(one.pipeline)}]
        here = [one for one in here if request.args.get("name") in {None, one.name}]
        return self._paged(request, [self._status(one) for one in here])

    def _set_status(self, request: Request, login: str, sha: str) -> Response:
        """As `Ci::CreateCommitStatusService` does: what is done is left alone, what is under way goes on."""
        if self.token_of(request) in self.reporters:
            raise self.refuse_write()
        data: dict[str, Any] = request.get_json()
        if data.get("state") not in STATES:
            raise AnsweredError(400, "state does not have a valid value")
        pipeline: int = data.get("pipeline_id", max((k for k, v in self.pipelines.items() if v[0] == sha), default=0))
        if self.pipelines.get(pipeline, ("", ""))[0] != sha:
            raise AnsweredError(404, "404 Pipeline for pipeline_id, sha and ref Not Found")
        if any(len(data.get(key) or "") > LONGEST for key in ("description", "target_url", "name")):
            raise AnsweredError(400, "is too long (maximum is 255 characters)")
        name = str(data.get("name") or data.get("context") or "default")
        if name in self.jobs:
            raise AnsweredError(400, "name has already been taken")
        mine = (login, pipeline, name)
        under_way = [
            one
            for one in self.statuses
            if one.state in {"pending", "running"} and (one.author, one.pipeline, one.name) == mine
        ]
        one = under_way[-1] if under_way else Status(self.next_id(), *mine, "created")
        event = {"pending": "enqueue", "running": "run"}.get(data["state"], "")
        if event and (one.state == data["state"] or (event, one.state) == ("enqueue", "running")):
            reason = f'(Reason(s): Status cannot transition via "{event}")'
            raise AnsweredError(400, f"Cannot transition status via :{event} from :{one.state} {reason}")
        one.state = data["state"]
        one.description = data.get("description", one.description)
        one.target_url = data.get("target_url", one.target_url)
        if not under_way:
            self.statuses.append(one)
        self.wrote(request)
        return as_json(self._status(one), 201)

    def _status(self, one: Status) -> dict[str, Any]:
        sha, ref = self.pipelines[one.pipeline]
        shown = {"id": one.id, "sha": sha, "ref": ref, "status": one.state, "name": one.name}
        more = {"target_url": one.target_url, "description": one.description, "allow_failure": False, "coverage": None}
        return shown | more | {"pipeline_id": one.pipeline, "author": {"id": 1, "username": one.author}}


def _remark(one: Remark) -> dict[str, Any]:
    return {"id": one.id, "body": one.body, "author": {"id": 1, "username": one.author}, "system": one.is_system}


def _issue(one: Issue) -> dict[str, Any]:
    state = "opened" if one.is_open else "closed"
    author = {"id": 1, "username": one.author}
    return {"id": 9_000_000 + one.number, "iid": one.number, "title": one.title, "description": one.body} | {
        "state": state,
        "author": author,
    }
