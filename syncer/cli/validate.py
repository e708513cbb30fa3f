"""`syncer validate`, and the checks that a plan begins with. Nothing of the API is imported here."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, package_files
from syncer.desired import loader, validate
from syncer.render.annotations import render_problems as render_annotations

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Sequence

    from syncer.cli.shared.screen import Screen
    from syncer.model import Problem


EMPTY: Final = frozenset({"no-files", "no-models-folder"})
"""The rules of a folder that holds no definition: a base, or a repository that begins, may well be empty."""


def run(flags: argparse.Namespace, screen: Screen) -> int:
    """Check the files and tell every problem."""
    count = 0
    problems: list[Problem] = []
    for start, paths in _projects(flags).items():
        settings = config.load(start)
        if paths and not {start / name for name in config.FILES} & {*paths}:
            loaded = loader.load_files(settings.root, settings.models, paths)
        else:
            loaded = loader.load(settings.root, settings.models)
        count += len(loaded.documents)
        problems += placed(check(loaded, settings.environments, reads_sql=True), settings.root, flags.format)
    found = tuple(problems)
    if flags.strict:
        found = validate.as_errors(found)
    errors = sum(problem.is_error for problem in found)
    if flags.format == "github":
        if found:
            screen.show(render_annotations(found, screen.style.commands))
    else:
        screen.problems(found)
    if not errors and flags.format == "text":
        screen.show(
            f"{count} definition{'' if count == 1 else 's'} checked: {'no errors' if found else 'no problems'}."
        )
    return 1 if errors else 0


def _projects(flags: argparse.Namespace) -> dict[Path, list[Path]]:
    """The files that were named, by the folder whose settings are theirs. No files, or the settings, mean all.

    A hook names files from the top of the repository, wherever the settings stand, and with `--chdir` as well.
    """
    here = Path.cwd()
    found: dict[Path, list[Path]] = {}
    for file in flags.files:
        path, beside = (Path(os.path.abspath(one / file)) for one in (here, getattr(flags, "started", here)))  # noqa: PTH100
        path = beside if not os.path.lexists(path) and os.path.lexists(beside) else path
        settings = config.find(path if path.is_dir() else path.parent)
        found.setdefault(settings.parent if settings else here, []).append(path)
    return found or {here: []}


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
