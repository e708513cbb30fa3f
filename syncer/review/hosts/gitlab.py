"""GitLab, gitlab.com or self-managed: what a pipeline's variables say of the run, and REST.

    CI_PIPELINE_SOURCE             Context.event   names the commit                     on top of
    merge_request_event            change          CI_MERGE_REQUEST_SOURCE_BRANCH_SHA   CI_MERGE_REQUEST_DIFF_BASE_SHA
    the same, in a merge train     queue           likewise                             likewise
    push                           push            CI_COMMIT_SHA                        CI_COMMIT_BEFORE_SHA
    schedule                       schedule        CI_COMMIT_SHA                        -
    any other                      manual          CI_COMMIT_SHA                        -

Where the source branch's commit isn't given, CI_COMMIT_SHA is it: there is no merged result then. A job's own token
can't write notes, so a token of the project is needed: SYNCER_GITLAB_TOKEN, with the scope `api`. GitLab has no
summaries, no outputs and no masks to print, and notes can't be folded away.

A plan's digest goes from one job to a later one as a commit status of their pipeline. Whoever may merge may set one, so
only those of one account count, whose token isn't given to branches: SYNCER_GITLAB_STATUS_TOKEN.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from syncer.errors import HostError, SettingsError
from syncer.review.host import Context, Note
from syncer.review.hosts.http import Answer, Habits, Session
from syncer.review.hosts.values import (
    base_url,
    branch_name,
    checked_commit,
    checked_outputs,
    commit_id,
    created_note,
    number_in_text,
    objects_of_page,
    positive_number,
    retry_after,
    safe_link,
    text_at,
    token_in,
    value_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import httpx

    from syncer.model import Json, Source
    from syncer.review.host import Event
    from syncer.secrets.scrubber import Scrubber

_PAGES: Final = 100
_PER_PAGE: Final = 100
_LONGEST_LINK: Final = 255
"""A status takes no longer address."""


class GitLab:
    """One job of a GitLab pipeline. Nothing is asked before the first call that needs an answer."""

    max_bytes: Final = 65_000
    """GitLab takes a million characters; a note that is longer than this is read by nobody."""

    lifting: Final = (
        "A flag holds for one run, which is started by hand once this is merged: a pipeline of the default branch with "
        "the variable `SYNCER_BY_HAND` (`true`) takes `SYNCER_ALLOW`, `SYNCER_MAX_CHANGE_PERCENT`, `SYNCER_ON_DRIFT`."
    )

    def __init__(
        self,
        variables: Mapping[str, str],
        *,
        scrubber: Scrubber | None = None,
        sleep: Callable[[float], None],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        # A fork's pipeline has the fork's project, but its merge request belongs to the other one.
        name = "CI_MERGE_REQUEST_PROJECT_ID" if variables.get("CI_MERGE_REQUEST_PROJECT_ID") else "CI_PROJECT_ID"
        project = number_in_text(variables.get(name))
        if project is None:
            raise SettingsError(f"{name} is not a number", "GitLab sets it; a job needn't")
        self._project = project
        self.context = _context(variables)
        api = base_url("CI_API_V4_URL", variables.get("CI_API_V4_URL") or "https://gitlab.com/api/v4")
        self._api, self._here = api, f"{api}/projects/{project}"
        self._me = ""
        token = token_in(variables, "SYNCER_GITLAB_TOKEN")
        self._session = Session(HABITS, (api,), token, scrubber=scrubber, sleep=sleep, transport=transport)
        own = token_in(variables, "SYNCER_GITLAB_STATUS_TOKEN")
        self._statuses = Session(_STATUS_HABITS, (api,), own, scrubber=scrubber, sleep=sleep, transport=transport)
        is_default = variables.get("CI_COMMIT_BRANCH", "") == variables.get("CI_DEFAULT_BRANCH")
        self._pipeline = number_in_text(variables.get("CI_PIPELINE_ID")) if is_default else None

    def whoami(self) -> str:
        """The user name, whose case doesn't count."""
        self._me = self._me or self._account(self._session)
        return self._me

    def _account(self, session: Session) -> str:
        name = text_at(session.ask("GET", f"{self._api}/user").data, "username").casefold()
        if not name:
            raise HostError("GitLab doesn't say who this token belongs to", "without that nothing counts as its own")
        return name

    # -- notes -----------------------------------------------------------------------------------------------------

    def comments(self, number: int) -> list[Note]:
        """Every note of a merge request that somebody wrote: GitLab's own are left out."""
        listed = self._pages(f"{self._here}/merge_requests/{number:d}/notes", sort="asc", order_by="created_at")
        return _notes([row for row in listed if row.get("system") is not True], "id", "body")

    def add_comment(self, number: int, body: str) -> Note:
        """Write a new comment."""
        url = f"{self._here}/merge_requests/{number:d}/notes"
        return created_note(_note(self._session.ask("POST", url, {"body": body}).data, "id", "body"), "GitLab")

    def edit_comment(self, number: int, note: Note, body: str) -> None:
        """Replace a note's text."""
        self._session.ask("PUT", f"{self._here}/merge_requests/{number:d}/notes/{note.id:d}", {"body": body})

    def hide_comment(self, note: Note) -> None:
        """Nothing: a note can't be folded away, and a duplicate does no harm."""

    # -- issues ----------------------------------------------------------------------------------------------------

    def issues(self) -> list[Note]:
        """The open issues that this account has opened."""
        me = self.whoami()
        listed = self._pages(f"{self._here}/issues", state="opened", scope="all")
        return [note for note in _notes(listed, "iid", "description") if note.author == me]

    def open_issue(self, title: str, body: str) -> Note:
        """Open an issue."""
        answer = self._session.ask("POST", f"{self._here}/issues", {"title": title, "description": body})
        return created_note(_note(answer.data, "iid", "description"), "GitLab")

    def edit_issue(self, note: Note, title: str, body: str) -> None:
        """Replace an issue's title and text."""
        self._session.ask("PUT", f"{self._here}/issues/{note.id:d}", {"title": title, "description": body})

    def close_issue(self, note: Note, comment: str) -> None:
        """Close an issue; the word that goes with it is written afterwards, if it can be."""
        self._session.ask("PUT", f"{self._here}/issues/{note.id:d}", {"state_event": "close"})
        try:
            self._session.ask("POST", f"{self._here}/issues/{note.id:d}/notes", {"body": comment})
        except HostError:
            return

    # -- statuses --------------------------------------------------------------------------------------------------

    def set_status(self, name: str, text: str) -> bool:
        """Set a status of the commit in this pipeline, if it's the default branch's."""
        if self._pipeline is None:
            return False
        # GitLab refuses `pending` after `pending` and `running` after `running`. `success` is always taken: what is
        # done already isn't altered, a new status is made.
        body: dict[str, Any] = {"state": "success", "name": name, "description": text, "pipeline_id": self._pipeline}
        if 0 < len(self.context.run_url) <= _LONGEST_LINK:
            body["target_url"] = self.context.run_url
        self._statuses.ask("POST", f"{self._here}/statuses/{self.context.head_sha}", body)
        return True

    def statuses(self, name: str) -> list[str]:
        """The descriptions of the statuses of that name that this account has set in this pipeline."""
        if self._pipeline is None:
            return []
        me = self._account(self._statuses)
        url = f"{self._here}/repository/commits/{self.context.head_sha}/statuses"
        # All of them: else only the newest of a name is listed, whoever set it.
        found = self._pages(url, self._statuses, all="true", name=name, pipeline_id=str(self._pipeline))
        # An older GitLab ignores some of the filters.
        known = {"sha": self.context.head_sha, "pipeline_id": self._pipeline, "name": name, "status": "success"}
        same = [row for row in found if known.items() <= row.items() and _author(row) == me]
        ours = [row for row in same if positive_number(row.get("id"))]
        return [text_at(row, "description") for row in sorted(ours, key=lambda row: row["id"])]

    # -- commits ---------------------------------------------------------------------------------------------------

    def pull_requests_of(self, sha: str) -> list[int]:
        """The open or merged merge requests that a commit belongs to."""
        found = self._pages(f"{self._here}/repository/commits/{checked_commit(sha, 'GitLab')}/merge_requests")
        ours = [row for row in found if row.get("state") in {"opened", "merged"} and self._is_ours(row)]
        return sorted(known for row in ours if (known := positive_number(row.get("iid"))))

    def head_of(self, branch: str) -> str:
        """The commit that a branch points at now."""
        name = branch_name(branch)
        if not name:
            raise HostError("there is no branch to ask for")
        answer = self._session.ask("GET", f"{self._here}/repository/branches/{quote(name, safe='')}")
        return checked_commit(text_at(answer.data, "commit", "id"), "GitLab")

    def pull_request_of_run(self) -> int | None:
        """None: GitLab has no runs after runs."""
        return None

    def source_of_run(self) -> Source | None:
        """None, for the same reason."""
        return None

    def _is_ours(self, row: dict[str, Any]) -> bool:
        """Whether a merge request goes to this project."""
        return bool(row.get("target_project_id") == self._project)

    def _pages(self, url: str, session: Session | None = None, **params: str) -> list[dict[str, Any]]:
        return every_row(session or self._session, url, params)

    # -- the run ---------------------------------------------------------------------------------------------------

    def add_summary(self, markdown: str) -> None:
        """Nothing: GitLab has no summaries."""

    def set_outputs(self, values: Mapping[str, str]) -> None:
        """Nothing is handed on, but what could not be is refused as elsewhere."""
        checked_outputs(values)

    def mask_lines(self, values: Iterable[str]) -> list[str]:  # noqa: ARG002 - masks are the variables' own setting
        """Nothing: GitLab hides what its settings mark."""
        return []


# -- the pipeline ------------------------------------------------------------------------------------------------


def _context(variables: Mapping[str, str]) -> Context:
    event = _event(variables)
    is_request = event in {"change", "queue"}
    here = commit_id(variables.get("CI_COMMIT_SHA"))
    head = (commit_id(variables.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")) if is_request else "") or here
    if not head:
        raise SettingsError("CI_COMMIT_SHA names no commit", "GitLab sets it; a job needn't")
    bases = {"change": "CI_MERGE_REQUEST_DIFF_BASE_SHA", "push": "CI_COMMIT_BEFORE_SHA"}
    bases["queue"] = bases["change"]
    branch = "CI_MERGE_REQUEST_TARGET_BRANCH_NAME" if is_request else "CI_COMMIT_BRANCH"
    return Context(
        event=event,
        number=number_in_text(variables.get("CI_MERGE_REQUEST_IID")) if event == "change" else None,
        head_sha=head,
        base_sha=commit_id(variables.get(bases.get(event, ""))),
        is_untrusted=is_request and _is_fork(variables),
        run_url=safe_link(variables.get("CI_JOB_URL", "")),
        files_url=safe_link(f"{variables.get('CI_PROJECT_URL', '')}/-/blob/{head}"),
        # A job that is tried again has the pipeline's number: it may replace what it wrote.
        run=min(number_in_text(variables.get("CI_PIPELINE_IID")) or 0, 10**9) * 1000,
        branch=branch_name(variables.get(branch)) or branch_name(variables.get("CI_DEFAULT_BRANCH")),
    )


def _event(variables: Mapping[str, str]) -> Event:
    if variables.get("CI_MERGE_REQUEST_IID"):
        return "queue" if variables.get("CI_MERGE_REQUEST_EVENT_TYPE") == "merge_train" else "change"
    source = variables.get("CI_PIPELINE_SOURCE")
    return "push" if source == "push" else "schedule" if source == "schedule" else "manual"


def _is_fork(variables: Mapping[str, str]) -> bool:
    """Whether the change comes from another project, or the pipeline runs in one."""
    names = ("CI_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    here, target, source = (number_in_text(variables.get(name)) for name in names)
    return source is None or source != here or target not in {None, here}


# -- answers -----------------------------------------------------------------------------------------------------


def _note(row: Json, key: str, text: str) -> Note | None:
    known = positive_number(value_at(row, key))
    if known is None:
        return None
    return Note(known, _author(row), text_at(row, text), title=text_at(row, "title"))


def _author(row: Json) -> str:
    return text_at(row, "author", "username").casefold()


def _notes(listed: list[dict[str, Any]], key: str, text: str) -> list[Note]:
    return [note for row in listed if (note := _note(row, key, text))]


def every_row(session: Session, url: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of every page of a list. Raises HostError.

    The next page is a number, so that no address is taken from an answer.
    """
    found: list[dict[str, Any]] = []
    page = 1
    for _ in range(_PAGES):
        answer = session.ask("GET", url, params={**params, "per_page": _PER_PAGE, "page": page})
        found += objects_of_page(answer.data, "GitLab")
        following = number_in_text(answer.headers.get("x-next-page"))
        if following is None:
            return found
        page = following
    raise HostError(f"GitLab lists more than {_PAGES} pages", "close what is old, or see where they come from")


def _limited(answer: Answer, attempt: int, now: float) -> float | None:
    """GitLab's rate: told in seconds, or as a time; else a minute, and longer each time."""
    if answer.status != 429:  # noqa: PLR2004 - HTTP's "too many"
        return None
    after = retry_after(answer.headers)
    if after is not None:
        return after
    reset = answer.headers.get("ratelimit-reset", "")
    if re.fullmatch(r"[0-9]{1,12}", reset):
        return max(1.0, float(reset) - now)
    return 60.0 * 2.0 ** (attempt - 1)


def _hints(variable: str, needs: str) -> Callable[[int, str], str]:
    def hint(status: int, reason: str) -> str:
        if status == 401:  # noqa: PLR2004 - HTTP's status codes, here and below
            return f"{variable} is wrong or has expired"
        if status == 403 or "insufficient_scope" in reason:  # noqa: PLR2004
            return f"{variable} needs {needs}"
        if status == 404:  # noqa: PLR2004
            return f"it's gone, or {variable} may not see it"
        return ""

    return hint


HABITS: Final = Habits(
    name="GitLab",
    token_variable="SYNCER_GITLAB_TOKEN",  # noqa: S106 - a variable's name
    authorization=lambda token: ("PRIVATE-TOKEN", token),
    headers={"Accept": "application/json"},
    limited=_limited,
    hint=_hints("SYNCER_GITLAB_TOKEN", "the scope `api` and the role Reporter; a job's own token can't write notes"),
)
_STATUS_HABITS: Final = replace(
    HABITS,
    token_variable="SYNCER_GITLAB_STATUS_TOKEN",  # noqa: S106 - a variable's name
    hint=_hints(
        "SYNCER_GITLAB_STATUS_TOKEN", "the scope `api`, the role Developer, and the right to merge to this branch"
    ),
)
