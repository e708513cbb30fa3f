"""From disk to Documents: the only room that opens files, knows YAML, and counts lines.

    disk           which files there are, and their bytes
    parse          YAML text → data, and what is wrong with it
    scalars        what a plain scalar means
    syntax_errors  the parser's complaints in words
    positions      lines, columns and excerpts of a text
    nodes          where each of its keys and values begins
    events         what a text is made of, for those who rewrite it
    parse_cache    what the texts of the run before meant
    sql_files      the SQL files that definitions name

Everything that can't be read is a located Problem, and every other file is read all the same.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from syncer.desired.loader import sql_files
from syncer.desired.loader.disk import (
    ENDING,
    SQL,
    Found,
    Refusal,
    Root,
    is_showable,
    outside,
    read,
    shown,
    walk,
    whole,
    wrong_ending,
)
from syncer.desired.loader.positions import YamlMarks, content, excerpt, place
from syncer.model import LFS_POINTER, Document, Origin, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from syncer.desired.loader.parse_cache import ParseCache
    from syncer.desired.loader.syntax_errors import Trouble

__all__ = ["Loaded", "content", "load", "load_files", "raw"]

_LONGEST_POINTER: Final = 200
"""How much of a file tells whether it's a pointer of Git LFS, in bytes."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read, by address, and what could not be, by place.

    A document may have problems too (a key twice, say): it's there so that the rest of it can be checked in the same
    run, and must not be planned while any problem is an error.
    """

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    """Under which name the parse cache has a file's meaning, by path."""


def load(root: Path, models: str = "models", taken: Sequence[Document] = (), cache: ParseCache | None = None) -> Loaded:
    """Every model file below the folder `models` of `root`. Finding none is a problem. Raises nothing.

    What was read elsewhere is `taken` over, as if it stood there, too: only the SQL files that it names are read here.
    A file whose text the `cache` knows isn't parsed.
    """
    base = Root.of(str(root))
    folder = _folder(base, models)
    return folder if isinstance(folder, Loaded) else _loaded(base, folder, walk(base, folder), taken, cache)


def load_files(root: Path, models: str, paths: Iterable[str | Path]) -> Loaded:
    """The same for some files, or folders, below `models`; paths are relative to the working directory.

    An SQL file, wherever it stands, means the model files that name it. There may be none.
    """
    base = Root.of(str(root))
    folder = _folder(base, models)
    if isinstance(folder, Loaded):
        return folder
    given = [str(path) for path in paths]
    named = [path for path in given if path.endswith(SQL) and "\0" not in path]
    others = [path for path in given if path not in named]
    parts = [_naming(base, folder, named)] if named else []
    if others or not named:
        parts.append(_loaded(base, folder, (found for path in others for found in _named(base, folder, path))))
    documents = {document.address: document for part in parts for document in part.documents}
    return _sorted(documents, [problem for part in parts for problem in part.problems])


def _naming(root: Root, folder: str, paths: Iterable[str]) -> Loaded:
    """The model files that name one of these SQL files."""
    files = {os.path.realpath(path): path for path in paths}
    missing = [
        Problem(Origin(shown(path)), *refusal)
        for real, path in files.items()
        if isinstance(refusal := read(real), Refusal)
    ]
    everything = _loaded(root, folder, walk(root, folder))
    kept = {one.address: one for one in everything.documents if sql_files.names(root, one, files)}
    about = {*(one.path for one in kept.values()), *(root.relative(real) for real in files)}
    return _sorted(kept, [*missing, *(one for one in everything.problems if one.origin.path in about)])


def raw(root: Path, path: str) -> bytes | str:
    """Every byte of a file that is named from the root; or, as text, why it isn't read."""
    base = Root.of(str(root))
    try:
        real = base.join(path)
    except ValueError:
        return "no file can have this name"
    found = whole(real) if base.holds(real) else outside(path).message
    return found.message if isinstance(found, Refusal) else found


def _folder(root: Root, models: str) -> str | Loaded:
    """The models folder as a path from the root, or the problem with it."""
    try:
        real = root.join(models)
        exists = os.path.isdir(real)  # noqa: PTH112
    except ValueError:
        return Loaded((), (_no_folder(root, models),))
    if not root.holds(real):
        return Loaded((), (outside(models),))
    folder = os.path.normpath(models).replace(os.sep, "/")
    if root.relative(real) != folder:
        return Loaded((), (_linked(models, root.relative(real)),))
    if not exists:
        return Loaded((), (_no_folder(root, models),))
    return folder


def _linked(models: str, real: str) -> Problem:
    """The problem with a link in the folder's place: a commit has the link there, and none of the files behind it."""
    message = f"{shown(models)} is a symbolic link, or stands behind one: a commit has only the link there"
    return Problem(
        Origin(shown(models)), "linked-models", message, f"name the folder itself: models = {json.dumps(real)}"
    )


def _no_folder(root: Root, models: str) -> Problem:
    return Problem(
        Origin(shown(models)),
        "no-models-folder",
        f"there is no folder {shown(models)} in {shown(root.given)}",
        'run syncer in the repository that has it, or name the folder in the settings: models = "…"',
    )


def _named(root: Root, folder: str, path: str) -> Iterator[Found | Problem]:
    """What one path of the command line means."""
    absolute = os.path.abspath(path)  # noqa: PTH100
    # The root may be reached by a symlink: what counts is where the file is below it, as it's written.
    inner = next(
        (
            os.path.relpath(absolute, base).replace(os.sep, "/")
            for base in (root.given, root.real)
            if absolute == base or absolute.startswith(base.rstrip(os.sep) + os.sep)
        ),
        None,
    )
    if "\0" in path or inner is None or not (folder in {".", inner} or inner.startswith(f"{folder}/")):
        yield Problem(
            Origin(shown(path)),
            "outside-models",
            f"this file is not below the models folder, {folder}",
            "name files of that folder, or set `models` in the settings",
        )
        return
    real = root.join(inner)
    if not root.holds(real):
        yield outside(inner)
    elif os.path.isdir(real):  # noqa: PTH112
        yield from walk(root, inner)
    elif not inner.endswith(ENDING):
        yield wrong_ending(inner)
    elif not is_showable(inner):
        yield Problem(
            Origin(shown(inner)), "bad-file-name", "the name has a character that can't be shown", "rename it"
        )
    else:
        yield Found(inner, real)


def _loaded(
    root: Root,
    folder: str,
    found: Iterable[Found | Problem],
    taken: Sequence[Document] = (),
    cache: ParseCache | None = None,
) -> Loaded:
    """Read what was found, beside what is taken over."""
    documents: dict[str, Document] = {}
    problems: list[Problem] = []
    known: dict[str, str] = {}
    scalars: dict[str, Any] = {}
    seen: set[str] = set()
    for document in taken:
        seen.add(document.path)
        documents[document.address], troubles = _with_files(root, document)
        problems += troubles
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
        elif one.path not in seen:
            seen.add(one.path)
            raw = read(one.real)
            if cache is not None and isinstance(raw, bytes) and (kept := cache.find(raw)) is not None:
                address = _address(folder, one.path)
                known[one.path], data = kept
                marks = YamlMarks(partial(cache.read_again, one.real, known[one.path]))
                documents[address] = Document(address, one.path, data, marks)
                continue
            read_one, troubles = _document(root, folder, one, raw, scalars)
            problems += troubles
            if read_one is not None:
                documents[read_one.address] = read_one
    if not seen and not problems:
        problems.append(
            Problem(
                Origin(folder),
                "no-files",
                f"there is no model file ({ENDING}) in {folder}",
                f"write one, {folder}/<name>{ENDING}; nothing to read is never taken for nothing to do",
            )
        )
    return replace(_sorted(documents, problems), known=known)


def _sorted(documents: Mapping[str, Document], problems: Iterable[Problem]) -> Loaded:
    return Loaded(
        tuple(documents[address] for address in sorted(documents)),
        tuple(sorted(set(problems), key=lambda problem: (problem.origin, problem.rule, problem.message))),
    )


def _document(
    root: Root, folder: str, found: Found, raw: bytes | Refusal, scalars: dict[str, Any]
) -> tuple[Document | None, list[Problem]]:
    """One file's document, if it can be used, and its problems."""
    if isinstance(raw, Refusal):
        return None, [Problem(Origin(found.path), raw.rule, raw.message, raw.hint)]
    if raw.startswith(b"version ") and LFS_POINTER.match(raw[:_LONGEST_POINTER].decode("utf-8", "replace")):
        message = "this is what Git LFS keeps in place of the file, not the file"
        hint = "fetch the file: git lfs pull (in CI, lfs: true at the checkout); or take model files out of Git LFS"
        return None, [Problem(Origin(found.path, 1, 1), "lfs-pointer", message, hint, excerpt=excerpt(raw, 1))]
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return None, [_not_utf8(found.path, raw, error)]
    # The parser is slow to import: a run in which no file is new doesn't need it.
    from syncer.desired.loader.parse import parse  # noqa: PLC0415

    data, troubles = parse(raw, scalars)
    problems = [_problem(found.path, raw, trouble) for trouble in troubles]
    if data is None:
        return None, problems
    document, more = _with_files(root, Document(_address(folder, found.path), found.path, data, YamlMarks(raw)))
    return document, problems + more


def _address(folder: str, path: str) -> str:
    return path.removeprefix(f"{folder}/").removesuffix(ENDING)


def _with_files(root: Root, document: Document) -> tuple[Document, list[Problem]]:
    """The document with the SQL files that it names as they are below this root, and what is wrong with them."""
    if "query_file" not in document.data and "environments" not in document.data:
        return document, []
    files, problems = sql_files.read_all(root, document)
    return (replace(document, files=files) if files or document.files else document), problems


def _problem(path: str, raw: bytes, trouble: Trouble) -> Problem:
    line, column = place(raw, trouble.offset)
    return Problem(Origin(path, line, column), trouble.rule, trouble.message, trouble.hint, excerpt=excerpt(raw, line))


def _not_utf8(path: str, raw: bytes, error: UnicodeDecodeError) -> Problem:
    line, column = place(raw, len(raw[: error.start].decode()))
    is_utf16 = raw[:2] in {b"\xff\xfe", b"\xfe\xff"}
    message = "the file is UTF-16, not UTF-8" if is_utf16 else "this is not UTF-8"
    hint = "save the file as UTF-8"
    return Problem(Origin(path, line, column), "bad-encoding", message, hint, excerpt=excerpt(raw, line))
