"""Documents as transcripts: the commands in their `console` blocks are run, and what they print must stand there.

A text has one workshop: a folder with the shipped models, in which its commands run one after the other. Elapsed
times are the machine's own, and so are the times at which runs began: they are made the same before comparing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import launcher

if TYPE_CHECKING:
    from collections.abc import Mapping

PREPARATION = re.compile(r"^<!-- prepare: (.*) -->$", re.MULTILINE)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def run(command: str, folder: Path, served: Mapping[str, str] = MappingProxyType({})) -> str:
    """What a command prints, both streams, as a terminal without colour would show it.

    `served` says where the addresses are that documents write.
    """
    for address, url in served.items():
        command = command.replace(address, url)
    scripts = os.pathsep.join(map(str, (launcher.folder(), Path(sys.executable).parent)))
    ours = {name for name in os.environ if name.startswith("SYNCER_")} - {"SYNCER_STATE_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {"PATH": f"{scripts}{os.pathsep}{environment['PATH']}", "COLUMNS": "100", "PYTHONUTF8": "1"}
    done = subprocess.run(
        ["bash", "-c", command],  # the documents are ours
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = done.stdout
    for address, url in served.items():
        said = said.replace(url, address)
    return steady(said)


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    text = re.sub(r"complete after \d+s", "complete after 0s", text)
    text = re.sub(r"\b\d{8}-\d{6}-([0-9a-f]{4})\b", r"20261123-104502-\1", text)
    return re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "2026-11-23 10:45:02", text)


def printed(text: str, folder: Path, served: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """The blocks of a text with what their commands really print, after its preparations, which readers don't see."""
    for command in PREPARATION.findall(text):
        run(command, folder, served)

    def block(inner: str) -> str:
        lines = []
        for command in re.findall(r"^\$ (.*)$", inner, re.MULTILINE):
            lines.append(f"$ {command}")
            lines += [line.rstrip() for line in run(command, folder, served).rstrip("\n").splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        return "```console\n" + "\n".join(lines) + "\n```"

    return [block(inner) for inner in BLOCK.findall(text)]


def filled(text: str, blocks: list[str]) -> str:
    """The text with these blocks in place of its own."""
    given = iter(blocks)
    return BLOCK.sub(lambda _: next(given), text)


def rewritten(text: str, folder: Path) -> str:
    """The text with what its commands really print."""
    return filled(text, printed(text, folder))


def parts(text: str) -> dict[str, str]:
    """A document by its headings of the second level; the first part goes by its own first line."""
    return {part.partition("\n")[0].removeprefix("## "): part for part in re.split("(?m)^(?=## )", text)}
