"""The base that nobody named: where it comes from, and that it claims nothing that isn't certain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from builders import FakeApi, live
from played import CONNECTORS, Played
from repositories import Repository

from syncer.cli.shared import run_record

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
id: {id}
name: Model {id}
description: {said}
connector: warehouse
query_type: raw_sql
primary_key: user_id
query: SELECT user_id FROM users
"""


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Two models whose descriptions are `first`, in git's one commit and live; no two runs share a second."""
    seconds = count()
    monkeypatch.setattr(run_record, "now", lambda: datetime.now(UTC) + timedelta(seconds=next(seconds)))
    (tmp_path / "work").mkdir()
    same = {"description": "first", "query": "SELECT user_id FROM users"}
    played = Played(tmp_path / "work", FakeApi([live(one, name=f"Model {one}", **same) for one in (1, 2)], CONNECTORS))
    git = Repository.made(played.folder)
    _write(played, 1, "first")
    _write(played, 2, "first")
    git.commit()
    return played


def _write(played: Played, number: int, said: str) -> None:
    played.write(f"models/m{number}.yaml", FILE.format(id=number, said=said))


def _base(played: Played, *arguments: str) -> str:
    """The line of a plan that says which base it has, on one line; empty if none says so."""
    words = " ".join(played.run("plan", *arguments).out.split())
    return words.partition("Base: ")[2].partition(" Refreshing")[0]


def test_a_branch_of_ones_own_is_judged_by_where_it_left_the_default_one(played: Played, tmp_path: Path) -> None:
    """A colleague's edit in the UI is named, and refused where this change competes; nobody has to use `--base`."""
    git = Repository(played.folder)
    first = git.head
    git.bare(tmp_path / "remote")
    git.git("remote", "set-head", "origin", "main")
    git.git("checkout", "--quiet", "-b", "topic")
    # A new branch, with edits that aren't committed.
    _write(played, 1, "mine")
    assert _base(played) == f"commit {first[:12]}, where this branch left origin/main."
    git.commit()
    played.api.edit(1, description="theirs")
    played.api.edit(2, description="theirs")

    for arguments in (("plan",), ("apply", "--auto-approve"), ("apply", "--dry-run")):
        refused = played.run(*arguments)
        assert refused.code == 1
        assert "description of m1 was changed outside git, and this apply would overwrite that" in refused.err
        assert "(description: drift)" in refused.out
    assert not played.api.puts
    assert played.run("apply", "--auto-approve", "--on-drift", "fail").code == 1

    # Whoever wants none says so, and no line speaks of one.
    assert (_base(played, "--base", "none"), _base(played, "--base", "HEAD")) == ("", "")
    assert "drift" not in played.run("plan", "--base", "none").out
    assert "--on-drift needs a base" in played.run("plan", "--base", "none", "--on-drift", "fail").err
    # `drift` keeps HEAD; a checked-out commit without a branch has left the default one, too.
    assert played.run("drift").code == 2
    git.git("checkout", "--quiet", "--detach")
    assert _base(played).startswith(f"commit {first[:12]}, where")
    # The remote's default branch isn't known, or has nothing in common with this one.
    git.git("remote", "set-head", "origin", "--delete")
    assert _base(played).startswith("none, because git knows no default branch of origin")
    git.git("remote", "set-head", "origin", "main")
    git.git("checkout", "--quiet", "--orphan", "alone")
    git.commit()
    assert _base(played).startswith("none, because git doesn't find where this branch left origin/main.")


def test_on_the_default_branch_the_last_whole_apply_counts(played: Played) -> None:
    """Only what certainly was applied: no target, no edit that isn't committed, no failure, no rollback."""
    git = Repository(played.folder)
    assert _base(played).startswith(
        "none, because git knows no default branch of origin, and this folder has no record"
    )
    _write(played, 1, "second")
    second = git.commit()
    assert played.run("apply", "--auto-approve").code == 0
    assert _base(played).startswith(f"commit {second[:12]}, which was applied last from here (run ")

    # An edit in the UI is drift from now on.
    played.api.edit(2, description="theirs")
    assert "(description: drift)" in played.run("plan").out
    played.api.edit(2, description="first")

    # What a run with a target changed is left out, and nothing else.
    _write(played, 1, "third")
    _write(played, 2, "third")
    git.commit()
    assert played.run("apply", "--auto-approve", "--target", "m1").code == 0
    assert _base(played).startswith(f"commit {second[:12]},")
    _write(played, 1, "fourth")
    shown = played.run("plan")
    assert "conflict" not in shown.out
    assert "(description: drift)" not in shown.out
    assert f"the base {second[:12]} is incomplete: a later apply changed the models of models/m1.yaml" in shown.out
    assert "silent-base" in played.run("apply", "--dry-run", "--on-drift", "fail").err

    # An apply with uncommitted edits is no apply of its commit; a whole one is the next base.
    assert played.run("apply", "--auto-approve").code == 0
    assert _base(played).startswith(f"commit {second[:12]},")
    _write(played, 2, "fifth")
    fifth = git.commit()
    assert played.run("apply", "--auto-approve").code == 0
    assert _base(played).startswith(f"commit {fifth[:12]},")
    assert played.run("rollback", "last", "--auto-approve").code == 0
    assert _base(played).startswith(f"commit {fifth[:12]},")
    assert "a later apply changed the models of models/m2.yaml" in played.run("plan").out
    # Another environment's apply says nothing of this one.
    played.variables = {"SYNCER_WORKSPACE_ID": "9"}
    assert _base(played).startswith("none, because")


def test_an_apply_that_left_live_otherwise_is_no_whole_one(played: Played) -> None:
    """Edits of the settings that files read aren't committed, a secret wasn't known, another name wrote there, too."""
    git = Repository(played.folder)
    settings = played.read("syncer.toml")
    without = FILE.format(id=1, said="").replace("description: \n", "")
    played.write("models/m1.yaml", without)
    played.write("syncer.toml", settings + b'[defaults]\ndescription = "all"\n')
    git.commit()
    played.write("syncer.toml", settings + b'[defaults]\ndescription = "mine"\n')
    assert played.run("apply", "--auto-approve", "--base", "none").code == 0
    assert _base(played).startswith("none, because")
    # What files read of the settings has to be what was committed; the rest may differ.
    played.write("syncer.toml", b"parallelism = 1\n" + settings + b'[defaults]\ndescription = "all"\n')
    assert played.run("apply", "--auto-approve", "--base", "none").code == 0
    first = git.head
    assert _base(played).startswith(f"commit {first[:12]},")

    # The secret may differ, so the commit may say what isn't live.
    secret = "configuration: {api_key: {env: SYNCER_SECRET_A}}\n"
    played.api.edit(2, configuration={"api_key": "old"})
    played.write("models/m2.yaml", FILE.format(id=2, said="second") + secret)
    git.commit()
    assert played.run("apply", "--auto-approve", "--base", "none").code == 0
    assert _base(played).startswith(f"commit {first[:12]},")

    # The same workspace under another name.
    known = played.read("syncer.toml")
    played.write("syncer.toml", known.replace(b"prod", b"also"))
    _write(played, 1, "also")
    git.commit()
    assert played.run("apply", "--auto-approve", "--base", "none", "--target", "m1").code == 0
    played.write("syncer.toml", known)
    _write(played, 1, "more")
    shown = played.run("plan").out
    assert "conflict" not in shown
    assert "models/m1.yaml" in " ".join(shown.split()).partition("a later apply changed the models of")[2]


def test_outside_git_there_is_none(played: Played) -> None:
    """It's said in a line, and nothing else changes."""
    (played.folder / ".git").rename(played.folder.parent / "gone")

    assert _base(played).startswith("none, because git has no commit with this folder.")
    assert played.run("plan", "--json").err == ""
