"""Documents are true: their commands are run, their references are made from the code."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from transcripts import BLOCK, filled, parts, printed
from two_environments import served

import syncer
from syncer import config, package_files
from syncer.cli.parser import Help, Parser, build, sub_parsers
from syncer.model import LOST_COLUMN, RISKY
from syncer.plan.limits import PROTECT
from syncer.render.rules_page import rules_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _commands() -> dict[str, Parser]:
    """Every command, and every sub-command behind its own."""
    found: dict[str, Parser] = {}
    for name, parser in sub_parsers(build()).items():
        found[name] = parser
        found |= {f"{name} {inner}": one for inner, one in sub_parsers(parser).items()}
    return found


def _check(path: Path, revised: Callable[[str], str], *, accept: bool) -> None:
    """The file is as it would be revised; `pytest --accept` revises it, also where several tests do so at once."""
    if accept:
        with path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = revised(file.read())
            file.seek(0)
            file.write(text)
            file.truncate()
        return
    text = path.read_text("utf-8")
    assert text == revised(text), f"{path.name} is stale: `pytest --accept` rewrites it"


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A folder as the documents' reader has it: the shipped models, and a fresh sandbox."""
    shutil.copytree(ROOT / "models", tmp_path / "models")
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    _commit(tmp_path)
    return tmp_path


def _commit(folder: Path) -> None:
    """Make a repository with the models as its one commit, whose hash is that of the models alone."""
    stamp = {f"GIT_{who}_DATE": "2026-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")}
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_DEFAULT_HASH": "sha1"}
    identity = ("-c", "user.name=A reader", "-c", "user.email=reader@example.com")
    for command in (["init", "--quiet"], ["add", "models"], [*identity, "commit", "--quiet", "--message=Models"]):
        subprocess.run(["git", *command], cwd=folder, env={**os.environ, **stamp, **plain}, check=True)


REFERENCE = ROOT / "docs" / "commands.md"
TRANSCRIPTS = [
    (document, heading)
    for document in ("README.md", "docs/commands.md", "docs/plan-files.md", "docs/consequences.md", "docs/everyday.md")
    for heading, part in parts((ROOT / document).read_text("utf-8")).items()
    if BLOCK.search(part)
]


@pytest.mark.parametrize(("document", "heading"), TRANSCRIPTS)
def test_transcripts_are_real(document: str, heading: str, workshop: Path, accept: bool) -> None:  # noqa: FBT001 - a fixture
    """What a document says that a command prints is what it prints, also for whoever reads this part alone."""
    path = ROOT / document
    part = parts(path.read_text("utf-8"))[heading]
    if "| jq" in part and shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    blocks = printed(part, workshop)

    def revised(text: str) -> str:
        return "".join(filled(part, blocks) if title == heading else part for title, part in parts(text).items())

    _check(path, revised, accept=accept)


def test_the_guide_to_several_environments_is_real(tmp_path: Path, accept: bool) -> None:  # noqa: FBT001 - a fixture
    """Its commands are run against two workspaces, one after the other, and print what stands there."""
    path = ROOT / "docs" / "several-environments.md"
    with served() as addresses:
        blocks = printed(path.read_text("utf-8"), tmp_path, addresses)
    _check(path, lambda text: filled(text, blocks), accept=accept)


def test_the_command_reference_has_every_help_text(accept: bool) -> None:  # noqa: FBT001 - a fixture
    """Each command's help stands in the reference as the command prints it."""

    def revised(text: str) -> str:
        for name, parser in _commands().items():
            block = re.compile(rf"(?<=<!-- help: {name} -->\n)```text\n.*?^```$", re.DOTALL | re.MULTILINE)
            assert block.search(text), f"docs/commands.md has no block for `syncer {name}`"
            text = block.sub(f"```text\n{_help(parser)}```".replace("\\", r"\\"), text)
        return text

    _check(REFERENCE, revised, accept=accept)


def _help(parser: Parser) -> str:
    parser.formatter_class = partial(Help, width=100)
    return parser.format_help()


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_command_explains_itself(name: str) -> None:
    """One sentence, the awkward case, an example to paste, and a word on every flag."""
    parser = _commands()[name]

    assert parser.description
    assert len(parser.description.split("\n\n")) == 2
    assert parser.epilog
    assert re.search(rf"^  syncer {name}\b", parser.epilog, re.MULTILINE)
    assert all(action.help for action in parser._actions if action.dest != "==SUPPRESS==")


def test_what_a_plan_finds_is_documented() -> None:
    """Every rule that needs the live workspace stands in a table."""
    here = Path(syncer.__file__).parent
    core = [path for room in ("desired", "plan", "applying", "workflow") for path in (here / room).glob("*.py")]
    used = {
        rule
        for path in core
        for rule in re.findall(r"(?:problem|Problem)\(\s*(?:NOWHERE,\s*)?\"([a-z-]+)\"", path.read_text("utf-8"))
    }
    table = set(re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs" / "model-files.md").read_text("utf-8"), re.MULTILINE))

    assert len(used) >= 12
    assert used <= table


def test_the_rules_are_documented(accept: bool) -> None:  # noqa: FBT001 - a fixture
    """docs/rules.md is made from the rules."""
    _check(ROOT / "docs" / "rules.md", lambda _: rules_markdown(), accept=accept)


def test_the_settings_are_documented(accept: bool) -> None:  # noqa: FBT001 - a fixture
    """docs/settings.md is made from the settings."""
    _check(ROOT / "docs" / "settings.md", lambda _: _settings(), accept=accept)


def _settings() -> str:
    def table(keys: tuple[config.Key, ...]) -> str:
        rows = [
            f"| `{key.name}` | {key.kind} | {f'`{key.default}`' if key.default else 'none'} | {key.help} |"
            for key in keys
        ]
        return "\n".join(["| key | kind | default | means |", "| --- | --- | --- | --- |", *rows])

    variables = [f"| `{name}` | {what} |" for name, what in config.VARIABLES]
    return SETTINGS.format(
        top=table(config.KEYS),
        environment=table(config.ENVIRONMENT_KEYS),
        limits=table(config.NUMBER_KEYS),
        variables="\n".join(["| variable | means |", "| --- | --- |", *variables]),
    )


SETTINGS = """\
# Settings

`syncer.toml`, or `[tool.syncer]` in `pyproject.toml`: the nearest from the current folder upwards, not beyond the repository. Both in one folder: `syncer.toml` counts. Flags beat the environment's variables, which beat the file.

```toml
# syncer.toml (in pyproject.toml every table's name begins with tool.syncer)
default_environment = "staging"
requests_per_minute = 100

[environments.staging]
api_url = "https://staging.example.com"
workspace_id = 1

[environments.prod]
api_url = "https://api.squared.ai"
workspace_id = 2
max_change_percent = 10
```

## At the top

{top}

## In an environment's table

{environment}

## Numbers

At the top for every environment, or in one environment's table.

{limits}

## Variables

Credentials come from here alone.

{variables}

The environment is the one of `--env`, else of `SYNCER_ENV`, else the default, else the only one. Without any table, `SYNCER_API_URL` and `SYNCER_WORKSPACE_ID` make one, named `default`. Without all that it's `sandbox`, which always exists, needs no table, and is reached without a network and without a limit on requests.

Where a target (`SYNCER_API_URL`, `SYNCER_WORKSPACE_ID`) or credentials are set, somebody means a real server. Then only `--env` or `SYNCER_ENV` choose the sandbox, and settings that do are an error. In `syncer ci` settings never choose it, and the target comes from the two variables alone: see [what each job may do](pull-requests.md#what-each-job-may-do-and-why).

## Which server gets the credentials

A commit can change `api_url`, and add or rename environments. So syncer remembers, of each repository and environment, which server the credentials went to: scheme, host and port. The first server is accepted, as ssh's `accept-new` does. After that:

| the settings name | then |
| --- | --- |
| the server of before | it's used |
| another server for a known environment | it's asked for |
| a server for a new environment that `--env` or `SYNCER_ENV` names | it's used, and remembered |
| a server for a new environment that the settings choose | it's used if another environment of this repository has the same one; else it's asked for |

The question shows the old server and the new one, before anything is sent. Only `yes` accepts, and `--auto-approve` doesn't answer it. Without a terminal, and with `--json`, the run ends with exit code 1. `SYNCER_API_URL` is your own word: nothing is asked then, and nothing is remembered. The embedded sandbox gets no credentials. Worktrees share what their repository remembers; a clone begins anew.

A server is remembered when it's accepted, not when it answers: one that took the token and failed has the token all the same.

## What is kept on this machine

Nothing is kept in the repository: a commit could bring it there. What syncer remembers stands in the state folder: `~/.local/state/syncer` on Linux, `~/Library/Application Support/syncer` on macOS, `%LOCALAPPDATA%\\syncer` on Windows, or where `SYNCER_STATE_DIR` says. Each settings' folder has one of its own in there, named after the repository and a hash of where it stands:

| file | holds |
| --- | --- |
| `belongs.json` | which repository and folder it is |
| `parse_cache.json` | what a hundred or more definitions meant in the last run, by a hash of each file: files that didn't change since aren't parsed and checked again; never in CI, and never a file with a problem |
| `runs/` | [what applies replaced](plan-files.md#undo) |
| `runs.json` | what `syncer history` says of each; without it the records are read |
| `sandbox.db` | the embedded sandbox's models |
| `servers.json` | which servers the credentials went to, for the whole repository |

The folders are made for you alone (mode 0700). One that belongs to somebody else, that others may write into, that lies in the repository, or that is a link within the state folder is refused. So is a relative `SYNCER_STATE_DIR`. Where no folder can be made, plan and apply go on and say what they can't keep; the sandbox, `history` and `rollback` need one. If `servers.json` can't be read, nothing is sent: look at `api_url`, and delete the file.

Older versions kept `.syncer/` beside the settings. It's never read now. A run that finds it says so; delete it.
"""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link names a file of the repository."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8"))

    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_documented_settings_are_taken(tmp_path: Path) -> None:
    """The examples of syncer.toml in the documents load."""
    for number, document in enumerate(DOCUMENTS):
        for example in re.findall(r"^ *```toml\n(.*?)^ *```$", document.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            folder = tmp_path / str(number)
            folder.mkdir(exist_ok=True)
            (folder / "syncer.toml").write_text(re.sub("(?m)^ +", "", example))
            assert config.load(folder).environments


def test_the_changelog_names_real_flags() -> None:
    """A flag that was renamed or removed is not announced any more."""
    flags = {flag for parser in _commands().values() for flag in parser._option_string_actions}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (ROOT / "CHANGELOG.md").read_text("utf-8")))

    assert len(named) >= 20
    assert named <= flags


def test_the_readme_leads_to_each_everyday_task() -> None:
    """Each task has a line of its own in the list of documents, and the section that the line names is there."""
    lines = (ROOT / "README.md").read_text("utf-8").partition("## Documents")[2]
    headings = parts((ROOT / "docs" / "everyday.md").read_text("utf-8"))
    tasks = [heading for heading in headings if not heading.startswith("#")]
    anchor = {task: re.sub(r"[^a-z -]", "", task.lower()).replace(" ", "-") for task in tasks}

    assert len(tasks) >= 5
    assert [task for task in tasks if f"| [{task}](docs/everyday.md#{anchor[task]}) |" not in lines] == []


def test_what_may_be_allowed_is_one_list() -> None:
    """The flag, the schema of a file and the guards know the same words; the flag alone lets protected models change."""
    allow = next(action for action in _commands()["plan"]._actions if action.dest == "allow")
    schema = package_files.schema()["properties"]["lifecycle"]["properties"]["allow"]["items"]["enum"]

    assert tuple(schema) == (*RISKY, LOST_COLUMN)
    assert tuple(allow.choices or ()) == (*schema, PROTECT)
