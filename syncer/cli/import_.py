"""`syncer import`: live models become files, and live edits go into the files that are there.

Nothing here writes to the API, and nothing goes into a file that wasn't read back first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.adopting.drift import DriftImport
    from syncer.adopting.new_files import Imported
    from syncer.cli.shared.import_files import Desk
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which live models are written down."""

    all: bool = flags.switch("--all", what="every live model that no file declares")
    query_types: tuple[str, ...] = flags.texts(
        "--query-type", metavar="TYPE", what="those of this type; may be repeated"
    )
    connectors: tuple[str, ...] = flags.texts(
        "--connector", metavar="NAME", what="those on this connector (a name or an id)"
    )


@dataclass(frozen=True, slots=True)
class IntoFiles:
    """What is taken into the files that are there."""

    drift: bool = flags.switch("--drift", what="take into the files what was changed outside git")
    base: str = flags.base_or_head()
    targets: tuple[str, ...] = flags.targets()
    auto_approve: bool = flags.auto_approve("--yes", what="write what the diff shows")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What `syncer import` is asked for."""

    ids: tuple[int, ...] = flags.operands("ID", "the live models of these ids", kind=flags.id_)
    environment: str = flags.environment()
    wanted: Wanted = flags.group(Wanted, "which models")
    dir: str = flags.text(
        "--dir", metavar="DIR", what="where to write them (default: the models folder)", values=flags.FOLDERS
    )
    inline: bool = flags.switch("--inline", what="keep each query in its YAML file")
    force: bool = flags.switch("--force", what="overwrite files that are there")
    into: IntoFiles = flags.group(IntoFiles, "into files that are there")


def run(options: ImportOptions, screen: Screen) -> int:
    """Write live models down, or, with --drift, what was changed outside git. 1 if what was asked for isn't whole."""
    _refuse_mixed(options)
    return _import_drift(options, screen) if options.into.drift else _import_new(options, screen)


def _refuse_mixed(options: ImportOptions) -> None:
    """Raise SettingsError for flags that belong to the other half of the command: none is taken and not obeyed."""
    from syncer.errors import SettingsError

    wanted, into = options.wanted, options.into
    new = {
        "ids": options.ids,
        "--all": wanted.all,
        "--query-type": wanted.query_types,
        "--connector": wanted.connectors,
        "--dir": options.dir,
        "--inline": options.inline,
        "--force": options.force,
    }
    taken = {"--base": into.base, "--target": into.targets, "--auto-approve": into.auto_approve}
    others, missing = (new, "without") if into.drift else (taken, "with")
    for name, value in others.items():
        if value:
            message = f"{name} can be said only {missing} --drift"
            raise SettingsError(message, "--drift takes live edits into files that are there, and writes no new ones")


# -- new files -----------------------------------------------------------------------------------------------------


def _import_new(options: ImportOptions, screen: Screen) -> int:
    from syncer import workflow
    from syncer.adopting.selection import Selection, check_selection
    from syncer.cli.shared import connection
    from syncer.cli.shared.import_files import Desk, folder_of
    from syncer.cli.shared.planning import announce
    from syncer.cli.shared.run import read_files, refuse_empty_folder, run_of
    from syncer.render.terminal import import_

    wanted = options.wanted
    asked = Selection(wanted.all, options.ids, wanted.query_types, wanted.connectors)
    check_selection(asked)
    settled = run_of(options.environment, desk=screen)
    files = read_files(settled, may_be_empty=True)
    refuse_empty_folder(settled, options.environment, files)
    desk = Desk(settled, files, folder_of(settled, options.dir))
    with connection.connected(settled, screen) as api:
        announce("import", settled, screen)
        found = workflow.import_models(
            files.documents,
            api,
            settled.target,
            settled.lookup,
            asked,
            desk,
            pins_at_top=settled.is_alone,
            inline=options.inline,
            force=options.force,
        )
    _write_new(settled, screen, found, desk)
    errors = [problem for problem in found.problems if problem.is_error]
    screen.show(import_.render_imported(found, settled.target, screen.style))
    if errors:
        screen.problems(errors)
    return 0 if found.is_whole else 1


def _write_new(run: Run, screen: Screen, found: Imported, desk: Desk) -> None:
    """Write every file, and say so once it's there: a run that ends early has told what it left."""
    from syncer import safe_files
    from syncer.render.terminal import import_

    texts = found.texts or {}
    for draft in found.drafts:
        # The SQL file first: a model file that names one which isn't there would be a problem.
        for path in filter(None, (draft.sql_path, draft.path)):
            content = texts[path].encode()
            if path in desk.present:
                safe_files.replace(run.settings.root, path, content, expected=desk.present[path])
            else:
                safe_files.create(run.settings.root, path, content)
        screen.show(import_.render_written(draft, screen.style))


# -- into files that are there ---------------------------------------------------------------------------------------


def _import_drift(options: ImportOptions, screen: Screen) -> int:
    from syncer import workflow
    from syncer.cli.shared import connection
    from syncer.cli.shared.default_base import base_for_reading
    from syncer.cli.shared.import_files import Desk
    from syncer.cli.shared.planning import announce
    from syncer.cli.shared.run import read_files, run_of
    from syncer.render.terminal import import_

    settled = run_of(options.environment, desk=screen)
    files = read_files(settled)
    desk = Desk(settled, files)
    base = base_for_reading(settled, options.into.base, screen)
    with connection.connected(settled, screen) as api:
        announce("import", settled, screen)
        found, problems = workflow.import_drift(
            files.documents,
            api,
            settled.target,
            settled.lookup,
            desk,
            options.into.targets,
            base=base,
            environments={*settled.settings.environments},
        )
    is_written = options.into.auto_approve
    told = tuple(problem for problem in problems if not problem.is_error)
    errors = tuple(problem for problem in problems if problem.is_error)
    is_whole = not errors and all(problem.rule != "missing-secret" for problem in told)
    shown = import_.render_taken(found, told, screen.style, base=base.commit if base else "", is_whole=is_whole)
    screen.show(shown)
    if is_written:
        _write_revised(settled, screen, found)
    if found.revisions:
        screen.show(import_.render_next(screen.style, written=is_written))
    if errors:
        screen.problems(errors)
    return 1 if errors or (is_written and found.left) else 0


def _write_revised(run: Run, screen: Screen, found: DriftImport) -> None:
    """Write every file that is still what was read, and say so once it's there."""
    from syncer import safe_files
    from syncer.render.terminal import import_

    if found.revisions:
        screen.show("")
    for one in found.revisions:
        safe_files.replace(run.settings.root, one.path, one.after, expected=one.before)
        screen.show(import_.render_file(one.path))


COMMAND = Command(
    "import",
    Words(
        "Write live models down as files, so that git manages them.",
        "A model that a file declares already is left out, and no file is overwritten without --force. With --drift "
        "what was changed outside git is taken into the files that are there: shown as a diff first, written with "
        "--auto-approve. Secrets become names of variables, which are listed.",
        "syncer import --all\nsyncer import 42 43 --dir models/finance\nsyncer import --drift --auto-approve",
    ),
    ImportOptions,
    run,
)
