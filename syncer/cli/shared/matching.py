"""What `syncer import --match` does with the files of the repository: reads them, asks, writes ids and the settings."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syncer import config, safe_files
from syncer.adopting.drift import Revision
from syncer.adopting.matches import NAMESAKES
from syncer.cli.shared.run import Files, Run
from syncer.config import settings_edits
from syncer.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.adopting.matches import MatchImport
    from syncer.cli.shared.screen import Screen

_MENDED: Final = frozenset({"shared-id", *NAMESAKES})
"""The rules of what a match mends, or lists: ids at the top that several environments read, and names without one."""


@dataclass(frozen=True, slots=True)
class SettingsEdit:
    """The settings with the connectors' names in them; without a revision `by_hand` says what to write, if anything."""

    revision: Revision | None = None
    by_hand: str = ""


def readable_files(run: Run) -> Files:
    """The definitions, also where ids at the top keep them from being planned. Raises InputError, SettingsError."""
    name, settings = run.environment.name, run.settings
    if name not in settings.environments:
        message = f"--match writes ids under environments.{name}, and the settings have no such environment"
        raise SettingsError(message, f"`syncer init --env {name}` adds it")
    loaded, found = run.checked()
    found = tuple(problem for problem in found if problem.rule not in _MENDED)
    if any(problem.is_error for problem in found):
        raise InputError(found)
    return Files(loaded.documents, found)


def settings_edit(run: Run, found: MatchImport) -> SettingsEdit:
    """The settings with the names that the matched models tell; nothing if they tell none."""
    names, environment = found.connectors.names, run.environment.name
    file = config.find(run.settings.root)
    if not names or file is None:
        return SettingsEdit()
    try:
        before = file.read_bytes()
        after = settings_edits.with_connectors(before, file.name, environment, names)
    except (SettingsError, OSError):
        return SettingsEdit(by_hand=settings_edits.connectors_table(file.name, environment, names))
    return SettingsEdit(Revision(file.name, before, after))


def is_approved(screen: Screen) -> bool:
    """Whether a person says `yes`; where nobody can be asked nobody does."""
    if not sys.stdin.isatty():
        return False
    question = "Write this into the files?\n  Only `yes` writes it.\n\n  Enter a value: "
    return screen.is_approved(question, screen.out)


def write(run: Run, changed: Sequence[Revision]) -> None:
    """Write every file that is still what was read."""
    for one in changed:
        safe_files.replace(run.settings.root, one.path, one.after, expected=one.before)
