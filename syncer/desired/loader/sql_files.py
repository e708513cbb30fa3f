"""The SQL files that model files name with `query_file`: their texts, or why they can't be read."""

from __future__ import annotations

import os
import re
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from syncer.desired.loader.disk import MAX_BYTES, SQL, Refusal, is_showable, read
from syncer.desired.loader.positions import excerpt, place
from syncer.model import Origin, Problem, TextFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from syncer.desired.loader.disk import Root
    from syncer.model import Document, Path

_LINE_END: Final = re.compile(r"\r\n?")


def read_all(root: Root, document: Document) -> tuple[Mapping[str, TextFile], list[Problem]]:
    """Every SQL file that the document names, by the name as it's written there, and what is wrong with the rest."""
    files: dict[str, TextFile] = {}
    problems: list[Problem] = []
    for path, name in _named(document.data):
        if name in files:
            continue
        outcome = _read(root, document, name)
        if isinstance(outcome, TextFile):
            files[name] = outcome
        elif isinstance(outcome, Problem):
            problems.append(outcome)
        else:
            problems.append(document.problem(outcome.rule, outcome.message, path, hint=outcome.hint))
    return files, problems


def names(root: Root, document: Document, wanted: Collection[str]) -> bool:
    """Whether the document names one of these files, which are given as real paths."""
    folder = os.path.dirname(document.path)  # noqa: PTH120
    return any(root.join(os.path.join(folder, name)) in wanted for _, name in _named(document.data) if "\0" not in name)  # noqa: PTH118


def _named(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Where the document names SQL files: at the top, and in its environments."""
    if isinstance(data.get("query_file"), str):
        yield ("query_file",), data["query_file"]
    environments = data.get("environments")
    if isinstance(environments, dict):
        for environment, values in environments.items():
            if isinstance(values, dict) and isinstance(values.get("query_file"), str):
                yield ("environments", environment, "query_file"), values["query_file"]


def _read(root: Root, document: Document, name: str) -> TextFile | Problem | Refusal:
    if name.startswith("/") or PureWindowsPath(name).anchor or PureWindowsPath(name).drive:
        return _outside("an absolute path")
    if not name.strip() or not is_showable(name):
        return Refusal(
            "query-file-missing",
            "this file name doesn't mean the same on every system",
            "write it with `/` between folders, relative to this file: query_file: sql/users.sql",
        )
    real = root.join(os.path.join(os.path.dirname(document.path), name))  # noqa: PTH118, PTH120
    if not root.holds(real):
        return _outside("a path that leads out of the repository")
    path = root.relative(real)
    # .git/config holds a token in CI, .env holds anything: a plan would print them as a query.
    if any(part.startswith(".") for part in path.split("/")):
        return _outside("a hidden file or folder")
    raw = read(real)
    if isinstance(raw, Refusal):
        return _missing(name, raw) if raw.rule == "unreadable" else raw._replace(message=f"{name}: {raw.message}")
    if not path.endswith(SQL):
        return _outside("no .sql file")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line, column = place(raw, len(raw[: error.start].decode()))
        hint = f"save it as UTF-8 (it is named by {document.path})"
        return Problem(
            Origin(path, line, column), "bad-encoding", "this is not UTF-8", hint, excerpt=excerpt(raw, line)
        )
    # A checkout on Windows must send what one on Linux sends.
    return TextFile(path, _LINE_END.sub("\n", text))


def _outside(what: str) -> Refusal:
    return Refusal(
        "query-file-outside",
        f"query_file is {what}: only files of this repository are read",
        "name a file of the repository, relative to this file",
    )


def _missing(name: str, refusal: Refusal) -> Refusal:
    return Refusal(
        "query-file-missing",
        f"{name}: {refusal.message}",
        f"query_file is relative to this file; it may be as large as {MAX_BYTES // 1024:,} KiB",
    )
