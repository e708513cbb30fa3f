"""The base: what git said at the commit whose definitions were applied last, and what it can't tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from syncer.desired import validate
from syncer.desired.resolve import resolve
from syncer.model import (
    NOWHERE,
    DesiredState,
    Document,
    Problem,
    Severity,
    shortlist,
)
from syncer.plan import policy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_MANY: Final = 5
"""How many files a message lists."""


@dataclass(frozen=True, slots=True)
class Base:
    """What git said before: its commit, those of its definitions that are valid, and the paths of the others.

    `hurt` is what those others still say, for their guards' sake: which model they mean, and its lifecycle.
    The rest is what its settings said, as far as anybody looked: `environment` is the name that the target had there
    (empty: the same), `max_change` the share of the models that may change, in percent, and from how many changes on.
    `told` is what to know of them. `overtaken` are the paths of definitions whose models were applied otherwise since.
    """

    commit: str
    documents: tuple[Document, ...]
    unusable: tuple[str, ...] = ()
    environment: str = ""
    max_change: tuple[int, int] | None = None
    create: bool = True
    told: tuple[Problem, ...] = ()
    hurt: tuple[Document, ...] = ()
    overtaken: tuple[str, ...] = ()

    def guards(self, environment: str) -> DesiredState:
        """Which models its definitions meant, and how they were guarded; also of those that aren't valid."""
        return resolve((*self.documents, *self.hurt), self.environment or environment)

    def state(self, environment: str) -> DesiredState:
        """What its definitions meant for an environment, which may have had another name."""
        return resolve(self.documents, self.environment or environment)

    def without(self, applied: Collection[int | str], environment: str) -> Base:
        """The base without what it says of models that were applied otherwise since, but for their guards.

        A model is meant by its address, its id or its name.
        """
        models = self.state(environment).models
        paths = {one.document.path for one in models if {one.address, one.id, one.name} & {*applied}}
        kept = tuple(one for one in self.documents if one.path not in paths)
        guards = (validate.guard_of(one) for one in self.documents if one.path in paths)
        hurt = (*self.hurt, *(one for one in guards if one is not None))
        return replace(self, documents=kept, hurt=hurt, overtaken=tuple(sorted(paths)))


def silent_base(base: Base | None, *, differs: bool = True) -> tuple[Problem, ...]:
    """What the base can't tell, in words: there an edit outside git looks like this change.

    What was applied since is told only where anything `differs`.
    """
    if base is None:
        return ()
    causes = [
        *([f"{len(base.unusable)} of its files are not valid: {_list(base.unusable)}"] if base.unusable else []),
        *([f"a later apply changed the models of {_list(base.overtaken)}"] if base.overtaken and differs else []),
    ]
    if base.documents and not causes:
        return ()
    what = "; ".join(causes) or "it has no definitions there"
    return (
        Problem(
            NOWHERE,
            policy.SILENT_BASE,
            f"the base {base.commit[:12]} is incomplete: {what}",
            "where it has no definition, an edit made outside git looks like part of this change; name another base",
            Severity.WARNING,
        ),
    )


def _list(paths: Iterable[str]) -> str:
    return shortlist(paths, _MANY)
