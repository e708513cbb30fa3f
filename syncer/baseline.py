"""What git said at another commit: its definitions, read from git's objects. An edge: it runs git.

The work tree is neither used nor touched: the files are laid out in a folder of their own, where the loader treats them
like any others. Git is asked for objects alone, so no hook, filter or pager of a repository runs.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HASH: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ENDINGS: Final = (".yaml", ".yml")
_SQL: Final = ".sql"
_LINK: Final = "120000"
_FILES: Final = frozenset({"100644", "100755", "100664", _LINK})
_LARGEST: Final = 2 << 20
"""A file beyond this is left out: the loader would refuse it anyway."""

_MOST: Final = 512 << 20
_UNFIT: Final = frozenset(
    {errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ENOENT, errno.EINVAL, errno.EILSEQ, errno.ELOOP}
)
"""What a disk says to names and links that no honest commit has."""

_SHA1: Final = 40
"""Hexadecimal digits of an object's name, where git doesn't use SHA-256."""

_SECONDS: Final = 120


_ELSEWHERE: Final = frozenset(
    f"GIT_{name}"
    for name in (
        *(
            "DIR",
            "WORK_TREE",
            "INDEX_FILE",
            "COMMON_DIR",
            "OBJECT_DIRECTORY",
            "ALTERNATE_OBJECT_DIRECTORIES",
            "NAMESPACE",
        ),
        *("CONFIG_PARAMETERS", "CONFIG_COUNT", "SHALLOW_FILE", "REPLACE_REF_BASE", "PREFIX"),
    )
)
"""What leads git to another repository than the one that the folder is in: a hook of one sets it."""


class Entry(NamedTuple):
    """A file of a commit: its mode, its object, its size, and its path from the root."""

    mode: str
    oid: str
    size: int
    path: str


def head(root: Path, models: str) -> str:
    """The commit that is checked out, with `-dirty` if the models in the work tree differ; empty outside git."""
    found = checked_out(root)
    if not found:
        return ""
    return found if _is_clean(root, found, os.path.normpath(models).replace(os.sep, "/")) else f"{found}-dirty"


def checked_out(root: Path) -> str:
    """The commit that is checked out, whatever the work tree holds; empty outside git."""
    done = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    found = done.stdout.decode("utf-8", "replace").strip() if done is not None and not done.returncode else ""
    return found if _HASH.fullmatch(found) else ""


def _is_clean(root: Path, commit: str, models: str) -> bool:
    """Whether the files on the disk are the commit's. `git status` would run the filters that a repository names."""
    models = os.path.normpath(models).replace(os.sep, "/")
    try:
        entries = {entry.path: entry for entry in _entries(root, commit, models)}
    except SettingsError:
        return False
    there = {
        path.relative_to(root).as_posix()
        for ending in _ENDINGS
        for path in (root / models).rglob(f"*{ending}")
        if path.is_symlink() or path.is_file()
    }
    others = _asked(root, "ls-files", "--others", "--exclude-standard", "-z", "--", f":(glob)**/*{_SQL}")
    if there - entries.keys() or others.stdout:
        return False
    return all(_oid(root / path, entry) == entry.oid for path, entry in entries.items())


def _oid(path: Path, entry: Entry) -> str:
    """The object that a file on the disk would be, as far as it can be read."""
    try:
        raw = os.fsencode(path.readlink()) if entry.mode == _LINK else path.read_bytes()
    except OSError:
        return ""
    kind = hashlib.sha1 if len(entry.oid) == _SHA1 else hashlib.sha256
    return kind(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


def commit_of(root: Path, ref: str) -> str:
    """The commit that a ref names. Raises SettingsError with the command that helps."""
    done = _asked(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    found = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode or not _HASH.fullmatch(found):
        raise _missing(root, ref)
    return found


def holds(root: Path, commit: str) -> bool:
    """Whether the clone has a commit. Raises SettingsError if that can't be told because the clone is shallow."""
    if not commit:
        return False
    if _asked(root, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0:
        return True
    if _is_shallow(root):
        raise _missing(root, commit)
    return False


def _is_shallow(root: Path) -> bool:
    return _asked(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def merge_base(root: Path, ref: str) -> str:
    """The commit where the checked-out one and `ref` parted. Raises SettingsError with the command that helps."""
    commit = commit_of(root, ref)
    done = _asked(root, "merge-base", commit, "HEAD")
    found = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode or not _HASH.fullmatch(found):
        raise _missing(root, ref, "no common ancestor with HEAD is here")
    return found


def parted(root: Path) -> str:
    """The commit where the checked-out one left its remote's default branch; itself without one, empty outside git.

    What a branch of one's own holds beyond that is work in progress, that nothing has applied yet.
    """
    found = checked_out(root)
    done = _git(root, "merge-base", "refs/remotes/origin/HEAD", "HEAD") if found else None
    common = done.stdout.decode("utf-8", "replace").strip() if done is not None and not done.returncode else ""
    return common if _HASH.fullmatch(common) else found


def base_of_change(root: Path, head_sha: str, base_sha: str) -> str:
    """The base of a pull request whose run has checked out its head, or the merge of that head into its base.

    The merge's first parent is exactly what it was merged into; `base_sha`, as the event has it, may lag behind.
    """
    parents = _asked(root, "rev-parse", "--verify", "--quiet", "HEAD^2").stdout.decode("utf-8", "replace").strip()
    return commit_of(root, "HEAD^1") if head_sha and parents == head_sha else merge_base(root, base_sha or "HEAD^1")


@contextmanager
def files_at(root: Path, commit: str, models: str) -> Iterator[Path]:
    """A folder with the model files and the SQL files of a commit, at the paths that they have below `root`."""
    with tempfile.TemporaryDirectory(prefix="syncer-base-") as folder:
        _lay_out(root, commit, models, Path(folder))
        yield Path(folder)


def _lay_out(root: Path, commit: str, models: str, folder: Path) -> None:
    models = os.path.normpath(models).replace(os.sep, "/")
    if models.startswith(("/", "../")) or models == ".." or Path(models).is_absolute():
        message = f"the models folder {models!r} is not below the settings' folder"
        raise SettingsError(message, 'name a folder below it: models = "models"')
    entries = list(_entries(root, commit, models))
    if sum(entry.size for entry in entries) > _MOST:
        message = f"the model files of {commit[:12]} are too large to be compared"
        raise SettingsError(message, "name another base")
    (folder / models).mkdir(parents=True, exist_ok=True)
    # Links last: then nothing is ever written through one.
    for entry, content in sorted(_contents(root, entries), key=lambda pair: pair[0].mode == _LINK):
        path = folder / entry.path
        if entry.mode == _LINK and any(parent.is_symlink() for parent in path.parents if folder in parent.parents):
            continue
        # A tree that no honest git makes may hold one name twice (the first counts), or what no disk takes.
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.mode == _LINK:
                path.symlink_to(content.decode("utf-8", "surrogateescape"))
            else:
                with path.open("xb") as stream:
                    stream.write(content)
        except ValueError:
            continue
        except OSError as error:
            if error.errno not in _UNFIT:
                message = f"the model files of {commit[:12]} can't be laid out: {error.strerror}"
                raise SettingsError(message, "see that the temporary folder is writable, and has room") from None


def _entries(root: Path, commit: str, models: str) -> Iterator[Entry]:
    """The files of a commit that could be model files, or named by one."""
    listed = _asked(root, "ls-tree", "-r", "-z", "-l", commit)
    if listed.returncode:
        raise _missing(root, commit)
    below = "" if models == "." else f"{models.rstrip('/')}/"
    for line in listed.stdout.decode("utf-8", "surrogateescape").split("\0"):
        about, _, path = line.partition("\t")
        parts = about.split()
        if len(parts) != 4 or parts[0] not in _FILES:  # noqa: PLR2004 - mode, type, object, size
            continue
        if not parts[3].isdecimal():
            message = f"{commit[:12]} can't be read whole: git has no {path!r}"
            raise SettingsError(message, "the clone is partial or damaged: fetch it again")
        entry = Entry(parts[0], parts[2], int(parts[3]), path)
        is_ours = path.startswith(below) and (path.endswith(_ENDINGS) or entry.mode == _LINK)
        if (is_ours or path.endswith(_SQL)) and entry.size <= _LARGEST and _is_inside(path):
            yield entry


def _is_inside(path: str) -> bool:
    """Whether a path of a tree stays where it is laid out; one that doesn't was made by hand."""
    return "\\" not in path and not path.startswith("/") and not {"..", ".git"} & set(PurePosixPath(path).parts)


def _contents(root: Path, entries: list[Entry]) -> Iterator[tuple[Entry, bytes]]:
    if not entries:
        return
    done = _asked(root, "cat-file", "--batch", given="".join(f"{entry.oid}\n" for entry in entries).encode())
    raw, at = done.stdout, 0
    for entry in entries:
        end = raw.find(b"\n", at)
        head_line = raw[at:end].split()
        if end < 0 or head_line[:2] != [entry.oid.encode(), b"blob"]:
            message = f"git could not read {entry.path!r} of the base"
            raise SettingsError(message, "the clone is partial or damaged: fetch it again")
        size = int(head_line[2])
        yield entry, raw[end + 1 : end + 1 + size]
        at = end + size + 2


def _missing(root: Path, ref: str, why: str = "") -> SettingsError:
    """The error for a commit that isn't in this clone, with the command that brings it."""
    shown = "".join(c if c.isprintable() else "?" for c in ref[:200])
    if _is_shallow(root):
        message = f"{shown} can't be compared: the clone is shallow" + (f", {why}" if why else " and doesn't hold it")
        name = re.fullmatch(r"(?:refs/remotes/)?origin/([\w./-]+)", ref)
        refs = f" +refs/heads/{name[1]}:refs/remotes/origin/{name[1]}" if name else ""
        hint = (
            f"run `git fetch --no-tags --unshallow origin{refs}` (in GitHub Actions: `fetch-depth: 0` at the checkout)"
        )
        return SettingsError(message, hint)
    name = re.fullmatch(r"(?:refs/remotes/)?origin/([\w./-]+)", ref)
    branch = name[1] if name else "main"
    message = f"git knows no commit {shown}" if not why else f"{shown} can't be compared: {why}"
    hint = f"name a branch, tag or commit, or run `git fetch --no-tags origin {branch}:refs/remotes/origin/{branch}`"
    return SettingsError(message, hint)


def _asked(root: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Git's answer. Raises SettingsError where there is no git, or no repository."""
    done = _git(root, *arguments, given=given)
    if done is None:
        message = "git is not installed, or gave no answer"
        raise SettingsError(message, "install git: it has what was applied last")
    if done.returncode == 128 and _git(root, "rev-parse", "--git-dir", check=True) is None:  # noqa: PLR2004 - git's own
        raise _no_repository(root)
    return done


def _no_repository(root: Path) -> SettingsError:
    """Why git takes nothing here for a repository: it says so in a sentence alone, so the folders are looked at."""
    real = root.resolve()
    found = next((folder for folder in (real, *real.parents) if (folder / ".git").exists()), None)
    if found is None:
        return SettingsError(f"{root} is not in a git repository", "git has what was applied last: work in a clone")
    if hasattr(os, "geteuid") and {found.stat().st_uid, (found / ".git").stat().st_uid} != {os.geteuid()}:
        message = f"git doesn't trust {root}: it belongs to another user"
        return SettingsError(message, f"run `git config --global --add safe.directory {root}`")
    return SettingsError(f"git can't read the repository of {root}", f"run `git -C {root} status`: it says why")


def _git(
    root: Path, *arguments: str, given: bytes = b"", check: bool = False
) -> subprocess.CompletedProcess[bytes] | None:
    """Git's answer; None without one, and with `check` where it refuses."""
    # What a repository's own configuration could make git run stays off; nothing is fetched behind the user's back.
    # A bare repository inside a work tree came with somebody's branch, and a replaced object is not what was committed.
    quiet = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "safe.bareRepository=explicit")
    variables = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    variables |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    variables |= {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
    try:
        return subprocess.run(  # noqa: S603 - git, with arguments of ours
            ["git", *quiet, "--no-pager", "-C", str(root), *arguments],  # noqa: S607 - the user's git
            input=given,
            capture_output=True,
            env=variables,
            timeout=_SECONDS,
            check=check,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
