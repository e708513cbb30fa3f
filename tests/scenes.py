"""Plans, reports and problems for the tests of every renderer: each scene is one golden folder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from builders import TARGET, desired, live

from syncer.applying.outcome import Outcome, Report, Status
from syncer.events import Modified, Modifying, Requested, Slowing, Waiting
from syncer.model import NOWHERE, Binding, Bound, Columns, LiveModel, Origin, Problem, Severity, Sync
from syncer.plan import limits, policy
from syncer.plan.diff import FieldChange
from syncer.plan.effect_sentences import RISKS
from syncer.plan.planner import LOOSENED, Cause, Effect, Plan, Planned, Provenance, Removed, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

CANARY = "hunter2-canary"
"""A secret that must not be seen anywhere."""


@dataclass(frozen=True)
class Scene:
    """A plan with its warnings."""

    plan: Plan
    warnings: Sequence[Problem] = field(default_factory=tuple)


def plan_of(
    *pairs: tuple[str, dict[str, Any], dict[str, Any]], unmanaged: Sequence[LiveModel] = (), unchanged: int = 0
) -> Plan:
    """A plan for models given as address, live values and desired values; ids count from 42."""
    bindings = tuple(
        Binding(desired(address, **wanted), live(number, **attributes))
        for number, (address, attributes, wanted) in enumerate(pairs, 42)
    )
    made = make_plan(Bound(bindings, tuple(unmanaged)), TARGET)
    return replace(made, unchanged=made.unchanged + unchanged)


REVENUE = """\
SELECT
  day,
  sum(amount)     AS revenue,
  count(*)        AS orders
FROM finance.orders AS o
JOIN finance.days AS d
  ON d.id = o.day_id
WHERE o.status = 'paid'
  AND o.amount > 0
  AND NOT o.is_test
GROUP BY day
ORDER BY day
"""

_VECTOR: dict[str, Any] = {
    "query_type": "unstructured",
    "configuration": {
        "chunk_config": {"chunk_size": 500, "chunk_overlap": 50},
        "embedding_config": {"mode": "open_ai", "model": "text-embedding-3-small", "api_key": f"{CANARY}-live"},
        "steps": ["read", "clean", "split", "embed"],
        "harvesters": [
            {"value": "inputs.0", "method": "dom", "selector": "#a"},
            {"value": "inputs.1", "method": "dom", "selector": "#b"},
        ],
        "old": {"kept": False, "tags": ["x"]},
    },
}
_VECTOR_WANTED: dict[str, Any] = {
    "query_type": "unstructured",
    "configuration": {
        "chunk_config": {"chunk_size": 800, "chunk_overlap": 50},
        "embedding_config": {"mode": "open_ai", "model": "text-embedding-3-small", "api_key": f"{CANARY}-git"},
        "steps": ["read", "scan", "clean", "split", "embed"],
        "harvesters": [
            {"value": "inputs.0", "method": "dom", "selector": "#a"},
            {"value": "new", "method": "css", "selector": ".n"},
            {"value": "inputs.1", "method": "dom", "selector": "#c"},
        ],
        "odd key": None,
    },
}
_MASKED: dict[str, Any] = {"configuration": {"embedding_config": {"api_key": "*****", "mode": "open_ai"}, "limit": 1}}


def _warned(plan: Plan) -> Scene:
    lines = {"primary_key": "primary_key: day_id", "connector_id": "connector_id: 4", "query_type": "query_type: dbt"}
    warnings = [
        Problem(
            Origin(f"models/{change.address}.yaml", 5, 1),
            "risky-change",
            f"{name} of {change.address} changes",
            RISKS[name],
            Severity.WARNING,
            lines[name],
        )
        for change in plan.changes
        for name in RISKS
        if name in change.changed
    ]
    return Scene(plan, warnings)


def _wide(*columns: int) -> str:
    return f"SELECT {', '.join(f'column_{number}' for number in columns)} FROM t WHERE a = 1"  # noqa: S608 - sent nowhere


PLANS: dict[str, Scene] = {
    "typical": _warned(
        plan_of(
            (
                "finance/revenue_daily",
                {"name": "Revenue daily", "primary_key": "day", "query": REVENUE},
                {
                    "name": "Revenue daily",
                    "primary_key": "day_id",
                    "query": REVENUE.replace("sum(amount)    ", "sum(net_amount)"),
                },
            ),
            ("marketing/leads", {"name": "Leads", "description": ""}, {"name": "Leads", "description": "All leads"}),
            unmanaged=[live(7, name="Old churn"), live(12, name="Test, please ignore")],
            unchanged=41,
        )
    ),
    "nested": Scene(plan_of(("ai/chunks", _VECTOR, _VECTOR_WANTED))),
    "masked": Scene(
        plan_of(
            (
                "ai/hosted",
                _MASKED,
                {"configuration": {"embedding_config": {"api_key": CANARY, "mode": "open_ai"}, "limit": 2}},
            )
        )
    ),
    "values": Scene(
        plan_of(
            ("a/emptied", {"description": "gone"}, {"description": ""}),
            ("a/filled", {"query": ""}, {"query": "SELECT 1\nFROM t"}),
            ("a/first_configuration", {}, {"configuration": {"a": [], "b": {}}}),
            ("a/renamed", {"name": "Old"}, {"name": 'New "name"'}),
            (
                "a/types",
                {
                    "configuration": {
                        "absent": 1,
                        "float": 1.5,
                        "n": None,
                        "number": 1,
                        "shape": {"a": 1},
                        "text": "true",
                    }
                },
                {"configuration": {"float": 2, "n": "", "null": None, "number": "1", "shape": [1], "text": True}},
            ),
        )
    ),
    "blanks": Scene(
        plan_of(
            ("b/at_line_end", {"query": "SELECT 1  \nFROM t"}, {"query": "SELECT 1\nFROM t"}),
            ("b/crlf", {"query": "SELECT 1\r\nFROM t\r\n"}, {"query": "SELECT 1\nFROM t\n"}),
            ("b/crlf_and_more", {"query": "SELECT 1\r\nFROM t\r\n"}, {"query": "SELECT 2\nFROM t\n"}),
            ("b/final", {"configuration": {"p": "one\ntwo"}}, {"configuration": {"p": "one\ntwo\n"}}),
            ("b/in_one_line", {"description": "All users"}, {"description": "All users "}),
            ("b/mixed_ends", {"query": "SELECT 1\r\nFROM t\nWHERE x"}, {"query": "SELECT 1\nFROM t\nWHERE x"}),
            ("b/tab", {"query": "SELECT\n\ta,\n\tb\nFROM t"}, {"query": "SELECT\n\ta,\n    b\nFROM t"}),
            ("b/unicode", {"description": "caf\u00e9"}, {"description": "cafe\u0301"}),
        )
    ),
    "long": Scene(
        plan_of(
            (
                "c/one_line",
                {"query": _wide(*range(60))},
                {"query": _wide(*range(30), *range(31, 60))},
            ),
            (
                "c/two_sides",
                {"description": "Users seen in the last 60 days, for the newsletter"},
                {"description": "Users seen in the last 30 days, for the newsletter"},
            ),
            (
                "c/two_places",
                {"query": "\n".join(f"line {n}" for n in range(40))},
                {"query": "\n".join(f"line {n}{'!' if n in (10, 30) else ''}" for n in range(40))},
            ),
        )
    ),
    "hostile": Scene(
        plan_of(
            (
                "d/commands",
                {"query": "::error::a\n##[error]b\n  ##vso[task]c\nSELECT 1"},
                {"query": "::error::a\n##[error]b\n  ##vso[task]c\nSELECT 2"},
            ),
            (
                "d/\u202econtrols",
                {"name": "a\x1b[31mred\x1b[0m", "query": "SELECT\u00a01\nFROM \u200bt"},
                {"name": "a\\u001b[31mred", "query": "SELECT 1\nFROM t\u2028\x9b2J"},
            ),
        ),
        [
            Problem(
                Origin("models/\x1b]0;title\x07.yaml", 3, 4),
                "risky-change",
                "key \u202edednu\u202c of\n::error::it changes",
                "##[error]because\nof that",
                Severity.WARNING,
                "\tquery: \x1b[2J \ud800",
            )
        ],
    ),
    "no_changes": Scene(plan_of(("a", {}, {}), unmanaged=[live(9, name="Stray")])),
    "nothing_compared": Scene(plan_of()),
    "targeted": Scene(replace(plan_of(("a", {"primary_key": "id"}, {})), excluded=3)),
}

_CHANGES = plan_of(
    ("a/done", {"query": "SELECT 0"}, {}),
    ("b/moved", {"query": "SELECT 0"}, {}),
    ("c/refused", {"query": "SELECT 0"}, {}),
    ("d/half_taken", {"description": "Users"}, {}),
    ("e/lost", {"query": "SELECT 0"}, {}),
    ("f/waiting", {"query": "SELECT 0"}, {}),
    ("g/waiting", {"query": "SELECT 0"}, {}),
).changes

REPORTS: dict[str, Report] = {
    "complete": Report((Outcome(_CHANGES[0], Status.DONE), Outcome(_CHANGES[1], Status.DONE))),
    "nothing_to_do": Report(()),
    "incomplete": Report(
        (
            Outcome(_CHANGES[0], Status.DONE),
            Outcome(
                _CHANGES[1],
                Status.CONFLICT,
                "live model 43 changed since the plan was made: query",
                "plan again, and review what somebody else changed",
            ),
            Outcome(
                _CHANGES[2],
                Status.FAILED,
                "PUT /models/44 was refused (422): query: contains LIMIT or OFFSET at the end",
                "take the LIMIT out of the query",
            ),
            Outcome(
                _CHANGES[3],
                Status.FAILED,
                "the server answered 200, but did not take description",
                "if nothing else helps, silence it with `lifecycle: {ignore_changes: [description]}`",
                (
                    FieldChange(("configuration", "harvesters", 0, "odd key"), "a", "b"),
                    FieldChange(("description",), "Users", "Users seen in the last 30 days"),
                ),
            ),
            Outcome(
                _CHANGES[4],
                Status.UNKNOWN,
                "PUT /models/46 failed: no answer within 60 s",
                "plan again: it shows whether the change was written",
            ),
            Outcome(_CHANGES[5], Status.NOT_ATTEMPTED),
            Outcome(_CHANGES[6], Status.NOT_ATTEMPTED),
        )
    ),
    "overtaken": Report(
        (
            Outcome(_CHANGES[0], Status.DONE),
            Outcome(_CHANGES[1], Status.DONE, since="live model 43 changed again since: query", hint="plan again"),
        )
    ),
    "unseen": Report((Outcome(_CHANGES[0], Status.DONE),), "the newest models fill more than three pages"),
}

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        Origin("models/finance/revenue.yaml", 4, 13),
        "unknown-query-type",
        "query_type must be one of raw_sql, dbt, soql, table_selector, ai_ml, dynamic_sql, unstructured, vector_search",
        "did you mean `raw_sql`?",
        excerpt="query_type: raw_sq",
    ),
    Problem(
        Origin("models/finance/revenue.yaml", 7, 12),
        "limit-at-line-end",
        "the query has a LIMIT at the end of a line, which the server refuses for every query type",
        "take it out: a sync reads every row of the query anyway, and pages through it by itself, so it is never needed",
        excerpt="\t日本語: 'é' LIMIT 10",
    ),
    Problem(
        Origin("models/long.yaml", 2, 400),
        "secret-in-git",
        "this looks like a secret",
        excerpt="x" * 390 + " api_key: abc " + "y" * 390,
    ),
    Problem(Origin("models/not_utf8.yaml"), "bad-encoding", "the file is not UTF-8", "save it as UTF-8"),
    Problem(
        Origin("models/warned.yaml", 9, 3),
        "inner-limit",
        "the query has an inner LIMIT",
        severity=Severity.WARNING,
        excerpt="  SELECT * FROM (SELECT 1 LIMIT 5) AS x",
    ),
)

EVENTS = (
    Requested("GET", "/models?page=1&per_page=1000", 200, 0.4142),
    Requested("PUT", "/models/42", 0, 60.0),
    Waiting("429 Too Many Requests", 12.3, 95.0, 2, 5),
    Waiting("PUT /models/42 failed (504): the answer is empty", 0.9, 94.0, 0, 5),
    Slowing(100),
    Slowing(100, 143, 119.2, 71, 200),
    Modifying("finance/revenue_daily", 42),
    Modifying("finance/revenue_daily", 42, 10.2),
    Modified("finance/revenue_daily", 42, 12.4, ok=True),
    Modified("finance/revenue_daily", 42, 0.8, ok=False),
    Modifying("finance/new", 0),
    Modifying("finance/new", 0, 10.2),
    Modified("finance/new", 67, 12.4, ok=True, is_new=True),
    Modified("finance/new", 0, 12.4, ok=False, is_new=True),
)

_CAUSED = plan_of(
    (
        "finance/revenue_daily",
        {"name": "Revenue daily", "description": "Checked by hand", "query": REVENUE},
        {
            "name": "Revenue daily",
            "description": "Paid orders a day",
            "query": REVENUE.replace("sum(amount)    ", "sum(net_amount)").replace(
                "ORDER BY", "-- latest last\nORDER BY"
            ),
        },
    ),
    (
        "marketing/leads",
        {"name": "Leads", "query": "SELECT id\nFROM leads\n-- for the campaign\nWHERE age < 30"},
        {"name": "Leads", "query": "SELECT id\nFROM leads\nWHERE age < 7"},
    ),
    (
        "search/products",
        {"name": "Products", **_MASKED, "configuration": {"api_key": f"{CANARY}-live", "limit": 1}},
        {"name": "Products", "configuration": {"api_key": f"{CANARY}-git", "limit": 2}},
    ),
    unmanaged=[live(7, name="Old churn")],
    unchanged=41,
)

COMMIT = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
RUN_URL = "https://github.example.com/acme/models/actions/runs/412"

_HUBSPOT = ("HubSpot", "Hubspot", "contacts")
_SYNCS = {
    "hourly": Sync(3, 42, 1, *_HUBSPOT, "incremental", "every 2 hours", "healthy", columns=("email",), is_running=True),
    "manual": Sync(4, 42, 1, *_HUBSPOT, "full_refresh", "manual", "disabled", columns=("email",)),
    "nightly": Sync(
        5, 43, 2, *_HUBSPOT, "incremental", "cron 0 3 * * *", "failed", "updated_at", source="Snowflake old"
    ),
    "hostile": Sync(6, 45, 1, "##[error]\u202e|", "", "`@all`\n::error::x", "", "", "", is_running=None),
}


def _downstream() -> Planned:
    pairs: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
        ("crm/contacts", {"query": "SELECT id, mail FROM c"}, {"query": "SELECT id, mail AS email, x FROM c"}),
        ("crm/keys", {"connector_id": 2}, {"primary_key": "email", "connector_id": 1}),
        ("crm/layout", {"query": "select 1 as a"}, {"query": "SELECT 1 AS a"}),
        ("crm/odd", {"query": "SELECT 1"}, {"query": "SELECT 2"}),
        ("crm/unread", {"description": "old"}, {}),
    )
    bindings = tuple(
        Binding(desired(address, **wanted), live(number, **before))
        for number, (address, before, wanted) in enumerate(pairs, 42)
    )
    plan = make_plan(Bound(bindings, new=(desired("crm/new", name="New | model"),)), TARGET)
    effects = {
        "crm/contacts": Effect(
            (_SYNCS["hourly"], _SYNCS["manual"]),
            Columns(("id", "mail"), ("id", "email", "x"), ("x",), (), (("mail", "email"),)),
        ),
        "crm/keys": Effect((_SYNCS["nightly"],)),
        "crm/layout": Effect((), Columns(("a",), ("a",), is_formatting=True)),
        "crm/new": Effect(()),
        "crm/odd": Effect((_SYNCS["hostile"],), Columns(None, ("`x`",))),
        "crm/unread": Effect(None),
    }
    return Planned(plan, effects=effects, commit=COMMIT)


def _loosened(message: str, address: str = "") -> Problem:
    origin = Origin(f"models/{address}.yaml", 3, 1) if address else NOWHERE
    hint = "until this is merged, it still protects" if address else ""
    return Problem(origin, LOOSENED, message, hint, Severity.WARNING)


PLANNED: dict[str, Planned] = {
    "downstream": _downstream(),
    "lost": replace(
        _downstream(),
        refusals=(
            Problem(
                Origin("models/crm/contacts.yaml", 6, 1),
                "lost-column",
                "the query of crm/contacts doesn't return mail, which sync 3 to HubSpot maps",
                "keep the column, or change the sync first",
                excerpt="query: …",
            ),
        ),
    ),
    "typical": Planned(PLANS["typical"].plan, tuple(PLANS["typical"].warnings), commit=COMMIT),
    "nested": Planned(PLANS["nested"].plan, commit=COMMIT),
    "masked": Planned(PLANS["masked"].plan),
    "values": Planned(PLANS["values"].plan),
    "caused": Planned(
        _CAUSED,
        provenance=Provenance(
            "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567",
            {
                "finance/revenue_daily": (Cause.DRIFT, Cause.CHANGE),
                "marketing/leads": (Cause.CONFLICT,),
                "search/products": (Cause.CHANGE, Cause.CHANGE),
            },
            {"crm/accounts": ("description", "query")},
        ),
        commit=COMMIT,
    ),
    "refused": policy.judged(
        Planned(
            _CAUSED,
            (
                *(_loosened(f"`protect` of {one} is lifted", one) for one in ("crm/a", "crm/`b`")),
                _loosened("max_change_percent rises from 30 to 100"),
            ),
            provenance=Provenance(
                "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567",
                {
                    "finance/revenue_daily": (Cause.DRIFT, Cause.CHANGE),
                    "marketing/leads": (Cause.CONFLICT,),
                    "search/products": (Cause.CHANGE, Cause.CHANGE),
                },
                {},
            ),
            commit=COMMIT,
            removed=(
                Removed("crm/gone", "models/crm/gone.yaml", 7, "Gone @all", (_SYNCS["nightly"], _SYNCS["hostile"])),
                Removed("crm/lost", "models/crm/lost.yaml", 0, "Lost"),
                Removed("crm/unread", "models/crm/unread.yaml", 8, "Unread", None),
            ),
        ),
        limits.Limits(),
    ),
    "removed": Planned(
        PLANS["no_changes"].plan,
        (_loosened("create is switched on"),),
        removed=(Removed("crm/alone", "models/crm/alone.yaml", 7, "Alone"),),
    ),
    "no_changes": Planned(PLANS["no_changes"].plan, commit=COMMIT),
    "nothing_compared": Planned(PLANS["nothing_compared"].plan),
    "offline": Planned(PLANS["typical"].plan, commit=COMMIT, is_offline=True),
    "targeted": Planned(PLANS["targeted"].plan),
    "failed": Planned(PLANS["typical"].plan, tuple(PLANS["typical"].warnings), PROBLEMS, commit=COMMIT),
    "hostile": Planned(PLANS["hostile"].plan, tuple(PLANS["hostile"].warnings), commit="`@root` #1"),
}
"""Plans as a comment shows them: with their commit, their causes and what kept parts of git out."""


def _alike() -> Planned:
    """Models with the same change, and models that differ from them in one thing each."""
    keys: dict[str, Any] = {"primary_key": "id", "query": "SELECT 1"}
    old, new = "SELECT 1\nFROM a", "SELECT 1\nFROM b"
    plan = plan_of(
        *((f"d/described_{n}", {"description": f"old {n}"}, {"description": f"new {n}"}) for n in range(4)),
        ("e/described | @all", {"description": ""}, {"description": "```\u202e"}),
        *(
            (f"a/same_{n}", {"query": old, "query_type": "ai_ml"}, {"query": new, "query_type": "ai_ml"})
            for n in range(3)
        ),
        ("a/one", {"query": old}, {"query": f"{new}\nWHERE c"}),
        ("a/rest|of", keys, {**keys, "query": "SELECT 2", "name": "Other"}),
        ("b/drifts", {"description": "live"}, {"description": "git"}),
        ("c/fed", {"query": old}, {"query": new}),
    )
    causes = {change.address: (Cause.CHANGE,) * len(change.fields) for change in plan.changes}
    effects = {change.address: Effect(()) for change in plan.changes}
    return Planned(
        plan,
        provenance=Provenance("", causes | {"b/drifts": (Cause.DRIFT,)}, {}),
        effects=effects | {"c/fed": Effect((_SYNCS["hourly"],)), "d/described_1": Effect((_SYNCS["nightly"],))},
        commit=COMMIT,
        removed=(Removed("crm/gone", "models/crm/gone.yaml", 7, "Gone", (), "ai_ml"),),
    )


ALIKE: Planned = _alike()
