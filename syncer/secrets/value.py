"""A secret as a value that nothing prints, and the reference by which a file names one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

SENSITIVE: Final = "(sensitive value)"
"""What stands wherever a secret would."""

SECRET_VARIABLE: Final = re.compile(r"SYNCER_SECRET_[A-Z0-9_]+")
"""The only environment variables that a file may name, so that it can't ask for the tool's own credentials."""

_MASK = re.compile(r"\*{3,}")


_UNSET: Final = "\0"


class Secret:
    """A value that nothing may print: every way to text gives `(sensitive value)`, pickling and JSON are refused.

    `reference` is the environment variable that it came from, empty for a live one.
    """

    __slots__ = ("_value", "reference")

    def __init__(self, value: str | float, reference: str = "") -> None:
        self._value = value
        self.reference = reference

    @classmethod
    def unset(cls, variable: str) -> Secret:
        """What stands for the value of a variable that isn't set, so that all else can be compared."""
        return cls(f"{_UNSET}{variable}", variable)

    @property
    def is_unset(self) -> bool:
        """Whether nobody has the value, so that it can't be sent. No variable's own value begins so."""
        return isinstance(self._value, str) and self._value.startswith(_UNSET)

    def reveal(self) -> Any:  # noqa: ANN401 - text, but for a number that is live under a secret's key
        """The value itself: for the request's body and for comparison, never for output."""
        return self._value

    @property
    def is_mask(self) -> bool:
        """Whether the server hid the value behind asterisks, so that nobody can compare it or send it back."""
        return isinstance(self._value, str) and _MASK.fullmatch(self._value) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (type(other._value), other._value) == (type(self._value), self._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return SENSITIVE

    def __reduce__(self) -> str:
        message = "a secret can't be pickled"
        raise TypeError(message)


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A secret as a file gives it: `{env: SYNCER_SECRET_NAME}`, not looked up yet."""

    variable: str


def is_mask(value: object) -> bool:
    """Whether the value is the server's mask (asterisks), as text or already marked."""
    return value.is_mask if isinstance(value, Secret) else isinstance(value, str) and _MASK.fullmatch(value) is not None
