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
from syncer.cli import parser, registry
from syncer.cli.apply import ApplyOptions
from syncer.cli.shared.command import CommandGroup
from syncer.render.command_lines import ANYWHERE, WITH_ENVIRONMENT, WITHOUT_ENVIRONMENT, Commands, operand
from syncer.render.style import Style
from syncer.render.terminal.problems import hint_lines
from syncer.render.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.cli.parser import Asked
    from syncer.cli.shared.command import Command

SOURCE = Path(syncer.__file__).parent
IN_TICKS = re.compile(r"`syncer ([a-z][^`]*)`")
BARE = re.compile(rf"(?<!`)\bsyncer ({'|'.join(WITH_ENVIRONMENT | WITHOUT_ENVIRONMENT)})\b")
HELP = re.compile(r"Words$|flags\.")
"""What makes a help text, in which commands are named without what they take."""
FILLED = {"URL": "https://api.example.com", "N": "2", "HEX": "0" * 64}
"""What a reader puts in place of a word in capitals."""
HEADINGS = (
    *("cli/parser.py", "cli/shared/flags.py", "cli/shared/pipeline_files.py"),
    *("render/markdown/", "render/html.py", "review/digest_status.py"),
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
        helps = (node for node in nodes if isinstance(node, ast.Call) and HELP.match(ast.unparse(node.func)))
        left_out |= {words for node in helps for words in (*node.args, *(one.value for one in node.keywords))}
        for node in nodes:
            if isinstance(node, ast.Constant | ast.JoinedStr) and node not in left_out:
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                said = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)
                yield path.relative_to(SOURCE).as_posix(), said


def _parsed(words: list[str]) -> Asked | None:
    """What a command line means; None if it only asks for help."""
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
            return parser.parse(words)
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
    assert len(found) > 15
    examples = [one for command in map(registry.command, registry.NAMES) for one in _examples(command)]
    assert len(examples) > 30
    for words in (*found, *examples):
        _parsed([FILLED.get(word, word) for word in shlex.split(words)])


def _examples(command: Command[object] | CommandGroup) -> Iterator[str]:
    """The command lines of a command's help, and of its sub-commands'."""
    for line in command.words.example.splitlines():
        yield line.removeprefix("syncer ").partition(" > ")[0]
    for one in command.commands if isinstance(command, CommandGroup) else ():
        yield from _examples(one)


def test_the_commands_that_take_an_environment() -> None:
    """They are those of the command line; `show` takes one for an address alone, and messages name plan files."""
    commands = parser.sub_parsers(parser.build())
    takes = {
        name
        for name, one in commands.items()
        if any("--env" in part._option_string_actions for part in (one, *parser.sub_parsers(one).values()))
    }

    assert takes - {"show"} == WITH_ENVIRONMENT
    assert {*commands} - WITH_ENVIRONMENT == WITHOUT_ENVIRONMENT


@settings(max_examples=30)
@given(NAMES, NAMES, NAMES)
@example("my folder", "prod", "-x.json")
@example("-x", "-y", "it's `a` $HOME")
@example("*", "~", 'a\\b"c')
def test_a_command_means_what_the_run_meant(folder: str, environment: str, file: str) -> None:
    """Pasted into a shell it has the same folder and environment, whatever stands in the names."""
    commands = Commands(folder, environment)
    program, *words = shlex.split(commands.line("apply", operand(file)))
    asked = _parsed(words)

    assert asked is not None
    assert isinstance(asked.options, ApplyOptions)
    assert (program, asked.screen.chdir, asked.options.environment) == ("syncer", folder, environment)
    assert Path(asked.options.file) == Path(file)
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
            asked = _parsed(printed)
            assert program == "syncer"
            assert asked is not None
            assert asked.screen.chdir == "it's here", command
            name = asked.command.name
            assert name in WITHOUT_ENVIRONMENT or asked.screen.environment in {"staging", "prod"}, command
            seen[name] = played.run(*printed, inside="..").code
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
    run("import", "--drift", "--auto-approve")
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
