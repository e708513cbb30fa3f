"""The parse cache gives what parsing would give, for the same text under the same code and rules, or nothing at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders import FakeApi, live
from hypothesis import given, settings
from hypothesis import strategies as st
from played import CONNECTORS, Played

from syncer.desired import loader
from syncer.desired.loader import parse_cache
from syncer.desired.loader.defaults import said
from syncer.desired.loader.parse import parse
from syncer.desired.loader.parse_cache import ParseCache
from syncer.desired.loader.positions import YamlMarks
from syncer.model import Document

MODEL = """\
name: {name}
query_type: raw_sql
connector_id: 1
primary_key: user_id
query: |
  SELECT user_id FROM users
configuration: {{score: 1.0, tiny: -0.0, large: 123456789012345678901234567890, words: [é, "\\u2028", true]}}
"""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of files is worth keeping."""
    monkeypatch.setattr(parse_cache, "_FEWEST", 1)


def written(root: Path, *names: str) -> Path:
    """A repository with a model file of each name."""
    (root / "models").mkdir(exist_ok=True)
    for name in names:
        (root / "models" / f"{name}.yaml").write_text(MODEL.format(name=name))
    return root


def kept(file: Path, loaded: loader.Loaded, rules: str = "") -> None:
    content = ParseCache(file, rules).renewed(loaded.documents, loaded.known)
    assert content is not None
    file.write_bytes(content)


def test_a_known_text_is_not_parsed_and_means_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cache tells is what parsing told, to the type of each value; places are found in the file all the same.

    The file may stand elsewhere by now: what counts is its text.
    """
    root, file = written(tmp_path, "a", "b"), tmp_path / "cache"
    first = loader.load(root)
    kept(file, first)
    (root / "models" / "b.yaml").rename(root / "models" / "c.yaml")
    parsed = loader.load(root)

    def never(*_: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr("syncer.desired.loader.parse.parse", never)
    again = loader.load(root, cache=ParseCache(file, ""))
    assert {*again.known} == {"models/a.yaml", "models/c.yaml"}
    assert [(one.address, one.path) for one in again.documents] == [("a", "models/a.yaml"), ("c", "models/c.yaml")]
    assert repr([one.data for one in again.documents]) == repr([one.data for one in parsed.documents])
    assert again.documents[0].origin(("configuration", "words", 1)) == first.documents[0].origin(
        ("configuration", "words", 1)
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), values, min_size=1, max_size=4))
@settings(max_examples=150)
def test_what_is_kept_is_what_was_parsed(data: dict[str, object]) -> None:
    """Law: for every text that can be parsed the cache gives the same values, of the same types, in the same order."""
    raw = json.dumps(data).encode()
    meant, troubles = parse(raw, {})
    if meant is None or troubles:
        return
    cache = ParseCache(Path(os.devnull), "")
    content = cache.renewed([Document("a", "models/a.yaml", meant, YamlMarks(raw))], {})
    assert content is not None
    cache._known = json.loads(content.partition(b"\n")[2])
    found = cache.find(raw)
    assert found is not None
    assert repr(found[1]) == repr(meant)
    assert cache.find(raw + b" ") is None


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"{}",
        b"\xff\n\xff",
        b"another head\n{}",
        None,
    ],
    ids=["empty", "one line", "no text", "another head", "not there"],
)
def test_what_is_no_cache_is_an_empty_one(tmp_path: Path, spoilt: bytes | None) -> None:
    """A file that is damaged, foreign, cut short or missing tells nothing, and breaks nothing."""
    root, file = written(tmp_path, "a"), tmp_path / "cache"
    if spoilt is not None:
        file.write_bytes(spoilt)
    loaded = loader.load(root, cache=ParseCache(file, ""))
    assert not loaded.known
    assert [one.data["name"] for one in loaded.documents] == ["a"]


def test_damage_behind_the_head_is_an_empty_cache(tmp_path: Path) -> None:
    """The right head with half of the rest, with a list, or with a value that is no mapping, tells nothing."""
    root, file = written(tmp_path, "a"), tmp_path / "cache"
    kept(file, loader.load(root))
    head, _, body = file.read_bytes().partition(b"\n")
    name = next(iter(json.loads(body)))
    for wrong in (body[:-9], b"[]", json.dumps({name: [1]}).encode(), b"[" * 100_000):
        file.write_bytes(head + b"\n" + wrong)
        assert not loader.load(root, cache=ParseCache(file, "")).known


def test_other_rules_or_other_code_make_it_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that passed other rules, or were read by other code, are read and checked again."""
    root, file = written(tmp_path, "a"), tmp_path / "cache"
    kept(file, loader.load(root), "prod")
    assert ParseCache(file, "prod").find((root / "models" / "a.yaml").read_bytes()) is not None
    assert not loader.load(root, cache=ParseCache(file, "prod\nstaging")).known
    monkeypatch.setattr(parse_cache, "_sources", lambda: iter(["another day"]))
    assert not loader.load(root, cache=ParseCache(file, "prod")).known


def test_all_code_that_judges_a_file_counts() -> None:
    """Whatever the loader and the rules import of this package is among the code whose change empties the cache."""
    lines = (
        "import sys, syncer",
        "before = {*sys.modules}",
        "from syncer.desired.loader import parse",
        "from syncer.desired import validate",
        "print(*(one.__file__ for name, one in sys.modules.items() if name[:7] == 'syncer.' and name not in before))",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    sources = {one.rsplit(" ", 2)[0] for one in parse_cache._sources()}
    assert {*done.stdout.split()} <= sources


def test_what_a_text_inherits_is_told_from_the_text(tmp_path: Path) -> None:
    """A text whose end looks like what another one inherits is another text, and isn't known."""
    root, file = written(tmp_path, "a"), tmp_path / "cache"
    (root / "models" / "_defaults.yaml").write_text("description: all\n")
    loaded = loader.load(root)
    kept(file, loaded)
    raw, inherited = (root / "models" / "a.yaml").read_bytes(), said(loaded.documents[0].inherited)
    assert ParseCache(file, "").find(raw, inherited) is not None
    assert ParseCache(file, "").find(raw + inherited.encode()) is None


def test_a_file_that_changed_since_has_no_places(tmp_path: Path) -> None:
    """Places are those of the text that was taken: of another one they would be wrong, so line 1 stands for them."""
    root, file = written(tmp_path, "a"), tmp_path / "cache"
    kept(file, loader.load(root))
    known = loader.load(root, cache=ParseCache(file, "")).documents[0]
    assert known.origin(("query",)).line == 5
    (root / "models" / "a.yaml").write_text("# a line more\n" + MODEL.format(name="a"))
    assert (known.origin(("query",)).line, loader.content(known)) == (1, b"")


def test_a_plan_with_the_cache_is_the_plan_without(tmp_path: Path, state_root: Path) -> None:
    """Output and code are the same at first, again, after an edit and with a problem; only flawless files are kept.

    In CI nothing is kept, and a state folder that can't be used stops nobody.
    """
    played = Played(tmp_path, FakeApi([live(number, name=f"m{number}") for number in (1, 2)], CONNECTORS))
    played.variables["CI"] = "true"
    for number in (1, 2):
        played.write(f"models/m{number}.yaml", MODEL.format(name=f"m{number}"))
    without = played.run("plan")
    assert without.code == 0
    assert not [*state_root.rglob("parse_cache.json")]
    del played.variables["CI"]
    assert [played.run("plan"), played.run("plan")] == [without, without]
    (file,) = state_root.rglob("parse_cache.json")
    assert (file.stat().st_mode & 0o777, file.read_bytes().count(b'"name"')) == (0o600, 2)

    played.write("models/m2.yaml", MODEL.format(name="m2").replace("raw_sql", "raw_sq"))
    wrong = played.run("plan")
    assert wrong.code == 1
    assert played.run("plan") == wrong
    assert file.read_bytes().count(b'"name"') == 1
    state_root.chmod(0o777)
    assert played.run("plan") == wrong
