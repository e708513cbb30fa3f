"""A live model as a new definition: the values of its file, in the order of writing. Pure.

How they look in YAML is `render`'s to say; `workflow` proves by reading a text back that it means what was meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syncer.desired.connectors import source_name
from syncer.model import NO_COMMON, NOWHERE, Problem, Severity
from syncer.secrets import Secret, SecretRef, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from syncer.adopting.names import Variables
    from syncer.model import Common, Connector, Document, Json, LiveModel, Path

_LONGEST_SHOWN: Final = 200

_SHORTEST_SECRET: Final = 8
"""Shorter values are words that may stand anywhere."""


class UnwritableError(Exception):
    """No file can say this; the message says why."""


@dataclass(frozen=True, slots=True)
class ImportContext:
    """How files are written in this run: whose workspace, and what people chose.

    `pins_at_top` says that an id at the top of a file means one model alone: there is no other environment.
    """

    environment: str
    connectors: Sequence[Connector]
    pins_at_top: bool = True
    inline: bool = False
    common: Common = NO_COMMON

    def connector(self, connector_id: int) -> str:
        """The name by which files mean this connector and no other; empty if there is none."""
        name = source_name(self.connectors, connector_id)
        return self.common.connector_in_files(self.environment, name) if name else ""


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
    manner: ImportContext,
    variables: Variables,
    *,
    address: str,
    query_file: str = "",
    kept: Mapping[str, Json] | None = None,
    inherited: Collection[str] = (),
) -> Draft:
    """What a file at `path` says so that it's in step with the live model. Raises UnwritableError.

    `query_file` may be used for the query; `kept` is the lifecycle of a file that is written anew. The file says all by
    itself: of the fields `inherited` from defaults also that there is nothing.
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
    if fields.get("description") or "description" in inherited:
        values["description"] = fields.get("description") or None
    values |= {"connector": connector} if connector else {"connector_id": connector_id}
    values["query_type"] = fields.get("query_type")
    if str(fields.get("primary_key") or "").strip():
        values["primary_key"] = fields["primary_key"]
    elif "primary_key" in inherited:
        values["primary_key"] = None
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


def named_variables(documents: Iterable[Document]) -> set[str]:
    """Every variable that a definition names, in any environment."""
    found: set[str] = set()
    waiting: list[Json] = []
    inherited = set()
    for document in documents:
        waiting.append(document.data)
        inherited.add(document.inherited)
    for one in inherited:
        common = one.common
        sections = (*one.sections, *common.environments.values(), *([common.defaults] if common.defaults else []))
        waiting += [section.data for section in sections]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("env"), str):
                found.add(value["env"])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def shows_a_secret(draft: Draft, texts: Iterable[str]) -> bool:
    """Whether the files would hold, in clear, a secret that the model has elsewhere."""
    values = [str(secret.reveal()) for secret in (draft.secrets or {}).values() if not secret.is_mask]
    return any(len(value) >= _SHORTEST_SECRET and value in text for value in values for text in texts)


def not_imported(model: LiveModel, why: str, *, is_asked: bool, path: str = "") -> Problem:
    """A live model that can't be a definition; an error if it was asked for by name."""
    return Problem(
        NOWHERE,
        "not-imported",
        f"model {model.id} {model.name[:_LONGEST_SHOWN]!r} can't be a definition: {why}",
        "fix it in AI Squared and import it then, or write its file by hand; until then it stays out of git"
        if not path
        else f"edit {path} by hand",
        Severity.ERROR if is_asked else Severity.WARNING,
    )


@dataclass(frozen=True, slots=True)
class UnsetVariable:
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
    settings: tuple[UnsetVariable, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing that was asked for by name is missing."""
        return not any(problem.is_error for problem in self.problems)


def unset_variables(drafts: Iterable[Draft], lookup: Callable[[str], Secret | None]) -> tuple[UnsetVariable, ...]:
    """The variables that files name and that aren't set to what is live, by name."""
    found: dict[str, tuple[list[str], Secret]] = {}
    for one in drafts:
        for variable, secret in (one.secrets or {}).items():
            found.setdefault(variable, ([], secret))[0].append(one.path)
    return tuple(
        UnsetVariable(variable, tuple(paths), secret.is_mask)
        for variable, (paths, secret) in sorted(found.items())
        if (lookup(variable) is None if secret.is_mask else lookup(variable) != secret)
    )
