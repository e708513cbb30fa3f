"""Streams and colour: where text goes, and what it may look like there."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from syncer.cli.shared import running
from syncer.errors import InputError, RefusedError
from syncer.events import Requested, Slowing, Waiting
from syncer.render import json_lines, terminal
from syncer.render.command_lines import Commands
from syncer.secrets.scrubber import Scrubber

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from syncer.errors import SyncerError
    from syncer.events import Event
    from syncer.model import Problem
    from syncer.render.terminal.doctor import Check


def now() -> datetime:
    """The time, for the JSON lines."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Screen:
    """What a person or a program sees of a run: results on stdout, trouble and waiting on stderr; JSON on stdout."""

    style: terminal.Style
    error_style: terminal.Style
    json: bool = False
    debug: bool = False
    scrubber: Scrubber = field(default_factory=Scrubber)
    """Knows the secrets of this run; what prints errors passes through it."""
    _has_version: bool = False
    _has_shown: bool = False
    _noted: set[str] = field(default_factory=set)
    _slowed: set[bool] = field(default_factory=set)

    @classmethod
    def of(cls, flags: argparse.Namespace, variables: Mapping[str, str]) -> Screen:
        """The screen that the process's streams, flags and variables make."""
        commands = Commands(flags.chdir or "", getattr(flags, "env", "") or "")
        width = shutil.get_terminal_size((80, 24)).columns

        def style(stream: TextIO) -> terminal.Style:
            unicode = (stream.encoding or "").lower().replace("-", "") == "utf8"
            return terminal.Style(_has_colour(stream, variables, off=flags.no_color), width, unicode, commands)

        for stream in (sys.stdout, sys.stderr):
            # Foreign text may hold what the stream can't: it's escaped, never an exception in the middle of a plan.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        # `--json FILE` goes to a file, beside what is shown.
        is_json = getattr(flags, "json", False) in (True, "-") or getattr(flags, "format", "") == "json"
        scrubber = Scrubber(running.hidden(variables))
        return cls(style(sys.stdout), style(sys.stderr), json=is_json, debug=flags.debug, scrubber=scrubber)

    def name_environment(self, environment: str) -> None:
        """Have commands name an environment that a plan file or a run chose, and no flag."""
        commands = self.style.commands.for_environment(environment)
        self.style = replace(self.style, commands=commands)
        self.error_style = replace(self.error_style, commands=commands)

    @property
    def out(self) -> TextIO:
        """Where results go: asked for each time, because a progress bar puts itself in between."""
        return sys.stdout

    def lost(self) -> str:
        """Why results can't be written any more; empty if they can."""
        return str(getattr(self.out, "trouble", ""))

    def show(self, text: str) -> None:
        """Print a result."""
        self._has_shown = True
        self.out.write(f"{text}\n")
        self.out.flush()

    def lines(self, lines: Sequence[str]) -> None:
        """Print JSON lines; the first of a run says which version they are."""
        if not self._has_version:
            self._has_version = True
            self.show(json_lines.version_line(now))
        for line in lines:
            self.show(line)

    def note(self, text: str) -> None:
        """Print to stderr."""
        self._write(self.scrubber.hide(text))

    def _write(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def is_approved(self, question: str, stream: TextIO) -> bool:
        """Ask on a stream; whether the answer is `yes`, and nothing else."""
        stream.write(f"\n{question}")
        stream.flush()
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            stream.write("\n")
        return answer.strip() == "yes"

    def check(self, check: Check) -> None:
        """Print how a layer is."""
        from syncer.render.terminal.doctor import render_check  # noqa: PLC0415 - for doctor and init alone

        hide = self.scrubber.hide
        self.show(render_check(replace(check, detail=hide(check.detail), hint=hide(check.hint)), self.style))

    def note_once(self, text: str) -> None:
        """Print to stderr what several steps of a run may have to say."""
        if text not in self._noted:
            self._noted.add(text)
            self.note(text)

    def fail(self, error: SyncerError) -> None:
        """Print an error."""
        self.out.flush()
        error.what, error.hint = self.scrubber.hide(error.what), self.scrubber.hide(error.hint)
        if isinstance(error, (InputError, RefusedError)):
            error.problems = self._safe(error.problems)
        if self.json and not self.lost():
            self.lines(json_lines.error_lines(error, now, self.style.commands))
        else:
            self._boxes(terminal.render_error(error, self.error_style))

    def problems(self, problems: Sequence[Problem]) -> None:
        """Print problems."""
        problems = self._safe(problems)
        if self.json:
            self.lines(json_lines.problem_lines(problems, now, self.style.commands))
        elif problems:
            self._boxes(terminal.render_problems(problems, self.error_style))

    def _safe(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        return tuple(map(self._safe_one, problems))

    def _safe_one(self, problem: Problem) -> Problem:
        hide, texts = self.scrubber.hide, (problem.message, problem.hint, problem.excerpt)
        if hide(whole := "\n".join(texts)) == whole:
            return problem
        message, hint, excerpt = map(hide, texts)
        return replace(problem, message=message, hint=hint, excerpt=excerpt)

    def _boxes(self, text: str) -> None:
        """Print boxes to stderr, apart from what stands above them on a terminal."""
        self._write(f"\n{text}" if self._has_shown and sys.stderr.isatty() else text)

    def tell(self, event: Event) -> None:
        """Print what a person must know while they wait; requests only with --debug."""
        if isinstance(event, Requested) and not self.debug:
            return
        if isinstance(event, Slowing):
            # One line for reading and one for an apply, however often it's told what is left.
            is_apply = event.changes > 0
            if is_apply in self._slowed:
                return
            self._slowed.add(is_apply)
        if self.json:
            self.lines([json_lines.event_line(event, now)])
        elif isinstance(event, (Requested, Waiting, Slowing)):
            self.note(terminal.render_event(event, self.error_style))
        else:
            self.show(terminal.render_event(event, self.style))


def _has_colour(stream: TextIO, variables: Mapping[str, str], *, off: bool) -> bool:
    """Flags beat variables; `NO_COLOR` beats `CLICOLOR_FORCE`; else it's the terminal that counts."""
    if off or variables.get("NO_COLOR"):
        return False
    if variables.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return variables.get("TERM") != "dumb" and stream.isatty()
