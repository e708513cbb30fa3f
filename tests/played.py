"""Commands played in this process: a folder of a team, an API in memory, and what the command line makes of both."""

from __future__ import annotations

import io
import os
import subprocess
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from world import Result

from syncer.cli.main import main
from syncer.cli.shared import connection
from syncer.model import Connector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from builders import FakeApi

    from syncer.cli.shared.run import Run

CONNECTORS = (
    Connector(1, "warehouse", "source", "Snowflake"),
    Connector(2, "endpoint", "source", "HttpModel"),
    Connector(3, "crm", "destination", "Http"),
)
SETTINGS = 'default_environment = "prod"\n[environments.prod]\napi_url = "https://api.example.com"\nworkspace_id = 2\n'
STAGING = '[environments.staging]\napi_url = "https://staging.example.com"\nworkspace_id = 3\n'


@dataclass
class Played:
    """A folder, the API that its prod is, the variables of the machine, and the APIs of further environments."""

    folder: Path
    api: FakeApi
    variables: dict[str, str] = field(default_factory=dict)
    others: dict[str, FakeApi] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "syncer.toml").write_text(SETTINGS)

    def run(self, *arguments: str, inside: str = ".") -> Result:
        """One command, with its exit code and what it printed."""
        out, err = io.StringIO(), io.StringIO()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "SYNCER_STATE_DIR") if name in os.environ}
        variables = {**kept, "COLUMNS": "100", "SYNCER_TOKEN": "admin", **self.variables}
        with (
            mock.patch.dict(os.environ, variables, clear=True),
            mock.patch.object(connection, "connected", side_effect=self._connected),
            redirect_stdout(out),
            redirect_stderr(err),
            _within(self.folder / inside),
        ):
            try:
                code = main(list(arguments))
            except SystemExit as ended:
                code = int(str(ended.code))
        return Result(code, out.getvalue(), err.getvalue())

    def _connected(self, run: Run, _: object) -> AbstractContextManager[FakeApi]:
        return nullcontext(self.others.get(run.environment.name, self.api))

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file of the folder."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def read(self, path: str) -> bytes:
        """What is in one."""
        return (self.folder / path).read_bytes()

    @property
    def files(self) -> dict[str, bytes]:
        """Everything below the models folder."""
        top = self.folder / "models"
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()
        }

    def commit(self) -> None:
        """Commit everything, in a repository that is made if there is none."""
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "core.autocrlf=false")
        for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "All")):
            subprocess.run(["git", *identity, *command], cwd=self.folder, check=True, env=_plain())

    def is_in_step(self, *arguments: str) -> bool:
        """Whether a plan finds nothing to do, and nothing wrong."""
        return self.run("plan", "--detailed-exitcode", *arguments).code == 0


def _plain() -> dict[str, Any]:
    return {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@contextmanager
def _within(folder: Path) -> Iterator[None]:
    here = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
