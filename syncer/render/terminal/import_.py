"""What an import wrote or would write, for people. Values in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.model import shortlist
from syncer.render.diff.matching import align
from syncer.render.diff.text_lines import told_apart
from syncer.render.terminal.problems import warning_boxes
from syncer.render.text import counted, defused, spelt, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncer.adopting.drift import DriftImport, Revision
    from syncer.adopting.new_files import Draft, Imported, UnsetVariable
    from syncer.model import Problem, Target
    from syncer.render.style import Style

_AROUND: Final = 3
_MANY: Final = 3


def render_written(draft: Draft, style: Style) -> str:
    """One line for each file of a model that was written."""
    sign = style.paint("~", "~") if draft.is_rewritten else style.paint("+", "+")
    model = draft.live
    lines = [f"{sign} {visible(draft.path)}  (id {model.id}, {visible(str(model.fields.get('query_type')))})"]
    if draft.query_file:
        lines.append(f"{sign} {visible(draft.sql_path)}")
    return defused("\n".join(lines))


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
        command = style.commands.meaning(target.environment).line("plan")
        sections.append(f"Next: {first}{command}")
    return defused(("\n" if imported.drafts else "") + "\n\n".join(sections))


def _settings(settings: Iterable[UnsetVariable]) -> str:
    lines = ["Set these variables where syncer runs (in CI: as masked secrets) to the values that are live:"]
    for one in settings:
        listed = shortlist(map(visible, one.paths), _MANY)
        hidden = ", hidden by the server: take it from where it was issued" if one.is_hidden else ""
        lines.append(f"  export {visible(one.variable)}=…  # {listed}{hidden}")
    lines.append("Whoever issued a key has it; an open-source server also shows it to those who may read the model.")
    return "\n".join(lines)


def render_taken(taken: DriftImport, warnings: Sequence[Problem], style: Style, *, base: str, is_whole: bool) -> str:
    """The files as they would change since what git said at a commit (empty: none), and what a person has to do.

    `is_whole` says that everything could be compared: only then nobody's edit was overlooked.
    """
    sections = [_diff(one, style) for one in taken.revisions]
    if taken.waiting:
        lines = [f"  {visible(address)}: {', '.join(fields)}" for address, fields in taken.waiting]
        sections.append("\n".join(["Your changes, not yet applied (left as they are):", *lines]))
    if taken.shared and taken.revisions:
        names = ", ".join(visible(name) for name in taken.shared)
        plans = [style.commands.meaning(name).line("plan") for name in taken.shared]
        shown = "\n".join(f"  {plan}" for plan in plans)
        sections.append(f"These values hold for {names}, too. To see what that would change there:\n{shown}")
    if not base:
        sections.append("There is no commit to compare with, so all that differs is taken for an edit outside git.")
    elif taken.revisions:
        sections.append(
            f"Compared with commit {base[:12]}: what it says counts as applied. If it never was, these are no edits\n"
            "made outside git, but your own changes taken back: name with --base the commit that was applied last."
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
        sections.append(f"{style.paint('good', 'No drift.')} Nothing was changed outside git that the files don't say.")
    return defused("\n\n".join(sections))


def render_next(style: Style, *, written: bool) -> str:
    """What to do after the diff was shown."""
    if written:
        advice = "Next: `git diff`, then commit it; `syncer plan` shows what is left."
        return defused(f"\n{style.commands.completed(advice)}")
    return "\nNothing was written: say --yes to write it."


def render_file(path: str) -> str:
    """One file that was written."""
    return defused(f"Wrote {visible(path)}")


def _diff(revision: Revision, style: Style) -> str:
    """A file's difference as `diff -u` shows it, fit for a terminal."""
    before, after = (_lines(raw) for raw in (revision.before, revision.after))
    path = visible(revision.path)
    lines = [style.paint("bold", f"--- {path}"), style.paint("bold", f"+++ {path}")]
    for hunk in _hunks(before, after):
        removed = [before[i] for i, _, sign in hunk if sign == "-"]
        added = [after[j] for _, j, sign in hunk if sign == "+"]
        old, new = (iter(side) for side in told_apart(removed, added))
        starts = hunk[0][0] + 1, hunk[0][1] + 1
        counts = sum(sign != "+" for *_, sign in hunk), sum(sign != "-" for *_, sign in hunk)
        head = f"@@ -{starts[0]},{counts[0]} +{starts[1]},{counts[1]} @@"
        lines.append(style.paint("note", head))
        for i, _, sign in hunk:
            text = next(old) if sign == "-" else next(new) if sign == "+" else spelt(before[i])
            lines.append(style.paint(sign, f"{sign}{text}") if sign else f" {text}".rstrip(" "))
    return "\n".join(lines)


def _lines(raw: bytes) -> list[str]:
    """The lines, without their ends and without a mark at the beginning: those stay as they are in the file."""
    text = raw.decode("utf-8-sig", "replace")
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def _hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[list[tuple[int, int, str]]]:
    """The stretches that differ with some lines around: for each line its index on both sides, and its sign."""
    hunk: list[tuple[int, int, str]] = []
    runs = align(before, after)
    for number, run in enumerate(runs):
        if not run.is_same:
            hunk += [(i, run.after.start, "-") for i in run.before]
            hunk += [(run.before.stop, j, "+") for j in run.after]
            continue
        pairs = [(i, j, "") for i, j in zip(run.before, run.after, strict=True)]
        is_last = number == len(runs) - 1
        if hunk and not is_last and len(pairs) <= 2 * _AROUND:
            hunk += pairs
            continue
        if hunk:
            yield hunk + pairs[:_AROUND]
        hunk = pairs[-_AROUND:] if not is_last else []
    if hunk and any(sign for *_, sign in hunk):
        yield hunk
