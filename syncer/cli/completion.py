"""`syncer completion`: a script for a shell, and the words that this script asks for when Tab is pressed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from syncer.cli.shared.screen import Screen

_PROGRAM: Final = "syncer"
_KINDS: Final = (flags.ENVIRONMENTS, flags.ADDRESSES, flags.RUNS)
_SAFE: Final = re.compile(r"[\w@+][\w./@+-]*")
"""Shells expand what a completion offers: what could mean more than itself in one is left out."""


@dataclass(frozen=True, slots=True)
class CompletionOptions:
    """What `syncer completion` is asked for."""

    script: str = flags.operand(
        "SHELL",
        "bash, zsh, fish or tcsh; or the words that the scripts ask for: environments, addresses or runs",
        choices=("bash", "zsh", "fish", "tcsh", *_KINDS),
    )


def run(options: CompletionOptions, screen: Screen) -> int:
    """Print the script, or words."""
    if options.script in _KINDS:
        _show_words(options.script, screen)
        return 0
    import shtab

    from syncer.cli.parser import build

    parser = build()
    _complete(parser)
    screen.show(shtab.complete(parser, options.script))
    return 0


def _complete(parser: argparse.ArgumentParser) -> None:
    """Say how the values of each flag are completed."""
    import shtab

    from syncer.cli.parser import sub_parsers

    ways: dict[str, Any] = {kind: shtab.cmd(f"{_PROGRAM} completion {kind} 2>/dev/null") for kind in _KINDS}
    ways |= {flags.FILES: shtab.FILE, flags.FOLDERS: shtab.DIRECTORY}
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to them
        if way := ways.get(getattr(action, "values", "")):
            action.complete = way  # type: ignore[attr-defined]
    for one in sub_parsers(parser).values():
        _complete(one)


def _show_words(kind: str, screen: Screen) -> None:
    """Print words, one a line; none where they can't be found out: a shell shows no message of ours."""
    from syncer.errors import SyncerError

    try:
        words = _words(kind, screen)
    except (SyncerError, OSError):
        return
    for word in filter(_SAFE.fullmatch, words):
        screen.show(word)


def _words(kind: str, screen: Screen) -> Iterable[str]:
    from pathlib import Path

    from syncer import config
    from syncer.model import SANDBOX

    settings = config.load(Path.cwd())
    if kind == flags.ENVIRONMENTS:
        return [*settings.environments, SANDBOX]
    if kind == flags.RUNS:
        from syncer.applying import run_records
        from syncer.cli.shared.state_folder import RUNS, state_folder

        names = run_records.names(state_folder(settings.root, screen).looked_at(RUNS))
        return [*names, "last"] if names else []
    folder = settings.root / settings.models
    return sorted(path.relative_to(folder).as_posix().removesuffix(".yaml") for path in folder.rglob("*.yaml"))


COMMAND = Command(
    "completion",
    Words(
        "Print a completion script for a shell.",
        "It completes commands, flags and files; and from the folder that you're in the environments of the settings, "
        "the addresses of the models and the runs that can be rolled back.",
        "syncer completion bash > ~/.local/share/bash-completion/completions/syncer\n"
        "syncer completion fish > ~/.config/fish/completions/syncer.fish",
    ),
    CompletionOptions,
    run,
)
