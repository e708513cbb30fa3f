"""The standard streams as they may be: closed, full, or without a reader. Writing to them never raises."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHY: Final = {
    errno.EPIPE: "its reader has left",
    errno.ENOSPC: "no space left",
    errno.EBADF: "it is closed",
}
LEFT: Final = _WHY[errno.EPIPE]


class Stream:
    """A stream that takes everything. What can't be written is lost, and `trouble` says why; it's empty before."""

    def __init__(self, stream: TextIO, trouble: str = "") -> None:
        self._stream = stream
        self.trouble = trouble

    def write(self, text: str) -> int:
        """Write the text, if it can be written."""
        with self._bearing():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written so far."""
        with self._bearing():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the stream's own
        return getattr(self._stream, name)

    @contextmanager
    def _bearing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.trouble = self.trouble or _WHY.get(error.errno or 0, error.strerror or "it failed")
            # What stands in the buffer would be tried again, up to the end of the process.
            with suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:  # noqa: PTH123 - a device
                os.dup2(nothing.fileno(), self._stream.fileno())


@contextmanager
def guarded() -> Iterator[Stream]:
    """Replace stdout and stderr by such streams, and yield the first.

    One that is closed is opened on nothing, in its own number: the next file that is opened would get it.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    if sys.stdin is None:
        sys.stdin = _nothing("r")
    out, err = (Stream(stream or _nothing("w"), "" if stream else _WHY[errno.EBADF]) for stream in before[1:])
    sys.stdout, sys.stderr = cast("TextIO", out), cast("TextIO", err)
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        if None not in before:
            sys.stdin, sys.stdout, sys.stderr = before


def _nothing(mode: str) -> TextIO:
    return cast("TextIO", open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123 - it lives as long as the process
