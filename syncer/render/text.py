r"""Foreign text made visible and safe for terminals and CI runners, and how wide it is. Pure, no colours.

Foreign is all that isn't ours: names, SQL, paths, reasons. Each of these three functions returns one line without
control, format or other invisible characters:

    visible(text)        prose, names, paths: escapes as `\n`, `\u202e`
    quoted(text)         a value: in double quotes, every backslash doubled, so two texts never look the same
    visible_line(text)   a line of a longer text: only a backslash that would be read as an escape is doubled

A CI runner takes `##[error]` anywhere in a line for a command, and `::error` at its beginning. The three functions
break the first with an escape. `runner_safe` breaks both in the finished output, because only then lines begin.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final
from unicodedata import category, east_asian_width, normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TAB: Final = 4
"""How many cells a tab stop is wide where tabs are laid out as spaces."""

_LONGEST: Final = 2_000
"""How much of one message is shown; what is longer is a page that somebody's proxy sent."""

# Printable to Python, invisible to people: joiners, fillers, variation selectors, the blank braille cell.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_INVISIBLE = re.compile(f"[{_BLANK}]")
# The second `#` of `##[error]`, `##vso[…]`, `##teamcity[…]`.
_COMMAND = re.compile(r"(?<=#)#(?=\w*\[)")
_AT_LINE_START = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
# A run of backslashes before what is, or will look like, an escape. Possessive, or a long run would cost its square.
_BEFORE_ESCAPE = re.compile(r"(?<!\\)\\++(?=u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^\x20-\x7e]| +$)")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PROGRAMS: Final = ("`syncer", "`git")
_ASTRAL: Final = 0xFFFF


def escape(char: str) -> str:
    r"""The escape of one character: `\u202e`, `\U000e0001`."""
    code = ord(char)
    return f"\\U{code:08x}" if code > _ASTRAL else f"\\u{code:04x}"


def visible_characters(text: str, *, short: bool = True) -> list[str]:
    r"""What is shown for each character of the text. With `short` a line end is `\n`, else `\u000a`."""
    broken = {match.start() for match in _COMMAND.finditer(text)}
    if not broken and _is_clean(text):
        return list(text)
    return [
        (_SHORT.get(char) if short else None) or escape(char) if index in broken or not _is_clean(char) else char
        for index, char in enumerate(text)
    ]


def _is_clean(text: str) -> bool:
    return text.isprintable() and not _INVISIBLE.search(text)


def _is_harmless(text: str) -> bool:
    return _is_clean(text) and "##" not in text


def visible(text: str) -> str:
    """Foreign prose on one line, cut after 2,000 characters."""
    if len(text) > _LONGEST:
        return f"{visible(text[:_LONGEST])}... ({len(text) - _LONGEST} more characters)"
    return text if _is_harmless(text) else "".join(visible_characters(text))


def quoted(text: str, *, ascii_only: bool = False) -> str:
    """A text value in double quotes. Two different texts never give the same characters."""
    if not _is_harmless(text):
        text = "".join(
            f"\\{piece}" if char in '"\\' else piece for char, piece in zip(text, visible_characters(text), strict=True)
        )
    else:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{ascii_escaped(text) if ascii_only else text}"'


def visible_line(text: str, *, blanks: bool = False, ascii_only: bool = False) -> str:
    """One line of a longer text, with tabs as spaces and without blanks at its end.

    With `blanks`, tabs and the blanks at its end are written as escapes. Two different lines then never look the same.
    """
    if "\\" in text:
        text = _BEFORE_ESCAPE.sub(lambda match: match[0] * 2, text)
    if blanks:
        text = "".join(visible_characters(text, short=False))
        bare = text.rstrip(" ")
        text = bare + escape(" ") * (len(text) - len(bare))
    else:
        text = text.expandtabs(TAB).rstrip(" ") if _is_harmless(text) else _laid_out(text)
    return ascii_escaped(text) if ascii_only else text


def _laid_out(text: str) -> str:
    shown = (
        char if char == "\t" else piece for char, piece in zip(text, visible_characters(text, short=False), strict=True)
    )
    return "".join(shown).expandtabs(TAB).rstrip(" ")


def ascii_escaped(text: str) -> str:
    """The text with every character beyond ASCII as its escape."""
    return text if text.isascii() else "".join(char if char.isascii() else escape(char) for char in text)


_MARKS = r"\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
_MANY_MARKS = re.compile(f"[{_MARKS}]{{50}}")


def look_alike(before: Iterable[str], after: Iterable[str], show: Callable[[str], str]) -> bool:
    """Whether `show` makes a text of `before` look like a different one of `after`; é may be one character or two."""
    looks: defaultdict[str, set[str]] = defaultdict(set)
    for text in before:
        looks[_composed(show(text))].add(text)
    return any(looks.get(_composed(show(text)), {text}) - {text} for text in after)


def _composed(text: str) -> str:
    """The text in Unicode's composed form. Composing a long run of marks takes quadratic time, so such a text stays."""
    return text if _MANY_MARKS.search(text) else normalize("NFC", text)


def runner_safe(output: str) -> str:
    """The finished output without anything that a CI runner would take for a command."""
    output = _AT_LINE_START.sub(lambda match: match[1] + escape(":"), output) if "::" in output else output
    return _COMMAND.sub(lambda match: escape(match[0]), output) if "##" in output else output


def cells(text: str) -> int:
    """How many cells of a terminal the text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(
        0 if category(char) in ("Mn", "Me") else 2 if east_asian_width(char) in ("W", "F") else 1 for char in text
    )


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines, each column as wide as its widest cell, two blanks apart."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    padded = ([text + " " * (width - cells(text)) for text, width in zip(row, widths, strict=True)] for row in rows)
    return ["  ".join(row).rstrip(" ") for row in padded]


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at blanks.

    A word that is wider stays whole. So does a command of syncer or git between back-ticks: it may be pasted.
    """
    lines: list[str] = []
    room = 0
    for word in _words(text):
        taken = cells(word) + 1
        if lines and taken <= room:
            lines[-1] += f" {word}"
            room -= taken
        else:
            lines.append(word)
            room = width - taken + 1
    return lines


def _words(text: str) -> list[str]:
    words = text.split(" ")
    if not any(f"{program} " in text for program in _PROGRAMS):
        return words
    joined: list[str] = []
    is_open = False
    for word in words:
        if is_open:
            joined[-1] += f" {word}"
        else:
            joined.append(word)
        is_open = "`" not in word if is_open else word.endswith(_PROGRAMS)
    return joined


def counted(number: int, noun: str) -> str:
    """`1 model`, `2 models`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
