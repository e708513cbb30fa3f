"""Which commands there are. Each stands in the module of its name, which is imported when it's asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.cli.shared.command import Command, CommandGroup

GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "start": ("init", "doctor", "import"),
    "every day": ("plan", "apply", "validate", "fmt", "list", "drift", "compare", "explain"),
    "undo": ("history", "rollback", "show"),
    "CI and tools": ("ci", "sandbox", "demo", "schema", "completion", "version", "help"),
}
"""The commands as a list of them shows them."""

NAMES: Final = tuple(name for names in GROUPS.values() for name in names)

_MODULES: Final = {"import": "import_", "list": "list_"}
"""Modules that can't be named as the command."""


def command(name: str) -> Command[object] | CommandGroup:
    """A command, with its flags."""
    module = import_module(f"syncer.cli.{_MODULES.get(name, name)}")
    found: Command[object] | CommandGroup = module.COMMAND
    return found
