"""The rules of plan, apply, rollback and import as values: what only live state, the base or a run can tell.

Those of the files alone are in `desired.validate.rules`. `docs/rules.md` and `syncer explain` show all of them.
"""

from __future__ import annotations

from typing import Final

from syncer.desired.validate import Rule
from syncer.model import Severity

_WARNING: Final = Severity.WARNING


def _rule(rule: str, title: str, why: str, severity: Severity = Severity.ERROR) -> Rule:
    return Rule(rule, title, why, {}, {}, severity)


PLAN_RULES: Final = (
    # -- which live model a definition means ---------------------------------------------------------------------
    _rule(
        "unknown-id",
        "No live model has the id",
        "The model was deleted, or the id belongs to another workspace. syncer doesn't look for its name instead.",
    ),
    _rule(
        "no-live-model",
        "No live model has the name, and the environment doesn't create one",
        "A mistyped name would make a second model. `create = true` in the environment's settings allows new models.",
    ),
    _rule(
        "ambiguous-name",
        "Several live models have the name",
        "Names are not unique on the server. Only an `id:` tells which one is meant.",
    ),
    _rule(
        "claimed-twice",
        "Two definitions mean one live model",
        "Each would undo what the other does.",
    ),
    _rule(
        "similar-name",
        "A new model would have nearly the name of a live one",
        "Most likely the live model is meant, and the name has a slip.",
        _WARNING,
    ),
    _rule(
        "unreadable-model",
        "The server can't show a live model",
        "It can't be compared. A model found by its name may have a namesake that syncer can't see. "
        "It's an error for the definition that means the model, else a warning.",
    ),
    _rule(
        "incomplete-live-state",
        "Not every live model could be read",
        "A definition without an `id:` may then have a namesake that syncer didn't see, so it is not planned.",
    ),
    _rule(
        "wrong-workspace",
        "None of the definitions is in the workspace",
        "The settings name another workspace than the files were written for, most likely.",
    ),
    _rule(
        "unread-rival",
        "A file that can't be parsed may mean the same live model",
        "A run with --target skips files that aren't valid. "
        "The id or the name that stands in one may be the same, and then each file would undo what the other does.",
    ),
    _rule(
        "left-aside",
        "A run with --target skipped files that aren't valid",
        "They are not among the definitions that were asked for, and were not compared.",
        _WARNING,
    ),
    _rule(
        "unmapped-connector",
        "A comparison of two environments could not compare a connector",
        "No name in files means the connector in both. The connectors tables of the settings give such names.",
        _WARNING,
    ),
    _rule(
        "own-values",
        "A comparison of two environments left out values that belong to one of them",
        "A merge doesn't carry them to the other environment.",
        _WARNING,
    ),
    # -- connectors and secrets ----------------------------------------------------------------------------------
    _rule(
        "unknown-connector", "The workspace has no such connector", "The server would accept any id without an error."
    ),
    _rule(
        "ambiguous-connector",
        "Several connectors have the name",
        "Names of connectors are not unique. Only `connector_id:` tells which one is meant.",
    ),
    _rule(
        "wrong-connector",
        "The connector isn't a source of this workspace",
        "The server takes it, and every sync of the model fails from then on.",
    ),
    _rule(
        "not-an-ai-connector",
        "An ai_ml model would stand on a connector that is not a model endpoint",
        "The server would store it, and could then show neither it nor the lists that hold it.",
    ),
    _rule(
        "missing-secret",
        "The variable of a secret isn't set",
        "Without its value syncer can't tell whether the secret differs. It can't send what holds the secret either.",
    ),
    # -- what a change would do ----------------------------------------------------------------------------------
    _rule(
        "protected",
        "A protected model would be changed",
        "`lifecycle: {protect: true}` guards it. A change that removes the guard is judged by the base's guard.",
    ),
    _rule(
        "risky-change",
        "A primary key, a connector or a query type would change",
        "It may re-send, duplicate or strand customer data. `lifecycle.allow` or `--allow` lets it pass.",
    ),
    _rule(
        "lost-column",
        "A query no longer returns a column that is used",
        "A sync, or the primary key, names the column. `lifecycle: {allow: [lost_column]}` lets it pass.",
    ),
    _rule(
        "columns-not-checked",
        "It is not known which columns a query returns",
        "A column that a sync names may be gone. The extra `sql` reads most queries.",
        _WARNING,
    ),
    _rule(
        "secret-change", "A secret would change", "syncer never shows its values, so nobody can review them.", _WARNING
    ),
    _rule(
        "too-many-changes",
        "More models would change than the limit allows",
        "A wrong setting or a wrong merge changes many at once. `--max-change-percent` raises the limit for one run.",
    ),
    _rule(
        "unsendable",
        "A change can't be sent",
        "The server doesn't take the value, or merges it with what it has, so the plan would never be carried out.",
    ),
    _rule(
        "no-way-back",
        "The server may let nobody undo a change",
        "An ai_ml model whose connector has no catalog takes no change from then on.",
        _WARNING,
    ),
    _rule("unread-syncs", "The syncs could not be read", "So it is not known which syncs the changes feed.", _WARNING),
    _rule("unread-connectors", "The connectors could not be read", "The list shows their ids instead.", _WARNING),
    # -- what the base tells -------------------------------------------------------------------------------------
    _rule(
        "drift",
        "A live model was edited outside git",
        "An apply takes that edit back. `--on-drift` sets what to do about it.",
        _WARNING,
    ),
    _rule(
        "conflict",
        "This change and an edit made outside git change the same field",
        "An apply would overwrite somebody's edit. `--on-drift overwrite` does it.",
    ),
    _rule(
        "loosened",
        "This change loosens a guard or a limit",
        "The base's guard counts until the change is applied.",
        _WARNING,
    ),
    _rule(
        "renamed-without-id",
        "A name changed, and nothing says which live model is meant",
        "A definition without an `id:` is found by its name. With a new one it means another model, or a new one.",
    ),
    _rule(
        "repurposed-id",
        "A definition has another one's id",
        "The live model of the id would be renamed and rewritten.",
        _WARNING,
    ),
    _rule(
        "silent-base",
        "The base is incomplete",
        "Where it has no definition, an edit made outside git looks like part of this change.",
        _WARNING,
    ),
    _rule("unread-settings", "The base's settings can't be read", "The stricter limits count.", _WARNING),
    _rule("no-base", "A plan has no base", "Edits made outside git look like part of this change.", _WARNING),
    _rule(
        "new-definition",
        "A plan without the server can't compare a new definition",
        "Somebody with access plans it later.",
        _WARNING,
    ),
    _rule("settings", "The settings aren't valid", "A mistyped limit would be no limit."),
    _rule("failed", "A run ended before there was a plan", "The message gives the reason."),
    # -- apply, rollback, import ---------------------------------------------------------------------------------
    _rule(
        "stale-plan",
        "Live state moved since the plan was made",
        "syncer applies only the plan that was reviewed. Plan again.",
    ),
    _rule(
        "created-model",
        "A rollback doesn't delete a model that its run created",
        "Deleting a model destroys its syncs.",
        _WARNING,
    ),
    _rule("changed-since", "A model was changed again since the run", "A rollback leaves it alone.", _WARNING),
    _rule("not-restorable", "A change can't be taken back", "The record doesn't have the former value.", _WARNING),
    _rule("not-imported", "A live model can't become a file", "No file could hold all its values.", _WARNING),
    _rule(
        "not-placed",
        "A live value has no place in the file",
        "syncer edits a file only where the result is certainly what was asked for.",
        _WARNING,
    ),
    _rule(
        "conflicting-edit",
        "A field was edited in git and outside git",
        "An import of drift would take one of the two edits back, so a person decides.",
        _WARNING,
    ),
    _rule(
        "default-value",
        "A drifted value is a default of a folder or of the settings",
        "The default holds for other files, too, so a person must decide where the edit belongs.",
        _WARNING,
    ),
    _rule(
        "environment-value",
        "A drifted value is in the file for one environment only",
        "syncer can't tell whether the edit is meant for the others, too.",
        _WARNING,
    ),
    _rule(
        "shared-sql",
        "A drifted query is in an SQL file that several definitions name",
        "An edit for one of them would change the others.",
        _WARNING,
    ),
    _rule(
        "rotated-secret",
        "A live secret differs from its variable",
        "It was changed outside git. syncer never writes its value into a file.",
        _WARNING,
    ),
)
"""Every rule that isn't about the files alone, in the order of the documentation."""
