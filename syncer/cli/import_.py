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
    match: str = flags.choice(
        "--match", choices=("name",), what="write into files without an id there the id of the live model of this name"
    )
    top_ids: str = flags.text(
        "--top-ids",
        metavar="NAME",
        what="with --match: whose the ids at the top of files are",
        values=flags.ENVIRONMENTS,
    )
    set_only: bool = flags.switch(
        "--set-only", what="with --match: files that match nothing get `only`, without this environment"
    )
    auto_approve: bool = flags.auto_approve("--yes", what="write what is shown")


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
    """Write live models down, or into the files that are there. 1 if what was asked for isn't whole."""
    _refuse_mixed(options)
    if options.into.match:
        return _import_matches(options, screen)
    return _import_drift(options, screen) if options.into.drift else _import_new(options, screen)


def _refuse_mixed(options: ImportOptions) -> None:
    """Raise SettingsError for flags that belong to another way of importing: none is taken and not obeyed."""
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
    drift = {"--base": into.base, "--target": into.targets}
    match = {"--top-ids": into.top_ids, "--set-only": into.set_only}
    approval = {"--auto-approve": into.auto_approve}
    if into.drift and into.match:
        raise SettingsError("--drift and --match are two ways of importing", "say one, and then the other")
    if into.drift:
        others, where = new | match, "without --drift"
    elif into.match:
        others, where = new | drift, "without --match"
    else:
        others, where = drift | match | approval, ""
    for name, value in others.items():
        if value:
            needed = where or f"with {'--match' if name in match else '--drift'}"
            message = f"{name} can be said only {needed}"
            raise SettingsError(message, "--drift and --match write into files that are there, and make no new ones")


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


# -- ids into files that are there -----------------------------------------------------------------------------------


def _import_matches(options: ImportOptions, screen: Screen) -> int:
    from syncer import workflow
    from syncer.cli.shared import connection, matching
    from syncer.cli.shared.import_files import Desk
    from syncer.cli.shared.planning import announce
    from syncer.cli.shared.run import run_of
    from syncer.render.terminal import matches

    settled = run_of(options.environment, desk=screen)
    files = matching.readable_files(settled)
    with connection.connected(settled, screen) as api:
        announce("import", settled, screen)
        found = workflow.import_matches(
            files.documents,
            api,
            Desk(settled, files),
            settled.environment.name,
            [*settled.settings.environments],
            top_ids=options.into.top_ids,
            sets_only=options.into.set_only,
        )
    settings = matching.settings_edit(settled, found)
    screen.show(matches.render_matches(found, settings.revision, settings.by_hand, screen.style))
    changed = [*found.revisions, *([settings.revision] if settings.revision else [])]
    is_whole = found.is_whole and not settings.by_hand
    is_written = bool(changed) and (options.into.auto_approve or matching.is_approved(screen))
    if is_written:
        matching.write(settled, changed)
    if changed:
        ending = matches.render_ending(found, len(changed), screen.style, is_written=is_written, is_whole=is_whole)
        screen.show(ending)
    return 1 if is_written and not is_whole else 0


COMMAND = Command(
    "import",
    Words(
        "Write live models down as files, so that git manages them.",
        "A model that a file declares already is left out, and no file is overwritten without --force. With --drift "
        "what was changed outside git is taken into the files that are there: shown as a diff first, written with "
        "--auto-approve. With --match files get the ids that their models have in another environment. Secrets become "
        "names of variables, which are listed.",
        "syncer import --all\nsyncer import 42 43 --dir models/finance\nsyncer import --drift --auto-approve\n"
        "syncer import --env staging --match name",
    ),
    ImportOptions,
    run,
)
