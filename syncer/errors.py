"""What can stop a run; `cli` turns each into words and an exit code.

SyncerError                 catch this one to catch all
├── SettingsError           settings, flags or the environment's variables don't fit together
├── InputError              model files, or the settings, are wrong; carries every Problem
├── ApiError                the API refused, failed, or could not be reached
│   ├── LoginError          the credentials were refused; never tried twice
│   ├── MissingError        there is no such model in the workspace
│   └── UnreadableError     the API can't serve one model (a broken row)
├── LateError               a write was held back: too long ago somebody looked whether it may be sent
├── HostError               GitHub or GitLab refused, failed, or could not be reached
├── RefreshError            live state could not be read completely, so nothing is planned
└── RefusedError            a guard or a missing approval stopped an apply before anything was written
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.model import Problem


class SyncerError(Exception):
    """Something a person can act on: `what` and why, and `hint`, what to do now."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class SettingsError(SyncerError):
    """Settings, flags or the environment's variables don't fit together."""


class InputError(SyncerError):
    """Model files, or the settings, are wrong. `problems` has all of them, each with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = sum(problem.is_error for problem in problems)
        super().__init__(f"{errors} problem{'' if errors == 1 else 's'} in the files")
        self.problems = tuple(problems)


class Excess(Enum):
    """What of an answer was too much. If less is asked for, the server may do better."""

    ROW = "row"
    """One value in it is too long, has too many parts, or is nested too deep."""
    SIZE = "size"
    """All of it together."""
    TIME = "time"
    """The wait for it."""


class ApiError(SyncerError):
    """A request that the API refused or failed: `PUT /models/7 was refused (422): query: can't be blank`.

    `status` is 0 when there was no answer. `is_open` says that the write may have happened all the same: look
    before saying anything. `is_transient` says that the same request may go through later, `is_exception` that the
    server's own code broke: it answers 400 for that, too. `is_fatal` says that it's about the session, not about what
    was asked for: every other request would end the same way. `excess` says that there was too much of an answer.
    """

    def __init__(  # noqa: PLR0913 - as many as callers decide by
        self,
        method: str,
        path: str,
        status: int,
        reason: str,
        hint: str = "",
        *,
        is_open: bool = False,
        is_transient: bool = False,
        is_exception: bool = False,
        excess: Excess | None = None,
        is_fatal: bool = False,
    ) -> None:
        how = f"was refused ({status})" if 400 <= status < 500 else f"failed ({status})" if status else "failed"  # noqa: PLR2004 - HTTP's classes
        super().__init__(f"{method} {path} {how}: {reason}", hint)
        self.method = method
        self.path = path
        self.status = status
        self.reason = reason
        self.is_open = is_open
        self.is_transient = is_transient
        self.is_exception = is_exception
        self.excess = excess
        self.is_fatal = is_fatal

    @classmethod
    def of(cls, error: ApiError) -> Self:
        """The same error, now that its cause is known."""
        return cls(error.method, error.path, error.status, error.reason, error.hint, is_open=error.is_open)


class LoginError(ApiError):
    """The credentials were refused, or the login failed. It is never tried again: five failures lock the account."""


class MissingError(ApiError):
    """The workspace has no model of that id: never had it, or it was deleted."""


class UnreadableError(ApiError):
    """The API answers 400 for a model that exists, because it can't serialise it."""


class LateError(SyncerError):
    """A write was held back, and nothing was sent: the look that it relies on is too long ago. Look again."""


class HostError(SyncerError):
    """The code host refused a request or could not be reached; `status` is 0 when there was no answer.

    `is_denied` says that the token may not do this: in a fork's run that is expected, and no error of the plan.
    """

    def __init__(self, what: str, hint: str = "", *, status: int = 0) -> None:
        super().__init__(what, hint)
        self.status = status

    @property
    def is_denied(self) -> bool:
        """Whether the token lacks the permission."""
        return self.status in {401, 403, 404}


class RefreshError(SyncerError):
    """Live state could not be read completely. A plan on half a truth would be worse than none."""


class RefusedError(SyncerError):
    """A guard or a missing approval stopped an apply before anything was written. `problems` says which."""

    def __init__(self, what: str, hint: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(what, hint)
        self.problems = tuple(problems)
