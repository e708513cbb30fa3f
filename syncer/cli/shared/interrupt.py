"""Handle Ctrl-C during an apply: the first finishes what is under way, the second leaves at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import FrameType

    from syncer.cli.shared.screen import Screen

_FINISHING: Final = "finishing the changes under way, starting no new ones"


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
            tells = self._screen.error_style.commands.completed("`syncer plan` shows it")
            self._screen.note(f"\nStopped at once. Each change under way may be written or not: {tells}.")
            if sys.__stdout__ is not None and sys.__stdout__.isatty():
                # The bar hides the cursor while it lives.
                os.write(sys.__stdout__.fileno(), b"\x1b[?25h")
            os._exit(130)
        self._asked.set()
        self._screen.note(f"\nInterrupt received: {_FINISHING}. Press Ctrl-C again to stop at once.")
