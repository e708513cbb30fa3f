"""Settings: what beats what, and what is said of each mistake."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from syncer import config
from syncer.errors import InputError, SettingsError
from syncer.model import SANDBOX
from syncer.secrets import Secret

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
        ("prod", {"SYNCER_API_URL": "api.squared.ai"}, "is no usable address", "write https:// in front"),
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
        (
            "read_seconds = 100000000000000000000",
            ["syncer.toml:1:1 read_seconds must be 3600 or less | read_seconds = 60"],
        ),
        (
            "[environments.prod]\nretry_seconds = 1.5\nparallelism = 65",
            [
                "syncer.toml:3:1 environments.prod.parallelism must be 64 or less | parallelism = 4",
                "syncer.toml:2:1 environments.prod.retry_seconds must be a whole number, 0 or more | retry_seconds = 120",
            ],
        ),
        ("keep_runs = 10001", ["syncer.toml:1:1 keep_runs must be 10000 or less | keep_runs = 20"]),
        (
            f"environments.prod.workspace_id = {2**63}",
            ["syncer.toml:1:19 environments.prod.workspace_id must be the id of a workspace | workspace_id = 2"],
        ),
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


@pytest.mark.parametrize("item", fields(config.Numbers))
@pytest.mark.parametrize("value", ["1e400", "inf", "nan", "true", "-1", "'9'", "[]", f"{10**19}", "0x7fffffffffffffff"])
def test_every_number_has_its_bounds(tmp_path: Path, item: Any, value: str) -> None:
    """What no clock and no server could take is refused, with its place, whatever its type."""
    with pytest.raises(InputError, match="1 problem") as caught:
        _settings(tmp_path, f"{item.name} = {value}\n")
    assert caught.value.problems[0].message.startswith(f"{item.name} must be ")
    least, most = item.metadata["least"], item.metadata["most"]
    for number in (least, most):
        assert getattr(_settings(tmp_path, f"{item.name} = {number}\n").numbers, item.name) == number


@pytest.mark.parametrize(
    ("line", "excerpt", "hint"),
    [
        ('token = "canary"', "token = (sensitive value)", "SYNCER_TOKEN"),
        ('tokn = "canary"', "tokn = (sensitive value)", "SYNCER_TOKEN"),
        ('pass = "canary"', "pass = (sensitive value)", "SYNCER_PASSWORD"),
        ('pasword = "canary"', "pasword = (sensitive value)", "SYNCER_PASSWORD"),
        ('SYNCER_TOKEN = "canary"', "SYNCER_TOKEN = (sensitive value)", "change what was committed"),
        ('user = "canary"', "user = (sensitive value)", "SYNCER_EMAIL"),
        ('zzz = "canary"', "zzz = (sensitive value)", "there are"),
        ('zzz = """\ncanary\nzzz canary\n"""', "zzz = (sensitive value)", "there are"),
        ('zzz = """\na canary zzz = 1\n"""', "zzz = (sensitive value)", "there are"),
        ("zzz = ['canary']", "zzz = (sensitive value)", "there are"),
        ('environments.prod = {api_url = "https://x.example", tokn = "canary"}', "", "SYNCER_TOKEN"),
        ('environments.prod = {tokn = "canary"}', "", "SYNCER_TOKEN"),
        ("parallelism = 0 # the token is canary", "parallelism = (sensitive value)", "parallelism = 4"),
        ('parallelism = "ghp_canary00000000000000000000000000000000"', 'parallelism = "(sensitive value)"', ""),
        ('"ghp_canary00000000000000000000000000000000" = 1', '"(sensitive value)" = (sensitive value)', "there are"),
        ('environments.prod.api_url = "htp://me:canary@x"', "environments.prod.api_url = (sensitive value)", "TOKEN"),
        ('environments.prod.api_url = "https://x/?key=canary"', "environments.prod.api_url = (sensitive value)", ""),
        ('environments.prod.api_url = "https://x/#canary"', "environments.prod.api_url = (sensitive value)", ""),
        ('environments.prod.api_url = "https//me:canary"', "environments.prod.api_url = (sensitive value)", "https://"),
        ('environments.prod.ui_url = "https://me:canary@x"', "environments.prod.ui_url = (sensitive value)", "root of"),
        ('environments.prod.ui_url = "http://canary"', "environments.prod.ui_url = (sensitive value)", "no other"),
        ("models = 3", "models = 3", "models"),
    ],
)
def test_settings_are_told_without_their_values(tmp_path: Path, line: str, excerpt: str, hint: str) -> None:
    """A credential has no business there, under whatever key, and even less in a log: place, key and what to do."""
    with pytest.raises(InputError) as caught:
        _settings(tmp_path, f"# settings\n{line}\n")

    (problem,) = caught.value.problems
    assert (problem.origin.path, problem.origin.line) == ("syncer.toml", 2)
    assert problem.excerpt == excerpt
    assert hint in problem.hint
    assert "canary" not in f"{problem.message}{problem.hint}{problem.excerpt}"


def test_a_problem_stands_in_its_own_table(tmp_path: Path) -> None:
    """The same key of another environment isn't pointed at."""
    tables = "".join(f'[environments.{name}]\napi_url = "{url}"\n' for name, url in (("a", "https://x"), ("b", "y")))
    with pytest.raises(InputError) as caught:
        _settings(tmp_path, tables)
    assert [str(problem.origin) for problem in caught.value.problems] == ["syncer.toml:4:1"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"SYNCER_WORKSPACE_ID": "canary-token"}, "SYNCER_WORKSPACE_ID must be a number"),
        ({"SYNCER_WORKSPACE_ID": str(2**63)}, "SYNCER_WORKSPACE_ID must be a number"),
        ({"SYNCER_WORKSPACE_ID": "-2"}, "SYNCER_WORKSPACE_ID must be a number"),
        ({"SYNCER_API_URL": "htp://user:canary@host"}, "may hold neither a user, a password nor a query"),
        ({"SYNCER_API_URL": "https://user:canary@host/x"}, "may hold neither a user, a password nor a query"),
        ({"SYNCER_API_URL": "https://host/?token=canary"}, "may hold neither a user, a password nor a query"),
        ({"SYNCER_API_URL": "canary"}, "is no usable address"),
        ({"SYNCER_API_URL": "https://host:canary"}, "is no usable address"),
    ],
)
def test_a_variable_is_told_without_its_value(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    """Which variable, and what it must be; it may be a credential in the wrong place."""
    with pytest.raises(SettingsError, match=message) as caught:
        config.environment(_settings(tmp_path), "prod", variables)
    assert next(iter(variables)) in f"{caught.value}{caught.value.hint}"
    assert "canary" not in f"{caught.value}{caught.value.hint}"


PEM = Path(__file__).parent / "tls" / "localhost.pem"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SSL_CERT_FILE", "{}/canary", "SSL_CERT_FILE names a file that isn't there"),
        ("SSL_CERT_FILE", "{}/empty", "SSL_CERT_FILE names a file without a certificate"),
        ("SSL_CERT_FILE", "{}/text", "SSL_CERT_FILE names a file without a certificate"),
        ("SSL_CERT_FILE", "{}", "SSL_CERT_FILE names a folder"),
        ("SSL_CERT_FILE", "{}/text/canary", "SSL_CERT_FILE names no readable file"),
        ("SSL_CERT_DIR", "{}/canary", "SSL_CERT_DIR names no folder"),
        ("SSL_CERT_DIR", "{}/text", "SSL_CERT_DIR names no folder"),
        ("HTTPS_PROXY", "http://me:canary@", "HTTPS_PROXY names no usable proxy"),
        ("HTTPS_PROXY", "http://me:canary@[x", "HTTPS_PROXY names no usable proxy"),
        ("https_proxy", "me:canary@host:port", "https_proxy names no usable proxy"),
        ("ALL_PROXY", "http://host:99999", "ALL_PROXY names no usable proxy"),
        ("ALL_PROXY", "socks4://me:canary@host:1", "ALL_PROXY names a proxy of a kind that can't be used"),
        ("HTTP_PROXY", "ftp://me:canary@host", "HTTP_PROXY names a proxy of a kind that can't be used"),
        ("NO_PROXY", "localhost,[::1", "NO_PROXY holds something that is no host"),
        ("no_proxy", "ca nary", "no_proxy holds something that is no host"),
        ("SSL_CERT_FILE", str(PEM), ""),
        ("SSL_CERT_FILE", "", ""),
        ("SSL_CERT_DIR", "{}", ""),
        ("HTTPS_PROXY", "http://me:canary@proxy.example.com:3128", ""),
        ("ALL_PROXY", "proxy.example.com", ""),
        ("NO_PROXY", "*", ""),
        ("NO_PROXY", "localhost, .example.com,127.0.0.1,10.0.0.0/8,::1,[::1]:80,host:80,", ""),
    ],
)
def test_the_way_is_looked_at_before_it_is_taken(tmp_path: Path, variable: str, value: str, message: str) -> None:
    """What no connection could be made with is told by the variable's name, never by what is in it."""
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("canary")
    variables = {variable: value.format(tmp_path)}
    if not message:
        config.check_way(variables)
        return
    with pytest.raises(SettingsError, match=message) as caught:
        config.check_way(variables)
    assert variable in caught.value.hint or "unset the variable" in caught.value.hint
    assert "canary" not in f"{caught.value}{caught.value.hint}"
    if variable.startswith("SSL"):
        config.check_way(variables, "http://localhost")


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


@pytest.mark.parametrize(
    "text",
    ["x = ", "x = '\udcff'", "[" * 3000, "a = 1\ntoken = canary", "canary", "[canary]\n[canary]", 'a = "canary\\z"'],
)
def test_broken_toml_is_an_error(tmp_path: Path, text: str) -> None:
    """Never a traceback."""
    (tmp_path / "syncer.toml").write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(SettingsError, match=r"syncer\.toml can't be read") as caught:
        config.load(tmp_path)
    assert "canary" not in f"{caught.value}{caught.value.hint}"
    if place := {"x = ": "syncer.toml:1:5", "a = 1\ntoken = canary": "syncer.toml:2:9"}.get(text):
        assert f"{place} is no TOML" in str(caught.value)


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


def test_the_top_of_a_repository_is_found_from_below(tmp_path: Path) -> None:
    """A repository that isn't one yet has none."""
    (inner := tmp_path / "a" / "b").mkdir(parents=True)
    assert config.repository(inner) is None
    (tmp_path / ".git").touch()
    assert config.repository(inner) == tmp_path
