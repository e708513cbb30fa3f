"""What a code host is to one CI run: what the run is about, and the questions that can be asked. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncer.model import Source

Event: TypeAlias = Literal["change", "push", "queue", "schedule", "manual", "follow-up"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a CI run is about, as its variables and its event file say.

    event       is
    change      a pull or merge request
    push        a push to a branch
    queue       a merge queue's try
    schedule    a timer
    manual      everything else: started by hand or by another program
    follow-up   a run after another run, from the default branch (workflow_run)
    """

    event: Event
    number: int | None
    """The pull request; None if there is none, or if the host must be asked (`Host.pull_request_of_run`)."""
    head_sha: str
    """40 hex digits: the commit to name. Of a change it's the branch's own head, not the merge that is checked out."""
    base_sha: str
    """40 hex digits or empty: what a change goes on top of, or what a push replaces."""
    is_untrusted: bool
    """A fork's or Dependabot's run: it has no secrets and may only read."""
    run_url: str
    """Link to the run: an https URL of plain characters, or empty."""
    files_url: str
    """Where the host shows the repository's files at `head_sha`: an https URL of plain characters, or empty."""
    run: int
    """A number by which runs of one workflow are ordered: a later run or attempt has a larger one."""
    branch: str
    """The branch that a push went to, or that a change goes to; else the default branch; may be empty."""


@dataclass(frozen=True, slots=True)
class Note:
    """A comment, or an issue (then `id` is its number, and it has a title). `body` includes the marker.

    `author` compares with `Host.whoami` as it is: both are in the host's own normal form.
    """

    id: int
    author: str
    body: str
    node_id: str = ""
    """GitHub's id for GraphQL."""
    title: str = ""


class Host(Protocol):
    """A code host, as one CI run sees it. Every method that asks the host raises HostError."""

    @property
    def context(self) -> Context:
        """What the run is about."""

    @property
    def max_bytes(self) -> int:
        """How many UTF-8 bytes a comment or an issue may have."""

    @property
    def lifting(self) -> str:
        """In words, how a run is started by hand with the flags that lift a refusal."""

    def whoami(self) -> str:
        """The account that comments are written by. Raises HostError if that can't be known."""

    def comments(self, number: int) -> Sequence[Note]:
        """Every comment of a pull request."""

    def add_comment(self, number: int, body: str) -> Note:
        """Write a new comment. With status 0 or 5xx it may have been written all the same."""

    def edit_comment(self, number: int, note: Note, body: str) -> None:
        """Replace a comment's text."""

    def hide_comment(self, note: Note) -> None:
        """Fold a comment away, if the host can; never fails."""

    def issues(self) -> Sequence[Note]:
        """The open issues that this account has opened."""

    def open_issue(self, title: str, body: str) -> Note:
        """Open an issue. With status 0 or 5xx it may have been opened all the same."""

    def edit_issue(self, note: Note, title: str, body: str) -> None:
        """Replace an issue's title and text."""

    def close_issue(self, note: Note, comment: str) -> None:
        """Close an issue and say why."""

    def pull_requests_of(self, sha: str) -> Sequence[int]:
        """The open or merged pull requests that a commit belongs to."""

    def head_of(self, branch: str) -> str:
        """The commit that a branch points at now."""

    def set_status(self, name: str, text: str) -> bool:
        """Set a status that later jobs of this run read apart from its artifacts; False if the host has none."""

    def statuses(self, name: str) -> Sequence[str]:
        """The texts of the statuses of that name that this account set in this run, the newest last."""

    def pull_request_of_run(self) -> int | None:
        """Of a follow-up: the one open pull request that the first run was about, as the host itself says."""

    def source_of_run(self) -> Source | None:
        """Where that pull request's commits are; None if there is no such pull request."""

    def add_summary(self, markdown: str) -> None:
        """Add to the run's summary, where there is one."""

    def set_outputs(self, values: Mapping[str, str]) -> None:
        """Hand values to later steps, where that exists. Raises ValueError for anything but plain short words."""

    def mask_lines(self, values: Iterable[str]) -> Sequence[str]:
        """The lines to print so that the log hides these values; none where the host has no such lines."""
