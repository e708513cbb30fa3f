"""The state folder: what syncer remembers on this machine. The only place that knows where it stands. An edge.

Nothing of it stands in the repository, because a commit could bring it there. Each settings' folder has one of its own,
below the user's folder for such things or below `SYNCER_STATE_DIR`:

    NAME-HASH/            of the repository's real path and the settings' folder in it; only the user may enter
      belongs.json        which repository and folder that is
      parse_cache.json    what the definitions meant in the last run
      runs/               what applies replaced
      runs.json           what a list of them says, so that it needn't read them
      sandbox.db          the embedded server's models
      servers.json        the servers that credentials went to; for a whole repository, at its top
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import safe_files
from syncer.errors import SyncerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.model import Json

VARIABLE: Final = "SYNCER_STATE_DIR"
"""The variable that names another folder for all of it."""

_LABEL: Final = "belongs.json"
_SERVERS: Final = "servers.json"
_MAX_BYTES: Final = 1 << 20
_ELSEWHERE: Final = f"set {VARIABLE} to the absolute path of a folder of your own, outside the repository"
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class StateError(SyncerError):
    """The state folder, or something in it, is not as syncer makes it; each cause has its own words."""


class UnavailableError(StateError):
    """There is no state folder, and none can be made: no home, no permission, no room."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The state folder of a settings' folder that isn't there any more; `is_here` if it's the one asked about."""

    folder: Path
    state: Path
    is_here: bool


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The state folder of one settings' folder, given by its repository's real path and its place in there."""

    root: Path
    repository: Path
    folder: str = "."

    @property
    def path(self) -> Path:
        """Where it stands, whether it's there or not."""
        prefix = re.sub(r"[^A-Za-z0-9._-]+", "-", self.repository.name)[:32].strip(".-")
        key = hashlib.sha256(b"\0".join((os.fsencode(self.repository), os.fsencode(self.folder)))).hexdigest()[:16]
        return self.root / f"{prefix or 'folder'}-{key}"

    def made(self, inner: str = "") -> Path:
        """The folder, or one in it: made if it's missing. Raises StateError."""
        try:
            for above in reversed(self.root.parents):
                if not above.exists():
                    above.mkdir(mode=0o700, exist_ok=True)
            for folder in self._chain(inner):
                if not _is_ours(folder):
                    with suppress(FileExistsError):  # another process may be quicker
                        folder.mkdir(mode=0o700)
                    _is_ours(folder)
            self._label()
        except OSError as error:
            raise _unavailable(self.path, error) from None
        return self.path / inner

    def looked_at(self, inner: str = "") -> Path:
        """The folder, or one in it: it may be missing. Raises StateError."""
        try:
            for folder in self._chain(inner):
                if not _is_ours(folder):
                    break
        except OSError as error:
            raise _unavailable(self.path, error) from None
        return self.path / inner

    def file(self, name: str) -> Path:
        """A file in the folder, which is made; the file may be missing, and is no link. Raises StateError."""
        path = self.made() / name
        if path.is_symlink():
            raise _linked(path)
        return path

    def lost(self) -> Iterator[Lost]:
        """The state folders whose settings' folder is gone, or is this one by another path."""
        own = _identity(self.repository / self.folder)
        with suppress(OSError):
            for state in sorted(self.root.iterdir()):
                label = _label_in(state) if state != self.path else None
                if label is not None:
                    folder = Path(str(label.get("repository")), str(label.get("folder")))
                    is_here = own is not None and all(label.get(key) == value for key, value in own.items())
                    if is_here or not os.path.lexists(folder):
                        yield Lost(folder, state, is_here)

    # -- servers ---------------------------------------------------------------------------------------------------

    def servers(self) -> dict[str, str]:
        """The server that each environment's credentials went to last. Raises StateError."""
        file = self.looked_at() / _SERVERS
        try:
            raw = _bytes(file)
            known = {} if raw is None else json.loads(raw)
        except (OSError, ValueError, RecursionError):
            known = None
        if not isinstance(known, dict) or not all(isinstance(server, str) for server in known.values()):
            message = f"{file} can't be read, so nobody can tell which servers your credentials went to before"
            raise StateError(message, "look at the api_url in your settings; if it's right, delete that file")
        return known

    def remember(self, environment: str, server: str) -> None:
        """Keep where an environment's credentials go. Raises StateError."""
        file = self.file(_SERVERS)
        try:
            _write(file, {**self.servers(), environment: server})
        except OSError as error:
            raise _unavailable(file, error) from None

    # -- inside ----------------------------------------------------------------------------------------------------

    def _chain(self, inner: str) -> tuple[Path, ...]:
        return (self.root, self.path, *([self.path / inner] if inner else []))

    def _label(self) -> None:
        """Say whose folder this is; anew where somebody took a moved one over."""
        label: dict[str, Json] = {
            "repository": str(self.repository),
            "folder": self.folder,
            **(_identity(self.repository / self.folder) or {}),
        }
        if _label_in(self.path) != label:
            _write(self.path / _LABEL, label)


def folder_of(settings: Path, variables: Mapping[str, str]) -> StateFolder:
    """The state folder of a settings' folder. Raises StateError."""
    settings = settings.resolve()
    repository = _repository(settings)
    return StateFolder(_root(variables, repository), repository, settings.relative_to(repository).as_posix())


def repository_folder_of(settings: Path, variables: Mapping[str, str]) -> StateFolder:
    """The state folder of a whole repository, its worktrees included: no branch can choose it. Raises StateError."""
    repository = _repository(settings.resolve())
    return StateFolder(_root(variables, repository), _main(repository))


def _repository(folder: Path) -> Path:
    """The top of the repository around a folder, else the folder."""
    return next((above for above in (folder, *folder.parents) if os.path.lexists(above / ".git")), folder)


def _main(repository: Path) -> Path:
    """The repository that a worktree is one of; any other is its own. No commit can bring what is read here."""
    with suppress(OSError, ValueError):
        given = (_bytes(repository / ".git") or b"").decode()
        if given.startswith("gitdir: "):
            git = repository / given.removeprefix("gitdir: ").strip()
            if common := (_bytes(git / "commondir") or b"").decode().strip():
                shared = (git / common).resolve()
                return shared.parent if shared.name == ".git" else shared
    return repository


def _root(variables: Mapping[str, str], repository: Path) -> Path:
    if given := variables.get(VARIABLE):
        root = Path(given)
        if not root.is_absolute():
            # A relative path would mean another folder for each working directory, mostly one in the repository.
            raise StateError(f"{VARIABLE} is no absolute path: {given!r}", "write all of it, from the root on")
    else:
        import platformdirs  # noqa: PLC0415 - only where it's asked

        root = platformdirs.user_state_path("syncer", appauthor=False)
        if not root.is_absolute():
            raise UnavailableError("there is no home folder to keep anything in", _ELSEWHERE)
    root = Path(os.path.realpath(root))
    tops = {repository, _main(repository)} if os.path.lexists(repository / ".git") else set()
    if any(root.is_relative_to(top) for top in tops):
        raise StateError(f"the state folder {root} lies in the repository, where a commit could bring it", _ELSEWHERE)
    return root


def _is_ours(folder: Path) -> bool:
    """Whether the folder is there. Raises StateError if it isn't the user's own, OSError."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    if stat.S_ISLNK(found.st_mode):
        raise _linked(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise UnavailableError(f"{folder} is in the way: it's no folder", f"move it away, or {_ELSEWHERE}")
    if os.name != "nt":
        if found.st_uid != os.geteuid():
            raise StateError(f"the state folder {folder} belongs to somebody else", _ELSEWHERE)
        if found.st_mode & _OTHERS_WRITE:
            raise StateError(f"others may write into the state folder {folder}", f"run `chmod go-w {folder}`")
    return True


def _linked(path: Path) -> StateError:
    return StateError(f"syncer keeps nothing behind a symbolic link: {path}", "remove the link")


def _unavailable(path: Path, error: OSError) -> UnavailableError:
    hint = f"make the folder writable, or {_ELSEWHERE}"
    return UnavailableError(f"nothing can be kept in {path}: {error.strerror}", hint)


def _identity(folder: Path) -> dict[str, Json] | None:
    """What a folder keeps when it's moved: its device and inode."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return {"device": found.st_dev, "inode": found.st_ino}


def _label_in(state: Path) -> dict[str, Json] | None:
    """The label of a state folder; None where there is none of ours."""
    try:
        label = json.loads(_bytes(state / _LABEL) or b"") if _is_ours(state) else None
    except (OSError, ValueError, RecursionError, StateError):
        return None
    return label if isinstance(label, dict) else None


def _bytes(file: Path) -> bytes | None:
    """What a small regular file holds; None if there is none. Raises OSError, ValueError."""
    try:
        raw = safe_files.read(file, _MAX_BYTES)
    except FileNotFoundError:
        return None
    except safe_files.IrregularError:
        raise ValueError from None
    if len(raw) > _MAX_BYTES:
        raise ValueError
    return raw


def _write(file: Path, data: Mapping[str, Json]) -> None:
    """Whole or not at all, also where another process writes the same. Raises OSError."""
    safe_files.write_whole(file, f"{json.dumps(data, indent=2, sort_keys=True)}\n".encode())
