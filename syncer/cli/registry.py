"""What each command runs. Each imports what it needs when it's called: `validate` must not pay for HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from syncer.cli.shared.screen import Screen

# ruff: noqa: PLC0415 - see above


def _validate(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import validate

    return validate.run(flags, screen)


def _plan(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli.shared import planning

    return planning.plan(flags, screen)


def _apply(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import apply

    return apply.apply(flags, screen)


def _show(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli.shared import planning

    return planning.show_saved(flags, screen)


def _drift(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli.shared import planning

    return planning.drift(flags, screen)


def _import(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import import_

    return import_.run(flags, screen)


def _list(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import list_

    return list_.run(flags, screen)


def _history(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import rollback

    return rollback.history(flags, screen)


def _rollback(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import rollback

    return rollback.rollback(flags, screen)


def _ci(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import ci

    return ci.run(flags, screen)


def _init(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import init

    return init.run(flags, screen)


def _doctor(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli import doctor

    return doctor.run(flags, screen)


def _schema(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer import package_files

    screen.out.write(package_files.schema_text(flags.name))
    return 0


def _completion(flags: argparse.Namespace, screen: Screen) -> int:
    import shtab

    from syncer.cli.arguments import build

    screen.show(shtab.complete(build(), flags.shell))
    return 0


def _sandbox(flags: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli.sandbox import sandbox

    return sandbox(flags, screen)


def _demo(_: argparse.Namespace, screen: Screen) -> int:
    from syncer.cli.arguments import parse
    from syncer.cli.sandbox import demo

    def run(command: Sequence[str]) -> int:
        flags = parse(command)
        return COMMANDS[flags.command](flags, screen)

    return demo(run, screen)


COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, Screen], int]]] = {
    "validate": _validate,
    "plan": _plan,
    "apply": _apply,
    "show": _show,
    "drift": _drift,
    "import": _import,
    "list": _list,
    "history": _history,
    "rollback": _rollback,
    "ci": _ci,
    "init": _init,
    "doctor": _doctor,
    "schema": _schema,
    "completion": _completion,
    "sandbox": _sandbox,
    "demo": _demo,
}
