"""Errors and warnings for people: boxes with the source line they point at, as Terraform lays them out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.errors import InputError, RefusedError
from syncer.render.problem_groups import grouped, has_one_message, severity_counts
from syncer.render.text import TAB, cells, counted, runner_safe, visible, visible_characters, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from syncer.errors import SyncerError
    from syncer.model import Problem
    from syncer.render.style import Style

_LABELS: Final = {"error": "Error:", "warning": "Warning:"}

_FEWEST_GROUPED: Final = 5
"""With fewer different messages than this, each message of a group has a box of its own with its source line."""


def box(severity: str, message: str, paragraphs: Iterable[list[str]], style: Style) -> str:
    """A box with the message's first line as its title. The paragraphs are lines that are safe to show."""
    title, *more = message.split("\n")
    label = style.paint(severity, _LABELS[severity])
    lines = [f"{label} {style.paint('bold', visible(title))}"]
    # Further lines of the message come before the other paragraphs.
    for paragraph in [*([wrapped_text("\n".join(more), style)] if more else []), *paragraphs]:
        if paragraph:
            lines += ["", *paragraph]
    top, rule, bottom = ("╷", "│", "╵") if style.unicode else (".", "|", "'")
    top, rule, bottom = (style.paint(f"{severity} rule", glyph) for glyph in (top, rule, bottom))
    return "\n".join([top, *(f"{rule} {line}" if line else rule for line in lines), bottom])


def wrapped_text(text: str, style: Style) -> list[str]:
    """A text, foreign or ours, made visible and wrapped to the box's width. Its line ends stay."""
    lines = [visible(line) for line in text.strip("\n").split("\n")] if text else []
    return [wrapped_line for line in lines for wrapped_line in wrapped(line, max(style.width - 2, 20))]


def hint_lines(text: str, style: Style) -> list[str]:
    """A hint, wrapped to the box's width, with its commands completed."""
    return wrapped_text(style.commands.completed(text), style)


def problem_boxes(problems: Iterable[Problem], style: Style) -> list[str]:
    """A box for each group of problems: rule, `path:line:column`, and a caret below the place."""
    return [_group_box(group, style, _place_with_caret) for group in grouped(problems, _FEWEST_GROUPED)]


def warning_boxes(problems: Iterable[Problem], style: Style) -> list[str]:
    """A box for each group, as Terraform shows a warning: `on FILE line N:` and the line."""
    return [_group_box(group, style, _place_with_line) for group in grouped(problems, _FEWEST_GROUPED)]


def _group_box(group: Sequence[Problem], style: Style, first: Callable[[Problem, Style], list[str]]) -> str:
    problem, *others = group
    if has_one_message(group):
        title, places = problem.message, [first(problem, style)]
        listed = [visible(str(one.origin)) for one in others if one.origin.path]
        if listed:
            places.append([f"  and in {counted(len(listed), 'more place')}:", *(f"    {place}" for place in listed)])
    else:
        title = f"{len(group)} problems of the rule {problem.rule}"
        places = [[f"  {_located(one)}" for one in group]]
    return box(problem.severity.value, title, [*places, hint_lines(problem.hint, style)], style)


def _located(problem: Problem) -> str:
    place = f"{visible(str(problem.origin))}: " if problem.origin.path else ""
    return f"{place}{visible(problem.message)}"


def _place_with_caret(problem: Problem, style: Style) -> list[str]:
    rule = style.paint("faint", f"[{visible(problem.rule)}]")
    place = f"on {visible(str(problem.origin))} " if problem.origin.path else ""
    return [f"  {place}{rule}", *source_lines(problem, style, caret=True)]


def _place_with_line(problem: Problem, style: Style) -> list[str]:
    origin = problem.origin
    if not origin.path:
        return []
    line = f" line {origin.line}" if origin.line else ""
    shown = source_lines(problem, style, caret=False)
    return [f"  on {visible(origin.path)}{line}{':' if shown else ''}", *shown]


def source_lines(problem: Problem, style: Style, *, caret: bool) -> list[str]:
    """The source line after its number, cut around the column; with `caret` a line with a caret below the column."""
    if not problem.origin.line or not problem.excerpt:
        return []
    head = f"{problem.origin.line:>4}: "
    # The box's edge takes two cells, and a caret after the line's end one.
    room = max(style.width - len(head) - 3, 20)
    text = problem.excerpt
    # Columns count characters. A line may be a megabyte, so what is far from the place is cut first.
    at = min(max(problem.origin.column - 1, 0), len(text))
    start = max(at - room, 0)
    near = text[start : at + room]
    shown = [" " * TAB if char == "\t" else piece for char, piece in zip(near, visible_characters(near), strict=True)]
    before, after = shown[: at - start], shown[at - start :]
    is_cut = start > 0, at + room < len(text)
    left, right = _cut_line(before, after, room, is_cut, style.ellipsis)
    lines = [f"{head}{left}{right}".rstrip(" ")]
    if caret and problem.origin.column:
        lines.append(" " * (len(head) + cells(left)) + style.paint(problem.severity.value, "^"))
    return lines


def _cut_line(
    before: list[str], after: list[str], room: int, is_cut: tuple[bool, bool], ellipsis: str
) -> tuple[str, str]:
    """What fits of a line on both sides of a place, with an ellipsis where something is missing."""
    cut_before, cut_after = is_cut
    left, right = sum(map(cells, before)), sum(map(cells, after))
    if any(is_cut) or left + right > room:
        room -= 2 * cells(ellipsis)
    while left + right > room and (before or len(after) > 1):
        # The problem is about what is right of the place, so that may take two thirds.
        if right * 3 > room * 2 or not before:
            right -= cells(after.pop())
            cut_after = True
        else:
            left -= cells(before.pop(0))
            cut_before = True
    return (ellipsis if cut_before else "") + "".join(before), "".join(after) + (ellipsis if cut_after else "")


def render_problems(problems: Sequence[Problem], style: Style) -> str:
    """Every problem with its place, then how many there are. Empty without problems."""
    if not problems:
        return ""
    return runner_safe("\n\n".join([*problem_boxes(problems, style), _totals(problems)]))


def _totals(problems: Sequence[Problem]) -> str:
    counts = ", ".join(severity_counts(problems))
    files = {problem.origin.path for problem in problems} - {""}
    return f"{counts} in {counted(len(files), 'file')}." if files else f"{counts}."


def render_warning(message: str, detail: str, style: Style) -> str:
    """A warning about the run itself, in a box like any other."""
    return runner_safe(box("warning", message, [hint_lines(detail, style)], style))


def render_error(error: SyncerError, style: Style) -> str:
    """What stopped the run, in a box: after the problems of a refusal; for `InputError` its problems alone."""
    if isinstance(error, InputError):
        return render_problems(error.problems, style)
    problems = error.problems if isinstance(error, RefusedError) else ()
    boxes = problem_boxes(problems, style)
    return runner_safe("\n\n".join([*boxes, box("error", error.what, [hint_lines(error.hint, style)], style)]))
