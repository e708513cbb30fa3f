"""The text of a comment, an issue or a job's summary, as GitHub-flavoured markdown."""

from __future__ import annotations

from syncer.render.markdown.plan import (
    BUDGET,
    render_drift,
    render_missing,
    render_plan,
    render_refusal,
    render_report,
)

__all__ = ["BUDGET", "render_drift", "render_missing", "render_plan", "render_refusal", "render_report"]
