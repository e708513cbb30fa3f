"""Boxed messages: errors and warnings with the source line they point at, in the manner of Terraform and rustc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.render.problem_groups import by_cause, says_one_thing
from syncer.render.text import TAB, cells, counted, pieces, visible, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from syncer.model import Problem
    from syncer.render.style import Style

_LABELS: Final = {"error": "Error:", "warning": "Warning:"}

_OWN: Final = 5
"""With fewer different messages than this each message of a cause has a box, with its source line."""


def box(severity: str, message: str, paragraphs: Iterable[list[str]], style: Style) -> str:
    """A box: the message's first line as its title, then paragraphs of lines that are already fit to be shown."""
    title, *more = message.split("\n")
    label = style.paint(severity, _LABELS[severity])
    lines = [f"{label} {style.paint('bold', visible(title))}"]
    # A message with a place: the place first, for the eye; the rest of the message belongs to what is explained.
    for paragraph in [*([prose("\n".join(more), style)] if more else []), *paragraphs]:
        if paragraph:
            lines += ["", *paragraph]
    top, rule, bottom = ("╷", "│", "╵") if style.unicode else (".", "|", "'")
    top, rule, bottom = (style.paint(f"{severity} rule", glyph) for glyph in (top, rule, bottom))
    return "\n".join([top, *(f"{rule} {line}" if line else rule for line in lines), bottom])


def prose(text: str, style: Style) -> list[str]:
    """A text of foreign and own words, wrapped to the box; its own lines stay."""
    lines = [visible(line) for line in text.strip("\n").split("\n")] if text else []
    return [wrapped_line for line in lines for wrapped_line in wrapped(line, max(style.width - 2, 20))]


def advice(text: str, style: Style) -> list[str]:
    """What to do now, wrapped to the box; a command in it works where it's read."""
    return prose(style.commands.completed(text), style)


def problem_boxes(problems: Iterable[Problem], style: Style) -> list[str]:
    """A box for each cause: rule id, `path:line:column` and a caret below the place."""
    return [_cause_box(group, style, _pointed) for group in by_cause(problems, _OWN)]


def warning_boxes(problems: Iterable[Problem], style: Style) -> list[str]:
    """A box for each cause as Terraform shows a warning: `on FILE line N:` and the line."""
    return [_cause_box(group, style, _quoted) for group in by_cause(problems, _OWN)]


def _cause_box(group: Sequence[Problem], style: Style, first: Callable[[Problem, Style], list[str]]) -> str:
    problem, *others = group
    if says_one_thing(group):
        title, places = problem.message, [first(problem, style)]
        listed = [visible(str(one.origin)) for one in others if one.origin.path]
        if listed:
            places.append([f"  and in {counted(len(listed), 'more place')}:", *(f"    {place}" for place in listed)])
    else:
        title = f"{len(group)} problems of the rule {problem.rule}"
        places = [[f"  {_located(one)}" for one in group]]
    return box(problem.severity.value, title, [*places, advice(problem.hint, style)], style)


def _located(problem: Problem) -> str:
    place = f"{visible(str(problem.origin))}: " if problem.origin.path else ""
    return f"{place}{visible(problem.message)}"


def _pointed(problem: Problem, style: Style) -> list[str]:
    rule = style.paint("faint", f"[{visible(problem.rule)}]")
    place = f"on {visible(str(problem.origin))} " if problem.origin.path else ""
    return [f"  {place}{rule}", *excerpt(problem, style, caret=True)]


def _quoted(problem: Problem, style: Style) -> list[str]:
    origin = problem.origin
    if not origin.path:
        return []
    line = f" line {origin.line}" if origin.line else ""
    shown = excerpt(problem, style, caret=False)
    return [f"  on {visible(origin.path)}{line}{':' if shown else ''}", *shown]


def excerpt(problem: Problem, style: Style, *, caret: bool) -> list[str]:
    """The source line behind its number, cut around the column; below it a caret under the column's first cell."""
    if not problem.origin.line or not problem.excerpt:
        return []
    head = f"{problem.origin.line:>4}: "
    # The rule takes two cells, a caret behind the line one.
    room = max(style.width - len(head) - 3, 20)
    text = problem.excerpt
    # Columns count characters; what is far from the place is cut before it's looked at, for a line may be a megabyte.
    at = min(max(problem.origin.column - 1, 0), len(text))
    start = max(at - room, 0)
    near = text[start : at + room]
    shown = [" " * TAB if char == "\t" else piece for char, piece in zip(near, pieces(near), strict=True)]
    before, after = shown[: at - start], shown[at - start :]
    is_cut = start > 0, at + room < len(text)
    left, right = _cut(before, after, room, is_cut, style.ellipsis)
    lines = [f"{head}{left}{right}".rstrip(" ")]
    if caret and problem.origin.column:
        lines.append(" " * (len(head) + cells(left)) + style.paint(problem.severity.value, "^"))
    return lines


def _cut(before: list[str], after: list[str], room: int, is_cut: tuple[bool, bool], ellipsis: str) -> tuple[str, str]:
    """What fits of a line on both sides of a place, with marks where something is missing."""
    cut_before, cut_after = is_cut
    left, right = sum(map(cells, before)), sum(map(cells, after))
    if any(is_cut) or left + right > room:
        room -= 2 * cells(ellipsis)
    while left + right > room and (before or len(after) > 1):
        # What is right of the place is what the problem is about; it may take two thirds.
        if right * 3 > room * 2 or not before:
            right -= cells(after.pop())
            cut_after = True
        else:
            left -= cells(before.pop(0))
            cut_before = True
    return (ellipsis if cut_before else "") + "".join(before), "".join(after) + (ellipsis if cut_after else "")
