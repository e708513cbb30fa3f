"""A saved plan: what comes back is what was planned, nothing secret travels, and no altered or hostile file passes."""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from builders import TARGET, FakeApi, document, live
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scenes import CANARY, PLANNED, PLANS
from strategies import JSON, SCALARS, TEXT, referenced

from syncer import workflow
from syncer.model import Document, LiveModel, Origin, Problem, Severity
from syncer.package_files import schema
from syncer.plan import planfile
from syncer.plan.limits import Limits
from syncer.plan.planfile import PlanFileError, dumps, loads, read, write
from syncer.plan.planner import Planned
from syncer.render import html, json_lines, markdown
from syncer.render.terminal import Style, render_plan, render_problems
from syncer.secrets import Secret
from syncer.workflow.base import Base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCHEMA = schema("plan")
COMMIT = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"


def _lookup(variable: str) -> Secret:
    return Secret(f"value of {variable}", variable)


def _again(planned: Planned) -> Planned:
    return loads(dumps(planned).encode(), SCHEMA, "plan.json")


def _shown(planned: Planned) -> str:
    """The whole plan as people read it."""
    said = render_plan(planned, Style(), verbose=True)
    return said + render_problems(planned.problems, Style())


# -- plans of every kind -----------------------------------------------------------------------------------------------

KEYS = st.sampled_from(["b", "a", "$secret", "$map", "$absent", "$", "variable", "api_key", "token", "x.y"])
LEAVES = SCALARS | st.sampled_from(["value of SYNCER_SECRET_A", "*****", "secret 0", "$secret"])
CONFIGURATIONS = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
    ),
    min_size=1,
    max_size=4,
)
PROBLEMS = st.lists(
    st.builds(
        Problem,
        st.builds(Origin, TEXT, st.integers(0, 9), st.integers(0, 9)),
        TEXT,
        TEXT,
        TEXT,
        st.sampled_from(Severity),
        TEXT,
    ),
    max_size=2,
)


def _document(draw: st.DrawFn, number: int) -> Document:
    values: dict[str, Any] = {"description": draw(TEXT), "query": draw(TEXT)}
    lifecycle = {"protect": draw(st.booleans()), "allow": ["primary_key"], "ignore_changes": draw(IGNORED)}
    return document(
        f"folder/m{number}",
        id=number,
        configuration=referenced(draw(CONFIGURATIONS)),
        lifecycle=lifecycle,
        **values,
    )


IGNORED = st.sampled_from([[], ["configuration.a"], ["description", "configuration.api_key"]])


@st.composite
def plans(draw: st.DrawFn) -> Planned:
    """A plan as a run makes it, with secrets, masks, keys that begin with a dollar, and absent sides."""
    numbers = range(1, draw(st.integers(1, 3)) + 1)
    git = [_document(draw, number) for number in numbers]
    there = (*numbers, 9)
    max_change = draw(st.none() | st.just((30, 0)))
    base = Base(COMMIT, tuple(_document(draw, one) for one in there if draw(st.booleans())), max_change=max_change)
    models = [live(number, description=draw(TEXT), configuration=draw(st.none() | CONFIGURATIONS)) for number in there]
    planned = workflow.plan(git, FakeApi(models), TARGET, _lookup, Limits(), base=base if draw(st.booleans()) else None)
    is_offline = draw(st.booleans())
    return replace(
        planned,
        effects={} if is_offline else planned.effects,
        warnings=(*planned.warnings, *draw(PROBLEMS)),
        problems=(*planned.problems, *draw(PROBLEMS)),
        commit=draw(st.sampled_from(["", COMMIT, f"{COMMIT}-dirty", COMMIT + "0" * 24])),
        is_offline=is_offline,
        is_drift=draw(st.booleans()),
    )


# -- there and back ----------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(plans())
def test_what_comes_back_is_the_same_plan(planned: Planned) -> None:
    """It has the same digest, reads the same in every format, and is kept in the same bytes again."""
    text = dumps(planned)
    back = loads(text.encode(), SCHEMA, "plan.json")

    assert back.plan.digest == planned.plan.digest
    assert _shown(back) == _shown(planned)
    assert markdown.render_plan(back) == markdown.render_plan(planned)
    assert html.render_plan(back) == html.render_plan(planned)
    assert dumps(back) == text


@pytest.mark.parametrize("name", [name for name in PLANNED if name != "hostile"])
def test_each_scene_comes_back(name: str) -> None:
    """The plans of the goldens, byte by byte, in words and in lines."""
    planned = PLANNED[name]
    back = _again(planned)

    assert _shown(back) == _shown(planned)
    assert dumps(back) == dumps(planned)
    told = ("warnings", "problems", "refusals", "removed", "commit", "is_offline", "is_drift")
    assert [getattr(back, one) for one in told] == [getattr(planned, one) for one in told]


def test_the_same_plan_is_the_same_bytes() -> None:
    """In whatever order files, models and keys arrive."""
    one: dict[str, Any] = {"b": {"api_key": {"env": "SYNCER_SECRET_B"}}, "a": {"api_key": {"env": "SYNCER_SECRET_A"}}}
    other = dict(reversed(one.items()))
    models = [live(1, configuration={"b": {"api_key": "1"}, "a": {"api_key": "2"}}), live(2)]
    texts = {
        dumps(workflow.plan(documents, FakeApi(live_ones), TARGET, _lookup, Limits()))
        for documents, live_ones in (
            ([document("x", id=1, configuration=one), document("y", id=2, query="SELECT 2")], models),
            ([document("y", id=2, query="SELECT 2"), document("x", id=1, configuration=other)], models[::-1]),
        )
    }

    assert len(texts) == 1


def test_equal_secrets_stay_equal_and_others_differ() -> None:
    """Which secrets are one and the same survives; what they are doesn't."""
    wanted = {"a": {"api_key": {"env": "SYNCER_SECRET_A"}}, "b": {"api_key": {"env": "SYNCER_SECRET_A"}}}
    model = live(configuration={"a": {"api_key": "old"}, "b": {"api_key": "older"}})
    planned = workflow.plan([document(configuration=wanted)], FakeApi([model]), TARGET, _lookup, Limits())
    first, second = _again(planned).plan.changes[0].fields

    assert (first.after, second.after) == (first.after, first.after)
    assert first.before not in {second.before, first.after}
    assert (first.after.reference, first.before.reference) == ("SYNCER_SECRET_A", "")


def test_a_variable_that_holds_a_mask_comes_back() -> None:
    """Somebody copied the asterisks into the variable: the plan says so, and so does the file."""
    one = document(configuration={"api_key": {"env": "SYNCER_SECRET_A"}})
    api = FakeApi([live(configuration={"api_key": "old"})])
    planned = workflow.plan([one], api, TARGET, lambda name: Secret("*****", name), Limits())
    assert [problem.rule for problem in planned.problems] == ["unsendable"]

    assert _again(planned).problems == planned.problems


def test_what_is_in_the_file() -> None:
    """It is described by the published schema, whole, in one line of ASCII, and says who made it for what."""
    text = dumps(PLANNED["typical"])
    data = json.loads(text)

    assert text.isascii()
    assert text.count("\n") == 1
    assert set(data) == set(SCHEMA["properties"])
    assert data["target"] == {"environment": "prod", "url": TARGET.url, "workspace_id": 2}
    assert data["digest"] == PLANNED["typical"].plan.digest
    assert data["commit"] == PLANNED["typical"].commit


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_the_file() -> None:
    """Not of live, not of git, however deep, in a list, as a number, or in a whole value that comes or goes."""
    steps = [{"api_key": f"{CANARY}-in-list", "n": 1}]
    model = live(
        query_type="unstructured",
        configuration={"api_key": f"{CANARY}-live", "deep": {"password": {"x": [f"{CANARY}-deep"]}}, "steps": steps}
        | {"token": 5550123},
    )
    wanted = {
        "api_key": {"env": "SYNCER_SECRET_A"},
        "new": {"credentials": {"env": "SYNCER_SECRET_B"}},
        "steps": [{"api_key": {"env": "SYNCER_SECRET_A"}, "n": 2}],
    }
    one = document(query_type="unstructured", configuration=wanted)
    planned = workflow.plan(
        [one], FakeApi([model]), TARGET, lambda variable: Secret(f"{CANARY}-{variable[-1]}", variable), Limits()
    )
    text = dumps(planned)

    assert CANARY not in text
    assert "5550123" not in text
    assert '"variable":"SYNCER_SECRET_B"' in text
    assert CANARY not in repr(_again(planned))


@pytest.mark.parametrize("name", PLANNED)
def test_no_scene_tells_its_canary(name: str) -> None:
    """Nor do the goldens' plans."""
    assert CANARY not in dumps(PLANNED[name])


# -- on disk -----------------------------------------------------------------------------------------------------------


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("is_there", [False, True])
def test_nobody_else_can_read_it(is_there: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """Its mode is 0600, whatever the umask, and also where an open file stood before."""
    path = tmp_path / "plan.json"
    with _umask(0):
        if is_there:
            path.write_text("old")
            path.chmod(0o644)
        write(path, "new\n")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"new\n"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_not_written_through_a_link(tmp_path: Path) -> None:
    """Who puts a link there doesn't choose what gets overwritten."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "plan.json").symlink_to(tmp_path / "precious")
    write(tmp_path / "plan.json", "new\n")

    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "plan.json").is_symlink()
    assert (tmp_path / "plan.json").read_text() == "new\n"


def test_it_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A text that can't be written leaves the old file, and no other beside it."""
    path = tmp_path / "plan.json"
    path.write_text("old")

    with pytest.raises((PlanFileError, UnicodeEncodeError)):
        write(path, "new \ud800")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("plan.json", "old")]


@pytest.mark.parametrize("name", ["no/such/folder/plan.json", "folder"])
def test_what_cannot_be_written_is_told(name: str, tmp_path: Path) -> None:
    """The error names the file, and leaves nothing behind."""
    (tmp_path / "folder" / "inner").mkdir(parents=True)

    with pytest.raises(PlanFileError, match="can't be written"):
        write(tmp_path / name, "x")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


# -- what is refused ---------------------------------------------------------------------------------------------------


def _data(name: str = "caused") -> dict[str, Any]:
    data: dict[str, Any] = json.loads(dumps(PLANNED[name]))
    return data


def _text(**values: Any) -> bytes:
    """A plan file with some values exchanged, or with `...` taken away; its checksum is as it was."""
    return json.dumps({key: value for key, value in {**_data(), **values}.items() if value is not ...}).encode()


GOOD = dumps(PLANNED["caused"]).encode()
DEEP = b"[" * 100_000 + b"]" * 100_000
NO_PLAN, ALTERED = "is not a plan file", "was altered after it was made"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not a plan file: it is not whole JSON"),
        (b"no", "is not a plan file: it is not whole JSON"),
        (GOOD[:-20], "is not a plan file: it is not whole JSON"),
        (b"\xff\xfe" + GOOD, "is not a plan file: it is not whole JSON"),
        (GOOD.replace(b'"unchanged":41', b'"unchanged":NaN'), "is not a plan file: it is not whole JSON"),
        (GOOD.replace(b'"unchanged":41', b'"unchanged":-Infinity'), "is not a plan file: it is not whole JSON"),
        (GOOD.replace(b'"unchanged":41', b'"unchanged":41,"unchanged":41'), "it is not whole JSON"),
        (GOOD.replace(b'"limit":1', b'"limit":1,"limit":1'), "it is not whole JSON"),
        (GOOD.replace(b'"unchanged":41', b'"unchanged":' + b"9" * 5000), "it is not whole JSON"),
        (DEEP, "is not a plan file: it is not whole JSON"),
        (b"[]", NO_PLAN),
        (b"{}", NO_PLAN),
        (b"null", NO_PLAN),
        (_text(format=2), "was made by another version of syncer .*: this one reads format 1"),
        (_text(format="1"), "was made by another version of syncer"),
        (_text(format=True), "was made by another version of syncer"),
        (_text(format=None, syncer=5), "was made by another version of syncer: this one"),
        (_text(digest=...), NO_PLAN),
        (_text(checksum=...), NO_PLAN),
        (_text(base=...), NO_PLAN),
        (_text(more=1), NO_PLAN),
        (_text(changes={}), "is not a plan file: changes is not as it should be"),
        (_text(unchanged="41"), "is not a plan file: unchanged is not as it should be"),
        (_text(unchanged=True), NO_PLAN),
        (_text(unchanged=-1), NO_PLAN),
        (_text(commit="main"), NO_PLAN),
        (_text(commit="--output=x"), NO_PLAN),
        (_text(target={"environment": "prod"}), NO_PLAN),
        (_text(digest="0" * 63), NO_PLAN),
        (_text(unchanged=42), ALTERED),
        (_text(unchanged=41.0), ALTERED),
        (_text(digest="0" * 64), ALTERED),
        (_text(checksum="0" * 64), ALTERED),
        (_text(commit=""), ALTERED),
        (_text(commit="\ud800"), "is not a plan file: it holds half a character"),
        (GOOD.replace(b"Checked by hand", b"Checked by hams"), ALTERED),
        (GOOD.replace(b"Old churn", b"\\ud800 churn"), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":1e999'), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":' + DEEP[99_100:100_900]), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":{"$secret":1}'), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":{"$secret":1e999,"variable":""}'), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":{"$secret":null,"variable":""}'), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":{"$secret":"one","variable":""}'), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":{"$map":[1]}'), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":{"$map":null}'), ALTERED),
        (GOOD.replace(b'"cause":"drift",', b""), ALTERED),
        (GOOD.replace(b'"cause":"drift",', b'"cause":"fate",'), NO_PLAN),
    ],
)
def test_each_wrong_file_has_its_words(raw: bytes, said: str) -> None:
    """Nothing but PlanFileError is raised, it names the file, and says what to do."""
    assert raw != GOOD
    with pytest.raises(PlanFileError, match=said) as caught:
        loads(raw, SCHEMA, "my.json")

    assert caught.value.what.startswith("my.json ")
    assert caught.value.hint


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe that nobody writes to, and a link are no plan files, and nothing waits."""
    (tmp_path / "plan.json").write_bytes(GOOD)
    (tmp_path / "link").symlink_to(tmp_path / "plan.json")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    words = {
        "missing": "No such file or directory",
        "folder": "Is a directory",
        "pipe": "is not a regular file",
        "link": "Too many levels of symbolic links",
        "nul\0": "it can't be opened",
        "x" * 300: "File name too long",
    }
    for name, said in words.items():
        with pytest.raises(PlanFileError, match=said):
            read(tmp_path / name, SCHEMA)
    assert dumps(read(tmp_path / "plan.json", SCHEMA)).encode() == GOOD


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A bound holds before anything is parsed; a file of just that size is read."""
    path = tmp_path / "plan.json"
    path.write_bytes(GOOD)

    assert read(path, SCHEMA, most=len(GOOD)).plan.digest == PLANNED["caused"].plan.digest
    with pytest.raises(PlanFileError, match=r"is too large for a plan file \(\d,\d{3} bytes at most\)"):
        read(path, SCHEMA, most=len(GOOD) - 1)
    assert planfile.MAX_BYTES == 64 << 20


# -- altered -----------------------------------------------------------------------------------------------------------


def _loaded(raw: bytes) -> Planned | None:
    """The plan, or nothing where it's refused; anything else that is raised fails the test."""
    try:
        return loads(raw, SCHEMA, "plan.json")
    except PlanFileError:
        return None


@settings(max_examples=200)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_no_flipped_byte_passes(at: int, byte: int) -> None:
    """A file with one byte changed is refused, or means the same plan."""
    back = _loaded(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])

    assert back is None or dumps(back).encode() == GOOD


@given(st.binary(max_size=100), st.integers(0, len(GOOD)), st.integers(0, len(GOOD)))
def test_no_spliced_bytes_pass(raw: bytes, start: int, end: int) -> None:
    """Nor one with bytes put in, taken out or exchanged; and no bytes at all are a traceback."""
    back = _loaded(GOOD[:start] + raw + GOOD[end:])

    assert back is None or dumps(back).encode() == GOOD
    assert _loaded(raw) is None


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*found, *(one for key, inner in inside for one in _paths(inner, (*path, key)))]


def _with(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The data with one value exchanged."""
    changed = deepcopy(data)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


PATHS = _paths(_data())
MARKED = st.sampled_from(
    [{"$map": 1}, {"$map": {}}, {"$secret": 0, "variable": "X"}, {"$secret": []}, {"$masked": True}, {"$absent": True}]
)


@settings(max_examples=100)
@given(st.sampled_from(PATHS), JSON | MARKED)
def test_no_exchanged_value_passes(path: tuple[str | int, ...], value: Any) -> None:
    """Nor one with any value replaced by any other."""
    back = _loaded(json.dumps(_with(_data(), path, value)).encode())

    assert back is None or dumps(back).encode() == GOOD


# -- forged ------------------------------------------------------------------------------------------------------------


def _forged(data: dict[str, Any]) -> bytes:
    """The same with its sums put right, as whoever knows the format can: a checksum is no signature."""
    data = {key: value for key, value in data.items() if key != "checksum"}
    try:
        data["digest"] = planfile._planned(data).plan.digest
        data["checksum"] = planfile._checksum(data)
    except Exception:  # noqa: BLE001 - no such plan: it stays as it is, and must be refused in words
        data.setdefault("checksum", "0" * 64)
    return json.dumps(data).encode()


def _is_quiet(text: str) -> bool:
    """Whether a terminal would only print it."""
    return all(one.isprintable() or one in "\n\t\xa0\u3000" for one in text)


def _now() -> datetime:
    return datetime.now(UTC)


HOSTILE = "\x1b]0;title\x07\u202e\r::error::x ##[error]y </pre><script>"


@settings(max_examples=200)
@given(
    st.sampled_from(PATHS),
    JSON | MARKED | st.just(HOSTILE) | st.just([HOSTILE]) | st.just("\ud800") | st.just({HOSTILE: [HOSTILE]}),
)
@example(("changes", 0, "fields", 0, "path"), [HOSTILE])
@example(("base", "already_live"), {HOSTILE: [HOSTILE]})
@example(("changes", 0, "before"), {})
@example(("changes", 0, "after", "query"), "\ud800")
@example(("changes", 1, "address"), "finance/revenue_daily")
def test_a_forged_file_does_no_harm(path: tuple[str | int, ...], value: Any) -> None:
    """A stranger's plan is refused, or shown in every format: without a traceback, and nothing in it is obeyed."""
    back = _loaded(_forged(_with(_data(), path, value)))
    if back is None:
        return

    shown = _shown(back)
    short = render_plan(back, Style(), summary=True)
    assert _is_quiet(shown)
    assert _is_quiet(short)
    assert "##[" not in shown + short
    assert "\n::" not in shown + short
    assert all(line.isascii() for line in json_lines.plan_lines(back, _now))
    assert _is_quiet(markdown.render_plan(back))
    assert "<script" not in html.render_plan(back)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("changes", 0, "after", "query"), "SELECT 'what nobody was shown'"),
        (("changes", 0, "after", "query"), {"$secret": 0, "variable": "SYNCER_SECRET_A"}),
        (("changes", 0, "after", "name"), {"$masked": True}),
        (("changes", 2, "after", "configuration", "limit"), {"$secret": 0, "variable": "SYNCER_SECRET_A"}),
        (("changes", 0, "fields", 0, "after"), "what is shown elsewhere otherwise"),
        (("changes", 1, "id"), 42),
        (("changes", 1, "address"), "finance/revenue_daily"),
    ],
)
def test_a_forged_plan_shows_what_it_would_do(path: tuple[str | int, ...], value: Any) -> None:
    """Two sides that aren't what differs, a secret where it would be seen, a model twice: refused, sums put right."""
    assert _loaded(_forged(_data())) is not None
    assert _loaded(_forged(_with(_data(), path, value))) is None


def test_the_marks_themselves_may_be_data() -> None:
    """A mapping whose keys look like the file's own signs comes back as it was."""
    value = {"$secret": {"$map": 1}, "$absent": True, "variable": ["$masked", {"$masked": True}]}
    one = document(configuration={"$k": value, "$map": {"a": 1}})
    api = FakeApi([live(configuration={"$map": {"$map": {}}, "$absent": True})])
    planned = workflow.plan([one], api, TARGET, _lookup, Limits())

    assert len(planned.plan.changes[0].fields) > 2
    assert _again(planned).plan.changes[0].fields == planned.plan.changes[0].fields


def test_unmanaged_models_travel_by_id_and_name() -> None:
    """What they are made of is nobody's business."""
    planned = Planned(replace(PLANS["no_changes"].plan, unmanaged=(live(9, name="Stray", query=CANARY),)))

    assert CANARY not in dumps(planned)
    assert _again(planned).plan.unmanaged == (LiveModel(9, {"name": "Stray"}),)


@pytest.mark.parametrize(
    "path", [("description",), ("query",), ("name",), ("configuration", "note"), ("configuration",)]
)
def test_a_secret_may_stand_only_where_git_may_name_one(path: tuple[str, ...]) -> None:
    """Elsewhere an apply would write it where everybody can read it."""
    data = _data()
    change = data["changes"][0]
    secret = {"$secret": 0, "variable": "SYNCER_SECRET_X"}
    value = {path[1]: secret} if len(path) == 2 else secret
    change["after"][path[0]] = value
    change["fields"] = [{"path": list(path), "before": {"$absent": True}, "after": secret, "cause": "this change"}]

    with pytest.raises(PlanFileError):
        planfile.loads(_forged(data), SCHEMA, "plan.json")


def test_what_is_shown_is_what_is_approved() -> None:
    """Diffs are drawn from both sides, the digest is made of the differences: a file in which they part is refused."""
    data = _data()
    data["changes"][0]["after"]["query"] = "SELECT harmless"

    with pytest.raises(PlanFileError, match="was altered"):
        planfile.loads(_forged(data), SCHEMA, "plan.json")


def test_one_model_is_changed_once() -> None:
    """Two changes of one id would overwrite each other."""
    data = _data()
    data["changes"][1]["id"] = data["changes"][0]["id"]

    with pytest.raises(PlanFileError, match="was altered"):
        planfile.loads(_forged(data), SCHEMA, "plan.json")


@pytest.mark.parametrize(
    "alter",
    [
        lambda data: data["changes"][-1].update(path="models/other.yaml"),
        lambda data: data["changes"][-1].update(path=".github/workflows/ci.yml"),
        lambda data: data.update(is_offline=True),
    ],
)
def test_a_forged_file_does_not_pass(alter: Callable[[dict[str, Any]], None]) -> None:
    """Its checksum right again: the path follows from the address, and what nobody asked has no effects."""
    data: dict[str, Any] = json.loads(dumps(PLANNED["downstream"]))
    alter(data)
    del data["checksum"]
    text = json.dumps({**data, "checksum": planfile._checksum(data)})

    with pytest.raises(PlanFileError, match="altered"):
        loads(text.encode(), SCHEMA, "plan.json")
