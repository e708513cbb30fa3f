"""The JSON Schema's verdict, and its violations in words.

jsonschema-rs gives the quick yes or no for every document; jsonschema, which is a hundred times slower to import and to
run, is asked only why a document is wrong. Every keyword that our schema uses has its words here (`WORDS`).
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from syncer.desired.validate.finding import Finding, described, did_you_mean, label, nearest, quoted
from syncer.model import FIELDS
from syncer.secrets import is_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema.exceptions import ValidationError

    from syncer.model import Path

_MAX_FINDINGS: Final = 200
"""More violations of one document than anybody reads."""

OF_EACH_FILE: Final = frozenset({"id", "name", "query", "query_file", "environments", "only"})
"""What no default can give."""

_MANY_SLIPS: Final = 12
"""How many unknown keys of one file may be slips of required ones."""

FILE_KEYS: Final = (*FIELDS, "connector", "query_file", "id", "lifecycle", "environments", "only")
"""What a model file may have at the top."""

SILENT: Final = frozenset({"$ref", "allOf", "anyOf", "if", "then", "else", "properties", "items", "const"})
"""Keywords that never are a violation themselves: they lead to others, or choose them."""


class Schema:
    """One part of the schema, compiled once: the file as it stands, or the values of one environment."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        import jsonschema_rs  # noqa: PLC0415 - 50 ms, and only validation needs it

        self._schema = dict(schema)
        self._quick = jsonschema_rs.validator_for(self._schema)
        self._slow: Any = None

    def findings(self, values: Mapping[str, Any]) -> list[Finding]:
        """What the schema says against the values; nearly always nothing, and then quickly."""
        try:
            if self._quick.is_valid(values):
                return []
            refused = next(iter(self._quick.iter_errors(values)), None)
        except ValueError:
            refused = None  # It can't take lone surrogates; they have a rule of their own.
        if self._slow is None:
            from jsonschema import Draft202012Validator  # noqa: PLC0415 - 150 ms, and only a violation needs it

            self._slow = Draft202012Validator(self._schema)
        errors = list(islice(self._slow.iter_errors(values), _MAX_FINDINGS))
        if not errors and refused is not None:
            # Should the two ever disagree, the stricter is right: nothing that was refused may pass without a word.
            path = tuple(refused.instance_path)
            return [Finding("wrong-value", f"{label(path)} doesn't fit the schema", path, "see `syncer schema`")]
        return list(dict.fromkeys(finding for error in errors for finding in _words(error)))


def misfit(data: object, schema: Mapping[str, Any]) -> str | None:
    """Where data that no person writes doesn't fit a schema; None if it fits."""
    import jsonschema_rs  # noqa: PLC0415 - see above

    try:
        error = next(iter(jsonschema_rs.validator_for(dict(schema)).iter_errors(data)), None)
    except ValueError:
        return "it holds half a character"
    return None if error is None else f"{label(tuple(error.instance_path)) or 'it'} is not as it should be"


def of_files(schema: Mapping[str, Any]) -> Schema:
    """What holds for a file as it stands. Its choices by query type are for editors: an environment may differ."""
    return Schema({key: value for key, value in schema.items() if key != "allOf"})


def of_effective_values(schema: Mapping[str, Any]) -> Schema:
    """What holds once the values of an environment are filled in."""
    return Schema({key: schema[key] for key in ("$schema", "$id", "$defs")} | {"$ref": "#/$defs/effective"})


def of_defaults(schema: Mapping[str, Any]) -> Schema:
    """What holds for the defaults of a folder, or of the settings."""
    return Schema(
        {key: schema[key] for key in ("$schema", "$id", "$defs", "properties")} | {"$ref": "#/$defs/defaults"}
    )


class Violation(NamedTuple):
    """What jsonschema says, reduced to what words are made of."""

    path: Path
    keyword: str
    limit: Any
    """What the keyword says in the schema: the list of an `enum`, the number of a `minimum`."""
    found: Any
    schema: Mapping[str, Any]

    @property
    def expected(self) -> str:
        """What should be there. The parts of an `allOf` have no title of their own: only a name has such parts."""
        return str(self.schema.get("title", "text in one line that is not blank"))

    @property
    def leaf(self) -> str:
        """The last part of the path."""
        return str(self.path[-1]) if self.path else ""

    @property
    def sentence(self) -> str:
        """What is expected, and what was found."""
        return f"{label(self.path)} must be {self.expected}; found {described(self.found, self.path)}"


def _words(error: ValidationError) -> Iterator[Finding]:
    schema: Any = error.schema
    violation = Violation(
        tuple(error.absolute_path), str(error.validator), error.validator_value, error.instance, schema
    )
    if not _is_of_secrets(violation.path, violation.found):
        yield from WORDS[violation.keyword](violation)


def _is_of_secrets(path: Path, value: object) -> bool:
    """Whether the rules about secrets say it better: a literal, a mask, or `{env: …}` of another name."""
    return any(map(is_secret_key, path)) and (
        (isinstance(value, str) and bool(value.strip()))
        or (isinstance(value, int | float) and not isinstance(value, bool))
        or (isinstance(value, dict) and "env" in value)
    )


_MISSING: Final = {"primary_key": "missing-primary-key", "query": "missing-query"}
_FOR_MANY: Final = (
    "for all files of a folder give it in a _defaults.yaml there, for all files in [defaults] of the settings"
)
_MISSING_HINT: Final = {
    "name": "add name: …, or give it in each environment",
    "connector_id": "add connector: … with the connector's name, or connector_id: … with the number in its URL; "
    f"{_FOR_MANY}",
    "query_type": f"add query_type: raw_sql, or another of the eight; {_FOR_MANY}",
    "primary_key": f"add primary_key: …, the column that tells one row from another; {_FOR_MANY}",
    "query": "add query: | and the query below it, or query_file: …",
    "api_key": "add api_key: {env: SYNCER_SECRET_NAME}",
    "configuration": "add configuration: … with what the query type needs",
}
_ANSWERS: Final = {"connector_id": {"connector", "connector_id"}, "query": {"query", "query_file"}}
"""Which keys give a required one."""
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,18}")
_CORRECTION: Final = {
    "id": "it's the number in the model's URL",
    "connector_id": "it's the number in the connector's URL",
}


_ALTERNATIVES: Final = (
    ("query", "query_file", "two-queries"),
    ("connector", "connector_id", "two-connectors"),
)


def _type(it: Violation) -> Iterator[Finding]:
    if it.leaf == "configuration" and it.found is None:
        yield from _empty(it)
        return
    rule = "wrong-type" if it.found is not None else _MISSING.get(it.leaf, "wrong-type")
    hint = ""
    if it.limit == "integer" and isinstance(it.found, str) and _WHOLE.fullmatch(it.found):
        hint = f"remove the quotes: {it.leaf}: {it.found}"
    elif it.limit == "boolean" and isinstance(it.found, str):
        hint = "write true or false, without quotes"
    elif "string" in it.limit and isinstance(it.found, bool | int | float):
        hint = "put it in quotes if text is meant"
    elif any(map(is_secret_key, it.path)):
        hint = f"write {it.leaf}: {{env: SYNCER_SECRET_NAME}}"
    elif it.limit == "array":
        hint = "write a list: [a, b], or lines that begin with `- `"
        if it.leaf == "only" and isinstance(it.found, str):
            hint = f"write a list: only: [{quoted(it.found)[1:-1]}]"
    elif it.limit == "object" and it.found is not None:
        hint = "write its keys below it, each on a line, indented by two spaces"
    elif it.found is None:
        hint = _MISSING_HINT.get(it.leaf, "give it a value, or remove the line")
    yield Finding(rule, it.sentence, it.path, hint)


def _enum(it: Violation) -> Iterator[Finding]:
    known = [str(value) for value in it.limit]
    hint = did_you_mean(it.found, known, f"it must be one of {', '.join(known)}")
    if it.leaf == "query_type":
        shown = quoted(it.found) if isinstance(it.found, str) else described(it.found)
        yield Finding("unknown-query-type", f"there is no query type {shown}", it.path, hint)
    else:
        yield Finding("wrong-value", it.sentence, it.path, hint)


def _unknown_keys(it: Violation) -> Iterator[Finding]:
    known = list(it.schema["properties"])
    is_of_defaults = "name" not in known and "connector_id" in known
    for key in islice((key for key in it.found if key not in known), _MAX_FINDINGS):
        path = (*it.path, key)
        if is_of_defaults and key in OF_EACH_FILE:
            message = f"{key} can't be a default: each model file says its own"
            yield Finding("unknown-key", message, path, "move it into the model files", key=True)
            continue
        hint = did_you_mean(key, known, f"known here are {', '.join(known)}")
        yield Finding("unknown-key", f"unknown key {label(path)}", path, hint, key=True)


def _required(it: Violation) -> Iterator[Finding]:
    properties = it.schema.get("properties", {})
    others = [key for key in it.found if key not in properties] if it.path else []
    # A mistyped key at the top is unknown there, and says itself what was meant.
    unknown = [] if it.path else [*islice((key for key in it.found if key not in FILE_KEYS), _MANY_SLIPS)]
    meant = {nearest(key, FILE_KEYS) for key in unknown}
    for key in it.limit:
        if key in it.found or not meant.isdisjoint(_ANSWERS.get(key, {key})):
            continue
        needed = bool(it.path) or key == "configuration"
        rule = "query-type-needs" if needed else _MISSING.get(key, "missing-field")
        title = properties.get(key, {}).get("title", "")
        message = f"{f'{label(it.path)} needs' if it.path else 'missing'} {key}{f', {title}' if title else ''}"
        near = nearest(key, others)
        hint = f"did you mean {key} where it says {near}?" if near else _MISSING_HINT.get(key, f"add {key}: …")
        yield Finding(rule, message, it.path, hint, key=bool(it.path))


def _pattern(it: Violation) -> Iterator[Finding]:
    if "ignore_changes" in it.path:
        word = it.found.partition(".")[0] if isinstance(it.found, str) else it.found
        hint = did_you_mean(word, FIELDS, f"fields are {', '.join(FIELDS)}")
        yield Finding("ignored-field", it.sentence, it.path, hint)
        return
    rule = {"name": "bad-name", **_MISSING}.get(it.leaf, "wrong-value")
    hint = "write it in one line" if rule == "bad-name" else _MISSING_HINT.get(it.leaf, "correct it")
    yield Finding(rule, it.sentence, it.path, hint)


def _range(it: Violation) -> Iterator[Finding]:
    yield Finding("wrong-value", it.sentence, it.path, _CORRECTION.get(it.leaf, "correct it"))


def _no_elements(it: Violation) -> Iterator[Finding]:
    message = f"{label(it.path)} is empty: the model would live in no environment"
    yield Finding("wrong-value", message, it.path, "name an environment, or remove the line: then it lives in all")


def _empty(it: Violation) -> Iterator[Finding]:
    yield Finding(
        "empty-configuration",
        "configuration is empty: the server takes neither {} nor null, and can't clear what it has",
        it.path,
        "remove the line (what is live stays), or fill it",
        key=True,
    )


def _not(it: Violation) -> Iterator[Finding]:
    keys = it.limit.get("required")
    if "anyOf" in it.limit or keys == ["connector", "connector_id"]:
        for one, other, rule in _ALTERNATIVES:
            if {one, other} <= it.found.keys():
                path = (*it.path, other)
                yield Finding(rule, f"{one} and {other} are both given here", path, "keep one of them", key=True)
    elif keys == ["json_schema"]:
        yield Finding(
            "ai-ml-json-schema",
            "the server takes the json_schema of an ai_ml model from its connector's catalog and never shows this one",
            (*it.path, "json_schema"),
            "remove it, and edit the catalog of the connector instead",
            key=True,
        )
    else:
        yield from _pattern(it)


WORDS: Final[Mapping[str, Callable[[Violation], Iterator[Finding]]]] = {
    "type": _type,
    "enum": _enum,
    "additionalProperties": _unknown_keys,
    "required": _required,
    "pattern": _pattern,
    "minimum": _range,
    "maximum": _range,
    "minLength": _range,
    "minItems": _no_elements,
    "minProperties": _empty,
    "not": _not,
}
"""For each keyword of our schema, its violations as findings."""
