"""Repositories as they are: two environments of one team, two projects in one clone, clones that lack objects, odd files."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal
from unicodedata import normalize

import pytest
from builders import FakeApi, live
from inside import Inside
from places import MODELS, change, placed, push
from played import CONNECTORS, SETTINGS, STAGING, Played
from repositories import Repository
from world import definition

from syncer.desired import git
from syncer.review.marker import Kind, Marker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from places import Place

    from syncer.sandbox import Sandbox

MODEL = """\
name: {name}
connector: warehouse
query_type: raw_sql
primary_key: user_id
query: |
  SELECT user_id
  FROM users
"""

FORMS: Final[tuple[Literal["NFC", "NFD"], ...]] = ("NFC", "NFD")
"""How keyboards spell an accent, and how some disks do."""

_WATCHERS: list[list[str]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Remember the pipes that are opened, while anybody watches."""
    if event == "open" and _WATCHERS and isinstance(arguments[0], str | bytes | os.PathLike):
        path = os.fsdecode(arguments[0])
        if os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH110, PTH116
            _WATCHERS[-1].append(path)


sys.addaudithook(_audit)


@contextmanager
def watched(opened: list[str]) -> Iterator[None]:
    """Note each pipe that is opened meanwhile."""
    _WATCHERS.append(opened)
    try:
        yield
    finally:
        _WATCHERS.pop()


# -- the right model -------------------------------------------------------------------------------------------------


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """Production's models, as an import wrote them while there was one environment, and staging beside it."""
    played = Played(tmp_path, FakeApi([live(number, name=f"Model {number}") for number in range(1, 4)], CONNECTORS))
    assert played.run("import", "--all").code == 0
    played.commit()
    played.write("syncer.toml", played.read("syncer.toml") + STAGING.encode())
    return played


def test_a_second_environment_makes_ids_at_the_top_errors(played: Played) -> None:
    """No command of it reads or writes a model, the edit that is printed mends it, and the base of it has its say."""
    names = sorted(played.files)
    told = played.run("validate")
    assert (told.code, told.err.count("[shared-id]")) == (1, 1)
    staging = FakeApi([live(number, name=f"Staging {number}") for number in range(1, 4)], CONNECTORS)
    production, played.api = played.api, staging
    for environment in ("staging", "prod"):
        for command in (("plan",), ("plan", "--base", "HEAD"), ("apply", "--auto-approve"), ("drift",), ("list",)):
            refused = played.run(*command, "--env", environment)
            assert (refused.code, "[shared-id]" in refused.err) == (1, True), (environment, command, refused.text)
    assert (staging.puts, staging.reads) == ([], [])

    edits = dict(re.findall(r"(\S+): `(environments: \{prod: \{id: \d\}\})`", told.err))
    assert sorted(edits) == [name for name in names if name.endswith(".yaml")]
    for name, edit in edits.items():
        played.write(name, re.sub(rb"(?m)^id: \d$", edit.encode(), played.read(name)))
    assert played.run("validate", "--strict").code == 0
    # The base has the ids where they were, and says all that it said, also of a file that is moved and renamed.
    moved = played.read("models/model_2.yaml").replace(b"Model 2", b"Renamed").replace(b"file: ", b"file: ../")
    played.write("models/finance/other.yaml", moved)
    (played.folder / "models/model_2.yaml").unlink()
    played.api = production
    production.edit(2, description="Edited in the UI")
    plan = played.run("plan", "--base", "HEAD")
    assert (plan.code, "silent-base" in plan.text) == (0, False), plan.text
    assert "(description: drift; name: this change)" in plan.out
    # In staging the files mean models of their names: there are none, and none is written.
    played.api = staging
    plan = played.run("apply", "--auto-approve", "--env", "staging")
    assert (plan.code, "[wrong-workspace]" in plan.err, staging.puts) == (1, True, [])


def test_the_edit_fits_the_file(tmp_path: Path) -> None:
    """It names an environment without an id of its own, and what is there already."""
    played = Played(tmp_path, FakeApi([]))
    played.write("syncer.toml", STAGING + '[environments.prod]\napi_url = "https://x.example.com"\nworkspace_id = 1\n')
    for number, more in enumerate(
        (
            "",
            "environments: {prod: {id: 5}}\n",
            "environments: {staging: {description: x}}\n",
            "environments: {staging: {id: 6}, prod: {id: 7}}\n",
        )
    ):
        name = "abcd"[number]
        played.write(f"models/{name}.yaml", f"id: {10 * number + 1}\n{MODEL.format(name=name)}{more}")
    told = played.run("validate", "--format", "github")
    (hint,) = {line.partition("%0A")[2] for line in told.out.splitlines()}
    assert (told.code, hint.split("%0A")[1:]) == (
        1,
        [
            "models/a.yaml: `environments: {staging: {id: 1}}`",
            "models/b.yaml: `  staging: {id: 11}` below `environments:`",
            "models/c.yaml: `id: 21` in staging below `environments:`",
            "models/d.yaml: remove the line, because each environment has an id of its own",
        ],
    )
    for number in range(40):
        played.write(f"models/n{number:02}.yaml", f"id: {number + 100}\n{MODEL.format(name=number)}")
    assert "and likewise in 24 more" in played.run("validate", "--format", "github").out


def test_an_id_at_the_top_is_right_while_there_is_one_environment(tmp_path: Path) -> None:
    """One table, none with the target in variables, and the sandbox beside either."""
    played = Played(tmp_path, FakeApi([live(7, name="A")], CONNECTORS))
    played.write("models/a.yaml", f"id: 7\n{MODEL.format(name='A')}")
    assert played.run("validate", "--strict").code == 0
    assert played.run("plan").code == 0
    assert played.run("plan", "--env", "sandbox").code == 0
    # An environment made of variables beside a table is another workspace.
    played.variables = {"SYNCER_ENV": "default", "SYNCER_API_URL": "https://y.example.com", "SYNCER_WORKSPACE_ID": "9"}
    refused = played.run("plan")
    assert (refused.code, "[shared-id]" in refused.err) == (1, True)
    (tmp_path / "syncer.toml").unlink()
    assert played.run("plan").code == 0


def test_a_pinned_model_of_another_name_is_said_above_its_block(tmp_path: Path) -> None:
    """The id may be a slip. The base's name is no news, nor is a name that nothing changes."""
    played = Played(tmp_path, FakeApi([live(7, name="Active users"), live(8, name="B")], CONNECTORS))
    played.write("models/churned.yaml", f"id: 7\n{MODEL.format(name='Churned users')}")
    played.write("models/b.yaml", f"id: 8\n{MODEL.format(name='B')}description: new\n")
    played.commit()
    for command in (("plan",), ("plan", "--base", "HEAD")):
        out = played.run(*command).out
        assert out.count("Warning: live name") == 1
        above, _, _ = out.partition("# churned will be updated in-place")
        assert above.rstrip(" ").endswith("\n")
        assert '  # Warning: live name "Active users" becomes "Churned users"\n' in above
    assert 'Warning: live name "Active users" becomes "Churned users"' in played.run("plan", "--summary").out

    # A base that has no id yet may bear the live name, in a file that was moved since.
    played.write("models/old.yaml", MODEL.format(name="Active users"))
    (tmp_path / "models/churned.yaml").unlink()
    played.commit()
    (tmp_path / "models/old.yaml").unlink()
    played.write("models/churned.yaml", f"id: 7\n{MODEL.format(name='Churned users')}")
    assert "live name" not in played.run("plan", "--base", "HEAD").out

    # Renamed in the file: the base bears the live name.
    played.write("models/churned.yaml", f"id: 7\n{MODEL.format(name='Active users')}")
    played.commit()
    played.write("models/churned.yaml", f"id: 7\n{MODEL.format(name='Churned users')}")
    assert "Warning: live name" not in played.run("plan", "--base", "HEAD").out


# -- two projects in one repository ----------------------------------------------------------------------------------


@pytest.fixture(name="place")
def _place(box: Sandbox, tmp_path: Path) -> Iterator[Place]:
    """Four models in the project at the top, two in that of the folder analytics."""
    with placed(box, tmp_path, Inside) as here:
        (here.team.folder / "analytics" / "models").mkdir(parents=True)
        for name in ("m4.yaml", "m5.yaml"):
            here.git("mv", f"models/{name}", f"analytics/models/{name}")
        (here.team.folder / "analytics" / "syncer.toml").write_bytes((here.team.folder / "syncer.toml").read_bytes())
        here.commit("Two projects")
        yield here


def test_projects_of_one_repository_have_their_own_comment_and_issue(place: Place) -> None:
    """What one says, and that its drift is gone, is nothing of the other's; markers without a folder are the top's."""
    base, file, inner = place.head, str(place.folder / "plan.json"), ["--chdir", "analytics"]
    place.git("switch", "--quiet", "--create", "both")
    place.team.write("m0", definition(MODELS[0], description="First"))
    place.team.write("../analytics/models/m4", definition(MODELS[4], description="Second"))
    head = place.commit("Both")
    old = place.host.say(7, "github-actions[bot]", f"{Marker(Kind.PLAN, 'prod', head, '', 1).line()}\nOld.")
    for words in (inner, []):
        job = [*words, "ci", "plan", "--out", file], [*words, "ci", "comment", file]
        assert place.job(change(head, base), *job, name="pull_request").code == 0
    top, analytics = place.comments
    assert top == old.body
    assert ("### syncer plan · `prod`: 1 " in top, "`m0`" in top, "`m4`" in top) == (True, True, False)
    assert "### syncer plan · `analytics` · `prod`: 1 " in analytics
    assert ("`m0`" in analytics, "`m4`" in analytics) == (False, True)
    assert [Marker.parse(one).folder for one in (top, analytics)] == ["", "analytics"]  # type: ignore[union-attr]

    merged = place.merge("both")
    event = push(base, merged)
    assert (
        place.job(event, [*inner, "ci", "plan", "--out", file], [*inner, "ci", "comment", file], name="push").code == 0
    )
    assert place.outputs["reviewed"] == "true"
    applied = [*inner, "ci", "apply", file, "--expect-digest", place.outputs["digest"]]
    assert place.job(event, applied, name="push").code == 0
    assert ["Apply complete!" in one for one in place.comments] == [False, True]

    # The drift of each: the top's first plan is not applied yet, which is its drift.
    place.edit(MODELS[4]["id"], description="Edited in the UI")
    for words in ([], inner):
        assert place.job("schedule", [*words, "ci", "drift"]).code == 0
    issues = list(place.host.issues.values())
    assert [one.title for one in issues] == [
        "syncer: prod differs from git",
        "syncer: analytics, prod differs from git",
    ]
    place.edit(MODELS[4]["id"], description="Second")
    assert place.job("schedule", [*inner, "ci", "drift"]).code == 0
    assert [one.is_open for one in issues] == [True, False]


def test_a_comment_of_before_goes_to_the_first_project_where_the_top_has_none(place: Place) -> None:
    """Without settings at the top it was the folder's that runs first; the next one begins its own."""
    base, file = place.head, str(place.folder / "plan.json")
    shutil.move(place.team.folder / "syncer.toml", place.team.folder / "models" / "syncer.toml")
    place.git("mv", "models", "users")
    (place.team.folder / "users" / "models").mkdir()
    for name in ("m0", "m1", "m2", "m3"):
        place.git("mv", f"users/{name}.yaml", f"users/models/{name}.yaml")
    head = place.commit("Two folders")
    place.host.say(7, "github-actions[bot]", f"{Marker(Kind.PLAN, 'prod', head, '', 1).line()}\nOld.")
    for folder in ("users", "analytics", "users"):
        job = ["ci", "plan", "--out", file], ["ci", "comment", file, "--comment-when", "always"]
        done = place.job(change(head, base), *(["--chdir", folder, *one] for one in job), name="pull_request")
        assert done.code == 0, done.text
    assert [Marker.parse(one).folder for one in place.comments] == ["users", "analytics"]  # type: ignore[union-attr]


# -- validate with the paths of a hook --------------------------------------------------------------------------------


def test_validate_takes_the_paths_that_a_hook_names(tmp_path: Path) -> None:
    """From the top of a monorepo, with `--chdir`, and for an SQL file; each by the settings that are nearest to it."""
    played = Played(tmp_path, FakeApi([]))
    (tmp_path / ".git").mkdir()
    played.write("models/top.yaml", MODEL.format(name="Top"))
    played.write("analytics/syncer.toml", "[environments.eu]\nworkspace_id = 1\n")
    good, bad, sql = (f"analytics/defs/models/{name}" for name in ("good.yaml", "bad.yaml", "q.sql"))
    played.write("analytics/syncer.toml", 'models = "defs/models"\n[environments.eu]\nworkspace_id = 1\n')
    model = MODEL.format(name="Inner").partition("query:")[0]
    played.write(good, f"{model}query_file: q.sql\nenvironments: {{eu: {{description: x}}}}\n")
    played.write(bad, MODEL.format(name="Bad") + "nme: x\n")
    played.write(sql, "SELECT user_id FROM users\n")
    for words, count in (
        ([good], 1),
        ([good, "models/top.yaml"], 2),
        (["--chdir", "analytics", good], 1),
        (["--chdir", "analytics", "defs/models/good.yaml", "models/top.yaml"], 2),
        ([sql], 1),
        (["--chdir", "analytics", sql], 1),
    ):
        done = played.run("validate", "--strict", *words)
        assert (done.code, done.out.partition(" ")[0]) == (0, str(count)), (words, done.text)
    for words, place in (
        ([bad], f"on {bad}:8:1"),
        (["--chdir", "analytics", bad], "on defs/models/bad.yaml:8:1"),
        (["analytics/syncer.toml", good], f"on {bad}:8:1"),
        (["--format", "github", bad], f"::error file={bad},line=8,"),
        (["--chdir", "analytics", "--format", "github"], f"::error file={bad},line=8,"),
    ):
        done = played.run("validate", *words)
        assert (done.code, place in done.text) == (1, True), (words, done.text)
    played.write(sql, "<<<<<<< HEAD\n")
    done = played.run("validate", sql)
    assert (done.code, f"{sql}:1" in done.text, "bad.yaml" in done.text) == (1, True, False), done.text


# -- odd files of real repositories ----------------------------------------------------------------------------------


def test_a_models_folder_behind_a_link_is_refused_by_all(tmp_path: Path) -> None:
    """A commit has only the link there: nothing could be compared or written, so nothing is planned or imported."""
    played = Played(tmp_path, FakeApi([live(7, name="A")], CONNECTORS))
    played.write("defs/models/a.yaml", MODEL.format(name="A"))
    for models, link, target in (("models", "models", "defs/models"), ("linked/models", "linked", "defs")):
        (tmp_path / link).symlink_to(target)
        played.write("syncer.toml", f'models = "{models}"\n' + SETTINGS)
        for command in (("validate",), ("plan",), ("import", "--all"), ("list",)):
            refused = played.run(*command)
            assert (refused.code, "is a symbolic link, or stands behind one" in refused.err) == (1, True), refused.text
            assert 'models = "defs/models"' in refused.err
    played.write("syncer.toml", 'models = "defs/models"\n' + SETTINGS)
    assert played.run("plan").code == 0


def test_what_git_keeps_elsewhere_is_named(tmp_path: Path) -> None:
    """A submodule that isn't checked out, a base's submodule, and pointers of Git LFS; an empty folder is none."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
    played, git = Played(tmp_path, FakeApi([live(7, name="A")], CONNECTORS)), Repository(tmp_path).git
    played.write("models/a.yaml", MODEL.format(name="A"))
    played.commit()
    git("update-index", "--add", "--cacheinfo", f"160000,{Repository(tmp_path).head},models/vendored")
    (tmp_path / "models" / "vendored").mkdir()
    assert played.run("validate").code == 0
    played.write(".gitmodules", '[submodule "v"]\n\tpath = models/vendored\n\turl = ../v\n')
    told = played.run("validate")
    assert (told.code, "on models/vendored [submodule]" in told.err) == (1, True)
    git("commit", "--quiet", "--message=A submodule")
    played.write("models/vendored/.git", "gitdir: elsewhere\n")
    assert "1 of its files are not valid: models/vendored (a git submodule)" in " ".join(
        played.run("plan", "--base", "HEAD").out.split()
    )

    played.write("models/a.yaml", pointer)
    told = played.run("validate")
    assert (told.code, told.err.count("[lfs-pointer]"), "1 error in" in told.err) == (1, 1, True)
    played.write("syncer.toml", pointer)
    assert "a Git LFS pointer" in played.run("validate").err


def test_accents_and_marks_are_no_difference(tmp_path: Path) -> None:
    """A target may be spelt as keyboards do, or as a disk does; settings may begin with a byte order mark."""
    played = Played(tmp_path, FakeApi([live(7, name="A"), live(8, name="B")], CONNECTORS))
    played.write("syncer.toml", b"\xef\xbb\xbf" + SETTINGS.encode())
    for number, form in enumerate(FORMS):
        played.write(f"models/{normalize(form, 'modèle')}{number}.yaml", MODEL.format(name="AB"[number]))
    for form in FORMS:
        for number in (0, 1):
            done = played.run("plan", "--target", normalize(form, f"modèle{number}"))
            assert (done.code, "1 definition left out" in done.out) == (0, True), done.text


def test_nothing_but_regular_files_is_ever_opened(tmp_path: Path) -> None:
    """Pipes and devices in a file's place are told, or passed over; opening one would wait, or do something."""
    played = Played(tmp_path, FakeApi([live(7, name="A")], CONNECTORS))
    played.write("models/a.yaml", MODEL.format(name="A").partition("query:")[0] + "query_file: q.sql\n")
    names = (".vscode/settings.json", ".gitmodules", "sql/other.sql", "models/b.yaml", "models/q.sql")
    for name in names:
        played.write(name, "x")
    played.commit()
    opened: list[str] = []
    with watched(opened):
        for name in names:
            (tmp_path / name).unlink()
            os.mkfifo(tmp_path / name)
        assert git.head(tmp_path, "models").endswith("-dirty")
        for command in (
            ("validate", "models/q.sql"),
            ("validate", "models/b.yaml"),
            ("validate", "sql/other.sql"),
            ("validate",),
            ("plan", "--base", "HEAD"),
            ("import", "--all"),
            ("import", "--drift"),
            ("init", "--ci", "github"),
            ("show", "models/b.yaml"),
        ):
            done = played.run(*command)
            assert (done.code, "itself failed" in done.err) == (1, False), (command, done.text)
        (tmp_path / "syncer.toml").unlink()
        os.mkfifo(tmp_path / "syncer.toml")
        assert played.run("plan").code == 1
    assert not opened
