"""GitHub, github.com or Enterprise Server: REST, GraphQL for two questions, and the files that a step writes."""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from syncer.errors import HostError, SettingsError
from syncer.model import Source
from syncer.review.host import Note
from syncer.review.hosts.github_event import context_of, read_event
from syncer.review.hosts.http import Answer, Habits, Session
from syncer.review.hosts.values import (
    base_url,
    branch_name,
    checked_commit,
    checked_outputs,
    commit_id,
    created_note,
    objects_in,
    objects_of_page,
    positive_number,
    retry_after,
    text_at,
    token_in,
    value_at,
)
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import httpx

    from syncer.model import Json
    from syncer.secrets.scrubber import Scrubber

_LARGEST_SUMMARY: Final = 1024 * 1024
_PAGES: Final = 100
_PER_PAGE: Final = 100
_SHORTEST_MASK: Final = 4
_LEFT_OUT: Final = "\n\nWhat belongs here is larger than GitHub takes: the job's log has it.\n"
REPOSITORY = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9_.-]{1,100}/(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,100}")
_ESCAPES: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_VIEWER: Final = "query { viewer { login } }"
_HIDE: Final = (
    "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { clientMutationId } }"
)


class GitHub:
    """One run of GitHub Actions. Nothing is asked before the first call that needs an answer."""

    max_bytes: Final = 65_000
    """GitHub's own message says 65,536 characters; it's counted in bytes here, which is never more."""

    lifting: Final = (
        "A flag holds for one run, which is started by hand once this is merged: `Run workflow` of the workflow Apply "
        "takes `allow`, `max-change-percent` and `on-drift`."
    )

    def __init__(
        self,
        variables: Mapping[str, str],
        *,
        scrubber: Scrubber | None = None,
        sleep: Callable[[float], None],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._summary, self._outputs = variables.get("GITHUB_STEP_SUMMARY"), variables.get("GITHUB_OUTPUT")
        self._repository = variables.get("GITHUB_REPOSITORY", "")
        if not REPOSITORY.fullmatch(self._repository):
            raise SettingsError("GITHUB_REPOSITORY is not owner/name", "GitHub Actions sets it; a job needn't")
        self._event = read_event(variables)
        self.context = context_of(variables, self._repository, self._event)
        api = base_url("GITHUB_API_URL", variables.get("GITHUB_API_URL") or "https://api.github.com")
        graphql = variables.get("GITHUB_GRAPHQL_URL") or _graphql_beside(api)
        self._graphql = base_url("GITHUB_GRAPHQL_URL", graphql)
        self._here = f"{api}/repos/{self._repository}"
        self._server = variables.get("GITHUB_SERVER_URL") or "https://github.com"
        self._token = token_in(variables, "GITHUB_TOKEN")
        self._me = ""
        self._session = Session(
            HABITS, (api, self._graphql), self._token, scrubber=scrubber, sleep=sleep, transport=transport
        )

    # -- who -------------------------------------------------------------------------------------------------------

    def whoami(self) -> str:
        """The login, in normal form. Only GraphQL tells it to a job's token."""
        if not self._me:
            login = text_at(self._query(_VIEWER), "viewer", "login")
            if not login:
                raise HostError("GitHub doesn't say who this token belongs to", "without that no comment is edited")
            self._me = _account(login, is_app=str(self._token and self._token.reveal()).startswith("ghs_"))
        return self._me

    def _query(self, query: str, **values: str) -> Json:
        # Both questions may be asked twice: who am I, and hide what may be hidden already.
        answer = self._session.ask("POST", self._graphql, {"query": query, "variables": values}, is_query=True)
        if errors := objects_in(value_at(answer.data, "errors")):
            is_denied = text_at(errors[0], "type") in {"FORBIDDEN", "INSUFFICIENT_SCOPES"}
            kind = text_at(errors[0], "type")
            kind = kind if re.fullmatch(r"[A-Z_]{1,40}", kind) else "an error"
            raise HostError(f"GitHub: GraphQL answers {kind}", status=403 if is_denied else 0)
        return value_at(answer.data, "data")

    # -- comments --------------------------------------------------------------------------------------------------

    def comments(self, number: int) -> list[Note]:
        """Every comment of a pull request."""
        return _notes(self._pages(f"{self._here}/issues/{number:d}/comments"), "id")

    def add_comment(self, number: int, body: str) -> Note:
        """Write a new comment."""
        return created_note(
            _note(self._session.ask("POST", f"{self._here}/issues/{number:d}/comments", {"body": body}).data, "id"),
            "GitHub",
        )

    def edit_comment(self, number: int, note: Note, body: str) -> None:  # noqa: ARG002 - GitHub's comment ids are enough
        """Replace a comment's text."""
        self._session.ask("PATCH", f"{self._here}/issues/comments/{note.id:d}", {"body": body})

    def hide_comment(self, note: Note) -> None:
        """Fold a comment away as outdated."""
        try:
            self._query(_HIDE, id=note.node_id)
        except HostError:
            # A duplicate that stays visible is no reason to fail a plan.
            return

    # -- issues ----------------------------------------------------------------------------------------------------

    def issues(self) -> list[Note]:
        """The open issues that this account has opened."""
        me = self.whoami()
        # Pull requests are issues, too. The filter by creator is not used: what it takes for an app isn't documented.
        listed = [row for row in self._pages(f"{self._here}/issues", state="open") if "pull_request" not in row]
        return [note for note in _notes(listed, "number") if note.author == me]

    def open_issue(self, title: str, body: str) -> Note:
        """Open an issue."""
        return created_note(
            _note(self._session.ask("POST", f"{self._here}/issues", {"title": title, "body": body}).data, "number"),
            "GitHub",
        )

    def edit_issue(self, note: Note, title: str, body: str) -> None:
        """Replace an issue's title and text."""
        self._session.ask("PATCH", f"{self._here}/issues/{note.id:d}", {"title": title, "body": body})

    def close_issue(self, note: Note, comment: str) -> None:
        """Close an issue; the word that goes with it is written afterwards, if it can be."""
        state = {"state": "closed", "state_reason": "completed"}
        self._session.ask("PATCH", f"{self._here}/issues/{note.id:d}", state)
        try:
            self.add_comment(note.id, comment)
        except HostError:
            return

    # -- commits ---------------------------------------------------------------------------------------------------

    def pull_requests_of(self, sha: str) -> list[int]:
        """The open or merged pull requests that a commit belongs to."""
        found = self._pages(f"{self._here}/commits/{checked_commit(sha, 'GitHub')}/pulls")
        ours = [row for row in found if row.get("state") == "open" or row.get("merged_at")]
        return sorted(known for row in ours if self._is_ours(row) and (known := positive_number(row.get("number"))))

    def head_of(self, branch: str) -> str:
        """The commit that a branch points at now."""
        name = branch_name(branch)
        if not name:
            raise HostError("there is no branch to ask for")
        answer = self._session.ask("GET", f"{self._here}/branches/{quote(name, safe='')}")
        return checked_commit(text_at(answer.data, "commit", "sha"), "GitHub")

    def pull_request_of_run(self) -> int | None:
        """The one open pull request whose head is the commit that the first run was about.

        The event doesn't name it for a fork, and what a fork's run hands over is the stranger's own word.
        """
        return positive_number(value_at(self._followed(), "number"))

    def source_of_run(self) -> Source | None:
        """Where that pull request's commits are: in this repository, whoever's fork they come from."""
        row = self._followed()
        number, branch = positive_number(value_at(row, "number")), branch_name(text_at(row, "base", "ref"))
        if number is None or not branch or self._token is None:
            return None
        # Git over HTTP knows passwords alone: a token is one, of a user with this name.
        pair = b64encode(f"x-access-token:{self._token.reveal()}".encode()).decode()
        header = Secret(f"Authorization: Basic {pair}", "GITHUB_TOKEN")
        url = f"{base_url('GITHUB_SERVER_URL', self._server)}/{self._repository}"
        return Source(url, f"refs/pull/{number:d}/head", branch, header)

    def _followed(self) -> dict[str, Any]:
        """The row of that pull request; empty if there is none, or more than one."""
        run = value_at(self._event, "workflow_run")
        owner = text_at(run, "head_repository", "owner", "login")
        branch = branch_name(text_at(run, "head_branch"))
        sha = commit_id(text_at(run, "head_sha"))
        if self.context.event != "follow-up" or not (owner and branch and sha):
            return {}
        found = self._pages(f"{self._here}/pulls", state="open", head=f"{owner}:{branch}")
        same = [
            row
            for row in found
            if row.get("state") == "open" and text_at(row, "head", "sha") == sha and self._is_ours(row)
        ]
        return same[0] if len(same) == 1 else {}

    def _is_ours(self, row: dict[str, Any]) -> bool:
        """Whether a pull request goes to this repository."""
        return text_at(row, "base", "repo", "full_name").casefold() == self._repository.casefold()

    def _pages(self, url: str, **params: str) -> list[dict[str, Any]]:
        return every_row(self._session, url, {**params, "per_page": _PER_PAGE})

    # -- the run ---------------------------------------------------------------------------------------------------

    def set_status(self, name: str, text: str) -> bool:  # noqa: ARG002 - see statuses
        """Do nothing: on GitHub a job's outputs carry the digest."""
        return False

    def statuses(self, name: str) -> list[str]:  # noqa: ARG002 - the workflow hands the output on as a flag
        """Nothing: the workflow hands the digest on as `--expect-digest`."""
        return []

    def add_summary(self, markdown: str) -> None:
        """Add to the step's summary, which GitHub drops as a whole beyond 1 MiB."""
        path = self._summary
        if not path:
            return
        text = f"{markdown.rstrip()}\n".encode("utf-8", "backslashreplace")
        try:
            size = Path(path).stat().st_size if Path(path).exists() else 0
        except (OSError, ValueError):
            size = 0
        room = _LARGEST_SUMMARY - size
        if len(text) > room:
            text = _LEFT_OUT.encode()[: max(room, 0)]
        _append("GITHUB_STEP_SUMMARY", path, text)

    def set_outputs(self, values: Mapping[str, str]) -> None:
        """Hand values to later steps and jobs."""
        lines = []
        for name, value in checked_outputs(values).items():
            end = secrets.token_hex(16)
            lines.append(f"{name}<<{end}\n{value}\n{end}\n")
        if self._outputs:
            _append("GITHUB_OUTPUT", self._outputs, "".join(lines).encode())

    def mask_lines(self, values: Iterable[str]) -> list[str]:
        """The commands that hide values in the log: whole, and each line of one that has several."""
        wanted = [part for value in values for part in (value, *value.splitlines())]
        shown = [part for part in dict.fromkeys(wanted) if len(part.strip()) >= _SHORTEST_MASK]
        return [f"::add-mask::{''.join(_ESCAPES.get(char, char) for char in part)}" for part in shown]


def _graphql_beside(api: str) -> str:
    """Where GraphQL is, if no variable says; on an Enterprise Server it's beside the REST API."""
    return f"{api.removesuffix('/v3')}/graphql"


# -- answers -----------------------------------------------------------------------------------------------------


def _account(login: str, *, is_app: bool) -> str:
    """A login in normal form: case doesn't count, and an app is told from a person of the same name.

    GraphQL writes an app's login with and without its suffix; people can't have the suffix.
    """
    name = login.casefold()
    bare = name.removesuffix("[bot]")
    return f"{bare}[bot]" if is_app or name != bare else bare


def _note(row: Json, key: str) -> Note | None:
    """A comment or an issue; None if the row isn't one. The author's account may be gone."""
    known = positive_number(value_at(row, key))
    if known is None:
        return None
    author = _account(text_at(row, "user", "login"), is_app=text_at(row, "user", "type") == "Bot")
    return Note(known, author, text_at(row, "body"), text_at(row, "node_id"), text_at(row, "title"))


def _notes(listed: list[dict[str, Any]], key: str) -> list[Note]:
    return [note for row in listed if (note := _note(row, key))]


def every_row(session: Session, url: str, params: Mapping[str, str | int], key: str = "") -> list[dict[str, Any]]:
    """The rows of every page of a list, which stands under a key of the answer, or is all of it. Raises HostError."""
    found: list[dict[str, Any]] = []
    answer = session.ask("GET", url, params=params)
    for _ in range(_PAGES):
        found += objects_of_page(value_at(answer.data, key) if key else answer.data, "GitHub")
        following = _next(answer)
        if not following:
            return found
        answer = session.ask("GET", following)
    raise HostError(f"GitHub lists more than {_PAGES} pages", "close what is old, or see where they come from")


def _next(answer: Answer) -> str:
    """The address of the next page, as GitHub gives it; empty on the last one."""
    for part in answer.headers.get("link", "").split(","):
        match = re.fullmatch(r'\s*<([^<>\s]{1,2000})>\s*;.*\brel="next".*', part)
        if match:
            return match[1]
    return ""


def _limited(answer: Answer, attempt: int, now: float) -> float | None:
    """GitHub's rates: told in seconds, as a time, or only in words; then it's a minute, and longer each time."""
    if answer.status not in {403, 429}:
        return None
    after = retry_after(answer.headers)
    if after is not None:
        return after
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and re.fullmatch(r"[0-9]{1,12}", reset):
        return max(1.0, float(reset) - now)
    if answer.status == 429 or "rate limit" in answer.reason.casefold():  # noqa: PLR2004 - HTTP's "too many"
        return 60.0 * 2.0 ** (attempt - 1)
    return None


def _hint(status: int, reason: str) -> str:
    if status == 401:  # noqa: PLR2004 - HTTP's status codes, here and below
        return "GITHUB_TOKEN is wrong or has expired"
    if status == 403 and "not accessible" in reason:  # noqa: PLR2004
        return (
            "give the job `pull-requests: write` (comments) or `issues: write` (drift); a fork's run never has them, "
            "which is no error of the plan"
        )
    if status == 404:  # noqa: PLR2004
        return "it's gone, or the job's token may not see it: check `permissions`"
    if status == 410:  # noqa: PLR2004
        return "it was deleted, or issues are switched off in this repository"
    if 300 <= status < 400:  # noqa: PLR2004
        return "the repository may have been renamed: run the workflow anew"
    return ""


HABITS: Final = Habits(
    name="GitHub",
    token_variable="GITHUB_TOKEN",  # noqa: S106 - a variable's name
    authorization=lambda token: ("Authorization", f"Bearer {token}"),
    headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    limited=_limited,
    hint=_hint,
)


def _append(variable: str, path: str, content: bytes) -> None:
    try:
        with Path(path).open("ab") as file:
            file.write(content)
    except (OSError, ValueError):
        raise HostError(f"the file that {variable} names can't be written") from None
