"""One update: a look at the live model, the PUT, and what became of it. After an open end it looks again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.applying.outcome import Outcome, Status, compared, done, failed, field_names, not_live, unknown
from syncer.applying.writer import LOOKS
from syncer.errors import ApiError, LateError, MissingError
from syncer.plan.diff import compare

if TYPE_CHECKING:
    from syncer.applying.writer import Writer
    from syncer.model import LiveModel
    from syncer.plan.planner import Change

_ATTEMPTS: Final = 3
"""How often one PUT is sent at most: again only after a look has shown that the one before was not written."""


def update(change: Change, writer: Writer, look: LiveModel | None) -> Outcome:
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
                reason = f"live model {change.id} changed since the plan was made: {field_names(moved)}"
                return Outcome(change, Status.CONFLICT, reason, "plan again, and review what somebody else changed")
            return compared(change, writer.put(change.id, change.body))
        except LateError as late:
            if looks == LOOKS:
                return failed(change, late)
            look = None
        except MissingError:
            reason = f"live model {change.id} was deleted since the plan was made"
            return Outcome(change, Status.CONFLICT, reason, "plan again, and see whether the file is still wanted")
        except ApiError as error:
            if error.is_open:
                raise
            return failed(change, error)


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
        return unknown(change, open_end, is_fatal=error.is_fatal)
    if not not_live(change, live):
        return done(change, live)
    if not (attempts and open_end.is_transient) or compare(live.fields, change.before):
        # Part of it was written, or somebody else wrote, too.
        return unknown(change, open_end)
    try:
        again = _put(change, writer, live)
    except ApiError as error:
        return _after_open_put(change, writer, error, attempts - 1)
    if again.status is Status.DONE:
        return again
    return unknown(change, open_end, f"then {again.reason}", is_fatal=again.is_fatal)
