"""Model files as text: what is written comes back, and what is revised changes nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from strategies import CONFIGURATIONS, JSON, TEXT

from syncer.desired.loader.events import events
from syncer.desired.loader.parse import parse
from syncer.desired.loader.scalars import Refused, resolve
from syncer.render import modelfile
from syncer.render.modelfile import Edit, Revised, write
from syncer.render.modelfile.reading import MAX_VALUES
from syncer.render.modelfile.scalars import meaning
from syncer.secrets import Secret, SecretRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence


def revise(text: str, edits: Sequence[Edit]) -> Revised:
    return modelfile.revise(text, edits, events)


# -- what both halves are checked by -----------------------------------------------------------------------------


def loaded(text: str) -> Any:
    """What the loader reads, if nothing is wrong with it."""
    data, troubles = parse(text.encode(), {})
    assert troubles == [], text
    return data


def texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from texts(inner, (*path, i))


def exactly(value: Any) -> Any:
    """Comparable so that true isn't 1, and 1 isn't 1.0."""
    if isinstance(value, dict):
        return {key: exactly(inner) for key, inner in value.items()}
    return [exactly(inner) for inner in value] if isinstance(value, list) else (type(value).__name__, value)


def to_the_server(value: Any) -> Any:
    """Comparable so that true isn't 1, but 1 is 1.0."""
    if isinstance(value, dict):
        return {key: to_the_server(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [to_the_server(inner) for inner in value]
    return ("bool", value) if isinstance(value, bool) else value


# -- texts that YAML makes something else of ---------------------------------------------------------------------

WORDS_OF_YAML = """null Null NULL ~ true True FALSE yes Yes NO no on off Off y n Y N = << < > | |- >+ - -- --- ... ? : :: # ## % @ ` & * !
    !! !!str &a *a {} [] { } [ ] {a} [a] , ' " '' "" \\ \\n 1
    -1 +1 0 00 012 08 0o17 0x1f 0X1F 0b1 1_000 1e3 1E3 1.0e3 1e+3 .5 5. +.5
    -.5 . .. .inf -.Inf .NaN +.INF 1:30 190:20:30 1:30.5 2026-01-01 2026-1-1 _ _1 -_ +_ - -1- 1st 1/2 a:b a# #a a#b ?a -a :a %a""".split()  # noqa: SIM905 - read as people read them
NASTY = [
    *WORDS_OF_YAML,
    *(
        "",
        " ",
        "  ",
        " a",
        "a ",
        "a: b",
        "a :b",
        "a #b",
        "- a",
        "? a",
        ": a",
        "--- a",
        "... a",
        "# a",
        "a:",
        "a: ",
        "key: |",
        "-\ta",
    ),
    *(
        "2026-01-01 10:00:00",
        "2001-12-14t21:59:43.10-05:00",
        "2001-12-14 21:59:43.10 -5",
        "%YAML 1.1",
        "{env: X}",
        "it's",
        'say "hi"',
    ),
    *(
        "\n",
        "\n\n",
        "a\n",
        "a\n\n",
        "\na",
        "\n a",
        " \na",
        "a\n b",
        " a\nb",
        "  a\n b\n",
        "a\n ",
        "a\n \n",
        "a \nb ",
        "\ta\nb",
        "a\n\tb",
    ),
    *(
        "a\n#b",
        "# a\nb\n",
        "a\n---\nb",
        "---\na",
        "...\na\n",
        "a\n\n\nb",
        "a\n\n\nb\n\n\n",
        "- a\n- b",
        "a: b\nc: d\n",
        "%a\nb",
        "\n\n\na\n",
    ),
    *(
        "\r",
        "\r\n",
        "a\r\nb",
        "a\r\nb\r\n",
        "a\rb",
        "a\n\rb",
        "\t",
        "a\tb",
        "\ta",
        "a\t",
        "\x01",
        "\x1b[0m",
        "\x7f",
        "\x80",
        "\x9f",
    ),
    *(
        "\x85",
        "a\x85b",
        "\u2028",
        "a\u2028b",
        "a\nb\u2029c",
        "\ufeff",
        "\ufeffa",
        "a\ufeff",
        "a\n\ufeffb",
        "\xa0",
        "\xa0a",
        "a\xa0b",
        "a\xa0",
    ),
    *(
        "é",
        "日本",
        "😀",
        "a\n😀\n",
        "👩\u200d👩",
        "\u202eabc",
        "\ufffe",
        "\uffff",
        "\U0001fffe",
        "\ue000",
        "\xad",
        "\u3000",
        "\u200b",
    ),
    *("x" * 300, "a b " * 80, "long\n" + "x " * 200 + "\n", "k" * 1500, "k: " * 700),
]
SPICE = st.lists(
    st.sampled_from([*NASTY, " ", "\n", "\t", "a", ": ", " #", "'", '"', "\\", "1", ":", "-", ".", "e", "_"]),
    max_size=5,
)
ANY_TEXT = (
    TEXT | st.sampled_from(NASTY) | SPICE.map("".join) | st.text("-:.#0123456789eE+_xob ~'\"\\\n\t ,[]{}", max_size=8)
)
SCALAR = ANY_TEXT | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(ANY_TEXT, VALUES | JSON, max_size=6) | CONFIGURATIONS


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(MAPPINGS)
@example({text: text for text in NASTY})
@example({"l": NASTY, "m": [[text] for text in NASTY], "d": [{text: text} for text in NASTY]})
@example({"deep": [[[[[[[[[[[[[[[[[[[[{"a": [{"b": "x\n y\n"}]}]]]]]]]]]]]]]]]]]]]]})
def test_what_is_written_is_read_back_as_the_same_by_everybody(values: dict[str, Any]) -> None:
    """The law of writing: the loader reads the very values, and both versions of YAML read every text as that text."""
    text = write(values).text

    assert exactly(loaded(text)) == exactly(values)
    everybody = (yaml.safe_load, lambda given: yaml.load(given, yaml.CSafeLoader), YAML(typ="safe", pure=True).load)
    for read in everybody:
        assert list(texts(read(text))) == list(texts(values))


@given(ANY_TEXT, st.sampled_from(["'", '"', "", "|", ">-"]))
def test_a_text_within_brackets_or_quotes_comes_back_too(text: str, style: str) -> None:
    """What replaces a text within brackets, or in any style, is read back as it is."""
    before = {"'": "'a'", '"': '"a"', "": "a", "|": "|\n    a", ">-": ">-\n    a"}[style]
    block = f"k: {before}\nz: 1\n"
    flow = f"f: {{a: [x, {before}, y], b: c}}\n" if style not in {"|", ">-"} else "f: {a: [x, a, y], b: c}\n"

    assert loaded(revise(block, [Edit(("k",), text)]).text) == {"k": text, "z": 1}
    revised = revise(flow, [Edit(("f", "a", 1), text), Edit(("f", text + "!"), text)])
    assert loaded(revised.text) == {"f": {"a": ["x", text, "y"], "b": "c", text + "!": text}}


@given(ANY_TEXT | st.text("-+.0123456789eExobaf_nulNULtrueTRUEfalseyosYOS~<=", max_size=6))
def test_a_plain_scalar_means_what_it_means_to_the_loader(text: str) -> None:
    """This room can't ask the loader, so the two have to say the same of everything that the loader takes."""
    expected = resolve(text)

    assert exactly(meaning(text)) == exactly(text if isinstance(expected, Refused) else expected)


def test_a_new_file_looks_like_one_that_somebody_wrote() -> None:
    """Order as given, blocks for several lines, quotes where they're needed, references in braces, one header."""
    written = write(
        {
            "id": 7,
            "name": "Active users",
            "description": "It's 30 days: no more",
            "connector_id": 1,
            "primary_key": None,
            "query": "SELECT *\nFROM t  -- all\n",
            "configuration": {
                "harvesters": [{"value": "a", "selector": "#x", "preprocess": ""}, {}],
                "none": [],
                "nested": [["a", 1.5], True],
                "ratio": 1e22,
                "on": "off",
                "api_key": SecretRef("SYNCER_SECRET_OPENAI"),
            },
            "environments": {"prod": {"id": 42}},
        },
        header="# yaml-language-server: $schema=../schemas/model.schema.json",
    )

    assert written.sql is None
    assert (
        written.text
        == """\
# yaml-language-server: $schema=../schemas/model.schema.json
id: 7
name: Active users
description: "It's 30 days: no more"
connector_id: 1
primary_key: null
query: |
  SELECT *
  FROM t  -- all
configuration:
  harvesters:
    - value: a
      selector: "#x"
      preprocess: ""
    - {}
  none: []
  nested:
    - - a
      - 1.5
    - true
  ratio: 1.0e+22
  "on": "off"
  api_key: {env: SYNCER_SECRET_OPENAI}
environments:
  prod:
    id: 42
"""
    )


@pytest.mark.parametrize(
    ("query", "sql"),
    [("SELECT 1", "SELECT 1\n"), ("SELECT 1\n\n\n", "SELECT 1\n"), ("", "\n"), (" a\n b\n", " a\n b\n")],
)
def test_a_query_of_its_own_file_ends_in_one_line_end(query: str, sql: str) -> None:
    """`query_file` stands where the query would, and the SQL ends as editors end a file."""
    written = write({"name": "a", "query": query, "primary_key": "id"}, query_file="a.sql")

    assert written.sql == sql
    assert written.text == "name: a\nquery_file: a.sql\nprimary_key: id\n"


@pytest.mark.parametrize("query", ["SELECT 1\r\nFROM t", "a\rb", "\ufeffSELECT 1", None])
def test_a_query_that_no_file_can_carry_stays_in_the_yaml(query: str | None) -> None:
    """The loader reads Windows line ends of an SQL file as others, and takes its mark off: such a query stays here."""
    written = write({"query": query}, query_file="a.sql")

    assert written.sql is None
    assert loaded(written.text) == {"query": query}


@pytest.mark.parametrize(
    "values",
    [
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": 10**400},
        {1: "a"},
        {"a": {1, 2}},
        {"a": Secret("hidden")},
        {"a": object()},
    ],
)
def test_what_no_model_file_can_say_is_refused(values: Any) -> None:
    """Half a character, a number without end, a secret itself: a ValueError, and never a file with something else."""
    with pytest.raises(ValueError, match=r"^(?!.*hidden)"):
        write(values)
    key = next(iter(values))
    edits = [Edit((key,), values[key])]
    assert revise("a: 1\n", edits).text == "a: 1\n"
    assert len(revise("a: 1\n", edits).unplaced) == 1


def test_what_is_too_deep_is_refused() -> None:
    """The loader reads no deeper than the server does."""
    deep: Any = 1
    for _ in range(97):
        deep = [deep]
    assert exactly(loaded(write({"a": deep}).text)) == exactly({"a": deep})
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ValueError, match="deep"):
        write({"a": deep})
    assert "deep" in revise("a: 1\n", [Edit(("a",), deep)]).unplaced[0].reason


def test_a_header_is_a_comment() -> None:
    """What isn't one could be a key."""
    for header in ("name: x", "# a\nname: x", "# a\rname: x"):
        with pytest.raises(ValueError, match="comment"):
            write({}, header=header)
    assert write({}).text == "{}\n"


# -- revising: whole files, before and after ---------------------------------------------------------------------

GOLDENS: dict[str, tuple[str, list[Edit], str]] = {
    "a plain value, its comment and blanks": (
        "# top\nname:   Old name   # said so\n\n\n# end",
        [Edit(("name",), "New name")],
        "# top\nname:   New name   # said so\n\n\n# end",
    ),
    "plain stays plain where it's safe": (
        "a: x\nb: x\nc: x\nd: x\n",
        [Edit(("a",), "y z"), Edit(("b",), "no"), Edit(("c",), "1:30"), Edit(("d",), 'C:\\ "x" # y')],
        'a: y z\nb: "no"\nc: "1:30"\nd: \'C:\\ "x" # y\'\n',
    ),
    "quotes stay": (
        "a: 'x'  # 1\nb: \"x\"  # 2\n'c': 'x'\nd: 'x'\n",
        [Edit(("a",), "it's"), Edit(("b",), 'a "b"\n'), Edit(("c",), "z"), Edit(("d",), "\x1b")],
        "a: 'it''s'  # 1\nb: \"a \\\"b\\\"\\n\"  # 2\n'c': 'z'\nd: \"\\x1b\"\n",
    ),
    "other kinds of values": (
        "a: 'x'\nb: 1\nc:\nd: ~ # t\n",
        [Edit(("a",), 5), Edit(("b",), True), Edit(("c",), 1.5), Edit(("d",), "~")],
        'a: 5\nb: true\nc: 1.5\nd: "~" # t\n',
    ),
    "a block keeps its depth, its header's comment and its end": (
        "query: |   # sql\n     SELECT 1\n     FROM t\n\nname: x\n",
        [Edit(("query",), "SELECT 2\n  FROM t")],
        "query: |   # sql\n     SELECT 2\n       FROM t\n\nname: x\n",
    ),
    "a stripped block stays stripped": (
        "description: |-\n  a\n  b\n",
        [Edit(("description",), "a\nc\n")],
        "description: |-\n  a\n  c\n",
    ),
    "an end that nobody means changes nothing": (
        "query: |\n  a\n\nenvironments:\n  prod:\n    query: |+\n      b\n\n",
        [
            Edit(("query",), "a"),
            Edit(("environments", "prod", "query"), "b\n"),
            Edit(("environments", "prod"), {"query": "b"}),
        ],
        "query: |\n  a\n\nenvironments:\n  prod:\n    query: |+\n      b\n\n",
    ),
    "elsewhere the end is meant": (
        "configuration:\n  q: |\n    a\n  r: |-\n    a\n  s: |\n    a\n",
        [Edit(("configuration",), {"q": "a", "r": "a\n", "s": "b\n\n"})],
        "configuration:\n  q: |-\n    a\n  r: |\n    a\n  s: |+\n    b\n\n",
    ),
    "a folded block becomes a literal one if it has to": (
        "description: >-  # why\n  some\n  text\nname: >\n  a\n  b\n",
        [Edit(("description",), "one\ntwo"), Edit(("name",), "c d\n")],
        "description: |-  # why\n  one\n  two\nname: >\n  c d\n",
    ),
    "a block that YAML can't carry gets quotes": (
        "query: |  # sql\n  SELECT 1\n  FROM t\n# next\nname: x\n",
        [Edit(("query",), "a\r\nb")],
        'query: "a\\r\\nb"  # sql\n# next\nname: x\n',
    ),
    "one line becomes several": (
        "description: old   # why\nquery: 'x'\n",
        [Edit(("description",), "a\nb"), Edit(("query",), "c\nd\n")],
        "description: |-   # why\n  a\n  b\nquery: |\n  c\n  d\n",
    ),
    "a text of several plain or quoted lines": (
        "description: one\n  two # c\nname: 'a\n\n  b' # d\n",
        [Edit(("description",), "x"), Edit(("name",), "y")],
        "description: x # c\nname: 'y' # d\n",
    ),
    "leading blanks get an indicator": (
        "description: |\n  a\nconfiguration:\n    t: |1-\n     x\n",
        [Edit(("description",), "  a\nb"), Edit(("configuration", "t"), " y\nz")],
        "description: |2\n    a\n  b\nconfiguration:\n    t: |1-\n      y\n     z\n",
    ),
    "windows line ends": (
        "# c\r\nname: a # n\r\nquery: |\r\n  x\r\n  y\r\nconfiguration:\r\n  a: 1 # one\r\n  b: 2\r\n",
        [Edit(("name",), "b"), Edit(("query",), "x\nz"), Edit(("configuration",), {"b": 2, "c": {"d": "e\nf\n"}})],
        (
            "# c\r\nname: b # n\r\nquery: |\r\n  x\r\n  z\r\nconfiguration:\r\n  # one\r\n  b: 2\r\n  c:\r\n    d: |\r\n"
            "      e\r\n      f\r\n"
        ),
    ),
    "a mark, directives, document marks": (
        "\ufeff%YAML 1.2 # d\n---  # start\nname: a\n...\n# over\n",
        [Edit(("name",), "b"), Edit(("id",), 3), Edit(("primary_key",), "k")],
        "\ufeff%YAML 1.2 # d\n---  # start\nid: 3\nname: b\nprimary_key: k\n...\n# over\n",
    ),
    "tabs where blanks may stand": (
        "# \tx\na:\tb\t# B\nc\t: 'd\te'\t# D\nq: |\t# Q\n  x\ty\n  \tz\t# no\nl: [1,\t2 ]\t#\tL\n",
        [Edit(("a",), "z"), Edit(("c",), "f\tg"), Edit(("q",), "x\ty\n\tw\t# no\n"), Edit(("l",), [1, 3])],
        '# \tx\na:\tz\t# B\nc\t: "f\\tg"\t# D\nq: |\t# Q\n  x\ty\n  \tw\t# no\nl: [1,\t3 ]\t#\tL\n',
    ),
    "no final line end": (
        "name: a\nconfiguration:\n  a: 1",
        [Edit(("configuration", "b"), 2), Edit(("lifecycle",), {"protect": True})],
        "name: a\nconfiguration:\n  a: 1\n  b: 2\nlifecycle:\n  protect: true",
    ),
    "no final line end, and a block that needs one": (
        "name: a",
        [Edit(("configuration",), {"a": "x\ny\n"})],
        "name: a\nconfiguration:\n  a: |\n    x\n    y\n",
    ),
    "a block without a line end, which nothing can come behind": (
        "name: a\nquery: |\n  SELECT 1",
        [Edit(("configuration",), {"a": 1})],
        "name: a\nconfiguration:\n  a: 1\nquery: |\n  SELECT 1",
    ),
    "new keys at the top stand where people look for them": (
        "# header\n\n# the name\nname: a\n# the query\nquery: |\n  x\n\n# who\nenvironments: {}\n",
        [
            Edit(("primary_key",), "k"),
            Edit(("description",), "d"),
            Edit(("configuration",), {"a": []}),
            Edit(("id",), 1),
        ],
        (
            "# header\n\nid: 1\n# the name\nname: a\ndescription: d\nprimary_key: k\n# the query\nquery: |\n  x\n"
            "configuration:\n  a: []\n\n# who\nenvironments: {}\n"
        ),
    ),
    "an id below the header": ("# header\nname: a\n", [Edit(("id",), 1)], "# header\nid: 1\nname: a\n"),
    "the environments are made as they're needed": (
        "name: a # n\n",
        [Edit(("environments", "prod", "id"), 42), Edit(("environments", "dev", "id"), 1)],
        "name: a # n\nenvironments:\n  prod:\n    id: 42\n  dev:\n    id: 1\n",
    ),
    "into environments that are there": (
        "name: a\nenvironments:   # all\n  dev: {id: 1} # d\n  prod: # p\n  # q\nlifecycle: {}\n",
        [Edit(("environments", "prod", "id"), 42), Edit(("environments", "dev", "connector_id"), 2)],
        "name: a\nenvironments:   # all\n  dev: {id: 1, connector_id: 2} # d\n  prod: # p\n    id: 42\n  # q\nlifecycle: {}\n",
    ),
    "empty brackets open up": (
        "name: a\nenvironments: {} # none\nconfiguration: {h: [], i: [ ]}\n",
        [Edit(("environments", "prod", "id"), 1), Edit(("configuration", "h"), [{"a": 1}])],
        "name: a\nenvironments: # none\n  prod:\n    id: 1\nconfiguration: {h: [{a: 1}], i: [ ]}\n",
    ),
    "what is gone leaves its comments": (
        "configuration:\n  # before\n  a: 1 # one\n\n  # about b\n  b: # two\n    # in b\n    c: 3 # three\n  d: 4\n# end\n",
        [Edit(("configuration",), {"d": 5})],
        "configuration:\n  # before\n  # one\n\n  # about b\n  # two\n  # in b\n  # three\n  d: 5\n# end\n",
    ),
    "all that is gone leaves braces": (
        "configuration: # top\n  # before\n  a: 1 # one\nname: x\n",
        [Edit(("configuration",), {})],
        "configuration: {} # top\n# before\n# one\nname: x\n",
    ),
    "the first key behind a dash goes": (
        "c:\n  - a: 1\n    b: 2\n  - a: 1 # one\n    # b\n    b: 2\n  - a: 1\n    b: 3\n",
        [Edit(("c",), [{"b": 2}, {"b": 4}, {"b": 3, "z": 1}])],
        "c:\n  - b: 2\n  - # one\n    # b\n    b: 4\n  - b: 3\n    z: 1\n",
    ),
    "items come and go": (
        "c:\n- a # A\n- b # B\n# C\n- c\n- d\n",
        [Edit(("c",), ["new", "a", "c", {"x": [1]}, "d", "e"])],
        "c:\n- new\n- a # A\n# B\n# C\n- c\n- x:\n  - 1\n- d\n- e\n",
    ),
    "items in brackets come and go": (
        "c: [a, b, c] # l\nd: {a: 1, b: 2, c: 3}\ne: [\n  a, # A\n  b, # B\n  c # C\n]\n",
        [Edit(("c",), ["b", "x: y", "c", 1]), Edit(("d",), {"b": 2, "d": {"e": []}}), Edit(("e",), ["a", "c", "d"])],
        'c: [b, "x: y", c, 1] # l\nd: {b: 2, d: {e: []}}\n# B\ne: [\n  a, # A\n  c, d # C\n]\n',
    ),
    "a list in brackets becomes something else": (
        "c: [\n  a, # A\n  b\n] # l\nd: x\n",
        [Edit(("c",), "text"), Edit(("d",), ["a"])],
        "# A\nc: text # l\nd:\n  - a\n",
    ),
    "the file's own indentation": (
        "a:\n    b:\n    - 1\n    c:\n        d: 1\n",
        [Edit(("a", "e"), {"f": [{"g": 1}]})],
        "a:\n    b:\n    - 1\n    c:\n        d: 1\n    e:\n        f:\n        - g: 1\n",
    ),
    "an anchor that nobody uses stays": (
        "a: &x 1 # c\nb: &y\n  c: 1\nd: &z [1]\n",
        [Edit(("a",), 2), Edit(("b", "c"), 2), Edit(("d",), "e")],
        "a: &x 2 # c\nb: &y\n  c: 2\nd: &z e\n",
    ),
    "an alias gives way to a value of its own": (
        "a: &x {k: 1}\nb: *x # b\nc: [*x , 2]\nd: *x\n",
        [Edit(("b",), {"k": 2}), Edit(("c", 0), 5), Edit(("d", "k"), 3)],
        "a: &x {k: 1}\nb: # b\n  k: 2\nc: [5 , 2]\nd:\n  k: 3\n",
    ),
    "an own key beside a merge": (
        "x: &x {id: 1, c: {a: 1, b: 2}}\ny:\n  <<: *x # m\n  z: 1\n",
        [Edit(("y", "id"), 2), Edit(("y", "c", "a"), 3)],
        "x: &x {id: 1, c: {a: 1, b: 2}}\ny:\n  <<: *x # m\n  z: 1\n  id: 2\n  c:\n    a: 3\n    b: 2\n",
    ),
    "references stay, change and come": (
        "configuration:\n  a_key: {env: SYNCER_SECRET_A}   # A\n  b_key:\n    env: SYNCER_SECRET_B # B\n  c_key: x # C\n",
        [
            Edit(
                ("configuration",),
                {
                    name: SecretRef(f"SYNCER_SECRET_{v}")
                    for name, v in {"a_key": "A", "b_key": "N", "c_key": "C", "d": "D"}.items()
                },
            )
        ],
        (
            "configuration:\n  a_key: {env: SYNCER_SECRET_A}   # A\n  b_key:\n    env: SYNCER_SECRET_N # B\n"
            "  c_key: {env: SYNCER_SECRET_C} # C\n  d: {env: SYNCER_SECRET_D}\n"
        ),
    ),
    "a mapping becomes a text of several lines": (
        "c:\n  a: # top\n    # in\n    b: 1 # one\n  d: 1\n",
        [Edit(("c", "a"), "x\ny\n")],
        "c:\n  a: | # top\n      x\n      y\n  # in\n  # one\n  d: 1\n".replace("      ", "    "),
    ),
    "a number that is the same stays as it's written": (
        "c:\n  a: 1.0\n  b: 0x10\n  c: [1.50, +1]\n",
        [Edit(("c",), {"a": 1, "b": 16, "c": [1.5, 2]})],
        "c:\n  a: 1.0\n  b: 0x10\n  c: [1.50, 2]\n",
    ),
    "the whole document": ("a: 1 # a\nb: 2 # b\n", [Edit((), {"b": 3, "c": 4})], "# a\nb: 3 # b\nc: 4\n"),
    "a tag goes with what it said": (
        "a: !!str 5 # c\nb: &x !!int 5\nc: !!map\n  d: 1\n",
        [Edit(("a",), 6), Edit(("b",), "z")],
        "a: 6 # c\nb: &x z\nc: !!map\n  d: 1\n",
    ),
    "a tag of somebody's own, and a key without a value": (
        "a: !<tag:x> b\n? c",
        [Edit(("a",), 1), Edit(("n", "o"), "x\ny")],
        'a: 1\n? c\n"n":\n  o: |-\n    x\n    y',
    ),
    "questions": (
        "? a # q\n: 1 # c\n? b\n: c: 1\n  d: 2\n",
        [Edit(("a",), 2), Edit(("b", "d"), 3), Edit(("e",), 4)],
        "? a # q\n: 2 # c\n? b\n: c: 1\n  d: 3\ne: 4\n",
    ),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_a_revised_file_is_what_a_careful_person_would_have_made_of_it(name: str) -> None:
    """Whole files, before and after: nothing but what was asked for has changed."""
    before, edits, after = GOLDENS[name]
    revised = revise(before, edits)

    assert revised.unplaced == ()
    assert revised.text == after
    assert revise(revised.text, edits).text == after
    loaded(revised.text.removeprefix("\ufeff"))


UNPLACED: dict[str, tuple[str, Edit, str]] = {
    "an anchor's value": ("a: &x 1\nb: *x\n", Edit(("a",), 2), "its value is the anchor &x, which line 2 uses, too"),
    "below an anchor": (
        "a: &base\n  k: 1\n\nb: *base\n",
        Edit(("a", "k"), 2),
        "it stands in the anchor &base, which line 4 uses, too",
    ),
    "a merged anchor": (
        "a: &base {k: 1}\nb:\n  <<: *base\n",
        Edit(("a", "new"), 2),
        "its value is the anchor &base, which line 3 uses, too",
    ),
    "around an anchor": (
        "a:\n  k: &x 1\nb: *x\n",
        Edit(("a",), "text"),
        "the anchor &x is in it, which line 3 uses, too",
    ),
    "below a text": ("a: x\n", Edit(("a", "b"), 1), "what stands above it in line 1 has no room for it"),
    "beyond a list": ("a: [1]\n", Edit(("a", 3), 1), "what stands above it in line 1 has no room for it"),
    "the file itself": ("a: 1\n", Edit((), 5), "the file is one value"),
}


PARTLY: dict[str, tuple[str, list[Edit], str, dict[tuple[str, ...], str]]] = {
    "an anchor that would go": (
        "a:\n  k: &x 1\n  l: 2\nb: *x\n",
        [Edit(("a",), {"l": 3})],
        "a:\n  k: &x 1\n  l: 3\nb: *x\n",
        {("a", "k"): "its value is the anchor &x, which line 4 uses, too"},
    ),
    "what a merge gives can't go": (
        "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n",
        [Edit(("b",), {"k": 5})],
        "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 5\n",
        {("b", "l"): "l comes by `<<`, and can't be taken away here alone"},
    ),
    "a shared value within what is edited": (
        "c: # top\n  a: &x # A\n    s: 1 # S\n  # b\n  b: *x # B\n  d: 'q' # D\n",
        [Edit(("c",), {"a": {"s": 2}, "b": {"s": 1}, "d": "r"})],
        "c: # top\n  a: &x # A\n    s: 1 # S\n  # b\n  b: *x # B\n  d: 'r' # D\n",
        {("c", "a", "s"): "it stands in the anchor &x, which line 5 uses, too"},
    ),
    "a shared value that changes for all": (
        "c: # top\n  a: &x # A\n    s: 1 # S\n    t: 2\n  b: *x # B\n  e:\n    <<: [*x ] # E\n    t: 5\n  f: [*x , 1]\n",
        [
            Edit(
                ("c",),
                {"a": {"s": 3, "t": 2}, "b": {"s": 3, "t": 2}, "e": {"s": 3, "t": 5}, "f": [{"s": 3, "t": 2}, 1]},
            )
        ],
        "c: # top\n  a: &x # A\n    s: 3 # S\n    t: 2\n  b: *x # B\n  e:\n    <<: [*x ] # E\n    t: 5\n  f: [*x , 1]\n",
        {},
    ),
    "a shared value that changes twice": (
        "c:\n  a: &x 1 # A\n  b: *x # B\n  d: *x # D\n",
        [Edit(("c",), {"a": 2, "b": 2, "d": 3})],
        "c:\n  a: &x 2 # A\n  b: *x # B\n  d: 3 # D\n",
        {},
    ),
    "a shared key that goes for all": (
        "c:\n  a: &x # A\n    s: 1 # S\n    t: 2\n  b:\n    <<: *x # B\n",
        [Edit(("c",), {"a": {"t": 2}, "b": {"t": 2}})],
        "c:\n  a: &x # A\n    # S\n    t: 2\n  b:\n    <<: *x # B\n",
        {},
    ),
    "fields that share a value": (
        "name: &n A # n\nprimary_key: *n # k\ndescription: &d x # d\nquery: *d # q\n",
        [Edit(("name",), "B"), Edit(("primary_key",), "B"), Edit(("description",), "z")],
        "name: &n B # n\nprimary_key: *n # k\ndescription: &d x # d\nquery: *d # q\n",
        {("description",): "its value is the anchor &d, which line 4 uses, too"},
    ),
    "an alias that frees its anchor": (
        "c: {a: &x 1, b: *x , d: &y 1, e: *y }\n",
        [Edit(("c",), {"a": 2, "b": 3, "d": 2, "e": 1})],
        "c: {a: &x 2, b: 3 , d: &y 1, e: *y }\n",
        {("c", "d"): "its value is the anchor &y, which line 1 uses, too"},
    ),
}


@pytest.mark.parametrize("name", PARTLY)
def test_what_has_a_place_is_placed_and_the_rest_is_named(name: str) -> None:
    """Each part of an edit is placed for itself: what others share stays, or changes for all that shall change alike."""
    text, edits, after, reasons = PARTLY[name]
    revised = revise(text, edits)

    assert revised.text == after
    assert {one.path: one.reason for one in revised.unplaced} == reasons


@pytest.mark.parametrize("name", UNPLACED)
def test_what_would_change_more_is_reported(name: str) -> None:
    """The edit is told with the reason, the text stays, and the next edit is made all the same."""
    text, edit, reason = UNPLACED[name]
    revised = revise(text, [edit, Edit(("zz",), 1)])

    assert [(one.path, one.reason) for one in revised.unplaced] == [(edit.path, reason)]
    assert revised.text == f"{text}zz: 1\n"


BROKEN = [
    "",
    "\n",
    "# nothing\n",
    "a",
    "- a\n",
    "a: [\n",
    "a: 1\na: 2\n",
    "a: 1\n---\nb: 2\n",
    "a: *b\n",
    "a: &a [*a]\n",
    "a: &a\n  b: *a\n",
    "a: &x 1\nb: &x 2\n",
    "? [a]\n: 1\n",
    "[a]: 1\n",
    "a: \x01\n",
    "a: b\u2028c: d\n",
    "a: \ud800\n",
    'a: "\\UFFFFFFFF"\n',
    "a: <<\n<<: 1\n",
    "<<: {a: 1}\n<<: {b: 1}\n",
    "a: " + "[" * 5000,
    "a: " + "[" * 5000 + "]" * 5000,
    "a: &a [x]\n" + "".join(f"b{i}: &b{i} [{', '.join(['*a' if not i else f'*b{i - 1}'] * 9)}]\n" for i in range(20)),
    "a: &a " + "[" * 90 + "]" * 90 + "\nb: &b " + "[" * 90 + "*a" + "]" * 90 + "\nc: " + "[" * 90 + "*b" + "]" * 90,
    "a: [" + "1," * (MAX_VALUES + 1) + "]\n",
    "%FOO\n---\n%",
    "\t\ta: 1",
    "a: |99\n x",
    "a: b: c",
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_a_file_that_makes_no_sense_is_left_as_it_is(text: str) -> None:
    """Nothing is raised, nothing hangs, nothing is written: every edit is reported, with what is wrong with the file."""
    paths: list[tuple[str, ...]] = [("a",), ("n", "o")]
    revised = revise(text, [Edit(path, "x\ny") for path in paths])

    assert revised.text == text
    assert [one.path for one in revised.unplaced] == paths
    assert all(one.reason.startswith("the file can't be revised: ") for one in revised.unplaced)


def test_a_path_without_end_is_reported() -> None:
    """Whatever the caller asks for, nothing is raised."""
    for path in (("a",) * 5000, ("\ud800",), ("b", -1), (0,)):
        assert len(revise("a: {}\nb: []\n", [Edit(path, 1)]).unplaced) == 1


def test_a_large_file_takes_no_longer_than_reading_it_does() -> None:
    """Every item of thousands changes at once, each with its comment, in one pass."""
    before = "l:\n" + "".join(f"  - x{i} # {i}\n" for i in range(3000))
    revised = revise(before, [Edit(("l",), [f"y{i}" for i in range(3000)])])

    assert revised.text == before.replace("x", "y")


def test_one_bad_edit_spoils_no_other() -> None:
    """Edits are made one after the other, and each from what stands."""
    revised = revise(
        "a: &x 1\nb: *x\n",
        [Edit(("a",), 2), Edit(("b",), 3), Edit(("a",), 4), Edit(("c", "d"), 1), Edit(("c", "d"), 5)],
    )

    assert revised.text == "a: &x 4\nb: 3\nc:\n  d: 5\n"
    assert [one.path for one in revised.unplaced] == [("a",)]


# -- revising: the laws ------------------------------------------------------------------------------------------

CORPUS = [
    """\
# yaml-language-server: $schema=x #c0
name: Old  # c1

description: >-   # c2
  folded
  text

# c3
connector_id: 1
query: |   # c4
    SELECT 1   -- # no comment
    FROM t

    WHERE x

configuration:   # c5
  # c6
  chunk_size: 1000 # c7
  harvesters:
    - value: 'a'   # c8
      method: "dom"
    # c9
    - {value: b, method: dom}   # c10
  a:
  - x # c11
  -   y
  -
    z: 1
    # c12
    y: 2

  b: {a: 1, "b": [1, 'two', {c: d}]} # c13
# c14
environments:
  prod: {id: 4}
  dev: # c15
    id: 7
# c16
""",
    """\
--- # c0
"name": 'it''s' # c1
query_type: raw_sql
configuration: {a: [1, 2, # c2
    3], b: {x: y, # c3
    z: w}, # c4
  chunk_size: "1", api_key: {env: SYNCER_SECRET_A}}
# c5
lifecycle: # c6

  # c7

  ignore_changes: [description]   # c8
  allow:
  # c9
  - primary_key # c10

  # c11
... # c12
""",
    """\
base: &base # c0
  connector_id: 4 # c1
  configuration: &conf
    a: 1 # c2
    b: [x, &item y, *item ]
    harvesters: &h
      - - 1 # c3
        - 2
      - - - q
          - r # c4
        -
          - s
name: &name Old # c5
description: "two
  lines # no comment" # c6
environments:
  prod:
    <<: *base # c7
    id: 1
  dev:
    <<: [*base , {query: z}] # c8
    configuration: # c9
      <<: *conf
      c: *h # c10
      a: *name # c11
      d: &free
        text: |+ # c12
          keep


        # c13
        e: 1""",
    """\
name:
  # c0
  Old
  name # c1
description: |2-
   indented # no comment
  text
a : ! 'x' # c2
b: !!str 5 # c3
configuration:
     a: # c4
         # c5
         x:
               - 1 # c6

               - deep: "q" # c7

                 text: |

                   first blank
                     more  \n
                 c: >+
                   folded


     chunk_size: ~ # c8
     "0": null
     x.y: # c9
     b:
     - {} # c10
     - []
query: SELECT 1 # c11
""",
]
COMMENT = re.compile(r"# ?c[0-9]+\b|#c0")

WORDS = st.sampled_from(
    [
        "new",
        "a b",
        "two\nlines",
        "x\ny\n",
        " lead\nz\n",
        "end\n\n",
        "yes",
        "12",
        "# no",
        "a: b",
        "it's",
        "",
        "é\t",
        "q\r\nr",
    ]
)
LEAVES = WORDS | ANY_TEXT | st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9)
NAMES = st.sampled_from(["a", "b", "x", "id", "chunk_size", "harvesters", "new key", "on", "0", "d", "value", "query"])
TREES = st.recursive(
    LEAVES, lambda one: st.lists(one, max_size=4) | st.dictionaries(NAMES, one, max_size=4), max_leaves=6
)
TOP = [
    "id",
    "name",
    "description",
    "connector",
    "primary_key",
    "query",
    "configuration",
    "lifecycle",
    "environments",
    "zz",
]


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with something in it changed, gone or new; or another one."""
    kind = draw(st.integers(0, 9))
    if isinstance(value, dict) and value and kind > 1:
        copied = dict(value)
        key = draw(st.sampled_from(sorted(copied)))
        if kind in (2, 3):
            del copied[key]
        elif kind == 4:
            copied[draw(NAMES)] = draw(TREES)
        else:
            copied[key] = draw(changed(copied[key]))
        return copied if kind % 2 else draw(changed(copied))
    if isinstance(value, list) and value and kind > 1:
        items = list(value)
        index = draw(st.integers(0, len(items) - 1))
        if kind in (2, 3):
            del items[index]
        elif kind in (4, 5):
            items.insert(draw(st.integers(0, len(items))), draw(TREES))
        else:
            items[index] = draw(changed(items[index]))
        return items if kind % 2 else draw(changed(items))
    return draw(TREES)


def steps(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from steps(inner, (*path, key))


def separate(data: Any) -> Any:
    """A copy in which nothing is shared, as the loader's aliases are."""
    return json.loads(json.dumps(data))


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> tuple[Edit, Any]:
    """An edit of the text, and the data that the text has after it."""
    data = loaded(text)
    paths = list(steps(data))[1:]
    path = draw(st.sampled_from(paths))
    if draw(st.integers(0, 3)) == 0:
        others = [("environments", "qa", "id"), ("environments", "dev", "id")]
        environments = data.get("environments") or {}
        has_room = isinstance(environments, dict) and isinstance(environments.get("dev") or {}, dict)
        path = draw(st.sampled_from([*((name,) for name in TOP), *(others if has_room else [])]))
    expected = separate(data)
    at: Any = expected
    for key in path[:-1]:
        if isinstance(at, dict) and at.get(key) is None:
            at[key] = {}
        at = at[key]
    old = at.get(path[-1]) if isinstance(at, dict) else at[path[-1]]
    value = draw(changed(old))
    at[path[-1]] = value
    return Edit(path, value), expected


def without_ends(data: Any) -> Any:
    """The data without the line ends at the end of queries and descriptions, which are nobody's."""
    data = separate(data)
    environments = data.get("environments")
    places = [data, *(environments.values() if isinstance(environments, dict) else ())]
    for place in places:
        for field in ("query", "description"):
            if isinstance(place, dict) and isinstance(place.get(field), str):
                place[field] = re.sub(r"(?:\r?\n)+\Z", "", place[field])
    return to_the_server(data)


def put_back(data: Any, former: Any, path: tuple[Any, ...]) -> None:
    """Let the data say again what it formerly said at a path; the mapping or list that it's in is there."""
    *above, last = path
    for key in above:
        data = data[key] if isinstance(data, list) else data.setdefault(key, {})
        former = former[key] if isinstance(former, list) else former.get(key, {})
    if isinstance(former, dict) and last not in former:
        del data[last]
    else:
        data[last] = separate(former[last])


def around(text: str, key: str) -> tuple[str, str]:
    """What stands in the text before the line of a key at the top, and from the next key on."""
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    starts = [text.rfind("\n", 0, one.start_mark.index) + 1 for one, _ in root.value]
    index = next(i for i, (one, _) in enumerate(root.value) if one.value == key)
    return text[: starts[index]], text[starts[index + 1] :] if index + 1 < len(starts) else ""


@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_a_revision_changes_what_was_asked_for_and_nothing_else(number: int) -> None:
    """The law of revising: the loader reads the data with the new value in it, and the rest stays.

    Every comment is there once, and what stands above and below the key at the top is the same, byte for byte.
    """
    placed = [0, 0]

    @settings(max_examples=35, suppress_health_check=list(HealthCheck))
    @given(st.data(), st.booleans())
    def law(data: st.DataObject, crlf: bool) -> None:  # noqa: FBT001
        text = original = CORPUS[number].replace("\n", "\r\n") if crlf else CORPUS[number]
        for _ in range(2):
            edit, expected = data.draw(edits_of(text))
            revised = revise(text, [edit])
            placed[1] += 1
            placed[0] += not revised.unplaced
            for one in revised.unplaced:
                assert one.path[: len(edit.path)] == edit.path
                put_back(expected, loaded(text), one.path)
            assert without_ends(loaded(revised.text)) == without_ends(expected), revised.text
            assert sorted(COMMENT.findall(revised.text)) == sorted(COMMENT.findall(original))
            if "\n" in original.replace("\r\n", ""):
                assert "\r" not in re.sub(r"\r\n", "", revised.text)
            if crlf:
                assert "\n" not in revised.text.replace("\r\n", "")
            if edit.path[0] in loaded(text):
                above, below = around(text, str(edit.path[0]))
                assert revised.text.startswith(above)
                assert revised.text.endswith(below)
            text = revised.text

    law()
    # Anchors that others use are reported; nearly everything else has a place.
    assert placed[0] > placed[1] * (0.4 if "&base" in CORPUS[number] else 0.97), placed


# A model file, put together of stretches. Before each line's `|` is the place that it says; `^`: it changes only if that
# whole place goes. A comment that ends in `#` gets a number of its own.
SHARED = {
    "map": ["|  # around #", "d^|  d: &d #", "d/size|    size: 1   #", "d/text|    text: 'q'  #", "d^|    #"],
    "brackets": ["d|  d: &d {size: 1, text: q} #"],
    "text": ["d|  d: &d plain  text #"],
    "list": ["d^|  d: &d  #", "d/0|  - x #", "d^|  #", "d/1|  - 'y' #"],
    "nothing": [],
}
STRETCHES = {
    "alias": ["|  #", "a|  a: *d   #"],
    "aliases": ["a|  a: {in: [1, *d ], z: *d } #"],
    "merge": ["m^|  m: #", "m^|    <<: *d #", "m^|    #", "m/text|    text: own #", "m/more|    more: 0x10\t#"],
    "merges": ["m|  m: {<<: [*d , {more: 1}], text: x} #"],
    "numbers": ["|", "n|  n: 1.0 #", "x.y|  x.y:   2   #", "o|  'o': -1 #"],
    "words": ["s|  s: 'it''s' #", "|  #", 't|  t: "a\\tb" #', "u|  u: plain text\t#", "v|  v: ~ #", "w|  w: #"],
    "block": ["b|  b: |2-   #", "b|      SELECT 1  # no comment", "b|", "b|    FROM t", "|  #", "|"],
    "folded": ["b|  b: >+ #", "b|    some", "b|    words", "b|", "|  #"],
    "lines": ["p|  p: one", "p|    two", "p|   three #", "q|  q: 'one", "q|", "q|    two' #"],
    "nested": ["h^|  h: #", "h^|  - k: #", "h/0/k/e|      e: 1 #", "h^|    #", "h/0/l|    l: [a, {b: c}] #", "h/1|  -   2 #"],
    "open": ["f|  f: [a, #", "f|   'b', {c: 1, #", "f|   d: 2} #", "f|  ] #"],
    "secret": ["api_key|  api_key: {env: SYNCER_SECRET_A}   #"],
}  # fmt: skip
TABLES = {
    "nothing": [],
    "all": ["|  dev:", "|    configuration: *c #"],
    "more": ["|  dev: #", "|    #", "|    configuration:", "|      <<: *c #", "|      own: 1 #"],
    "own": ["|  dev: {configuration: {n: 1.0}, description: 'theirs'} #"],
}
NUMBERED = re.compile(r"# c[0-9]+")


def lines_of(shared: str, stretches: Collection[str], table: str) -> list[tuple[tuple[str, ...], str]]:
    """The lines of a file, each with the place that it says; without one it says nothing that can change."""
    anchor = "&c " if table in {"all", "more"} else ""
    head = ["|# about #", "|--- #", "name|'name': n   #", "description|description: >- #", "description|  a", "|#"]
    inner = [*SHARED[shared], *(line for one in stretches for line in STRETCHES[one])]
    raw = [*head, f"|configuration: {anchor}#", *(f"configuration/{line}"[14 * (line[0] == "|") :] for line in inner)]
    raw += ["|environments: #", *TABLES[table], "|# end #"] if TABLES[table] else []
    lines = [line.split("|", 1) for line in raw]
    return [
        (tuple(filter(None, place.split("/"))), re.sub(r"#\Z", f"# c{number}", text))
        for number, (place, text) in enumerate(lines)
    ]


@st.composite
def goals(draw: st.DrawFn, data: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str | int, ...]]]:
    """What the top of a file shall say, and the places that change: scalars, alone or all alike; keys go and come."""
    goal, places = separate(data), []
    leaves = [path for path in steps(goal) if path[:1] != ("environments",) and is_leaf(found(goal, path))]
    for path in draw(st.lists(st.sampled_from(leaves), max_size=3, unique=True)):
        old, new = found(data, path), draw(WORDS | st.integers(-5, 5) | st.booleans() | st.just(0.5))
        alike = draw(st.booleans()) and len(path) > 1
        for other in leaves if alike else [path]:
            if other == path or (len(other) > 1 and exactly(found(data, other)) == exactly(old)):
                found(goal, other[:-1])[other[-1]] = new
                places.append(other)
    configuration = goal["configuration"]
    if draw(st.booleans()) and len(configuration) > 1:
        key = draw(st.sampled_from(sorted(configuration)))
        del configuration[key]
        places.append(("configuration", key))
    if draw(st.booleans()):
        configuration["new"] = draw(TREES)
        places.append(("configuration", "new"))
    return goal, places


def is_leaf(value: Any) -> bool:
    return not isinstance(value, dict | list) or not value


def found(data: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        data = data[key]
    return data


def test_byte_for_byte() -> None:
    """The law of adopting: what doesn't change stays, in its order, with its comments, and where others share it, too.

    The fields are revised as an import revises them. What has no place is named, and says what it said.
    """
    counts = Counter[str]()

    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    @given(
        st.data(),
        st.sampled_from(list(SHARED)),
        st.sampled_from(list(TABLES)),
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from(["", "\ufeff"]),
        st.booleans(),
    )
    def law(data: st.DataObject, shared: str, table: str, end: str, mark: str, is_closed: bool) -> None:  # noqa: FBT001
        fits = st.sampled_from([name for name in STRETCHES if fit(name, shared)])
        stretches = data.draw(st.lists(fits, min_size=1, max_size=4, unique_by=first_key))
        lines = lines_of(shared, stretches, table)
        text = mark + end.join(line for _, line in lines) + end * is_closed
        before = loaded(text.removeprefix("\ufeff"))
        goal, places = data.draw(goals(before))
        revised = revise(text, [Edit((field,), goal[field]) for field in ("configuration", "description", "name")])

        for one in revised.unplaced:
            put_back(goal, before, one.path)
        if shared == "nothing" and table in {"nothing", "own"}:
            counts["places"] += len(places)
            counts["unplaced"] += len(revised.unplaced)
        after = revised.text.removeprefix("\ufeff")
        assert without_ends(loaded(after)) == without_ends(goal), revised.text
        assert revised.text.startswith(mark)
        assert NUMBERED.findall(after) == NUMBERED.findall(text), revised.text
        assert end == "\n" or "\n" not in after.replace("\r\n", "")
        touched = [tuple(map(str, path)) for path in places]
        rest = iter(after.split(end))
        missing = [
            line for place, line in lines if not any(may_change(place, path) for path in touched) and line not in rest
        ]
        assert missing == [], revised.text
        assert places or revised.text == text

    law()
    assert counts["unplaced"] <= counts["places"] * 0.02, counts


def fit(stretch: str, shared: str) -> bool:
    """Whether a stretch can be in a file in which that is what it may share."""
    text = str(STRETCHES[stretch])
    return (shared != "nothing" or "*d" not in text) and (shared in {"map", "brackets"} or "<<" not in text)


def first_key(stretch: str) -> str:
    """By which stretches are told apart that say the same key."""
    return next(line.split("|")[0].strip("^") for line in STRETCHES[stretch] if line[0] != "|")


def may_change(place: tuple[str, ...], changed: tuple[str, ...]) -> bool:
    """Whether a line that says the one may look otherwise where the other changes."""
    if place[-1:] and place[-1].endswith("^"):
        return changed == (*place[:-1], place[-1][:-1])
    depth = min(len(place), len(changed))
    return bool(place) and place[:depth] == changed[:depth]


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(["a: 1\n", "b:\n", "  c: x\n", "  - y\n", "- z\n", "&x ", "*x", "<<: *x\n", "{", "}", "[", "]", ",", "? ", ": ", "# c\n", "|\n", "  |2-\n", "'", '"', "\t", "\r\n", "---\n", "...\n", "!!str ", "%YAML 1.1\n", "\x85", "\ufeff", "k: &x\n"]), max_size=14).map("".join),
    st.sampled_from([("a",), ("b", "c"), ("k",), ("new",), ("b", 0), ()]),
    TREES,
)  # fmt: skip
def test_no_text_makes_it_raise(text: str, path: tuple[str | int, ...], value: Any) -> None:
    """Files come from strangers: whatever they hold, an edit is made or reported; with libyaml as without."""
    revised = revise(text, [Edit(path, value)])

    assert revised.text == text or not revised.unplaced
    if "\t" not in text:  # where tabs may stand, the two parsers differ
        assert modelfile.revise(text, [Edit(path, value)], lambda given: events(given, yaml.SafeLoader)) == revised
