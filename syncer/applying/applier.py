"""Carries out exactly one plan through a Writer: what goes side by side, what the limit holds up, a look at the end.

Nothing is written that the plan didn't show: each model is looked at again first, and left alone if it moved since.
Where the API's limit makes the run wait, one newest page looks for the next few models together.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from syncer.applying.creation import create
from syncer.applying.outcome import Outcome, Report, Status, beside, done, field_names, not_live
from syncer.applying.update import update
from syncer.errors import SyncerError
from syncer.events import Modified, Modifying, Slowing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.applying.writer import Writer
    from syncer.events import Tell
    from syncer.model import LiveModel
    from syncer.plan.planner import Change, Plan

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life of a change that takes its time."""

_MINUTE: Final = 60.0
_TOGETHER: Final = 10
"""For how many models one page looks at most."""

_PER_UPDATE: Final = 2
"""The requests of an update that looks for itself: GET and PUT."""

_PER_CREATION: Final = 3
"""The requests of a creation: the newest page, POST, the newest page."""


class Stop(Protocol):
    """A switch that asks to begin nothing new: `threading.Event` fits."""

    def is_set(self) -> bool:
        """Whether it was asked."""


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
        ended, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in ended:
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
        return outcome if stands is None or not_live(change, stands) else done(change, stands)
    if outcome.status is not Status.DONE:
        return outcome
    live = seen.get(outcome.model_id)
    hint = "plan again: it shows what differs. Was it another apply, or somebody in the UI?"
    if live is None:
        return replace(outcome, since=f"live model {outcome.model_id} was deleted since", hint=hint)
    if moved := not_live(change, live):
        return replace(outcome, since=f"live model {live.id} changed again since: {field_names(moved)}", hint=hint)
    return beside(outcome, namesakes)


def _attempt(change: Change, writer: Writer, look: LiveModel | None) -> Outcome:
    """Carry out one change. A mistake of ours ends this change alone, and loses no word about the others."""
    try:
        return create(change, writer) if change.is_creation else update(change, writer, look)
    except Exception as error:  # noqa: BLE001 - see above; the text of it may hold anything, so it's not shown
        reason = f"syncer itself failed ({type(error).__name__}) while it changed this model"
        return Outcome(change, Status.UNKNOWN, reason, "plan again, and please report it")


# -- creations ---------------------------------------------------------------------------------------------------------
