"""The command line as people and pipelines meet it: exit codes, streams, terminals, and what bad input gets."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pyte
import pytest
from builders import RAW_SQL
from inside import Inside
from world import Team, definition, flat, interrupt, recorded_world
from wsgi import serving

from syncer.sandbox import Faults, Sandbox
from syncer.sandbox.http_server import running
from syncer.state_folder import folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = next(model for model in recorded_world()["models"] if model["id"] == 1)


@pytest.fixture
def team(box: Sandbox, tmp_path: Path) -> Iterator[Team]:
    """A team whose prod is that world, and whose one file differs from live."""
    with running(box) as url:
        team = Inside(tmp_path, url)
        team.write("m", definition(MODEL, description="edited in git"))
        yield team


def _puts(box: Sandbox) -> int:
    return box.by_method["PUT"]


# -- exit codes and streams --------------------------------------------------------------------------------------


def test_plan_exits_with_0_or_with_2_if_asked(team: Team) -> None:
    """Changes are no error; --detailed-exitcode tells them apart, with one dash, too."""
    assert team.run("plan").code == 0
    assert Team.run(team, "plan", "--detailed-exitcode").code == 2  # a process of its own
    assert team.run("plan", "-detailed-exitcode").code == 2
    team.write("m", definition(MODEL))
    assert team.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--detailed-exitcod"),
        ("plan", "extra"),
        ("--nope",),
        ("nope",),
        ("ci",),
        ("ci", "nope"),
        ("sandbox",),
        ("apply", "--parallelism", "0"),
        ("apply", "--max-change-percent", "200"),
        ("sandbox", "serve", "--port", "99999"),
    ],
)
def test_a_wrong_command_line_exits_with_64(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Never with 2, which means changes."""
    result = Inside(tmp_path).run(*arguments)

    assert (result.code, result.out) == (64, "")
    assert "--help" in result.err


def test_a_mistyped_flag_is_guessed_at(tmp_path: Path) -> None:
    """The nearest one is named; the process's own exit code is 64, too."""
    result = Team(tmp_path).run("plan", "--detailed-exitcod")

    assert (result.code, result.out) == (64, "")
    assert "Did you mean --detailed-exitcode?" in result.err


def test_a_plan_is_on_stdout_alone(team: Team) -> None:
    """Stderr is for trouble."""
    result = team.run("plan")

    assert result.err == ""
    assert result.out.startswith("syncer plan   prod   http://127.0.0.1")


def test_json_is_json_and_nothing_else(team: Team) -> None:
    """Every line of stdout is an object; the first one has the version, a change its attributes."""
    lines = [json.loads(line) for line in team.run("plan", "--json").out.splitlines()]

    assert lines[0]["type"] == "version"
    (change,) = [line["change"] for line in lines if line["type"] == "planned_change"]
    assert change["attributes"] == [
        {
            "path": ["description"],
            "before": "description 1",
            "after": "edited in git",
            "sensitive": False,
            "kind": "changed",
        }
    ]
    applied = [json.loads(line) for line in team.run("apply", "--json", "--auto-approve").out.splitlines()]
    assert [line["type"] for line in applied] == [
        "version",
        "planned_change",
        "change_summary",
        "apply_start",
        "apply_complete",
        "change_summary",
    ]


def test_errors_are_json_too(tmp_path: Path) -> None:
    """Whoever reads JSON gets the trouble as JSON."""
    result = Inside(tmp_path).run("plan", "--json")
    lines = [json.loads(line) for line in result.out.splitlines()]

    assert (result.code, result.err) == (1, "")
    assert (lines[0]["type"], lines[-1]["@level"]) == ("version", "error")


@pytest.mark.parametrize(
    "arguments", [("apply", "--json"), ("plan", "--json", "--env", "x"), ("validate", "--format", "json")]
)
def test_json_begins_with_its_version_whatever_comes(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A wrong environment, no terminal, wrong settings: the first line is the version."""
    (tmp_path / "syncer.toml").write_text("nonsense = 1\n" if "validate" in arguments else "")
    result = Inside(tmp_path).run(*arguments)

    assert (result.code, result.err) == (1, "")
    assert json.loads(result.out.splitlines()[0])["type"] == "version"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SSL_CERT_FILE", "canary.pem", "SSL_CERT_FILE names a file that isn't there"),
        ("SSL_CERT_FILE", "syncer.toml", "SSL_CERT_FILE names a file without a certificate"),
        ("SSL_CERT_FILE", ".", "SSL_CERT_FILE names a folder"),
        ("SSL_CERT_DIR", "canary", "SSL_CERT_DIR names no folder"),
        ("ALL_PROXY", "socks4://me:canary@127.0.0.1:9", "ALL_PROXY names a proxy of a kind that can't be used"),
        ("HTTPS_PROXY", "http://me:canary@127.0.0.1:port", "HTTPS_PROXY names no usable proxy"),
        ("NO_PROXY", "[::1", "NO_PROXY has an entry that is not a host"),
        ("SYNCER_API_URL", "htp://me:canary@127.0.0.1", "may hold neither a user, a password nor a query"),
    ],
)
def test_variables_that_make_no_connection_are_named(variable: str, value: str, said: str, tmp_path: Path) -> None:
    """By the plan, by the job in CI and by the doctor: in words, without what is in them, and nothing is asked."""
    (tmp_path / "syncer.toml").write_text('[environments.prod]\napi_url = "https://127.0.0.1:9"\nworkspace_id = 1\n')
    (tmp_path / "models").mkdir()
    inside = Inside(tmp_path)
    inside.variables |= {"SYNCER_TOKEN": "canary-token", "SYNCER_ENV": "prod", variable: value}
    # The doctor looks at certificates once the host is reached, which is told elsewhere.
    runs = [inside.run("list"), *([] if variable.startswith("SSL") else [inside.run("doctor")])]
    if variable != "SYNCER_API_URL":
        inside.variables |= {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "a/b", "GITHUB_EVENT_NAME": "schedule"}
        runs.append(inside.run("ci", "drift"))
    for done in runs:
        assert done.code == 1
        assert said in flat(done.text), done.text
        assert "canary" not in done.text
        assert "syncer itself failed" not in done.text


def test_a_job_that_lost_its_settings_does_not_stay_green(tmp_path: Path, state_root: Path) -> None:
    """Credentials mean a real server: without settings that's an error, not the sandbox."""
    team = Inside(tmp_path)
    team.write("m", RAW_SQL)
    result = team.run("apply", "--auto-approve")

    assert result.code == 1
    assert "there are credentials but no environment" in result.err
    assert not state_root.exists()


def test_a_full_disk_is_no_mistake_of_ours(team: Team) -> None:
    """Output that can't be written is told on stderr."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            team.command("plan"),
            cwd=team.folder,
            env=team.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode != 0
    assert done.stderr == "syncer: the output can't be written: no space left\n"


def test_a_closed_pipe_is_no_traceback(team: Team) -> None:
    """`syncer plan | head -1` ends quietly."""
    command = " ".join(team.command("plan"))
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1"],
        cwd=team.folder,
        env=team.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.startswith("syncer plan")
    assert done.stderr == ""


def test_the_folder_is_no_secret(tmp_path: Path) -> None:
    """The variable PWD, which every shell sets, has a name that sounds like a password's."""
    told = Team(tmp_path).run("--chdir", "models", "plan", "--env", "sandbox")

    assert told.code == 1
    assert f"there is no folder models in {tmp_path}/models" in flat(told.err)


def test_ascii_streams_get_ascii(team: Team) -> None:
    """A stream that can't hold a character gets its escape, never an exception."""
    team.write("m", definition(MODEL, description="größer ☃"))
    team.variables |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = Team.run(team, "plan")  # streams of its own

    assert result.code == 0
    assert r"gr\xf6\xdfer \u2603" in result.out
    assert result.out.isascii()


def _modules(program: str) -> set[str]:
    """What a program has imported at its end, measured without what measures coverage."""
    root = Path(__file__).parents[2]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env=environment)
    return set(done.stdout.split())


def test_version_needs_next_to_nothing() -> None:
    """`--version` loads none of the slow libraries."""
    loaded = _modules("from syncer.cli import main\ntry: main(['--version'])\nexcept SystemExit: pass")

    assert "syncer.cli.parser" in loaded
    assert loaded & {"httpx", "deepdiff", "jsonschema", "jsonschema_rs", "rich", "yaml", "werkzeug", "sqlite3"} == set()


def test_help_and_completion_wait_for_nothing_that_commands_run() -> None:
    """The list of commands and the scripts of the shells know every flag, and load no room below the command line."""
    program = "from syncer.cli import main\nfor words in (['--help'], ['plan', '--help']):\n"
    program += "    try: main(words)\n    except SystemExit: pass\nfrom syncer.cli.parser import build\nbuild()"
    loaded = _modules(program)
    rooms = {name for name in loaded if name.startswith("syncer.") and not name.startswith("syncer.cli")}

    assert "syncer.cli.ci.apply" in loaded
    assert rooms <= {"syncer.errors"}
    assert loaded & {"httpx", "deepdiff", "jsonschema_rs", "rich", "yaml", "tomllib", "sqlite3"} == set()


def test_validate_needs_no_http() -> None:
    """Checking a good file loads neither httpx nor deepdiff, nor the slower of the two schema libraries."""
    loaded = _modules("from syncer.cli import main\nmain(['validate'])")

    assert "jsonschema_rs" in loaded
    assert loaded & {"httpx", "deepdiff", "jsonschema", "rich", "werkzeug", "sqlite3"} == set()


def test_completion_scripts_are_shell(tmp_path: Path) -> None:
    """Bash takes the script, and it knows the commands."""
    result = Inside(tmp_path).run("completion", "bash")
    checked = subprocess.run(["bash", "-n"], input=result.out, text=True, capture_output=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "detailed-exitcode" in result.out


# -- asking ------------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_must_be_told(team: Team, box: Sandbox) -> None:
    """No silent no: an error that names the flag, and nothing was sent."""
    result = team.run("apply")

    assert result.code == 1
    assert "--auto-approve" in result.err
    assert box.requests == []


def test_dry_run_is_plan(team: Team, box: Sandbox) -> None:
    """It asks nothing and writes nothing."""
    result = team.run("apply", "--dry-run")

    assert (result.code, _puts(box)) == (0, 0)
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in result.out


def test_a_guard_is_told_once_whichever_way_it_is_asked(team: Team) -> None:
    """Plan and dry run warn of it, apply refuses with it; beside a problem of the plan it's still told."""
    team.write("m", definition(MODEL, description="edited in git", lifecycle={"protect": True}))
    told = "m is protected, and would change (description)"
    for arguments in (("plan",), ("apply", "--dry-run"), ("apply", "--auto-approve")):
        assert team.run(*arguments).text.count(told) == 1

    team.write("n", {**RAW_SQL, "name": "nobody's name"})
    assert team.run("apply", "--auto-approve").text.count(told) == 1


@pytest.mark.parametrize("answer", ["no", "y", "YES", "yes please", ""])
def test_only_yes_is_yes(answer: str, team: Team, box: Sandbox) -> None:
    """Anything else cancels, with exit code 1."""
    child = team.spawn("apply", NO_COLOR="1")
    child.expect("Only 'yes' will be accepted to approve")
    child.sendline(answer)
    child.expect("Apply cancelled")
    child.expect(pexpect.EOF)
    child.close()

    assert (child.exitstatus, _puts(box)) == (1, 0)


def test_end_of_input_is_no_yes(team: Team, box: Sandbox) -> None:
    """Ctrl-D at the prompt cancels."""
    child = team.spawn("apply")
    child.expect("Enter a value: ")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()

    assert (child.exitstatus, _puts(box)) == (1, 0)


def test_ctrl_c_at_the_prompt_leaves(team: Team, box: Sandbox) -> None:
    """Nothing was done, and there is no traceback."""
    child = team.spawn("apply", NO_COLOR="1")
    child.expect("Enter a value: ")
    interrupt(child)
    child.close()

    assert "Interrupted: nothing more was done." in str(child.before)
    assert (child.exitstatus, _puts(box)) == (130, 0)


def test_what_stands_on_a_terminal(team: Team) -> None:
    """After `yes` the screen holds the plan, the progress lines and the verdict, and no trace of the bar."""
    child = team.spawn("apply")
    child.expect("Enter a value: ")
    seen = f"{child.before}{child.after}"
    child.sendline("yes")
    child.expect(pexpect.EOF)
    child.close()
    screen = pyte.Screen(100, 60)
    pyte.Stream(screen).feed(f"{seen}{child.before}")
    lines = [line.rstrip() for line in screen.display]

    assert child.exitstatus == 0
    assert "  Enter a value: yes" in lines
    end = lines[lines.index("  Enter a value: yes") + 1 :]
    assert [line for line in end if line] == [
        "model.m: Modifying... [id=1]",
        "model.m: Modifications complete after 0s [id=1]",
        "Apply complete! Resources: 0 added, 1 changed, 0 destroyed.",
    ]
    assert screen.buffer[lines.index("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.")][0].fg == "green"


@pytest.mark.parametrize(
    ("variables", "arguments", "coloured"),
    [
        ({}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"TERM": "dumb"}, (), False),
        ({}, ("--no-color",), False),
        ({"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, (), False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    variables: dict[str, str],
    arguments: tuple[str, ...],
    coloured: bool,  # noqa: FBT001 - a case
    team: Team,
) -> None:
    """A terminal gets it, unless it's told off."""
    child = team.spawn("plan", *arguments, **variables)
    child.expect(pexpect.EOF)

    assert ("\x1b[" in str(child.before)) is coloured


def test_a_pipe_gets_colour_only_by_force(team: Team) -> None:
    """CLICOLOR_FORCE is how one asks for it."""
    assert "\x1b[" not in team.run("plan").out
    team.variables["CLICOLOR_FORCE"] = "1"
    assert "\x1b[" in team.run("plan").out


# -- being interrupted -------------------------------------------------------------------------------------------


def _busy(team: Team, box: Sandbox) -> subprocess.Popen[str]:
    """An apply of eight that is under way with the first of them."""
    for model in [m for m in recorded_world()["models"] if m["query_type"] == "raw_sql" and m["workspace_id"] == 1][:8]:
        team.write(f"m{model['id']:02}", definition(model, description="edited"))
    (team.folder / "models" / "m.yaml").unlink()
    box.faults = Faults.parse(["slow:1:1@PUT"])
    process = subprocess.Popen(
        team.command("apply", "--auto-approve", "--parallelism", "1"),
        cwd=team.folder,
        env=team.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    while not _puts(box):
        assert process.poll() is None
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interrupt_finishes_what_is_under_way(number: int, team: Team, box: Sandbox) -> None:
    """What began is finished and reported, the rest is not attempted."""
    process = _busy(team, box)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "Interrupt received" in err
    assert "Apply incomplete! Resources: 1 changed, 7 not attempted." in out
    assert _puts(box) == 1


def test_the_second_interrupt_leaves_at_once(team: Team, box: Sandbox) -> None:
    """It warns that the outcome is open, and doesn't wait."""
    process = _busy(team, box)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Stopped at once" in err


# -- what bad input gets -----------------------------------------------------------------------------------------


def _fails(team: Team, *arguments: str, says: str, hints: str = "") -> None:
    result = team.run(*arguments)
    words = flat(result.err)

    assert result.code == 1
    assert "Traceback" not in result.text
    assert says in words
    assert hints in words


def test_a_wrong_folder(tmp_path: Path) -> None:
    """Finding nothing is an error that says where it looked, never "no changes"."""
    empty = tmp_path / "empty"
    empty.mkdir()
    team = Inside(tmp_path)
    _fails(team, "plan", "--chdir", str(empty), says=f"no settings in {empty}", hints="the folder of the settings")
    _fails(team, "plan", "--chdir", str(empty), "--env", "sandbox", says="models")
    _fails(team, "plan", "--chdir", "nowhere", says="--chdir nowhere: No such file or directory")


def test_an_unknown_environment(team: Team) -> None:
    """With what was probably meant."""
    _fails(team, "plan", "--env", "prd", says="there is no environment 'prd'", hints="did you mean 'prod'?")


def test_the_planned_environment_is_checked_though_it_has_no_table(team: Team) -> None:
    """The sandbox has none: what a file gives only for prod is missing there, and said so before any request."""
    team.write(
        "m", "connector_id: 1\nquery_type: raw_sql\nquery: SELECT 1\nprimary_key: id\nenvironments: {prod: {name: x}}\n"
    )
    assert team.run("validate").code == 0
    _fails(team, "plan", "--env", "sandbox", says="missing name")


def test_a_missing_token(team: Team) -> None:
    """With the variables that would do."""
    team.variables = {}
    _fails(team, "plan", says="no credentials", hints="SYNCER_EMAIL and SYNCER_PASSWORD")


@pytest.mark.parametrize("token", ["expired", "garbage"])
def test_a_token_that_isn_t_taken(token: str, team: Team) -> None:
    """With why that may be."""
    team.variables["SYNCER_TOKEN"] = token
    _fails(team, "plan", says="GET /models was refused (401): Unauthorized", hints="it lives 30 minutes")


def test_a_wrong_workspace(team: Team) -> None:
    """The server's 400 in words."""
    team.variables["SYNCER_WORKSPACE_ID"] = "99"
    _fails(team, "plan", says="Workspace not found", hints="check workspace_id")


def test_a_viewer_may_plan_and_not_apply(team: Team, box: Sandbox) -> None:
    """The role is named."""
    team.variables["SYNCER_TOKEN"] = "viewer"
    assert team.run("plan").code == 0

    result = team.run("apply", "--auto-approve")
    assert result.code == 1
    assert "Member or Admin" in result.out
    assert "Apply incomplete! Resources: 0 changed, 1 failed." in result.out
    assert box.requests[-1][0] == "PUT"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:1", "no connection to http://127.0.0.1:1"),
        ("http://no-such-host.invalid", "the host no-such-host.invalid is not known"),
        ("ftp://127.0.0.1", "is not a usable address"),
    ],
)
def test_a_wrong_host(url: str, says: str, team: Team) -> None:
    """What couldn't be reached, and what to check."""
    team.variables["SYNCER_API_URL"] = url
    team.settings("retry_seconds = 0\n")
    _fails(team, "plan", says=says, hints="api")


def test_tls_where_there_is_none(team: Team) -> None:
    """Https to a server that speaks http."""
    team.variables["SYNCER_API_URL"] = team.url.replace("http:", "https:")
    team.settings("retry_seconds = 0\n")
    _fails(team, "plan", says="doesn't speak TLS as expected", hints="https or http")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("html:1", "the answer is a web page, not JSON"),
        ("truncated:1", "the answer is not whole JSON"),
        ("500:1", "Internal Server Error"),
        ("reset:1", "the connection was lost"),
        ("lost:1", "the connection was lost"),
        ("429:1:600", "Too"),
    ],
)
def test_a_server_in_trouble(fault: str, says: str, team: Team, box: Sandbox) -> None:
    """Each kind of trouble has its words."""
    team.settings("retry_seconds = 1\n")
    box.faults = Faults.parse([fault])
    _fails(team, "plan", says=says)


def test_a_web_page_with_200(tmp_path: Path) -> None:
    """A portal that answers everything with its login page is not an empty workspace."""

    def portal(_: object, start: object) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/html")])  # type: ignore[operator]
        return [b"<html>Please log in</html>"]

    with serving(portal) as url:
        team = Inside(tmp_path, url)
        team.write("m", RAW_SQL)
        _fails(team, "plan", says="the answer is a web page", hints="check api_url")


def test_real_secrets_stay_out_of_the_sandbox(tmp_path: Path) -> None:
    """Its state file holds what it was sent: made-up values."""
    team = Inside(tmp_path, variables={"SYNCER_SECRET_OPENAI": "canary-real-secret"})
    shutil.copytree(Path(__file__).parents[2] / "models", tmp_path / "models", dirs_exist_ok=True)
    assert team.run("apply", "--auto-approve").code == 0

    assert b"canary" not in (folder_of(tmp_path, os.environ).path / "sandbox.db").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--fault", "429"), "--fault: fault '429' is not understood"),
        (("--world", "nowhere.json"), "--world nowhere.json: No such file"),
        (("--world", "syncer.toml"), "is not JSON"),
        (("--world", "empty.json"), "is not a world"),
        (("--world", "list.json"), "is not a world"),
    ],
)
def test_a_sandbox_that_can_t_be_served(arguments: tuple[str, ...], says: str, team: Team) -> None:
    """Each with its reason."""
    (team.folder / "empty.json").write_text("{}")
    (team.folder / "list.json").write_text("[]")
    _fails(team, "sandbox", "serve", *arguments, says=says)


def test_a_port_that_is_taken(team: Team) -> None:
    """It's named."""
    port = team.url.rpartition(":")[2]
    _fails(team, "sandbox", "serve", "--port", port, says=f"port {port} can't be opened")


def test_serve_prints_where_it_listens(team: Team) -> None:
    """One line, then it answers the world's token, until it's told to stop."""
    (team.folder / "world.json").write_text(json.dumps(recorded_world()))
    process = subprocess.Popen(
        team.command("sandbox", "serve", "--world", "world.json"),
        cwd=team.folder,
        env=team.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    word, url = process.stdout.readline().split()
    team.variables["SYNCER_API_URL"] = url
    assert word == "READY"
    assert "1 to change" in team.run("plan").out

    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    process.stdout.close()


def test_sandbox_state_lasts_and_resets(tmp_path: Path) -> None:
    """What is applied is still there in the next run, until `sandbox reset`."""
    team = Inside(tmp_path, variables={})
    team.write("m", {**RAW_SQL, "query": "SELECT 1", "lifecycle": {"allow": ["primary_key", "connector_id"]}})
    assert team.run("apply", "--auto-approve").code == 0
    assert team.run("plan", "--detailed-exitcode").code == 0
    assert team.run("sandbox", "reset").code == 0
    assert team.run("plan", "--detailed-exitcode").code == 2


def test_a_mistake_of_ours_is_no_traceback(team: Team) -> None:
    """Should the tool itself fail, it says so in words, without what the exception held; --debug shows where."""
    program = (
        "import sys\nfrom syncer import workflow\nfrom syncer.cli import main\n"
        "def broken(*_, **__): raise RuntimeError('canary-secret')\n"
        "workflow.plan = broken\nsys.exit(main(sys.argv[1:]))"
    )
    for flags in ((), ("--debug",)):
        done = subprocess.run(
            [sys.executable, "-c", program, "plan", *flags],
            cwd=team.folder,
            env=team.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "syncer itself failed: RuntimeError at <string>:4" in done.stderr
        assert "canary-secret" not in done.stderr + done.stdout
        assert ("planning.py" in done.stderr) is bool(flags)
