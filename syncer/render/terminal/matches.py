"""What `syncer import --match` binds, and what it leaves to a person. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.model import shortlist
from syncer.render.diff.unified import unified_diff
from syncer.render.terminal.problems import warning_boxes, wrapped_text
from syncer.render.text import cells, counted, quoted, runner_safe, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.adopting.drift import Revision
    from syncer.adopting.matches import FileEdit, Match, MatchImport
    from syncer.model import LiveModel
    from syncer.render.style import Style

_MANY: Final = 5


def render_matches(found: MatchImport, settings: Revision | None, by_hand: str, style: Style) -> str:
    """The ids that files get, what else changes, and what nobody but a person can decide.

    `settings` is the settings file with the connectors' names, `by_hand` the table where it can't be written there.
    """
    sections = []
    if found.bound:
        sections.append("\n".join(_bound(found.bound, style)))
    if found.moved:
        by_owner = sorted({one.owner for one in found.moved})
        moved = counted(len(found.moved), "id")
        verb = "moves" if len(found.moved) == 1 else "move"
        where = ", ".join(f"environments.{visible(owner)}" for owner in by_owner)
        sections.append(f"{moved} at the top of files {verb} under {where}.")
    if settings is not None:
        what = f"Connectors have other names in {visible(found.environment)}. The matched models tell them all:"
        sections.append(f"{what}\n{unified_diff(settings.path, settings.before, settings.after, style)}")
    if by_hand:
        sections.append(f"Write this into the settings, where syncer finds no room for it:\n{_set_in(by_hand)}")
    sections += _unclear_connectors(found, style)
    if found.limited:
        others = f"`only` names {', '.join(map(visible, found.others))}"
        sections.append(_listed(f"Files that will live elsewhere only ({others})", (one for one in found.limited)))
    sections += _absent(found, style)
    sections += _unclear(found)
    sections += warning_boxes(found.left, style)
    sections.append(_verdict(found, style))
    return runner_safe("\n\n".join(sections))


def render_ending(found: MatchImport, files: int, style: Style, *, is_written: bool, is_whole: bool) -> str:
    """What was written, and what to do next."""
    if not is_written:
        return "\nNothing was written: say --auto-approve to write it."
    first = "" if is_whole else "write what is listed above, "
    plan = style.commands.for_environment(found.environment).line("plan")
    advice = f"Next: {first}look at `git diff`, and commit it. `{plan}` shows what differs."
    return runner_safe(f"\n{counted(files, 'file')} written.\n\n{advice}")


def _bound(bound: Sequence[tuple[FileEdit, LiveModel]], style: Style) -> list[str]:
    widest = max(cells(visible(one.document.path)) for one, _ in bound)
    lines = []
    for one, live in bound:
        path = visible(one.document.path)
        connector = next((value for at, value in one.edits if at[-1] in {"connector", "connector_id"}), None)
        more = (
            "" if connector is None else f", connector {quoted(connector) if isinstance(connector, str) else connector}"
        )
        lines.append(f"{style.paint('~', '~')} {path}{' ' * (widest - cells(path))}  id {live.id}{more}")
    return lines


def _listed(title: str, edits: Iterable[FileEdit]) -> str:
    return "\n".join([f"{title}:", *(f"  {visible(one.document.path)}" for one in edits)])


def _named(match: Match) -> str:
    return f"  {visible(match.document.path)}  {quoted(match.name)}"


def _ids(models: Iterable[LiveModel]) -> str:
    return shortlist((f"id {model.id} {quoted(model.name)}" for model in models), _MANY)


def _absent(found: MatchImport, style: Style) -> list[str]:
    """The files that no live model answers to, and the two things that can be done about them."""
    if not found.absent:
        return []
    name = visible(found.environment)
    lines = [_named(one) + (f" (is it {_ids(one.near)}?)" if one.near else "") for one in found.absent]
    command = style.commands.for_environment(found.environment).line("import", "--match", "name", "--set-only")
    others = ", ".join(map(visible, found.others))
    advice = [
        f"Do these models live elsewhere only? Then write `only: [{others}]` into each; this does it:",
        f"  {command}",
        f"Or say `create = true` in [environments.{name}]: then an apply makes them there.",
    ]
    if any(one.near for one in found.absent):
        advice.append("A file with a question is left to you: write that id into it, or `only`, by hand.")
    return ["\n".join([f"No live model of {name} has the name of these files ({len(lines)}):", *lines, *advice])]


def _unclear(found: MatchImport) -> list[str]:
    """The files of which nobody knows which live model they mean."""
    if not found.unclear:
        return []
    lines = []
    for one in found.unclear:
        reasons = [
            *([f"{len(one.candidates)} live models: {_ids(one.candidates)}"] if len(one.candidates) > 1 else []),
            *([f"the same name is in {shortlist(map(visible, one.rivals), _MANY)}"] if one.rivals else []),
            *(["a live model that can't be read may have this name"] if one.is_hidden else []),
        ]
        lines += [_named(one), *(f"    {reason}" for reason in reasons)]
    advice = [
        "Write the right id into each of these files by hand, such as:",
        "  environments:",
        f"    {visible(found.environment)}:",
        "      id: 7",
    ]
    return [
        "\n".join(
            [f"The name does not tell which live model these files mean ({len(found.unclear)}):", *lines, *advice]
        )
    ]


def _unclear_connectors(found: MatchImport, style: Style) -> list[str]:
    """The connectors of which the matched models say different things, and what a person can write."""
    if not found.connectors.unclear:
        return []
    name = visible(found.environment)
    lines = [
        f"  {quoted(one)}: "
        + ", ".join(f"{quoted(there)} ({counted(count, 'model')})" for there, count in seen.items())
        for one, seen in found.connectors.unclear.items()
    ]
    advice = wrapped_text(
        f"If it is one connector with another name, say so in [environments.{name}.connectors]. For a model that is on "
        f"another connector there, say `connector` below `environments.{name}` of its file.",
        style,
    )
    return ["\n".join(["The matched models do not agree on what these connectors are called there:", *lines, *advice])]


def _set_in(text: str) -> str:
    return "\n".join(f"  {visible(line)}" for line in text.rstrip("\n").split("\n"))


def _verdict(found: MatchImport, style: Style) -> str:
    name = visible(found.environment)
    counts = [
        f"{counted(len(found.bound), 'file')} to bind",
        *([f"{len(found.limited)} to limit"] if found.limited else []),
        *([f"{len(found.absent)} without a live model"] if found.absent else []),
        *([f"{len(found.unclear)} unclear"] if found.unclear else []),
        *([f"{len(found.left)} to be edited by hand"] if found.left else []),
        f"{found.has_id} with an id in {name} already",
    ]
    return f"{style.paint('bold', 'Match:')} {', '.join(counts)}."
