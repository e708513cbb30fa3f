"""The pieces that comments are made of: problems, alerts, lists of names, links. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.render.escaping import code, link_url, prose
from syncer.render.problem_groups import first_groups, grouped, has_one_message, severity_counts
from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.model import Problem

BUDGET: Final = 65_000
"""How many UTF-8 bytes a comment may have. GitHub's message says 65,536 characters: bytes are never fewer."""

SHOWN: Final = 20
"""How many problems, warnings or names are listed in one place; the others are counted."""

LONGEST_PATH: Final = 80
"""In characters, like the next three."""

LONGEST_NAME: Final = 60
LONGEST_MESSAGE: Final = 500
LONGEST_HINT: Final = 600


def first_fitting(forms: Iterable[str], budget: int) -> str:
    """The first form of a text that fits; the last one if none does."""
    text = ""
    for text in forms:
        if byte_size(text) <= budget:
            break
    return text


def byte_size(text: str) -> int:
    """The size in UTF-8 bytes."""
    return len(text.encode())


def joined(*blocks: str) -> str:
    """The blocks one below the other; empty ones are left out."""
    return "\n\n".join(filter(None, blocks))


def subject(folder: str, environment: str) -> str:
    """What a heading is about: the folder below the repository's top, if any, and the environment."""
    return f"{f'{code(folder, LONGEST_PATH)} · ' if folder else ''}{code(environment, LONGEST_NAME)}"


def run_link(url: str, words: str = "run") -> str:
    """A link to the run, or the words alone."""
    return linked(words, link_url(url))


def linked(shown: str, url: str) -> str:
    """What is shown as a link to a URL that went through `link_url`, or alone where that is empty."""
    return f"[{shown}]({url})" if url else shown


def problem_list(problems: Sequence[Problem], most: int) -> tuple[str, list[str]]:
    """A sentence that counts the problems, and a list of the first `most`, in groups, errors before warnings."""
    listed: list[str] = []
    left: list[Problem] = []
    room = most
    for group in grouped(sorted(problems, key=lambda problem: not problem.is_error)):
        if room:
            listed += _group(group, room)
        left += group[room:]
        room -= min(room, len(group))
    if left:
        counts = " and ".join(severity_counts(left, "more " if listed else ""))
        listed.append(f"- {counts}: the run's log has all of them")
    errors, *warnings = severity_counts(problems)
    return ", and ".join([f"{errors} to mend first", *warnings]) + ":" if most else "", listed


def _group(group: Sequence[Problem], most: int) -> list[str]:
    """One group as an item of a list, with its first `most` places."""
    first = group[0]
    if len(group) == 1:
        return [f"- {_problem(first)}"]
    if has_one_message(group):
        places = ", ".join(code(str(one.origin), 4 * LONGEST_PATH) for one in group[:most] if one.origin.path)
        more = ", …" if len(group) > most else ""
        where = f" (in {counted(len(group), 'place')}: {places}{more})" if places else ""
        return [f"- {prose(first.message, LONGEST_MESSAGE)}{where}{_hint(first)}"]
    head = f"- {len(group)} problems of the rule {code(first.rule)}{_hint(first)}"
    return [head, *(f"  - {_about(one)}" for one in group[:most])]


def _problem(problem: Problem) -> str:
    """Place, message and hint in one line."""
    return f"{_about(problem)}{_hint(problem)}"


def _hint(problem: Problem) -> str:
    return f"<br>{prose(problem.hint, LONGEST_HINT)}" if problem.hint else ""


def _about(problem: Problem) -> str:
    place = f"{code(str(problem.origin), 4 * LONGEST_PATH)}: " if problem.origin.path else ""
    return f"{place}{prose(problem.message, LONGEST_MESSAGE)}"


def alerts(told: Sequence[Problem], most: int, kind: str, lead: str = "") -> list[str]:
    """The first `most` warnings or refusals as alerts, one for each group. `kind` is `warning` or `refusal`."""
    groups, left = first_groups(told, most)
    found = []
    opening = "> [!CAUTION]" if kind == "refusal" else "> [!WARNING]"
    for problems in groups:
        if len(problems) == 1:
            found.append(f"{opening}\n> {lead}{_problem(problems[0])}")
            continue
        lines = [
            opening,
            *([f"> {lead}".rstrip()] if lead else []),
            *(f"> - {_about(problem)}" for problem in problems),
        ]
        hint = problems[0].hint
        found.append("\n".join([*lines, *([f">\n> {prose(hint, LONGEST_HINT)}"] if hint else [])]))
    if left:
        many = counted(left, f"{'more ' if found else ''}{kind}")
        found.append(f"{opening}\n> {many}: the run's log has all of them.")
    return found


def titled_names(title: str, addresses: Sequence[str]) -> str:
    """A title with the number of models, and their addresses; empty for none."""
    return f"**{title}** ({len(addresses)}): {', '.join(map(code, addresses))}" if addresses else ""
