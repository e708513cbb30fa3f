"""Secrets in clear text, masks and references in a definition; and how no message shows one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.desired.validate.finding import Finding, label
from syncer.model import Problem
from syncer.secrets import (
    CREDENTIAL,
    SECRET_VARIABLE,
    SENSITIVE,
    is_mask,
    resembles_secret_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncer.model import Path

ROTATE: Final = "and change the key where it was issued: git keeps what was once committed"


def secret_text(text: str, path: Path, *, secret: bool) -> Iterator[Finding]:
    """A text that is the server's mask, a secret in clear, or looks like a credential of a known service."""
    if in_configuration(path) and is_mask(text):
        yield Finding(
            "masked-value",
            f"{label(path)} is the server's mask, not a value: sent back, the asterisks would become the value",
            path,
            "write {env: SYNCER_SECRET_NAME} for a secret, or the value itself",
        )
    elif secret and text.strip():
        yield secret_in_clear(path)
    elif CREDENTIAL.search(text):
        yield Finding(
            "secret-in-git",
            f"{label(path)} contains something that looks like a credential",
            path,
            f"take it out, {ROTATE}",
        )


def secret_in_clear(path: Path) -> Finding:
    """A secret that stands in clear, whatever its type."""
    return Finding(
        "secret-in-git",
        f"{label(path)} is a secret, and is in clear text here",
        path,
        f"write {{env: SYNCER_SECRET_NAME}} and set that variable where syncer runs; {ROTATE}",
    )


def secret_reference(variable: object, path: Path) -> Iterator[Finding]:
    """A reference under a secret's key that names a variable which no file may ask for."""
    if not may_be_named(variable):
        yield Finding(
            "secret-variable",
            f"{label(path)} names a variable that a file may not ask for: its name must begin with SYNCER_SECRET_, and "
            "have only capitals, digits and _",
            (*path, "env"),
            "write {env: SYNCER_SECRET_NAME}",
        )


def may_be_named(value: object) -> bool:
    """Whether a file may name this variable."""
    return isinstance(value, str) and SECRET_VARIABLE.fullmatch(value) is not None


def in_configuration(path: Path) -> bool:
    """Whether a place is in a configuration, at the top or in an environment."""
    return path[:1] == ("configuration",) or (path[:1] == ("environments",) and path[2:3] == ("configuration",))


_SHORTEST_SECRET: Final = 3
_MOST_SECRETS: Final = 100
"""How many are looked for in a message."""


def literal_secrets(value: object, *, secret: bool = False) -> Iterator[str]:
    """What stands in clear text where a secret should: the loader's excerpts hide it by shape, this by content."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not (key == "env" and isinstance(inner, str) and SECRET_VARIABLE.fullmatch(inner)):
                yield from literal_secrets(inner, secret=secret or resembles_secret_key(key))
    elif isinstance(value, list):
        for inner in value:
            yield from literal_secrets(inner, secret=secret)
    elif secret and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield from (line for line in str(value).split("\n") if len(line) >= _SHORTEST_SECRET)


def without_secrets(problem: Problem, secrets: Sequence[str]) -> Problem:
    """The problem without the secrets; without its excerpt, if there are more of them than it's worth to look for."""
    excerpt, message, hint = problem.excerpt, problem.message, problem.hint
    if len(secrets) > _MOST_SECRETS:
        excerpt = ""
    for secret in secrets[:_MOST_SECRETS]:
        excerpt, message, hint = (text.replace(secret, SENSITIVE) for text in (excerpt, message, hint))
    return Problem(problem.origin, problem.rule, message, hint, problem.severity, excerpt)
