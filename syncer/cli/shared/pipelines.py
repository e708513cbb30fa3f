"""The files of a host's CI, as `syncer init --ci` writes them: at the top of a repository, or for a folder in it.

At the top they are what ships, byte by byte. A folder's have names of their own: files, workflows, checks, concurrency
groups, variables and secrets. So two projects in one repository never take each other's target, login or turn.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from typing import TYPE_CHECKING, Final

from syncer import package_files
from syncer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKFLOWS: Final = ("plan.yml", "plan-fork-comment.yml", "apply.yml", "drift.yml")
"""Of this project's own workflows those that are of use in a repository of models."""

_FOLDER: Final = ".github/workflows"
_FIT = re.compile(r"(?!.*(?:^|/)[ .-])[\w./@+ -]{1,200}")
"""A folder whose name means itself in YAML, in a shell and in a workflow's expressions."""

_OWN: Final = ("API_URL", "WORKSPACE_ID", "ENV", "TOKEN", "EMAIL", "PASSWORD")
_NAME = re.compile(rf"\bSYNCER_(?:{'|'.join(_OWN)}|SECRET_\w+)\b")
"""A variable or secret that says which workspace a project is about, and who asks."""


def files(host: str, folder: str) -> Mapping[str, bytes]:
    """The files of a host for a folder, empty for the repository's top: where they belong → what is in them.

    Raises SettingsError for a folder whose name can't stand in them.
    """
    if host == "github":
        shown = {f"{_FOLDER}/{name}": (package_files.folder(_FOLDER) / name).read_bytes() for name in WORKFLOWS}
    elif host == "gitlab":
        shown = {".gitlab/syncer.yml": (package_files.folder("docs") / "gitlab-ci.yml").read_bytes()}
    else:
        return {}
    if not folder:
        return shown
    if not _FIT.fullmatch(folder):
        message = f"the name of the folder {folder!r} can't stand in a pipeline's files"
        raise SettingsError(message, "rename it with letters, digits, `-`, `_` and `.`")
    change = _workflow if host == "github" else _pipeline
    return {
        f"{path.removesuffix('.yml')}-{_word(folder)}.yml": change(text.decode(), folder).encode()
        for path, text in shown.items()
    }


def steps(text: str, folder: str) -> str:
    """What is left to do, with the names that a folder's files have."""
    if not folder:
        return text
    text = _NAME.sub(rf"\g<0>{_suffix(folder)}", text)
    text = re.sub(r"\b(plan|apply|drift|syncer)\.yml\b", rf"\1-{_word(folder)}.yml", text)
    return text.replace("`syncer plan`", f"`syncer plan {folder}`")


def _word(folder: str) -> str:
    """The folder in names of files, jobs and groups; a hash tells `a/b` from `a-b`."""
    word = re.sub(r"[^A-Za-z0-9]+", "-", folder).strip("-")
    return word if word == folder else "-".join(filter(None, [word, hashlib.sha256(folder.encode()).hexdigest()[:6]]))


def _suffix(folder: str) -> str:
    return f"_{_word(folder).replace('-', '_').upper()}"


def _workflow(text: str, folder: str) -> str:
    """One of GitHub's workflows for a folder."""
    word, suffix = _word(folder), _suffix(folder)

    def titled(match: re.Match[str]) -> str:
        return f"{match[1]}{json.dumps(f'{match[2]} {folder}', ensure_ascii=False)}"

    text = re.sub(r"(?m)^(name: )(.+)$", titled, text)
    text = re.sub(r"(?m)^( {4}name: )(syncer \w+)$", titled, text)
    text = re.sub(r"(?m)^( {4}workflows: \[)(\w+)(?=\]$)", titled, text)
    text = re.sub(r"(?m)^( {2}group: syncer-\w+-)", rf"\g<1>{word}-", text)
    # What a caller passes, what the repository has, and what is said of them.
    text = re.sub(rf"(?:\b(?:vars|secrets)\.|the variable ){_NAME.pattern}", rf"\g<0>{suffix}", text)
    text = re.sub(r"(?m)^( {6}SYNCER_\w+)(?=:$)", rf"\g<1>{suffix}", text)
    text = re.sub(r"(?m)^ {4}env:$", f"\\g<0>\n      FOLDER: {json.dumps(folder, ensure_ascii=False)}", text)
    return text.replace("syncer ci ", 'syncer --chdir "$FOLDER" ci ')


def _pipeline(text: str, folder: str) -> str:
    """GitLab's pipeline for a folder."""
    word, suffix = _word(folder), _suffix(folder)
    text = _NAME.sub(rf"\g<0>{suffix}", text)
    text = text.replace(".gitlab/syncer.yml", f".gitlab/syncer-{word}.yml")
    text = re.sub(r"(?<![\w/])(\.?syncer)(?=:\w|:$|$)", rf"\g<1>-{word}", text, flags=re.MULTILINE)
    text = text.replace("syncer-apply-", f"syncer-apply-{word}-")
    text = text.replace("syncer ci ", f"syncer --chdir {shlex.quote(folder)} ci ")
    text = text.replace("paths: [plan.json]", f"paths: [{json.dumps(f'{folder}/plan.json', ensure_ascii=False)}]")
    # A variable of the project comes before a job's own, so these are set where the job runs.
    own = " ".join(f'SYNCER_{name}="$SYNCER_{name}{suffix}"' for name in _OWN)
    return text.replace("  before_script:\n", f"  before_script:\n    - export {own}\n")
