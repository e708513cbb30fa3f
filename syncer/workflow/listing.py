"""`syncer list`: how every model stands, of git and of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from syncer.desired.targets import ALL, Targets, Traits, refuse_unknown
from syncer.errors import ApiError, RefreshError
from syncer.model import (
    NOWHERE,
    Document,
    Problem,
    Severity,
    Target,
)
from syncer.plan.model_states import Listing, Row, rows_of
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
    targets: Targets = ALL,
) -> Listing:
    """How every model stands, of git and of the workspace; with `targets` those that they mean.

    Raises ApiError, RefreshError, and SettingsError for targets that mean nothing.

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
    found = compared(
        documents, reader, target, lookup, connectors, base=base, targets=Targets(unread_ids=targets.unread_ids)
    )
    rows = rows_of(found.chosen, found.bound, found.plan, found.provenance, found.unseen, connectors=known, syncs=syncs)
    problems = (*told, *found.warnings, *found.problems)
    if targets.are_all:
        return Listing(rows, problems, found.plan.elsewhere)
    traits = {row: _traits(row) for row in rows if row.file not in targets.unread}
    refuse_unknown([*traits.values()], targets, "model")
    kept = tuple(row for row, one in traits.items() if targets.has(one))
    files = {"", *(row.file for row in kept)}
    return Listing(kept, tuple(one for one in problems if one.path in files), found.plan.elsewhere)


def _traits(row: Row) -> Traits:
    values = {"connector": row.connector, "connector_id": row.connector_id, "query_type": row.query_type}
    return Traits.of(row.address, row.file, values)


def _tried(ask: Callable[[], Sequence[_T]]) -> tuple[Sequence[_T] | None, ApiError | RefreshError | None]:
    try:
        return ask(), None
    except (ApiError, RefreshError) as error:
        return None, error
