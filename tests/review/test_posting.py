"""One comment, one issue: whose it is, when it's written, and when it's left alone. Against a GitHub that remembers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest
from fake_github import TOKEN, FakeGitHub, Fault
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import HostError
from syncer.review.hosts import detect
from syncer.review.marker import Kind, Marker
from syncer.review.posting import Posted, append_line, find_comment, keep_comment, keep_issue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncer.review.host import Host

ME = "github-actions[bot]"
HEAD = "a1" * 20


def marker(run: int = 41_001, instance: str = "prod", kind: Kind = Kind.PLAN, head: str = HEAD) -> Marker:
    return Marker(kind, instance, head, "9c41", run)


@dataclass
class Desk:
    """A run on the fake, and how long it has waited."""

    fake: FakeGitHub
    folder: Path
    slept: list[float] = field(default_factory=list)

    def host(self, *, variables: Mapping[str, str] | None = None) -> Host:
        own = self.fake.variables("http://127.0.0.1", self.folder) | dict(variables or {})
        host = detect(own, sleep=self.slept.append, transport=httpx.WSGITransport(self.fake))
        assert host is not None
        return host

    def keep(self, text: str = "2 models to change", of: Marker | None = None, *, create: bool = True) -> Posted:
        return keep_comment(self.host(), 7, of or marker(), lambda _: text, create=create)

    def bodies(self) -> list[str]:
        return [comment.body for comment in self.fake.comments[7]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(FakeGitHub(), tmp_path)


# -- the marker --------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(Kind),
    st.text(min_size=1, max_size=100),
    st.sampled_from(["", HEAD]),
    st.from_regex(r"[0-9a-f]{0,64}", fullmatch=True),
    st.integers(0, 2**53 - 1),
)
def test_a_marker_comes_back_as_it_went(kind: Kind, instance: str, head: str, digest: str, run: int) -> None:
    """Whatever the instance is called, the line is one ASCII HTML comment, and reading it gives the marker."""
    whole = Marker(kind, instance, head, digest, run)
    line = whole.line()

    assert line.isascii()
    assert line.isprintable()
    assert not set("<>&") & set(line[4:-3])
    assert "--" not in line[4:-3]
    assert Marker.parse(f"{line}\nbody") == whole
    assert Marker.parse(f"{line}\r\nbody") == whole
    assert Marker.parse(line) == whole


@given(st.text(max_size=200))
def test_no_text_makes_a_marker_fail(text: str) -> None:
    """Anything may follow the marker's beginning: it's a marker or it isn't, and nothing is raised."""
    Marker.parse(text)
    found = Marker.parse(f"<!-- syncer:plan {{{text}}} -->\n")

    assert found is None or found.line() == f"<!-- syncer:plan {{{text}}} -->"


LINE = marker().line()


@pytest.mark.parametrize(
    "body",
    [
        f" {LINE}",
        f"\n{LINE}",
        f"> {LINE}",
        f"text\n{LINE}\n",
        f"\ufeff{LINE}",
        f"{LINE} and more",
        LINE.replace("plan", "other"),
        LINE.replace("41001", "41001.0"),
        LINE.replace("41001", '"41001"'),
        LINE.replace("41001", "true"),
        LINE.replace("41001", "-1"),
        LINE.replace("41001", "9" * 30),
        LINE.replace("41001", "1" * 5000),
        LINE.replace('"prod"', '""'),
        LINE.replace('"prod"', "null"),
        LINE.replace('"prod"', '["prod"]'),
        LINE.replace('"prod"', f'"{"p" * 101}"'),
        LINE.replace(HEAD, HEAD[:39]),
        LINE.replace(HEAD, HEAD.upper()),
        LINE.replace('"9c41"', '"9c 41"'),
        LINE.replace('{"digest"', '{"more":1,"digest"'),
        LINE.replace('{"digest"', '{"run":1,"digest"'),
        LINE.replace('"digest":"9c41",', ""),
        LINE.replace('{"digest"', '{ "digest"'),
        LINE.replace("{", "[").replace("}", "]"),
        LINE.replace("prod", "prod --> x"),
        "<!-- syncer:plan " + "{" * 1500 + "} -->",
    ],
)
def test_what_is_not_exactly_a_marker_is_none(body: str) -> None:
    """The first line must be what this tool writes, to the character."""
    assert Marker.parse(LINE) == marker()
    assert Marker.parse(body) is None


@pytest.mark.parametrize(
    "values",
    [
        ("", HEAD, "9c", 1),
        ("p" * 101, HEAD, "9c", 1),
        ("p", "main", "9c", 1),
        ("p", HEAD, "-->", 1),
        ("p", HEAD, "9c", -1),
    ],
)
def test_a_marker_that_nobody_could_read_is_not_made(values: tuple[str, str, str, int]) -> None:
    """What parse refuses, the constructor refuses."""
    with pytest.raises(ValueError, match="no marker"):
        Marker(Kind.PLAN, *values)


# -- create and update -------------------------------------------------------------------------------------------


def test_the_first_run_creates(desk: Desk) -> None:
    """No comment yet: one is written, the marker is its first line."""
    assert desk.keep("two changes") is Posted.CREATED
    assert desk.bodies() == [f"{marker().line()}\ntwo changes"]


def test_the_next_run_updates(desk: Desk) -> None:
    """There is one: it's edited in place."""
    desk.keep("two changes")

    assert desk.keep("one change", marker(42_001)) is Posted.UPDATED
    assert desk.bodies() == [f"{marker(42_001).line()}\none change"]


@pytest.mark.parametrize("run", [41_001, 41_002, 42_001])
def test_the_same_text_is_no_write(desk: Desk, run: int) -> None:
    """Nothing changed but the run: nothing is sent that writes."""
    desk.keep()
    before = list(desk.fake.writes)

    assert desk.keep(of=marker(run)) is Posted.UNCHANGED
    assert desk.fake.writes == before


def test_a_new_commit_with_the_same_text_is_a_write(desk: Desk) -> None:
    """The marker names its commit, so another commit is another text."""
    desk.keep()

    assert desk.keep(of=marker(42_001, head="b2" * 20)) is Posted.UPDATED


def test_line_ends_of_a_browser_are_no_difference(desk: Desk) -> None:
    """Somebody opened the comment for editing and saved it: the text is the same."""
    desk.keep("a\nb")
    comment = desk.fake.comments[7][0]
    comment.body = comment.body.replace("\n", "\r\n") + "\r\n"

    assert desk.keep("a\nb") is Posted.UNCHANGED


def test_without_create_only_an_existing_comment_is_updated(desk: Desk) -> None:
    """No changes and no comment: nothing to say."""
    assert desk.keep(create=False) is Posted.SKIPPED
    assert desk.fake.writes == []

    desk.keep()

    assert desk.keep("no changes", create=False) is Posted.UPDATED


def test_the_comment_is_found_on_the_third_page(desk: Desk) -> None:
    """However many comments stand before it."""
    desk.fake.page_size = 10
    for index in range(25):
        desk.fake.say(7, "dana", f"remark {index}")
    desk.keep()
    for index in range(25):
        desk.fake.say(7, "dana", f"answer {index}")

    assert desk.keep("other") is Posted.UPDATED
    assert len(desk.fake.comments[7]) == 51


# -- whose it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("author", "body"),
    [
        ("mallory", f"{LINE}\nmine"),
        ("github-actions", f"{LINE}\na person of the app's name"),
        ("other-app[bot]", f"{LINE}\nother app"),
        ("", f"{LINE}\nan account that is gone"),
        (ME, f"> {LINE}\nquoted"),
        (ME, f"Plan:\n{LINE}\nechoed by another step"),
        (ME, f"{marker(instance='stage').line()}\nother environment"),
        (ME, f"{marker(kind=Kind.DRIFT).line()}\nother kind"),
        (ME, "no marker"),
    ],
)
def test_what_is_not_ours_is_not_touched(desk: Desk, author: str, body: str) -> None:
    """A foreign author, an echoed marker, another environment: a new comment is written beside it."""
    desk.fake.say(7, author, body)

    assert desk.keep() is Posted.CREATED
    assert desk.bodies()[0] == body
    assert len(desk.bodies()) == 2
    assert not any(comment.is_hidden for comment in desk.fake.comments[7])


@pytest.mark.parametrize("names_suffix", [True, False])
def test_an_app_knows_itself_however_graphql_writes_it(desk: Desk, *, names_suffix: bool) -> None:
    """With or without `[bot]`, in whatever case: the second run finds the first one's comment."""
    desk.fake.names_suffix = names_suffix
    desk.fake.tokens[TOKEN] = "GitHub-Actions[bot]"
    desk.keep()

    assert desk.keep("other") is Posted.UPDATED


def test_nobody_is_edited_when_it_is_not_known_who_we_are(desk: Desk) -> None:
    """Without an identity there is neither an edit nor a new comment."""
    desk.keep()
    desk.fake.knows_viewer = False
    before = list(desk.fake.writes)

    with pytest.raises(HostError, match="who this token belongs to"):
        desk.keep("other")

    assert desk.fake.writes == before


def test_of_several_the_oldest_is_kept_and_the_others_hidden(desk: Desk) -> None:
    """Two runs at once made two: the next one folds the younger away."""
    for run in (41_001, 41_002, 41_003):
        desk.fake.say(7, ME, f"{marker(run).line()}\nrun {run}")

    assert desk.keep("now", marker(42_001)) is Posted.UPDATED
    assert [comment.is_hidden for comment in desk.fake.comments[7]] == [False, True, True]
    assert desk.bodies()[0].endswith("now")

    before = list(desk.fake.writes)

    assert desk.keep("now", marker(43_001)) is Posted.UNCHANGED
    assert desk.fake.writes == before


def test_a_duplicate_that_cannot_be_hidden_is_no_failure(desk: Desk) -> None:
    """Hiding is tidiness."""
    for run in (41_001, 41_002):
        desk.fake.say(7, ME, f"{marker(run).line()}\nrun {run}")
    host = desk.host()
    host.whoami()
    desk.fake.faults.append(Fault(403, path="/graphql"))

    assert keep_comment(host, 7, marker(42_001), lambda _: "now", create=True) is Posted.UPDATED
    assert [comment.is_hidden for comment in desk.fake.comments[7]] == [False, False]


# -- races and faults --------------------------------------------------------------------------------------------


def test_an_edit_that_is_refused_is_an_error(desk: Desk) -> None:
    """It isn't taken for a deleted comment."""
    desk.keep()
    desk.fake.faults.append(Fault(409, method="PATCH"))

    with pytest.raises(HostError, match="409"):
        desk.keep("other")

    assert len(desk.bodies()) == 1


def test_an_older_run_loses(desk: Desk) -> None:
    """A late finisher doesn't replace what a newer run said."""
    desk.keep("new", marker(42_001))

    assert desk.keep("old", marker(41_009)) is Posted.SUPERSEDED
    assert desk.keep("again", marker(42_002)) is Posted.UPDATED


def test_a_comment_deleted_meanwhile_is_written_anew(desk: Desk) -> None:
    """Between listing and editing somebody deleted it."""
    desk.keep()
    desk.fake.faults.append(Fault(404, method="PATCH"))
    kept = desk.fake.comments[7].pop()
    desk.fake.faults.insert(
        0, Fault(200, {"content-type": "application/json"}, _listed(kept.id, kept.body), method="GET")
    )

    assert desk.keep("other") is Posted.CREATED
    assert len(desk.bodies()) == 1


def test_a_deleted_comment_is_not_written_anew_without_create(desk: Desk) -> None:
    """Nothing to update is nothing to do."""
    desk.keep()
    desk.fake.faults.append(Fault(404, method="PATCH"))

    assert desk.keep("other", create=False) is Posted.SKIPPED


def _listed(id_: int, body: str) -> str:
    return json.dumps([{"id": id_, "body": body, "user": {"login": ME, "type": "Bot"}}])


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_create_whose_answer_is_lost_is_not_repeated(desk: Desk, status: int) -> None:
    """It was written, the answer said otherwise: the comments are listed again, and there it is."""
    desk.fake.faults.append(Fault(status, method="POST", path="/comments", lost=True))

    assert desk.keep() is Posted.CREATED
    assert len(desk.bodies()) == 1
    assert [call.method for call in desk.fake.calls if call.path.endswith("/comments")] == ["GET", "POST", "GET"]


def test_a_create_that_failed_is_tried_once_more_after_a_look(desk: Desk) -> None:
    """It wasn't written: the second try is."""
    desk.fake.faults.append(Fault(502, method="POST", path="/comments"))

    assert desk.keep() is Posted.CREATED
    assert len(desk.bodies()) == 1


def test_a_create_that_fails_twice_is_an_error(desk: Desk) -> None:
    """It isn't tried for ever."""
    desk.fake.faults += [Fault(502, method="POST", path="/comments")] * 2

    with pytest.raises(HostError, match="failed \\(502\\)"):
        desk.keep()

    assert [call.method for call in desk.fake.calls if call.path.endswith("/comments")] == ["GET", "POST"] * 2


def test_a_create_that_is_refused_is_not_tried_again(desk: Desk) -> None:
    """A refusal is an answer."""
    desk.fake.faults.append(Fault(409, method="POST", path="/comments"))

    with pytest.raises(HostError, match="refused"):
        desk.keep()

    assert desk.fake.writes == []


def test_a_text_that_is_too_long_is_sent_once_more_and_smaller(desk: Desk) -> None:
    """The host takes less than it should: a much smaller text, for the new comment and for the edit."""
    desk.fake.limit = 30_000
    budgets: list[int] = []

    def render(budget: int) -> str:
        budgets.append(budget)
        return "x" * budget

    assert keep_comment(desk.host(), 7, marker(), render, create=True) is Posted.CREATED
    assert budgets == [65_000 - len(LINE) - 1 - 500, 20_000]
    assert keep_comment(desk.host(), 7, marker(), render, create=True) is Posted.UNCHANGED
    assert keep_comment(desk.host(), 7, marker(), lambda n: "y" * n, create=True) is Posted.UPDATED


def test_a_text_that_is_still_too_long_is_an_error(desk: Desk) -> None:
    """There is no third try."""
    desk.fake.limit = 100

    with pytest.raises(HostError, match="422"):
        keep_comment(desk.host(), 7, marker(), lambda n: "x" * n, create=True)

    assert len([call for call in desk.fake.calls if call.method == "POST" and call.path != "/graphql"]) == 2


def test_the_whole_comment_keeps_within_the_hosts_bytes(desk: Desk) -> None:
    """Marker, text and the longest line together: characters of several bytes count as such."""
    keep_comment(desk.host(), 7, marker(), lambda n: "é" * (n // 2), create=True)

    assert append_line(desk.host(), 7, "prod", "y" * 400) is Posted.UPDATED
    assert len(desk.bodies()[0].encode()) <= 65_000


@pytest.mark.parametrize("create", [True, False])
def test_a_token_that_may_not_write_is_denied(desk: Desk, *, create: bool) -> None:
    """A fork's run: no error, the run goes on."""
    desk.fake.say(7, ME, f"{LINE}\nold")
    desk.fake.read_only.add(TOKEN)

    assert desk.keep("new", marker(42_001), create=create) is Posted.DENIED
    assert desk.keep("new", marker(42_001, "stage")) is Posted.DENIED
    assert append_line(desk.host(), 7, "prod", "done") is Posted.DENIED
    assert keep_issue(desk.host(), marker(kind=Kind.DRIFT), "t", lambda _: "x") is Posted.DENIED
    assert desk.fake.writes == []


def test_without_a_token_it_is_denied_and_nothing_is_asked(desk: Desk) -> None:
    """Reading the event needs no token; writing does."""
    host = desk.host(variables={"GITHUB_TOKEN": ""})

    assert keep_comment(host, 7, marker(), lambda _: "x", create=True) is Posted.DENIED
    assert desk.fake.calls == []


# -- the appended line -------------------------------------------------------------------------------------------


def test_a_line_is_appended_and_replaced(desk: Desk) -> None:
    """What became of the plan stands below it, once."""
    desk.keep("plan")

    assert append_line(desk.host(), 7, "prod", "Applied in run 413") is Posted.UPDATED
    assert append_line(desk.host(), 7, "prod", "Applied in run 413") is Posted.UNCHANGED
    assert append_line(desk.host(), 7, "prod", "Failed\nin run 414") is Posted.UPDATED
    assert desk.bodies() == [f"{LINE}\nplan\n\n<!-- syncer:applied -->\nFailed in run 414"]


def test_the_same_plan_leaves_the_line_and_another_takes_it_away(desk: Desk) -> None:
    """A run that says nothing new doesn't touch what was applied."""
    desk.keep("plan")
    append_line(desk.host(), 7, "prod", "Applied in run 413")

    assert desk.keep("plan") is Posted.UNCHANGED
    assert "Applied" in desk.bodies()[0]
    assert desk.keep("other") is Posted.UPDATED
    assert "Applied" not in desk.bodies()[0]


def test_no_comment_takes_no_line(desk: Desk) -> None:
    """There was no plan to speak of; a foreign comment gets no line either."""
    desk.fake.say(7, "mallory", f"{LINE}\nplan")

    assert append_line(desk.host(), 7, "prod", "Applied") is Posted.SKIPPED
    assert desk.fake.writes == []


def test_a_line_has_its_length(desk: Desk) -> None:
    """It must fit where room is left."""
    with pytest.raises(ValueError, match="400 bytes"):
        append_line(desk.host(), 7, "prod", "é" * 201)


def test_a_comment_is_found_with_its_marker(desk: Desk) -> None:
    """What was reviewed is read from there: digest and commit."""
    assert find_comment(desk.host(), 7, Kind.PLAN, "prod") is None

    desk.keep("plan")
    found = find_comment(desk.host(), 7, Kind.PLAN, "prod")

    assert found is not None
    assert found[1] == marker()
    assert found[0].body == f"{LINE}\nplan"


# -- issues ------------------------------------------------------------------------------------------------------


def drift(run: int = 1_001, instance: str = "prod") -> Marker:
    return marker(run, instance, Kind.DRIFT)


def test_drift_has_one_issue_from_first_to_last(desk: Desk) -> None:
    """Opened, updated, left alone, closed with a word; a later drift opens another one."""
    assert keep_issue(desk.host(), drift(), "Drift in prod", lambda _: "1 model") is Posted.CREATED
    assert keep_issue(desk.host(), drift(2_001), "Drift in prod", lambda _: "1 model") is Posted.UNCHANGED
    assert keep_issue(desk.host(), drift(3_001), "Drift in prod", lambda _: "2 models") is Posted.UPDATED
    assert keep_issue(desk.host(), drift(4_001), "More\ndrift", lambda _: "2 models") is Posted.UPDATED
    [issue] = desk.fake.issues.values()
    assert (issue.title, issue.body) == ("More drift", f"{drift(4_001).line()}\n2 models")

    assert keep_issue(desk.host(), drift(5_001), "", None) is Posted.CLOSED
    assert not issue.is_open
    assert "https://github.com/acme/models/actions/runs/" in desk.fake.comments[issue.number][0].body
    assert keep_issue(desk.host(), drift(6_001), "", None) is Posted.SKIPPED
    assert keep_issue(desk.host(), drift(7_001), "Drift", lambda _: "1 model") is Posted.CREATED
    assert len(desk.fake.issues) == 2


@pytest.mark.parametrize(
    ("author", "body"),
    [("mallory", f"{drift().line()}\nx"), (ME, f"x\n{drift().line()}"), (ME, f"{drift(instance='stage').line()}\nx")],
)
def test_an_issue_that_is_not_ours_is_not_touched(desk: Desk, author: str, body: str) -> None:
    """Neither edited nor closed."""
    desk.fake.raise_issue(author, "Drift", body)

    assert keep_issue(desk.host(), drift(), "", None) is Posted.SKIPPED
    assert keep_issue(desk.host(), drift(), "Drift", lambda _: "1 model") is Posted.CREATED
    issue, _ = desk.fake.issues.values()
    assert (issue.is_open, issue.body) == (True, body)


def test_a_pull_request_is_no_issue(desk: Desk) -> None:
    """GitHub lists both together."""
    desk.fake.raise_issue(ME, "Drift", f"{drift().line()}\nx", is_pull=True)

    assert keep_issue(desk.host(), drift(), "", None) is Posted.SKIPPED


def test_an_older_run_neither_edits_nor_closes(desk: Desk) -> None:
    """A late finisher loses here, too."""
    keep_issue(desk.host(), drift(9_001), "Drift", lambda _: "1 model")

    assert keep_issue(desk.host(), drift(8_001), "Drift", lambda _: "2 models") is Posted.SUPERSEDED
    assert keep_issue(desk.host(), drift(8_001), "", None) is Posted.SUPERSEDED


def test_of_several_issues_the_younger_are_closed(desk: Desk) -> None:
    """One issue an environment; the others say where it is."""
    first, second = (desk.fake.raise_issue(ME, "Drift", f"{drift().line()}\nx") for _ in range(2))

    assert keep_issue(desk.host(), drift(2_001), "Drift", lambda _: "y") is Posted.UPDATED
    assert (first.is_open, second.is_open) == (True, False)
    assert desk.fake.comments[second.number][0].body == f"#{first.number} tells the same."


def test_a_lost_answer_opens_no_second_issue(desk: Desk) -> None:
    """The same care as with comments."""
    desk.fake.faults.append(Fault(502, method="POST", path="/issues", lost=True))

    assert keep_issue(desk.host(), drift(), "Drift", lambda _: "x") is Posted.CREATED
    assert len(desk.fake.issues) == 1
