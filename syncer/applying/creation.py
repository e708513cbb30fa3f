"""One creation: a look for the name, the POST, and looks for what was made. It's never sent again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.applying.outcome import Outcome, Status, beside, compared, done, failed, field_names, not_live, unknown
from syncer.applying.writer import LOOKS
from syncer.errors import ApiError, LateError, SyncerError

if TYPE_CHECKING:
    from syncer.applying.writer import Writer
    from syncer.model import LiveModel
    from syncer.plan.planner import Change


def create(change: Change, writer: Writer) -> Outcome:
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
                reason = f"live model {others[0].id} has the name {name!r} since the plan was made"
                return Outcome(change, Status.CONFLICT, reason, "plan again: the file means that one now")
            made = writer.create(change.body)
        except LateError as late:
            if looks == LOOKS:
                return failed(change, late)
        except SyncerError as error:
            if isinstance(error, ApiError) and error.is_open:
                return _after_open_post(change, writer, name, error)
            return failed(change, error)
        else:
            return _created(change, writer, name, made)


def _created(change: Change, writer: Writer, name: str, made: LiveModel) -> Outcome:
    """What became of a POST that was answered."""
    if made.name != name:
        # Whichever model that is, it isn't known to be the new one: its id must go nowhere.
        reason = f"the server answered with model {made.id}, {made.name!r}"
        return Outcome(change, Status.UNKNOWN, reason, "look at that model, and plan again")
    outcome = replace(compared(change, made), id=made.id)
    if outcome.status is not Status.DONE:
        return outcome
    try:
        others = [model for model in writer.named(name) if model.id != made.id]
    except SyncerError:
        # It's created all the same, and the look at the end may tell.
        return outcome
    return beside(outcome, others)


def _after_open_post(change: Change, writer: Writer, name: str, open_end: ApiError) -> Outcome:
    """What became of a POST with an open end, as the live models of that name tell: done or unknown.

    There was none of the name before. Without a trace the server may still be at work, whatever it answered.
    """
    hint = "look again in a minute: `syncer plan` shows whether it was created. Only then apply again"
    try:
        found = writer.named(name)
    except SyncerError as trouble:
        is_fatal = isinstance(trouble, ApiError) and trouble.is_fatal
        return unknown(change, open_end, f"then {trouble.what}", hint, is_fatal=is_fatal)
    if not found:
        return unknown(change, open_end, "no model of that name is there so far", hint)
    if len(found) > 1:
        listed = ", ".join(str(model.id) for model in found)
        pin = "keep the one that was meant, and pin it with `id:`"
        return unknown(change, open_end, f"now the live models {listed} have the name {name!r}", pin)
    if differing := not_live(change, found[0]):
        told = f"live model {found[0].id} has the name {name!r} now, with another {field_names(differing)}"
        return unknown(change, open_end, told, "look at that model, and plan again")
    return done(change, found[0])
