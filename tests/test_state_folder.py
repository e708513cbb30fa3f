"""The state folder: what is kept on this machine stands in the user's own folder, and no commit brings any of it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import struct
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import RAW_SQL
from inside import Inside
from places import IDENTITY
from world import Team, definition, flat, recorded_world

from syncer.sandbox import Sandbox
from syncer.sandbox.http_server import running
from syncer.state_folder import folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL = next(model for model in recorded_world()["models"] if model["id"] == 1)
COMMANDS = (
    *(("plan",), ("list",), ("import", "--all"), ("doctor",), ("apply", "--dry-run"), ("apply", "--auto-approve")),
    *(("drift", "--commit", "HEAD"), ("history",), ("rollback", "last", "--auto-approve"), ("sandbox", "reset")),
)
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"


def _git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, **IDENTITY}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def boxed(tmp_path: Path) -> Team:
    """A repository whose one model is in step with the embedded sandbox, by way of one apply."""
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    team = Inside(folder, variables={})
    (folder / "syncer.toml").write_text('default_environment = "sandbox"\n')
    team.write("m", {**RAW_SQL, "query": "SELECT 1", "lifecycle": {"allow": ["primary_key", "connector_id"]}})
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "A model")
    return team


@pytest.fixture
def team(box: Sandbox, tmp_path: Path) -> Iterator[Team]:
    """A team whose prod is that world, and whose one file differs from live."""
    folder = tmp_path / "repository"
    folder.mkdir()
    with running(box) as url:
        team = Inside(folder, url)
        team.write("m", definition(MODEL, description="edited in git"))
        yield team


def _database(team: Team) -> Path:
    return folder_of(team.folder, os.environ).path / "sandbox.db"


# -- what a commit brings ----------------------------------------------------------------------------------------------


def _hot_journal(folder: Path, victim: str) -> None:
    """A database whose journal has no pages and names a file as its super-journal, which SQLite then deletes."""
    with closing(sqlite3.connect(folder / "sandbox.db")) as db:
        db.execute("CREATE TABLE t (x)")
        db.commit()
    magic = bytes([0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7])
    name = victim.encode()
    pages = (folder / "sandbox.db").stat().st_size // 4096
    header = (magic + struct.pack(">IIIII", 0, 0, pages, 512, 4096)).ljust(512, b"\0")
    tail = struct.pack(">I", 0x40000000 // 4096 + 1) + name + struct.pack(">II", len(name), sum(name)) + magic
    (folder / "sandbox.db-journal").write_bytes(header + tail)


def _endless_view(folder: Path, _: str) -> None:
    with closing(sqlite3.connect(folder / "sandbox.db")) as db:
        db.execute(f"CREATE VIEW meta AS {ENDLESS} SELECT CAST(x AS TEXT) AS name, '' AS value FROM n")  # noqa: S608
        db.commit()


def _pipe(folder: Path, _: str) -> None:
    os.mkfifo(folder / "sandbox.db")


@pytest.mark.parametrize("plant", [_hot_journal, _endless_view, _pipe])
def test_a_committed_sandbox_is_not_opened(plant: Callable[[Path, str], None], boxed: Team) -> None:
    """No command deletes, hangs, reads or writes; it's told of, once a run, and stays as it was."""
    precious = boxed.folder.parent / "precious.txt"
    precious.write_text("precious")
    (planted := boxed.folder / ".syncer").mkdir()
    plant(planted, "../precious.txt")
    before = {file.name: file.lstat() for file in planted.iterdir()}
    for command in COMMANDS:
        result = boxed.run(*command)
        assert "syncer itself failed" not in result.text
        assert result.err.count(".syncer beside the settings is no longer used") == (command[0] != "doctor")

    assert precious.read_text() == "precious"
    assert {file.name: file.lstat().st_mtime_ns for file in planted.iterdir()} == {
        name: found.st_mtime_ns for name, found in before.items()
    }


@pytest.mark.parametrize("kind", ["folder", "link", "dangling link", "pipe", "file"])
def test_what_an_older_version_left_is_told_and_left_alone(kind: str, team: Team, tmp_path: Path) -> None:
    """Where it matters: an apply, the history, a way back. A plan of a real server has nothing to do with it."""
    left, elsewhere = team.folder / ".syncer", tmp_path / "elsewhere"
    if kind == "folder":
        (left / "runs").mkdir(parents=True)
    elif kind == "pipe":
        os.mkfifo(left)
    elif kind == "file":
        left.write_text("mine")
    else:
        left.symlink_to(elsewhere)
    if kind == "link":
        elsewhere.mkdir()
    told = "Note: .syncer beside the settings is no longer used, and nothing in it is read."
    assert team.run("plan").err == ""
    for command in (("apply", "--auto-approve"), ("history",), ("rollback", "last", "--auto-approve")):
        result = team.run(*command)
        assert (result.code, result.err.count(told)) == (0, 1)
    assert os.path.lexists(left)
    assert list(elsewhere.iterdir() if kind == "link" else ()) == []


def test_a_committed_record_is_no_run(team: Team, box: Sandbox) -> None:
    """Whatever its permissions, as a checkout under umask 077 makes them: `rollback last` doesn't send it."""
    assert team.run("apply", "--auto-approve").code == 0
    (record,) = (folder_of(team.folder, os.environ).path / "runs").iterdir()
    (planted := team.folder / ".syncer" / "runs").mkdir(mode=0o700, parents=True)
    shutil.move(record, planted / "29991231-235959-ffff.json")
    (planted / "29991231-235959-ffff.json").chmod(0o600)
    done = len(box.requests)

    result = team.run("rollback", "last", "--auto-approve")
    assert (result.code, "no run is kept in" in result.err) == (1, True)
    assert len(box.requests) == done


@pytest.mark.parametrize("place", [".syncer/runs", ""])
def test_links_to_a_device_cost_no_record(place: str, team: Team) -> None:
    """Committed ones aren't looked at; where they stand beside the real records, they count for nothing."""
    folder = team.folder / place if place else folder_of(team.folder, os.environ).made("runs")
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(30):
        (folder / f"29991231-2359{number:02}-ffff.json").symlink_to(os.devnull)
    assert team.run("apply", "--auto-approve").code == 0
    team.write("m", definition(MODEL, description="again"))
    assert team.run("apply", "--auto-approve").code == 0

    listed = [line for line in team.run("history").out.splitlines() if line.endswith("1 changed")]
    assert len(listed) == 2
    assert team.run("rollback", listed[0].split()[0], "--dry-run").code == 0


# -- whose folder it is ------------------------------------------------------------------------------------------------


def test_every_folder_is_the_users_alone(team: Team, state_root: Path) -> None:
    """Whatever the umask, those above that had to be made as well; a label says whose it is."""
    team.variables["SYNCER_STATE_DIR"] = str(state_root / "deep" / "down")
    before = os.umask(0)
    try:
        assert team.run("apply", "--auto-approve").code == 0
    finally:
        os.umask(before)
    (own,) = (state_root / "deep" / "down").iterdir()
    folders = [state_root, state_root / "deep", own.parent, own, own / "runs"]
    files = [own / "belongs.json", own / "servers.json", *(own / "runs").iterdir()]

    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert own.name.startswith("repository-")
    label = json.loads((own / "belongs.json").read_text())
    assert (label["repository"], label["folder"]) == (str(team.folder), ".")


def _shared(root: Path, _: Path) -> None:
    root.mkdir(parents=True)
    root.chmod(0o770)


def _linked(root: Path, repository: Path) -> None:
    (elsewhere := root.parent / f"{root.name}-elsewhere").mkdir(parents=True)
    root.mkdir()
    folder_of(repository, {"SYNCER_STATE_DIR": str(root)}).path.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [(_shared, "others may write into the state folder"), (_linked, "keeps nothing behind a symbolic link")],
)
def test_a_folder_that_is_not_the_users_own_is_refused(
    prepare: Callable[[Path, Path], None], says: str, team: Team, box: Sandbox, state_root: Path
) -> None:
    """Nobody can tell what stands there, the known servers included: nothing is sent."""
    prepare(state_root, team.folder)
    for command in (("plan",), ("apply", "--auto-approve"), ("history",), ("plan", "--env", "sandbox"), ("doctor",)):
        result = team.run(*command)
        assert (result.code, says in result.text) == (1, True)
    assert box.requests == []


def test_a_folder_of_somebody_else_is_refused(team: Team, monkeypatch: pytest.MonkeyPatch, state_root: Path) -> None:
    """As one that root made with another user's variables."""
    state_root.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: state_root.stat().st_uid + 1)

    assert "belongs to somebody else" in team.run("history").err


def test_a_folder_in_the_repository_is_refused(team: Team, tmp_path: Path) -> None:
    """Also by a link, which is no name for it; outside a repository there's no commit that could bring it."""
    (tmp_path / "link").symlink_to(team.folder / "kept")
    (team.folder / "kept").mkdir()
    for place in (team.folder / "kept", tmp_path / "link", team.folder):
        team.variables["SYNCER_STATE_DIR"] = str(place)
        result = team.run("plan")
        assert (result.code, "lies in the repository" in result.err) == (1, True)
    (team.folder / ".git").rmdir()
    assert team.run("plan").code == 0


def test_a_link_to_the_folder_is_the_users_word(team: Team, tmp_path: Path) -> None:
    """Where the whole of it stands on another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    team.variables["SYNCER_STATE_DIR"] = str(tmp_path / "link")

    assert (team.run("apply", "--auto-approve").err, team.run("rollback", "last", "--dry-run").code) == ("", 0)


@pytest.mark.parametrize("given", ["kept", "./kept", "~/kept"])
def test_a_relative_folder_is_refused(given: str, team: Team) -> None:
    """It would be another one in each folder."""
    team.variables["SYNCER_STATE_DIR"] = given
    result = team.run("plan")

    assert (result.code, f"SYNCER_STATE_DIR is no absolute path: '{given}'" in result.err) == (1, True)


@pytest.mark.parametrize("trouble", ["no home", "unwritable", "in the way"])
def test_without_a_state_folder_a_server_can_be_asked(
    trouble: str, team: Team, monkeypatch: pytest.MonkeyPatch, state_root: Path
) -> None:
    """What needs one says so, and what to do; plan and apply go on, and say what they can't keep."""
    state_root.parent.mkdir(exist_ok=True)
    if trouble == "no home":
        del team.variables  # so that the variable isn't there either
        team.variables = {"SYNCER_TOKEN": "admin", "SYNCER_STATE_DIR": ""}
        monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: Path("~/.local/state/syncer"))
    elif trouble == "in the way":
        state_root.write_text("mine")
    else:
        mkdir = Path.mkdir

        def full(self: Path, *arguments: int, **named: int) -> None:
            if self == state_root:
                raise PermissionError(13, "Permission denied", str(self))
            mkdir(self, *arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "mkdir", full)

    planned = team.run("plan")
    assert (planned.code, planned.err.count("Warning: ")) == (0, 1)
    assert "Warning: syncer could not record which server got the credentials" in planned.err
    assert "set SYNCER_STATE_DIR to the absolute path of a folder of your own" in flat(planned.err)
    applied = team.run("apply", "--auto-approve")
    assert (applied.code, "syncer can't save what this run replaces" in applied.err) == (0, True)
    boxed = team.run("plan", "--env", "sandbox")
    assert (boxed.code, "set SYNCER_STATE_DIR" in boxed.err) == (1, True)
    assert team.run("history").code == (0 if trouble == "unwritable" else 1)


# -- one history each --------------------------------------------------------------------------------------------------


def test_clones_and_worktrees_have_histories_of_their_own(boxed: Team, tmp_path: Path) -> None:
    """By the real path: a link to a folder is that folder; two settings' folders of one repository are two."""
    assert boxed.run("apply", "--auto-approve").code == 0
    _git(tmp_path, "clone", "--quiet", str(boxed.folder), "clone")
    _git(boxed.folder, "worktree", "add", "--quiet", str(tmp_path / "worktree"))
    (tmp_path / "link").symlink_to(boxed.folder)
    shutil.copytree(boxed.folder / "models", boxed.folder / "sub" / "models")
    (boxed.folder / "sub" / "syncer.toml").write_text('default_environment = "sandbox"\n')
    places = [tmp_path / "clone", tmp_path / "worktree", boxed.folder / "sub"]
    for place in places:
        result = boxed.run("--chdir", str(place), "history")
        assert (result.out.startswith("No run is kept in "), result.err) == (True, "")
        assert boxed.run("--chdir", str(place), "plan", "--detailed-exitcode").code == 2

    assert "1 changed" in boxed.run("--chdir", str(tmp_path / "link"), "history").out
    assert len({folder_of(place, os.environ).path for place in (boxed.folder, *places)}) == 4

    boxed.variables["SYNCER_STATE_DIR"] = str(boxed.folder / "kept")
    for place in (*places[1:], boxed.folder):
        assert "lies in the repository" in boxed.run("--chdir", str(place), "history").err


def test_a_moved_folder_is_told_of_its_history(boxed: Team, tmp_path: Path, state_root: Path) -> None:
    """What the note says to do brings the history back; a folder that is gone is named where there is no history."""
    assert boxed.run("apply", "--auto-approve").code == 0
    former = str(boxed.folder)
    boxed.folder = boxed.folder.rename(tmp_path / "it's moved")
    told = boxed.run("history")
    note, _, command = told.err.rstrip("\n").partition("\n  ")
    assert told.out.startswith("No run is kept in ")
    assert note.splitlines() == [
        f"Note: 1 run is kept of {former}, which is this folder before it was moved.",
        "To have it here:",
    ]
    other = tmp_path / "other"
    other.mkdir()
    assert (
        f"of {former}, which is gone; it may have been moved here." in boxed.run("--chdir", str(other), "history").err
    )

    subprocess.run(["bash", "-c", command], check=True)
    result = boxed.run("history")
    assert ("1 changed" in result.out, result.err) == (True, "")
    assert boxed.run("rollback", "last", "--dry-run").code == 0
    assert boxed.run("--chdir", str(other), "history").err == ""


def test_strangers_in_the_state_folder_are_passed_over(boxed: Team, state_root: Path) -> None:
    """Labels that are none, links, files: the history is told all the same."""
    state_root.mkdir(parents=True)
    for number, label in enumerate(("[]", "{", '{"repository": 1}', '{"repository": "\\u0000", "folder": "x"}')):
        (state_root / f"x{number}" / "runs").mkdir(parents=True)
        (state_root / f"x{number}" / "belongs.json").write_text(label)
    (state_root / "file").touch()
    (state_root / "link").symlink_to(os.devnull)
    (state_root / "x0" / "belongs.json").unlink()
    (state_root / "x0" / "belongs.json").symlink_to("/dev/zero")

    assert boxed.run("history").code == 0


# -- the sandbox's own database ----------------------------------------------------------------------------------------


def _execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def _torn(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def _scrawled(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    for at in range(100, len(raw), 7):
        raw[at] ^= 0x5A
    path.write_bytes(raw)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_text("not a database, but long enough to look like one" * 50),
    "torn": _torn,
    "scrawled over": _scrawled,
    "an endless view": lambda path: _execute(
        path,
        "DROP TABLE meta",
        f"CREATE VIEW meta AS {ENDLESS} SELECT CAST(x AS TEXT) AS name, '' AS value FROM n",  # noqa: S608
    ),
    "a trigger": lambda path: _execute(
        path,
        f"CREATE TRIGGER t BEFORE UPDATE ON models BEGIN SELECT ({ENDLESS} SELECT max(x) FROM n); END",  # noqa: S608
    ),
    "another program's": lambda path: _execute(path, "CREATE TABLE theirs (x)"),
    "a table less": lambda path: _execute(path, "DROP TABLE syncs"),
    "a column less": lambda path: _execute(path, "ALTER TABLE models DROP COLUMN configuration"),
    "no JSON": lambda path: _execute(path, "UPDATE models SET configuration = '{'"),
    "JSON of another shape": lambda path: _execute(path, "UPDATE connectors SET configuration = '[5]', name = 5"),
    "no text": lambda path: _execute(path, "UPDATE models SET name = x'ff', query = 1.5, updated_at = x'00'"),
    "no UTF-8": lambda path: _execute(path, "UPDATE models SET query = CAST(x'ff' AS TEXT)"),
    "no times": lambda path: _execute(path, "UPDATE models SET updated_at = 'yesterday'"),
    "no world": lambda path: _execute(path, "UPDATE meta SET value = '{'"),
}


@pytest.mark.parametrize("kind", [*DAMAGE, "a folder"])
def test_a_damaged_sandbox_is_one_message(kind: str, boxed: Team) -> None:
    """No command crashes or hangs: each works, or says what is wrong and what to do; a reset makes it anew."""
    assert boxed.run("apply", "--auto-approve").code == 0
    path = _database(boxed)
    whole = path.read_bytes()
    refused = 0
    for command in COMMANDS[:7]:
        path.write_bytes(whole)
        {**DAMAGE, "a folder": _folder}[kind](path)
        result = boxed.run(*command)
        if path.is_dir():
            path.rmdir()
        assert "syncer itself failed" not in result.text
        if "the sandbox's state can't be used: " in result.err:
            refused += 1
            assert (result.code, result.err.count(str(path))) == (1, 1)
            assert "`syncer sandbox reset` makes it anew" in " ".join(result.err.split())
    # What nothing is made of can't be in the way.
    assert refused == (0 if kind in {"JSON of another shape", "no times", "no world"} else 7)

    path.write_bytes(whole)
    {**DAMAGE, "a folder": _folder}[kind](path)
    again = boxed.run("sandbox", "reset")
    if kind == "a folder":
        assert (again.code, "can't be taken away" in again.err) == (1, True)
        path.rmdir()
        again = boxed.run("sandbox", "reset")
    assert (again.code, again.out, again.err) == (0, "The sandbox is back to its seeded world.\n", "")
    assert boxed.run("plan", "--detailed-exitcode").code == 2


def test_a_sandbox_that_another_process_holds(boxed: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """It's named as that, and nothing is taken away."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **{**named, "timeout": 0.01}))
    assert boxed.run("apply", "--auto-approve").code == 0
    with closing(connect(_database(boxed), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for command in (("plan",), ("sandbox", "reset")):
            result = boxed.run(*command)
            assert (result.code, "database is locked" in result.err) == (1, True)
            assert "end the other syncer that uses it" in result.err
    assert boxed.run("plan", "--detailed-exitcode").code == 0


def test_two_processes_share_a_new_sandbox(boxed: Team) -> None:
    """Whoever is first makes the tables, all at once: nobody finds some of them."""
    started = [
        subprocess.Popen(boxed.command("plan"), cwd=boxed.folder, env=boxed.environment, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in started:
        process.communicate(timeout=60)

    assert [process.returncode for process in started] == [0] * 3


def test_a_served_sandbox_that_is_damaged_answers(boxed: Team) -> None:
    """With a 500, and no traceback."""
    assert boxed.run("plan").code == 0
    with closing(Sandbox(path=_database(boxed))) as box, running(box) as url:
        _execute(_database(boxed), "DROP TABLE models")
        team = Inside(boxed.folder, url, variables={"SYNCER_TOKEN": "sandbox"})
        result = team.run("plan")

    assert (result.code, "failed (500)" in result.err) == (1, True)


# -- its own laws ------------------------------------------------------------------------------------------------------


def test_the_demo_keeps_nothing(boxed: Team, state_root: Path) -> None:
    """Neither in the user's state folder nor anywhere else."""
    assert boxed.run("demo").code == 0
    assert not state_root.exists()


def test_a_label_that_was_moved_is_made_anew(tmp_path: Path) -> None:
    """Who takes another folder's state over makes it this one's."""
    one, two = (folder_of(tmp_path / name, os.environ) for name in ("one", "two"))
    one.made("runs")
    one.path.rename(two.path)

    assert [lost.folder for lost in folder_of(tmp_path / "three", os.environ).lost()] == [tmp_path / "one" / "."]
    two.made()
    assert json.loads((two.path / "belongs.json").read_text())["repository"] == str(tmp_path / "two")


def test_links_in_a_circle_are_told(team: Team, state_root: Path) -> None:
    """They lead to no folder."""
    state_root.parent.mkdir(exist_ok=True)
    state_root.symlink_to(state_root)

    assert "keeps nothing behind a symbolic link" in team.run("history").err
