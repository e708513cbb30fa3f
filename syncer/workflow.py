"""The use cases as straight lines: plan and apply. Edges (Reader, Writer, secrets) arrive as arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from syncer import adoption, applier, policy, provenance, saved, sql, undo, wire
from syncer.adoption import (
    Addresses,
    Adopted,
    Draft,
    Manner,
    Revision,
    Taken,
    UnwritableError,
    Variables,
)
from syncer.errors import ApiError, RefreshError, RefusedError, SettingsError
from syncer.listing import Around, Listing
from syncer.listing import listed as rows_of
from syncer.model import (
    NOWHERE,
    Binding,
    Bound,
    Columns,
    DesiredState,
    LiveModel,
    Problem,
    Secret,
    Severity,
)
from syncer.planner import Effect, Plan, Planned, make_plan
from syncer.resolve import bind, bind_connectors, resolve, reveal, stand_in_connectors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from syncer.adoption import Asked, Intake
    from syncer.applier import Report, Stop, Writer
    from syncer.model import Connector, DesiredModel, Document, Json, LiveState, Path, Sync, Target, Tell
    from syncer.planner import Change, Provenance
    from syncer.policy import Limits
    from syncer.undo import Ending


_T = TypeVar("_T")

_MANY: Final = 5
"""How many files a message lists."""

_ASKED: Final = 20
"""How many syncs are asked at most whether they run: it's a request for each."""

_DOWNSTREAM: Final = frozenset({"query", "primary_key", "connector_id", "query_type"})
"""The fields whose change a sync's next run notices."""

_PARSED: Final = frozenset({"raw_sql", "dbt", "table_selector", "dynamic_sql"})
"""The query types whose query is SQL."""


class Reader(Protocol):
    """What a plan needs of the API. All raise ApiError, and the lists RefreshError."""

    def fetch(self, declared: Collection[int]) -> LiveState:
        """Live state of the workspace; `declared` are the ids that files name."""

    def connectors(self) -> Sequence[Connector]:
        """The connectors of the workspace."""

    def syncs(self) -> Sequence[Sync]:
        """The syncs of the workspace."""

    def is_running(self, sync_id: int) -> bool:
        """Whether a run of the sync is under way."""


@dataclass(frozen=True, slots=True)
class Base:
    """What git said before: its commit, those of its definitions that are valid, and the paths of the others."""

    commit: str
    documents: tuple[Document, ...]
    unusable: tuple[str, ...] = ()


class _Connectors:
    """The workspace's connectors: asked for once, and only if something needs them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: Sequence[Connector] | None = None

    def __call__(self) -> Sequence[Connector]:
        """All of them."""
        if self._known is None:
            self._known = self._reader.connectors()
        return self._known

    def bound(self, desired: DesiredState) -> tuple[DesiredState, tuple[Problem, ...]]:
        """The state with the ids of the connectors that it names."""
        if not any(model.connector for model in desired.models):
            return desired, ()
        return bind_connectors(desired, self())


def plan(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    limits: Limits,
    patterns: Sequence[str] = (),
    *,
    base: Base | None = None,
    create: bool = False,
    with_effects: bool = True,
) -> Planned:
    """Refresh and plan; with `patterns` (addresses or globs) only the definitions that they name.

    With a base the plan says of each difference where it comes from, with `create` definitions that no live model
    answers to are planned, too, and `with_effects` it says what the changes do downstream. The documents must be valid.
    Raises ApiError, RefreshError, and SettingsError for a pattern that names nothing.
    """
    connectors = _Connectors(reader)
    everything = resolve(documents, target.environment)
    wanted, nameless = connectors.bound(_targeted(everything, patterns))
    chosen, missing = reveal(wanted, lookup)
    missing = (*nameless, *missing)
    live = reader.fetch({model.id for model in everything.models if model.id is not None})

    bound, problems = _bound(everything, chosen, live, {problem.origin.path for problem in missing}, create=create)
    told = tuple(problem for problem in problems if not problem.is_error)
    problems = tuple(problem for problem in problems if problem.is_error)
    made = make_plan(bound, target, excluded=len(everything.models) - len(chosen.models))
    problems = (*problems, *_impossible(made, connectors))
    origins = None
    if base is not None:
        former, _ = connectors.bound(resolve(base.documents, target.environment))
        origins = provenance.attribute(made, bound.bindings, reveal(former, lookup)[0], base.commit)
    warnings = (*_unread(live), *_silent(base), *told, *policy.warnings(made, limits))
    planned = Planned(made, warnings, (*missing, *problems), origins)
    return _with_consequences(planned, reader, connectors, limits) if with_effects else planned


def _with_consequences(planned: Planned, reader: Reader, connectors: _Connectors, limits: Limits) -> Planned:
    """The plan with what its changes do downstream, and with a problem for each column that would be lost there."""
    effects, unread = _effects(planned.plan, reader, connectors)
    planned = replace(planned, effects=effects, warnings=(*planned.warnings, *unread))
    lost = policy.lost_columns(planned, limits)
    return replace(
        planned,
        warnings=(*planned.warnings, *(problem for problem in lost if not problem.is_error)),
        problems=(*planned.problems, *(problem for problem in lost if problem.is_error)),
    )


def _effects(made: Plan, reader: Reader, connectors: _Connectors) -> tuple[Mapping[str, Effect], tuple[Problem, ...]]:
    """What each change does downstream, by address; and a warning where that couldn't be read."""
    if made.is_empty:
        return {}, ()
    try:
        syncs = _running(made, reader.syncs(), reader) if made.updated else {}
    except (ApiError, RefreshError) as error:
        what = f"the syncs could not be read, so nobody knows what these changes feed: {error.what}"
        unread = Problem(NOWHERE, "unread-syncs", what, error.hint, Severity.WARNING)
        return {change.address: Effect(None, _columns(change, {})) for change in made.changes}, (unread,)
    needs = any(_is_queried(change) for change in made.changes) and sql.is_available()
    needs = needs or any("connector_id" in change.changed and syncs.get(change.id) for change in made.updated)
    try:
        known = {one.id: one for one in connectors()} if needs else {}
    except (ApiError, RefreshError):
        # Only words would be missing: the plan itself doesn't stand on them.
        known = {}
    effects = {}
    for change in made.changes:
        now = known.get(change.live.fields.get("connector_id", 0))
        feeds = () if change.is_creation else tuple(syncs.get(change.id, ()))
        effects[change.address] = Effect(feeds, _columns(change, known), now.name if now else "")
    return effects, ()


def _running(made: Plan, syncs: Sequence[Sync], reader: Reader) -> dict[int, list[Sync]]:
    """The syncs of each model that changes, by its id; of those that notice it, whether they run just now."""
    changes = {change.id: change for change in made.updated}
    found: dict[int, list[Sync]] = {}
    left = _ASKED
    for sync in syncs:
        if sync.model_id not in changes:
            continue
        notices = sync.is_enabled and _DOWNSTREAM & set(changes[sync.model_id].changed)
        is_running = False
        if notices and left:
            left -= 1
            try:
                is_running = reader.is_running(sync.id)
            except ApiError:
                # Older servers, and roles, don't show runs: then nobody knows.
                left = 0
        found.setdefault(sync.model_id, []).append(replace(sync, is_running=is_running))
    return found


def _is_queried(change: Change) -> bool:
    """Whether its query may return other columns, or stand on another key, than before."""
    return bool({"query", "primary_key"} & set(change.changed)) and change.after.get("query_type") in _PARSED


def _columns(change: Change, connectors: Mapping[int, Connector]) -> Columns | None:
    connector = connectors.get(change.after["connector_id"])
    if connector is None or not _is_queried(change):
        return None
    before, after = (fields.get("query", "") for fields in (change.live.fields, {**change.live.fields, **change.after}))
    if not before or "query" not in change.changed:
        # A model that is made has no columns to lose; but its primary key should be one, and so should a new key.
        returned = sql.columns(after, connector.definition)
        return None if returned is None else Columns(returned if before else None, returned)
    return sql.compare(before, after, connector.definition)


def _silent(base: Base | None) -> tuple[Problem, ...]:
    """What the base can't tell, in words: there an edit outside git looks like this change."""
    if base is None or (base.documents and not base.unusable):
        return ()
    named = f": {', '.join(base.unusable[:_MANY])}{' and more' * (len(base.unusable) > _MANY)}" if base.unusable else ""
    what = f"{len(base.unusable)} of its files are not valid" if base.unusable else "it has no definitions there"
    return (
        Problem(
            NOWHERE,
            policy.SILENT_BASE,
            f"the base {base.commit[:12]} can't tell all: {what}{named}",
            "where it says nothing, an edit made outside git looks like this change; name another base",
            Severity.WARNING,
        ),
    )


def plan_offline(
    documents: Sequence[Document], base: Base, target: Target, limits: Limits, patterns: Sequence[str] = ()
) -> Planned:
    """What a change would do if live were what its base says: for whoever may not ask the server.

    Secrets are compared by the variables that name them. A definition that the base doesn't have can't be compared, and
    is named in a warning.
    """

    def lookup(variable: str) -> Secret:
        return Secret(variable, variable)

    everything = stand_in_connectors(resolve(documents, target.environment))
    chosen, _ = reveal(_targeted(everything, patterns), lookup)
    before_it = stand_in_connectors(resolve(base.documents, target.environment))
    former = provenance.Former(reveal(before_it, lookup)[0])
    bindings, new = [], []
    for model in chosen.models:
        before = former.of(model)
        if before is None:
            message = f"{model.address} is new: what it would change can't be told without the target"
            hint = "it's compared when somebody with access plans"
            new.append(model.problem("new-definition", message, hint=hint, severity=Severity.WARNING))
        else:
            live = LiveModel(model.id or before.id or 0, wire.normal_form(before.fields))
            bindings.append(Binding(model, live))
    made = make_plan(Bound(tuple(bindings)), target, excluded=len(everything.models) - len(chosen.models))
    return Planned(made, (*new, *_silent(base), *policy.warnings(made, limits)), is_offline=True)


def resume(
    planned: Planned,
    reader: Reader,
    target: Target,
    commit: str,
    lookup: Callable[[str], Secret | None],
    limits: Limits,
) -> Planned:
    """A saved plan on live state as it is now: the same plan, or RefusedError. Raises ApiError and RefreshError."""
    saved.admit(planned, target, commit)
    known = {change.id for change in planned.plan.updated}
    renewed = saved.renew(planned, reader.fetch(known), lookup)
    # Syncs may have come since: what is lost now counts. What was said of them before is said anew.
    stale = {"unread-syncs", "lost-column"}
    renewed = replace(renewed, warnings=tuple(one for one in renewed.warnings if one.rule not in stale))
    connectors = _Connectors(reader)
    renewed = _with_consequences(renewed, reader, connectors, limits)
    if problems := (*_impossible(renewed.plan, connectors), *renewed.problems):
        raise RefusedError("the saved plan can't be applied; nothing was written", "plan again", problems)
    return renewed


def roll_back(
    kept: Planned,
    endings: Mapping[str, Ending],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    limits: Limits,
    *,
    patterns: Sequence[str] = (),
) -> tuple[Planned, tuple[Problem, ...]]:
    """What takes a run back, by its plan and how each change ended; and what of it can't go back, which stops nothing.

    Raises RefusedError for another target, ApiError, RefreshError, and SettingsError for a pattern that names nothing.
    """
    undo.admit(kept, target)
    plan = kept.plan
    changes = tuple(change for change in plan.changes if _is_chosen(change.desired, patterns))
    _refuse_nameless([change.desired for change in plan.changes], patterns, "change of that run")
    left_out = len(plan.changes) - len(changes)
    # All that the run compared counts: the way back changes as much of it as the way there did.
    plan = replace(plan, changes=changes, unchanged=plan.unchanged + plan.excluded, excluded=left_out)
    back = undo.way_back(plan, endings, reader.fetch({change.id for change in plan.updated}), lookup)
    connectors = _Connectors(reader)
    wrong = {one.address: _impossible(replace(back.plan, changes=(one,)), connectors) for one in back.plan.changes}
    going = tuple(change for change in back.plan.changes if not wrong[change.address])
    stays = len(back.plan.changes) - len(going)
    plan = replace(back.plan, changes=going, unchanged=back.plan.unchanged + stays)
    planned = Planned(plan, (*back.left, *policy.warnings(plan, limits)))
    refused = (*back.refused, *(problem for problems in wrong.values() for problem in problems))
    return _with_consequences(planned, reader, connectors, limits), refused


def _impossible(made: Plan, connectors: _Connectors) -> tuple[Problem, ...]:
    """What can't be sent, and what the server would accept and shouldn't."""
    problems = policy.unsendable(made)
    if any(map(policy.needs_connectors, made.changes)):
        problems = (*problems, *policy.connector_problems(made, connectors()))
    return problems


def _targeted(desired: DesiredState, patterns: Sequence[str]) -> DesiredState:
    _refuse_nameless(desired.models, patterns, "definition")
    return DesiredState(tuple(model for model in desired.models if _is_chosen(model, patterns)))


def _refuse_nameless(models: Sequence[DesiredModel], patterns: Sequence[str], what: str) -> None:
    """Raise SettingsError for a pattern that names none of the models."""
    for pattern in patterns:
        if not any(_is_named(model, pattern) for model in models):
            near = get_close_matches(pattern, [model.address for model in models], 1)
            hint = f"did you mean {near[0]}?" if near else "addresses are paths below the models folder, without .yaml"
            raise SettingsError(f"--target {pattern} names no {what}", hint)


def _is_chosen(model: DesiredModel, patterns: Sequence[str]) -> bool:
    return not patterns or any(_is_named(model, pattern) for pattern in patterns)


def _is_named(model: DesiredModel, pattern: str) -> bool:
    """Whether a pattern means the model: by address, as the progress lines write it, or by its file's path."""
    return any(fnmatchcase(name, pattern) for name in (model.address, f"model.{model.address}", model.document.path))


def _bound(
    everything: DesiredState, chosen: DesiredState, live: LiveState, incomplete: set[str], *, create: bool
) -> tuple[Bound, tuple[Problem, ...]]:
    """The chosen definitions' bindings and problems. All are bound, so that a rival among the others is noticed.

    Definitions in the files `incomplete` have a problem already, and can't be compared.
    """
    revealed = {model.address: model for model in chosen.models}
    bound = bind(DesiredState(tuple(revealed.get(m.address, m) for m in everything.models)), live, create=create)
    paths = {model.document.path for model in chosen.models}
    ready = {model.address for model in chosen.models if model.document.path not in incomplete}
    return (
        replace(
            bound,
            bindings=tuple(b for b in bound.bindings if b.desired.address in ready),
            new=tuple(model for model in bound.new if model.address in ready),
        ),
        tuple(problem for problem in bound.problems if problem.origin.path in paths),
    )


def _unread(live: LiveState) -> tuple[Problem, ...]:
    """What refresh couldn't read, in words."""
    told = [
        Problem(
            NOWHERE,
            "unreadable-model",
            f"the server can't show live model {row.id}: {row.reason}"
            if row.id is not None
            else f"the server can't show one live model: {row.reason}",
            "it's an ai_ml model whose connector has no catalog, most likely; set its query type back, or delete it. "
            "Until then a model bound by name may have an unseen namesake: pin it with `id:`",
            Severity.WARNING,
        )
        for row in live.unreadable
    ]
    if not live.complete:
        message = "not every live model could be read, so only those that files pin with `id:` are planned"
        told.append(Problem(NOWHERE, "incomplete-live-state", message, "", Severity.WARNING))
    return tuple(told)


def expect(planned: Planned, digest: str) -> None:
    """Raise RefusedError unless the plan is the one that was reviewed."""
    if planned.plan.digest != digest:
        message = f"this is not the reviewed plan: its digest is {planned.plan.digest}; nothing was written"
        raise RefusedError(
            message, "live models or files changed since the review: review this plan, and name its digest"
        )


def refuse(planned: Planned, limits: Limits) -> None:
    """Raise RefusedError if the plan may not be applied: it isn't whole, or trips a guard."""
    if planned.problems:
        message = "the plan is not whole, so nothing is applied"
        raise RefusedError(message, "solve the problems above, or apply a part of it with --target")
    guards = (*policy.refusals(planned.plan, limits), *policy.drift_refusals(planned, limits))
    if guards:
        message = "this plan may not be applied as it is; nothing was written"
        raise RefusedError(message, problems=guards)


def apply(
    planned: Planned,
    writer: Writer,
    tell: Tell,
    limits: Limits,
    *,
    parallelism: int,
    fail_fast: bool,
    stop: Stop,
) -> Report:
    """Carry out exactly the plan that was shown. Raises RefusedError before anything is written."""
    refuse(planned, limits)
    return applier.apply(planned.plan, writer, tell, parallelism=parallelism, fail_fast=fail_fast, stop=stop)


# -- live state into git -----------------------------------------------------------------------------------------------


class Desk(Protocol):
    """What an import needs of the files: their texts, and a trial of new ones. Nothing is written by it."""

    def variable(self, secret: Secret) -> str:
        """The variable that has this very value; empty if none has."""

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


def adopt(
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
) -> Adopted:
    """The files that declare live models as they are: each was read back, and is in step with its model.

    With `force` a model that is in git already is written anew. What is asked for must make sense
    (`adoption.check_asked`). Raises ApiError, RefreshError, and SettingsError for a connector that isn't one.
    """
    everything = resolve(documents, target.environment)
    connectors = reader.connectors()
    live = reader.fetch({*asked.ids, *(model.id for model in everything.models if model.id is not None)})
    models, problems = adoption.chosen(asked, live, connectors)
    problems = [*(_as_error(one) if one.rule == "incomplete-live-state" else one for one in _unread(live)), *problems]
    bound = bind(everything, live)
    owners = {binding.live.id: binding.desired for binding in bound.bindings}
    unmanaged = {model.id for model in bound.unmanaged}
    manner = Manner(target.environment, connectors, pins_at_top, inline)
    variables = Variables(desk.variable, adoption.variables_of(documents))
    addresses = Addresses(desk.names())
    is_asked = bool(asked.ids)
    drafts: list[Draft] = []
    present: list[tuple[LiveModel, str]] = []
    for model in models:
        owner = owners.get(model.id)
        try:
            if model.id in unmanaged:
                name = addresses.of(model)
                path = desk.path(f"{name}.yaml")
                made = adoption.draft(model, path, manner, variables, address=name, query_file=f"{name}.sql")
            elif not force or owner is None:
                present.append((model, owner.document.path if owner else ""))
                continue
            else:
                made = _rewritten(model, owner, manner, variables, desk)
        except UnwritableError as error:
            problems.append(adoption.left_out(model, str(error), is_asked=is_asked))
        else:
            drafts.append(made)
    kept, texts, refused = _proved(drafts, desk, target, connectors, is_asked=is_asked)
    return Adopted(
        tuple(kept),
        texts,
        tuple(present) if is_asked else (),
        len(present),
        adoption.settings_of(kept, lookup),
        (*problems, *refused),
    )


def _as_error(problem: Problem) -> Problem:
    return replace(problem, severity=Severity.ERROR)


def _rewritten(model: LiveModel, owner: DesiredModel, manner: Manner, variables: Variables, desk: Desk) -> Draft:
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
    is_own = beside in {one.path for one in document.files.values()} or desk.is_free(beside)
    lifecycle, _ = document.effective(manner.environment)
    kept = {"lifecycle": lifecycle["lifecycle"]} if "lifecycle" in lifecycle else {}
    return adoption.draft(
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
            if adoption.in_clear(draft, texts[draft.path].values()):
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
        adoption.left_out(
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


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Definitions beside live state; a secret that isn't set is taken for what is live, and its model is `unseen`."""

    plan: Plan
    bound: Bound
    chosen: DesiredState
    provenance: Provenance | None
    warnings: tuple[Problem, ...]
    problems: tuple[Problem, ...]
    unseen: frozenset[str]


def _compared(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    connectors: _Connectors,
    *,
    base: Base | None,
    patterns: Sequence[str] = (),
) -> _Comparison:
    everything = resolve(documents, target.environment)
    named, nameless = connectors.bound(_targeted(everything, patterns))
    chosen, missing = reveal(named, lookup)
    live = reader.fetch({model.id for model in everything.models if model.id is not None})
    bound, problems = _bound(everything, chosen, live, {problem.origin.path for problem in nameless}, create=True)
    pairs = [adoption.blind(binding) for binding in bound.bindings]
    bound = replace(bound, bindings=tuple(binding for binding, _ in pairs))
    made = make_plan(bound, target, excluded=len(everything.models) - len(chosen.models))
    origins = None
    if base is not None:
        former, _ = connectors.bound(resolve(base.documents, target.environment))
        origins = provenance.attribute(made, bound.bindings, reveal(former, lookup)[0], base.commit)
    # Whether one that isn't live yet has its secrets, the plan that creates it tells.
    compared = {binding.desired.document.path for binding in bound.bindings}
    unset = tuple(replace(one, severity=Severity.WARNING) for one in missing if one.origin.path in compared)
    silent = _silent(base) if made.updated else ()
    return _Comparison(
        made,
        bound,
        chosen,
        origins,
        (*_unread(live), *silent, *unset),
        (*nameless, *(one for one in problems if one.is_error)),
        frozenset(binding.desired.address for binding, unseen in pairs if unseen),
    )


def listing(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    base: Base | None = None,
) -> Listing:
    """How every model stands, of git and of the workspace. Raises ApiError and RefreshError.

    What is only told beside them (connectors, syncs) may be missing.
    """
    connectors = _Connectors(reader)
    told: list[Problem] = []
    known, error = _tried(connectors)
    if error is not None and any(document.data.get("connector") for document in documents):
        raise error
    syncs, lost = _tried(reader.syncs)
    for what, why in (("connectors", error), ("syncs", lost)):
        if why is not None:
            message = f"the {what} could not be read: {why.what}"
            told.append(Problem(NOWHERE, f"unread-{what}", message, why.hint, Severity.WARNING))
    found = _compared(documents, reader, target, lookup, connectors, base=base)
    around = Around(known, syncs)
    rows = rows_of(found.chosen, found.bound, found.plan, found.provenance, around, found.unseen)
    return Listing(rows, (*told, *found.warnings, *found.problems))


def _tried(ask: Callable[[], Sequence[_T]]) -> tuple[Sequence[_T] | None, ApiError | RefreshError | None]:
    try:
        return ask(), None
    except (ApiError, RefreshError) as error:
        return None, error


def adopt_drift(
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
    connectors = _Connectors(reader)
    found = _compared(documents, reader, target, lookup, connectors, base=base, patterns=patterns)
    changes = found.plan.updated
    is_moved = any("connector_id" in change.changed for change in changes)
    has_names = any(change.desired.connector for change in changes)
    sources = connectors() if is_moved or has_names else ()
    manner = Manner(target.environment, sources)
    variables = Variables(desk.variable, adoption.variables_of(documents))
    owners = adoption.owners(documents)
    intakes = []
    for change in changes:
        causes = None if found.provenance is None else found.provenance.of(change)
        intakes.append(adoption.intake(change, causes, manner, variables, owners))
    revisions, placed, more = _placed(intakes, desk, target, lookup, sources)
    drafts = [Draft(one.change.live, one.path, {}, secrets=one.secrets) for one in placed]
    taken = Taken(
        target,
        tuple(sorted(revisions, key=lambda one: one.path)),
        tuple((one.change.address, one.waiting) for one in intakes if one.waiting),
        tuple(sorted((*(left for one in intakes for left in one.left), *more), key=lambda one: one.origin)),
        adoption.settings_of(drafts, lookup),
        _sharing(placed, target, environments),
    )
    return taken, (*found.warnings, *found.problems)


def _placed(
    intakes: Sequence[Intake],
    desk: Desk,
    target: Target,
    lookup: Callable[[str], Secret | None],
    connectors: Sequence[Connector],
) -> tuple[list[Revision], list[Intake], list[Problem]]:
    """The files that can take what they should, what that is, and a problem for each part that can't be placed."""
    problems: list[Problem] = []
    ready: list[tuple[Intake, dict[str, Revision]]] = []
    beside: dict[str, bytes] = {}
    for intake in intakes:
        if not intake.fields:
            continue
        try:
            revised, reasons = _revised(intake, desk)
            for file in intake.change.desired.document.files.values():
                beside[file.path] = _bytes(desk.raw(file.path), file.path)
        except _UnplacedError as error:
            problems += adoption.unplaced(intake, (((field,), str(error)) for field in intake.fields))
            continue
        problems += adoption.unplaced(intake, reasons)
        missing = {"connector_id" if path[0] == "connector" else path[0] for path, _ in reasons}
        kept = replace(intake, fields=tuple(field for field in intake.fields if field not in missing))
        if kept.fields:
            ready.append((kept, revised))
    together = {path: one.after for _, files in ready for path, one in files.items()}
    documents, errors = desk.tried({**beside, **together}) if together else ((), ())
    by_path = {document.path: document for document in documents}
    revisions: list[Revision] = []
    placed: list[Intake] = []
    for intake, files in ready:
        wrong = [error.message for error in errors if error.origin.path in files]
        document = by_path.get(intake.path)
        if wrong or document is None:
            reason = f"the file would not be valid with it: {wrong[0] if wrong else 'it could not be read back'}"
            problems += adoption.unplaced(intake, (((field,), reason) for field in intake.fields))
            continue
        rest = _still(intake, document, target, lookup, connectors)
        if rest:
            reason = "the file can't say it so that it's read back as it's live"
            problems += adoption.unplaced(intake, (((field,), reason) for field in rest))
            continue
        placed.append(intake)
        revisions += [one for one in files.values() if one.before != one.after]
    return revisions, placed, problems


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
            files[path] = Revision(path, raw, adoption.in_file(query, raw))
        except UnicodeEncodeError:
            raise _UnplacedError("it holds half a character, which no file can") from None
    return files, reasons


def _still(
    intake: Intake,
    document: Document,
    target: Target,
    lookup: Callable[[str], Secret | None],
    connectors: Sequence[Connector],
) -> list[str]:
    """The fields that should be in step with the new text and aren't; a secret that was rotated is for a person."""
    named, nameless = bind_connectors(resolve([document], target.environment), connectors)
    if nameless:
        return ["connector_id"]
    fresh = intake.secrets or {}
    revealed, _ = reveal(named, lambda variable: fresh.get(variable) or lookup(variable))
    binding, _ = adoption.blind(Binding(revealed.models[0], intake.change.live))
    changes = make_plan(Bound((binding,)), target).changes
    differing = {str(one.path[0]) for change in changes for one in change.fields if not one.is_sensitive}
    return [field for field in intake.fields if field in differing]


def _sharing(placed: Sequence[Intake], target: Target, environments: Collection[str]) -> tuple[str, ...]:
    """The other environments whose values change with the files."""
    found = set()
    for intake in placed:
        for name in {*environments} - {target.environment}:
            _, sources = intake.change.desired.document.effective(name)
            aliases = {"query": "query_file", "connector_id": "connector"}
            if any(
                (sources.get(field) or sources.get(aliases.get(field, ""), ()))[:1] != ("environments",)
                for field in intake.fields
            ):
                found.add(name)
    return tuple(sorted(found))
