"""`syncer validate`, and the checks that a plan begins with. Nothing of the API is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, loader, shipped, validate
from syncer.render.annotations import render_problems as render_annotations

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection

    from syncer.cli.screen import Screen
    from syncer.model import Problem


EMPTY: Final = frozenset({"no-files", "no-models-folder"})
"""The rules of a folder that holds no definition: a base, or a repository that begins, may well be empty."""


def run(flags: argparse.Namespace, screen: Screen) -> int:
    """Check the files and tell every problem."""
    settings = config.load(Path.cwd())
    if flags.files:
        loaded = loader.load_files(settings.root, settings.models, [Path.cwd() / file for file in flags.files])
    else:
        loaded = loader.load(settings.root, settings.models)
    found = check(loaded, settings.environments, reads_sql=True)
    if flags.strict:
        found = validate.as_errors(found)
    errors = sum(problem.is_error for problem in found)
    if flags.format == "github":
        if found:
            screen.show(render_annotations(found, screen.style.commands))
    else:
        screen.problems(found)
    if not errors and flags.format == "text":
        count = len(loaded.documents)
        screen.show(
            f"{count} definition{'' if count == 1 else 's'} checked: {'no errors' if found else 'no problems'}."
        )
    return 1 if errors else 0


def check(loaded: loader.Loaded, environments: Collection[str], *, reads_sql: bool = False) -> tuple[Problem, ...]:
    """Every problem of the files, by place."""
    found = validate.check(loaded.documents, shipped.schema(), environments, reads_sql=reads_sql)
    return tuple(sorted({*loaded.problems, *found}, key=lambda one: (one.origin, one.rule, one.message)))
