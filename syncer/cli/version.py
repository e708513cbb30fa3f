"""`syncer version`: as `syncer --version`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer import __version__
from syncer.cli.shared.command import Command, NoOptions, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


def run(_: NoOptions, screen: Screen) -> int:
    """Print the version."""
    screen.show(f"syncer {__version__}")
    return 0


COMMAND = Command(
    "version", Words("Print the version.", "It's the same as `syncer --version`.", "syncer version"), NoOptions, run
)
