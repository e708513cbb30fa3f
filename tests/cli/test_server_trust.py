"""Where credentials go: the first server is accepted, and no commit changes it without a person's word."""

from __future__ import annotations

import ast
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inside import Inside
from places import IDENTITY
from world import Team, definition, flat, interrupt, recorded_world

import syncer
from syncer import config, state_folder
from syncer.config import may_get_credentials
from syncer.sandbox import Sandbox
from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = next(model for model in recorded_world()["models"] if model["id"] == 1)
SENDING = (
    *(("plan",), ("list",), ("import", "--all"), ("doctor",), ("apply", "--dry-run"), ("apply", "--auto-approve")),
    *(
        ("drift",),
        ("rollback", "last", "--auto-approve"),
        ("apply", "plan.json"),
        ("plan", "--json"),
        ("list", "--json"),
    ),
)


@pytest.fixture
def other() -> Iterator[Sandbox]:
    """The server that a commit names."""
    with Sandbox(recorded_world()) as sandbox:
        yield sandbox


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **IDENTITY}, check=True)


class Pair:
    """A team that has worked with its server, and another server on another port: loopback is no exception."""

    def __init__(self, team: Team, url: str, other: Sandbox) -> None:
        self.team, self.url, self.other = team, url, other
        self.before = team.url

    def names(self, environment: str = "prod", url: str = "", more: str = "") -> None:
        """A commit changes the settings."""
        table = f'[environments.{environment}]\napi_url = "{url or self.url}"\nworkspace_id = 1\n'
        (self.team.folder / "syncer.toml").write_text(f"requests_per_minute = 0\nretry_seconds = 0\n{more}{table}")

    @property
    def known(self) -> dict[str, str]:
        """What is remembered."""
        return state_folder.repository_folder_of(self.team.folder, os.environ).servers()


@pytest.fixture
def pair(box: Sandbox, other: Sandbox, tmp_path: Path) -> Iterator[Pair]:
    """An apply, a saved plan and a commit were made with the first server."""
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    with running(box) as url, running(other) as other_url:
        team = Inside(folder, url)
        team.write("m", definition(MODEL, description="edited in git"))
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", "--message", "All")
        assert team.run("apply", "--auto-approve").err == ""
        team.write("m", definition(MODEL, description="edited again"))
        assert team.run("plan", "--out", "plan.json").err == ""
        yield Pair(team, other_url, other)


# -- refused -----------------------------------------------------------------------------------------------------------


def test_a_changed_server_gets_nothing(pair: Pair) -> None:
    """Of no command, not one byte: the message shows both, and how to accept it."""
    pair.names()
    for command in SENDING:
        result = pair.team.run(*command)
        said = flat(result.text)
        assert result.code == 1
        assert f"syncer.toml sends the credentials of 'prod' to {pair.url}; before it was {pair.before} (prod)" in said
        assert "answer `yes` on a terminal, or set SYNCER_API_URL" in said
    assert pair.other.requests == []
    assert pair.known == {"prod": pair.before}


@pytest.mark.parametrize("more", ['default_environment = "prod2"\n[environments.prod]\napi_url = "{before}"\n', ""])
def test_an_environment_that_a_commit_chose_is_asked_for(more: str, pair: Pair) -> None:
    """Renamed, or added and made the default; `--env` and SYNCER_ENV are the user's own word for it."""
    # With two environments in the settings no id stands at the top.
    pair.team.write("m", {key: value for key, value in definition(MODEL).items() if key != "id"})
    pair.names("prod2", more=more.replace("{before}", pair.before))
    for command in (("plan",), ("doctor",)):
        result = pair.team.run(*command)
        assert (result.code, f"'prod2' to {pair.url}; before it was {pair.before} (prod)" in flat(result.text)) == (
            1,
            True,
        )
    assert pair.other.requests == []

    assert pair.team.run("plan", "--env", "prod2").code == 0
    assert pair.known == {"prod": pair.before, "prod2": pair.url}
    assert pair.team.run("plan").code == 0
    pair.names("prod3")
    assert pair.team.run("plan").code == 0  # by another name it's a server that gets them anyway


def test_naming_the_environment_accepts_no_changed_server(pair: Pair) -> None:
    """Whoever says --env prod means the prod of before; and a server of another environment isn't prod's."""
    pair.names()
    pair.team.variables["SYNCER_ENV"] = "prod"
    assert pair.team.run("plan").code == 1
    assert pair.team.run("plan", "--env", "prod").code == 1
    assert pair.other.requests == []

    pair.names("staging")
    assert pair.team.run("plan", "--env", "staging").code == 0
    done = len(pair.other.requests)
    pair.names("prod")
    assert pair.team.run("plan").code == 1
    assert len(pair.other.requests) == done


def test_settings_elsewhere_in_the_repository_are_no_way_round(pair: Pair) -> None:
    """What is known is known of the repository, its worktrees included: a commit can move the settings anywhere."""
    _git(pair.team.folder, "worktree", "add", "--quiet", str(pair.team.folder.parent / "worktree"))
    pair.names()
    for place in (pair.team.folder / "models", pair.team.folder.parent / "worktree"):
        (place / "syncer.toml").write_text((pair.team.folder / "syncer.toml").read_text())
        result = pair.team.run("--chdir", str(place), "doctor")
        assert (result.code, f"before it was {pair.before}" in flat(result.text)) == (1, True)
    assert pair.other.requests == []


def test_a_memory_that_cannot_be_read_refuses(pair: Pair) -> None:
    """Taking it for empty would accept anything."""
    file = state_folder.repository_folder_of(pair.team.folder, os.environ).path / "servers.json"
    whole = file.read_text()
    for damage in ("", "{", "[]", '{"prod": 1}', "[" * 100_000, None):
        file.unlink()
        if damage is None:
            file.symlink_to(os.devnull)
        else:
            file.write_text(damage)
        result = pair.team.run("plan")
        assert (result.code, "nobody can tell which servers your credentials went to before" in result.err) == (1, True)
        assert "delete that file" in result.err
    file.unlink()
    assert pair.team.run("plan").code == 0
    assert file.read_text() == whole


# -- accepted ----------------------------------------------------------------------------------------------------------


def test_the_first_server_is_accepted_and_remembered(pair: Pair) -> None:
    """Without a question; when it's accepted, whether it answers or not."""
    folder = state_folder.repository_folder_of(pair.team.folder, os.environ)
    (folder.path / "servers.json").unlink()
    pair.names(url="http://127.0.0.1:9")
    assert pair.team.run("plan").code == 1

    assert pair.known == {"prod": "http://127.0.0.1:9"}


def test_a_variable_is_the_users_word_each_time(pair: Pair) -> None:
    """Nothing is asked, and nothing is remembered: what files say is compared with what files said."""
    pair.names()
    pair.team.variables["SYNCER_API_URL"] = pair.url
    assert pair.team.run("plan").code == 0
    assert pair.known == {"prod": pair.before}

    del pair.team.variables["SYNCER_API_URL"]
    assert pair.team.run("plan").code == 1


def test_the_sandbox_is_no_server(pair: Pair) -> None:
    """It gets no credentials."""
    assert pair.team.run("list", "--env", "sandbox").code == 0
    assert pair.known == {"prod": pair.before}


def test_without_credentials_nothing_is_asked(pair: Pair) -> None:
    """There is nothing to send."""
    pair.team.variables = {}
    pair.names()

    assert "no credentials: SYNCER_TOKEN is not set" in pair.team.run("plan").err


def test_init_remembers_what_was_typed(box: Sandbox, tmp_path: Path) -> None:
    """The server that a person names for new settings is the first; a commit's is the second."""
    folder = tmp_path / "new"
    folder.mkdir()
    with running(box) as url:
        team = Inside(folder)
        assert team.run("init", "--api-url", url, "--workspace-id", "1", "--env", "staging").code == 0
        assert state_folder.repository_folder_of(folder, os.environ).servers() == {"staging": url}
        (folder / "syncer.toml").write_text(
            '[environments.staging]\napi_url = "http://127.0.0.1:9"\nworkspace_id = 1\n'
        )
        assert f"before it was {url}" in flat(team.run("doctor").text)


# -- asked -------------------------------------------------------------------------------------------------------------


def _asked(pair: Pair, *command: str) -> pexpect.spawn[str]:
    child = pair.team.spawn(*command, NO_COLOR="1")
    child.expect_exact("  Enter a value: ")
    return child


def test_it_is_asked_for_on_a_terminal(pair: Pair) -> None:
    """Both servers stand in the question; only `yes` accepts, also beside --auto-approve; then it's remembered."""
    pair.names()
    for answer in ("y", "YES"):
        child = _asked(pair, "apply", "--auto-approve")
        shown = str(child.before).replace("\r\n", "\n")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 1
        assert "only `yes` accepts another server; nothing was sent" in str(child.before)
    assert shown == (
        '\nThe credentials of environment "prod" would go to another server than before.\n'
        f"  before  {pair.before} (prod)\n"
        f"  now     {pair.url} (prod, in syncer.toml)\n\n"
        "Do you want to send them there, now and from now on?\n"
        "  Only 'yes' will be accepted.\n\n"
    )
    assert (pair.other.requests, pair.known) == ([], {"prod": pair.before})

    child = _asked(pair, "doctor")
    child.sendline("yes")
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, pair.known) == (0, {"prod": pair.url})
    assert pair.team.run("plan").code == 0
    pair.names(url=pair.before)
    assert pair.team.run("plan").code == 1  # the way back is a change, too


def test_neither_ctrl_c_nor_the_end_of_input_is_yes(pair: Pair) -> None:
    """Nothing is sent."""
    pair.names()
    child = _asked(pair, "list")
    interrupt(child)
    child.close()
    assert child.exitstatus == 130
    child = _asked(pair, "list")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()

    assert (child.exitstatus, pair.other.requests) == (1, [])


def test_an_answer_that_cannot_be_kept_is_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent: the same question would come each time."""
    pair.names()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state_folder, "_write", full)
    monkeypatch.setattr("syncer.cli.shared.server_trust._ask", lambda *_: None)
    result = pair.team.run("plan")

    assert (result.code, "nothing can be kept in" in result.err, "No space left" in result.err) == (1, True, True)
    assert pair.other.requests == []


# -- laws --------------------------------------------------------------------------------------------------------------

NAMES, SERVERS = st.sampled_from(["prod", "staging", "x"]), st.sampled_from(["https://a", "https://b", "https://c"])


@given(st.lists(st.tuples(NAMES, SERVERS)))
def test_commits_alone_never_reach_a_second_server(commits: list[tuple[str, str]]) -> None:
    """Whatever environments and servers they bring, in whatever order."""
    known: dict[str, str] = {}
    reached = set()
    for environment, server in commits:
        if may_get_credentials(known, environment, server, is_named=False):
            known[environment] = server
            reached.add(server)

    assert reached == {server for _, server in commits[:1]}


@given(st.lists(st.tuples(NAMES, SERVERS, st.booleans())))
def test_no_environment_changes_its_server_without_a_question(runs: list[tuple[str, str, bool]]) -> None:
    """Also where the user names it; and what was accepted stays accepted."""
    known: dict[str, str] = {}
    for environment, server, is_named in runs:
        is_accepted = may_get_credentials(known, environment, server, is_named=is_named)
        assert is_accepted or known
        assert is_accepted == (known[environment] == server) if environment in known else is_accepted or not is_named
        if is_accepted:
            known[environment] = server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://API.squared.ai/api/v1", "https://api.squared.ai"),
        ("https://api.squared.ai:443/x/api/v1", "https://api.squared.ai"),
        ("http://api.squared.ai/api/v1", "http://api.squared.ai"),
        ("http://api.squared.ai:443/api/v1", "http://api.squared.ai:443"),
        ("https://[::1]:8443/api/v1", "https://[::1]:8443"),
        ("https://\u0430pi.squared.ai/api/v1", "https://\\u0430pi.squared.ai"),
        ("https://api.squared.ai./api/v1", "https://api.squared.ai."),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, server: str) -> None:
    """Nothing that is another server has the same; a letter that looks like another one shows."""
    assert config.server(url) == server


def test_two_that_remember_at_once_leave_a_whole_file(pair: Pair) -> None:
    """Each write is whole: whoever reads meanwhile finds the one or the other."""
    folder = state_folder.repository_folder_of(pair.team.folder, os.environ)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: folder.remember("prod", f"https://{number}"), range(64)))
        assert all(known.keys() == {"prod"} for known in pool.map(lambda _: folder.servers(), range(64)))
    assert [file.name for file in folder.path.iterdir() if file.name.startswith(".")] == []


def _uses(names: set[str]) -> Iterator[tuple[str, str]]:
    """Every call by one of these names in the product: which function of which file it stands in."""
    for file in sorted(Path(syncer.__file__).parent.rglob("*.py")):
        text = file.read_text("utf-8")
        for function in ast.walk(ast.parse(text)) if any(f"{name}(" in text for name in names) else ():
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
                    if called.rpartition(".")[2] in names:
                        yield f"{file.parent.name}/{file.name}", f"{function.name}: {called}"


def test_every_sender_of_credentials_is_known() -> None:
    """Who opens a session or takes credentials goes through the one check, or has a reason that stands here."""
    assert set(_uses({"Session", "credentials"})) == {
        # The one check, and the one way of every command to its server.
        ("shared/run.py", "credentials: config.credentials"),
        ("shared/server_trust.py", "credentials: run.credentials"),
        ("shared/connection.py", "connected: server_trust.credentials"),
        ("shared/connection.py", "connected: Session"),
        # `init`: a person names the server in that moment. `doctor`: it looks at the server without credentials, after
        # the check; and says of credentials which there are.
        ("shared/init_questions.py", "_known: config.credentials"),
        ("shared/network_checks.py", "_session: Session"),
        ("shared/doctor_checks.py", "_credentials: subject.credentials"),
        ("shared/doctor_checks.py", "token: self._subject.credentials"),
        # A code host's own session, with the host's token: the runner's variables name both.
        ("hosts/github.py", "__init__: Session"),
        ("hosts/gitlab.py", "__init__: Session"),
        # `doctor --ci`: the same, with a token that this desk's variables give; never to a guessed server.
        ("hosts/github_settings.py", "settings_of: Session"),
        ("hosts/gitlab_settings.py", "settings_of: Session"),
    }
