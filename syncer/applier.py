"""Applying: carries out exactly one plan through a Writer and says of every change what became of it.

Nothing is written that the plan didn't show: each model is read again first, and left alone if it moved since.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, Protocol

from syncer.diff import FieldChange, compare
from syncer.errors import ApiError, MissingError, SyncerError
from syncer.model import REQUIRED, Modified, Modifying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.model import LiveModel, Tell
    from syncer.planner import Change, Plan

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life of a change that takes its time."""

_ATTEMPTS: Final = 3
"""How often one PUT is sent at most: again only after a look has shown that the one before was not written."""


class Writer(Protocol):
    """What an apply needs of the API. All raise ApiError."""

    def read(self, model_id: int) -> LiveModel:
        """The live model now."""

    def put(self, model_id: int, body: Mapping[str, Any]) -> LiveModel:
        """Send one PUT and return the model as the server answered it."""

    def named(self, name: str) -> Sequence[LiveModel]:
        """Every live model of that name now. Raises RefreshError, too, where that can't be told."""

    def create(self, body: Mapping[str, Any]) -> LiveModel:
        """Send one POST and return the model as the server answered it."""


class Stop(Protocol):
    """A switch that asks to begin nothing new: `threading.Event` fits."""

    def is_set(self) -> bool:
        """Whether it was asked."""


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
    said after the write; empty where nothing was heard of it since.
    """

    change: Change
    status: Status
    reason: str = ""
    hint: str = ""
    unapplied: tuple[FieldChange, ...] = ()
    id: int = 0
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What an apply did: an outcome for every change of the plan, in the plan's order."""

    outcomes: tuple[Outcome, ...]

    @property
    def is_ok(self) -> bool:
        """Whether every change is done."""
        return all(outcome.status is Status.DONE for outcome in self.outcomes)

    def counts(self) -> Mapping[Status, int]:
        """How many changes ended in which way."""
        return Counter(outcome.status for outcome in self.outcomes)


def apply(
    plan: Plan,
    writer: Writer,
    tell: Tell,
    *,
    parallelism: int,
    fail_fast: bool,
    stop: Stop,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Carry out the plan, up to `parallelism` models at a time, and report on every change.

    One failure doesn't stop the others unless `fail_fast`. When `stop` is set, what is under way is finished and
    nothing new begins.
    """
    outcomes: dict[str, Outcome] = {}
    waiting = list(reversed(plan.changes))
    running: dict[Future[Outcome], tuple[Change, float]] = {}
    beats: dict[str, int] = {}
    with ThreadPoolExecutor(parallelism, thread_name_prefix="apply") as pool:
        while waiting or running:
            failed = fail_fast and any(outcome.status is not Status.DONE for outcome in outcomes.values())
            if stop.is_set() or failed:
                waiting.clear()
            while waiting and len(running) < parallelism:
                change = waiting.pop()
                tell(Modifying(change.address, change.id))
                running[pool.submit(_attempt, change, writer)] = (change, clock())
            done, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                change, began = running.pop(future)
                outcome = outcomes[change.address] = future.result()
                is_done, model_id = outcome.status is Status.DONE, change.id or outcome.id
                tell(Modified(change.address, model_id, clock() - began, is_done, is_new=change.is_creation))
            for change, began in running.values():
                beat = int((clock() - began) / HEARTBEAT)
                if beat > beats.get(change.address, 0):
                    beats[change.address] = beat
                    tell(Modifying(change.address, change.id, clock() - began))
    return Report(tuple(outcomes.get(change.address, Outcome(change, Status.NOT_ATTEMPTED)) for change in plan.changes))


def _attempt(change: Change, writer: Writer) -> Outcome:
    """Carry out one change. A mistake of ours ends this change alone, and loses no word about the others."""
    try:
        return _create(change, writer) if change.is_creation else _carry_out(change, writer)
    except Exception as error:  # noqa: BLE001 - see above; the text of it may hold anything, so it's not shown
        reason = f"syncer itself failed ({type(error).__name__}) while it changed this model"
        return Outcome(change, Status.UNKNOWN, reason, "plan again, and please report it")


def _carry_out(change: Change, writer: Writer) -> Outcome:
    """Look, PUT, compare the answer; after an open end look again before saying anything."""
    error: ApiError | None = None
    for _ in range(_ATTEMPTS):
        settled = _look(change, writer, error)
        if settled is not None:
            return settled
        try:
            return _compared(change, writer.put(change.id, change.body))
        except ApiError as refused:
            if not refused.is_open:
                return Outcome(change, Status.FAILED, refused.what, refused.hint)
            error = refused
    return _look(change, writer, error) or _left(change, error)


def _create(change: Change, writer: Writer) -> Outcome:
    """Look whether somebody was first, POST once, compare the answer; after an open end look by name.

    It's never sent again: a POST that was only slow would make a second model of the name, which feeds no sync and is
    taken for the first one.
    """
    name = str(change.after["name"])
    try:
        others = writer.named(name)
    except SyncerError as trouble:
        return Outcome(change, Status.FAILED, trouble.what, trouble.hint)
    if others:
        reason = f"live model {others[0].id} bears the name {name!r} since the plan was made"
        return Outcome(change, Status.CONFLICT, reason, "plan again: the file means that one now")
    try:
        made = writer.create(change.body)
    except ApiError as error:
        if not error.is_open:
            return Outcome(change, Status.FAILED, error.what, error.hint)
        return _sought(change, writer, name, error)
    if made.name != name:
        # Whichever model that is, it isn't known to be the new one: its id must go nowhere.
        reason = f"the server answered with model {made.id}, {made.name!r}"
        return Outcome(change, Status.UNKNOWN, reason, "look at that model, and plan again")
    return replace(_compared(change, made), id=made.id)


def _sought(change: Change, writer: Writer, name: str, error: ApiError) -> Outcome:
    """What became of a POST with an open end, as the live models of that name tell: there was none before."""
    hint = "look again in a minute: `syncer plan` shows whether it was created. Only then apply again"
    try:
        found = writer.named(name)
    except SyncerError as trouble:
        return Outcome(change, Status.UNKNOWN, f"{error.what}; then {trouble.what}", hint)
    if len(found) == 1:
        return replace(_compared(change, found[0]), id=found[0].id)
    if found:
        listed = ", ".join(str(model.id) for model in found)
        reason = f"{error.what}; now the live models {listed} bear the name {name!r}"
        return Outcome(change, Status.UNKNOWN, reason, "keep the one that was meant, and pin it with `id:`")
    if error.status and not error.is_transient:
        return Outcome(change, Status.FAILED, error.what, error.hint)
    # Without an answer the server may still be at work.
    return Outcome(change, Status.UNKNOWN, f"{error.what}; no model of that name is there so far", hint)


def _look(change: Change, writer: Writer, error: ApiError | None) -> Outcome | None:
    """What the live model says of this change, before the first PUT or after one with an open end (`error`).

    the model               before the PUT    after an open end
    stands as planned from  None: go on       None: once more, if it was transient; else failed
    is as planned           conflict          done
    is something else       conflict          unknown
    can't be read           conflict, failed  unknown
    """
    try:
        live = writer.read(change.id)
    except MissingError:
        if error is not None:
            return _unknown(change, error)
        reason = f"live model {change.id} was deleted since the plan was made"
        return Outcome(change, Status.CONFLICT, reason, "plan again, and see whether the file is still wanted")
    except ApiError as trouble:
        failed = Outcome(change, Status.FAILED, trouble.what, trouble.hint)
        return failed if error is None else _unknown(change, error)
    if error is not None and not compare(live.fields, change.after):
        return Outcome(change, Status.DONE, updated_at=live.updated_at)
    moved = compare(live.fields, change.before)
    if moved:
        # After a PUT: part of it was written, or somebody else wrote, too.
        return _conflict(change, moved) if error is None else _unknown(change, error)
    return None if error is None or error.is_transient else _left(change, error)


def _left(change: Change, error: ApiError | None) -> Outcome:
    """The model stands as before: failed if the server answered; without an answer it may still be at work."""
    if error is None or not error.status:
        return _unknown(change, error)
    return Outcome(change, Status.FAILED, error.what, error.hint)


def _conflict(change: Change, moved: tuple[FieldChange, ...]) -> Outcome:
    fields = ", ".join(sorted({str(field.path[0]) for field in moved}))
    reason = f"live model {change.id} changed since the plan was made: {fields}"
    return Outcome(change, Status.CONFLICT, reason, "plan again, and review what somebody else changed")


def _unknown(change: Change, error: ApiError | None) -> Outcome:
    reason = error.what if error else ""
    return Outcome(change, Status.UNKNOWN, reason, "plan again: it shows whether the change was written")


def _compared(change: Change, answer: LiveModel) -> Outcome:
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
