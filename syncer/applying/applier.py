"""Applying: carries out exactly one plan through a Writer and says of every change what became of it.

Nothing is written that the plan didn't show: each model is looked at again first, and left alone if it moved since.
Where the API's limit makes the run wait, one newest page looks for the next few models together.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Final, Protocol

from syncer.errors import ApiError, LateError, MissingError, SyncerError
from syncer.events import Modified, Modifying, Slowing
from syncer.model import REQUIRED
from syncer.plan.diff import FieldChange, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from syncer.events import Pace, Tell
    from syncer.model import LiveModel
    from syncer.plan.planner import Change, Plan

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life of a change that takes its time."""

_ATTEMPTS: Final = 3
"""How often one PUT is sent at most: again only after a look has shown that the one before was not written."""

_LOOKS: Final = 10
"""How many looks a write gets: where it comes too late after one, it needs another."""

_MINUTE: Final = 60.0
_TOGETHER: Final = 10
"""For how many models one page looks at most."""

_PER_UPDATE: Final = 2
"""The requests of an update that looks for itself: GET and PUT."""

_PER_CREATION: Final = 3
"""The requests of a creation: the newest page, POST, the newest page."""


class Writer(Protocol):
    """What an apply needs of the API. All raise ApiError."""

    def read(self, model_id: int) -> LiveModel:
        """The live model now."""

    def glance(self, ids: Collection[int]) -> Mapping[int, LiveModel]:
        """The live models of these ids now, as far as one request can tell; the others are missing."""

    def put(self, model_id: int, body: Mapping[str, Any]) -> LiveModel:
        """Send one PUT and return the model as the server answered it.

        Raises LateError, with nothing sent, if the last look at the model is too long ago.
        """

    def named(self, name: str) -> Sequence[LiveModel]:
        """Every live model of that name now. Raises RefreshError, too, where that can't be told."""

    def create(self, body: Mapping[str, Any]) -> LiveModel:
        """Send one POST and return the model as the server answered it. Raises LateError as `put` does."""

    def newest(self, ids: Collection[int]) -> Sequence[LiveModel] | None:
        """The models that were written last, down to these; None if that's too far down."""

    def pace(self, requests: int) -> Pace:
        """How fast requests may go, and in how many seconds the last of so many further ones may."""


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

    `unseen` says why nobody looked at the end whether what was written still stands; it's empty if somebody did.
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


def apply(
    plan: Plan,
    writer: Writer,
    tell: Tell,
    *,
    parallelism: int,
    fail_fast: bool,
    stop: Stop,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Carry out the plan, up to `parallelism` models at a time, and report on every change.

    One failure doesn't stop the others unless `fail_fast`, or unless it's about the session and not about the model.
    When `stop` is set, what is under way is finished and nothing new begins.
    """
    run = _Run(plan, writer, tell, stop, clock, sleep, parallelism=parallelism, fail_fast=fail_fast)
    return run.carry_out()


class _Run:
    """One apply under way: the updates side by side, then the creations one after the other."""

    def __init__(
        self,
        plan: Plan,
        writer: Writer,
        tell: Tell,
        stop: Stop,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        *,
        parallelism: int,
        fail_fast: bool,
    ) -> None:
        self._plan, self._writer, self._tell = plan, writer, tell
        self._stop, self._clock, self._sleep = stop, clock, sleep
        self._parallelism, self._fail_fast = parallelism, fail_fast
        # An update may give up the name that a creation takes.
        self._waiting = deque((*plan.updated, *plan.created))
        self._creations = len(plan.created)
        self._looks_together = False
        self._looks: dict[int, LiveModel] = {}
        self._running: dict[Future[Outcome], tuple[Change, float]] = {}
        self._beats: dict[str, int] = {}
        self._outcomes: dict[str, Outcome] = {}
        # What ends the run: something about the session, or, with `fail_fast`, anything that isn't done.
        self._is_fatal = self._has_failed = False

    def carry_out(self) -> Report:
        """Begin what may begin and settle what ended until nothing is left; then look at what was written."""
        with ThreadPoolExecutor(self._parallelism, thread_name_prefix="apply") as pool:
            while self._waiting or self._running:
                self._settle(self._begin(pool))
        changes = self._plan.changes
        outcomes = (self._outcomes.get(one.address, Outcome(one, Status.NOT_ATTEMPTED)) for one in changes)
        return self._looked_at_again(tuple(outcomes))

    def _begin(self, pool: ThreadPoolExecutor) -> float:
        """Begin all that may begin now; the seconds after which to ask again."""
        if self._is_ended():
            self._waiting.clear()
        while self._waiting and len(self._running) < self._parallelism:
            change = self._waiting[0]
            if change.is_creation and self._running:
                break
            if seconds := self._held_up(change):
                return min(seconds, 1.0)
            self._waiting.popleft()
            self._tell(Modifying(change.address, change.id))
            future = pool.submit(_attempt, change, self._writer, self._looks.pop(change.id, None))
            self._running[future] = (change, self._clock())
        return 1.0

    def _is_ended(self) -> bool:
        """Whether nothing new may begin."""
        return self._has_failed or self._stop.is_set()

    def _settle(self, seconds: float) -> None:
        """Wait for so long, or until a change ends; say what ended, and what is still under way."""
        if not self._running:
            if self._waiting:
                self._sleep(seconds)
            return
        done, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in done:
            change, began = self._running.pop(future)
            outcome = future.result()
            is_done = outcome.status is Status.DONE
            if outcome.is_fatal and outcome.status is Status.FAILED and self._is_fatal:
                # Nothing was written, and why is told once.
                outcome = Outcome(change, Status.NOT_ATTEMPTED)
            self._is_fatal = self._is_fatal or outcome.is_fatal
            self._has_failed = self._has_failed or self._is_fatal or (self._fail_fast and not is_done)
            self._outcomes[change.address] = outcome
            elapsed = self._clock() - began
            self._tell(Modified(change.address, outcome.model_id, elapsed, is_done, is_new=change.is_creation))
        for change, began in self._running.values():
            beat = int((self._clock() - began) / HEARTBEAT)
            if beat > self._beats.get(change.address, 0):
                self._beats[change.address] = beat
                self._tell(Modifying(change.address, change.id, self._clock() - began))

    # -- the limit -------------------------------------------------------------------------------------------------

    def _held_up(self, change: Change) -> float:
        """For how many seconds the limit holds up the next change; at 0 its requests can go at once."""
        if change.is_creation:
            return self._wait_for(_PER_CREATION)
        if change.id in self._looks:
            return self._wait_for(1)
        updates = len(self._waiting) - self._creations
        most = self._writer.pace(0).per_minute
        whole = self._owed() + _PER_UPDATE * updates + _PER_CREATION * self._creations
        if most and self._writer.pace(whole).seconds:
            # With a look for each the run would have to wait.
            self._looks_together = True
        if not self._looks_together or updates == 1:
            return self._wait_for(_PER_UPDATE)
        together = [one.id for one in islice(self._waiting, min(updates, _TOGETHER, max(most - 1, 1)))]
        if seconds := self._wait_for(1 + len(together)):
            return seconds
        # A model that it doesn't show is looked at by itself; so is each if it fails, and that says what it means.
        with suppress(SyncerError):
            self._looks = dict(self._writer.glance(together))
        return 0.0

    def _wait_for(self, requests: int) -> float:
        """The seconds until so many further requests may go at once; told if nothing else goes on."""
        most = self._writer.pace(0).per_minute
        seconds = self._writer.pace(min(self._owed() + requests, most or requests)).seconds
        if seconds and most and not self._running:
            updates = len(self._waiting) - self._creations
            left = updates + -(-updates // _TOGETHER) + _PER_CREATION * self._creations + 1
            ends, changes = len(self._outcomes), len(self._plan.changes)
            # After this wait a minute passes for each full round of the limit.
            whole = max(self._writer.pace(left).seconds, seconds + _MINUTE * ((left - 1) // most))
            self._tell(Slowing(most, left, whole, ends, changes))
        return seconds

    def _owed(self) -> int:
        """How many requests what is under way may need yet."""
        return sum(_PER_CREATION if change.is_creation else _PER_UPDATE for change, _ in self._running.values())

    # -- at the end ------------------------------------------------------------------------------------------------

    def _looked_at_again(self, outcomes: tuple[Outcome, ...]) -> Report:
        """The report, after a look at the newest models: whether what was written stands, and what came beside it."""
        if not any(one.status in (Status.DONE, Status.UNKNOWN) for one in outcomes):
            return Report(outcomes)
        while not self._is_ended() and (seconds := self._wait_for(1)):
            self._sleep(min(seconds, 1.0))
        if self._is_ended():
            return Report(outcomes, "the run was ended before")
        try:
            rows = self._writer.newest({one.model_id for one in outcomes if one.status is Status.DONE})
        except SyncerError as error:
            return Report(outcomes, error.what)
        if rows is None:
            return Report(outcomes, "the newest models fill more than three pages")
        seen = {row.id: row for row in rows}
        return Report(tuple(_seen_again(outcome, seen) for outcome in outcomes))


def _seen_again(outcome: Outcome, seen: Mapping[int, LiveModel]) -> Outcome:
    """The outcome after the newest models were looked at: what is done may have moved, what is unknown may be done."""
    change = outcome.change
    name = change.after["name"]
    namesakes = [one for one in seen.values() if change.is_creation and one.name == name and one.id != outcome.id]
    if outcome.status is Status.UNKNOWN:
        stands = seen.get(outcome.model_id) or (namesakes[0] if len(namesakes) == 1 else None)
        return outcome if stands is None or _missing(change, stands) else _done(change, stands)
    if outcome.status is not Status.DONE:
        return outcome
    live = seen.get(outcome.model_id)
    hint = "plan again: it shows what differs. Was it another apply, or somebody in the UI?"
    if live is None:
        return replace(outcome, since=f"live model {outcome.model_id} was deleted since", hint=hint)
    if moved := _missing(change, live):
        return replace(outcome, since=f"live model {live.id} changed again since: {_names(moved)}", hint=hint)
    return _beside(outcome, namesakes)


def _attempt(change: Change, writer: Writer, look: LiveModel | None) -> Outcome:
    """Carry out one change. A mistake of ours ends this change alone, and loses no word about the others."""
    try:
        return _create(change, writer) if change.is_creation else _update(change, writer, look)
    except Exception as error:  # noqa: BLE001 - see above; the text of it may hold anything, so it's not shown
        reason = f"syncer itself failed ({type(error).__name__}) while it changed this model"
        return Outcome(change, Status.UNKNOWN, reason, "plan again, and please report it")


# -- updates -----------------------------------------------------------------------------------------------------------


def _update(change: Change, writer: Writer, look: LiveModel | None) -> Outcome:
    """Look, PUT, compare the answer; after an open end look again before saying anything."""
    try:
        return _put(change, writer, look)
    except ApiError as open_end:
        return _after_open_put(change, writer, open_end, _ATTEMPTS - 1)


def _put(change: Change, writer: Writer, look: LiveModel | None) -> Outcome:
    """Send one PUT, if the model stands as planned from. Raises ApiError where its end is open.

    the model               outcome
    stands as planned from  what the PUT brings
    is anything else        conflict
    is gone                 conflict
    can't be read           failed
    """
    looks = 0
    while True:
        looks += 1
        try:
            live = look or writer.read(change.id)
            if moved := compare(live.fields, change.before):
                reason = f"live model {change.id} changed since the plan was made: {_names(moved)}"
                return Outcome(change, Status.CONFLICT, reason, "plan again, and review what somebody else changed")
            return _compared(change, writer.put(change.id, change.body))
        except LateError as late:
            if looks == _LOOKS:
                return _failed(change, late)
            look = None
        except MissingError:
            reason = f"live model {change.id} was deleted since the plan was made"
            return Outcome(change, Status.CONFLICT, reason, "plan again, and see whether the file is still wanted")
        except ApiError as error:
            if error.is_open:
                raise
            return _failed(change, error)


def _after_open_put(change: Change, writer: Writer, open_end: ApiError, attempts: int) -> Outcome:
    """What became of a PUT with an open end: done or unknown. Nothing else can come out of here.

    the model                     outcome
    is as planned                 done
    stands as planned from        sent again if that may help, else unknown: the server may still be at work
    is anything else, or unread   unknown
    """
    try:
        live = writer.read(change.id)
    except ApiError as error:
        return _unknown(change, open_end, is_fatal=error.is_fatal)
    if not _missing(change, live):
        return _done(change, live)
    if not (attempts and open_end.is_transient) or compare(live.fields, change.before):
        # Part of it was written, or somebody else wrote, too.
        return _unknown(change, open_end)
    try:
        again = _put(change, writer, live)
    except ApiError as error:
        return _after_open_put(change, writer, error, attempts - 1)
    if again.status is Status.DONE:
        return again
    return _unknown(change, open_end, f"then {again.reason}", is_fatal=again.is_fatal)


# -- creations ---------------------------------------------------------------------------------------------------------


def _create(change: Change, writer: Writer) -> Outcome:
    """Look for the name, POST once, compare the answer, and look for the name again.

    It's never sent again: a POST that was only slow would make a second model of the name, which feeds no sync and is
    taken for the first one.
    """
    name = str(change.after["name"])
    looks = 0
    while True:
        looks += 1
        try:
            if others := writer.named(name):
                reason = f"live model {others[0].id} bears the name {name!r} since the plan was made"
                return Outcome(change, Status.CONFLICT, reason, "plan again: the file means that one now")
            made = writer.create(change.body)
        except LateError as late:
            if looks == _LOOKS:
                return _failed(change, late)
        except SyncerError as error:
            if isinstance(error, ApiError) and error.is_open:
                return _after_open_post(change, writer, name, error)
            return _failed(change, error)
        else:
            return _created(change, writer, name, made)


def _created(change: Change, writer: Writer, name: str, made: LiveModel) -> Outcome:
    """What became of a POST that was answered."""
    if made.name != name:
        # Whichever model that is, it isn't known to be the new one: its id must go nowhere.
        reason = f"the server answered with model {made.id}, {made.name!r}"
        return Outcome(change, Status.UNKNOWN, reason, "look at that model, and plan again")
    outcome = replace(_compared(change, made), id=made.id)
    if outcome.status is not Status.DONE:
        return outcome
    try:
        others = [model for model in writer.named(name) if model.id != made.id]
    except SyncerError:
        # It's created all the same, and the look at the end may tell.
        return outcome
    return _beside(outcome, others)


def _after_open_post(change: Change, writer: Writer, name: str, open_end: ApiError) -> Outcome:
    """What became of a POST with an open end, as the live models of that name tell: done or unknown.

    There was none of the name before. Without a trace the server may still be at work, whatever it answered.
    """
    hint = "look again in a minute: `syncer plan` shows whether it was created. Only then apply again"
    try:
        found = writer.named(name)
    except SyncerError as trouble:
        is_fatal = isinstance(trouble, ApiError) and trouble.is_fatal
        return _unknown(change, open_end, f"then {trouble.what}", hint, is_fatal=is_fatal)
    if not found:
        return _unknown(change, open_end, "no model of that name is there so far", hint)
    if len(found) > 1:
        listed = ", ".join(str(model.id) for model in found)
        pin = "keep the one that was meant, and pin it with `id:`"
        return _unknown(change, open_end, f"now the live models {listed} bear the name {name!r}", pin)
    if differing := _missing(change, found[0]):
        told = f"live model {found[0].id} bears the name {name!r} now, with another {_names(differing)}"
        return _unknown(change, open_end, told, "look at that model, and plan again")
    return _done(change, found[0])


# -- words -------------------------------------------------------------------------------------------------------------


def _missing(change: Change, live: LiveModel) -> tuple[FieldChange, ...]:
    """The part of a change that a live model doesn't have; fields that git ignores don't count."""
    return compare(live.fields, {field: value for field, value in change.after.items() if field not in change.ignored})


def _names(fields: Collection[FieldChange]) -> str:
    return ", ".join(sorted({str(field.path[0]) for field in fields}))


def _beside(outcome: Outcome, others: Sequence[LiveModel]) -> Outcome:
    """What was created, with the others of its name, if there are some."""
    if not others:
        return outcome
    listed = ", ".join(str(model.id) for model in others)
    since = f"live model {outcome.id} was created, and {listed} bears the name {outcome.change.after['name']!r}, too"
    hint = "somebody else created it in the same moment: pin the one that is meant with `id:`, and delete the other"
    return replace(outcome, since=since, hint=hint)


def _done(change: Change, live: LiveModel) -> Outcome:
    """A model was seen that is as planned."""
    return Outcome(change, Status.DONE, id=live.id if change.is_creation else 0, updated_at=live.updated_at)


def _failed(change: Change, error: SyncerError) -> Outcome:
    """Nothing was written, for certain."""
    is_fatal = isinstance(error, ApiError) and error.is_fatal
    return Outcome(change, Status.FAILED, error.what, error.hint, is_fatal=is_fatal)


def _unknown(
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
