"""What a run of GitHub Actions is about, as its variables and its event file say.

    event file (GITHUB_EVENT_NAME)   Context.event   number   names the commit       on top of
    pull_request                     change          yes      pull_request.head      pull_request.base
    push                             push            no       after                  before
    merge_group                      queue           no       merge_group.head_sha   merge_group.base_sha
    workflow_run                     follow-up       asked    workflow_run.head_sha  -
    schedule                         schedule        no       GITHUB_SHA             -
    any other                        manual          no       GITHUB_SHA             -

GITHUB_SHA of a pull request is never named, because it's a merge that no reviewer has seen. Strangers wrote part of an
event file, so nothing is taken from it that doesn't look as it should.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer.errors import SettingsError
from syncer.review.host import Context
from syncer.review.hosts.values import (
    branch_name,
    commit_id,
    number_in_text,
    positive_number,
    safe_link,
    text_at,
    value_at,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.model import Json
    from syncer.review.host import Event

_LARGEST_EVENT: Final = 25 * 1024 * 1024
_DEPENDABOT: Final = "dependabot[bot]"


def read_event(variables: Mapping[str, str]) -> Json:
    """What the event file says; empty if there is none. Raises SettingsError if it can't be read."""
    path = variables.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    hint = "GitHub Actions writes this file; a job needn't set GITHUB_EVENT_PATH"
    try:
        # A pipe would be waited for without end.
        if not Path(path).is_file():
            raise SettingsError("GITHUB_EVENT_PATH names no file", hint)
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST_EVENT + 1)
        if len(content) > _LARGEST_EVENT:
            raise SettingsError("the event file is larger than any that GitHub writes", hint)
        data = json.loads(content)
    except (OSError, ValueError, RecursionError, MemoryError):
        raise SettingsError("the event file can't be read as JSON", hint) from None
    if not isinstance(data, dict):
        raise SettingsError("the event file holds no JSON object", hint)
    return data


def context_of(variables: Mapping[str, str], repository: str, data: Json) -> Context:
    """What the run is about; `data` is the event. Raises SettingsError for an event that syncer doesn't run on."""
    name = variables.get("GITHUB_EVENT_NAME", "")
    if name == "pull_request_target":
        raise SettingsError(
            "syncer doesn't run on pull_request_target: a stranger's change would run with this repository's secrets",
            "use `on: pull_request`; what it can't write is for a workflow_run",
        )
    event, head, base, branch = _subject(name, variables, data)
    if not head:
        raise SettingsError(f"the event {_shown_name(name)} names no commit", "GitHub Actions sets what tells it")
    return Context(
        event=event,
        number=positive_number(value_at(data, "pull_request", "number")) if event == "change" else None,
        head_sha=head,
        base_sha=base,
        is_untrusted=_is_untrusted(event, variables, repository, data),
        run_url=_run_url(variables, repository),
        files_url=_link(variables, repository, f"blob/{head}"),
        run=_run_number(event, variables, data),
        branch=branch_name(branch) or branch_name(text_at(data, "repository", "default_branch")),
    )


def _subject(name: str, variables: Mapping[str, str], data: Json) -> tuple[Event, str, str, str]:
    """The kind of the event, the commit it's about, the commit below that, and the branch."""
    here = commit_id(variables.get("GITHUB_SHA"))
    ref = variables.get("GITHUB_REF", "")
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    if name == "pull_request":
        request = value_at(data, "pull_request")
        base = text_at(request, "base", "ref")
        return "change", commit_id(value_at(request, "head", "sha")), commit_id(value_at(request, "base", "sha")), base
    if name == "push":
        return "push", commit_id(value_at(data, "after")) or here, commit_id(value_at(data, "before")), branch
    if name == "merge_group":
        group = value_at(data, "merge_group")
        base = text_at(group, "base_ref").removeprefix("refs/heads/")
        return "queue", commit_id(value_at(group, "head_sha")) or here, commit_id(value_at(group, "base_sha")), base
    if name == "workflow_run":
        return "follow-up", commit_id(value_at(data, "workflow_run", "head_sha")), "", ""
    return "schedule" if name == "schedule" else "manual", here, "", branch


def _is_untrusted(event: Event, variables: Mapping[str, str], repository: str, data: Json) -> bool:
    """Whether GitHub gives this run no secrets. A follow-up is the default branch's own, whoever caused it."""
    if event == "follow-up":
        return False
    if _DEPENDABOT in {variables.get("GITHUB_ACTOR", ""), text_at(data, "sender", "login")}:
        return True
    # A deleted fork has no name any more.
    source = text_at(data, "pull_request", "head", "repo", "full_name")
    return event == "change" and source.casefold() != repository.casefold()


def _run_url(variables: Mapping[str, str], repository: str) -> str:
    run = number_in_text(variables.get("GITHUB_RUN_ID"))
    return _link(variables, repository, f"actions/runs/{run}") if run else ""


def _link(variables: Mapping[str, str], repository: str, path: str) -> str:
    """A link into the repository, which shows a fork's commits as well if a pull request brings them."""
    server = variables.get("GITHUB_SERVER_URL") or "https://github.com"
    return safe_link(f"{server.rstrip('/')}/{repository}/{path}")


def _run_number(event: Event, variables: Mapping[str, str], data: Json) -> int:
    """A number by which runs are ordered, later attempts of one run among them.

    It's made of the run's id, which grows over all workflows, because a run's number starts anew in a renamed workflow.
    A follow-up has the number of the run before it, because both write one comment.
    """
    run, attempt = (number_in_text(variables.get(f"GITHUB_RUN_{name}")) or 0 for name in ("ID", "ATTEMPT"))
    if event == "follow-up":
        run, attempt = (positive_number(value_at(data, "workflow_run", name)) or 0 for name in ("id", "run_attempt"))
    return min(run, 10**12) * 1000 + min(attempt, 999)


def _shown_name(name: str) -> str:
    return name if re.fullmatch(r"[a-z_]{1,40}", name) else "of this run"
