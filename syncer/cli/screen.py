"""Streams and colour: where text goes, and what it may look like there."""

from __future__ import annotations

import io
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from syncer.model import Requested, Waiting
from syncer.render import machine, terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from syncer.errors import SyncerError
    from syncer.model import Event, Problem


def now() -> datetime:
    """The time, for the JSON lines."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Screen:
    """What a person or a program sees of a run: results on stdout, trouble and waiting on stderr."""

    out: TextIO
    err: TextIO
    style: terminal.Style
    error_style: terminal.Style
    json: bool = False
    debug: bool = False

    @classmethod
    def of(cls, flags: argparse.Namespace, variables: Mapping[str, str]) -> Screen:
        """The screen that the process's streams, flags and variables make."""
        width = shutil.get_terminal_size((80, 24)).columns

        def style(stream: TextIO) -> terminal.Style:
            unicode = (stream.encoding or "").lower().replace("-", "") == "utf8"
            return terminal.Style(_has_colour(stream, variables, off=flags.no_color), width, unicode)

        for stream in (sys.stdout, sys.stderr):
            # Foreign text may hold what the stream can't: it's escaped, never an exception in the middle of a plan.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        is_json = getattr(flags, "json", False)
        return cls(sys.stdout, sys.stderr, style(sys.stdout), style(sys.stderr), json=is_json, debug=flags.debug)

    def show(self, text: str) -> None:
        """Print a result."""
        self.out.write(f"{text}\n")
        self.out.flush()

    def lines(self, lines: Sequence[str]) -> None:
        """Print JSON lines."""
        for line in lines:
            self.show(line)

    def note(self, text: str) -> None:
        """Print to stderr."""
        self.err.write(f"{text}\n")
        self.err.flush()

    def fail(self, error: SyncerError) -> None:
        """Print an error, as JSON lines if that's what was asked for."""
        self.out.flush()
        if self.json:
            self.lines(machine.error_lines(error, now))
        else:
            self.note(terminal.render_error(error, self.error_style))

    def problems(self, problems: Sequence[Problem]) -> None:
        """Print problems to stderr, as JSON lines if that's what was asked for."""
        if self.json:
            self.lines(machine.problem_lines(problems, now))
        else:
            self.note(terminal.render_problems(problems, self.error_style))

    def tell(self, event: Event) -> None:
        """Print what a person must know while they wait; requests only with --debug."""
        if isinstance(event, Requested) and not self.debug:
            return
        if isinstance(event, (Requested, Waiting)):
            self.note(terminal.render_event(event, self.error_style))
        elif self.json:
            self.show(machine.event_line(event, now))
        else:
            self.show(terminal.render_event(event, self.style))


def _has_colour(stream: TextIO, variables: Mapping[str, str], *, off: bool) -> bool:
    """Flags beat variables; `NO_COLOR` beats `CLICOLOR_FORCE`; else it's the terminal that counts."""
    if off or variables.get("NO_COLOR"):
        return False
    if variables.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return variables.get("TERM") != "dumb" and stream.isatty()
