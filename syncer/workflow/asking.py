"""What every use case asks first: which definitions are meant, which live models they are, and what is unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Protocol
from unicodedata import normalize

from syncer.desired.resolve import REPAIR, bind, bind_connectors, resolve
from syncer.errors import SettingsError
from syncer.model import (
    NOWHERE,
    Bound,
    Connector,
    DesiredModel,
    DesiredState,
    Document,
    LiveState,
    Problem,
    Severity,
    Sync,
    Target,
    Unreadable,
    shortlist,
)
from syncer.plan import policy

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_MANY: Final = 5
"""How many files a message lists."""

_MANY_IDS: Final = 100
"""How many ids it lists."""
_FEWEST: Final = 3
"""From so many definitions on it's no chance that the workspace has none of them."""

_ABSENT: Final = frozenset({"unknown-id", "no-live-model", "unknown-connector"})
"""What is said of a definition that belongs to another workspace."""


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
    """What git said before: its commit, those of its definitions that are valid, and the paths of the others.

    `hurt` is what those others still say, for their guards' sake: which model they mean, and its lifecycle.
    The rest is what its settings said, as far as anybody looked: `environment` is the name that the target had there
    (empty: the same), `max_change` the share of the models that may change, in percent, and from how many changes on.
    `told` is what to know of them.
    """

    commit: str
    documents: tuple[Document, ...]
    unusable: tuple[str, ...] = ()
    environment: str = ""
    max_change: tuple[int, int] | None = None
    create: bool = True
    told: tuple[Problem, ...] = ()
    hurt: tuple[Document, ...] = ()

    def guards(self, environment: str) -> DesiredState:
        """Which models its definitions meant, and how they were guarded; also of those that aren't valid."""
        return resolve((*self.documents, *self.hurt), self.environment or environment)

    def state(self, environment: str) -> DesiredState:
        """What its definitions meant for an environment, which may have had another name."""
        return resolve(self.documents, self.environment or environment)


class Connectors:
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


def targeted(desired: DesiredState, patterns: Sequence[str]) -> DesiredState:
    """The definitions that the patterns name; all without any. Raises SettingsError for one that names nothing."""
    refuse_nameless(desired.models, patterns, "definition")
    return DesiredState(tuple(model for model in desired.models if is_chosen(model, patterns)))


def refuse_nameless(models: Sequence[DesiredModel], patterns: Sequence[str], what: str) -> None:
    """Raise SettingsError for a pattern that names none of the models."""
    for pattern in patterns:
        if not any(is_chosen(model, (pattern,)) for model in models):
            near = get_close_matches(pattern, [model.address for model in models], 1)
            hint = f"did you mean {near[0]}?" if near else "addresses are paths below the models folder, without .yaml"
            raise SettingsError(f"--target {pattern} names no {what}", hint)


def is_chosen(model: DesiredModel, patterns: Sequence[str]) -> bool:
    """Whether any of the patterns means the model; without any all are meant."""
    return is_named(model.address, model.document.path, patterns)


def is_named(address: str, path: str, patterns: Sequence[str]) -> bool:
    """The same of a definition by its address, as the progress lines write it, or by its file's path.

    A disk may spell an accent in two characters where a keyboard writes one: both mean the same name.
    """
    names = [normalize("NFC", name) for name in (address, f"model.{address}", path)]
    composed = [normalize("NFC", pattern) for pattern in patterns]
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in composed)


def bound_to(
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


def told_once(
    problems: Sequence[Problem], desired: DesiredState, live: LiveState, target: Target
) -> tuple[Problem, ...]:
    """The problems; one for all of those that say of every definition that it isn't in this workspace."""
    ids, names = {model.id for model in live.models}, {model.name for model in live.models}
    absent = {problem.origin.path for problem in problems if problem.rule in _ABSENT}
    count = len(desired.models)
    is_elsewhere = count >= _FEWEST and all(
        model.document.path in absent and model.id not in ids and (model.id is not None or model.name not in names)
        for model in desired.models
    )
    if not is_elsewhere:
        return tuple(problems)
    what = f"none of the {count} definitions is in workspace {target.workspace_id}: neither by id nor by name"
    hint = (
        f"check workspace_id and api_url of the environment {target.environment}. If the workspace is the right one, "
        "`syncer import --all` takes its models into git, and `create = true` in its settings lets apply make new ones"
    )
    others = (problem for problem in problems if problem.rule not in _ABSENT)
    return (Problem(NOWHERE, "wrong-workspace", what, hint), *others)


def unread(live: LiveState) -> tuple[Problem, ...]:
    """What refresh couldn't read, in words."""
    alike: dict[tuple[str, str], list[Unreadable]] = {}
    for row in live.unreadable:
        alike.setdefault((row.reason, row.hint), []).append(row)
    told = [
        Problem(
            NOWHERE,
            "unreadable-model",
            f"the server can't show {_counted([row.id for row in rows])}: {reason}",
            f"{hint or _NO_CATALOG}. Until then a model bound by name may have an unseen namesake: pin it with `id:`",
            Severity.WARNING,
        )
        for (reason, hint), rows in alike.items()
    ]
    if not live.complete:
        message = "not every live model could be read, so only those that files pin with `id:` are planned"
        told.append(Problem(NOWHERE, "incomplete-live-state", message, "", Severity.WARNING))
    return tuple(told)


_NO_CATALOG: Final = f"it's an ai_ml model whose connector has no catalog, most likely; {REPAIR}"


def _counted(ids: Sequence[int | None]) -> str:
    """`live model 7`, or how many they are and which, as far as that is known."""
    known = sorted(model_id for model_id in ids if model_id is not None)
    if len(ids) == 1:
        return f"live model {known[0]}" if known else "one live model"
    shown = ", ".join(map(str, known[:_MANY_IDS]))
    more = len(ids) - min(len(known), _MANY_IDS)
    named = f"{shown}{f' and {more} more' if more else ''}" if known else "their ids are not known"
    return f"{len(ids)} live models ({named})"


def silent_base(base: Base | None) -> tuple[Problem, ...]:
    """What the base can't tell, in words: there an edit outside git looks like this change."""
    if base is None or (base.documents and not base.unusable):
        return ()
    named = f": {shortlist(base.unusable, _MANY)}" if base.unusable else ""
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
