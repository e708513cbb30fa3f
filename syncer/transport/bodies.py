"""Bodies and JSON within bounds: the bytes of a body, and the values that they decode to.

A little gzip holds a lot, and a decoded value takes up to forty times the memory of its text (`{},{},`). So a body has
a bound in bytes, what stands in it a bound in values, and the rows of a list are decoded one after the other.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from math import inf
from typing import TYPE_CHECKING, Any, Final

from syncer.errors import Excess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from syncer.model import Json

_GZIP: Final = 31
"""What zlib calls gzip with its header."""

_PIECE: Final = 64 * 1024
"""How much is unpacked, and decoded, at once."""

_MOST_VALUES: Final = 200_000
"""How many values one JSON text, or one row of a list, may have: the worst of them take 50 MB."""

_LONGEST_ROW: Final = 4 * 1024 * 1024
"""How many characters one row of a list may have: its query alone seldom has 64 KiB."""

_MOST_ROWS: Final = 10_000
"""How many rows one answer may have: nobody asks for more."""

_MOST_MEMBERS: Final = 100
"""How many keys may stand beside the rows."""

_MOST_DIGITS: Final = 1_000
"""How many digits a whole number may have: Python refuses to read or write some thousand more."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\n]*")


class ExcessError(OSError):
    """An answer that is larger than it may be, or takes longer; `kind` is the error tree's word for it."""

    def __init__(self, kind: Excess) -> None:
        super().__init__()
        self.kind = kind


def body(response: httpx.Response, most: int, is_late: Callable[[], bool]) -> bytearray:
    """The body of an answer, unpacked. Raises ExcessError, and what reading and zlib raise."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"gzip", "identity"}:
        raise ExcessError(Excess.SIZE)
    unpack = zlib.decompressobj(_GZIP) if coding == "gzip" else None
    content, received = bytearray(), 0
    for raw in response.iter_raw():
        received += len(raw)
        for piece in (raw,) if unpack is None else _unpacked(raw, unpack):
            content += piece
            if len(content) > most:
                raise ExcessError(Excess.SIZE)
        if received > most:
            raise ExcessError(Excess.SIZE)
        if is_late():
            raise ExcessError(Excess.TIME)
    return content


def _unpacked(raw: bytes, unpack: zlib._Decompress) -> Iterator[bytes]:
    while raw and not unpack.eof:
        yield unpack.decompress(raw, _PIECE)
        raw = unpack.unconsumed_tail


def decoded(content: bytes | bytearray) -> Json:
    """The value of a JSON text. Raises ValueError for what is none, ExcessError for what holds too much.

    What is no UTF-8 becomes half characters, as a lone escape of U+D800 does.
    """
    text = content.decode("utf-8-sig", "surrogateescape")
    _weigh(text)
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ExcessError(Excess.ROW) from None


def paged(content: bytes | bytearray, row: Callable[[Json], Any]) -> Json:
    """`data` and `links` of a JSON text, with what `row` makes of each element of `data`, one after the other.

    Raises ValueError and ExcessError as `decoded` does; a row that can't be decoded takes the whole text along.
    """
    text = _Text(content)
    if text.peek() != "{":
        return decoded(content)
    try:
        answer = {key: value for key, value in text.members(row) if key in {"data", "links"}}
    except RecursionError:
        raise ExcessError(Excess.ROW) from None
    if text.peek():
        raise ValueError
    return answer


def _weigh(text: str) -> None:
    """Raise ExcessError if the text holds too many values. What looks like one inside of strings rarely counts."""
    if _values(text) > _MOST_VALUES and _values(_STRING.sub("", text)) > _MOST_VALUES:
        raise ExcessError(Excess.ROW)


def _values(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _whole(digits: str) -> float:
    if len(digits) <= _MOST_DIGITS:
        return int(digits)
    return -inf if digits.startswith("-") else inf


def _refused(constant: str) -> None:
    """NaN and the infinities are Python's JSON, nobody else's."""
    raise ValueError(constant)


_DECODER: Final = json.JSONDecoder(parse_constant=_refused, parse_int=_whole)


class _Text:
    """A JSON text that is decoded from its start to its end, and never held as a whole."""

    def __init__(self, content: bytes | bytearray) -> None:
        self._content = memoryview(content)
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._read, self._at = 0, 0
        self._text = ""

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def members(self, row: Callable[[Json], Any]) -> Iterator[tuple[str, Json]]:
        """The keys and values of the object that begins here; `data` is a list of rows."""
        for number, _ in enumerate(self._items("{", "}")):
            if number == _MOST_MEMBERS:
                raise ExcessError(Excess.SIZE)
            key = self._value()
            self._take(":")
            if not isinstance(key, str):
                raise ValueError  # noqa: TRY004 - it's no JSON
            yield key, list(self._rows(row)) if key == "data" and self.peek() == "[" else self._value()

    def _rows(self, row: Callable[[Json], Any]) -> Iterator[Any]:
        for number, _ in enumerate(self._items("[", "]")):
            if number == _MOST_ROWS:
                raise ExcessError(Excess.SIZE)
            yield row(self._value())

    def _items(self, opening: str, closing: str) -> Iterator[None]:
        """A turn for each item, before which the text stands, from one bracket to the other."""
        self._take(opening)
        if self.peek() != closing:
            yield
            while self.peek() == ",":
                self._take(",")
                yield
        self._take(closing)

    def _take(self, char: str) -> None:
        if self.peek() != char:
            raise ValueError
        self._at += 1

    def _value(self) -> Json:
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except ValueError:
                # Perhaps only its beginning is here.
                if not self._more():
                    raise
                continue
            # A number that ends near the end of this part of the text may go on: `1`, `1.`, `1e+`.
            if end + 2 < len(self._text) or not self._more():
                self._at = end
                return value

    def _more(self) -> bool:
        """Decode as much more as is waiting already, so that a long row is tried a few times only; False at the end."""
        if self._read >= len(self._content):
            return False
        waiting = len(self._text) - self._at
        size = max(_PIECE, waiting)
        if waiting + size > _LONGEST_ROW:
            raise ExcessError(Excess.ROW)
        self._text = self._text[self._at :] + self._decode(self._content[self._read : self._read + size])
        self._read, self._at = self._read + size, 0
        if size > _PIECE:
            _weigh(self._text)
        return True
