"""Rendering: values in, text out. No printing, no clock, no look at the terminal; `cli` hands all of that in.

    terminal.py     plan, progress, report and problems for people
    machine.py      the same as JSON lines
    annotations.py  problems as GitHub workflow commands
    markdown.py     plan, drift and report for a pull request, an issue, a job's summary
    html.py         a plan as a page
    history.py      the runs that a folder remembers
    listing.py      every model and how it stands
    imported.py      what an import writes, and what it leaves
    checkup.py      layers that were looked at
    modelfile/      YAML out: new model files, and values into those that are there

    body.py         the lines between a model's braces: lines.py (texts), pairs.py (lists), align.py (what fits what)
    boxes.py        boxed messages with the source line they point at
    review.py       what a reviewer is told of a plan: order, causes, cautions
    downstream.py   what a change does to syncs and columns, in words
    hunks.py        a change as the lines of a diff
    inert.py        foreign text that markdown and HTML make nothing of
    totals.py       the verdicts that other tools match
    style.py        colour, width, glyphs
    text.py         foreign text made safe and visible

Everything that isn't ours (names, SQL, reasons, paths) goes through `text.py` before it may be shown. No text ends
in a line end: that is the printer's to add.
"""
