"""Every check of every document in one pass: as it stands, and once for each environment. Pure."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from syncer.desired.validate import queries, values
from syncer.desired.validate.configuration import mistyped_keys
from syncer.desired.validate.connectors import unused_connectors
from syncer.desired.validate.duplicates import Claims
from syncer.desired.validate.finding import Finding, did_you_mean, own_values, quoted
from syncer.desired.validate.rules import RULES
from syncer.desired.validate.schema import of_defaults, of_effective_values, of_files
from syncer.desired.validate.secrets import literal_secrets, without_secrets
from syncer.model import SANDBOX, Document, Place, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from syncer.desired.validate.schema import Schema
    from syncer.model import Common, Origin, Section

MAX_PROBLEMS: Final = 100
"""How many problems of one file are worth reading in one run."""

SHARED_ID: Final = "shared-id"
"""The rule of an id that several environments read."""

_LARGEST_ID: Final = 2**63

_MANY_EDITS: Final = 20
"""How many edits of one cause are printed."""

_SEVERITY: Final = {rule.id: rule.severity for rule in RULES}


def check(
    documents: Sequence[Document],
    schema: Mapping[str, Any],
    environments: Collection[str],
    *,
    reads_sql: bool = False,
    passed: Collection[str] = (),
    sections: Iterable[Section] = (),
    common: Common | None = None,
) -> tuple[Problem, ...]:
    """Every problem of the documents, by place; and of the sections that they inherit from.

    `common`, with the settings' own sections, is given where the documents are all that there are.

    Of those that `passed` already under the same environments, by their paths, only what they have to do with others is
    looked at. With `reads_sql` each query is read as a database reads it, as far as the extra `sql` is there.
    `environments` are those of the settings. The sandbox always is one: its values are checked for the documents that
    mention it, and for all of them if `environments` names it or is empty.
    """
    run = _Run(schema, environments, queries.Readers() if reads_sql else None)
    problems: list[Problem] = run.section_problems([*sections, *_inherited_sections(documents, common)])
    for document in documents:
        if document.path in passed:
            run.note(document)
        else:
            problems += run.problems(document)
    problems += run.rivals()
    problems += run.shared_ids()
    if common is not None:
        problems += unused_connectors(documents, common)
    return tuple(sorted(dict.fromkeys(problems), key=_by_place))


def unreadable(documents: Iterable[Document], environment: str) -> tuple[Problem, ...]:
    """The queries of one environment that no database can read, as warnings; none without the extra `sql`."""
    readers = queries.Readers()
    problems: list[Problem] = []
    for document in documents:
        query = queries.query_in(document, *document.effective(environment))
        if query is not None:
            problems += _located(document, dict.fromkeys(readers.check(query)))
    return tuple(problems)


def as_errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The same problems with every warning made an error: what `--strict` means."""
    return tuple(replace(problem, severity=Severity.ERROR) for problem in problems)


class _Run:
    """What all documents of one run are checked against: everything compiled once."""

    def __init__(
        self, schema: Mapping[str, Any], environments: Collection[str], readers: queries.Readers | None
    ) -> None:
        self._readers = readers
        self._schema = schema
        self._wrong: set[Section] = set()
        """The sections that have a problem of their own, or that could not be read."""
        self._environments = sorted({*environments}) or [SANDBOX]
        self._workspaces = [name for name in dict.fromkeys(environments) if name != SANDBOX]
        self._known = {*environments, SANDBOX}
        self._glance = values.Glance()
        self._claims = Claims()
        self._shared: list[Document] = []
        """The files with an id at the top that several environments would read."""

    def section_problems(self, sections: Sequence[Section]) -> list[Problem]:
        """Every problem that the sections have whatever inherits from them."""
        problems: list[Problem] = []
        for section in dict.fromkeys(sections):
            found = dict.fromkeys((*self._section.findings(section.data), *values.check(section.data)))
            if section.is_unread or found:
                self._wrong.add(section)
            if found:
                problems += _located(Document("", section.path, section.data, section.marks), dict.fromkeys(found))
        return problems

    # Compiled when the first document is looked at: a run in which all passed before needs neither.

    @cached_property
    def _file(self) -> Schema:
        return of_files(self._schema)

    @cached_property
    def _section(self) -> Schema:
        return of_defaults(self._schema)

    @cached_property
    def _effective(self) -> Schema:
        return of_effective_values(self._schema)

    def problems(self, document: Document) -> list[Problem]:
        """Every problem of one document."""
        data = document.data
        found = dict.fromkeys(self._file.findings(data))
        found |= dict.fromkeys((*self._unknown_environments(data), *self._only(data)))
        for query in queries.queries_in(document):
            found |= dict.fromkeys(queries.check_text(query))
        if not self._glance.is_harmless(data):
            found |= dict.fromkeys(islice(values.check(data), 2 * MAX_PROBLEMS))
        checked = self._checked(data)
        where: dict[Finding, list[str]] = {}
        for group in self._alike(document, checked):
            for finding in dict.fromkeys(self._in_environment(document, group)):
                where.setdefault(finding, []).extend(group)
        for finding, names in where.items():
            found.setdefault(finding, None if len(names) == len(checked) else ", ".join(names))
        self._note_id(document)
        return _located(document, found) if found else []

    def note(self, document: Document) -> None:
        """Note what one document means, for what only all documents together can tell."""
        for group in self._alike(document, self._checked(document.data)):
            given, sources = document.effective(group[0])
            for one in group:
                self._claims.add(document, one, given, sources)
        self._note_id(document)

    def _note_id(self, document: Document) -> None:
        if "id" in document.data and len(self._homes(document)) > 1:
            self._shared.append(document)

    def rivals(self) -> Iterator[Problem]:
        """The problems that only all documents together have."""
        places: dict[tuple[str, Finding], tuple[Document, list[str]]] = {}
        for document, environment, finding in self._claims.rivals():
            places.setdefault((document.path, finding), (document, []))[1].append(environment)
        for (_, finding), (document, names) in places.items():
            everywhere = len(names) == len(self._checked(document.data))
            yield from _located(document, {finding: None if everywhere else ", ".join(names)})

    def shared_ids(self) -> Iterator[Problem]:
        """The ids at the top that several environments would read: in all but one of them they're other models'.

        It's one cause, so each problem has the edits of all.
        """
        lines = [f"{one.path}: {_moved_id(one.data, self._homes(one))}" for one in self._shared[:_MANY_EDITS]]
        if left := len(self._shared) - len(lines):
            lines.append(f"and likewise in {left} more")
        lead = "an id belongs to one workspace: move each under the environment whose model it is, for instance:"
        for document in self._shared:
            names = ", ".join(self._homes(document))
            message = f"the file has an id at the top, but there are several environments: {names}"
            yield from _located(
                document, {Finding(SHARED_ID, message, ("id",), "\n".join([lead, *lines]), key=True): None}
            )

    def _homes(self, document: Document) -> list[str]:
        """The environments with a workspace that the document lives in."""
        return [name for name in self._workspaces if document.is_in(name)]

    def _checked(self, data: Mapping[str, Any]) -> list[str]:
        """The environments that count for a document: the sandbox, too, if it's mentioned."""
        mentioned = data.get("environments")
        only = data.get("only")
        known = self._environments
        if SANDBOX not in known and any(SANDBOX in one for one in (mentioned, only) if isinstance(one, dict | list)):
            known = [*known, SANDBOX]
        # What makes no sense in `only` has its problem; the values are checked all the same.
        return ([name for name in known if name in only] or known) if isinstance(only, list) else known

    def _alike(self, document: Document, environments: Sequence[str]) -> list[list[str]]:
        """The environments in groups that have the same values: those that nobody mentions are one group."""
        own = {*own_values(document.data), *document.inherited.common.environments}
        if not own:
            return [[*environments]]
        rest = [name for name in environments if name not in own]
        return [*([rest] if rest else []), *([name] for name in environments if name in own)]

    def _only(self, data: Mapping[str, Any]) -> Iterator[Finding]:
        """What is wrong with the environments that a model is to live in, beyond their type."""
        only = data.get("only")
        if not isinstance(only, list):
            return
        listed = ", ".join(sorted(self._known))
        for index, name in islice(enumerate(only), MAX_PROBLEMS):
            if isinstance(name, str) and name not in self._known:
                hint = did_you_mean(name, sorted(self._known), f"the settings have {listed}; add a table for it there")
                message = f"only names the environment {quoted(name)}, which the settings don't have"
                yield Finding("unknown-environment", message, ("only", index), hint)
        for name in own_values(data) if only else ():
            if name in self._known and name not in only:
                message = f"the file has values for the environment {name}, but only doesn't name it"
                hint = f"remove them, or add {name} to only: until then they are not used"
                yield Finding("outside-only", message, ("environments", name), hint, key=True)

    def _unknown_environments(self, data: Mapping[str, Any]) -> Iterator[Finding]:
        environments = data.get("environments")
        if not isinstance(environments, dict):
            return
        listed = ", ".join(sorted(self._known))
        for name in islice((name for name in environments if name not in self._known), MAX_PROBLEMS):
            hint = did_you_mean(name, sorted(self._known), f"the settings have {listed}; add a table for it there")
            message = f"the settings have no environment {quoted(name)}"
            yield Finding("unknown-environment", message, ("environments", name), hint, key=True)

    def _in_environment(self, document: Document, group: Sequence[str]) -> Iterator[Finding]:
        """What is wrong with the values of one environment, or of several that have the same."""
        effective, sources = document.effective(group[0])
        query = queries.query_in(document, effective, sources)
        given = dict(effective)
        if "connector" in given:
            # What its number is, the workspace tells; here it's enough that there will be one.
            given.setdefault("connector_id", 1)
            del given["connector"]
        name = given.pop("query_file", None)
        if isinstance(name, str):
            file = document.files.get(name)
            sources = {**sources, "query": sources["query_file"]}
            # An SQL file that can't be read has its problem already; what it says is not for us to guess.
            given["query"] = file.text if file is not None else "?"
        for one in group:
            self._claims.add(document, one, given, sources)

        own = ("environments", group[0]) if group[0] in own_values(document.data) else ()
        found = [*self._effective.findings(given), *values.fractions(given)]
        if query is not None:
            found += queries.check_run(query, self._readers)
        found += queries.dynamic_without_query(given)
        # What is missing says itself which key was meant.
        if not any(one.rule == "query-type-needs" for one in found):
            found += mistyped_keys(given)
        inherits_wrongly = not self._wrong.isdisjoint(document.inherited.sections_in(group[0]))
        for finding in found:
            if finding.path and finding.spot is None:
                placed = _placed(finding, sources)
                if placed.section not in self._wrong:
                    yield placed
            elif finding.path or not inherits_wrongly:
                # What is missing may stand where nothing could be read.
                yield finding if finding.spot is not None else finding._replace(path=own, key=bool(own))


def _placed(finding: Finding, places: Mapping[str, Place]) -> Finding:
    """A finding about the values of an environment, at the place that its value comes from."""
    name = str(finding.path[0])
    part = places.get(".".join(map(str, finding.path[:2]))) if name == "lifecycle" else None
    path, section = part or places.get(name, Place(()))
    return finding._replace(path=(*path, *finding.path[2 if part else 1 :]), section=section)


def _inherited_sections(documents: Sequence[Document], common: Common | None) -> list[Section]:
    """The sections that files inherit from, and those of the settings."""
    inherited = dict.fromkeys(document.inherited for document in documents)
    every = dict.fromkeys([*(one.common for one in inherited), *([common] if common else [])])
    settings = [section for one in every for section in (one.defaults, *one.environments.values()) if section]
    return [*(section for one in inherited for section in one.sections), *settings]


def _moved_id(data: Mapping[str, Any], environments: Sequence[str]) -> str:
    """The edit that mends an id at the top, to be pasted: it goes below an environment that has none of its own."""
    own = own_values(data)
    name = next((name for name in environments if "id" not in own.get(name, {})), "")
    if not name:
        return "remove the line, because each environment has an id of its own"
    number = data["id"] if type(data["id"]) is int and 0 < data["id"] < _LARGEST_ID else "…"
    if "environments" not in data:
        return f"`environments: {{{name}: {{id: {number}}}}}`"
    if name not in own:
        return f"`  {name}: {{id: {number}}}` below `environments:`"
    return f"`id: {number}` in {name} below `environments:`"


def _located(document: Document, found: Mapping[Finding, str | None]) -> list[Problem]:
    """The findings as problems, each saying in which environments it holds if not in all; nothing secret in any."""
    secrets = sorted(set(literal_secrets(document.data)), key=len, reverse=True)
    problems = []
    # Locating costs more than finding: of a file with ten thousand problems it's done for a few.
    for finding, environments in islice(found.items(), 2 * MAX_PROBLEMS):
        where = environments
        if finding.rule != "unknown-environment" and finding.path[:1] == ("environments",) and len(finding.path) > 1:
            where = quoted(str(finding.path[1]))[1:-1]
        message = f"{finding.message} (environment {where})" if where else finding.message
        severity = _SEVERITY[finding.rule]
        if finding.spot is not None:
            problem = Problem(finding.spot.origin, finding.rule, message, finding.hint, severity, finding.spot.excerpt)
        else:
            problem = document.problem(
                finding.rule,
                message,
                finding.path,
                hint=finding.hint,
                severity=severity,
                key=finding.key,
                section=finding.section,
            )
        problems.append(without_secrets(problem, secrets) if secrets else problem)
    problems.sort(key=_by_place)
    if len(problems) > MAX_PROBLEMS:
        # An error even where all it stands for are warnings: nobody knows what it hides.
        message = f"the file has more than {MAX_PROBLEMS} problems"
        last = problems[MAX_PROBLEMS - 1].origin
        problems[MAX_PROBLEMS:] = [Problem(last, "more-problems", message, "fix the ones above first")]
    return problems


def _by_place(problem: Problem) -> tuple[Origin, str, str]:
    return problem.origin, problem.rule, problem.message
