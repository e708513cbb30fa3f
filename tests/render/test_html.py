"""The page of a plan: the same content as the comment, whole, inert, and alone in the world."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from builders import TARGET, desired, live
from hypothesis import given
from hypothesis import strategies as st
from scenes import CANARY, PLANNED, plan_of

from syncer.model import Binding, Bound, Origin, Problem, Severity
from syncer.plan.planner import Cause, Planned, Provenance, make_plan
from syncer.render.html import render_plan

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "p", "aside", "b", "code", "pre", "span", "footer", "br"),
    *("table", "tr", "th", "td", "details", "summary", "ul", "li", "h2", "a"),
}
VOID = {"meta", "br"}


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[tuple[str, str]] = Counter()
        self.lines: list[tuple[str, str]] = []
        self.text = ""
        self.style = ""
        self.is_balanced = True
        self.feed(text)
        self.close()
        self.is_balanced = self.is_balanced and not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update((tag, name) for name, _ in attrs)
        if tag == "span":
            self.lines.append((dict(attrs).get("class") or "", ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.is_balanced = self.is_balanced and bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "span":
            kind, text = self.lines[-1]
            self.lines[-1] = kind, text + data
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.is_balanced = False


def _is_inert(text: str) -> Page:
    page = Page(text)

    assert page.is_balanced
    assert set(page.tags) <= OURS
    assert set(page.attributes) <= {
        *(("html", "lang"), ("span", "class"), ("details", "open"), ("a", "href")),
        *(("meta", name) for name in ("charset", "http-equiv", "content", "name")),
    }
    assert "url(" not in page.style
    assert "@import" not in page.style
    text.encode()
    return page


@pytest.mark.parametrize("name", ["caused", "downstream", "failed", "no_changes"])
def test_a_page_reads_like_this(name: str, golden: Callable[[str, str], None]) -> None:
    """Changes with their causes, problems, or nothing to do: byte for byte."""
    golden(f"markdown/page/{name}.html", render_plan(PLANNED[name]))


@pytest.mark.parametrize("name", PLANNED)
def test_a_page_stands_alone(name: str) -> None:
    """No script, no link, nothing fetched: a policy forbids it, and nothing asks for it. The same each time."""
    text = render_plan(PLANNED[name])
    page = _is_inert(text)

    assert (
        """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"""
        in text
    )
    assert "prefers-color-scheme: dark" in page.style
    assert text == render_plan(PLANNED[name])
    assert CANARY not in text


@pytest.mark.parametrize("name", PLANNED)
def test_nothing_is_left_out(name: str) -> None:
    """A row and a diff for each model; with problems the problems alone."""
    planned = PLANNED[name]
    page = _is_inert(render_plan(planned))
    count = 0 if planned.problems else len(planned.plan.changes)

    assert page.tags["details"] == page.tags["pre"] == count
    assert page.tags["tr"] == (count + 1 if count else 0)
    fed = sum(len(effect.syncs or ()) for effect in planned.effects.values())
    assert page.tags["li"] == len(planned.problems) + fed
    for problem in planned.problems:
        assert problem.message in page.text


def test_lines_are_coloured_by_what_they_are() -> None:
    """What comes, what goes, what differs inside, and the heads of fields; what stays has no colour."""
    page = _is_inert(render_plan(PLANNED["caused"]))

    assert ("plus", "+   sum(net_amount) AS revenue,") in page.lines
    assert ("minus", "-   sum(amount)     AS revenue,") in page.lines
    assert ("differs", "! limit   = 1 -> 2") in page.lines
    assert ("head", "@@ description @@ drift: undoes an edit made in the UI") in page.lines
    assert ("", "    day,") in page.lines


def test_a_long_line_is_whole() -> None:
    """A page is what a shortened comment points at: lines are as long as they are."""
    planned = Planned(plan_of(("a", {"query": "SELECT 1\nFROM t"}, {"query": f"SELECT 1\n{'x' * 9_000}"})))

    assert ("plus", f"+ {'x' * 9_000}") in _is_inert(render_plan(planned)).lines


PIECES = st.sampled_from(["<script>", "</pre>", "<!--", "]]>", '"', "'", "&lt;", "&", "<b", "`", "a", " ", "\n"])
HOSTILE = st.lists(PIECES | st.characters(), max_size=10).map("".join)


@given(HOSTILE)
def test_foreign_text_is_inert(text: str) -> None:
    """Whatever it says it stays text: no tag and no attribute comes of it."""
    model = replace(live(), fields={**live().fields, "name": text, "query": text, "configuration": {text: text}})
    wanted = desired(text or "a")
    wanted = replace(
        wanted, fields={**wanted.fields, "name": f"{text}!", "query": "q", "configuration": {f"{text}!": 1}}
    )
    plan = make_plan(Bound((Binding(wanted, model),), (model,)), replace(TARGET, environment=text, url=text))
    change = plan.changes[0]
    problem = Problem(Origin(text, 3, 5), text, text, text, Severity.WARNING, text)
    causes = {change.address: (Cause.DRIFT,) * len(change.fields)}
    planned = Planned(plan, (problem,), (), Provenance(text, causes, {text: (text,)}), text)

    assert _is_inert(render_plan(planned)).tags["details"] == 1
    assert _is_inert(render_plan(replace(planned, problems=(problem,)))).tags["li"] == 1
