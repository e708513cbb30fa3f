"""The files that one run leaves behind: plan file, markdown, JSON lines, HTML. Whole, private, and without secrets."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.cli import running
from syncer.cli.screen import now
from syncer.errors import SyncerError
from syncer.render import machine

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from syncer.cli.running import Run
    from syncer.cli.screen import Screen
    from syncer.planner import Planned


# ruff: noqa: PLC0415 - most runs leave no file


@dataclass(frozen=True, slots=True)
class Outputs:
    """Which files a run was asked for, empty for none."""

    run: Run
    screen: Screen
    out: str = ""
    markdown: str = ""
    json: str = ""
    html: str = ""
    drift: bool = False

    @classmethod
    def of(cls, flags: argparse.Namespace, run: Run, screen: Screen, *, drift: bool = False) -> Outputs:
        """What the flags ask for."""
        json = flags.json if isinstance(flags.json, str) and flags.json != "-" else ""
        return cls(run, screen, getattr(flags, "out", "") or "", flags.markdown or "", json, flags.html or "", drift)

    @property
    def wanted(self) -> bool:
        """Whether any file is to be written."""
        return any((self.out, self.markdown, self.json, self.html))

    def clear(self) -> None:
        """Take away what an earlier run left: if this one fails, nobody may apply or read that by mistake."""
        for name in filter(None, (self.out, self.markdown, self.json, self.html)):
            with suppress(OSError):
                path = Path(name)
                if path.is_symlink() or path.is_file():
                    path.unlink()

    @contextmanager
    def kept_on_failure(self) -> Iterator[None]:
        """Keep why a plan could not be made, too: who reads the files must not take silence for peace."""
        try:
            yield
        except SyncerError as error:
            if self.wanted:
                from syncer.cli.planning import failed

                with suppress(SyncerError):
                    self.keep(failed(self.run, error))
            raise

    def keep(self, planned: Planned) -> None:
        """Write every file that was asked for. Raises SyncerError; a secret in a text is one, too."""
        if self.out:
            from syncer import planfile

            self._write(self.out, planfile.dumps(planned))
        if self.markdown:
            from syncer.render import markdown

            render = markdown.render_drift if self.drift else markdown.render_plan
            self._write(self.markdown, f"{render(planned)}\n")
        if self.json:
            self._write(self.json, "".join(f"{line}\n" for line in self._lines(planned)))
        if self.html:
            from syncer.render import html

            self._write(self.html, f"{html.render_plan(planned)}\n")

    def _lines(self, planned: Planned) -> list[str]:
        lines = (
            machine.drift_lines(planned, now)
            if self.drift
            else machine.plan_lines(planned.plan, planned.warnings, now, planned.provenance)
        )
        return [machine.version_line(now), *lines, *machine.problem_lines(planned.problems, now)]

    def _write(self, name: str, text: str) -> None:
        refuse_secrets(text, name, self.run.variables)
        from syncer import planfile

        planfile.write(Path(name), text)


def refuse_secrets(text: str, where: str, variables: Mapping[str, str]) -> None:
    """Raise SyncerError if a text that leaves this machine holds a secret's value in any form."""
    secrets = running.secrets(variables)
    if not secrets:
        return
    from syncer.client.reasons import held

    if found := held(text, secrets):
        message = f"the value of {', '.join(found)} would stand in {where}, so it was not written"
        raise SyncerError(message, "a definition or a live model holds it in clear: take it out, and change the secret")
