"""What GitHub's settings hold for the workflows: names of variables and secrets, and rules. Never a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from syncer.errors import HostError, SettingsError
from syncer.review.hosts.github import HABITS, REPOSITORY, every_row
from syncer.review.hosts.http import Session, Unread, read
from syncer.review.hosts.values import base_url, branch_name, objects_in, origin_of, text_at, value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import httpx

    from syncer.secrets import Secret
    from syncer.secrets.scrubber import Scrubber

Names: TypeAlias = frozenset[str] | Unread

_PER_PAGE: Final = 30
"""GitHub gives no more variables on a page."""

_PATIENCE: Final = 30.0
"""Seconds of waiting: somebody sits there."""


@dataclass(frozen=True, slots=True)
class EnvironmentRules:
    """Who lets a job into an environment, and from which branches."""

    has_reviewers: bool
    prevents_self_review: bool
    is_for_protected_branches: bool
    branches: Names | None
    """The patterns of the branches, and with `tag ` before them of the tags, that it's open to; None without a list."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, as far as the token can read it."""

    variables: Names
    secrets: Names
    rules: EnvironmentRules | Unread


@dataclass(frozen=True, slots=True)
class BranchRules:
    """What merging to a branch takes. `unread` is what else there may be."""

    checks: frozenset[str]
    needs_review: bool
    unread: Unread | None


@dataclass(frozen=True, slots=True)
class WorkflowRights:
    """What a workflow may do that doesn't say it."""

    writes: bool
    approves: bool


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """A repository's settings, as far as the token can read them."""

    branch: str
    """The default branch."""
    variables: Names
    secrets: Names
    shared_variables: Names
    """Those that the organization gives this repository."""
    shared_secrets: Names
    environments: Mapping[str, Environment]
    rules: BranchRules
    rights: WorkflowRights | Unread


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository's settings are asked for."""

    api: str
    repository: str


def place_of(variables: Mapping[str, str], origin: str) -> Place:
    """Where the settings are, as variables say, or the address of the remote. Raises SettingsError."""
    server, path = origin_of(origin)
    repository = variables.get("GITHUB_REPOSITORY") or path
    if not REPOSITORY.fullmatch(repository):
        hint = "set GITHUB_REPOSITORY to owner/name"
        raise SettingsError("it isn't known which repository on GitHub this is: `origin` doesn't say it", hint)
    url = variables.get("GITHUB_API_URL", "")
    if not url and server not in {"github.com", "ssh.github.com"} and not variables.get("GITHUB_REPOSITORY"):
        # The token belongs to one server; which one is not for a guess.
        raise SettingsError(f"`origin` is at {server}, not at github.com", "set GITHUB_API_URL to its API")
    return Place(base_url("GITHUB_API_URL", url or "https://api.github.com"), repository)


def settings_of(
    place: Place,
    token: Secret,
    environments: Iterable[str],
    *,
    scrubber: Scrubber,
    sleep: Callable[[float], None],
    transport: httpx.BaseTransport | None = None,
) -> GitHubSettings | Unread:
    """What the token can read; Unread if it can't even read the repository. It sends GET alone."""
    session = Session(
        replace(HABITS, token_variable=token.reference),
        (place.api,),
        token,
        scrubber=scrubber,
        sleep=sleep,
        transport=transport,
        patience=_PATIENCE,
    )
    return _Asked(session, f"{place.api}/repos/{place.repository}").settings(environments)


class _Asked:
    def __init__(self, session: Session, here: str) -> None:
        self._session, self._here = session, here

    def settings(self, environments: Iterable[str]) -> GitHubSettings | Unread:
        repository = read(lambda: self._session.ask("GET", self._here).data)
        if isinstance(repository, Unread):
            return repository
        branch = branch_name(text_at(repository, "default_branch"))
        is_shared = text_at(repository, "owner", "type") != "User"
        none: Names = frozenset()
        return GitHubSettings(
            branch,
            self._names("actions/variables", "variables"),
            self._names("actions/secrets", "secrets"),
            self._names("actions/organization-variables", "variables") if is_shared else none,
            self._names("actions/organization-secrets", "secrets") if is_shared else none,
            {name: self._environment(name) for name in environments},
            self._branch(quote(branch, safe="")),
            read(self._rights),
        )

    def _rows(self, path: str, key: str = "") -> list[dict[str, Any]]:
        return every_row(self._session, f"{self._here}/{path}", {"per_page": _PER_PAGE}, key)

    def _names(self, path: str, key: str) -> Names:
        return read(lambda: frozenset(name for row in self._rows(path, key) if (name := text_at(row, "name"))))

    def _environment(self, name: str) -> Environment:
        path = f"environments/{quote(name, safe='')}"
        return Environment(
            self._names(f"{path}/variables", "variables"),
            self._names(f"{path}/secrets", "secrets"),
            read(lambda: self._environment_rules(path)),
        )

    def _environment_rules(self, path: str) -> EnvironmentRules:
        data = self._session.ask("GET", f"{self._here}/{path}").data
        rules = [
            row for row in objects_in(value_at(data, "protection_rules")) if row.get("type") == "required_reviewers"
        ]
        policy = value_at(data, "deployment_branch_policy")
        is_listed = value_at(policy, "custom_branch_policies") is True
        return EnvironmentRules(
            any(objects_in(row.get("reviewers")) for row in rules),
            any(row.get("prevent_self_review") is True for row in rules),
            value_at(policy, "protected_branches") is True,
            read(lambda: self._policies(path)) if is_listed else None,
        )

    def _policies(self, path: str) -> frozenset[str]:
        """The patterns of the branches that an environment is open to; a tag's is told from a branch of its name."""
        rows = self._rows(f"{path}/deployment-branch-policies", "branch_policies")
        return frozenset(f"{'tag ' if row.get('type') == 'tag' else ''}{text_at(row, 'name')}" for row in rows)

    def _branch(self, branch: str) -> BranchRules:
        """What rulesets and the branch's own protection ask for."""
        rules = read(lambda: self._rows(f"rules/branches/{branch}"))
        protection = read(lambda: self._protection(branch))
        unread = next((one for one in (rules, protection) if isinstance(one, Unread)), None)
        rows = [] if isinstance(rules, Unread) else rules
        data = {} if isinstance(protection, Unread) else protection
        checks = {
            text_at(one, "context")
            for row in rows
            if row.get("type") == "required_status_checks"
            for one in objects_in(value_at(row, "parameters", "required_status_checks"))
        }
        checks |= {text_at(one, "context") for one in objects_in(value_at(data, "required_status_checks", "checks"))}
        # Older servers give names alone.
        named = value_at(data, "required_status_checks", "contexts")
        checks |= {one for one in (named if isinstance(named, list) else []) if isinstance(one, str)}
        reviews = [value_at(data, "required_pull_request_reviews", "required_approving_review_count")]
        reviews += [
            value_at(row, "parameters", "required_approving_review_count")
            for row in rows
            if row.get("type") == "pull_request"
        ]
        return BranchRules(frozenset(checks), any(type(one) is int and one > 0 for one in reviews), unread)

    def _protection(self, branch: str) -> dict[str, Any]:
        """The protection of a branch. A 404 has two meanings: the branch's own answer says whether there is any."""
        try:
            data = self._session.ask("GET", f"{self._here}/branches/{branch}/protection").data
        except HostError as error:
            shown = read(lambda: self._session.ask("GET", f"{self._here}/branches/{branch}").data)
            if isinstance(shown, Unread) or value_at(shown, "protected") is not False:
                raise error from None
            return {}
        return data if isinstance(data, dict) else {}

    def _rights(self) -> WorkflowRights:
        data = self._session.ask("GET", f"{self._here}/actions/permissions/workflow").data
        return WorkflowRights(
            text_at(data, "default_workflow_permissions") != "read",
            value_at(data, "can_approve_pull_request_reviews") is not False,
        )
