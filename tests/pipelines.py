"""GitLab's pipeline without GitLab: the included file with its inputs filled in, and its jobs, run one by one.

python tests/pipelines.py DIR [FILE]     write the pipeline, and each job's script, for check-jsonschema and shellcheck
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import launcher
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE: Final = Path(__file__).parents[1] / "docs" / "gitlab-ci.yml"
_INPUT: Final = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")
_TERM: Final = re.compile(r"\$([A-Z_]+) == (?:\$([A-Z_]+)|\"([a-z_]+)\")")
_SHELL: Final = ("bash", "--noprofile", "--norc", "-eo", "pipefail")


def load(path: Path = FILE, inputs: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """What an included file adds to a pipeline, hidden jobs and all."""
    header, body = path.read_text("utf-8").split("\n---\n")
    declared = yaml.safe_load(header)["spec"]["inputs"]
    given = {name: one["default"] for name, one in declared.items()} | {**inputs}
    assert given.keys() == declared.keys(), "GitLab refuses an input that isn't declared"
    data: dict[str, Any] = yaml.safe_load(_INPUT.sub(lambda hole: given[hole[1]], body))
    return data


def jobs(pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """The jobs that can run, each with what it extends."""

    def whole(name: str) -> dict[str, Any]:
        own = dict(pipeline[name])
        above = own.pop("extends", None)
        return _merged(whole(above), own) if above else own

    return {name: whole(name) for name in pipeline if not name.startswith(".")}


def _merged(above: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: _merged(above[key], own[key]) for key in above.keys() & own.keys() if isinstance(own[key], dict)}
    return {**above, **own, **both}


def script(job: Mapping[str, Any]) -> str:
    """What the runner's shell is given: all lines are one script."""
    return "\n".join([*job.get("before_script", []), *job["script"]])


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended."""

    code: int
    text: str


@dataclass(slots=True)
class Pipeline:
    """A pipeline in a work tree. Each job gets a fresh checkout, and the artifacts of those that it needs.

    `protected` are the variables of the default branch alone, `environments` those of each environment, which come
    first.
    """

    workspace: Path
    temp: Path
    variables: Mapping[str, str]
    protected: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def artifacts(self) -> Path:
        """The folder of what the jobs leave, one folder a job."""
        return self.temp / f"artifacts-{self.variables['CI_PIPELINE_ID']}"

    def names(self) -> dict[str, str]:
        """The jobs of this pipeline, each with its `when`."""
        found = {}
        for name, job in jobs(load()).items():
            rule = next((one for one in job["rules"] if self._holds(one["if"])), None)
            if rule is not None:
                found[name] = rule.get("when", "on_success")
        return found

    def _holds(self, condition: str) -> bool:
        terms = [_TERM.fullmatch(term) for term in condition.split(" && ")]
        assert all(terms), f"no rule that is known here: {condition}"
        known = self.variables
        return all(known.get(term[1]) == (known.get(term[2]) if term[2] else term[3]) for term in terms if term)

    def prepare(self, name: str) -> dict[str, str]:
        """Make the work tree ready for one job; the variables that it finds."""
        assert name in self.names(), f"{name} is no job of this pipeline"
        job = jobs(load())[name]
        for command in (("checkout", "--force", "--quiet", "HEAD"), ("clean", "-ffdxq")):
            subprocess.run(["git", *command], cwd=self.workspace, check=True)
        for needed in job.get("needs", []):
            shutil.copytree(self.artifacts / needed["job"], self.workspace, dirs_exist_ok=True)
        is_protected = self.variables.get("CI_COMMIT_BRANCH") == self.variables["CI_DEFAULT_BRANCH"]
        own = self.environments.get(job.get("environment", {}).get("name", ""), {})
        return {**self.variables, **(self.protected if is_protected else {}), **own, **job.get("variables", {})}

    def run(self, name: str, *, timeout: int = 120) -> Done:
        """Run one job of the pipeline as the runner's shell does."""
        variables = self.prepare(name)
        programs = self._python, launcher.folder(), Path(sys.executable).parent, os.environ["PATH"]
        path = os.pathsep.join(map(str, programs))
        done = subprocess.run(
            [*_SHELL, "-c", script(jobs(load())[name])],
            cwd=self.workspace,
            env={**variables, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        return self.done(name, done.returncode, done.stdout)

    def done(self, name: str, code: int, text: str) -> Done:
        """What a job has left, if it succeeded, is kept."""
        if code == 0:
            self._keep(name)
        return Done(code, text)

    def _keep(self, name: str) -> None:
        (kept := self.artifacts / name).mkdir(parents=True, exist_ok=True)
        for path in jobs(load())[name].get("artifacts", {}).get("paths", []):
            file = self.workspace / path
            if file.is_file() and not file.is_symlink():
                shutil.copy(file, kept / path)

    @property
    def _python(self) -> Path:
        """A folder with a `python` that installs nothing."""
        shim = self.temp / "bin" / "python"
        shim.parent.mkdir(exist_ok=True)
        shim.write_text(f'#!/bin/sh\ncase " $* " in *" -m pip "*) exit 0 ;; esac\nexec "{sys.executable}" "$@"\n')
        shim.chmod(0o755)
        return shim.parent


def write(folder: Path, file: Path = FILE) -> Path:
    """Write what the linters read; the pipeline's file."""
    folder.mkdir(parents=True, exist_ok=True)
    pipeline = load(file)
    (folder / "pipeline.yml").write_text(yaml.safe_dump(pipeline), "utf-8")
    for name, job in jobs(pipeline).items():
        path = folder / f"{name.replace(':', '-')}.sh"
        path.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{script(job)}\n", "utf-8")
    return folder / "pipeline.yml"


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    write(Path(sys.argv[1]), *map(Path, sys.argv[2:]))
