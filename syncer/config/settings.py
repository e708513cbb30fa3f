"""The settings as values: what each key means, its bounds and its default. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from syncer.model import NO_COMMON

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncer.model import Common

FILES: Final = ("syncer.toml", "pyproject.toml")
KEEP_RUNS: Final = 20
MOST_RUNS: Final = 10_000

LARGEST_ID: Final = 2**63 - 1
"""The server keeps ids as bigint."""

SANDBOX_URL: Final = "embedded"
"""What stands for the sandbox's address: it has none."""


def _number(default: int, least: int, most: int, words: str) -> int:
    """A field of `Numbers`, with its bounds and its help."""
    number: int = field(default=default, metadata={"help": words, "least": least, "most": most})
    return number


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of an environment; the same keys stand at the top of the settings for all environments."""

    requests_per_minute: int = _number(100, 0, 100_000, "Requests a minute, the first minute's at once; 0: no limit.")
    parallelism: int = _number(4, 1, 64, "Models changed at the same time.")
    connect_seconds: int = _number(10, 1, 600, "Seconds to wait for a connection.")
    read_seconds: int = _number(60, 1, 3_600, "Seconds to wait for a whole answer.")
    retry_seconds: int = _number(
        120, 0, 86_400, "Seconds of waiting between tries, without an answer, before a run gives up."
    )
    max_change_percent: int = _number(
        30, 0, 100, "An apply that changes more of the bound models than this is refused."
    )
    max_change_floor: int = _number(10, 0, 1_000_000, "Fewer changes than this are never too many.")


@dataclass(frozen=True, slots=True)
class Environment:
    """One `[environments.NAME]` table: where it is, and how it's treated."""

    name: str
    api_url: str = ""
    workspace_id: int = 0
    numbers: Numbers = Numbers()
    create: bool = False
    ui_url: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run needs to know. `root` is the folder that holds the settings file, else the one it was started in."""

    root: Path
    models: str = "models"
    default_environment: str = ""
    numbers: Numbers = Numbers()
    environments: Mapping[str, Environment] = field(default_factory=dict)
    keep_runs: int = KEEP_RUNS
    create: bool = False
    common: Common = NO_COMMON
    """What they say for all model files."""
    env_file: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A settings key as the reference documents it."""

    name: str
    kind: str
    default: str
    help: str


KEYS: Final = (
    Key("models", "text", "models", "The folder of the model files, below the settings file."),
    Key("default_environment", "text", "", "The environment that is meant when none is named."),
    Key(
        "keep_runs",
        f"number, 0 to {MOST_RUNS}",
        "20",
        "How many applies are kept on this machine, to be rolled back; 0: none.",
    ),
    Key(
        "defaults",
        "table",
        "",
        "Fields that model files leave out, such as `connector`; "
        "see [defaults](model-files.md#fields-that-many-files-share).",
    ),
    Key(
        "env_file",
        "text",
        "",
        "A file such as `.env`, below the settings' folder, that gives `SYNCER_TOKEN`, `SYNCER_EMAIL`, "
        "`SYNCER_PASSWORD` and `SYNCER_SECRET_…` where the process has no such variable. No command of CI reads it. "
        "A link, or a file that git has, is refused. Nothing in it is interpolated.",
    ),
)
ENVIRONMENT_KEYS: Final = (
    Key(
        "api_url",
        "text",
        "",
        "The server's root, such as `https://api.squared.ai`; `/api/v1` is added if it's missing.",
    ),
    Key("workspace_id", "number", "", "The workspace whose models are read and changed."),
    Key(
        "ui_url",
        "text",
        "",
        "The root of the UI (https), such as `https://app.squared.ai`: comments link to live models there.",
    ),
    Key(
        "create",
        "true or false",
        "false",
        "Let an apply create the models that no live one answers to. At the top of the file for every environment.",
    ),
    Key(
        "connectors",
        "table",
        "",
        'What connectors are called there: `warehouse = "staging warehouse"`, the name in model files first.',
    ),
    Key("defaults", "table", "", "As at the top of the file, for this environment alone; these count first."),
)
NUMBER_KEYS: Final = tuple(
    Key(one.name, f"number, {one.metadata['least']} to {one.metadata['most']}", str(one.default), one.metadata["help"])
    for one in fields(Numbers)
)


def did_you_mean(name: str, names: set[str]) -> str:
    """The nearest of the names, as a hint; all of them if none is near."""
    near = get_close_matches(name, sorted(names), 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(names))}"
