"""`syncer list`: how every model stands, of git and of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from syncer.errors import ApiError, RefreshError
from syncer.model import (
    NOWHERE,
    Document,
    Problem,
    Severity,
    Target,
)
from syncer.plan.model_states import Listing, rows_of
from syncer.workflow.comparison import compared
from syncer.workflow.reader import Connectors, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.secrets import Secret
    from syncer.workflow.base import Base


_T = TypeVar("_T")


def list_models(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    base: Base | None = None,
) -> Listing:
    """How every model stands, of git and of the workspace. Raises ApiError and RefreshError.

    What is only told beside them (connectors, syncs) may be missing.
    """
    connectors = Connectors(reader)
    told: list[Problem] = []
    known, error = _tried(connectors)
    if error is not None and any(
        "connector" in document.effective(target.environment)[0]
        for document in documents
        if document.is_in(target.environment)
    ):
        raise error
    syncs, lost = _tried(reader.syncs)
    for what, why in (("connectors", error), ("syncs", lost)):
        if why is not None:
            message = f"the {what} could not be read: {why.what}"
            told.append(Problem(NOWHERE, f"unread-{what}", message, why.hint, Severity.WARNING))
    found = compared(documents, reader, target, lookup, connectors, base=base)
    rows = rows_of(found.chosen, found.bound, found.plan, found.provenance, found.unseen, connectors=known, syncs=syncs)
    return Listing(rows, (*told, *found.warnings, *found.problems), found.plan.elsewhere)


def _tried(ask: Callable[[], Sequence[_T]]) -> tuple[Sequence[_T] | None, ApiError | RefreshError | None]:
    try:
        return ask(), None
    except (ApiError, RefreshError) as error:
        return None, error
