"""The nouns that every room shares: what git says, what is live, and how the two are bound. Values only, no I/O.

Desired state is what the YAML in git says; live state is what the API said when it was asked in this run.
`Fields` are what of a model a file can manage, under the API's own names (`FIELDS`). Two sets of fields may be
compared only in normal form, which `normalization.normal_form` makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from syncer.secrets import Secret

Fields: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[str | int, ...]
Json: TypeAlias = Any
"""Any JSON value: dict, list, text, number, bool or None; in normal form also `Secret`."""

FIELDS: Final = ("name", "description", "connector_id", "query_type", "primary_key", "query", "configuration")
"""What of a model can be managed, in the order in which people write it."""

DEFAULTS: Final = "_defaults.yaml"
"""The file that gives what the model files of its folder, and below it, leave out."""

DEFAULTABLE: Final = (
    "description",
    "connector",
    "connector_id",
    "query_type",
    "primary_key",
    "configuration",
    "lifecycle",
)
"""What may be given so. The other keys say which model a file means, where it lives and what it asks: each its own."""

_INSTEAD: Final = {"connector": "connector_id", "connector_id": "connector"}
"""Keys that stand for one field: who gives one of them has given the field."""

REQUIRED: Final = ("connector_id", "name", "query_type")
"""What the documented PUT requires in every body."""

RISKY: Final = ("primary_key", "connector_id", "query_type")
"""A change of these may re-send, duplicate or strand customer data: a file must allow it (`lifecycle.allow`)."""

LOST_COLUMN: Final = "lost_column"
"""What allows a query that no longer returns a column which a sync, or the primary key, names."""

QUERY_TYPES: Final = (
    "raw_sql",
    "dbt",
    "soql",
    "table_selector",
    "ai_ml",
    "dynamic_sql",
    "unstructured",
    "vector_search",
)

SYNCED_TYPES: Final = frozenset({"raw_sql", "dbt", "soql", "table_selector"})
"""The query types whose rows a sync pages through."""

SQL_TYPES: Final = frozenset({"raw_sql", "dbt", "table_selector", "dynamic_sql"})
"""The query types whose query is SQL."""

CONFIGURED_TYPES: Final = frozenset({"ai_ml", "dynamic_sql", "unstructured", "vector_search"})
"""The query types whose configuration the server reads; others' is free."""

SANDBOX: Final = "sandbox"
"""The environment that always exists: the embedded server of this package."""

LFS_POINTER: Final = re.compile(r"\ufeff?version https://(?:git-lfs|hawser)\.github\.com/spec/v\d")
"""How a file begins that Git LFS keeps elsewhere, and didn't fetch."""


class Absent(Enum):
    """The type of `ABSENT`: no such key. It isn't None, which the API stores as a value of its own."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


# -- where things stand ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where in git something stands; lines and columns count from 1, 0 means the whole file, no path nowhere in git."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.path, *(str(n) for n in (self.line, self.column) if n)])


NOWHERE: Final = Origin("")
"""The origin of what is wrong with no file: with live state, or with a plan as a whole."""


class Severity(Enum):
    """How bad a problem is: an error stops the run, a warning is shown (and is an error under `--strict`)."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the input: where, which rule, what and why, and what to do now.

    `excerpt` is the source line that the origin points at, without its line end; empty where there is none.
    """

    origin: Origin
    rule: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    excerpt: str = ""
    about: str = field(default="", compare=False)
    """The model file that it's about, where its place is in another file: a default holds for many."""

    @property
    def path(self) -> str:
        """The file that it's about."""
        return self.about or self.origin.path

    @property
    def is_error(self) -> bool:
        """Whether it stops the run."""
        return self.severity is Severity.ERROR


def shortlist(names: Iterable[str], most: int) -> str:
    """The names as a message lists them: at most so many, and how many more there are."""
    every = list(names)
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")


class Marks(Protocol):
    """What the loader knows of a YAML text: where each key and value stands."""

    def position(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of the value at `path`, or of its key; of the nearest parent if there is none."""

    def line(self, number: int) -> str:
        """The source line of that number, without its line end; empty if there is none."""


class YamlEvent(NamedTuple):
    """What a YAML parser found in a text between the characters `start` and `end`.

    `kind` is `document`, `scalar`, `alias`, `map`, `list`, or `end`, which ends the innermost map or list. `text` is a
    scalar's value, or the anchor that an alias names. The extent of a value begins with its own anchor or tag.
    """

    kind: str
    start: int
    end: int
    text: str = ""
    style: str = ""
    is_flow: bool = False
    anchor: str = ""
    tag: str = ""


class _Nowhere:
    """Marks of a definition that is not at hand: which file it was is known, not what stands in it."""

    def position(self, path: Path, *, key: bool = False) -> tuple[int, int]:  # noqa: ARG002 - see Marks
        """No line of it is known."""
        return 0, 0

    def line(self, number: int) -> str:  # noqa: ARG002 - see Marks
        """No text of it is known."""
        return ""


NO_MARKS: Final = _Nowhere()


@dataclass(frozen=True, slots=True)
class TextFile:
    """An SQL file that a definition names: its path from the root, and its text, with Unix line ends."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Keys and values that hold for several model files: a `_defaults.yaml`, or a table of the settings. Untrusted.

    `environment` is the one whose table it is; empty for all. What `is_unread` could not be read, and says nothing.
    """

    path: str
    data: Mapping[str, Any]
    marks: Marks
    environment: str = ""
    is_unread: bool = False


class Place(NamedTuple):
    """Where a value of a definition stands: the path in its file, or in a section that the file inherits from."""

    path: Path
    section: Section | None = None

    @property
    def is_of_environment(self) -> bool:
        """Whether it stands under an environment, so that no other environment reads it."""
        if self.section is not None:
            return bool(self.section.environment)
        return self.path[:1] == ("environments",)


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """What the settings say for every model file, each by the name of its environment."""

    defaults: Section | None = None
    environments: Mapping[str, Section] = field(default_factory=dict)
    connectors: Mapping[str, Section] = field(default_factory=dict)
    """What a connector's name in files is called there."""

    def connector(self, environment: str, name: str) -> str:
        """What an environment calls the connector that files call so."""
        section = self.connectors.get(environment)
        return str(section.data.get(name, name)) if section is not None else name

    def connector_in_files(self, environment: str, name: str) -> str:
        """What files call the connector that an environment calls so; empty if no name, or no single one, means it."""
        section = self.connectors.get(environment)
        if section is None:
            return name
        found = [one for one, there in section.data.items() if there == name]
        if found:
            return found[0] if len(found) == 1 else ""
        return "" if name in section.data else name


NO_COMMON: Final = Common()


@dataclass(frozen=True, slots=True, eq=False)
class Inheritance:
    """What the files of one folder leave to others: its sections, the nearest first, and what the settings say."""

    sections: tuple[Section, ...] = ()
    common: Common = NO_COMMON
    _filled: dict[str, tuple[Mapping[str, Any], Mapping[str, Place]]] = field(default_factory=dict, repr=False)

    @property
    def paths(self) -> set[str]:
        """Every file of its sections."""
        common = self.common
        settings = (common.defaults, *common.environments.values())
        return {section.path for section in (*self.sections, *settings) if section is not None}

    def sections_in(self, environment: str) -> tuple[Section, ...]:
        """The sections that count in one environment, the first before the others."""
        more = (self.common.environments.get(environment), self.common.defaults)
        return (*self.sections, *(one for one in more if one is not None))

    def values(self, environment: str) -> tuple[Mapping[str, Any], Mapping[str, Place]]:
        """What the sections give in one environment, and where each value stands."""
        if environment not in self._filled:
            values: Mapping[str, Any] = {}
            sources: Mapping[str, Place] = {}
            for section in self.sections_in(environment):
                given = {key: section.data[key] for key in DEFAULTABLE if key in section.data}
                values, sources = _filled(values, sources, given, sources_of(given, section=section))
            self._filled[environment] = values, sources
        return self._filled[environment]


NO_INHERITANCE: Final = Inheritance()


@lru_cache(maxsize=64)
def _at_the_top(key: str) -> Place:
    """The place of a value that stands in the file, under no other key."""
    return Place((key,))


def sources_of(values: Mapping[str, Any], path: Path = (), section: Section | None = None) -> dict[str, Place]:
    """Where each of the values stands, and each part of a lifecycle, as `lifecycle.protect`."""
    if section is None and not path:
        # Most values stand there, in each of ten thousand files.
        sources = {key: _at_the_top(key) for key in values}
    else:
        sources = {key: Place((*path, key), section) for key in values}
    if isinstance(lifecycle := values.get("lifecycle"), Mapping):
        sources |= {f"lifecycle.{part}": Place((*path, "lifecycle", part), section) for part in lifecycle}
    return sources


def _filled(
    values: Mapping[str, Any], sources: Mapping[str, Place], more: Mapping[str, Any], others: Mapping[str, Place]
) -> tuple[Mapping[str, Any], Mapping[str, Place]]:
    """The values with those of `more` that they lack. A lifecycle is filled part by part, any other value is whole."""
    lacking = {key: value for key, value in more.items() if not values.keys() & {key, _INSTEAD.get(key, key)}}
    filled = {**values, **lacking}
    where = {**others, **sources}
    mine, theirs = values.get("lifecycle"), more.get("lifecycle")
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        filled["lifecycle"] = {**theirs, **mine}
    return filled, {key: source for key, source in where.items() if key.partition(".")[0] in filled}


@dataclass(frozen=True, slots=True)
class Document:
    """One model file as it stands in git: untrusted, not yet validated.

    `files` holds what its `query_file` keys name, by the name as it is written there. `inherited` gives fields that the
    file leaves out.
    """

    address: str
    path: str
    data: Mapping[str, Any]
    marks: Marks
    files: Mapping[str, TextFile] = field(default_factory=dict)
    inherited: Inheritance = NO_INHERITANCE

    @property
    def paths(self) -> set[str]:
        """Every file that it is made of, those included that it inherits from."""
        return {self.path, *(file.path for file in self.files.values()), *self.inherited.paths}

    def is_in(self, environment: str) -> bool:
        """Whether the model lives in that environment; where `only` makes no sense, in all."""
        only = self.data.get("only")
        return not isinstance(only, list) or environment in only

    def effective(self, environment: str) -> tuple[Mapping[str, Any], Mapping[str, Place]]:
        """The values of one environment, and where each stands: there, else above, else in what the file inherits.

        A value of the environment replaces the one of the same key; `query` and `query_file` replace each other, and
        so do `connector` and `connector_id`.
        """
        values, sources = self._own(environment)
        more, others = self.inherited.values(environment)
        return _filled(values, sources, more, others) if more else (values, sources)

    def _own(self, environment: str) -> tuple[Mapping[str, Any], Mapping[str, Place]]:
        """The same of the file alone."""
        base = {key: value for key, value in self.data.items() if key not in {"environments", "only"}}
        environments = self.data.get("environments")
        own = environments.get(environment) if isinstance(environments, Mapping) else None
        if not own or not isinstance(own, Mapping):
            return base, sources_of(base)
        for alternatives in ({"query", "query_file"}, {"connector", "connector_id"}):
            if alternatives & own.keys():
                base = {key: value for key, value in base.items() if key not in alternatives}
        if "lifecycle" in own:
            base.pop("lifecycle", None)
        return {**base, **own}, sources_of(base) | sources_of(own, ("environments", environment))

    def origin(self, path: Path = (), *, key: bool = False) -> Origin:
        """Where the value at `path` stands (or its key, with `key`)."""
        return Origin(self.path, *self.marks.position(path, key=key))

    def problem(
        self,
        rule: str,
        message: str,
        path: Path = (),
        *,
        hint: str = "",
        severity: Severity = Severity.ERROR,
        key: bool = False,
        section: Section | None = None,
    ) -> Problem:
        """A problem located at the value at `path` (or at its key, with `key`), of the file or of a section."""
        if section is None:
            origin = self.origin(path, key=key)
            return Problem(origin, rule, message, hint, severity, self.marks.line(origin.line))
        origin = Origin(section.path, *section.marks.position(path, key=key))
        return Problem(origin, rule, message, hint, severity, section.marks.line(origin.line), self.path)


# -- desired, live, bound ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What a file says about how it may be changed: the YAML key `lifecycle`."""

    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    """Dotted paths: `description`, `configuration.chunk_config.chunk_size`."""
    allow: tuple[str, ...] = ()
    """What may pass that a guard would refuse: a field of `RISKY`, or `LOST_COLUMN`."""


@dataclass(frozen=True, slots=True)
class DesiredModel:
    """What one file says, with one environment's values filled in. `sources` tells where each field came from."""

    address: str
    fields: Fields
    document: Document
    sources: Mapping[str, Place]
    id: int | None = None
    lifecycle: Lifecycle = Lifecycle()
    names_secrets: bool = False
    """Whether its configuration may hold references that are still to be looked up."""
    connector: str = ""
    """The name of its connector there, where the file gives one: `connector_id` is a field once it's bound."""
    connector_in_files: str = ""
    """What files call that connector, if its environment calls it otherwise."""

    @property
    def name(self) -> str:
        """The name it declares."""
        return str(self.fields["name"])

    def problem(
        self, rule: str, message: str, field: str = "", *, hint: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        """A problem located where this model's `field` (or `id`) is given, or at the file's first line."""
        path, section = self.sources.get(field, Place(()))
        return self.document.problem(rule, message, path, hint=hint, severity=severity, key=bool(path), section=section)


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Every desired model of one environment, by address."""

    models: tuple[DesiredModel, ...]


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A model as the API said, in normal form; `id` is the only unique thing about it.

    `raw` has the fields that the API sends in another form, as they came, with nothing in the place of a secret. It
    decides nothing: it's how a value is sent that is to be what it was.
    """

    id: int
    fields: Fields
    updated_at: str = ""
    raw: Fields = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name; not unique in a workspace."""
        return str(self.fields.get("name", ""))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A live model that the API can't serve (it answers 400 for it), or serves as what no model can be.

    The id and the name are there if they could be found out.
    """

    id: int | None
    reason: str
    name: str = ""
    hint: str = ""

    def may_be(self, name: str) -> bool:
        """Whether it may bear the name."""
        return self.name in {"", name}


@dataclass(frozen=True, slots=True)
class LiveState:
    """The models of one workspace, by id; complete but for `unreadable`, or else there is no LiveState.

    `complete` is False only when the declared ids alone could be read: then nothing may be bound by name.
    """

    models: tuple[LiveModel, ...]
    unreadable: tuple[Unreadable, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector of the workspace: `kind` is source or destination, `definition` its type (`Snowflake`)."""

    id: int
    name: str
    kind: str
    definition: str


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync that reads a model and writes its rows into a destination. The API has no name for it.

    `destination` is the name of that connector, `definition` its type (`Hubspot`), `schedule` words (`every 3 hours`).
    `columns` are those of the model that its mapping reads. `unknown` says what of it the server sent wrongly, so that
    nobody knows which model it reads (`model_id` 0), or which columns.
    """

    id: int
    model_id: int
    source_id: int
    destination: str
    definition: str
    stream: str
    mode: str
    schedule: str
    status: str
    cursor: str = ""
    columns: tuple[str, ...] = ()
    source: str = ""
    """The name of the connector that it reads from: its own, whatever the model's is."""
    is_running: bool | None = False
    """None where it should have been asked, and couldn't be."""
    unknown: str = ""

    @property
    def is_enabled(self) -> bool:
        """Whether it will run again by itself or by hand."""
        return self.status != "disabled"


@dataclass(frozen=True, slots=True)
class Columns:
    """The output columns of a query before and after a change, as far as its text tells.

    A side is None where the text doesn't tell (`SELECT *`). `renamed` has pairs of an old and a new name for what is
    the same expression on both sides; those stand in neither `added` nor `removed`. `is_formatting` says that both
    texts mean the same to the database, whatever they look like.
    """

    before: tuple[str, ...] | None
    after: tuple[str, ...] | None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    is_formatting: bool = False

    @property
    def is_reshaped(self) -> bool:
        """Whether the row itself has another shape: names or their order differ."""
        return self.before is not None and self.after is not None and self.before != self.after

    def lacks(self, column: str) -> bool:
        """Whether the query certainly doesn't return a column. Databases differ about case, so it doesn't count."""
        return self.after is not None and column.casefold() not in {name.casefold() for name in self.after}


@dataclass(frozen=True, slots=True)
class Binding:
    """Which live model a desired model means."""

    desired: DesiredModel
    live: LiveModel


@dataclass(frozen=True, slots=True)
class Bound:
    """The bindings by address, the live models that no file declares by id, and what could not be bound.

    `new` are the desired models, by address, that no live model answers to, where such may be created.
    """

    bindings: tuple[Binding, ...]
    unmanaged: tuple[LiveModel, ...] = ()
    problems: tuple[Problem, ...] = ()
    new: tuple[DesiredModel, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What a run reads and writes: environment, API root and workspace."""

    environment: str
    url: str
    workspace_id: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks: a token, or an e-mail and a password to log in with."""

    token: Secret | None = None
    email: str = ""
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a host keeps the commits of a pull request, in git's words; all of it the host says, and nobody else."""

    url: str
    """The repository's address."""
    ref: str
    """The ref of the pull request's head."""
    branch: str
    """The branch that the pull request goes to."""
    header: Secret
    """The header of HTTP that lets git in, name and value."""


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar (and empty container) of a nested value with its path, depth first.

    >>> list(leaves({"a": [1, {}], "b": None}))
    [(('a', 0), 1), (('a', 1), {}), (('b',), None)]
    """
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value
