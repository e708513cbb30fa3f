"""The files that `syncer init` writes, and the steps that it prints for a person to do.

Everything is looked at before anything is written.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from syncer import __version__, config, package_files, safe_files
from syncer.cli.shared import pipeline_files, pipeline_updates
from syncer.cli.shared.file_checks import EMPTY_RULES, check, named_secrets
from syncer.config import settings_edits
from syncer.desired import git, loader
from syncer.errors import SettingsError
from syncer.model import SANDBOX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncer.cli.shared.init_questions import Start
    from syncer.model import Document

_WHEEL: Final = f"ai_squared_syncer-{__version__}-py3-none-any.whl"
_SCHEMA: Final = "schemas/model.schema.json"
_IGNORED: Final = (".env",)
"""What git must not keep: the variables of one machine."""

_LARGEST: Final = 1 << 20
_README: Final = """\
# Models

One file is one model. `syncer import --all` writes those that are live; a new one is written by hand, like this:

```yaml
# yaml-language-server: $schema=../schemas/model.schema.json
name: Active users
description: Users seen in the last 30 days
connector_id: 1          # the number in the connector's URL
query_type: raw_sql
primary_key: user_id
query: |
  SELECT user_id, email
  FROM app.users
  WHERE last_seen_at > current_date - 30
```

`syncer validate` checks the files, `syncer plan` shows what an apply would change.
"""
"""What stands in a new models folder: no definition, because a made-up one would fit no live model."""

_JETBRAINS: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<project version="4">
  <component name="JsonSchemaMappingsProjectConfiguration">
    <state>
      <map>
        <entry key="syncer model">
          <value>
            <SchemaInfo>
              <option name="name" value="syncer model" />
              <option name="relativePathToSchema" value="{schema}" />
              <option name="patterns">
                <list>
                  <Item>
                    <option name="directory" value="true" />
                    <option name="path" value="{models}" />
                    <option name="mappingKind" value="Directory" />
                  </Item>
                </list>
              </option>
            </SchemaInfo>
          </value>
        </entry>
      </map>
    </state>
  </component>
</project>
"""
"""What the editors of JetBrains keep of a schema and the folder whose files it describes."""

_CREDENTIALS: Final = """\
Set SYNCER_EMAIL and SYNCER_PASSWORD, or SYNCER_TOKEN. Every login of a user revokes that user's earlier token: give
syncer a user of its own, with the role Member."""
_IMPORT: Final = """\
`syncer import --all` writes the live models down as files, and names the variables that they take; with these set
`syncer plan` finds no changes."""
_BLANK: Final = "\n\n"
_GITHUB_STEPS: Final = """\
Lock the tool by hash, so that nobody can change what gets the credentials. Until there is a release, with the wheel
of a checkout that you trust (pip install uv):
  pip wheel --no-deps --wheel-dir .github/wheels PATH/TO/THE/CHECKOUT
  echo './.github/wheels/{wheel}' |
    uv pip compile --universal --generate-hashes --python-version 3.13 --output-file .github/syncer.txt -

In Settings > Secrets and variables > Actions add the variables SYNCER_API_URL and SYNCER_WORKSPACE_ID. The target
comes from them alone: a pull request that changes api_url doesn't send the token elsewhere. Until they are set every
job fails, and says so.

There, too, add the secrets SYNCER_EMAIL and SYNCER_PASSWORD of a user who only reads (role Viewer):
whoever may push a branch can use it, and read it. Add each variable that a model file names, too:
{secrets}.
`syncer init --ci github --update` keeps their lines in the workflows.

Add the {environments}, with required reviewers, without self-review,
for the branch {branch} alone. The secrets of the same names there are the user who writes (role Member).

Protect the branch {branch}: require a review and the {checks}.
Let .github/CODEOWNERS name who reviews .github/ (workflows, lock file, wheels) and the settings, and require their
review."""
_GITLAB_STEPS: Final = """\
In .gitlab-ci.yml say:
  include:
{includes}
Its jobs stand in the stages `test` and `deploy`. If yours have other names, say below that line:
      inputs:
        plan-stage: NAME
        apply-stage: NAME

Lock the tool by hash, so that nobody can change what gets the credentials. Until there is a release, with the wheel
of a checkout that you trust (pip install uv):
  pip wheel --no-deps --wheel-dir .gitlab/wheels PATH/TO/THE/CHECKOUT
  echo './.gitlab/wheels/{wheel}' |
    uv pip compile --universal --generate-hashes --python-version 3.13 --output-file .gitlab/syncer.txt -

In Settings > CI/CD > Variables add SYNCER_API_URL and SYNCER_WORKSPACE_ID, and, masked, SYNCER_EMAIL and
SYNCER_PASSWORD of a user who only reads (role Viewer), and each variable that a model file names:
{secrets}.
Add SYNCER_GITLAB_TOKEN, a token of the project (scope `api`, role Reporter): it writes the note on the merge request.
Add SYNCER_GITLAB_STATUS_TOKEN, protected, another one (role Developer, who may merge to the default branch): it tells
the apply which plan was made. Without it the apply plans again.

Add the {environments}, protected. The same variables for that alone, protected, are the user who
writes (role Member).

Protect the default branch, and make a pipeline schedule: it looks for drift."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file to be written, and what stands there now."""

    name: str
    path: Path
    content: bytes
    present: bytes | None
    added: str = ""
    """What is put behind the lines that are there; then nothing is overwritten."""
    advice: str = "--force overwrites"
    """What to do about one that differs."""
    is_forced: bool = True
    """Whether `--force` counts: not for what is a person's own."""
    is_pipeline: bool = False
    """Whether `--update` counts: for a host's CI files."""


def guess_host(top: Path) -> str:
    """The host that a repository looks like; empty if it looks like none."""
    if (top / ".gitlab-ci.yml").exists() or (top / ".gitlab").exists():
        return "gitlab"
    if (top / ".github").exists():
        return "github"
    try:
        text = safe_files.read(top / ".git" / "config", _LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""
    remote = re.search(r"^\s*url\s*=.*?(github|gitlab)", text, re.MULTILINE | re.IGNORECASE)
    return remote[1].lower() if remote else ""


def is_empty_of_models(settings: config.Settings) -> bool:
    """Whether there is no definition yet."""
    loaded = loader.load(settings.root, settings.models, common=settings.common)
    return not loaded.documents and {problem.rule for problem in loaded.problems} <= EMPTY_RULES


# -- the files -------------------------------------------------------------------------------------------------------


def files_of(
    settings: config.Settings, top: Path, start: Start, facts: pipeline_files.Facts, *, is_empty: bool
) -> Iterator[_File]:
    """The files that the folder should have, with what stands there now."""
    folder = settings.root.relative_to(top).as_posix()

    def below(*parts: str) -> str:
        return posixpath.normpath(posixpath.join(folder, *parts))

    if start.environment is not None:
        yield _settings(settings, top, below, start.environment)
    yield _file(top, below(_SCHEMA), package_files.schema_text().encode())
    if is_empty and start.is_sandbox:
        examples = package_files.folder("models")
        for path in sorted(path for path in examples.rglob("*") if path.is_file()):
            name = path.relative_to(examples).as_posix()
            yield _file(top, below(settings.models, name), path.read_bytes())
    elif is_empty and not (settings.root / settings.models / "README.md").exists():
        # It keeps the folder in git, too.
        yield _file(top, below(settings.models, "README.md"), _README.encode())
    yield _editor(top, below(_SCHEMA), below(settings.models, "**/*.yaml"))
    yield _jetbrains(top, below(_SCHEMA), below(settings.models))
    yield _ignore(top, below(".gitignore"))
    for name, content in pipeline_files.files(start.ci, facts).items():
        file = _file(top, name, pipeline_updates.stamped(content))
        yield replace(file, advice="--update keeps your edits, --force overwrites", is_pipeline=True)


def facts_of(settings: config.Settings, top: Path, start: Start) -> pipeline_files.Facts:
    """What the pipeline's files can know of the repository, its settings and its definitions."""
    folder = settings.root.relative_to(top).as_posix()
    names = [name for name in settings.environments if name != SANDBOX]
    if start.environment is not None:
        names.append(start.environment.name)
    documents = _valid_documents(settings)
    secrets = {name: named_secrets(documents, name) for name in names or ("",)}
    return pipeline_files.Facts("" if folder == "." else folder, git.default_branch_name(top), names, secrets)


def _valid_documents(settings: config.Settings) -> list[Document]:
    """The definitions without a problem: what the others name isn't certain."""
    loaded = loader.load(settings.root, settings.models, common=settings.common)
    broken = {problem.origin.path for problem in check(loaded, settings.environments) if problem.is_error}
    return [document for document in loaded.documents if document.path not in broken]


def _settings(
    settings: config.Settings, top: Path, below: Callable[[str], str], environment: config.Environment
) -> _File:
    """The settings with the environment's table: a new file, or behind all that stands in the one that is there."""
    found = config.find(settings.root)
    if found is None or found.parent != settings.root:
        table = settings_edits.environment_table(config.FILES[0], environment)
        return _file(top, below(config.FILES[0]), table.encode())
    file = _file(top, below(found.name), b"")
    content = settings_edits.with_environment(file.present or b"", found.name, environment)
    return replace(file, content=content, added=f"[environments.{environment.name}]")


def _editor(top: Path, schema: str, models: str) -> _File:
    """By which schema an editor completes and checks the model files; somebody's own settings stay as they are."""
    mapping = {"yaml.schemas": {schema: models}}
    content = f"{json.dumps(mapping, indent=2)}\n".encode()
    file = _file(top, ".vscode/settings.json", content)
    present = file.present or b""
    is_mapped = all(json.dumps(text).encode() in present for text in (schema, models))
    advice = f"for the editor's help add {json.dumps(mapping)[1:-1]}"
    return _File(file.name, file.path, present if is_mapped else content, file.present, "", advice, is_forced=False)


def _jetbrains(top: Path, schema: str, models: str) -> _File:
    """The same for the editors of JetBrains, which map a schema to a folder with all that is below it."""
    path, folder = (escape(text, {'"': "&quot;"}) for text in (schema, models))
    file = _file(top, ".idea/jsonSchemas.xml", _JETBRAINS.format(schema=path, models=folder).encode())
    present = file.present or b""
    is_mapped = all(f'"{text}"'.encode() in present for text in (path, folder))
    advice = f"for the editor's help map {schema} to the folder {models} in its settings, JSON Schema Mappings"
    return _File(
        file.name, file.path, present if is_mapped else file.content, file.present, "", advice, is_forced=False
    )


def _ignore(top: Path, name: str) -> _File:
    """What git is to ignore, behind the lines that are there."""
    file = _file(top, name, b"")
    present = file.present or b""
    known = {line.strip().strip(b"/") for line in present.splitlines()}
    missing = [line for line in _IGNORED if line.strip("/").encode() not in known]
    gap = b"\n" if present and not present.endswith(b"\n") else b""
    content = present + gap + b"".join(line.encode() + b"\n" for line in missing) if missing else present
    return _File(file.name, file.path, content, file.present, " and ".join(missing))


def _file(top: Path, name: str, content: bytes) -> _File:
    """Look before anything is written: a repository of somebody else's could lead us out of it by a link."""
    path = top / name
    inside = [top.joinpath(*PurePosixPath(name).parts[: n + 1]) for n in range(len(PurePosixPath(name).parts))]
    if link := next((part for part in inside if part.is_symlink()), None):
        message = f"{link.relative_to(top)} is a symbolic link, and what is behind it stays untouched"
        raise SettingsError(message, "remove the link")
    try:
        present = safe_files.read(path, _LARGEST)
    except FileNotFoundError:
        return _File(name, path, content, None)
    except OSError as error:
        message = f"{name} can't be read: {error.strerror}"
        raise SettingsError(message, "move away what is there") from None
    if len(present) > _LARGEST:
        raise SettingsError(f"{name} can't be read: it is too large", "move away what is there")
    return _File(name, path, content, present)


def settled(file: _File, *, force: bool, update: bool = False) -> str:
    """Write a file that is missing, and one that differs if that is forced or updated; what became of it."""
    if file.present == file.content:
        return f"Unchanged {file.name}"
    if file.present is not None and file.is_pipeline and update and not force:
        return _updated(file, file.present)
    if file.present is not None and file.added:
        _write(file)
        return f"Added {file.added} to {file.name}"
    if file.present is not None and not (force and file.is_forced):
        return f"Left alone: {file.name}, which differs ({file.advice})"
    _write(file)
    return f"Wrote {file.name}"


def _updated(file: _File, present: bytes) -> str:
    """Write a CI file anew that nobody has edited; to any other only add the lines of missing secrets."""
    if pipeline_updates.is_as_written(present):
        _write(file)
        return f"Updated {file.name}"
    missing = pipeline_updates.missing_secrets(file.content, present)
    merged = pipeline_updates.with_secrets(file.content, present)
    left = pipeline_updates.missing_secrets(file.content, merged)
    if left:
        # Not one line is written where the place of another isn't found.
        what = f"{', '.join(left)} {'has' if len(left) == 1 else 'have'} no line, and the place isn't found"
        return f"Left alone: {file.name}, which was edited ({what}: --force overwrites)"
    if not missing:
        return f"Left alone: {file.name}, which was edited (it has every secret's line; --force overwrites)"
    _write(replace(file, content=merged))
    return f"Added {', '.join(missing)} to {file.name}, and kept its edits"


def _write(file: _File) -> None:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_bytes(file.content)
    except OSError as error:
        message = f"{file.name} can't be written: {error.strerror}"
        raise SettingsError(message, "make the folder writable") from None


# -- what is left to do ----------------------------------------------------------------------------------------------


def first_steps(settings: config.Settings, start: Start, found: Path | None, *, is_empty: bool) -> Iterator[str]:
    """From an empty folder to a first plan that finds no changes."""
    if start.is_sandbox:
        yield "`syncer plan --env sandbox` shows what differs, `syncer apply --env sandbox` changes it."
        yield "For a workspace of your own begin again in an empty folder, without --env sandbox."
        return
    if found is None and start.environment is None:
        yield "Say where the workspace is: `syncer init --api-url URL --workspace-id N`."
    if start.environment is not None and found is not None:
        yield from _steps_to_another(settings, start.environment)
        return
    if not is_empty and found is not None:
        return
    if not any(os.environ.get(name) for name in ("SYNCER_TOKEN", "SYNCER_PASSWORD")):
        yield _CREDENTIALS
    yield "`syncer doctor` looks at every layer between here and the models."
    if is_empty:
        yield _IMPORT
    if config.repository(settings.root) is None:
        yield "`git init`, and commit: git has what was applied last."


def _steps_to_another(settings: config.Settings, environment: config.Environment) -> Iterator[str]:
    """From a table of another environment to a first plan of it."""
    own = config.own_variables(environment.name)
    yield f"Set {own[0]}, or {own[1]} and {own[2]}: these count here alone, and\nthe plain ones don't count here then."
    yield "`syncer import --match name` writes into the files the ids that their models have there."
    yield "`syncer plan` shows what differs there."
    if not settings.default_environment:
        names = ", ".join((*settings.environments, environment.name))
        yield (
            f"There are several environments now ({names}): name one with --env or SYNCER_ENV, or say\n"
            f'default_environment = "{next(iter(settings.environments), environment.name)}" at the top of the settings.'
        )


def ci_steps(top: Path, start: Start, facts: pipeline_files.Facts) -> list[str]:
    """What is left to do for the pipeline."""
    if not start.ci:
        return []
    text = _GITHUB_STEPS if start.ci == "github" else _GITLAB_STEPS
    steps = pipeline_files.steps(text, start.ci, facts).split(_BLANK)
    if old := pipeline_updates.obsolete(top, pipeline_files.files(start.ci, facts)):
        steps.insert(0, f"Remove {', '.join(old)}: each environment has files of its own now.")
    return steps


def numbered(steps: list[str]) -> str:
    """The steps as a list for people."""
    return "\n".join(
        f"{number}. {step}".replace("\n", "\n   ").replace("{wheel}", _WHEEL) for number, step in enumerate(steps, 1)
    )
