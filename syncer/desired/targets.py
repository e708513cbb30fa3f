"""Which definitions a run is about: `--target`, `--connector`, `--query-type` and `--changed`. Pure.

A run about some of the files isn't stopped by what is wrong in the others, as far as it doesn't concern these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple
from unicodedata import normalize

from syncer.desired.validate import guard_of
from syncer.errors import SettingsError
from syncer.model import NOWHERE, DesiredState, Problem, Severity, shortlist

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from syncer.desired.loader import Loaded
    from syncer.model import Bound, Connector, DesiredModel, Document

_MODEL_FILE: Final = re.compile(r"\.ya?ml$")
_ID_LINE: Final = re.compile(r"""\bid["']?\s*:\s*(?:#[^\n]*\n\s*)*([^\n]*)""")
_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U(00(?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{4}))")
"""How double quotes in YAML write a character by its number."""
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_MANY: Final = 5
"""How many files a message lists."""


class Traits(NamedTuple):
    """What of a definition decides whether it's meant; its connector by name or by id, or both."""

    address: str
    path: str
    connectors: frozenset[str]
    query_type: str

    @classmethod
    def of(cls, address: str, path: str, values: Mapping[str, object], connector: str = "") -> Traits:
        """Those of one environment's values, which may not be valid."""
        names = {connector, _text(values.get("connector")), _text(values.get("connector_id"))} - {""}
        return cls(address, path, frozenset(names), _text(values.get("query_type")))


@dataclass(frozen=True, slots=True)
class Targets:
    """What a definition must be for a run to be about it; all of what is given must fit, and nothing means all.

    `changed` are the paths of the definitions that a branch touches, None where that wasn't asked. `unread` are the
    files that aren't valid, and that the run leaves aside; `unread_ids` may stand in those that can't be parsed.
    """

    addresses: Sequence[str] = ()
    connectors: Sequence[str] = ()
    query_types: Sequence[str] = ()
    changed: Collection[str] | None = None
    unread: Sequence[str] = ()
    unread_ids: Collection[int] = ()

    @property
    def are_all(self) -> bool:
        """Whether nothing was asked for, so that every definition is meant."""
        return not (self.addresses or self.connectors or self.query_types) and self.changed is None

    def has(self, one: Traits) -> bool:
        """Whether a definition, or a live model, is meant."""
        return (
            is_named(one.address, one.path, self.addresses)
            and (not self.connectors or not one.connectors.isdisjoint(self.connectors))
            and (not self.query_types or one.query_type in self.query_types)
            and (self.changed is None or one.path in self.changed)
        )

    def with_connectors(self, known: Sequence[Connector]) -> Targets:
        """The same with the name and the id of each connector that was asked for: definitions give either."""
        asked = {*self.connectors}
        both = (word for one in known for word in (one.name, str(one.id)) if asked & {one.name, str(one.id)})
        return replace(self, connectors=(*self.connectors, *both))

    def may_have(self, address: str, path: str) -> bool:
        """Whether a file that can't be read is meant, as far as its path tells: what else was asked for can't be told.

        One that only its content could tell is left aside, and named.
        """
        is_told = bool(self.addresses) or self.changed is not None
        return is_told and is_named(address, path, self.addresses) and (self.changed is None or path in self.changed)


ALL: Final = Targets()


def traits_of(model: DesiredModel) -> Traits:
    """Those of a desired model."""
    return Traits.of(model.address, model.document.path, model.fields, model.connector)


def targeted(desired: DesiredState, targets: Targets) -> DesiredState:
    """The definitions that are meant. Raises SettingsError for what names none."""
    refuse_unknown([traits_of(model) for model in desired.models], targets, "definition")
    return DesiredState(tuple(model for model in desired.models if targets.has(traits_of(model))))


def refuse_unknown(known: Sequence[Traits], targets: Targets, what: str) -> None:
    """Raise SettingsError for a value that nothing known answers to, and for values that nothing answers to at once.

    A branch may well touch none.
    """
    for pattern in targets.addresses:
        if not any(is_named(one.address, one.path, (pattern,)) for one in known):
            near = get_close_matches(pattern, [one.address for one in known], 1)
            hint = f"did you mean {near[0]}?" if near else "addresses are paths below the models folder, without .yaml"
            raise SettingsError(f"--target {pattern} matches no {what}", hint)
    connectors = {name for one in known for name in one.connectors}
    query_types = {one.query_type for one in known} - {""}
    for flag, asked, found in (
        ("--connector", targets.connectors, connectors),
        ("--query-type", targets.query_types, query_types),
    ):
        if asked and found.isdisjoint(asked):
            near = get_close_matches(asked[0], sorted(found), 1)
            listed = shortlist(sorted(found), 2 * _MANY) or "none"
            hint = f"did you mean {near[0]}?" if near else f"the {what}s have: {listed}"
            raise SettingsError(f"{flag} {asked[0]} matches no {what}", hint)
    if not targets.are_all and targets.changed is None and not any(map(targets.has, known)):
        raise SettingsError(f"no {what} matches all the flags at once", "leave one of the flags out")


def is_named(address: str, path: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern means the definition of this address, as the progress lines write it, or of this file.

    A disk may spell an accent in two characters where a keyboard writes one: both mean the same name.
    """
    names = [normalize("NFC", name) for name in (address, f"model.{address}", path)]
    composed = [normalize("NFC", pattern) for pattern in patterns]
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in composed)


# -- files that aren't valid -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Concern:
    """What of some files a run about `targets` must know: its definitions, and every problem that concerns it."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    targets: Targets
    chosen: tuple[Document, ...]
    """Those of the documents that are meant in any environment that was looked at."""


def concern(
    loaded: Loaded,
    problems: Sequence[Problem],
    targets: Targets,
    environments: Collection[str],
    texts: Mapping[str, str | None],
    models: str,
) -> Concern:
    """The files, without those that aren't valid and don't concern the targets.

    A file that can be parsed is kept with what it guards: the live model that it means is nobody else's. One that can't
    be parsed has its text in `texts`, None for what nobody can read. A definition whose id or name stands there may be
    declared twice, and is refused.
    """
    chosen = [one for one in loaded.documents if _is_meant(one, targets, environments)]
    possible = [one for one in loaded.documents if _is_meant(one, targets, environments, loosely=True)]
    wrong = {path for problem in problems if problem.is_error for path in (problem.path, problem.origin.path)}
    near = {path for one in possible for path in one.paths}
    others = {one.path: one for one in loaded.documents if one.path not in near}
    aside = {path for path, one in others.items() if wrong & one.paths}
    lost = {
        path: None if text is None else _Claims.of(text)
        for path, text in texts.items()
        if not _may_be_meant(path, targets, models)
    }
    guards = [guard for path in aside if (guard := guard_of(others[path]))]
    skipped = {path for path in aside for path in others[path].paths - near} | {*lost}
    told = [problem for problem in problems if problem.path not in skipped]
    told += [one for document in possible for one in _disputed(document, lost, environments)]
    left = sorted({*aside, *lost})
    if left:
        told.append(_left_aside(left))
    kept = (one for one in loaded.documents if one.path not in aside)
    return Concern(
        tuple(sorted((*kept, *guards), key=lambda one: one.address)),
        tuple(told),
        replace(targets, unread=left, unread_ids={number for one in lost.values() if one for number in one.ids}),
        tuple(chosen),
    )


def taken_by_unread(bound: Bound, targets: Targets) -> tuple[Problem, ...]:
    """The problem with each definition that found by its name a live model whose id stands in a file left aside."""
    return tuple(
        one.desired.problem(
            "unread-rival",
            f"live model {one.live.id} is found by its name, and a file that can't be read may declare its id",
            "name",
            hint=f"correct {shortlist(targets.unread, _MANY)} first, or pin this one's live model with `id:`",
        )
        for one in bound.bindings
        if one.desired.id is None and one.live.id in targets.unread_ids
    )


def document_traits(document: Document, environments: Iterable[str]) -> list[Traits]:
    """Those of a document in each of the environments, with each name of its connector."""
    found = []
    for environment in environments:
        values = document.effective(environment)[0]
        there = document.inherited.common.connector(environment, _text(values.get("connector")))
        found.append(Traits.of(document.address, document.path, values, there))
    return found


def _is_meant(document: Document, targets: Targets, environments: Iterable[str], *, loosely: bool = False) -> bool:
    """Whether a definition is meant in any of the environments.

    Only the workspace tells which name and which id are one connector's: `loosely`, any may be.
    """
    asked = frozenset(targets.connectors)
    for one in document_traits(document, environments):
        kinds = {name.isdecimal() for name in one.connectors}
        is_open = loosely and any(word.isdecimal() not in kinds for word in asked)
        if targets.has(one._replace(connectors=one.connectors | asked) if is_open else one):
            return True
    return False


def _may_be_meant(path: str, targets: Targets, models: str) -> bool:
    return targets.may_have(_MODEL_FILE.sub("", path.removeprefix(f"{models}/")), path)


class _Claims(NamedTuple):
    """What a text that is no YAML may declare: ids, and names in its words."""

    ids: frozenset[int]
    words: str

    @classmethod
    def of(cls, text: str) -> _Claims:
        plain = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16)), text)
        lines = _ID_LINE.findall(plain)
        # An alias stands for a number that is elsewhere.
        places = [plain] if any("*" in line for line in lines) else lines
        return cls(frozenset(int(number) for one in places for number in _NUMBER.findall(one)), _words(plain))

    def has(self, field: str, value: object) -> bool:
        """Whether an id, or a name, may be declared there."""
        return value in self.ids if field == "id" else _words(str(value)) in self.words


def _words(text: str) -> str:
    """The text in one line, whatever its quotes and line ends are."""
    return " ".join(text.replace("\\\n", "").replace('\\"', '"').replace("''", "'").split())


def _disputed(document: Document, lost: Mapping[str, _Claims | None], environments: Iterable[str]) -> Iterator[Problem]:
    """The problem with a definition whose live model a file that can't be parsed may mean, too."""
    for path, claims in sorted(lost.items()):
        for environment in environments:
            values, sources = document.effective(environment)
            field = "id" if "id" in values else "name"
            value = values.get(field)
            if claims is None or claims.has(field, value):
                message = f"{path} can't be read, and may declare the {field} {value} too"
                where = sources[field].path if field in sources else ()
                yield document.problem("unread-rival", message, where, hint="correct that file first", key=bool(where))
                break


def _left_aside(paths: Sequence[str]) -> Problem:
    count = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
    message = f"{count} not valid, and this run doesn't look at {'it' if len(paths) == 1 else 'them'}"
    hint = "`syncer validate` shows what is wrong there"
    return Problem(NOWHERE, "left-aside", f"{message}: {shortlist(paths, _MANY)}", hint, Severity.WARNING)


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
