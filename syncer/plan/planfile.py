"""A plan as a file: canonical JSON, written and read back. An edge: it reads and writes files.

What a file says of a value:

    {"$secret": n, "variable": "SYNCER_SECRET_X"}   a secret: same n, same value; its variable, if git names one
    {"$masked": true}                               a secret that the server hides
    {"$absent": true}                               no such key or element, in a difference
    {"$map": {…}}                                   a mapping whose own keys begin with `$`
    anything else                                   itself

No secret's value is in it. `checksum` covers the whole file, so that an altered one is noticed; `digest` covers what
would be done (`Plan.digest`), and is what reviewers compare. A file may come from a stranger: it's bounded, must fit
the schema, and is data alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syncer import __version__, safe_files
from syncer.desired import validate
from syncer.errors import SyncerError
from syncer.model import (
    ABSENT,
    FIELDS,
    NO_MARKS,
    Columns,
    DesiredModel,
    Document,
    Lifecycle,
    LiveModel,
    Origin,
    Problem,
    Severity,
    Sync,
    Target,
)
from syncer.plan.diff import FieldChange, accounts_for, compare
from syncer.plan.planner import Action, Cause, Change, Effect, Plan, Planned, Provenance, Removed
from syncer.secrets import Secret, SecretRef, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.model import Fields, Json
    from syncer.model import Path as FieldPath

_HOW: Final = "name a plan file: `syncer plan --out plan.json` makes one"

FORMAT: Final = 1
"""The version of the shape; a file of another one is refused."""

MAX_BYTES: Final = 64 * 1024 * 1024
"""How large a file may be that this machine made itself."""

_STREAM = re.compile(r"/dev/(?:stdout|stderr|fd/[0-9]+)|/proc/(?:self|[0-9]+)/fd/[0-9]+")
_DEEPEST: Final = 200
_MASK: Final = "*" * 8


class PlanFileError(SyncerError):
    """A plan file can't be used; each cause has its own words."""


# -- out -----------------------------------------------------------------------------------------------------------


def dumps(planned: Planned) -> str:
    """The file's text: the same plan gives the same bytes."""
    return "".join(pieces(planned)) + "\n"


def pieces(planned: Planned) -> Iterator[str]:
    """The file's one line, a change at a time: of a large plan the whole text takes more memory than the plan."""
    plan, provenance = planned.plan, planned.provenance
    target = plan.target
    base = provenance and {
        "commit": provenance.commit,
        "already_live": {address: list(fields) for address, fields in provenance.already_live.items()},
        "max_change": provenance.max_change and list(provenance.max_change),
    }
    others: dict[str, Any] = {
        "format": FORMAT,
        "syncer": __version__,
        "target": {"environment": target.environment, "url": target.url, "workspace_id": target.workspace_id},
        "commit": planned.commit,
        "is_offline": planned.is_offline,
        "digest": plan.digest,
        "unchanged": plan.unchanged,
        "excluded": plan.excluded,
        "elsewhere": plan.elsewhere,
        "effects": {address: _effect(effect) for address, effect in planned.effects.items()},
        "unmanaged": [{"id": model.id, "name": model.name} for model in plan.unmanaged],
        "warnings": [_problem(problem) for problem in planned.warnings],
        "problems": [_problem(problem) for problem in planned.problems],
        "refusals": [_problem(problem) for problem in planned.refusals],
        "removed": [asdict(one) for one in planned.removed],
        "is_drift": planned.is_drift,
        "not_compared": {address: list(variables) for address, variables in plan.not_compared.items()},
    }
    summed = hashlib.sha256()
    # The keys are sorted: base and changes come before `checksum`, all others behind it.
    lead = f'{{"base":{_canonical(base)},"changes":['
    for change in plan.changes:
        piece = lead + _canonical(_change(change, provenance))
        summed.update(piece.encode())
        yield piece
        lead = ","
    start, rest = "]," if plan.changes else f"{lead}],", _canonical(others)[1:]
    summed.update(f"{start}{rest}".encode())
    yield f'{start}"checksum":"{summed.hexdigest()}",{rest}'


def write(path: Path, text: str) -> None:
    """Write a text where nobody else can read it (mode 0600), whole or not at all. Raises PlanFileError.

    What is there and is no file (a pipe, `/dev/stdout`) is written to as it is.
    """
    try:
        if is_stream(path):
            _pour(path, text)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            Path(temporary).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        message = f"{path} can't be written: {error.strerror}"
        raise PlanFileError(message, "name a file in a folder that exists and is writable") from None


def is_stream(path: Path) -> bool:
    """Whether a path names what is written to and never replaced: a pipe, a device, a stream of the system's.

    `/dev/stdout` is a stream also where a shell has made it a file.
    """
    return bool(_STREAM.fullmatch(str(path.absolute()))) or (path.exists() and not path.is_file())


def _pour(path: Path, text: str) -> None:
    """Write to a stream. A pipe that nobody reads fails at once: a job would wait for its reader until it's killed."""
    unwaited = getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | unwaited | getattr(os, "O_NOCTTY", 0))
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
        if unwaited:
            os.set_blocking(handle, True)
        stream.write(text)


def _canonical(data: Json) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _checksum(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(data).encode()).hexdigest()


def _change(change: Change, provenance: Provenance | None) -> dict[str, Any]:
    seen: dict[Secret, int] = {}
    causes = provenance.causes[change.address] if provenance else ()
    lifecycle = change.desired.lifecycle
    before = {
        field: change.live.fields[field] for field in FIELDS if field in change.after and field in change.live.fields
    }
    return {
        "action": change.action.name.lower(),
        "address": change.address,
        "path": change.desired.document.path,
        "id": change.id,
        "name": change.live.name,
        "updated_at": change.live.updated_at,
        "protect": lifecycle.protect,
        "ignore_changes": list(lifecycle.ignore_changes),
        "allow": list(lifecycle.allow),
        "before": {field: _out(value, seen) for field, value in before.items()},
        "after": {field: _out(value, seen) for field, value in change.after.items()},
        **_raw("raw", {field: value for field, value in change.live.raw.items() if field in before}),
        **_raw("restored", change.restored),
        "fields": [
            {"path": list(field.path), "before": _out(field.before, seen), "after": _out(field.after, seen)}
            | ({"cause": causes[index].value} if causes else {})
            for index, field in enumerate(change.fields)
        ],
    }


def _raw(name: str, fields: Fields) -> dict[str, Any]:
    """What the API sends in another than the normal form, where there is any; nothing secret is in it."""
    return {name: {field: _out(value, {}) for field, value in fields.items()}} if fields else {}


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "syncs": effect.syncs and [asdict(sync) for sync in effect.syncs],
        "columns": effect.columns and asdict(effect.columns),
    }


def _out(value: object, seen: dict[Secret, int]) -> Json:
    if isinstance(value, Secret):
        if value.reveal() == "" and not value.reference:
            # Nothing is no secret, and a file may want it.
            return ""
        # A variable may hold a mask, too; what names it must stay, and it's looked up again.
        if value.is_mask and not value.reference:
            return {"$masked": True}
        return {"$secret": seen.setdefault(value, len(seen)), "variable": value.reference}
    if value is ABSENT:
        return {"$absent": True}
    if isinstance(value, dict):
        # In order, so that secrets have the same numbers in whatever order the keys came.
        inner = {key: _out(one, seen) for key, one in sorted(value.items())}
        return {"$map": inner} if any(str(key).startswith("$") for key in inner) else inner
    if isinstance(value, list):
        return [_out(one, seen) for one in value]
    assert not isinstance(value, SecretRef)  # noqa: S101 - a plan is made of what was looked up
    return value


def _problem(problem: Problem) -> dict[str, Any]:
    origin = problem.origin
    place = {"path": origin.path, "line": origin.line, "column": origin.column}
    words = {"rule": problem.rule, "message": problem.message, "hint": problem.hint, "excerpt": problem.excerpt}
    about = {"about": problem.about} if problem.about else {}
    return {"severity": problem.severity.value, **place, **words, **about}


# -- in ------------------------------------------------------------------------------------------------------------


def read(path: Path, schema: Mapping[str, Any], *, most: int = MAX_BYTES) -> Planned:
    """The plan in a file. Raises PlanFileError: no such file, no plan, another format, altered."""
    return loads(_bytes(path, most), schema, str(path))


def loads(raw: bytes, schema: Mapping[str, Any], name: str) -> Planned:
    """The plan in a text; `name` is how errors call it."""
    try:
        data = json.loads(raw, object_pairs_hook=_unique, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise PlanFileError(f"{name} is not a plan file: it is not whole JSON", _HOW) from None
    if not isinstance(data, dict) or "format" not in data:
        raise PlanFileError(f"{name} is not a plan file", _HOW)
    if data["format"] != FORMAT or data["format"] is True:
        made_by = f" (syncer {data['syncer'][:20]!r})" if isinstance(data.get("syncer"), str) else ""
        message = f"{name} was made by another version of syncer{made_by}: this one reads format {FORMAT}"
        raise PlanFileError(message, "plan again with this version")
    if (wrong := validate.misfit(data, schema)) is not None:
        raise PlanFileError(f"{name} is not a plan file: {wrong}", _HOW)
    checksum = data.pop("checksum")
    try:
        planned = _planned(data)
        is_whole = checksum == _checksum(data) and data["digest"] == planned.plan.digest and _is_sound(planned)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        is_whole = False
    if not is_whole:
        raise PlanFileError(f"{name} was altered after it was made", "plan again; a plan file isn't edited")
    return planned


def _bytes(path: Path, most: int) -> bytes:
    """What the file holds, if it's a regular file of a bearable size."""
    try:
        raw = safe_files.read(path, most)
    except safe_files.IrregularError:
        raise PlanFileError(f"{path} is not a regular file", _HOW) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it can't be opened"
        raise PlanFileError(f"{path}: {reason}", _HOW) from None
    if len(raw) > most:
        raise PlanFileError(f"{path} is too large for a plan file ({most:,} bytes at most)", "plan again")
    return raw


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Two readers may not see two different plans in one file."""
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError
    return data


def _refused(constant: str) -> None:
    raise ValueError(constant)


def _is_sound(planned: Planned) -> bool:
    """Whether the parts fit together as those of a plan do: who shows or applies one relies on it."""
    changes, provenance = planned.plan.changes, planned.provenance
    already = provenance.already_live.values() if provenance else ()
    return (
        len({change.address for change in changes}) == len(changes)
        and (
            planned.is_offline or len({change.id for change in planned.plan.updated} - {0}) == len(planned.plan.updated)
        )
        # What is shown is drawn from both sides, what is approved and sent from the differences: they must be the same.
        and all(map(_tells_what_differs, changes))
        and all(field.path[0] in change.after for change in changes for field in change.fields)
        and all(_is_sound_change(change, is_offline=planned.is_offline) for change in changes)
        and planned.effects.keys() <= {change.address for change in changes}
        and not (planned.is_offline and planned.effects)
        and len({change.after["name"] for change in planned.plan.created}) == len(planned.plan.created)
        and all(field in FIELDS for fields in already for field in fields)
    )


def _tells_what_differs(change: Change) -> bool:
    before, after = change.live.fields, change.after
    return accounts_for(change.fields, before, after) or change.fields == compare(before, after)


def _is_sound_change(change: Change, *, is_offline: bool) -> bool:
    # The address is what reviewers see: the path, which ids are written into, follows from it.
    if f"/{change.desired.document.path}".rpartition(f"/{change.address}.yaml")[1:] != (f"/{change.address}.yaml", ""):
        return False
    if change.is_creation:
        return not change.id and not is_offline and not change.live.fields
    # Offline a connector may stand there by its name.
    return is_offline or (
        change.after.keys() <= change.live.fields.keys() and isinstance(change.after["connector_id"], int)
    )


def _planned(data: Mapping[str, Any]) -> Planned:
    changes = tuple(_read_change(one) for one in data["changes"])
    base = data["base"]
    provenance = base and Provenance(
        base["commit"],
        {one["address"]: tuple(Cause(field["cause"]) for field in one["fields"]) for one in data["changes"]},
        {address: tuple(fields) for address, fields in base["already_live"].items()},
        _tupled(base.get("max_change")),
    )
    target = Target(**data["target"])
    not_compared = {address: tuple(variables) for address, variables in data.get("not_compared", {}).items()}
    unmanaged = tuple(LiveModel(one["id"], {"name": one["name"]}) for one in data["unmanaged"])
    return Planned(
        Plan(
            target,
            changes,
            data["unchanged"],
            unmanaged,
            data["excluded"],
            not_compared,
            data.get("elsewhere", 0),
        ),
        tuple(_read_problem(one) for one in data["warnings"]),
        tuple(_read_problem(one) for one in data["problems"]),
        provenance,
        data["commit"],
        data["is_offline"],
        {address: _read_effect(one) for address, one in data["effects"].items()},
        tuple(_read_problem(one) for one in data.get("refusals", ())),
        tuple(Removed(**{**one, "syncs": _read_syncs(one["syncs"])}) for one in data.get("removed", ())),
        data.get("is_drift", False),
    )


def _read_effect(data: Mapping[str, Any]) -> Effect:
    columns = data["columns"]
    return Effect(
        _read_syncs(data["syncs"]), columns and Columns(**{key: _tupled(value) for key, value in columns.items()})
    )


def _read_syncs(data: Json) -> tuple[Sync, ...] | None:
    return None if data is None else tuple(Sync(**{**one, "columns": tuple(one["columns"])}) for one in data)


def _tupled(value: Json) -> Json:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _read_change(data: Mapping[str, Any]) -> Change:
    before, after, raw, restored = (
        {field: _in(value, (field,)) for field, value in data.get(side, {}).items()}
        for side in ("before", "after", "raw", "restored")
    )
    document = Document(data["address"], data["path"], {}, NO_MARKS)
    lifecycle = Lifecycle(data["protect"], tuple(data["ignore_changes"]), tuple(data["allow"]))
    action = Action[data["action"].upper()]
    is_creation = action is Action.CREATE
    return Change(
        DesiredModel(data["address"], after, document, {}, None if is_creation else data["id"], lifecycle),
        LiveModel(data["id"], {} if is_creation else {**before, "name": data["name"]}, data["updated_at"], raw),
        after,
        tuple(_read_field(one) for one in data["fields"]),
        action,
        restored,
    )


def _read_field(data: Mapping[str, Any]) -> FieldChange:
    path = tuple(data["path"])
    return FieldChange(path, _in(data["before"], path), _in(data["after"], path))


def _in(value: Json, path: FieldPath) -> Json:
    """A value as it was, `path` leading to it. Raises ValueError for a secret where none may be.

    Git can name one only below a secret's key of a configuration; anywhere else somebody wants to see it.
    """
    if len(path) > _DEEPEST:
        raise ValueError
    is_secret = path[0] == "configuration" and any(map(is_secret_key, path))
    if isinstance(value, list):
        return [_in(one, (*path, index)) for index, one in enumerate(value)]
    if not isinstance(value, dict):
        if is_secret and isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return _blank(value)
        return value
    if "$absent" in value:
        return ABSENT
    if not {"$secret", "$masked"} & value.keys():
        return {key: _in(one, (*path, key)) for key, one in value.get("$map", value).items()}
    if path[0] != "configuration" or ("$secret" in value and not is_secret):
        raise ValueError
    return Secret(_MASK) if "$masked" in value else Secret(f"\0{int(value['$secret'])}", str(value["variable"]))


def _blank(value: str | float) -> Secret:
    if value != "":
        raise ValueError
    return Secret("")


def _read_problem(data: Mapping[str, Any]) -> Problem:
    return Problem(
        Origin(data["path"], data["line"], data["column"]),
        data["rule"],
        data["message"],
        data["hint"],
        Severity(data["severity"]),
        data["excerpt"],
        data.get("about", ""),
    )
