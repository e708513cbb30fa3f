"""What `syncer init --ci` writes where all is known: two environments, a folder, a branch, secrets.

python tests/written.py DIR     write it for the linters of `.ci/run`
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from syncer.cli.shared import pipeline_files, pipeline_updates

FACTS: Final = (
    pipeline_files.Facts("", "trunk", ("prod",), {"prod": ["SYNCER_SECRET_OPENAI"]}),
    pipeline_files.Facts(
        "team/a",
        "release/2+x",
        ("staging", "eu-prod"),
        {"staging": ["SYNCER_SECRET_OPENAI"], "eu-prod": ["SYNCER_SECRET_GIT", "SYNCER_SECRET_OPENAI"]},
    ),
)
"""One environment at the top, which has every line in its place; and all that has names of its own."""


def write(folder: Path) -> list[Path]:
    """Write the files of both hosts."""
    written = []
    for facts in FACTS:
        for host in ("github", "gitlab"):
            for name, content in pipeline_files.files(host, facts).items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(pipeline_updates.stamped(content))
                written.append(path)
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(Path(sys.argv[1]))
