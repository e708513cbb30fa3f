"""`syncer fmt`: the keys of model files in the documented order. Comments and values stay as they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen
    from syncer.config import Settings
    from syncer.model import Problem
    from syncer.render.modelfile import Formatted

_SCHEMA: Final = "schemas/model.schema.json"
"""Where `syncer init` puts the schema, below the settings' folder."""


@dataclass(frozen=True, slots=True)
class FmtOptions:
    """What `syncer fmt` is asked for."""

    files: tuple[str, ...] = flags.operands(
        "FILE", "only these files (default: all below the models folder)", kind=str, values=flags.FILES
    )
    check: bool = flags.switch("--check", what="write nothing; exit code 1 if a file is not in order")


def run(options: FmtOptions, screen: Screen) -> int:
    """Put each file in order, or say which are not."""
    from syncer import config, safe_files
    from syncer.cli.shared.file_checks import placed, projects
    from syncer.desired import loader

    count = changed = 0
    problems: list[Problem] = []
    for start, paths in projects(options.files, screen.started).items():
        settings = config.load(start)
        load = loader.load_files(settings.root, settings.models, paths) if paths else None
        loaded = load or loader.load(settings.root, settings.models)
        problems += placed([one for one in loaded.problems if one.is_error], settings.root, "text")
        for document in loaded.documents:
            raw = loader.raw(settings.root, document.path)
            if not isinstance(raw, bytes):
                continue
            count += 1
            found = _formatted(raw, settings, document.path)
            content = found.text.encode()
            if found.reason:
                screen.show(f"Left alone: {document.path}: {found.reason}")
            elif content != raw:
                changed += 1
                screen.show(f"{'Not in order' if options.check else 'Wrote'} {document.path}")
                if not options.check:
                    safe_files.replace(settings.root, document.path, content, expected=raw)
    if problems:
        screen.problems(tuple(problems))
    files = f"{count} file{'' if count == 1 else 's'}"
    screen.show(f"{files} looked at: {changed} {'not in order' if options.check else 'changed'}.")
    return 1 if problems or (options.check and changed) else 0


def _formatted(raw: bytes, settings: Settings, path: str) -> Formatted:
    """The file in order, as far as the loader reads it as the same."""
    from syncer.desired import loader
    from syncer.desired.loader.events import events
    from syncer.render import modelfile

    text = raw.decode()

    def schema_of(target: str) -> str:
        """The path of the schema, mended where nothing stands at the one that a moved file names."""
        folder, schema = (settings.root / path).parent, settings.root / _SCHEMA
        is_ours = target.rpartition("/")[2] == schema.name and "://" not in target and not Path(target).is_absolute()
        if not is_ours or os.path.lexists(folder / target) or not schema.is_file():
            return target
        return Path(os.path.relpath(schema, folder)).as_posix()

    found = modelfile.ordered(text, events, schema_of)
    if found.reason or found.text == text or loader.means_same(raw, found.text.encode()):
        return found
    return modelfile.Formatted(text, "it would not read back as the same")


COMMAND = Command(
    "fmt",
    Words(
        "Put the keys of model files in the documented order.",
        "Comments stay with the key below them, and values stay as they are, byte for byte. The header that names the "
        "schema gets the right path again. A file with anchors, aliases, merge keys or a byte order mark is left "
        "alone, and named. Exit code 0; 1 with --check if a file is not in order, or for a file that can't be read.",
        "syncer fmt\nsyncer fmt --check\nsyncer fmt models/finance/revenue_daily.yaml",
    ),
    FmtOptions,
    run,
)
