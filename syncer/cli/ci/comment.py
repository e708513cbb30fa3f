"""`syncer ci comment`: one comment a pull request and environment; summary, outputs and annotations of every run.

What follows a stranger's run plans the change itself, from git's objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class CiCommentOptions:
    """What `syncer ci comment` is asked for."""

    file: str = flags.operand("PLANFILE", "the saved plan (default: plan.json)", default="", values=flags.FILES)
    environment: str = flags.environment()
    comment_when: str = flags.choice(
        "--comment-when",
        choices=("changes", "always", "never"),
        default="changes",
        what="when to write a first comment (default: changes); a failure always does",
    )
    dry_run: bool = flags.dry_run("print what would be posted, and contact no host")
    view: groups.RunView = flags.group(groups.RunView, groups.SHOWN)


def run(options: CiCommentOptions, screen: Screen) -> int:
    """Keep the comment, and what the job shows beside it."""
    from syncer.cli.ci import pull_request_comment

    request = pull_request_comment.Request(
        options.file, options.environment, options.comment_when, options.view, is_dry=options.dry_run
    )
    return pull_request_comment.comment(request, screen)


COMMAND = Command(
    "comment",
    Words(
        "Write one comment on the pull request, and the job's summary, annotations and outputs.",
        "A later run updates the same comment. After a fork's run it plans the fork's change itself, from the "
        "files alone.",
        "syncer ci comment plan.json\nsyncer ci comment plan.json --dry-run",
    ),
    CiCommentOptions,
    run,
)
