"""How output looks: colour, width, glyphs, completed commands. `cli` decides it, and every renderer gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from syncer.render.command_lines import ANYWHERE, Commands

_SGR: Final = {
    "+": "32",
    "~": "33",
    "-": "31",
    "arrow": "33",
    "faint": "90",
    "bold": "1",
    "good": "1;32",
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "error rule": "31",
    "warning rule": "33",
}
"""The colours by what they mean; those of a Terraform plan."""


@dataclass(frozen=True, slots=True)
class Style:
    """How to render for one terminal, file or pipe. Without `unicode` our own glyphs are ASCII."""

    colour: bool = False
    width: int = 80
    unicode: bool = True
    commands: Commands = ANYWHERE
    """Completes the commands in messages for where this output is read."""

    def paint(self, meaning: str, text: str) -> str:
        """The text in the colour of its meaning, a key of `_SGR`. An unknown meaning (`""`) changes nothing."""
        code = _SGR.get(meaning) if self.colour and text else None
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    @property
    def ellipsis(self) -> str:
        """What stands for a part that was cut."""
        return "…" if self.unicode else "..."
