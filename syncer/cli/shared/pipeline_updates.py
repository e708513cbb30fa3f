"""Keep a host's CI files as the settings and the model files have them, without losing anybody's edits.

The first line of each file has a checksum of the others. One that still fits is as `init` wrote it, and can be written
anew. In any other only the lines of missing secrets are added, below the comment that `init` writes above them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from syncer import safe_files
from syncer.cli.shared.pipeline_files import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_STAMP = re.compile(rb"# `syncer init` wrote this file. Checksum of what follows: ([0-9a-f]{16})\r?\n")
_LINE = re.compile(r"(?m)^ *(?:- export )?(SYNCER_SECRET_\w+)(?:: \$\{\{|=)")
"""A line that gives a step or a job a secret."""

_BLOCK = re.compile(
    rf"(?m)^(?P<indent> +){re.escape(MARKER)}(?P<end>\r?\n)(?P<lines>(?: *(?:- export |# )?SYNCER_SECRET_\w+[:=].*\n)*)"
)
_HASH: Final = 16
_LARGEST: Final = 1 << 20
"""Bytes of a file that is looked at."""


def stamped(content: bytes) -> bytes:
    """A file with the line on top that tells whether it was edited."""
    return f"# `syncer init` wrote this file. Checksum of what follows: {_checksum(content)}\n".encode() + content


def is_as_written(present: bytes) -> bool:
    """Whether nobody has edited a file since `init` wrote it."""
    stamp = _STAMP.match(present)
    return stamp is not None and stamp[1].decode() == _checksum(present[stamp.end() :])


def _checksum(content: bytes) -> str:
    # An editor or git may change the ends of lines: that is no edit.
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:_HASH]


def missing_secrets(wanted: bytes, present: bytes) -> list[str]:
    """The secrets that a file should give and doesn't: not at each of its places, nor as often in others."""
    text = present.decode("utf-8", "replace")
    places = [_LINE.findall(block["lines"]) for block in _BLOCK.finditer(text)]
    given, wants = Counter(_LINE.findall(text)), Counter(_LINE.findall(wanted.decode()))
    rare = [name for name, count in wants.items() if given[name] < count]
    return sorted(name for name in rare if not places or any(name not in one for one in places))


def with_secrets(wanted: bytes, present: bytes) -> bytes:
    """The file that stands there, with lines for the secrets that it doesn't give; every other line stays."""
    missing = missing_secrets(wanted, present)
    expected = {name: line for name, line in _lines(wanted).items() if name in missing}

    def filled(block: re.Match[str]) -> str:
        names = _LINE.findall(block["lines"])
        indent, end = block["indent"], block["end"]
        added = "".join(f"{indent}{line}{end}" for name, line in expected.items() if name not in names)
        # The example of a template is none of somebody's lines.
        kept = re.sub(r"(?m)^ *# SYNCER_SECRET_OPENAI: .*\n", "", block["lines"]) if added else block["lines"]
        return f"{indent}{MARKER}{end}{kept}{added}"

    return _BLOCK.sub(filled, present.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _lines(wanted: bytes) -> dict[str, str]:
    """The lines of secrets in a file as `init` writes it, by the secrets' names."""
    return {match[1]: line.strip() for line in wanted.decode().splitlines() if (match := _LINE.match(line))}


def obsolete(top: Path, wanted: Iterable[str]) -> list[str]:
    """The files of a single environment that still run where each environment has files of its own by now."""
    singles = {re.sub(r"\.[^./]+\.yml\Z", ".yml", name) for name in wanted} - {*wanted}
    return sorted(name for name in singles if b"/syncer.txt" in text_of(top / name))


def text_of(path: Path) -> bytes:
    """What stands in a file; nothing if it can't be read."""
    try:
        return safe_files.read(path, _LARGEST)
    except OSError:
        return b""
