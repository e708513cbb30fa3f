"""What people read in a terminal. Values in, text out.

plan.py      a plan, drift, and where a plan was saved
apply.py     the questions before an apply, its progress, its report
problems.py  errors and warnings in boxes, with the source line they point at
import_.py   what an import writes, and what it leaves
matches.py   which live models an import binds files to
list_.py     every model and how it stands
history.py   the runs that are remembered
doctor.py    the layers between a person and their models, checked
"""

from __future__ import annotations

from syncer.render.style import Style
from syncer.render.terminal.apply import render_event, render_left, render_prompt, render_report, render_server
from syncer.render.terminal.plan import (
    render_banner,
    render_base,
    render_comparison_banner,
    render_drift,
    render_plan,
    render_saved,
)
from syncer.render.terminal.problems import render_error, render_problems, render_warning

__all__ = [
    "Style",
    "render_banner",
    "render_base",
    "render_comparison_banner",
    "render_drift",
    "render_error",
    "render_event",
    "render_left",
    "render_plan",
    "render_problems",
    "render_prompt",
    "render_report",
    "render_saved",
    "render_server",
    "render_warning",
]
