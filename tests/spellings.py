"""How a server may write a secret into a text: every form that the promises about secrets are tried with."""

from __future__ import annotations

import html
import json
import quopri
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable


def _each(form: str) -> Callable[[str], str]:
    """The form of each character."""
    return lambda text: "".join(form.format(ord(char)) for char in text)


def _bytes(form: str, between: str = "") -> Callable[[str], str]:
    """The form of each byte."""
    return lambda text: between.join(form.format(byte) for byte in text.encode())


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _in_pieces(text: str) -> str:
    raw = text.encode()
    return " ".join(b64encode(raw[at : at + 5]).decode() for at in range(0, len(raw), 5))


def _folded(text: str) -> str:
    encoded = _base64(text)
    return "\n".join(encoded[at : at + 7] for at in range(0, len(encoded), 7))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "a literal": repr,
    "\\u": lambda text: "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le")).cast("H")),
    "\\U": _each("\\U{:08X}"),
    "\\u{}": _each("\\u{{{:x}}}"),
    "\\x": _bytes("\\x{:02x}"),
    "octal": _bytes("\\{:03o}"),
    "HTML": html.escape,
    "decimal entities": _each("&#{};"),
    "hexadecimal entities": _each("&#x{:X};"),
    "entities without an end": _each("&#{}"),
    "entities twice": lambda text: html.escape(html.escape(_each("&#{};")(text))),
    "percents": lambda text: quote(text, safe=""),
    "percents of all": _bytes("%{:02X}"),
    "small percents of all": _bytes("%{:02x}"),
    "percents twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percents thrice": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "a form": quote_plus,
    "hexadecimal": _bytes("{:02x}"),
    "HEXADECIMAL": _bytes("{:02X}"),
    "hexadecimal, colons": _bytes("{:02x}", ":"),
    "hexadecimal, blanks": _bytes("{:02X}", " "),
    "0x": _bytes("0x{:02x}", ", "),
    "hexadecimal, odd": lambda text: f"a{text.encode().hex()}",
    "numbers": lambda text: str(list(text.encode())),
    "base64": _base64,
    "base64, in a longer text": lambda text: b64encode(b"user:" + text.encode() + b"yz").decode(),
    "base64 of URLs": lambda text: urlsafe_b64encode(text.encode()).decode(),
    "base64 in pieces": _in_pieces,
    "base64 in lines": _folded,
    "base64 of UTF-16": lambda text: b64encode(text.encode("utf-16-le")).decode(),
    "base64 twice": lambda text: _base64(_base64(text)),
    "base64 of JSON": lambda text: _base64(json.dumps({"said": text})),
    "base64 of hexadecimal": lambda text: _base64(text.encode().hex()),
    "hexadecimal of base64": lambda text: _base64(text).encode().hex(),
    "base64 in a URL in JSON": lambda text: json.dumps(quote(_base64(text), safe="")).replace("%", "\\u0025"),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode(),
    "wrapped": lambda text: f"{text[:6]}\n      {text[6:]}",
    "in capitals": str.upper,
}
