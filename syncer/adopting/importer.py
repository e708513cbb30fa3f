"""Live state into git: which models become files, under which addresses, and which live values go into files.

`syncer import`, without a text: what is decided here are values and paths. How they look in YAML is `render`'s to say,
and whether a text means what was meant is proved by reading it back (`workflow`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from syncer.errors import SettingsError
from syncer.model import ABSENT, NOWHERE, QUERY_TYPES, Binding, Problem, Severity, leaves
from syncer.plan.diff import same
from syncer.plan.planner import Cause
from syncer.secrets import Secret, SecretRef, is_mask, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from syncer.model import Connector, DesiredModel, Document, Json, LiveModel, LiveState, Path, Target
    from syncer.plan.planner import Change

_LONGEST: Final = 60
"""How long a file's name made of a model's name may be: people type addresses."""

_LONGEST_VARIABLE: Final = 100
_LONGEST_SHOWN: Final = 200
_SHORTEST_SECRET: Final = 8
"""Shorter values are words that may stand anywhere."""

_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)
"""What no file on Windows can be called, whatever its ending."""

_NO_WORD: Final = re.compile(r"[^a-z0-9]+")


# -- which models --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """Which live models somebody asks for: all, those of some ids, or of some query types and connectors."""

    everything: bool = False
    ids: tuple[int, ...] = ()
    query_types: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    """Names or ids."""


def check_asked(asked: Asked) -> None:
    """Raise SettingsError unless exactly one way of asking was used, and rightly."""
    is_filtered = bool(asked.query_types or asked.connectors)
    if not (asked.everything or asked.ids or is_filtered):
        message = "which models? Nothing says which to import"
        raise SettingsError(message, "say --all, the ids of some, --query-type TYPE or --connector NAME")
    if asked.ids and (asked.everything or is_filtered):
        message = "ids say already which models to import"
        raise SettingsError(message, "leave out --all, --query-type and --connector, or the ids")
    for one in asked.query_types:
        if one not in QUERY_TYPES:
            raise SettingsError(f"there is no query type {one!r}", f"there are {', '.join(QUERY_TYPES)}")


def chosen(asked: Asked, live: LiveState, connectors: Sequence[Connector]) -> tuple[list[LiveModel], list[Problem]]:
    """The live models that are asked for, by id, and a problem for each that isn't there.

    Raises SettingsError for a connector that isn't one.
    """
    if not asked.ids:
        wanted = _connector_ids(asked.connectors, connectors)
        found = [
            model
            for model in live.models
            if (not asked.query_types or model.fields.get("query_type") in asked.query_types)
            and (not asked.connectors or model.fields.get("connector_id") in wanted)
        ]
        return sorted(found, key=lambda model: model.id), []
    by_id = {model.id: model for model in live.models}
    broken = {row.id: row.reason for row in live.unreadable}
    problems = []
    for one in dict.fromkeys(asked.ids):
        if one in broken:
            message = f"the server can't show live model {one}: {broken[one]}"
            problems.append(Problem(NOWHERE, "unreadable-model", message, "repair it in the UI, then import it"))
        elif one not in by_id:
            message = f"the workspace has no live model with id {one}"
            problems.append(Problem(NOWHERE, "unknown-id", message, "`syncer list` shows those that it has"))
    return [by_id[one] for one in sorted({*asked.ids}) if one in by_id and one not in broken], problems


def _connector_ids(names: Iterable[str], connectors: Sequence[Connector]) -> set[int]:
    found: set[int] = set()
    for name in names:
        named = {one.id for one in connectors if one.name == name}
        fits = named or {one.id for one in connectors if str(one.id) == name}
        if not fits:
            listed = ", ".join(f"{one.name!r}" for one in connectors if one.kind == "source")
            raise SettingsError(f"the workspace has no connector {name!r}", f"its sources are {listed or 'none'}")
        found |= fits
    return found


# -- names ---------------------------------------------------------------------------------------------------------


def slug(name: str, *, longest: int = _LONGEST) -> str:
    """The name as part of an address: small letters and digits of ASCII, with `_` between words; empty if none is left.

    >>> slug("Ärger im Café (2. Versuch)")
    'arger_im_cafe_2_versuch'
    """
    # What is far longer than a name doesn't need to be taken apart: composing marks costs the square of their number.
    plain = normalize("NFKD", name[: 10 * longest].casefold()).encode("ascii", "ignore").decode()
    return _NO_WORD.sub("_", plain).strip("_")[:longest].strip("_")


class Addresses:
    """Names of files that are still free in a folder; `taken` are the names of what is there.

    Case counts for nothing, as on the disks of half of the world, and neither does the ending: the SQL file of a model
    lies beside its YAML file.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {name.casefold().rpartition(".")[0] or name.casefold() for name in taken}
        self._taken |= {name.casefold() for name in taken}

    def of(self, model: LiveModel) -> str:
        """The free name for a model: of its own name, with its id where that is taken already."""
        word = slug(model.name) or f"model_{model.id}"
        own = f"{word}_{model.id}"
        names = chain([word] if word not in _RESERVED else [], [own], (f"{own}_{number}" for number in count(2)))
        name = next(one for one in names if one not in self._taken)
        self._taken.add(name)
        return name


class Variables:
    """The variable that stands for each secret, and what has been named so far.

    `known` says which variable has a secret's value already, `taken` are names that mean something else. One value has
    one name; what the server hides has one for each place, because nobody can tell which are the same.
    """

    def __init__(self, known: Callable[[Secret], str], taken: Iterable[str]) -> None:
        self._known = known
        self._taken = {*taken}
        self._named: dict[Secret, str] = {}

    def of(self, secret: Secret, address: str, path: Path) -> SecretRef:
        """The reference to write for a live secret at a path."""
        if not secret.is_mask:
            name = self._named.get(secret) or self._known(secret)
            if name:
                self._named[secret] = name
                return SecretRef(name)
        key = next((one for one in reversed(path) if isinstance(one, str)), "")
        words = [slug(word, longest=_LONGEST_VARIABLE // 2) for word in (address, key)]
        base = "_".join(filter(None, ["SYNCER_SECRET", *(word.upper() for word in words)]))[:_LONGEST_VARIABLE]
        name, number = base, 2
        while name in self._taken or name == "SYNCER_SECRET":
            name, number = f"{base}_{number}", number + 1
        self._taken.add(name)
        if not secret.is_mask:
            self._named[secret] = name
        return SecretRef(name)


# -- values --------------------------------------------------------------------------------------------------------


class UnwritableError(Exception):
    """No file can say this; the message says why."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How files are written in this run: whose workspace, and what people chose.

    `pins_at_top` says that an id at the top of a file means one model alone: there is no other environment.
    """

    environment: str
    connectors: Sequence[Connector]
    pins_at_top: bool = True
    inline: bool = False

    def connector(self, connector_id: int) -> str:
        """The name that means this connector and no other; empty if there is none."""
        name = next((one.name for one in self.connectors if one.id == connector_id and one.kind == "source"), "")
        bearers = [one for one in self.connectors if one.name == name and one.kind == "source"]
        is_line = bool(name.strip()) and len(name.splitlines()) == 1 and name.isprintable()
        return name if is_line and len(bearers) == 1 else ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A live model as the file that shall declare it: where, and its values in the order of writing.

    `query_file` is the name of the SQL file beside it, empty where the query stays in the YAML. `secrets` are the live
    values of the variables that it names.
    """

    live: LiveModel
    path: str
    values: Mapping[str, Json]
    query_file: str = ""
    secrets: Mapping[str, Secret] | None = None
    is_rewritten: bool = False

    @property
    def sql_path(self) -> str:
        """Where the query goes, from the root; empty where it stays in the YAML."""
        return f"{self.path.rpartition('/')[0]}/{self.query_file}".lstrip("/") if self.query_file else ""


def draft(
    live: LiveModel,
    path: str,
    manner: Manner,
    variables: Variables,
    *,
    address: str,
    query_file: str = "",
    kept: Mapping[str, Json] | None = None,
) -> Draft:
    """What a file at `path` says so that it's in step with the live model. Raises UnwritableError.

    `query_file` may be used for the query; `kept` is the lifecycle of a file that is written anew.
    """
    fields = live.fields
    named: dict[str, Secret] = {}

    def refer(secret: Secret, where: Path) -> SecretRef:
        reference = variables.of(secret, address, where)
        named[reference.variable] = secret
        return reference

    connector_id = fields["connector_id"]
    connector = manner.connector(connector_id)
    query = fields.get("query") or ""
    configuration = fields.get("configuration")
    values: dict[str, Json] = {"id": live.id} if manner.pins_at_top else {}
    values["name"] = fields.get("name")
    if fields.get("description"):
        values["description"] = fields["description"]
    values |= {"connector": connector} if connector else {"connector_id": connector_id}
    values["query_type"] = fields.get("query_type")
    if str(fields.get("primary_key") or "").strip():
        values["primary_key"] = fields["primary_key"]
    if query:
        values["query"] = query
    if configuration is not None and configuration != {}:
        values["configuration"] = referenced(configuration, refer)
    values |= kept or {}
    if not manner.pins_at_top:
        values["environments"] = {manner.environment: {"id": live.id}}
    has_file = not manner.inline and query_file and _fits_file(query)
    return Draft(live, path, values, query_file if has_file else "", named, kept is not None)


def _fits_file(query: Json) -> bool:
    """Whether the query has several lines, and an SQL file gives it back: Windows line ends are read as Unix ones."""
    if not isinstance(query, str) or "\n" not in query or {"\r", "\0"} & {*query} or query.startswith("\ufeff"):
        return False
    try:
        query.encode()
    except UnicodeEncodeError:
        return False
    return True


def referenced(value: Json, refer: Callable[[Secret, Path], SecretRef], path: Path = ("configuration",)) -> Json:
    """The configuration with a reference for each secret. Raises UnwritableError where none may stand."""
    if isinstance(value, dict):
        return {key: referenced(inner, refer, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [referenced(inner, refer, (*path, index)) for index, inner in enumerate(value)]
    if not isinstance(value, Secret):
        return value
    text = value.reveal()
    if not isinstance(text, str):
        raise UnwritableError(f"{dotted(path)} is a number under a secret's key, and a variable gives text")
    if not text.strip():
        # Nothing is no secret, and an empty variable counts as one that isn't set.
        return text
    if not any(map(is_secret_key, path)):
        raise UnwritableError(f"the server hides {dotted(path)}, and a reference may stand under a secret's key alone")
    if "\0" in text:
        raise UnwritableError(f"{dotted(path)} holds a NUL character, which no variable can")
    return refer(value, path)


def dotted(path: Path) -> str:
    """The path as people write it: `configuration.harvesters[0].value`."""
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path).lstrip(".")


def variables_of(documents: Iterable[Document]) -> set[str]:
    """Every variable that a definition names, in any environment."""
    found: set[str] = set()
    waiting: list[Json] = [document.data for document in documents]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("env"), str):
                found.add(value["env"])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def in_clear(draft: Draft, texts: Iterable[str]) -> bool:
    """Whether the files would hold, in clear, a secret that the model has elsewhere."""
    values = [str(secret.reveal()) for secret in (draft.secrets or {}).values() if not secret.is_mask]
    return any(len(value) >= _SHORTEST_SECRET and value in text for value in values for text in texts)


def left_out(model: LiveModel, why: str, *, is_asked: bool, path: str = "") -> Problem:
    """A live model that can't be a definition; an error if it was asked for by name."""
    return Problem(
        NOWHERE,
        "not-imported",
        f"model {model.id} {model.name[:_LONGEST_SHOWN]!r} can't be a definition: {why}",
        "mend it in AI Squared and import it then, or write its file by hand; until then it stays out of git"
        if not path
        else f"edit {path} by hand",
        Severity.ERROR if is_asked else Severity.WARNING,
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable to set: its name, the files that name it, and whether the server hides what it must be."""

    variable: str
    paths: tuple[str, ...]
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import writes, and what it leaves out. `texts` are the files of each draft, by path."""

    drafts: tuple[Draft, ...] = ()
    texts: Mapping[str, str] | None = None
    present: tuple[tuple[LiveModel, str], ...] = ()
    """Models that were asked for by id and are in git already, with their files."""
    managed: int = 0
    """How many of what was asked for are in git already."""
    settings: tuple[Setting, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing that was asked for by name is missing."""
        return not any(problem.is_error for problem in self.problems)


def settings_of(drafts: Iterable[Draft], lookup: Callable[[str], Secret | None]) -> tuple[Setting, ...]:
    """The variables that files name and that aren't set to what is live, by name."""
    found: dict[str, tuple[list[str], Secret]] = {}
    for one in drafts:
        for variable, secret in (one.secrets or {}).items():
            found.setdefault(variable, ([], secret))[0].append(one.path)
    return tuple(
        Setting(variable, tuple(paths), secret.is_mask)
        for variable, (paths, secret) in sorted(found.items())
        if (lookup(variable) is None if secret.is_mask else lookup(variable) != secret)
    )


# -- into files that are there -------------------------------------------------------------------------------------


def blind(binding: Binding) -> tuple[Binding, tuple[Path, ...]]:
    """The binding with live's own value for each secret that could not be looked up, and where those are.

    So all else can be compared; whether such a secret differs, nobody can say.
    """
    configuration = binding.desired.fields.get("configuration")
    unseen: list[Path] = []
    seen = _seen(configuration, binding.live.fields.get("configuration"), ("configuration",), unseen)
    if not unseen:
        return binding, ()
    fields = {**binding.desired.fields, "configuration": seen}
    return replace(binding, desired=replace(binding.desired, fields=fields)), tuple(unseen)


def _seen(value: Json, live: Json, path: Path, unseen: list[Path]) -> Json:
    if isinstance(value, SecretRef):
        unseen.append(path)
        return live if isinstance(live, Secret) else value
    if isinstance(value, dict):
        inside = live if isinstance(live, dict) else {}
        return {key: _seen(inner, inside.get(key), (*path, key), unseen) for key, inner in value.items()}
    if isinstance(value, list):
        others = live if isinstance(live, list) and len(live) == len(value) else [None] * len(value)
        return [_seen(*both, (*path, i), unseen) for i, both in enumerate(zip(value, others, strict=True))]
    return value


@dataclass(frozen=True, slots=True)
class Intake:
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

    def only(self, fields: Collection[str]) -> Intake:
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
class Taken:
    """What taking drift into the files would change, and what can't be placed."""

    target: Target
    revisions: tuple[Revision, ...] = ()
    waiting: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By address: the fields in which git says something new that isn't applied yet."""
    left: tuple[Problem, ...] = ()
    settings: tuple[Setting, ...] = ()
    shared: tuple[str, ...] = ()
    """The environments that get the same values, because they stand at the top of the files."""


def intake(
    change: Change,
    causes: Mapping[str, tuple[Cause, ...]] | None,
    manner: Manner,
    variables: Variables,
    owners: Mapping[str, Collection[str]],
) -> Intake:
    """What of a model's differences is drift, and where in its file it goes.

    Without causes (there is no base) all of it is. `owners` are the definitions that name each SQL file.
    """
    taking = _Taking(change, manner, variables, owners)
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
    return Intake(
        change,
        tuple(taking.edits),
        taking.sql,
        tuple(taking.fields),
        tuple(taking.waiting),
        tuple(taking.left),
        taking.secrets,
    )


class _Taking:
    """The fields of one model, taken one after the other."""

    def __init__(
        self, change: Change, manner: Manner, variables: Variables, owners: Mapping[str, Collection[str]]
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
        live = f"live is {shown(self._change.live.fields.get(field))}"
        said = f"{hint}; {live}" if hint else f"edit the file by hand; {live}"
        self.left.append(self._desired.problem(rule, message, field, hint=said, severity=Severity.WARNING))

    def take(self, field: str) -> None:
        """Decide where the live value of a field goes."""
        source = self._desired.sources.get(field, ())
        live = self._change.live.fields.get(field)
        what = f"{field} of {self._change.address} was changed outside git"
        if not source:
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


def shown(value: Json) -> str:
    """A live value in few characters, for a message; nothing secret is in it."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def in_file(text: str, raw: bytes) -> bytes:
    """A query as an SQL file says it that held `raw`: its mark, its line ends, and how it ended."""
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    body = raw.decode("utf-8", "replace")
    tail = body[len(body.rstrip("\r\n")) :]
    returns = body.count("\r\n")
    lines = text.split("\n")
    end = "\r\n" if returns and returns * 2 >= body.count("\n") else "\n"
    return mark + (end.join(lines) + tail).encode()


def owners(documents: Iterable[Document]) -> dict[str, set[str]]:
    """The definitions that name each SQL file, by its path."""
    found: dict[str, set[str]] = {}
    for document in documents:
        for file in document.files.values():
            found.setdefault(file.path, set()).add(document.path)
    return found


def unplaced(taken: Intake, path: Path, reason: str) -> Problem:
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
        hint=f"edit the file by hand; {'live has none' if live is ABSENT else f'live is {shown(live)}'}",
        severity=Severity.WARNING,
        key=True,
    )


__all__ = [
    "Addresses",
    "Asked",
    "Draft",
    "Imported",
    "Intake",
    "Manner",
    "Revision",
    "Setting",
    "Taken",
    "UnwritableError",
    "Variables",
]
