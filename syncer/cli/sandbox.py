"""`syncer sandbox serve` and `syncer sandbox reset`: the embedded API server by itself."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, CommandGroup, NoOptions, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `syncer sandbox serve` is asked for."""

    port: int | None = flags.number("--port", kind=flags.port, metavar="N", what="the port (default: a free one)")
    world: str = flags.text("--world", metavar="FILE", what="serve this world, kept in memory", values=flags.FILES)
    faults: tuple[str, ...] = flags.texts(
        "--fault",
        metavar="FAULT",
        what="misbehave, may be repeated; kinds: 429 500 502 503 504 slow reset lost html truncated",
    )


def serve(options: ServeOptions, screen: Screen) -> int:
    """Serve the sandbox until it's interrupted."""
    from syncer import config, sandbox
    from syncer.cli.shared.embedded_sandbox import sandbox_at
    from syncer.errors import SettingsError

    root = config.load(Path.cwd()).root
    try:
        faults = sandbox.Faults.parse(options.faults)
    except ValueError as error:
        message = f"--fault: {error}"
        raise SettingsError(message) from None
    with ExitStack() as stack:
        if options.world:
            try:
                box = stack.enter_context(closing(sandbox.Sandbox(_world(options.world), faults=faults)))
            except ValueError as error:
                message = f"--world {options.world} is not a world: {error}"
                raise SettingsError(message) from None
        else:
            box = stack.enter_context(sandbox_at(root, screen, faults))
            screen.note("Its tokens: `sandbox` may write, `viewer` only read. Its workspace: 1.")
        try:
            sandbox.serve(box, port=options.port or 0, ready=lambda url: screen.show(f"READY {url}"))
        except OSError as error:
            message = f"port {options.port} can't be opened: {error.strerror}"
            raise SettingsError(message, "take another --port, or none for a free one") from None
    return 0


def _world(file: str) -> Mapping[str, object]:
    import json

    from syncer.errors import SettingsError

    try:
        world = json.loads(Path(file).read_text("utf-8"))
    except OSError as error:
        message = f"--world {file}: {error.strerror}"
        raise SettingsError(message) from None
    except ValueError as error:
        message = f"--world {file} is not JSON: {error}"
        raise SettingsError(message) from None
    if not isinstance(world, dict):
        message = f"--world {file} is not a world: it must be an object"
        raise SettingsError(message)
    return world


def reset(_: NoOptions, screen: Screen) -> int:
    """Go back to the seeded world."""
    from syncer import config
    from syncer.cli.shared.embedded_sandbox import reset as reset_at

    reset_at(config.load(Path.cwd()).root, screen)
    screen.show("The sandbox is back to its seeded world.")
    return 0


COMMAND = CommandGroup(
    "sandbox",
    Words(
        "Run or reset the embedded API server.",
        "The environment `sandbox` needs neither a server nor a token: plan and apply work in this process. `serve` "
        "puts the same state on a loopback port, for curl and for other tools.",
        "syncer sandbox serve --port 8080\nsyncer sandbox reset",
    ),
    (
        Command(
            "serve",
            Words(
                "Serve the sandbox on a loopback port.",
                "It serves the example models with the changes made to them, or a --world. A fault is "
                "KIND:PROBABILITY[:SECONDS][@METHOD[ /path]], or KIND:xN for the next N such requests.",
                "syncer sandbox serve --port 8080 --fault 429:0.1 --fault 'lost:x1@PUT /models/2'",
            ),
            ServeOptions,
            serve,
        ),
        Command(
            "reset",
            Words(
                "Go back to the seeded world.",
                "All changes to the sandbox's models are lost.",
                "syncer sandbox reset",
            ),
            NoOptions,
            reset,
        ),
    ),
)
