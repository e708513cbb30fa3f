"""`syncer list`: every model, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer import workflow
from syncer.cli.shared import running
from syncer.cli.shared.screen import now
from syncer.render import json_lines, terminal
from syncer.render.terminal import list_

if TYPE_CHECKING:
    import argparse

    from syncer.cli.shared.screen import Screen


def run(flags: argparse.Namespace, screen: Screen) -> int:
    """List the models. 1 if how one stands can't be told because of an error."""
    run = running.settle(flags)
    files = running.read(run, may_be_empty=True)
    running.refuse_stray(run, flags, files)
    base = running.base_or_parted(run, flags.base)
    if not screen.json:
        screen.show(terminal.render_banner("list", run.target))
        screen.show("Refreshing live state...\n")
    with running.connected(run, screen) as api:
        found = workflow.listing(files.documents, api, run.target, run.lookup, base)
    shown = found.unmanaged if flags.unmanaged else found
    if screen.json:
        screen.lines(json_lines.state_lines(shown, now, screen.style.commands))
    else:
        screen.show(list_.render_listing(shown, screen.style))
    errors = tuple(problem for problem in shown.problems if problem.is_error)
    if errors:
        screen.problems(errors)
    return 1 if errors else 0
