"""`syncer init --ci`: what it writes is what ships, and it overwrites nothing unasked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workflows import load
from world import Team

from syncer.cli import starting

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
GITHUB = {f".github/workflows/{name}" for name in ("plan.yml", "plan-fork-comment.yml", "apply.yml", "drift.yml")}
PLAN, LAST = ".github/workflows/plan.yml", ".github/workflows/drift.yml"


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """A repository with settings, and without CI."""
    return Team(tmp_path, "https://api.example.com")


def _files(folder: Path) -> set[str]:
    """Every file of a repository but its settings."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return {name for name in found if not name.startswith(".git/")} - {"syncer.toml"}


def test_github_gets_this_projects_own_workflows(team: Team) -> None:
    """Byte by byte, and again it changes nothing."""
    first = team.run("init", "--ci", "github")
    assert (first.code, first.err, _files(team.folder)) == (0, "", GITHUB)
    assert all((team.folder / name).read_bytes() == (ROOT / name).read_bytes() for name in GITHUB)
    assert first.out.count("Wrote .github/workflows/") == 4

    again = team.run("init", "--ci", "github")
    assert (again.code, again.out.count("Unchanged .github/workflows/")) == (0, 4)


def test_gitlab_gets_a_file_to_include(team: Team) -> None:
    """One of its own, so that an own .gitlab-ci.yml is left alone."""
    result = team.run("init", "--ci", "gitlab")

    assert (result.code, _files(team.folder)) == (0, {".gitlab/syncer.yml"})
    assert "local: .gitlab/syncer.yml" in result.out
    assert load(team.folder / ".gitlab" / "syncer.yml")["apply"]["script"] == ["syncer ci apply plan.json"]


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_what_is_left_to_do_is_said(host: str, team: Team) -> None:
    """The lock, the variables, the secrets, the guarded environment, the protected branch; and the version is named."""
    said = team.run("init", "--ci", host).out

    for word in ("syncer.txt", "SYNCER_API_URL", "SYNCER_EMAIL", "Viewer", "`prod`", "Member", "rotect"):
        assert word in said
    assert "{" not in said


def test_what_differs_is_left_alone(team: Team) -> None:
    """What is missing is written, what differs is listed and kept as it is; --force overwrites it."""
    (team.folder / ".github" / "workflows").mkdir(parents=True)
    (team.folder / PLAN).write_text("mine\n")
    done = team.run("init", "--ci", "github")
    assert (done.code, done.err, _files(team.folder)) == (0, "", GITHUB)
    assert f"Left alone: {PLAN}, which differs (--force overwrites)\n" in done.out
    assert done.out.count("Wrote .github/workflows/") == 3
    assert "What is left to do:" in done.out
    assert (team.folder / PLAN).read_text() == "mine\n"
    assert all((team.folder / name).read_bytes() == (ROOT / name).read_bytes() for name in GITHUB - {PLAN})

    forced = team.run("init", "--ci", "github", "--force")
    assert (forced.code, forced.out.count("Wrote "), forced.out.count("Unchanged ")) == (0, 1, 3)
    assert (team.folder / PLAN).read_bytes() == (ROOT / PLAN).read_bytes()


def _workflows_elsewhere(folder: Path, outside: Path) -> None:
    (folder / ".github").symlink_to(outside)


def _file_elsewhere(folder: Path, outside: Path) -> None:
    (folder / PLAN).parent.mkdir(parents=True)
    (folder / PLAN).symlink_to(outside / "plan.yml")


def _last_file_elsewhere(folder: Path, outside: Path) -> None:
    (folder / LAST).parent.mkdir(parents=True)
    (folder / LAST).symlink_to(outside / "drift.yml")


@pytest.mark.parametrize("flags", [(), ("--force",)])
@pytest.mark.parametrize("lead_out", [_workflows_elsewhere, _file_elsewhere, _last_file_elsewhere])
def test_nothing_is_written_through_a_link(
    lead_out: Callable[[Path, Path], None], flags: tuple[str, ...], tmp_path: Path
) -> None:
    """Whoever made the repository doesn't choose which files of this machine are written; nor is any other one."""
    (outside := tmp_path / "outside").mkdir()
    (inside := tmp_path / "inside").mkdir()
    team = Team(inside, "https://api.example.com")
    lead_out(inside, outside)
    before = _files(inside)
    result = team.run("init", "--ci", "github", *flags)

    assert (result.code, result.out, _files(inside)) == (1, "", before)
    assert "is a symbolic link" in result.err
    assert list(outside.iterdir()) == []


def test_what_is_in_the_way_is_said(team: Team) -> None:
    """A folder where a file belongs, a file where a folder belongs: an error, and no file."""
    (team.folder / PLAN).mkdir(parents=True)
    result = team.run("init", "--ci", "github", "--force")
    assert (result.code, _files(team.folder)) == (1, set())
    assert f"{PLAN} can't be read: Is a directory" in result.err

    (team.folder / ".gitlab").write_text("")
    result = team.run("init", "--ci", "gitlab")
    assert result.code == 1
    assert ".gitlab/syncer.yml can't be read: Not a directory" in result.err


def test_files_go_where_the_host_looks(tmp_path: Path) -> None:
    """To the top of the repository, also when the settings are further down; that is said."""
    (below := tmp_path / "data" / "ours").mkdir(parents=True)
    (below / "syncer.toml").write_text('models = "."\n')
    result = Team(tmp_path).run("--chdir", "data/ours", "init", "--ci", "github")

    assert (result.code, result.err) == (0, "")
    assert (tmp_path / PLAN).exists()
    assert "--chdir data/ours" in result.out


def test_without_git_it_is_the_folder(tmp_path: Path) -> None:
    """A repository that isn't one yet."""
    assert starting._top(tmp_path) == tmp_path
