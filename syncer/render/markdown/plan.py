"""A plan, drift, or why a plan wasn't made or applied, as markdown. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from syncer.plan.planner import LOOSENED
from syncer.render.command_lines import Commands
from syncer.render.escaping import code, link_url, prose
from syncer.render.links import NO_LINKS
from syncer.render.markdown.blocks import (
    BUDGET,
    LONGEST_HINT,
    LONGEST_NAME,
    LONGEST_PATH,
    SHOWN,
    alerts,
    byte_size,
    first_fitting,
    joined,
    linked,
    problem_list,
    run_link,
    subject,
)
from syncer.render.markdown.diffs import folded_diffs, pages_with_diffs
from syncer.render.markdown.table import model_names, model_table
from syncer.render.plan_table import table_rows
from syncer.render.provenance import already_live, cautions, removed_line, removed_title
from syncer.render.text import counted
from syncer.render.totals import (
    alone,
    comparison_counts,
    comparison_verdict,
    not_compared,
    plan_counts,
    untouched_counts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncer.model import Problem
    from syncer.plan.planner import Counterpart, Planned, Removed
    from syncer.render.links import Links
    from syncer.render.provenance import Caution

_LINKED_SHARE: Final = 3
"""A table whose links would take it beyond this part of the budget has none: diffs are worth more."""


def render_plan(
    planned: Planned,
    *,
    run_url: str = "",
    budget: int = BUDGET,
    folder: str = "",
    lifting: str = "",
    links: Links = NO_LINKS,
) -> str:
    """The changes with their causes, or that there are none, or why there is no plan. Within the budget.

    `folder` is where the settings stand, from the repository's top; empty at the top. `lifting` says where the text is
    read how a run gets the flags that lift a refusal. A plan of drift goes to `render_drift`.
    """
    if planned.is_drift:
        return render_drift(planned, run_url=run_url, budget=budget, folder=folder, links=links)
    completed = _completed(planned, folder)
    page: _Page = _PlanPage(completed, run_url, folder, lifting, links)
    if planned.counterpart is not None:
        page = _ComparisonPage(completed, run_url, folder, links=links, counterpart=planned.counterpart)
    if planned.problems:
        return first_fitting(page.failed(), budget)
    return first_fitting(page.forms(budget) if planned.plan.changes else page.clean(), budget)


def render_drift(
    planned: Planned, *, run_url: str = "", budget: int = BUDGET, folder: str = "", links: Links = NO_LINKS
) -> str:
    """What was done to the live models outside of git, and what to do about it. Within the budget."""
    page = _DriftPage(_completed(planned, folder), run_url, folder, links=links)
    if planned.problems:
        return first_fitting(page.failed(), budget)
    return first_fitting(page.forms(budget) if planned.plan.changes else page.clean(), budget)


def render_refusal(planned: Planned, *, run_url: str = "", budget: int = BUDGET, folder: str = "") -> str:
    """Why a saved plan was not applied: its problems alone. Within the budget."""
    return first_fitting(_RefusalPage(_completed(planned, folder), run_url, folder).failed(), budget)


def render_missing(environment: str, *, run_url: str = "", folder: str = "") -> str:
    """That a plan failed, where not even a plan file tells why."""
    at_run = f" · {run_link(run_url)}" if link_url(run_url) else ""
    return joined(
        f"### syncer plan · {subject(folder, environment)}: failed",
        f"The plan could not be made; the run's log says why.{at_run}",
        "<sub>replaced on each push</sub>",
    )


def _completed(planned: Planned, folder: str) -> Planned:
    """The plan with hints for readers at the top of a clone, who have none of the job's variables."""
    return Commands(folder, planned.plan.target.environment).completed_plan(planned)


@dataclass(frozen=True)
class _Page(ABC):
    """What plan and drift have in common. Each method that yields gives forms of the text, the longest first."""

    planned: Planned
    run_url: str
    folder: str = ""
    lifting: str = ""
    links: Links = NO_LINKS

    _title = ""
    _warning_lead = ""
    _lifetime = ""
    _is_reversed = False

    @abstractmethod
    def clean(self) -> Iterator[str]:
        """That nothing differs, said of no more than was compared."""

    @abstractmethod
    def _count(self) -> str:
        """The heading's end."""

    @abstractmethod
    def _where(self) -> str:
        """What was compared with what."""

    @abstractmethod
    def _notices(self, most: int) -> list[str]:
        """What a reader must know before the table, naming at most as many models."""

    def failed(self) -> Iterator[str]:
        """The problems, as many as fit, and nothing of what was planned in spite of them."""
        for most in (SHOWN, 5, 1, 0):
            lead, listed = problem_list(self.planned.problems, most)
            yield joined(self._heading("failed"), self._asked(), lead, "\n".join(listed), self._footer(has_plan=False))

    def _clean(self, said: str, verdict: str) -> Iterator[str]:
        for most in (SHOWN, 3, 0):
            warnings = alerts(self._warnings, most, "warning", self._warning_lead)
            notices = self._notices(most)
            live = self._already_live(most)
            yield joined(self._heading(said), self._where(), verdict, *notices, *warnings, live, self._footer())

    def forms(self, budget: int) -> Iterator[str]:
        """From all to the counts. What can't fit anyway is not laid out."""
        rows = table_rows(self.planned)
        has_causes = self.planned.provenance is not None and not self._is_reversed
        table = model_table(rows, self.links, has_causes=has_causes)
        if byte_size(table) > budget // _LINKED_SHARE:
            table = model_table(rows, NO_LINKS, has_causes=has_causes)
        has_id = not self.planned.is_offline
        diffs = folded_diffs(rows, self.links, is_reversed=self._is_reversed, has_id=has_id)
        yield from pages_with_diffs(
            diffs, budget, lambda shown, note: self._page(joined(table, shown), note), self._note
        )
        yield self._page(table, self._note("The diffs don't fit in here", "they are"))
        for most in (SHOWN, 3):
            yield self._page(model_names(rows), self._note("Table and diffs don't fit in here", "they are"), most=most)
        for most in (SHOWN, 3, 0):
            many = counted(len(rows), "model")
            yield self._page("", self._note(f"The list of {many} doesn't fit in here", "it is"), most=most)

    def _page(self, body: str, note: str, *, most: int = SHOWN) -> str:
        return joined(
            self._heading(self._count()),
            self._where(),
            *self._notices(most),
            *alerts(self._warnings, most, "warning", self._warning_lead),
            note,
            body,
            self._already_live(most),
            self._footer(),
        )

    def _already_live(self, most: int) -> str:
        """What the change brings and live has, if anything: nobody needs to do anything about it."""
        live = already_live(self.planned)
        return _caution(live, most) if live else ""

    @property
    def _warnings(self) -> Sequence[Problem]:
        """The warnings that have no place of their own."""
        return [one for one in self.planned.warnings if one.rule != LOOSENED]

    def _heading(self, said: str) -> str:
        return f"### syncer {self._title} · {subject(self.folder, self.planned.plan.target.environment)}: {said}"

    def _note(self, what: str, missing: str) -> str:
        where = f"in the job summary or the artifact of {run_link(self.run_url, 'the run')}"
        return f"> [!NOTE]\n> {what}; {missing} {where}."

    def _footer(self, *, has_plan: bool = True) -> str:
        provenance = self.planned.provenance
        # The digest is for comparing two plans of live state, and an offline plan didn't read it.
        digest = [] if self.planned.is_offline else [f"plan digest {self._digest}"]
        parts = [*digest, *untouched_counts(self.planned)] if has_plan else []
        if has_plan and provenance is not None and provenance.commit:
            parts.append(f"base {code(provenance.commit[:12])}")
        return f"<sub>{' · '.join([*parts, self._lifetime])}</sub>"

    @cached_property
    def _digest(self) -> str:
        return self.planned.plan.digest[:16]

    def _asked(self) -> str:
        """What was to be compared, for a plan that failed."""
        where = f"For{self._commit(' ')}," if self.planned.commit else "For"
        return f"{where} workspace {self.planned.plan.target.workspace_id}{self._at_run()}"

    def _commit(self, before: str) -> str:
        edits = " with uncommitted edits" * self.planned.commit.endswith("-dirty")
        return f"{before}{code(self.planned.commit[:12])}{edits}" if self.planned.commit else ""

    def _at_run(self) -> str:
        return f" · {run_link(self.run_url)}" if link_url(self.run_url) else ""


class _PlanPage(_Page):
    _title = "plan"
    _lifetime = "replaced on each push"

    def clean(self) -> Iterator[str]:
        """That nothing changes, said of no more than was compared."""
        if unset := not_compared(self.planned.plan):
            return self._clean(unset, f"{unset}. Nothing else differs.")
        is_sure = not self.planned.is_offline and not self.planned.plan.excluded
        what = "Merging this alters nothing in" if is_sure else "Nothing that was compared differs in"
        what = "Merging this alters no live model in" if is_sure and self.planned.removed else what
        return self._clean(
            "no changes", f"No changes. {what} {code(self.planned.plan.target.environment, LONGEST_NAME)}."
        )

    def _count(self) -> str:
        return plan_counts(self.planned)

    def _where(self) -> str:
        planned = self.planned
        against = "" if planned.is_offline else f" against workspace {planned.plan.target.workspace_id}"
        offline = "Planned from the files only; the target was not read." if planned.is_offline else ""
        # Without a commit and a workspace there is nothing to say before the link.
        made = f"Planned{self._commit(' for ')}{against}"
        line = f"{made}{self._at_run()}" if made != "Planned" else run_link(self.run_url) if self._at_run() else ""
        return joined(line, offline)

    def _notices(self, most: int) -> list[str]:
        planned = self.planned
        loosened = [one for one in planned.warnings if one.rule == LOOSENED]
        return [
            *alerts(planned.refusals, most, "refusal"),
            *([prose(self.lifting, LONGEST_HINT)] if planned.refusals and self.lifting else []),
            *alerts(loosened, most, "warning"),
            *([_removed(planned.removed, most, self.links)] if planned.removed else []),
            *(f"> [!WARNING]\n> {_caution(caution, most)}" for caution in cautions(planned)),
        ]


class _RefusalPage(_PlanPage):
    _title = "apply"
    _lifetime = "nothing was written"


@dataclass(frozen=True)
class _ComparisonPage(_Page):
    counterpart: Counterpart = field(kw_only=True)

    _title = "compare"

    def clean(self) -> Iterator[str]:
        """That nothing differs, said of no more than was compared."""
        stressed, said = comparison_verdict(self.planned.plan, self.counterpart)
        return self._clean("no differences", f"{stressed} {prose(said, LONGEST_HINT)}")

    def _heading(self, said: str) -> str:
        here = subject(self.folder, self.counterpart.target.environment)
        there = code(self.planned.plan.target.environment, LONGEST_NAME)
        return f"### syncer {self._title} · {here} with {there}: {said}"

    def _count(self) -> str:
        count = len(self.planned.plan.changes)
        return f"{counted(count, 'model')} {'differs' if count == 1 else 'differ'}"

    def _where(self) -> str:
        here, there = (
            f"{code(one.environment, LONGEST_NAME)} (workspace {one.workspace_id})"
            for one in (self.counterpart.target, self.planned.plan.target)
        )
        return f"What would change in {there} if it had what is live in {here}{self._at_run()}"

    def _asked(self) -> str:
        return self._where()

    def _notices(self, most: int) -> list[str]:
        found = []
        for title, addresses in alone(self.planned.plan, self.counterpart):
            named = ", ".join(code(address, LONGEST_PATH) for address in addresses[:most])
            rest = len(addresses) - min(most, len(addresses))
            more = f"{' and ' if named else ''}{rest} more" if rest else ""
            found.append(f"**{prose(title, LONGEST_HINT)}**: {named}{more}")
        return found

    def _footer(self, *, has_plan: bool = True) -> str:
        counts = comparison_counts(self.planned.plan, self.counterpart) if has_plan else []
        return f"<sub>{' · '.join(prose(one, LONGEST_HINT) for one in counts)}</sub>" if counts else ""


class _DriftPage(_Page):
    _title = "drift"
    _warning_lead = "If an apply undoes the edits: "
    _lifetime = "brought up to date by each run"
    _is_reversed = True

    def clean(self) -> Iterator[str]:
        """That nothing drifted, said of no more than was compared."""
        plan = self.planned.plan
        if unset := not_compared(plan):
            return self._clean(unset, f"{unset}. Nothing else differs from git.")
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
        take, apply = (code(commands.line(*words), LONGEST_HINT) for words in (("import", "--drift"), ("apply",)))
        lines = [
            "The diffs show what was done to the live models: `-` is what git says, `+` what is live.",
            f"- **To keep a live edit**, take it into the file, in a pull request: {take}.",
            f"- **To undo it**, apply what git says: {apply}.",
        ]
        return ["\n".join(lines)]


def _caution(caution: Caution, most: int) -> str:
    named = [
        f"{code(address)} ({', '.join(code(field, LONGEST_PATH) for field in fields)})"
        for address, fields in caution.models[:most]
    ]
    if not named:
        return f"{caution.sentence}."
    rest = len(caution.models) - len(named)
    return f"{caution.sentence}: {', '.join(named)}{f', and {rest} more' if rest else ''}"


def _removed(removed: Sequence[Removed], most: int, links: Links) -> str:
    """The removed definitions as one alert."""
    show = partial(code, most=LONGEST_PATH)
    ids = [linked(str(one.id), links.live(one.id, one.query_type)) for one in removed[:most]]
    listed = [f"> - {removed_line(one, show, shown)}" for one, shown in zip(removed[:most], ids, strict=True)]
    rest = len(removed) - len(listed)
    more = [f"> - {rest} more: the run's log has all of them"] if rest and listed else []
    return "\n".join(["> [!WARNING]", f"> {removed_title(len(removed))}.", *listed, *more])
