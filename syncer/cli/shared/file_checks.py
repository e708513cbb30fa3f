"""Check model files: `validate` tells the problems, and a plan begins with the same checks. It imports no API."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, package_files
from syncer.desired import loader, resolve, validate
from syncer.model import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from syncer.model import Document, Problem


EMPTY_RULES: Final = frozenset({"no-files", "no-models-folder"})
"""The rules of a folder that holds no definition: a base, or a repository that begins, may well be empty."""


def placed(problems: Sequence[Problem], root: Path, style: str = "github") -> tuple[Problem, ...]:
    """The problems of the files below a folder, named as their reader knows them.

    GitHub wants a file's path from the top of the repository; people at a terminal want it from where they are.
    """
    top = config.repository(root) if style == "github" else Path.cwd()
    if top is None or root == top or not root.is_relative_to(top):
        return tuple(problems)
    folder = root.relative_to(top).as_posix()
    return tuple(_below(folder, one) for one in problems)


def _below(folder: str, problem: Problem) -> Problem:
    path = problem.origin.path
    if not path or path.startswith("/"):
        return problem
    return replace(problem, origin=replace(problem.origin, path=f"{folder}/{path}"))


def check(
    loaded: loader.Loaded, environments: Collection[str], *, reads_sql: bool = False, passed: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Every problem of the files, by place; files that `passed` are looked at as `validate.check` says."""
    found = validate.check(
        loaded.documents,
        package_files.schema(),
        environments,
        reads_sql=reads_sql,
        passed=passed,
        sections=loaded.sections,
        common=loaded.common if loaded.is_whole else None,
    )
    return tuple(sorted({*loaded.problems, *found}, key=lambda one: (one.origin, one.rule, one.message)))


def named_secrets(documents: Sequence[Document], environment: str) -> tuple[str, ...]:
    """The variables of secrets that valid definitions name for one environment, in the alphabet's order."""
    named: set[str] = set()

    def lookup(variable: str) -> None:
        named.add(variable)

    resolve.reveal(resolve.resolve(documents, environment), lookup)
    return tuple(sorted(named))


def unparsed(loaded: loader.Loaded, root: Path) -> dict[str, str | None]:
    """The texts of the model files that could not be parsed, by path; None for one that nobody can read."""
    parsed = {one.path for one in loaded.documents}
    found: dict[str, str | None] = {}
    for problem in loaded.problems:
        path = problem.origin.path
        if path.endswith((".yaml", ".yml")) and path not in parsed and Path(path).name != DEFAULTS:
            raw = loader.raw(root, path)
            is_text = isinstance(raw, bytes) and problem.rule not in {"lfs-pointer", "bad-encoding"}
            found[path] = raw.decode("utf-8", "replace") if is_text and isinstance(raw, bytes) else None
    return found


def projects(files: Sequence[str], started: Path) -> dict[Path, list[Path]]:
    """The files that were named, by the folder whose settings are theirs. No files, or the settings, mean all.

    A hook names files from the top of the repository, wherever the settings stand, and with `--chdir` as well.
    """
    here = Path.cwd()
    found: dict[Path, list[Path]] = {}
    for file in files:
        path, beside = (Path(os.path.abspath(one / file)) for one in (here, started))  # noqa: PTH100
        path = beside if not os.path.lexists(path) and os.path.lexists(beside) else path
        settings = config.find(path if path.is_dir() else path.parent)
        found.setdefault(settings.parent if settings else here, []).append(path)
    return found or {here: []}
