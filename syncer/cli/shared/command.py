"""What a command is: its words of help, its options, and what it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.cli.shared.screen import Screen

Options = TypeVar("Options")


class Words(NamedTuple):
    """A command's help: a sentence, the awkward case, and command lines to be pasted."""

    what: str
    more: str
    example: str

    @property
    def title(self) -> str:
        """The sentence as it stands in a list of commands."""
        return self.what[0].lower() + self.what[1:].removesuffix(".")


@dataclass(frozen=True, slots=True)
class Command(Generic[Options]):
    """A command: `options` is the dataclass that declares its flags, `run` gives the exit code."""

    name: str
    words: Words
    options: type[Options]
    run: Callable[[Options, Screen], int]


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """A command that has sub-commands, and does nothing of its own."""

    name: str
    words: Words
    commands: tuple[AnyCommand, ...]


AnyCommand: TypeAlias = "Command[Any]"


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a command without flags of its own."""
