"""`syncer import --drift`: edits made outside git, taken into the files. Every text is tried first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from syncer.adopting import drift, new_files
from syncer.adopting.drift import DriftEdits, DriftImport, Revision
from syncer.adopting.names import Variables
from syncer.adopting.new_files import Draft, ImportContext
from syncer.desired.connectors import bind_connectors
from syncer.desired.resolve import resolve, reveal
from syncer.desired.targets import Targets
from syncer.model import (
    Binding,
    Bound,
    Connector,
    DesiredModel,
    Document,
    Path,
    Place,
    Problem,
    Severity,
    Target,
)
from syncer.plan.planner import make_plan
from syncer.plan.unset_secrets import with_live_secrets
from syncer.workflow.comparison import compared
from syncer.workflow.reader import Connectors, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from syncer.model import Origin
    from syncer.secrets import Secret
    from syncer.workflow.base import Base
    from syncer.workflow.desk import Desk


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
) -> tuple[DriftImport, tuple[Problem, ...]]:
    """The files with what was changed outside git in them, each read back; and what couldn't be looked at.

    Without a base all that differs is taken. `environments` are those of the settings. Raises ApiError, RefreshError,
    and SettingsError for a pattern that names nothing.
    """
    connectors = Connectors(reader)
    found = compared(documents, reader, target, lookup, connectors, base=base, targets=Targets(patterns))
    changes = found.plan.updated
    is_moved = any("connector_id" in change.changed for change in changes)
    has_names = any(change.desired.connector for change in changes)
    sources = connectors() if is_moved or has_names else ()
    manner = ImportContext(target.environment, sources, common=desk.common)
    variables = Variables(desk.variable, {*new_files.named_variables(documents), *desk.variables()})
    owners = drift.sql_file_owners(documents)
    intakes = []
    for change in changes:
        causes = None if found.provenance is None else found.provenance.of(change)
        intakes.append(drift.drift_edits(change, causes, manner, variables, owners))
    placed, more = _placed(intakes, _Trying(desk, target, lookup, sources))
    revisions = [file for one in placed for file in one.files.values() if file.before != file.after]
    taken = DriftImport(
        target,
        tuple(sorted(revisions, key=lambda one: one.path)),
        tuple((one.change.address, one.waiting) for one in intakes if one.waiting),
        tuple(
            sorted((*(left for one in intakes for left in one.left), *more, *_lost(found.bound.new)), key=_by_origin)
        ),
        new_files.unset_variables([one.draft for one in placed], lookup),
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

    intake: DriftEdits
    files: Mapping[str, Revision] = field(default_factory=dict)
    left: Sequence[tuple[Path, str]] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    variables: Collection[str] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the files say now, each at least in part."""
        unplaced = {drift.field_of(path) for path, _ in self.left if len(path) == 1}
        return tuple(name for name in self.intake.fields if name not in unplaced)

    @property
    def draft(self) -> Draft:
        """What it comes from, with the secrets that the files name."""
        named = {name: secret for name, secret in (self.intake.secrets or {}).items() if name in self.variables}
        return Draft(self.intake.change.live, self.intake.path, {}, secrets=named)


def _placed(intakes: Sequence[DriftEdits], trying: _Trying) -> tuple[list[_Trial], list[Problem]]:
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
        drift.unplaced_problem(failed[path].intake, failed[path].intake.change.desired.sources[name].path, reason)
        for path, found in reasons.items()
        for name, reason in found.items()
    ]
    problems += [drift.unplaced_problem(one.intake, *left) for one in trials.values() for left in one.left]
    return [trial for trial in trials.values() if trial.fields], problems


@dataclass(frozen=True, slots=True)
class _Trying:
    """Tries files, with all that this takes."""

    desk: Desk
    target: Target
    lookup: Callable[[str], Secret | None]
    connectors: Sequence[Connector]

    def of(self, intakes: Iterable[DriftEdits]) -> dict[str, _Trial]:
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
            wrong = [error.message for error in errors if error.path in trial.files]
            document = by_path.get(path)
            if wrong or document is None:
                reason = f"the file would not be valid with it: {wrong[0] if wrong else 'it could not be read back'}"
                trials[path] = replace(trial, wrong=dict.fromkeys(trial.intake.fields, reason))
                continue
            reason = "the file can't say it so that it's read back as it's live"
            still = dict.fromkeys(self._still(trial, document), reason)
            trials[path] = replace(trial, wrong=still, variables=new_files.named_variables([document]))
        return trials

    def _still(self, trial: _Trial, document: Document) -> list[str]:
        """The fields that should be in step with the new text and aren't, but for what is left, and rotated secrets."""
        named, nameless = bind_connectors(resolve([document], self.target.environment), self.connectors)
        if nameless:
            return ["connector_id"]
        fresh = trial.intake.secrets or {}
        revealed, _ = reveal(named, lambda variable: fresh.get(variable) or self.lookup(variable))
        live = trial.intake.change.live
        binding = Binding(with_live_secrets(revealed.models[0], live)[0], live)
        left = [(drift.field_of(path), *path[1:]) for path, _ in trial.left]
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


def _revised(intake: DriftEdits, desk: Desk) -> tuple[dict[str, Revision], Sequence[tuple[Path, str]]]:
    """A model's files with its drift in them, by path, and what the YAML has no room for. Raises _UnplacedError."""
    before = _bytes(desk.raw(intake.path), intake.path)
    after, reasons = desk.revised(before, intake.edits)
    files = {intake.path: Revision(intake.path, before, after)}
    if intake.sql is not None:
        path, query = intake.sql
        raw = _bytes(desk.raw(path), path)
        try:
            files[path] = Revision(path, raw, drift.sql_file_bytes(query, raw))
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
            if not document.is_in(name):
                continue
            values, sources = document.effective(name)
            aliases = {"query": "query_file", "connector_id": "connector"}
            file = document.files.get(str(values.get("query_file")))
            is_same_file = intake.sql is not None and file is not None and file.path == intake.sql[0]
            if is_same_file or any(
                not (sources.get(field) or sources.get(aliases.get(field, ""), Place(()))).is_of_environment
                for field in trial.fields
            ):
                found.add(name)
    return tuple(sorted(found))
