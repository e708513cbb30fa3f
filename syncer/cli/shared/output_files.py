"""Write the files that a run is asked for: plan file, markdown, JSON lines, HTML. No secret gets into one."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, safe_files
from syncer.cli.shared.flags import STDOUT
from syncer.cli.shared.planning import failed_plan, guard_flags
from syncer.cli.shared.screen import now
from syncer.cli.shared.secrets import secrets
from syncer.errors import SettingsError, SyncerError
from syncer.render import json_lines, terminal
from syncer.render.command_lines import Commands
from syncer.render.links import NO_LINKS, Links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncer.cli.shared.groups import Files, Guards
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.plan.planner import Counterpart, Planned


_SOURCES: Final = frozenset({".yaml", ".yml", ".sql", ".toml", ".py"})
"""The endings of what people write: a slip of the keyboard must not cost a model."""


_AT_ONCE: Final = 1 << 20
"""How much of a text in pieces is looked through at once."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Which files a plan is kept in, empty for none."""

    out: str = ""
    markdown: str = ""
    json: str = ""
    html: str = ""
    drift: bool = False
    links: Links = NO_LINKS

    @classmethod
    def of(cls, files: Files, *, drift: bool = False) -> Outputs:
        """What the flags ask for; what an earlier run left there is gone. Raises SettingsError.

        It's the first thing that a run does: if it fails, nobody may apply or read an old plan by mistake.
        """
        json = files.plan_json if files.plan_json != STDOUT else ""
        asked = cls(files.out, files.markdown, json, files.html, drift)
        if asked.wanted:
            _clear(asked._names)
        return asked

    @property
    def _names(self) -> list[str]:
        return [name for name in (self.out, self.markdown, self.json, self.html) if name]

    @property
    def wanted(self) -> bool:
        """Whether any file is to be written."""
        return bool(self._names)

    @contextmanager
    def kept_on_failure(self, run: Run, counterpart: Counterpart | None = None) -> Iterator[None]:
        """Keep why a plan could not be made, too: who reads the files must not take silence for peace."""
        try:
            yield
        except SyncerError as error:
            if self.wanted:
                with suppress(SyncerError):
                    self.keep(replace(failed_plan(run, error), is_drift=self.drift, counterpart=counterpart))
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
            _write(self.out, whole)
        if self.markdown:
            from syncer.render import markdown

            _write(self.markdown, f"{markdown.render_plan(planned, folder=folder_in_repository(), links=self.links)}\n")
        if self.json:
            _write(self.json, "".join(f"{line}\n" for line in _lines(planned)))
        if self.html:
            from syncer.render import html

            _write(self.html, f"{html.render_plan(planned, folder=folder_in_repository(), links=self.links)}\n")


def finish(screen: Screen, outputs: Outputs, planned: Planned, guards: Guards, *, detailed_exitcode: bool) -> int:
    """Keep a plan that was shown, and say how it ended; the exit code."""
    outputs.keep(planned)
    is_saved = outputs.out and not planned.problems and not planned.is_offline and not planned.plan.is_empty
    if is_saved and not screen.json:
        digest, is_refused, said = planned.plan.digest, bool(planned.refusals), guard_flags(guards)
        screen.show(terminal.render_saved(outputs.out, digest, screen.style, said, is_refused=is_refused))
    return planned.code if planned.code == 1 or detailed_exitcode else 0


def _lines(planned: Planned) -> list[str]:
    commands = Commands(folder_in_repository(), planned.plan.target.environment)
    lines = json_lines.plan_lines(planned, now, commands)
    told = json_lines.problem_lines((*planned.problems, *planned.refusals), now, commands)
    return [json_lines.version_line(now), *lines, *told]


@contextmanager
def lines_kept(file: str, screen: Screen, inputs: Sequence[str]) -> Iterator[None]:
    """Keep the JSON lines of a run in a file, empty for none, whatever becomes of the run. Raises SyncerError.

    `inputs` are the files that the run reads: none of them is written over.
    """
    if not file:
        yield
        return
    places = {os.path.realpath(folder / one) for one in inputs for folder in (Path.cwd(), screen.started)}
    if os.path.realpath(file) in places:
        message = f"--json={file} would replace a file that this run reads"
        raise SettingsError(message, "name another file; --json alone prints the lines")
    _clear([file])
    kept: list[str] = []
    screen.kept, is_ended = kept, False
    try:
        yield
        is_ended = True
    except SyncerError as error:
        kept += screen.error_lines(error)
        raise
    finally:
        screen.kept = None
        # Why the run failed counts, and not what else can't be done then.
        with nullcontext() if is_ended else suppress(SyncerError):
            _write_lines(file, kept)


def _write_lines(file: str, lines: Sequence[str]) -> None:
    text = "".join(f"{line}\n" for line in (json_lines.version_line(now), *lines))
    _write(file, text)


def _write(name: str, text: str) -> None:
    from syncer.plan import planfile

    refuse_secrets(text, name)
    planfile.write(Path(name), text)


def _clear(names: Sequence[str]) -> None:
    """Take away what an earlier run left. Raises SettingsError for a place that can't be, or shouldn't be written."""
    from syncer.plan import planfile

    if len({Path(name).absolute() for name in names}) < len(names):
        message = f"two outputs would go to one file: {', '.join(names)}"
        raise SettingsError(message, "give each file its own name")
    for name in names:
        path = Path(name)
        if path.suffix.lower() in _SOURCES or ".git" in path.absolute().parts:
            message = f"{name} can't be an output: that would replace what is kept there"
            raise SettingsError(message, "name a file such as plan.json, plan.md or plan.html")
        try:
            _refuse_led_away(path)
            # A device or a pipe (`/dev/stdout`) is written to; a link to one isn't taken away.
            if not planfile.is_stream(path) and (path.is_symlink() or path.is_file()):
                path.unlink()
        except (OSError, ValueError) as error:
            message = f"{name} can't be replaced: {getattr(error, 'strerror', None) or 'no such name'}"
            raise SettingsError(message, "name a file in a folder that is writable") from None


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
        message = f"{path} can't be an output: {link.name} is a link in the checkout, and leads elsewhere"
        raise SettingsError(message, "see which commit brought the link, and remove it; or name another file")
    if path.is_dir():
        message = f"{path} can't be an output: there is a folder of that name"
        raise SettingsError(message, "see which commit brought the folder, and remove it; or name another file")


def folder_in_repository() -> str:
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

    watch = Watch(secrets(os.environ))
    for text in _gathered(pieces):
        if found := watch.held(text):
            message = f"the value of {', '.join(found)} would be in {where}, so it was not written"
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
