"""A team's folder and the server it talks to: what the stories are played with.

The commands are the real ones, in processes of their own; the server is the sandbox on loopback.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import launcher
import pexpect
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.sandbox import Sandbox

CONFORMANCE = Path(__file__).parent / "conformance"


def recorded_world(name: str = "world") -> dict[str, Any]:
    """A world that the recorded exchanges start from."""
    data: dict[str, Any] = json.loads((CONFORMANCE / f"{name}.json").read_text("utf-8"))
    return data


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both streams."""
        return self.out + self.err


def flat(text: str) -> str:
    """A text without the frames and line ends of boxes."""
    return " ".join(text.replace("│", " ").split())


@dataclass(slots=True)
class Team:
    """A folder with models, and where its `prod` is."""

    folder: Path
    url: str = ""
    workspace: int = 1
    variables: dict[str, str] = field(default_factory=lambda: {"SYNCER_TOKEN": "admin"})

    def __post_init__(self) -> None:
        """Write the settings, if there is a server."""
        (self.folder / ".git").mkdir(exist_ok=True)
        (self.folder / "models").mkdir(exist_ok=True)
        if self.url:
            self.settings()

    def settings(self, more: str = "") -> None:
        """Write the settings: `prod` is the server."""
        table = f'[environments.prod]\napi_url = "{self.url}"\nworkspace_id = {self.workspace}\n'
        (self.folder / "syncer.toml").write_text(f"requests_per_minute = 0\n{table}{more}")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a command sees."""
        names = ("PATH", "HOME", "COVERAGE_PROCESS_START", "SYNCER_STATE_DIR")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        kept |= {name: value for name, value in os.environ.items() if name.startswith("COV")}
        return {**kept, "PWD": str(self.folder), "PYTHONUTF8": "1", "COLUMNS": "100", **self.variables}

    def write(self, address: str, definition: Mapping[str, Any] | str) -> None:
        """Write one model file."""
        path = self.folder / "models" / f"{address}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = definition if isinstance(definition, str) else yaml.safe_dump(dict(definition), allow_unicode=True)
        path.write_text(text, "utf-8")

    def command(self, *arguments: str) -> list[str]:
        """The command line of one run."""
        return [sys.executable, "-m", "syncer", *arguments]

    def spawn(self, *arguments: str, **variables: str) -> pexpect.spawn[str]:
        """Start one command on a terminal of its own."""
        program, *rest = self.command(*arguments)
        environment = {**self.environment, "TERM": "xterm-256color", **variables}
        return pexpect.spawn(
            program, rest, cwd=str(self.folder), env=environment, encoding="utf-8", timeout=60, dimensions=(40, 100)
        )

    def run(self, *arguments: str) -> Result:
        """Run one command to its end, without a terminal."""
        # How streams are encoded is settled when Python starts.
        is_own_start = any(name.startswith(("PYTHON", "LC_")) for name in self.variables)
        done = subprocess.run(
            self.command(*arguments) if is_own_start else [launcher.folder() / "syncer", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)


def interrupt(child: pexpect.spawn[str]) -> None:
    """Press Ctrl-C at a question until the command ends.

    Python sees a signal that comes between its looking for one and its waiting for a line only with the next one.
    """
    for _ in range(12):
        child.sendintr()
        if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=5) == 0:
            return
    message = f"Ctrl-C doesn't end it: {child.before}"
    raise AssertionError(message)


def definition(model: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A model of a recorded world as the file that declares it, pinned by its id."""
    keys = ("id", "name", "description", "connector_id", "query_type", "primary_key", "query")
    values = {key: model[key] for key in keys if model[key] is not None}
    configuration = json.loads(json.dumps(model["configuration"]))
    if configuration is not None:
        if model["query_type"] == "ai_ml":
            configuration.pop("json_schema", None)
        if "embedding_config" in configuration:
            configuration["embedding_config"]["api_key"] = {"env": f"SYNCER_SECRET_{model['id']}"}
        values["configuration"] = configuration
    return {**values, **changes}


def declarable(world: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models of workspace 1 that a good file can declare: two have no primary key, one a query that PUT refuses."""
    return [model for model in world["models"] if model["workspace_id"] == 1 and model["id"] not in {50, 51, 60}]


def secrets(models: list[dict[str, Any]]) -> dict[str, str]:
    """The variables that such files name, with the values that are live."""
    return {
        f"SYNCER_SECRET_{model['id']}": model["configuration"]["embedding_config"]["api_key"]
        for model in models
        if "embedding_config" in (model["configuration"] or {})
    }


def writes(box: Sandbox) -> list[tuple[str, str]]:
    """The requests that could have changed something."""
    return [(method, path) for method, path in box.requests if method != "GET"]
