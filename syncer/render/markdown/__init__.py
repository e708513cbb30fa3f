"""A plan, drift or a report as GitHub-flavoured markdown: the text of a comment, an issue or a job's summary. Pure.

    plan.py     a plan, drift, or what refused a plan
    report.py   what an apply did
    table.py    the table of a plan's models, with those alike in one row
    diffs.py    the models' diffs, within a budget
    blocks.py   what all of these are made of: problems, alerts, lists of names

The heading with its counts, refusals and what lifts them, loosened guards, removed definitions and warnings are never
folded and never dropped. The rest is laid out anew in shorter and shorter forms until one fits the budget. Finished
markdown is never cut. The forms of a plan are, longest first:

    1  the table of models, and their diffs
    2  the same with shortened diffs, each within the same number of bytes; where even short ones are too much, the
       diffs of the first models, which are the most important ones
    3  the table
    4  the names
    5  the counts

Names and ids are links (`links.py`). A table that would take more than a third of the budget with them has none.

Foreign text goes through `escaping.py`, and never stands at the beginning of a line.
"""

from __future__ import annotations

from syncer.render.markdown.blocks import BUDGET
from syncer.render.markdown.plan import render_drift, render_missing, render_plan, render_refusal
from syncer.render.markdown.report import render_report

__all__ = ["BUDGET", "render_drift", "render_missing", "render_plan", "render_refusal", "render_report"]
