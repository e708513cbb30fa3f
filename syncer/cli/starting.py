"""`syncer init --ci`: a host's pipeline files, put into the repository that holds the models.

What is written is what ships, byte by byte: this project's own workflows, which its own tests run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from syncer import __version__, config, shipped
from syncer.errors import SettingsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from syncer.cli.screen import Screen

WORKFLOWS: Final = ("plan.yml", "plan-fork-comment.yml", "apply.yml", "drift.yml")
"""Of this project's own workflows those that are of use in a repository of models."""

_WHEEL: Final = f"ai_squared_syncer-{__version__}-py3-none-any.whl"
_BLANK: Final = "\n\n"
_GITHUB_STEPS: Final = """\
Lock the tool by hash, so that nobody can change what gets the credentials. Until there is a release, with the wheel
of a checkout that you trust (pip install uv):
  pip wheel --no-deps --wheel-dir .github/wheels PATH/TO/THE/CHECKOUT
  echo './.github/wheels/{wheel}' |
    uv pip compile --universal --generate-hashes --python-version 3.13 --output-file .github/syncer.txt -

In Settings > Secrets and variables > Actions add the variables SYNCER_API_URL and SYNCER_WORKSPACE_ID, and SYNCER_ENV
if the settings have several environments. The variables beat the files: a pull request that changes api_url doesn't
send the token elsewhere. Without them nothing is applied.

There, too, add the secrets SYNCER_EMAIL and SYNCER_PASSWORD of a user who only reads (role Viewer):
whoever may push a branch can use it. Each SYNCER_SECRET_… that a model file names needs a secret, and a line beside
the others in plan.yml, apply.yml (twice) and drift.yml.

Add the environment `prod` (if SYNCER_ENV is set, that name) with required reviewers, without self-review, for the
branch main alone. Its secrets of the same names are the user who writes (role Member).

Protect the branch main: require a review and the check `syncer plan`. If your default branch has another name, change
it in apply.yml."""
_GITLAB_STEPS: Final = """\
In .gitlab-ci.yml say:
  include:
    - local: .gitlab/syncer.yml

Lock the tool by hash, so that nobody can change what gets the credentials. Until there is a release, with the wheel
of a checkout that you trust (pip install uv):
  pip wheel --no-deps --wheel-dir .gitlab/wheels PATH/TO/THE/CHECKOUT
  echo './.gitlab/wheels/{wheel}' |
    uv pip compile --universal --generate-hashes --python-version 3.13 --output-file .gitlab/syncer.txt -

In Settings > CI/CD > Variables add SYNCER_API_URL and SYNCER_WORKSPACE_ID, and, masked, SYNCER_EMAIL and
SYNCER_PASSWORD of a user who only reads (role Viewer), and each SYNCER_SECRET_… that a model file names. Add
SYNCER_GITLAB_TOKEN, a token of the project (scope `api`, role Reporter): it writes the note on the merge request.

Add the environment `prod`, protected; the same variables for it alone, protected, are the user who writes (role
Member).

Protect the default branch, and make a pipeline schedule: it looks for drift."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file to be written, and what stands there now."""

    name: str
    path: Path
    content: bytes
    present: bytes | None


def run(flags: argparse.Namespace, screen: Screen) -> int:
    """Write the files, but none that differs unless `--force` says so, and say what is left to do by hand.

    Raises SettingsError: before anything is written for what can't be read, or is a link.
    """
    settings = config.load(Path.cwd()).root
    top = _top(settings)
    files = [_file(top, name, content) for name, content in templates(flags.ci).items()]
    for file in files:
        screen.show(_settled(file, force=flags.force))
    steps = _GITHUB_STEPS if flags.ci == "github" else _GITLAB_STEPS
    screen.show(f"\nWhat is left to do:\n\n{_numbered([*_elsewhere(settings, top), *steps.split(_BLANK)])}")
    return 0


def templates(host: str) -> Mapping[str, bytes]:
    """The files of a host: where they belong in a repository → what is in them."""
    if host == "github":
        folder = ".github/workflows"
        return {f"{folder}/{name}": (shipped.folder(folder) / name).read_bytes() for name in WORKFLOWS}
    return {".gitlab/syncer.yml": (shipped.folder("docs") / "gitlab-ci.yml").read_bytes()}


def _top(root: Path) -> Path:
    """The top of the git repository around a folder, where hosts look for these files; else the folder."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def _file(top: Path, name: str, content: bytes) -> _File:
    """Look before anything is written: a repository of somebody else's could lead us out of it by a link."""
    path = top / name
    inside = [top.joinpath(*PurePosixPath(name).parts[: n + 1]) for n in range(len(PurePosixPath(name).parts))]
    if link := next((part for part in inside if part.is_symlink()), None):
        message = f"{link.relative_to(top)} is a symbolic link, and what is behind it stays untouched"
        raise SettingsError(message, "remove the link")
    try:
        return _File(name, path, content, path.read_bytes())
    except FileNotFoundError:
        return _File(name, path, content, None)
    except OSError as error:
        message = f"{name} can't be read: {error.strerror}"
        raise SettingsError(message, "move away what is there") from None


def _settled(file: _File, *, force: bool) -> str:
    """Write a file that is missing, and one that differs if that is forced; what became of it."""
    if file.present == file.content:
        return f"Unchanged {file.name}"
    if file.present is not None and not force:
        return f"Left alone: {file.name}, which differs (--force overwrites)"
    _write(file)
    return f"Wrote {file.name}"


def _write(file: _File) -> None:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_bytes(file.content)
    except OSError as error:
        message = f"{file.name} can't be written: {error.strerror}"
        raise SettingsError(message, "make the folder writable") from None


def _elsewhere(settings: Path, top: Path) -> list[str]:
    """What is to be done in a repository whose settings don't stand at its top."""
    if settings == top:
        return []
    folder = settings.relative_to(top).as_posix()
    return [f"The settings stand in {folder}: in each line that runs syncer write `syncer --chdir {folder} …`."]


def _numbered(steps: list[str]) -> str:
    return "\n".join(
        f"{number}. {step}".replace("\n", "\n   ").replace("{wheel}", _WHEEL) for number, step in enumerate(steps, 1)
    )
