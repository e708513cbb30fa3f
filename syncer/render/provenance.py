"""What the base tells of a plan, in words: causes, edits that an apply would undo, what is live or gone already.

Each function takes a `code` that makes a foreign name fit for the output. The hints of refused drift are
`plan.policy`'s; what a whole drift report advises stands in its own pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.plan.planner import Cause
from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.plan.planner import Planned, Removed


class _Words(NamedTuple):
    """What is said of a cause: beside one field, of all models together, and what to do about it."""

    note: str
    caution: str = ""
    advice: str = ""


_WORDS: Final = {
    Cause.CHANGE: _Words("this change"),
    Cause.CONFLICT: _Words(
        "conflict: overwrites an edit made in the UI",
        "would overwrite edits made in the UI to the same fields",
        "Git says something new there, too, so `syncer import --drift` leaves it to a person. If live is right, "
        "write its value into the file by hand. If git is right, apply with `--on-drift overwrite`.",
    ),
    Cause.DRIFT: _Words(
        "drift: undoes an edit made in the UI",
        "would undo edits made in the UI",
        "If such an edit is meant, `syncer import --drift` takes it into the file. It may also be a change that "
        "was merged and never applied.",
    ),
}


def cause_note(causes: Sequence[Cause]) -> str:
    """What to say beside a field of these causes; empty where the reviewed change is the only one."""
    return "" if tuple(causes) == (Cause.CHANGE,) else "; ".join(_WORDS[cause].note for cause in causes)


class Caution(NamedTuple):
    """A sentence about some models, each given with its fields; and what to do, if anything."""

    sentence: str
    models: Sequence[tuple[str, Sequence[str]]]
    advice: str = ""


def cautions(planned: Planned) -> list[Caution]:
    """The edits outside of git that an apply would overwrite or undo: at most one caution for each of the two.

    What the plan is refused for has no caution, because the refusal names it.
    """
    provenance = planned.provenance
    if provenance is None:
        return []
    changes, found = planned.plan.changes, []
    refused = {one.rule for one in planned.refusals}
    for cause in (Cause.CONFLICT, Cause.DRIFT):
        if cause.value in refused:
            continue
        models = [
            (change.address, [field for field, causes in provenance.of(change).items() if cause in causes])
            for change in provenance.with_cause(changes, cause)
        ]
        if models:
            sentence = f"{len(models)} of {counted(len(changes), 'change')} {_WORDS[cause].caution}"
            found.append(Caution(sentence, models, _WORDS[cause].advice))
    return found


def already_live(planned: Planned) -> Caution | None:
    """What the reviewed change brings although live has it already, if anything."""
    found = sorted(planned.provenance.already_live.items()) if planned.provenance else []
    if not found:
        return None
    return Caution(f"What this change brings is live already in {counted(len(found), 'model')}", found)


def removed_title(count: int) -> str:
    """What is said of all removed definitions together."""
    if count == 1:
        return "1 model is no longer managed: git removes the definition, and the live model stays as before"
    return f"{count} models are no longer managed: git removes the definitions, and the live models stay as before"


def removed_line(one: Removed, code: Callable[[str], str], shown_id: str = "") -> str:
    """A removed definition: its live model, and the syncs that go on reading that. `shown_id` is the id as a link."""
    if not one.id:
        return f"{code(one.address)}: no live model is known of it"
    live = f"{code(one.address)}: live model {shown_id or one.id}, {code(one.name)}"
    if one.syncs is None:
        return f"{live}; what it feeds is not known"
    fed = [f"sync {sync.id} to {code(sync.destination)}" for sync in one.syncs]
    return f"{live}; feeds {', '.join(fed)}" if fed else f"{live}; feeds no sync"
