"""The workflows: what must hold of each, and what their steps do, run one by one against fakes of both hosts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pipelines
import pytest
from workflows import ACTION, FOLDER, ROOT, TEMPLATES, every_step, load, spoil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

FILES: Final = (*sorted(FOLDER.glob("*.yml")), ACTION)
WRITTEN: Final = tuple(sorted(TEMPLATES.glob("*.yml")))
"""What `syncer init --ci github` writes where nothing is known of a repository."""

# -- rules -------------------------------------------------------------------------------------------------------
#
# Each takes a file's name, its text and what it means, and complains of what breaks it.

PINS: Final = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1  # v7.0.1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97  # v7.0.0",
    "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f  # v7.0.0",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c  # v8.0.1",
}
WRITES: Final = {
    "plan.yml/plan": {"pull-requests"},
    "plan-fork-comment.yml/comment": {"pull-requests"},
    "apply.yml/apply": {"pull-requests"},
    "drift.yml/drift": {"issues"},
    "release.yml/publish": {"id-token"},
}
SECRETS: Final = {"plan.yml/plan", "apply.yml/plan", "apply.yml/apply", "drift.yml/drift"}
TRIGGERS: Final = {
    "ci.yml": {"pull_request", "merge_group", "push"},
    "plan.yml": {"pull_request", "merge_group", "workflow_call"},
    "plan-fork-comment.yml": {"workflow_run"},
    "apply.yml": {"push", "workflow_dispatch", "workflow_call"},
    "drift.yml": {"schedule", "workflow_dispatch", "workflow_call"},
    "release.yml": {"push"},
}
INSTALL: Final = """\
if [[ -s .github/syncer.txt ]]; then
  python -P -m pip install --require-hashes --requirement .github/syncer.txt
else
  python -P -m pip install .
fi
"""
LOCKED: Final = "python -P -m pip install --require-hashes --requirement .github/syncer.txt"
UNSAFE: Final = re.compile(r"\bpython[\d.]*\"?\s+(?!-[IP]\b)-(?!-|V\b)")
"""Python told to run something by name, from text or from its input, with the current folder before its own modules."""
GROUP: Final = "syncer-apply-${{ inputs.environment || vars.SYNCER_ENV || 'prod' }}"
TARGET: Final = {
    "SYNCER_API_URL": "${{ inputs.api-url || vars.SYNCER_API_URL }}",
    "SYNCER_WORKSPACE_ID": "${{ inputs.workspace-id || vars.SYNCER_WORKSPACE_ID }}",
    "SYNCER_ENV": "${{ inputs.environment || vars.SYNCER_ENV }}",
}


def _jobs(name: str, document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for job, content in document.get("jobs", {}).items():
        yield f"{name}/{job}", content


def permissions(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """None by default; each job says its own, and only those in the table above may write anything."""
    if "jobs" in document and document.get("permissions") != {}:
        yield "permissions: {} must stand on top"
    for job, content in _jobs(name, document):
        own = content.get("permissions")
        if not isinstance(own, dict):
            yield f"{job} must say its permissions"
        elif {scope for scope, level in own.items() if level != "read"} != WRITES.get(job, set()):
            yield f"{job} may not write {own}"


def timeouts(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """A job that hangs ends."""
    yield from (f"{job} has no timeout" for job, content in _jobs(name, document) if "timeout-minutes" not in content)


def pins(_: str, text: str, __: Mapping[str, Any]) -> Iterator[str]:
    """GitHub's own actions alone, each by its full commit, with the version for the reader."""
    for used in re.findall(r"\buses:\s*(.*)$", re.sub(r"(?m)^\s*#.*$", "", text), re.MULTILINE):
        action, _, pin = used.partition("@")
        if PINS.get(action) != pin:
            yield f"not a pin that is known: {used}"


def expressions(_: str, __: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Values reach a script through `env`: pasted into it, a branch's name would be code. Nothing is left behind."""
    for job, step in every_step(document):
        script = step.get("run", "")
        if "${{" in script:
            yield f"{job}: an expression in a script: {script}"
        if "GITHUB_ENV" in script or "GITHUB_PATH" in script:
            yield f"{job}: a script that changes the steps after it: {script}"


def triggers(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Those in the table above: none that would run a pull request's code with the repository's secrets."""
    if "on" in document and set(document["on"]) != TRIGGERS[name]:
        yield f"triggers: {sorted(document['on'])}"


def checkouts(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """The token isn't left in the checkout, and the workflow that has rights over forks takes the default branch."""
    for job, step in every_step(document):
        if step.get("uses", "").startswith("actions/checkout@"):
            given = step.get("with", {})
            if given.get("persist-credentials") is not False:
                yield f"{job} leaves the token in the checkout"
            wanted = "${{ github.event.repository.default_branch }}" if name == "plan-fork-comment.yml" else None
            if given.get("ref") != wanted or set(given) - {"persist-credentials", "ref", "fetch-depth"}:
                yield f"{job} checks out {given}"


def concurrency(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """What writes models runs one at a time and is never cancelled; superseded plans are."""
    if "jobs" not in document:
        return
    group, cancels = document["concurrency"]["group"], document["concurrency"]["cancel-in-progress"]
    if "syncer ci apply" in str(document["jobs"]) and (group, cancels) != (GROUP, False):
        yield f"apply in {group}, cancelling: {cancels}"
    if name == "plan.yml" and cancels != "${{ github.event_name == 'pull_request' }}":
        yield f"plan is cancelled: {cancels}"


def secrets(name: str, text: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Credentials are given to single steps of the jobs in the table above, by name, and the target beside them."""
    if "jobs" not in document:
        return
    if re.search(r"secrets:\s*inherit|toJSON\(secrets|secrets\[", text):
        yield "secrets must be named one by one"
    for job, content in _jobs(name, document):
        own = {key: value for key, value in content.items() if key != "steps"}
        if "secrets." in str(own):
            yield f"{job}: every step would see the secrets"
        has_any = "secrets." in str(content)
        if has_any != (job in SECRETS):
            yield f"{job}: secrets"
        if has_any and content["env"] != TARGET:
            yield f"{job}: the target must come from the repository's settings: {content['env']}"
        for step in content["steps"]:
            if "secrets." in str({key: value for key, value in step.items() if key != "env"}):
                yield f"{job}: secrets belong in env"


def approval(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """What applies does so in an environment, for changes, by the digest that came another way than the plan."""
    for job, content in _jobs(name, document):
        if "syncer ci apply" not in str(content["steps"]):
            continue
        if content.get("environment") != "${{ inputs.environment || vars.SYNCER_ENV || 'prod' }}":
            yield f"{job} has no environment"
        if content.get("if") != "needs.plan.outputs.has_changes == 'true'":
            yield f"{job} is not skipped without changes"
        if "${{ needs.plan.outputs.digest }}" not in str(content["steps"][-1]["env"]):
            yield f"{job} doesn't know which plan"


def required(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """The check `syncer plan` exists once, in pull requests and in merge queues, and is never skipped."""
    if name != "plan.yml":
        yield from (f"{job} has the plan's name" for job, one in _jobs(name, document) if one["name"] == "syncer plan")
        return
    job = document["jobs"]["plan"]
    if len(document["jobs"]) != 1 or job["name"] != "syncer plan" or "if" in job or "strategy" in job:
        yield "the required check must be one job that is never skipped"
    if document["on"].get("merge_group") or set(document["on"].get("pull_request") or ()) != {"types"}:
        yield "no filter may skip the required check"


def skipping(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """No job is skipped because a variable is missing: skipped is green. It runs, and says what is missing."""
    for job, content in _jobs(name, document):
        if re.search(r"vars\.|inputs\.", str(content.get("if", ""))):
            yield f"{job} is skipped by a setting"


def modules(_: str, text: str, __: Mapping[str, Any]) -> Iterator[str]:
    """Python doesn't look for modules in the checkout, where a stranger's pip.py may lie."""
    yield from (f"runs what lies in the checkout: {found[0]}" for found in UNSAFE.finditer(text))


def handing(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """What has rights over forks takes nothing from their runs, and has no credentials."""
    for job, step in every_step(document):
        if name == "plan-fork-comment.yml" and ("artifact" in step.get("uses", "") or "secrets." in str(step)):
            yield f"{job} takes what a stranger's run handed over: {step['name']}"


def artifacts(_: str, __: str, document: Mapping[str, Any]) -> Iterator[str]:
    """They hold definitions, so they don't stay; nothing is cached, because a cache is shared with pull requests."""
    for job, step in every_step(document):
        given = step.get("with", {})
        if "upload-artifact" in step.get("uses", "") and not 1 <= int(given.get("retention-days", 90)) <= 3:
            yield f"{job} keeps an artifact too long"
        if "cache" in given:
            yield f"{job} has a cache"


def installing(_: str, __: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Every job that runs syncer installs it in the same way: locked by hash where there is a lock."""
    for job, step in every_step(document):
        if step["name"] == "Install syncer" and job != "action" and step["run"] not in {INSTALL, LOCKED}:
            yield f"{job} installs in another way"


def failing(name: str, _: str, document: Mapping[str, Any]) -> Iterator[str]:
    """No failure is hidden; and a failed plan is still told."""
    for job, step in every_step(document):
        if "continue-on-error" in step:
            yield f"{job} hides the failure of: {step['name']}"
        tells = "syncer ci comment" in step.get("run", "") and name != "plan-fork-comment.yml"
        if tells and "!cancelled()" not in step.get("if", ""):
            yield f"{job} doesn't tell of a failed plan"


RULES: Final[tuple[Callable[[str, str, Mapping[str, Any]], Iterator[str]], ...]] = (
    permissions,
    timeouts,
    pins,
    expressions,
    triggers,
    checkouts,
    concurrency,
    secrets,
    approval,
    required,
    skipping,
    modules,
    handing,
    artifacts,
    installing,
    failing,
)


def complaints(path: Path) -> dict[str, list[str]]:
    """What is wrong with a file, by rule."""
    text, document = path.read_text("utf-8"), load(path)
    found = {rule.__name__: list(rule(path.name, text, document)) for rule in RULES}
    return {rule: said for rule, said in found.items() if said}


def test_every_file_is_known() -> None:
    """No workflow is added past the rules."""
    assert {path.name for path in FILES} == {*TRIGGERS, "action.yml"}


@pytest.mark.parametrize("path", [*FILES, *WRITTEN], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_rules_hold(path: Path) -> None:
    """Nobody complains."""
    assert complaints(path) == {}


SPOILT: Final = [
    ("plan.yml", "permissions: {}\n", "permissions: write-all\n", "permissions"),
    ("plan.yml", "contents: read  # to check out", "contents: write  # to check out", "permissions"),
    ("apply.yml", "pull-requests: read", "pull-requests: write", "permissions"),
    ("drift.yml", "    timeout-minutes: 15\n", "", "timeouts"),
    ("plan.yml", "@5fda3b95a4ea91299a34e894583c3862153e4b97  # v7.0.0", "@v7", "pins"),
    ("plan.yml", "actions/setup-python@", "somebody/setup-python@", "pins"),
    ("action.yml", "5fda3b95", "5fda3b96", "pins"),
    ("plan.yml", '--comment-when "$COMMENT_WHEN"', "--comment-when ${{ inputs.comment-when }}", "expressions"),
    ("action.yml", 'install "$GITHUB_ACTION_PATH"', "install ${{ github.action_path }}", "expressions"),
    ("action.yml", '>>"$GITHUB_OUTPUT"', '>>"$GITHUB_ENV"', "expressions"),
    ("plan.yml", "  pull_request:\n", "  pull_request_target:\n", "triggers"),
    ("apply.yml", "  push:\n", "  issue_comment:\n  push:\n", "triggers"),
    ("plan.yml", "persist-credentials: false", "persist-credentials: true", "checkouts"),
    ("drift.yml", "        with:\n          persist-credentials: false\n", "", "checkouts"),
    (
        "plan-fork-comment.yml",
        "ref: ${{ github.event.repository.default_branch }}",
        "ref: ${{ github.event.workflow_run.head_sha }}",
        "checkouts",
    ),
    (
        "plan-fork-comment.yml",
        "          persist-credentials: false",
        "          persist-credentials: false\n          allow-unsafe-pr-checkout: true",
        "checkouts",
    ),
    ("apply.yml", "cancel-in-progress: false", "cancel-in-progress: true", "concurrency"),
    ("apply.yml", "group: syncer-apply-", "group: syncer-apply-${{ github.sha }}-", "concurrency"),
    (
        "plan.yml",
        "cancel-in-progress: ${{ github.event_name == 'pull_request' }}",
        "cancel-in-progress: true",
        "concurrency",
    ),
    (
        "plan-fork-comment.yml",
        "      SYNCER_ENV: ${{ vars.SYNCER_ENV }}",
        "      SYNCER_TOKEN: ${{ secrets.SYNCER_TOKEN }}",
        "secrets",
    ),
    (
        "plan.yml",
        "      SYNCER_ENV: ${{ inputs.environment || vars.SYNCER_ENV }}",
        "      SYNCER_ENV: prod\n      SYNCER_TOKEN: ${{ secrets.SYNCER_TOKEN }}",
        "secrets",
    ),
    ("drift.yml", "SYNCER_API_URL: ${{ inputs.api-url || vars.SYNCER_API_URL }}", "SYNCER_X: ''", "secrets"),
    ("apply.yml", "    environment: ${{ inputs.environment || vars.SYNCER_ENV || 'prod' }}\n", "", "approval"),
    ("apply.yml", "    if: needs.plan.outputs.has_changes == 'true'\n", "", "approval"),
    ("apply.yml", "${{ needs.plan.outputs.digest }}", "${{ hashFiles('plan.json') }}", "approval"),
    ("plan.yml", "    name: syncer plan\n", "    name: syncer plan of ${{ github.event_name }}\n", "required"),
    ("plan.yml", "    types: [opened", '    paths: ["models/**"]\n    types: [opened', "required"),
    ("drift.yml", "    name: syncer drift\n", "    name: syncer plan\n", "required"),
    ("plan.yml", "    runs-on:", "    if: github.event.action != 'edited'\n    runs-on:", "required"),
    ("apply.yml", "    if: github.ref ==", "    if: vars.SYNCER_API_URL != '' && github.ref ==", "skipping"),
    ("drift.yml", "    if: github.ref ==", "    if: inputs.api-url && github.ref ==", "skipping"),
    ("plan.yml", "python -P -m pip", "python -m pip", "modules"),
    ("release.yml", "python -P -m build", "python3 -m build", "modules"),
    ("action.yml", "python -P -m pip", "python -u -m pip", "modules"),
    ("ci.yml", "python -P -m build --wheel", "python - <<<'import build'", "modules"),
    (
        "plan-fork-comment.yml",
        "      - name: Plan the change and comment\n",
        "      - name: Plan\n        uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c  # v8.0.1\n",
        "handing",
    ),
    ("plan.yml", "          retention-days: 3\n", "", "artifacts"),
    ("apply.yml", 'python-version: "3.13"', 'python-version: "3.13"\n          cache: pip', "artifacts"),
    ("apply.yml", "install --require-hashes ", "install ", "installing"),
    ("plan.yml", "      - name: Plan\n", "      - name: Plan\n        continue-on-error: true\n", "failing"),
    ("plan.yml", "        if: ${{ !cancelled() }}\n", "", "failing"),
]


@pytest.mark.parametrize("template", WRITTEN, ids=lambda path: path.name)
def test_this_projects_own_workflows_differ_in_the_installation_alone(template: Path) -> None:
    """Elsewhere the tool is locked; here it may be this checkout, and never elsewhere."""
    own, written = load(FOLDER / template.name), load(template)
    for document, install in ((own, INSTALL), (written, LOCKED)):
        steps = [step for _, step in every_step(document) if step["name"] == "Install syncer"]
        assert {step.pop("run") for step in steps} == {install}
    assert own == written


@pytest.mark.parametrize(("name", "old", "new", "rule"), SPOILT)
def test_each_rule_catches(name: str, old: str, new: str, rule: str, tmp_path: Path) -> None:
    """A rule that a mistake slips past protects nothing."""
    assert rule in complaints(spoil(tmp_path, name, old, new))


def test_every_rule_is_tried() -> None:
    """No rule is without a mistake that it has to catch."""
    assert {rule.__name__ for rule in RULES} == {rule for *_, rule in SPOILT}


@pytest.mark.parametrize("name", [".ci/run", "docs/gitlab-ci.yml"])
def test_no_other_script_runs_what_lies_in_the_checkout(name: str) -> None:
    """The pipeline of GitLab and what CI runs here keep to the same rule."""
    text = (ROOT / name).read_text("utf-8")
    assert list(modules(name, text, {})) == []
    assert list(modules(name, text.replace("-P -m", "-m"), {})) != []


def test_gitlab_has_the_same_habits() -> None:
    """Writing waits for a person, in an environment, one at a time; the tool is locked by hash."""
    jobs = pipelines.jobs(pipelines.load())

    assert jobs["syncer:apply"]["environment"] == {"name": "prod"}
    assert jobs["syncer:apply"]["resource_group"] == "syncer-apply-prod"
    assert {rule["when"] for rule in jobs["syncer:apply"]["rules"]} == {"manual"}
    assert all("--require-hashes" in job["before_script"][0] for job in jobs.values())
    assert all("timeout" in job for job in jobs.values())
