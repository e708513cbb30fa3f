"""Takes a run's secrets out of foreign text, however they are written in it.

What a server, a code host or a library says may repeat a secret as it is, or in a form that its author chose: as JSON,
as HTML, percent-encoded, in hexadecimal, in base64, one inside another. Listing the forms of a secret always misses
one, so the text is decoded instead, again and again, and the secret is looked for in every view of it. The work is
bounded. A text that needs more is hidden whole, and so is one in which a secret can't be located.
"""

from __future__ import annotations

import re
import string
import sys
import threading
from binascii import a2b_base64
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.secrets.patterns import CREDENTIAL
from syncer.secrets.value import SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from syncer.secrets.value import Secret

_LONGEST: Final = 300
"""How much of a foreign text is quoted."""

_MOST: Final = 8_192
"""How much of a text is looked at."""

_MARGIN: Final = 2_048
"""How much is looked at beyond what is shown: a secret that is cut off would not be found."""

_SHORTEST: Final = 4
"""Shorter secrets are hidden only where they stand as words: else they would blank out every text."""

_SHORTEST_SQUEEZED: Final = 8
"""Letters and digits by which a secret is known whatever stands between them."""

_SHORTEST_LINE: Final = 8
_SHORTEST_HELD: Final = 8
_MOST_FOUND: Final = 16
_HEAD: Final = 24
"""Letters and digits by which a secret of twice as many is known, because its end may be cut off."""

_FEW: Final = 100
_WORK: Final = 1 << 20
"""Bytes of views that are made of one text before it is hidden whole."""

_WORK_HELD: Final = 8 << 20
_OVERHEAD: Final = 500
"""What a view costs beyond its bytes, in bytes."""

_NAMED = re.compile(
    r"""bearer\s+[^\s"',;]+ | (?<![\w-])eyJ[\w-]{4,4096}\.[\w-]{1,4096}(?:\.[\w-]{0,4096})? |
        ((?:api[_-]?key|token|password|passwd|secret|authorization)["']?\s*(?:=>|[:=])\s*["']?)[^\s"',;&]+""",
    re.IGNORECASE | re.VERBOSE,
)
"""What stands after a word for a credential."""


class Scrubber:
    """Knows the secrets of one run, and takes them out of text. Threads may share it."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._pending: list[Iterable[Secret]] = [secrets]
        self._lock = threading.Lock()
        self._words: set[str] = set()
        # By their first bytes, so that a text is walked once, however many secrets there are.
        self._exact: dict[bytes, set[bytes]] = {}
        self._squeezed: dict[bytes, set[bytes]] = {}

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Know further secrets. They are read, once, when there is a text to look at."""
        self._pending.append(secrets)

    def quote(self, text: str) -> str:
        """A foreign text as a message quotes it: one printable line of at most 300 characters, without a secret."""
        line = _one_line(text[:_MOST])
        line = self._hidden(line, len(line) if len(text) <= _MOST else len(line) - _MARGIN, _SHORTEST)
        line = _NAMED.sub(lambda match: (match[1] or "") + SENSITIVE, CREDENTIAL.sub(SENSITIVE, line))
        if words := "|".join(map(re.escape, self._words)):
            line = re.sub(rf"(?<!\w)(?:{words})(?!\w)", SENSITIVE, line)
        return line if len(text) <= _MOST and len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"

    def hide(self, text: str) -> str:
        """A text of ours, which may quote a foreign one, without a secret; short ones are words here.

        Of a very long text only the beginning is kept.
        """
        return self._hidden(text[:_MOST], len(text) if len(text) <= _MOST else _MOST - _MARGIN, _SHORTEST_HELD)

    def _hidden(self, text: str, shown: int, least: int) -> str:
        """The first `shown` characters of the text without the secrets that are not shorter than `least`."""
        # One thread's error must not be looked at while another still reads what was told of.
        with self._lock:
            self._read()
            try:
                return self._without(text, max(shown, 0), least)
            except _TooMuchError:
                return SENSITIVE

    def _read(self) -> None:
        """Take in what was told of since the last text."""
        while self._pending:
            for secret in self._pending.pop():
                if not secret.is_mask:
                    self._add(str(secret.reveal()).strip())

    def _add(self, value: str) -> None:
        if 0 < len(value) < _SHORTEST:
            self._words.add(value)
        for needle in _needles(value):
            self._exact.setdefault(needle[:_SHORTEST], set()).add(needle)
            squeezed = _squeezed(needle)
            if len(squeezed) >= _SHORTEST_SQUEEZED:
                known = squeezed if len(squeezed) < 2 * _HEAD else squeezed[:_HEAD]
                self._squeezed.setdefault(squeezed[:_SHORTEST_SQUEEZED], set()).update({squeezed, known})

    def _without(self, text: str, shown: int, least: int) -> str:
        """The first `shown` characters without the stretches that hold a secret; a stretch at their end is whole."""
        stretches = list(self._plain(text, least))
        left = text
        for start, end in stretches:
            left = f"{left[:start]}{' ' * (end - start)}{left[end:]}"
        work = _Work(_WORK)
        found = self._found(left, work, least)
        if len(found) > _MOST_FOUND:
            raise _TooMuchError
        stretches += [stretch for needle in found for stretch in _stretches(left, needle, work)]
        pieces: list[str] = []
        at = 0
        for start, end in sorted(stretches):
            if start >= shown:
                break
            if start >= at:
                pieces.append(text[at:start])
            at = max(at, end)
        pieces.append(text[at : max(at, shown)])
        if found and self._found("\n".join(pieces), work, least):
            raise _TooMuchError
        return SENSITIVE.join(pieces)

    def _plain(self, text: str, least: int) -> Iterator[tuple[int, int]]:
        """Where the text holds a secret as it is."""
        for needle in _among(self._exact, _SHORTEST, _encoded(text)):
            if len(needle) < least:
                continue
            for match in re.finditer(re.escape(needle.decode("utf-8", "replace")), text):
                yield match.span()

    def _found(self, text: str, work: _Work, least: int) -> list[_Needle]:
        """The secrets that some view of the text holds."""
        found: set[_Needle] = set()
        for view in _views(text, work) if self._exact else ():
            found |= {_Needle(value) for value in _among(self._exact, _SHORTEST, view)}
            found |= {
                _Needle(value, is_squeezed=True)
                for value in _among(self._squeezed, _SHORTEST_SQUEEZED, _squeezed(view))
            }
        return [needle for needle in found if len(needle.value) >= least]


def held(text: str, secrets: Iterable[Secret]) -> list[str]:
    """The variables whose values stand in the text in any form; short values are words, not secrets."""
    return Watch(secrets).held(text)


class Watch:
    """Looks for the values of variables in texts that leave this machine. Its work on all of them has one bound."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._wanted = {
            needle: secret.reference
            for secret in secrets
            if len(value := str(secret.reveal()).strip()) >= _SHORTEST_HELD
            for needle in _needles(value)
        }
        self._work = _Work(_WORK_HELD)

    def held(self, text: str) -> list[str]:
        """The variables whose values stand in the text as they are, as JSON, or in any form that the work reaches."""
        plain = _encoded(text) if self._wanted else b""
        unescaped = _backslashes(plain)
        found = {name for needle, name in self._wanted.items() if needle in plain or needle in unescaped}
        try:
            for view in _views(text, self._work, pieces=False) if self._wanted else ():
                found |= {name for needle, name in self._wanted.items() if needle in view}
        except _TooMuchError:
            # It's no foreign text, and may be large: the views come in the order of how likely they are.
            pass
        return sorted(found)


# -- secrets -----------------------------------------------------------------------------------------------------


class _Needle(NamedTuple):
    """What is looked for in a view: as it is, or squeezed in a squeezed one."""

    value: bytes
    is_squeezed: bool = False

    def is_in(self, view: bytes) -> bool:
        """Whether the view holds it."""
        return self.value in (_squeezed(view) if self.is_squeezed else view)


def _needles(value: str) -> set[bytes]:
    """The bytes of a secret: of all of it, of all of it in one line, and of its lines."""
    texts = {value, _one_line(value)}
    if "\n" in value:
        texts |= {line for line in map(str.strip, value.split("\n")) if len(line) >= _SHORTEST_LINE}
    needles = {_encoded(text) for text in texts}
    if not value.isascii():
        needles |= {text.encode("latin-1", "ignore") for text in texts}
        needles |= {text.encode("utf-16-le", "surrogatepass") for text in texts}
    return {needle for needle in needles if len(needle) >= _SHORTEST}


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _squeezed(view: bytes) -> bytes:
    """The letters and digits alone, in one case: a secret that is wrapped, spelled or quoted is whole again."""
    return view.translate(_LOWER, _OTHERS)


def _among(needles: Mapping[bytes, set[bytes]], length: int, view: bytes) -> set[bytes]:
    starts: Collection[bytes] = needles.keys()
    if len(needles) > _FEW:
        starts = needles.keys() & {view[at : at + length] for at in range(len(view) - length + 1)}
    return {needle for start in starts for needle in needles[start] if needle in view}


def _stretches(text: str, needle: _Needle, work: _Work) -> Iterator[tuple[int, int]]:
    """Where the text holds a secret: the shortest stretches of which some view holds it, and what they are part of."""

    def is_in(start: int, end: int) -> bool:
        return any(needle.is_in(view) for view in _views(text[start:end], work))

    at = 0
    while is_in(at, len(text)):
        end = _least(lambda end: is_in(at, end), at, len(text))  # noqa: B023 - called before the next turn
        start = -_least(lambda start: is_in(-start, end), -end, -at)  # noqa: B023
        # It's encoded, or cut off: what stands around it belongs to it.
        before, after = _EDGE.match(text[at:start][::-1]), _EDGE.match(text, end)
        start, end = start - (before.end() if before else 0), after.end() if after else end
        yield start, end
        at = end


def _least(holds: Callable[[int], bool], wrong: int, right: int) -> int:
    """The least number from which on it holds; it does for `right`, and not for `wrong`."""
    while right - wrong > 1:
        middle = (wrong + right) // 2
        wrong, right = (wrong, middle) if holds(middle) else (middle, right)
    return right


# -- views -------------------------------------------------------------------------------------------------------


class _TooMuchError(Exception):
    """The text takes more work than it's worth."""


class _Work:
    """How many more bytes of views may be made."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, size: int) -> None:
        """Note that a view was made. Raises _TooMuchError."""
        self._left -= size
        if self._left < 0:
            raise _TooMuchError


def _views(text: str, work: _Work, *, pieces: bool = True) -> Iterator[bytes]:
    """The text, and everything that it becomes by decoding, in whatever order. Raises _TooMuchError.

    Without `pieces` base64 is looked for in long words alone, which is most of the work in a text of megabytes.
    """
    first = _encoded(text)
    seen, queue = {first}, deque([first])
    while queue:
        view = queue.popleft()
        work.take(len(view) + _OVERHEAD)
        yield view
        plain = [unescape(view) for unescape in _ESCAPES]
        for raw in chain(_hexadecimals(view), _decimals(view), _base64s(view, pieces=pieces)):
            work.take(len(raw))
            yield raw
            # Most of this is noise, and what is noise needs no decoding.
            plain.append(b" ".join(_PRINTABLE.findall(raw.replace(b"\0", b""))))
        for further in plain:
            if len(further) >= _SHORTEST and further not in seen:
                seen.add(further)
                queue.append(further)


def _backslashes(view: bytes) -> bytes:
    """Of JSON, and of literals of Python, Ruby, JavaScript and C."""
    return _BACKSLASH.sub(_unslashed, view) if b"\\" in view else view


def _unslashed(match: re.Match[bytes]) -> bytes:
    if match["high"]:
        pair = (int(match["high"], 16) << 10) + int(match["low"], 16) - _PAIRS
        return _encoded(chr(pair))
    if match["point"]:
        return _character(int(match["point"].strip(b"uU{}"), 16))
    if match["byte"]:
        return bytes([int(match["byte"], 16)])
    if match["octal"]:
        return bytes([int(match["octal"], 8)])
    return _CONTROLS.get(match[0][1:], match[0][1:])


def _entities(view: bytes) -> bytes:
    """Of HTML and XML."""
    return _ENTITY.sub(_named, view) if b"&" in view else view


def _named(match: re.Match[bytes]) -> bytes:
    if match["hex"] or match["decimal"]:
        return _character(int(match["hex"], 16) if match["hex"] else int(match["decimal"]))
    import html  # noqa: PLC0415 - its table is large, and hardly ever needed

    return _encoded(html.unescape(match[0].decode()))


def _character(point: int) -> bytes:
    return _encoded(chr(point)) if point <= sys.maxunicode else b""


def _percents(view: bytes) -> bytes:
    """Of a URL."""
    return _PERCENT.sub(_unquoted, view) if b"%" in view else view


def _unquoted(match: re.Match[bytes]) -> bytes:
    return _character(int(match["point"], 16)) if match["point"] else bytes([int(match["byte"], 16)])


def _pluses(view: bytes) -> bytes:
    """Of a form."""
    return view.replace(b"+", b" ")


def _equals(view: bytes) -> bytes:
    """Of mail: quoted-printable."""
    return _EQUAL.sub(lambda match: bytes([int(match[1], 16)]) if match[1] else b"", view) if b"=" in view else view


def _hexadecimals(view: bytes) -> Iterator[bytes]:
    """Pairs of digits, with or without something between them, beginning at either digit."""
    runs = [_NO_HEX.sub(b"", run) for run in _HEX_RUN.findall(_HEX_PREFIX.sub(b" ", view))]
    for at in (0, 1) if runs else ():
        yield b"".join(bytes.fromhex(run[at : at + (len(run) - at) // 2 * 2].decode()) for run in runs)


def _decimals(view: bytes) -> Iterator[bytes]:
    """A list of bytes, as numbers."""
    for run in _DECIMAL_RUN.findall(view):
        yield bytes(number for number in map(int, _NUMBER.findall(run)) if number <= _LARGEST_BYTE)


def _base64s(view: bytes, *, pieces: bool) -> Iterator[bytes]:
    """Words in base64, of either alphabet, beginning at any letter; then the same with all the words in one piece."""
    words = [word.translate(_STANDARD) for word in (_BASE64_WORD if pieces else _LONG_WORD).findall(view)]
    for folded in (words, [b"".join(words)] if pieces and len(words) > 1 else []):
        for at in range(4) if folded else ():
            yield b"".join(_from_base64(word[at:]) for word in folded)


def _from_base64(word: bytes) -> bytes:
    # One letter beyond a group of four stands for nothing.
    whole = word[:-1] if len(word) % 4 == 1 else word
    return a2b_base64(whole + b"==")


_ESCAPES: Final = (_backslashes, _entities, _percents, _pluses, _equals)

_BACKSLASH = re.compile(
    rb"""\\ (?: u(?P<high>[dD][89abAB][0-9a-fA-F]{2}) \\u (?P<low>[dD][c-fC-F][0-9a-fA-F]{2})
        | (?P<point> u\{[0-9a-fA-F]{1,6}\} | u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} )
        | x(?P<byte>[0-9a-fA-F]{2}) | (?P<octal>[0-3][0-7]{2}) | [^\s] )""",
    re.VERBOSE,
)
_PAIRS: Final = (0xD800 << 10) + 0xDC00 - 0x10000
_CONTROLS: Final = dict(zip(b"n r t b f v a e 0".split(), b"\n \r \t \b \f \v \a \x1b \0".split(b" "), strict=True))
_ENTITY = re.compile(rb"&(?:#[xX](?P<hex>[0-9a-fA-F]{1,8})|#(?P<decimal>[0-9]{1,8})|[A-Za-z][A-Za-z0-9]{1,31});?")
_PERCENT = re.compile(rb"%(?:u(?P<point>[0-9a-fA-F]{4})|(?P<byte>[0-9a-fA-F]{2}))")
_EQUAL = re.compile(rb"=(?:([0-9a-fA-F]{2})|[ \t]*\r?\n)")
_HEX_PREFIX = re.compile(rb"(?<![0-9a-fA-F])0[xX]|\\x")
_HEX_RUN = re.compile(rb"[0-9a-fA-F](?:[^0-9A-Za-z]{0,5}[0-9a-fA-F]){7,}")
_NO_HEX = re.compile(rb"[^0-9a-fA-F]+")
_DECIMAL_RUN = re.compile(rb"(?<![0-9])[0-9]{1,3}(?:[^0-9A-Za-z]{1,5}[0-9]{1,3}){3,}(?![0-9])")
_NUMBER = re.compile(rb"[0-9]+")
_LARGEST_BYTE: Final = 255
_LONG_WORD = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_BASE64_WORD = re.compile(rb"[A-Za-z0-9+/_-]+")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_PRINTABLE = re.compile(
    rb"(?: [\t\n\r\ -~] | [\xc2-\xdf][\x80-\xbf] | [\xe0-\xef][\x80-\xbf]{2} | [\xf0-\xf4][\x80-\xbf]{3} ){8,}",
    re.VERBOSE,
)
_EDGE = re.compile(r"[A-Za-z0-9+/%\\&#;._-]*=*")
_LOWER: Final = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
_OTHERS: Final = bytes(set(range(256)) - set((string.ascii_letters + string.digits).encode()))
