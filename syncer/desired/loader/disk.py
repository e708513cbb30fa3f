"""Which model files there are, and their bytes. It opens regular files inside the root, and nothing else.

A model folder may come from a stranger's pull request, so a path is an untrusted value: symlinks out of the root, FIFOs
and devices, endless files and names that break a terminal are problems, not surprises.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer import safe_files
from syncer.model import Origin, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDING: Final = ".yaml"
SQL: Final = ".sql"
MAX_BYTES: Final = 1 << 20
"""How large a model file, or an SQL file, may be."""

_SUBMODULE: Final = re.compile(r"^[ \t]*path[ \t]*=(.*)$", re.MULTILINE)
_BOM: Final = b"\xef\xbb\xbf"


class Refusal(NamedTuple):
    """Why a file isn't read: rule, message and hint, for whoever knows where to locate it."""

    rule: str
    message: str
    hint: str = ""


class Found(NamedTuple):
    """A file to read: its path as people know it, from the root, and the one to open, which has no symlinks."""

    path: str
    real: str


@dataclass(frozen=True, slots=True)
class Root:
    """The folder that everything must stay inside: as given, and with its symlinks resolved."""

    given: str
    real: str

    @classmethod
    def of(cls, path: str) -> Root:
        """The root at that path."""
        return cls(os.path.abspath(path), os.path.realpath(path))  # noqa: PTH100 - strings: ten thousand times cheaper

    def holds(self, real: str) -> bool:
        """Whether a path without symlinks is inside."""
        return real == self.real or real.startswith(self.real.rstrip(os.sep) + os.sep)

    def join(self, path: str) -> str:
        """The real path of a path from the root."""
        return os.path.realpath(os.path.join(self.real, path))  # noqa: PTH118

    def relative(self, real: str) -> str:
        """A real path inside, from the root, with `/` on every system."""
        return os.path.relpath(real, self.real).replace(os.sep, "/")


def read(real: str) -> bytes | Refusal:
    """What a regular file holds, without a byte order mark; or why it isn't read. Never more than `MAX_BYTES`."""
    raw = whole(real)
    return raw if isinstance(raw, Refusal) else raw.removeprefix(_BOM)


def whole(real: str) -> bytes | Refusal:
    """Every byte of a regular file, its mark included; or why it isn't read."""
    try:
        raw = safe_files.read(real, MAX_BYTES)
    except IsADirectoryError:
        return _not_a_file(stat.S_IFDIR)
    except safe_files.IrregularError:
        return _not_a_file(stat.S_IFIFO)
    except (OSError, ValueError) as error:
        return _unreadable(error)
    if len(raw) > MAX_BYTES:
        return Refusal("too-large", f"the file is larger than {MAX_BYTES // 1024:,} KiB", "split it, or shorten it")
    return raw


def _unreadable(error: Exception) -> Refusal:
    reason = getattr(error, "strerror", None) or "there is no such file"
    return Refusal("unreadable", f"it can't be read: {reason}", "check that it exists, and its permissions")


def _not_a_file(mode: int) -> Refusal:
    what = "a folder" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
    return Refusal("not-a-file", f"this is {what}, not a file", "give it another name, or remove it")


def is_showable(name: str) -> bool:
    """Whether a name can stand in one line of output, and means the same on every system."""
    return name.isprintable() and "\\" not in name


def shown(name: str) -> str:
    """The name with what no terminal should get written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def walk(root: Root, folder: str) -> Iterator[Found | Problem]:
    """Every model file below a folder (a path from the root), and what can't be one, in no order.

    Names that begin with a dot are passed over, as shells and editors mean them.
    """
    top = root.join(folder)
    waiting = [(folder, top)]
    seen = {top}
    while waiting:
        path, real = waiting.pop()
        try:
            with os.scandir(real) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Problem(Origin(path), *_unreadable(error))
            continue
        if not found and real in _submodules(root):
            yield _submodule(path)
        for entry in found:
            if entry.name.startswith("."):
                continue
            inner = f"{path}/{entry.name}" if path != "." else entry.name
            judged = _judged(root, entry, inner)
            if isinstance(judged, str):
                if judged in seen:
                    # Read twice it would be two files for each model; and links upon links are more paths than atoms.
                    yield Problem(Origin(inner), "outside-root", "this folder is read by another name", "remove it")
                else:
                    seen.add(judged)
                    waiting.append((inner, judged))
            elif judged is not None:
                yield judged


def _submodules(root: Root) -> set[str]:
    """The real paths of the submodules that the repository around the root names."""
    top = root.real
    while not os.path.lexists(os.path.join(top, ".git")):  # noqa: PTH118
        top, below = os.path.dirname(top), top  # noqa: PTH120
        if top == below:
            return set()
    raw = whole(os.path.join(top, ".gitmodules"))  # noqa: PTH118
    text = "" if isinstance(raw, Refusal) else raw.decode("utf-8", "replace").replace("\0", "")
    return {os.path.realpath(os.path.join(top, one.strip().strip('"'))) for one in _SUBMODULE.findall(text)}  # noqa: PTH118


def _submodule(path: str) -> Problem:
    return Problem(
        Origin(path),
        "submodule",
        "this folder is a git submodule that isn't checked out: nobody knows its definitions",
        "run `git submodule update --init` (in CI, submodules: true at the checkout)",
    )


def _is_open(root: Root, real: str) -> bool:
    """Whether a link may lead to this real path: to a folder or a model file of the repository, with nothing hidden.

    What .env, .git/config or a credentials file says would stand in the problems of what takes it for a model.
    """
    is_plain = root.holds(real) and not any(part.startswith(".") for part in root.relative(real).split("/"))
    return is_plain and (real.endswith((ENDING, ".yml")) or not os.path.isfile(real))  # noqa: PTH113


def _judged(root: Root, entry: os.DirEntry[str], path: str) -> Found | Problem | str | None:
    """A model file, a problem, the real path of a folder to walk, or None for what is no business of ours."""
    ending = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
    is_link = entry.is_symlink()
    real = os.path.realpath(entry.path) if is_link else entry.path
    is_yaml = ending in {".yaml", ".yml"}
    if is_link and not _is_open(root, real):
        return outside(path) if is_yaml or os.path.isdir(real) else None  # noqa: PTH112
    is_folder = os.path.isdir(real) if is_link else entry.is_dir(follow_symlinks=False)  # noqa: PTH112
    if not is_folder and not is_yaml:
        return None
    if not is_showable(entry.name):
        return Problem(
            Origin(shown(path)),
            "bad-file-name",
            "the name has a character that can't be shown, or that other systems read as a folder",
            "rename it with letters, digits, `-` and `_`",
        )
    if not is_yaml:
        return real
    if is_folder:
        return Problem(Origin(path), *_not_a_file(stat.S_IFDIR))
    if not (is_link or entry.is_file(follow_symlinks=False)):
        return Problem(Origin(path), *_not_a_file(stat.S_IFIFO))
    return Found(path, real) if entry.name.endswith(ENDING) else wrong_ending(path)


def named(root: Root, path: str) -> Found | Problem | None:
    """The model file of that path from the root, judged as `walk` judges it; None if nothing is there."""
    folder, name = os.path.split(path)
    if not os.path.lexists(os.path.join(root.join(folder), name)):  # noqa: PTH118
        return None
    try:
        with os.scandir(root.join(folder)) as entries:
            entry = next((one for one in entries if one.name == name), None)
    except OSError:
        # Whoever walks the folder tells.
        return None
    judged = _judged(root, entry, path) if entry is not None else None
    return None if isinstance(judged, str) else judged


def outside(path: str) -> Problem:
    """The problem of a path that leaves the root."""
    return Problem(
        Origin(shown(path)),
        "outside-root",
        "this symlink leads out of the repository",
        "copy what it leads to, or remove it",
    )


def wrong_ending(path: str) -> Problem:
    """The problem of a file that isn't read because of its name."""
    return Problem(
        Origin(shown(path)),
        "wrong-ending",
        f"model files end in {ENDING}; this one would be passed over",
        f"rename it to {ENDING}",
    )
