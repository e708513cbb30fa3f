"""Comments, issues and summaries: whole texts as goldens, and what holds for any plan, judged by GitHub's own parser."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from builders import TARGET, desired, live
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pages import OURS, Page, shown
from scenes import ALIKE, CANARY, COMMIT, PLANNED, PLANS, REPORTS, RUN_URL, plan_of

from syncer import package_files
from syncer.applying.outcome import Outcome, Report, Status
from syncer.model import NOWHERE, Binding, Bound, Origin, Problem, Severity
from syncer.plan import planfile
from syncer.plan.planner import Cause, Planned, Provenance, make_plan
from syncer.render import html
from syncer.render.diff.hunks import change_lines
from syncer.render.escaping import code, code_cell, fenced, link_url, prose, table_safe
from syncer.render.links import Links, path_url
from syncer.render.markdown import BUDGET, render_drift, render_missing, render_plan, render_report
from syncer.secrets import Secret

Golden = Callable[[str, str], None]
LINKS = Links("https://github.example.com/acme/models/blob/a1b2/team", "https://ui.example.com")

# -- goldens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANNED)
def test_a_plan_reads_like_this(name: str, golden: Golden) -> None:
    """Changes, causes, warnings, no changes, no plan: each has one look, byte for byte."""
    golden(f"markdown/{name}.md", render_plan(PLANNED[name], run_url=RUN_URL))


@pytest.mark.parametrize("name", ["typical", "nested", "no_changes", "nothing_compared", "failed", "hostile"])
def test_drift_reads_like_this(name: str, golden: Golden) -> None:
    """The same from git's side: what was done to the live models, and what to do now."""
    golden(f"markdown/drift/{name}.md", render_drift(PLANNED[name], run_url=RUN_URL))


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_like_this(name: str, golden: Golden) -> None:
    """The verdict, every change that isn't done and why, the names of the others."""
    golden(f"markdown/report/{name}.md", render_report(REPORTS[name], TARGET, run_url=RUN_URL))


def test_a_missing_plan_reads_like_this(golden: Golden) -> None:
    """Where there is no plan at all, the run's log is pointed at."""
    golden("markdown/missing.md", render_missing("prod", run_url=RUN_URL))


# -- the judge ---------------------------------------------------------------------------------------------------------


def _is_inert(text: str, urls: Iterable[str] = (RUN_URL,)) -> Page:
    page = shown(text)

    assert page.is_balanced
    assert set(page.tags) <= OURS
    assert page.attributes <= {("a", "href"), ("pre", "lang"), ("details", "open")}
    assert set(page.links) <= set(urls)
    # Outside of code GitHub or its parser would look for these; nothing of ours has any.
    assert not re.search(r"[@#<>\\*|$]|://|www|GH-|:\w+:|\b[0-9a-f]{7,}\b", _without_digest(page.plain))
    assert all(line == line.rstrip() for line in text.split("\n"))
    assert all(char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)
    assert not any(line.startswith("/") or line.lstrip().startswith("::") for line in text.split("\n"))
    assert not re.search(r"##\w*\[", text)
    text.encode()
    return page


def _without_digest(text: str) -> str:
    return re.sub(r"plan digest [0-9a-f]{16}", "", text)


PIECES = (
    st.sampled_from(
        ["a", " ", "\n", "\r\n", "`", "``", "```", "|", "\\", "\\|", "<", ">", "&", '"', "'", "*", "_", "~"]
    )
    | st.sampled_from(["@team", "#1", "GH-1", "http://e.vil", "www.e.vil", "a@e.vil", "deadbeef", ":tada:", "$x$"])
    | st.sampled_from(["<script>", "</details>", "<!--", "-->", "![x](y)", "[x]: y", "](", "# x", "- x", "1. x", "---"])
    | st.sampled_from(
        ["\u202e", "\u200b", "\u2028", "\x00", "\x1b", "\ud800", "\u00a0", "\ufe0f", "&lt;", "::error::x"]
    )
    | st.sampled_from(["##[error]x", "/merge", "[!NOTE]", "(", ")", ",", ".", ":", "!", "é", "日本", "😀"])
    | st.characters()
)
HOSTILE = st.lists(PIECES, max_size=14).map("".join)


def _one(text: str, before: Any, after: Any) -> Planned:
    """A plan of one model, everything foreign about which is the text."""
    # Put together by hand: normal form would trim what is to be thrown at the renderer.
    model = replace(live(), fields={**live().fields, "name": text, "query": before, "configuration": {text: before}})
    wanted = desired(text or "a")
    wanted = replace(
        wanted, fields={**wanted.fields, "name": f"{text}!", "query": after, "configuration": {text: after}}
    )
    plan = make_plan(Bound((Binding(wanted, model),), (model,)), replace(TARGET, environment=text, url=text))
    problem = Problem(Origin(text, 3, 5), text, text, text, Severity.WARNING, text)
    others = (problem, replace(problem, message=f"x {text}"), replace(problem, origin=NOWHERE, hint=""))
    causes = [(Cause.CHANGE, Cause.DRIFT, Cause.CONFLICT)[index % 3] for index, _ in enumerate(plan.changes[0].fields)]
    provenance = Provenance(text, {plan.changes[0].address: tuple(causes)}, {text: (text, "query")})
    return Planned(plan, others, (), provenance, text)


@given(HOSTILE, HOSTILE, HOSTILE)
@example("a|b\\|c\\", "`", "``|`")
@example("GH``-``1 www.``evil dead``beef", "", "a")
@example("www.`evil", "", "a")
@example("`@x` <b> [x](y)", "</details>\n```\n# x", "::error::a\n b")
@settings(max_examples=150)
def test_foreign_text_is_inert(text: str, before: str, after: str) -> None:
    """Whatever names, SQL, keys, paths, messages, commits and environments say: no tag, link or mention comes of it."""
    planned = _one(text, before, after)
    failed = replace(planned, problems=planned.warnings)
    outcomes = [
        Outcome(planned.plan.changes[0], status, text, text, planned.plan.changes[0].fields) for status in Status
    ]

    report = Report(tuple(outcomes))

    for page in (planned, failed, replace(planned, is_offline=True)):
        _is_inert(render_plan(page, run_url=RUN_URL))
    found = shown(linked := render_plan(planned, run_url=RUN_URL, links=LINKS)).links
    _is_inert(linked, map(str, found))
    assert found.count(RUN_URL) == found.count(f"{LINKS.ui}/define/models/42") == 1
    assert len(found) <= 3
    assert all(
        re.fullmatch(f"{LINKS.files}/models/[A-Za-z0-9._~%/-]+", str(one))
        for one in found
        if str(one) not in {RUN_URL, f"{LINKS.ui}/define/models/42"}
    )
    for page in (planned, failed):
        _is_inert(render_drift(page, run_url=RUN_URL))
    for budget in (BUDGET, 0):
        _is_inert(render_report(report, planned.plan.target, run_url=RUN_URL, budget=budget))
    for budget in (3_000, 0):
        _is_inert(render_plan(planned, run_url=RUN_URL, budget=budget))
    for run_url in (text, f"https://x.org/{text}"):
        _is_inert(render_missing(text, run_url=run_url), {run_url} if link_url(run_url) else ())


@given(st.lists(HOSTILE.filter(bool), min_size=1, max_size=30, unique=True))
def test_the_tables_rows_are_the_models(addresses: list[str]) -> None:
    """A row each, in the order of the diffs, with nothing of one model in another's row."""
    bindings = tuple(
        Binding(desired(address, query=f"SELECT {number}\nFROM t"), live(number, query="SELECT 0\nFROM t"))
        for number, address in enumerate(addresses, 1)
    )
    plan = make_plan(Bound(bindings), TARGET)
    page = _is_inert(render_plan(Planned(plan), run_url=RUN_URL))
    rows = [row for row in page.rows if row != ["", "model", "fields"]]

    assert [row[0::2] for row in rows] == [["~", "query"]] * len(addresses)
    assert [row[1] for row in rows] == [_seen(change.address) for change in sorted(plan.changes, key=_address)]
    assert page.tags["pre"] == len(addresses)


def _address(change: Any) -> str:
    return str(change.address)


def _seen(text: str) -> str:
    """What of a name is seen in a table."""
    page = shown(f"| a |\n|---|\n| {code_cell(text)} |")
    assert page.rows[0] == ["a"]
    assert len(page.rows) == 2
    return page.rows[1][0]


@given(HOSTILE)
@example("a`")
@example("`a")
@example(" a ")
@example("\\|")
def test_a_code_span_says_what_it_was_given(text: str) -> None:
    """One code element, and in it the visible text; in a table, too, but for a bar behind a backslash."""
    for page in (shown(f"x {code(text)}"), shown(f"| a |\n|---|\n| {code_cell(text)} |")):
        assert page.tags["code"] == 1
    bare = re.sub("\\\\+\\|", "", text)
    assert shown(f"x {code(bare)}").code == shown(f"| a |\n|---|\n| {code_cell(bare)} |").code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("primary_key of finance/revenue changes", "`primary_key` of `finance/revenue` changes"),
        ("say `lifecycle: {allow: [x]}`.", "say `lifecycle: {allow: [x]}`."),
        ("see (README.md), or #12!", "see (`README.md`), or `#12`!"),
        ("`a`b", "`a`b"),
        ("`a``@b`", "`a` `@b`"),
        ("an odd ` tick @x", "an odd `` ` `` tick `@x`"),
        ("www.`evil", "``www.`evil``"),
        ("www.``evil", '`www`.`""`evil'),
        ("30 % of 1.5 - GH-1 deadbeef", "30 % of `1.5` - `GH-1` `deadbeef`"),
        ("two\nlines", "two lines"),
        ("1. x", "`1.` x"),
        ("- x", "`-` x"),
        ("12 of 30.", "12 of 30."),
        ("", '`""`'),
        ("x" * 120, f"`{'x' * 100}…`"),
    ],
)
def test_prose_keeps_plain_words_plain(text: str, expected: str) -> None:
    """Sentences read as such; what isn't a plain word is code."""
    assert prose(text, 100) == expected


def test_a_fence_is_longer_than_what_it_holds() -> None:
    """A block ends where it should, whatever SQL is in it."""
    page = shown(fenced(["````", "</details>", "# x"], "diff") + "\n\nafter")

    assert page.code == "````\n</details>\n# x\n"
    assert page.plain.strip("\0\n") == "after"
    assert table_safe("a|b\\\\|c") == "a\\|b\\\\\\u007cc"


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "https://x.org/a b", "https://x.org/a)b", "https://x.org/<b>", "https://u@x.org/"),
        *("ftp://x.org", "//x.org", "https://x.org/\n", "https://x.org/[a]", "https://x.org/`", "", "https:///x"),
        f"https://x.org/{'a' * 600}",
    ],
)
def test_no_other_url_becomes_a_link(url: str) -> None:
    """Only what looks like a run's address may be one; else the word stands without a link, or not at all."""
    page = shown(render_plan(PLANNED["caused"], run_url=url, budget=2_000))

    assert not page.links
    assert "](" not in render_plan(PLANNED["caused"], run_url=url)


def test_no_secret_is_shown() -> None:
    """A canary in live state and in git is in no text."""
    for planned in PLANNED.values():
        for text in (render_plan(planned), render_drift(planned)):
            assert CANARY not in text
    change = PLANS["nested"].plan.changes[0]
    outcomes = [replace(outcome, change=change, unapplied=change.fields) for outcome in REPORTS["incomplete"].outcomes]
    assert CANARY not in render_report(Report(tuple(outcomes)), TARGET)


# -- diffs -------------------------------------------------------------------------------------------------------------


def _lines(before: Any, after: Any, field: str = "query") -> list[str]:
    plan = plan_of(("a", {field: before}, {field: after}))
    return [str(line) for line in change_lines(plan.changes[0], {})]


def test_an_sql_comment_is_no_files_name() -> None:
    """Sign, blank, comment: `--- x` would be taken for a header, and not be coloured."""
    lines = _lines("SELECT 1\n-- old\n++ x", "SELECT 1\n-- new\n++ y")

    assert lines == ["@@ query @@", "  SELECT 1", "- -- old", "- ++ x", "+ -- new", "+ ++ y"]


@pytest.mark.parametrize(
    ("field", "before", "after", "expected"),
    [
        ("description", "a", "b", ['- "a"', '+ "b"']),
        ("description", "", "a\nb", ['- ""', "+ a", "+ b"]),
        ("description", "a\nb", "", ["- a", "- b", '+ ""']),
        ("configuration", {"a": 1}, {"a": 2}, ["! a = 1 -> 2"]),
        ("configuration", None, {"a": [1]}, ["- null", "+ {", "+     a = [", "+         1,", "      ]", "+ }"]),
        ("configuration", {"k": {"a": 1}}, {"k": {"a": 2}}, ["  k = {", "!     a = 1 -> 2", "  }"]),
        ("configuration", {"k": ["a\nb"]}, {"k": ["a\nc"]}, None),
        ("configuration", {"key": Secret("a")}, {"key": Secret("b")}, ["! key = (sensitive value) # changed"]),
    ],
)
def test_every_difference_has_its_look(field: str, before: Any, after: Any, expected: list[str] | None) -> None:
    """Whole values go and come; what differs inside is marked where it stands, and only there."""
    lines = _lines(before, after, field)

    assert lines[0] == f"@@ {field} @@"
    if expected is None:
        assert [line[0] for line in lines[1:]] == [" ", " ", " ", "-", "+", " ", " "]
    else:
        assert lines[1:] == expected


def test_what_lines_cannot_show_is_said_in_the_head() -> None:
    """White space, line ends and causes are told in words."""
    assert _lines("a\r\nb", "a\nb")[0] == "@@ query @@ line ends only: CRLF -> LF"
    assert _lines("a b", "a  b", "description")[0] == "@@ description @@ whitespace only"
    shown_lines = render_plan(PLANNED["caused"]).split("\n")
    assert "@@ query @@ conflict: overwrites an edit made in the UI" in shown_lines
    assert "@@ description @@ drift: undoes an edit made in the UI" in shown_lines
    assert "@@ query @@" in shown_lines


def test_drift_shows_what_somebody_did() -> None:
    """The sides are swapped: git's value goes, the live one comes. What the server masks isn't said to differ."""
    change = plan_of(("a", {"description": "live"}, {"description": "git"})).changes[0]
    assert [str(line) for line in change_lines(change.reversed, {})][1:] == ['- "git"', '+ "live"']

    values = [[{"api_key": "*****"}, 1], [{"api_key": CANARY}, 2]]
    before, after = ({"inner": value[0], "list": [value[0], 5], "n": value[1]} for value in values)
    change = plan_of(("a", {"configuration": before}, {"configuration": after})).changes[0]
    lines = [str(line) for line in change_lines(change.reversed, {})]

    assert "! n     = 2 -> 1" in lines
    assert sum("masked by the server" in line for line in lines) == 2
    assert not any("# changed" in line for line in lines)


def test_a_line_that_stays_is_no_runner_command() -> None:
    """Printed to a log, no line of SQL is a command, though it stands behind blanks alone."""
    text = render_plan(Planned(plan_of(("a", {"query": "::error::x\nSELECT 1"}, {"query": "::error::x\nSELECT 2"}))))

    assert "\n  \\u003a:error::x\n" in text


# -- size --------------------------------------------------------------------------------------------------------------


@cache
def many(count: int) -> Planned:
    """A plan of models with names of some 30 characters, a line changed in each."""
    lines = 40 if count < 5_000 else 3
    query = "\n".join(f"  column_{n} AS alias_of_column_{n}," for n in range(lines))
    pairs = [
        (_named(n), {"query": f"SELECT\n{query}\n1 FROM t_{n}"}, {"query": f"SELECT\n{query}\n2 FROM t_{n}"})
        for n in range(count)
    ]
    return Planned(plan_of(*pairs), commit=COMMIT)


def _named(number: int) -> str:
    return f"marketing/audience_segment_{number:05}"


def _rewritten(count: int) -> Planned:
    """A plan of models whose whole queries change: diffs of 82 lines."""
    old, new = ("\n".join(f"  {side}_{n} AS alias," for n in range(40)) for side in ("old", "new"))
    return Planned(plan_of(*((_named(n), {"query": old}, {"query": f"{new}\n  {n}"}) for n in range(count))))


COUNTS = (1, 30, 200, 700, 1_500)


@pytest.mark.parametrize(
    ("count", "budget"),
    [
        *((1, BUDGET), (30, 20_000), (200, 2_000), (700, BUDGET)),
        *((1_500, 1_000_000), (1_500, 20_000), (10_000, BUDGET), (10_000, 2_000)),
    ],
)
def test_a_comment_fits(count: int, budget: int) -> None:
    """From one model to ten thousand: never more bytes than allowed, laid out whole, counted in the heading."""
    planned = many(count)
    for text in (render_plan(planned, run_url=RUN_URL, budget=budget), render_drift(planned, budget=budget)):
        assert len(text.encode()) <= budget
        assert re.match(f"### syncer (plan|drift) · `prod`: {count} model", text)
        assert text.endswith("</sub>")


@pytest.mark.parametrize("count", COUNTS)
def test_every_name_is_there(count: int) -> None:
    """Up to 1,500 models a comment names each that changes; a job's summary names ten thousand."""
    for render in (render_plan, render_drift):
        page = _is_inert(render(many(count), run_url=RUN_URL))
        assert all(_named(number) in page.code for number in range(count))


def test_a_summary_names_ten_thousand() -> None:
    """A job's summary may have a megabyte."""
    text = render_plan(many(10_000), run_url=RUN_URL, budget=1_000_000)

    assert len(text.encode()) <= 1_000_000
    assert len(set(re.findall(r"marketing/audience_segment_\d+", text))) == 10_000


@pytest.mark.parametrize(
    ("count", "budget", "parts", "note"),
    [
        (30, BUDGET, "diffs table names", ""),
        (60, BUDGET, "diffs table names", "Some diffs don't fit in here and are shortened; "),
        (700, BUDGET, "diffs table names", "The diffs of the last "),
        (700, 37_800, "table names", "The diffs don't fit in here; "),
        (700, 30_000, "names", "Table and diffs don't fit in here; "),
        (700, 10_000, "", "The list of 700 models doesn't fit in here; "),
    ],
)
def test_the_ladder(count: int, budget: int, parts: str, note: str) -> None:
    """All; short diffs, or those of the first models; the table; the names; the counts.

    What is missing is said, with a link to the run.
    """
    planned = _rewritten(count) if count == 60 else many(count)
    text = render_plan(planned, run_url=RUN_URL, budget=budget)
    page = _is_inert(text)

    found = {"diffs": page.tags["pre"], "table": page.tags["table"], "names": _named(0) in page.code}
    assert [part for part, count in found.items() if count] == parts.split()
    assert ("[!NOTE]" in text) == bool(note)
    assert note in text
    assert text.count(f"[the run]({RUN_URL})") == bool(note)
    assert len(text.encode()) <= budget


def test_the_first_diffs_are_shown_where_not_all_fit() -> None:
    """They are those of the table's first rows, as many as there is room for, and the others are counted."""
    text = render_plan(many(700))
    page = shown(text)
    left = re.search(r"The diffs of the last (\d+) models don't fit", text)

    assert left
    assert page.tags["pre"] == 700 - int(left[1])
    assert 64_000 < len(text.encode()) <= BUDGET
    assert f"<code>{_named(page.tags['pre'] - 1)}</code>" in text


def test_small_diffs_are_whole_before_large_ones() -> None:
    """Room is shared out evenly: what is small isn't cut for what is large, and lines stay whole."""
    small = ("a/small", {"query": "SELECT 0"}, {"query": "SELECT 1"})
    old, new = ("\n".join(f"{side} {n}" for n in range(3_000)) for side in ("old", "new"))
    planned = Planned(plan_of(small, ("b/large", {"query": old}, {"query": new})))
    text = render_plan(planned, budget=20_000)

    assert '- "SELECT 0"\n+ "SELECT 1"' in text
    left = re.search(r"_(\d+) of 6001 diff lines left out here\._", text)
    assert left
    assert text.count("\n- old ") == 6_000 - int(left[1])
    assert 19_000 < len(text.encode()) <= 20_000
    assert _is_inert(text).tags["pre"] == 2


def test_the_table_is_open_at_every_size() -> None:
    """It's what a reviewer reads first. The diffs alone are folded, but for those of a small plan."""
    for count in (4, 300):
        page = shown(render_plan(many(count)))
        assert page.tags["summary"] == page.tags["pre"]
        assert page.tags["tr"] == count + 1


def test_a_long_table_begins_with_what_is_in_it() -> None:
    """How many of each group, where it can't be seen at a glance and there are several groups."""
    risky = [(_named(n), {"primary_key": f"id_{n}"}, {"query": "SELECT 1"}) for n in range(25)]
    for count, others, told in ((25, (), ""), (23, ("a",), ""), (24, ("a",), "24 risky · 1 other changes")):
        planned = Planned(plan_of(*risky[:count], *((name, {"query": "q"}, {}) for name in others)))
        for text in (render_plan(planned), html.render_plan(planned)):
            assert ("risky ·" in text) == bool(told)
            assert told in text


def test_warnings_stay_and_are_counted() -> None:
    """Warnings are never folded. Of very many some are shown and the rest counted; the names stay in the list."""
    plan = plan_of(*((_named(n), {"primary_key": "id"}, {}) for n in range(900)))
    warnings = tuple(Problem(NOWHERE, "risky-change", f"primary_key of {_named(n)} changes", "h") for n in range(900))
    text = render_plan(Planned(plan, warnings), run_url=RUN_URL)
    page = _is_inert(text)

    assert text.count("[!WARNING]") == 2
    assert "> 880 more warnings: the run's log has all of them." in text
    assert all(_named(number) in page.code for number in range(900))
    assert "**Risky** (900): " in render_plan(Planned(plan, warnings), budget=34_000)
    tight = render_plan(Planned(plan, warnings), budget=450)
    assert "> 900 warnings: the run's log has all of them." in tight
    assert len(tight.encode()) <= 450


def test_many_problems_are_counted() -> None:
    """Twenty problems are listed, the others counted, errors and warnings apart; with little room fewer are listed.

    Problems with one cause are one item of the list: what is to be done is said once.
    """
    places = [Origin(f"models/{n}.yaml", 1, 1) for n in range(50)]
    many = tuple(Problem(place, "r", f"wrong {n}", f"mend it {n}") for n, place in enumerate(places))
    odd = Problem(NOWHERE, "r", "odd", "", Severity.WARNING)
    planned = replace(PLANNED["typical"], problems=(odd, *many))

    assert "\n\n50 errors to mend first, and 1 warning:\n\n" in render_plan(planned)
    assert render_plan(planned).count("\n- ") == 21
    assert "\n- 30 more errors and 1 more warning: the run's log has all of them" in render_plan(planned)
    assert render_plan(planned, budget=500).count("\n- ") == 6
    assert "\n- 50 errors and 1 warning: the run's log has all of them" in render_plan(planned, budget=200)
    assert "primary_key" not in render_plan(planned)

    alike = [Problem(place, "missing-secret", "A is not set", "set it") for place in places]
    apart = [Problem(place, "unknown-id", f"no model {n}", "look") for n, place in enumerate(places[:12])]
    shown = render_plan(replace(planned, problems=(odd, *alike[:3], *apart, *alike[3:9])))
    assert shown.split("\n\n")[2:4] == [
        "21 errors to mend first, and 1 warning:",
        "\n".join(
            [
                f"- A is not set (in 9 places: {', '.join(f'`models/{n}.yaml:1:1`' for n in range(9))})<br>set it",
                "- 12 problems of the rule `unknown-id`<br>look",
                *(f"  - `models/{n}.yaml:1:1`: no model {n}" for n in range(11)),
                "- 1 more error and 1 more warning: the run's log has all of them",
            ]
        ),
    ]
    shown = render_plan(replace(planned, problems=(*alike[:19], *apart)))
    assert "\n- 12 problems of the rule `unknown-id`<br>look\n  - `models/0.yaml:1:1`: no model 0\n- 11 more" in shown
    shown = render_plan(replace(planned, problems=tuple(alike)))
    assert ", `models/19.yaml:1:1`, …)<br>set it\n- 30 more errors: the run's log has all of them" in shown
    assert "in 50 places: `models/0.yaml:1:1`, " in shown


def test_a_report_fits() -> None:
    """Reasons go first, then the table, then the names of what is done, then all names."""
    change = PLANS["typical"].plan.changes[0]
    changes = [replace(change, desired=replace(change.desired, address=_named(n))) for n in range(1_000)]
    statuses = [Status.DONE, Status.FAILED, Status.CONFLICT]
    report = Report(
        tuple(Outcome(change, statuses[n % 3], "refused", "x " * 50) for n, change in enumerate(changes)),
    )
    sizes = [len(render_report(report, TARGET, budget=budget)) for budget in (10**6, 60_000, 40_000, 25_000, 2_000)]

    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 5
    assert sizes[4] < 2_000
    assert "**Failed** (333): " in render_report(report, TARGET, budget=40_000)


# -- words -------------------------------------------------------------------------------------------------------------


def test_conflicts_and_risky_changes_come_first() -> None:
    """Then drift, then the others; by name in each."""
    names = ["a/other", "b/drift", "c/risky", "d/conflict", "e/other"]
    risky = {"c/risky": {"primary_key": "id"}}
    plan = plan_of(*((name, risky.get(name, {"query": "SELECT 0"}), {}) for name in names))
    causes = dict.fromkeys(names, (Cause.CHANGE,)) | {"b/drift": (Cause.DRIFT,), "d/conflict": (Cause.CONFLICT,)}
    page = shown(render_plan(Planned(plan, provenance=Provenance("", causes, {}))))

    assert [row[1] for row in page.rows[1:]] == ["d/conflict", "c/risky", "b/drift", "a/other", "e/other"]
    assert [row[3] for row in page.rows[1:]] == ["conflict", "this change", "drift", "this change", "this change"]


def test_models_with_the_same_change_are_told_together(golden: Golden) -> None:
    """In one row and one fold, last in their group; each name leads to its file, each id to its live model.

    What differs beside the change (the reason, the risk, a sync that notices) keeps models apart.
    """
    text = render_plan(ALIKE, run_url=RUN_URL, links=LINKS)
    golden("markdown/alike.md", text)
    golden("markdown/page/alike.html", html.render_plan(ALIKE, links=LINKS))
    page = _is_inert(text, map(str, shown(text).links))

    assert [row[1].partition(":")[0] for row in page.rows[1:]] == [
        *("b/drifts", "c/fed", "a/one", "a/rest|of", "3 models", "5 models"),
    ]
    assert page.tags["pre"] == len(page.rows) - 1
    assert all(change.address in page.code for change in ALIKE.plan.changes)


def test_small_plans_show_their_diffs_open() -> None:
    """Three models however long they are, or forty lines that differ."""
    long, other = ("\n".join(f"{side} {n}" for n in range(30)) for side in "ab")
    for count, queries, is_open in (
        (3, (long, other), True),
        (4, (long, other), False),
        (40, ("a", "b"), False),
        (20, ("a", "b"), True),
    ):
        rows = (({"query": f"{queries[0]}{n}\n"}, {"query": f"{queries[1]}{n}\n"}) for n in range(count))
        planned = Planned(plan_of(*((_named(n), *row) for n, row in enumerate(rows))))
        for text in (render_plan(planned), html.render_plan(planned)):
            assert ("<details open>" in text, "<details>" in text) == (is_open, not is_open)


def test_links_stay_below_their_roots() -> None:
    """A path that leads elsewhere, or an address that isn't https, makes no link; odd characters are escaped."""
    assert LINKS.file("models/a b/](x)|é.yaml") == f"{LINKS.files}/models/a%20b/%5D%28x%29%7C%C3%A9.yaml"
    for path in ("", "../a", "models/../../a", "/a", "a//b", "./a", "a/\ud800", "a" * 500):
        assert LINKS.file(path) == ""
    change = PLANNED["typical"].plan.changes[0]
    for ui in ("", "http://ui.example.com", "javascript:alert(1)", "https://ui.example.com/)x", "https://u@x.org"):
        assert Links(ui, ui).model(change) == Links(ui, ui).file("models/a.yaml") == ""
    assert Links(ui="https://ui.example.com/x/").live(7, "ai_ml") == "https://ui.example.com/x/define/models/ai/7"
    assert (Links(ui="https://ui.example.com").live(0, ""), path_url("https://x", "")) == ("", "https://x")


def test_links_go_before_diffs_do() -> None:
    """A long table has none, and each name is still there."""
    few, more = (render_plan(many(count), links=LINKS) for count in (30, 300))

    assert few.count(f"]({LINKS.files}/") == 30
    assert f"]({LINKS.files}/" not in more
    assert more.count("| ~ | `marketing/") == 300
    assert f"]({LINKS.ui}/define/models/" in more


def test_refused_models_come_first() -> None:
    """Before risky ones, also where what is refused stands in a file of defaults, and after a plan file was read."""
    risky = {"primary_key": "id"}
    plan = plan_of(("a/risky", risky, {}), ("b/refused", {"connector_id": 2}, {}), ("c/by_default", risky, {}))
    origins = Origin("models/b/refused.yaml", 3, 1), Origin("models/_defaults.yaml", 1, 1)
    refusals = tuple(
        Problem(one, "r", "m", about=about)
        for one, about in zip(origins, ("", "models/c/by_default.yaml"), strict=True)
    )
    planned = Planned(plan, refusals=refusals)
    for one in (planned, planfile.loads(planfile.dumps(planned).encode(), package_files.schema("plan"), "plan.json")):
        assert [row[1] for row in shown(render_plan(one)).rows[1:]] == ["b/refused", "c/by_default", "a/risky"]


def test_who_edited_is_warned_of() -> None:
    """What would be overwritten or undone is said first, with names and fields; once, if it's refused."""
    text = render_plan(PLANNED["caused"])

    assert "3 changes would overwrite" not in render_plan(PLANNED["refused"])
    assert (
        "> [!WARNING]\n> 1 of 3 changes would overwrite edits made in the UI to the same fields: `marketing/leads` (`query`)\n"
        "\n> [!WARNING]\n> 1 of 3 changes would undo edits made in the UI: `finance/revenue_daily` (`description`)\n"
    ) in text
    assert "What this change brings is live already in 1 model: `crm/accounts` (`description`, `query`)" in text


def test_nothing_is_claimed_that_was_not_compared() -> None:
    """Equality is certain only of what was read, and of all of it."""
    empty = PLANNED["no_changes"]
    none = "No changes. Merging this alters nothing in `prod`."

    assert none in render_plan(empty)
    assert none not in render_plan(replace(empty, is_offline=True))
    assert none not in render_plan(replace(empty, plan=replace(empty.plan, excluded=2)))
    assert "2 definitions left out by --target" in render_plan(replace(empty, plan=replace(empty.plan, excluded=2)))
    assert "No model was compared." in render_drift(PLANNED["nothing_compared"])


def test_the_digest_is_in_the_footer() -> None:
    """The first 16 digits, so that a reviewer can tell whether this is what will be applied."""
    planned = PLANNED["typical"]

    assert f"<sub>plan digest {planned.plan.digest[:16]} · " in render_plan(planned)


@pytest.mark.parametrize("name", PLANNED)
def test_rendering_is_determined_by_its_arguments(name: str) -> None:
    """The same plan gives the same bytes, each time."""
    for render in (render_plan, render_drift):
        assert render(PLANNED[name], run_url=RUN_URL) == render(PLANNED[name], run_url=RUN_URL)


@pytest.mark.parametrize("name", PLANNED)
def test_every_scene_is_laid_out_as_meant(name: str) -> None:
    """GitHub's parser finds the headings, tables and folds that were written, and a diff for each model."""
    page = _is_inert(render_plan(PLANNED[name], run_url=RUN_URL))
    planned = PLANNED[name]
    count = 0 if planned.problems else len(planned.plan.changes)

    assert page.tags["h3"] == 1
    assert page.tags["details"] == page.tags["pre"] == count
    assert page.tags["tr"] == (count + 1 if count else 0)
    assert page.tags["a"] == 1


def test_a_field_deep_in_a_list_is_named_once() -> None:
    """Paths go down to the first list; of many fields a few are named and the others counted."""
    plan = plan_of(("a", {"configuration": {"k": [1, 2], "x": 0}}, {"configuration": {"k": [3, 4, 5], "x": 1}}))

    assert "| `configuration.k`, `configuration.x` |" in render_plan(Planned(plan))
