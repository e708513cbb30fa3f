"""The files that one run leaves behind: plan file, markdown, JSON lines, HTML. Whole, private, and without secrets."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, safe_files
from syncer.cli.shared import running
from syncer.cli.shared.screen import now
from syncer.errors import SettingsError, SyncerError
from syncer.render import json_lines
from syncer.render.command_lines import Commands

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from syncer.cli.shared.running import Run
    from syncer.plan.planner import Planned


# ruff: noqa: PLC0415 - most runs leave no file

_SOURCES: Final = frozenset({".yaml", ".yml", ".sql", ".toml", ".py"})
"""The endings of what people write: a slip of the keyboard must not cost a model."""

_AT_ONCE: Final = 1 << 20
"""How much of a text in pieces is looked through at once."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Which files a run was asked for, empty for none."""

    out: str = ""
    markdown: str = ""
    json: str = ""
    html: str = ""
    drift: bool = False

    @classmethod
    def of(cls, flags: argparse.Namespace, *, drift: bool = False) -> Outputs:
        """What the flags ask for; what an earlier run left there is gone. Raises SettingsError.

        It's the first thing that a run does: if it fails, nobody may apply or read an old plan by mistake.
        """
        json = flags.json if isinstance(flags.json, str) and flags.json != "-" else ""
        asked = cls(flags.out, flags.markdown, json, getattr(flags, "html", ""), drift)
        asked._clear()
        return asked

    @property
    def _names(self) -> list[str]:
        return [name for name in (self.out, self.markdown, self.json, self.html) if name]

    @property
    def wanted(self) -> bool:
        """Whether any file is to be written."""
        return bool(self._names)

    def _clear(self) -> None:
        if not self.wanted:
            return
        from syncer.plan import planfile

        if len({Path(name).absolute() for name in self._names}) < len(self._names):
            message = f"two outputs would go to one file: {', '.join(self._names)}"
            raise SettingsError(message, "give each a name of its own")
        for name in self._names:
            path = Path(name)
            if path.suffix.lower() in _SOURCES or ".git" in path.absolute().parts:
                message = f"{name} is no place for an output: it would replace what is kept there"
                raise SettingsError(message, "name a file such as plan.json, plan.md or plan.html")
            try:
                _refuse_led_away(path)
                # A device or a pipe (`/dev/stdout`) is written to; a link to one isn't taken away.
                if not planfile.is_stream(path) and (path.is_symlink() or path.is_file()):
                    path.unlink()
            except (OSError, ValueError) as error:
                message = f"{name} can't be replaced: {getattr(error, 'strerror', None) or 'no such name'}"
                raise SettingsError(message, "name a file in a folder that is writable") from None

    @contextmanager
    def kept_on_failure(self, run: Run) -> Iterator[None]:
        """Keep why a plan could not be made, too: who reads the files must not take silence for peace."""
        try:
            yield
        except SyncerError as error:
            if self.wanted:
                from syncer.cli.shared.planning import failed

                with suppress(SyncerError):
                    self.keep(replace(failed(run, error), is_drift=self.drift))
            raise

    def keep(self, planned: Planned) -> None:
        """Write every file that was asked for. Raises SyncerError; a secret in a text is one, too."""
        if not self.wanted:
            return
        from syncer.plan import planfile

        # The plan file alters no text: what stands in another output only in disguise is found in it.
        whole = planfile.dumps(planned)
        refuse_secrets(whole, self._names[0])
        if self.out:
            self._write(self.out, whole)
        if self.markdown:
            from syncer.render import markdown

            self._write(self.markdown, f"{markdown.render_plan(planned, folder=below_top())}\n")
        if self.json:
            self._write(self.json, "".join(f"{line}\n" for line in _lines(planned)))
        if self.html:
            from syncer.render import html

            self._write(self.html, f"{html.render_plan(planned, folder=below_top())}\n")

    def _write(self, name: str, text: str) -> None:
        refuse_secrets(text, name)
        from syncer.plan import planfile

        planfile.write(Path(name), text)


def _lines(planned: Planned) -> list[str]:
    commands = Commands(below_top(), planned.plan.target.environment)
    lines = json_lines.plan_lines(planned, now, commands)
    told = json_lines.problem_lines((*planned.problems, *planned.refusals), now, commands)
    return [json_lines.version_line(now), *lines, *told]


def _refuse_led_away(path: Path) -> None:
    """Raise SettingsError where a link or a folder stands in an output's place.

    A commit can bring both. A link to a file, or to nothing, isn't followed: the output replaces it. Any other link of
    the checkout would swallow the output, or carry it off.
    """
    here = Path.cwd()
    top = config.repository(here)
    link = safe_files.link_on_the_way(top, path) if top else None
    is_replaced = link == path.absolute() and (path.is_file() or not path.exists())
    if link is not None and not is_replaced:
        message = f"{path} is no place for an output: {link.name} is a link in the checkout, and leads elsewhere"
        raise SettingsError(message, "see which commit brought the link, and remove it; or name another file")
    if path.is_dir():
        message = f"{path} is no place for an output: there is a folder of that name"
        raise SettingsError(message, "see which commit brought the folder, and remove it; or name another file")


def below_top() -> str:
    """This folder's path from the top of its checkout, where readers of a comment stand; empty at the top."""
    here = Path.cwd()
    folder = here.relative_to(config.repository(here) or here).as_posix()
    return "" if folder == "." else folder


def refuse_secrets(text: str, where: str) -> None:
    """Raise SyncerError if a text that leaves this machine holds a secret's value in any form."""
    _ = list(without_secrets([text], where))


def without_secrets(pieces: Iterable[str], where: str) -> Iterator[str]:
    """The pieces of a text that leaves this machine, gathered into larger ones.

    Raises SyncerError in the place of one that holds a secret's value in any form.
    """
    from syncer.secrets.scrubber import Watch

    watch = Watch(running.secrets(os.environ))
    for text in _gathered(pieces):
        if found := watch.held(text):
            message = f"the value of {', '.join(found)} would stand in {where}, so it was not written"
            raise SyncerError(
                message, "a definition or a live model holds it in clear: take it out, and change the secret"
            )
        yield text


def _gathered(pieces: Iterable[str]) -> Iterator[str]:
    gathered = ""
    for piece in pieces:
        if gathered and len(gathered) + len(piece) > _AT_ONCE:
            yield gathered
            gathered = ""
        gathered += piece
    yield gathered
