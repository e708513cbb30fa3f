"""Values → lines of block YAML. Pure; what can't be written is a ValueError that says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syncer.render.modelfile import scalars
from syncer.secrets import SecretRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.model import Json

MAX_DEPTH: Final = 98
"""How deep the loader reads."""

_LONGEST_KEY: Final = 1000
"""Readers look for the colon of a `key:` 1,024 characters far; a longer key is written with `?`."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a file is written: how far a mapping and a list are set in below their key, and whether `|` may be used."""

    step: int = 2
    dash: int = 2
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """A new model file's text, and that of the SQL file beside it, if the query goes there."""

    text: str
    sql: str | None


def write(values: Mapping[str, Any], *, query_file: str = "", header: str = "") -> Written:
    """A new model file: `values` in their order, `header` (a comment) above them.

    With `query_file` the query goes into a file of that name, unless no SQL file can carry it: the loader reads
    Windows line ends in one as Unix ones, and takes a byte order mark off. Raises ValueError for what isn't JSON.
    """
    if header and ("\r" in header or not all(line.startswith("#") for line in header.split("\n"))):
        raise ValueError("a header is made of comment lines")
    given: dict[str, Json] = checked(values)
    sql = None
    query = given.get("query")
    if query_file and isinstance(query, str) and "\r" not in query and not query.startswith("\ufeff"):
        sql = query.rstrip("\n") + "\n"
        given = checked({"query_file" if key == "query" else key: value for key, value in given.items()})
        given["query_file"] = checked(query_file)
    lines = [line for key, value in given.items() for line in entry(key, value, 0, Habit())]
    return Written("\n".join([*([header] if header else []), *(lines or ["{}"]), ""]), sql)


# -- what can be written -----------------------------------------------------------------------------------------


def checked(value: object, room: int = MAX_DEPTH) -> Any:  # noqa: ANN401 - the same value
    """The value as dicts, lists, scalars and references; ValueError for what no model file can say."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float | None):
        return _number(value)
    if isinstance(value, SecretRef):
        return SecretRef(_text(value.variable))
    if room <= 0:
        raise ValueError(f"this is nested more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key must be text")
        return {_text(key): checked(inner, room - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [checked(inner, room - 1) for inner in value]
    raise ValueError(f"{type(value).__name__} is nothing that a model file can hold")


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("half a character can't be written") from None
    return value


def _number(value: Any) -> Any:  # noqa: ANN401 - a number, a truth value or null
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number without end can't be written")
    # Python refuses to write integers of some thousand digits at all.
    if isinstance(value, int) and abs(value) >= 10**scalars.MAX_DIGITS // 10:
        raise ValueError("this number is too long to be read back")
    return value


def bare(value: Json) -> Json:
    """The value as the loader reads it: a reference is a mapping of its own."""
    if isinstance(value, SecretRef):
        return {"env": value.variable}
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items()}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


# -- lines -------------------------------------------------------------------------------------------------------


def entry(key: str, value: Json, column: int, habit: Habit) -> Iterator[str]:
    """The lines of `key: value` whose key stands in that column."""
    written = scalars.inline(key)
    if len(written) > _LONGEST_KEY:
        yield f"{' ' * column}? {written}"
        written = ""
    head, below = after_key(value, column, habit)
    yield f"{' ' * column}{written}:{head}"
    yield from below


def item(value: Json, column: int, habit: Habit) -> Iterator[str]:
    """The lines of `- value` whose dash stands in that column."""
    head, below = after_dash(value, column, habit)
    yield f"{' ' * column}-{head}"
    yield from below


def after_key(value: Json, column: int, habit: Habit) -> tuple[str, list[str]]:
    """What follows `key:` on its line, and the lines below."""
    if isinstance(value, dict) and value:
        return "", [line for pair in value.items() for line in entry(*pair, column + habit.step, habit)]
    if isinstance(value, list) and value:
        return "", [line for one in value for line in item(one, column + habit.dash, habit)]
    return _leaf(value, column, habit.step, habit)


def after_dash(value: Json, column: int, habit: Habit) -> tuple[str, list[str]]:
    """What follows a list's dash on its line, and the lines below."""
    inner = column + 2
    if isinstance(value, dict) and value:
        lines = [line for pair in value.items() for line in entry(*pair, inner, habit)]
    elif isinstance(value, list) and value:
        lines = [line for one in value for line in item(one, inner, habit)]
    else:
        return _leaf(value, column, 2, habit)
    return " " + lines[0][inner:], lines[1:]


def _leaf(value: Json, column: int, offset: int, habit: Habit) -> tuple[str, list[str]]:
    if isinstance(value, str) and habit.blocks and scalars.is_block_text(value):
        block = scalars.literal(value, offset)
        if block is not None:
            return f" {block[0]}", indented(block[1], column + offset)
    return f" {flow(value) if isinstance(value, SecretRef) else one_line(value, flow=False)}", []


def indented(lines: list[str], column: int) -> list[str]:
    """The lines of a block set in to that column; empty ones stay empty."""
    return [f"{' ' * column}{line}" if line else "" for line in lines]


def flow(value: Json) -> str:
    """The value within brackets, on one line."""
    return one_line(value, flow=True)


def one_line(value: Json, *, flow: bool) -> str:
    """The value on one line; texts as they must be within brackets if `flow`."""
    if isinstance(value, SecretRef):
        value = bare(value)
    if isinstance(value, dict):
        return "{" + ", ".join(pair(key, inner) for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(one_line(inner, flow=True) for inner in value) + "]"
    return scalars.inline(value, flow=flow) if isinstance(value, str) else scalars.constant(value)


def pair(key: str, value: Json) -> str:
    """`key: value` within brackets."""
    written = scalars.inline(key, flow=True)
    return f"{'? ' if len(written) > _LONGEST_KEY else ''}{written}: {one_line(value, flow=True)}"
