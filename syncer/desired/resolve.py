"""Saying what git means: `resolve` answers all that git alone can answer, `bind` says which live model is which.

No requests, no files: documents and live state are handed in. Documents must be valid (`validate.check`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from syncer.model import FIELDS, Binding, Bound, DesiredModel, DesiredState, Lifecycle, Severity, shortlist
from syncer.secrets import SECRET_VARIABLE, SecretRef, is_secret_key
from syncer.typos import is_slip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from syncer.model import Connector, Document, Json, LiveModel, LiveState, Problem, Unreadable
    from syncer.secrets import Secret

_COMPARISONS: Final = 20_000
_LEAST: Final = 5
"""How long a word must be for a letter that differs to be a slip."""

_LONG: Final = 200

REPAIR: Final = (
    "give its connector a catalog in the UI, or delete the model; "
    "if that is no AI connector, set the model's query type back instead"
)
"""What makes the server show an ai_ml model again that stands on a connector without a catalog."""

_MANY: Final = 5
"""How many candidates a message lists before it counts the rest."""


def resolve(documents: Sequence[Document], environment: str) -> DesiredState:
    """Desired state of one environment, ordered by address."""
    models = (_desired(document, environment) for document in documents)
    return DesiredState(tuple(sorted(models, key=lambda model: model.address)))


def _desired(document: Document, environment: str) -> DesiredModel:
    values, sources = document.effective(environment)
    sources = dict(sources)
    if "query_file" in values:
        sources["query"] = sources["query_file"]
        values = {**values, "query": document.files[values["query_file"]].text}
    if "connector" in values:
        sources["connector_id"] = sources["connector"]
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
        connector=values.get("connector", ""),
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


def bind_connectors(desired: DesiredState, connectors: Sequence[Connector]) -> tuple[DesiredState, tuple[Problem, ...]]:
    """The same state with the id of every connector that a file names, and a problem for each name that fits not one.

    Only source connectors of the workspace count: the server would take a destination as well.
    """
    models, problems = [], []
    for model in desired.models:
        fits = [one for one in connectors if one.name == model.connector and one.kind == "source"]
        if model.connector and len(fits) == 1:
            models.append(replace(model, fields={**model.fields, "connector_id": fits[0].id}))
            continue
        models.append(model)
        if model.connector:
            problems.append(_several_connectors(model, fits) if fits else _no_connector(model, connectors))
    return DesiredState(tuple(models)), tuple(problems)


def stand_in_connectors(desired: DesiredState) -> DesiredState:
    """The same state with the connectors' names in place of their ids: for comparing files with files."""
    return DesiredState(
        tuple(
            replace(model, fields={**model.fields, "connector_id": model.connector}) if model.connector else model
            for model in desired.models
        )
    )


def _several_connectors(model: DesiredModel, fits: Sequence[Connector]) -> Problem:
    message = f"{len(fits)} source connectors are named {model.connector!r}: {_connectors(fits)}"
    hint = f"give the number of the one you mean: `connector_id: {fits[0].id}`"
    return model.problem("ambiguous-connector", message, "connector_id", hint=hint)


def _no_connector(model: DesiredModel, connectors: Sequence[Connector]) -> Problem:
    others = [one for one in connectors if one.name == model.connector]
    if others:
        message = f"{model.connector!r} is a {others[0].kind}, and a model reads from a source"
    else:
        message = f"no source connector of the workspace is named {model.connector!r}"
    sources = [one for one in connectors if one.kind == "source"]
    names = {one.name.casefold(): one.name for one in sources}
    word = model.connector.casefold()
    near = names.get(word) or next((names[one] for one in get_close_matches(word[:_LONG], names, 1)), "")
    hint = f"did you mean {near!r}?" if near else f"its source connectors are {_connectors(sources) or 'none'}"
    return model.problem("unknown-connector", message, "connector_id", hint=hint)


def _connectors(connectors: Sequence[Connector]) -> str:
    return shortlist((f"id {one.id} ({one.name!r}, {one.definition})" for one in connectors), _MANY)


def bind(desired: DesiredState, live: LiveState, *, create: bool = False) -> Bound:
    """Which live model each desired model means: the one of its `id`, else the only live one of its name.

    None, several, or two files for one live model are problems; nothing downstream looks anything up by name.

        id in the file   live models that fit   outcome
        yes              the one of that id     bound
        yes              none                   problem `unknown-id`, candidates by name
        no               one of the name        bound
        either           one nobody can read    problem `unreadable-model`
        no               none                   new with `create`, else problem `no-live-model`, candidates by likeness
        no               several                problem `ambiguous-name`, all of them
        no               none among those read  problem `incomplete-live-state`, where another may bear the name
    """
    by_id = {model.id: model for model in live.models}
    names = _Names(live.models)

    claimed: dict[int, list[Binding]] = defaultdict(list)
    problems: list[Problem] = []
    new: list[DesiredModel] = []
    wanted = Counter(model.name for model in desired.models)
    for model in desired.models:
        namesakes = names.bearers(model.name) if live.complete else []
        broken = _broken(model, live)
        if model.id in by_id:
            claimed[model.id].append(Binding(model, by_id[model.id]))
        elif broken is not None:
            problems.append(_unreadable(model, broken))
        elif model.id is None and live.complete and not namesakes and create:
            told = _against(model, live, names, wanted)
            problems += told
            new += [] if any(problem.is_error for problem in told) else [model]
        elif model.id is None and len(namesakes) == 1:
            claimed[namesakes[0].id].append(Binding(model, namesakes[0]))
        else:
            problems.append(_unbound(model, live, names, namesakes))
    problems += [problem for rivals in claimed.values() for problem in _claimed_twice(rivals)]
    bound = tuple(rivals[0] for rivals in claimed.values() if len(rivals) == 1)
    return Bound(
        tuple(sorted(bound, key=lambda binding: binding.desired.address)),
        tuple(sorted((one for one in live.models if one.id not in claimed), key=lambda one: one.id)),
        tuple(sorted(problems, key=lambda problem: problem.origin)),
        tuple(sorted(new, key=lambda model: model.address)),
    )


def _broken(model: DesiredModel, live: LiveState) -> Unreadable | None:
    """The live model that a definition means and nobody can read: the one of its `id`, else one of its name."""
    meant = (row for row in live.unreadable if (row.name == model.name if model.id is None else row.id == model.id))
    return next(meant, None)


def _unbound(model: DesiredModel, live: LiveState, names: _Names, namesakes: Sequence[LiveModel]) -> Problem:
    """Why a definition means no live model, or not one."""
    if model.id is not None:
        return _unknown_id(model, names)
    if namesakes:
        return _ambiguous(model, namesakes)
    is_unseen = not live.complete or any(row.may_be(model.name) for row in live.unreadable)
    return _not_all_read(model) if is_unseen else _nameless(model, names)


def _against(model: DesiredModel, live: LiveState, names: _Names, wanted: Mapping[str, int]) -> list[Problem]:
    """What speaks against creating a model that no live one answers to: errors forbid it, warnings are to be read."""
    if any(row.may_be(model.name) for row in live.unreadable):
        return [_unseen(model)]
    return [_wanted_twice(model)] if wanted[model.name] > 1 else _similar(model, names)


def _listed(models: Sequence[LiveModel]) -> str:
    """`id 4 "Active users", id 9 "Active users"`, and how many more."""
    return shortlist((f"id {model.id} ({model.name!r})" for model in models), _MANY)


class _Names:
    """The live models by name, and what somebody may have meant who wrote another one.

    Comparing every name with every other is quadratic: planned against a wrong workspace, ten thousand files would
    take hours. So it guesses for the first problems and then no more.
    """

    def __init__(self, models: Iterable[LiveModel]) -> None:
        self._exact: dict[str, list[LiveModel]] = defaultdict(list)
        self._folded: dict[str, list[LiveModel]] = defaultdict(list)
        for model in models:
            self._exact[model.name].append(model)
            self._folded[model.name.casefold()].append(model)
        self._comparisons = _COMPARISONS
        self._alike: dict[object, list[LiveModel]] = defaultdict(list)
        self._by_count: dict[int, list[tuple[Sequence[str], LiveModel]]] = defaultdict(list)

    def bearers(self, name: str) -> list[LiveModel]:
        """The live models of exactly that name."""
        return self._exact.get(name, [])

    def near(self, name: str) -> list[LiveModel]:
        """The live models whose name is the same but for case, or much alike."""
        if alike := self._folded.get(name.casefold()):
            return alike
        self._comparisons -= len(self._exact)
        if self._comparisons < 0 or len(name) > _LONG:
            return []
        return [model for near in get_close_matches(name, self._exact, 3) for model in self._exact[near]]

    def slips(self, name: str) -> list[LiveModel]:
        """The live models that bear the same name but for a slip: it's all but certain that one of them is meant.

        A slip is another case, other signs between the words, the words in another order, or in words of five letters
        and more a letter too many, too few, another one or two that changed places. Numbers, short words and the first
        letter tell names apart: `Orders Q1` and `Orders Q2`, `Users EU` and `Users US`, `Inbound` and `Unbound`.
        """
        if not self._by_count:
            for one in chain.from_iterable(self._exact.values()):
                words = _words(one.name)
                self._by_count[len(words)].append((words, one))
                for key in _spellings(words):
                    self._alike[key].append(one)
        words = _words(name)
        alike = {one.id: one for key in _spellings(words) for one in self._alike.get(key, ())}
        others = self._by_count.get(len(words), ()) if len(name) <= _LONG else ()
        self._comparisons -= len(others)
        if self._comparisons >= 0:
            alike |= {one.id: one for them, one in others if all(map(_is_meant, words, them))}
        return [*alike.values()]


def _words(name: str) -> Sequence[str]:
    return re.findall(r"[^\W_]+", normalize("NFKC", name[:_LONG]).casefold())


def _spellings(words: Sequence[str]) -> Iterable[object]:
    """What is the same for names that differ in signs between the words alone, or in the order of the words."""
    return {"".join(words), tuple(sorted(words))} if words else ()


def _is_meant(word: str, other: str) -> bool:
    """Whether somebody who wrote one word may well have meant the other."""
    if word == other:
        return True
    if max(len(word), len(other)) < _LEAST or not (word.isalpha() and word.upper() != word):
        return False
    is_another = len(word) == len(other) and word[0] != other[0] and word[1:] == other[1:]
    return not is_another and is_slip(word, other)


def _nameless(model: DesiredModel, names: _Names) -> Problem:
    near = names.near(model.name)
    pin = f"did you mean {_listed(near)}? Pin the one you mean with `id:`" if near else "pin the live model with `id:`"
    hint = f"{pin}; to make a new one, say `create = true` in the environment's settings"
    return model.problem("no-live-model", f"no live model of the workspace is named {model.name!r}", "name", hint=hint)


def _unseen(model: DesiredModel) -> Problem:
    return model.problem(
        "unreadable-model",
        f"{model.name!r} can't be created: the server can't show every live model, and one of them may bear the name",
        "name",
        hint="repair what it can't show, or pin the live model with `id:`",
    )


def _wanted_twice(model: DesiredModel) -> Problem:
    message = f"{model.name!r} would be created, and another file gives its model that very name"
    hint = "pin the one you mean with `id:`, or give one of them another name"
    return model.problem("claimed-twice", message, "name", hint=hint)


def _similar(model: DesiredModel, names: _Names) -> list[Problem]:
    """A mistyped name would make a second model: what is the same but for a slip is told."""
    near = names.slips(model.name)
    if not near:
        return []
    message = f"{model.name!r} would be created, and there is {_listed(near)}"
    hint = "if that is the one you mean, pin it with `id:`, in one file alone"
    return [model.problem("similar-name", message, "name", hint=hint, severity=Severity.WARNING)]


def _ambiguous(model: DesiredModel, namesakes: Sequence[LiveModel]) -> Problem:
    message = f"{len(namesakes)} live models are named {model.name!r}: {_listed(namesakes)}"
    return model.problem("ambiguous-name", message, "name", hint="pin the one you mean with `id:`")


def _unknown_id(model: DesiredModel, names: _Names) -> Problem:
    hint = "was it deleted (then remove the file, or its id to create it anew), or is it in another workspace?"
    if namesakes := names.bearers(model.name):
        hint += f" Of its name there is {_listed(namesakes)}"
    return model.problem("unknown-id", f"the workspace has no live model with id {model.id}", "id", hint=hint)


def _not_all_read(model: DesiredModel) -> Problem:
    return model.problem(
        "incomplete-live-state",
        f"{model.name!r} can't be bound by name: not every live model could be read",
        "name",
        hint="pin the live model with `id:`",
    )


def _unreadable(model: DesiredModel, row: Unreadable) -> Problem:
    which = f"live model {row.id}" if row.id is not None else f"the live model {row.name!r}"
    return model.problem(
        "unreadable-model",
        f"the server can't show {which}: {row.reason}",
        "id" if model.id is not None else "name",
        hint=row.hint or f"{REPAIR}. Then plan again",
    )


def _claimed_twice(rivals: Sequence[Binding]) -> list[Problem]:
    return (
        []
        if len(rivals) == 1
        else [
            binding.desired.problem(
                "claimed-twice",
                f"live model {binding.live.id} ({binding.live.name!r}) is also declared by "
                + ", ".join(other.desired.document.path for other in rivals if other is not binding),
                "id" if binding.desired.id is not None else "name",
                hint="one live model has one file: remove one, or pin another `id:`",
            )
            for binding in rivals
        ]
    )
