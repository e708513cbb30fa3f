"""`syncer validate`: every problem of the model files, offline. Nothing of the API is imported here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.cli.shared.screen import Screen
    from syncer.model import Problem


@dataclass(frozen=True, slots=True)
class ValidateOptions:
    """What `syncer validate` is asked for."""

    files: tuple[str, ...] = flags.operands(
        "FILE", "only these files (default: all below the models folder)", kind=str, values=flags.FILES
    )
    strict: bool = flags.switch("--strict", what="warnings are errors")
    format: str = flags.choice(
        "--format", choices=("text", "json", "github"), default="text", what="github: annotations; json: as --json"
    )
    json: str = flags.json_lines()


def run(options: ValidateOptions, screen: Screen) -> int:
    """Check the files and tell every problem."""
    from syncer import config
    from syncer.cli.shared.file_checks import check, placed
    from syncer.desired import loader, validate

    count = partial = 0
    problems: list[Problem] = []
    for start, paths in _projects(options.files, screen.started).items():
        settings = config.load(start)
        if paths and not {start / name for name in config.FILES} & {*paths}:
            loaded = loader.load_files(settings.root, settings.models, paths, common=settings.common)
        else:
            loaded = loader.load(settings.root, settings.models, common=settings.common)
        count += len(loaded.documents)
        partial += sum(not all(map(one.is_in, settings.environments)) for one in loaded.documents)
        problems += placed(check(loaded, settings.environments, reads_sql=True), settings.root, options.format)
    found = tuple(problems)
    if options.strict:
        found = validate.as_errors(found)
    is_wrong = any(problem.is_error for problem in found)
    if options.format == "github" and not screen.takes_lines:
        from syncer.render.annotations import render_problems

        if found:
            screen.show(render_problems(found, screen.style.commands))
    else:
        screen.problems(found)
    if not (is_wrong or screen.json or options.format == "github"):
        screen.show(
            f"{count} definition{'' if count == 1 else 's'} checked: {'no errors' if found else 'no problems'}."
            + (f" {partial} of them in some environments only." if partial else "")
        )
    return 1 if is_wrong else 0


def _projects(files: Sequence[str], started: Path) -> dict[Path, list[Path]]:
    """The files that were named, by the folder whose settings are theirs. No files, or the settings, mean all.

    A hook names files from the top of the repository, wherever the settings stand, and with `--chdir` as well.
    """
    from syncer import config

    here = Path.cwd()
    found: dict[Path, list[Path]] = {}
    for file in files:
        path, beside = (Path(os.path.abspath(one / file)) for one in (here, started))  # noqa: PTH100
        path = beside if not os.path.lexists(path) and os.path.lexists(beside) else path
        settings = config.find(path if path.is_dir() else path.parent)
        found.setdefault(settings.parent if settings else here, []).append(path)
    return found or {here: []}


COMMAND = Command(
    "validate",
    Words(
        "Check the model files, offline and without a token.",
        "Every problem of every file is told in one run, with its place and what to do. Finding no file is a problem. "
        "A file is checked by the settings that are nearest to it. An .sql file means the model files that name it.",
        "syncer validate\nsyncer validate --strict --format github models/finance/revenue_daily.yaml",
    ),
    ValidateOptions,
    run,
)
