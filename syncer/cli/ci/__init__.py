"""`syncer ci`: a CI job's part. What the host's event says becomes a plan's base, a comment, a refusal, an issue.

plan, comment, apply, drift   the sub-commands       former_settings   the settings at a change's base
pull_request_comment          what a comment says    job               what the sub-commands share
"""

from __future__ import annotations

from syncer.cli.ci import apply, comment, drift, plan
from syncer.cli.shared.command import CommandGroup, Words

COMMAND = CommandGroup(
    "ci",
    Words(
        "Run a step of a CI job: plan, comment, apply or drift. The job's event says what it is about.",
        "It works on GitHub and GitLab. The target comes from SYNCER_API_URL and SYNCER_WORKSPACE_ID alone.",
        "syncer ci plan --out plan.json\nsyncer ci comment plan.json --dry-run\n"
        "syncer ci apply plan.json --expect-digest HEX",
    ),
    (plan.COMMAND, comment.COMMAND, apply.COMMAND, drift.COMMAND),
)
