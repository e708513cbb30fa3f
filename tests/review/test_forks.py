"""A stranger's pull request: its own run checks the files, and the run that follows plans the change from git's objects.

Nothing that the stranger's run says, and nothing that the commit brings, speaks under this repository's name.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_github import EVENTS, TOKEN, Fault
from inside import Inside
from places import MODELS, placed, push
from repositories import Repository
from world import definition, flat

from syncer.desired import git
from syncer.review.marker import Kind, Marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from places import Place

    from syncer.sandbox import Sandbox

CANARY = "CANARY-of-this-machine"


@pytest.fixture(name="place")
def _place(box: Sandbox, tmp_path: Path) -> Iterator[Place]:
    """Six models in git and in step, on main of a bare remote; what is checked out is main."""
    with placed(box, tmp_path, Inside) as here:
        yield here


def _model(number: int = 0, **changes: Any) -> dict[str, str]:
    """A model file with changes, as JSON, which is YAML as well."""
    return {f"models/m{number}.yaml": json.dumps(definition(MODELS[number], **changes))}


def _own_run(place: Place, head: str, base: str) -> dict[str, Any]:
    """The event of the stranger's own run."""
    event: dict[str, Any] = json.loads((EVENTS / "pull_request_fork.json").read_text("utf-8"))
    event["pull_request"]["head"]["sha"], event["pull_request"]["base"]["sha"] = head, base
    return event


def _comment(place: Place) -> str:
    (comment,) = place.host.comments[8]
    return comment.body


def _clone(place: Place) -> Repository:
    return Repository(place.folder / "remote.git").cloned(place.folder / f"clone-{place.runs}")


# -- the stranger's own run --------------------------------------------------------------------------------------


def test_a_stranger_s_run_only_validates(place: Place) -> None:
    """Good files are green, bad ones red and annotated; no plan file, no output, no request, and nothing old is left."""
    base, file = place.head, place.folder / "plan.json"
    place.team.variables |= dict.fromkeys(("SYNCER_TOKEN", "SYNCER_API_URL", "SYNCER_WORKSPACE_ID"), "")
    head = place.branch("patch-1", description="First")
    for text, code, told in (
        (json.dumps(definition(MODELS[1], description="Second")), 0, "There are no errors."),
        ("name: A\nnmae: B\n", 1, "::error file=models/m1.yaml,line=2,col=1"),
    ):
        place.team.write("m1", text)
        file.write_text("a plan of yesterday")
        event = _own_run(place, head, base)
        done = place.job(event, ["ci", "plan", "--out", str(file)], name="pull_request")
        assert (done.code, told in done.out, file.exists()) == (code, True, False), done.text
        after = place.job(event, ["ci", "comment", str(file)], name="pull_request")
        assert (after.code, place.outputs, place.summary) == (0, {}, "")
        assert "the run of a fork or of Dependabot may not" in after.out
    (place.team.folder / "syncer.toml").write_text("modells = 1\n")
    done = place.job(_own_run(place, head, base), ["ci", "plan"], name="pull_request")
    assert (done.code, "::error file=syncer.toml,line=1,col=1" in done.out) == (1, True)
    assert (place.box.requests, place.host.calls, place.git_server.calls) == ([], [], [])


# -- the run that follows ----------------------------------------------------------------------------------------


def test_the_run_that_follows_plans_the_change(place: Place) -> None:
    """From the commit and the merge base, as the host names both; it asks no target, and claims no review."""
    base, head = place.head, place.fork()
    # The default branch moves on meanwhile: that is none of the stranger's changes.
    place.team.write("m1", definition(MODELS[1], description="Ours"))
    place.commit("Ours")
    done = place.follow(head)

    assert (done.code, place.box.requests) == (0, []), done.text
    body = _comment(place)
    assert Marker.parse(body) == Marker(Kind.PLAN, "prod", head, "", Marker.parse(body).run)  # type: ignore[union-attr]
    assert body.partition("\n")[2].splitlines()[:7] == [
        "### syncer plan · `prod`: 1 model to change",
        "",
        f"Planned for `{head[:12]}`",
        "",
        "Planned from the files only; the target was not read.",
        "",
        "| | model | fields |",
    ]
    assert '+ "First"' in body
    assert body.endswith("<sub>5 models unchanged · replaced on each push</sub>")
    assert "Ours" not in body
    assert (place.outputs["has_changes"], place.outputs["exit_code"]) == ("true", "2")
    assert place.git("status", "--porcelain") == ""

    # The same plan, later made with access: it wasn't reviewed here, whatever digest it has.
    merged = place.merge("main", 8)
    file = str(place.folder / "plan.json")
    pushed = place.job(push(base, merged), ["ci", "plan", "--out", file], ["ci", "comment", file], name="push")
    assert (pushed.code, place.outputs["reviewed"]) == (0, "false")


def test_the_token_reaches_the_one_git_that_fetches(place: Place, tmp_path: Path) -> None:
    """No command line, no file of the clone and no other git has it; and it isn't carried to where a redirect leads."""
    head = place.fork()
    shim, log = tmp_path / "bin" / "git", tmp_path / "git.log"
    shim.parent.mkdir()
    real, secret = shutil.which("git"), place.git_server.header.removeprefix("Basic ")
    check = f'case "$(env)" in *{TOKEN}*) has=raw ;; *{secret}*) has=yes ;; *) has=no ;; esac'
    shim.write_text(f'#!/bin/sh\n{check}\necho "$has $*" >>{shlex.quote(str(log))}\nexec {real} "$@"\n')
    shim.chmod(0o755)
    done = place.follow(head, more={"PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}", "GITHUB_TOKEN": TOKEN})

    assert done.code == 0, done.text
    assert {said for _, said in place.git_server.calls} == {place.git_server.header}
    calls = [line.partition(" ")[::2] for line in log.read_text().splitlines()]
    assert [has for has, words in calls if " fetch " in words] == ["yes"]
    assert {has for has, words in calls if " fetch " not in words} == {"no"}
    git = place.team.folder / ".git"
    kept = [
        log.read_text(),
        done.text,
        *(path.read_text("utf-8", "replace") for path in git.rglob("*") if path.is_file()),
    ]
    assert [text for text in kept if secret in text or TOKEN in text] == []

    count = len(place.git_server.calls)
    place.git_server.redirect = place.git_url.replace("127.0.0.1", "localhost")
    done = place.follow(place.fork(_model(2, description="Third")))
    assert (done.code, len(place.git_server.calls) - count) == (1, 1)
    assert "git could not fetch refs/pull/8/head and main from the host" in flat(done.err)
    assert "The plan could not be made; the run's log says why." in _comment(place)


def test_a_commit_that_is_not_the_event_s_is_not_told(place: Place) -> None:
    """The pull request moved on, by the host's word or by git's: its own run will tell; so it is when it's closed."""
    clone = _clone(place)
    first = clone.commit(_model(description="First"))
    second = clone.commit(_model(description="Second"))
    place.propose(clone, second)
    assert place.follow(first).code == 0
    place.host.pulls[0]["head"]["sha"] = first
    moved = place.follow(first)
    assert (moved.code, "has a newer commit" in moved.out) == (0, True)
    place.propose(clone, first)
    place.host.pulls[0]["state"] = "closed"
    assert place.follow(first).code == 0
    assert (place.host.comments[8], place.summary, place.outputs) == ([], "", {})

    place.host.pulls[0]["state"] = "open"
    assert place.follow(first).code == 0
    assert "First" in _comment(place)


def test_nothing_that_was_handed_over_is_taken(place: Place) -> None:
    """A plan file is refused by name: there is no way on which a stranger's run could say something here."""
    head = place.fork()
    done = place.follow(head, "plan.json")
    assert (done.code, "takes no plan file" in done.err) == (1, True)
    done = place.job("workflow_run", ["ci", "plan"], name="workflow_run")
    assert (done.code, "use `syncer ci comment`: it plans" in done.err) == (1, True)


def test_wrong_files_are_told_with_their_lines(place: Place) -> None:
    """The comment has them, and the default branch's run isn't red for a stranger's mistake."""
    head = place.fork({"models/m0.yaml": "name: A\nnmae: B\n"})
    done = place.follow(head)
    assert (done.code, place.outputs["has_changes"], place.outputs["exit_code"]) == (0, "false", "1")
    body = _comment(place)
    assert "### syncer plan · `prod`: failed" in body
    assert "models/m0.yaml:2:1" in body
    assert place.follow(place.fork()).code == 0
    assert "failed" not in _comment(place)


def _linked(clone: Repository, machine: Path) -> str:
    for name in ("models/linked.yaml", "models/m0.yaml", "syncer.toml"):
        (clone.folder / name).unlink(missing_ok=True)
        (clone.folder / name).symlink_to(machine)
    return clone.commit()


def _outside(clone: Repository, machine: Path) -> str:
    model = {key: value for key, value in definition(MODELS[0]).items() if key != "query"}
    return clone.commit({"models/m0.yaml": json.dumps({**model, "query_file": f"../..{machine}"})})


def _filtered(clone: Repository, machine: Path) -> str:
    hooks = clone.folder / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {machine}.ran\n")
    lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    attributes = "*.yaml filter=lfs diff=x merge=x ident export-subst\n"
    modules = '[submodule "x"]\n\tpath = x\n\turl = ../../canary\n'
    files = {".gitattributes": attributes, ".gitmodules": modules, "models/big.sql": lfs, ".gitconfig": "[core]\n"}
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{clone.head},x")
    return clone.commit({**files, **_model(description="First")})


def _large(clone: Repository, machine: Path) -> str:
    return clone.commit({"models/large.yaml": "#" * (3 << 20)})


def _named(clone: Repository, machine: Path) -> str:
    names = ("a\nb.yaml", "::error::x.yaml", "\x1b[31m.yaml", "\u202e.yaml", "-rf.yaml", "a b.yaml")
    return clone.commit({f"models/{name}": "name: x\n" for name in names})


def _climbing(clone: Repository, machine: Path) -> str:
    blob = clone.blob(b"name: x\n")
    inner = clone.tree(("100644", "blob", blob, "..\\x.yaml"), ("100644", "blob", blob, "m.yaml"))
    up = clone.tree(("040000", "tree", inner, ".."), ("040000", "tree", inner, ".git"))
    return clone.commit_tree(clone.tree(("040000", "tree", up, "models")), clone.head)


def _endless(clone: Repository, machine: Path) -> str:
    tree = clone.tree(("100644", "blob", clone.blob(b""), "m.yaml"))
    for _ in range(8):
        tree = clone.tree(*(("040000", "tree", tree, f"d{number}") for number in range(10)))
    return clone.commit_tree(tree, clone.head)


@pytest.mark.parametrize(
    ("brought", "code", "said"),
    [
        (_linked, 0, "leads out of the repository"),
        (_outside, 0, "`prod`: failed"),
        (_filtered, 0, '+ "First"'),
        (_large, 0, "the file is larger than"),
        (_named, 0, "the name has a character that can't be shown"),
        (_climbing, 1, "could not be made"),
        (_endless, 1, "could not be made"),
    ],
)
def test_what_a_commit_brings_does_not_matter(
    brought: Callable[[Repository, Path], str],
    code: int,
    said: str,
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Links, large files, names, attributes, submodules, trees without end: it's told as far as it can be, or failed."""
    monkeypatch.setattr(git, "_LONGEST_LIST", 1 << 20)
    (machine := tmp_path / "canary").write_text(f"name: {CANARY}\n")
    clone = _clone(place)
    head = place.propose(clone, brought(clone, machine))
    before = {path: path.read_bytes() for path in place.team.folder.glob("models/*")}
    done = place.follow(head)

    assert (done.code, said in _comment(place)) == (code, True), _comment(place) + done.text
    assert "syncer itself failed" not in done.text
    assert CANARY not in _comment(place) + done.text + place.summary
    assert not Path(f"{machine}.ran").exists()
    assert {path: path.read_bytes() for path in place.team.folder.glob("models/*")} == before
    assert not any(line.startswith("::") for line in done.text.splitlines())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ('default_environment = "sandbox"\n', "default_environment"),
        ('default_environment = "staging"\n[environments.staging]\n', "default_environment"),
        ('models = "elsewhere"\n', "models"),
        ("max_change_percent = 100\n", "max_change_percent"),
        ("modells = 1\n", "they can't be read any more"),
        (None, "environments.prod.api_url"),
    ],
)
def test_a_stranger_s_settings_do_not_count(settings: str | None, named: str, place: Place) -> None:
    """Environment, folder and limits are the default branch's; that the change alters them is said, even alone."""
    clone = _clone(place)
    file = clone.folder / "syncer.toml"
    if settings is None:
        file.unlink()
    else:
        file.write_text(settings + file.read_text() if "[" not in settings else settings)
    head = place.propose(clone, clone.commit())
    theirs = place.host.say(8, "github-actions[bot]", f"{Marker(Kind.PLAN, 'staging', head, '', 1).line()}\nStaging")
    done = place.follow(head)

    assert done.code == 0, done.text
    ours = place.host.comments[8][1].body
    assert "### syncer plan · `prod`: no changes" in ours
    assert "this change alters the settings: " in ours
    assert named in ours
    assert "planned with the default branch's settings" in ours
    assert theirs.body.endswith("\nStaging")


def test_without_a_target_or_an_answer_it_is_red(place: Place) -> None:
    """A variable that is missing, a host that doesn't answer: the run fails, and no older comment is left to be read."""
    head = place.fork()
    assert place.follow(head).code == 0
    assert "First" in _comment(place)
    missing = place.follow(head, more={"SYNCER_WORKSPACE_ID": ""})
    assert (missing.code, "SYNCER_WORKSPACE_ID is not set" in " ".join(missing.err.split())) == (1, True)
    assert "The plan could not be made; the run's log says why." in _comment(place)
    place.host.faults += [Fault(500, path="/pulls")] * 5
    assert place.follow(head).code == 1
