"""What GitLab's settings hold for the pipeline: keys and flags of variables, and branches. Never a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from syncer.errors import SettingsError
from syncer.review.hosts.gitlab import HABITS, every_row
from syncer.review.hosts.http import Session, Unread, read
from syncer.review.hosts.values import (
    base_url,
    branch_name,
    number_in_text,
    objects_in,
    origin_of,
    text_at,
    value_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from syncer.secrets import Secret
    from syncer.secrets.scrubber import Scrubber

_GITLAB: Final = "gitlab.com"
_PATIENCE: Final = 30.0
"""Seconds of waiting: somebody sits there."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the project, without its value."""

    key: str
    scope: str
    """The environments that it's for: `*`, a name, or a pattern."""
    is_protected: bool
    is_masked: bool


@dataclass(frozen=True, slots=True)
class ProtectedBranch:
    """The name or the pattern of a protected branch."""

    pattern: str
    is_pushed_to: bool
    """Whether somebody may push without a merge request."""


@dataclass(frozen=True, slots=True)
class GitLabSettings:
    """A project's settings, as far as the token can read them."""

    branch: str
    """The default branch."""
    waits_for_pipelines: bool | None
    """Whether a merge waits for a pipeline that succeeds; None if the answer doesn't say."""
    variables: tuple[Variable, ...] | Unread
    branches: tuple[ProtectedBranch, ...] | Unread


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project's settings are asked for."""

    api: str
    project: str
    """Its number, or its path."""


def place_of(variables: Mapping[str, str], origin: str) -> Place:
    """Where the settings are, as variables say, or the address of the remote. Raises SettingsError."""
    server, path = origin_of(origin)
    number, url = number_in_text(variables.get("CI_PROJECT_ID")), variables.get("CI_API_V4_URL", "")
    if number is None and "/" not in path:
        hint = "set CI_PROJECT_ID to its number"
        raise SettingsError("it isn't known which project on GitLab this is: `origin` doesn't say it", hint)
    if not url and server != _GITLAB:
        # Whose server it is nobody knows, and it would get the token.
        raise SettingsError(f"`origin` is not at {_GITLAB}", "set CI_API_V4_URL to the address of your GitLab's API")
    return Place(base_url("CI_API_V4_URL", url or f"https://{_GITLAB}/api/v4"), str(number or path))


def settings_of(
    place: Place,
    token: Secret,
    *,
    scrubber: Scrubber,
    sleep: Callable[[float], None],
    transport: httpx.BaseTransport | None = None,
) -> GitLabSettings | Unread:
    """What the token can read; Unread if it can't even read the project. It sends GET alone."""
    session = Session(
        replace(HABITS, token_variable=token.reference),
        (place.api,),
        token,
        scrubber=scrubber,
        sleep=sleep,
        transport=transport,
        patience=_PATIENCE,
    )
    here = f"{place.api}/projects/{quote(place.project, safe='')}"
    project = read(lambda: session.ask("GET", here).data)
    if isinstance(project, Unread):
        return project
    waits = value_at(project, "only_allow_merge_if_pipeline_succeeds")
    return GitLabSettings(
        branch_name(text_at(project, "default_branch")),
        waits if isinstance(waits, bool) else None,
        read(lambda: tuple(map(_variable, every_row(session, f"{here}/variables", {})))),
        read(lambda: tuple(map(_protected, every_row(session, f"{here}/protected_branches", {})))),
    )


def _variable(row: dict[str, Any]) -> Variable:
    # The answer has values: nothing else is taken from it.
    scope = text_at(row, "environment_scope") or "*"
    return Variable(text_at(row, "key"), scope, row.get("protected") is True, row.get("masked") is True)


def _protected(row: dict[str, Any]) -> ProtectedBranch:
    levels = objects_in(row.get("push_access_levels"))
    return ProtectedBranch(text_at(row, "name"), any(one.get("access_level") != 0 for one in levels))
