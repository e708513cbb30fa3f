"""`syncer list`: every model, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What `syncer list` is asked for."""

    environment: str = flags.environment()
    chosen: groups.Chosen = flags.group(groups.Chosen)
    base: str = flags.base_or_head()
    unmanaged: bool = flags.switch("--unmanaged", what="only what is live and in no file")
    columns: str = flags.columns()
    json: str = flags.json_lines()


def run(options: ListOptions, screen: Screen) -> int:
    """List the models. 1 if how one stands can't be told because of an error."""
    from syncer import workflow
    from syncer.cli.shared import connection
    from syncer.cli.shared.default_base import base_for_reading
    from syncer.cli.shared.planning import announce
    from syncer.cli.shared.run import read_files, refuse_empty_folder, run_of
    from syncer.cli.shared.screen import now
    from syncer.cli.shared.touched_files import targets_of
    from syncer.model import NOWHERE
    from syncer.render import json_lines
    from syncer.render.terminal import list_

    settled = run_of(options.environment, desk=screen)
    targets = targets_of(options.chosen, settled.settings, settled.checked()[0])
    files = read_files(settled, targets=targets, may_be_empty=True)
    refuse_empty_folder(settled, options.environment, files)
    base = base_for_reading(settled, options.base, screen)
    announce("list", settled, screen)
    with connection.connected(settled, screen) as api:
        found = workflow.list_models(files.documents, api, settled.target, settled.lookup, base, files.targets)
    found = replace(found, problems=(*found.problems, *(one for one in files.warnings if one.origin == NOWHERE)))
    shown = found.unmanaged if options.unmanaged else found
    columns = options.columns.split(",") if options.columns else ()
    screen.result(
        lambda: json_lines.state_lines(shown, now, screen.style.commands),
        lambda: list_.render_listing(shown, screen.style, columns),
    )
    errors = tuple(problem for problem in shown.problems if problem.is_error)
    if errors:
        screen.problems(errors)
    return 1 if errors else 0


COMMAND = Command(
    "list",
    Words(
        "List every model, of git or live, and how it stands.",
        "in step: live is what git says. changed: git says something new. drifted: live was edited outside git, or "
        "what git said at --base was never applied. conflict: both. new: not live yet. unmanaged: in no file. "
        "unknown: a problem, told below the list. Where the terminal is too narrow, columns are left out and named.",
        "syncer list\nsyncer list --changed --columns state,address,connector\nsyncer list --unmanaged --json",
    ),
    ListOptions,
    run,
)
