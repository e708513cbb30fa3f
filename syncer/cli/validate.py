"""`syncer validate`: every problem of the model files, offline. Nothing of the API is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.cli.shared.groups import Chosen
    from syncer.cli.shared.screen import Screen
    from syncer.config import Settings
    from syncer.desired.loader import Loaded
    from syncer.model import Document, Problem


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
    from syncer.cli.shared.file_checks import check, placed, projects
    from syncer.desired import loader, validate

    count = partial = 0
    problems: list[Problem] = []
    for start, paths in projects(options.files, screen.started).items():
        settings = config.load(start)
        if paths and not {start / name for name in config.FILES} & {*paths}:
            loaded = loader.load_files(settings.root, settings.models, paths, common=settings.common)
        else:
            loaded = loader.load(settings.root, settings.models, common=settings.common)
        documents: Sequence[Document] = loaded.documents
        checked: Sequence[Problem] = check(loaded, settings.environments, reads_sql=True)
        if options.chosen != groups.Chosen():
            documents, checked = _chosen(options.chosen, settings, loaded, checked)
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


def _chosen(
    chosen: Chosen, settings: Settings, loaded: Loaded, checked: Sequence[Problem]
) -> tuple[Sequence[Document], Sequence[Problem]]:
    """The definitions that the flags mean, and the problems that concern them. Raises SettingsError."""
    from syncer.cli.shared.file_checks import unparsed
    from syncer.cli.shared.touched_files import targets_of
    from syncer.desired.targets import concern, document_traits, refuse_unknown
    from syncer.model import SANDBOX

    targets = targets_of(chosen, settings, loaded)
    environments = [*settings.environments] or [SANDBOX]
    about = concern(loaded, checked, targets, environments, unparsed(loaded, settings.root), settings.models)
    if not any(problem.is_error for problem in about.problems):
        known = [one for document in loaded.documents for one in document_traits(document, environments)]
        refuse_unknown(known, targets, "definition")
    return about.chosen, about.problems


COMMAND = Command(
    "validate",
    Words(
        "Check the model files, offline and without a token.",
        "One run reports every problem of every file, with its place and what to do. Finding no file is a problem. The "
        "settings nearest to a file count for it. An .sql file stands for the model files that name it. With "
        "--target, --connector, --query-type or --changed, other files that aren't valid are only named.",
        "syncer validate\nsyncer validate --strict --format github models/finance/revenue_daily.yaml",
    ),
    ValidateOptions,
    run,
)
