"""A team whose commands run in this process: the same folder, server, variables and streams, without a start of Python.

For whatever is no matter of processes. Terminals, signals, pipes and the stories have the real thing: see `world`.
"""

from __future__ import annotations

import gc
import io
import os
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from world import Result, Team

from syncer.cli.main import main


class Inside(Team):
    """A team that starts no processes to run a command to its end."""

    def run(self, *arguments: str) -> Result:
        """Run one command to its end, without a terminal."""
        bytes_out, bytes_err = io.BytesIO(), io.BytesIO()
        out, err = (io.TextIOWrapper(one, "utf-8", newline="\n", write_through=True) for one in (bytes_out, bytes_err))
        thresholds = gc.get_threshold()
        with ExitStack() as stack:
            nothing = stack.enter_context(Path(os.devnull).open(encoding="utf-8"))
            stack.enter_context(mock.patch.dict(os.environ, self.environment, clear=True))
            stack.enter_context(mock.patch("sys.stdin", nothing))
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            stack.enter_context(chdir(self.folder))
            try:
                code = main(arguments)
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
        gc.set_threshold(*thresholds)
        return Result(code, bytes_out.getvalue().decode(), bytes_err.getvalue().decode())
