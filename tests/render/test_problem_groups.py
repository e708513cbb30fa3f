"""One cause, one box: what one step mends is told once, with the list of its places."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from builders import TARGET, FakeApi, live
from hypothesis import given
from hypothesis import strategies as st
from played import CONNECTORS, STAGING, Played

from syncer.errors import RefusedError
from syncer.model import NOWHERE, Origin, Problem, Severity
from syncer.plan.planner import Plan, Planned
from syncer.render import html, terminal
from syncer.render.annotations import render_problems as annotate
from syncer.render.problem_groups import grouped
from syncer.render.style import Style

if TYPE_CHECKING:
    from pathlib import Path

Golden = Callable[[str, str], None]

WORDS = st.sampled_from(["", "a", "b", "c"])
SOME = st.builds(Problem, st.builds(Origin, WORDS, st.integers(0, 2)), WORDS, WORDS, WORDS, st.sampled_from(Severity))

MODEL = """\
{id}name: {name}
description: Users
connector_id: 1
query_type: raw_sql
primary_key: user_id
query: SELECT user_id FROM users
configuration: {{api_key: {{env: {secret}}}}}
"""


@given(st.lists(SOME), st.integers(1, 4))
def test_every_problem_is_in_one_group(problems: list[Problem], fewest: int) -> None:
    """Groups part the problems: none is lost or told twice, their order stays, and each has one rule and one hint."""
    groups = grouped(problems, fewest)

    assert Counter(one for group in groups for one in group) == Counter(problems)
    assert [group[0] for group in groups] == sorted((group[0] for group in groups), key=problems.index)
    for group in groups:
        assert len({(one.severity, one.rule, one.hint) for one in group}) == 1
        messages = {one.message for one in group}
        assert len(messages) == 1 or (group[0].hint and len(messages) >= fewest)
    assert len({(one.severity, one.rule, one.hint, one.message) for one in problems}) >= len(groups)


def test_causes_read_like_this(golden: Golden) -> None:
    """One message: the first place with its line, then the others. Many messages with one hint: a line each."""
    alike = [
        Problem(
            Origin(f"models/{name}.yaml", 3, 3),
            "unknown-key",
            "nam is no key",
            "did you mean name?",
            excerpt="  nam: x",
        )
        for name in "abc"
    ]
    apart = [Problem(Origin(f"models/{n}.yaml", 1, 5), "unknown-id", f"no model {n}", "look there") for n in range(5)]
    few = [Problem(Origin(f"models/{n}.yaml"), "no-live-model", f"no {n}", "pin it") for n in range(2)]
    nowhere = [Problem(NOWHERE, "failed", "it broke")] * 2
    problems = [alike[0], *apart, *few, *alike[1:], *nowhere]
    warnings = tuple(replace(one, severity=Severity.WARNING) for one in problems)
    planned = Planned(Plan(TARGET, ()), warnings)

    golden("causes/problems.txt", terminal.render_problems(problems, Style()))
    golden("causes/warnings.txt", terminal.render_plan(planned, Style(unicode=False)))
    refusal = terminal.render_error(RefusedError("refused", "wait", problems), Style())
    assert refusal.startswith(terminal.render_problems(problems, Style()).rpartition("\n\n")[0])
    page = html.render_plan(replace(planned, problems=tuple(problems)))
    assert page.count("<li>") == 4
    assert page.count("did you mean name?") == 1


def test_one_cause_hides_no_other_from_annotations() -> None:
    """GitHub shows ten of a severity: the eleventh cause would be lost behind ten places of the first."""
    alike = [Problem(Origin(f"{n}.yaml", 1), "r", "the same") for n in range(12)]

    lines = annotate([*alike, Problem(Origin("z.yaml", 1), "r", "another")]).split("\n")
    assert lines[1] == ("::error file=z.yaml,line=1,title=r::another")
    assert [line.partition(",")[0] for line in (lines[0], lines[2])] == ["::error file=0.yaml", "::error file=1.yaml"]


def test_commands_tell_a_cause_once(tmp_path: Path) -> None:
    """A variable, a key, an environment or a workspace that is wrong for every file is one box; JSON keeps each."""
    played = Played(tmp_path, FakeApi([live(1)], CONNECTORS))

    def write(**values: str) -> None:
        for n in range(7):
            fits = {"id": "", "name": f"N{n}", "secret": "SYNCER_SECRET_A"} | values
            played.write(f"models/m{n}.yaml", MODEL.format(**{key: one.format(n) for key, one in fits.items()}))

    def boxes(*command: str) -> int:
        result = played.run(*command)
        assert result.code == 1
        return result.text.split("\n").count(".")

    write(id="id: 1{}\n")
    assert boxes("plan", "--require-secrets") == 2  # the missing variable, and the wrong workspace
    assert boxes("list") == 1
    assert boxes("import", "--drift") == 1
    assert "none of the 7 definitions is in workspace 2" in played.run("import", "--drift").text
    lines = [json.loads(line) for line in played.run("plan", "--require-secrets", "--json").out.splitlines()]
    assert [line["diagnostic"]["rule"] for line in lines if line["type"] == "diagnostic"].count("missing-secret") == 7
    write(secret="SYNCER_SECRET_{}")
    assert boxes("plan", "--require-secrets") == 2
    played.write("syncer.toml", (played.folder / "syncer.toml").read_text() + STAGING)
    write(name="N{0}\nnmae: N{0}")
    assert boxes("validate") == 1
    write(name="N{0}\nenvironments: {{stagng: {{name: S{0}}}}}")
    assert boxes("plan", "--env", "prod") == 1
