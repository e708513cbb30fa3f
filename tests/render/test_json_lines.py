"""What programs read: every line whole, described by the published schema, ASCII, and without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from builders import TARGET, desired, live
from event_schema import SCHEMA, VALIDATOR
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from scenes import CANARY, COMMIT, EVENTS, PLANNED, PLANS, PROBLEMS, REPORTS, Scene, plan_of
from strategies import JSON

from syncer.applying.outcome import Report
from syncer.errors import ApiError, InputError, RefusedError, SettingsError
from syncer.events import Modifying
from syncer.model import ABSENT, Binding, Bound, Origin, Problem, Severity
from syncer.plan.diff import FieldChange
from syncer.plan.planner import Cause, Planned, Provenance, make_plan
from syncer.render.annotations import render_problems as annotate
from syncer.render.json_lines import (
    UI_VERSION,
    drift_lines,
    error_lines,
    event_line,
    plan_lines,
    problem_lines,
    report_lines,
    version_line,
)
from syncer.secrets import Secret

Golden = Callable[[str, str], None]


def clock() -> datetime:
    """A time that stands still, in a zone that isn't UTC."""
    return datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))


def _check(line: str) -> dict[str, Any]:
    """The line, parsed, once it's known to be one ASCII line that the schema describes."""
    assert line.isascii()
    assert line.isprintable()
    assert "##[" not in line
    data: dict[str, Any] = json.loads(line)
    VALIDATOR.validate(data)
    return data


# -- goldens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_these_lines(name: str, golden: Golden) -> None:
    """A line a change with every value that differs, the warnings, the totals."""
    scene = PLANS[name]
    lines = [version_line(clock), *plan_lines(Planned(scene.plan, tuple(scene.warnings)), clock)]

    for line in lines:
        _check(line)
    golden(f"{name}/plan.jsonl", "\n".join(lines))


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_these_lines(name: str, golden: Golden) -> None:
    """A line a change that isn't done, the totals."""
    lines = report_lines(REPORTS[name], clock)

    for line in lines:
        _check(line)
    golden(f"report/{name}.jsonl", "\n".join(lines))


def test_progress_is_these_lines(golden: Golden) -> None:
    """Begin, heartbeat and end of each model, with Terraform's names; waiting and requests are logs."""
    lines = [event_line(event, clock) for event in EVENTS]

    kinds = [_check(line)["type"] for line in lines]
    applying = ["apply_start", "apply_progress", "apply_complete", "apply_errored"]
    assert kinds == [*["log"] * 6, *applying, *applying]
    golden("progress/events.jsonl", "\n".join(lines))


def test_problems_and_errors_are_these_lines(golden: Golden) -> None:
    """Rule, place, hint; what isn't known is left out."""
    errors = [
        SettingsError("no environment named `prd`", "did you mean `prod`?"),
        ApiError("PUT", "/models/7", 422, "query: can't be blank\nname: is too long"),
        RefusedError("the plan trips a guard", problems=PROBLEMS[-1:]),
        InputError(PROBLEMS[:1]),
    ]
    lines = [*problem_lines(PROBLEMS, clock), *(line for error in errors for line in error_lines(error, clock))]

    for line in lines:
        _check(line)
    golden("problems/problems.jsonl", "\n".join(lines))


def test_annotations_are_these_lines(golden: Golden) -> None:
    """GitHub's workflow commands, one a problem."""
    golden("problems/github.txt", annotate(PROBLEMS))


# -- the lines ---------------------------------------------------------------------------------------------------------


def test_the_first_line_has_the_versions() -> None:
    """A reader learns the format's version before anything else, and the time in UTC."""
    line = _check(version_line(clock))

    assert list(line)[:3] == ["type", "syncer", "ui"]
    assert (line["ui"], line["@timestamp"]) == (UI_VERSION, "2026-03-01T11:00:00.000005Z")


def test_the_totals_count_everything() -> None:
    """Nothing that the text says of the whole plan is missing in the lines."""
    plan = replace(plan_of(("a", {"query": "SELECT 0"}, {}), unmanaged=[live(9)], unchanged=4), excluded=2)
    totals = _check(plan_lines(Planned(plan), clock)[-1])

    assert totals["changes"] == {"add": 0, "change": 1, "import": 0, "remove": 0, "operation": "plan"}
    assert (totals["unchanged"], totals["unmanaged"], totals["excluded"]) == (4, 1, 2)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [(ABSENT, None, "added"), (None, ABSENT, "removed"), (None, "", "changed")],
)
def test_kinds_tell_absent_from_null(before: object, after: object, kind: str) -> None:
    """An absent side is null in the line, and the kind says that it's absent."""
    attribute = _attributes(FieldChange(("configuration", "k"), before, after))[0]

    assert attribute == {
        "path": ["configuration", "k"],
        "kind": kind,
        "before": None,
        "after": None if after is ABSENT else after,
        "sensitive": False,
    }


def _attributes(*fields: FieldChange) -> list[dict[str, Any]]:
    plan = PLANS["typical"].plan
    changed = replace(plan, changes=(replace(plan.changes[0], fields=fields),))
    attributes: list[dict[str, Any]] = _check(plan_lines(Planned(changed), clock)[0])["change"]["attributes"]
    return attributes


def test_secrets_inside_a_whole_value_are_null() -> None:
    """A value that comes whole is shown but for its secrets, and marked."""
    attribute = _attributes(FieldChange(("configuration",), ABSENT, {"a": [{"api_key": Secret(CANARY)}], "b": 1}))[0]

    assert attribute["after"] == {"a": [{"api_key": None}], "b": 1}
    assert attribute["sensitive"] is True


def test_what_json_cannot_hold_is_still_a_line() -> None:
    """Infinity, odd keys, and nesting without end don't stop the stream."""
    endless: Any = 1
    for _ in range(300):
        endless = {"k": [endless]}
    attributes = _attributes(
        FieldChange(("a",), float("inf"), 1.5),
        FieldChange(("b",), {1: "x", None: "y"}, object()),
        FieldChange(("c",), endless, None),
    )

    assert [attribute["before"] for attribute in attributes[:2]] == ["inf", {"1": "x", "None": "y"}]
    assert attributes[1]["after"] is None


@settings(max_examples=40)
@given(st.text(), JSON, JSON)
def test_every_line_is_described_whatever_is_in_it(text: str, before: Any, after: Any) -> None:
    """Any name, value, reason and path gives one ASCII line that the schema describes and JSON gives back."""
    wanted = replace(desired(text), fields={**desired().fields, "name": text, "configuration": {"k": after}})
    model = replace(live(), fields={**live().fields, "configuration": {"k": before}})
    plan = make_plan(Bound((Binding(wanted, model),)), TARGET)
    problem = Problem(Origin(text, 1, 1), "rule", text, text, Severity.WARNING)
    outcomes = [
        replace(outcome, reason=text, hint=text, unapplied=plan.changes[0].fields, change=plan.changes[0])
        for outcome in REPORTS["incomplete"].outcomes
    ]

    for line in [*plan_lines(Planned(plan, (problem,)), clock), *report_lines(Report(tuple(outcomes)), clock)]:
        _check(line)
    assert _check(event_line(Modifying(text, 1), clock))["hook"]["resource"]["resource_name"] == text
    assert _check(error_lines(ApiError("GET", "/", 400, text), clock)[0])["diagnostic"]["severity"] == "error"


def test_lone_surrogates_and_runner_commands_are_escaped() -> None:
    """Text that UTF-8 can't encode, or that a CI runner would obey, comes out as JSON escapes and goes back."""
    text = "##[error]\ud800\u2028\x1b ###["
    line = problem_lines([Problem(Origin("a"), "r", text)], clock)[0]

    assert _check(line)["diagnostic"]["summary"] == text


def test_no_secret_is_in_a_line() -> None:
    """A canary in live state and in git is in no line."""
    for scene in PLANS.values():
        assert CANARY not in "\n".join(plan_lines(Planned(scene.plan, tuple(scene.warnings)), clock))
    change = PLANS["nested"].plan.changes[0]
    outcomes = [replace(outcome, change=change, unapplied=change.fields) for outcome in REPORTS["incomplete"].outcomes]
    assert CANARY not in "\n".join(report_lines(Report(tuple(outcomes)), clock))


def test_the_same_arguments_give_the_same_lines() -> None:
    """Only the clock makes two runs differ."""
    scene: Scene = PLANS["nested"]

    assert plan_lines(Planned(scene.plan), clock) == plan_lines(Planned(scene.plan), clock)
    assert version_line(clock) != version_line(lambda: datetime.now(UTC))


# -- the schema --------------------------------------------------------------------------------------------------------


def test_the_schema_is_one() -> None:
    """It is valid, and of the version that the lines say."""
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$id"].endswith(f":{UI_VERSION}")


def _properties(node: Any, path: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    found = []
    if isinstance(node, dict):
        for key, inner in node.items():
            if key == "properties" and "description" in node:
                found += [(f"{path}.{name}", schema) for name, schema in inner.items()]
            found += _properties(inner, f"{path}.{key}")
    return found


def test_every_property_is_described() -> None:
    """Nobody has to guess what a property means."""
    properties = _properties(SCHEMA)
    plain = [path for path, schema in properties if not schema.get("description") and "$ref" not in schema]

    assert len(properties) > 50
    assert plain == []


# -- annotations -------------------------------------------------------------------------------------------------------


def _problem(severity: Severity = Severity.ERROR, **values: Any) -> Problem:
    return Problem(**{"origin": Origin("a.yaml", 1, 2), "rule": "r", "message": "m", "severity": severity, **values})


def test_annotations_escape_what_ends_a_command() -> None:
    """Neither a file name nor a message can end its field, or begin a command of its own."""
    problem = _problem(origin=Origin("a:b,c%\n.yaml"), message="50%\r\n::error::x\u202e", hint="do this")

    assert annotate([problem]) == ("::error file=a%3Ab%2Cc%25\\n.yaml,title=r::50%25\\r%0A::error::x\\u202e%0Ado this")


def test_annotations_beyond_what_github_shows_are_counted() -> None:
    """GitHub drops all but ten of a severity without a word, so the rest is told in one notice."""
    problems = [_problem()] * 12 + [_problem(Severity.WARNING)] * 11
    lines = annotate(problems).split("\n")

    assert len(lines) == 21
    assert lines[-1].startswith("::notice title=syncer::2 more errors and 1 more warning: ")


@given(st.text(), st.text())
def test_annotations_are_one_line_each(path: str, message: str) -> None:
    """Whatever is in a problem, it's one printable line."""
    line = annotate([_problem(origin=Origin(path, 3), message=message)])

    assert line.isprintable()
    line.encode()


def test_no_problem_is_no_annotation() -> None:
    """Nothing found, nothing said."""
    assert annotate([]) == ""


# -- where a difference comes from, and drift --------------------------------------------------------------------------


def test_causes_are_in_these_lines(golden: Golden) -> None:
    """Each attribute has its cause, the totals count the models of each and name the base."""
    planned = PLANNED["caused"]
    lines = plan_lines(planned, clock)
    for line in lines:
        _check(line)

    golden("provenance/plan.jsonl", "\n".join(lines))


def test_the_base_counts_models_not_values() -> None:
    """A model with two causes counts for both, one with two values of one cause once."""
    plan = plan_of(
        ("a", {"name": "x", "query": "SELECT 0", "description": "x"}, {}), ("b", {"query": "SELECT 0"}, {}), unchanged=1
    )
    causes = {"a": (Cause.DRIFT, Cause.DRIFT, Cause.CONFLICT), "b": (Cause.CHANGE,)}
    *changes, totals = map(
        _check,
        plan_lines(
            Planned(plan, provenance=Provenance(COMMIT, causes, {"z": ("query",), "c": ("name", "query")})), clock
        ),
    )

    assert [[one["cause"] for one in line["change"]["attributes"]] for line in changes] == [
        ["drift", "drift", "conflict"],
        ["this change"],
    ]
    assert totals["base"] == {
        "commit": COMMIT,
        "change": 1,
        "drift": 1,
        "conflict": 1,
        "already_live": {"c": ["name", "query"], "z": ["query"]},
    }


def test_without_a_base_no_line_speaks_of_one() -> None:
    """Its absence says that nobody looked; an empty one would say that nothing was found."""
    *changes, totals = map(_check, plan_lines(Planned(PLANNED["caused"].plan), clock))

    assert "base" not in totals
    assert not any("cause" in attribute for line in changes for attribute in line["change"]["attributes"])


@pytest.mark.parametrize("name", ["typical", "nested", "masked", "no_changes", "hostile"])
def test_drift_is_these_lines(name: str, golden: Golden) -> None:
    """A line a model from git's value to the live one; the totals name the commit."""
    lines = drift_lines(Planned(PLANS[name].plan, PROBLEMS[-1:], commit=COMMIT), clock)
    for line in lines:
        _check(line)

    golden(f"drift/{name}.jsonl", "\n".join(lines))


@pytest.mark.parametrize("name", PLANS)
def test_drift_is_the_plan_the_other_way_round(name: str) -> None:
    """The same paths and values with the sides exchanged: added is removed, and nothing else differs."""
    plan = PLANS[name].plan
    other = {"added": "removed", "removed": "added", "changed": "changed"}
    there = [_check(line)["change"]["attributes"] for line in plan_lines(Planned(plan), clock)[:-1]]
    back = [_check(line)["change"]["attributes"] for line in drift_lines(Planned(plan), clock)[:-1]]

    assert back == [
        [{**one, "before": one["after"], "after": one["before"], "kind": other[one["kind"]]} for one in attributes]
        for attributes in there
    ]


@pytest.mark.parametrize("name", PLANNED)
def test_no_secret_is_in_a_line_of_causes_or_drift(name: str) -> None:
    """Neither way round."""
    planned = PLANNED[name]
    lines = [
        *plan_lines(planned, clock),
        *drift_lines(planned, clock),
    ]

    assert CANARY not in "\n".join(lines)
    for line in lines:
        _check(line)
