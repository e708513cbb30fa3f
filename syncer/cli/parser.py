"""From the words of a command line to a command and its options. Only the parsers that may be asked for are built.

Nothing here is slow to import: `--version` needs no more than this.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from syncer import __version__
from syncer.cli import registry
from syncer.cli.shared.streams import terminal_width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from syncer.cli.shared.command import Command, CommandGroup
    from syncer.cli.shared.flags import ScreenOptions

# ruff: noqa: SLF001 - argparse has no public way to its sub-parsers

USAGE_ERROR: Final = 64
"""What a mistyped flag exits with: argparse's own 2 would read as "changes present"."""

_APPROVALS: Final = frozenset({"yes", "y", "force", "confirm", "approve"})
"""How other tools call it."""

_ONE_DASH: Final = re.compile(r"-[a-z][a-z-]+(?:=.*)?", re.DOTALL)
_NO_COMMAND: Final = re.compile(r"argument COMMAND: invalid choice: (['\"])(.*)\1 \(choose", re.DOTALL)
_NARROWEST: Final = 20
_COLUMN: Final = 14
"""Where the sentences begin in a list of commands."""
_JSON: Final = "--json"
_NO_VALUE: Final = "=-"
_ALONE: Final = {flag: flag + _NO_VALUE for flag in (_JSON, "--changed")}
"""Flags whose value may be missing, and how they're written for argparse then."""


class Asked(NamedTuple):
    """What a command line asks for; `operands` are the words that are told by their place: the command's inputs."""

    command: Command[object]
    options: object
    screen: ScreenOptions
    operands: tuple[str, ...]


class Help(argparse.RawDescriptionHelpFormatter):
    """Prose is as wide as the terminal; lines that are set in stay as they are."""

    def __init__(self, prog: str, width: int | None = None) -> None:
        super().__init__(prog, width=width or max(terminal_width() - 2, _NARROWEST))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap

        return "\n".join(
            line if line.startswith(" ") else textwrap.fill(line, width, initial_indent=indent)
            for line in text.split("\n")
        )


class Parser(argparse.ArgumentParser):
    """Exits with 64, and says what was meant."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(**{"allow_abbrev": False, "formatter_class": Help, **options})
        self.titles: Mapping[str, Sequence[str]] = {}
        """The sub-commands, by the title that they stand under."""
        self.title_of: Callable[[str], str] = str
        """What a sub-command does, in a sentence."""
        self.asked_words: Sequence[str] = ()
        """The command line as it was typed."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and how the command is used."""
        if wrong := _NO_COMMAND.search(message):
            self._refuse_command(wrong[2])
        self.print_usage(sys.stderr)
        what = f"{self.prog}: error: {_printable(message)}.{self._meant(message)}"
        self.exit(USAGE_ERROR, f"{what}\nTry `{self.prog} --help`.\n")

    def _refuse_command(self, word: str) -> NoReturn:
        """Say in two lines what was meant, and where the commands are listed."""
        names = [name for names in self.titles.values() for name in names]
        meant = _guess(word, names)
        what = f"there is no command '{_printable(word)}'.{f' Did you mean `{self.prog} {meant}`?' if meant else ''}"
        listed = " ".join(["syncer help", *self.prog.split()[1:]])
        self.exit(USAGE_ERROR, f"{self.prog}: {what}\nTry `{listed}` or `{self.prog} --help`.\n")

    def _meant(self, message: str) -> str:
        unknown = re.search(r"unrecognized arguments: (\S+)", message)
        if not unknown:
            return ""
        known = [option for action in self._actions for option in action.option_strings]
        word, flag = unknown[1], unknown[1].lstrip("-").partition("=")[0]
        pairs = [*zip(self.asked_words, self.asked_words[1:], strict=False)]
        for flag_alone in (_JSON, "--changed"):
            alone = {flag_alone, flag_alone[1:]}
            if any(word == after and before in alone for before, after in pairs) and flag_alone in known:
                return f" Did you mean {flag_alone}={_printable(word)}?"
        if f"--{flag}" in known:
            return f" It stands behind the command: `{self.prog} {_printable(word)}`."
        near = "--auto-approve" if flag in _APPROVALS and "--auto-approve" in known else _guess(f"--{flag}", known)
        return f" Did you mean {near}?" if near and word.startswith("-") else ""

    def format_usage(self) -> str:
        """How the command is used."""
        return _with_equals(super().format_usage())

    def format_help(self) -> str:
        """The help; where there are sub-commands with a list of them."""
        if not self.titles:
            return _with_equals(super().format_help())
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        for title, names in self.titles.items():
            entries = (self._entry(name, formatter._width) for name in names)
            formatter.add_text("\n".join((f"{title}:", *entries)))
        for section in self._action_groups:
            if section._group_actions and section is not self._positionals:
                formatter.start_section(section.title)
                formatter.add_arguments(section._group_actions)
                formatter.end_section()
        formatter.add_text(self.epilog)
        return _with_equals(formatter.format_help())

    def _entry(self, name: str, width: int) -> str:
        import textwrap

        first = f"  {name}".ljust(_COLUMN)
        return textwrap.fill(self.title_of(name), width, initial_indent=first, subsequent_indent=" " * _COLUMN)


def parse(words: Sequence[str]) -> Asked:
    """What a command line asks for. Exits with 0 for help and the version, with 64 for a mistake."""
    parser = build([name for name in registry.NAMES if name in words])
    flags, rest = parser.parse_known_args(_as_declared(words, parser))
    values = vars(flags)
    own, command = values.get("parser", parser), values.get("asked")
    own.asked_words = words
    if rest:
        as_typed = [word.removesuffix(_NO_VALUE) if word in _ALONE.values() else word for word in rest]
        own.error(f"unrecognized arguments: {' '.join(as_typed)}")
    if values["version"]:
        sys.stdout.write(f"syncer {__version__}\n")
        parser.exit()
    if command is None:
        parser.print_help()
        parser.exit()
    return _asked(command, own, values)


def _asked(command: Command[object], parser: Parser, values: Mapping[str, Any]) -> Asked:
    from syncer.cli.shared.flags import ScreenOptions, read

    places = [values.get(action.dest) for action in parser._positionals._group_actions]
    operands = [one for place in places for one in (place if isinstance(place, list) else [place]) if one]
    return Asked(command, read(command.options, values), read(ScreenOptions, values), tuple(map(str, operands)))


def _as_declared(words: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """The words as the parser knows them.

    Terraform's users type one dash: `-auto-approve` is `--auto-approve`. And `--json` or `--changed` alone takes no
    word behind it: a command that takes files would lose one, or would write over it.
    """
    known = {option for one in _all(parser) for option in one._option_string_actions}
    end = list(words).index("--") if "--" in words else len(words)

    def declared(word: str) -> str:
        if _ONE_DASH.fullmatch(word) and f"-{word.partition('=')[0]}" in known:
            word = f"-{word}"
        return _ALONE.get(word, word) if word in known else word

    return [*map(declared, words[:end]), *words[end:]]


# -- building ----------------------------------------------------------------------------------------------------------


def build(names: Iterable[str] = registry.NAMES) -> Parser:
    """The command line as argparse knows it, with these commands.

    The reference and the shells' completions are made from the whole.
    """
    parser = Parser(
        prog="syncer",
        description="Plan and apply for AI Squared (Multiwoven) models: YAML in git, no state file.",
        epilog="See what it does in ten seconds, without a server:\n  syncer demo",
    )
    parser.titles = registry.GROUPS
    parser.title_of = lambda name: registry.command(name).words.title
    # argparse's own action imports what formats a help.
    parser.add_argument("--version", action="store_true", help="print the version")
    _add_common(parser)
    commands = parser.add_subparsers(prog=parser.prog, metavar="COMMAND", parser_class=Parser)
    for name in names:
        _add(commands, registry.command(name))
    return parser


def _add(commands: argparse._SubParsersAction[Parser], command: Command[object] | CommandGroup) -> None:
    from syncer.cli.shared.command import CommandGroup
    from syncer.cli.shared.flags import declare

    words = command.words
    parser = commands.add_parser(
        command.name,
        help=words.title,
        description=f"{words.what}\n\n{words.more}",
        epilog="\n".join(["Example:", *(f"  {line}" for line in words.example.splitlines())]),
    )
    _add_common(parser)
    parser.set_defaults(parser=parser)
    if isinstance(command, CommandGroup):
        titles = {one.name: one.words.title for one in command.commands}
        parser.titles, parser.title_of = {"commands": list(titles)}, titles.__getitem__
        inner = parser.add_subparsers(prog=parser.prog, metavar="COMMAND", required=True, parser_class=Parser)
        for one in command.commands:
            _add(inner, one)
    else:
        parser.set_defaults(asked=command)
        declare(parser, command.options)


def _add_common(parser: argparse.ArgumentParser) -> None:
    """What can be said in any place. No default: what stands before a command must not be lost behind it."""
    output = parser.add_argument_group("output")
    for name, what in (
        ("--no-color", "no colour (as NO_COLOR, TERM=dumb and a pipe do)"),
        ("--debug", "log each request to stderr: no headers, no bodies"),
    ):
        output.add_argument(name, action="store_true", default=argparse.SUPPRESS, help=what)
    parser.add_argument("--chdir", metavar="DIR", default=argparse.SUPPRESS, help="work in this folder")


def sub_parsers(parser: argparse.ArgumentParser) -> Mapping[str, Parser]:
    """The parsers of a parser's commands, by their names."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def _all(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    yield parser
    for one in sub_parsers(parser).values():
        yield from _all(one)


# -- words -------------------------------------------------------------------------------------------------------------


def _guess(word: str, known: Sequence[str]) -> str:
    """The known word that was meant; empty if none is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, 1)), "")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _with_equals(text: str) -> str:
    """Argparse puts a space between a flag and a value that may be missing."""
    return re.sub(r" \[=(FILE|REF)\](  )?", lambda found: f"[={found[1]}]{' ' * 3 if found[2] else ''}", text)
