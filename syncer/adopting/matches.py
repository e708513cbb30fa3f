"""`syncer import --match`: which live models the files of another environment mean, and what the files say then. Pure.

A name decides where exactly one file and one live model bear it. Everything else is left to a person, and listed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syncer.adopting.new_files import dotted
from syncer.desired.connectors import source_name
from syncer.desired.resolve import resolve
from syncer.desired.similar_names import LiveNames
from syncer.errors import SettingsError
from syncer.model import ABSENT, Document, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncer.adopting.drift import Revision
    from syncer.model import Common, Connector, Json, LiveModel, LiveState, Path, Problem


NAMESAKES: Final = frozenset({"duplicate-name"})
"""The rule of files that declare one name without an id: a match lists them, so it doesn't keep others back."""


@dataclass(frozen=True, slots=True)
class Match:
    """What is known of the live model that a file means: exactly one in `candidates`, or none, or several.

    `near` are live models whose name is the same but for a slip. `is_hidden` says that a live model which can't be read
    may bear the name.
    """

    document: Document
    name: str
    candidates: tuple[LiveModel, ...] = ()
    near: tuple[LiveModel, ...] = ()
    is_hidden: bool = False
    rivals: tuple[str, ...] = ()
    """The other files that declare a model of this name."""

    @property
    def live(self) -> LiveModel | None:
        """The live model, if it's certain."""
        is_certain = len(self.candidates) == 1 and not self.is_hidden and not self.rivals
        return self.candidates[0] if is_certain else None

    @property
    def is_absent(self) -> bool:
        """Whether it's certain that no live model bears the name."""
        return not self.candidates and not self.is_hidden


@dataclass(frozen=True, slots=True)
class FileEdit:
    """What shall differ in one model file. `id` is the live model that it's bound to, 0 for none."""

    document: Document
    edits: tuple[tuple[Path, Json], ...]
    id: int = 0
    owner: str = ""
    """The environment that the id at the top is moved under; empty where it stays."""
    is_limited: bool = False
    """Whether `only` is written, so that the model doesn't live there."""


@dataclass(frozen=True, slots=True)
class ConnectorNames:
    """What the matched models tell of the connectors: names to be mapped, and names that nobody can map.

    `unclear` has, by the name in files, how many of the models are on which connector there.
    """

    names: Mapping[str, str]
    unclear: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class MatchImport:
    """What `import --match` would write, and what it leaves to a person."""

    environment: str
    bound: tuple[tuple[FileEdit, LiveModel], ...] = ()
    revisions: tuple[Revision, ...] = ()
    moved: tuple[FileEdit, ...] = ()
    limited: tuple[FileEdit, ...] = ()
    absent: tuple[Match, ...] = ()
    unclear: tuple[Match, ...] = ()
    connectors: ConnectorNames = ConnectorNames({}, {})
    left: tuple[Problem, ...] = ()
    has_id: int = 0
    """How many files say their id there already."""
    others: tuple[str, ...] = ()
    """The other environments of the settings."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to be done by hand."""
        return not (self.absent or self.unclear or self.left or self.connectors.unclear)


# -- ids ---------------------------------------------------------------------------------------------------------------


def own_id(document: Document, environment: str) -> Json:
    """The id that a file says under an environment; ABSENT without one."""
    environments = document.data.get("environments")
    own = environments.get(environment) if isinstance(environments, dict) else None
    return own.get("id", ABSENT) if isinstance(own, dict) else ABSENT


def homes(document: Document, environments: Iterable[str]) -> tuple[str, ...]:
    """The environments of the settings that the model lives in."""
    return tuple(name for name in environments if document.is_in(name))


def shared_ids(documents: Iterable[Document], environments: Sequence[str]) -> list[Document]:
    """The files with an id at the top that several environments read."""
    return [one for one in documents if "id" in one.data and len(homes(one, environments)) > 1]


def owner_of_top_ids(
    documents: Sequence[Document], live: LiveState, environment: str, environments: Sequence[str], said: str
) -> str:
    """The environment whose models the ids at the top of the files are; empty without such ids.

    It's the one that was there before: the only other one, unless the ids look like those of this environment. Raises
    SettingsError where nobody can tell, and nothing is `said`.
    """
    shared = [one for one in shared_ids(documents, environments) if one.is_in(environment)]
    if said and said not in environments:
        message = f"the settings have no environment {said!r}"
        raise SettingsError(message, f"there are {', '.join(environments)}")
    if not shared or said:
        return said
    others = [name for name in environments if name != environment]
    hint = "say --top-ids NAME: the environment whose models they are"
    if len(others) != 1:
        message = f"{len(shared)} files have an id at the top, and it could be one of {', '.join(others)}"
        raise SettingsError(message, hint)
    names = {model.id: model.name for model in live.models}
    alike = [one for one in shared if names.get(one.data["id"]) == one.effective(environment)[0].get("name")]
    if 2 * len(alike) > len(shared):
        message = (
            f"{len(alike)} of {len(shared)} ids at the top of files are those of models in {environment} that bear "
            f"these very names, so they may be the ids of {environment} rather than of {others[0]}"
        )
        raise SettingsError(message, hint)
    return others[0]


# -- names -------------------------------------------------------------------------------------------------------------


def matches(
    documents: Sequence[Document], live: LiveState, environment: str, environments: Sequence[str], owner: str
) -> list[Match]:
    """What is known of each file without an id in this environment, by path."""
    here = [one for one in documents if one.is_in(environment)]
    names = {model.document.path: model.name for model in resolve(here, environment).models}
    ids = {one.path: _id_there(one, environment, environments, owner) for one in here}
    searched = [one for one in here if ids[one.path] is ABSENT]
    taken = {*ids.values()}
    free = LiveNames([model for model in live.models if model.id not in taken])
    bearers: dict[str, list[str]] = defaultdict(list)
    for one in searched:
        bearers[names[one.path]].append(one.path)
    found = []
    for one in searched:
        name = names[one.path]
        candidates = tuple(free.bearers(name))
        found.append(
            Match(
                one,
                name,
                candidates,
                () if candidates else tuple(free.slips(name)),
                not live.complete or any(row.may_be(name) for row in live.unreadable),
                tuple(path for path in bearers[name] if path != one.path),
            )
        )
    return sorted(found, key=lambda match: match.document.path)


def _id_there(document: Document, environment: str, environments: Sequence[str], owner: str) -> Json:
    own = own_id(document, environment)
    is_its = own is ABSENT and (owner == environment or homes(document, environments) == (environment,))
    return document.data.get("id", ABSENT) if is_its else own


# -- connectors --------------------------------------------------------------------------------------------------------


def connector_names(
    found: Sequence[Match], connectors: Sequence[Connector], common: Common, environment: str
) -> ConnectorNames:
    """What this environment calls the connectors that files name, as far as all matched models agree."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for match in found:
        values, sources = match.document.effective(environment)
        if match.live is not None and "connector" in values and not sources["connector"].is_of_environment:
            connector_id = match.live.fields.get("connector_id")
            seen[values["connector"]][source_name(connectors, connector_id) or f"id {connector_id}"] += 1
    section = common.connectors.get(environment)
    mapped = section.data if section is not None else {}
    sources_there = {one.name for one in connectors if source_name(connectors, one.id)}
    names: dict[str, str] = {}
    unclear: dict[str, Mapping[str, int]] = {}
    for name, there in sorted(seen.items()):
        only = next(iter(there))
        if len(there) == 1 and only == common.connector(environment, name):
            continue
        if len(there) == 1 and only in sources_there and name not in mapped:
            names[name] = only
        else:
            unclear[name] = dict(there)
    return ConnectorNames(names, unclear)


# -- edits -------------------------------------------------------------------------------------------------------------


def file_edits(
    documents: Sequence[Document],
    found: Sequence[Match],
    connectors: Sequence[Connector],
    environment: str,
    environments: Sequence[str],
    *,
    owner: str,
    sets_only: bool,
) -> list[FileEdit]:
    """What shall differ in each file: its id there, the id at the top under its environment, `only` where asked."""
    by_path = {match.document.path: match for match in found}
    made = []
    for document in documents:
        if not document.is_in(environment):
            continue
        match = by_path.get(document.path)
        edits: list[tuple[Path, Json]] = []
        living = list(homes(document, environments))
        # A name that differs by a slip is most likely the same model's.
        is_limited = bool(sets_only and match and match.is_absent and not match.near and len(living) > 1)
        if is_limited:
            living.remove(environment)
            edits.append((("only",), living))
        own, top = own_id(document, owner), document.data.get("id", ABSENT)
        is_moved = top is not ABSENT and len(living) > 1 and own in {ABSENT, top}
        if is_moved:
            edits += [(("id",), ABSENT), (("environments", owner, "id"), top)]
        live = match.live if match else None
        if live is not None:
            # Where there is no other environment, an id at the top is this one's.
            edits.append((("environments", environment, "id") if len(environments) > 1 else ("id",), live.id))
            edits += _connector_edits(document, live, connectors, environment)
        if edits:
            made.append(FileEdit(document, tuple(edits), live.id if live else 0, owner if is_moved else "", is_limited))
    return made


def _connector_edits(
    document: Document, live: LiveModel, connectors: Sequence[Connector], environment: str
) -> list[tuple[Path, Json]]:
    """The connector there of a file that says an id of another workspace's."""
    values, sources = document.effective(environment)
    there = live.fields.get("connector_id")
    if "connector_id" not in values or sources["connector_id"].is_of_environment or values["connector_id"] == there:
        return []
    name = source_name(connectors, there)
    return [
        (("environments", environment, "connector"), name)
        if name
        else (("environments", environment, "connector_id"), there)
    ]


def differing(edit: FileEdit, after: Document, environment: str, environments: Iterable[str]) -> str:
    """The environment in which a revised file means something else than it should; empty if there is none."""
    for name in environments:
        if edit.is_limited and name == environment:
            if after.is_in(name):
                return name
            continue
        if edit.document.is_in(name) != after.is_in(name):
            return name
        if not after.is_in(name):
            continue
        wanted = dict(edit.document.effective(name)[0])
        if name == environment:
            wanted.pop("id", None)
            own = own_id(edit.document, name)
            there = {str(path[-1]): value for path, value in edit.edits if path[:2] == ("environments", name)}
            if there.keys() & {"connector", "connector_id"}:
                wanted = {key: value for key, value in wanted.items() if key not in {"connector", "connector_id"}}
            wanted |= {"id": edit.id} if edit.id else {"id": own} if own is not ABSENT else {}
            wanted |= there
        elif edit.owner and name != edit.owner and own_id(edit.document, name) is ABSENT:
            wanted.pop("id", None)
        if wanted != dict(after.effective(name)[0]):
            return name
    return ""


def unplaced(edit: FileEdit, reason: str) -> Problem:
    """A file that can't be revised, with what is to be written into it, as a problem."""
    told = [f"{dotted(path)}: {value}" for path, value in edit.edits if value is not ABSENT]
    if edit.owner:
        told.append("no id at the top")
    return edit.document.problem(
        "not-placed",
        f"{edit.document.path} can't be written: {reason}",
        hint=f"edit the file by hand: {', '.join(told)}",
        severity=Severity.WARNING,
    )
