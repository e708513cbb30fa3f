"""Which keys of a `configuration` hold a secret."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from syncer.typos import is_slip

_SECRET_KEY = re.compile(
    r"""(?:.*(?:[_-]|(?<=[a-z0-9])(?=[A-Z])))?
        (?i:api[_-]?keys?|access[_-]?key|private[_-]?key|secret|password|passwd|pwd|passphrase|bearer|token|credentials?
        |connection[_-]?string|authorization|cookie|dsn)""",
    re.DOTALL | re.VERBOSE,
)
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")
_SECRET_WORDS: Final = ("apikey", "accesskey", "privatekey", "secret", "password", "passwd", "passphrase", "bearer",
                        "token", "credential", "credentials", "authorization")  # fmt: skip
_ABBREVIATIONS: Final = frozenset({"pass", "pwd", "pw", "psw", "auth"})
_LONGEST_KEY: Final = 100


@lru_cache(1024)
def is_secret_key(key: str | int) -> bool:
    """Whether what stands under this key of a `configuration` is secret: `api_key`; not `max_tokens`."""
    return isinstance(key, str) and _SECRET_KEY.fullmatch(key) is not None


@lru_cache(1024)
def resembles_secret_key(key: str | int) -> bool:
    """Whether what stands under this key may be secret though the key is mistyped: `tokn`, `pasword`, `api_ky`, `pass`.

    It decides what a message leaves out, and nothing else.
    """
    if is_secret_key(key) or not isinstance(key, str) or len(key) > _LONGEST_KEY:
        return is_secret_key(key)
    parts = [part.lower() for part in _PART.findall(key)]
    words = {"".join(parts[-1:]), "".join(parts[-2:])}
    return any(word in _ABBREVIATIONS or any(_is_near(word, other) for other in _SECRET_WORDS) for word in words)


def _is_near(word: str, other: str) -> bool:
    """Whether one is the other with a slip; a plural is none: max_tokens is a number."""
    return word != f"{other}s" and is_slip(word, other)
