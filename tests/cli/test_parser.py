"""From what is typed to a typed value: help, aliases, places of flags, and files that no flag may take."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import subprocess
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from event_schema import VALIDATOR
from inside import Inside
from world import Team, definition, recorded_world

import syncer
from syncer.cli import parser, registry
from syncer.cli.shared import flags
from syncer.cli.shared.command import CommandGroup
from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from syncer.sandbox import Sandbox

CLI = Path(syncer.__file__).parent / "cli"
MODEL = next(model for model in recorded_world()["models"] if model["id"] == 1)


@pytest.fixture
def team(box: Sandbox, tmp_path: Path) -> Iterator[Team]:
    """A team whose one file differs from live."""
    with running(box) as url:
        team = Inside(tmp_path, url)
        team.write("m", definition(MODEL, description="edited in git"))
        yield team


def _commands() -> Iterator[Any]:
    """Every command that runs something."""
    for name in registry.NAMES:
        command = registry.command(name)
        yield from command.commands if isinstance(command, CommandGroup) else (command,)


# -- typed values --------------------------------------------------------------------------------------------------


def test_nothing_below_the_parser_knows_argparse_s_values() -> None:
    """No signature takes a Namespace, and no value of a flag is guessed at."""
    found = []
    for path in CLI.rglob("*.py"):
        text = path.read_text("utf-8")
        functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
        found += [f"{path.name}: {one.name}" for one in functions if "Namespace" in ast.unparse(one.args)]
        found += [path.name] if "getattr(flags" in text or "getattr(options" in text else []
    assert found == []


def _check_types(kind: Any) -> None:
    hints = typing.get_type_hints(kind)
    for one in dataclasses.fields(kind):
        declared = one.metadata.get("flag")
        if inner := one.metadata.get("group"):
            assert issubclass(inner.kind, hints[one.name])
            _check_types(inner.kind)
        elif declared is not None:
            shown = str(hints[one.name])
            of_type = declared.settings.get("type", str)
            result = inspect.signature(of_type).return_annotation if of_type is not str else "str"
            is_many = declared.settings.get("action") == "append" or declared.settings.get("nargs") == "*"
            expected = "bool" if declared.settings.get("action") == "store_true" else result
            assert expected in shown, f"{kind.__name__}.{one.name}"
            assert is_many == ("tuple" in shown), f"{kind.__name__}.{one.name}"


def test_options_are_frozen_and_of_the_types_that_they_say() -> None:
    """What mypy can't see: that argparse makes of a word the type that the field has."""
    for command in _commands():
        options = command.options()
        assert options.__dataclass_params__.frozen, command.name
        hash(options)
        _check_types(command.options)


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        ("drift --commit v1", "drift --base v1"),
        ("ci drift --commit v1", "ci drift --base v1"),
        ("drift", "drift --base HEAD"),
        ("import --drift --yes", "import --drift --auto-approve"),
        ("plan --show-unmanaged", "plan --verbose"),
        ("show p.json --show-unmanaged", "show p.json --verbose"),
        ("plan -json", "plan --json=-"),
        ("apply -auto-approve --json p.json", "apply --json=- --auto-approve p.json"),
        ("validate --json models/m.yaml", "validate models/m.yaml --json"),
    ],
)
def test_other_ways_to_say_the_same(alias: str, said: str) -> None:
    """An alias means what the flag means, and a word behind --json is never its file."""
    assert parser.parse(alias.split()).options == parser.parse(said.split()).options


@pytest.mark.parametrize("command", [["plan"], ["ci", "plan"], ["sandbox", "reset"], ["validate", "f"], ["history"]])
def test_what_every_command_takes_stands_in_any_place(command: list[str]) -> None:
    """Before the command, behind it and between its words, also both."""
    both = ["--chdir", "plan", "--no-color"]
    for place in range(len(command) + 1):
        screen = parser.parse([*command[:place], *both, *command[place:]]).screen
        assert (screen.chdir, screen.no_color, screen.debug) == ("plan", True, False)
        screen = parser.parse(["--no-color", *command[:place], "-chdir=plan", *command[place:], "--debug"]).screen
        assert (screen.chdir, screen.no_color, screen.debug) == ("plan", True, True)


# -- help ----------------------------------------------------------------------------------------------------------


def test_help_is_found_however_it_s_asked_for(tmp_path: Path) -> None:
    """`syncer` alone, `help` and `--help` list the commands; behind a command's name they tell of it."""
    inside = Inside(tmp_path, variables={"COLUMNS": "80"})
    alone = inside.run()

    assert (alone.code, alone.err) == (0, "")
    assert [inside.run(*words).out for words in (("help",), ("--help",), ("-help",), ("--no-color",))] == [
        alone.out
    ] * 4
    titles = [line for line in alone.out.splitlines() if line.endswith(":") and not line.startswith((" ", "See"))]
    assert titles == ["start:", "every day:", "undo:", "CI and tools:", "options:", "output:"]
    for words in (["plan"], ["ci"], ["ci", "apply"], ["sandbox", "serve"], ["help"]):
        told = inside.run("help", *words)
        assert told == inside.run(*words, "--help")
        assert told.out.startswith(f"usage: syncer {' '.join(words)} [-h]")
    assert inside.run("version").out == inside.run("--version").out == f"syncer {syncer.__version__}\n"


def _all_parsers(top: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield top
    for one in parser.sub_parsers(top).values():
        yield from _all_parsers(one)


@pytest.mark.parametrize("width", [70, 80, 120])
def test_help_is_as_wide_as_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a command line to be pasted is wider; prose uses the room that there is."""
    monkeypatch.setenv("COLUMNS", str(width))
    lines = {
        (one.prog, line)
        for one in _all_parsers(parser.build())
        for line in one.format_help().partition("Example:")[0].splitlines()
    }
    assert [line for line in lines if len(line[1]) > width] == []
    assert max(len(line) for _, line in lines if not line.startswith((" ", "usage"))) > width - 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plna", "syncer: there is no command 'plna'. Did you mean `syncer plan`?\nTry `syncer help`"),
        ("xyzzy", "syncer: there is no command 'xyzzy'.\nTry `syncer help`"),
        ("ci aply", "syncer ci: there is no command 'aply'. Did you mean `syncer ci apply`?\nTry `syncer help ci`"),
        ("help plna", "syncer: there is no command 'plna'. Did you mean `syncer plan`?\nTry `syncer help`"),
        ("it's", "syncer: there is no command 'it's'.\nTry `syncer help`"),
    ],
)
def test_a_mistyped_command_gets_two_lines(words: str, said: str, tmp_path: Path) -> None:
    """What was meant, and where the commands are listed."""
    told = Inside(tmp_path).run(*words.split())

    assert (told.code, told.out) == (64, "")
    assert told.err.startswith(said)
    assert told.err.count("\n") == 2


def test_the_old_way_to_name_the_file_is_told_of(tmp_path: Path) -> None:
    """`--json FILE` was taken once; nothing is written now, and the new way is named."""
    told = Inside(tmp_path).run("plan", "--json", "plan.jsonl")

    assert (told.code, (tmp_path / "plan.jsonl").exists()) == (64, False)
    assert "Did you mean --json=plan.jsonl?" in told.err


def test_a_flag_in_front_of_its_command_is_told_of(tmp_path: Path) -> None:
    """It's named as it was typed, with where it belongs."""
    told = Inside(tmp_path).run("--json", "plan")

    assert told.code == 64
    assert "unrecognized arguments: --json. It goes after the command: `syncer plan --json`.\n" in told.err


# -- JSON lines in a file ------------------------------------------------------------------------------------------


def _timeless(lines: str) -> list[dict[str, Any]]:
    found = []
    for line in lines.splitlines():
        data = json.loads(line)
        VALIDATOR.validate(data)
        found.append({key: value for key, value in data.items() if key != "@timestamp"})
    return found


@pytest.mark.parametrize(
    "words",
    [
        "validate",
        "list",
        "history",
        "doctor",
        "show plan.json",
        "apply --dry-run",
        "validate models/n.yaml",
        "show none.json",
        "list --env nowhere",
    ],
)
def test_a_file_gets_the_lines_that_stdout_would(words: str, team: Team) -> None:
    """With --json=FILE stdout is as without it, and the file holds what --json prints, errors and all."""
    assert team.run("plan", "--out", "plan.json").code == 0
    team.write("n", "name: Broken\n" if "n.yaml" in words else definition(MODEL | {"id": 2, "name": "n"}))
    (team.folder / "models" / "n.yaml").unlink() if "n.yaml" not in words else None
    plain, lines = team.run(*words.split()), team.run(*words.split(), "--json")
    both = team.run(*words.split(), "--json=lines.jsonl")

    assert (both.code, both.out, both.err) == (plain.code, plain.out, plain.err)
    assert lines.code == plain.code
    assert _timeless((team.folder / "lines.jsonl").read_text()) == _timeless(lines.out)
    assert _timeless(lines.out)[0]["type"] == "version"


def test_an_apply_keeps_its_lines(team: Team) -> None:
    """Also what it refuses; what an earlier run left is gone."""
    (team.folder / "lines.jsonl").write_text("of an earlier run")
    assert team.run("apply", "--json=lines.jsonl").code == 1
    refused = _timeless((team.folder / "lines.jsonl").read_text())
    assert [line["type"] for line in refused] == ["version", "diagnostic"]
    done = team.run("apply", "--auto-approve", "--json=lines.jsonl")
    kept = _timeless((team.folder / "lines.jsonl").read_text())

    assert (done.code, "Apply complete!" in done.out) == (0, True)
    assert [line["type"] for line in kept] == [
        *("version", "planned_change", "change_summary", "apply_start", "apply_complete", "change_summary")
    ]


def test_validate_says_json_in_two_ways(team: Team) -> None:
    """`--format json` is an alias."""
    team.write("n", "name: Broken\n")
    assert _timeless(team.run("validate", "--format", "json").out) == _timeless(team.run("validate", "--json").out)


def test_no_input_is_written_over(team: Team, box: Sandbox) -> None:
    """Neither by --json with a word behind it, nor by --json=FILE: apply and validate take files."""
    assert team.run("plan", "--out", "plan.json").code == 0
    model, plan = team.folder / "models" / "m.yaml", team.folder / "plan.json"
    before = model.read_bytes(), plan.read_bytes()
    (team.folder / "m.txt").symlink_to("plan.json")
    (team.folder / "below").mkdir()
    for words, code in (
        ("validate --json models/m.yaml", 0),
        ("validate models/m.yaml --json", 0),
        ("validate --json=models/m.yaml", 1),
        ("validate models/m.yaml --json=models/m.yaml", 1),
        ("validate models/m.yaml --json=./models/../models/m.yaml", 1),
        ("validate --json=syncer.toml", 1),
        ("apply plan.json --json=plan.json", 1),
        ("apply plan.json --json=below/../plan.json", 1),
        ("apply m.txt --json=plan.json", 1),
        ("apply plan.json --json=m.txt", 1),
        ("show plan.json --json=plan.json", 1),
        ("--chdir below apply ../plan.json --json=../plan.json", 1),
        ("apply --json plan.json --target m", 1),
        ("plan --json plan.json", 64),
    ):
        assert team.run(*words.split()).code == code, words
        assert (model.read_bytes(), plan.read_bytes()) == before, words
    assert box.by_method["PUT"] == 0
    assert team.run("apply", "--json", "plan.json").code == 0
    assert (model.read_bytes(), plan.read_bytes(), box.by_method["PUT"]) == (*before, 1)


def test_doctor_tells_programs_too(tmp_path: Path) -> None:
    """One line a layer, then which fail; its exit code is the same."""
    told = Inside(tmp_path, variables={"SYNCER_API_URL": "http://127.0.0.1:9", "SYNCER_WORKSPACE_ID": "1"}).run(
        "doctor", "--json"
    )
    lines = _timeless(told.out)

    assert (told.code, told.err) == (1, "")
    states = {line["check"]["layer"]: line["check"]["state"] for line in lines if line["type"] == "check"}
    assert (states["settings"], states["connection"], states["TLS"]) == ("ok", "failed", "skipped")
    assert (lines[-1]["type"], lines[-1]["checks"]["environment"]) == ("check_summary", "default")
    assert "connection" in lines[-1]["checks"]["failed"]


# -- completion ----------------------------------------------------------------------------------------------------


def _completed(team: Team, script: str, *words: str) -> list[str]:
    """What bash offers for the last word."""
    line = " ".join(words)
    program = (
        f"{script}\nCOMP_WORDS=({line})\n" if words[-1] else f"{script}\nCOMP_WORDS=({line} '')\n"
    ) + f"COMP_CWORD={len(words) - 1}\n_shtab_syncer\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "-c", program], cwd=team.folder, env=_with_program(team), capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def _with_program(team: Team) -> dict[str, str]:
    import launcher  # noqa: PLC0415 - for these tests alone

    return {**team.environment, "PATH": f"{launcher.folder()}:{team.environment['PATH']}"}


def test_completion_knows_what_the_folder_holds(team: Team, tmp_path: Path) -> None:
    """Environments, addresses and runs, as they are now; and no name that a shell would take for more."""
    team.write("finance/revenue", definition(MODEL, id=2))
    for name in ("$(touch x)", "a b", "`touch x`", "-flag", "a;b"):
        team.write(name, "")
    assert team.run("apply", "--auto-approve", "--target", "m").code == 1
    for name in ("$(touch x)", "`touch x`", "a b", "-flag", "a;b"):
        (team.folder / "models" / f"{name}.yaml").unlink()
    (team.folder / "models" / "finance" / "revenue.yaml").unlink()
    assert team.run("apply", "--auto-approve").code == 0
    run = next(line["run"]["name"] for line in _timeless(team.run("history", "--json").out) if line["type"] == "run")
    for name in ("finance/revenue", "$(touch x)", "a b", "`touch x`", "-flag", "a;b"):
        team.write(name, "")
    script = team.run("completion", "bash").out

    assert team.run("completion", "addresses").out.split() == ["finance/revenue", "m"]
    assert _completed(team, script, "syncer", "plan", "--env", "pr") == ["prod"]
    assert _completed(team, script, "syncer", "drift", "--target", "fin") == ["finance/revenue"]
    assert _completed(team, script, "syncer", "rollback", run[:6]) == [run]
    assert _completed(team, script, "syncer", "ci", "com") == ["comment"]
    assert _completed(team, script, "syncer", "ci", "apply", "--expect") == ["--expect-digest"]
    assert not (team.folder / "x").exists()
    nowhere = Inside(tmp_path / "models", variables={})
    assert [nowhere.run("completion", kind).code for kind in (flags.ENVIRONMENTS, flags.ADDRESSES, flags.RUNS)] == [
        0
    ] * 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_completion_is_made_for_every_shell(shell: str, tmp_path: Path) -> None:
    """Each script knows the flags and asks for the words of the folder."""
    script = Inside(tmp_path).run("completion", shell).out

    assert "detailed-exitcode" in script
    for kind in (flags.ENVIRONMENTS, flags.ADDRESSES, flags.RUNS):
        assert f"syncer completion {kind}" in script
