"""From arguments to an exit code. Whatever goes wrong ends here, in words.

0  done, nothing to do, or a plan            1  an error, a refusal, or not everything was applied
2  a plan with changes (--detailed-exitcode) 64 the command line is wrong            130  interrupted
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from syncer.cli import streams
from syncer.cli.arguments import parse
from syncer.errors import SyncerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.cli.screen import Screen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Nearly everything that a run allocates lives to its end: looking through it again and again took a third of the
    # time of a plan of a thousand models. Half a million new objects are reason enough to look.
    gc.set_threshold(500_000, 50, 100)
    with streams.guarded() as out:
        try:
            code = _run(sys.argv[1:] if arguments is None else arguments)
        except SystemExit as leaving:
            # `--help`, `--version`, or a command line that is wrong.
            if leaving.code or _is_whole(out):
                raise
            return 1
        return code if _is_whole(out) else 1


def _is_whole(out: streams.Stream) -> bool:
    """Whether all results were written; if not it's told, but for a reader that has seen enough (`plan | head`)."""
    out.flush()
    if out.trouble and out.trouble != streams.LEFT:
        sys.stderr.write(f"syncer: the output can't be written: {out.trouble}\n")
    return not out.trouble


def _run(arguments: Sequence[str]) -> int:
    flags = parse(arguments)
    screen: Screen | None = None
    try:
        from syncer.cli import commands  # noqa: PLC0415 - `--version` and `--help` do without
        from syncer.cli.screen import Screen  # noqa: PLC0415

        screen = Screen.of(flags, os.environ)
        if flags.chdir:
            from pathlib import Path  # noqa: PLC0415 - `--version` takes a tenth less without

            with suppress(OSError):
                flags.started = Path.cwd()
            _change_folder(flags.chdir)
        return commands.COMMANDS[flags.command](flags, screen)
    except SyncerError as error:
        assert screen is not None  # noqa: S101 - nothing before it raises one
        screen.fail(error)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted: nothing more was done.\n")
        return 130
    except Exception as error:  # noqa: BLE001 - the last line of defence: never a traceback, never a secret
        _bug(error, screen, debug=flags.debug)
    return 1


def _change_folder(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        message = f"--chdir {folder}: {error.strerror}"
        raise SyncerError(message, f"the current folder is {os.getcwd()}") from None  # noqa: PTH109 - see `_run`


def _bug(error: Exception, screen: Screen | None, *, debug: bool) -> None:
    """A mistake of ours. The exception's own text may hold anything, so it's not shown; with --debug, the lines are."""
    import traceback  # noqa: PLC0415 - a fifth of what `--version` takes

    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "nowhere"  # noqa: PTH119
    what = f"syncer itself failed: {type(error).__name__} at {place}"
    hint = "please report it with the output of the same command and --debug; `syncer plan` shows what is live now"
    if screen is None:
        sys.stderr.write(f"{what}; {hint}\n")
    else:
        screen.fail(SyncerError(what, hint))
    if debug:
        sys.stderr.write("".join(traceback.format_list(frames)))
