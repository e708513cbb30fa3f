"""What libyaml says about broken YAML, in words of somebody who wrote a file rather than a parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
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

_WORDS: Final = (
    # what libyaml's message has in it, what that means, what to do
    ("found unexpected end of stream", "a quote is opened here and never closed", "close the quote"),
    (
        "mapping values are not allowed",
        "a second `key:` stands where a value goes on, or the line is indented too far",
        "put text that has `: ` in it in quotes, and begin each key in the column of the keys around it",
    ),
    (
        "block sequence entries are not allowed",
        "a list's `- ` can't stand here",
        "begin the list on a line of its own, under its key",
    ),
    (
        "did not find expected ',' or ']'",
        "a `[` is not closed, or a comma is missing",
        "close the list with `]`, and separate its values with commas",
    ),
    (
        "did not find expected ',' or '}'",
        "a `{` is not closed, or a comma is missing",
        "close the mapping with `}`, and separate its pairs with commas",
    ),
    (
        "did not find expected key",
        "a key is expected here",
        "begin each key in the column of the keys around it; put text that has quotes inside in a block (`key: |`)",
    ),
    ("did not find expected '-' indicator", "a `- ` of the list is expected here", "begin each `- ` in one column"),
    ("could not find expected ':'", "the line above has a key without a `:`", "write `key: value`"),
    ("did not find expected node content", "a value is expected here", "write the value, or put it in quotes"),
    ("found unknown escape character", "this escape doesn't exist in double quotes",
     "write \\\\ for a backslash, or use single quotes, in which nothing is escaped"),
    ("found invalid Unicode character escape code", "this escape is no character: YAML has no pairs of \\u surrogates",
     "write the character itself, or \\U and eight digits"),
    ("hexdecimal", "this escape needs hexadecimal digits", "write \\x41, \\u00e9 or \\U0001f600"),
    ("found undefined tag handle", "this tag is not declared", "remove the tag"),
    ("scanning a tag", "this is no tag", "put text that begins with `!` in quotes"),
    ("scanning an anchor", "an anchor's name is expected after `&`", "put text that begins with `&` in quotes"),
    ("scanning an alias", "an anchor's name is expected after `*`", "put text that begins with `*` in quotes"),
    ("scanning a block scalar", "this doesn't belong after `|` or `>`", "begin the text on the next line"),
    ("directive", "this is no YAML directive that means anything here", "put text that begins with `%` in quotes"),
    ("incompatible YAML", "this YAML version doesn't exist", "remove the %YAML line"),
    ("expected <document start>", "the file goes on after its end", "remove a bracket or a `...` that is too much"),
)  # fmt: skip


def explained(error: yaml.YAMLError, text: str) -> Trouble:
    """The problem that stopped the parser, located at what caused it."""
    control = _CONTROL.search(text)
    if control is not None:
        return _control_character(text, control)
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return Trouble(0, "syntax", "this is not YAML")
    said = " ".join(str(getattr(error, part, None) or "") for part in ("context", "problem"))
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        return Trouble(conflict.start(), "syntax", "this is the marker of a merge conflict", "resolve the conflict")
    tab = _tab_before(text, mark.index)
    if tab is not None:
        return Trouble(
            tab, "tab-indentation", "a tab stands in the indentation", "indent with spaces: YAML has no tabs there"
        )
    if "cannot start any token" in said:
        return Trouble(
            mark.index, "syntax", f"a value can't begin with `{text[mark.index : mark.index + 1]}`", "put it in quotes"
        )
    if "never closed" in (words := _in_words(said))[0] and error.context_mark is not None:  # type: ignore[attr-defined]
        return Trouble(error.context_mark.index, "syntax", *words)  # type: ignore[attr-defined]
    return Trouble(mark.index, "syntax", *words)


def _in_words(said: str) -> tuple[str, str]:
    for part, meaning, advice in _WORDS:
        if part in said:
            return meaning, advice
    return f"this is not YAML: {said.strip()}", ""


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
