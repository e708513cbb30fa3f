"""`syncer import`: live models as new definitions. Every text is tried first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.adopting import drift, new_files, selection
from syncer.adopting.names import Addresses, Variables
from syncer.adopting.new_files import Draft, ImportContext, Imported, UnwritableError
from syncer.desired.binding import bind
from syncer.desired.connectors import bind_connectors
from syncer.desired.resolve import resolve, reveal
from syncer.model import (
    Binding,
    Bound,
    Connector,
    DesiredModel,
    Document,
    LiveModel,
    Problem,
    Severity,
    Target,
)
from syncer.plan.planner import make_plan
from syncer.workflow.live_state import unread_models

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from syncer.adopting.selection import Selection
    from syncer.secrets import Secret
    from syncer.workflow.desk import Desk
    from syncer.workflow.reader import Reader


def import_models(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    asked: Selection,
    desk: Desk,
    *,
    pins_at_top: bool = True,
    inline: bool = False,
    force: bool = False,
) -> Imported:
    """The files that declare live models as they are: each was read back, and is in step with its model.

    With `force` a model that is in git already is written anew. What is asked for must make sense
    (`selection.check_selection`). Raises ApiError, RefreshError, and SettingsError for a connector that isn't one.
    """
    everything = resolve(documents, target.environment)
    connectors = reader.connectors()
    live = reader.fetch({*asked.ids, *(model.id for model in everything.models if model.id is not None)})
    models, problems = selection.selected(asked, live, connectors)
    problems = [
        *(_as_error(one) if one.rule == "incomplete-live-state" else one for one in unread_models(live)),
        *problems,
    ]
    bound = bind(everything, live)
    owners = {binding.live.id: binding.desired for binding in bound.bindings}
    unmanaged = {model.id for model in bound.unmanaged}
    manner = ImportContext(target.environment, connectors, pins_at_top, inline, desk.common)
    variables = Variables(desk.variable, {*new_files.named_variables(documents), *desk.variables()})
    addresses = Addresses(desk.names())
    is_asked = bool(asked.ids)
    sql_owners = drift.sql_file_owners(documents)
    drafts: list[Draft] = []
    present: list[tuple[LiveModel, str]] = []
    for model in models:
        owner = owners.get(model.id)
        try:
            if model.id in unmanaged:
                name = addresses.of(model)
                path = desk.path(f"{name}.yaml")
                made = new_files.draft(
                    model,
                    path,
                    manner,
                    variables,
                    address=name,
                    query_file=f"{name}.sql",
                    inherited=desk.inherited(path),
                )
            elif not force or owner is None:
                present.append((model, owner.document.path if owner else ""))
                continue
            else:
                made = _rewritten(model, owner, manner, variables, desk, sql_owners)
        except UnwritableError as error:
            problems.append(new_files.not_imported(model, str(error), is_asked=is_asked))
        else:
            drafts.append(made)
    kept, texts, refused = _proved(drafts, desk, target, connectors, is_asked=is_asked)
    return Imported(
        tuple(kept),
        texts,
        tuple(present) if is_asked else (),
        len(present),
        new_files.unset_variables(kept, lookup),
        (*problems, *refused),
    )


def _as_error(problem: Problem) -> Problem:
    return replace(problem, severity=Severity.ERROR)


def _rewritten(
    model: LiveModel,
    owner: DesiredModel,
    manner: ImportContext,
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
    values = {**document.effective(manner.environment)[0], "only": document.data.get("only")}
    kept = {key: values[key] for key in ("only", "lifecycle") if values.get(key) is not None}
    return new_files.draft(
        model,
        document.path,
        manner,
        variables,
        address=owner.address,
        query_file=name if is_own else "",
        kept=kept,
        inherited=desk.inherited(document.path),
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
            if new_files.shows_a_secret(draft, texts[draft.path].values()):
                reasons[draft.path] = "its file would hold, in clear, what is a secret in its configuration"
    ready = [draft for draft in drafts if draft.path not in reasons]
    together = {path: text.encode() for draft in ready for path, text in texts[draft.path].items()}
    documents, errors = desk.tried(together) if together else ((), ())
    by_path = {document.path: document for document in documents}
    wrong: dict[str, list[str]] = {}
    for found_wrong in errors:
        wrong.setdefault(found_wrong.path, []).append(found_wrong.message)
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
        new_files.not_imported(
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
