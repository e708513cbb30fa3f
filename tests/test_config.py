"""Settings: what beats what, and what is said of each mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from syncer import config
from syncer.errors import InputError, SettingsError
from syncer.model import SANDBOX, Secret

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
models = "definitions"
default_environment = "staging"
requests_per_minute = 50

[environments.staging]
api_url = "https://staging.example.com"
workspace_id = 1
parallelism = 2

[environments.prod]
api_url = "https://api.squared.ai/api/v1/"
workspace_id = 2
"""


def _settings(folder: Path, text: str = SETTINGS, name: str = "syncer.toml") -> config.Settings:
    (folder / name).write_text(text)
    return config.load(folder)


def test_settings_are_read(tmp_path: Path) -> None:
    """Numbers at the top hold for every environment that doesn't say otherwise."""
    settings = _settings(tmp_path)

    assert (settings.root, settings.models, settings.default_environment) == (tmp_path, "definitions", "staging")
    staging, prod = settings.environments["staging"], settings.environments["prod"]
    assert (staging.numbers.requests_per_minute, staging.numbers.parallelism) == (50, 2)
    assert (prod.numbers.requests_per_minute, prod.numbers.parallelism) == (50, 4)


def test_pyproject_has_the_same_settings(tmp_path: Path) -> None:
    """Under `tool.syncer`; a pyproject.toml without them is passed over."""
    table = SETTINGS.replace("[environments", "[tool.syncer.environments").replace(
        "\nmodels", "\n[tool.syncer]\nmodels"
    )
    assert _settings(tmp_path, table, "pyproject.toml").environments.keys() == {"staging", "prod"}

    other = tmp_path / "sub"
    other.mkdir()
    (other / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert config.load(other).root == tmp_path


def test_settings_are_not_looked_for_above_the_repository(tmp_path: Path) -> None:
    """A folder with .git is where a repo ends; without settings the folder itself is the root."""
    (tmp_path / "syncer.toml").write_text(SETTINGS)
    repo = tmp_path / "repo"
    (repo / ".git").mkdir(parents=True)

    assert config.load(repo) == config.Settings(repo)


@pytest.mark.parametrize(
    ("flag", "variables", "name", "url", "workspace"),
    [
        (None, {}, "staging", "https://staging.example.com/api/v1", 1),
        ("prod", {"SYNCER_ENV": "staging"}, "prod", "https://api.squared.ai/api/v1", 2),
        (None, {"SYNCER_ENV": "prod"}, "prod", "https://api.squared.ai/api/v1", 2),
        ("prod", {"SYNCER_API_URL": "http://127.0.0.1:3000"}, "prod", "http://127.0.0.1:3000/api/v1", 2),
        ("prod", {"SYNCER_WORKSPACE_ID": "9"}, "prod", "https://api.squared.ai/api/v1", 9),
        ("sandbox", {"SYNCER_API_URL": "https://x"}, SANDBOX, config.SANDBOX_URL, 1),
    ],
)
def test_flags_beat_variables_beat_the_file(
    tmp_path: Path, flag: str | None, variables: dict[str, str], name: str, url: str, workspace: int
) -> None:
    """And `/api/v1` is added where it's missing. The sandbox is where it always is."""
    chosen = config.environment(_settings(tmp_path), flag, variables)

    assert (chosen.name, chosen.api_url, chosen.workspace_id) == (name, url, workspace)


def test_without_settings_it_is_the_sandbox(tmp_path: Path) -> None:
    """Nothing configured, nothing to hit; with URL and workspace from variables it's an environment of its own."""
    settings = config.Settings(tmp_path)
    variables = {"SYNCER_API_URL": "https://api.squared.ai", "SYNCER_WORKSPACE_ID": "2"}

    assert config.environment(settings, None, {}).name == SANDBOX
    assert config.environment(settings, None, variables).name == "default"


def test_an_only_environment_needs_no_name(tmp_path: Path) -> None:
    """Two of them do."""
    one = '[environments.prod]\napi_url = "https://x.example"\nworkspace_id = 1\n'
    assert config.environment(_settings(tmp_path, one), None, {}).name == "prod"

    two = one + one.replace("prod", "staging")
    with pytest.raises(SettingsError, match="which environment"):
        config.environment(_settings(tmp_path, two), None, {})


@pytest.mark.parametrize(
    ("flag", "variables", "message", "hint"),
    [
        ("prd", {}, "there is no environment 'prd'", "did you mean 'prod'?"),
        ("empty", {}, "has no api_url", "SYNCER_API_URL"),
        ("empty", {"SYNCER_API_URL": "https://x"}, "has no workspace_id", "SYNCER_WORKSPACE_ID"),
        ("prod", {"SYNCER_WORKSPACE_ID": "two"}, "must be a number, not 'two'", ""),
        ("prod", {"SYNCER_API_URL": "api.squared.ai"}, "is no usable address", "https://api.squared.ai"),
        ("prod", {"SYNCER_API_URL": "https://me:pw@x"}, "neither a user", "SYNCER_TOKEN"),
        ("prod", {"SYNCER_API_URL": "https://[x"}, "is no usable address", "https://"),
        ("prod", {"SYNCER_API_URL": "ftp://x"}, "is no usable address", "https://"),
    ],
)
def test_what_does_not_fit_is_said(
    tmp_path: Path, flag: str, variables: dict[str, str], message: str, hint: str
) -> None:
    """What, why, what now."""
    settings = _settings(tmp_path, SETTINGS + "\n[environments.empty]\n")

    with pytest.raises(SettingsError, match=message) as caught:
        config.environment(settings, flag, variables)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("modells = 'x'", ["syncer.toml:1:1 unknown setting modells | did you mean 'models'?"]),
        ("models = 3", ['syncer.toml:1:1 models must be text in quotes | models = "models"']),
        ("parallelism = 0", ["syncer.toml:1:1 parallelism must be a whole number, 1 or more | parallelism = 4"]),
        ("parallelism = true", ["syncer.toml:1:1 parallelism must be a whole number, 1 or more | parallelism = 4"]),
        ("environments = 3", ["syncer.toml:1:1 environments must be a table of tables | write [environments.NAME]"]),
        ("environments.prod = 3", ["syncer.toml:1:14 environments.prod must be a table | write [environments.prod]"]),
        (
            "[environments.sandbox]",
            ["syncer.toml:1:15 the environment name 'sandbox' is taken by the embedded sandbox | choose another name"],
        ),
        (
            "[environments.prod]\nworkspace = 1\nworkspace_id = '2'",
            [
                "syncer.toml:2:1 unknown setting environments.prod.workspace | did you mean 'workspace_id'?",
                "syncer.toml:3:1 environments.prod.workspace_id must be a whole number | workspace_id = 2",
            ],
        ),
        ("default_environment = 'prd'", ["syncer.toml:1:1 there is no environment 'prd' | there are sandbox"]),
    ],
)
def test_every_mistake_of_the_file_has_a_place(tmp_path: Path, text: str, problems: list[str]) -> None:
    """All at once, each at its line."""
    with pytest.raises(InputError) as caught:
        _settings(tmp_path, text)

    assert [f"{one.origin} {one.message} | {one.hint}" for one in caught.value.problems] == problems


def test_a_credential_in_the_settings_is_not_shown(tmp_path: Path) -> None:
    """It has no business there, and even less in a log."""
    with pytest.raises(InputError) as caught:
        _settings(tmp_path, 'token = "canary"\n')

    assert [problem.excerpt for problem in caught.value.problems] == ["token = (sensitive value)"]


@pytest.mark.parametrize(
    "text",
    [
        " " * 60_000 + "\nzzz = 1",
        "zzz = 1" + "#" * 300_000,
        "\n" * 300_000,
        "a = " + "9" * 4_090,
        "a." * 1_000 + "a = 1",
    ],
)
def test_hostile_settings_end_soon(tmp_path: Path, text: str) -> None:
    """Settings come with the repository, and so from anybody: a long line, a large file, a number without end."""
    with pytest.raises((SettingsError, InputError)):
        _settings(tmp_path, text)


def test_a_thousand_mistakes_are_told_in_part(tmp_path: Path) -> None:
    """A hundred are enough to read."""
    with pytest.raises(InputError) as caught:
        _settings(tmp_path, "".join(f"k{n} = 1\n" for n in range(2_000)))
    assert len(caught.value.problems) == 100


def test_settings_are_no_link(tmp_path: Path) -> None:
    """A link could lead to a file that nobody meant to show."""
    (tmp_path / "elsewhere").write_text("secret = 1")
    (tmp_path / "syncer.toml").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SettingsError, match="is a symbolic link"):
        config.load(tmp_path)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "[v1.x]"])
def test_hosts_that_can_not_be_are_refused(tmp_path: Path, host: str) -> None:
    """Before the first request."""
    with pytest.raises(SettingsError, match="is no usable address"):
        config.environment(_settings(tmp_path), "prod", {"SYNCER_API_URL": f"http://{host}"})


@pytest.mark.parametrize("text", ["x = ", "x = '\udcff'", "[" * 3000])
def test_broken_toml_is_an_error(tmp_path: Path, text: str) -> None:
    """Never a traceback."""
    (tmp_path / "syncer.toml").write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(SettingsError, match=r"syncer\.toml can't be read"):
        config.load(tmp_path)


def test_credentials_come_from_variables() -> None:
    """A token beats a login."""
    both = {"SYNCER_TOKEN": " tok ", "SYNCER_EMAIL": "me", "SYNCER_PASSWORD": " pw "}
    credentials = config.credentials(both)
    assert credentials.token is not None
    assert credentials.token.reveal() == "tok"

    del both["SYNCER_TOKEN"]
    credentials = config.credentials(both)
    assert (credentials.token, credentials.email, credentials.password) == (None, "me", Secret(" pw "))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "no credentials"),
        ({"SYNCER_EMAIL": "me"}, "SYNCER_PASSWORD is not set"),
        ({"SYNCER_PASSWORD": "canary"}, "SYNCER_EMAIL is not set"),
        ({"SYNCER_TOKEN": "canary two"}, "holds characters that no token has"),
        ({"SYNCER_TOKEN": "canary\ntwo"}, "holds characters that no token has"),
    ],
)
def test_missing_credentials_are_named_and_never_shown(variables: dict[str, str], message: str) -> None:
    """Which variable to set, and nothing of what is in the others."""
    with pytest.raises(SettingsError, match=message) as caught:
        config.credentials(variables)
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_files_can_name_their_own_secrets_only() -> None:
    """The tool's credentials are none of them."""
    variables = {"SYNCER_SECRET_K": "v", "SYNCER_TOKEN": "t", "SYNCER_SECRET_EMPTY": ""}

    assert config.secret("SYNCER_SECRET_K", variables) == Secret("v")
    assert config.secret("SYNCER_TOKEN", variables) is None
    assert config.secret("SYNCER_SECRET_EMPTY", variables) is None
    assert config.secrets(variables) == [Secret("v")]


@pytest.mark.parametrize(
    ("url", "in_clear"),
    [
        ("https://x.example/api/v1", False),
        ("http://x.example/api/v1", True),
        ("http://10.0.0.7:3000/api/v1", True),
        ("http://127.0.0.1:3000/api/v1", False),
        ("http://[::1]:3000/api/v1", False),
        ("http://localhost/api/v1", False),
        (config.SANDBOX_URL, False),
    ],
)
def test_plain_http_is_noticed(url: str, in_clear: bool) -> None:  # noqa: FBT001 - a case's expectation
    """A token sent over it can be read on the way, but not on this machine."""
    assert config.is_in_clear(url) is in_clear
