"""`syncer doctor --ci`: what the host has set for the CI files, as far as a token reads it; the rest is for a person."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_github import FakeGitHub, Fault
from fake_gitlab import FakeGitLab
from inside import Inside
from places import IDENTITY
from wsgi import serving

from syncer.errors import SettingsError
from syncer.review.hosts import github_settings, gitlab_settings

if TYPE_CHECKING:
    from fake_github import FakeHost

VALUE = "never-shown-42"
MODEL = (Path(__file__).parents[2] / "models" / "shop" / "product_search.yaml").read_text("utf-8")

GITHUB_HEAD = """\
✓ CI files     4 files for github, with every secret's line
✓ CI host      acme/models at URL, with GH_TOKEN"""
GITLAB_HEAD = """\
✓ CI files     1 file for gitlab, with every secret's line
✓ CI host      42 at URL/api/v4, with GITLAB_TOKEN"""
GITHUB_PERSON = """\
- by hand      The credentials for every branch are a user who only reads (Viewer), those of the environment one who writes
- by hand      Code owners review .github/ and the settings"""
"""What no token reads."""
GITHUB_POINTS = f"""\
- by hand      Variables: SYNCER_API_URL, SYNCER_WORKSPACE_ID
- by hand      Secrets of the repository: SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD), SYNCER_SECRET_OPENAI
- by hand      Environment prod: reviewers, no self-review, the default branch alone, secrets SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD)
- by hand      The default branch requires a review and the check syncer plan
- by hand      Workflow permissions: read, and workflows may not approve pull requests
- by hand      The variable SYNCER_ENV: where it is set, look at the environment that it names, not at prod
{GITHUB_PERSON}"""
GITLAB_PERSON = """\
- by hand      Environment prod: protected, so that only its deployers start the apply (Premium)
- by hand      SYNCER_GITLAB_TOKEN: scope api, role Reporter; SYNCER_GITLAB_STATUS_TOKEN: scope api, role Developer
- by hand      The credentials for every branch are a user who only reads (Viewer), those of the environment one who writes
- by hand      A pipeline schedule for drift"""
GITLAB_POINTS = f"""\
- by hand      Variables: SYNCER_API_URL, SYNCER_WORKSPACE_ID
- by hand      Variables for all environments, masked and not protected: SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD), SYNCER_SECRET_OPENAI, SYNCER_GITLAB_TOKEN
- by hand      Variables for the environment prod alone, masked and protected: SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD)
- by hand      The default branch is protected, and nobody pushes to it
- by hand      Merges wait for pipelines that succeed
{GITLAB_PERSON}"""


def repository(folder: Path, host: str, more: str = "") -> Inside:
    """A team whose repository has the CI files of a host, and a model that names a secret."""
    team = Inside(folder, "http://127.0.0.1:9", variables={})
    team.settings(more)
    team.write("m", MODEL)
    for command in (["init", "--quiet"], ["remote", "add", "origin", f"https://u:{VALUE}@{host}.com/acme/models.git"]):
        subprocess.run(["git", *command], cwd=folder, env={**team.environment, **IDENTITY}, check=True)
    assert team.run("init", "--ci", host, "--no-check").code == 0
    return team


def asked(team: Inside, fake: FakeHost, *flags: str, **variables: str) -> str:
    """What it says of this host, which it never writes to, and its exit code; nowhere a value."""
    with serving(fake) as url:
        known = {"GH_TOKEN": "ghs_job", "GITHUB_API_URL": url}
        if isinstance(fake, FakeGitLab):
            known = {"GITLAB_TOKEN": "glpat-job", "CI_API_V4_URL": f"{url}/api/v4", "CI_PROJECT_ID": "42"}
        team.variables = {"COLUMNS": "250", **known, **variables}
        result = team.run("doctor", "--ci", *flags)
    assert {call.method for call in fake.calls} <= {"GET"}
    assert [word for word in (VALUE, "ghs_job", "glpat-job", "Traceback") if word in result.text] == []
    assert result.err == ""
    return f"{result.out.replace(url, 'URL')}exit code {result.code}\n"


def named(key: str, *names: str) -> dict[str, Any]:
    return {key: [{"name": name, "value": VALUE} for name in names]}


def github() -> FakeGitHub:
    """A GitHub on which all is as the workflows need it; its lists have several pages."""
    fake = FakeGitHub()
    fake.page_size = 2
    review = {"type": "required_reviewers", "prevent_self_review": True, "reviewers": [{"type": "User"}]}
    check = {"context": "syncer plan", "integration_id": None}
    fake.settings = {
        "": {"default_branch": "main", "owner": {"type": "Organization"}},
        "actions/variables": named("variables", "OTHER", "SYNCER_API_URL", "SYNCER_WORKSPACE_ID"),
        "actions/secrets": named("secrets", "SYNCER_EMAIL", "OTHER", "SYNCER_PASSWORD"),
        "actions/organization-variables": named("variables"),
        "actions/organization-secrets": named("secrets", "SYNCER_SECRET_OPENAI"),
        "environments/prod": {
            "name": "prod",
            "protection_rules": [{"type": "branch_policy"}, review],
            "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
        },
        "environments/prod/deployment-branch-policies": named("branch_policies", "main"),
        "environments/prod/variables": named("variables"),
        "environments/prod/secrets": named("secrets", "SYNCER_TOKEN"),
        "rules/branches/main": [
            {"type": "deletion"},
            {"type": "pull_request", "parameters": {"required_approving_review_count": 1}},
            {"type": "required_status_checks", "parameters": {"required_status_checks": [check]}},
        ],
        "branches/main/protection": 404,
        "actions/permissions/workflow": {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": False,
        },
    }
    return fake


def gitlab() -> FakeGitLab:
    fake = FakeGitLab()
    fake.page_size = 3

    def row(key: str, scope: str = "*", *, protected: bool = False, masked: bool = True) -> dict[str, Any]:
        return {"key": key, "value": VALUE, "environment_scope": scope, "protected": protected, "masked": masked}

    everywhere = (
        "SYNCER_API_URL",
        "SYNCER_WORKSPACE_ID",
        "SYNCER_TOKEN",
        "SYNCER_SECRET_OPENAI",
        "SYNCER_GITLAB_TOKEN",
    )
    fake.settings = {
        "": {"default_branch": "main", "only_allow_merge_if_pipeline_succeeds": True},
        "variables": [
            *map(row, everywhere),
            row("SYNCER_GITLAB_STATUS_TOKEN", protected=True),
            row("SYNCER_TOKEN", "prod", protected=True),
        ],
        "protected_branches": [{"name": "ma*", "push_access_levels": [{"access_level": 0}]}],
    }
    return fake


def test_github(tmp_path: Path) -> None:
    """All right, something missing, unreadable, no token: what is read is judged, and the rest is listed, never missing."""
    team = repository(tmp_path, "github")

    assert (
        asked(team, github())
        == f"""{GITHUB_HEAD}
✓ variables    set: SYNCER_API_URL, SYNCER_WORKSPACE_ID
✓ CI secrets   set: SYNCER_EMAIL, SYNCER_PASSWORD, SYNCER_SECRET_OPENAI
✓ environment  prod: reviewers, no self-review, main alone, credentials of its own
✓ branch       main requires a review and the check syncer plan
✓ workflows    they may read, unless they ask for more, and approve no pull request
{GITHUB_PERSON}

Nothing wrong in what was read; 2 points are left to look at by hand.
exit code 0
"""
    )

    fake = github()
    fake.settings |= {
        "actions/variables": named("variables", "SYNCER_API_URL"),
        "actions/secrets": named("secrets", "SYNCER_EMAIL"),
        "actions/organization-secrets": named("secrets"),
        "environments/prod": {"protection_rules": [], "deployment_branch_policy": None},
        "environments/prod/secrets": named("secrets"),
        "environments/prod/variables": named("variables", "SYNCER_API_URL"),
        "rules/branches/main": [],
        "branches/main": {"name": "main", "protected": False},
        "actions/permissions/workflow": {
            "default_workflow_permissions": "write",
            "can_approve_pull_request_reviews": True,
        },
    }
    assert (
        asked(team, fake)
        == f"""{GITHUB_HEAD}
✗ variables    not set: SYNCER_WORKSPACE_ID
               add them in Settings > Secrets and variables > Actions
✗ CI secrets   not set: SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD), SYNCER_SECRET_OPENAI
               add them in Settings > Secrets and variables > Actions
! environment  prod: nobody has to approve; every branch may use it; it has no SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD), so the apply would use the repository's user, who only reads; it has a SYNCER_API_URL of its own, which the plan does
               not use
               change it in Settings > Environments > prod
! branch       main does not require the check syncer plan or a review
               change it in Settings > Branches, or Settings > Rules
! workflows    a workflow without `permissions` may write; workflows may approve pull requests
               change it in Settings > Actions > General
{GITHUB_PERSON}

Not ready: variables and CI secrets fail.
exit code 1
"""
    )

    fake = github()
    fake.settings |= dict.fromkeys([path for path in fake.settings if path], 403)
    assert (
        asked(team, fake)
        == f"""{GITHUB_HEAD}
- variables    could not be read (403)
- CI secrets   could not be read (403)
- environment  prod: could not be read (403)
- branch       main: whether it requires the check syncer plan and a review could not be read (403)
- workflows    could not be read (403)
{GITHUB_POINTS}

Nothing wrong in what was read; 8 points are left to look at by hand.
exit code 0
"""
    )

    # The sandbox needs no target, an organization may give what can't be read, and protection of the older kind counts.
    fake = github()
    old = {
        "required_status_checks": {"contexts": ["syncer plan"]},
        "required_pull_request_reviews": {"required_approving_review_count": 2},
    }
    fake.settings |= {
        "actions/variables": named("variables", "SYNCER_ENV"),
        "actions/organization-secrets": 403,
        "environments/prod/deployment-branch-policies": {
            "branch_policies": [{"name": "main", "type": "tag"}, {"name": "main"}, {"name": "release/*"}]
        },
        "environments/prod/secrets": 404,
        "rules/branches/main": [],
        "branches/main/protection": old,
    }
    assert (
        asked(team, fake)
        == f"""{GITHUB_HEAD}
! variables    not set: SYNCER_API_URL, SYNCER_WORKSPACE_ID
               add them in Settings > Secrets and variables > Actions, unless SYNCER_ENV is sandbox
! CI secrets   the repository has no SYNCER_SECRET_OPENAI; those of the organization could not be read (403)
               add them in Settings > Secrets and variables > Actions, unless the organization gives them
! environment  prod: others may use it: release/*, tag main; a part could not be read (404)
               change it in Settings > Environments > prod
✓ branch       main requires a review and the check syncer plan
✓ workflows    they may read, unless they ask for more, and approve no pull request
- by hand      Secrets of the repository: SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD), SYNCER_SECRET_OPENAI
- by hand      Environment prod: reviewers, no self-review, the default branch alone, secrets SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD)
- by hand      The variable SYNCER_ENV: where it is set, look at the environment that it names, not at prod
{GITHUB_PERSON}

3 warnings; 5 points are left to look at by hand.
exit code 0
"""
    )

    assert (
        asked(team, github(), GH_TOKEN="")
        == f"""✓ CI files     4 files for github, with every secret's line
! CI host      GitHub: there is no token, so its settings were not looked at
               set GH_TOKEN or GITHUB_TOKEN to a token that may read them
{GITHUB_POINTS}

1 warning; 8 points are left to look at by hand.
exit code 0
"""
    )
    for variables, says in (
        ({"GH_TOKEN": "stranger"}, "✗ CI host      acme/models at URL: GH_TOKEN is not accepted (401)"),
        ({"GITHUB_REPOSITORY": "acme/others"}, "✗ CI host      acme/others at URL could not be read (404)"),
        ({"GITHUB_REPOSITORY": "acme"}, "✗ CI host      it isn't known which repository on GitHub this is"),
    ):
        told = asked(team, github(), **variables)
        assert says in told
        assert told.endswith("\nNot ready: CI host fails.\nexit code 1\n")
        assert [line for line in told.splitlines() if line.startswith("- by hand")] == GITHUB_POINTS.splitlines()

    # Nobody at a desk waits for ten minutes.
    fake = github()
    fake.faults.append(Fault(429, {"Retry-After": "600"}, path="models/actions/variables"))
    assert "\n- variables    could not be read (429)\n" in asked(team, fake)


def test_json_lines(tmp_path: Path) -> None:
    """A program is told the same: each check, and which fail or warn."""
    fake = github()
    fake.settings["rules/branches/main"] = [{"type": "deletion"}]
    fake.settings["branches/main"] = {"protected": False}
    fake.settings["actions/secrets"] = named("secrets")
    told = asked(repository(tmp_path, "github"), fake, "--json")
    lines = [json.loads(line) for line in told.splitlines()[:-1]]
    layers = [line["check"]["layer"] for line in lines if line["type"] == "check"]
    assert layers == [
        "CI files",
        "CI host",
        "variables",
        "CI secrets",
        "environment",
        "branch",
        "workflows",
        *["by hand"] * 2,
    ]
    assert lines[-1]["checks"] == {
        "environment": "",
        "failed": ["CI secrets"],
        "warnings": ["branch"],
    }


def test_gitlab(tmp_path: Path) -> None:
    """The same of GitLab, where a group may give what the project doesn't: so nothing is missing for certain."""
    team = repository(tmp_path, "gitlab")

    assert (
        asked(team, gitlab())
        == f"""{GITLAB_HEAD}
✓ variables    set: SYNCER_API_URL, SYNCER_WORKSPACE_ID
✓ CI secrets   set: SYNCER_TOKEN, SYNCER_SECRET_OPENAI, SYNCER_GITLAB_TOKEN
✓ environment  prod: credentials of its own, masked and protected
✓ branch       main is protected, and takes merge requests alone
✓ merges       they wait for pipelines that succeed
{GITLAB_PERSON}

Nothing wrong in what was read; 4 points are left to look at by hand.
exit code 0
"""
    )

    fake = gitlab()
    rows = [dict(row) for row in fake.settings["variables"]]
    rows[0]["protected"], rows[2]["masked"], rows[5]["protected"], rows[6]["protected"] = True, False, False, False
    fake.settings |= {
        "": {"default_branch": "main", "only_allow_merge_if_pipeline_succeeds": False},
        "variables": [*rows[:3], *rows[5:]],
        "protected_branches": [{"name": "ma*", "push_access_levels": [{"access_level": 40}]}],
    }
    assert (
        asked(team, fake)
        == f"""{GITLAB_HEAD}
! variables    pipelines of merge requests don't see SYNCER_API_URL: protected
               change it in Settings > CI/CD > Variables
! CI secrets   the project has no SYNCER_SECRET_OPENAI, SYNCER_GITLAB_TOKEN for all environments; not masked: SYNCER_TOKEN; SYNCER_GITLAB_STATUS_TOKEN is not protected, so every branch can use it
               add them in Settings > CI/CD > Variables, unless a group above the project gives them
! environment  prod: not protected: SYNCER_TOKEN, so every branch can use it
               change it in Settings > CI/CD > Variables
! branch       main can be pushed to without a merge request
               change it in Settings > Repository > Protected branches
! merges       they don't wait for pipelines that succeed
               change it in Settings > Merge requests
{GITLAB_PERSON}

5 warnings; 4 points are left to look at by hand.
exit code 0
"""
    )

    fake.settings = {"": {"default_branch": "main"}, "variables": 403, "protected_branches": 404}
    assert (
        asked(team, fake)
        == f"""{GITLAB_HEAD}
- variables    could not be read (403)
- CI secrets   could not be read (403)
- environment  prod: could not be read (403)
- branch       main: could not be read (404)
- merges       the answer doesn't say whether they wait for pipelines
{GITLAB_POINTS}

Nothing wrong in what was read; 9 points are left to look at by hand.
exit code 0
"""
    )

    fake.settings = gitlab().settings | {"variables": gitlab().settings["variables"][:6], "protected_branches": []}
    told = asked(team, fake)
    assert (
        "! environment  prod: the project has no SYNCER_TOKEN (or SYNCER_EMAIL and SYNCER_PASSWORD) for it alone"
        in told
    )
    assert "! branch       main is not protected" in told

    assert (
        asked(team, gitlab(), GITLAB_TOKEN="")
        == f"""✓ CI files     1 file for gitlab, with every secret's line
! CI host      GitLab: there is no token, so its settings were not looked at
               set GITLAB_TOKEN or SYNCER_GITLAB_TOKEN to a token that may read them
{GITLAB_POINTS}

1 warning; 9 points are left to look at by hand.
exit code 0
"""
    )


def test_without_files(tmp_path: Path) -> None:
    """Without CI files, with broken definitions, or for one environment alone there is nothing to ask a host."""
    team = repository(tmp_path, "github")
    for path in (tmp_path / ".github" / "workflows").iterdir():
        path.unlink()
    assert "✗ CI files     there are none\n" in asked(team, github())
    team.write("n", "name: [")
    assert asked(team, github()).startswith(
        "✗ files        there are errors, so it isn't known which secrets they name\n"
    )
    assert asked(team, github(), "--env", "prod").startswith("✗ settings     --ci looks at every environment\n")


def test_the_token_goes_to_the_server_of_the_repository(tmp_path: Path) -> None:
    """An address of the remote is understood in each of its forms; a token is for no other server than its host's."""
    for origin in (
        "https://github.com/acme/models.git",
        "https://user:pass@github.com/acme/models/",
        "git@github.com:acme/models.git",
        "ssh://git@ssh.github.com:443/acme/models.git",
    ):
        place = github_settings.place_of({}, origin)
        assert (place.api, place.repository) == ("https://api.github.com", "acme/models")
    own = {"CI_API_V4_URL": "https://git.acme.example/api/v4"}
    on_gitlab = gitlab_settings.place_of(own, "git@git.acme.example:data/models.git")
    assert (on_gitlab.api, on_gitlab.project) == ("https://git.acme.example/api/v4", "data/models")

    for refused, origin in (
        (github_settings.place_of, "git@git.acme.example:data/models.git"),
        (github_settings.place_of, "https://github.com.evil.example/acme/models"),
        (github_settings.place_of, "https://github.com/acme/../models"),
        (github_settings.place_of, ""),
        (gitlab_settings.place_of, "git@github.com:acme/models.git"),
        (gitlab_settings.place_of, "git@git.acme.example:data/models.git"),
        (gitlab_settings.place_of, "https://bitbucket.org/acme/models"),
        (gitlab_settings.place_of, "/srv/git/models"),
        (gitlab_settings.place_of, ""),
    ):
        with pytest.raises(SettingsError):
            refused({}, origin)
