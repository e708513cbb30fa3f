"""`syncer help`: as `--help` behind the command's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class HelpOptions:
    """What `syncer help` is asked for."""

    command: tuple[str, ...] = flags.operands(
        "COMMAND", "a command, such as `plan` or `ci plan` (default: list them)", kind=str
    )


def run(options: HelpOptions, _: Screen) -> int:
    """Print a command's help, or the list of commands."""
    from syncer.cli.parser import parse

    parse([*options.command, "--help"])
    return 0  # pragma: no cover - the line above leaves


COMMAND = Command(
    "help",
    Words(
        "Print the help of a command, or list the commands.",
        "It's the same as the command with --help.",
        "syncer help\nsyncer help ci plan",
    ),
    HelpOptions,
    run,
)
