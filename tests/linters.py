"""Each linter of `.ci/run` catches what it's there for: a mistake is put into a copy, and the linter must find it.

Not among the tests that a plain `pytest` collects: it needs the extra `ci`. `.ci/run` names it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pipelines
import pytest
from workflows import spoil, write_scripts

YAMLLINT = "{extends: default, rules: {document-start: disable, line-length: {max: 120}, truthy: {check-keys: false}}}"
COMMANDS = {
    "yamllint": ("--strict", "-d", YAMLLINT),
    "check-jsonschema": ("--builtin-schema", "vendor.github-workflows"),
    "zizmor": ("--offline", "--strict-collection", "--persona=pedantic", "--no-progress"),
    "shellcheck": (),
}
SPOILT = [
    ("yamllint", "plan.yml", "permissions: {}\n", "permissions: {}\npermissions: {}\n", "duplication of key"),
    ("yamllint", "drift.yml", "  schedule:", "   schedule:", "wrong indentation"),
    ("check-jsonschema", "plan.yml", "    runs-on: ubuntu-24.04\n", "", "'runs-on' is a required property"),
    ("check-jsonschema", "apply.yml", "contents: read", "contents: peek", "'peek' is not one of"),
    ("check-jsonschema", "drift.yml", "  workflow_dispatch:\n", "  workflow_dispatched:\n", "workflow_dispatched"),
    ("zizmor", "plan.yml", "permissions: {}\n", "permissions: write-all\n", "excessive-permissions"),
    ("zizmor", "plan.yml", "  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
    ("zizmor", "plan-fork-comment.yml", "  # zizmor: ignore[dangerous-triggers]", "", "dangerous-triggers"),
    ("zizmor", "plan.yml", "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97", "actions/setup-python@v7", "unpinned-uses"),
    ("zizmor", "drift.yml", "        with:\n          persist-credentials: false\n", "", "artipacked"),
    ("zizmor", "plan.yml", '"$COMMENT_WHEN"', "${{ github.head_ref }}", "template-injection"),
    ("zizmor", "action.yml", '"$COMMENT_WHEN"', "${{ inputs.comment-when }}", "template-injection"),
    ("zizmor", "plan.yml", "pull-requests: write  # to keep the comment", "pull-requests: write", "undocumented-permissions"),
    ("shellcheck", "plan.yml", '"$RUNNER_TEMP/plan.json"', "$RUNNER_TEMP/plan.json", "SC2086"),
    ("shellcheck", "action.yml", '"$GITHUB_ACTION_PATH"', "$GITHUB_ACTION_PATH", "SC2086"),
    ("shellcheck", "release.yml", "if [[ $TAG", "if [ $TAG", "SC2086"),
]  # fmt: skip


@pytest.mark.parametrize(("linter", "name", "old", "new", "said"), SPOILT)
def test_each_linter_catches(linter: str, name: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    """It fails, and for the reason that was meant."""
    copy = spoil(tmp_path, name, old, new)
    files = write_scripts(tmp_path / "scripts", [copy]) if linter == "shellcheck" else [copy]
    assert said in _complaint(linter, *COMMANDS[linter], *files)


def test_gitlabs_schema_catches(tmp_path: Path) -> None:
    """Also with the inputs filled in."""
    (copy := tmp_path / "gitlab-ci.yml").write_text(
        pipelines.FILE.read_text("utf-8").replace("interruptible", "interrupted")
    )
    pipeline = pipelines.write(tmp_path / "gitlab", copy)
    assert "interrupted" in _complaint("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", pipeline)


def _complaint(linter: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / linter, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    return done.stdout + done.stderr
