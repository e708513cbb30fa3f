"""A workspace of any size, the same in every run: definitions as people write them, and the models as the API has them.

python -m benchmarks.corpus FOLDER N writes FOLDER/models/**/*.yaml, FOLDER/schema.json and FOLDER/syncer.toml.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEAMS: Final = ("finance", "growth", "lifecycle", "sales", "support")
_ENTITIES: Final = ("account", "cart", "contract", "device", "invoice", "lead", "order", "seat", "ticket", "visit")
_MEASURES: Final = (
    "amount_due",
    "avg_basket",
    "churn_risk",
    "days_idle",
    "discount_rate",
    "first_touch",
    "items_held",
    "last_login",
    "net_revenue",
    "open_cases",
    "plan_tier",
    "refund_share",
)
_KINDS: Final = ("boolean", "date", "number", "text")
SOURCES: Final = 25

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "connector_id", "query_type", "primary_key", "query"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "pattern": r"\S"},
        "description": {"type": "string"},
        "connector_id": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[1-9][0-9]*$"}]},
        "query_type": {"enum": ["raw_sql", "dbt", "soql", "table_selector"]},
        "primary_key": {"type": "string", "minLength": 1},
        "query": {"type": "string", "minLength": 1},
        "configuration": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "owner": {"$ref": "#/$defs/owner"},
                "freshness": {"$ref": "#/$defs/freshness"},
                "fields": {"type": "array", "items": {"$ref": "#/$defs/field"}},
                "labels": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
                "budget": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
            },
        },
    },
    "$defs": {
        "owner": {
            "type": "object",
            "required": ["team"],
            "additionalProperties": False,
            "properties": {
                "team": {"enum": list(_TEAMS)},
                "channel": {"type": "string", "pattern": "^#[a-z-]+$"},
                "escalation": {
                    "type": "object",
                    "properties": {"after_hours": {"type": "number", "minimum": 0}, "level": {"type": "integer"}},
                },
            },
        },
        "freshness": {
            "oneOf": [
                {
                    "type": "object",
                    "required": ["every", "unit"],
                    "additionalProperties": False,
                    "properties": {"every": {"type": "integer", "minimum": 1}, "unit": {"enum": ["hours", "minutes"]}},
                },
                {
                    "type": "object",
                    "required": ["at"],
                    "additionalProperties": False,
                    "properties": {"at": {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$"}},
                },
            ]
        },
        "field": {
            "type": "object",
            "required": ["name", "kind"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "kind": {"enum": list(_KINDS)},
                "nullable": {"type": "boolean"},
                "note": {"type": "string"},
            },
        },
    },
}
"""What the lean script checks by: strict, with choices and references as real schemas have."""


def definition(number: int) -> dict[str, Any]:
    """Definition `number` (from 0) as git has it."""
    entity = _ENTITIES[number % len(_ENTITIES)]
    team = _TEAMS[number % len(_TEAMS)]
    return {
        "name": f"{entity.capitalize()} scores {number}",
        "description": (
            f"One row per {entity} with what the {team} team watches in region {number % 23}. "
            f"Built nightly from the warehouse, read by the syncs of segment {number % 61}."
        ),
        "connector_id": 1 + number % SOURCES,
        "query_type": "dbt" if number % 5 == 0 else "raw_sql",
        "primary_key": f"{entity}_id",
        "query": _query(number, entity),
        "configuration": {
            "owner": {
                "team": team,
                "channel": f"#{team}-data",
                "escalation": {"after_hours": 1.5 + number % 4, "level": 1 + number % 3},
            },
            "freshness": {"at": f"{number % 24:02}:30"} if number % 2 else {"every": 1 + number % 12, "unit": "hours"},
            "fields": [
                {
                    "name": f"{_MEASURES[(number + at) % len(_MEASURES)]}_{at}",
                    "kind": _KINDS[(number + at) % len(_KINDS)],
                    "nullable": at % 2 == 0,
                    "note": f"measure {at} of {entity} {number}",
                }
                for at in range(2 + number % 6)
            ],
            "labels": ["nightly", f"region-{number % 23}", f"wave-{number % 7}"],
            "budget": {"rows": 500_000 + number, "seconds": 300 + number % 60},
        },
    }


def _query(number: int, entity: str) -> str:
    """SQL of 12 to 44 lines."""
    measures = [_MEASURES[(number + at) % len(_MEASURES)] for at in range(5 + number % 33)]
    return "\n".join(
        [
            f"WITH recent_{entity} AS (",
            f"  SELECT * FROM warehouse.{entity}_{number % 40}",  # noqa: S608 - nobody runs it
            "  WHERE removed_on IS NULL",
            ")",
            f"SELECT r.{entity}_id,",
            *(
                f"  COALESCE(r.{measure}, 0) AS {measure}_{at}," if at % 2 else f"  r.{measure} AS {measure}_{at},"
                for at, measure in enumerate(measures)
            ),
            "  r.changed_on",
            f"FROM recent_{entity} AS r",
            f"WHERE r.region = {number % 23}",
            "",
        ]
    )


def live(number: int, *, changed: bool = False) -> dict[str, Any]:
    """The attributes that the API has for a definition; if `changed`, a line of SQL and two nested values differ."""
    attributes = definition(number)
    if changed:
        lines = attributes["query"].split("\n")
        lines[6] = "  r.retired_measure,"
        attributes["query"] = "\n".join(lines)
        configuration = attributes["configuration"]
        configuration["budget"]["rows"] += 1
        configuration["fields"][-1]["nullable"] = not configuration["fields"][-1]["nullable"]
    return attributes


def is_changed(number: int, share: float) -> bool:
    """Whether the live model of that number differs from its definition, if such a share of them does."""
    return share > 0 and number % round(1 / share) == 0


def to_yaml(value: dict[str, Any]) -> str:
    """A definition as a person would write it: comments, blocks for long text, no needless quotes."""
    return f"# {value['name']}\n" + "".join(_lines(value, ""))


def _lines(mapping: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in mapping.items():
        yield from _entry(f"{indent}{key}:", value, f"{indent}  ")


def _entry(start: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield f"{start}\n"
        yield from _lines(value, indent)
    elif isinstance(value, list):
        yield f"{start}\n"
        for item in value:
            if isinstance(item, dict):
                first, *rest = _lines(item, f"{indent}  ")
                yield f"{indent}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{indent}- {item}\n"
    elif isinstance(value, str) and "\n" in value:
        yield f"{start} |\n"
        yield from (f"{indent}{line}\n" for line in value.removesuffix("\n").split("\n"))
    elif isinstance(value, str) and start.startswith("description"):
        yield f"{start} >-\n{indent}{value}\n"
    elif isinstance(value, str) and (value[0] == "#" or value[0].isdigit()):
        yield f'{start} "{value}"\n'
    else:
        yield f"{start} {json.dumps(value) if isinstance(value, bool) else value}\n"


def write(folder: Path, count: int) -> None:
    """A folder in which the product and the lean script can work."""
    for number in range(count):
        value = definition(number)
        file = folder / "models" / value["configuration"]["owner"]["team"] / f"{value['primary_key']}_{number}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(to_yaml(value), "utf-8")
    (folder / "schema.json").write_text(json.dumps(SCHEMA), "utf-8")
    # What is measured is the work, not the waiting that the documented limit of requests asks for.
    (folder / "syncer.toml").write_text("[environments.default]\nrequests_per_minute = 0\n", "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
