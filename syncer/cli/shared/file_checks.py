"""Check model files: `validate` tells the problems, and a plan begins with the same checks. It imports no API."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, package_files
from syncer.desired import resolve, validate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from syncer.desired import loader
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
    found = validate.check(loaded.documents, package_files.schema(), environments, reads_sql=reads_sql, passed=passed)
    return tuple(sorted({*loaded.problems, *found}, key=lambda one: (one.origin, one.rule, one.message)))


def named_secrets(documents: Sequence[Document], environment: str) -> tuple[str, ...]:
    """The variables of secrets that valid definitions name for one environment, in the alphabet's order."""
    named: set[str] = set()

    def lookup(variable: str) -> None:
        named.add(variable)

    resolve.reveal(resolve.resolve(documents, environment), lookup)
    return tuple(sorted(named))
