"""Judge a host's settings: what the CI files take from them, against what a token could read. Pure.

What can't be read is never said to be missing. It's listed with what no token can read, to be looked at by hand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from syncer.model import shortlist
from syncer.render.terminal.doctor import BY_HAND, Check, State
from syncer.review.hosts.http import Unread

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from syncer.cli.shared.pipeline_files import Needs
    from syncer.review.hosts.github_settings import Environment, EnvironmentRules, GitHubSettings, Names
    from syncer.review.hosts.gitlab_settings import GitLabSettings, Variable

_MOST: Final = 10
"""How many names a line lists."""

_NOTE_TOKEN: Final = "SYNCER_GITLAB_TOKEN"  # noqa: S105 - a variable's name
_STATUS_TOKEN: Final = "SYNCER_GITLAB_STATUS_TOKEN"  # noqa: S105 - a variable's name
_ON_GITHUB: Final = "add them in Settings > Secrets and variables > Actions"
_ON_GITLAB: Final = "add them in Settings > CI/CD > Variables, unless a group above the project gives them"


def github_checks(needs: Sequence[Needs], found: GitHubSettings | None) -> Iterator[Check]:
    """How GitHub's settings are; without any found, only what to look at by hand."""
    points: list[str] = []
    if found is None:
        points += [_variables_point(needs), _secrets_point(needs), *map(_environment_point, needs)]
        points += [_branch_point(needs), _RIGHTS_POINT]
    else:
        for check, point in _github_looks(needs, found):
            yield check
            points += [point] if point else []
    points += [
        f"The variable {one.chooser}: where it is set, look at the environment that it names, not at {one.environment}"
        for one in needs
        if one.chooser and _may_have(found, one.chooser)
    ]
    points += [_USERS_POINT, "Code owners review .github/ and the settings"]
    yield from (Check(BY_HAND, State.SKIPPED, point) for point in points)


def gitlab_checks(needs: Sequence[Needs], found: GitLabSettings | None) -> Iterator[Check]:
    """How GitLab's settings are; without any found, only what to look at by hand."""
    points: list[str] = []
    if found is None:
        points += [_variables_point(needs), _gitlab_secrets_point(needs), *map(_gitlab_environment_point, needs)]
        points += [_GITLAB_BRANCH_POINT, _MERGES_POINT]
    else:
        for check, point in _gitlab_looks(needs, found):
            yield check
            points += [point] if point else []
    names = shortlist((one.environment for one in needs), _MOST)
    points += [
        f"Environment {names}: protected, so that only its deployers start the apply (Premium)",
        f"{_NOTE_TOKEN}: scope api, role Reporter; {_STATUS_TOKEN}: scope api, role Developer",
        _USERS_POINT,
        "A pipeline schedule for drift",
    ]
    yield from (Check(BY_HAND, State.SKIPPED, point) for point in points)


# -- what to look at by hand -----------------------------------------------------------------------------------------

_USERS_POINT: Final = (
    "The credentials for every branch are a user who only reads (Viewer), those of the environment one who writes"
)
_RIGHTS_POINT: Final = "Workflow permissions: read, and workflows may not approve pull requests"
_GITLAB_BRANCH_POINT: Final = "The default branch is protected, and nobody pushes to it"
_MERGES_POINT: Final = "Merges wait for pipelines that succeed"


def _variables_point(needs: Sequence[Needs]) -> str:
    return f"Variables: {_all(one.variables for one in needs)}"


def _secrets_point(needs: Sequence[Needs]) -> str:
    return f"Secrets of the repository: {_all((_login(one), *one.secrets) for one in needs)}"


def _gitlab_secrets_point(needs: Sequence[Needs]) -> str:
    named = _all((_login(one), *one.secrets) for one in needs)
    return f"Variables for all environments, masked and not protected: {named}, {_NOTE_TOKEN}"


def _environment_point(one: Needs) -> str:
    return f"Environment {one.environment}: reviewers, no self-review, the default branch alone, secrets {_login(one)}"


def _gitlab_environment_point(one: Needs) -> str:
    return f"Variables for the environment {one.environment} alone, masked and protected: {_login(one)}"


def _branch_point(needs: Sequence[Needs]) -> str:
    return f"The default branch requires a review and {_checks(needs)}"


def _all(groups: Iterable[Iterable[str]]) -> str:
    return ", ".join(name for group in groups for name in group)


def _login(one: Needs) -> str:
    return f"{one.token} (or {' and '.join(one.login)})"


def _used_login(one: Needs, have: Collection[str]) -> Sequence[str]:
    """The credentials that are there; else both ways as one name, since either will do."""
    if one.token in have:
        return (one.token,)
    return one.login if all(name in have for name in one.login) else (_login(one),)


# -- GitHub ----------------------------------------------------------------------------------------------------------


def _github_looks(needs: Sequence[Needs], found: GitHubSettings) -> Iterator[tuple[Check, str]]:
    """Each check, with what to look at by hand where it can't be made."""
    wanted = [name for one in needs for name in one.variables]
    variables = _given("variables", wanted, found.variables, found.shared_variables)
    choosers = {one.chooser for one in needs} - {""}
    if variables.state is State.FAILED and choosers & _union(found.variables, found.shared_variables):
        # Against the sandbox no target is needed.
        hint = f"{_ON_GITHUB}, unless {shortlist(sorted(choosers), _MOST)} is sandbox"
        variables = Check("variables", State.WARNING, variables.detail, hint)
    yield _look(variables, _variables_point(needs), found.variables, found.shared_variables)
    yield _look(_github_secrets(needs, found), _secrets_point(needs), found.secrets, found.shared_secrets)
    for one in needs:
        place = found.environments[one.environment]
        branches = None if isinstance(place.rules, Unread) else place.rules.branches
        check = _environment(one, place, found.branch)
        yield _look(check, _environment_point(one), place.rules, place.secrets, place.variables, branches)
    yield _look(_branch(needs, found), _branch_point(needs), found.rules.unread)
    yield _look(_rights(found), _RIGHTS_POINT, found.rights)


def _look(check: Check, point: str, *parts: object) -> tuple[Check, str]:
    """A check, and what to look at by hand if it can't be sure because a part wasn't read."""
    is_sure = check.state is State.OK or not any(isinstance(part, Unread) for part in parts)
    return check, "" if is_sure else point


def _may_have(found: GitHubSettings | None, name: str) -> bool:
    """Whether a variable is set, as far as can be told."""
    if found is None or isinstance(found.variables, Unread):
        return True
    return name in _union(found.variables, found.shared_variables)


def _github_secrets(needs: Sequence[Needs], found: GitHubSettings) -> Check:
    have = _union(found.secrets, found.shared_secrets)
    wanted = [name for one in needs for name in (*_used_login(one, have), *one.secrets)]
    return _given("CI secrets", wanted, found.secrets, found.shared_secrets)


def _union(*several: Names) -> frozenset[str]:
    return frozenset[str]().union(*(one for one in several if not isinstance(one, Unread)))


def _given(layer: str, wanted: Sequence[str], own: Names, shared: Names) -> Check:
    """Whether the repository has each name, or is given it by its organization."""
    if isinstance(own, Unread):
        return _unread(layer, own)
    missing = [name for name in wanted if name not in _union(own, shared)]
    if not missing:
        return Check(layer, State.OK, f"set: {shortlist(wanted, _MOST)}")
    told = shortlist(missing, _MOST)
    if isinstance(shared, Unread):
        detail = f"the repository has no {told}; those of the organization could not be read ({shared.why})"
        return Check(layer, State.WARNING, detail, f"{_ON_GITHUB}, unless the organization gives them")
    return Check(layer, State.FAILED, f"not set: {told}", _ON_GITHUB)


def _unread(layer: str, unread: Unread, of: str = "") -> Check:
    return Check(layer, State.SKIPPED, f"{of}{' ' if of else ''}could not be read ({unread.why})")


def _environment(one: Needs, found: Environment, branch: str) -> Check:
    """The environment of the job that writes: its guards, and credentials of its own."""
    rules, name = found.rules, one.environment
    if isinstance(rules, Unread):
        return _unread("environment", rules, f"{name}:")
    wrong = list(_loose(rules, branch))
    unread = [part for part in (found.secrets, found.variables, rules.branches) if isinstance(part, Unread)]
    if not isinstance(found.secrets, Unread) and _login(one) in _used_login(one, found.secrets):
        wrong.append(f"it has no {_login(one)}, so the apply would use the repository's user, who only reads")
    if not isinstance(found.variables, Unread):
        wrong += [
            f"it has a {variable} of its own, which the plan does not use"
            for variable in one.variables
            if variable in found.variables
        ]
    told = "; ".join([*wrong, *([f"a part could not be read ({unread[0].why})"] if unread else [])])
    if wrong:
        hint = f"change it in Settings > Environments > {name}"
        return Check("environment", State.WARNING, f"{name}: {told}", hint)
    if unread:
        return Check("environment", State.SKIPPED, f"{name}: {told}")
    whose = "protected branches" if rules.is_for_protected_branches else branch
    return Check("environment", State.OK, f"{name}: reviewers, no self-review, {whose} alone, credentials of its own")


def _loose(rules: EnvironmentRules, branch: str) -> Iterator[str]:
    if not rules.has_reviewers:
        yield "nobody has to approve"
    elif not rules.prevents_self_review:
        yield "who starts a run may approve it"
    if rules.is_for_protected_branches or isinstance(rules.branches, Unread):
        return
    if rules.branches is None:
        yield "every branch may use it"
    elif others := sorted(rules.branches - {branch}):
        yield f"others may use it: {shortlist(others, _MOST)}"
    elif branch not in rules.branches:
        yield f"{branch} may not use it"


def _branch(needs: Sequence[Needs], found: GitHubSettings) -> Check:
    rules, branch = found.rules, found.branch
    missing = [f"the check {one.check}" for one in needs if one.check not in rules.checks]
    missing += [] if rules.needs_review else ["a review"]
    if not missing:
        return Check("branch", State.OK, f"{branch} requires a review and {_checks(needs)}")
    if rules.unread:
        return _unread("branch", rules.unread, f"{branch}: whether it requires {' and '.join(missing)}")
    hint = "change it in Settings > Branches, or Settings > Rules"
    return Check("branch", State.WARNING, f"{branch} does not require {' or '.join(missing)}", hint)


def _checks(needs: Sequence[Needs]) -> str:
    return f"the check{'s' if len(needs) > 1 else ''} {shortlist((one.check for one in needs), _MOST)}"


def _rights(found: GitHubSettings) -> Check:
    rights = found.rights
    if isinstance(rights, Unread):
        return _unread("workflows", rights)
    wrong = ["a workflow without `permissions` may write"] if rights.writes else []
    wrong += ["workflows may approve pull requests"] if rights.approves else []
    if wrong:
        return Check("workflows", State.WARNING, "; ".join(wrong), "change it in Settings > Actions > General")
    return Check("workflows", State.OK, "they may read, unless they ask for more, and approve no pull request")


# -- GitLab ----------------------------------------------------------------------------------------------------------


def _gitlab_looks(needs: Sequence[Needs], found: GitLabSettings) -> Iterator[tuple[Check, str]]:
    """Each check, with what to look at by hand where it can't be made."""
    rows = found.variables
    if isinstance(rows, Unread):
        yield _unread("variables", rows), _variables_point(needs)
        yield _unread("CI secrets", rows), _gitlab_secrets_point(needs)
        for one in needs:
            yield _unread("environment", rows, f"{one.environment}:"), _gitlab_environment_point(one)
    else:
        yield _gitlab_variables("variables", [name for one in needs for name in one.variables], rows), ""
        yield _gitlab_secrets(needs, rows), ""
        for one in needs:
            yield _gitlab_environment(one, rows), ""
    yield _look(_gitlab_branch(found), _GITLAB_BRANCH_POINT, found.branches)
    if found.waits_for_pipelines is None:
        yield Check("merges", State.SKIPPED, "the answer doesn't say whether they wait for pipelines"), _MERGES_POINT
    elif found.waits_for_pipelines:
        yield Check("merges", State.OK, "they wait for pipelines that succeed"), ""
    else:
        hint = "change it in Settings > Merge requests"
        yield Check("merges", State.WARNING, "they don't wait for pipelines that succeed", hint), ""


def _gitlab_variables(layer: str, wanted: Sequence[str], rows: Iterable[Variable], more: Sequence[str] = ()) -> Check:
    """Whether the project has each key for all environments, where pipelines of merge requests see it."""
    everywhere = {row.key: row for row in rows if row.scope == "*"}
    missing = [name for name in wanted if name not in everywhere]
    wrong = [f"the project has no {shortlist(missing, _MOST)} for all environments"] if missing else []
    hidden = [name for name in wanted if name in everywhere and everywhere[name].is_protected]
    wrong += [f"pipelines of merge requests don't see {shortlist(hidden, _MOST)}: protected"] if hidden else []
    wrong += more
    if wrong:
        return Check(layer, State.WARNING, "; ".join(wrong), _ON_GITLAB if missing else _FLAGS_HINT)
    return Check(layer, State.OK, f"set: {shortlist(wanted, _MOST)}")


_FLAGS_HINT: Final = "change it in Settings > CI/CD > Variables"


def _gitlab_secrets(needs: Sequence[Needs], rows: Sequence[Variable]) -> Check:
    have = frozenset(row.key for row in rows if row.scope == "*")
    wanted = [name for one in needs for name in (*_used_login(one, have), *one.secrets)] + [_NOTE_TOKEN]
    wrong = _unmasked([row for row in rows if row.scope == "*" and row.key in {*wanted, _STATUS_TOKEN}])
    if any(row.key == _STATUS_TOKEN and not row.is_protected for row in rows):
        wrong.append(f"{_STATUS_TOKEN} is not protected, so every branch can use it")
    return _gitlab_variables("CI secrets", wanted, rows, wrong)


def _unmasked(rows: Iterable[Variable]) -> list[str]:
    names = [row.key for row in rows if not row.is_masked and not row.key.startswith("SYNCER_EMAIL")]
    return [f"not masked: {shortlist(names, _MOST)}"] if names else []


def _gitlab_environment(one: Needs, rows: Iterable[Variable]) -> Check:
    """Whether the job that writes has credentials of its own, which no other job sees."""
    own = [row for row in rows if row.scope != "*" and _fits(row.scope, one.environment)]
    used = _used_login(one, frozenset(row.key for row in own))
    mine = [row for row in own if row.key in used]
    if not mine:
        detail = f"{one.environment}: the project has no {_login(one)} for it alone"
        return Check("environment", State.WARNING, detail, _ON_GITLAB)
    wrong = _unmasked(mine)
    if open_ := [row.key for row in mine if not row.is_protected]:
        wrong.append(f"not protected: {shortlist(open_, _MOST)}, so every branch can use it")
    if wrong:
        return Check("environment", State.WARNING, f"{one.environment}: {'; '.join(wrong)}", _FLAGS_HINT)
    return Check("environment", State.OK, f"{one.environment}: credentials of its own, masked and protected")


def _fits(pattern: str, name: str) -> bool:
    """Whether a name is meant by GitLab's pattern, in which `*` alone is special."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def _gitlab_branch(found: GitLabSettings) -> Check:
    rows, branch = found.branches, found.branch
    if isinstance(rows, Unread):
        return _unread("branch", rows, f"{branch}:")
    mine = [row for row in rows if _fits(row.pattern, branch)]
    hint = "change it in Settings > Repository > Protected branches"
    if not mine:
        return Check("branch", State.WARNING, f"{branch} is not protected", hint)
    if any(row.is_pushed_to for row in mine):
        return Check("branch", State.WARNING, f"{branch} can be pushed to without a merge request", hint)
    return Check("branch", State.OK, f"{branch} is protected, and takes merge requests alone")
