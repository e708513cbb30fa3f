"""Print results, problems and events: on stdout or stderr, as text or JSON lines, with or without colour."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from syncer.cli.shared.secrets import all_secrets
from syncer.cli.shared.streams import terminal_width
from syncer.errors import InputError, RefusedError
from syncer.events import Requested, Slowing, Waiting
from syncer.render.command_lines import Commands
from syncer.render.style import Style
from syncer.secrets.scrubber import Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.cli.shared.flags import ScreenOptions
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

    style: Style
    error_style: Style
    json: bool = False
    debug: bool = False
    scrubber: Scrubber = field(default_factory=Scrubber)
    """Knows the secrets of this run; what prints errors passes through it."""
    kept: list[str] | None = None
    """The JSON lines of this run, where a file is to get them, too."""
    started: Path = field(default_factory=Path.cwd)
    """The folder that the process began in: `--chdir` leads elsewhere."""
    _has_version: bool = False
    _has_shown: bool = False
    _noted: set[str] = field(default_factory=set)
    _slowed: set[bool] = field(default_factory=set)

    @classmethod
    def of(cls, options: ScreenOptions, variables: Mapping[str, str]) -> Screen:
        """The screen that the process's streams, flags and variables make."""
        commands = Commands(options.chdir, options.environment)
        width = terminal_width()

        def style(stream: TextIO) -> Style:
            unicode = (stream.encoding or "").lower().replace("-", "") == "utf8"
            return Style(_has_colour(stream, variables, off=options.no_color), width, unicode, commands)

        for stream in (sys.stdout, sys.stderr):
            # Foreign text may hold what the stream can't: it's escaped, never an exception in the middle of a plan.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        scrubber = Scrubber(all_secrets(variables))
        return cls(style(sys.stdout), style(sys.stderr), json=options.is_json, debug=options.debug, scrubber=scrubber)

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

    @property
    def takes_lines(self) -> bool:
        """Whether anybody wants JSON lines: stdout, or a file beside it."""
        return self.json or self.kept is not None

    def result(self, lines: Callable[[], Sequence[str]], text: Callable[[], str]) -> None:
        """Print a result as JSON lines or as text; a file gets the lines as well."""
        if self.takes_lines:
            self.lines(lines())
        if not self.json:
            self.show(text())

    def lines(self, lines: Sequence[str]) -> None:
        """Print JSON lines, or keep them; the first that is printed says which version they are."""
        if self.kept is not None:
            self.kept += lines
        if not self.json:
            return
        if not self._has_version:
            from syncer.render import json_lines

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
        from syncer.render import json_lines
        from syncer.render.terminal.doctor import render_check

        hide = self.scrubber.hide
        safe = replace(check, detail=hide(check.detail), hint=hide(check.hint))
        self.result(
            lambda: [json_lines.check_line(safe, now, self.style.commands)], lambda: render_check(safe, self.style)
        )

    def note_once(self, text: str) -> None:
        """Print to stderr what several steps of a run may have to say."""
        if text not in self._noted:
            self._noted.add(text)
            self.note(text)

    def warn(self, message: str, detail: str = "") -> None:
        """Print a warning about the run itself to stderr, in the box of every warning; the same one once."""
        from syncer.render import terminal

        hide = self.scrubber.hide
        box = terminal.render_warning(hide(message), hide(detail), self.error_style)
        if box not in self._noted:
            self._noted.add(box)
            self._boxes(box)

    def fail(self, error: SyncerError) -> None:
        """Print an error."""
        from syncer.render import terminal

        self.out.flush()
        if self.json and not self.lost():
            self.lines(self.error_lines(error))
        else:
            self._hide(error)
            self._boxes(terminal.render_error(error, self.error_style))

    def error_lines(self, error: SyncerError) -> Sequence[str]:
        """An error as JSON lines."""
        from syncer.render import json_lines

        self._hide(error)
        return json_lines.error_lines(error, now, self.style.commands)

    def _hide(self, error: SyncerError) -> None:
        error.what, error.hint = self.scrubber.hide(error.what), self.scrubber.hide(error.hint)
        if isinstance(error, (InputError, RefusedError)):
            error.problems = self._safe(error.problems)

    def problems(self, problems: Sequence[Problem]) -> None:
        """Print problems."""
        problems = self._safe(problems)
        if self.takes_lines:
            from syncer.render import json_lines

            self.lines(json_lines.problem_lines(problems, now, self.style.commands))
        if problems and not self.json:
            from syncer.render import terminal

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
        from syncer.render import json_lines, terminal

        if isinstance(event, Slowing):
            # One line for reading and one for an apply, however often it's told what is left.
            is_apply = event.changes > 0
            if is_apply in self._slowed:
                return
            self._slowed.add(is_apply)
        if self.takes_lines:
            self.lines([json_lines.event_line(event, now)])
        if self.json:
            return
        if isinstance(event, (Requested, Waiting, Slowing)):
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
