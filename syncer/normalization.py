"""What doesn't count as a difference: the one form in which fields of desired and live state are compared. Pure.

Whatever the UI, a YAML block or the server's database changes by itself is undone here, on both sides, a commented line
each; all was observed on the server, version 0.124.0. What differs after this is a change (`plan.diff`).
"""

from __future__ import annotations

import re
from sys import intern
from typing import TYPE_CHECKING

from syncer.secrets import Secret, is_mask, is_secret_key

if TYPE_CHECKING:
    from syncer.model import Fields, Json

_BLANK_IS_NULL = ("description", "primary_key", "query")
_BLOCK_TEXT = ("description", "query")

_FINAL_LINE_ENDS = re.compile(r"(?:\r?\n)+\Z")
"""What at the end of `query` and `description` is nobody's."""


def without_final_line_ends(text: str) -> str:
    """The text up to its last character that belongs to no line end."""
    # The pattern alone would look at every line end of the text.
    bare = text.rstrip("\r\n")
    return bare + _FINAL_LINE_ENDS.sub("", text[len(bare) :])


def normal_form(fields: Fields) -> Fields:
    """The same fields in the one form in which desired and live state may be compared."""
    normal = dict(fields)
    for field in _BLANK_IS_NULL:
        # The UI turns null into "" whenever somebody saves a model there.
        if field in normal and normal[field] is None:
            normal[field] = ""
    for field in _BLOCK_TEXT:
        # A YAML block ends in a line end, editors add one to a file, nobody means it; the server keeps every byte.
        if isinstance(normal.get(field), str):
            normal[field] = without_final_line_ends(normal[field])
    if "configuration" in normal:
        normal["configuration"] = _normal_value(normal["configuration"], False)
    return normal


def _normal_value(value: Json, secret: bool) -> Json:  # noqa: FBT001 - called for each value
    kind = type(value)
    if kind is dict:
        # Secrets come back in clear from the open-source server: they are marked before anything can print them.
        # Rows are decoded one by one, and each has texts of its own for what all have: they are shared here.
        return {intern(key): _normal_value(inner, secret or is_secret_key(key)) for key, inner in value.items()}
    if kind is list:
        return [_normal_value(inner, secret) for inner in value]
    if kind is str:
        # A mask can be neither compared nor sent back, so it is marked like a secret wherever it stands.
        return Secret(value) if secret or (value.startswith("*") and is_mask(value)) else intern(value)
    if secret and kind in (int, float):
        return Secret(value)
    # jsonb has one kind of number: a stored 1 stays 1 when 1.0 is sent, 1e22 comes back as an integer.
    return int(value) if kind is float and value.is_integer() else value


def raw_form(fields: Fields, normal: Fields) -> Fields:
    """The fields of the API that aren't as in their normal form, with nothing in the place of every secret."""
    raw = {field: fields[field] for field in _BLANK_IS_NULL if field in fields and fields[field] != normal[field]}
    configuration = fields.get("configuration")
    if configuration and _holds_whole_float(configuration):
        raw["configuration"] = _without_secrets(configuration, False)
    return raw


def _holds_whole_float(value: Json) -> bool:
    """Whether a number like 1.0 is in it. Written out, because it's asked of every model."""
    waiting = [value]
    for one in waiting:
        kind = type(one)
        if kind is dict:
            waiting += one.values()
        elif kind is list:
            waiting += one
        elif kind is float and one.is_integer():
            return True
    return False


def _without_secrets(value: Json, secret: bool) -> Json:  # noqa: FBT001 - as `_normal_value`
    if isinstance(value, dict):
        return {key: _without_secrets(inner, secret or is_secret_key(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner, secret) for inner in value]
    return "" if isinstance(_normal_value(value, secret), Secret) else value
