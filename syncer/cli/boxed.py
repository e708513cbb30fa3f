"""The sandbox on the command line: where its state stands, `sandbox serve` and `reset`, and the demo."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import ExitStack, chdir, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, shipped
from syncer.cli.running import own_folder
from syncer.errors import SettingsError
from syncer.sandbox import Faults, Sandbox, serve

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from syncer.cli.screen import Screen


@contextmanager
def sandbox_at(root: Path, faults: Faults | None = None) -> Iterator[Sandbox]:
    """The sandbox whose state stands below `root`; its folder ignores itself in git."""
    try:
        path = own_folder(root) / "sandbox.db"
    except OSError as error:
        message = f"the sandbox can't keep its state in {root}: {error.strerror}"
        raise SettingsError(message, "make the folder writable, or work in another one with --chdir") from None
    if path.is_symlink():
        message = f"the sandbox keeps no state behind a symbolic link: {path}"
        raise SettingsError(message, "remove the link")
    try:
        box = Sandbox(path=path, faults=faults)
    except sqlite3.Error as error:
        message = f"the sandbox's state can't be used: {error}"
        raise SettingsError(message, f"delete {path}, then it begins anew") from None
    with closing(box):
        yield box


def sandbox(flags: argparse.Namespace, screen: Screen) -> int:
    """Serve the sandbox, or reset it."""
    root = config.load(Path.cwd()).root
    try:
        faults = Faults.parse(flags.fault)
    except ValueError as error:
        message = f"--fault: {error}"
        raise SettingsError(message) from None
    with ExitStack() as stack:
        if flags.world:
            try:
                box = stack.enter_context(closing(Sandbox(_world(flags.world), faults=faults)))
            except ValueError as error:
                message = f"--world {flags.world} is not a world: {error}"
                raise SettingsError(message) from None
        else:
            box = stack.enter_context(sandbox_at(root, faults))
        if flags.action == "reset":
            box.reset()
            screen.show("The sandbox is back to its seeded world.")
            return 0
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
    with tempfile.TemporaryDirectory(prefix="syncer-demo-") as folder, chdir(folder):
        shutil.copytree(shipped.folder("models"), "models")
        for title, command in _STORY:
            line = f"$ syncer {' '.join(command)}"
            screen.show(f"\n{'─' * 3 if screen.style.unicode else '---'} {title}\n\n{line}\n")
            code = code or run(command)
    screen.show('\nWithout `--env sandbox` it works on models of your own: see "Your own models" in the README.')
    return code


_STORY: Final = (
    ("Eight models in git. What would change in the workspace?", ["plan", "--env", "sandbox"]),
    ("Change exactly that.", ["apply", "--env", "sandbox", "--auto-approve", "--summary"]),
    ("And now?", ["plan", "--env", "sandbox"]),
)
