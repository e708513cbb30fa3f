r"""Foreign text made inert in markdown and in HTML: it stays text, whatever it says. Pure.

    code(text)     markdown: a code span, in which GitHub sees no mention, reference, link, tag or emphasis
    cell(text)     the same, in a row of a table
    prose(text)    markdown: a sentence of ours with foreign words in it; every word that isn't plain is a code span
    fenced(lines)  markdown: a block that ends where we say
    markup(text)   HTML: text, also in an attribute
    escaped(shown) HTML: the same, for text that is visible already
    link(url)      a URL that may stand in a link, or nothing

Control, format and other invisible characters are escapes, as everywhere (`text.py`).
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from syncer.render.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

_TICKS = re.compile("`+")
# GFM says of `\|` that it's a bar; of a bar behind several backslashes its versions say different things.
_BARS = re.compile(r"(\\*)\|")
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~%/+=&?,-]*)?")
_LONGEST_URL: Final = 500

# A word in quotes or brackets, with its punctuation: `(like this),`.
_WORD = re.compile(r"""([("']*)(.*?)([)"',.;:!?]*)""", re.DOTALL)
# Letters alone: no digit that makes a reference or a commit of it, no sign that markdown or GitHub look for. `www.`
# takes along whatever comes next, even a code span.
_PLAIN = re.compile(r"(?!(?:[a-f]{7,}|[Ww]{3})\Z)[A-Za-z]+(?:['\u2019-][A-Za-z]+)*|[0-9]{1,6}|[%-]?")
# What would begin a list, where a sentence begins a line.
_LIST = re.compile(r"\A(?:-|[0-9]+[.)])(?= |\Z)")


def code(text: str, most: int = 0) -> str:
    """A code span; with `most`, of that many characters and an ellipsis at the most."""
    return span(clipped(text, most) if most else visible(text))


def span(shown: str) -> str:
    """A code span of text that is visible already: delimited by more back-ticks than it has in a row."""
    if not shown:
        return '`""`'
    ticks = "`" * (_longest_run(shown) + 1)
    # Markdown takes a blank off both ends where both have one; and back-ticks must not touch back-ticks.
    pad = " " if shown[0] in " `" or shown[-1] in " `" else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def cell(text: str, most: int = 0) -> str:
    """A code span in a row of a table."""
    return barred(code(text, most))


def barred(markdown: str) -> str:
    r"""The markdown with no bar that would end a table's cell. Behind a backslash a bar is spelt `\u007c`."""
    return (
        _BARS.sub(lambda match: f"{match[1]}\\u007c" if match[1] else "\\|", markdown) if "|" in markdown else markdown
    )


def clipped(text: str, most: int) -> str:
    """The visible text, of `most` characters and an ellipsis at the most."""
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[:most]}…"


def prose(text: str, most: int) -> str:
    """A sentence whose every word is plain or a code span; what is in back-ticks stays together. Never empty."""
    shown = clipped(" ".join(text.split("\n")).strip(), most)
    parts = shown.split("`")
    if len(parts) % 2 == 0:
        # The last of an odd number of back-ticks opens nothing: it's part of a word.
        parts[-2:] = ["`".join(parts[-2:])]
    # Two plain parts never touch, or a reference could be put together of them.
    words = [span(part) if index % 2 else _plain(part) for index, part in enumerate(parts)]
    return _LIST.sub(lambda match: span(match[0]), _joined(words)) or span("")


def _plain(text: str) -> str:
    return " ".join(map(_word, text.split(" ")))


def _word(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    match = _WORD.fullmatch(word)
    assert match  # noqa: S101 - it fits anything
    before, core, after = match.groups()
    return word if _PLAIN.fullmatch(core) else f"{before}{span(core)}{after}"


def _joined(parts: Sequence[str]) -> str:
    """The parts in a row, with a blank between two code spans that would touch."""
    joined = ""
    for part in parts:
        joined += f" {part}" if joined.endswith("`") and part.startswith("`") else part
    return joined.strip()


def _longest_run(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)


def fenced(lines: Sequence[str], kind: str) -> str:
    """A fenced block of lines, none of which holds a line end."""
    body = "\n".join(lines)
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{kind}\n{body}\n{fence}"


def markup(text: str) -> str:
    """Foreign text for HTML, also between quotes."""
    return escaped(visible(text))


def escaped(shown: str) -> str:
    """Text that is visible already, for HTML."""
    return html.escape(shown)


def link(url: str) -> str:
    """The URL if it's one of a run as hosts write them, else nothing: no brackets, blanks, quotes or user names."""
    return url if len(url) <= _LONGEST_URL and _URL.fullmatch(url) else ""
