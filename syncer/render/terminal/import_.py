"""What an import writes, and what it leaves, for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.model import shortlist
from syncer.render.diff.unified import unified_diff
from syncer.render.terminal.problems import warning_boxes
from syncer.render.text import counted, runner_safe, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.adopting.drift import DriftImport
    from syncer.adopting.new_files import Draft, Imported, UnsetVariable
    from syncer.model import Problem, Target
    from syncer.render.style import Style

_MANY: Final = 3


def render_written(draft: Draft, style: Style) -> str:
    """One line for each file that was written of a model."""
    sign = style.paint("~", "~") if draft.is_rewritten else style.paint("+", "+")
    model = draft.live
    lines = [f"{sign} {visible(draft.path)}  (id {model.id}, {visible(str(model.fields.get('query_type')))})"]
    if draft.query_file:
        lines.append(f"{sign} {visible(draft.sql_path)}")
    return runner_safe("\n".join(lines))


def render_imported(imported: Imported, target: Target, style: Style) -> str:
    """What was left out and why, the variables to set, how many files there are, and what to do next."""
    sections = warning_boxes((problem for problem in imported.problems if not problem.is_error), style)
    if imported.present:
        lines = [f"  id {model.id}  {visible(path) or 'declared twice'}" for model, path in imported.present]
        sections.append("\n".join(["In git already (--force writes a file anew):", *lines]))
    if imported.settings:
        sections.append(_settings(imported.settings))
    files = len(imported.texts or {})
    managed = imported.managed - len(imported.present)
    rest = f" {counted(managed, 'model')} {'is' if managed == 1 else 'are'} in git already." if managed else ""
    said = f"{counted(len(imported.drafts), 'model')} imported, {counted(files, 'file')} written.{rest}"
    how = ("good", "Import complete!") if imported.is_whole else ("error", "Import incomplete!")
    sections.append(f"{style.paint(*how)} {said}")
    if files:
        first = "set the variables above, then " if imported.settings else ""
        command = style.commands.for_environment(target.environment).line("plan")
        sections.append(f"Next: {first}{command}")
    return runner_safe(("\n" if imported.drafts else "") + "\n\n".join(sections))


def _settings(settings: Iterable[UnsetVariable]) -> str:
    lines = ["Set these variables where syncer runs (in CI: as masked secrets) to the values that are live:"]
    for one in settings:
        listed = shortlist(map(visible, one.paths), _MANY)
        hidden = ", hidden by the server: take it from where it was issued" if one.is_hidden else ""
        lines.append(f"  export {visible(one.variable)}=…  # {listed}{hidden}")
    lines.append("Whoever issued a key has it; an open-source server also shows it to those who may read the model.")
    return "\n".join(lines)


def render_taken(taken: DriftImport, warnings: Sequence[Problem], style: Style, *, base: str, is_whole: bool) -> str:
    """What `import --drift` changes in the files, and what is left to a person.

    `base` is the commit that live was compared with; empty where there is none. `is_whole` says that everything could
    be compared: only then is it certain that no edit was overlooked.
    """
    sections = [unified_diff(one.path, one.before, one.after, style) for one in taken.revisions]
    if taken.waiting:
        lines = [f"  {visible(address)}: {', '.join(fields)}" for address, fields in taken.waiting]
        sections.append("\n".join(["Your changes, not yet applied (left as they are):", *lines]))
    if taken.shared and taken.revisions:
        names = ", ".join(visible(name) for name in taken.shared)
        plans = [style.commands.for_environment(name).line("plan") for name in taken.shared]
        shown = "\n".join(f"  {plan}" for plan in plans)
        sections.append(f"These values hold for {names}, too. To see what that would change there:\n{shown}")
    if not base:
        sections.append("There is no commit to compare with, so every difference counts as an edit made outside git.")
    elif taken.revisions:
        sections.append(
            f"Compared with commit {base[:12]}. syncer assumes that it was applied. If it never was, this diff\n"
            "undoes changes of your own. Then use --base with the commit that was applied last."
        )
    sections += warning_boxes((*warnings, *taken.left), style)
    if taken.settings:
        sections.append(_settings(taken.settings))
    if taken.revisions:
        count = len(taken.revisions)
        sections.append(f"{style.paint('bold', 'Drift:')} {counted(count, 'file')} to change.")
    elif taken.left:
        sections.append(f"{style.paint('bold', 'Drift:')} nothing that could be written into the files.")
    elif not is_whole:
        said = "none in what could be compared. What could not be compared is named, with the reason."
        sections.append(f"{style.paint('bold', 'Drift:')} {said}")
    else:
        sections.append(f"{style.paint('good', 'No drift.')} No edit made outside git is missing in the files.")
    return runner_safe("\n\n".join(sections))


def render_next(style: Style, *, written: bool) -> str:
    """What to do after the diff was shown."""
    if written:
        advice = "Next: `git diff`, then commit it; `syncer plan` shows what is left."
        return runner_safe(f"\n{style.commands.completed(advice)}")
    return "\nNothing was written. Use --auto-approve to write it."


def render_file(path: str) -> str:
    """One file that was written."""
    return runner_safe(f"Wrote {visible(path)}")
