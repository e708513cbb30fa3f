"""What git said at a commit: read from git's objects, whatever the work tree holds, and whatever a tree was made for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from repositories import GIT, Repository

from syncer import config
from syncer.cli.shared import running
from syncer.desired import git, loader
from syncer.errors import SettingsError
from syncer.plan.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from syncer.workflow.base import Base

SQL = "name: {name}\nconnector_id: 1\nquery_type: raw_sql\nprimary_key: id\nquery: SELECT id FROM t\n"
FILE, LINK, FOLDER = "100644", "120000", "40000"


@pytest.fixture(autouse=True)
def _nobodys_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own configuration has no say here, nor a repository that the tests may be run from."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    return Repository.made(tmp_path / "work")


def _files(root: Path, commit: str, models: str = "models") -> dict[str, str]:
    """What is laid out of a commit: texts by path, links as what they lead to."""
    with git.files_at(root, commit, models) as folder:
        found = {
            path.relative_to(folder).as_posix(): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
            for path in sorted(folder.rglob("*"))
            if path.is_symlink() or path.is_file()
        }
    assert not folder.exists()
    return found


def _everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes; git's own, too."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


# -- files of a commit -------------------------------------------------------------------------------------------------


def test_the_commit_counts_not_the_work_tree(repository: Repository) -> None:
    """Changed, deleted and new files of the work tree and of the index have no say, and stay as they are."""
    first = repository.commit({"models/a.yaml": "a", "models/deep/b.yaml": "b", "queries/q.sql": "q"})
    repository.commit({"models/a.yaml": "later"})
    repository.write("models/a.yaml", "edited")
    (repository.folder / "models/deep/b.yaml").unlink()
    repository.write("models/new.yaml", "new")
    repository.write("models/staged.yaml", "staged")
    repository.git("add", "models/staged.yaml")
    before = _everything(repository.folder)

    assert _files(repository.folder, first) == {"models/a.yaml": "a", "models/deep/b.yaml": "b", "queries/q.sql": "q"}
    assert _everything(repository.folder) == before


def test_only_what_could_be_a_model_or_a_query_is_laid_out(repository: Repository) -> None:
    """YAML below the models folder and SQL anywhere; neither secrets nor programs nor pictures of the repository."""
    commit = repository.commit(
        {
            "models/a.yaml": "a",
            "models/b.yml": "b",
            "models/README.md": "r",
            "models/run.sh": "x",
            "models.yaml": "m",
            "modelsque/c.yaml": "c",
            ".env": "TOKEN=x",
            "shared/deep/q.sql": "q",
            "models/q.sql": "own",
        }
    )

    assert set(_files(repository.folder, commit)) == {
        "models/a.yaml",
        "models/b.yml",
        "models/q.sql",
        "shared/deep/q.sql",
    }


@pytest.mark.parametrize("models", ["models", "models/", "./models", "models/../models", "models/."])
def test_the_models_folder_may_be_written_in_any_way(models: str, repository: Repository) -> None:
    """The base is the same folder that the loader reads."""
    commit = repository.commit({"models/a.yaml": SQL.format(name="A")})
    assert [one.address for one in loader.load(repository.folder, models).documents] == ["a"]

    assert _files(repository.folder, commit, models) == {"models/a.yaml": SQL.format(name="A")}


def test_the_models_may_be_the_whole_repository(repository: Repository) -> None:
    """`models = "."`."""
    commit = repository.commit({"a.yaml": "a", "deep/b.yaml": "b"})

    assert set(_files(repository.folder, commit, ".")) == {"a.yaml", "deep/b.yaml"}


@pytest.mark.parametrize("models", ["../escaped", "{outside}"])
def test_a_models_folder_outside_is_not_made(models: str, repository: Repository, tmp_path: Path) -> None:
    """Settings come with the repository: they don't choose where folders appear."""
    commit = repository.commit({"models/a.yaml": "a"})
    outside = tmp_path / "outside"
    named = models.format(outside=outside)
    made = []
    try:
        with git.files_at(repository.folder, commit, named) as folder:
            made = [path for path in (outside, folder.parent / "escaped") if path.exists()]
    except SettingsError:
        pass

    for path in made:
        path.rmdir()
    assert made == []


def test_a_project_may_be_a_folder_of_the_repository(repository: Repository) -> None:
    """Paths are from the settings' folder, and the neighbours' files aren't seen."""
    commit = repository.commit({"team/models/a.yaml": "a", "team/q.sql": "q", "models/other.yaml": "o", "z.sql": "z"})

    assert _files(repository.folder / "team", commit) == {"models/a.yaml": "a", "q.sql": "q"}


def test_a_project_that_is_new_has_an_empty_base(repository: Repository) -> None:
    """A commit from before the folder existed says nothing; that's no error."""
    first = repository.commit({"README.md": "r"})
    repository.commit({"team/models/a.yaml": "a"})

    assert _files(repository.folder / "team", first) == {}
    assert _files(repository.folder, first) == {}


def test_odd_names_are_taken_as_they_are(repository: Repository) -> None:
    """Blanks, quotes, line ends, umlauts, a leading dash, and bytes that are no text."""
    names = [
        "models/with blank.yaml",
        'models/"quoted".yaml',
        "models/new\nline.yaml",
        "models/ü.yaml",
        "models/-x.yaml",
    ]
    commit = repository.commit(dict.fromkeys(names, "x"))
    assert set(_files(repository.folder, commit)) == set(names)

    oid = repository.blob(b"y")
    tree = repository.tree((FOLDER, "tree", repository.tree((FILE, "blob", oid, "\udcff.yaml")), "models"))
    assert _files(repository.folder, repository.commit_tree(tree)) == {"models/\udcff.yaml": "y"}


def test_empty_files_and_large_ones(repository: Repository) -> None:
    """An empty file is a file; one that the loader would refuse anyway isn't read."""
    commit = repository.commit({"models/a.yaml": "", "models/big.yaml": "#" * ((2 << 20) + 1), "models/c.yaml": "c\n"})

    assert _files(repository.folder, commit) == {"models/a.yaml": "", "models/c.yaml": "c\n"}


def test_attributes_and_filters_have_no_say(repository: Repository) -> None:
    """What was committed counts: no line ends are changed, nothing is smudged."""
    repository.git("config", "filter.loud.smudge", "echo smudged")
    repository.git("config", "core.autocrlf", "true")
    commit = repository.commit({".gitattributes": "*.yaml filter=loud text\n", "models/a.yaml": "a: 1\n"})

    with git.files_at(repository.folder, commit, "models") as folder:
        assert (folder / "models/a.yaml").read_bytes() == b"a: 1\n"


# -- links and trees that mean harm ------------------------------------------------------------------------------------


def test_a_link_stays_a_link(repository: Repository) -> None:
    """What it leads to is the loader's to judge: inside it's read, outside it's a problem."""
    repository.write("models/a.yaml", SQL.format(name="A"))
    (repository.folder / "models/inside.yaml").symlink_to("a.yaml")
    (repository.folder / "models/outside.yaml").symlink_to("/etc/hostname")
    (repository.folder / "models/up.yaml").symlink_to("../../../../../../etc/passwd")
    commit = repository.commit()

    with git.files_at(repository.folder, commit, "models") as folder:
        loaded = loader.load(folder)
    assert {one.address for one in loaded.documents} == {"a", "inside"}
    assert [(one.rule, one.origin.path) for one in loaded.problems] == [
        ("outside-root", "models/outside.yaml"),
        ("outside-root", "models/up.yaml"),
    ]


def test_what_a_link_leads_to_is_there_too(repository: Repository) -> None:
    """A model file, a folder, a folder behind another link: git says at the commit what it says in the work tree.

    Otherwise the guards of those definitions would be gone. Whatever else stands outside the models folder stays out.
    """
    for path, name in {"shared/a.yaml": "A", "ext/b.yaml": "B", "ext/deep/c.yaml": "C", "other/d.yaml": "D"}.items():
        repository.write(path, SQL.format(name=name))
    models = repository.folder / "models"
    models.mkdir()
    (models / "a.yaml").symlink_to("../shared/a.yaml")
    (models / "ext").symlink_to("../way/deep")
    (repository.folder / "way").symlink_to("ext")
    (models / "round").symlink_to("round")
    commit = repository.commit()
    (repository.folder / "shared/a.yaml").write_text("changed")
    assert git.head(repository.folder, "models") == f"{commit}-dirty"

    with git.files_at(repository.folder, commit, "models") as folder:
        loaded = loader.load(folder)
        assert not (folder / "other").exists()
    assert {one.address for one in loaded.documents} == {"a", "ext/c"}


@pytest.mark.parametrize("name", ["..", ".", ".git", "", "a/../../x.yaml", "/etc/x.yaml", "a\\..\\x.yaml"])
def test_no_name_leads_out(name: str, repository: Repository, tmp_path: Path) -> None:
    """A tree that no honest git makes puts no file beside the folder, nor into a `.git`."""
    oid = repository.blob(b"evil")
    inner = repository.tree((FILE, "blob", oid, "evil.yaml"), (FILE, "blob", oid, "evil.sql"))
    good = (FILE, "blob", oid, "good.yaml")
    folder = repository.tree(good, (FOLDER, "tree", inner, name) if "x" not in name else (FILE, "blob", oid, name))
    commit = repository.commit_tree(repository.tree((FOLDER, "tree", folder, "models")))
    before = set(tmp_path.rglob("*")) - set((repository.folder / ".git").rglob("*"))
    try:
        found = _files(repository.folder, commit)
    except SettingsError:
        found = {"models/good.yaml": "evil"}  # git itself may refuse to list such a tree

    assert "models/good.yaml" in found
    assert not [path for path in found if ".." in path or ".git" in path or "\\" in path]
    assert set(tmp_path.rglob("*")) - set((repository.folder / ".git").rglob("*")) == before


def test_nothing_is_written_through_a_link(repository: Repository, tmp_path: Path) -> None:
    """A tree with one name twice, as a link out and as a folder: neither a file nor a link gets out by it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    text, link = repository.blob(b"evil"), repository.blob(str(outside).encode())
    inner = repository.tree((FILE, "blob", text, "evil.yaml"), (LINK, "blob", link, "authorized"))
    for order in (0, 1):
        twice = [(LINK, "blob", link, "name"), (FOLDER, "tree", inner, "name")]
        folder = repository.tree(*(twice if order else twice[::-1]))
        _files(repository.folder, repository.commit_tree(repository.tree((FOLDER, "tree", folder, "models"))))

        assert list(outside.iterdir()) == []


def test_a_link_within_a_link_makes_nothing_outside(repository: Repository, tmp_path: Path) -> None:
    """The same with links alone: one leads out, and another is said to stand behind it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    link = repository.blob(str(outside).encode())
    inner = repository.tree((LINK, "blob", link, "authorized"))
    folder = repository.tree((LINK, "blob", link, "name"), (FOLDER, "tree", inner, "name"))
    _files(repository.folder, repository.commit_tree(repository.tree((FOLDER, "tree", folder, "models"))))

    assert list(outside.iterdir()) == []


def test_of_one_name_twice_the_first_counts(repository: Repository) -> None:
    """Neither an error nor a mixture."""
    one, two = repository.blob(b"one"), repository.blob(b"two")
    folder = repository.tree((FILE, "blob", one, "a.yaml"), (FILE, "blob", two, "a.yaml"))
    commit = repository.commit_tree(repository.tree((FOLDER, "tree", folder, "models")))

    assert _files(repository.folder, commit) == {"models/a.yaml": "one"}


@pytest.mark.parametrize(
    ("mode", "name", "content"),
    [
        (FILE, "x" * 300 + ".yaml", b"long name"),
        (LINK, "empty", b""),
        (LINK, "nul", b"a\0b"),
        (LINK, "long", b"x" * 5000),
        (LINK, "self", b"self"),
        (LINK, "dots", b".."),
    ],
)
def test_what_no_disk_takes_is_left_out(mode: str, name: str, content: bytes, repository: Repository) -> None:
    """A name or a link that can't be made is no reason to fail, and the others are there."""
    bad = (mode, "blob", repository.blob(content), name)
    folder = repository.tree((FILE, "blob", repository.blob(b"good"), "a.yaml"), bad)
    commit = repository.commit_tree(repository.tree((FOLDER, "tree", folder, "models")))

    assert _files(repository.folder, commit)["models/a.yaml"] == "good"


def test_submodules_and_odd_modes_are_passed_over(repository: Repository) -> None:
    """A submodule is another repository's business."""
    first = repository.commit({"README.md": "r"})
    good = (FILE, "blob", repository.blob(b"good"), "a.yaml")
    folder = repository.tree(
        good, ("100664", "blob", repository.blob(b"old"), "b.yaml"), ("160000", "commit", first, "s")
    )
    commit = repository.commit_tree(repository.tree((FOLDER, "tree", folder, "models")))

    assert _files(repository.folder, commit) == {"models/a.yaml": "good", "models/b.yaml": "old"}


# -- refs --------------------------------------------------------------------------------------------------------------


def test_a_ref_is_anything_that_names_a_commit(repository: Repository) -> None:
    """A branch, a tag with a message, a short hash, an ancestor."""
    first = repository.commit({"models/a.yaml": "a"})
    repository.git("tag", "--annotate", "--message=v1", "v1")
    second = repository.commit({"models/a.yaml": "b"})
    named = {"HEAD": second, "main": second, "v1": first, first[:9]: first, "HEAD^": first, "main~1": first}

    assert {ref: git.commit_of(repository.folder, ref) for ref in named} == named


@pytest.mark.parametrize(
    "ref",
    [
        "nowhere",
        "",
        "HEAD^2",
        "HEAD:models",
        "0" * 40,
        "--help",
        "-h",
        "--all",
        "--output=x",
        "--git-dir",
        "a b",
        "\x1b[2J",
    ],
)
def test_a_ref_that_names_none_is_an_error(ref: str, repository: Repository) -> None:
    """Whatever it looks like, it's no flag of git's; the words can be printed, and say what to do."""
    repository.commit({"models/a.yaml": "a"})

    with pytest.raises(SettingsError, match="git knows no commit ") as caught:
        git.commit_of(repository.folder, ref)
    assert caught.value.what.isprintable()
    assert "git fetch --no-tags origin main:refs/remotes/origin/main" in caught.value.hint


def test_a_commit_that_is_a_flag_is_none(repository: Repository) -> None:
    """Nor where a commit is expected that was looked up before."""
    repository.commit({"models/a.yaml": "a"})

    with pytest.raises(SettingsError):
        _files(repository.folder, "0" * 40)


def _follow(repository: Repository, error: SettingsError) -> None:
    """Run the command that a hint says, as it stands there."""
    command = re.search(r"`git ([^`]*)`", error.hint)
    assert command is not None
    repository.git(*command[1].split())


def test_the_hint_for_a_missing_branch_is_the_command_that_brings_it(repository: Repository, tmp_path: Path) -> None:
    """Copied and run, it works."""
    repository.commit({"models/a.yaml": "a"})
    repository.git("branch", "feature/x")
    remote = repository.bare(tmp_path / "remote")
    clone = remote.cloned(tmp_path / "clone", "--single-branch", "--branch=main")
    with pytest.raises(SettingsError, match="git knows no commit origin/feature/x") as caught:
        git.commit_of(clone.folder, "origin/feature/x")
    assert "`git fetch --no-tags origin feature/x:refs/remotes/origin/feature/x`" in caught.value.hint

    _follow(clone, caught.value)
    assert git.commit_of(clone.folder, "origin/feature/x") == repository.head


def test_the_hint_for_a_shallow_clone_is_the_command_that_deepens_it(repository: Repository, tmp_path: Path) -> None:
    """Copied and run, it works; for a commit that isn't there and for one without a common ancestor."""
    first = repository.commit({"models/a.yaml": "a"})
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit({"models/b.yaml": "b"})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"models/a.yaml": "later"})
    remote = repository.bare(tmp_path / "remote")
    clone = remote.cloned(tmp_path / "clone", "--depth=1", "--no-single-branch", "--branch=topic")
    with pytest.raises(SettingsError, match="the clone is shallow and doesn't hold it") as caught:
        git.commit_of(clone.folder, first)
    assert caught.value.what.startswith(first)
    assert "`git fetch --no-tags --unshallow origin`" in caught.value.hint
    assert "`fetch-depth: 0`" in caught.value.hint
    with pytest.raises(SettingsError, match="shallow, no common ancestor with HEAD is here") as parted:
        git.merge_base(clone.folder, "origin/main")

    _follow(clone, parted.value)
    assert git.commit_of(clone.folder, first) == first
    assert git.merge_base(clone.folder, "origin/main") == first
    assert _files(clone.folder, first) == {"models/a.yaml": "a"}


def test_outside_git_it_is_said(tmp_path: Path) -> None:
    """No repository, a repository without a commit, and no git at all."""
    with pytest.raises(SettingsError, match="is not in a git repository"):
        git.commit_of(tmp_path, "HEAD")
    assert git.head(tmp_path, "models") == ""

    empty = Repository.made(tmp_path / "empty")
    with pytest.raises(SettingsError, match="git knows no commit HEAD"):
        git.commit_of(empty.folder, "HEAD")
    assert git.head(empty.folder, "models") == ""


@pytest.mark.parametrize(
    ("is_repository", "is_own", "said", "hint"),
    [
        (False, True, "is not in a git repository", "work in a clone"),
        (True, False, "git doesn't trust", "safe.directory"),
        (True, True, "git can't read the repository", "status"),
    ],
)
def test_what_git_says_is_not_read(
    is_repository: bool,  # noqa: FBT001 - a case
    is_own: bool,  # noqa: FBT001 - a case
    said: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A git of any version and language refuses: the folders tell why."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\necho 'kein Repo' >&2\nexit 128\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    (tmp_path / "root" / (".git" if is_repository else "models")).mkdir(parents=True)
    if not is_own:
        monkeypatch.setattr("os.geteuid", lambda: 4711)

    with pytest.raises(SettingsError, match=said) as caught:
        git.commit_of(tmp_path / "root", "HEAD")
    assert hint in caught.value.hint


def test_without_git_it_is_said(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program may be missing: that is an error for a base, and no news for the head."""
    commit = repository.commit({"models/a.yaml": "a"})
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(SettingsError, match="git is not installed"):
        _files(repository.folder, commit)
    assert git.head(repository.folder, "models") == ""


# -- which commit ------------------------------------------------------------------------------------------------------


def _forked(repository: Repository) -> tuple[str, str, str]:
    """Where a branch parted from main, main's later commit, and the branch's own, which is checked out."""
    parted = repository.commit({"models/a.yaml": "a"})
    later = repository.commit({"models/a.yaml": "later"})
    repository.git("checkout", "--quiet", "-b", "topic", parted)
    return parted, later, repository.commit({"models/b.yaml": "b"})


def test_the_base_is_where_the_branch_parted(repository: Repository) -> None:
    """What main got meanwhile isn't this branch's change."""
    parted, later, _ = _forked(repository)

    assert git.merge_base(repository.folder, "main") == parted
    assert git.merge_base(repository.folder, later) == parted
    assert git.merge_base(repository.folder, "HEAD") == repository.head


def test_branches_that_never_met_have_no_base(repository: Repository) -> None:
    """That is an error, not an empty base."""
    repository.commit({"models/a.yaml": "a"})
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.commit({"models/b.yaml": "b"})

    with pytest.raises(SettingsError, match="main can't be compared: no common ancestor"):
        git.merge_base(repository.folder, "main")


def test_the_base_of_a_merge_is_what_it_was_merged_into(repository: Repository) -> None:
    """A host checks out the merge of the branch into main as it is now; the event's own base may lag behind."""
    parted, later, head = _forked(repository)
    repository.git("checkout", "--quiet", "--detach", "main")
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")

    assert git.base_of_change(repository.folder, head, parted) == later


def test_the_base_of_a_branch_itself_is_where_it_parted(repository: Repository) -> None:
    """Where the head is checked out, and where HEAD is a merge of something else."""
    parted, later, head = _forked(repository)
    assert git.base_of_change(repository.folder, head, later) == parted
    assert git.base_of_change(repository.folder, head, "") == parted

    repository.git("merge", "--quiet", "--no-ff", "--no-edit", "--strategy=ours", "main")
    assert git.base_of_change(repository.folder, repository.head, later) == later


def test_the_head_says_whether_the_files_are_its_own(repository: Repository) -> None:
    """Models and queries count, tracked or not; what else lies about doesn't."""
    commit = repository.commit({"models/a.yaml": "a", "shared/q.sql": "q", "README.md": "r"})
    root = repository.folder
    assert git.head(root, "models") == commit
    repository.write("README.md", "edited")
    repository.write("plan.json", "{}")
    assert git.head(root, "models") == commit

    for path, text in (("models/a.yaml", "b"), ("models/new.yaml", "n"), ("shared/q.sql", "r"), ("other/new.sql", "n")):
        repository.write(path, text)
        assert git.head(root, "models") == f"{commit}-dirty", path
        repository.git("stash", "--quiet", "--include-untracked")
        assert git.head(root, "models") == commit
    (root / "models/a.yaml").unlink()
    assert git.head(root, "models") == f"{commit}-dirty"


def test_the_head_of_a_folder_of_the_repository(repository: Repository) -> None:
    """What the neighbours edit doesn't make this project's plan differ."""
    commit = repository.commit({"team/models/a.yaml": "a", "models/b.yaml": "b", "b.sql": "b"})
    repository.write("models/b.yaml", "edited")
    repository.write("b.sql", "edited")
    assert git.head(repository.folder / "team", "models") == commit

    repository.write("team/models/a.yaml", "edited")
    assert git.head(repository.folder / "team", "models") == f"{commit}-dirty"


# -- nothing of the repository runs ------------------------------------------------------------------------------------


def test_no_program_of_the_repository_runs(repository: Repository, tmp_path: Path) -> None:
    """Neither its hooks nor what its configuration names: a folder that somebody sent may be planned in."""
    commit = repository.commit({"models/a.yaml": "a"})
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho \"$0 $@\" >> '{ran}'\n")
    program.chmod(0o755)
    hooks = repository.folder / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman", "pre-commit"):
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "diff.external"):
        repository.git("config", key, str(program))
    repository.git("config", "core.hooksPath", str(hooks))
    repository.git("config", "pager.ls-tree", "true")
    ran.unlink(missing_ok=True)
    os.utime(repository.folder / "models/a.yaml", (1, 1))

    assert git.head(repository.folder, "models") == commit
    assert git.merge_base(repository.folder, "main") == commit
    assert git.base_of_change(repository.folder, commit, "main") == commit
    assert _files(repository.folder, commit) == {"models/a.yaml": "a"}
    with pytest.raises(SettingsError):
        git.commit_of(repository.folder, "origin/main")
    assert not ran.exists(), ran.read_text()

    # The trap works: git by itself does run them.
    subprocess.run(["git", "-C", str(repository.folder), "status"], capture_output=True, check=True)
    assert ran.exists()


@pytest.mark.parametrize("models", ["models", "models/", "./models", "models/../models"])
def test_the_head_knows_the_models_folder_as_it_is_written(models: str, repository: Repository) -> None:
    """However the settings name it, the same files count."""
    commit = repository.commit({"models/a.yaml": "a"})
    assert git.head(repository.folder, models) == commit

    repository.write("models/a.yaml", "edited")
    assert git.head(repository.folder, models) == f"{commit}-dirty"


def test_no_filter_of_the_repository_runs_for_the_head(repository: Repository, tmp_path: Path) -> None:
    """Files are compared as they are: what a configuration names for them isn't started."""
    ran = tmp_path / "ran"
    commit = repository.commit({".gitattributes": "*.yaml filter=loud\n", "models/a.yaml": "a"})
    repository.git("config", "filter.loud.clean", f"touch '{ran}'; cat")
    os.utime(repository.folder / "models/a.yaml", (1, 1))

    assert git.head(repository.folder, "models") == commit
    assert not ran.exists()


def test_another_repository_has_no_say(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook git's own variables name a repository; the folder's own is meant all the same."""
    commit = repository.commit({"models/m.yaml": "name: here"})
    other = Repository.made(tmp_path / "other")
    other.commit({"models/m.yaml": "name: there"})
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))

    assert git.head(repository.folder, "models") == commit
    assert _files(repository.folder, commit) == {"models/m.yaml": "name: here"}


def test_a_replaced_commit_is_what_was_committed(repository: Repository) -> None:
    """`git replace` shows another commit under an honest name."""
    first = repository.commit({"models/m.yaml": "name: first"})
    second = repository.commit({"models/m.yaml": "name: second"})
    repository.git("replace", first, second)

    assert _files(repository.folder, first) == {"models/m.yaml": "name: first"}


def test_a_repository_inside_the_work_tree_is_none(repository: Repository) -> None:
    """A branch can bring files that git takes for a bare repository, with commands in its configuration."""
    repository.commit({"sub/models/m.yaml": "name: x"})
    Repository.made(repository.folder / "sub", "--bare")

    with pytest.raises(SettingsError):
        git.commit_of(repository.folder / "sub", "HEAD")
    assert git.head(repository.folder / "sub", "models") == ""


def test_a_lost_object_is_an_error(repository: Repository) -> None:
    """What git can't read is never left out: the base would say nothing of that model."""
    commit = repository.commit({"models/m.yaml": "name: x"})
    blob = repository.git("rev-parse", f"{commit}:models/m.yaml")
    (repository.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(SettingsError, match="can't be read whole"):
        _files(repository.folder, commit)


def test_a_partial_clone_gets_what_a_commit_holds_and_it_lacks(repository: Repository, tmp_path: Path) -> None:
    """From its own remote alone, at once; what can't be got is named with the command that helps."""
    files = {"models/m.yaml": SQL.format(name="m"), "models/q.sql": "SELECT 1\n", "elsewhere/x.sql": "SELECT 2\n"}
    base = repository.commit({**files, "syncer.toml": "keep_runs = 1\n"})
    repository.commit({"models/m.yaml": SQL.format(name="n"), "models/q.sql": "SELECT 3\n", "syncer.toml": ""})
    for name in ("allowFilter", "allowAnySHA1InWant"):
        repository.git("config", f"uploadpack.{name}", "true")
    clones = [repository.cloned(tmp_path / str(number), "--filter=blob:none", "--sparse") for number in range(3)]
    clones.append(repository.cloned(tmp_path / "treeless", "--filter=tree:0"))
    for clone in clones[:3]:
        clone.git("sparse-checkout", "set", "models")

    # A sparse checkout is clean, but for a definition that it leaves out.
    first = clones[0]
    assert git.head(first.folder, "models") == repository.head
    first.git("sparse-checkout", "set", "elsewhere")
    assert git.head(first.folder, "models") == f"{repository.head}-dirty"
    assert _files(first.folder, base) == files
    with git.folder_at(clones[1].folder, base, ["syncer.toml"]) as folder:
        assert (folder / "syncer.toml").read_text() == "keep_runs = 1\n"

    # No program that the repository's own configuration names is run for it, and no other remote is asked.
    victim = clones[2]
    victim.git("config", "remote.origin.uploadpack", f"touch {tmp_path / 'ran'}; git-upload-pack")
    with pytest.raises(SettingsError, match="the clone is partial, and origin didn't give it") as refused:
        _files(victim.folder, base)
    assert not (tmp_path / "ran").exists()
    assert "`git fetch --refetch --no-filter origin`" in refused.value.hint
    victim.git("config", "--unset", "remote.origin.uploadpack")
    victim.git("config", "protocol.ext.allow", "always")
    victim.git("config", "remote.origin.url", f"ext::touch {tmp_path / 'ran'}")
    with pytest.raises(SettingsError, match="didn't give it"):
        _files(victim.folder, base)
    assert not (tmp_path / "ran").exists()

    treeless = clones[3]
    with pytest.raises(SettingsError, match="the clone is partial, and lacks its folders") as refused:
        _files(treeless.folder, base)
    treeless.git(*refused.value.hint.split("`")[1].split()[1:])
    assert _files(treeless.folder, base) == files


# -- what a base takes over from the work tree ---------------------------------------------------------------------------

THERE = {
    "syncer.toml": "[environments.a]\nworkspace_id = 1\n[environments.b]\nworkspace_id = 2\n",
    **{f"models/{at}/{name}.yaml": SQL.format(name=f"{at}{name}") for at in "xy" for name in "pq"},
    "models/z.yaml": SQL.format(name="Z").replace("query: SELECT id FROM t", "query_file: sql/z.sql"),
    "models/sql/z.sql": "SELECT 1\n",
}
OTHERWISE: dict[str, tuple[str, str]] = {
    "another text": ("models/x/p.yaml", "# more\n" + SQL.format(name="xp")),
    "no definition": ("models/x/p.yaml", "name: [\n"),
    "another's name": ("models/x/p.yaml", SQL.format(name="yq")),
    "a name twice at the base alone": ("models/x/other.yaml", SQL.format(name="xq")),
    "an id at the top": ("models/y/p.yaml", SQL.format(name="yp") + "id: 7\n"),
    "an environment that is gone": ("models/y/p.yaml", SQL.format(name="yp") + "environments: {c: {id: 7}}\n"),
    "a mark": ("models/y/p.yaml", "\ufeff" + SQL.format(name="yp")),
    "other line ends": ("models/y/p.yaml", SQL.format(name="yp").replace("\n", "\r\n")),
    "another query beside it": ("models/sql/z.sql", "SELECT 2\n"),
    "no query beside it": ("models/sql/z.sql", ""),
    "a link in a query's place": ("models/sql/z.sql", "-> ../../syncer.toml"),
    "a link in a folder's place": ("models/w", "-> x"),
    "a link in a file's place": ("models/x/p.yaml", "-> q.yaml"),
    "one name to some disks": ("models/X/P.yaml", SQL.format(name="XP")),
    "the wrong ending": ("models/x/p.yml", SQL.format(name="xpyml")),
    "a file that is gone": ("models/x/p.yaml", ""),
    "a folder that is gone": ("models/y", ""),
    "other settings": ("syncer.toml", "max_change_percent = 7\n[environments.a]\nworkspace_id = 1\n"),
}
"""What stands otherwise at a path: another text, a link (`-> …`), or nothing."""


def _run(folder: Path) -> running.Run:
    settings = config.load(folder)
    return running.Run(
        settings, config.environment(settings, "a", {"SYNCER_API_URL": "http://127.0.0.1"}), {}, Limits()
    )


def _lay(repository: Repository, names: Iterable[str]) -> None:
    """Let the work tree be what is there, but for what is otherwise."""
    for one in repository.folder.iterdir():
        if one.name != ".git":
            shutil.rmtree(one) if one.is_dir() else one.unlink()
    for path, text in THERE.items():
        repository.write(path, text)
    for name in names:
        path, text = OTHERWISE[name]
        target = repository.folder / path
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.is_dir():
            shutil.rmtree(target)
        if text.startswith("-> "):
            target.symlink_to(text.removeprefix("-> "))
        elif text:
            repository.write(path, text)


def _said(base: Base) -> tuple[object, ...]:
    """All of a base that anybody can tell from another one."""
    documents = [
        (one.address, one.path, json.dumps(one.data), dict(one.files), one.origin(("name",)))
        for one in (*base.documents, *base.hurt)
    ]
    return documents, base.unusable, base.environment, base.max_change, base.create, base.told


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(*(st.lists(st.sampled_from([*OTHERWISE]), max_size=most, unique=True) for most in (4, 1)))
def test_what_is_taken_over_from_the_work_tree_is_what_the_commit_says(
    repository: Repository, before: list[str], now: list[str]
) -> None:
    """The law of the short way: whatever differs, the base says what it says where nothing is taken over."""
    _lay(repository, before)
    commit = repository.commit()
    _lay(repository, [] if "other settings" in before else now)
    run = _run(repository.folder)

    taken = running.base_at(run, commit)

    assert _said(taken) == _said(running.base_at(run, commit, is_checked_out=False))


def test_files_that_are_the_same_are_neither_written_nor_parsed_again(repository: Repository) -> None:
    """The very documents of the work tree are the base's, but for what differs, or names a file that may differ."""
    _lay(repository, [])
    commit = repository.commit()
    _lay(repository, ["another text", "another query beside it"])
    run = _run(repository.folder)
    here = {one.path: one for one in run.checked()[0].documents}

    taken = {one.path: one for one in running.base_at(run, commit).documents}

    assert {path for path, one in taken.items() if one is here[path]} == {
        "models/x/q.yaml",
        "models/y/p.yaml",
        "models/y/q.yaml",
    }
    assert taken["models/z.yaml"].files["sql/z.sql"].text == "SELECT 1\n"
    assert taken["models/z.yaml"].data is here["models/z.yaml"].data


def test_a_tree_that_was_made_by_hand_takes_nothing_over(repository: Repository) -> None:
    """A name twice, as file and folder or to some disks: which of them is laid out isn't guessed."""
    repository.commit()
    oid = repository.blob(b"text")
    contents = {"models/a.yaml": b"text"}
    inner = repository.tree((FILE, "blob", oid, "b.yaml"))
    file, other = (FILE, "blob", oid, "a.yaml"), (FILE, "blob", oid, "b.yaml")
    for entries, expected in (
        ([file], {"models/a.yaml"}),
        ([file, other], {"models/a.yaml"}),
        ([file, (FOLDER, "tree", inner, "a.yaml")], set()),
        ([file, (FILE, "blob", oid, "A.yaml")], set()),
        ([file, (FILE, "blob", oid, "a\u200c.yaml")], set()),
        ([file, (FOLDER, "tree", inner, "x"), (FOLDER, "tree", inner, "X")], set()),
        ([file, (LINK, "blob", oid, "c.yaml")], set()),
        ([(LINK, "blob", oid, "a.yaml")], set()),
        ([(FILE, "blob", repository.blob(b"texT"), "a.yaml"), file], set()),
    ):
        folder = repository.tree(*entries)
        commit = repository.commit_tree(repository.tree((FOLDER, "tree", folder, "models")))
        assert git.unchanged(repository.folder, commit, "models", contents) == expected, entries
