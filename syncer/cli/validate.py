"""`syncer validate`: every problem of the model files, offline. Nothing of the API is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen
    from syncer.model import Problem


@dataclass(frozen=True, slots=True)
class ValidateOptions:
    """What `syncer validate` is asked for."""

    files: tuple[str, ...] = flags.operands(
        "FILE", "only these files (default: all below the models folder)", kind=str, values=flags.FILES
    )
    chosen: groups.Chosen = flags.group(groups.Chosen)
    strict: bool = flags.switch("--strict", what="warnings are errors")
    format: str = flags.choice(
        "--format", choices=("text", "json", "github"), default="text", what="github: annotations; json: as --json"
    )
    json: str = flags.json_lines()


def run(options: ValidateOptions, screen: Screen) -> int:
    """Check the files and tell every problem."""
    from syncer import config
    from syncer.cli.shared.file_checks import check, placed, projects, unparsed
    from syncer.cli.shared.touched_files import targets_of
    from syncer.desired import loader, validate
    from syncer.desired.targets import concern, document_traits, refuse_unknown
    from syncer.model import SANDBOX

    count = partial = 0
    problems: list[Problem] = []
    for start, paths in projects(options.files, screen.started).items():
        settings = config.load(start)
        if paths and not {start / name for name in config.FILES} & {*paths}:
            loaded = loader.load_files(settings.root, settings.models, paths, common=settings.common)
        else:
            loaded = loader.load(settings.root, settings.models, common=settings.common)
        documents, checked = loaded.documents, check(loaded, settings.environments, reads_sql=True)
        targets = targets_of(options.chosen, settings, loaded)
        if not targets.are_all:
            environments = [*settings.environments] or [SANDBOX]
            about = concern(loaded, checked, targets, environments, unparsed(loaded, settings.root), settings.models)
            documents, checked = about.chosen, about.problems
            if not any(problem.is_error for problem in checked):
                known = [one for document in loaded.documents for one in document_traits(document, environments)]
                refuse_unknown(known, targets, "definition")
        count += len(documents)
        partial += sum(not all(map(one.is_in, settings.environments)) for one in documents)
        problems += placed(checked, settings.root, options.format)
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


COMMAND = Command(
    "validate",
    Words(
        "Check the model files, offline and without a token.",
        "Every problem of every file is told in one run, with its place and what to do. Finding no file is a problem. "
        "A file is checked by the settings that are nearest to it. An .sql file means the model files that name it. "
        "Of the files that --target, --connector, --query-type and --changed don't mean, those that aren't valid are "
        "only named.",
        "syncer validate\nsyncer validate --strict --format github models/finance/revenue_daily.yaml",
    ),
    ValidateOptions,
    run,
)
