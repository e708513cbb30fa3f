"""Whether two queries mean the same to the database. A yes is certain; a no may be wrong.

Trees alone don't tell: sqlglot makes one of NVL and COALESCE, of two types, of two date functions, and some of those
differ in some database. So both must be the same: the trees, with upper and lower case kept wherever a database may
keep it, and the words, but for those few that certainly say nothing (`_NOISE`).
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from syncer.sql.identifiers import folded
from syncer.sql.output_columns import has_text_for_name, outputs

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from sqlglot import exp

    from syncer.sql.parsing import Parsed

_NOISE: Final = frozenset({"ALIAS", "INNER", "OUTER", "DCOLON", "CAST"})
_QUOTED: Final = frozenset({"IDENTIFIER", "NUMBER"})

_TELLING: Final = re.compile(
    r"/\*M?[!+] | (?:--|//|\#)\+ | [^\S\x20\t\r\n\f\v] | \r(?!\n) | \{\# | \#(?:standard|legacy)SQL",
    re.IGNORECASE | re.VERBOSE,
)
"""In what stands between two tokens: a hint or a command in a comment, and what not every database takes for white
space or a line's end."""
_DASHES: Final = re.compile(r"--(?!\s|\Z)")
"""A comment to sqlglot; to MariaDB, two minus signs."""
_SIGNS_BEHIND: Final = re.compile(r"[-+*/<>=~!@#%^&|`?]+\Z")
_SIGNS_AHEAD: Final = re.compile(r"[-+*/<>=~!@#%^&|`?]+")
_GLUE: Final = re.compile(r"[~!@#%^&|`?]")
"""PostgreSQL takes signs without white space between them for one operator, if one of these is among them."""
_LIMIT: Final = re.compile(r"LIMIT [0-9]+", re.IGNORECASE | re.ASCII)
"""What makes the server refuse every run of a sync, wherever it stands: no white space or comment is idle that does."""

_KEYS: Final = 2

_WORDS: Final = frozenset({"side", "kind", "method", "unit", "start", "start_side", "end", "end_side"})
_NOTHING: Final[tuple[object, ...]] = (None, False, "", [])
_NAMED: Final = frozenset({"Var", "Anonymous"})


def is_same(before: Parsed, after: Parsed) -> bool:
    """Whether both texts mean the same to the database and to the server, and give columns of the same names."""
    if before.text == after.text:
        return True
    return (
        (_LIMIT.search(before.text) is None) == (_LIMIT.search(after.text) is None)
        # Up to the first word that differs: most texts that mean something else differ early.
        and all(one == other for one, other in zip_longest(_words(before), _words(after)))
        and form(before.tree, before.dialect) == form(after.tree, after.dialect)
        and _keeps_names(before)
    )


def form(tree: exp.Expression, dialect: str) -> Hashable:
    """The tree as a flat tuple: equal for trees that are equal but for what the dialect's folding takes away.

    sqlglot's own equality takes `N'a'` and `N'A'` for one text, and so the keys of two JSON paths.
    """
    from sqlglot import exp  # noqa: PLC0415

    parts: list[Hashable] = []
    stack: list[object] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, exp.Identifier):
            quoted = bool(item.args.get("quoted"))
            parts.append(("name", item.name if quoted else folded(item.name, dialect), quoted))
        elif isinstance(item, exp.Expression):
            given = [(key, _word(item, key, item.args[key], dialect)) for key in sorted(item.args)]
            given = [(key, value) for key, value in given if value not in _NOTHING]
            parts.append((type(item).__name__, len(given)))
            for key, value in reversed(given):
                stack += (value, ("key", key))
        elif isinstance(item, list):
            parts.append(("list", len(item)))
            stack += reversed(item)
        else:
            parts.append(item if isinstance(item, tuple) else (type(item).__name__, str(item)))
    return tuple(parts)


def _word(node: exp.Expression, key: str, value: object, dialect: str) -> object:
    """An argument without what only looks different: the case of keywords, INNER of a join, OUTER of LEFT OUTER."""
    kind = type(node).__name__
    if not isinstance(value, str):
        return value
    word = value.upper()
    if kind == "Join" and key == "kind" and (word == "INNER" or (word == "OUTER" and node.args.get("side"))):
        return ""
    is_keyword = key in _WORDS or (key == "this" and kind in _NAMED and dialect != "clickhouse")
    return word if is_keyword else value


def _words(query: Parsed) -> Iterator[str]:
    """The words of a text in order, without noise, and with what isn't idle between them."""
    casts: list[bool] = []
    end, before, signs, dots, text = 0, "", "", 0, query.text
    # A stage's path is made of words, and of their case.
    has_paths = query.dialect == "snowflake" and "@" in text
    for token, told in zip(query.tokens, query.kinds, strict=True):
        kind = "CAST" if told == "VAR" and token.text.upper() == "CAST" else told
        gap = text[end : token.start]
        end = token.end + 1
        word = text[token.start : end]
        ahead = _SIGNS_AHEAD.match(word)
        if not gap and signs and ahead and _GLUE.search(signs + ahead[0]):
            yield "glue"
        behind = _SIGNS_BEHIND.search(word)
        signs = "" if behind is None else signs + behind[0] if not gap and behind[0] == word else behind[0]
        if _is_telling(gap, query.dialect) or ("STRING" in kind and "STRING" in before):
            yield f"gap {gap}"
        is_noise = kind in _NOISE
        if kind == "L_PAREN":
            # The brackets of CAST( … ) say as little as CAST does.
            is_noise = before == "CAST"
            casts.append(is_noise)
        elif kind == "R_PAREN" and casts:
            is_noise = casts.pop()
        # Behind a second dot, or an index, may stand a key of some document, whose case counts.
        is_inner = before == "DOT" and (dots >= _KEYS or query.dialect == "bigquery")
        dots = dots + 1 if kind == "DOT" else dots if before == "DOT" else _KEYS if kind == "R_BRACKET" else 0
        before = kind
        if not is_noise:
            yield word if has_paths or is_inner else _spelled(word, kind)
    if _is_telling(text[end:], query.dialect):
        yield f"gap {text[end:]}"


def _is_telling(gap: str, dialect: str) -> bool:
    """Whether what stands between two words may mean something."""
    return _TELLING.search(gap) is not None or (dialect == "mysql" and _DASHES.search(gap) is not None)


def _spelled(word: str, kind: str) -> str:
    """A word as it counts: exactly, if it's a text, a quoted name or a number; some keywords are two words."""
    if kind == "NEQ":
        return "<>"
    is_exact = kind in _QUOTED or "STRING" in kind or not (word[:1].isalpha() and word.isascii()) or "'" in word
    return word if is_exact else " ".join(word.upper().split())


def _keeps_names(query: Parsed) -> bool:
    """Whether white space can't be part of a column's name, as where a name is made of the expression's text."""
    from sqlglot import exp  # noqa: PLC0415

    if not has_text_for_name(query.dialect) or outputs(query.tree, query.dialect) is not None:
        return True
    plain = (exp.Alias, exp.Column, exp.Star, exp.Literal)
    return all(isinstance(it, plain) for select in query.tree.find_all(exp.Select) for it in select.expressions)
