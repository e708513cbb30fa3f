"""What is live in one environment as what another one would get, if it were merged. Values in, values out. Pure.

What belongs to one environment doesn't travel: ids, secrets, connectors' ids, and the values that a file gives to an
environment of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.desired.connectors import source_name
from syncer.model import FIELDS, Lifecycle
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.model import Binding, Common, Connector, DesiredModel, Json

CONNECTOR = "connector_id"


def own_fields(one: DesiredModel, other: DesiredModel) -> frozenset[str]:
    """The fields that a file gives to one of two environments alone."""
    return frozenset(
        field
        for field in FIELDS
        if any(field in model.sources and model.sources[field].is_of_environment for model in (one, other))
    )


def connector_there(
    connector_id: Json,
    here: Sequence[Connector],
    there: Sequence[Connector],
    common: Common,
    names: tuple[str, str],
) -> int | None:
    """The id, in the second of two environments, of a connector of the first; None where no name leads to it."""
    name = source_name(here, connector_id)
    in_files = common.connector_in_files(names[0], name) if name else ""
    called = common.connector(names[1], in_files) if in_files else ""
    return next((one.id for one in there if one.name == called and source_name(there, one.id) == called), None)


def promoted(here: Binding, there: Binding, connector_id: int | None) -> DesiredModel:
    """The definition that says of the second environment what is live in the first, but for what doesn't travel.

    It ignores nothing: what differs is told, whoever may change it.
    """
    own = own_fields(here.desired, there.desired) | ({CONNECTOR} if connector_id is None else set())
    fields = {name: value for name, value in here.live.fields.items() if name in FIELDS and name not in own}
    if CONNECTOR in fields:
        fields[CONNECTOR] = connector_id
    if "configuration" in fields:
        fields["configuration"] = _with_secrets_of(fields["configuration"], there.live.fields.get("configuration"))
    fields = {"name": there.live.name, **fields}
    return replace(there.desired, fields=fields, lifecycle=Lifecycle(), names_secrets=False)


def _with_secrets_of(value: Json, other: Json) -> Json:
    """A value with the other one's secret wherever both have one: which secret it is, each environment knows alone."""
    if isinstance(value, Secret):
        return other if isinstance(other, Secret) else value
    if isinstance(value, dict):
        inside = other if isinstance(other, dict) else {}
        return {key: _with_secrets_of(inner, inside.get(key)) for key, inner in value.items()}
    if isinstance(value, list):
        beside = other if isinstance(other, list) and len(other) == len(value) else [None] * len(value)
        return [_with_secrets_of(inner, one) for inner, one in zip(value, beside, strict=True)]
    return value
