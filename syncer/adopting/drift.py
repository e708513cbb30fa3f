"""Edits made outside git, taken into the files that are there: which live value goes to which place. Pure.

What can't be placed is a problem for a person, with what is live.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from syncer.adopting.new_files import ImportContext, UnsetVariable, UnwritableError, dotted, referenced
from syncer.model import ABSENT, Place, Problem, Severity, leaves
from syncer.plan.diff import same
from syncer.plan.planner import Cause
from syncer.secrets import Secret, SecretRef, is_mask

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from syncer.adopting.names import Variables
    from syncer.model import DesiredModel, Document, Json, Path, Target
    from syncer.plan.planner import Change

_LONGEST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class DriftEdits:
    """What of one model's drift goes into its file: edits of the YAML, and the text of its SQL file.

    `fields` are those that must be in step afterwards, `left` what a person has to do, `waiting` the fields in which
    git says something new.
    """

    change: Change
    edits: tuple[tuple[Path, Json], ...] = ()
    sql: tuple[str, str] | None = None
    fields: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    left: tuple[Problem, ...] = ()
    secrets: Mapping[str, Secret] | None = None

    @property
    def path(self) -> str:
        """The file."""
        return self.change.desired.document.path

    def only(self, fields: Collection[str]) -> DriftEdits:
        """The part of it that is about these fields."""
        return replace(
            self,
            edits=tuple(edit for edit in self.edits if field_of(edit[0]) in fields),
            sql=self.sql if "query" in fields else None,
            fields=tuple(field for field in self.fields if field in fields),
        )


def field_of(path: Path) -> str:
    """The field that a place in a file is about, as long as no environment is."""
    key = str(path[0])
    return {"connector": "connector_id", "query_file": "query"}.get(key, key)


@dataclass(frozen=True, slots=True)
class Revision:
    """One file with live values in it, and how it was."""

    path: str
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class DriftImport:
    """What taking drift into the files would change, and what can't be placed."""

    target: Target
    revisions: tuple[Revision, ...] = ()
    waiting: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By address: the fields in which git says something new that isn't applied yet."""
    left: tuple[Problem, ...] = ()
    settings: tuple[UnsetVariable, ...] = ()
    shared: tuple[str, ...] = ()
    """The environments that get the same values, because they stand at the top of the files."""


def drift_edits(
    change: Change,
    causes: Mapping[str, tuple[Cause, ...]] | None,
    manner: ImportContext,
    variables: Variables,
    owners: Mapping[str, Collection[str]],
) -> DriftEdits:
    """What of a model's differences is drift, and where in its file it goes.

    Without causes (there is no base) all of it is. `owners` are the definitions that name each SQL file.
    """
    taking = _Editing(change, manner, variables, owners)
    for field in change.changed:
        why = {Cause.DRIFT} if causes is None else {*causes[field]}
        if why == {Cause.CHANGE}:
            taking.waiting.append(field)
        elif why == {Cause.DRIFT}:
            taking.take(field)
        else:
            message = f"{field} of {change.address} was changed outside git, and in git, too"
            hint = (
                "if live is right, write it into the file by hand; if git is right, apply with `--on-drift overwrite`"
            )
            taking.leave(field, "conflicting-edit", message, hint)
    return DriftEdits(
        change,
        tuple(taking.edits),
        taking.sql,
        tuple(taking.fields),
        tuple(taking.waiting),
        tuple(taking.left),
        taking.secrets,
    )


class _Editing:
    """The fields of one model, taken one after the other."""

    def __init__(
        self, change: Change, manner: ImportContext, variables: Variables, owners: Mapping[str, Collection[str]]
    ) -> None:
        self.edits: list[tuple[Path, Json]] = []
        self.sql: tuple[str, str] | None = None
        self.fields: list[str] = []
        self.waiting: list[str] = []
        self.left: list[Problem] = []
        self.secrets: dict[str, Secret] = {}
        self._change = change
        self._desired: DesiredModel = change.desired
        self._document: Document = change.desired.document
        self._manner = manner
        self._variables = variables
        self._owners = owners

    def leave(self, field: str, rule: str, message: str, hint: str = "") -> None:
        """Report what stays as it is, at its place, with what is live."""
        live = f"live is {shortened(self._change.live.fields.get(field))}"
        said = f"{hint}; {live}" if hint else f"edit the file by hand; {live}"
        self.left.append(self._desired.problem(rule, message, field, hint=said, severity=Severity.WARNING))

    def take(self, field: str) -> None:
        """Decide where the live value of a field goes."""
        source, section = self._desired.sources.get(field, Place(()))
        live = self._change.live.fields.get(field)
        what = f"{field} of {self._change.address} was changed outside git"
        if section is not None:
            hint = "say it in the model file if it's true of this model alone, or change the default for every file"
            self.leave(field, "default-value", f"{what}, and its value is a default of {section.path}", hint)
        elif not source:
            self.leave(field, "not-placed", f"{what}, and the file doesn't say it")
        elif source[0] == "environments":
            self.leave(field, "environment-value", f"{what}, and its value comes from {dotted(source[:2])}")
        elif source == ("query_file",):
            self._take_sql(field, str(live))
        elif source == ("connector",):
            name = self._manner.connector(live) if isinstance(live, int) else ""
            if name:
                self._place(field, source, name)
            else:
                self.leave(field, "not-placed", f"{what}: no name means connector {live} alone", "use connector_id")
        elif field == "configuration":
            self._take_configuration(field, live, what)
        else:
            self._place(field, source, live)

    def _place(self, field: str, path: Path, value: Json) -> None:
        self.edits.append((path, value))
        self.fields.append(field)

    def _take_sql(self, field: str, live: str) -> None:
        file = self._document.files[self._document.data["query_file"]]
        others = sorted({*self._owners.get(file.path, ())} - {self._document.path})
        if others:
            what = f"{field} of {self._change.address} was changed outside git, and {file.path} is also that of"
            self.leave(field, "shared-sql", f"{what} {others[0]}", "give one of them a file of its own")
        else:
            self.sql = (file.path, live)
            self.fields.append(field)

    def _take_configuration(self, field: str, live: Json, what: str) -> None:
        if not isinstance(live, dict) or not live:
            self.leave(field, "not-placed", f"{what}: it's gone, and no file can say so", "remove it from the file")
            return
        given = self._document.data.get(field)
        try:
            value = self._blended(_with_own(live, given, self._desired.lifecycle.ignore_changes), given, (field,))
        except UnwritableError as error:
            self.leave(field, "not-placed", f"{what}: {error}")
            return
        rotated = [one for one in self._change.fields if one.path[0] == field and one.is_sensitive]
        for one in rotated:
            variable = getattr(one.after, "reference", "")
            if variable and isinstance(one.before, Secret):
                message = f"live {dotted(one.path)} of {self._change.address} differs from {variable}"
                hint = f"set {variable} to the new value where syncer runs (in CI: as a masked secret)"
                self.left.append(
                    self._desired.problem("rotated-secret", message, field, hint=hint, severity=Severity.WARNING)
                )
        self._place(field, (field,), value)

    def _blended(self, live: Json, given: Json, path: Path) -> Json:
        """Live's value with the file's own reference wherever it has one, and a new one for each other secret."""
        if isinstance(live, dict):
            inside = given if isinstance(given, dict) else {}
            return {key: self._blended(inner, inside.get(key), (*path, key)) for key, inner in live.items()}
        if isinstance(live, list):
            others = given if isinstance(given, list) and len(given) == len(live) else [None] * len(live)
            if _holds_secret(live) and not _is_same_but_for_secrets(live, given):
                # Elements may have moved, and their secrets with them: the place doesn't tell which reference is whose,
                # a value does, and where the server hides it nobody knows.
                if any(is_mask(leaf) for _, leaf in leaves(live)):
                    raise UnwritableError(f"{dotted(path)} is another list now, with secrets that the server hides")
                return referenced(live, self._refer, path)
            return [
                self._blended(inner, other, (*path, index))
                for index, (inner, other) in enumerate(zip(live, others, strict=True))
            ]
        if isinstance(live, Secret) and isinstance(given, dict) and given.keys() == {"env"}:
            return SecretRef(str(given["env"]))
        if isinstance(live, SecretRef):
            return live
        return referenced(live, self._refer, path)

    def _refer(self, secret: Secret, path: Path) -> SecretRef:
        reference = self._variables.of(secret, self._change.address, path)
        self.secrets[reference.variable] = secret
        return reference


def _holds_secret(value: Json) -> bool:
    return any(isinstance(leaf, Secret) for _, leaf in leaves(value))


def _is_same_but_for_secrets(live: Json, given: Json) -> bool:
    """Whether a file's value is the live one with references in the place of its secrets."""
    if isinstance(live, Secret):
        return isinstance(given, dict) and given.keys() == {"env"}
    if isinstance(live, dict) and isinstance(given, dict):
        return live.keys() == given.keys() and all(_is_same_but_for_secrets(live[key], given[key]) for key in live)
    if isinstance(live, list) and isinstance(given, list):
        return len(live) == len(given) and all(map(_is_same_but_for_secrets, live, given))
    return same(live, given)


def _with_own(live: Json, given: Json, ignored: Iterable[str]) -> Json:
    """Live's configuration with what the file says wherever it says that changes there are ignored."""
    for one in ignored:
        top, *path = one.split(".")
        if top == "configuration" and path:
            live = _put(live, given, path)
    return live


def _put(live: Json, given: Json, path: list[str]) -> Json:
    key, *rest = path
    if not isinstance(live, dict):
        return live
    own = given.get(key, ABSENT) if isinstance(given, dict) else ABSENT
    if own is ABSENT:
        return {name: inner for name, inner in live.items() if name != key} if not rest else live
    if not rest:
        return {**live, key: _as_given(own)}
    return {**live, key: _put(live[key], own, rest)} if key in live else live


def _as_given(value: Json) -> Json:
    """What stands in a file, its references as such."""
    if isinstance(value, dict):
        if value.keys() == {"env"} and isinstance(value["env"], str):
            return SecretRef(value["env"])
        return {key: _as_given(inner) for key, inner in value.items()}
    return [_as_given(inner) for inner in value] if isinstance(value, list) else value


def shortened(value: Json) -> str:
    """A live value in few characters, for a message; nothing secret is in it."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def sql_file_bytes(text: str, raw: bytes) -> bytes:
    """A query as an SQL file says it that held `raw`: its mark, its line ends, and how it ended."""
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    body = raw.decode("utf-8", "replace")
    tail = body[len(body.rstrip("\r\n")) :]
    returns = body.count("\r\n")
    lines = text.split("\n")
    end = "\r\n" if returns and returns * 2 >= body.count("\n") else "\n"
    return mark + (end.join(lines) + tail).encode()


def sql_file_owners(documents: Iterable[Document]) -> dict[str, set[str]]:
    """The definitions that name each SQL file, by its path."""
    found: dict[str, set[str]] = {}
    for document in documents:
        for file in document.files.values():
            found.setdefault(file.path, set()).add(document.path)
    return found


def unplaced_problem(taken: DriftEdits, path: Path, reason: str) -> Problem:
    """A place that the file has no room for, with what is live there, as a problem."""
    change, document = taken.change, taken.change.desired.document
    field = field_of(path)
    live = change.live.fields.get(field, ABSENT)
    for key in path[1:]:
        is_inside = (key in live) if isinstance(live, dict) else isinstance(live, list) and key in range(len(live))
        live = live[key] if is_inside else ABSENT
    return document.problem(
        "not-placed",
        f"{dotted((field, *path[1:]))} of {change.address} was changed outside git: {reason}",
        path,
        hint=f"edit the file by hand; {'live has none' if live is ABSENT else f'live is {shortened(live)}'}",
        severity=Severity.WARNING,
        key=True,
    )
