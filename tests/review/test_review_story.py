"""A change's whole way: branch, comment, merge, apply, drift; played with real git, the real commands and a fake GitHub."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest
from places import MODELS, WORLD, placed, push
from spellings import SPELLINGS
from world import definition, writes

from syncer.review.marker import Kind, Marker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from places import Place

    from syncer.sandbox import Sandbox

ME = "github-actions[bot]"


@pytest.fixture(name="place")
def _place(box: Sandbox, tmp_path: Path) -> Iterator[Place]:
    """Six models in git and in step, on main of a bare remote."""
    with placed(box, tmp_path) as here:
        yield here


def test_from_branch_to_drift_and_back(place: Place) -> None:
    """Each field is marked rightly, the reviewed digest is applied, drift is told once and goes away when undone."""
    base = place.head

    # A branch edits three models; somebody edits one of them, and a fourth, in the UI.
    place.git("switch", "--quiet", "--create", "refunds")
    queries = ["SELECT id, email FROM a", "SELECT id, email FROM b", "SELECT id, email FROM c"]
    for number in range(3):
        place.team.write(f"m{number}", definition(MODELS[number], query=f"{queries[number]}\n"))
    head = place.commit("Edit three")
    place.edit(MODELS[0]["id"], description="Edited in the UI")
    place.edit(MODELS[3]["id"], description="Edited there, too")

    assert place.plan_pull_request(head, base).code == 0
    assert place.outputs["to_change"] == "4"
    (comment,) = place.comments
    marker = Marker.parse(comment)
    assert marker == Marker(Kind.PLAN, "prod", head, place.outputs["digest"], marker.run if marker else 0)
    files = f"(https://github.com/acme/models/blob/{head}/models"
    rows = [line for line in comment.splitlines() if line.startswith("| ~")]
    assert rows == [
        f"| ~ | [`m0`]{files}/m0.yaml) | `description`, `query` | `description`: drift, `query`: this change | 3 syncs |",
        f"| ~ | [`m3`]{files}/m3.yaml) | `description` | drift |  |",
        f"| ~ | [`m1`]{files}/m1.yaml) | `query` | this change | 1 sync |",
        f"| ~ | [`m2`]{files}/m2.yaml) | `query` | this change |  |",
    ]
    assert "2 of 4 changes would undo edits made in the UI" in comment
    assert "@@ description @@ drift: undoes an edit made in the UI" in comment

    # It's merged. The plan of the merge is the reviewed one, and exactly that is applied.
    merged = place.merge()
    event = push(base, merged)
    file = str(place.folder / "merge.json")
    planned = place.job(event, ["ci", "plan", "--out", file], ["ci", "comment", file], name="push")
    assert (planned.code, place.outputs["reviewed"]) == (0, "true")
    assert "As reviewed in #7" in place.summary
    assert writes(place.box)[2:] == []

    applied = place.job(event, ["ci", "apply", file, "--expect-digest", place.outputs["digest"]], name="push")
    assert applied.code == 0, applied.text
    assert "Apply complete! Resources: 0 added, 4 changed, 0 destroyed." in applied.out
    assert sorted(writes(place.box)[2:]) == sorted(("PUT", f"/api/v1/models/{model['id']}") for model in MODELS[:4])
    assert "Apply complete!" in place.comments[0]
    assert len(place.comments) == 1

    # Drift is clean. An edit in the UI opens one issue, which is kept; applying closes it.
    assert place.job("schedule", ["ci", "drift"]).code == 0
    assert (place.outputs["has_drift"], len(place.host.issues)) == ("false", 0)
    place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
    for _ in range(2):
        assert place.job("schedule", ["ci", "drift"]).code == 0
        assert place.outputs["has_drift"] == "true"
        (issue,) = place.host.issues.values()
        assert (issue.author, issue.is_open) == (ME, True)
        assert "`m1`" in issue.body
    assert place.team.run("apply", "--auto-approve").code == 0
    assert place.job("schedule", ["ci", "drift"]).code == 0
    (issue,) = place.host.issues.values()
    assert not issue.is_open


def test_one_comment_that_only_changes_write(place: Place) -> None:
    """A second push edits the comment, the same plan writes nothing, a stranger's marker stays, an older run loses."""
    base = place.head
    place.git("switch", "--quiet", "--create", "refunds")
    place.team.write("m0", definition(MODELS[0], description="First"))
    head = place.commit("First")
    forged = Marker(Kind.PLAN, "prod", head, "", 1).line() + "\nNothing to see here."
    stranger = place.host.say(7, "mallory", forged)

    assert place.plan_pull_request(head, base, run=50).code == 0
    ours = place.host.comments[7][1]
    first = copy.copy(ours.body)
    assert "First" in first

    count = len(place.host.writes)
    assert place.plan_pull_request(head, base, run=50).code == 0
    assert len(place.host.writes) == count

    place.team.write("m0", definition(MODELS[0], description="Second"))
    head = place.commit("Second")
    assert place.plan_pull_request(head, base, run=51).code == 0
    assert [comment.id for comment in place.host.comments[7]] == [stranger.id, ours.id]
    second = place.host.comments[7][1].body
    assert "Second" in second

    late = place.plan_pull_request(head, base, run=49)
    assert (late.code, "superseded" in late.out) == (0, True)
    assert place.host.comments[7][1].body == second
    assert stranger.body == forged


def test_no_secret_leaves_with_a_review(place: Place) -> None:
    """Neither a secret of the job nor a live one stands in any comment, issue, summary, output, file or log line."""
    model = next(one for one in WORLD["models"] if "embedding_config" in (one["configuration"] or {}))
    live, wanted, token = "sk-live-canary/7==", 'sk-"wanted" canary', "ghs_job"
    configuration = copy.deepcopy(model["configuration"])
    configuration["embedding_config"]["api_key"] = live
    place.edit(model["id"], configuration=configuration)
    base = place.head
    place.git("switch", "--quiet", "--create", "refunds")
    place.team.write("vector", definition(model, description="Edited"))
    place.team.variables[f"SYNCER_SECRET_{model['id']}"] = wanted
    head = place.commit("With a secret")
    place.host.branches["main"] = head
    pushed = push(base, head)
    names = ("plan.json", "plan.md", "plan.html", "plan.jsonl")
    file, md, html, lines = (str(place.folder / name) for name in names)

    seen = []
    for event, name, commands in (
        (
            pushed,
            "push",
            [["ci", "plan", "--debug", "--out", file, "--markdown", md, "--html", html, f"--json={lines}"]],
        ),
        (pushed, "push", [["ci", "comment", file, "--debug"]]),
        (pushed, "push", [["show", file], ["show", file, "--format", "json"], ["ci", "comment", file, "--dry-run"]]),
        ("schedule", "schedule", [["ci", "drift", "--debug"]]),
        (pushed, "push", [["ci", "apply", file, "--debug"]]),
    ):
        done = place.job(event, *commands, name=name)
        assert done.code == 0, done.text
        log = [line for line in done.text.splitlines() if not line.startswith("::add-mask::")]
        seen += [*log, place.summary, json.dumps(place.outputs)]
    assert place.plan_pull_request(head, base).code == 0
    seen += [(place.folder / name).read_text("utf-8") for name in names]
    seen += [call.body for call in place.host.calls] + [comment.body for comment in place.host.comments[7]]
    assert place.host.issues
    assert "(sensitive value)" in "".join(seen)
    for secret in (live, wanted, token, "SYNCER_TOKEN=admin"):
        forms = {spell(secret).rstrip("=") for spell in SPELLINGS.values()}
        assert [text for text in seen for form in forms if form in text] == []
