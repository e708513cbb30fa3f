"""Flags that several commands have, as the dataclasses that their options hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from syncer.cli.shared import flags

KEPT: Final = "what is kept besides (readable by you alone, never with a secret)"
LETS_PASS: Final = "what this run lets pass"  # noqa: S105 - a title
SHOWN: Final = "what is shown"
"""Titles of groups."""

ALLOWED: Final = ("primary_key", "connector_id", "query_type", "lost_column", "protect")
"""What `--allow` lets pass."""

ON_DRIFT: Final = ("fail", "warn", "overwrite")
"""What an apply does about edits made outside git."""


@dataclass(frozen=True, slots=True)
class Guards:
    """What one run lets pass. Only a plan with a base can tell of edits made outside git: see `BaseGuards`."""

    allow: tuple[str, ...] = flags.texts(
        "--allow",
        metavar="WHAT",
        choices=ALLOWED,
        what="let this pass in every model, as `lifecycle.allow` does in one file: primary_key, connector_id, "
        "query_type, lost_column; and protect, which no file can allow; may be repeated",
    )
    max_change_percent: int | None = flags.number(
        "--max-change-percent", kind=flags.percent, metavar="N", what="refuse to change more of the bound models (30)"
    )
    on_drift: str = ""


@dataclass(frozen=True, slots=True)
class BaseGuards(Guards):
    """What one run lets pass that may have a base."""

    on_drift: str = flags.choice(
        "--on-drift",
        choices=ON_DRIFT,
        what="edits made outside git: warn (default) undoes them but overwrites none that this change competes with",
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which definitions a command is about."""

    targets: tuple[str, ...] = flags.targets()
    connectors: tuple[str, ...] = flags.texts(
        "--connector", metavar="NAME|ID", what="only those that read this connector; may be repeated"
    )
    query_types: tuple[str, ...] = flags.texts(
        "--query-type", metavar="TYPE", what="only those of this type; may be repeated"
    )
    changed: str = flags.changed()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an apply writes, and whether it goes on after a failure."""

    parallelism: int | None = flags.number(
        "--parallelism", kind=flags.workers, metavar="N", what="models changed at the same time (4)"
    )
    fail_fast: bool = flags.switch("--fail-fast", what="begin nothing new after a failure")


@dataclass(frozen=True, slots=True)
class View:
    """How much of a plan is shown."""

    verbose: bool = flags.switch("--verbose", "--show-unmanaged", what="list the live models that no file declares")
    summary: bool = flags.switch("--summary", what="one line a model")


@dataclass(frozen=True, slots=True)
class RunView(View):
    """How a command that makes no files of a plan is shown."""

    json: str = flags.json_lines()


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a plan is kept in, empty for none; `plan_json` may be stdout."""

    plan_json: str = flags.json_lines()
    markdown: str = flags.text(
        "--markdown", metavar="FILE", what="what a comment or an issue would say", values=flags.FILES
    )
    html: str = ""
    out: str = flags.text(
        "--out", metavar="FILE", what="keep the plan, for `syncer show` and `syncer apply FILE`", values=flags.FILES
    )


@dataclass(frozen=True, slots=True)
class PageFiles(Files):
    """The files that a plan is kept in, with a page."""

    html: str = flags.text("--html", metavar="FILE", what="a page for a browser", values=flags.FILES)
