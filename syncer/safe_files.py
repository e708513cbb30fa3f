"""Files read and written safely: regular files alone, whole or not at all, never one that nobody looked at.

What stands in a work tree comes from anybody: settings, definitions, plans. A pipe would be waited for, a device may
act when it's opened, and a link may lead out of the repository. An edge: it reads and writes files.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from syncer.errors import SyncerError

# What stands there may change between the look and the opening. Without O_NONBLOCK the opening of a FIFO waits for a
# writer. Windows has neither flag.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

_PRIVATE: Final = 0o600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class IrregularError(OSError):
    """What stands there is a pipe, a socket or a device."""


class UnwrittenError(SyncerError):
    """A file was not written: it isn't where it seems to be, isn't what was read, or the disk refused."""


# -- reading -------------------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str], most: int) -> bytes:
    """Every byte of a regular file; of one that has more than `most` bytes at least one more, and not all.

    Nothing else is opened, and no link is followed. Raises OSError: IsADirectoryError of a folder, IrregularError of a
    pipe or a device. Raises ValueError for what can be no path.
    """
    _refuse(os.lstat(path).st_mode, stat.S_IFREG, stat.S_IFLNK)
    handle = os.open(path, _FLAGS)
    try:
        status = os.fstat(handle)
        _refuse(status.st_mode, stat.S_IFREG)
        parts, size = [], 0
        # One byte more than it claims to have shows its end in one read; a growing or lying file is read on, in bounds.
        while size <= most and (part := os.read(handle, min(max(status.st_size, size), most) + 1)):
            parts.append(part)
            size += len(part)
            if len(part) == status.st_size:
                break
    finally:
        os.close(handle)
    return b"".join(parts)


def _refuse(mode: int, *kinds: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_IFMT(mode) not in kinds:
        raise IrregularError(errno.EINVAL, "it is not a regular file")


# -- writing -------------------------------------------------------------------------------------------------------


def create(root: Path, path: str, content: bytes) -> None:
    """Write a new file, and the folders that lead to it. Raises UnwrittenError, also if something is there."""
    target = _inside(root, path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _unwritten(path, error) from None
    try:
        # The name is taken first, empty: it gets the mode that new files have here, and nobody's file is replaced.
        os.close(os.open(target, _NEW, 0o666))
    except FileExistsError:
        raise UnwrittenError(f"{path} is there already, and was not overwritten", "look at it, and move it") from None
    except (OSError, ValueError) as error:
        raise _unwritten(path, error) from None
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
        mode = stat.S_IMODE(target.lstat().st_mode)
        is_expected = read(target, len(expected)) == expected
    except IrregularError:
        is_expected = False
    except (OSError, ValueError) as error:
        raise _unwritten(path, error) from None
    if not is_expected:
        raise UnwrittenError(f"{path} was changed meanwhile, and was left as it is", "run the command again")
    _swap(target, path, content, mode)


def is_reached_directly(root: Path, path: str) -> bool:
    """Whether a path from the root stays below it, and no part of it is a link."""
    parts = path.split("/")
    if "\0" in path or not all(parts) or {".", ".."} & {*parts} or Path(path).is_absolute():
        return False
    # A path's own method raises OSError for a name that is too long.
    inside = (root.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1))
    return not any(os.path.islink(part) for part in inside)  # noqa: PTH114 - see above


def link_on_the_way(root: Path, path: Path) -> Path | None:
    """The first link below the root on the way to a path, its last part included; None if there is none."""
    home = root.resolve()
    for way in (*reversed(path.absolute().parents), path.absolute()):
        if way.is_symlink() and way.parent.resolve().is_relative_to(home):
            return way
    return None


def _inside(root: Path, path: str) -> Path:
    if not is_reached_directly(root, path):
        message = f"{path} leads out of the repository, or through a link, and was not written"
        raise UnwrittenError(message, "put the file itself, or the folder, where the link is")
    return root / path


def _swap(target: Path, path: str, content: bytes, mode: int) -> None:
    try:
        write_whole(target, content, mode)
    except OSError as error:
        raise _unwritten(path, error) from None


def write_whole(target: Path, content: bytes, mode: int = _PRIVATE) -> None:
    """Put a whole file in the place of another: who reads it sees one or the other. Raises OSError."""
    import tempfile  # noqa: PLC0415 - it's slow to import, and most runs write nothing

    handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        if mode != _PRIVATE:
            Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _unwritten(path: str, error: Exception) -> UnwrittenError:
    reason = getattr(error, "strerror", None) or "no file can have this name"
    return UnwrittenError(f"{path} can't be written: {reason}", "check the folder's permissions, and the room on it")
