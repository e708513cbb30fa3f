"""`syncer ci drift`: one issue an environment, closed when nothing differs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.model import Target


@dataclass(frozen=True, slots=True)
class CiDriftOptions:
    """What `syncer ci drift` is asked for."""

    environment: str = flags.environment()
    base: str = flags.applied_commit()
    detailed_exitcode: bool = flags.detailed_exitcode("exit with 2 if something differs")
    dry_run: bool = flags.dry_run("print what would be posted, ask nobody")
    view: groups.View = flags.group(groups.View, groups.SHOWN)
    files: groups.Files = flags.group(groups.Files, groups.KEPT)


def run(options: CiDriftOptions, screen: Screen) -> int:
    """Look for drift, keep it where the flags say, and keep the issue."""
    from contextlib import suppress

    from syncer.cli.ci import job
    from syncer.cli.shared import planning
    from syncer.cli.shared.output_files import Outputs, folder_in_repository, refuse_secrets
    from syncer.errors import SyncerError
    from syncer.render import markdown
    from syncer.render.text import runner_safe
    from syncer.review import posting
    from syncer.review.marker import Kind

    host = job.host_of(screen)
    job.mask(screen, host)
    outputs = Outputs.of(options.files, drift=True)
    context = host.context
    settled: Run | None = None
    try:
        settled = job.run_of_job(options.environment)
        with outputs.kept_on_failure(settled):
            request = planning.Request("ci drift", view=options.view)
            planned = planning.drifted(request, screen, settled, options.base)
        outputs.keep(planned)
    except SyncerError as error:
        if not options.dry_run:
            with suppress(SyncerError):
                host.set_outputs({"has_drift": "unknown", "exit_code": "1"})
                if settled is not None:
                    failed = planning.failed_plan(settled, error)
                    text = markdown.render_drift(
                        failed, run_url=context.run_url, budget=job.SUMMARY, folder=folder_in_repository()
                    )
                    refuse_secrets(text, "the summary")
                    host.add_summary(text)
        raise

    place = job.place()

    links = job.links(context, settled.environment.name, planned.commit)

    def render(budget: int) -> str:
        return markdown.render_drift(planned, run_url=context.run_url, budget=budget, folder=place.folder, links=links)

    summary = render(job.SUMMARY)
    refuse_secrets(summary, "the issue")
    word = ("false", "unknown", "true")[planned.code]
    if not options.dry_run:
        host.set_outputs(
            {"has_drift": word, "to_change": str(len(planned.plan.changes)), "exit_code": str(planned.code)}
        )
        host.add_summary(summary)
        about = replace(context, head_sha=planned.commit)
        marker = job.marker(Kind.DRIFT, _instance(settled.target), about, planned.plan.digest)
        where = f"{place.folder}, " if place.folder else ""
        title = f"syncer: {where}{settled.environment.name} differs from git"
        if not planned.problems:
            told = None if planned.plan.is_empty else render
            posted = posting.keep_issue(host, marker, title, told, inherits=place.inherits)
            job.say(screen, "issue", posted)
    elif not planned.plan.is_empty:
        screen.show(runner_safe(render(host.max_bytes)))
    return planned.code if planned.code == 1 or options.detailed_exitcode else 0


def _instance(target: Target) -> str:
    """The name of a target's issue. It depends on the address, so another target of the same name has another issue."""
    import hashlib

    where = hashlib.sha256(f"{target.url} {target.workspace_id}".encode()).hexdigest()
    return f"{target.environment}@{where[:12]}"


COMMAND = Command(
    "drift",
    Words(
        "Look for what was changed outside git, and keep one issue about it.",
        "The issue is closed when nothing differs. The target comes from SYNCER_API_URL and SYNCER_WORKSPACE_ID alone.",
        "syncer ci drift\nsyncer ci drift --dry-run",
    ),
    CiDriftOptions,
    run,
)
