"""A running apply as people see it: Terraform's lines, on a terminal with a bar below them; and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from syncer.events import Modified, Slowing
from syncer.render import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from syncer.cli.shared.screen import Screen
    from syncer.events import Event, Tell


_FINISHING: Final = "finishing what is under way, beginning nothing new"


class Interrupt:
    """Ctrl-C (or SIGTERM) twice: the first asks to finish what is under way, the second leaves at once.

    A reader of the results that leaves (`apply | head`) asks for the same once. It is the `Stop` of an apply while its
    `with` lasts.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._asked = threading.Event()
        self._is_unread = False
        self._before: dict[int, object] = {}

    def is_set(self) -> bool:
        """Whether it was asked to stop."""
        if self._screen.lost() and not self._is_unread:
            self._is_unread = True
            self._screen.note(f"The output can't be written any more, {self._screen.lost()}: {_FINISHING}.")
        return self._is_unread or self._asked.is_set()

    def __enter__(self) -> Self:
        """Listen."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._interrupted)
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked.is_set():
            tells = self._screen.error_style.commands.completed("`syncer plan` tells")
            self._screen.note(f"\nLeaving at once. What was under way may be written or not: {tells}.")
            if sys.__stdout__ is not None and sys.__stdout__.isatty():
                # The bar hides the cursor while it lives.
                os.write(sys.__stdout__.fileno(), b"\x1b[?25h")
            os._exit(130)
        self._asked.set()
        self._screen.note(f"\nInterrupt received: {_FINISHING}. Once more leaves at once.")


@contextmanager
def progress(screen: Screen, total: int) -> Iterator[Tell]:
    """Where an apply's events go: lines, and a bar where a person watches."""
    if screen.json or not screen.style.colour or not screen.out.isatty() or not total:
        yield screen.tell
        return
    from rich.console import Console  # noqa: PLC0415 - loaded on a terminal alone
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

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
