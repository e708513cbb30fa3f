"""Files of the repository, written: whole or not at all, never through a link, never one that nobody looked at.

An edge, the counterpart of `loader`: paths are those from the root, and the names in them may be made of foreign words.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer.errors import SyncerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class UnwrittenError(SyncerError):
    """A file was not written: it isn't where it seems to be, isn't what was read, or the disk refused."""


def create(root: Path, path: str, content: bytes) -> None:
    """Write a new file, and the folders that lead to it. Raises UnwrittenError, also if something is there."""
    target = _inside(root, path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _refused(path, error) from None
    try:
        # The name is taken first, empty: it gets the mode that new files have here, and nobody's file is replaced.
        os.close(os.open(target, _NEW, 0o666))
    except FileExistsError:
        raise UnwrittenError(f"{path} is there already, and was not overwritten", "look at it, and move it") from None
    except (OSError, ValueError) as error:
        raise _refused(path, error) from None
    try:
        _swap(target, path, content, stat.S_IMODE(target.stat().st_mode))
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise


def replace(root: Path, path: str, content: bytes, *, expected: bytes) -> None:
    """Write a file that holds `expected`, keeping its mode. Raises UnwrittenError, also if it holds something else."""
    target = _inside(root, path)
    try:
        handle = os.open(target, _FLAGS)
        with os.fdopen(handle, "rb") as stream:
            status = os.fstat(stream.fileno())
            # Never more than what is expected, and one byte: it may have become endless.
            present = stream.read(len(expected) + 1) if stat.S_ISREG(status.st_mode) else b""
    except (OSError, ValueError) as error:
        raise _refused(path, error) from None
    if present != expected or not stat.S_ISREG(status.st_mode):
        raise UnwrittenError(f"{path} was changed meanwhile, and was left as it is", "run the command again")
    _swap(target, path, content, stat.S_IMODE(status.st_mode))


def is_reached_directly(root: Path, path: str) -> bool:
    """Whether a path from the root stays below it, and no part of it is a link."""
    parts = path.split("/")
    if "\0" in path or not all(parts) or {".", ".."} & {*parts} or Path(path).is_absolute():
        return False
    return not any(one.is_symlink() for one in _ways(root, parts))


def link_on_the_way(root: Path, path: Path) -> Path | None:
    """The first link below the root on the way to a path, its last part included; None if there is none."""
    home = root.resolve()
    for way in (*reversed(path.absolute().parents), path.absolute()):
        if way.is_symlink() and way.parent.resolve().is_relative_to(home):
            return way
    return None


def _ways(root: Path, parts: list[str]) -> Iterator[Path]:
    """The folders that lead to a file, and itself."""
    for number in range(1, len(parts) + 1):
        yield root.joinpath(*parts[:number])


def _inside(root: Path, path: str) -> Path:
    if not is_reached_directly(root, path):
        message = f"{path} leads out of the repository, or through a link, and was not written"
        raise UnwrittenError(message, "put the file itself, or the folder, where the link is")
    return root / path


def _swap(target: Path, path: str, content: bytes, mode: int) -> None:
    """Put a whole file in the place of another: who reads it sees one or the other."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException as error:
        with suppress(OSError):
            Path(temporary).unlink()
        if isinstance(error, OSError):
            raise _refused(path, error) from None
        raise


def _refused(path: str, error: Exception) -> UnwrittenError:
    reason = getattr(error, "strerror", None) or "no file can have this name"
    return UnwrittenError(f"{path} can't be written: {reason}", "check the folder's permissions, and the room on it")
