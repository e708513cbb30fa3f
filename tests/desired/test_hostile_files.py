"""Files that mean harm, or that a fuzzer made: no traceback, no hang, and every problem has its place."""

from __future__ import annotations

import faulthandler
import json
import random
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsers import UNHEARD, Reworded

from syncer.desired.loader import load
from syncer.desired.loader.parse import parse
from syncer.desired.validate import RULES, check

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "model.schema.json").read_text("utf-8"))

MOST_SECONDS: Final = 2
"""What one file may cost, in processor time: other work on the machine doesn't count."""

SQL = "name: Active users\nconnector_id: 1\nquery_type: raw_sql\nprimary_key: user_id\nquery: SELECT 1 FROM users\n"
BIG = 300_000


@contextmanager
def no_hang() -> Iterator[None]:
    """Stop what takes more than two seconds of processor time; end the run, with a traceback, if it waits for ever."""

    def stop(*_: object) -> None:
        raise AssertionError(f"more than {MOST_SECONDS} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    faulthandler.dump_traceback_later(60, exit=True)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGPROF, before)


def told(raw: bytes) -> list[str]:
    """Check a repository of one such file, and see that each problem is a known one and has a place in the file."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "models").mkdir()
        (root / "models" / "a.yaml").write_bytes(raw)
        with no_hang():
            loaded = load(root)
            problems = [*loaded.problems, *check(loaded.documents, SCHEMA, ("prod", "staging"))]

    known = {rule.id for rule in RULES}
    lines = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in problems:
        assert problem.rule in known
        assert problem.message
        assert problem.hint or problem.rule == "wrong-type", problem
        assert problem.origin.path == "models/a.yaml"
        assert all(one.isprintable() or one in "\t\xa0\u3000" for one in problem.excerpt)
        if problem.origin.line or problem.rule != "too-large":
            assert 1 <= problem.origin.line <= len(lines)
            assert 1 <= problem.origin.column <= len(lines[problem.origin.line - 1]) + 2
    # Whatever isn't a document has a problem that says so.
    assert problems or loaded.documents
    if loaded.problems and all(problem.rule != "bad-encoding" for problem in problems):
        see_no_words(raw.removeprefix(b"\xef\xbb\xbf"))
    return [problem.rule for problem in problems]


def see_no_words(raw: bytes) -> None:
    """See that a parser with other sentences changes nothing but what is quoted of them."""
    mistakes, reworded = parse(raw, {})[1], parse(raw, {}, Reworded)[1]
    for mistake, other in zip(mistakes, reworded, strict=True):
        assert mistake == other or (UNHEARD in other.message and mistake._replace(message=other.message) == other)
        assert other.message
        assert other.hint


def query(text: str) -> str:
    """A model with this text as its query, in a block."""
    return SQL.replace("SELECT 1 FROM users", "|\n  " + text)


def configuration(text: str) -> str:
    """A model with this text as its configuration."""
    return f"{SQL}configuration: {text}\n"


BY_HAND: Final[dict[str, str | bytes]] = {
    # deep, in every way that YAML has
    "brackets": "[" * 500_000,
    "braces": "{a: " * BIG,
    "closed brackets": "[" * BIG + "]" * BIG,
    "dashes": "- " * BIG,
    "question marks": "? " * BIG,
    "mixed": "[{a: " * BIG,
    "indented": "".join(" " * depth + "a:\n" for depth in range(600)),
    "deep configuration": configuration("[" * 200 + "]" * 200),
    "as deep as may be": configuration("[" * 97 + "]" * 97),
    "deep keys": configuration("{a: " * 90 + "1" + "}" * 90),
    "nested environments": SQL + "environments: {prod: {environments: {prod: {environments: {}}}}}\n",
    # wide
    "many keys": "".join(f"k{number}: v\n" for number in range(60_000)),
    "many lines": "\n" * (1 << 20),
    "many carriage returns": "\r" * BIG,
    "one comment": "#" * (1 << 20),
    "many items": "- x\n" * 200_000,
    "many words": "a\n" * BIG,
    "one line": "a" * (1 << 20),
    "one key": "a" * BIG + ": 1\n",
    "one quote": "'" + "a" * BIG,
    "many quotes": "'" * 100_001,
    "many double quotes": '"' * 100_001,
    "many escapes": 'a: "' + "\\n" * BIG + '"',
    "many duplicates": "a: b\n" * 100_000,
    "many colons": "a: " * 100_000,
    "many commas": "[" + "," * BIG,
    "many anchors": "".join(f"k{number}: &a{number} x\n" for number in range(9_000)),
    "many aliases": "a: &a x\n" + "".join(f"k{number}: *a\n" for number in range(9_000)),
    "a long anchor": "a: &" + "x" * BIG + " 1",
    "a long alias": "a: *" + "x" * BIG,
    "a long tag": "a: !" + "x" * BIG + " 1",
    "many tags": "[" + "!x a," * 50_000 + "]",
    "many documents": "---\n" * 100_000,
    "many ambiguous": "{" + "yes: no," * 50_000 + "}",
    "many environments": SQL + "environments: {" + ", ".join(f"e{number}: {{id: 0}}" for number in range(5_000)) + "}\n",
    "many nulls": configuration("{a: [" + "null, " * 15_000 + "]}"),
    "many secrets": configuration("{" + ", ".join(f"k{number}_token: abc{number}" for number in range(9_000)) + "}"),
    "many masks": configuration("{a: [" + "'***', " * 15_000 + "]}"),
    "many unknown keys": SQL + "".join(f"naem{number}: x\n" for number in range(9_000)),
    "many wrong fields": SQL + "lifecycle: {ignore_changes: [" + "x, " * 15_000 + "]}\n",
    "many allowed": SQL + "lifecycle: {allow: [" + "5, " * 15_000 + "]}\n",
    "a long unknown key": SQL + "q" * 900 + ": x\n",
    "a long query type": SQL.replace("raw_sql", "raw_sql" * 50_000),
    # expanding
    "billion laughs": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)),
    "quadratic blowup": f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 10_000)}]\n",
    "merge bomb": "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: *a{n - 1}}}\n" for n in range(1, 90)),
    "self": "a: &a [*a]\n",
    "self in a mapping": "a: &a {b: *a}\n",
    "self as a key": "&a {*a : b}\n",
    "self by merge": "a: &a {<<: *a}\n",
    "later": "a: *b\nb: &b 1\n",
    "merge of a list": "a: {<<: [1, 2]}\n",
    "merge of nothing": "a: {<<: }\n",
    "merge without a value": "<<\n",
    "merge in a key": "? {<<: {a: b}}\n: c\n",
    "redefined": "a: &a 1\nb: &a 2\nc: *a\n",
    # code and tags
    "python": "!!python/object/apply:os.system ['true']\n",
    "python name": "a: !!python/name:os.system\n",
    "binary": "a: !!binary aGk=\n",
    "set": "a: !!set {x, y}\n",
    "ordered map": "a: !!omap [x: 1]\n",
    "timestamp": "a: !!timestamp 2026-99-99\n",
    "wrong int": "a: !!int 0o9\n",
    "wrong float": "a: !!float x\n",
    "wrong bool": "a: !!bool maybe\n",
    "int of a mapping": "a: !!int {b: c}\n",
    "text of a list": "a: !!str [b]\n",
    "empty tag": "a: ! x\n",
    "verbatim tag": "a: !<x> y\n",
    "tag of another": "%TAG ! tag:x,2026:\n---\na: !b c\n",
    "escaped tag": "a: !x%0a%1b%00 y\n",
    "yaml 2": "%YAML 2.0\n---\na: 1\n",
    "yaml 1.1": "%YAML 1.1\n---\n" + SQL,
    "directive": "%FOO bar\n---\na: 1\n",
    # numbers
    "long int": configuration("{a: " + "9" * BIG + "}"),
    "long hex": configuration("{a: 0x" + "f" * BIG + "}"),
    "long float": configuration("{a: 1." + "1" * BIG + "}"),
    "long exponent": configuration("{a: 1.0e+" + "9" * BIG + "}"),
    "long underscores": configuration("{a: 1" + "_" * BIG + "}"),
    "nearly a number": configuration("{a: " + "1" * BIG + "x}"),
    "large": configuration("{a: 1.0e+400, b: -1.0e+400}"),
    "not a number": configuration("{a: .nan, b: .inf, c: -.inf}"),
    "large id": SQL + f"id: {10**300}\n",
    "negative id": SQL + "id: -1\n",
    "fraction": SQL.replace("connector_id: 1", "connector_id: 1.5"),
    # text
    "empty": "",
    "blank": " \n \n",
    "a tab": "\t",
    "tabs": "a:\n\tb: 1\n",
    "tab after dash": "-\ta\n",
    "nul": b"\0",
    "nul in text": "a: b\0c\n",
    "nul escape": SQL.replace("Active users", '"\\0"'),
    "nul key": SQL + '"\\0": 1\n',
    "escape": "a: \x1b[2J\n",
    "delete": "a: \x7f\n",
    "c1": "a: \x9b\n",
    "utf-16": SQL.encode("utf-16"),
    "utf-16-be": SQL.encode("utf-16-be"),
    "utf-32": SQL.encode("utf-32"),
    "utf-7": SQL.encode("utf-7"),
    "latin-1": SQL.replace("Active", "Äctive").encode("latin-1"),
    "overlong": b"a: \xc0\x80\n",
    "surrogate bytes": b"a: \xed\xa0\x80\n",
    "cut off": "a: é".encode()[:-1],
    "beyond unicode": b"a: \xf5\x80\x80\x80\n",
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbfa: 1\n",
    "mark inside": "a: 1\n\ufeffb: 2\n",
    "noncharacter": "a: \ufffe\n",
    "line separator": "a: b\u2028c: d\n",
    "next line": "a: b\x85c: d\n",
    "bidirectional": "a: \u202eb: 1\n",
    "surrogate escape": 'a: "\\ud800"\n',
    "surrogate pair": 'a: "\\ud83d\\ude00"\n',
    "large escape": 'a: "\\Uffffffff"\n',
    "unknown escape": 'a: "\\q"\n',
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "elf": b"\x7fELF\x02\x01\x01\x00" * 10,
    "json": json.dumps({"name": "x", "a": [1, None, "\U0001f600"]}),
    "html": "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "toml": '[model]\nname = "x"\n',
    "ini": "name=x\n",
    "sql": "SELECT * FROM users LIMIT 10;",
    "conflict": "<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> other\n",
    "crlf": SQL.replace("\n", "\r\n"),
    "cr": SQL.replace("\n", "\r"),
    # broken
    "unclosed list": "a: [1, 2\nb: 3\n",
    "unclosed mapping": "a: {b: 1\nc: 3\n",
    "unclosed quote": "a: 'x\nb: 1\n",
    "wrong bracket": "a: [1}\n",
    "closing bracket": "a: ]\n",
    "too many brackets": "{a: 1}}\n",
    "two colons": "a: b: c\n",
    "no colon": "a: 1\nb\nc: 2\n",
    "reserved": "a: @b\nc: `d\n",
    "percent": "a: %b\n",
    "lone anchor": "a: &\n",
    "lone alias": "a: *\n",
    "lone bang": "!\n",
    "lone dash": "-",
    "lone question": "?",
    "lone colon": ":",
    "lone pipe": "|",
    "block header": "a: |99\n  x\n",
    "block zero": "a: |0\n  x\n",
    "block less": "a: |\n  x\n y\n",
    "document end": "a: 1\n...\nb: 2\n",
    "list and mapping": "a: 1\n- b\n",
    "wrong indentation": "a:\n  - 1\n b: 2\n",
    # odd keys
    "null key": "~: 1\n",
    "empty key": ": 1\n",
    "boolean key": "true: 1\nfalse: 2\n",
    "number key": "1: 1\n1.0: 2\n0x1: 3\n",
    "list key": "[a]: b\n",
    "mapping key": "{a: b}: c\n",
    "nested key": "? ? ? a\n",
    "merge key in quotes": "'<<': 1\n",
    "key of itself": "name: {name: {name: x}}\n",
    # wrong shapes everywhere
    **{f"{key} is {value}": f"{SQL}\n".replace(f"{key}:", f"{key}_:") + f"{key}: {value}\n"
       for key in ("name", "connector_id", "query_type", "primary_key", "query", "query_file", "configuration", "id",
                   "lifecycle", "environments", "description")
       for value in ("[]", "{}", "null", "5", "'x'", "[[{}]]", "{prod: 5}", "{prod: {query: []}}")},
    # costly for patterns
    "spaces after limit": query("limit" + " " * 900_000 + "x\n"),
    "many limits": query("limit  " * 100_000 + "x\n"),
    "lines of limit": query("limit\n  " * 100_000),
    "limit and digits": query("limit " + "1" * 900_000 + "x\n"),
    "many inner limits": query("limit 1 " * 100_000 + "x\n"),
    "semicolons": query(";" * 900_000 + "x\n"),
    "comments": query("/*" * 400_000 + ";\n"),
    "stars": query("/*" + "*" * 900_000 + "x;\n"),
    "apostrophes": query("'" * 900_001 + ";\n"),
    "a long table": query("SELECT * FROM " + "a" * 900_000 + " x\n").replace("raw_sql", "table_selector"),
    "quoted tables": query("SELECT * FROM " + '"a' * 400_000 + " x\n").replace("raw_sql", "table_selector"),
    "spaces before a table": query("SELECT" + " " * 900_000 + "x\n").replace("raw_sql", "table_selector"),
    "web tokens": SQL.replace("Active users", "eyJ" * BIG),
    "keys": SQL.replace("Active users", "sk-" * BIG),
    "separate keys": SQL.replace("Active users", "sk-a " * 100_000),
    "private keys": SQL.replace("Active users", "-----BEGIN " * 80_000),
    "asterisks": configuration("{a: '" + "*" * 900_000 + "x'}"),
    "secret keys": configuration("{" + ("api_key_" * 100)[:900] + ": 1}"),
    "secret lines": "a:\n" + "".join(" " * depth + "api_key:\n" for depth in range(1, 90)) + " " * 95 + "no\n",
}  # fmt: skip


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in BY_HAND.items()])
def test_hand_made_files_end_well(raw: str | bytes) -> None:
    """Each hostile file gives problems with places, or a document, within two seconds."""
    told(raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass"))


PIECES: Final = (
    "[", "]", "{", "}", ":", ": ", "- ", "? ", "&a ", "*a", "!x ", "!!int ", "|", ">", "|2-", "'", '"', "\\", "\\0", "#", " #",
    "%", "@", "`", ",", "\n", "\r\n", "\t", " ", "  ", "\0", "\x1b", "\ufeff", "\u2028", "<<: ", "<<: *a\n", "---\n", "...\n",
    "null", "yes", "012", "1e3", ".inf", "limit", "LIMIT 1", ";", "***", "AKIAIOSFODNN7EXAMPLE", "é", "\U0001f600", "\ud800",
    "environments:\n", "  prod:\n", "query_file: a.sql\n", "configuration:\n", "  api_key: x\n",
)  # fmt: skip


def fuzzed(seed: int) -> bytes:
    """A shipped model with pieces put in, taken out, doubled and swapped: the same for the same seed, everywhere."""
    random_ = random.Random(seed)  # noqa: S311 - nothing secret
    texts = sorted(path.read_text("utf-8") for path in (ROOT / "models").rglob("*.yaml"))
    text = random_.choice(texts)
    for _ in range(random_.randint(1, 12)):
        at, end = sorted((random_.randint(0, len(text)), random_.randint(0, len(text))))
        piece = random_.choice(PIECES)
        text = random_.choice(
            (
                text[:at] + piece + text[at:],
                text[:at] + text[end:],
                text[:end] + text[at:],
                text[:at] + piece * 9 + text[end:],
            )
        )[:20_000]
    raw = text.encode("utf-8", "surrogatepass")
    if random_.random() < 0.1:
        at = random_.randint(0, len(raw))
        raw = raw[:at] + bytes([random_.randint(0, 255)]) + raw[at:]
    return raw


@pytest.mark.parametrize("seed", range(200))
def test_fuzzed_files_end_well(seed: int) -> None:
    """Two hundred broken versions of the shipped models give problems with places, or documents."""
    told(fuzzed(seed))


@given(st.binary(max_size=200))
def test_any_bytes_end_well(raw: bytes) -> None:
    """There are no bytes that the loader or a rule stumbles over."""
    told(raw)


@given(st.lists(st.sampled_from(PIECES) | st.sampled_from(["a", "b", "name", "query", "id"]), max_size=30).map("".join))
def test_any_syntax_ends_well(text: str) -> None:
    """Nor is there any mixture of YAML's own signs."""
    told(text.encode("utf-8", "surrogatepass"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["x", "", "raw_sql", "ai_ml", "vector_search", "***", "SYNCER_SECRET_X", "SELECT 1 LIMIT 1", "a.sql"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["prod", "staging", "env", "api_key", "harvesters", "json_schema", "embedding_config", "chunk_config",
                         "chunk_size", "model", "allow", "protect", "ignore_changes", "query", "query_file", "id"]),
        inner, max_size=4,
    ),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), VALUES, min_size=1))
def test_any_shape_ends_well(data: dict[str, Any]) -> None:
    """Nor any value of any shape under any key."""
    told(json.dumps(data).encode())
