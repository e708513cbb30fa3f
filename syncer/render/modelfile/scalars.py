r"""Text ↔ YAML scalars: what a plain one means to the loader, and how a text is written so that every reader agrees.

style     carries
plain     what YAML 1.1, YAML 1.2 and the loader all read as this very text
single    one line without control characters, where double quotes would need `\`
double    everything: what YAML can't hold as it stands becomes an escape
literal   `|`: several lines, none of which holds more than text and tabs
folded    `>`: one line; kept where somebody wrote one, never chosen
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT: Final = re.compile(r"(?:[-+]?[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?", re.ASCII)

MAX_DIGITS: Final = 400
"""Longer numbers are refused by the loader."""

# Words that one reader or another takes for something else than text.
_TAKEN: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", "=", "<<", ""))
# Anything made of what numbers, dates and times are made of: YAML has more of those than anybody remembers.
_NUMBER_LIKE: Final = re.compile(r"[-+]?[.]?[0-9_][0-9A-Fa-f_.:xobTtZz +-]*|[-+]?[.](?:inf|nan)", re.IGNORECASE)
_INDICATORS: Final = frozenset(",[]{}#&*!|>'\"%@`")
_NOT_FIRST: Final = re.compile(r"[-?:](?: |\Z)|---|[.]{3}")
_NOT_INSIDE: Final = re.compile(r":(?: |\Z)| #")
# Inside brackets only what is plain beyond doubt: readers differ about `a:b` and `x?y` there.
_PLAIN_IN_FLOW: Final = re.compile(r"(?:[^\W_]|[_/$.])(?:\w|[ /$.+()@%;=<>*&!-])*")

# What YAML 1.1 or 1.2 can't hold, breaks lines at, or swallows.
_UNHOLDABLE: Final = re.compile("[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_NOT_IN_SINGLE: Final = re.compile(rf"[\t\n]|{_UNHOLDABLE.pattern}")
_ESCAPED: Final = re.compile(rf'[\t\n"\\]|{_UNHOLDABLE.pattern}')

_MOST_INDENT: Final = 9
"""An indentation indicator has one digit."""


def meaning(text: str) -> Any:  # noqa: ANN401 - any JSON scalar
    """What the loader reads a plain scalar as; the text itself where it would complain."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def constant(value: float | None) -> str:
    """A number, a truth value or null as every reader understands it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = repr(value)
    # YAML 1.1 takes 1e+22 for text: its numbers have a dot.
    return shown if "e" not in shown or "." in shown else shown.replace("e", ".0e")


def inline(text: str, *, flow: bool = False) -> str:
    """The text on one line, as people would write it; `flow` inside brackets."""
    return text if _is_plain(text, flow=flow) else _quoted(text)


def restyled(text: str, style: str, *, flow: bool = False) -> str:
    """The text on one line in the style that another one had (`'`, `"` or none), where that carries it."""
    if style == '"':
        return _double(text)
    if style == "'" and not _NOT_IN_SINGLE.search(text):
        return _single(text)
    return inline(text, flow=flow) if style != "'" else _quoted(text)


def literal(text: str, offset: int) -> tuple[str, list[str]] | None:
    """Header (`|`) and content lines of a literal block that is exactly this text; None if no block is.

    `offset` is how much further the lines are indented than what the block belongs to; they come without it.
    """
    return _block("|", text, offset)


def folded(text: str, offset: int) -> tuple[str, list[str]] | None:
    """The same for a `>` block, which carries one line only."""
    body = text.rstrip("\n")
    return None if "\n" in body or body[:1] in {" ", "\t"} else _block(">", text, offset)


def is_block_text(text: str) -> bool:
    """Whether the text is written as a block where there is room for one."""
    return "\n" in text and literal(text, 2) is not None


def _block(sign: str, text: str, offset: int) -> tuple[str, list[str]] | None:
    body = text.rstrip("\n")
    # A block without any character that can be seen is nothing that one can see.
    if not body.strip(" \t\n") or _UNHOLDABLE.search(text) or not 1 <= offset <= _MOST_INDENT:
        return None
    ends = len(text) - len(body)
    indented = str(offset) if body.lstrip("\n")[0] in " \t" else ""
    lines = [*body.split("\n"), *[""] * (ends - 1)]
    return f"{sign}{indented}{'-' if not ends else '+' if ends > 1 else ''}", lines


def _is_plain(text: str, *, flow: bool) -> bool:
    return not (
        text.casefold() in _TAKEN
        or text[0] in _INDICATORS
        or text != text.strip()
        or "\t" in text
        or "\n" in text
        or _NOT_FIRST.match(text)
        or _NOT_INSIDE.search(text)
        or _UNHOLDABLE.search(text)
        or _NUMBER_LIKE.fullmatch(text)
        or (flow and not _PLAIN_IN_FLOW.fullmatch(text))
    )


def _quoted(text: str) -> str:
    prefers_single = ('"' in text or "\\" in text) and "'" not in text
    return _single(text) if prefers_single and not _NOT_IN_SINGLE.search(text) else _double(text)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _ESCAPES.get(character) or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}")  # noqa: PLR2004
