"""Git: the commit that is checked out, and the definitions and settings of another one. An edge: it runs git.

The work tree is neither used nor touched: the files are laid out in a folder of their own, where the loader treats them
like any others. Git is asked for objects alone, so no hook, filter or pager of a repository runs. A stranger's commits
are read in the same way, after they were fetched (`fetch_change`): whatever they hold, it's bounded and never run.
"""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import re
import shlex
import subprocess
import tempfile
import threading
import unicodedata
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer import safe_files
from syncer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from syncer.model import Source

_HASH: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ENDINGS: Final = (".yaml", ".yml")
_SQL: Final = ".sql"
_LINK: Final = "120000"
_SUBMODULE: Final = "160000"
_FILES: Final = frozenset({"100644", "100755", "100664", _LINK})
_LARGEST: Final = 2 << 20
"""A file beyond this isn't read: the loader would refuse it anyway."""

_MOST: Final = 512 << 20
_MOST_FILES: Final = 100_000
_LONGEST_LIST: Final = 128 << 20
"""How many bytes the names of a commit's files may take: trees that hold each other can list more than any disk has."""

_MOST_STEPS: Final = 8
"""How many links may lead to one another."""
_LONGEST_LINK: Final = 4096

_UNFIT: Final = frozenset(
    {errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ENOENT, errno.EINVAL, errno.EILSEQ, errno.ELOOP}
)
"""What a disk says to names and links that no honest commit has."""

_SHA1: Final = 40
"""Hexadecimal digits of an object's name, where git doesn't use SHA-256."""

_SECONDS: Final = 120

_FETCHING: Final = {
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    # A fetch begins nothing else.
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_ALONE: Final = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
"""The flags of a fetch that brings what it's asked for, and nothing beside it."""

_PROGRAMS: Final = frozenset(
    {"sshcommand", "helper", "uploadpack", "vcs", "gitproxy", "askpass", "alternaterefscommand"}
)
"""The last words of those options that make a fetch run a program."""

_REMOTE: Final = "refs/remotes/origin/"

_CHANGE, _ONTO = "refs/syncer/change", "refs/syncer/onto"
"""Where a fetched pull request and the branch that it goes to are kept: no branch of anybody's."""

_ELSEWHERE: Final = frozenset(
    f"GIT_{name}"
    for name in (
        *("DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES"),
        *("NAMESPACE", "CONFIG_PARAMETERS", "CONFIG_COUNT", "SHALLOW_FILE", "REPLACE_REF_BASE", "PREFIX"),
    )
)
"""What leads git to another repository than the one that the folder is in: a hook of one sets it."""


class Entry(NamedTuple):
    """A file of a commit: its mode, its object, its path from the root, and its size once that is known."""

    mode: str
    oid: str
    path: str
    size: int = 0


def head(root: Path, models: str) -> str:
    """The commit that is checked out, with `-dirty` if the models in the work tree differ; empty outside git."""
    found = checked_out(root)
    return found if not found or _is_clean(root, found, _folder(models)) else f"{found}-dirty"


def checked_out(root: Path) -> str:
    """The commit that is checked out, whatever the work tree holds; empty outside git."""
    return _hash(_git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"))


def _hash(done: subprocess.CompletedProcess[bytes] | None) -> str:
    """The hash that git answered; empty if it answered none."""
    found = done.stdout.decode("utf-8", "replace").strip() if done is not None and not done.returncode else ""
    return found if _HASH.fullmatch(found) else ""


def _folder(models: str) -> str:
    """The folder of the models as git writes it."""
    return os.path.normpath(models).replace(os.sep, "/")


def _is_clean(root: Path, commit: str, models: str) -> bool:
    """Whether the files on the disk are the commit's. `git status` would run the filters that a repository names."""
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
    differ = [path for path, entry in entries.items() if _oid(root / path, entry) != entry.oid]
    # A definition that is left out counts as a difference: its model would be missing from the plan.
    return not {*differ} - left_out(root, (path for path in differ if path.endswith(_SQL)))


def left_out(root: Path, paths: Iterable[str]) -> set[str]:
    """Those of these files that a sparse checkout leaves out of the work tree, as it was told to."""
    absent = {path for path in paths if not os.path.lexists(root / path)}
    if not absent:
        return set()
    listed = _asked(root, "ls-files", "-t", "-z").stdout.decode("utf-8", "surrogateescape")
    return absent & {line[2:] for line in listed.split("\0") if line.startswith("S ")}


def _oid(path: Path, entry: Entry) -> str:
    """The object that a file on the disk would be, as far as it can be read."""
    try:
        raw = os.fsencode(path.readlink()) if entry.mode == _LINK else safe_files.read(path, _MOST)
    except OSError:
        return ""
    return _blob(raw, entry.oid)


def _blob(raw: bytes, like: str) -> str:
    """The name of the object that has these bytes, in the kind of hash that another object's name is."""
    kind = hashlib.sha1 if len(like) == _SHA1 else hashlib.sha256
    return kind(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


def commit_of(root: Path, ref: str) -> str:
    """The commit that a ref names. Raises SettingsError with the command that helps."""
    found = _hash(_asked(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"))
    if not found:
        raise _missing(root, ref)
    return found


def holds(root: Path, commit: str) -> bool:
    """Whether the clone has a commit. Raises SettingsError if that can't be told because the clone is shallow."""
    if not commit:
        return False
    if _asked(root, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0:
        return True
    if is_shallow(root):
        raise _missing(root, commit)
    return False


def is_shallow(root: Path) -> bool:
    """Whether the clone has only the newest commits."""
    return _asked(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def merge_base(root: Path, ref: str, other: str = "HEAD") -> str:
    """The commit where `other` (the checked-out one) and `ref` parted. Raises SettingsError with what helps."""
    found = _hash(_asked(root, "merge-base", commit_of(root, ref), other))
    if not found:
        raise _missing(root, ref, f"no common ancestor with {other[:12]} is here")
    return found


def default_branch(root: Path) -> str:
    """The default branch of `origin` as this clone knows it, such as `origin/main`; empty if it knows none."""
    return _short_name(_git(root, "symbolic-ref", "--quiet", f"{_REMOTE}HEAD"), "refs/remotes/")


def default_branch_name(root: Path) -> str:
    """The name of the default branch, as far as this clone tells; empty if it doesn't.

    A repository that was pushed and never cloned doesn't know which one the host has made the default: then it's `main`
    or `master` if there is one, else the branch that is checked out.
    """
    if remote := default_branch(root):
        return remote.partition("/")[2]
    for name in ("main", "master"):
        done = _git(root, "rev-parse", "--quiet", "--verify", f"refs/heads/{name}")
        if done is not None and not done.returncode:
            return name
    return branch(root)


def origin(root: Path) -> str:
    """The address of the remote `origin`, which may hold a password; empty without one."""
    done = _git(root, "remote", "get-url", "origin")
    return done.stdout.decode("utf-8", "replace").strip() if done is not None and not done.returncode else ""


def branch(root: Path) -> str:
    """The branch that is checked out; empty outside git, and where a commit is checked out without one."""
    return _short_name(_git(root, "symbolic-ref", "--quiet", "HEAD"), "refs/heads/")


def _short_name(done: subprocess.CompletedProcess[bytes] | None, prefix: str) -> str:
    """The name of a branch that git answered, without the prefix of its kind; empty if it answered none."""
    name = done.stdout.decode("utf-8", "replace").strip() if done is not None and not done.returncode else ""
    return name.removeprefix(prefix) if name.startswith(prefix) else ""


def fork_point(root: Path, default: str) -> str:
    """The commit where the checked-out one left `default`, a remote's branch; empty if git finds none.

    What a branch of one's own holds beyond that is work in progress, that nothing has applied yet.
    """
    return _hash(_git(root, "merge-base", f"refs/remotes/{default}", "HEAD"))


def base_of_change(root: Path, head_sha: str, base_sha: str) -> str:
    """The base of a pull request whose run has checked out its head, or the merge of that head into its base.

    The merge's first parent is exactly what it was merged into; `base_sha`, as the event has it, may lag behind.
    """
    merged = _hash(_asked(root, "rev-parse", "--verify", "--quiet", "HEAD^2"))
    return commit_of(root, "HEAD^1") if merged and merged == head_sha else merge_base(root, base_sha or "HEAD^1")


def fetch_change(root: Path, source: Source, head: str) -> str:
    """Fetch a pull request's commits from its host; the commit where it left the branch that it goes to.

    Empty if its head is another one by now. The token goes to this one git, by its environment: no command line, no
    file and no other process has it. Git sends it to the host's address alone, follows no redirect, and checks what
    comes. Raises SettingsError.
    """
    scheme = source.url.partition(":")[0]
    options = {
        f"http.{source.url}.extraheader": str(source.header.reveal()),
        "http.followRedirects": "false",
        "credential.helper": "",
        "protocol.allow": "never",
        f"protocol.{scheme}.allow": "always",
        "transfer.fsckObjects": "true",
        **_FETCHING,
    }
    wanted = (f"+{source.ref}:{_CHANGE}", f"+refs/heads/{source.branch}:{_ONTO}")
    done = _asked(root, "fetch", *_ALONE, "--", source.url, *wanted, more=_configured(options))
    if done.returncode:
        # What git or the host say is not quoted: it may repeat what they were sent.
        message = f"git could not fetch {source.ref} and {source.branch} from the host (exit code {done.returncode})"
        raise SettingsError(message, "give the job `contents: read`, and run it again")
    return merge_base(root, _ONTO, head) if commit_of(root, _CHANGE) == head else ""


def _configured(options: Mapping[str, str]) -> dict[str, str]:
    """The variables by which one git has these options: a command line could be read by others."""
    variables = {"GIT_CONFIG_COUNT": str(len(options))}
    for number, (name, value) in enumerate(options.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


@contextmanager
def folder_at(folder: Path, commit: str, names: Collection[str]) -> Iterator[Path]:
    """A folder like `folder` in a clone of its repository, with a commit's files of these names, there and above.

    Raises SettingsError.
    """
    prefix = _asked(folder, "rev-parse", "--show-prefix").stdout.decode("utf-8", "surrogateescape").strip("\n")
    inner = PurePosixPath(prefix)
    wanted = [(above / name).as_posix() for above in (inner, *inner.parents) for name in names]
    listed = _asked(folder, "ls-tree", "-z", "--full-tree", commit, "--", *dict.fromkeys(wanted))
    if listed.returncode:
        raise _missing(folder, commit)
    entries = [entry for entry in _sized(folder, commit, _parsed(listed.stdout)) if entry.size <= _LARGEST]
    with tempfile.TemporaryDirectory(prefix="syncer-settings-") as top:
        (Path(top) / ".git").mkdir()
        (Path(top) / inner).mkdir(parents=True, exist_ok=True)
        for entry, content in _contents(folder, entries):
            path = Path(top) / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.mode == _LINK:
                # Nothing is read through it. It only counts that it is a link.
                path.symlink_to(os.devnull)
            else:
                path.write_bytes(content)
        yield Path(top) / inner


def has(folder: Path, commit: str, path: str) -> bool:
    """Whether a commit has something at a path from `folder`."""
    named = f"{commit}:./{os.path.normpath(path).replace(os.sep, '/')}"
    return not _asked(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", named).returncode


def has_tracked(folder: Path, path: str) -> bool:
    """Whether the index or the checked-out commit has a file, however its name is spelt. Raises SettingsError.

    A commit keeps what was taken out of the index since.
    """
    named = f":(icase,literal){os.path.normpath(path).replace(os.sep, '/')}"
    listed = _asked(folder, "ls-files", "--cached", "-z", "--", named)
    if listed.returncode:
        raise _no_repository(folder)
    return bool(listed.stdout) or (bool(checked_out(folder)) and has(folder, "HEAD", path))


def folders_with(top: Path, commit: str, names: Collection[str]) -> list[str]:
    """The folders of a commit, from the repository's top, that hold a file of one of these names."""
    paths = (entry.path for entry in _parsed(_listed(top, commit)) if _is_inside(entry.path))
    return [*dict.fromkeys(posixpath.dirname(path) or "." for path in paths if posixpath.basename(path) in names)]


@contextmanager
def files_at(
    root: Path, commit: str, models: str, *, keeps_large: bool = False, without: Collection[str] = ()
) -> Iterator[Path]:
    """A folder with the model files and the SQL files of a commit, at the paths that they have below `root`.

    Files that are too large to be read are left out; with `keeps_large` they stand there, empty and as large, so that
    whoever needs all files is told. Files `without` which the caller can do are left out, too.
    """
    with tempfile.TemporaryDirectory(prefix="syncer-base-") as folder:
        _lay_out(root, commit, models, Path(folder), keeps_large=keeps_large, without=without)
        yield Path(folder)


def unchanged(root: Path, commit: str, models: str, contents: Mapping[str, bytes]) -> frozenset[str]:
    """Those of these files, by their paths below `root`, that `files_at` would lay out with the very same bytes.

    It's told from the names of git's objects: no index and no time of a file is trusted. None is told where a file of
    the commit may decide what becomes of another one: with links, and with names that some disk takes for one name.
    """
    entries = [*_entries(root, commit, _folder(models))]
    files = [entry.path for entry in entries]
    places = [*files, *{above.as_posix() for path in files for above in PurePosixPath(path).parents}]
    names = {unicodedata.normalize("NFKC", place).casefold() for place in places}
    is_plain = len(names) == len(places) and all(path.isprintable() for path in files)
    if not is_plain or any(entry.mode == _LINK for entry in entries):
        return frozenset()
    return frozenset(
        entry.path
        for entry in entries
        if entry.path in contents and _blob(contents[entry.path], entry.oid) == entry.oid
    )


def submodules(root: Path, commit: str, models: str) -> list[str]:
    """The folders of a commit that are other repositories, where definitions should be. Raises SettingsError."""
    below = f"{_folder(models)}/"
    found = (f"{one.path}/" for one in _parsed(_listed(root, commit), kinds={_SUBMODULE}))
    return [path.rstrip("/") for path in found if path.startswith(below) or below.startswith(path)]


def _lay_out(
    root: Path, commit: str, models: str, folder: Path, *, keeps_large: bool, without: Collection[str]
) -> None:
    models = _folder(models)
    if models.startswith(("/", "../")) or models == ".." or Path(models).is_absolute():
        message = f"the models folder {models!r} is not below the settings' folder"
        raise SettingsError(message, 'name a folder below it: models = "models"')
    entries = _sized(root, commit, (one for one in _entries(root, commit, models) if one.path not in without))
    small = [entry for entry in entries if entry.size <= _LARGEST]
    large = [(entry, b"") for entry in entries if entry.size > _LARGEST and keeps_large]
    if sum(entry.size for entry in small) > _MOST:
        raise _too_large(commit)
    (folder / models).mkdir(parents=True, exist_ok=True)
    # Links last: then nothing is ever written through one.
    for entry, content in sorted((*_contents(root, small), *large), key=lambda pair: pair[0].mode == _LINK):
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
                    if entry.size > _LARGEST:
                        stream.truncate(_LARGEST + 1)
        except ValueError:
            continue
        except OSError as error:
            if error.errno not in _UNFIT:
                message = f"the model files of {commit[:12]} can't be laid out: {error.strerror}"
                raise SettingsError(message, "see that the temporary folder is writable, and has room") from None


def _entries(root: Path, commit: str, models: str) -> Iterator[Entry]:
    """The files of a commit that could be model files, or named by one.

    Links below the models folder are followed as the loader follows them: what they lead to are definitions, too.
    """
    # Where a tree holds one name twice, the first counts.
    found = [entry for entry in _parsed(_listed(root, commit)) if _is_inside(entry.path)][::-1]
    ours = {entry.path: entry for entry in found if entry.path.endswith(_SQL)}
    ours |= _at(found, models)
    followed: set[str] = set()
    for _ in range(_MOST_STEPS):
        links = [entry for entry in ours.values() if entry.mode == _LINK and entry.path not in followed]
        followed.update(entry.path for entry in links)
        for entry, content in _contents(
            root, [one for one in _sized(root, commit, links) if one.size <= _LONGEST_LINK]
        ):
            target = content.decode("utf-8", "surrogateescape")
            ours |= _at(found, posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), target)))
    yield from ours.values()


def _at(entries: Iterable[Entry], path: str) -> dict[str, Entry]:
    """The model files and links at or below a path of the commit, and the links on the way to it."""
    below = "" if path == "." else f"{path.rstrip('/')}/"
    return {
        one.path: one
        for one in entries
        if (f"{one.path}/".startswith(below) and (one.path.endswith(_ENDINGS) or one.mode == _LINK))
        or (one.mode == _LINK and below.startswith(f"{one.path}/"))
    }


def _listed(root: Path, commit: str) -> bytes:
    """All files of a commit, as git lists them. Raises SettingsError for a commit that isn't here, or has too many."""
    try:
        process = subprocess.Popen(  # noqa: S603 - git, with arguments of ours
            [*_command(root), "ls-tree", "-r", "-z", commit],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_variables({}),
        )
    except (OSError, ValueError):
        raise _no_git() from None
    with process:
        alarm = threading.Timer(_SECONDS, process.kill)
        alarm.start()
        assert process.stdout is not None  # noqa: S101 - it was asked for
        listed = process.stdout.read(_LONGEST_LIST + 1)
        alarm.cancel()
        if len(listed) > _LONGEST_LIST:
            process.kill()
            raise _too_large(commit)
    if process.returncode:
        _asked(root, "rev-parse", "--git-dir")
        raise _missing(root, commit)
    return listed


def _too_large(commit: str) -> SettingsError:
    return SettingsError(
        f"the model files of {commit[:12]} are too many or too large to be compared", "name another commit"
    )


def _parsed(listed: bytes, kinds: Collection[str] = _FILES) -> Iterator[Entry]:
    """The files in what `ls-tree -z` lists, or what has another one of git's modes."""
    for line in listed.decode("utf-8", "surrogateescape").split("\0"):
        about, _, path = line.partition("\t")
        parts = about.split()
        if len(parts) == 3 and parts[0] in kinds:  # noqa: PLR2004 - mode, type, object
            yield Entry(parts[0], parts[2], path)


def _sized(root: Path, commit: str, entries: Iterable[Entry]) -> list[Entry]:
    """The files with their sizes. What a partial clone left on its remote is fetched first. Raises SettingsError."""
    found = list(islice(entries, _MOST_FILES + 1))
    if len(found) > _MOST_FILES:
        raise _too_large(commit)
    sizes = _sizes(root, found)
    missing = sorted({entry.oid for entry in found} - sizes.keys())
    if missing and _fetched(root, missing):
        sizes = _sizes(root, found)
    lost = [entry for entry in found if entry.oid not in sizes]
    if lost:
        lacks = f"{commit[:12]} can't be read whole: git has no {lost[0].path!r}"
        if remote := _promisor(root):
            message = f"{lacks}, for the clone is partial, and {remote} didn't give it"
            raise SettingsError(message, _whole(remote))
        raise SettingsError(lacks, "the clone is damaged: fetch it again")
    return [entry._replace(size=sizes[entry.oid]) for entry in found]


def _sizes(root: Path, entries: Iterable[Entry]) -> dict[str, int]:
    """The size of each object that the clone has."""
    wanted = _lines(entry.oid for entry in entries)
    if not wanted:
        return {}
    told = _asked(root, "cat-file", "--batch-check", given=wanted).stdout
    lines = (line.split() for line in told.decode("ascii", "replace").split("\n"))
    return {line[0]: int(line[2]) for line in lines if len(line) == 3 and line[1] == "blob"}  # noqa: PLR2004


def _lines(oids: Iterable[str]) -> bytes:
    """Objects as git reads them from its standard input."""
    return "".join(f"{oid}\n" for oid in oids).encode()


def _promisor(root: Path) -> str:
    """The remote that a partial clone left its objects on; empty for a whole clone."""
    done = _git(root, "config", "--type=bool", "--get-regexp", r"^remote\..*\.promisor$")
    lines = done.stdout.decode("utf-8", "replace").splitlines() if done is not None else []
    names = [line.removesuffix(" true") for line in lines if line.endswith(" true")]
    return names[0].removeprefix("remote.").removesuffix(".promisor") if names else ""


def _whole(remote: str) -> str:
    command = f"git fetch --refetch --no-filter {shlex.quote(remote)}"
    return f"run `{command}`: it makes the clone whole (in CI: check out without a filter)"


def _fetched(root: Path, oids: Sequence[str]) -> bool:
    """Whether the remote of a partial clone was asked for these objects, all at once.

    It's asked as git itself does when it needs one of them. Where the repository's own configuration names a program
    for that, nothing is asked: the folder may be somebody else's.
    """
    remote = _promisor(root)
    listed = _git(root, "config", "--list", "--show-scope", "--name-only", "-z")
    if not remote or listed is None or listed.returncode:
        return False
    fields = listed.stdout.decode("utf-8", "replace").split("\0")
    own = {key for scope, key in zip(fields[::2], fields[1::2], strict=False) if scope in {"local", "worktree"}}
    if any(key.rpartition(".")[2].lower() in _PROGRAMS for key in own):
        return False
    options = {"fetch.negotiationAlgorithm": "noop", **_FETCHING}
    # Unlike an option this can't be undone by one of the repository's.
    variables = {"GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file", **_configured(options)}
    flags = (*_ALONE, "--filter=blob:none", "--stdin")
    done = _git(root, "fetch", *flags, "--", remote, given=_lines(oids), more=variables)
    return done is not None and not done.returncode


def _is_inside(path: str) -> bool:
    """Whether a path of a tree stays where it is laid out; one that doesn't was made by hand."""
    return "\\" not in path and not path.startswith("/") and not {"..", ".git"} & set(PurePosixPath(path).parts)


def _contents(root: Path, entries: list[Entry]) -> Iterator[tuple[Entry, bytes]]:
    if not entries:
        return
    raw, at = _asked(root, "cat-file", "--batch", given=_lines(entry.oid for entry in entries)).stdout, 0
    for entry in entries:
        end = raw.find(b"\n", at)
        head_line = raw[at:end].split()
        if end < 0 or head_line[:2] != [entry.oid.encode(), b"blob"]:
            message = f"git could not read {entry.path!r} of the base"
            raise SettingsError(message, "the clone is damaged: fetch it again")
        size = int(head_line[2])
        yield entry, raw[end + 1 : end + 1 + size]
        at = end + size + 2


def _missing(root: Path, ref: str, why: str = "") -> SettingsError:
    """The error for a commit that isn't in this clone, with the command that brings it."""
    shown = "".join(c if c.isprintable() else "?" for c in ref[:200])
    if _HASH.fullmatch(ref) and (remote := _promisor(root)) and not _asked(root, "cat-file", "-e", ref).returncode:
        return SettingsError(f"{shown[:12]} can't be read: the clone is partial, and lacks its folders", _whole(remote))
    name = re.fullmatch(r"(?:refs/remotes/)?origin/([\w./-]+)", ref)
    if is_shallow(root):
        message = f"{shown} can't be compared: the clone is shallow" + (f", {why}" if why else " and doesn't hold it")
        refs = f" +refs/heads/{name[1]}:refs/remotes/origin/{name[1]}" if name else ""
        hint = (
            f"run `git fetch --no-tags --unshallow origin{refs}` (in GitHub Actions: `fetch-depth: 0` at the checkout)"
        )
        return SettingsError(message, hint)
    branch = name[1] if name else "main"
    message = f"git knows no commit {shown}" if not why else f"{shown} can't be compared: {why}"
    hint = f"name a branch, tag or commit, or run `git fetch --no-tags origin {branch}:refs/remotes/origin/{branch}`"
    return SettingsError(message, hint)


def _asked(
    root: Path, *arguments: str, given: bytes = b"", more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Git's answer; `more` are variables for it alone. Raises SettingsError where there is no git, or no repository."""
    done = _git(root, *arguments, given=given, more=more)
    if done is None:
        raise _no_git()
    if done.returncode == 128 and _git(root, "rev-parse", "--git-dir", check=True) is None:  # noqa: PLR2004 - git's own
        raise _no_repository(root)
    return done


def _no_git() -> SettingsError:
    return SettingsError(
        "git is not installed, or gave no answer", "install git: syncer reads from it what was applied last"
    )


def _no_repository(root: Path) -> SettingsError:
    """Why git sees no repository here. It tells the cause only in a sentence, so the folders are looked at."""
    real = root.resolve()
    found = next((folder for folder in (real, *real.parents) if (folder / ".git").exists()), None)
    if found is None:
        return SettingsError(
            f"{root} is not in a git repository", "work in a clone: syncer reads from git what was applied last"
        )
    path = shlex.quote(str(root))
    if hasattr(os, "geteuid") and {found.stat().st_uid, (found / ".git").stat().st_uid} != {os.geteuid()}:
        message = f"git doesn't trust {root}: it belongs to another user"
        return SettingsError(message, f"run `git config --global --add safe.directory {path}`")
    return SettingsError(f"git can't read the repository of {root}", f"run `git -C {path} status`: it says why")


def _git(
    root: Path, *arguments: str, given: bytes = b"", more: Mapping[str, str] | None = None, check: bool = False
) -> subprocess.CompletedProcess[bytes] | None:
    """Git's answer; None without one, and with `check` where it refuses."""
    try:
        return subprocess.run(  # noqa: S603 - git, with arguments of ours
            [*_command(root), *arguments],
            input=given,
            capture_output=True,
            env=_variables(more or {}),
            timeout=_SECONDS,
            check=check,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _command(root: Path) -> list[str]:
    # What a repository's own configuration could make git run stays off. A bare repository inside a work tree came with
    # somebody's branch.
    quiet = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "safe.bareRepository=explicit")
    return ["git", *quiet, "--no-pager", "-C", str(root)]


def _variables(more: Mapping[str, str]) -> dict[str, str]:
    # Nothing is fetched behind the user's back, a replaced object is not what was committed, and no credential of this
    # run is git's business.
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in _ELSEWHERE and name != "GITHUB_TOKEN" and not name.startswith("SYNCER_")
    }
    variables |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return {**variables, "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull, **more}
