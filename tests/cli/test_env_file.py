"""`env_file`: what is taken from it, what beats it, and the files that are refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from builders import FakeApi, live
from hypothesis import given
from hypothesis import strategies as st
from played import CONNECTORS, Played
from repositories import Repository

from syncer import config
from syncer.cli.ci import job
from syncer.cli.shared.env_file import read_env_file
from syncer.cli.shared.flags import ScreenOptions
from syncer.cli.shared.run import run_of
from syncer.cli.shared.screen import Screen
from syncer.config.env_file import env_file_additions, env_file_values
from syncer.errors import SettingsError
from syncer.secrets import Secret

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
# at the desk
SYNCER_TOKEN=file-token
export SYNCER_SECRET_A="canary-from-file"
SYNCER_SECRET_B='${HOME}'
SYNCER_API_URL=https://evil.example.com
SYNCER_ENV=staging
PATH=/evil
SYNCER_SECRET_EMPTY=
"""


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """A folder outside git whose settings name `.env`."""
    played = Played(tmp_path, FakeApi([live(1)], CONNECTORS))
    settings = played.read("syncer.toml").decode()
    played.write("syncer.toml", f'env_file = ".env"\n{settings}')
    played.write(".env", TEXT)
    return played


def _read(played: Played) -> dict[str, Secret]:
    return read_env_file(config.load(played.folder))


def test_only_credentials_and_secrets_are_taken_and_real_variables_win(played: Played) -> None:
    """They're `Secret` values, as they stand there; the target and all else stay the process's own."""
    given_ = _read(played)
    assert {name: secret.reveal() for name, secret in given_.items()} == {
        "SYNCER_TOKEN": "file-token",
        "SYNCER_SECRET_A": "canary-from-file",
        "SYNCER_SECRET_B": "${HOME}",
    }
    assert "canary" not in repr(given_)
    for own, taken in (
        ({"SYNCER_SECRET_A": "own", "SYNCER_SECRET_B": ""}, {"SYNCER_TOKEN", "SYNCER_SECRET_B"}),
        # A token would beat these.
        ({"SYNCER_EMAIL": "ada@example.com"}, {"SYNCER_SECRET_A", "SYNCER_SECRET_B"}),
    ):
        assert env_file_additions(own, given_).keys() == taken

    login = {"SYNCER_EMAIL_EU": Secret("bob@example.com"), "SYNCER_PASSWORD_EU": Secret("of-bob")}
    assert env_file_additions({"SYNCER_EMAIL_EU": "ada@example.com"}, login) == {}
    assert env_file_additions({"SYNCER_EMAIL_EU": "bob@example.com"}, login).keys() == {"SYNCER_PASSWORD_EU"}

    kept = {"SYNCER_STATE_DIR": os.environ["SYNCER_STATE_DIR"], "HOME": "/nowhere"}
    with mock.patch.dict(os.environ, kept, clear=True), pytest.MonkeyPatch.context() as patch:
        patch.chdir(played.folder)
        screen = Screen.of(ScreenOptions(), os.environ)
        run = run_of("", desk=screen)
        assert run.lookup("SYNCER_SECRET_A") == Secret("canary-from-file")
        assert run.target.url.startswith("https://api.example.com")
        assert screen.scrubber.hide("a canary-from-file b") == "a (sensitive value) b"
    target = {"SYNCER_API_URL": "https://api.example.com", "SYNCER_WORKSPACE_ID": "2"}
    with mock.patch.dict(os.environ, {**kept, **target}, clear=True), pytest.MonkeyPatch.context() as patch:
        patch.chdir(played.folder)
        assert job.run_of_job("prod").lookup("SYNCER_SECRET_A") is None
        # The sandbox needs none, and a file that can't be read doesn't stop it.
        played.write(".env", b"\xff")
        assert run_of("sandbox", desk=Screen.of(ScreenOptions(), os.environ)).lookup("SYNCER_SECRET_A") is not None


def test_a_file_that_git_has_is_refused(played: Played) -> None:
    """Also one that is in the index alone, or only in the commit, and under another spelling."""
    git = Repository.made(played.folder)
    assert _read(played)
    for names in ((".env",), (".ENV",)):
        (played.folder / ".env").unlink()
        played.write(names[0], TEXT)
        git.git("add", names[0])
        played.write(".env", TEXT)
        with pytest.raises(SettingsError, match=r"\.env is in git, where others can read it"):
            _read(played)
        git.git("rm", "--quiet", "--cached", "-f", names[0])
    git.commit()
    git.git("rm", "--quiet", "--cached", ".env")
    with pytest.raises(SettingsError, match=r"\.env is in git") as refused:
        _read(played)
    assert "change every secret" in refused.value.hint
    shown = played.run("plan")
    assert (shown.code, "canary" in shown.text, "Traceback" in shown.text) == (1, False, False)
    # A repository that git doesn't read: nobody can tell.
    (played.folder / ".git" / "HEAD").write_text("broken")
    with pytest.raises(SettingsError):
        _read(played)


def test_a_file_that_a_submodule_has_is_refused(played: Played) -> None:
    """A commit can bring a submodule, and with it a file: the inner repository has it, and the outer one doesn't."""
    Repository.made(played.folder)
    inner = Repository.made(played.folder / "inner")
    inner.write(".env", TEXT)
    settings = played.read("syncer.toml").decode().partition("\n")[2]
    played.write("syncer.toml", f'env_file = "inner/.env"\n{settings}')
    assert _read(played)
    inner.git("add", "--force", ".env")
    with pytest.raises(SettingsError, match=r"inner/\.env is in git"):
        _read(played)
    # Git writes the words of others' commits into files of its own.
    played.write("syncer.toml", f'env_file = ".git/MERGE_MSG"\n{settings}')
    played.write(".git/MERGE_MSG", TEXT)
    with pytest.raises(SettingsError):
        _read(played)
    played.write("syncer.toml", f'env_file = "inner/.env"\n{settings}')
    (played.folder / ".git").rename(played.folder / "no-git")
    with pytest.raises(SettingsError, match=r"inner/\.env is in git"):
        _read(played)


def test_what_is_no_plain_file_below_the_settings_is_refused(played: Played, tmp_path: Path) -> None:
    """Links, paths that lead out, pipes, folders, and what is too large or no text; one that isn't there is none."""
    file = played.folder / ".env"
    for raw, why in (
        (b"A" * (256 * 1024 + 1), "is too large"),
        (b"SYNCER_TOKEN=\xff", "is not UTF-8"),
        (b"SYNCER_TOKEN=a\0b", "holds a NUL"),
        (b"SYNCER_TOKEN=ok\nno line canary\n", ".env:2 can't be read"),
    ):
        file.write_bytes(raw)
        with pytest.raises(SettingsError, match=why) as refused:
            _read(played)
        assert "canary" not in f"{refused.value.what} {refused.value.hint}"
    file.unlink()
    assert _read(played) == {}
    os.mkfifo(file)
    with pytest.raises(SettingsError, match="can't be read: it is not a regular file"):
        _read(played)
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="through a link"):
        _read(played)
    file.unlink()
    file.mkdir()
    with pytest.raises(SettingsError, match="can't be read"):
        _read(played)
    led_out = "leads out of the settings' folder"
    names = dict.fromkeys(("../.env", "/etc/passwd", "a/../../.env"), led_out) | {"n" * 300: "name too long"}
    for name, why in names.items():
        settings = played.read("syncer.toml").decode().partition("\n")[2]
        played.write("syncer.toml", f'env_file = "{name}"\n{settings}')
        with pytest.raises(SettingsError, match=why):
            _read(played)


def test_doctor_tells_of_it(played: Played) -> None:
    """Which variables it gives, and never what they are; why it can't be read."""
    played.variables = {"SYNCER_SECRET_B": "own"}
    told = played.run("doctor").text
    assert "canary" not in told
    assert ".env gives SYNCER_SECRET_A" in " ".join(told.split())
    played.write(".env", b"\xff")
    assert ".env can't be read: it is not UTF-8" in played.run("doctor").text


@given(st.binary(max_size=200))
def test_any_bytes_give_secrets_or_a_refusal(raw: bytes) -> None:
    """Whatever stands in the file, each value is a Secret under a name that is taken."""
    try:
        found = env_file_values(raw, ".env")
    except SettingsError:
        return
    assert all(name.startswith("SYNCER_") and one.reference == name for name, one in found.items())
