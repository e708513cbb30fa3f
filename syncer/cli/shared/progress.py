"""Show a running apply: Terraform's lines, and a bar below them on a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncer.events import Modified, Slowing
from syncer.render import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.cli.shared.screen import Screen
    from syncer.events import Event, Tell


@contextmanager
def progress(screen: Screen, total: int) -> Iterator[Tell]:
    """Where an apply's events go: lines, and a bar where a person watches."""
    if screen.json or not screen.style.colour or not screen.out.isatty() or not total:
        yield screen.tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=screen.out, highlight=False, markup=False, emoji=False)
    left = TextColumn("{task.description}", markup=False)
    bar = Progress(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), left, console=console, transient=True)
    with bar:
        task = bar.add_task("", total=total)

        def tell(event: Event) -> None:
            if isinstance(event, Slowing) and event.changes:
                # What is left stands beside the bar, in one line that is written again and again.
                bar.update(task, description=terminal.render_left(event))
                return
            # While the bar lives, what is written to sys.stdout and sys.stderr stands above it.
            screen.tell(event)
            if isinstance(event, Modified):
                bar.update(task, advance=1, description="")

        yield tell
