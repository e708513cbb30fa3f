"""From arguments to an exit code. Whatever goes wrong ends here, in words.

0  done, nothing to do, or a plan            1  an error, a refusal, or not everything was applied
2  a plan with changes (--detailed-exitcode) 64 the command line is wrong            130  interrupted
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from syncer.cli.parser import parse
from syncer.cli.shared import streams
from syncer.errors import SyncerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.cli.parser import Asked
    from syncer.cli.shared.screen import Screen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Nearly everything that a run allocates lives to its end: looking through it again and again took a third of the
    # time of a plan of a thousand models. A hundred thousand new objects are reason enough to look: what deepdiff made
    # refers to itself, and would stay for longer.
    gc.set_threshold(100_000, 50, 100)
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


def _run(words: Sequence[str]) -> int:
    asked = parse(words)
    screen: Screen | None = None
    try:
        from syncer.cli.shared.screen import Screen

        screen = Screen.of(asked.screen, os.environ)
        if asked.screen.chdir:
            _change_folder(asked.screen.chdir)
        return _carried_out(asked, screen)
    except SyncerError as error:
        assert screen is not None  # noqa: S101 - nothing before it raises one
        screen.fail(error)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted: nothing more was done.\n")
        return 130
    except Exception as error:  # noqa: BLE001 - the last line of defence: never a traceback, never a secret
        _bug(error, screen, debug=asked.screen.debug)
    return 1


def _carried_out(asked: Asked, screen: Screen) -> int:
    if not asked.screen.lines_file:
        return asked.command.run(asked.options, screen)
    from syncer.cli.shared.output_files import lines_kept

    with lines_kept(asked.screen.lines_file, screen, asked.operands):
        return asked.command.run(asked.options, screen)


def _change_folder(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        message = f"--chdir {folder}: {error.strerror}"
        here = os.getcwd()  # noqa: PTH109 - pathlib is slow to import
        raise SyncerError(message, f"the current folder is {here}") from None


def _bug(error: Exception, screen: Screen | None, *, debug: bool) -> None:
    """A mistake of ours. The exception's own text may hold anything, so it's not shown; with --debug, the lines are."""
    import traceback

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
