"""GitHub's workflows without GitHub: read, and run step by step.

A job is run as the runner does it: conditions and `${{ }}` are evaluated, each `run:` is bash with a step's own
`GITHUB_OUTPUT` and `GITHUB_STEP_SUMMARY`, and a failure skips what doesn't ask for it. An action is a stand-in, and one
that has none is an error; so is an expression that names what the test didn't give.

    python tests/workflows.py shell DIR [FILE …]     write every `run:` as a script of its own, for shellcheck
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import launcher
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / ".github" / "workflows"
TEMPLATES: Final = ROOT / "docs" / "github"
"""What `syncer init --ci github` fills in and writes."""

ACTION: Final = ROOT / "action.yml"


class _Loader(yaml.SafeLoader):
    """YAML as GitHub reads it: `on` is a word."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), ["t", "f"])


def load(path: Path) -> dict[str, Any]:
    """A workflow, or an action."""
    data: dict[str, Any] = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    return data


def every_step(document: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The steps of a workflow, or of a composite action, each with the name of its job."""
    if "runs" in document:
        return [("action", step) for step in document["runs"]["steps"]]
    return [(name, step) for name, job in document["jobs"].items() for step in job.get("steps", [])]


# -- expressions -------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(r"\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|(\|\||&&|==|!=|[!().,\[\]])|([A-Za-z_][\w-]*))")
_STATUS: Final = re.compile(r"\b(?:success|failure|cancelled|always)\(\)")
_HOLE: Final = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_LITERALS: Final = {"true": True, "false": False, "null": None}
_OPEN: Final = frozenset({"event", "outputs"})
"""What has other keys from run to run: one that is missing there is null, as on GitHub."""


class ExpressionError(Exception):
    """An expression that can't be evaluated, or names what nobody gave."""


@dataclass(slots=True)
class _Evaluation:
    """One expression, from left to right, with the precedences of GitHub's language."""

    text: str
    contexts: Mapping[str, Any]
    functions: Mapping[str, Callable[..., Any]]
    tokens: list[str] = field(default_factory=list)

    def value(self) -> Any:
        position = 0
        text = self.text.strip()
        while position < len(text):
            if not (match := _TOKEN.match(text, position)):
                raise ExpressionError(f"can't be read: {self.text}")
            self.tokens.append(match[0].strip())
            position = match.end()
        result = self._or()
        if self.tokens:
            raise ExpressionError(f"too much in {self.text}: {self.tokens}")
        return result

    def _taken(self, *tokens: str) -> str:
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in tokens else ""

    def _or(self) -> Any:
        left = self._and()
        while self._taken("||"):
            right = self._and()
            left = left or right
        return left

    def _and(self) -> Any:
        left = self._equal()
        while self._taken("&&"):
            right = self._equal()
            left = left and right
        return left

    def _equal(self) -> Any:
        left = self._not()
        while operator := self._taken("==", "!="):
            left = (_folded(left) == _folded(self._not())) is (operator == "==")
        return left

    def _not(self) -> Any:
        return not self._not() if self._taken("!") else self._path()

    def _path(self) -> Any:
        token = self.tokens.pop(0)
        if token == "(":
            inner = self._or()
            self._taken(")")
            return inner
        if token[0] == "'":
            return token[1:-1].replace("''", "'")
        if token[0].isdigit():
            return float(token)
        if token in _LITERALS:
            return _LITERALS[token]
        if self._taken("("):
            return self._call(token)
        return self._context(token)

    def _call(self, name: str) -> Any:
        arguments = []
        while not self._taken(")"):
            arguments.append(self._or())
            self._taken(",")
        if name not in self.functions:
            raise ExpressionError(f"no function {name} in {self.text}")
        return self.functions[name](*arguments)

    def _context(self, name: str) -> Any:
        if name not in self.contexts:
            raise ExpressionError(f"no context {name} in {self.text}")
        value, is_open = self.contexts[name], False
        while self._taken("."):
            key = self.tokens.pop(0)
            if value is None or (is_open and key not in value):
                value = None
            elif key in value:
                value = value[key]
            else:
                raise ExpressionError(f"nobody gave {key} in {self.text}")
            is_open = is_open or key in _OPEN
        return value


def _folded(value: Any) -> Any:
    """Texts are compared without regard to case; null is the empty text."""
    return "" if value is None else value.casefold() if isinstance(value, str) else value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _contains(where: Any, what: Any) -> bool:
    return _folded(what) in ([_folded(one) for one in where] if isinstance(where, list) else _folded(_text(where)))


_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "contains": _contains,
    "format": lambda pattern, *values: pattern.format(*map(_text, values)),
    "fromJSON": json.loads,
    "startsWith": lambda text, start: _folded(_text(text)).startswith(_folded(start)),
    "toJSON": json.dumps,
}


# -- running -----------------------------------------------------------------------------------------------------

Action: TypeAlias = "Callable[[Mapping[str, str]], bool]"
"""Stands in for an action: takes its inputs, and says whether it succeeded."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a step: success, failure or skipped."""

    name: str
    outcome: str
    out: str = ""
    err: str = ""
    summary: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """What became of a job."""

    result: str
    steps: Sequence[Step] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Step:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)

    @property
    def text(self) -> str:
        """Everything that was printed."""
        return "".join(step.out + step.err for step in self.steps)


@dataclass(slots=True)
class Runner:
    """A machine that runs jobs in `workspace`; artifacts outlive a job, everything else below `temp` doesn't.

    `environments` has the secrets of each, which come before the repository's. A job that may write nothing gets
    `reading` in place of its token.
    """

    workspace: Path
    temp: Path
    github: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)
    vars: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reading: str = ""
    artifacts: Path = field(init=False)
    _jobs: int = 0

    def __post_init__(self) -> None:
        """Make the folders, and a `python` that installs nothing, if it's told not to look for modules in the checkout."""
        self.artifacts = self.temp / "artifacts"
        shim = self.temp / "bin" / "python"
        for folder in (self.artifacts, shim.parent):
            folder.mkdir(parents=True, exist_ok=True)
        log = self.temp / "pip.log"
        pip = f'if [ "$1 $2 $3" = "-P -m pip" ]; then echo "$*" >>"{log}"; exit 0; fi\n'
        shim.write_text(f'#!/bin/sh\n{pip}exec "{sys.executable}" "$@"\n')
        shim.chmod(0o755)

    @property
    def pip(self) -> str:
        """How pip was called, one line a call."""
        log = self.temp / "pip.log"
        return log.read_text() if log.exists() else ""

    def workflow(self, name: str) -> dict[str, Job]:
        """Run every job of a workflow, in the order of its file, in which each stands below those it needs."""
        done: dict[str, Job] = {}
        for job in load(TEMPLATES / name)["jobs"]:
            done[job] = self.job(name, job, done)
        return done

    def job(self, workflow: str, name: str, done: Mapping[str, Job]) -> Job:
        """Run one job, after those that are done."""
        document = load(TEMPLATES / workflow)
        job = document["jobs"][name]
        needed = job.get("needs", [])
        needs = {need: done[need] for need in ([needed] if isinstance(needed, str) else needed)}
        contexts = self._contexts(document, needs)
        has_failed = any(need.result != "success" for need in needs.values())
        if not self._holds(job.get("if"), contexts, has_failed=has_failed):
            return Job("skipped")
        self._jobs += 1
        folder = self.temp / f"job-{self._jobs}"
        folder.mkdir()
        contexts["runner"] = {"temp": str(folder)}
        contexts["steps"] = {}
        if "write" not in job["permissions"].values():
            contexts["github"] = {**self.github, "token": self.reading}
        if "environment" in job:
            contexts["secrets"] |= self.environments.get(self._fill(job["environment"], contexts), {})
        environment = {"RUNNER_TEMP": str(folder), **self._filled(job.get("env", {}), contexts)}
        return self._steps(job, contexts, environment, folder)

    def action(self, path: Path, **inputs: str) -> Job:
        """Run a composite action."""
        document = load(path)
        folder = self.temp / f"action-{self._jobs}"
        self._jobs += 1
        folder.mkdir()
        contexts = {"github": self.github, "runner": {"temp": str(folder)}, "steps": {}}
        defaults = {key: _text(self._fill(one.get("default"), contexts)) for key, one in document["inputs"].items()}
        contexts["inputs"] = {**defaults, **inputs}
        job = {"steps": document["runs"]["steps"], "outputs": {k: v["value"] for k, v in document["outputs"].items()}}
        environment = {"RUNNER_TEMP": str(folder), "GITHUB_ACTION_PATH": str(path.parent)}
        return self._steps(job, contexts, environment, folder)

    def _contexts(self, document: Mapping[str, Any], needs: Mapping[str, Job]) -> dict[str, Any]:
        triggers = document["on"]
        declared = (triggers.get("workflow_call") or {}) if isinstance(triggers, dict) else {}
        # A name that is declared and not given is null; one that isn't declared is nobody's.
        inputs = {**dict.fromkeys(declared.get("inputs", {})), **self.inputs}
        secrets = {**dict.fromkeys(declared.get("secrets", {})), **self.secrets}
        variables = {**dict.fromkeys(("SYNCER_API_URL", "SYNCER_WORKSPACE_ID", "SYNCER_ENV")), **self.vars}
        given = {name: {"result": job.result, "outputs": job.outputs} for name, job in needs.items()}
        return {"github": self.github, "vars": variables, "secrets": secrets, "inputs": inputs, "needs": given}

    def _steps(
        self, job: Mapping[str, Any], contexts: dict[str, Any], environment: Mapping[str, str], folder: Path
    ) -> Job:
        steps: list[Step] = []
        has_failed = False
        for number, step in enumerate(job["steps"]):
            done = Step(step["name"], "skipped")
            if self._holds(step.get("if"), contexts, has_failed=has_failed):
                done = self._step(step, contexts, environment, folder / f"step-{number}")
            has_failed = has_failed or (done.outcome == "failure" and step.get("continue-on-error") is not True)
            steps.append(done)
            if "id" in step:
                contexts["steps"][step["id"]] = {"outcome": done.outcome, "outputs": done.outputs}
        outputs = self._filled(job.get("outputs", {}), contexts)
        return Job("failure" if has_failed else "success", steps, outputs)

    def _step(
        self, step: Mapping[str, Any], contexts: Mapping[str, Any], environment: Mapping[str, str], files: Path
    ) -> Step:
        if "uses" in step:
            action = self._actions.get(step["uses"].partition("@")[0])
            if action is None:
                raise ExpressionError(f"nothing stands in for {step['uses']}")
            succeeded = action(self._filled(step.get("with", {}), contexts))
            return Step(step["name"], "success" if succeeded else "failure")
        files.mkdir()
        names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")
        own = {name: str(files / name) for name in names}
        for file in own.values():
            Path(file).touch()
        (script := files / "script.sh").write_text(self._fill(step["run"], contexts), "utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace,
            env={**self._base, **environment, **self._filled(step.get("env", {}), contexts), **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert (files / "GITHUB_ENV").read_text() == "", "a step wrote variables for those after it"
        assert (files / "GITHUB_PATH").read_text() == "", "a step changed the path for those after it"
        outcome = "failure" if done.returncode else "success"
        outputs = _outputs(files / "GITHUB_OUTPUT")
        summary = (files / "GITHUB_STEP_SUMMARY").read_text("utf-8")
        return Step(step["name"], outcome, done.stdout, done.stderr, summary, outputs)

    @property
    def _base(self) -> dict[str, str]:
        """The variables that every step sees; nothing of this machine's but what a process needs."""
        kept = {name: value for name, value in os.environ.items() if name.startswith("COV")}
        path = [self.temp / "bin", launcher.folder(), Path(sys.executable).parent, os.environ["PATH"]]
        return {
            **kept,
            "PATH": os.pathsep.join(map(str, path)),
            "HOME": str(self.temp),
            "PYTHONUTF8": "1",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            **self.variables,
        }

    @property
    def _actions(self) -> Mapping[str, Action]:
        return {
            "actions/checkout": lambda _: True,
            "actions/setup-python": lambda _: True,
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }

    def _upload(self, given: Mapping[str, str]) -> bool:
        source = Path(given["path"])
        if not source.exists():
            return given.get("if-no-files-found") != "error"
        target = self.artifacts / given["name"]
        target.mkdir()
        shutil.copy(source, target / source.name)
        return True

    def _download(self, given: Mapping[str, str]) -> bool:
        source = self.artifacts / given["name"]
        if source.is_dir():
            shutil.copytree(source, given["path"], symlinks=True)
        return source.is_dir()

    def _fill(self, value: Any, contexts: Mapping[str, Any]) -> str:
        """A value with its holes filled."""
        return _HOLE.sub(lambda hole: _text(_Evaluation(hole[1], contexts, _FUNCTIONS).value()), _text(value))

    def _filled(self, values: Mapping[str, Any], contexts: Mapping[str, Any]) -> dict[str, str]:
        return {name: self._fill(value, contexts) for name, value in values.items()}

    def _holds(self, condition: Any, contexts: Mapping[str, Any], *, has_failed: bool) -> bool:
        """Whether something is to be run; a condition that doesn't speak of failure means: if nothing has failed."""
        if condition is None:
            return not has_failed
        text = _HOLE.sub(lambda hole: hole[1], _text(condition))
        status = {"success": not has_failed, "failure": has_failed, "cancelled": False, "always": True}
        functions = {**_FUNCTIONS, **{name: lambda value=value: value for name, value in status.items()}}
        holds = bool(_Evaluation(text, contexts, functions).value())
        return holds and (bool(_STATUS.search(text)) or not has_failed)


def _outputs(path: Path) -> dict[str, str]:
    """A step's outputs: `name=value`, or `name<<DELIMITER` and lines."""
    outputs: dict[str, str] = {}
    lines = iter(path.read_text("utf-8").splitlines())
    for line in lines:
        name, sign, rest = line.partition("<<") if "<<" in line.partition("=")[0] else line.partition("=")
        if sign == "<<":
            taken = []
            while (value := next(lines)) != rest:
                taken.append(value)
            rest = "\n".join(taken)
        assert sign, f"GitHub refuses this line of GITHUB_OUTPUT: {line}"
        outputs[name] = rest
    return outputs


# -- for shellcheck ----------------------------------------------------------------------------------------------


def spoil(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of one file with a mistake in it."""
    source = ACTION if name == ACTION.name else FOLDER / name
    text = source.read_text("utf-8")
    assert old in text, f"{name} has no {old!r} to spoil"
    (folder / name).write_text(text.replace(old, new), "utf-8")
    return folder / name


def write_scripts(folder: Path, files: Sequence[Path]) -> list[Path]:
    """Every `run:` as a script of its own, as the runner would start it."""
    folder.mkdir(parents=True, exist_ok=True)
    scripts = []
    for file in files:
        for number, (job, step) in enumerate(every_step(load(file))):
            if "run" in step:
                script = folder / f"{file.stem}-{job}-{number}.sh"
                script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step['run']}\n", "utf-8")
                scripts.append(script)
    return scripts


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] != "shell":
        sys.exit(__doc__)
    files = [*map(Path, sys.argv[3:])] or [*FOLDER.glob("*.yml"), ACTION]
    sys.stdout.writelines(f"{script}\n" for script in write_scripts(Path(sys.argv[2]), files))
