"""The flags of every command, and their help. Nothing here is slow to import: `--version` needs no more than this."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from syncer import __version__

USAGE_ERROR: Final = 64
"""What a mistyped flag exits with: argparse's own 2 would read as "changes present"."""

_APPROVALS: Final = frozenset({"yes", "y", "force", "confirm", "approve"})
"""How other tools call it."""

_ONE_DASH = re.compile(r"-[a-z][a-z-]+(?:=.*)?", re.DOTALL)


class _Parser(argparse.ArgumentParser):
    """Exits with 64 and says what was meant."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and how the command is used."""
        from difflib import get_close_matches  # noqa: PLC0415 - for what is wrong alone

        flag = re.search(r"unrecognized arguments: --?([\w-]+)", message)
        known = [option for action in self._actions for option in action.option_strings]
        near = get_close_matches(f"--{flag[1]}", known, 1) if flag else []
        if flag and flag[1] in _APPROVALS and "--auto-approve" in known:
            near = ["--auto-approve"]
        if choice := re.search(r"argument COMMAND: invalid choice: '([\w-]+)'", message):
            near = get_close_matches(choice[1], _names(self), 1)
        meant = f" Did you mean {near[0]}?" if near else ""
        printable = "".join(c if c.isprintable() else "?" for c in message)
        self.print_usage(sys.stderr)
        self.exit(USAGE_ERROR, f"{self.prog}: error: {printable}.{meant}\nTry `{self.prog} --help`.\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The flags of one run. Exits with 0 for --help and --version, with 64 for a mistake."""
    parser = build()
    known = {option for command in _parsers(parser) for option in command._option_string_actions}  # noqa: SLF001 - no public way
    flags, rest = parser.parse_known_args(_two_dashes(arguments, known))
    if rest:
        _parsers(parser)[1 + _names(parser).index(flags.command)].error(f"unrecognized arguments: {' '.join(rest)}")
    return flags


def _two_dashes(arguments: Sequence[str], known: set[str]) -> list[str]:
    """Terraform's users type one dash: `-auto-approve` is `--auto-approve`."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    return [
        f"-{word}" if i < end and _ONE_DASH.fullmatch(word) and f"-{word.partition('=')[0]}" in known else word
        for i, word in enumerate(arguments)
    ]


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each command; argparse has no public way to them."""
    return next(dict(action.choices) for action in parser._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001


def _names(parser: argparse.ArgumentParser) -> list[str]:
    return list(_subparsers(parser))


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    return [parser, *_subparsers(parser).values()]


def build() -> argparse.ArgumentParser:
    """The whole command line as argparse knows it; the reference and the shells' completions are made from it."""
    parser = _Parser(
        prog="syncer",
        description="Plan and apply for AI Squared (Multiwoven) models: YAML in git, no state file.",
        epilog="See what it does in ten seconds, without a server:\n  syncer demo",
    )
    parser.add_argument("--version", action="version", version=f"syncer {__version__}")
    parser.add_argument("--chdir", metavar="DIR", help="work in this folder")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for add in (
        *(_validate, _plan, _apply, _show, _drift, _import, _list, _history, _rollback),
        *(_ci, _init, _doctor, _schema, _sandbox, _demo, _completion),
    ):
        add(commands.add_parser)
    return parser


Add = Callable[..., argparse.ArgumentParser]


def _command(add: Add, name: str, what: str, more: str, example: str) -> argparse.ArgumentParser:
    """A command with its sentence, its awkward case and an example to paste."""
    epilog = "Example:\n" + "\n".join(f"  {line}" for line in example.splitlines())
    parser = add(
        name, help=what[0].lower() + what[1:].removesuffix("."), description=f"{what}\n\n{more}", epilog=epilog
    )
    screen = parser.add_argument_group("output")
    screen.add_argument("--no-color", action="store_true", help="no colour (as NO_COLOR, TERM=dumb and a pipe do)")
    screen.add_argument("--debug", action="store_true", help="log each request to stderr: no headers, no bodies")
    parser.add_argument("--chdir", metavar="DIR", default=argparse.SUPPRESS, help="work in this folder")
    return parser


def _environment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", metavar="NAME", help="the environment (else SYNCER_ENV, else the settings' default)")


def _validate(add: Add) -> None:
    parser = _command(
        add,
        "validate",
        "Check the model files, offline and without a token.",
        "Every problem of every file is told in one run, with its place and what to do. Finding no file is a problem. "
        "A file is checked by the settings that are nearest to it. An .sql file means the model files that name it.",
        "syncer validate\nsyncer validate --strict --format github models/finance/revenue_daily.yaml",
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="only these files (default: all below the models folder)"
    )
    parser.add_argument("--strict", action="store_true", help="warnings are errors")
    parser.add_argument("--format", choices=("text", "json", "github"), default="text", help="github: annotations")


def _planning(parser: argparse.ArgumentParser) -> None:
    _environment(parser)
    parser.add_argument(
        "--target", metavar="ADDRESS", action="append", default=[], help="only this model, or glob; may be repeated"
    )


def _screen(parser: argparse.ArgumentParser, *, json: str = "flag") -> None:
    screen = parser.add_argument_group("what is shown")
    screen.add_argument("--verbose", action="store_true", help="list the live models that no file declares")
    screen.add_argument("--summary", action="store_true", help="one line a model")
    if json == "flag":
        screen.add_argument("--json", action="store_true", help="JSON lines, described by `syncer schema events`")


def _files(parser: argparse.ArgumentParser, *, page: bool = True) -> None:
    files = parser.add_argument_group("what is kept besides (readable by you alone, never with a secret)")
    files.add_argument(
        "--json", metavar="FILE", nargs="?", const="-", default="", help="JSON lines there; without FILE as the output"
    )
    files.add_argument("--markdown", metavar="FILE", default="", help="what a comment or an issue would say")
    if page:
        files.add_argument("--html", metavar="FILE", default="", help="a page for a browser")


def _base(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base", metavar="REF", type=_something, help="tell this change from edits made outside git since this commit"
    )


def _plan(add: Add) -> None:
    parser = _command(
        add,
        "plan",
        "Show what an apply would change, and change nothing.",
        "Exit code 0, also with changes; with --detailed-exitcode 2 if there are any. An error is 1, and so is a plan\n"
        "that an apply with the same flags refuses: it's shown and kept all the same. A wrong flag is 64.",
        "syncer plan --env prod\nsyncer plan --target 'finance/*' --summary\n"
        "syncer plan --base origin/main --out plan.json",
    )
    _planning(parser)
    _base(parser)
    _lifting(parser)
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="0: no changes, 1: error or refusal, 2: changes"
    )
    _screen(parser, json="file")
    _files(parser)
    _out(parser)


def _out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", metavar="FILE", default="", help="keep the plan, for `syncer show` and `syncer apply FILE`"
    )


ALLOWED: Final = ("primary_key", "connector_id", "query_type", "lost_column", "protect")
"""What `--allow` lets pass."""

ON_DRIFT: Final = ("fail", "warn", "overwrite")
"""What an apply does about edits made outside git."""


def _lifting(parser: argparse.ArgumentParser, *, has_base: bool = True) -> None:
    """What one run lets pass; `has_base`: whether it can tell of edits made outside git."""
    guards = parser.add_argument_group("what this run lets pass")
    guards.add_argument(
        "--allow",
        metavar="WHAT",
        action="append",
        choices=ALLOWED,
        default=[],
        help="let this pass in every model, as `lifecycle.allow` does in one file: primary_key, connector_id, "
        "query_type, lost_column; and protect, which no file can allow; may be repeated",
    )
    guards.add_argument(
        "--max-change-percent", type=percent, metavar="N", help="refuse to change more of the bound models (30)"
    )
    if has_base:
        guards.add_argument(
            "--on-drift",
            choices=ON_DRIFT,
            default="",
            help="edits made outside git: warn (default) undoes them but overwrites none that this change competes "
            "with",
        )


def _writing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--expect-digest", metavar="HEX", type=_digest, help="refuse unless it's this plan")
    parser.add_argument("--parallelism", type=_positive, metavar="N", help="models changed at the same time (4)")
    parser.add_argument("--fail-fast", action="store_true", help="begin nothing new after a failure")


def _apply(add: Add) -> None:
    parser = _command(
        add,
        "apply",
        "Plan, show the plan, ask, and change the live models that differ.",
        "Only `yes` is taken for yes. Without a terminal --auto-approve is needed. With a saved plan exactly that\n"
        "plan is applied, without asking, or none if anything moved since. A model that somebody else changed between\n"
        "plan and write is left alone and reported. A model is created only where the settings say `create = true`, "
        "and none\nis ever deleted. What a run replaces is kept for `syncer rollback`.",
        "syncer apply --env prod\nsyncer apply --env prod --auto-approve --parallelism 8\nsyncer apply plan.json",
    )
    parser.add_argument("file", nargs="?", metavar="PLANFILE", default="", help="a plan that `syncer plan --out` kept")
    _planning(parser)
    _base(parser)
    _lifting(parser)
    parser.add_argument("--auto-approve", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only plan")
    parser.add_argument("--write-ids", action="store_true", help="write the id of each model made into its file")
    _writing(parser)
    _screen(parser)


def _show(add: Add) -> None:
    parser = _command(
        add,
        "show",
        "Print a saved plan.",
        "Nothing is asked of the server: it's what was planned then. Exit code 1 if it has problems or is refused.",
        "syncer show plan.json\nsyncer show plan.json --format markdown",
    )
    parser.add_argument("file", metavar="PLANFILE", help="what `syncer plan --out` kept")
    parser.add_argument(
        "--format", choices=("text", "json", "markdown", "html"), default="text", help="how (default: text)"
    )
    _screen(parser, json="none")


def _drift(add: Add) -> None:
    parser = _command(
        add,
        "drift",
        "Tell what was changed outside git since the last applied commit. It can't write.",
        "Exit code 0 without drift, 2 with, 1 after an error. The work tree doesn't count: the commit's files do.",
        "syncer drift --env prod\nsyncer drift --commit origin/main --summary",
    )
    _planning(parser)
    parser.add_argument("--commit", metavar="REF", default="HEAD", help="the commit that was applied last (HEAD)")
    _screen(parser, json="file")
    _files(parser, page=False)
    _out(parser)


def _import(add: Add) -> None:
    parser = _command(
        add,
        "import",
        "Write live models down as files, so that git manages them.",
        "A model that a file declares already is left out, and no file is overwritten without --force. With --drift\n"
        "what was changed outside git is taken into the files that are there: shown as a diff first, written with\n"
        "--yes. Secrets become names of variables, which are listed.",
        "syncer import --all\nsyncer import 42 43 --dir models/finance\nsyncer import --drift --yes",
    )
    parser.add_argument("ids", nargs="*", type=_id, metavar="ID", help="the live models of these ids")
    _environment(parser)
    which = parser.add_argument_group("which models")
    which.add_argument("--all", action="store_true", help="every live model that no file declares")
    which.add_argument(
        "--query-type", metavar="TYPE", action="append", default=[], help="those of this type; may be repeated"
    )
    which.add_argument(
        "--connector", metavar="NAME", action="append", default=[], help="those on this connector (a name or an id)"
    )
    parser.add_argument("--dir", metavar="DIR", default="", help="where to write them (default: the models folder)")
    parser.add_argument("--inline", action="store_true", help="keep each query in its YAML file")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    drift = parser.add_argument_group("into files that are there")
    drift.add_argument("--drift", action="store_true", help="take into the files what was changed outside git")
    drift.add_argument(
        "--base",
        metavar="REF",
        type=_something,
        help="the commit that was applied last (where the branch left origin's default, else HEAD)",
    )
    drift.add_argument("--target", metavar="ADDRESS", action="append", default=[], help="only this model, or glob")
    drift.add_argument("--yes", action="store_true", help="write what the diff shows")


def _list(add: Add) -> None:
    parser = _command(
        add,
        "list",
        "List every model, of git or live, and how it stands.",
        "in step: live is what git says. changed: git says something new. drifted: live was edited outside git, or\n"
        "what git said at --base was never applied. conflict: both. new: not live yet. unmanaged: in no file.\n"
        "unknown: a problem, told below the list.",
        "syncer list\nsyncer list --unmanaged --json",
    )
    _environment(parser)
    parser.add_argument(
        "--base",
        metavar="REF",
        type=_something,
        help="the commit that was applied last (where the branch left origin's default, else HEAD)",
    )
    parser.add_argument("--unmanaged", action="store_true", help="only what is live and in no file")
    parser.add_argument("--json", action="store_true", help="JSON lines, described by `syncer schema events`")


def _history(add: Add) -> None:
    parser = _command(
        add,
        "history",
        "List the applies that this folder remembers.",
        "Each apply keeps what it replaced on this machine, in the user's own state folder; keep_runs says how many.\n"
        "If the folder was moved, the runs of its former path are named, with the command that brings them here.",
        "syncer history",
    )
    parser.add_argument("--json", action="store_true", help="JSON lines, described by `syncer schema events`")


def _rollback(add: Add) -> None:
    parser = _command(
        add,
        "rollback",
        "Plan back to what a run replaced, show that, ask, and apply it.",
        "It's a plan like any other: shown, guarded, approved. A model that changed since the run is left alone. What\n"
        "the files say stays: revert them, too, or the next apply brings the change back.",
        "syncer history\nsyncer rollback 20261123-104502-3f9a --dry-run",
    )
    parser.add_argument(
        "run", metavar="RUN", help="the run's name, as `syncer history` lists it, its beginning, or `last`"
    )
    _environment(parser)
    _lifting(parser, has_base=False)
    parser.add_argument("--auto-approve", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only plan")
    parser.add_argument(
        "--target", metavar="ADDRESS", action="append", default=[], help="only this model, or glob; may be repeated"
    )
    parser.add_argument("--parallelism", type=_positive, metavar="N", help="models changed at the same time (4)")
    parser.add_argument("--fail-fast", action="store_true", help="begin nothing new after a failure")
    _screen(parser)


def _ci(add: Add) -> None:
    parser = _command(
        add,
        "ci",
        "Do a CI job's part: plan, comment, apply or drift, as the event says.",
        "On GitHub and GitLab. `plan` takes its base from the event, and only checks the files where there are no\n"
        "secrets (forks). `comment` keeps one comment on the pull request, and the job's summary, annotations and\n"
        "outputs; after a fork's run it plans the fork's change itself, from the files alone. `apply` applies a saved\n"
        "plan while its commit is still the branch's head. `drift` keeps one issue. The target comes from\n"
        "SYNCER_API_URL and SYNCER_WORKSPACE_ID alone.",
        "syncer ci plan --out plan.json\nsyncer ci comment plan.json --dry-run\n"
        "syncer ci apply plan.json --expect-digest HEX",
    )
    parser.add_argument("action", choices=("plan", "comment", "apply", "drift"), help="the job's part")
    parser.add_argument("file", nargs="?", metavar="PLANFILE", default="", help="comment, apply: the saved plan")
    _planning(parser)
    parser.add_argument(
        "--commit", metavar="REF", default="HEAD", help="drift: the commit that was applied last (HEAD)"
    )
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="plan, drift: exit with 2 if something differs"
    )
    parser.add_argument(
        "--comment-when",
        choices=("changes", "always", "never"),
        default="changes",
        help="comment: whether to begin one without changes; a failure always does",
    )
    parser.add_argument("--dry-run", action="store_true", help="comment, drift: print what would be posted, ask nobody")
    _lifting(parser)
    _writing(parser)
    _screen(parser, json="file")
    _files(parser)
    _out(parser)
    parser.set_defaults(base="")


def _init(add: Add) -> None:
    parser = _command(
        add,
        "init",
        "Make a folder ready: settings, schema, editor, what git ignores, and CI if you want it.",
        "On a terminal it asks for what no flag, variable or settings file says, and checks the API's address, the\n"
        "credentials and the workspace as it goes. A file that stands there already with another content is left\n"
        "alone, unless --force says otherwise; settings are never overwritten, nor is anything before the last answer.",
        "syncer init\nsyncer init --api-url https://api.squared.ai --workspace-id 2 --ci github\n"
        "syncer init --env sandbox",
    )
    parser.add_argument(
        "--env", metavar="NAME", default="", help="the environment's name (prod); sandbox: try it without a server"
    )
    parser.add_argument("--api-url", metavar="URL", default="", help="the server's root (else SYNCER_API_URL)")
    parser.add_argument("--workspace-id", type=_id, metavar="N", help="the workspace (else SYNCER_WORKSPACE_ID)")
    parser.add_argument("--ci", choices=("github", "gitlab"), default="", help="write CI files for this host, too")
    parser.add_argument("--no-check", action="store_true", help="ask no server")
    parser.add_argument("--force", action="store_true", help="overwrite the schema and CI files that differ")


def _doctor(add: Add) -> None:
    parser = _command(
        add,
        "doctor",
        "Look at every layer between here and the models, and name the one that fails.",
        "Settings, DNS, connection, TLS, host, credentials, token, workspace, role, what can be read, rate limit,\n"
        "files, secrets, git. It only reads, and logs in once at most. Exit code 1 if a layer fails.",
        "syncer doctor\nsyncer doctor --env prod --debug",
    )
    _environment(parser)


def _schema(add: Add) -> None:
    parser = _command(
        add,
        "schema",
        "Print a JSON Schema: of a model file, of the JSON lines, or of a saved plan.",
        "Editors complete and check model files by it.",
        "syncer schema > schemas/model.schema.json",
    )
    parser.add_argument(
        "name", nargs="?", choices=("model", "events", "plan"), default="model", help="model (default), events or plan"
    )


def _sandbox(add: Add) -> None:
    parser = _command(
        add,
        "sandbox",
        "Run or reset the embedded API server.",
        "The environment `sandbox` needs neither a server nor a token: plan and apply work in this process. `serve`\n"
        "puts the same state on a loopback port, for curl and for other tools: the example models, or a\n"
        "--world. A fault is KIND:PROBABILITY[:SECONDS][@METHOD[ /path]], or KIND:xN for the next N such requests.",
        "syncer sandbox serve --port 8080 --fault 429:0.1 --fault 'lost:x1@PUT /models/2'\nsyncer sandbox reset",
    )
    parser.add_argument("action", choices=("serve", "reset"), help="serve on loopback, or go back to the seeded world")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="the port (default: a free one)")
    parser.add_argument("--world", metavar="FILE", help="serve this world, kept in memory")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="misbehave, may be repeated; kinds: 429 500 502 503 504 slow reset lost html truncated",
    )


def _demo(add: Add) -> None:
    _command(
        add,
        "demo",
        "See the whole story: plan, apply, plan again, in an embedded sandbox.",
        "Nothing outside a temporary folder is read or written.",
        "syncer demo",
    )


def _completion(add: Add) -> None:
    parser = _command(
        add,
        "completion",
        "Print a completion script for a shell.",
        "It completes commands and flags.",
        "syncer completion bash > ~/.local/share/bash-completion/completions/syncer",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")


def _number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text[:9]) <= most):
        message = f"must be a whole number from {least} to {most}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _positive(text: str) -> int:
    return _number(text, 1, 64)


def percent(text: str) -> int:
    """A share in percent. Raises ArgumentTypeError."""
    return _number(text, 0, 100)


def _something(text: str) -> str:
    if not text.strip():
        message = "must not be empty: is the variable set that it comes from?"
        raise argparse.ArgumentTypeError(message)
    return text


def _digest(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        message = "must be a digest: 64 hexadecimal digits"
        raise argparse.ArgumentTypeError(message)
    return text


def _id(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text):
        message = "must be the number in the model's URL"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _port(text: str) -> int:
    return _number(text, 0, 65535)
