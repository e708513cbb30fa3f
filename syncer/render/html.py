"""A plan as one page of HTML, without scripts and without anything from elsewhere; light or dark as the reader likes.

It says what the comment says and leaves nothing out, because a shortened comment points at it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from syncer.plan.planner import LOOSENED
from syncer.render.command_lines import Commands
from syncer.render.effects import consequences, feeds, feeds_line
from syncer.render.escaping import html_escaped, html_text
from syncer.render.links import NO_LINKS
from syncer.render.plan_table import (
    alike,
    causes_text,
    feeds_text,
    group_counts,
    names_text,
    opens_diffs,
    shared_consequences,
    shown_lines,
    table_rows,
    titled,
)
from syncer.render.problem_groups import grouped
from syncer.render.provenance import already_live, cautions, removed_line, removed_title
from syncer.render.text import counted
from syncer.render.totals import not_compared, plan_counts, untouched_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncer.model import Problem
    from syncer.plan.planner import Planned, Removed
    from syncer.render.diff.hunks import Line
    from syncer.render.links import Links
    from syncer.render.plan_table import ModelRow
    from syncer.render.provenance import Caution

_STYLE: Final = """\
:root { color-scheme: light dark; --ink: #1f2328; --faint: #59636e; --paper: #fff; --rule: #d1d9e0; --soft: #f6f8fa;
  --plus: #dafbe1; --minus: #ffebe9; --differs: #fff8c5; --head: #ddf4ff; --alarm: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f6fc; --faint: #9198a1; --paper: #0d1117; --rule: #3d444d;
  --soft: #151b23; --plus: #12351f; --minus: #43191c; --differs: #3a2d0c; --head: #12293f; --alarm: #d29922; } }
body { max-width: 980px; margin: 2em auto; padding: 0 1em; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h2 { font-size: 1.1em; }
a { color: inherit; }
h1 { font-size: 1.4em; border-bottom: 1px solid var(--rule); padding-bottom: .3em; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
code { background: var(--soft); padding: .1em .35em; border-radius: 4px; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--rule); padding: .3em .7em; text-align: left; vertical-align: top; }
aside { border-left: 4px solid var(--alarm); padding: .1em 1em; margin: 1em 0; }
aside b { color: var(--alarm); }
details { border: 1px solid var(--rule); border-radius: 6px; margin: .6em 0; padding: .4em .8em; }
summary { cursor: pointer; }
pre { background: var(--soft); border-radius: 6px; padding: .6em 0; overflow-x: auto; }
pre span { display: block; width: max-content; min-width: 100%; box-sizing: border-box; padding: 0 .8em;
  min-height: 1.45em; white-space: pre; }
.plus { background: var(--plus); } .minus { background: var(--minus); } .differs { background: var(--differs); }
.head { background: var(--head); color: var(--faint); }
footer { color: var(--faint); font-size: .85em; margin-top: 2em; }"""

_KINDS: Final = {"+": "plus", "-": "minus", "!": "differs", "@": "head"}


def render_plan(planned: Planned, *, folder: str = "", links: Links = NO_LINKS) -> str:
    """The page of a plan, of drift, or of the problems that kept a plan from being made.

    `folder` is where the settings stand, from the repository's top; empty at the top.
    """
    planned = Commands(folder, planned.plan.target.environment).completed_plan(planned)
    if planned.problems:
        return _page(planned, "failed", _problems(planned.problems))
    footer = _footer(planned)
    if planned.is_drift:
        seen = tuple(change.reversed for change in planned.plan.changes)
        planned = replace(planned, plan=replace(planned.plan, changes=seen))
    changes = planned.plan.changes
    loosened = [one for one in planned.warnings if one.rule == LOOSENED]
    others = [one for one in planned.warnings if one.rule != LOOSENED]
    body = [
        *_alerts(planned.refusals, "Refused"),
        *_alerts(loosened),
        *([_removed(planned.removed, links)] if planned.removed else []),
        *(_alert([_caution(caution)]) for caution in cautions(planned)),
        *_alerts(others),
    ]
    live = already_live(planned)
    end = [*([f"<p>{_caution(live)}.</p>"] if live else []), footer]
    if not changes:
        unset = not_compared(planned.plan)
        said = f"{unset}, nothing else differs" if unset else "No drift" if planned.is_drift else "No changes"
        return _page(planned, said.lower(), [*body, f"<p>{said}.</p>", *end])
    rows = table_rows(planned)
    has_id = not planned.is_offline
    outside = f"{counted(len(changes), 'model')} changed outside git"
    return _page(
        planned,
        outside if planned.is_drift else plan_counts(planned),
        [
            *body,
            _table(rows, links, has_causes=planned.provenance is not None),
            *_diffs(rows, links, has_id=has_id),
            *end,
        ],
    )


def _page(planned: Planned, said: str, body: Iterable[str]) -> str:
    title = f"syncer {'drift' if planned.is_drift else 'plan'} · {html_text(planned.plan.target.environment)}: {said}"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>\n{_STYLE}\n</style>",
            "</head>",
            "<body>",
            f"<h1>{title}</h1>",
            f"<p>{_where(planned)}</p>",
            *body,
            "</body>",
            "</html>",
        ]
    )


def _where(planned: Planned) -> str:
    commit = f" for {_code(planned.commit[:12])}" if planned.commit else ""
    if planned.is_offline:
        return f"Planned{commit} from the files only; the target was not read."
    target = planned.plan.target
    done = "Compared" if planned.is_drift else "Planned"
    return f"{done}{commit} against workspace {target.workspace_id} at {_code(target.url)}."


def _code(text: str) -> str:
    return f"<code>{html_text(text)}</code>"


def _caution(caution: Caution) -> str:
    named = (f"{_code(address)} ({', '.join(map(_code, fields))})" for address, fields in caution.models)
    return f"{caution.sentence}: {', '.join(named)}"


def _removed(removed: Sequence[Removed], links: Links) -> str:
    listed = (removed_line(one, _code, _linked(str(one.id), links.live(one.id, one.query_type))) for one in removed)
    return _alert([f"{removed_title(len(removed))}.", *listed])


def _alerts(told: Sequence[Problem], title: str = "Warning") -> list[str]:
    return [_alert([_about(problem) for problem in group], group[0].hint, title) for group in grouped(told)]


def _alert(lines: Sequence[str], hint: str = "", title: str = "Warning") -> str:
    said = [*lines, *([html_text(hint)] if hint else [])]
    return f"<aside><p><b>{title}</b></p>{''.join(f'<p>{line}</p>' for line in said)}</aside>"


def _about(problem: Problem) -> str:
    place = f"{_code(str(problem.origin))}: " if problem.origin.path else ""
    return f"{place}{html_text(problem.message)}"


def _problems(problems: Iterable[Problem]) -> list[str]:
    return ["<ul>", *map(_group, grouped(problems)), "</ul>"]


def _group(group: Sequence[Problem]) -> str:
    about = "<br>".join(map(_about, group))
    return f"<li>{about}{_hint(group[0])}</li>"


def _hint(problem: Problem) -> str:
    return f"<br>{html_text(problem.hint)}" if problem.hint else ""


def _table(rows: Sequence[ModelRow], links: Links, *, has_causes: bool) -> str:
    has_feeds = bool(feeds_text(rows))
    head = "<th>why</th>" * has_causes + "<th>feeds</th>" * has_feeds
    lines = [f"<tr><th></th><th>model</th><th>fields</th>{head}</tr>"]
    for some in alike(rows):
        row = some[0]
        fields = ", ".join(f"{_code(path)}{f' ({mark})' if mark else ''}" for path, mark in row.fields)
        fields = "new" if row.change.is_creation else fields
        names = names_text(some, lambda one: _linked(_code(one.address), links.file(one.change.desired.document.path)))
        more = f"<td>{causes_text(row, _code)}</td>" if has_causes else ""
        more += f"<td>{feeds_text(some)}</td>" if has_feeds else ""
        cells = f"<td>{row.change.action.value}</td><td>{names}</td><td>{fields}</td>"
        lines.append(f"<tr>{cells}{more}</tr>")
    counts = group_counts(rows)
    return "\n".join([*([f"<p>{counts}</p>"] if counts else []), "<table>", *lines, "</table>"])


def _linked(shown: str, url: str) -> str:
    return f'<a href="{html_escaped(url)}">{shown}</a>' if url else shown


def _diffs(rows: Sequence[ModelRow], links: Links, *, has_id: bool) -> Iterator[str]:
    opening = "<details open>" if opens_diffs(rows) else "<details>"
    for title, some in titled(rows):
        if title:
            yield f"<h2>{title}</h2>"
        yield f"{opening}{_diff(some, links, has_id=has_id)}</details>"


def _diff(rows: Sequence[ModelRow], links: Links, *, has_id: bool) -> str:
    row, *others = rows
    lines = shown_lines(rows)
    named = f"{len(rows)} models · {_code(row.fields[0].path)}" if others else _code(row.address)
    summary = f"{row.change.action.value} {named} · {counted(len(lines), 'line')}"
    if others:
        listed = "".join(f"<li>{_item(one, links, has_id=has_id)}</li>" for one in rows)
        said = shared_consequences(rows, _code)
        told = f"<ul>{listed}</ul>" + (f"<p>{said}</p>" if said else "")
    else:
        live = _live(row, links, has_id=has_id)
        told = (f"<p>{live[:1].upper()}{live[1:]}.</p>" if live else "") + _effects(row)
    return f"<summary>{summary}</summary>{told}<pre>{''.join(map(_line, lines))}</pre>"


def _item(row: ModelRow, links: Links, *, has_id: bool) -> str:
    told = "; ".join(filter(None, [_live(row, links, has_id=has_id), feeds_line(row.effect, _code)]))
    return f"{_code(row.address)}: {told}" if told else _code(row.address)


def _live(row: ModelRow, links: Links, *, has_id: bool) -> str:
    change = row.change
    if change.is_creation:
        return "a new model: its id is known after the apply"
    if not has_id:
        return ""
    return f"live model {_linked(str(change.id), links.model(change))}, {_code(change.live.name)}"


def _effects(row: ModelRow) -> str:
    if row.effect is None:
        return ""
    said = consequences(row.change, row.effect, _code)
    listed = "".join(f"<li>{one}</li>" for one in feeds(row.effect, _code))
    return (f"<p>{said}</p>" if said else "") + (f"<p>Feeds:</p><ul>{listed}</ul>" if listed else "")


def _line(line: Line) -> str:
    kind = f' class="{_KINDS[line.sign]}"' if line.sign else ""
    return f"<span{kind}>{html_escaped(str(line))}</span>"


def _footer(planned: Planned) -> str:
    provenance = planned.provenance
    base = [f"base {_code(provenance.commit[:12])}"] if provenance and provenance.commit else []
    return f"<footer>{' · '.join([f'plan digest {planned.plan.digest}', *untouched_counts(planned), *base])}</footer>"
