"""Printed commands work when they're pasted where they were printed: folder, environment, quoting."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import FakeApi, live
from hypothesis import example, given, settings
from hypothesis import strategies as st
from played import CONNECTORS, STAGING, Played
from repositories import Repository

import syncer
from syncer.cli import arguments
from syncer.render.command_lines import ANYWHERE, WITH_ENVIRONMENT, WITHOUT_ENVIRONMENT, Commands, operand
from syncer.render.style import Style
from syncer.render.terminal.problems import hint_lines
from syncer.render.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

SOURCE = Path(syncer.__file__).parent
IN_TICKS = re.compile(r"`syncer ([a-z][^`]*)`")
BARE = re.compile(rf"(?<!`)\bsyncer ({'|'.join(WITH_ENVIRONMENT | WITHOUT_ENVIRONMENT)})\b")
FILLED = {"URL": "https://api.example.com", "N": "2"}
"""What a reader puts in place of a word in capitals."""
HEADINGS = (
    "cli/arguments.py",
    "render/markdown/",
    "render/html.py",
    "review/digest_status.py",
    "cli/shared/pipelines.py",
)
"""Help, which is shown as it is written; headings, which nobody pastes; and what stands in the files of a pipeline."""

NAMES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1).filter(
    lambda one: visible(one) == one
)

MODEL = """\
name: {name}
description: Users
connector_id: 1
query_type: raw_sql
primary_key: user_id
query: SELECT user_id FROM users
"""


def _texts() -> Iterator[tuple[str, str]]:
    """Every text of the code that may hold a command, but docstrings; with its file, and `x` for what is filled in."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        if not (IN_TICKS.search(text) or BARE.search(text)):
            continue
        nodes = [*ast.walk(ast.parse(text))]
        left_out = {node.value for node in nodes if isinstance(node, ast.Expr)}
        left_out |= {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            if isinstance(node, ast.Constant | ast.JoinedStr) and node not in left_out:
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                said = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)
                yield path.relative_to(SOURCE).as_posix(), said


def _parsed(words: list[str]) -> argparse.Namespace | None:
    """What a command line means; None if it only asks for help."""
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
            return arguments.parse(words)
    except SystemExit as ended:
        if ended.code:
            pytest.fail(f"{shlex.join(words)}: {told.getvalue()}")
        return None


def test_every_command_of_a_message_is_one() -> None:
    """A command in a text stands between back-ticks, so that it's completed, and is whole: it can be run as it is."""
    found = set()
    for file, text in _texts():
        if not file.startswith(HEADINGS):
            assert not BARE.search(text), f"{file}: {text}"
            found.update(IN_TICKS.findall(text))
    for words in found:
        _parsed([FILLED.get(word, word) for word in shlex.split(words)])
    assert len(found) > 15


def test_the_commands_that_take_an_environment() -> None:
    """They are those of the command line."""
    parsers = arguments._subparsers(arguments.build())
    takes = {name for name, parser in parsers.items() if "--env" in parser._option_string_actions}

    assert takes == WITH_ENVIRONMENT
    assert {*parsers} - takes == WITHOUT_ENVIRONMENT


@settings(max_examples=30)
@given(NAMES, NAMES, NAMES)
@example("my folder", "prod", "-x.json")
@example("-x", "-y", "it's `a` $HOME")
@example("*", "~", 'a\\b"c')
def test_a_command_means_what_the_run_meant(folder: str, environment: str, file: str) -> None:
    """Pasted into a shell it has the same folder and environment, whatever stands in the names."""
    commands = Commands(folder, environment)
    program, *words = shlex.split(commands.line("apply", operand(file)))
    flags = _parsed(words)

    assert flags is not None
    assert (program, flags.chdir, flags.env, Path(flags.file)) == ("syncer", folder, environment, Path(file))
    assert commands.line("validate") == shlex.join(shlex.split(commands.line("validate")))
    hint = "see `syncer plan`, `git diff` and `syncer plan --env b`"
    own = Commands("a", environment).line("plan"), "syncer --chdir a plan --env b"
    assert Commands("a", environment).completed(hint) == f"see `{own[0]}`, `git -C a diff` and `{own[1]}`"
    assert ANYWHERE.completed(hint) == hint


def test_a_command_stays_on_one_line() -> None:
    """A box wraps prose, and never a command: it would be pasted with the box's rule in it."""
    style = Style(width=30, commands=Commands("a long folder's name", "prod"))
    lines = hint_lines(
        "look at it: `syncer plan` shows (`syncer list`) what there is; `a b` isn't ours, ` is none", style
    )

    assert lines == [
        "look at it:",
        "`syncer --chdir 'a long folder'\"'\"'s name' plan --env prod`",
        "shows",
        "(`syncer --chdir 'a long folder'\"'\"'s name' list --env prod`)",
        "what there is; `a b` isn't",
        "ours, ` is none",
    ]


def _printed(text: str) -> list[str]:
    """The commands of an output: between back-ticks, at a line's end, in a code span."""
    return re.findall(r"`(syncer [^`]*)`", text) + re.findall(r"^(?:Next:.*?)? *(syncer --.*)$", text, re.MULTILINE)


def test_what_is_printed_can_be_run(tmp_path: Path) -> None:
    """From another folder and with an environment that isn't the default: each command works there, and means it."""
    api = FakeApi([live(1, name="One"), live(2, name="Two")], CONNECTORS)
    folder = tmp_path / "it's here"
    folder.mkdir()
    repository = Repository.made(tmp_path)
    played = Played(folder, api)
    played.write("syncer.toml", played.read("syncer.toml") + STAGING.encode())
    seen: dict[str, int] = {}

    def run(*words: str) -> str:
        """Run a command and then what it prints, from the folder above."""
        result = played.run(words[0], "--chdir", "it's here", *words[1:], "--env", "staging", inside="..")
        text = result.text
        for command in _printed(text):
            program, *printed = shlex.split(command)
            flags = _parsed(printed)
            assert program == "syncer"
            assert flags is not None
            assert flags.chdir == "it's here", command
            assert flags.command in WITHOUT_ENVIRONMENT or flags.env in {"staging", "prod"}, command
            seen[flags.command] = played.run(*printed, inside="..").code
        return text

    assert "syncer --chdir 'it'\"'\"'s here' plan --env staging" in run("import", "--all")
    repository.commit()
    api.edit(1, name="Other")
    run("drift", "--markdown", "drift.md")
    run("plan", "--out", "a plan.json", "--base", "HEAD")
    kept = played.run("show", "--chdir", "it's here", "a plan.json", inside="..").text
    assert _printed(kept) == ["syncer --chdir 'it'\"'\"'s here' import --drift --env staging"]
    comment = played.read("drift.md").decode()
    assert "`syncer --chdir 'it'\"'\"'s here' import --drift --env staging`" in comment
    run("apply", "none.json")
    run("import", "9")
    run("import", "--drift", "--yes")
    run("rollback", "none", "--dry-run")
    for path in played.files:
        (played.folder / path).unlink()
    for n in range(3):
        played.write(f"models/{n}.yaml", MODEL.format(name=f"Absent {n}"))
    lines = played.run("plan", "--json", "--chdir", "it's here", "--env", "staging", inside="..").out.splitlines()
    hints = [line["diagnostic"]["hint"] for line in map(json.loads, lines) if line["type"] == "diagnostic"]
    assert "`syncer --chdir 'it'\"'\"'s here' import --all --env staging`" in hints[0]
    run("plan")

    (tmp_path / "new").mkdir()
    begun = played.run("init", "--chdir", "new", "--env", "sandbox", inside="..").text
    assert _printed(begun) == [f"syncer --chdir new {command} --env sandbox" for command in ("plan", "apply")]
    assert {*seen} == {"plan", "apply", "import", "list", "history"}
    assert 64 not in seen.values()
