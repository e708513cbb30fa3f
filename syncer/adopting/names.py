"""Names that an import makes up: the addresses of new files, and the variables that stand for secrets. Pure."""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

# import Variables
from syncer.secrets import Secret, SecretRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncer.model import LiveModel, Path

_LONGEST: Final = 60
"""How long a file's name made of a model's name may be: people type addresses."""

_LONGEST_VARIABLE: Final = 100

_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)
"""What no file on Windows can be called, whatever its ending."""

_NO_WORD: Final = re.compile(r"[^a-z0-9]+")


def slug(name: str, *, longest: int = _LONGEST) -> str:
    """The name as part of an address: small letters and digits of ASCII, with `_` between words; empty if none is left.

    >>> slug("Ärger im Café (2. Versuch)")
    'arger_im_cafe_2_versuch'
    """
    # What is far longer than a name doesn't need to be taken apart: composing marks costs the square of their number.
    plain = normalize("NFKD", name[: 10 * longest].casefold()).encode("ascii", "ignore").decode()
    return _NO_WORD.sub("_", plain).strip("_")[:longest].strip("_")


class Addresses:
    """Names of files that are still free in a folder; `taken` are the names of what is there.

    Case counts for nothing, as on the disks of half of the world, and neither does the ending: the SQL file of a model
    lies beside its YAML file.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {name.casefold().rpartition(".")[0] or name.casefold() for name in taken}
        self._taken |= {name.casefold() for name in taken}

    def of(self, model: LiveModel) -> str:
        """The free name for a model: of its own name, with its id where that is taken already."""
        word = slug(model.name) or f"model_{model.id}"
        own = f"{word}_{model.id}"
        names = chain([word] if word not in _RESERVED else [], [own], (f"{own}_{number}" for number in count(2)))
        name = next(one for one in names if one not in self._taken)
        self._taken.add(name)
        return name


class Variables:
    """The variable that stands for each secret, and what has been named so far.

    `known` says which variable has a secret's value already, `taken` are names that mean something else. One value has
    one name; what the server hides has one for each place, because nobody can tell which are the same.
    """

    def __init__(self, known: Callable[[Secret], str], taken: Iterable[str]) -> None:
        self._known = known
        self._taken = {*taken}
        self._named: dict[Secret, str] = {}

    def of(self, secret: Secret, address: str, path: Path) -> SecretRef:
        """The reference to write for a live secret at a path."""
        if not secret.is_mask:
            name = self._named.get(secret) or self._known(secret)
            if name:
                self._named[secret] = name
                return SecretRef(name)
        key = next((one for one in reversed(path) if isinstance(one, str)), "")
        words = [slug(word, longest=_LONGEST_VARIABLE // 2) for word in (address, key)]
        base = "_".join(filter(None, ["SYNCER_SECRET", *(word.upper() for word in words)]))[:_LONGEST_VARIABLE]
        name, number = base, 2
        while name in self._taken or name == "SYNCER_SECRET":
            name, number = f"{base}_{number}", number + 1
        self._taken.add(name)
        if not secret.is_mask:
            self._named[secret] = name
        return SecretRef(name)
