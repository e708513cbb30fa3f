"""What a folder remembers of its runs: private, whole, bounded; and no altered or hostile file passes for one."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from event_schema import VALIDATOR
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import PLANNED
from strategies import JSON

from syncer.applying import run_records
from syncer.applying.past_run import OPEN, Ending, LostRun, PastRun, tally
from syncer.applying.run_records import RunError
from syncer.package_files import schema
from syncer.plan import planfile
from syncer.render.json_lines import run_lines
from syncer.render.terminal import Style
from syncer.render.terminal.history import ending, render_history, render_no_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = schema("run")
NAME = "20261123-104502-3f9a"
PLAN = PLANNED["caused"]
ADDRESSES = [change.address for change in PLAN.plan.changes]
BEGAN = "2026-11-23T10:45:02.123456Z"


ENDINGS = {address: Ending("done", updated_at="2026-02-01T00:00:00.000Z") for address in ADDRESSES}


def _past(name: str = NAME, began: str = BEGAN, ended: str = BEGAN) -> PastRun:
    return PastRun(name, "apply", began, ended, PLAN.plan.target, PLAN.commit, tally(ENDINGS.values()))


def _bytes(run: PastRun) -> bytes:
    stream = BytesIO()
    run_records.pour(stream, run, ENDINGS, BytesIO(planfile.dumps(PLAN).encode()))
    return stream.getvalue()


def _keep(folder: Path, run: PastRun) -> None:
    """A record alone, which no index knows."""
    run_records.path(folder, run.name).write_bytes(_bytes(run))


def _end(folder: Path, run: PastRun) -> Path:
    """A record as a run leaves it when it ends."""
    run_records.write(folder, run, ENDINGS, BytesIO(planfile.dumps(PLAN).encode()))
    return run_records.path(folder, run.name)


GOOD = _bytes(_past())


def _now() -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC)


# -- there and back ----------------------------------------------------------------------------------------------------


def test_what_comes_back_is_what_was_kept(tmp_path: Path) -> None:
    """The run, and its plan to the last byte, which a plan file's reader takes as its own."""
    file = _end(tmp_path, _past())
    record = run_records.read(tmp_path, NAME, SCHEMA)

    assert (record.run, record.endings) == (_past(), ENDINGS)
    assert record.plan + "\n" == planfile.dumps(PLAN)
    assert planfile.loads(record.plan.encode(), schema("plan"), NAME).plan.digest == PLAN.plan.digest
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    data = json.loads(file.read_text())
    assert set(data) == set(SCHEMA["properties"])
    assert json.dumps(data, sort_keys=True, separators=(",", ":")) + "\n" == file.read_text()


def test_a_name_is_claimed_once(tmp_path: Path) -> None:
    """It tells when, and what; on a clash it's another one, and the file is private from the first moment."""
    moment = datetime(2026, 11, 23, 10, 45, 2, tzinfo=UTC)
    names = [
        run_records.claim(tmp_path, moment, digest) for digest in ("3f9a" + "0" * 60, "3f9a" + "1" * 60, "ffff", "ffff")
    ]

    assert names == [NAME, "20261123-104502-3f9b", "20261123-104502-ffff", "20261123-104502-0000"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """Who puts one there doesn't choose what is written."""
    (tmp_path / f"{NAME}.json").symlink_to(tmp_path / "precious")

    assert run_records.claim(tmp_path, datetime(2026, 11, 23, 10, 45, 2, tzinfo=UTC), "3f9a") == "20261123-104502-3f9b"
    assert not (tmp_path / "precious").exists()


def test_the_oldest_go_and_nothing_else(tmp_path: Path) -> None:
    """So many stay; what isn't named as we name, or is a folder, is nobody's to take away."""
    names = [f"2026112{day}-104502-3f9a" for day in range(5)]
    for name in names:
        (tmp_path / f"{name}.json").write_bytes(GOOD)
    (tmp_path / f".{names[0]}.json.x7_a").write_text("left by a killed process")
    (tmp_path / f".{names[4]}.json.x7_b").write_text("being written")
    strange = ["notes.json", f"{names[0]}.yaml", f"x{names[0]}.json", "20261120-104502-3f9A.json"]
    for name in strange:
        (tmp_path / name).write_text("mine")
    (tmp_path / "20261101-000000-0000.json").mkdir()
    run_records.prune(tmp_path, 2)

    kept = [f"{names[3]}.json", f"{names[4]}.json", f".{names[4]}.json.x7_b", "20261101-000000-0000.json"]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*kept, *strange])


def test_the_newest_comes_first(tmp_path: Path) -> None:
    """By the moment, where a name tells only the second."""
    for name, began in (("3f9b", "10:45:02.1"), ("3f9a", "10:45:02.2"), ("0000", "10:45:02.3")):
        _keep(tmp_path, _past(f"20261123-104502-{name}", f"2026-11-23T{began}00000Z"))
    _keep(tmp_path, _past("20261122-104502-ffff"))

    assert [run.name[9:] for run in run_records.listed(tmp_path, SCHEMA)] == [
        "104502-0000",
        "104502-3f9a",
        "104502-3f9b",
        "104502-ffff",
    ]
    assert run_records.find(tmp_path, "last", SCHEMA) == "20261123-104502-0000"


def test_a_run_is_meant_by_the_beginning_of_its_name(tmp_path: Path) -> None:
    """If only one begins so."""
    for name in ("20261123-104502-3f9a", "20261123-104502-3f9b", "20261122-000000-0000"):
        _keep(tmp_path, _past(name))

    assert run_records.find(tmp_path, "20261122", SCHEMA) == "20261122-000000-0000"
    assert run_records.find(tmp_path, "20261123-104502-3f9b", SCHEMA) == "20261123-104502-3f9b"
    with pytest.raises(RunError, match="'20261123' may mean 2 runs: 20261123-104502-3f9b, 20261123-104502-3f9a"):
        run_records.find(tmp_path, "20261123", SCHEMA)


@pytest.mark.parametrize(
    "said", ["", "../x", "/etc/passwd", ".", "*", "20261123-104502-3f9a.json", "\0", "2\n", "x" * 999]
)
def test_what_names_no_run_is_no_path(said: str, tmp_path: Path) -> None:
    """It's compared with names: nothing outside is opened."""
    folder = tmp_path / "runs"
    folder.mkdir()
    _keep(folder, _past())
    (tmp_path / "x.json").write_bytes(GOOD)

    with pytest.raises(RunError, match=r"no run .* is kept in"):
        run_records.find(folder, said, SCHEMA)


def test_where_nothing_is_kept_nothing_is_found(tmp_path: Path) -> None:
    """Also where there is no folder."""
    assert run_records.listed(tmp_path / "none", SCHEMA) == []
    with pytest.raises(RunError, match="no run is kept in") as caught:
        run_records.find(tmp_path / "none", "last", SCHEMA)
    assert caught.value.hint


# -- the index ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the records; the index stands beside it."""
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def test_a_list_reads_no_record_that_the_index_knows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells the same, its words in the same order. A run that was killed is read; what is gone leaves the index."""
    ways = {"a": Ending("failed"), "b": Ending("done", 7, is_new=True), "c": Ending("failed"), "d": Ending("done")}
    past = replace(_past(), tally=tally(ways.values()))
    _end(folder, _past("20261122-104502-0000")).rename(folder / "moved away")
    _end(folder, _past("20261122-104502-0001"))
    _end(folder, replace(_past("20261121-104502-0000"), ended=""))
    run_records.write(folder, past, ways, BytesIO(b"{}"))
    unfinished = run_records.read(folder, "20261121-104502-0000", SCHEMA)
    index = folder.with_name("runs.json")

    assert list(json.loads(index.read_text())["runs"]) == ["20261122-104502-0001", NAME]
    assert stat.S_IMODE(index.stat().st_mode) == 0o600
    monkeypatch.setattr(run_records, "read", lambda *_: unfinished)
    listed = run_records.listed(folder, SCHEMA)
    assert listed == [past, _past("20261122-104502-0001"), unfinished.run]
    assert [[*run.tally] for run in listed[:1] if isinstance(run, PastRun)] == [[*past.tally]]


def _with_times_kept(file: Path, content: bytes) -> None:
    """What an editor that hides its traces leaves."""
    before = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "alter",
    [
        lambda file: file.write_bytes(GOOD.replace(b'"limit":1', b'"limit":2')),
        lambda file: _with_times_kept(file, GOOD.replace(b'"limit":1', b'"limit":2')),
        lambda file: file.write_bytes(GOOD[:-20]),
        lambda file: (file.unlink(), file.write_bytes(GOOD[:-20])),
        lambda file: (file.rename(f"{file}.x"), file.symlink_to(f"{file}.x")),
        lambda file: (file.unlink(), file.mkdir()),
    ],
)
def test_an_entry_counts_for_the_record_that_it_was_written_for(alter: Callable[[Path], object], folder: Path) -> None:
    """Whoever touches the record makes it be read."""
    alter(_end(folder, _past()))
    (run,) = run_records.listed(folder, SCHEMA)

    assert isinstance(run, LostRun)


def _entry(**values: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda entry: {**entry, "run": {**entry["run"], **values}}


@pytest.mark.parametrize(
    "alter",
    [
        lambda entry: {**entry, "more": 1},
        lambda entry: {**entry, "run": []},
        lambda entry: {**entry, "record": []},
        lambda entry: [entry],
        lambda _: None,
        _entry(name="20261123-104502-0000"),
        _entry(began=5),
        _entry(ended=None),
        _entry(tally=[["done", False]]),
        _entry(tally=[["done", "no", 2]]),
        _entry(tally=[["done", False, "many"]]),
        _entry(target={}),
        _entry(target={"environment": ["prod"], "url": "", "workspace_id": 2}),
        _entry(more=1),
    ],
)
def test_an_entry_of_another_shape_is_passed_over(alter: Callable[[Any], Any], folder: Path) -> None:
    """Also with the index's sum put right: the record is read in its place. So it is where the whole index is odd."""
    _end(folder, _past())
    index = folder.with_name("runs.json")
    data = json.loads(index.read_text())
    del data["checksum"]
    odd = {**data, "runs": {NAME: alter(data["runs"][NAME])}}
    for one in (odd, {**data, "format": 2}, {**data, "more": 1}, {**data, "runs": []}):
        index.write_text(json.dumps({**one, "checksum": run_records._checksum(one)}))
        assert run_records.listed(folder, SCHEMA) == [_past()]


@settings(max_examples=100)
@given(st.integers(0, 450), st.binary(max_size=3), st.integers(0, 450))
def test_no_altered_index_tells_anything_else(
    tmp_path_factory: pytest.TempPathFactory, start: int, raw: bytes, end: int
) -> None:
    """Whatever bytes stand in it, the list says what the records say, and the next run makes it whole again."""
    folder = tmp_path_factory.getbasetemp() / "runs"
    folder.mkdir(exist_ok=True)
    _end(folder, _past())
    index = folder.with_name("runs.json")
    good = index.read_bytes()
    index.write_bytes(good[:start] + raw + good[end:])

    assert run_records.listed(folder, SCHEMA) == [_past()]


# -- hostile -----------------------------------------------------------------------------------------------------------

ALTERED = "was altered after it was made"


def _text(**values: Any) -> bytes:
    data = {**json.loads(GOOD), **values}
    return json.dumps({key: value for key, value in data.items() if value is not ...}).encode()


def _summed(**values: Any) -> bytes:
    """The same with its checksum put right, as whoever knows the format can."""
    data = {key: value for key, value in {**json.loads(GOOD), **values}.items() if key != "checksum"}
    return json.dumps({**data, "checksum": run_records._checksum(data)}).encode()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is incomplete"),
        (GOOD[:-20], "is incomplete"),
        (b"\xff\xfe", "is incomplete"),
        (b"[" * 100_000, "is incomplete"),
        (b"[]", "is of another version"),
        (_text(format=2), "is of another version"),
        (_text(format=True), "is of another version"),
        (_text(name="../../x"), "is not valid: name is not as it should be"),
        (_text(command="rm"), "is not valid: command"),
        (_text(more=1), "is not valid"),
        (_text(plan=...), "is not valid"),
        (_text(outcomes=[]), "is not valid"),
        (_text(ended="yesterday"), "is not valid"),
        (_text(ended=""), ALTERED),
        (_text(checksum="0" * 64), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":2'), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":NaN'), ALTERED),
        (GOOD.replace(b'"limit":1', b'"limit":1e999'), ALTERED),
        (_summed(name="20261123-104502-0000"), ALTERED),
        (_summed(outcomes=json.loads(GOOD)["outcomes"][1:]), ALTERED),
        (_summed(outcomes=[{**json.loads(GOOD)["outcomes"][0], "address": "other"}]), ALTERED),
    ],
)
def test_each_wrong_file_has_its_words(raw: bytes, said: str, tmp_path: Path) -> None:
    """It's refused where it's asked for, and in a list it stands among the others, with its reason."""
    assert raw != GOOD
    (tmp_path / f"{NAME}.json").write_bytes(raw)
    _keep(tmp_path, _past("20261122-000000-0000"))
    with pytest.raises(RunError, match=said) as caught:
        run_records.read(tmp_path, NAME, SCHEMA)

    assert caught.value.hint
    lost, found = run_records.listed(tmp_path, SCHEMA)
    assert isinstance(lost, LostRun)
    assert said in lost.why
    assert isinstance(found, PastRun)


def test_what_is_no_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link, a pipe that nobody writes to, a folder, a file without end: nothing waits, nothing is followed."""
    (tmp_path / "elsewhere").write_bytes(GOOD)
    (tmp_path / "20261123-000000-0001.json").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "20261123-000000-0002.json")
    (tmp_path / "20261123-000000-0003.json").mkdir()
    monkeypatch.setattr(run_records, "MAX_BYTES", 1000)
    (tmp_path / "20261123-000000-0004.json").write_bytes(GOOD)
    why = [run.why for run in run_records.listed(tmp_path, SCHEMA) if isinstance(run, LostRun)]

    expected = ["too large for a record (1,000 bytes", "Is a directory", "not a regular file", "Too many levels of"]
    assert [part in one for part, one in zip(expected, why, strict=True)] == [True] * 4


@settings(max_examples=200)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_no_flipped_byte_passes(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    """A record with one byte changed is refused, or means the same run."""
    folder = tmp_path_factory.getbasetemp()
    (folder / f"{NAME}.json").write_bytes(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])
    (run,) = run_records.listed(folder, SCHEMA)

    assert isinstance(run, LostRun) or run == _past()


@settings(max_examples=100)
@given(st.sampled_from(sorted(SCHEMA["properties"])), JSON)
def test_no_exchanged_value_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, key: str, value: Any) -> None:
    """Also where whoever did it put the sum right: it's a list's line in any case."""
    folder = tmp_path_factory.getbasetemp()
    (folder / f"{NAME}.json").write_bytes(_summed(**{key: value}) if key != "checksum" else _text(checksum=value))
    found = run_records.listed(folder, SCHEMA)

    assert len(found) == 1
    assert render_history(found, Style())
    for line in run_lines(found, _now):
        VALIDATOR.validate(json.loads(line))


# -- the list ----------------------------------------------------------------------------------------------------------

MIXED = {
    "a": Ending("done"),
    "b": Ending("done", 77, is_new=True),
    "c": Ending("conflict"),
    "d": Ending("failed"),
    "e": Ending("unknown"),
    "f": Ending("not attempted"),
}


def test_how_a_run_ended_is_counted() -> None:
    """In words; a killed one says so."""
    run = replace(_past(), tally=tally(MIXED.values()))

    assert ending(run) == "1 changed, 1 created, 1 conflict, 1 failed, 1 unknown, 1 not attempted"
    killed = replace(run, ended="", tally=tally([Ending(OPEN)] * len(MIXED)))
    assert ending(killed) == "unfinished: it ended before it could report"


def test_the_list_is_these_lines() -> None:
    """One a run, columns in line; who has no commit has a dash; what can't be read says why."""
    back = replace(_past("20261123-120000-aaaa"), command=f"rollback {NAME}", commit="")
    dirty = replace(_past(), commit=f"{PLAN.commit}-dirty")
    lost = LostRun("20261122-000000-0000", "the record is \x1b[31mred")

    shown = render_history([back, dirty, lost], Style(width=200)).splitlines()
    heads = ["run", "began (UTC)", "environment", "workspace", "command", "commit", "what became of it"]
    count = f"{len(ADDRESSES)} changed"

    assert [re.split("  +", line) for line in shown] == [
        heads,
        ["20261123-120000-aaaa", "2026-11-23 10:45:02", "prod", "2", f"rollback {NAME}", "-", count],
        [NAME, "2026-11-23 10:45:02", "prod", "2", "apply", f"{PLAN.commit[:12]}+edits", count],
        ["20261122-000000-0000", "unreadable: the record is \\u001b[31mred"],
    ]
    assert [line.index("2026-11-23 1") for line in shown[1:3]] == [shown[0].index("began")] * 2
    assert [line.index(count) for line in shown[1:3]] == [shown[0].index("what")] * 2


def test_the_lines_for_programs_are_described() -> None:
    """What isn't known is left out."""
    killed = replace(_past(), ended="", commit="", tally=tally([Ending(OPEN)]))
    lines = [json.loads(line) for line in run_lines([_past(), killed, LostRun(NAME, "why")], _now)]
    for line in lines:
        VALIDATOR.validate(line)

    assert lines[0]["run"]["outcomes"] == {"done": len(ADDRESSES)}
    assert set(lines[1]["run"]) == {"name", "command", "began", "created", "outcomes", "target"}
    assert lines[1]["run"]["outcomes"] == {"open": 1}
    assert lines[2]["run"] == {"name": NAME, "unreadable": "why"}


def test_no_run_is_a_sentence() -> None:
    """Where it looked, and why there may be none."""
    assert render_no_runs("a/runs", 20) == "No run is kept in a/runs."
    assert render_no_runs("a/runs", 0).endswith("The settings say `keep_runs = 0`, so none are kept.")


def test_strange_neighbours_cost_no_record(tmp_path: Path) -> None:
    """Links to a device, pipes, folders, empty and foreign files with newer names: none counts, and none is touched."""
    for day in range(3):
        _keep(tmp_path, _past(f"2026112{day}-104502-3f9a"))
    strange = [tmp_path / f"29991231-23595{number}-ffff.json" for number in range(6)]
    for file in strange[:2]:
        file.symlink_to(os.devnull)
    os.mkfifo(strange[2])
    strange[3].mkdir()
    strange[4].touch()
    strange[5].write_text("{}")
    run_records.prune(tmp_path, 2)

    kept = [tmp_path / f"2026112{day}-104502-3f9a.json" for day in (1, 2)]
    assert sorted(tmp_path.iterdir()) == [*kept, *strange]


def test_a_run_does_not_prune_its_own_record(tmp_path: Path) -> None:
    """Also where the clock was ahead when the others were made."""
    for year in (2025, 2990, 2991):
        _keep(tmp_path, _past(f"{year}1123-104502-3f9a"))
    _keep(tmp_path, _past())
    run_records.prune(tmp_path, 2, NAME)

    assert run_records.names(tmp_path) == ["29911123-104502-3f9a", "29901123-104502-3f9a", NAME]
