"""What is wrong with broken YAML, in words for people who write files.

A parser's sentences change with its version. So they are shown where nothing better is known, and never read: the kind
of the error, its two marks, and what stands there in the text tell the cause.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import yaml


class Trouble(NamedTuple):
    """A problem at a character of a text that has no lines yet."""

    offset: int
    rule: str
    message: str
    hint: str = ""


# Said in small sets: one class with all that YAML allows takes 9 ms to compile.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|\ufffe|\uffff")
_CONFLICT: Final = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
_TAB: Final = re.compile(r" *\t")
_BRACES: Final = re.compile(r"""(?:^|[:,\[-][ \t]+|[ \t])(\{\{|\{%)""")
_SAID: Final = re.compile(r"^(?![ \t]*(?:#|\r?$|---|%))[^\r\n]+", re.MULTILINE)
"""A line with something on it."""
_COMMENT: Final = re.compile(r"(?:^|[ \t])#.*")

_CLOSED: Final = re.compile(r"""'(?:[^']|'')*+'|"(?:[^"\\]|\\.)*+\"""", re.DOTALL)
"""A text in quotes, from the first to the last."""
_ESCAPE: Final = re.compile(r"\\(?:(?P<kind>[xuU])(?P<digits>[0-9a-fA-F]*))?")
_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_HANDLE: Final = re.compile(r"![\w-]+!")
_MAX_KEY: Final = 1024
"""How far a key may stand from its `:`, in characters."""

_UNCLOSED: Final = ("a quote is opened here and never closed", "close the quote")
_COLON: Final = (
    "a second `key:` stands where a value goes on, or the line is indented too far",
    "put text that has `: ` in it in quotes, and begin each key in the column of the keys around it",
)
_NO_COLON: Final = (
    "this line has no `:`, so it is neither a key nor text of the value above",
    "write `key: value`; indent it further than the key above if it goes on with that value, or remove the line",
)
_SET_IN: Final = (
    "the file's first key is indented further than the keys below it",
    "remove the blanks in front of it",
)
_TEMPLATE: Final = (
    "this is a template, and nothing fills templates in here: to YAML its braces are signs",
    'write the value itself, one for each environment below `environments:`; or put the whole value in quotes: "…"',
)
_NO_KEY: Final = (
    "a key is expected here",
    "begin each key in the column of the keys around it; put text that has quotes inside in a block (`key: |`)",
)
_NO_VALUE: Final = ("a value is expected here", "write the value, or put it in quotes")
_NO_DASH: Final = ("a `- ` of the list is expected here", "begin each `- ` in one column")
_END: Final = ("the file goes on after its end", "remove a bracket or a `...` that is too much")
_HANDLE_UNKNOWN: Final = ("this tag is not declared", "remove the tag")
_DIRECTIVE: Final = ("this is no YAML directive that means anything here", "put text that begins with `%` in quotes")
_VERSION: Final = ("this YAML version doesn't exist", "remove the %YAML line")
_BLOCK: Final = ("this doesn't belong after `|` or `>`", "begin the text on the next line")
_UNKNOWN_HINT: Final = (
    "put text that has YAML's signs in it in quotes, and begin each key in the column of the keys around it"
)

_MISPLACED: Final = {
    ":": _COLON,
    "-": ("a list's `- ` can't stand here", "begin the list on a line of its own, under its key"),
    "?": ("a key's `? ` can't stand here", "put text that begins with `?` in quotes"),
}
"""Signs that mean something, but not at this place."""

_RESERVED: Final = frozenset("@`%|>\t")
"""Signs that no value begins with, or none at this place."""

_BEGUN: Final = {
    "!": ("this is no tag", "put text that begins with `!` in quotes"),
    "&": ("an anchor's name is expected after `&`", "put text that begins with `&` in quotes"),
    "*": ("an anchor's name is expected after `*`", "put text that begins with `*` in quotes"),
    "|": _BLOCK,
    ">": _BLOCK,
    "%": _DIRECTIVE,
}
"""What is wrong where a sign begins something that isn't finished."""

_UNFINISHED: Final = {
    "[": (
        "a `[` is not closed, or a comma is missing",
        "close the list with `]`, and separate its values with commas",
    ),
    "{": (
        "a `{` is not closed, or a comma is missing",
        "close the mapping with `}`, and separate its pairs with commas",
    ),
}


def explained(error: yaml.YAMLError, text: str) -> Trouble:
    """The problem that stopped the parser, located at what caused it."""
    control = _CONTROL.search(text)
    if control is not None:
        return _control_character(text, control)
    begun: Any = getattr(error, "context_mark", None)
    stopped: Any = getattr(error, "problem_mark", None) or begun
    if stopped is None:
        return Trouble(0, "syntax", "this is not YAML", _UNKNOWN_HINT)
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        return Trouble(conflict.start(), "syntax", "this is the marker of a merge conflict", "resolve the conflict")
    tab = _tab_before(text, stopped.index)
    if tab is not None:
        return Trouble(
            tab, "tab-indentation", "a tab stands in the indentation", "indent with spaces: YAML has no tabs there"
        )
    elsewhere = _elsewhere(text, begun, stopped)
    if elsewhere is not None:
        return elsewhere
    words = None
    if isinstance(error, yaml.scanner.ScannerError):
        words = _scanned(text, begun, stopped)
    elif isinstance(error, yaml.parser.ParserError):
        words = _parsed(text, begun, stopped)
    if words is None:
        said = ", ".join(
            str(part) for part in (getattr(error, "context", None), getattr(error, "problem", None)) if part
        )
        words = (f"this is not YAML: {said}", _UNKNOWN_HINT)
    return Trouble(begun.index if words is _UNCLOSED else stopped.index, "syntax", *words)


def template_at(text: str, index: int) -> tuple[str, str, str] | None:
    """The problem with a template (`{{ … }}`, `{% … %}`) at which the parser stopped in this line; None without one."""
    start = text.rfind("\n", 0, index) + 1
    before = _COMMENT.sub("", text[start : index + 2])
    braces = _BRACES.search(before)
    is_plain = braces is not None and not {'"', "'"} & {*before[: braces.start(1)]}
    return ("syntax", *_TEMPLATE) if is_plain else None


def _elsewhere(text: str, begun: Any, stopped: Any) -> Trouble | None:  # noqa: ANN401 - marks have no type
    """The problem, where its cause stands before the place at which the parser stopped; None if none is known."""
    start = text.rfind("\n", 0, stopped.index) + 1
    template = template_at(text, stopped.index)
    if template is not None:
        braces = _BRACES.search(text[start : stopped.index + 2])
        return Trouble(start + (braces.start(1) if braces else 0), *template)
    lone = _lone_line(text, begun, stopped, start)
    if lone is not None:
        return Trouble(lone, "syntax", *_NO_COLON)
    set_in = _set_in(text, stopped, start) if begun is None else None
    return None if set_in is None else Trouble(set_in, "syntax", *_SET_IN)


def _lone_line(text: str, begun: Any, stopped: Any, start: int) -> int | None:  # noqa: ANN401
    """Where a line without a `:` begins that the parser took for a key, or for the begin of one; None without one."""
    if begun is not None and stopped.line > begun.line:
        end = text.find("\n", begun.index)
        line = text[text.rfind("\n", 0, begun.index) + 1 : end if end >= 0 else len(text)]
        return begun.index if _is_lone(line) else None
    above = [*_SAID.finditer(text, 0, start)] if begun is None or text[stopped.index : stopped.index + 1] == ":" else []
    if above and _is_lone(above[-1][0]) and _indent(above[-1][0]) == _indent(text[start : stopped.index]):
        return above[-1].start() + _indent(above[-1][0])
    return None


def _is_lone(line: str) -> bool:
    words = _COMMENT.sub("", line).strip()
    return bool(words) and ":" not in words and not words.startswith(("- ", "? ", "'", '"', "[", "{", "&", "*", "!"))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _set_in(text: str, stopped: Any, start: int) -> int | None:  # noqa: ANN401
    """Where the file's first key begins, if it's indented further than the key at which the parser stopped."""
    first = _SAID.search(text)
    is_key = stopped.index < len(text) and not text[start : stopped.index].strip() and first is not None
    if not is_key or first is None or first.start() == start or _indent(first[0]) <= stopped.index - start:
        return None
    return first.start() + _indent(first[0])


def _scanned(text: str, begun: Any, stopped: Any) -> tuple[str, str] | None:  # noqa: ANN401 - marks have no type
    """Why a text can't be told into words and signs; None if nobody foresaw it."""
    sign = text[stopped.index : stopped.index + 1]
    if begun is None or begun.index == stopped.index:
        reserved = (f"a value can't begin with `{sign}`", "put it in quotes") if sign in _RESERVED else None
        return _MISPLACED.get(sign, reserved)
    opening = text[begun.index : begun.index + 1]
    if opening in {"'", '"'}:
        closed = _CLOSED.match(text, begun.index)
        if closed is None or closed.end() > stopped.index:
            return _escaped(text, begun, stopped) or _UNCLOSED
    # A key ends with its line, which the parser notices below it.
    if stopped.line > begun.line or stopped.index - begun.index > _MAX_KEY:
        return _NO_COLON
    return _BEGUN.get(opening) or _MISPLACED.get(sign)


def _escaped(text: str, begun: Any, stopped: Any) -> tuple[str, str] | None:  # noqa: ANN401
    """What is wrong with the escape in double quotes at which the parser stopped; None if it's at none."""
    if stopped.index >= len(text):
        return None
    backslash = text.rfind("\\", max(begun.index, stopped.index - 2), stopped.index + 1)
    escape = _ESCAPE.match(text, backslash) if text[begun.index] == '"' and backslash >= 0 else None
    if escape is None:
        return None
    if escape["kind"] is None:
        advice = "write \\\\ for a backslash, or use single quotes, in which nothing is escaped"
        return "this escape doesn't exist in double quotes", advice
    if len(escape["digits"]) < _DIGITS[escape["kind"]]:
        return "this escape needs hexadecimal digits", "write \\x41, \\u00e9 or \\U0001f600"
    advice = "write the character itself, or \\U and eight digits"
    return "this escape is no character: YAML has no pairs of \\u surrogates", advice


def _parsed(text: str, begun: Any, stopped: Any) -> tuple[str, str]:  # noqa: ANN401
    """Why the words and signs of a text can't be put together."""
    sign = text[stopped.index : stopped.index + 1]
    if begun is None:
        return (_VERSION if text.startswith("%YAML", stopped.index) else _DIRECTIVE) if sign == "%" else _END
    if _HANDLE.match(text, stopped.index):
        return _HANDLE_UNKNOWN
    if begun.index == stopped.index:
        return _NO_KEY if sign == ":" else _NO_VALUE
    opening = text[begun.index : begun.index + 2]
    return _UNFINISHED.get(opening[:1]) or (_NO_DASH if opening[:1] == "-" and opening[1:].isspace() else _NO_KEY)


def _tab_before(text: str, index: int) -> int | None:
    """Where a tab stands in the indentation of the line at `index`, if the parser stopped there or in its value."""
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    match = _TAB.match(text, start)
    return match.end() - 1 if match is not None and index <= match.end() else None


def _control_character(text: str, match: re.Match[str]) -> Trouble:
    character = match[0]
    if character == "\0" and text.count("\0") > len(text) // 4:
        return Trouble(match.start(), "bad-encoding", "the file looks like UTF-16", "save it as UTF-8")
    return Trouble(
        match.start(),
        "bad-encoding",
        f"the character U+{ord(character):04X} stands here, which YAML doesn't allow",
        'remove it, or write it as an escape in double quotes: "\\x1b"',
    )
