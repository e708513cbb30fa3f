r"""Foreign text escaped for markdown and HTML, so that it stays text whatever it says. Pure.

    code(text)           markdown: a code span; GitHub finds no mention, reference, link, tag or emphasis in it
    code_cell(text)      the same, in a row of a table
    prose(text)          markdown: a sentence of ours with foreign words; each word that isn't plain is a code span
    fenced(lines)        markdown: a block of lines that can't end it
    html_text(text)      HTML: text, also in an attribute
    html_escaped(shown)  the same, for text that went through `visible`
    link_url(url)        the URL if it may stand in a link, else empty

Control, format and other invisible characters become escapes as everywhere (`text.py`).
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
# Letters alone. A digit could make a reference or a commit of the word, and markdown and GitHub look for signs. `www`
# is no plain word, because GitHub makes a link of `www.` and what follows, even a code span.
_PLAIN = re.compile(r"(?!(?:[a-f]{7,}|[Ww]{3})\Z)[A-Za-z]+(?:['\u2019-][A-Za-z]+)*|[0-9]{1,6}|[%-]?")
# At the beginning of a sentence this would begin a list.
_LIST = re.compile(r"\A(?:-|[0-9]+[.)])(?= |\Z)")


def code(text: str, most: int = 0) -> str:
    """A code span of the text; with `most` it's cut after that many characters, with an ellipsis."""
    return code_span(clipped(text, most) if most else visible(text))


def code_span(shown: str) -> str:
    """A code span of text that went through `visible`. Its delimiters have more back-ticks than any run in it."""
    if not shown:
        return '`""`'
    ticks = "`" * (_longest_run(shown) + 1)
    # Markdown takes a blank off both ends where both have one; and back-ticks must not touch back-ticks.
    pad = " " if shown[0] in " `" or shown[-1] in " `" else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def code_cell(text: str, most: int = 0) -> str:
    """A code span for a row of a table."""
    return table_safe(code(text, most))


def table_safe(markdown: str) -> str:
    r"""The markdown with each bar escaped, because a bar ends a table's cell. After a backslash it's `\u007c`."""
    return (
        _BARS.sub(lambda match: f"{match[1]}\\u007c" if match[1] else "\\|", markdown) if "|" in markdown else markdown
    )


def clipped(text: str, most: int) -> str:
    """The visible text, cut after `most` characters, with an ellipsis."""
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[:most]}…"


def prose(text: str, most: int) -> str:
    """A sentence whose words are plain or code spans; what stands between back-ticks is one span. Never empty."""
    shown = clipped(" ".join(text.split("\n")).strip(), most)
    parts = shown.split("`")
    if len(parts) % 2 == 0:
        # The last of an odd number of back-ticks opens no span: it's part of a word.
        parts[-2:] = ["`".join(parts[-2:])]
    # Two plain parts never touch: together they could be a reference.
    words = [code_span(part) if index % 2 else _plain(part) for index, part in enumerate(parts)]
    return _LIST.sub(lambda match: code_span(match[0]), _joined(words)) or code_span("")


def _plain(text: str) -> str:
    return " ".join(map(_word, text.split(" ")))


def _word(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    match = _WORD.fullmatch(word)
    assert match  # noqa: S101 - it fits anything
    before, core, after = match.groups()
    return word if _PLAIN.fullmatch(core) else f"{before}{code_span(core)}{after}"


def _joined(parts: Sequence[str]) -> str:
    """The parts in a row, with a blank between two code spans that would touch."""
    joined = ""
    for part in parts:
        joined += f" {part}" if joined.endswith("`") and part.startswith("`") else part
    return joined.strip()


def _longest_run(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)


def fenced(lines: Sequence[str], kind: str) -> str:
    """A fenced block. No line may hold a line end."""
    body = "\n".join(lines)
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{kind}\n{body}\n{fence}"


def html_text(text: str) -> str:
    """Foreign text for HTML, also for an attribute between quotes."""
    return html_escaped(visible(text))


def html_escaped(shown: str) -> str:
    """Text that went through `visible`, for HTML."""
    return html.escape(shown)


def link_url(url: str) -> str:
    """The URL if it has the shape of a host's link to a run, else empty: no brackets, blanks, quotes or user names."""
    return url if len(url) <= _LONGEST_URL and _URL.fullmatch(url) else ""
