"""What people read: whole outputs as goldens, and what holds for any plan, however hostile."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from builders import TARGET, desired, live
from hypothesis import example, given
from hypothesis import strategies as st
from scenes import CANARY, COMMIT, EVENTS, PLANNED, PLANS, PROBLEMS, REPORTS, Scene, plan_of

from syncer.errors import ApiError, InputError, RefusedError, SettingsError
from syncer.events import Modifying, Waiting
from syncer.model import ABSENT, NOWHERE, Binding, Bound, Origin, Problem, Severity
from syncer.plan.planner import Cause, Plan, Planned, Provenance, make_plan
from syncer.render.diff.matching import match_sequences
from syncer.render.diff.text_lines import differing_parts
from syncer.render.diff.values import DEEPEST, ValueLayout, change_rows, path_text
from syncer.render.terminal import (
    Style,
    render_banner,
    render_drift,
    render_error,
    render_event,
    render_plan,
    render_problems,
    render_prompt,
    render_report,
    render_saved,
)
from syncer.render.text import cells, quoted, runner_safe, visible, visible_line, wrapped
from syncer.secrets import Secret, SecretRef

if TYPE_CHECKING:
    from syncer.render.diff.rows import Row

Golden = Callable[[str, str], None]

PLAIN = Style()
COLOUR = Style(colour=True)
ASCII = Style(unicode=False)

SGR = re.compile(r"\x1b\[[0-9;]*m")
TEXTS = re.compile(r' = ("(?:[^"\\]|\\.)*") -> ("(?:[^"\\]|\\.)*")(?: # [\w :>,-]+)?$')
FOLD = re.compile(r"# \((\d+) unchanged (attribute|element|line|character)s? hidden\)")


# -- goldens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_reads_like_this(name: str, golden: Golden) -> None:
    """Every kind of difference has one look, byte for byte."""
    scene = PLANS[name]

    golden(f"{name}/plan.txt", render_plan(Planned(scene.plan, tuple(scene.warnings)), PLAIN))


@pytest.mark.parametrize("name", ["typical", "no_changes", "targeted"])
def test_a_plan_can_be_shorter_or_longer(name: str, golden: Golden) -> None:
    """`summary` gives one line a model, `verbose` lists the live models that no file declares."""
    scene = PLANS[name]

    golden(f"{name}/summary.txt", render_plan(Planned(scene.plan, tuple(scene.warnings)), PLAIN, summary=True))
    golden(f"{name}/verbose.txt", render_plan(Planned(scene.plan, tuple(scene.warnings)), PLAIN, verbose=True))


def test_what_a_change_does_downstream_stands_below_it(golden: Golden) -> None:
    """The columns, the syncs that it feeds and what it means for them; new models as a whole; in short, the counts."""
    golden("downstream/plan.txt", render_plan(PLANNED["downstream"], PLAIN))
    golden("downstream/summary.txt", render_plan(PLANNED["downstream"], PLAIN, summary=True))


def test_colours_are_terraforms(golden: Golden) -> None:
    """Symbols, arrows, comments and headings are coloured; the golden shows an escape as ^[."""
    scene = PLANS["typical"]
    shown = render_plan(Planned(scene.plan, tuple(scene.warnings)), COLOUR)

    golden("typical/plan.colour.txt", shown.replace("\x1b", "^["))


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_like_this(name: str, golden: Golden) -> None:
    """Every change that isn't done is explained, then the totals."""
    golden(f"report/{name}.txt", render_report(REPORTS[name], PLAIN))


def test_problems_read_like_this(golden: Golden) -> None:
    """Each problem with its rule, place, line and caret; or one line each."""
    golden("problems/problems.txt", render_problems(PROBLEMS, PLAIN))
    golden("problems/ascii.txt", render_problems(PROBLEMS, ASCII))


def test_errors_read_like_this(golden: Golden) -> None:
    """What, where, why, what now; a refusal comes after the guards that it is about."""
    errors = [
        SettingsError("no environment named `prd`", "did you mean `prod`?"),
        ApiError("PUT", "/models/7", 422, "query: can't be blank\nname: is too long", "mend models/daily.yaml"),
        RefusedError("the plan trips a guard; nothing was written", problems=PROBLEMS[-1:]),
        InputError(PROBLEMS[:1]),
    ]

    golden("problems/errors.txt", "\n\n".join(render_error(error, PLAIN) for error in errors))


def test_progress_reads_like_terraforms(golden: Golden) -> None:
    """Begin, heartbeat, end; waiting in words, with its bound."""
    golden("progress/events.txt", "\n".join(render_event(event, PLAIN) for event in EVENTS))


# -- words -------------------------------------------------------------------------------------------------------------


def test_the_words_that_other_tools_match() -> None:
    """The verdicts are Terraform's, byte for byte."""
    changes, none = PLANS["typical"].plan, PLANS["no_changes"].plan

    assert "\nPlan: 0 to add, 2 to change, 0 to destroy.\n" in render_plan(Planned(changes), PLAIN)
    assert "No changes. Your models match the configuration.\n" in render_plan(Planned(none), PLAIN)
    assert render_report(REPORTS["complete"], PLAIN) == "Apply complete! Resources: 0 added, 2 changed, 0 destroyed."
    assert render_report(REPORTS["incomplete"], PLAIN).endswith(
        "\nApply incomplete! Resources: 1 changed, 1 conflict, 2 failed, 1 unknown, 2 not attempted."
    )


def test_the_first_line_says_where() -> None:
    """Environment, API and workspace stand before anything else."""
    assert render_banner("plan", TARGET) == "syncer plan   prod   https://api.example.com/api/v1   workspace 2"


@pytest.mark.parametrize(
    ("count", "noun", "described"), [(1, "this action", "action"), (2, "these actions", "actions")]
)
def test_the_prompt(count: int, noun: str, described: str) -> None:
    """It names the environment, and ends where the answer is typed."""
    assert render_prompt(TARGET, count) == (
        f'Do you want to perform {noun} in environment "prod" (workspace 2)?\n'
        f"  syncer will perform the {described} described above.\n"
        "  Only 'yes' will be accepted to approve.\n"
        "\n"
        "  Enter a value: "
    )


@pytest.mark.parametrize(
    ("unchanged", "unmanaged", "expected"),
    [
        (0, 0, ""),
        (1, 0, "\n1 model unchanged."),
        (2, 1, "\n2 models unchanged; 1 live model is not in git."),
        (0, 2, "\n2 live models are not in git."),
    ],
)
def test_totals_are_grammatical_and_without_zeros(unchanged: int, unmanaged: int, expected: str) -> None:
    """Singular, plural, and nothing said of nothing."""
    strays = [live(number) for number in range(1, unmanaged + 1)]
    plan = plan_of(("a", {"query": "SELECT 0"}, {}), unmanaged=strays, unchanged=unchanged)

    assert render_plan(Planned(plan), PLAIN).partition("Plan: 0 to add, 1 to change, 0 to destroy.")[2] == expected


def test_targeting_is_told_after_an_apply_as_well() -> None:
    """An apply of a part says that it was one."""
    shown = render_report(REPORTS["complete"], PLAIN, excluded=1)

    assert "│ Warning: Applied changes may be incomplete\n│\n│ --target left out 1 definition; plan" in shown


def test_a_warning_about_no_file_has_no_line() -> None:
    """What isn't about a file says what it is about."""
    problem = Problem(NOWHERE, "unreadable-model", "model 7 can't be shown", "", Severity.WARNING)
    shown = render_plan(Planned(PLANS["no_changes"].plan, (problem,)), PLAIN)

    assert shown.startswith("╷\n│ Warning: model 7 can't be shown\n╵\n\nNo changes.")


def test_no_problem_is_no_text() -> None:
    """Nothing found, nothing said."""
    assert render_problems((), PLAIN) == ""


def test_paths_are_readable() -> None:
    """Keys with dots, indices in brackets, quotes only where they're needed."""
    assert (
        path_text(("configuration", "harvesters", 0, "odd key", "a-b")) == 'configuration.harvesters[0]."odd key".a-b'
    )


# -- values ------------------------------------------------------------------------------------------------------------


def _rows(before: Any, after: Any, style: Style = PLAIN) -> list[Row]:
    """A difference as rows, under a key `k`."""
    body = ValueLayout(style)
    return body.attribute_rows([("k", body.difference(before, after, 4, 0))], 4)


def _shown(before: Any, after: Any, style: Style = PLAIN) -> str:
    return "\n".join(f"{row.symbol or ' '} {' ' * (row.indent - 4)}{row.text}" for row in _rows(before, after, style))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (ABSENT, "a", '+ k = "a"'),
        (ABSENT, None, "+ k = null"),
        ("a", ABSENT, '- k = "a" -> null'),
        (None, ABSENT, "- k = null"),
        ("a", None, '~ k = "a" -> null'),
        (None, "", '~ k = null -> ""'),
        ("", "a", '~ k = "" -> "a"'),
        (1, "1", '~ k = 1 -> "1"'),
        (True, 1, "~ k = true -> 1"),
        (1, 1.5, "~ k = 1 -> 1.5"),
        ({}, [], "~ k = {} -> []"),
        (Secret("a"), Secret("b"), "~ k = (sensitive value) # changed"),
        (Secret("a"), 5, "~ k = (sensitive value) # changed"),
        (SecretRef("SYNCER_SECRET_A"), {"a": "b"}, "~ k = (sensitive value) # changed"),
        (None, Secret("b"), "~ k = null -> (sensitive value)"),
        (ABSENT, Secret("b"), "+ k = (sensitive value)"),
        (Secret("a"), ABSENT, "- k = (sensitive value) -> null"),
        (ABSENT, object(), "+ k = (sensitive value)"),
        ("a", {"b": 1}, '~ k = "a" -> {\n+     b = 1\n  }'),
        ({"b": 1}, "a", '~ k = {\n-     b = 1\n  } -> "a"'),
        ("a\nb", ABSENT, "- k = <<-EOT\n-     a\n-     b\n  EOT -> null"),
        ("", "a\nb", '~ k = "" -> <<-EOT\n+     a\n+     b\n  EOT'),
        ("a\nb", "", '~ k = <<-EOT\n-     a\n-     b\n  EOT -> ""'),
        ([1, 2, 3], [2, 3, 4], "~ k = [\n-     1,\n      # (2 unchanged elements hidden)\n+     4,\n  ]"),
        (["caf\u00e9"], ["cafe\u0301"], '~ k = [\n-     "caf\\u00e9",\n+     "cafe\\u0301",\n  ]'),
        ({"é": 1}, {"e\u0301": 1}, '~ k = {\n+     "e\\u0301" = 1\n-     "\\u00e9"  = 1 -> null\n  }'),
        ({1: "a"}, {"1": "a"}, '~ k = {\n-     1   = "a" -> null\n+     "1" = "a"\n  }'),
        (
            [["a\nb"]],
            [["a\nc"]],
            "~ k = [\n~     [\n~         <<-EOT\n              a\n-             b\n+             c\n          EOT,\n      ],\n  ]",
        ),
    ],
)
def test_every_pair_of_values_has_its_look(before: Any, after: Any, expected: str) -> None:
    """Absent, null and empty are three; types are told by their quotes; secrets are never shown."""
    assert _shown(before, after) == expected


def test_an_element_in_front_does_not_mark_the_later_ones() -> None:
    """Lists are matched by what is in them, not by position."""
    items = [{"n": n, "v": "x"} for n in range(50)]

    assert _shown(items, [{"n": 99, "v": "x"}, *items]) == (
        '~ k = [\n+     {\n+         n = 99\n+         v = "x"\n      },\n      # (50 unchanged elements hidden)\n  ]'
    )


def test_long_lists_are_compared_in_order() -> None:
    """Where everything in a long list changed, elements are paired by position."""
    before, after = ([{"n": n, "v": value} for n in range(30)] for value in "ab")
    rows = _rows(before, after)

    assert sum(row.text == 'v = "a" -> "b"' for row in rows) == 30


def test_deep_nesting_ends_in_words() -> None:
    """What lies very deep is said to differ; nothing overflows."""

    def nest(value: Any, kind: Callable[[Any], Any]) -> Any:
        for _ in range(150):
            value = kind(value)
        return value

    for kind in (lambda value: {"k": value}, lambda value: [value]):
        before, after = nest(Secret("a"), kind), nest(Secret("b"), kind)
        shown = _shown(before, after)

        assert f"(nested deeper than {DEEPEST} levels)" in shown
        assert "# changed" in shown
        assert f"(nested deeper than {DEEPEST} levels)" in _shown(ABSENT, after)


def test_a_deep_mask_is_no_change() -> None:
    """Below the last level shown, what only the server hides isn't called a change."""
    before: Any = Secret("***")
    after: Any = Secret("key")
    for _ in range(DEEPEST + 3):
        before, after = {"k": before}, {"k": after}

    assert "changed" not in _shown({**before, "x": 1}, {**after, "x": 2})
    before, after = [before], [after]
    for _ in range(DEEPEST + 3):
        before, after = [before], [after]
    assert "changed" not in _shown([*before, 1], [*after, 2])


# -- alignment ---------------------------------------------------------------------------------------------------------

LETTERS = st.lists(st.sampled_from("abcde"), max_size=30)


@given(LETTERS, LETTERS)
def test_runs_cover_both_sides(before: list[str], after: list[str]) -> None:
    """Every element of both sides is in exactly one run, runs alternate, and same ones are the same."""
    runs = match_sequences(before, after)

    assert [index for run in runs for index in run.before] == list(range(len(before)))
    assert [index for run in runs for index in run.after] == list(range(len(after)))
    assert all(one.is_same != other.is_same for one, other in pairwise(runs))
    for run in runs:
        assert not run.is_same or [before[i] for i in run.before] == [after[i] for i in run.after]


def test_large_texts_without_anchors_are_replaced_as_a_whole() -> None:
    """Where a search would cost the square of the length, the answer is longer, not later."""
    before, after = ["a", "b"] * 2_000, ["b", "b", "a"] * 1_500

    assert [run.is_same for run in match_sequences(before, after)].count(True) <= 2


def test_an_edit_in_a_large_text_is_found() -> None:
    """5,000 lines of which every tenth changed: exactly those are marked."""
    before = [f"line {number}" for number in range(5_000)]
    after = [f"{line}{'!' if number % 10 == 0 else ''}" for number, line in enumerate(before)]
    rows = _rows("\n".join(before), "\n".join(after))

    assert sum(row.symbol == "+" for row in rows) == sum(row.symbol == "-" for row in rows) == 500


@given(st.lists(st.tuples(st.text("ab c", max_size=80), st.text("ab c", max_size=9), st.text("ab c", max_size=9))))
def test_narrowing_loses_nothing(pieces: list[tuple[str, str, str]]) -> None:
    """What is left off a long line is the same on both sides, between the parts and behind them."""
    old = "".join(same + before for same, before, _ in pieces)
    new = "".join(same + after for same, _, after in pieces)
    parts, rest = differing_parts(old, new)

    place, other, rebuilt = 0, 0, ""
    for part in parts:
        assert old[place : place + part.hidden] == new[other : other + part.hidden]
        rebuilt += old[place : place + part.hidden] + part.after
        place += part.hidden + len(part.before)
        other += part.hidden + len(part.after)
    assert rebuilt + old[len(old) - rest :] == new
    assert (place + rest, other + rest) == (len(old), len(new))


def test_what_differs_in_a_long_line_is_marked() -> None:
    """Each place by itself, with `^` below it; lines of a stretch each beside its own; a huge line in one part."""
    line = "SELECT " + ", ".join(f"column_{number} AS name_{number}" for number in range(140))
    assert len(line) > 3000
    other = line.replace("name_7,", "title_7,").replace("column_130 ", "")
    rows = [row.render(Style()) for row in _rows(line + "\nshort", other + "\nSHORT")]
    assert [row.strip() for row in rows if "^" in row] == ["^^^^", "^"]
    assert sum("characters hidden" in row for row in rows) == 3
    above, marks = next((one, two) for one, two in pairwise(rows) if "^" in two)
    assert above[marks.index("^") : marks.rindex("^") + 1] == "titl"
    assert rows[-1].split() == ["+", "SHORT"] or rows[-2].split() == ["+", "SHORT"]
    assert len(_rows("x y " * 40_000 + "old", "x y " * 40_000 + "new")) == 6


# -- laws --------------------------------------------------------------------------------------------------------------

PIECES = (
    st.sampled_from(["a", "b", " ", "\n", "\r", "\t", "::", "##", "[", '"', "\\", "u", "é", "e", "\u0301", "0", "2"])
    | st.sampled_from(
        ["\x1b", "\x07", "\x9b", "\x00", "\u202e", "\u200b", "\u2028", "\x85", "\u00a0", "\ud800", "\ufe0f"]
    )
    | st.sampled_from(["::error::x", "##[error]x", "\n ::warning::", "##vso[x]", "\\u202e", CANARY])
    | st.characters()
)
HOSTILE = st.lists(PIECES, max_size=16).map("".join)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | HOSTILE
    | HOSTILE.map(Secret)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HOSTILE, inner, max_size=4), max_leaves=10
)
STYLES = st.sampled_from([PLAIN, COLOUR, ASCII, Style(width=20)])


def _is_fit_to_print(output: str) -> None:
    """No control character but ours, no runner command, nothing that can't be encoded."""
    bare = SGR.sub("", output)
    assert all(char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in bare)
    assert not any(line.strip().startswith("::") for line in bare.split("\n"))
    assert not re.search(r"##\w*\[", bare)
    output.encode()


@given(HOSTILE, VALUES, VALUES, STYLES)
def test_nothing_foreign_reaches_the_terminal_raw(text: str, before: Any, after: Any, style: Style) -> None:
    """Names, values, keys, reasons and paths may hold anything; the output never does."""
    address = text.replace("\x00", "") or "a"
    # The objects are put together by hand: normal form would trim what is to be thrown at the renderer.
    model = replace(live(), fields={**live().fields, "name": text, "query": before, "configuration": before})
    wanted = replace(
        desired(address), fields={**desired().fields, "name": text, "query": after, "configuration": after}
    )
    plan = make_plan(Bound((Binding(wanted, model),), (model,)), replace(TARGET, environment=text, url=text))
    problem = Problem(Origin(text, 3, 5), text, text, text, Severity.WARNING, text)

    for summary in (False, True):
        _is_fit_to_print(render_plan(Planned(plan, (problem,)), style, verbose=True, summary=summary))
    _is_fit_to_print(render_problems([problem], style))
    _is_fit_to_print(render_banner("plan", plan.target))
    _is_fit_to_print(render_prompt(plan.target, 2))
    _is_fit_to_print(render_error(ApiError("GET", text, 500, text, text), style))
    _is_fit_to_print(render_event(Modifying(text, 1), style))
    _is_fit_to_print(render_event(Waiting(text, 1, 2, 3, 5), style))
    for outcome in REPORTS["incomplete"].outcomes:
        told = replace(outcome, reason=text, hint=text, unapplied=plan.changes[0].fields if plan.changes else ())
        _is_fit_to_print(render_report(replace(REPORTS["incomplete"], outcomes=(told,)), style))


def _sides(rows: list[Row]) -> tuple[list[str], list[str], bool]:
    """What a reader sees of before and of after, composed as a terminal would; and whether something is in words."""
    said = "<<-EOT # " in rows[0].text
    before = [unicodedata.normalize("NFC", row.text.rstrip()) for row in rows if row.symbol == "-"]
    after = [unicodedata.normalize("NFC", row.text.rstrip()) for row in rows if row.symbol == "+"]
    return before, after, said


@given(HOSTILE, HOSTILE)
@example("a b", "a\u00a0b")
@example("\\u202e\nx", "\u202e\nx")
@example("x \ny", "x\ny")
@example("\\\\u0020\ny", "\\ \ny")
@example("caf\u00e9\nx", "cafe\u0301\nx")
@example("a\n", "a")
@example("a\nb\n", "a\nb")
@example("a\r\nb", "a\nb")
@example("", "\n")
@example("\n\n", "\n")
def test_every_difference_of_two_texts_is_visible(before: str, after: str) -> None:
    """Two different texts never look the same without words that say what differs."""
    if before == after:
        return
    rows = _rows(before, after)

    if len(rows) == 1:
        match = re.fullmatch(r'k = (".*") -> (".*?")(?: # (.*))?', rows[0].text, re.DOTALL)
        assert match
        assert unicodedata.normalize("NFC", match[1]) != unicodedata.normalize("NFC", match[2])
    else:
        old, new, said = _sides(rows)
        assert said or old != new


@given(VALUES, VALUES)
def test_every_difference_of_two_values_is_visible(before: Any, after: Any) -> None:
    """The same, nested: a model with a difference has a mark, and what is marked as gone doesn't look like what came."""
    plan = plan_of(("a", {"configuration": {"k": before}}, {"configuration": {"k": after}}))
    if plan.is_empty:
        return
    body = ValueLayout(PLAIN)
    ((_, entry),) = [
        (
            "configuration",
            body.difference(plan.changes[0].live.fields["configuration"], plan.changes[0].after["configuration"], 8, 0),
        )
    ]
    rows = body.attribute_rows([("configuration", entry)], 8)

    assert any(row.symbol for row in rows[1:])
    for row in rows:
        if row.symbol == "~" and (texts := TEXTS.search(row.text)):
            assert unicodedata.normalize("NFC", texts[1]) != unicodedata.normalize("NFC", texts[2])
        if row.symbol == "~" and not row.text.endswith(("{", "[", "EOT")) and " # " not in row.text:
            assert " -> " in row.text or "<<-EOT" in row.text


@given(st.lists(st.sampled_from("abc"), max_size=40), st.lists(st.sampled_from("abc"), max_size=40))
def test_folds_of_lines_add_up(before: list[str], after: list[str]) -> None:
    """Every line of both texts is shown or counted in a fold."""
    old, new = "\n".join(["x", *before, "end"]), "\n".join(["y", *after, "end"])
    rows = _rows(old, new)[1:-1]
    folded = sum(int(match[1]) for row in rows if (match := FOLD.fullmatch(row.text)))
    shown = [row for row in rows if not FOLD.fullmatch(row.text)]

    assert folded + sum(row.symbol in {"", "-"} for row in shown) == len(before) + 2
    assert folded + sum(row.symbol in {"", "+"} for row in shown) == len(after) + 2


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
)
def test_folds_of_attributes_add_up(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Every key of both maps is shown or counted in a fold."""
    if not before and not after:
        return
    rows = _rows(before, after)[1:-1]
    folded = sum(int(match[1]) for row in rows if (match := FOLD.fullmatch(row.text)))

    assert folded + sum(bool(row.symbol) for row in rows) == len({**before, **after})


@pytest.mark.parametrize("name", PLANS)
def test_folds_of_fields_add_up(name: str) -> None:
    """Of each model, the fields that the plan manages are shown or counted."""
    for change in PLANS[name].plan.changes:
        rows = [row for row in change_rows(change, PLAIN) if row.indent == 8]
        folded = sum(int(match[1]) for row in rows if (match := FOLD.fullmatch(row.text)))
        shown = sum(bool(re.match("[a-z_]+ += ", row.text)) for row in rows)

        assert folded + shown == len({"id", "name", *change.after})


@pytest.mark.parametrize("style", [PLAIN, COLOUR, ASCII])
def test_no_secret_is_shown(style: Style) -> None:
    """A canary in live state and in git is in no output."""
    for scene in PLANS.values():
        assert CANARY not in render_plan(Planned(scene.plan, tuple(scene.warnings)), style, verbose=True)
    change = PLANS["nested"].plan.changes[0]
    outcomes = [replace(outcome, change=change, unapplied=change.fields) for outcome in REPORTS["incomplete"].outcomes]
    assert CANARY not in render_report(replace(REPORTS["incomplete"], outcomes=tuple(outcomes)), style)


@given(VALUES, VALUES, STYLES)
def test_rendering_is_determined_by_its_arguments(before: Any, after: Any, style: Style) -> None:
    """The same values give the same text, and keys in another order too."""
    shown = _shown(before, after, style)

    assert shown == _shown(_reversed(before), _reversed(after), style)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(inner) for inner in value] if isinstance(value, list) else value


def test_colour_changes_colour_only() -> None:
    """Without its escapes, coloured output is the plain one."""
    for scene in PLANS.values():
        coloured = render_plan(Planned(scene.plan, tuple(scene.warnings)), COLOUR, verbose=True)
        assert SGR.sub("", coloured) == render_plan(Planned(scene.plan, tuple(scene.warnings)), PLAIN, verbose=True)
    assert SGR.sub("", render_problems(PROBLEMS, COLOUR)) == render_problems(PROBLEMS, PLAIN)


def test_without_unicode_our_own_glyphs_are_ascii() -> None:
    """On a terminal that isn't UTF-8 a plan of ASCII models is ASCII."""
    for name in ("typical", "nested", "masked", "values", "long", "no_changes", "targeted"):
        assert render_plan(Planned(PLANS[name].plan, tuple(PLANS[name].warnings)), ASCII, verbose=True).isascii()


# -- text --------------------------------------------------------------------------------------------------------------


@given(HOSTILE, HOSTILE)
def test_different_texts_never_give_the_same_characters(one: str, other: str) -> None:
    """Quoted, or as lines with their blanks written out, two texts look the same only if they are."""
    assert (quoted(one) == quoted(other)) == (one == other)
    if "\n" not in one + other:
        assert (visible_line(one, blanks=True) == visible_line(other, blanks=True)) == (one == other)


def test_runner_commands_are_broken_whoever_put_them_together() -> None:
    """The last look at the output finds what several harmless pieces have made together."""
    assert runner_safe("##[a\n  ::b\n##\n## [c::d") == "#\\u0023[a\n  \\u003a:b\n##\n## [c::d"


def test_a_long_message_is_cut() -> None:
    """A page that a proxy sent isn't printed whole."""
    assert visible("x" * 5_000).endswith("x... (3000 more characters)")


@given(st.text("ab 日", max_size=60), st.integers(5, 30))
def test_wrapping_keeps_words_and_width(text: str, width: int) -> None:
    """Lines break at blanks alone, and only a long word is wider than allowed."""
    lines = wrapped(text, width)

    assert " ".join(lines) == text
    assert all(cells(line) <= width or " " not in line for line in lines)


@pytest.mark.parametrize(
    ("excerpt", "column", "expected"),
    [
        ("key: value", 6, 5),
        ("\tkey: value", 7, 9),
        ("日本: value", 5, 6),
        ("e\u0301: value", 5, 3),
        ("a\x1b: value", 5, 9),
        ("short", 99, 5),
    ],
)
def test_the_caret_stands_under_the_right_cell(excerpt: str, column: int, expected: int) -> None:
    """Tabs, wide and combining characters and escapes take the cells that a terminal gives them."""
    problem = Problem(Origin("a.yaml", 1, column), "r", "m", excerpt=excerpt)
    shown = render_problems([problem], PLAIN).split("\n")
    caret = next(line for line in shown if line.endswith("^"))

    assert caret == "│ " + " " * len("   1: ") + " " * expected + "^"


@given(st.text("a日\té \x1b", max_size=400), st.integers(1, 420), st.integers(40, 100))
@example("aaaaaa\x1b\x1b\x1b日日日日", 14, 40)
def test_an_excerpt_fits_and_its_caret_too(excerpt: str, column: int, width: int) -> None:
    """However long the line is, it's cut around the place to the width there is."""
    problem = Problem(Origin("a.yaml", 1, column), "r", "m", excerpt=excerpt)
    lines = render_problems([problem], Style(width=width)).split("\n")

    if excerpt:
        line, caret = lines[4:6]
        assert caret.endswith("^")
        assert max(cells(line), cells(caret)) <= width


def test_scenes_are_what_they_say() -> None:
    """The goldens cover every status and severity there is."""
    assert {outcome.status.name for outcome in REPORTS["incomplete"].outcomes} == {
        "DONE",
        "CONFLICT",
        "FAILED",
        "UNKNOWN",
        "NOT_ATTEMPTED",
    }
    assert {problem.severity for problem in PROBLEMS} == set(Severity)
    assert isinstance(PLANS["typical"], Scene)


# -- where a difference comes from -------------------------------------------------------------------------------------

CAUSED = PLANNED["caused"]


def test_each_change_says_where_it_comes_from(golden: Golden) -> None:
    """The causes stand at each model, what would be lost and what is live already after all of them."""
    golden("provenance/plan.txt", render_plan(CAUSED, PLAIN))
    golden("provenance/summary.txt", render_plan(CAUSED, PLAIN, summary=True))
    golden("provenance/ascii.txt", render_plan(CAUSED, ASCII))
    shown = render_plan(CAUSED, COLOUR)
    golden("provenance/plan.colour.txt", shown.replace("\x1b", "^["))


def test_without_a_base_nothing_is_said_of_causes() -> None:
    """What isn't known isn't shown, and a base that finds nothing adds nothing but the causes."""
    bare = render_plan(replace(CAUSED, provenance=None), PLAIN)
    calm = Provenance("0" * 40, {one.address: (Cause.CHANGE,) * len(one.fields) for one in CAUSED.plan.changes}, {})
    shown = render_plan(replace(CAUSED, provenance=calm), PLAIN)

    assert not any(cause.value in bare for cause in Cause)
    assert "Already live" not in bare + shown
    kept = [line for line in shown.split("\n") if not line.startswith("  # (") or "hidden" in line]
    assert "\n".join(kept) == bare


def test_what_is_live_already_is_told_without_any_change() -> None:
    """Somebody has done by hand what the files say: that is news also if nothing is left to do."""
    provenance = Provenance("0" * 40, {}, {"b": ("query",), "a": ("description", "name")})
    shown = render_plan(Planned(PLANS["no_changes"].plan, provenance=provenance), PLAIN)

    assert shown.startswith("Already live:\n  a: description, name\n  b: query\n\nNo changes.")


@pytest.mark.parametrize("count", [1, 2])
def test_how_many_edits_would_be_lost_is_grammatical(count: int) -> None:
    """One of one change, one of two changes; an edit that would be overwritten comes before one that is undone."""
    plan = plan_of(*((f"m{number}", {"query": "SELECT 0"}, {}) for number in range(count)))
    causes = {one.address: (Cause.DRIFT if one.address == "m0" else Cause.CONFLICT,) for one in plan.changes}
    shown = render_plan(Planned(plan, provenance=Provenance("0" * 40, causes, {})), PLAIN)
    said = re.findall(r"Warning: (.*)", shown)

    of = f"1 of {count} change{'s' if count > 1 else ''} would"
    assert len(said) == count
    assert said[-1] == f"{of} undo edits made in the UI"
    assert all(one.startswith(f"{of} overwrite edits made in the UI to the same fields") for one in said[:-1])


# -- drift -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["typical", "nested", "masked", "no_changes", "nothing_compared", "hostile"])
def test_drift_reads_like_this(name: str, golden: Golden) -> None:
    """From what git says to what is live, and then who does what."""
    planned = Planned(PLANS[name].plan, commit=COMMIT)

    golden(f"drift/{name}.txt", render_drift(planned, PLAIN))


def test_drift_can_be_shorter_and_coloured(golden: Golden) -> None:
    """One line a model; and the same symbols and colours as a plan."""
    planned = Planned(PLANS["typical"].plan, PROBLEMS[-1:], commit=COMMIT)

    golden("drift/summary.txt", render_drift(planned, PLAIN, summary=True))
    golden("drift/typical.colour.txt", render_drift(planned, COLOUR).replace("\x1b", "^["))


def _from_git(plan: Plan) -> Plan:
    return replace(plan, changes=tuple(change.reversed for change in plan.changes))


@pytest.mark.parametrize("name", [name for name in PLANS if name != "masked"])
def test_drift_is_the_plan_the_other_way_round(name: str) -> None:
    """What a plan takes away, drift has brought: the blocks are those of the plan from git to live."""
    plan = PLANS[name].plan
    shown = render_drift(Planned(plan, commit=COMMIT), PLAIN)
    other = render_plan(Planned(_from_git(plan)), PLAIN).replace("will be updated in-place", "has changed")

    blocks = [block for block in other.split("\n\n") if block.startswith("  # ")]
    assert len(blocks) >= len(plan.changes)
    assert all(block in shown for block in blocks)


@pytest.mark.parametrize("name", [name for name in PLANS if name != "masked"])
def test_twice_round_is_the_plan(name: str) -> None:
    """Nothing is lost by looking at it from the other side."""
    for change in PLANS[name].plan.changes:
        there = change.reversed.reversed
        assert there.fields == change.fields
        assert {field: there.live.fields[field] for field in change.after} == {
            field: change.live.fields[field] for field in change.after
        }
        assert there.after == change.after


def test_what_the_server_masks_has_no_other_side() -> None:
    """Git's own value isn't set against it: it can't be said to differ."""
    shown = render_drift(Planned(PLANS["masked"].plan, commit=COMMIT), PLAIN)

    assert "api_key = (sensitive value) # masked by the server, so it can't be compared" in shown
    assert shown.count("->") == 1


@pytest.mark.parametrize("name", PLANNED)
def test_neither_causes_nor_drift_tell_a_secret(name: str) -> None:
    """No canary, and no line that a runner or a terminal would obey."""
    planned = PLANNED[name]
    for shown in (
        render_drift(planned, PLAIN),
        render_drift(planned, PLAIN, summary=True),
        render_plan(planned, PLAIN),
    ):
        assert CANARY not in shown
        assert "##[" not in shown
        assert not re.search(r"^\s*::", shown, re.MULTILINE)
        assert all(one.isprintable() or one in "\n\xa0\u3000" for one in shown)


def test_a_saved_plan_says_what_to_type() -> None:
    """The command can be copied, also where the file's name is odd, and a name can't draw on the terminal."""
    digest = "d" * 64
    assert render_saved("out/plan.json", digest, PLAIN) == (
        "\nSaved the plan to: out/plan.json\n\nTo apply exactly this plan:\n  syncer apply out/plan.json\n\n"
        f"Its digest: {digest}"
    )
    assert "\n  syncer apply 'my plan.json'\n" in render_saved("my plan.json", digest, PLAIN)
    assert "\x1b" not in render_saved("a\x1b[2J", digest, PLAIN)
