"""The runs that are remembered, and what a rollback leaves to a person. Pure."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from syncer.applying.past_run import OPEN, LostRun
from syncer.render.text import aligned, cells, counted, runner_safe, visible, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.applying.past_run import PastRun
    from syncer.render.style import Style

_HEADS: Final = ("run", "began (UTC)", "environment", "workspace", "command", "commit", "what became of it")
_LEFT_OUT: Final = ("commit", "workspace", "command", "environment")
"""Which columns go first where a terminal is narrow."""

_NARROW: Final = 80
_COMMIT: Final = 12


def render_history(runs: Sequence[PastRun | LostRun], style: Style) -> str:
    """One line a run, in the order given; for an unreadable one why."""
    table = [_HEADS, *(_cells(run) for run in runs if not isinstance(run, LostRun))]
    head, *rows = aligned(table)
    for left_out in _LEFT_OUT if style.width < _NARROW else ():
        if max(map(cells, (head, *rows))) <= style.width:
            break
        place = table[0].index(left_out)
        table = [(*row[:place], *row[place + 1 :]) for row in table]
        head, *rows = aligned(table)
    lines = [style.paint("faint", head)] if rows else []
    left = iter(rows)
    for run in runs:
        if isinstance(run, LostRun):
            lines.append(f"{visible(run.name)}  {style.paint('error', 'unreadable:')} {visible(run.why)}")
        else:
            lines.append(next(left))
    return runner_safe("\n".join(lines))


def _cells(run: PastRun) -> tuple[str, ...]:
    where = run.target
    return (
        visible(run.name),
        visible(run.began[:19].replace("T", " ")),
        visible(where.environment),
        str(where.workspace_id),
        visible(run.command),
        visible(run.commit[:_COMMIT] + "+edits" * run.commit.endswith("-dirty")) or "-",
        ending(run),
    )


def ending(run: PastRun) -> str:
    """How a run ended, in counts."""
    if not run.ended:
        return "unfinished: it was ended before it could say"
    counts: Counter[str] = Counter()
    for (status, is_new), count in run.tally.items():
        counts[("created" if is_new else "changed") if status == "done" else status] += count
    words = ("changed", "created", "conflict", "failed", "unknown", "not attempted", OPEN)
    return ", ".join(
        counted(counts[word], word) if word == "conflict" else f"{counts[word]} {word}"
        for word in words
        if counts[word]
    )


def render_lost(folder: str, source: str, target: str, count: int, *, is_here: bool) -> str:
    """That runs are kept of a folder that is gone, and how they become those of this one."""
    of_whom = "which is this folder before it was moved" if is_here else "which is gone; it may have been moved here"
    command = f"mv {shlex.quote(source)}/*.json {shlex.quote(target)}/"
    return runner_safe(
        f"Note: {counted(count, 'run')} {'is' if count == 1 else 'are'} kept of {visible(folder)}, {of_whom}.\n"
        f"To have {'it' if count == 1 else 'them'} here:\n  {visible(command)}"
    )


def render_no_runs(folder: str, keep: int) -> str:
    """That no run is remembered in this folder, and why that may be."""
    why = "" if keep else "\nThe settings say `keep_runs = 0`, so none is."
    return runner_safe(f"No run is kept in {visible(folder)}.{why}")


def render_nothing_back(run: PastRun) -> str:
    """The verdict of a rollback that changes nothing."""
    name = visible(run.name)
    return runner_safe(f"Nothing goes back: what run {name} changed is as it was before, or was changed again since.")


def render_afterwards(run: PastRun, style: Style) -> str:
    """The note that a rollback leaves the files as they are."""
    made_of = f" (commit {run.commit[:_COMMIT]}{' with uncommitted edits' * run.commit.endswith('-dirty')})"
    where = made_of if run.commit else ""
    text = f"The files still say what that run applied{where}: change them back, or the next apply brings it back."
    lines = wrapped(f"Note: {visible(text)}", style.width)
    return runner_safe("\n".join([style.paint("note", "Note:") + lines[0].removeprefix("Note:"), *lines[1:]]))
