"""Real git repositories in a temporary folder: commits, a bare remote, clones. Nothing of the machine's git leaks in."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GIT: Final = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "LC_ALL": "C",
}
"""The variables of every git here: nobody's configuration, a made-up author."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree, or a bare repository."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, *flags: str) -> Repository:
        """An empty one, on the branch `main`."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main", *flags)
        return made

    def git(self, *arguments: str, given: bytes = b"") -> str:
        """What a git command prints, without its last line end. It must succeed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", "-c", "commit.gpgSign=false", "-C", str(self.folder), *arguments],
            input=given,
            capture_output=True,
            env={**kept, **GIT},
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def write(self, path: str, text: str) -> None:
        """Write a file of the work tree."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, "utf-8")

    def commit(self, files: Mapping[str, str] | None = None) -> str:
        """Commit these files and whatever else the work tree holds; the commit's hash."""
        for path, text in (files or {}).items():
            self.write(path, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=a change")
        return self.head

    def bare(self, folder: Path) -> Repository:
        """A bare copy, as a host has it; this one's `origin` from then on."""
        remote = Repository.made(folder, "--bare")
        self.git("remote", "add", "origin", str(folder))
        self.git("push", "--quiet", "origin", "--all")
        self.git("fetch", "--quiet", "origin")
        return remote

    def cloned(self, folder: Path, *flags: str) -> Repository:
        """A clone over git's own protocol, so that `--depth` means something."""
        self.git("clone", "--quiet", *flags, f"file://{self.folder}", str(folder))
        return Repository(folder)

    # -- what no honest git makes --------------------------------------------------------------------------------

    def blob(self, content: bytes) -> str:
        """An object with this content."""
        return self.git("hash-object", "-w", "--stdin", given=content)

    def tree(self, *entries: tuple[str, str, str, str]) -> str:
        """A tree of these entries (mode, kind, object, name) as they are: sorted, but neither checked nor merged."""
        raw = b"".join(
            f"{mode.lstrip('0')} ".encode() + name.encode("utf-8", "surrogateescape") + b"\0" + bytes.fromhex(oid)
            for mode, _, oid, name in entries
        )
        return self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)

    def commit_tree(self, tree: str, *parents: str) -> str:
        """A commit of a tree, on no branch."""
        return self.git("commit-tree", tree, "-m", "made by hand", *(word for one in parents for word in ("-p", one)))
