"""The sandbox on the command line: where its state stands, `sandbox serve` and `reset`, and the demo."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import ExitStack, chdir, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, package_files
from syncer.cli.shared.running import state_folder
from syncer.errors import SettingsError
from syncer.sandbox import Faults, Sandbox, serve
from syncer.sandbox.database import UnusableError
from syncer.state_folder import VARIABLE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from syncer.cli.shared.screen import Screen


_DATABASE: Final = "sandbox.db"


@contextmanager
def sandbox_at(root: Path, screen: Screen, faults: Faults | None = None) -> Iterator[Sandbox]:
    """The sandbox of a settings' folder. Raises SettingsError, StateError."""
    path = state_folder(root, screen).file(_DATABASE)
    try:
        with closing(Sandbox(path=path, faults=faults)) as box:
            yield box
    except UnusableError as error:
        raise _unusable(error, path) from None


def _unusable(error: UnusableError, path: Path) -> SettingsError:
    hint = "end the other syncer that uses it" if error.is_busy else "`syncer sandbox reset` makes it anew"
    return SettingsError(f"the sandbox's state can't be used: {error} ({path})", hint)


def _reset(root: Path, screen: Screen) -> None:
    """Back to the seeded world; what can't be used is taken away first."""
    path = state_folder(root, screen).file(_DATABASE)
    try:
        with closing(Sandbox(path=path)) as box:
            box.reset()
    except UnusableError as error:
        if error.is_busy:
            raise _unusable(error, path) from None
        _take_away(path)
        with sandbox_at(root, screen):
            pass


def _take_away(path: Path) -> None:
    try:
        for rest in ("", "-journal", "-wal", "-shm"):
            path.with_name(f"{path.name}{rest}").unlink(missing_ok=True)
    except OSError as error:
        message = f"the sandbox's state can't be taken away: {error.strerror} ({path})"
        raise SettingsError(message, "delete it by hand") from None


def sandbox(flags: argparse.Namespace, screen: Screen) -> int:
    """Serve the sandbox, or reset it."""
    root = config.load(Path.cwd()).root
    try:
        faults = Faults.parse(flags.fault)
    except ValueError as error:
        message = f"--fault: {error}"
        raise SettingsError(message) from None
    if flags.action == "reset":
        _reset(root, screen)
        screen.show("The sandbox is back to its seeded world.")
        return 0
    with ExitStack() as stack:
        if flags.world:
            try:
                box = stack.enter_context(closing(Sandbox(_world(flags.world), faults=faults)))
            except ValueError as error:
                message = f"--world {flags.world} is not a world: {error}"
                raise SettingsError(message) from None
        else:
            box = stack.enter_context(sandbox_at(root, screen, faults))
        if not flags.world:
            screen.note("Its tokens: `sandbox` may write, `viewer` only read. Its workspace: 1.")
        try:
            serve(box, port=flags.port, ready=lambda url: screen.show(f"READY {url}"))
        except OSError as error:
            message = f"port {flags.port} can't be opened: {error.strerror}"
            raise SettingsError(message, "take another --port, or none for a free one") from None
    return 0


def _world(file: str) -> Mapping[str, object]:
    try:
        world = json.loads(Path(file).read_text("utf-8"))
    except OSError as error:
        message = f"--world {file}: {error.strerror}"
        raise SettingsError(message) from None
    except ValueError as error:
        message = f"--world {file} is not JSON: {error}"
        raise SettingsError(message) from None
    if not isinstance(world, dict):
        message = f"--world {file} is not a world: it must be an object"
        raise SettingsError(message)
    return world


def demo(run: Callable[[Sequence[str]], int], screen: Screen) -> int:
    """The product itself, three times, on the shipped models and a sandbox that lags behind them."""
    code = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncer-demo-")))
        shutil.copytree(package_files.folder("models"), folder / "repository" / "models")
        stack.enter_context(chdir(folder / "repository"))
        stack.enter_context(_kept_in(folder / "state"))
        for title, command in _STORY:
            line = f"$ syncer {' '.join(command)}"
            screen.show(f"\n{'─' * 3 if screen.style.unicode else '---'} {title}\n\n{line}\n")
            code = code or run(command)
    screen.show('\nWithout `--env sandbox` it works on models of your own: see "Your own models" in the README.')
    return code


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Keep what the commands remember there, and nothing in the user's own state folder."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


_STORY: Final = (
    ("Eight models in git. What would change in the workspace?", ["plan", "--env", "sandbox"]),
    ("Change exactly that.", ["apply", "--env", "sandbox", "--auto-approve", "--summary"]),
    ("And now?", ["plan", "--env", "sandbox"]),
)
