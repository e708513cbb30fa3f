"""`syncer history`: the applies that this folder remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen

_MOST: Final = 5
"""How many histories of other folders are named."""


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """What `syncer history` is asked for."""

    json: str = flags.json_lines()


def run(_: HistoryOptions, screen: Screen) -> int:
    """List the runs that are kept of this folder, the newest first, and name what may be its history from before."""
    from pathlib import Path

    from syncer import config, package_files
    from syncer.applying import run_records
    from syncer.cli.shared.screen import now
    from syncer.cli.shared.state_folder import RUNS, state_folder
    from syncer.render import json_lines
    from syncer.render.terminal import history as words

    settings = config.load(Path.cwd())
    kept = state_folder(settings.root, screen)
    folder = kept.looked_at(RUNS)
    found = run_records.listed(folder, package_files.schema("run"))
    screen.result(
        lambda: json_lines.run_lines(found, now),
        lambda: (
            words.render_history(found, screen.style)
            if found
            else words.render_no_runs(str(folder), settings.keep_runs)
        ),
    )
    lost = [one for one in kept.lost() if (one.is_here or not found) and run_records.names(one.state / RUNS)]
    if lost:
        there = kept.made(RUNS)
        for one in sorted(lost, key=lambda one: not one.is_here)[:_MOST]:
            count = len(run_records.names(one.state / RUNS))
            screen.note(
                words.render_lost(str(one.folder), str(one.state / RUNS), str(there), count, is_here=one.is_here)
            )
    return 0


COMMAND = Command(
    "history",
    Words(
        "List the past applies of this folder.",
        "Each apply keeps what it replaced on this machine, in the user's own state folder; keep_runs sets how many. "
        "If the folder was moved, the runs of its former path are named, with the command that brings them here.",
        "syncer history",
    ),
    HistoryOptions,
    run,
)
