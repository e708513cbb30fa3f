"""`syncer init`: it asks only what it must, checks as it goes, writes what ships, and overwrites nothing unasked."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tomllib
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pipelines
import pytest
import yaml
from inside import Inside
from workflows import every_step, load
from world import Result, Team, flat, interrupt

from syncer import config
from syncer.cli.shared import init_questions, pipeline_files, pipeline_updates
from syncer.cli.shared.init_files import guess_host
from syncer.errors import SettingsError
from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncer.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
GITHUB = {f".github/workflows/{name}" for name in ("plan.yml", "plan-fork-comment.yml", "apply.yml", "drift.yml")}
ALWAYS = {
    ".idea/jsonSchemas.xml",
    "schemas/model.schema.json",
    "models/README.md",
    ".vscode/settings.json",
    ".gitignore",
}
"""What a folder without definitions gets, whatever else it asks for."""

PLAN, LAST = ".github/workflows/plan.yml", ".github/workflows/drift.yml"


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """A repository with settings, and without CI."""
    return Inside(tmp_path, "https://api.example.com")


def _files(folder: Path) -> set[str]:
    """Every file of a repository but its settings."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return {name for name in found if not name.startswith(".git/")} - {"syncer.toml"}


def test_github_gets_workflows(team: Team) -> None:
    """The templates, with what is known filled in, and again it changes nothing."""
    first = team.run("init", "--ci", "github")
    assert (first.code, first.err, _files(team.folder)) == (0, "", ALWAYS | GITHUB)
    assert all("pip install ." not in (team.folder / name).read_text() for name in GITHUB)
    assert first.out.count("Wrote .github/workflows/") == 4

    again = team.run("init", "--ci", "github")
    assert (again.code, again.out.count("Unchanged .github/workflows/")) == (0, 4)


def test_gitlab_gets_a_file_to_include(team: Team) -> None:
    """One of its own, so that an own .gitlab-ci.yml is left alone."""
    result = team.run("init", "--ci", "gitlab")

    assert (result.code, _files(team.folder)) == (0, ALWAYS | {".gitlab/syncer.yml"})
    assert "local: .gitlab/syncer.yml" in result.out
    jobs = pipelines.load(team.folder / ".gitlab" / "syncer.yml")
    assert jobs["syncer:apply"]["script"] == ["syncer ci apply plan.json"]


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_what_is_left_to_do_is_said(host: str, team: Team) -> None:
    """The lock, the variables, the secrets, the guarded environment, the protected branch; and the version is named."""
    said = team.run("init", "--ci", host).out

    for word in ("syncer.txt", "SYNCER_API_URL", "SYNCER_EMAIL", "Viewer", "`prod`", "Member", "rotect"):
        assert word in said
    assert "{" not in said


def test_what_differs_is_left_alone(team: Team) -> None:
    """What is missing is written, what differs is listed and kept as it is; --force overwrites it."""
    (team.folder / ".github" / "workflows").mkdir(parents=True)
    (team.folder / PLAN).write_text("mine\n")
    done = team.run("init", "--ci", "github")
    assert (done.code, done.err, _files(team.folder)) == (0, "", ALWAYS | GITHUB)
    assert f"Left alone: {PLAN}, which differs (--update keeps your edits, --force overwrites)\n" in done.out
    assert done.out.count("Wrote .github/workflows/") == 3
    assert "What is left to do:" in done.out
    assert (team.folder / PLAN).read_text() == "mine\n"
    assert all(pipeline_updates.is_as_written((team.folder / name).read_bytes()) for name in GITHUB - {PLAN})

    forced = team.run("init", "--ci", "github", "--force")
    assert (forced.code, forced.out.count("Wrote "), forced.out.count("Unchanged ")) == (0, 1, 3 + len(ALWAYS) - 1)
    assert pipeline_updates.is_as_written((team.folder / PLAN).read_bytes())


SETTINGS = "".join(
    f'[environments.{name}]\napi_url = "https://api.example.com"\nworkspace_id = {number}\n'
    for number, name in enumerate(("staging", "prod"), 1)
)


def test_ci_files_say_what_is_known(tmp_path: Path) -> None:
    """The default branch, each environment's own files, and a line for each secret that its definitions name."""
    team = Newcomer(tmp_path, variables={})
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "trunk", str(tmp_path)], check=True)
    (tmp_path / "syncer.toml").write_text(SETTINGS)
    (tmp_path / "models").mkdir()
    model, secret = tmp_path / "models" / "search.yaml", "SYNCER_SECRET_OPENAI"
    fields = (ROOT / "models" / "shop" / "product_search.yaml").read_text()
    assert secret in fields
    model.write_text(fields)

    done = team.run("init", "--ci", "github")
    assert (done.code, done.err) == (0, "")
    folder = tmp_path / ".github" / "workflows"
    names = [
        f"{stem}.{name}.yml" for stem in ("apply", "drift", "plan", "plan-fork-comment") for name in ("prod", "staging")
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    apply = load(folder / "apply.prod.yml")
    assert apply["on"]["push"] == {"branches": ["trunk"]}
    assert {*apply["on"]["workflow_dispatch"]["inputs"]} == {"allow", "max-change-percent", "on-drift"}
    assert apply["concurrency"]["group"] == "syncer-apply-${{ inputs.environment || 'prod' }}"
    assert apply["jobs"]["apply"]["environment"] == "${{ inputs.environment || 'prod' }}"
    given = [step["env"][secret] for _, step in every_step(apply) if secret in step.get("env", {})]
    assert given == [f"${{{{ secrets.{secret}_PROD }}}}"] * 2
    assert f"{secret}_PROD" in apply["on"]["workflow_call"]["secrets"]
    assert load(folder / "plan.staging.yml")["jobs"]["plan"]["name"] == "syncer plan (staging)"
    assert load(folder / "plan-fork-comment.prod.yml")["on"]["workflow_run"]["workflows"] == ["Plan (prod)"]
    assert "checks `syncer plan (staging)` and `syncer plan (prod)`" in done.out
    assert f"{secret}_PROD, {secret}_STAGING" in done.out

    assert team.run("init", "--ci", "gitlab").code == 0
    jobs = pipelines.jobs(pipelines.load(tmp_path / ".gitlab" / "syncer.prod.yml"))
    assert jobs["syncer.prod:apply"]["resource_group"] == "syncer-apply-prod"
    assert jobs["syncer.prod:apply"]["environment"] == {"name": "prod"}
    assert f'export {secret}="${secret}_PROD"' in jobs["syncer.prod:apply"]["before_script"]
    assert "export SYNCER_ENV=prod" in jobs["syncer.prod:plan"]["before_script"]


def test_ci_files_are_kept_up_to_date(tmp_path: Path) -> None:
    """`--update` writes anew what nobody edited, and adds the missing lines of secrets to the rest; doctor names them.

    What somebody wrote stays, also where no place for the lines is found.
    """
    team = Newcomer(tmp_path, variables={})
    (tmp_path / "syncer.toml").write_text(SETTINGS.partition("[environments.prod]")[0])
    (tmp_path / ".git").mkdir()
    assert team.run("init", "--ci", "github").code == 0
    plan, drift, apply = (tmp_path / ".github" / "workflows" / f"{one}.yml" for one in ("plan", "drift", "apply"))
    plan.write_bytes((plan.read_bytes() + b"# ours\n").replace(b"\n", b"\r\n"))
    drift.write_text("# all ours\n")
    fields = (ROOT / "models" / "shop" / "product_search.yaml").read_text()
    (tmp_path / "models" / "search.yaml").write_text(fields)
    told = flat(team.run("doctor").out)
    for name in ("plan.yml", "apply.yml", "drift.yml"):
        assert f".github/workflows/{name} has no line for SYNCER_SECRET_OPENAI" in told
    assert "`syncer init --ci github --update` adds the lines" in told

    done = team.run("init", "--update")
    assert (done.code, done.err) == (0, "")
    assert "Updated .github/workflows/apply.yml\n" in done.out
    assert "Added SYNCER_SECRET_OPENAI to .github/workflows/plan.yml, and kept its edits\n" in done.out
    assert "Left alone: .github/workflows/drift.yml, which was edited (SYNCER_SECRET_OPENAI has no line" in done.out
    assert drift.read_text() == "# all ours\n"
    assert plan.read_text().endswith("# ours\n")
    assert plan.read_bytes().count(b"\n") == plan.read_bytes().count(b"\r\n")
    line = "          SYNCER_SECRET_OPENAI: ${{ secrets.SYNCER_SECRET_OPENAI }}\n"
    assert (plan.read_text().count(line), apply.read_text().count(line)) == (1, 2)
    assert "# SYNCER_SECRET_OPENAI" not in plan.read_text()

    again = team.run("init", "--update", "--ci", "github")
    assert "Left alone: .github/workflows/plan.yml, which was edited (it has every secret's line" in again.out
    assert "Unchanged .github/workflows/apply.yml\n" in again.out
    told = flat(team.run("doctor").out)
    assert "drift.yml has no line" in told
    assert "plan.yml has no line" not in told

    # With a second environment each has files of its own, and those of one would run beside them.
    (tmp_path / "syncer.toml").write_text(SETTINGS)
    said = flat(team.run("init", "--update").out)
    assert (
        "1. Remove .github/workflows/apply.yml, .github/workflows/plan-fork-comment.yml, .github/workflows/plan.yml: "
        in said
    )
    assert plan.exists()


def test_a_secret_that_is_given_elsewhere_is_not_missing() -> None:
    """To a whole job, say, or without the comment above it: no line of ours comes before somebody's own."""
    mark, a, b = (
        f"          {line}\n".encode()
        for line in (
            pipeline_files.MARKER,
            "SYNCER_SECRET_A: ${{ secrets.SYNCER_SECRET_A }}",
            "SYNCER_SECRET_B: ${{ secrets.SYNCER_SECRET_B }}",
        )
    )
    own = b"    env:\n      SYNCER_SECRET_A: ${{ secrets.OURS }}\n"
    assert pipeline_updates.missing_secrets(mark + a + b, own + mark) == ["SYNCER_SECRET_B"]
    assert pipeline_updates.with_secrets(mark + a + b, own + mark) == own + mark + b
    assert pipeline_updates.missing_secrets(mark + a + b, own) == ["SYNCER_SECRET_B"]
    assert pipeline_updates.missing_secrets(mark + a, own.replace(b"SYNCER", b"# SYNCER")) == ["SYNCER_SECRET_A"]
    # One line for two jobs: one of them has none.
    assert pipeline_updates.missing_secrets((mark + a) * 2, own + mark * 2) == ["SYNCER_SECRET_A"]
    assert pipeline_updates.missing_secrets((mark + a) * 2, own + mark * 2 + a) == []
    assert pipeline_updates.missing_secrets((mark + a) * 2, mark + a) == []


def test_what_cannot_stand_in_a_pipeline_gets_none(tmp_path: Path) -> None:
    """Environments whose variables would be one another's, and names that mean something else."""
    for names, why in ((("a-b", "a-B"), "would share variables"), (("it's", "x"), "can't stand in a pipeline's files")):
        with pytest.raises(SettingsError, match=why):
            pipeline_files.files("github", pipeline_files.Facts(environments=names))
    odd = pipeline_files.files("github", pipeline_files.Facts(branch="1+x"))[".github/workflows/apply.yml"]
    (tmp_path / "apply.yml").write_bytes(odd)
    assert load(tmp_path / "apply.yml")["on"]["push"]["branches"] == ["1\\+x"]


def _workflows_elsewhere(folder: Path, outside: Path) -> None:
    (folder / ".github").symlink_to(outside)


def _file_elsewhere(folder: Path, outside: Path) -> None:
    (folder / PLAN).parent.mkdir(parents=True)
    (folder / PLAN).symlink_to(outside / "plan.yml")


def _last_file_elsewhere(folder: Path, outside: Path) -> None:
    (folder / LAST).parent.mkdir(parents=True)
    (folder / LAST).symlink_to(outside / "drift.yml")


@pytest.mark.parametrize("flags", [(), ("--force",)])
@pytest.mark.parametrize("lead_out", [_workflows_elsewhere, _file_elsewhere, _last_file_elsewhere])
def test_nothing_is_written_through_a_link(
    lead_out: Callable[[Path, Path], None], flags: tuple[str, ...], tmp_path: Path
) -> None:
    """Whoever made the repository doesn't choose which files of this machine are written; nor is any other one."""
    (outside := tmp_path / "outside").mkdir()
    (inside := tmp_path / "inside").mkdir()
    team = Inside(inside, "https://api.example.com")
    lead_out(inside, outside)
    before = _files(inside)
    result = team.run("init", "--ci", "github", *flags)

    assert (result.code, result.out, _files(inside)) == (1, "", before)
    assert "is a symbolic link" in result.err
    assert list(outside.iterdir()) == []


def test_what_is_in_the_way_is_said(team: Team) -> None:
    """A folder where a file belongs, a file where a folder belongs: an error, and no file."""
    (team.folder / PLAN).mkdir(parents=True)
    result = team.run("init", "--ci", "github", "--force")
    assert (result.code, _files(team.folder)) == (1, set())
    assert f"{PLAN} can't be read: Is a directory" in result.err

    (team.folder / ".gitlab").write_text("")
    result = team.run("init", "--ci", "gitlab")
    assert result.code == 1
    assert ".gitlab/syncer.yml can't be read: Not a directory" in result.err


def test_projects_of_one_repository_share_nothing(tmp_path: Path) -> None:
    """Files go to the top, where hosts look; names, groups, checks, variables and secrets are each folder's own."""
    team, folders = Inside(tmp_path), ("analytics", "a-b", "a/b")
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "syncer.toml").touch()
    for host, many in (("github", 4), ("gitlab", 1)):
        for words in ([], *(["--chdir", folder] for folder in folders)):
            done = team.run(*words, "init", "--ci", host)
            assert (done.code, done.err) == (0, "")
            written = re.findall(r"Wrote (\S+/(?:workflows/|syncer)\S+)", done.out)
            assert len(written) == many
    workflows = sorted((tmp_path / ".github" / "workflows").iterdir())
    assert len(workflows) == 4 * 4
    own: dict[str, set[str]] = {}
    for path in workflows:
        text, loaded = path.read_text("utf-8"), load(path)
        found = re.findall(r"(?:vars|secrets)\.(?!SYNCER_SECRET_)\w+", text)
        found += [loaded["name"], loaded["concurrency"]["group"].partition("$")[0]]
        found += [job["name"] for job in loaded["jobs"].values() if job["name"].startswith("syncer ")]
        called = (loaded["on"].get("workflow_call") or {}).get("secrets", {})
        assert {f"secrets.{name}" for name in called} <= {*found}, path.name
        commands = [step["run"] for _, step in every_step(loaded) if "syncer ci" in step.get("run", "")]
        folder = next((job["env"]["FOLDER"] for job in loaded["jobs"].values() if "FOLDER" in job["env"]), "")
        assert (not folder) == bool(commands), path.name
        own.setdefault(folder, set()).update(found)
    assert own.keys() == {"", *folders}
    for one, two in combinations(own.values(), 2):
        assert not one & two
    follows = [load(path)["on"]["workflow_run"]["workflows"] for path in workflows if "fork" in path.name]
    assert sorted(name for (name,) in follows) == sorted({"Plan", *(f"Plan {folder}" for folder in folders)})
    assert "check `syncer plan a/b`" in team.run("--chdir", "a/b", "init", "--ci", "github").out

    found_jobs: list[str] = []
    for path in (tmp_path / ".gitlab").iterdir():
        pipeline = pipelines.load(path)
        found_jobs += [*pipeline, *{job["resource_group"] for job in pipeline.values() if "resource_group" in job}]
    assert len(found_jobs) == len({*found_jobs}) == 4 * 7


def test_a_folder_whose_name_means_something_else_gets_no_pipeline(tmp_path: Path) -> None:
    """Such as an expression, or a second command."""
    for folder in ("${{ github.token }}", "a; b", "-x", "a\n  b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "syncer.toml").touch()
        done = Inside(tmp_path).run(f"--chdir={folder}", "init", "--ci", "github")
        assert (done.code, "can't stand in a pipeline's files" in done.err) == (1, True), done.text
    assert not (tmp_path / ".github").exists()


# -- from an empty folder ------------------------------------------------------------------------------------------


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """An empty folder, as a new user has it."""
    (folder := tmp_path / "new").mkdir()
    return folder


@pytest.fixture
def url(box: Sandbox) -> Iterator[str]:
    """A server with two workspaces and an empty one for its users."""
    with running(box) as url:
        yield url


class Newcomer(Inside):
    """Somebody in a folder of their own: nothing is written before `syncer init`."""

    def __post_init__(self) -> None:
        """No settings, no `.git`, no models."""

    def talk(self, *turns: tuple[str, str], flags: tuple[str, ...] = (), **variables: str) -> Result:
        """Answer questions on a terminal, each by a word of it; what stood there."""
        child = self.spawn("init", *flags, NO_COLOR="1", **variables)
        seen = ""
        for question, answer in turns:
            for expected in (question, ": "):
                child.expect_exact(expected)
                seen += f"{child.before}{child.after}"
            if answer == "^C":
                interrupt(child)
            elif answer == "^D":
                child.sendeof()
            else:
                child.sendline(answer)
        if child.after is not pexpect.EOF:
            child.expect(pexpect.EOF)
        child.close()
        return Result(child.exitstatus or 0, (seen + str(child.before)).replace("\r\n", "\n"), "")


def test_flags_are_enough(new: Path, url: str) -> None:
    """Without a terminal everything comes from flags and variables; it's checked, written, and examined next."""
    someone = Newcomer(new)
    result = someone.run("init", "--api-url", f"{url}/api/v1/", "--workspace-id", "2", "--env", "staging")

    assert (result.code, result.err, _files(new)) == (0, "", ALWAYS)
    settings = tomllib.loads((new / "syncer.toml").read_text())
    assert settings == {"environments": {"staging": {"api_url": url, "workspace_id": 2}}}
    assert re.findall(r"^✓ (\w+)", result.out, re.MULTILINE) == [
        *("DNS", "connection", "TLS", "host", "token", "workspace")
    ]
    assert "✓ workspace    2 (workspace-b)\n" in result.out
    assert "1. `syncer doctor --env staging` looks" in result.out
    examined = someone.run("doctor")
    assert (examined.code, "live models of staging can be imported" in examined.out) == (0, True)

    again = someone.run("init")
    assert (again.code, again.out.count("Unchanged "), "Wrote" in again.out) == (0, 4, False)
    assert again.out.startswith("Settings: syncer.toml\n")


def test_variables_are_answers(new: Path, url: str) -> None:
    """Those that every other command reads: a token of this environment comes before one of any."""
    variables = {"SYNCER_API_URL": url, "SYNCER_WORKSPACE_ID": "1", "SYNCER_TOKEN": "of-another", "SYNCER_ENV": "eu"}
    variables["SYNCER_TOKEN_EU"] = "admin"
    assert Newcomer(new, variables=variables).run("init").code == 0

    assert tomllib.loads((new / "syncer.toml").read_text())["environments"] == {
        "eu": {"api_url": url, "workspace_id": 1}
    }


def test_the_new_folder_is_one_import_from_a_green_plan(new: Path, url: str) -> None:
    """What a new folder holds is no definition that a plan stumbles over: it says that there is none."""
    someone = Newcomer(new)
    someone.run("init", "--api-url", url, "--workspace-id", "1")
    result = someone.run("plan")

    assert result.code == 1
    assert "[no-files]" in result.err


def test_the_example_is_a_good_one(new: Path, url: str) -> None:
    """What the README of the models folder shows validates as it stands, and finds its schema."""
    someone = Newcomer(new)
    someone.run("init", "--api-url", url, "--workspace-id", "1")
    (example,) = re.findall(r"```yaml\n(.*?)```", (new / "models" / "README.md").read_text(), re.DOTALL)
    (new / "models" / "active.yaml").write_text(example)

    assert someone.run("validate", "--strict").out == "1 definition checked: no problems.\n"
    schema = re.search(r"\$schema=(\S+)", example)
    assert schema
    assert (new / "models" / schema[1]).read_bytes() == (ROOT / "schemas" / "model.schema.json").read_bytes()


def test_the_sandbox_needs_no_answers(new: Path) -> None:
    """To try it: the shipped examples, and a plan at once, without settings, server or token."""
    someone = Newcomer(new, variables={})
    result = someone.run("init", "--env", "sandbox")

    assert (result.code, (new / "syncer.toml").exists()) == (0, False)
    examples = {path.relative_to(ROOT).as_posix() for path in (ROOT / "models").rglob("*") if path.is_file()}
    assert _files(new) == (ALWAYS | examples) - {"models/README.md"}
    plan = someone.run("plan", "--env", "sandbox")
    assert (plan.code, plan.err) == (0, "")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ((), "no terminal to ask on"),
        (("--api-url", "https://api.example.com"), "no terminal to ask on"),
        (("--env", "prod", "--ci", "github"), "no terminal to ask on"),
        (("--env", "a b", "--api-url", "https://x", "--workspace-id", "1"), "can't be named 'a b'"),
        (("--api-url", "api.example.com", "--workspace-id", "1"), "is not a usable address"),
        (("--env", "sandbox", "--workspace-id", "1"), "the sandbox has neither"),
    ],
)
def test_what_is_missing_or_wrong_is_an_error(flags: tuple[str, ...], says: str, new: Path) -> None:
    """It names the flags, and nothing is written."""
    result = Newcomer(new).run("init", *flags)

    assert (result.code, result.out, list(new.iterdir())) == (1, "", [])
    assert says in flat(result.err)


def _closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize(
    ("path", "variables", "layer", "says"),
    [
        ("closed", {}, "connection", "refuses connections"),
        ("/elsewhere", {}, "host", "there is no such API"),
        ("", {"SYNCER_TOKEN": "canary-token"}, "token", "was refused (401)"),
        ("", {"SYNCER_EMAIL": "ci@example.com", "SYNCER_PASSWORD": "canary"}, "token", "five lock"),
        ("", {"SYNCER_TOKEN": "admin"}, "workspace", "there is 1 (workspace-a), 2 (workspace-b), 4"),
    ],
)
def test_the_layer_that_fails_is_named_and_nothing_is_written(
    path: str, variables: dict[str, str], layer: str, says: str, new: Path, box: Sandbox
) -> None:
    """Address, credentials and workspace are checked before the first file; one login is all that is tried."""
    someone = Newcomer(new, variables=variables)
    with running(box) as url:
        address = _closed_port() if path == "closed" else url + path
        result = someone.run("init", "--api-url", address, "--workspace-id", "3", "--debug")

    assert (result.code, list(new.iterdir())) == (1, [])
    assert re.findall(r"^✗ (\w+)", result.out, re.MULTILINE) == [layer]
    assert says in " ".join(result.out.split())
    assert "nothing was written" in result.err
    assert "canary" not in result.text
    assert box.by_method["POST"] == ("SYNCER_EMAIL" in variables)


def test_half_of_the_credentials_is_an_error(new: Path, url: str) -> None:
    """Nobody is asked for the other half where nobody sits."""
    result = Newcomer(new, variables={"SYNCER_EMAIL": "a@example.com"}).run(
        "init", "--api-url", url, "--workspace-id", "1"
    )

    assert (result.code, "SYNCER_PASSWORD is not set" in result.err, list(new.iterdir())) == (1, True, [])


def test_a_token_of_two_environments_is_sent_to_neither(new: Path, url: str, box: Sandbox) -> None:
    """The variable of `eu-1` would be that of `eu_1`, whose token another server must not get."""
    (new / "syncer.toml").write_text('[environments.eu_1]\napi_url = "https://eu.example.com"\nworkspace_id = 1\n')
    someone = Newcomer(new, variables={"SYNCER_TOKEN_EU_1": "admin"})
    result = someone.run("init", "--api-url", url, "--workspace-id", "1", "--env", "eu-1")

    assert (result.code, "SYNCER_TOKEN_EU_1 would be for eu-1 and for eu_1" in flat(result.err)) == (1, True)
    assert box.requests == [("GET", "/api/v1/models?page=1&per_page=1")]


def test_offline_it_asks_nobody(new: Path, url: str, box: Sandbox) -> None:
    """--no-check believes what it's told; without credentials only the address is looked at."""
    said = Newcomer(new).run("init", "--api-url", url, "--workspace-id", "77", "--no-check")
    assert (said.code, box.requests) == (0, [])
    (new / "syncer.toml").unlink()
    assert Newcomer(new, variables={}).run("init", "--api-url", url, "--workspace-id", "77").code == 0
    assert box.requests == [("GET", "/api/v1/models?page=1&per_page=1")]


def test_ci_alone_needs_no_settings(new: Path) -> None:
    """As in a pipeline: no terminal, no network, no settings; what is left says that they're missing."""
    result = Newcomer(new, variables={}).run("init", "--ci", "github")

    assert (result.code, _files(new), (new / "syncer.toml").exists()) == (0, ALWAYS | GITHUB, False)
    assert "1. Say where the workspace is: `syncer init --api-url URL --workspace-id N`." in result.out


# -- what is there already -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags", [("--api-url", "https://other.example.com"), ("--workspace-id", "9"), ("--env", "stagin")]
)
def test_settings_are_never_changed(flags: tuple[str, ...], team: Team) -> None:
    """Flags that say otherwise are refused, not obeyed by halves; --force doesn't change that."""
    before = (team.folder / "syncer.toml").read_bytes()
    result = team.run("init", *flags, "--force")

    assert (result.code, result.out, _files(team.folder)) == (1, "", set())
    assert "syncer.toml is there already" in result.err
    assert (team.folder / "syncer.toml").read_bytes() == before
    same = ("--api-url", "https://api.example.com/", "--workspace-id", "1", "--env", "prod")
    assert team.run("init", *same).code == 0


def test_a_folder_below_settings_may_become_a_project(team: Team) -> None:
    """Where the flags say another workspace, whole; with less they are about the settings above, and say otherwise."""
    (below := team.folder / "below").mkdir()
    other = ("--api-url", "https://api.example.com", "--workspace-id", "9", "--no-check")
    assert team.run("--chdir", "below", "init", *other[2:]).code == 1
    assert team.run("--chdir", "below", "init", *other).code == 0
    assert "workspace_id = 9" in (below / "syncer.toml").read_text()
    assert "workspace_id = 9" not in (team.folder / "syncer.toml").read_text()


def test_settings_in_pyproject_are_settings(new: Path) -> None:
    """It says which it uses, and writes no second ones."""
    (new / "pyproject.toml").write_text('[tool.syncer.environments.prod]\napi_url = "https://x.example"\n')
    (below := new / "below").mkdir()
    result = Newcomer(below).run("init")

    assert (result.code, result.out.splitlines()[0]) == (0, "Settings: pyproject.toml")
    assert _files(new) == ALWAYS | {"pyproject.toml"}


def test_git_ignores_more_and_nothing_less(team: Team) -> None:
    """Lines are put behind those that are there, once."""
    (team.folder / ".gitignore").write_text("*.log")
    assert "Added .env to .gitignore\n" in team.run("init").out
    assert (team.folder / ".gitignore").read_text() == "*.log\n.env\n"
    (team.folder / ".gitignore").write_text("/.env\n*.log")
    assert "Unchanged .gitignore\n" in team.run("init").out


def test_editor_settings_are_somebodys_own(team: Team) -> None:
    """Not even --force overwrites them: what to add is printed, and taken for there when it's there."""
    (team.folder / ".vscode").mkdir()
    (file := team.folder / ".vscode" / "settings.json").write_text('{\n  // mine\n  "editor.rulers": [120]\n}\n')
    said = team.run("init", "--force").out
    (snippet,) = re.findall(r"for the editor's help add (.*)\)$", said, re.MULTILINE)
    assert json.loads(f"{{{snippet}}}") == {"yaml.schemas": {"schemas/model.schema.json": "models/**/*.yaml"}}
    assert "// mine" in file.read_text()
    file.write_text(f"{{\n  // mine\n  {snippet}\n}}\n")
    assert "Unchanged .vscode/settings.json\n" in team.run("init").out


def test_an_old_schema_is_said_and_overwritten_by_force(team: Team) -> None:
    """A newer syncer ships a newer one."""
    (team.folder / "schemas").mkdir()
    (file := team.folder / "schemas" / "model.schema.json").write_text("{}\n")
    assert "Left alone: schemas/model.schema.json, which differs (--force overwrites)" in team.run("init").out
    assert "Wrote schemas/model.schema.json" in team.run("init", "--force").out
    assert file.read_bytes() == (ROOT / "schemas" / "model.schema.json").read_bytes()


def test_a_folder_with_definitions_gets_no_examples(team: Team) -> None:
    """Nor is anything left to do."""
    team.write("m", "name: Ours\n")
    result = team.run("init")

    assert _files(team.folder) == (ALWAYS - {"models/README.md"}) | {"models/m.yaml"}
    assert result.out.endswith("\nNothing is left to do.\n")


# -- on a terminal -------------------------------------------------------------------------------------------------

ADMIN = (("E-mail", "ci@example.com"), ("Password", "Passw0rd!"))


def test_the_whole_conversation(new: Path, url: str, box: Sandbox) -> None:
    """Address, user, workspace, name, CI: each checked, the password neither shown nor kept, one login."""
    result = Newcomer(new, variables={}).talk(
        ("Address of the API", "nonsense"),
        ("Address of the API", f"{url}/elsewhere"),
        ("Address of the API", url),
        *ADMIN,
        ("Workspace, its number", "3"),
        ("Workspace, its number", "2"),
        ("Name of this environment", "sandbox"),
        ("Name of this environment", ""),
        ("CI files", "gitlab"),
    )

    assert (result.code, _files(new)) == (0, ALWAYS | {".gitlab/syncer.yml"})
    written = tomllib.loads((new / "syncer.toml").read_text())
    assert written == {"environments": {"prod": {"api_url": url, "workspace_id": 2}}}
    assert "  1  workspace-a\n  2  workspace-b\n  4  workspace-empty\n" in result.out
    assert "✗ host" in result.out
    assert box.requests.count(("POST", "/api/v1/login")) == 1
    assert "Passw0rd!" not in result.out + "".join(p.read_text() for p in new.rglob("*") if p.is_file())
    assert "example-api-key" not in result.out
    assert "1. Set SYNCER_EMAIL and SYNCER_PASSWORD" in result.out


def test_every_refusal_says_why(new: Path, url: str, box: Sandbox) -> None:
    """A wrong answer at every prompt: each is told why and asked for again, and none before it is lost.

    An empty password is asked for again where nothing is shown, and a refused login asks for both once more. A page's
    address is tried at its root, and a workspace is chosen by its name.
    """
    bare = url.removeprefix("http://")
    result = Newcomer(new, variables={}).talk(
        ("Address of the API", bare),
        ("Address of the API", f"{url}/models/3?x"),
        ("E-mail", "nobody"),
        ("E-mail", "ci@example.com"),
        ("Password", ""),
        ("Password", "wrong-canary"),
        ("E-mail", ""),
        ("Password", ""),
        ("Password", "Passw0rd!"),
        ("Workspace", "9"),
        ("Workspace", "workspace-c"),
        ("Workspace", "WORKSPACE-B"),
        ("Name of this environment", "a b"),
        ("Name of this environment", "sandbox"),
        ("Name of this environment", "eu"),
        ("CI files", "jenkins"),
        ("CI files", "GitHub"),
    )

    assert result.code == 0
    assert tomllib.loads((new / "syncer.toml").read_text())["environments"] == {
        "eu": {"api_url": url, "workspace_id": 2}
    }
    assert (new / PLAN).exists()
    for why in (
        f"http:// is missing in front\n{' ' * 15}write http:// in front of it\n",
        f"so its root is tried: {url}\n",
        "'nobody' isn't taken: an e-mail address has one @, and no blank.\n",
        "An empty password isn't taken: a login needs one.\n",
        "check e-mail and password; five failed logins lock the account",
        "'9' isn't taken: the list has no such number and no such name.\n",
        "'a b' isn't taken: a name has letters, digits, - and _, and begins with neither of those.\n",
        "'sandbox' isn't taken: `sandbox` is the embedded server's name: choose another one.\n",
        "'jenkins' isn't taken: the choices are github, gitlab, none.\n",
    ):
        assert why in result.out
    assert result.out.count("(neither shown nor kept): ") == 4
    assert "[ci@example.com]: " in result.out
    said, _, _ = result.out.partition("What is left to do:")
    assert not re.search(r"SYNCER_|api_url|canary|Passw0rd", said)
    assert box.requests.count(("POST", "/api/v1/login")) == 2


def test_without_a_password_no_other_question_follows(new: Path, url: str) -> None:
    """It ends there, and says how to go on with what was answered; so it does where a terminal can't hide one."""
    asked = [("Address of the API", url), ("E-mail", "ci@example.com")]
    result = Newcomer(new, variables={}).talk(*asked, *[("Password", "")] * 3)

    assert (result.code, list(new.iterdir())) == (1, [])
    said = flat(result.out)
    assert "no password was typed, so nothing was written" in said
    assert f"go on with your answers: `syncer init --api-url {url}`" in said

    code = "import io, sys; sys.stdin = io.StringIO('canary')\n"
    code += "from syncer.cli.shared.init_questions import typed_password; typed_password('ci@example.com')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True, check=False
    )
    assert "this terminal can't hide a password, so none was asked for" in done.stderr
    assert "Password of" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("address", "root"),
    [
        ("https://app.example.com/models/3?x", "https://app.example.com"),
        ("https://app.example.com:8443/#/syncs", "https://app.example.com:8443"),
        ("https://app.example.com/sign-in", "https://app.example.com"),
        ("https://api.example.com/api/v1/", ""),
        ("https://example.com/squared/api/v1", ""),
        ("https://me:canary@app.example.com/models/3", ""),
        ("app.example.com/models/3", ""),
    ],
)
def test_a_page_of_the_ui_is_told_from_an_api(address: str, root: str) -> None:
    """A query, a fragment, a path of several words or a known page; a proxy may serve the API below one word."""
    assert config.root_of_page(address) == root


def test_two_workspaces_of_one_name_are_chosen_by_number() -> None:
    """A name in the list's own spelling comes before one in another case."""
    known = {1: "Main", 2: "main", 7: "Main"}
    assert init_questions.why_no_choice("Main", known) == "2 workspaces have that name: answer with the number"
    assert [init_questions.why_no_choice(answer, known) for answer in ("main", "7")] == ["", ""]
    assert init_questions._chosen("main", known) == 2


def test_the_only_workspace_is_taken(new: Path, url: str) -> None:
    """And that is said; what a variable says isn't asked."""
    answers = (("Address of the API", url), ("Name of this environment", "eu"), ("CI files", ""))
    result = Newcomer(new, variables={"SYNCER_TOKEN": "foreign"}).talk(*answers)

    assert result.code == 0
    assert "3 (foreign), the only one of this user" in " ".join(result.out.split())
    assert tomllib.loads((new / "syncer.toml").read_text())["environments"]["eu"]["workspace_id"] == 3


def test_without_a_user_it_is_typed(new: Path, url: str) -> None:
    """An empty e-mail skips what needs one."""
    answers = [("Address", url), ("E-mail", ""), ("Id of the workspace", "x"), ("Id of the workspace", "5")]
    result = Newcomer(new, variables={}).talk(*answers, ("Name", ""), ("CI files", ""))

    assert result.code == 0
    assert tomllib.loads((new / "syncer.toml").read_text())["environments"]["prod"]["workspace_id"] == 5


def test_a_terminal_can_choose_the_sandbox(new: Path) -> None:
    """In place of an address."""
    result = Newcomer(new, variables={}).talk(("Address of the API", "sandbox"), ("CI files", ""))

    assert (result.code, (new / "syncer.toml").exists(), (new / "models" / "marketing").is_dir()) == (0, False, True)


def test_it_gives_up_after_a_few_tries(new: Path) -> None:
    """With what to do then; nothing was written."""
    result = Newcomer(new, variables={}).talk(*[("Address of the API", _closed_port())] * 3)

    assert (result.code, list(new.iterdir())) == (1, [])
    assert result.out.count("✗ connection") == 3
    assert "--no-check" in result.out


@pytest.mark.parametrize(("key", "code"), [("^C", 130), ("^D", 1)])
@pytest.mark.parametrize("question", [0, 1, 2, 3, 4, 5])
def test_leaving_at_any_question_writes_nothing(question: int, key: str, code: int, new: Path, url: str) -> None:
    """Ctrl-C and the end of the input; no traceback."""
    turns = [("Address of the API", url), *ADMIN, ("Workspace, its number", "1"), ("Name", ""), ("CI files", "")]
    result = Newcomer(new, variables={}).talk(*turns[:question], (turns[question][0], key))

    assert (result.code, list(new.iterdir())) == (code, [])
    assert "Traceback" not in result.out
    assert ("Interrupted: nothing more was done." in result.out) is (key == "^C")


def _remote(address: str) -> Callable[[Path], Any]:
    def add(folder: Path) -> None:
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
        subprocess.run(["git", "-C", str(folder), "remote", "add", "origin", address], check=True)

    return add


@pytest.mark.parametrize(
    ("make", "guess"),
    [
        (lambda _: None, ""),
        (lambda folder: (folder / ".github").mkdir(), "github"),
        (lambda folder: (folder / ".gitlab-ci.yml").touch(), "gitlab"),
        (_remote("git@github.com:acme/models.git"), "github"),
        (_remote("https://gitlab.example.com/acme/github-mirror.git"), "gitlab"),
        (_remote("https://git.example.com/acme/models.git"), ""),
    ],
)
def test_the_host_is_guessed(make: Callable[[Path], Any], guess: str, new: Path) -> None:
    """By what stands there, else by the remote."""
    make(new)

    assert guess_host(new) == guess


def test_hooks_run_for_a_new_project(new: Path, url: str) -> None:
    """Each hook for pre-commit is a command that passes on what `init` writes and its own example."""
    someone = Newcomer(new)
    someone.run("init", "--api-url", url, "--workspace-id", "1")
    (example,) = re.findall(r"```yaml\n(.*?)```", (new / "models" / "README.md").read_text(), re.DOTALL)
    (new / "models" / "active.yaml").write_text(example)
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {hook["language"] for hook in hooks} == {"python"}
    for hook in hooks:
        program, *words = hook["entry"].split()
        assert (program, bool(re.search(hook["files"], "models/active.yaml"))) == ("syncer", True)
        done = someone.run(*words, *hook.get("args", []))
        assert done.code == 0, (hook["id"], done.text)
