"""What a file means for one environment: its values filled in, its references to secrets, and those looked up. Pure.

Documents must be valid (`validate.check`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.model import FIELDS, DesiredModel, DesiredState, Lifecycle
from syncer.secrets import SECRET_VARIABLE, SecretRef, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.model import Document, Json, Problem
    from syncer.secrets import Secret


def resolve(documents: Sequence[Document], environment: str) -> DesiredState:
    """Desired state of one environment, ordered by address; without the definitions that live in others only."""
    models = (_desired(document, environment) for document in documents if document.is_in(environment))
    return DesiredState(tuple(sorted(models, key=lambda model: model.address)))


def _desired(document: Document, environment: str) -> DesiredModel:
    values, sources = document.effective(environment)
    sources = dict(sources)
    if "query_file" in values:
        sources["query"] = sources["query_file"]
        values = {**values, "query": document.files[values["query_file"]].text}
    in_files = connector = values.get("connector", "")
    if connector:
        sources["connector_id"] = sources["connector"]
        # A name that stands under the environment is the one there.
        if not sources["connector"].is_of_environment:
            connector = document.inherited.common.connector(environment, in_files)
    fields = {field: values[field] for field in FIELDS if field in values}
    names_secrets = _mentions_variables(fields.get("configuration"))
    if names_secrets:
        fields["configuration"] = _with_references(fields["configuration"], False)
    lifecycle = values.get("lifecycle", {})
    return DesiredModel(
        document.address,
        fields,
        document,
        sources,
        values.get("id"),
        Lifecycle(
            protect=lifecycle.get("protect", False),
            ignore_changes=tuple(lifecycle.get("ignore_changes", ())),
            allow=tuple(lifecycle.get("allow", ())),
        ),
        names_secrets=names_secrets,
        connector=connector,
        connector_in_files=in_files if in_files != connector else "",
    )


def _mentions_variables(value: Json) -> bool:
    """Whether anything in the configuration could be a reference; most have none, and are left as they are."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            if "env" in one:
                return True
            waiting.extend(one.values())
        elif type(one) is list:
            waiting.extend(one)
    return False


def _with_references(value: Json, secret: bool) -> Json:  # noqa: FBT001 - called for each value
    """The configuration with `{env: SYNCER_SECRET_X}` under a secret's key turned into a reference."""
    kind = type(value)
    if kind is dict:
        variable = value.get("env") if secret and len(value) == 1 else None
        if isinstance(variable, str) and SECRET_VARIABLE.fullmatch(variable):
            return SecretRef(variable)
        return {key: _with_references(inner, secret or is_secret_key(key)) for key, inner in value.items()}
    return [_with_references(inner, secret) for inner in value] if kind is list else value


def reveal(desired: DesiredState, lookup: Callable[[str], Secret | None]) -> tuple[DesiredState, tuple[Problem, ...]]:
    """The same state with every secret looked up, and a problem for each variable that isn't set."""
    models, problems = [], []
    for model in desired.models:
        if not model.names_secrets:
            models.append(model)
            continue
        missing: list[str] = []
        configuration = _revealed(model.fields["configuration"], lookup, missing)
        models.append(replace(model, fields={**model.fields, "configuration": configuration}))
        problems += [
            model.problem(
                "missing-secret",
                f"the environment variable {variable} is not set, or is empty",
                "configuration",
                hint="set it where syncer runs (in CI: as a masked secret)",
            )
            for variable in missing
        ]
    return DesiredState(tuple(models)), tuple(problems)


def _revealed(value: object, lookup: Callable[[str], Secret | None], missing: list[str]) -> object:
    if isinstance(value, SecretRef):
        secret = lookup(value.variable)
        if secret is None:
            missing.append(value.variable)
        return secret if secret is not None else value
    if isinstance(value, dict):
        return {key: _revealed(inner, lookup, missing) for key, inner in value.items()}
    return [_revealed(inner, lookup, missing) for inner in value] if isinstance(value, list) else value
