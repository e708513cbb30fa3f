"""`syncer schema`: a JSON Schema of what is written or printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class SchemaOptions:
    """What `syncer schema` is asked for."""

    name: str = flags.operand(
        None,
        "model (default), defaults, events or plan",
        choices=("model", "defaults", "events", "plan"),
        default="model",
    )


def run(options: SchemaOptions, screen: Screen) -> int:
    """Print the schema."""
    import json

    from syncer import package_files

    if options.name == "defaults":
        screen.out.write(f"{json.dumps(package_files.defaults_schema(), indent=2, ensure_ascii=False)}\n")
    else:
        screen.out.write(package_files.schema_text(options.name))
    return 0


COMMAND = Command(
    "schema",
    Words(
        "Print a JSON Schema: of a model file, of a _defaults.yaml, of the JSON lines, or of a saved plan.",
        "Editors complete and check model files by it.",
        "syncer schema > schemas/model.schema.json",
    ),
    SchemaOptions,
    run,
)
