"""What an import asks of the files (`workflow.Desk`): read them, and try new texts. It changes none of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from syncer import config, safe_files
from syncer.cli.shared.file_checks import check
from syncer.cli.shared.secrets import secrets
from syncer.desired import loader
from syncer.desired.loader.events import events
from syncer.errors import SettingsError
from syncer.model import DEFAULTS, SANDBOX, Origin, Problem
from syncer.render import modelfile
from syncer.secrets.scrubber import held

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from syncer.adopting.new_files import Draft
    from syncer.cli.shared.run import Files, Run
    from syncer.model import Common, Document, Json
    from syncer.model import Path as DataPath
    from syncer.secrets import Secret

_SCHEMA: Final = "schemas/model.schema.json"
_MADE_UP: Final = "sandbox-"
"""What the sandbox's secrets begin with, before the variable's name."""


def folder_of(run: Run, given: str) -> str:
    """The folder for new files, from the root, as the loader writes paths. Raises SettingsError."""
    root = run.settings.root
    models = os.path.normpath(run.settings.models).replace(os.sep, "/")
    folder = models
    if given:
        absolute = os.path.abspath(given)  # noqa: PTH100 - `..` goes, links stay
        tops = (str(root), os.path.realpath(root))
        folder = next((_below(absolute, top) for top in tops if _below(absolute, top)), "")
        is_below = models in {".", folder} or folder.startswith(f"{models}/")
        hidden = any(part.startswith(".") for part in folder.split("/")) and folder != "."
        if not is_below or not folder or hidden or not folder.isprintable() or "\\" in folder:
            message = f"--dir {given} is not a folder that model files are read from"
            raise SettingsError(message, f"name one below the models folder, {models}")
    if folder != "." and not safe_files.is_reached_directly(root, folder):
        message = f"{folder} leads out of the repository, or through a link"
        raise SettingsError(message, "model files are written into the repository alone")
    if (root / folder).exists() and not (root / folder).is_dir():
        raise SettingsError(f"{folder} is not a folder", "move what is there, or name another with --dir")
    return folder


def _below(path: str, top: str) -> str:
    """A path from a folder above it; empty if it isn't below."""
    is_below = path == top or path.startswith(top.rstrip(os.sep) + os.sep)
    return os.path.relpath(path, top).replace(os.sep, "/") if is_below and "\0" not in path else ""


class Desk:
    """The files that an import works on (`workflow.Desk`): nothing of the repository is changed by it."""

    def __init__(self, run: Run, files: Files, folder: str = "") -> None:
        self._run = run
        self._root = run.settings.root
        self._files = files
        self._folder = folder
        self._has_schema = (self._root / _SCHEMA).is_file()
        self.present: dict[str, bytes] = {}
        """What stood, when they were planned, in the files that are written anew."""
        self._variables = {secret: secret.reference for secret in reversed(_sorted(config.secrets(run.variables)))}

    @property
    def common(self) -> Common:
        """What the settings say for every model file."""
        return self._run.settings.common

    def variable(self, secret: Secret) -> str:
        """The variable that has this very value; empty if none has."""
        if self._run.environment.name == SANDBOX:
            name = str(secret.reveal()).removeprefix(_MADE_UP)
            return name if config.secret(name, {name: "-"}) and self._run.lookup(name) == secret else ""
        return self._variables.get(secret, "")

    def variables(self) -> Collection[str]:
        """The variables that are set: a name that a foreign model suggests must not be one of another value."""
        return {one.reference for one in config.secrets(self._run.variables)}

    def names(self) -> Collection[str]:
        """What is in the folder that new files go to."""
        try:
            return [one.name for one in (self._root / self._folder).iterdir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            message = f"{self._folder} can't be read: {error.strerror}"
            raise SettingsError(message, "check its permissions") from None

    def path(self, name: str) -> str:
        """The path, from the root, of a new file in that folder."""
        return name if self._folder == "." else f"{self._folder}/{name}"

    def inherited(self, path: str) -> Collection[str]:
        """The fields that defaults give to a file at a path which leaves them out."""
        settings = self._run.settings
        found = loader.inherited(settings.root, settings.models, path, settings.common)
        return found.values(self._run.environment.name)[0].keys()

    def is_free(self, path: str) -> bool:
        """Whether nothing is at a path."""
        return not os.path.lexists(self._root / path)

    def written(self, draft: Draft) -> Mapping[str, str]:
        """The texts of a draft's files, by path. Raises ValueError for what no file can say."""
        header = ""
        if self._has_schema:
            up = "../" * draft.path.count("/")
            header = f"# yaml-language-server: $schema={up}{_SCHEMA}"
        text = modelfile.write(draft.values, query_file=draft.query_file, header=header)
        texts = {draft.path: text.text} | ({draft.sql_path: text.sql} if text.sql is not None else {})
        for path in texts if draft.is_rewritten else ():
            if isinstance(raw := self.raw(path), bytes):
                self.present[path] = raw
        return texts

    def raw(self, path: str) -> bytes | str:
        """What a file holds, every byte of it; or, as text, why it can't be rewritten."""
        if not safe_files.is_reached_directly(self._root, path):
            return "it's a link, or is reached through one"
        return loader.raw(self._root, path)

    def revised(
        self, raw: bytes, edits: Sequence[tuple[DataPath, Json]]
    ) -> tuple[bytes, Sequence[tuple[DataPath, str]]]:
        """The file with the edits in it, and the paths of those that it has no room for, with the reason."""
        done = modelfile.revise(raw.decode(), [modelfile.Edit(path, value) for path, value in edits], events)
        return done.text.encode(), [(one.path, one.reason) for one in done.unplaced]

    def tried(self, texts: Mapping[str, bytes]) -> tuple[Sequence[Document], Sequence[Problem]]:
        """What git would say with these files in it: their definitions, and every error in them.

        They are laid out in a folder of their own, where the loader treats them like any others.
        """
        with tempfile.TemporaryDirectory(prefix="syncer-") as name:
            for path, content in texts.items():
                file = Path(name) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            for path, raw in self._defaults(texts).items():
                (Path(name) / path).write_bytes(raw)
            loaded = loader.load(Path(name), self._run.settings.models, common=self._run.settings.common)
        others = tuple(one for one in self._files.documents if one.path not in texts)
        known = {*self._run.settings.environments, self._run.environment.name}
        found = check(loader.Loaded((*others, *loaded.documents), loaded.problems), known)
        errors = [problem for problem in found if problem.is_error and problem.path in texts]
        return loaded.documents, [*errors, *self._leaks(texts)]

    def _defaults(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The defaults that hold for files at these paths, by path."""
        folders = {folder.as_posix() for path in paths for folder in PurePosixPath(path).parents}
        found = {name: loader.raw(self._root, name) for name in (f"{one}/{DEFAULTS}" for one in folders)}
        return {path: raw for path, raw in found.items() if isinstance(raw, bytes)}

    def _leaks(self, texts: Mapping[str, bytes]) -> list[Problem]:
        """The files that would hold the value of a secret of this process."""
        known = secrets(self._run.variables)
        found = []
        for path, content in texts.items():
            if names := held(content.decode("utf-8", "replace"), known) if known else []:
                found.append(Problem(Origin(path), "secret-in-git", f"the value of {', '.join(names)} would be in it"))
        return found


def _sorted(secrets: list[Secret]) -> list[Secret]:
    return sorted(secrets, key=lambda secret: secret.reference)
