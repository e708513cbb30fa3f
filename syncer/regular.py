"""Reading what is a regular file, and nothing else: a pipe would be waited for, and a device may act when it's opened.

An edge, below the rooms that read. What stands in a work tree comes from anybody: settings, definitions, plans.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

# What stands there may change between the look and the opening. Without O_NONBLOCK the opening of a FIFO waits for a
# writer. Windows has neither flag.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class IrregularError(OSError):
    """What stands there is a pipe, a socket or a device."""


def content(path: str | os.PathLike[str], most: int) -> bytes:
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
