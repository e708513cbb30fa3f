"""Secrets that this run doesn't have: what is compared in their place, and what must not be sent without them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from syncer.model import NOWHERE, Binding, Problem, Severity, shortlist
from syncer.secrets import Secret, SecretRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.model import Bound, DesiredModel, Json, LiveModel
    from syncer.plan.planner import Plan

RULE: Final = "missing-secret"
"""The rule of a variable that isn't set."""

_MANY: Final = 5
"""How many models of one variable are listed."""


def without_unset(bound: Bound) -> tuple[Bound, Mapping[str, tuple[str, ...]]]:
    """The definitions with something to compare for every secret; and, by address, the variables that aren't set.

    Whether such a secret differs, nobody can say. All else can be compared.
    """
    not_compared: dict[str, tuple[str, ...]] = {}

    def filled(model: DesiredModel, live: LiveModel | None) -> DesiredModel:
        found, variables = with_live_secrets(model, live)
        if variables:
            not_compared[model.address] = variables
        return found

    bindings = tuple(Binding(filled(one.desired, one.live), one.live) for one in bound.bindings)
    new = tuple(filled(model, None) for model in bound.new)
    return replace(bound, bindings=bindings, new=new), not_compared


def with_live_secrets(model: DesiredModel, live: LiveModel | None) -> tuple[DesiredModel, tuple[str, ...]]:
    """A definition with live's own value for each secret that could not be looked up; and their variables.

    Where live has no secret an unset one stands, which nothing sends.
    """
    if not model.names_secrets:
        return model, ()
    variables: list[str] = []
    other = live.fields.get("configuration") if live is not None else None
    configuration = _filled(model.fields["configuration"], other, variables)
    if not variables:
        return model, ()
    fields = {**model.fields, "configuration": configuration}
    return replace(model, fields=fields), tuple(dict.fromkeys(variables))


def _filled(value: Json, live: Json, variables: list[str]) -> Json:
    if isinstance(value, SecretRef):
        variables.append(value.variable)
        return live if isinstance(live, Secret) else Secret.unset(value.variable)
    if isinstance(value, dict):
        inside = live if isinstance(live, dict) else {}
        return {key: _filled(inner, inside.get(key), variables) for key, inner in value.items()}
    if isinstance(value, list):
        others = live if isinstance(live, list) and len(live) == len(value) else [None] * len(value)
        return [_filled(inner, other, variables) for inner, other in zip(value, others, strict=True)]
    return value


def not_compared_secrets(not_compared: Mapping[str, tuple[str, ...]], plan: Plan | None = None) -> tuple[Problem, ...]:
    """One warning for all variables that aren't set, with their models, and with what an apply of the plan leaves."""
    if not not_compared:
        return ()
    models: dict[str, list[str]] = {}
    for address, variables in sorted(not_compared.items()):
        for variable in variables:
            models.setdefault(variable, []).append(address)
    is_one = len(models) == 1
    what = (
        "1 secret not compared: its variable is not set"
        if is_one
        else (f"{len(models)} secrets not compared: their variables are not set")
    )
    named = "; ".join(f"{one} ({shortlist(addresses, _MANY)})" for one, addresses in sorted(models.items()))
    hint = f"{named}. Set {'it' if is_one else 'them'} where syncer runs to compare everything"
    withheld = [change.address for change in plan.withheld] if plan is not None else []
    if withheld:
        hint += f". An apply leaves out {shortlist(withheld, _MANY)}: the configuration would be sent without a secret"
    return (Problem(NOWHERE, RULE, what, hint, Severity.WARNING),)
