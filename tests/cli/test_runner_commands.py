"""What a CI runner reads of our output: nothing that a model, a file or a server's answer holds becomes a command."""

from __future__ import annotations

import random
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from fake_github import FakeGitHub
from inside import Inside
from pages import OURS, shown
from world import Team, definition, recorded_world
from wsgi import serving

from syncer.render import markdown
from syncer.sandbox import Sandbox
from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 1_000
PIECES = (
    *("::error::a", "::stop-commands::t", "::add-mask::e", "::set-output name=digest::x", "::set-env name=PATH::/tmp"),
    *("::save-state name=a::b", "  ::debug::a", "\t::group::a", "\u00a0::error::a", "::ERROR file=a::b", "::a b::"),
    *("##[error]x", "##[add-mask]x", "-- ##[set-output name=a]b", "###[group]", "##vso[task.setvariable]x", "##"),
    *(
        "%0A",
        "%25",
        "\r",
        "\r\n",
        "\n",
        "\n\n",
        "\u2028",
        "\x0b",
        "\x0c",
        "\x85",
        "\x1b[31m",
        "\u202e",
        "\u200b",
        "\x00",
    ),
    *("```", "~~~~", "`", "|", "</details>", "<!--", "-->", "<script>", "<img src=x>", "@everyone", "#1", "GH-1"),
    *(
        "https://example.com",
        "www.example.com",
        "[a](b)",
        "![a](b)",
        "# a",
        "- a",
        "1. a",
        "> a",
        "***",
        "$x$",
        ":smile:",
    ),
    *("/merge", "section_start:1:a\r\x1b[0K", "select 1", " ", "é", "\U0001f600", "--", "+++", "---", "@@", "a", ":"),
)
"""Commands of three runners, what divides lines, and what markdown makes something of."""


def _text(dice: random.Random) -> str:
    return "".join(dice.choices(PIECES, k=dice.randint(1, 8)))


def _commands(output: str) -> list[str]:
    """The lines that a runner would obey: v2 at the beginning of a line, v1 anywhere; the widest reading of a line."""
    return [
        line
        for line in re.split(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", output)
        if line.lstrip("\ufeff\u200b").strip().startswith("::") or re.search(r"##\w*\[", line)
    ]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A thousand models, live and in git, that hold nothing but trouble and differ in it."""
    dice = random.Random(7)  # noqa: S311 - the same trouble in each run
    world = recorded_world()
    template = next(model for model in world["models"] if model["query_type"] == "raw_sql")
    world["models"] = [_live(template, number, dice) for number in range(1, COUNT + 1)]
    world["syncs"] = []
    folder = tmp_path_factory.mktemp("hostile")
    with Sandbox(world) as box, running(box) as url:
        team = Inside(folder, url)
        for model in world["models"]:
            team.write(f"m{model['id']:04}", _wanted(model, dice))
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
        yield team


def _wanted(model: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    name, query = f"Model {model['id']}", f"SELECT {model['id']} -- {_safe(dice)}"
    return definition(model, name=name, description=_safe(dice), query=query)


def _live(template: dict[str, Any], number: int, dice: random.Random) -> dict[str, Any]:
    query = f"SELECT 1\n{_text(dice)}".replace("\x00", "")
    texts = {"name": f"{number} {_text(dice)}", "description": _text(dice) or "x"}
    return {**template, "id": number, **{key: text.replace("\x00", "") for key, text in texts.items()}, "query": query}


def _safe(dice: random.Random) -> str:
    """A text that a valid query may end in: its line doesn't look like a LIMIT, and no YAML reader refuses it."""
    return "".join(char for char in _text(dice) if char.isprintable() or char in "\n\t") + " end"


@pytest.mark.parametrize(
    "command",
    [
        ["plan", "--verbose"],
        ["plan", "--summary"],
        ["plan", "--json"],
        ["plan", "--debug", "--target", "m00*", "--detailed-exitcode"],
        ["apply", "--auto-approve", "--target", "m01*", "--max-change-percent", "100"],
        ["apply", "--auto-approve", "--json", "--target", "m02*"],
        ["apply", "--auto-approve"],
    ],
    ids=" ".join,
)
def test_no_model_commands_the_runner(command: list[str], hostile: Team) -> None:
    """No line of either stream is a command, whatever a thousand models hold."""
    done = hostile.run(*command)

    assert "Plan: 0 to add, " in done.out
    assert len(done.out) > 1_000
    assert "syncer itself failed" not in done.text
    assert _commands(done.out) == []
    assert _commands(done.err) == []


def test_no_model_commands_the_runner_of_a_review(hostile: Team, tmp_path: Path) -> None:
    """The same for saved plans, comments and their summary; and each text holds the tags of our own layout alone."""
    host = FakeGitHub()
    file, page = str(tmp_path / "plan.json"), str(tmp_path / "plan.html")
    before = dict(hostile.variables)
    with serving(host) as url:
        lifting = ("--allow", "lost_column", "--max-change-percent", "100")
        assert hostile.run("plan", "--out", file, "--html", page, "--target", "m0[0-4]*", *lifting).code == 0
        hostile.variables |= host.variables(url, tmp_path)
        try:
            runs = [
                hostile.run("show", file),
                hostile.run("show", file, "--format", "markdown"),
                hostile.run("show", file, "--format", "html"),
                hostile.run("ci", "comment", file, "--dry-run"),
                hostile.run("ci", "comment", file),
            ]
        finally:
            hostile.variables = before

    for done in runs:
        assert (done.code, done.err) == (0, "")
        # Our own annotations are commands, and the only ones.
        foreign = [line for line in _commands(done.out) if not re.match(r"::(warning|notice) (file|title)=", line)]
        assert foreign == []
    for text in (host.comments[7][0].body.partition("\n")[2], (tmp_path / "github_step_summary").read_text("utf-8")):
        tree = shown(text)
        assert tree.is_balanced
        assert set(tree.tags) <= OURS
        assert not re.search(r"[@<>]|example\.com", tree.plain)
    assert len(host.comments[7][0].body.encode()) <= markdown.BUDGET


def test_the_oracle_sees_what_a_runner_sees() -> None:
    """The judge isn't blind: each form of a command is one to it."""
    for line in (
        "::error::a",
        " \t::stop-commands::t",
        "a ##[error]b",
        "x\r::add-mask::e",
        "##vso[task]",
        "a\u2028::a::",
    ):
        assert _commands(line)
    assert not _commands('a::b "::" # [x] 1:: \\u003a:error::')
