"""From disk to Documents: the only room that opens files, knows YAML, and counts lines.

    disk           which files there are, and their bytes
    parse          YAML text → data, and what is wrong with it
    scalars        what a plain scalar means
    syntax_errors  the parser's complaints in words
    defaults       the `_defaults.yaml` of each folder
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
from syncer.desired.loader.defaults import Defaults, is_defaults, said
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
from syncer.model import DEFAULTS, LFS_POINTER, NO_COMMON, NO_INHERITANCE, Document, Origin, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from syncer.desired.loader.parse_cache import ParseCache
    from syncer.desired.loader.syntax_errors import Trouble
    from syncer.model import Common, Inheritance, Section

__all__ = ["Loaded", "content", "inherited", "load", "load_files", "means_same", "raw"]

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
    sections: tuple[Section, ...] = ()
    """Every `_defaults.yaml` that was read."""
    common: Common = NO_COMMON
    is_whole: bool = False
    """Whether it's every file of the folder."""
    known: Mapping[str, str] = field(default_factory=dict)
    """Under which name the parse cache has a file's meaning, by path."""


def load(
    root: Path,
    models: str = "models",
    taken: Sequence[Document] = (),
    cache: ParseCache | None = None,
    *,
    common: Common = NO_COMMON,
) -> Loaded:
    """Every model file below the folder `models` of `root`. Finding none is a problem. Raises nothing.

    What was read elsewhere is `taken` over, as if it stood there, too: only the SQL files that it names, and the
    defaults, are read here. `common` is what the settings say for all files. A file whose text the `cache` knows, with
    what it inherits, isn't parsed.
    """
    base = Root.of(str(root))
    folder = _folder(base, models)
    if isinstance(folder, Loaded):
        return folder
    reading = _Reading(base, folder, common, cache)
    return replace(reading.all_of(walk(base, folder), taken), is_whole=True)


def load_files(root: Path, models: str, paths: Iterable[str | Path], *, common: Common = NO_COMMON) -> Loaded:
    """The same for some files, or folders, below `models`; paths are relative to the working directory.

    An SQL file, wherever it stands, means the model files that name it. There may be none. A `_defaults.yaml` means
    every file of its folder, and below.
    """
    base = Root.of(str(root))
    folder = _folder(base, models)
    if isinstance(folder, Loaded):
        return folder
    given = [str(path) for path in paths]
    named = [path for path in given if path.endswith(SQL) and "\0" not in path]
    others = [path for path in given if path not in named]
    reading = _Reading(base, folder, common)
    parts = [_naming(reading, named)] if named else []
    if others or not named:
        parts.append(reading.all_of(found for path in others for found in _named(base, folder, path)))
    documents = {document.address: document for part in parts for document in part.documents}
    return reading.loaded(documents, [problem for part in parts for problem in part.problems])


def inherited(root: Path, models: str, path: str, common: Common) -> Inheritance:
    """What a model file at that path would inherit, whether or not it's there."""
    base = Root.of(str(root))
    folder = _folder(base, models)
    return NO_INHERITANCE if isinstance(folder, Loaded) else _Reading(base, folder, common).inherited(path)


def _naming(reading: _Reading, paths: Iterable[str]) -> Loaded:
    """The model files that name one of these SQL files."""
    files = {os.path.realpath(path): path for path in paths}
    missing = [
        Problem(Origin(shown(path)), *refusal)
        for real, path in files.items()
        if isinstance(refusal := read(real), Refusal)
    ]
    root = reading.root
    everything = reading.all_of(walk(root, reading.folder))
    kept = {one.address: one for one in everything.documents if sql_files.names(root, one, files)}
    about = {*(path for one in kept.values() for path in one.paths), *(root.relative(real) for real in files)}
    return reading.loaded(kept, [*missing, *(one for one in everything.problems if one.origin.path in about)])


def raw(root: Path, path: str) -> bytes | str:
    """Every byte of a file that is named from the root; or, as text, why it isn't read."""
    base = Root.of(str(root))
    try:
        real = base.join(path)
    except ValueError:
        return "no file can have this name"
    found = whole(real) if base.holds(real) else outside(path).message
    return found.message if isinstance(found, Refusal) else found


def means_same(one: bytes, other: bytes) -> bool:
    """Whether two texts of model files are read as the same, to the type of each value."""
    from syncer.desired.loader.parse import parse  # noqa: PLC0415 - a run whose files are known parses none

    first, second = parse(one, {}), parse(other, {})
    return json.dumps(first[0], sort_keys=True) == json.dumps(second[0], sort_keys=True) and not second[1]


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
    elif os.path.basename(inner) == DEFAULTS:  # noqa: PTH119
        yield from walk(root, os.path.dirname(inner) or ".")  # noqa: PTH120
    elif not inner.endswith(ENDING):
        yield wrong_ending(inner)
    elif not is_showable(inner):
        yield Problem(
            Origin(shown(inner)), "bad-file-name", "the name has a character that can't be shown", "rename it"
        )
    else:
        yield Found(inner, real)


class _Reading:
    """Reads what was found, with what each file inherits from the defaults of its folders and from the settings."""

    def __init__(self, root: Root, folder: str, common: Common, cache: ParseCache | None = None) -> None:
        self.root = root
        self.folder = folder
        self._defaults = Defaults(root, folder, common, self._data)
        self._cache = cache
        self._known: dict[str, str] = {}
        self._scalars: dict[str, Any] = {}

    def all_of(self, found: Iterable[Found | Problem], taken: Sequence[Document] = ()) -> Loaded:
        """What was found, beside what is taken over. Finding nothing is a problem."""
        documents: dict[str, Document] = {}
        problems: list[Problem] = []
        seen: set[str] = set()
        for document in taken:
            seen.add(document.path)
            given = replace(document, inherited=self._defaults.inherited(document.path, document.inherited))
            is_same = given.inherited is document.inherited
            documents[document.address], troubles = _with_files(self.root, document if is_same else given)
            problems += troubles
        for one in found:
            if isinstance(one, Problem):
                problems.append(one)
            elif is_defaults(one.path):
                self._defaults.of_folder_with(one.path)
            elif one.path not in seen:
                seen.add(one.path)
                read_one, troubles = self._document(one)
                problems += troubles
                if read_one is not None:
                    documents[read_one.address] = read_one
        if not seen and not problems:
            problems.append(
                Problem(
                    Origin(self.folder),
                    "no-files",
                    f"there is no model file ({ENDING}) in {self.folder}",
                    f"write one, {self.folder}/<name>{ENDING}; nothing to read is never taken for nothing to do",
                )
            )
        return self.loaded(documents, problems)

    def inherited(self, path: str) -> Inheritance:
        """What a file at that path inherits."""
        return self._defaults.inherited(path)

    def loaded(self, documents: Mapping[str, Document], problems: Iterable[Problem]) -> Loaded:
        """The documents by address, and every problem of them and of the defaults."""
        found = {*problems, *self._defaults.problems}
        return Loaded(
            tuple(documents[address] for address in sorted(documents)),
            tuple(sorted(found, key=lambda problem: (problem.origin, problem.rule, problem.message))),
            self._defaults.sections,
            self._defaults.common,
            known=self._known,
        )

    def _document(self, found: Found) -> tuple[Document | None, list[Problem]]:
        """One file's document, if it can be used, and its problems."""
        inherited = self._defaults.inherited(found.path)
        address = found.path.removeprefix(f"{self.folder}/").removesuffix(ENDING)
        raw = read(found.real)
        if self._cache is not None and isinstance(raw, bytes):
            digest = said(inherited)
            if (kept := self._cache.find(raw, digest)) is not None:
                name, known = kept
                self._known[found.path] = name
                marks = YamlMarks(partial(self._cache.read_again, found.real, name, digest))
                return Document(address, found.path, known, marks, inherited=inherited), []
        raw, data, problems = self._data(found, raw)
        if data is None:
            return None, problems
        document = Document(address, found.path, data, YamlMarks(raw), inherited=inherited)
        document, more = _with_files(self.root, document)
        return document, problems + more

    def _data(
        self, found: Found, raw: bytes | Refusal | None = None
    ) -> tuple[bytes, Mapping[str, Any] | None, list[Problem]]:
        """What one YAML file holds, None if there is no using it, and its problems."""
        raw = read(found.real) if raw is None else raw
        if isinstance(raw, Refusal):
            return b"", None, [Problem(Origin(found.path), raw.rule, raw.message, raw.hint)]
        if raw.startswith(b"version ") and LFS_POINTER.match(raw[:_LONGEST_POINTER].decode("utf-8", "replace")):
            message = "this is what Git LFS keeps in place of the file, not the file"
            hint = "fetch the file: git lfs pull (in CI, lfs: true at the checkout); or take model files out of Git LFS"
            return raw, None, [Problem(Origin(found.path, 1, 1), "lfs-pointer", message, hint, excerpt=excerpt(raw, 1))]
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            return raw, None, [_not_utf8(found.path, raw, error)]
        # The parser is slow to import: a run in which no file is new doesn't need it.
        from syncer.desired.loader.parse import parse  # noqa: PLC0415

        data, troubles = parse(raw, self._scalars)
        return raw, data, [_problem(found.path, raw, trouble) for trouble in troubles]


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
