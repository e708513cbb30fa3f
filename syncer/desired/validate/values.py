"""Values that no schema can judge: NUL characters, half characters, nulls in lists, whole numbers like 1.0. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from syncer.desired.validate.finding import Finding, label
from syncer.desired.validate.secrets import (
    in_configuration,
    may_be_named,
    secret_in_clear,
    secret_reference,
    secret_text,
)
from syncer.secrets import CREDENTIAL, CREDENTIAL_SIGNS, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.model import Path

_MAX_PLAIN_KEYS: Final = 10_000
_SIGNS: Final = ("\0", "***", "SYNCER_SECRET_", *CREDENTIAL_SIGNS)
"""Every string that a rule of this module has something against has one of these in it, or is no valid text."""


def has_signs(text: str) -> bool:
    """Whether a rule of this module may have something against the text."""
    return any(map(text.__contains__, _SIGNS))


class Glance:
    """The quick look that lets nearly every document pass, over all of a document's values at once.

    It remembers which keys aren't secret, so that ten thousand documents with the same keys cost one test a key.
    """

    def __init__(self) -> None:
        self._plain: set[str] = set()

    def is_harmless(self, data: Mapping[str, Any]) -> bool:
        """Whether no rule about values can have anything to say."""
        texts: list[str] = []
        stack: list[Any] = [data]
        while stack:
            value = stack.pop()
            if value.__class__ is dict:
                if not self._plain.issuperset(value) and not self._learn(value):
                    return False
                inner = value.values()
            else:
                if None in value:
                    return False
                inner = value
            for one in inner:
                kind = one.__class__
                if kind is str:
                    texts.append(one)
                elif kind is dict or kind is list:
                    stack.append(one)
        text = "\n".join(texts)
        return _is_text(text) and not has_signs(text)

    def _learn(self, keys: Mapping[str, Any]) -> bool:
        if len(self._plain) > _MAX_PLAIN_KEYS:
            self._plain.clear()
        if any(is_secret_key(key) or "\0" in key or not _is_text(key) or CREDENTIAL.search(key) for key in keys):
            return False
        self._plain.update(keys)
        return True


def check(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything wrong with the values of a document as it stands, environments included."""
    yield from _walk(data, (), secret=False)


def _walk(value: Any, path: Path, *, secret: bool) -> Iterator[Finding]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        if secret and value.keys() == {"env"}:
            yield from secret_reference(value["env"], path)
            return
        if value.keys() == {"env"} and may_be_named(value["env"]) and in_configuration(path):
            yield Finding(
                "secret-variable",
                f"{label(path)} isn't the key of a secret, so the variable is not looked up here",
                (*path, "env"),
                "secrets stand under keys like api_key, password, token, client_secret",
            )
        for key, inner in value.items():
            yield from _text(key, (*path, key), key=True)
            yield from _walk(
                inner, (*path, key), secret=in_configuration((*path, key)) and (secret or is_secret_key(key))
            )
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if inner is None:
                yield Finding(
                    "null-in-list",
                    f"{label((*path, index))} is null: the server drops it out of the list, so it always differs",
                    (*path, index),
                    "remove it, or write what is meant",
                )
            yield from _walk(inner, (*path, index), secret=secret)
    elif isinstance(value, str):
        yield from _text(value, path, key=False)
        yield from secret_text(value, path, secret=secret)
    elif secret and isinstance(value, int | float) and not isinstance(value, bool):
        yield secret_in_clear(path)


def _text(text: str, path: Path, *, key: bool) -> Iterator[Finding]:
    if "\0" in text:
        yield Finding(
            "nul-character",
            f"{'a key' if key else label(path)} has a NUL character in it, which the server's database can't store",
            path,
            "remove \\0 or \\x00",
            key=key,
        )
    if not _is_text(text):
        yield Finding(
            "lone-surrogate",
            f"{'a key' if key else label(path)} has half a character in it (U+D800 to U+DFFF): the server refuses it",
            path,
            "write the whole character, or \\U and eight digits",
            key=key,
        )


def _is_text(value: str) -> bool:
    """Whether it's made of whole characters: half of a surrogate pair is none."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_WHOLE: Final[tuple[Path, ...]] = (
    ("id",),
    ("connector_id",),
    ("configuration", "chunk_config", "chunk_size"),
    ("configuration", "chunk_config", "chunk_overlap"),
)


def fractions(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Whole numbers written as 10.0: JSON Schema takes them for whole numbers, the server doesn't.

    It looks at sizes of chunks where the query type has some; in any other configuration they are free.
    """
    for path in _WHOLE if values.get("query_type") == "unstructured" else _WHOLE[:2]:
        value: Any = values
        for segment in path:
            value = value.get(segment) if isinstance(value, dict) else None
        if isinstance(value, float) and value.is_integer():
            yield Finding(
                "wrong-type", f"{label(path)} must be a whole number; found {value}", path, f"write {int(value)}"
            )
