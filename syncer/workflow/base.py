"""The base: what git said at the commit whose definitions were applied last, and what it can't tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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

_MANY: Final = 5
"""How many files a message lists."""


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
