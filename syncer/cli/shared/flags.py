"""The flags of a command, declared as the fields of a frozen dataclass, so that a command gets a typed value.

A field is declared by one of the functions below, and its type must be what the function returns:

    @dataclass(frozen=True, slots=True)
    class ListOptions:
        unmanaged: bool = switch("--unmanaged", what="only what is live and in no file")

Flags that several commands have stand in dataclasses of their own (`groups`), which a command's options hold by
`group`.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

_FLAG: Final = "flag"
_GROUP: Final = "group"

FILES: Final = "files"
FOLDERS: Final = "folders"
ENVIRONMENTS: Final = "environments"
ADDRESSES: Final = "addresses"
RUNS: Final = "runs"
"""What a value may be, for the shells' completion."""

ALONE: Final = "-"
"""What stands for the value of a flag that was given without one, and may be."""

STDOUT: Final = ALONE
"""The value of `--json` without a file."""


class Flag(NamedTuple):
    """How one field is typed: its names (none: it's told by its place), and what argparse must know of it."""

    names: tuple[str, ...]
    settings: Mapping[str, Any]
    values: str = ""
    """What its values are, one of the constants above."""


class Group(NamedTuple):
    """A field that holds flags which several commands have; a group with a title has a section in the help."""

    kind: type
    title: str


def _flag(default: T, names: Sequence[str], values: str = "", **settings: Any) -> T:  # noqa: ANN401 - argparse's own
    return field(default=default, metadata={_FLAG: Flag(tuple(names), settings, values)})


def switch(*names: str, what: str) -> bool:
    """A flag without a value."""
    return _flag(False, names, action="store_true", help=what)


def text(*names: str, metavar: str, what: str, default: str = "", values: str = "") -> str:
    """A flag with any value."""
    return _flag(default, names, values, metavar=metavar, help=what)


def _said(*names: str, metavar: str, what: str, default: str = "", kind: Callable[[str], str]) -> str:
    return _flag(default, names, metavar=metavar, help=what, type=kind)


def texts(
    *names: str,
    metavar: str,
    what: str,
    choices: Sequence[str] | None = None,
    values: str = "",
) -> tuple[str, ...]:
    """A flag that may be repeated."""
    nothing: tuple[str, ...] = ()
    return _flag(nothing, names, values, action="append", metavar=metavar, help=what, choices=choices)


def number(*names: str, metavar: str, what: str, kind: Callable[[str], int]) -> int | None:
    """A flag with a number; None if it wasn't given."""
    nothing: int | None = None
    return _flag(nothing, names, metavar=metavar, help=what, type=kind)


def choice(*names: str, choices: Sequence[str], what: str, default: str = "") -> str:
    """A flag with one of a few values."""
    return _flag(default, names, choices=choices, help=what)


def json_lines(what: str = "JSON lines, described by `syncer schema events`") -> str:
    """`--json` for stdout, `--json=FILE` for a file; never with the file as a separate word, which may be an input."""
    what = f"{what}: the output, or with =FILE there beside it"
    return _flag("", ["--json"], FILES, nargs="?", metavar="=FILE", const=STDOUT, help=what, type=not_empty)


def changed() -> str:
    """`--changed` for where the branch left the default one, `--changed=REF` for another; never as a separate word."""
    what = "only what this branch touches: since it left the default branch, or with =REF that one"
    return _flag("", ["--changed"], nargs="?", metavar="=REF", const=ALONE, help=what, type=not_empty)


def operand(
    metavar: str | None,
    what: str,
    *,
    default: str | None = None,
    choices: Sequence[str] | None = None,
    values: str = "",
) -> str:
    """A word that is told by its place; it may be left out where it has a default."""
    nargs = {} if default is None else {"nargs": "?"}
    return _flag(default or "", (), values, metavar=metavar, help=what, choices=choices, **nargs)


def operands(metavar: str, what: str, *, kind: Callable[[str], T], values: str = "") -> tuple[T, ...]:
    """The words that are told by their place, any number of them."""
    nothing: tuple[T, ...] = ()
    return _flag(nothing, (), values, nargs="*", metavar=metavar, help=what, type=kind)


def group(kind: type[T], title: str = "") -> T:
    """Flags that stand in a dataclass of their own."""
    return field(default=kind(), metadata={_GROUP: Group(kind, title)})


def declare(parser: argparse._ActionsContainer, kind: type) -> None:
    """Declare every flag of a dataclass."""
    for one in fields(kind):
        if found := one.metadata.get(_GROUP):
            declare(parser.add_argument_group(found.title) if found.title else parser, found.kind)
        elif declared := one.metadata.get(_FLAG):
            _declare(parser, one.name, declared, one.default)


def _declare(parser: argparse._ActionsContainer, name: str, flag: Flag, default: object) -> None:
    settings = {key: value for key, value in flag.settings.items() if value is not None}
    if flag.names:
        action = parser.add_argument(*flag.names, dest=name, default=argparse.SUPPRESS, **settings)
    else:
        action = parser.add_argument(name, default=None if default == () else default, **settings)
    if flag.values:
        action.values = flag.values  # type: ignore[attr-defined]  # what completion asks for


def read(kind: type[T], values: Mapping[str, object]) -> T:
    """The options of a command, from the values that were parsed for its flags."""
    found: dict[str, object] = {}
    for one in fields(cast("Any", kind)):
        if inner := one.metadata.get(_GROUP):
            found[one.name] = read(inner.kind, values)
        elif one.name in values:
            value = values[one.name]
            found[one.name] = tuple(value) if isinstance(value, list) else value
    return kind(**found)


# -- kinds of values ---------------------------------------------------------------------------------------------------


def _number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text[:9]) <= most):
        message = f"must be a whole number from {least} to {most}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def workers(text: str) -> int:
    """A number of models that are changed at the same time."""
    return _number(text, 1, 64)


def percent(text: str) -> int:
    """A share in percent. Raises ArgumentTypeError."""
    return _number(text, 0, 100)


def port(text: str) -> int:
    """A port; 0 is any that is free."""
    return _number(text, 0, 65535)


def not_empty(text: str) -> str:
    """A text of which something is to be seen."""
    if not text.strip():
        message = "must not be empty: is the variable set that it comes from?"
        raise argparse.ArgumentTypeError(message)
    return text


def digest(text: str) -> str:
    """The digest of a plan."""
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        message = "must be a digest: 64 hexadecimal digits"
        raise argparse.ArgumentTypeError(message)
    return text


def id_(text: str) -> int:
    """The API's number of a model or a workspace."""
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text):
        message = "must be the number in the model's URL"
        raise argparse.ArgumentTypeError(message)
    return int(text)


# -- flags that several commands have ----------------------------------------------------------------------------------


def environment(what: str = "the environment (else SYNCER_ENV, else the settings' default)") -> str:
    """`--env`."""
    return text("--env", metavar="NAME", what=what, values=ENVIRONMENTS)


def targets() -> tuple[str, ...]:
    """`--target`."""
    return texts("--target", metavar="ADDRESS", what="only this model, or glob; may be repeated", values=ADDRESSES)


COLUMNS: Final = ("state", "address", "id", "name", "type", "connector", "syncs", "file")
"""What `syncer list` can show of a model."""


def columns() -> str:
    """`--columns`, as names with commas between."""
    what = f"what to show, in this order: {', '.join(COLUMNS)}"
    return _said("--columns", metavar="A,B,C", what=what, kind=_columns)


def _columns(text: str) -> str:
    names = [name.strip().lower() for name in text.split(",")]
    if unknown := next((name for name in names if name not in COLUMNS), None):
        message = f"there is no column {unknown!r}: choose from {', '.join(COLUMNS)}"
        raise argparse.ArgumentTypeError(message)
    return ",".join(dict.fromkeys(names))


def auto_approve(*aliases: str, what: str = "do not ask") -> bool:
    """`--auto-approve`."""
    return switch("--auto-approve", *aliases, what=what)


def dry_run(what: str = "only plan") -> bool:
    """`--dry-run`."""
    return switch("--dry-run", what=what)


def detailed_exitcode(what: str = "0: no changes, 1: error or refusal, 2: changes") -> bool:
    """`--detailed-exitcode`."""
    return switch("--detailed-exitcode", what=what)


_BASE: Final = "the commit that was applied last (where the branch left origin's default; there the last apply)"


def base() -> str:
    """`--base` of a plan."""
    what = f"{_BASE}; none: no base"
    return _said("--base", metavar="REF", what=what, kind=not_empty)


def base_or_head() -> str:
    """`--base` of what only reads."""
    what = f"{_BASE}, else HEAD; none: no base"
    return _said("--base", metavar="REF", what=what, kind=not_empty)


def applied_commit() -> str:
    """`--base` of drift."""
    what = "the commit that was applied last (HEAD)"
    return _said("--base", "--commit", metavar="REF", what=what, default="HEAD", kind=not_empty)


def require_secrets() -> bool:
    """`--require-secrets`."""
    return switch("--require-secrets", what="a secret that is not set is an error, as always in CI")


def expect_digest() -> str:
    """`--expect-digest`."""
    return _said("--expect-digest", metavar="HEX", what="refuse unless it's this plan", kind=digest)


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """What a screen must know of a command line, whatever the command: some of it is the flags of some commands."""

    chdir: str = ""
    no_color: bool = False
    debug: bool = False
    environment: str = ""
    json: str = ""
    plan_json: str = ""
    format: str = ""

    @property
    def is_json(self) -> bool:
        """Whether stdout holds JSON lines."""
        return STDOUT in {self.json, self.plan_json} or self.format == "json"

    @property
    def lines_file(self) -> str:
        """The file that gets the lines of the run; empty for none."""
        return self.json if self.json != STDOUT else ""
