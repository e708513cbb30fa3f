"""The use cases as straight lines: plan and apply. Edges (Reader, Writer, secrets) arrive as arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Protocol

from syncer import applier, policy, provenance, saved, wire
from syncer.errors import RefusedError, SettingsError
from syncer.model import (
    NOWHERE,
    Binding,
    Bound,
    DesiredState,
    LiveModel,
    Problem,
    Secret,
    Severity,
)
from syncer.planner import Plan, Planned, make_plan
from syncer.resolve import bind, resolve, reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from syncer.applier import Report, Stop, Writer
    from syncer.model import Connector, DesiredModel, Document, LiveState, Target, Tell
    from syncer.policy import Limits


_MANY: Final = 5
"""How many files a message lists."""


class Reader(Protocol):
    """What a plan needs of the API. Both raise ApiError and RefreshError."""

    def fetch(self, declared: Collection[int]) -> LiveState:
        """Live state of the workspace; `declared` are the ids that files name."""

    def connectors(self) -> Sequence[Connector]:
        """The connectors of the workspace."""


@dataclass(frozen=True, slots=True)
class Base:
    """What git said before: its commit, those of its definitions that are valid, and the paths of the others."""

    commit: str
    documents: tuple[Document, ...]
    unusable: tuple[str, ...] = ()


def plan(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    limits: Limits,
    patterns: Sequence[str] = (),
    *,
    base: Base | None = None,
) -> Planned:
    """Refresh and plan; with `patterns` (addresses or globs) only the definitions that they name.

    With a base the plan says of each difference where it comes from. The documents must be valid. Raises ApiError,
    RefreshError, and SettingsError for a pattern that names nothing.
    """
    everything = resolve(documents, target.environment)
    wanted = _targeted(everything, patterns)
    chosen, missing = reveal(wanted, lookup)
    live = reader.fetch({model.id for model in everything.models if model.id is not None})

    bound, problems = _bound(everything, chosen, live, {problem.origin.path for problem in missing})
    made = make_plan(bound, target, excluded=len(everything.models) - len(chosen.models))
    problems = (*problems, *_impossible(made, reader))
    origins = None
    if base is not None:
        former, _ = reveal(resolve(base.documents, target.environment), lookup)
        origins = provenance.attribute(made, bound.bindings, former, base.commit)
    warnings = (*_unread(live), *_silent(base), *policy.warnings(made, limits))
    return Planned(made, warnings, (*missing, *problems), origins)


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

    everything = resolve(documents, target.environment)
    chosen, _ = reveal(_targeted(everything, patterns), lookup)
    former = provenance.Former(reveal(resolve(base.documents, target.environment), lookup)[0])
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
    planned: Planned, reader: Reader, target: Target, commit: str, lookup: Callable[[str], Secret | None]
) -> Planned:
    """A saved plan on live state as it is now: the same plan, or RefusedError. Raises ApiError and RefreshError."""
    saved.admit(planned, target, commit)
    renewed = saved.renew(planned, reader.fetch({change.id for change in planned.plan.changes}), lookup)
    if problems := _impossible(renewed.plan, reader):
        raise RefusedError("the saved plan can't be applied; nothing was written", "plan again", problems)
    return renewed


def _impossible(made: Plan, reader: Reader) -> tuple[Problem, ...]:
    """What can't be sent, and what the server would accept and shouldn't."""
    problems = policy.unsendable(made)
    if any(map(policy.needs_connectors, made.changes)):
        problems = (*problems, *policy.connector_problems(made, reader.connectors()))
    return problems


def _targeted(desired: DesiredState, patterns: Sequence[str]) -> DesiredState:
    if not patterns:
        return desired
    for pattern in patterns:
        if not any(_is_named(model, pattern) for model in desired.models):
            near = get_close_matches(pattern, [model.address for model in desired.models], 1)
            hint = f"did you mean {near[0]}?" if near else "addresses are paths below the models folder, without .yaml"
            raise SettingsError(f"--target {pattern} names no definition", hint)
    return DesiredState(
        tuple(model for model in desired.models if any(_is_named(model, pattern) for pattern in patterns))
    )


def _is_named(model: DesiredModel, pattern: str) -> bool:
    """Whether a pattern means the model: by address, as the progress lines write it, or by its file's path."""
    return any(fnmatchcase(name, pattern) for name in (model.address, f"model.{model.address}", model.document.path))


def _bound(
    everything: DesiredState, chosen: DesiredState, live: LiveState, incomplete: set[str]
) -> tuple[Bound, tuple[Problem, ...]]:
    """The chosen definitions' bindings and problems. All are bound, so that a rival among the others is noticed.

    Definitions in the files `incomplete` have a problem already, and can't be compared.
    """
    revealed = {model.address: model for model in chosen.models}
    bound = bind(DesiredState(tuple(revealed.get(m.address, m) for m in everything.models)), live)
    paths = {model.document.path for model in chosen.models}
    ready = {model.address for model in chosen.models if model.document.path not in incomplete}
    return (
        replace(bound, bindings=tuple(b for b in bound.bindings if b.desired.address in ready)),
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
