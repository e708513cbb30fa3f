"""`syncer demo`: the product itself, three times, on the shipped models and a sandbox that lags behind them."""

from __future__ import annotations

import os
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer.cli.shared.command import Command, NoOptions, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.cli.shared.screen import Screen

_STORY: Final = (
    ("Eight models in git. What would change in the workspace?", ["plan", "--env", "sandbox"]),
    ("Change exactly that.", ["apply", "--env", "sandbox", "--auto-approve", "--summary"]),
    ("And now?", ["plan", "--env", "sandbox"]),
)


def run(_: NoOptions, screen: Screen) -> int:
    """Run the commands of the story, each as it's typed."""
    import shutil
    import tempfile

    from syncer import package_files
    from syncer.cli.parser import parse

    code = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncer-demo-")))
        shutil.copytree(package_files.folder("models"), folder / "repository" / "models")
        stack.enter_context(chdir(folder / "repository"))
        stack.enter_context(_kept_in(folder / "state"))
        for title, words in _STORY:
            line = f"$ syncer {' '.join(words)}"
            screen.show(f"\n{'─' * 3 if screen.style.unicode else '---'} {title}\n\n{line}\n")
            asked = parse(words)
            code = code or asked.command.run(asked.options, screen)
    screen.show('\nWithout `--env sandbox` it works on models of your own: see "Your own models" in the README.')
    return code


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Keep what the commands remember there, and nothing in the user's own state folder."""
    from syncer.state_folder import VARIABLE

    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


COMMAND = Command(
    "demo",
    Words(
        "See the whole story: plan, apply, plan again, in an embedded sandbox.",
        "Nothing outside a temporary folder is read or written.",
        "syncer demo",
    ),
    NoOptions,
    run,
)
