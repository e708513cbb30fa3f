"""The files of a host's CI, as `init --ci` writes them: templates that ship, with what is known of a repository.

That is its default branch, the environments of its settings, and the secrets that its definitions name. With one
environment there is one set of files. With several each has a set of its own, and so has a folder with settings below
the repository's top: files, workflows, checks, concurrency groups, variables and secrets have names of their own. So
two projects, or two environments, never take each other's target, login or turn.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from syncer import package_files
from syncer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORKFLOWS: Final = ("plan.yml", "plan-fork-comment.yml", "apply.yml", "drift.yml")
GITHUB_FOLDER: Final = ".github/workflows"
GITLAB_FILE: Final = ".gitlab/syncer.yml"

_MAIN: Final = "main"
_PROD: Final = "prod"
_FIT = re.compile(r"(?!.*(?:^|/)[ .-])[\w./@+ -]{1,200}")
"""A folder whose name means itself in YAML, in a shell and in a workflow's expressions."""

_FIT_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_OWN: Final = ("API_URL", "WORKSPACE_ID", "ENV", "TOKEN", "EMAIL", "PASSWORD")
_NAME = re.compile(rf"\bSYNCER_(?:{'|'.join(_OWN)}|SECRET_\w+)\b")
"""A variable or secret that says which workspace a project is about, and who asks."""

_PLAIN = re.compile(r"(?!(?i:true|false|yes|no|on|off|null|y|n)\Z)[A-Za-z][\w/-]*", re.ASCII)
"""What is text in YAML without quotes."""

_EXAMPLE = re.compile(r"(?m)^( +)# (SYNCER_SECRET_OPENAI: .*)\n")
"""The line of a template that shows how a step gets a secret."""

_CALLED = re.compile(r"(?m)^ {6}SYNCER_PASSWORD:\n(?: {8}.*\n)+")
"""The last of the secrets that a called workflow takes."""

MARKER: Final = "# One line for each secret that the model files name:"
"""What stands above the lines of secrets."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a repository and one folder of settings in it; what is empty isn't known."""

    folder: str = ""
    """The folder of the settings, empty for the repository's top."""
    branch: str = ""
    environments: Sequence[str] = ()
    secrets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The variables that an environment's definitions name."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """Whose files they are: a folder's, or those of one of several environments in it."""

    folder: str
    environment: str
    is_one_of_several: bool

    @property
    def tail(self) -> str:
        """What follows the names of files and GitLab's jobs. No folder's word has a dot."""
        own = f".{self.environment}" if self.is_one_of_several else ""
        return f"{f'-{_word(self.folder)}' if self.folder else ''}{own}"

    @property
    def suffix(self) -> str:
        """What follows the names of variables and secrets."""
        parts = [self.folder, *([self.environment] if self.is_one_of_several else [])]
        return "".join(f"_{_word(part).replace('-', '_').upper()}" for part in parts if part)

    @property
    def title(self) -> str:
        """What follows the names of workflows and checks."""
        own = f" ({self.environment})" if self.is_one_of_several else ""
        return f"{f' {self.folder}' if self.folder else ''}{own}"


def _scopes(facts: Facts) -> list[_Scope]:
    is_several = len(facts.environments) > 1
    scopes = [_Scope(facts.folder, name, is_several) for name in facts.environments or ("",)]
    shared = [suffix for suffix, count in Counter(scope.suffix for scope in scopes).items() if count > 1]
    if shared:
        alike = " and ".join(scope.environment for scope in scopes if scope.suffix == shared[0])
        message = f"the environments {alike} would share variables in CI, whose names end in {shared[0]}"
        raise SettingsError(message, "rename one of them")
    return scopes


def files(host: str, facts: Facts) -> Mapping[str, bytes]:
    """The files of a host: where they belong → what is in them.

    Raises SettingsError for a folder or an environment whose name can't stand in them.
    """
    if host not in {"github", "gitlab"}:
        return {}
    if facts.folder and not _FIT.fullmatch(facts.folder):
        message = f"the name of the folder {facts.folder!r} can't stand in a pipeline's files"
        raise SettingsError(message, "rename it with letters, digits, `-`, `_` and `.`")
    for name in facts.environments:
        if not _FIT_ENVIRONMENT.fullmatch(name):
            message = f"the name of the environment {name!r} can't stand in a pipeline's files"
            raise SettingsError(message, "rename it with letters, digits, `-` and `_`")
    written = {}
    for scope in _scopes(facts):
        secrets = tuple(sorted({*facts.secrets.get(scope.environment, ())}))
        for path, template in _templates(host).items():
            make = _workflow if host == "github" else _pipeline
            text = make(template, scope, facts.branch or _MAIN, secrets)
            written[f"{path.removesuffix('.yml')}{scope.tail}.yml"] = text.encode()
    return written


@dataclass(frozen=True, slots=True)
class Needs:
    """What the files of one environment take from the host's settings, by the names that they use."""

    environment: str
    """The environment on the host that the job which writes is in."""
    chooser: str
    """The variable that may name another environment; empty if the files fix it."""
    check: str
    variables: tuple[str, ...]
    token: str
    login: tuple[str, ...]
    """What can stand in place of the token."""
    secrets: tuple[str, ...]


def needs(facts: Facts) -> list[Needs]:
    """What each environment's files take from the host's settings."""
    found = []
    for scope in _scopes(facts):
        own = {name: f"SYNCER_{name}{scope.suffix}" for name in _OWN}
        named = sorted({f"{name}{scope.suffix}" for name in facts.secrets.get(scope.environment, ())})
        found.append(
            Needs(
                scope.environment or _PROD,
                "" if scope.is_one_of_several else own["ENV"],
                f"syncer plan{scope.title}",
                (own["API_URL"], own["WORKSPACE_ID"]),
                own["TOKEN"],
                (own["EMAIL"], own["PASSWORD"]),
                tuple(named),
            )
        )
    return found


def _templates(host: str) -> Mapping[str, str]:
    docs = package_files.folder("docs")
    if host == "gitlab":
        return {GITLAB_FILE: (docs / "gitlab-ci.yml").read_text("utf-8")}
    return {f"{GITHUB_FOLDER}/{name}": (docs / "github" / name).read_text("utf-8") for name in WORKFLOWS}


def steps(text: str, host: str, facts: Facts) -> str:
    """What is left to do, with the names that the files have."""
    scopes = _scopes(facts)
    text = text.replace("{branch}", facts.branch or _MAIN)
    text = text.replace("{environments}", _counted("environment", [scope.environment or _PROD for scope in scopes]))
    text = text.replace("{checks}", _counted("check", [f"syncer plan{scope.title}" for scope in scopes]))
    named = sorted({f"{name}{scope.suffix}" for scope in scopes for name in facts.secrets.get(scope.environment, ())})
    text = text.replace("{secrets}", ", ".join(named) or "none so far")
    if len(scopes) == 1:
        (scope,) = scopes
        text = _NAME.sub(lambda found: _with_suffix(found[0], scope.suffix), text)
    else:
        ends = _listed([scope.suffix for scope in scopes])
        text += f"\n\nEach environment has its own variables and secrets: the names above end in {ends}."
    if host == "gitlab":
        includes = "\n".join(f"    - local: .gitlab/syncer{scope.tail}.yml" for scope in scopes)
        text = text.replace("{includes}", includes)
    return text


def _with_suffix(name: str, suffix: str) -> str:
    return name if name.endswith(suffix) else f"{name}{suffix}"


def _counted(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {_listed([f'`{name}`' for name in names])}"


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _word(name: str) -> str:
    """A folder or an environment in names of files, jobs and groups; a hash tells `a/b` from `a-b`."""
    word = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    return word if word == name else "-".join(filter(None, [word, hashlib.sha256(name.encode()).hexdigest()[:6]]))


def _text(value: str) -> str:
    """A text in YAML."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _workflow(text: str, scope: _Scope, branch: str, secrets: Sequence[str]) -> str:
    """One of GitHub's workflows."""

    def titled(match: re.Match[str]) -> str:
        return f"{match[1]}{json.dumps(f'{match[2]}{scope.title}', ensure_ascii=False)}"

    # GitHub reads a branch as a pattern.
    pattern = re.sub(r"[*?+!\[\]\\]", r"\\\g<0>", branch)
    text = text.replace("    branches: [main]\n", f"    branches: [{_text(pattern)}]\n")
    text = _with_environment(text, scope)
    if secrets:
        lines = "".join(rf"\g<1>{name}: ${{{{ secrets.{name} }}}}" + "\n" for name in secrets)
        text = _EXAMPLE.sub(lines, text)
        described = "        description: A secret that the model files name.\n        required: false\n"
        called = "".join(f"      {name}:\n{described}" for name in secrets)
        text = _CALLED.sub(lambda found: f"{found[0]}{called}", text)
    if not scope.tail:
        return text
    text = re.sub(r"(?m)^(name: )(.+)$", titled, text)
    text = re.sub(r"(?m)^( {4}name: )(syncer \w+)$", titled, text)
    text = re.sub(r"(?m)^( {4}workflows: \[)(\w+)(?=\]$)", titled, text)
    if scope.folder:
        text = re.sub(r"(?m)^( {2}group: syncer-\w+-)", rf"\g<1>{_word(scope.folder)}-", text)
        text = re.sub(r"(?m)^ {4}env:$", f"\\g<0>\n      FOLDER: {json.dumps(scope.folder, ensure_ascii=False)}", text)
        text = text.replace("syncer ci ", 'syncer --chdir "$FOLDER" ci ')
    if scope.is_one_of_several:
        text = re.sub(r"(?m)^( {2}group: syncer-comment-)", rf"\g<1>{scope.environment}-", text)
    # What a caller passes, what the repository has, and what is said of them.
    text = re.sub(rf"(?:\b(?:vars|secrets)\.|the variable ){_NAME.pattern}", rf"\g<0>{scope.suffix}", text)
    return re.sub(r"(?m)^( {6}SYNCER_\w+)(?=:$)", rf"\g<1>{scope.suffix}", text)


def _with_environment(text: str, scope: _Scope) -> str:
    """GitHub's workflow with its environment: the default where there is one, fixed where there are several."""
    name = scope.environment
    if scope.is_one_of_several:
        text = text.replace("the variable SYNCER_ENV, else the settings' default", name)
        text = text.replace("${{ vars.SYNCER_ENV }}", _text(name))
        return re.sub(r"vars\.SYNCER_ENV(?: \|\| 'prod')?", f"'{name}'", text)
    return re.sub(r"vars\.SYNCER_ENV(?: \|\| 'prod')?", f"vars.SYNCER_ENV || '{name}'", text) if name else text


def _pipeline(text: str, scope: _Scope, branch: str, secrets: Sequence[str]) -> str:  # noqa: ARG001 - GitLab has a name for it
    """GitLab's pipeline."""
    name = scope.environment
    if name:
        text = text.replace("`prod`", f"`{name}`").replace("    name: prod\n", f"    name: {_text(name)}\n")
        text = text.replace("syncer-apply-prod", f"syncer-apply-{name}")
    several = "# With several environments in the settings, SYNCER_ENV says which.\n"
    if scope.is_one_of_several:
        text = text.replace(several, f"# This file is for the environment `{name}` alone.\n")
    elif name:
        text = text.replace(several, f"# SYNCER_ENV says which environment of the settings it is, if not `{name}`.\n")
        text = text.replace('    GIT_DEPTH: "0"', f'    SYNCER_ENV: {json.dumps(name)}\n    GIT_DEPTH: "0"')
    if not scope.tail:
        return text
    text = _NAME.sub(rf"\g<0>{scope.suffix}", text)
    text = text.replace("syncer.yml", f"syncer{scope.tail}.yml")
    text = re.sub(r"(?<![\w/])(\.?syncer)(?=:\w|:$|$)", rf"\g<1>{scope.tail}", text, flags=re.MULTILINE)
    # A variable of the project comes before a job's own, so these are set where the job runs.
    values = {f"SYNCER_{one}": f'"$SYNCER_{one}{scope.suffix}"' for one in _OWN}
    if scope.is_one_of_several:
        values["SYNCER_ENV"] = shlex.quote(name)
    if scope.folder:
        text = text.replace("syncer-apply-", f"syncer-apply-{_word(scope.folder)}-")
        text = text.replace("syncer ci ", f"syncer --chdir {shlex.quote(scope.folder)} ci ")
        plan = json.dumps(f"{scope.folder}/plan.json", ensure_ascii=False)
        text = text.replace("paths: [plan.json]", f"paths: [{plan}]")
    own = "".join(f"    - export {variable}={value}\n" for variable, value in values.items())
    lines = "".join(f'    - export {one}="${one}{scope.suffix}"\n' for one in secrets)
    return text.replace("  before_script:\n", f"  before_script:\n{own}    {MARKER}\n{lines}")
