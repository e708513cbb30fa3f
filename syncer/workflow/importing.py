"""Import: live models into git, as new files or as values in those that are there. Every text is tried first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from syncer.adopting import importer
from syncer.adopting.importer import (
    Addresses,
    Asked,
    Draft,
    Imported,
    Intake,
    Manner,
    Revision,
    Taken,
    UnwritableError,
    Variables,
)
from syncer.desired.resolve import bind, bind_connectors, resolve, reveal
from syncer.model import (
    Binding,
    Bound,
    Connector,
    DesiredModel,
    Document,
    Json,
    LiveModel,
    Path,
    Problem,
    Severity,
    Target,
)
from syncer.plan.planner import make_plan
from syncer.workflow.asking import Base, Connectors, Reader, unread
from syncer.workflow.comparison import compared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from syncer.model import Origin
    from syncer.secrets import Secret


class Desk(Protocol):
    """What an import needs of the files: their texts, and a trial of new ones. Nothing is written by it."""

    def variable(self, secret: Secret) -> str:
        """The variable that has this very value; empty if none has."""

    def variables(self) -> Collection[str]:
        """The variables that are set: a name that a foreign model suggests must not be one of another value."""

    def names(self) -> Collection[str]:
        """What is in the folder that new files go to."""

    def path(self, name: str) -> str:
        """The path, from the root, of a new file in that folder."""

    def is_free(self, path: str) -> bool:
        """Whether nothing is at a path."""

    def written(self, draft: Draft) -> Mapping[str, str]:
        """The texts of a draft's files, by path. Raises ValueError for what no file can say."""

    def raw(self, path: str) -> bytes | str:
        """What a file holds, every byte of it; or, as text, why it can't be rewritten."""

    def revised(self, raw: bytes, edits: Sequence[tuple[Path, Json]]) -> tuple[bytes, Sequence[tuple[Path, str]]]:
        """The file with the edits in it, and the paths of those that it has no room for, with the reason."""

    def tried(self, texts: Mapping[str, bytes]) -> tuple[Sequence[Document], Sequence[Problem]]:
        """What git would say with these files in it: their definitions, and every error in them."""


def import_models(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    asked: Asked,
    desk: Desk,
    *,
    pins_at_top: bool = True,
    inline: bool = False,
    force: bool = False,
) -> Imported:
    """The files that declare live models as they are: each was read back, and is in step with its model.

    With `force` a model that is in git already is written anew. What is asked for must make sense
    (`importer.check_asked`). Raises ApiError, RefreshError, and SettingsError for a connector that isn't one.
    """
    everything = resolve(documents, target.environment)
    connectors = reader.connectors()
    live = reader.fetch({*asked.ids, *(model.id for model in everything.models if model.id is not None)})
    models, problems = importer.chosen(asked, live, connectors)
    problems = [*(_as_error(one) if one.rule == "incomplete-live-state" else one for one in unread(live)), *problems]
    bound = bind(everything, live)
    owners = {binding.live.id: binding.desired for binding in bound.bindings}
    unmanaged = {model.id for model in bound.unmanaged}
    manner = Manner(target.environment, connectors, pins_at_top, inline)
    variables = Variables(desk.variable, {*importer.variables_of(documents), *desk.variables()})
    addresses = Addresses(desk.names())
    is_asked = bool(asked.ids)
    sql_owners = importer.owners(documents)
    drafts: list[Draft] = []
    present: list[tuple[LiveModel, str]] = []
    for model in models:
        owner = owners.get(model.id)
        try:
            if model.id in unmanaged:
                name = addresses.of(model)
                path = desk.path(f"{name}.yaml")
                made = importer.draft(model, path, manner, variables, address=name, query_file=f"{name}.sql")
            elif not force or owner is None:
                present.append((model, owner.document.path if owner else ""))
                continue
            else:
                made = _rewritten(model, owner, manner, variables, desk, sql_owners)
        except UnwritableError as error:
            problems.append(importer.left_out(model, str(error), is_asked=is_asked))
        else:
            drafts.append(made)
    kept, texts, refused = _proved(drafts, desk, target, connectors, is_asked=is_asked)
    return Imported(
        tuple(kept),
        texts,
        tuple(present) if is_asked else (),
        len(present),
        importer.settings_of(kept, lookup),
        (*problems, *refused),
    )


def _as_error(problem: Problem) -> Problem:
    return replace(problem, severity=Severity.ERROR)


def _rewritten(
    model: LiveModel,
    owner: DesiredModel,
    manner: Manner,
    variables: Variables,
    desk: Desk,
    sql_owners: Mapping[str, Collection[str]],
) -> Draft:
    """A model that is in git already, as a new text for its file. Raises UnwritableError."""
    document = owner.document
    others = {*(document.data.get("environments") or {})} - {manner.environment}
    if others:
        raise UnwritableError(
            f"{document.path} has values of {', '.join(sorted(others))}, too, which would be lost; "
            "`syncer import --drift` takes live values into it"
        )
    folder, _, file = document.path.rpartition("/")
    name = f"{file.removesuffix('.yaml')}.sql"
    beside = f"{folder}/{name}".lstrip("/")
    is_own = desk.is_free(beside) or sql_owners.get(beside) == {document.path}
    lifecycle, _ = document.effective(manner.environment)
    kept = {"lifecycle": lifecycle["lifecycle"]} if "lifecycle" in lifecycle else {}
    return importer.draft(
        model, document.path, manner, variables, address=owner.address, query_file=name if is_own else "", kept=kept
    )


def _proved(
    drafts: Sequence[Draft], desk: Desk, target: Target, connectors: Sequence[Connector], *, is_asked: bool
) -> tuple[list[Draft], dict[str, str], list[Problem]]:
    """The drafts whose files, read back, are valid and in step with what is live; their texts; and why not the others.

    What can't be said in YAML, what the rules refuse and what doesn't come back as it is live are found here alike.
    """
    texts: dict[str, Mapping[str, str]] = {}
    reasons: dict[str, str] = {}
    for draft in drafts:
        try:
            texts[draft.path] = desk.written(draft)
        except ValueError as error:
            reasons[draft.path] = str(error)
        else:
            if importer.in_clear(draft, texts[draft.path].values()):
                reasons[draft.path] = "its file would hold, in clear, what is a secret in its configuration"
    ready = [draft for draft in drafts if draft.path not in reasons]
    together = {path: text.encode() for draft in ready for path, text in texts[draft.path].items()}
    documents, errors = desk.tried(together) if together else ((), ())
    by_path = {document.path: document for document in documents}
    wrong: dict[str, list[str]] = {}
    for found_wrong in errors:
        wrong.setdefault(found_wrong.origin.path, []).append(found_wrong.message)
    for draft in ready:
        found = [message for path in texts[draft.path] for message in wrong.get(path, ())]
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            reasons[draft.path] = found[0] + more
        elif draft.path not in by_path:
            reasons[draft.path] = "its file can't be read back"
        elif fields := _differing(by_path[draft.path], draft.live, draft.secrets or {}, target, connectors):
            reasons[draft.path] = f"{', '.join(fields)} would not be read back as it's live"
    kept = [draft for draft in drafts if draft.path not in reasons]
    refused = [
        importer.left_out(
            draft.live, reasons[draft.path], is_asked=is_asked, path=draft.path if draft.is_rewritten else ""
        )
        for draft in drafts
        if draft.path in reasons
    ]
    return kept, {path: text for draft in kept for path, text in texts[draft.path].items()}, refused


def _differing(
    document: Document,
    live: LiveModel,
    secrets: Mapping[str, Secret],
    target: Target,
    connectors: Sequence[Connector],
) -> list[str]:
    """The fields in which a definition that was just made differs from what it was made of."""
    desired, nameless = bind_connectors(resolve([document], target.environment), connectors)
    revealed, missing = reveal(desired, secrets.get)
    binding = Binding(revealed.models[0], live)
    if nameless or missing or revealed.models[0].id != live.id:
        return ["its secrets" if missing else "its connector" if nameless else "its id"]
    changes = make_plan(Bound((binding,)), target).changes
    return list(changes[0].changed) if changes else []


def import_drift(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    desk: Desk,
    patterns: Sequence[str] = (),
    *,
    base: Base | None = None,
    environments: Collection[str] = (),
) -> tuple[Taken, tuple[Problem, ...]]:
    """The files with what was changed outside git in them, each read back; and what couldn't be looked at.

    Without a base all that differs is taken. `environments` are those of the settings. Raises ApiError, RefreshError,
    and SettingsError for a pattern that names nothing.
    """
    connectors = Connectors(reader)
    found = compared(documents, reader, target, lookup, connectors, base=base, patterns=patterns)
    changes = found.plan.updated
    is_moved = any("connector_id" in change.changed for change in changes)
    has_names = any(change.desired.connector for change in changes)
    sources = connectors() if is_moved or has_names else ()
    manner = Manner(target.environment, sources)
    variables = Variables(desk.variable, {*importer.variables_of(documents), *desk.variables()})
    owners = importer.owners(documents)
    intakes = []
    for change in changes:
        causes = None if found.provenance is None else found.provenance.of(change)
        intakes.append(importer.intake(change, causes, manner, variables, owners))
    placed, more = _placed(intakes, _Trying(desk, target, lookup, sources))
    revisions = [file for one in placed for file in one.files.values() if file.before != file.after]
    taken = Taken(
        target,
        tuple(sorted(revisions, key=lambda one: one.path)),
        tuple((one.change.address, one.waiting) for one in intakes if one.waiting),
        tuple(
            sorted((*(left for one in intakes for left in one.left), *more, *_lost(found.bound.new)), key=_by_origin)
        ),
        importer.settings_of([one.draft for one in placed], lookup),
        _sharing(placed, target, environments),
    )
    return taken, (*found.warnings, *found.problems)


def _by_origin(problem: Problem) -> Origin:
    return problem.origin


def _lost(models: Sequence[DesiredModel]) -> list[Problem]:
    """The definitions that no live model answers to: what became of it only a person can tell."""
    return [
        model.problem(
            "no-live-model",
            f"no live model is named {model.name!r}: it's new, or was renamed or deleted outside git",
            "name",
            hint="if it was renamed, pin the live model with `id:`; then its name is taken into the file",
            severity=Severity.WARNING,
        )
        for model in models
    ]


@dataclass(frozen=True, slots=True)
class _Trial:
    """A model's files with its drift in them, as they were read back.

    `left` are the places that have no room for it, `wrong` says of fields why they can't be in the files at all.
    """

    intake: Intake
    files: Mapping[str, Revision] = field(default_factory=dict)
    left: Sequence[tuple[Path, str]] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    variables: Collection[str] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the files say now, each at least in part."""
        unplaced = {importer.field_of(path) for path, _ in self.left if len(path) == 1}
        return tuple(name for name in self.intake.fields if name not in unplaced)

    @property
    def draft(self) -> Draft:
        """What it comes from, with the secrets that the files name."""
        named = {name: secret for name, secret in (self.intake.secrets or {}).items() if name in self.variables}
        return Draft(self.intake.change.live, self.intake.path, {}, secrets=named)


def _placed(intakes: Sequence[Intake], trying: _Trying) -> tuple[list[_Trial], list[Problem]]:
    """The files that take what they can, and a problem for each part that can't be placed.

    A field that can't be placed keeps no other one back: where something is wrong, each is tried after the other.
    """
    trials = trying.of(intakes)
    failed = {path: trial for path, trial in trials.items() if trial.wrong}
    trials |= {path: _Trial(trial.intake.only(())) for path, trial in failed.items()}
    reasons: dict[str, dict[str, str]] = {path: {} for path in failed}
    for turn in range(max((len(trial.intake.fields) for trial in failed.values()), default=0)):
        turns = {path: one.intake.fields[turn] for path, one in failed.items() if turn < len(one.intake.fields)}
        more = [failed[path].intake.only((*trials[path].intake.fields, name)) for path, name in turns.items()]
        # With what the other files say now: that may speak against it.
        again = trying.of([*(one.intake for path, one in trials.items() if path not in turns), *more])
        for path, name in turns.items():
            if found := again[path].wrong:
                reasons[path][name] = found.get(name) or next(iter(found.values()))
            else:
                trials[path] = again[path]
    problems = [
        importer.unplaced(failed[path].intake, failed[path].intake.change.desired.sources[name], reason)
        for path, found in reasons.items()
        for name, reason in found.items()
    ]
    problems += [importer.unplaced(one.intake, *left) for one in trials.values() for left in one.left]
    return [trial for trial in trials.values() if trial.fields], problems


@dataclass(frozen=True, slots=True)
class _Trying:
    """Tries files, with all that this takes."""

    desk: Desk
    target: Target
    lookup: Callable[[str], Secret | None]
    connectors: Sequence[Connector]

    def of(self, intakes: Iterable[Intake]) -> dict[str, _Trial]:
        """The trials of all that is to be taken, in one folder, by the path of the model file."""
        trials: dict[str, _Trial] = {}
        beside: dict[str, bytes] = {}
        for intake in intakes:
            if not intake.fields:
                continue
            try:
                files, left = _revised(intake, self.desk)
                for file in intake.change.desired.document.files.values():
                    beside[file.path] = _bytes(self.desk.raw(file.path), file.path)
            except _UnplacedError as error:
                trials[intake.path] = _Trial(intake, wrong=dict.fromkeys(intake.fields, str(error)))
            else:
                trials[intake.path] = _Trial(intake, files, left)
        together = {path: one.after for trial in trials.values() for path, one in trial.files.items()}
        documents, errors = self.desk.tried({**beside, **together}) if together else ((), ())
        by_path = {document.path: document for document in documents}
        for path, trial in trials.items():
            if trial.wrong:
                continue
            wrong = [error.message for error in errors if error.origin.path in trial.files]
            document = by_path.get(path)
            if wrong or document is None:
                reason = f"the file would not be valid with it: {wrong[0] if wrong else 'it could not be read back'}"
                trials[path] = replace(trial, wrong=dict.fromkeys(trial.intake.fields, reason))
                continue
            reason = "the file can't say it so that it's read back as it's live"
            still = dict.fromkeys(self._still(trial, document), reason)
            trials[path] = replace(trial, wrong=still, variables=importer.variables_of([document]))
        return trials

    def _still(self, trial: _Trial, document: Document) -> list[str]:
        """The fields that should be in step with the new text and aren't, but for what is left, and rotated secrets."""
        named, nameless = bind_connectors(resolve([document], self.target.environment), self.connectors)
        if nameless:
            return ["connector_id"]
        fresh = trial.intake.secrets or {}
        revealed, _ = reveal(named, lambda variable: fresh.get(variable) or self.lookup(variable))
        binding, _ = importer.blind(Binding(revealed.models[0], trial.intake.change.live))
        left = [(importer.field_of(path), *path[1:]) for path, _ in trial.left]
        differing = {
            str(one.path[0])
            for change in make_plan(Bound((binding,)), self.target).changes
            for one in change.fields
            if not one.is_sensitive and not any(_is_about(one.path, path) for path in left)
        }
        return [name for name in trial.intake.fields if name in differing]


def _is_about(one: Path, other: Path) -> bool:
    """Whether a place is another one, or one of the two is in the other."""
    depth = min(len(one), len(other))
    return one[:depth] == other[:depth]


class _UnplacedError(Exception):
    """A file can't be rewritten; the message says why."""


def _bytes(found: bytes | str, path: str) -> bytes:
    if isinstance(found, str):
        raise _UnplacedError(f"{path}: {found}")
    return found


def _revised(intake: Intake, desk: Desk) -> tuple[dict[str, Revision], Sequence[tuple[Path, str]]]:
    """A model's files with its drift in them, by path, and what the YAML has no room for. Raises _UnplacedError."""
    before = _bytes(desk.raw(intake.path), intake.path)
    after, reasons = desk.revised(before, intake.edits)
    files = {intake.path: Revision(intake.path, before, after)}
    if intake.sql is not None:
        path, query = intake.sql
        raw = _bytes(desk.raw(path), path)
        try:
            files[path] = Revision(path, raw, importer.in_file(query, raw))
        except UnicodeEncodeError:
            raise _UnplacedError("it holds half a character, which no file can") from None
    return files, reasons


def _sharing(placed: Sequence[_Trial], target: Target, environments: Collection[str]) -> tuple[str, ...]:
    """The other environments whose values change with the files."""
    found = set()
    for trial in placed:
        intake = trial.intake
        for name in {*environments} - {target.environment}:
            document = intake.change.desired.document
            values, sources = document.effective(name)
            aliases = {"query": "query_file", "connector_id": "connector"}
            file = document.files.get(str(values.get("query_file")))
            is_same_file = intake.sql is not None and file is not None and file.path == intake.sql[0]
            if is_same_file or any(
                (sources.get(field) or sources.get(aliases.get(field, ""), ()))[:1] != ("environments",)
                for field in trial.fields
            ):
                found.add(name)
    return tuple(sorted(found))
