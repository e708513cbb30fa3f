"""`syncer import`: live models become files, and live edits go into the files that are there.

Nothing here writes to the API, and nothing goes into a file that wasn't read back first.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, safe_files, workflow
from syncer.adopting.selection import Selection, check_selection
from syncer.cli.shared import running
from syncer.cli.validate import check
from syncer.desired import loader
from syncer.errors import SettingsError
from syncer.model import SANDBOX, Origin, Problem
from syncer.render import modelfile, terminal
from syncer.render.terminal import import_
from syncer.secrets.scrubber import held

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Mapping, Sequence

    from syncer.adopting.drift import DriftImport
    from syncer.adopting.new_files import Draft, Imported
    from syncer.cli.shared.running import Files, Run
    from syncer.cli.shared.screen import Screen
    from syncer.model import Document, Json
    from syncer.model import Path as DataPath
    from syncer.secrets import Secret

_SCHEMA: Final = "schemas/model.schema.json"
_MADE_UP: Final = "sandbox-"
"""What the sandbox's secrets begin with, before the variable's name."""


def run(flags: argparse.Namespace, screen: Screen) -> int:
    """Write live models down, or, with --drift, what was changed outside git. 1 if what was asked for isn't whole."""
    _refuse_mixed(flags)
    return _drift(flags, screen) if flags.drift else _import(flags, screen)


def _refuse_mixed(flags: argparse.Namespace) -> None:
    """Raise SettingsError for flags that belong to the other half of the command: none is taken and not obeyed."""
    new = ("ids", "all", "query_type", "connector", "dir", "inline", "force")
    others, missing = (new, "without") if flags.drift else (("base", "target", "yes"), "with")
    for name in others:
        if getattr(flags, name):
            shown = "ids" if name == "ids" else f"--{name.replace('_', '-')}"
            message = f"{shown} can be said only {missing} --drift"
            raise SettingsError(message, "--drift takes live edits into files that are there, and writes no new ones")


def _announce(run: Run, screen: Screen) -> None:
    screen.show(terminal.render_banner("import", run.target))
    screen.show("Refreshing live state...\n")


# -- new files -----------------------------------------------------------------------------------------------------


def _import(flags: argparse.Namespace, screen: Screen) -> int:
    asked = Selection(flags.all, tuple(flags.ids), tuple(flags.query_type), tuple(flags.connector))
    check_selection(asked)
    run = running.settle(flags)
    files = running.read(run, may_be_empty=True)
    running.refuse_stray(run, flags, files)
    desk = _Desk(run, files, _folder(run, flags.dir))
    with running.connected(run, screen) as api:
        _announce(run, screen)
        found = workflow.import_models(
            files.documents,
            api,
            run.target,
            run.lookup,
            asked,
            desk,
            pins_at_top=run.is_alone,
            inline=flags.inline,
            force=flags.force,
        )
    _write_new(run, screen, found, desk)
    errors = [problem for problem in found.problems if problem.is_error]
    screen.show(import_.render_imported(found, run.target, screen.style))
    if errors:
        screen.problems(errors)
    return 0 if found.is_whole else 1


def _write_new(run: Run, screen: Screen, found: Imported, desk: _Desk) -> None:
    """Write every file, and say so once it's there: a run that ends early has told what it left."""
    texts = found.texts or {}
    for draft in found.drafts:
        # The SQL file first: a model file that names one which isn't there would be a problem.
        for path in filter(None, (draft.sql_path, draft.path)):
            content = texts[path].encode()
            if path in desk.present:
                safe_files.replace(run.settings.root, path, content, expected=desk.present[path])
            else:
                safe_files.create(run.settings.root, path, content)
        screen.show(import_.render_written(draft, screen.style))


def _folder(run: Run, given: str) -> str:
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
            message = f"--dir {given} is no folder that model files are read from"
            raise SettingsError(message, f"name one below the models folder, {models}")
    if folder != "." and not safe_files.is_reached_directly(root, folder):
        message = f"{folder} leads out of the repository, or through a link"
        raise SettingsError(message, "model files are written into the repository alone")
    if (root / folder).exists() and not (root / folder).is_dir():
        raise SettingsError(f"{folder} is no folder", "move what is there, or name another with --dir")
    return folder


def _below(path: str, top: str) -> str:
    """A path from a folder above it; empty if it isn't below."""
    is_below = path == top or path.startswith(top.rstrip(os.sep) + os.sep)
    return os.path.relpath(path, top).replace(os.sep, "/") if is_below and "\0" not in path else ""


class _Desk:
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
        done = modelfile.revise(raw.decode(), [modelfile.Edit(path, value) for path, value in edits], loader.events)
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
            loaded = loader.load(Path(name), self._run.settings.models)
        others = tuple(one for one in self._files.documents if one.path not in texts)
        known = {*self._run.settings.environments, self._run.environment.name}
        found = check(loader.Loaded((*others, *loaded.documents), loaded.problems), known)
        errors = [problem for problem in found if problem.is_error and problem.origin.path in texts]
        return loaded.documents, [*errors, *self._leaks(texts)]

    def _leaks(self, texts: Mapping[str, bytes]) -> list[Problem]:
        """The files that would hold the value of a secret of this process."""
        secrets = running.secrets(self._run.variables)
        found = []
        for path, content in texts.items():
            if names := held(content.decode("utf-8", "replace"), secrets) if secrets else []:
                found.append(
                    Problem(Origin(path), "secret-in-git", f"the value of {', '.join(names)} would stand in it")
                )
        return found


def _sorted(secrets: list[Secret]) -> list[Secret]:
    return sorted(secrets, key=lambda secret: secret.reference)


# -- into files that are there ---------------------------------------------------------------------------------------


def _drift(flags: argparse.Namespace, screen: Screen) -> int:
    run = running.settle(flags)
    files = running.read(run)
    desk = _Desk(run, files)
    base = running.base_or_parted(run, flags.base)
    with running.connected(run, screen) as api:
        _announce(run, screen)
        found, problems = workflow.import_drift(
            files.documents,
            api,
            run.target,
            run.lookup,
            desk,
            flags.target,
            base=base,
            environments={*run.settings.environments},
        )
    told = tuple(problem for problem in problems if not problem.is_error)
    errors = tuple(problem for problem in problems if problem.is_error)
    is_whole = not errors and all(problem.rule != "missing-secret" for problem in told)
    shown = import_.render_taken(found, told, screen.style, base=base.commit if base else "", is_whole=is_whole)
    screen.show(shown)
    if flags.yes:
        _write_revised(run, screen, found)
    if found.revisions:
        screen.show(import_.render_next(screen.style, written=flags.yes))
    if errors:
        screen.problems(errors)
    return 1 if errors or (flags.yes and found.left) else 0


def _write_revised(run: Run, screen: Screen, found: DriftImport) -> None:
    """Write every file that is still what was read, and say so once it's there."""
    if found.revisions:
        screen.show("")
    for one in found.revisions:
        safe_files.replace(run.settings.root, one.path, one.after, expected=one.before)
        screen.show(import_.render_file(one.path))
