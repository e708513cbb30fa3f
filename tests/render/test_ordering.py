"""`fmt`: keys in the documented order; nothing else moves, nothing is lost, and what isn't certain is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import FakeApi
from hypothesis import given
from hypothesis import strategies as st
from played import Played

from syncer.desired.loader.events import events
from syncer.desired.loader.parse import parse
from syncer.render.modelfile import ordered
from syncer.render.modelfile.splicing import ORDER

if TYPE_CHECKING:
    from pathlib import Path

_VALUES = (
    " text", ' "in quotes: # no comment"', " 'x'  # behind", " |\n  SELECT 1 -- # no comment\n\n  FROM x",
    " |-\n    deep\n      deeper\n\n", " |+\n  kept\n\n", " >\n  folded\n  text\n", " {a: 1, b: [x, y]}", "\n  - one\n  # between\n  - two",
    "\n  inner: 1 # behind\n\n  other: {x: y}", " # empty", "", " plain\n  goes on", " 12", ' "a\\\n  b"', "  # behind\n  value",
)  # fmt: skip
_GAPS = ("", "", "\n", "# above\n", "\n# above\n", "# away\n\n", "#\n# two\n", "  # set in\n", "\n\n")
_HEADS = (
    "",
    "---\n",
    "# head\n\n",
    "# yaml-language-server: $schema=x.json\n",
    "# yaml-language-server: $schema=x\n# a\n",
)


@st.composite
def _files(draw: st.DrawFn) -> str:
    keys = draw(st.lists(st.sampled_from((*ORDER[:-2], "unknown", "odd")), min_size=1, unique=True))
    entries = [draw(st.sampled_from(_GAPS)) + key + ":" + draw(st.sampled_from(_VALUES)) for key in keys]
    if draw(st.booleans()):
        inner = draw(st.lists(st.sampled_from(("id", "name", "query", "connector")), min_size=1, unique=True))
        lines = [draw(st.sampled_from(("", "    # own\n", "\n"))) + f"    {key}: {n}" for n, key in enumerate(inner)]
        place = draw(st.integers(0, len(entries)))
        entries.insert(place, "environments:\n  prod:\n" + "\n".join(lines) + "\n  staging: {name: s, id: 1}")
    text = (
        draw(st.sampled_from(_HEADS)) + "\n".join(entries) + draw(st.sampled_from(("", "\n", "\n\n# end\n", "\n# end")))
    )
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def _read(text: str) -> tuple[Any, list[str]]:
    data, troubles = parse(text.encode(), {})
    return data, [trouble.rule for trouble in troubles]


def _exactly(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exactly(inner) for key, inner in value.items()}
    return [_exactly(inner) for inner in value] if isinstance(value, list) else (type(value).__name__, value)


@given(_files())
def test_what_is_put_in_order_means_the_same(text: str) -> None:
    """Equal values, the same lines, so the same comments; in order; and once more nothing changes."""
    data, troubles = _read(text)
    found = ordered(text, events)
    if found.reason:
        assert found.text == text
        return
    assert _exactly(_read(found.text)[0]) == _exactly(data)
    assert _read(found.text)[1] == troubles
    assert sorted(found.text.splitlines()) == sorted(text.splitlines())
    ranks = [ORDER.index(key) if key in ORDER else len(ORDER) for key in _read(found.text)[0] or ()]
    assert ranks == sorted(ranks)
    assert ordered(found.text, events) == found


MIXED = """\
# yaml-language-server: $schema=../schemas/model.schema.json
# Whose it is.

query: |
  SELECT user_id   # no comment

  FROM users

# The name in the UI.
name: Active users   # behind
environments:
  # first
  prod:
    name: Live
    # pinned
    id: 42
only: [prod]
query_type: raw_sql
# the end
"""
ORDERED = """\
# yaml-language-server: $schema=../schemas/model.schema.json
# Whose it is.

# The name in the UI.
name: Active users   # behind
query_type: raw_sql
query: |
  SELECT user_id   # no comment

  FROM users

environments:
  # first
  prod:
    # pinned
    id: 42
    name: Live
only: [prod]
# the end
"""


def test_comments_go_with_their_keys() -> None:
    """A head and an end stay; what stands directly above a key, and behind it, goes with it."""
    assert ordered(MIXED, events) == (ORDERED, "")


def test_a_comment_that_is_set_in_further_stays_with_what_is_above() -> None:
    """It belongs to the block there, such as an environment that is commented out."""
    above = "environments:\n  prod:\n    id: 42\n  # staging:\n  #   id: 7\n"
    name, query = "# of it\nname: x\n  # still\n", "query: y\n  # and here\n"
    assert ordered(f"{above}{query}{name}# the end\n", events).text == f"{name}{query}{above}# the end\n"


@pytest.mark.parametrize(
    "text",
    [
        "query: &a x\nname: *a\n", "b: &a x\nid: 1\n", "query: x\n<<: {name: y}\n", "query: !!str x\nname: y\n",
        "\ufeffquery: x\nname: y\n", "query: x\r\nname: y\n", "query: x\nname: y\nname: z\n", "query: [\n", "- x\n",
        "query: x\n---\nname: y\n", "? query\n: x\n? name\n: y\n",
    ],
)  # fmt: skip
def test_what_is_not_certain_is_left_alone(text: str) -> None:
    """Anchors, merges, tags, a byte order mark, mixed line ends, what is no model file; and it's said why."""
    found = ordered(text, events)
    assert found.text == text
    assert found.reason


def test_the_command_writes_checks_and_mends_the_header(tmp_path: Path) -> None:
    """Exit codes; a moved file finds its schema again; other headers stay; what can't be parsed is an error."""
    played = Played(tmp_path, FakeApi([], ()))
    played.write("schemas/model.schema.json", "{}")
    played.write("models/deep/er/a.yaml", MIXED)
    played.write(
        "models/b.yaml", "# yaml-language-server: $schema=https://x.example/model.schema.json\nid: 1\nname: x\n"
    )
    played.write("models/c.yaml", "query: &q x\nname: *q\n")
    long = f"# yaml-language-server: $schema={'n' * 300}/model.schema.json\nid: 1\nname: x\n"
    played.write("models/long.yaml", long)
    before = played.files
    check = played.run("fmt", "--check")
    assert (check.code, played.files) == (1, before)
    assert "Not in order models/deep/er/a.yaml" in check.out
    assert "Left alone: models/c.yaml: it has anchors" in check.out
    assert played.run("fmt", "models/b.yaml").out == "1 file looked at: 0 changed.\n"
    assert played.run("fmt").code == 0
    mended = ORDERED.replace("=../schemas", "=../../../schemas")
    found_again = long.replace("n" * 300, "../schemas")
    written = {"models/deep/er/a.yaml": mended.encode(), "models/long.yaml": found_again.encode()}
    assert played.files == {**before, **written}
    assert played.run("fmt", "--check").code == 0
    played.write("models/d.yaml", "name: [\n")
    broken = played.run("fmt")
    assert (broken.code, "models/d.yaml" in broken.out + broken.err) == (1, True)
