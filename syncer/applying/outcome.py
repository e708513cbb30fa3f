"""What became of a change, in words; and the report of all. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING

from syncer.errors import ApiError, SyncerError
from syncer.model import REQUIRED
from syncer.plan.diff import FieldChange, compare

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from syncer.model import LiveModel
    from syncer.plan.planner import Change


class Status(Enum):
    """What became of a change."""

    DONE = "done"
    """The server has what the plan showed."""
    CONFLICT = "conflict"
    """The live model moved since the plan, so nothing was sent."""
    FAILED = "failed"
    """The server refused it, or took only a part."""
    UNKNOWN = "unknown"
    """It may have been written or not; a fresh plan tells."""
    NOT_ATTEMPTED = "not attempted"
    """The run ended before its turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change: why, and what to do now. `unapplied` is what the server answered otherwise.

    An unapplied field's `before` is what the server has now, its `after` what was sent. `id` is that of the live model
    that was created; 0 where none was, or nobody knows. `updated_at` is when the model was last changed, as the server
    said after the write; empty where nothing was heard of it since. `since` says of a change that is done what of it
    no longer stands, or what came beside it. `is_fatal` says that no other change could have ended otherwise.
    """

    change: Change
    status: Status
    reason: str = ""
    hint: str = ""
    unapplied: tuple[FieldChange, ...] = ()
    id: int = 0
    updated_at: str = ""
    since: str = ""
    is_fatal: bool = False

    @property
    def model_id(self) -> int:
        """The live model's id; 0 if there is none, or nobody knows."""
        return self.change.id or self.id


@dataclass(frozen=True, slots=True)
class Report:
    """What an apply did: an outcome for every change of the plan, in the plan's order.

    `unseen` says why syncer did not check at the end whether its changes are still there; it's empty if somebody did.
    """

    outcomes: tuple[Outcome, ...]
    unseen: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether every change is done, and still stood when it was last seen."""
        return all(outcome.status is Status.DONE and not outcome.since for outcome in self.outcomes)

    def counts(self) -> Mapping[Status, int]:
        """How many changes ended in which way."""
        return Counter(outcome.status for outcome in self.outcomes)


def not_live(change: Change, live: LiveModel) -> tuple[FieldChange, ...]:
    """The part of a change that a live model doesn't have; fields that git ignores don't count."""
    return compare(live.fields, {field: value for field, value in change.after.items() if field not in change.ignored})


def field_names(fields: Collection[FieldChange]) -> str:
    """The top-level fields that differ, as a message lists them."""
    return ", ".join(sorted({str(field.path[0]) for field in fields}))


def beside(outcome: Outcome, others: Sequence[LiveModel]) -> Outcome:
    """What was created, with the others of its name, if there are some."""
    if not others:
        return outcome
    listed = ", ".join(str(model.id) for model in others)
    since = f"live model {outcome.id} was created, and {listed} has the name {outcome.change.after['name']!r}, too"
    hint = "somebody else created it in the same moment: pin the one that is meant with `id:`, and delete the other"
    return replace(outcome, since=since, hint=hint)


def done(change: Change, live: LiveModel) -> Outcome:
    """A model was seen that is as planned."""
    return Outcome(change, Status.DONE, id=live.id if change.is_creation else 0, updated_at=live.updated_at)


def failed(change: Change, error: SyncerError) -> Outcome:
    """Nothing was written, for certain."""
    is_fatal = isinstance(error, ApiError) and error.is_fatal
    return Outcome(change, Status.FAILED, error.what, error.hint, is_fatal=is_fatal)


def unknown(
    change: Change,
    open_end: ApiError,
    more: str = "",
    hint: str = "plan again: it shows whether the change was written",
    *,
    is_fatal: bool = False,
) -> Outcome:
    """Nobody can tell whether a write whose end is open took place, or will yet."""
    reason = f"{open_end.what}; {more}" if more else open_end.what
    return Outcome(change, Status.UNKNOWN, reason, hint, is_fatal=is_fatal or open_end.is_fatal)


def compared(change: Change, answer: LiveModel) -> Outcome:
    """Done, or failed with every field that the server didn't take though it said 200."""
    sent = {field: change.after[field] for field in dict.fromkeys((*REQUIRED, *change.changed))}
    unapplied = compare(answer.fields, sent)
    if not unapplied:
        return Outcome(change, Status.DONE, updated_at=answer.updated_at)
    paths = [".".join(map(str, field.path)) for field in unapplied]
    said = f"created model {answer.id}" if change.is_creation else "answered 200"
    reason = f"the server {said}, but did not take {', '.join(paths)}"
    ignored = ", ".join(dict.fromkeys(map(_ignorable, unapplied)))
    hint = f"if nothing else helps, silence it with `lifecycle: {{ignore_changes: [{ignored}]}}`"
    return Outcome(change, Status.FAILED, reason, hint, unapplied)


def _ignorable(change: FieldChange) -> str:
    """The path as `ignore_changes` can name it: down to the first list, or to a key that holds a dot."""
    plain = takewhile(lambda key: isinstance(key, str) and "." not in key, change.path)
    return ".".join(map(str, plain))
