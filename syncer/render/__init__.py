"""Rendering: values in, text out. No printing, no clock, no look at the terminal: `cli` hands all of that in.

One output each:

    terminal/           for people: a module for each thing that commands show
    json_lines.py       for programs: all that `--json` prints
    markdown/           for pull requests, issues and a job's summary
    html.py             a plan as a page
    annotations.py      problems beside their lines on GitHub
    modelfile/          YAML: new model files, and values put into existing ones

Words and orders that several outputs share:

    plan_table.py       the table of a plan's models: their order, and which are told together
    provenance.py       causes, edits that would be undone, what is live or removed already
    effects.py          columns, and the syncs that a model feeds
    links.py            where names and ids lead
    totals.py           verdicts and counts
    problem_groups.py   problems that are told together
    command_lines.py    commands in messages, completed so that they can be pasted

What all of them are made of:

    diff/               what differs between two values, as rows or lines
    style.py            colour, width, glyphs
    escaping.py         foreign text in markdown and HTML
    text.py             foreign text made visible and safe, and how wide it is

Everything that isn't ours (names, SQL, reasons, paths) goes through `text.py` before it's shown. No text ends in a
line end, because the printer adds it.
"""
