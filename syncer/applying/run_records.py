"""What the applies of a folder replaced: one file a run in the state folder. An edge: it reads and makes files.

A record is the run's plan as a plan file has it (so no secret's value is in it), and what became of every change. It's
made before the first request that writes, so that a killed run leaves one, too. `checksum` is against accidents; a file
is bounded, must fit the schema, and is data alone.

Beside the folder stands an index: what a list of runs says of each that ended. An entry holds what the file system said
of the record when it was written, so it counts for that very file, untouched, and for no other. Where no entry counts,
the record is read whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from syncer import __version__, safe_files
from syncer.applying.past_run import Ending, LostRun, PastRun, tally
from syncer.desired import validate
from syncer.errors import SyncerError
from syncer.model import Target, shortlist

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from syncer.model import Json

FORMAT: Final = 1
"""The version of the shape; a file of another one is refused."""

LAST: Final = "last"
"""What stands for the newest run's name."""

MAX_BYTES: Final = 64 * 1024 * 1024
"""How large a record may be."""

_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}", re.ASCII)
# A record, or what a killed process left of writing one.
_OURS = re.compile(rf"\.?({_NAME.pattern})\.json(\..+)?", re.ASCII)
# The first bytes of every record: the keys of its JSON are sorted.
_BEGINS: Final = b'{"began":"'
_NO_RECORD: Final = "delete it: it is not a record of an apply"
_SUFFIXES: Final = 0x10000
_PIECE: Final = 1 << 20
_LARGEST_INDEX: Final = 1 << 20
_SHOWN: Final = 5


class RunError(SyncerError):
    """A run's record can't be used, or there is none; each cause has its own words."""


@dataclass(frozen=True, slots=True)
class Record:
    """A run, how each of its changes ended, by address, and its plan in the text of a plan file."""

    run: PastRun
    endings: Mapping[str, Ending]
    plan: str


# -- out -----------------------------------------------------------------------------------------------------------


def claim(folder: Path, began: datetime, digest: str) -> str:
    """A name that no other run has: its file is there, still empty. Raises OSError."""
    first = int(digest[:4], 16)
    for step in range(_SUFFIXES):
        name = f"{began:%Y%m%d-%H%M%S}-{(first + step) % _SUFFIXES:04x}"
        with suppress(FileExistsError):
            os.close(os.open(path(folder, name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            return name
    message = "every name of this second is taken"
    raise OSError(None, message)


def path(folder: Path, name: str) -> Path:
    """The file of a run."""
    return folder / f"{name}.json"


def write(folder: Path, run: PastRun, endings: Mapping[str, Ending], plan: IO[bytes]) -> None:
    """Write a run's record, whole or not at all, and its entry in the index if it ended. Raises RunError.

    `plan` is read from its beginning: the text of a plan file, which may be large.
    """
    file = path(folder, run.name)
    try:
        with _replacing(file) as stream:
            pour(stream, run, endings, plan)
    except OSError as error:
        message = f"{file} can't be written: {error.strerror}"
        raise RunError(message, "check the permissions of the folder, and the room on it") from None
    if run.ended:
        # Nothing depends on it: without an entry the record is read.
        with suppress(OSError):
            _enter(folder, run)


def pour(stream: IO[bytes], run: PastRun, endings: Mapping[str, Ending], plan: IO[bytes]) -> None:
    """Write the bytes of a record: canonical JSON. Target and commit stand in the plan."""
    outcomes = [
        {"address": address, "status": one.status, "id": one.id, "updated_at": one.updated_at}
        for address, one in endings.items()
    ]
    known = {"command": run.command, "ended": run.ended, "format": FORMAT, "name": run.name, "outcomes": outcomes}
    summed = hashlib.sha256()

    def put(piece: bytes) -> None:
        summed.update(piece)
        stream.write(piece)

    # The keys are sorted: `checksum` comes before nearly all that it's made of, and is put in last.
    put(f'{{"began":{_canonical(run.began)},'.encode())
    stream.write(b'"checksum":"')
    place = stream.tell()
    stream.write(b"0" * 2 * summed.digest_size + b'",')
    put(f'{_canonical(known)[1:-1]},"plan":'.encode())
    plan.seek(0)
    while piece := plan.read(_PIECE):
        put(piece.rstrip(b"\n"))
    put(f',"syncer":{_canonical(__version__)}}}'.encode())
    stream.write(b"\n")
    stream.seek(place)
    stream.write(summed.hexdigest().encode())


@contextmanager
def _replacing(file: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of another when it's whole, and that nobody else can read. Raises OSError."""
    handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        Path(temporary).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def prune(folder: Path, most: int, own: str = "") -> None:
    """Take away the oldest runs beyond so many, but not `own`. Raises OSError.

    Only what looks like a record is counted, and only files as old as those that go are taken away.
    """
    whole = [name for name in names(folder) if _looks_whole(path(folder, name))]
    for file in list(folder.iterdir()) if len(whole) > most else ():
        ours = _OURS.fullmatch(file.name)
        if ours and ours[1] <= whole[most] and ours[1] != own:
            with suppress(FileNotFoundError):  # another process may be quicker
                if stat.S_ISREG(file.lstat().st_mode):
                    file.unlink()


def _canonical(data: Json) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _checksum(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(data).encode()).hexdigest()


# -- in ------------------------------------------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    """The names of the runs that are kept, the newest first; none where there is no folder."""
    try:
        found = [file.name for file in folder.iterdir()]
    except OSError:
        return []
    return sorted((name[:-5] for name in found if name.endswith(".json") and _NAME.fullmatch(name[:-5])), reverse=True)


def _looks_whole(file: Path) -> bool:
    """Whether a file begins as every record does."""
    try:
        return _beginning(file, len(_BEGINS)) == _BEGINS
    except RunError:
        return False


def listed(folder: Path, schema: Mapping[str, Any]) -> list[PastRun | LostRun]:
    """Every run that is kept, the newest first; those that can't be read say why."""
    found: list[PastRun | LostRun] = []
    entries = _entries(folder)
    for name in names(folder):
        try:
            found.append(_entered(folder, name, entries.get(name)) or read(folder, name, schema).run)
        except RunError as error:
            found.append(LostRun(name, error.what))
    # A name tells the second, a record the moment.
    return sorted(found, key=_moment, reverse=True)


def _moment(run: PastRun | LostRun) -> tuple[str, str]:
    return run.name[:15], run.began if isinstance(run, PastRun) else ""


def find(folder: Path, said: str, schema: Mapping[str, Any]) -> str:
    """The run that is meant: `last`, or by the beginning of a name that only one has. Raises RunError.

    What is said is compared with names, and is never a path.
    """
    if said == LAST:
        meant = [run.name for run in listed(folder, schema)[:1]]
    else:
        meant = [name for name in names(folder) if said and name.startswith(said)]
    if len(meant) == 1:
        return meant[0]
    if not meant:
        what = "no run is kept" if said == LAST else f"no run {said!r} is kept"
        raise RunError(f"{what} in {folder}", "`syncer history` lists those that are")
    raise RunError(f"{said!r} may mean {len(meant)} runs: {shortlist(meant, _SHOWN)}", "give more of the name")


def read(folder: Path, name: str, schema: Mapping[str, Any]) -> Record:
    """The record of a run. Raises RunError."""
    raw = _bytes(path(folder, name))
    hint = "`syncer history` lists the others; what this one replaced has to be found elsewhere"
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise RunError(f"the record of run {name} is incomplete", hint) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("format") is True:
        raise RunError(f"the record of run {name} is of another version of syncer", hint)
    if (wrong := validate.misfit(data, schema)) is not None:
        raise RunError(f"the record of run {name} is not valid: {wrong}", hint)
    checksum = data.pop("checksum")
    try:
        is_whole = checksum == _checksum(data) and data["name"] == name
        record = _record(data)
    except (KeyError, ValueError, RecursionError):
        is_whole = False
    if not is_whole:
        raise RunError(f"the record of run {name} was altered after it was made", hint)
    return record


def _record(data: Mapping[str, Any]) -> Record:
    """Raises KeyError or ValueError where the outcomes aren't those of the plan's changes."""
    plan = data["plan"]
    is_new = {change["address"]: change["action"] == "create" for change in plan["changes"]}
    endings = {
        one["address"]: Ending(one["status"], one["id"], one["updated_at"], is_new[one["address"]])
        for one in data["outcomes"]
    }
    if endings.keys() != is_new.keys() or len(is_new) != len(plan["changes"]):
        raise ValueError
    target = Target(**plan["target"])
    counts = tally(endings.values())
    run = PastRun(data["name"], data["command"], data["began"], data["ended"], target, plan["commit"], counts)
    return Record(run, endings, _canonical(plan))


def _bytes(file: Path) -> bytes:
    """What the file holds, if it's of a bearable size."""
    raw = _beginning(file, MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise RunError(f"{file} is too large for a record ({MAX_BYTES:,} bytes at most)", _NO_RECORD)
    return raw


def _beginning(file: Path, most: int) -> bytes:
    """The first bytes of a file, if it's a regular one."""
    try:
        return safe_files.read(file, most - 1)[:most]
    except safe_files.IrregularError:
        raise RunError(f"{file} is not a regular file", _NO_RECORD) from None
    except OSError as error:
        raise RunError(f"{file}: {error.strerror}", _NO_RECORD) from None


# -- the index -----------------------------------------------------------------------------------------------------


def _index(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _entries(folder: Path) -> dict[str, Any]:
    """The index's entries by their runs' names; none where it can't be read, or was altered."""
    try:
        data = json.loads(_beginning(_index(folder), _LARGEST_INDEX))
        checksum, entries = data.pop("checksum"), data["runs"]
        is_sound = data == {"format": FORMAT, "runs": entries} and checksum == _checksum(data)
    except (RunError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return {}
    return entries if is_sound and isinstance(entries, dict) else {}


def _enter(folder: Path, run: PastRun) -> None:
    """Put a run whose record was just written into the index. Raises OSError."""
    kept = {*names(folder)}
    entries = {name: entry for name, entry in _entries(folder).items() if name in kept}
    entries[run.name] = {"record": _identity(path(folder, run.name)), "run": _told(run)}
    data = {"format": FORMAT, "runs": entries}
    with _replacing(_index(folder)) as stream:
        stream.write(_canonical({**data, "checksum": _checksum(data)}).encode())


def _entered(folder: Path, name: str, entry: Json) -> PastRun | None:
    """The run of an entry; None where it doesn't count for the record, or that couldn't be read itself."""
    try:
        identity, given = _identity(path(folder, name)), entry["run"]
        counts = {(str(status), bool(is_new)): int(count) for status, is_new, count in given["tally"]}
        run = PastRun(**{**given, "target": Target(**given["target"]), "tally": counts})
        texts = (run.command, run.began, run.ended, run.commit, run.target.environment, run.target.url)
        is_sound = entry == {"record": identity, "run": _told(run)} and run.name == name
        is_sound = is_sound and {*map(type, texts)} == {str} and identity[1] <= MAX_BYTES
    except (OSError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return run if is_sound else None


def _identity(file: Path) -> list[int]:
    """What is another after every change of a file, and of any other in its place. Raises OSError."""
    found = file.lstat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _told(run: PastRun) -> dict[str, Any]:
    return {**asdict(run), "tally": [[*way, count] for way, count in run.tally.items()]}
