"""`syncer import --match`: the live models of another environment, bound to files. Every text is tried first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.adopting import matches
from syncer.adopting.drift import Revision
from syncer.adopting.matches import FileEdit, MatchImport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.model import Document, Problem
    from syncer.workflow.desk import Desk
    from syncer.workflow.reader import Reader


def import_matches(
    documents: Sequence[Document],
    reader: Reader,
    desk: Desk,
    environment: str,
    environments: Sequence[str],
    *,
    top_ids: str = "",
    sets_only: bool = False,
) -> MatchImport:
    """The files with the ids of the live models that they mean in an environment, each read back.

    `environments` are those of the settings. `top_ids` is the one whose models the ids at the top of files are, where
    it isn't clear. With `sets_only` a file that no live model answers to says `only`, without this environment.
    Raises ApiError, RefreshError, and SettingsError where nobody can tell whose an id at the top is.
    """
    connectors = reader.connectors()
    live = reader.fetch(
        {one for document in documents if isinstance(one := matches.own_id(document, environment), int)}
    )
    owner = matches.owner_of_top_ids(documents, live, environment, environments, top_ids)
    found = matches.matches(documents, live, environment, environments, owner)
    made = matches.file_edits(documents, found, connectors, environment, environments, owner=owner, sets_only=sets_only)
    revisions, left = _tried(made, desk, environment, environments)
    edits = [one for one in made if one.document.path in revisions]
    by_id = {model.id: model for model in live.models}
    limited = tuple(one for one in edits if one.is_limited)
    is_limited = {one.document.path for one in limited}
    searched = {match.document.path for match in found}
    return MatchImport(
        environment,
        tuple((one, by_id[one.id]) for one in edits if one.id),
        tuple(revisions[one.document.path] for one in edits),
        tuple(one for one in edits if one.owner),
        limited,
        tuple(match for match in found if match.is_absent and match.document.path not in is_limited),
        tuple(match for match in found if match.live is None and not match.is_absent),
        matches.connector_names(found, connectors, desk.common, environment),
        tuple(left),
        sum(one.is_in(environment) and one.path not in searched for one in documents),
        tuple(name for name in environments if name != environment),
    )


def _tried(
    edits: Sequence[FileEdit], desk: Desk, environment: str, environments: Sequence[str]
) -> tuple[dict[str, Revision], list[Problem]]:
    """The files that take their edits, by path, and why the others don't.

    In every environment a file must mean what it meant, but for what the edits are about.
    """
    revisions: dict[str, Revision] = {}
    reasons: dict[str, str] = {}
    for one in edits:
        found = _revised(one, desk)
        if isinstance(found, Revision):
            revisions[found.path] = found
        else:
            reasons[one.document.path] = found
    texts = {path: one.after for path, one in revisions.items()}
    documents, errors = desk.tried(texts | _beside(edits, desk)) if texts else ((), ())
    read_back = {document.path: document for document in documents}
    wrong = {error.path: error.message for error in reversed(errors) if error.rule not in matches.NAMESAKES}
    for one in edits:
        path = one.document.path
        if path in reasons:
            continue
        if path in wrong or path not in read_back:
            reasons[path] = f"the file would not be valid with it: {wrong.get(path, 'it could not be read back')}"
        elif other := matches.differing(one, read_back[path], environment, environments):
            reasons[path] = f"it would mean something else in {other}"
    kept = {path: one for path, one in revisions.items() if path not in reasons}
    return kept, [matches.unplaced(one, reasons[one.document.path]) for one in edits if one.document.path in reasons]


def _revised(edit: FileEdit, desk: Desk) -> Revision | str:
    """The file with its edits in it; or why it has no room for them."""
    before = desk.raw(edit.document.path)
    if isinstance(before, str):
        return before
    after, unplaced = desk.revised(before, edit.edits)
    return unplaced[0][1] if unplaced else Revision(edit.document.path, before, after)


def _beside(edits: Sequence[FileEdit], desk: Desk) -> dict[str, bytes]:
    """The SQL files that the model files name."""
    paths = {file.path for one in edits for file in one.document.files.values()}
    found = {path: desk.raw(path) for path in paths}
    return {path: raw for path, raw in found.items() if isinstance(raw, bytes)}
