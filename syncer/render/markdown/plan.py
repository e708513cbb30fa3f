"""Plan, drift and report as GitHub-flavoured markdown: the text of a comment, an issue or a job's summary.

What a reader must not miss is never folded and never dropped: the heading with its counts, what refuses the plan and
what lifts that, what the change takes from its guards, what nobody manages any more, and the warnings. The rest goes
down a ladder until it fits the budget, and every rung is laid out anew; finished markdown is never cut:

    1  the table of models, and the diff of each, folded
    2  the same with long diffs shortened: as many bytes for each as there is room for; where even a few lines of each
       are too much, the diffs of the first models, for the table's order is that of importance
    3  the table
    4  the names
    5  the counts

Foreign text goes through `inert.py`, and never stands at the beginning of a line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from syncer.plan.effect_sentences import meaning
from syncer.plan.planner import LOOSENED
from syncer.render.command_lines import Commands
from syncer.render.diff.hunks import change_lines
from syncer.render.effects import columns, feeds, feeds_count
from syncer.render.escaping import barred, cell, code, fenced, link, markup, prose
from syncer.render.plan_table import (
    FIELDS,
    GROUPS,
    Item,
    already_live,
    aside,
    cautions,
    gone,
    items,
    removed_title,
    severities,
    warned,
    why,
)
from syncer.render.problem_groups import by_cause, says_one_thing
from syncer.render.text import counted
from syncer.render.totals import count_in_words, outcome_counts, report_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncer.applying.applier import Outcome, Report
    from syncer.model import Problem, Target
    from syncer.plan.planner import Planned, Removed
    from syncer.render.plan_table import Caution

BUDGET: Final = 65_000
"""How many UTF-8 bytes a comment may have: safe under every reading of GitHub's limit."""

SHOWN: Final = 20
"""How many problems, warnings or names are listed in one place; the others are counted."""

_OPEN_ROWS: Final = 25
"""A longer table is folded: it would push the diffs off the page."""

_FEWEST: Final = 160
"""The smallest allowance that is worth a diff, in bytes."""

_FAIR: Final = 1_000
"""The allowance where not all models have a diff, in bytes."""

_PATH: Final = 80
_NAME: Final = 60
_MESSAGE: Final = 500
_HINT: Final = 600


def render_plan(
    planned: Planned, *, run_url: str = "", budget: int = BUDGET, folder: str = "", lifting: str = ""
) -> str:
    """What merging alters: changes with their causes, or none, or why there is no plan. Within the budget.

    `folder` is where the settings stand, if that isn't the repository's top. `lifting` says how a run gets the flags
    that lift a refusal, where the text is read. Drift has a text of its own.
    """
    if planned.is_drift:
        return render_drift(planned, run_url=run_url, budget=budget, folder=folder)
    page = _Plan(_completed(planned, folder), run_url, folder, lifting)
    if planned.problems:
        return _fitted(page.failed(), budget)
    return _fitted(page.rungs(budget) if planned.plan.changes else page.clean(), budget)


def render_drift(planned: Planned, *, run_url: str = "", budget: int = BUDGET, folder: str = "") -> str:
    """Where live state differs from git, as what was done to it, and what to do now. Within the budget."""
    page = _Drift(_completed(planned, folder), run_url, folder)
    if planned.problems:
        return _fitted(page.failed(), budget)
    return _fitted(page.rungs(budget) if planned.plan.changes else page.clean(), budget)


def render_refusal(planned: Planned, *, run_url: str = "", budget: int = BUDGET, folder: str = "") -> str:
    """Why a saved plan was not applied: its problems, and nothing of what it would do. Within the budget."""
    return _fitted(_Apply(_completed(planned, folder), run_url, folder).failed(), budget)


def render_missing(environment: str, *, run_url: str = "", folder: str = "") -> str:
    """The failed form where there is no plan at all."""
    at_run = f" · {_run(run_url)}" if link(run_url) else ""
    return _blocks(
        f"### syncer plan · {_subject(folder, environment)}: failed",
        f"The plan could not be made; the run's log says why.{at_run}",
        "<sub>replaced on each push</sub>",
    )


def render_report(report: Report, target: Target, *, run_url: str = "", budget: int = BUDGET, folder: str = "") -> str:
    """What an apply did: the verdict, each change that isn't done and why, the names of the others."""
    commands = Commands(folder, target.environment)
    outcomes = tuple(replace(one, hint=commands.completed(one.hint)) for one in report.outcomes)
    return _fitted(_report_rungs(replace(report, outcomes=outcomes), target, run_url), budget)


def _completed(planned: Planned, folder: str) -> Planned:
    """With commands that work where a comment is read: at the top of a clone, and without the job's variables."""
    return Commands(folder, planned.plan.target.environment).planned(planned)


def _fitted(rungs: Iterable[str], budget: int) -> str:
    """The first that fits; the last if none does."""
    text = ""
    for text in rungs:
        if _size(text) <= budget:
            break
    return text


def _size(text: str) -> int:
    return len(text.encode())


def _blocks(*blocks: str) -> str:
    return "\n\n".join(filter(None, blocks))


# -- one diff ----------------------------------------------------------------------------------------------------------


class _Section:
    """One model's folded diff. Its lines are worked out once, and only if they're asked for."""

    def __init__(self, item: Item, *, is_reversed: bool, has_id: bool) -> None:
        self._item = item
        self._is_reversed = is_reversed
        self._has_id = has_id

    @cached_property
    def _lines(self) -> list[str]:
        change = self._item.change
        shown = change.reversed if self._is_reversed else change
        return [str(line) for line in change_lines(shown, self._item.notes)]

    @cached_property
    def _sizes(self) -> list[int]:
        return list(accumulate(_size(line) + 1 for line in self._lines))

    @cached_property
    def _frame(self) -> tuple[str, str]:
        change = self._item.change
        address = markup(change.address)
        count = counted(len(self._lines), "line")
        summary = f"<details><summary>{change.action.value} <code>{address}</code> · {count}</summary>"
        live = f"Live model {change.id}, {code(change.live.name, _PATH)}." if self._has_id else ""
        live = "A new model: its id is known after the apply." if change.is_creation else live
        return summary, _blocks(live, _downstream(self._item))

    def render(self, allowance: int) -> str:
        """The section with the first lines of its diff: whole ones, and no more bytes than allowed."""
        lines = self._lines[: bisect_right(self._sizes, allowance)]
        left = len(self._lines) - len(lines)
        note = f"_{left} of {counted(len(self._lines), 'diff line')} left out here._" if left else ""
        return _blocks(*self._frame, fenced(lines, "diff") if lines else "", note, "</details>")


def _downstream(item: Item) -> str:
    """What the change does beyond the model: its columns, the syncs that it feeds, and what it means for them."""
    if item.effect is None:
        return ""
    show = partial(code, most=_PATH)
    said = [columns(item.change, item.effect, show), *meaning(item.change, item.effect, show)]
    listed = "\n".join(f"- {one}" for one in feeds(item.effect, show))
    return _blocks(" ".join(filter(None, said)), f"Feeds:\n{listed}" if listed else "")


def _leading(sections: Iterable[_Section], allowance: int, room: int) -> int:
    """How many sections fit, from the first on. The diffs of the others aren't worked out."""
    count = 0
    for section in sections:
        room -= _size(section.render(allowance)) + len("\n\n")
        if room < 0:
            break
        count += 1
    return count


# -- plan and drift ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Page(ABC):
    """What plan and drift have in common: where things stand, and the way down the ladder."""

    planned: Planned
    run_url: str
    folder: str = ""
    lifting: str = ""

    _title = ""
    _warns = ""
    _age = ""
    _is_reversed = False

    @abstractmethod
    def _count(self) -> str:
        """The heading's end."""

    @abstractmethod
    def _where(self) -> str:
        """What was compared with what."""

    @abstractmethod
    def _notices(self, most: int) -> list[str]:
        """What a reader must know before the table, naming at most as many models."""

    # -- forms

    def failed(self) -> Iterator[str]:
        """The problems, as many as fit, and nothing of what was planned in spite of them."""
        for most in (SHOWN, 5, 1, 0):
            lead, listed = _problems(self.planned.problems, most)
            yield _blocks(self._heading("failed"), self._asked(), lead, "\n".join(listed), self._footer(has_plan=False))

    def _clean(self, said: str, verdict: str) -> Iterator[str]:
        for most in (SHOWN, 3, 0):
            warnings = _alerts(self._warnings, most, "warning", self._warns)
            notices = self._notices(most)
            yield _blocks(self._heading(said), self._where(), verdict, *notices, *warnings, self._footer())

    def rungs(self, budget: int) -> Iterator[str]:
        """The ladder, from all to the counts. What can't fit anyway is not laid out."""
        found = items(self.planned)
        has_causes = self.planned.provenance is not None and not self._is_reversed
        table = _table(found, has_causes=has_causes)
        yield from self._with_diffs(found, table, budget)
        yield self._page(table, self._note("The diffs don't fit in here", "they are"))
        for most in (SHOWN, 3):
            yield self._page(_names(found), self._note("Table and diffs don't fit in here", "they are"), most=most)
        for most in (SHOWN, 3, 0):
            many = counted(len(found), "model")
            yield self._page("", self._note(f"The list of {many} doesn't fit in here", "it is"), most=most)

    def _with_diffs(self, found: Sequence[Item], table: str, budget: int) -> Iterator[str]:
        """All diffs whole; all of them with as many bytes for each as fit; those of the first models."""
        has_id = not self.planned.is_offline
        sections = [_Section(item, is_reversed=self._is_reversed, has_id=has_id) for item in found]

        def page(allowance: int, note: str, count: int = len(found)) -> str:
            return self._page(_blocks(table, *(section.render(allowance) for section in sections[:count])), note)

        if _leading(sections, budget, budget) == len(found):
            yield page(budget, "")
        shortened = self._note("Some diffs don't fit in here and are shortened", "whole they are")
        room = budget - _size(page(0, shortened, 0))
        if _leading(sections, _FEWEST, room) == len(found):
            low, high = _FEWEST, budget
            while low < high:
                middle = (low + high + 1) // 2
                is_fit = _size(page(middle, shortened)) <= budget
                low, high = (middle, high) if is_fit else (low, middle - 1)
            yield page(low, shortened)
            return

        def without(count: int) -> str:
            return self._note(f"The diffs of the last {counted(count, 'model')} don't fit in here", "they are")

        count = _leading(sections, _FAIR, budget - _size(page(0, without(len(found)), 0)))
        if count:
            yield page(_FAIR, without(len(found) - count), count)

    # -- pieces

    def _page(self, body: str, note: str, *, most: int = SHOWN) -> str:
        return _blocks(
            self._heading(self._count()),
            self._where(),
            *self._notices(most),
            *_alerts(self._warnings, most, "warning", self._warns),
            note,
            body,
            self._footer(),
        )

    @property
    def _warnings(self) -> Sequence[Problem]:
        """The warnings that have no place of their own."""
        return [one for one in self.planned.warnings if one.rule != LOOSENED]

    def _heading(self, said: str) -> str:
        return f"### syncer {self._title} · {_subject(self.folder, self.planned.plan.target.environment)}: {said}"

    def _note(self, what: str, missing: str) -> str:
        where = f"in the job summary or the artifact of {_run(self.run_url, 'the run')}"
        return f"> [!NOTE]\n> {what}; {missing} {where}."

    def _footer(self, *, has_plan: bool = True) -> str:
        provenance = self.planned.provenance
        # Nothing can be compared with the digest of a plan that asked nobody.
        digest = [] if self.planned.is_offline else [f"plan digest {self._digest}"]
        parts = [*digest, *aside(self.planned)] if has_plan else []
        if has_plan and provenance is not None and provenance.commit:
            parts.append(f"base {code(provenance.commit[:12])}")
        return f"<sub>{' · '.join([*parts, self._age])}</sub>"

    @cached_property
    def _digest(self) -> str:
        return self.planned.plan.digest[:16]

    def _asked(self) -> str:
        """What was to be compared: nothing of it was, or not all."""
        where = f"For{self._commit(' ')}," if self.planned.commit else "For"
        return f"{where} workspace {self.planned.plan.target.workspace_id}{self._at_run()}"

    def _commit(self, before: str) -> str:
        short, dirty = (
            code(self.planned.commit[:12]),
            " with uncommitted edits" * self.planned.commit.endswith("-dirty"),
        )
        return f"{before}{short}{dirty}" if self.planned.commit else ""

    def _at_run(self) -> str:
        return f" · {_run(self.run_url)}" if link(self.run_url) else ""


class _Plan(_Page):
    _title = "plan"
    _age = "replaced on each push"

    def clean(self) -> Iterator[str]:
        """Nothing to do. Offline nobody knows what is live, and of a part nobody knows the rest."""
        is_sure = not self.planned.is_offline and not self.planned.plan.excluded
        what = "Merging this alters nothing in" if is_sure else "Nothing that was compared differs in"
        what = "Merging this alters no live model in" if is_sure and self.planned.removed else what
        return self._clean("no changes", f"No changes. {what} {code(self.planned.plan.target.environment, _NAME)}.")

    def _count(self) -> str:
        return count_in_words(self.planned)

    def _where(self) -> str:
        planned = self.planned
        against = "" if planned.is_offline else f" against workspace {planned.plan.target.workspace_id}"
        offline = "Planned from the files only; the target was not read." if planned.is_offline else ""
        # With nothing to name, the line about the files says it all.
        made = f"Planned{self._commit(' for ')}{against}"
        line = f"{made}{self._at_run()}" if made != "Planned" else _run(self.run_url) if self._at_run() else ""
        return _blocks(line, offline)

    def _notices(self, most: int) -> list[str]:
        planned = self.planned
        loosened = [one for one in planned.warnings if one.rule == LOOSENED]
        live = already_live(planned)
        return [
            *_alerts(planned.refusals, most, "refusal"),
            *([prose(self.lifting, _HINT)] if planned.refusals and self.lifting else []),
            *_alerts(loosened, most, "warning"),
            *([_removed(planned.removed, most)] if planned.removed else []),
            *(f"> [!WARNING]\n> {_caution(caution, most)}" for caution in cautions(planned)),
            *([_caution(live, most)] if live else []),
        ]


class _Apply(_Plan):
    _title = "apply"
    _age = "nothing was written"


class _Drift(_Page):
    _title = "drift"
    _warns = "If an apply undoes the edits: "
    _age = "brought up to date by each run"
    _is_reversed = True

    def clean(self) -> Iterator[str]:
        """Live is what git says, as far as anything was compared."""
        plan = self.planned.plan
        what = f"What is live in workspace {plan.target.workspace_id} is what git says"
        return self._clean("none", f"No drift. {what if plan.bound else 'No model was compared'}.")

    def _count(self) -> str:
        count = len(self.planned.plan.changes)
        return f"{counted(count, 'model')} {'differs' if count == 1 else 'differ'} from git"

    def _where(self) -> str:
        where = f"workspace {self.planned.plan.target.workspace_id}"
        return f"Compared{self._commit(' ')} with {where}{self._at_run()}"

    def _notices(self, most: int) -> list[str]:  # noqa: ARG002 - no model is named here
        if not self.planned.plan.changes:
            return []
        commands = Commands(self.folder, self.planned.plan.target.environment)
        take, apply = (code(commands.line(*words), _HINT) for words in (("import", "--drift"), ("apply",)))
        lines = [
            "The diffs show what was done to the live models: `-` is what git says, `+` what is live.",
            f"- **To keep a live edit**, take it into the file, in a pull request: {take}.",
            f"- **To undo it**, apply what git says: {apply}.",
        ]
        return ["\n".join(lines)]


def _subject(folder: str, environment: str) -> str:
    return f"{f'{code(folder, _PATH)} · ' if folder else ''}{code(environment, _NAME)}"


def _run(url: str, words: str = "run") -> str:
    """A link to the run, or the words alone."""
    return f"[{words}]({url})" if link(url) else words


def _problems(problems: Sequence[Problem], most: int) -> tuple[str, list[str]]:
    """How many there are, and the first by their cause: errors before warnings."""
    listed: list[str] = []
    left: list[Problem] = []
    room = most
    for group in by_cause(sorted(problems, key=lambda problem: not problem.is_error)):
        if room:
            listed += _cause(group, room)
        left += group[room:]
        room -= min(room, len(group))
    if left:
        counts = " and ".join(severities(left, "more " if listed else ""))
        listed.append(f"- {counts}: the run's log has all of them")
    errors, *warnings = severities(problems)
    return ", and ".join([f"{errors} to mend first", *warnings]) + ":" if most else "", listed


def _cause(group: Sequence[Problem], most: int) -> list[str]:
    """One cause as an item of a list, with the first of its places."""
    first = group[0]
    if len(group) == 1:
        return [f"- {_problem(first)}"]
    if says_one_thing(group):
        places = ", ".join(code(str(one.origin), 4 * _PATH) for one in group[:most] if one.origin.path)
        more = ", …" if len(group) > most else ""
        where = f" (in {counted(len(group), 'place')}: {places}{more})" if places else ""
        return [f"- {prose(first.message, _MESSAGE)}{where}{_hint(first)}"]
    head = f"- {len(group)} problems of the rule {code(first.rule)}{_hint(first)}"
    return [head, *(f"  - {_about(one)}" for one in group[:most])]


def _problem(problem: Problem) -> str:
    """Place, message and hint in one line."""
    return f"{_about(problem)}{_hint(problem)}"


def _hint(problem: Problem) -> str:
    return f"<br>{prose(problem.hint, _HINT)}" if problem.hint else ""


def _about(problem: Problem) -> str:
    place = f"{code(str(problem.origin), 4 * _PATH)}: " if problem.origin.path else ""
    return f"{place}{prose(problem.message, _MESSAGE)}"


def _caution(caution: Caution, most: int) -> str:
    named = [
        f"{code(address)} ({', '.join(code(field, _PATH) for field in fields)})"
        for address, fields in caution.models[:most]
    ]
    if not named:
        return f"{caution.sentence}."
    rest = len(caution.models) - len(named)
    return f"{caution.sentence}: {', '.join(named)}{f', and {rest} more' if rest else ''}"


def _removed(removed: Sequence[Removed], most: int) -> str:
    """The definitions that are gone, as one alert."""
    listed = [f"> - {gone(one, partial(code, most=_PATH))}" for one in removed[:most]]
    rest = len(removed) - len(listed)
    more = [f"> - {rest} more: the run's log has all of them"] if rest and listed else []
    return "\n".join(["> [!WARNING]", f"> {removed_title(len(removed))}.", *listed, *more])


def _alerts(told: Sequence[Problem], most: int, kind: str, lead: str = "") -> list[str]:
    """Warnings or refusals as alerts; one for each cause."""
    shown, left = warned(told, most)
    alerts = []
    opening = "> [!CAUTION]" if kind == "refusal" else "> [!WARNING]"
    for problems, hint in shown:
        if len(problems) == 1:
            alerts.append(f"{opening}\n> {lead}{_problem(problems[0])}")
            continue
        lines = [
            opening,
            *([f"> {lead}".rstrip()] if lead else []),
            *(f"> - {_about(problem)}" for problem in problems),
        ]
        alerts.append("\n".join([*lines, *([f">\n> {prose(hint, _HINT)}"] if hint else [])]))
    if left:
        many = counted(left, f"{'more ' if alerts else ''}{kind}")
        alerts.append(f"{opening}\n> {many}: the run's log has all of them.")
    return alerts


def _table(found: Sequence[Item], *, has_causes: bool) -> str:
    has_feeds = any(feeds_count(item.effect) for item in found)
    heads = ["", "model", "fields", *(["why"] if has_causes else []), *(["feeds"] if has_feeds else [])]
    rows = [f"|{'|'.join(f' {head} ' if head else ' ' for head in heads)}|", f"|{'---|' * len(heads)}"]
    for item in found:
        cells = [item.change.action.value, cell(item.address), _fields(item)]
        cells += [why(item, partial(cell, most=_PATH))] if has_causes else []
        cells += [feeds_count(item.effect)] if has_feeds else []
        rows.append(f"| {' | '.join(cells)} |")
    return _folded(rows, f"Table of {counted(len(found), 'model')}", len(found))


def _folded(rows: Sequence[str], title: str, count: int) -> str:
    table = "\n".join(rows)
    return table if count <= _OPEN_ROWS else f"<details><summary>{title}</summary>\n\n{table}\n\n</details>"


def _fields(item: Item) -> str:
    if item.change.is_creation:
        return "new"
    named = [f"{cell(path, _PATH)}{f' ({mark})' if mark else ''}" for path, mark in item.fields[:FIELDS]]
    rest = len(item.fields) - len(named)
    return ", ".join([*named, *([f"{rest} more"] if rest else [])])


def _names(found: Sequence[Item]) -> str:
    """Every model's name, by what its group has in common."""
    groups = enumerate(GROUPS)
    return _blocks(
        *(
            _names_titled(title.capitalize(), [item.address for item in found if item.group == group])
            for group, title in groups
        )
    )


# -- report ------------------------------------------------------------------------------------------------------------


def _report_rungs(report: Report, target: Target, run_url: str) -> Iterator[str]:
    """All; then without hints; then names alone; then the counts."""
    others = [one for one in report.outcomes if one.since or one.status.value != "done"]
    done = [one.change.address for one in report.outcomes if not one.since and one.status.value == "done"]
    made = [
        f"{code(outcome.change.address)} (id {outcome.id})"
        for outcome in report.outcomes
        if outcome.change.is_creation and outcome.id
    ]
    heading = f"### syncer apply · {code(target.environment, _NAME)}: {'complete' if report.is_ok else 'incomplete'}"
    stressed, said = report_verdict(report)
    where = f"Workspace {target.workspace_id}" + (f" · {_run(run_url)}" if link(run_url) else "")
    unseen = report.unseen and f"Nobody looked at the end whether what was written still stands: {report.unseen}."
    head = _blocks(heading, f"**{stressed}** {said}", where, unseen and prose(unseen, _MESSAGE))

    listed = _blocks(f"**Created** ({len(made)}): {', '.join(made)}" if made else "", _names_titled("Done", done))
    for has_hints in (True, False):
        yield _blocks(head, _outcomes(others, has_hints=has_hints), listed)
    named = [
        _names_titled(status.capitalize(), [one.change.address for one in others if one.status.value == status])
        for status in outcome_counts(report)
    ]
    yield _blocks(head, *named, listed)
    yield _blocks(head, *named)
    yield _blocks(head, f"> [!NOTE]\n> The list of {counted(len(report.outcomes), 'model')} is in the run's log.")


def _names_titled(title: str, addresses: Sequence[str]) -> str:
    return f"**{title}** ({len(addresses)}): {', '.join(map(code, addresses))}" if addresses else ""


def _outcomes(outcomes: Sequence[Outcome], *, has_hints: bool) -> str:
    if not outcomes:
        return ""
    rows = ["| outcome | model | reason |", "|---|---|---|"]
    for outcome in outcomes:
        said = outcome.since or outcome.reason
        reason = prose(said, _MESSAGE) if said else ""
        hint = f"<br>{prose(outcome.hint, _HINT)}" if has_hints and outcome.hint else ""
        rows.append(f"| {outcome.status.value} | {cell(outcome.change.address)} | {barred(reason + hint)} |")
    return _folded(rows, f"Table of {counted(len(outcomes), 'model')}", len(outcomes))
