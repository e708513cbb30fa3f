"""GitLab at the edge: what a pipeline is about, what is asked, and the same upsert on its notes and issues."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx
import pytest
from fake_github import Fault
from fake_gitlab import BASE, HEAD, TOKEN, FakeGitLab
from wsgi import serving

from syncer.errors import HostError, SettingsError
from syncer.review import digest_status
from syncer.review.hosts import detect
from syncer.review.hosts.gitlab import GitLab
from syncer.review.marker import Kind, Marker
from syncer.review.posting import Posted, append_line, keep_comment, keep_issue

ME = "project_42_bot"
BOT, STATUS = "project_42_bot_status", "glpat-status"
STATUSES = {"SYNCER_GITLAB_STATUS_TOKEN": STATUS}
PIPELINE = 9041
MARKER = Marker(Kind.PLAN, "prod", HEAD, "9c41", 41_000)
SECRET = "glpat-" + "k3yAnd0therk3yAnd0ne"


@dataclass
class Desk:
    """A job on the fake, and how long it has waited."""

    fake: FakeGitLab
    slept: list[float] = field(default_factory=list)

    def host(self, source: str = "merge_request_event", **more: str) -> GitLab:
        own = self.fake.variables("http://127.0.0.1", source) | more
        host = detect(own, sleep=self.slept.append, transport=httpx.WSGITransport(self.fake))
        assert isinstance(host, GitLab)
        return host


@pytest.fixture
def desk() -> Desk:
    fake = FakeGitLab()
    fake.tokens[STATUS] = BOT
    return Desk(fake)


# -- pipelines ---------------------------------------------------------------------------------------------------


def test_a_merge_request(desk: Desk) -> None:
    """Its number, its commits, the job's link, the branch it goes to."""
    context = desk.host().context

    assert (context.event, context.number, context.head_sha, context.base_sha) == ("change", 7, HEAD, BASE)
    assert (context.is_untrusted, context.branch, context.run) == (False, "main", 41_000)
    assert context.run_url == "https://gitlab.com/acme/models/-/jobs/5"
    assert context.files_url == f"https://gitlab.com/acme/models/-/blob/{HEAD}"


@pytest.mark.parametrize(
    ("source", "event", "base"),
    [("push", "push", BASE), ("schedule", "schedule", ""), ("web", "manual", ""), ("api", "manual", "")],
)
def test_other_pipelines(desk: Desk, source: str, event: str, base: str) -> None:
    """No merge request; a push knows what it replaces."""
    context = desk.host(source).context

    assert (context.event, context.number, context.head_sha, context.base_sha) == (event, None, HEAD, base)
    assert context.branch == "main"


def test_a_merged_result_names_the_branchs_own_commit(desk: Desk) -> None:
    """Not the merge that only the pipeline has."""
    assert desk.host(CI_MERGE_REQUEST_SOURCE_BRANCH_SHA="e" * 40).context.head_sha == "e" * 40


def test_a_merge_train_is_a_queue(desk: Desk) -> None:
    """It has nobody to talk to."""
    context = desk.host(CI_MERGE_REQUEST_EVENT_TYPE="merge_train").context

    assert (context.event, context.number, context.base_sha) == ("queue", None, BASE)


@pytest.mark.parametrize(
    "variables",
    [
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "43"},
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": ""},
        # The pipeline runs in the fork: there its source is the project itself.
        {"CI_PROJECT_ID": "43", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "43"},
    ],
)
def test_a_fork_is_untrusted(desk: Desk, variables: dict[str, str]) -> None:
    """Wherever its pipeline runs; the merge request is still the other project's."""
    host = desk.host(**variables)

    assert host.context.is_untrusted
    host.comments(7)
    assert desk.fake.calls[-1].path == "/api/v4/projects/42/merge_requests/7/notes"


@pytest.mark.parametrize(
    "variables",
    [
        {"CI_MERGE_REQUEST_PROJECT_ID": "../1"},
        {"CI_MERGE_REQUEST_PROJECT_ID": "", "CI_PROJECT_ID": ""},
        {"CI_API_V4_URL": "http://gitlab.example/api/v4"},
        {"CI_API_V4_URL": "https://x@gitlab.example/api/v4"},
        {"CI_COMMIT_SHA": "main"},
        {"SYNCER_GITLAB_TOKEN": f"{SECRET}\n{SECRET}"},
    ],
)
def test_variables_that_make_no_sense_are_refused(desk: Desk, variables: dict[str, str]) -> None:
    """Before anything is sent, without the token in the words."""
    with pytest.raises(SettingsError) as caught:
        desk.host(**variables)

    assert SECRET not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("url", ["http://gitlab.example/j", "https://x.example/)", "javascript:x", ""])
def test_the_link_to_the_job_is_plain_or_empty(desk: Desk, url: str) -> None:
    """It's put into markdown; so is the link to the files."""
    context = desk.host(CI_JOB_URL=url, CI_PROJECT_URL=url).context

    assert (context.run_url, context.files_url) == ("", "")


# -- notes and issues --------------------------------------------------------------------------------------------


def test_one_note_from_first_to_last(desk: Desk) -> None:
    """Created, left alone, updated, appended to; found behind pages of others, and only if it's ours."""
    desk.fake.page_size = 5
    desk.fake.say(7, "mallory", f"{MARKER.line()}\nmine")
    desk.fake.say(7, ME, f"{MARKER.line()}\nlabelled", is_system=True)
    for index in range(12):
        desk.fake.say(7, "dana", f"remark {index}")

    assert keep_comment(desk.host(), 7, MARKER, lambda _: "plan", create=True) is Posted.CREATED
    before = list(desk.fake.writes)
    assert keep_comment(desk.host(), 7, MARKER, lambda _: "plan", create=True) is Posted.UNCHANGED
    assert desk.fake.writes == before
    assert keep_comment(desk.host(), 7, MARKER, lambda _: "other", create=True) is Posted.UPDATED
    assert append_line(desk.host(), 7, "prod", "Applied") is Posted.UPDATED
    assert desk.fake.notes[7][-1].body == f"{MARKER.line()}\nother\n\n<!-- syncer:applied -->\nApplied"
    assert [one.body for one in desk.fake.notes[7][:2]] == [f"{MARKER.line()}\n{text}" for text in ("mine", "labelled")]


def test_duplicates_are_left_alone(desk: Desk) -> None:
    """A note can't be folded away: the oldest is kept up, the other one stays."""
    for text in ("one", "two"):
        desk.fake.say(7, ME, f"{MARKER.line()}\n{text}")

    assert keep_comment(desk.host(), 7, MARKER, lambda _: "now", create=True) is Posted.UPDATED
    assert [one.body.rpartition("\n")[2] for one in desk.fake.notes[7]] == ["now", "two"]


def test_a_note_that_is_too_long_is_sent_smaller(desk: Desk) -> None:
    """GitLab calls it 400."""
    desk.fake.limit = 30_000

    assert keep_comment(desk.host(), 7, MARKER, lambda n: "x" * n, create=True) is Posted.CREATED


def test_a_lost_answer_makes_no_second_note(desk: Desk) -> None:
    """The notes are listed again first."""
    desk.fake.faults.append(Fault(502, method="POST", lost=True))

    assert keep_comment(desk.host(), 7, MARKER, lambda _: "x", create=True) is Posted.CREATED
    assert len(desk.fake.notes[7]) == 1


def test_a_token_that_may_not_write_is_denied(desk: Desk) -> None:
    """Or none at all: the pipeline goes on."""
    desk.fake.read_only.add(TOKEN)

    assert keep_comment(desk.host(), 7, MARKER, lambda _: "x", create=True) is Posted.DENIED
    host = desk.host(SYNCER_GITLAB_TOKEN="")
    assert keep_comment(host, 7, MARKER, lambda _: "x", create=True) is Posted.DENIED
    assert desk.fake.writes == []


def test_one_issue_from_first_to_last(desk: Desk) -> None:
    """Opened, updated, closed with a word."""
    marker = Marker(Kind.DRIFT, "prod", HEAD, "9c41", 41_000)
    desk.fake.raise_issue("mallory", "Drift", f"{marker.line()}\nx")

    assert keep_issue(desk.host(), marker, "Drift", lambda _: "1 model") is Posted.CREATED
    assert keep_issue(desk.host(), marker, "Drift", lambda _: "1 model") is Posted.UNCHANGED
    assert keep_issue(desk.host(), marker, "Drift", lambda _: "2 models") is Posted.UPDATED
    assert keep_issue(desk.host(), marker, "", None) is Posted.CLOSED
    foreign, own = desk.fake.issues.values()
    assert (foreign.is_open, own.is_open, own.body) == (True, False, f"{marker.line()}\n2 models")
    assert "[this run](https://gitlab.com/" in desk.fake.issue_notes[own.number][0].body


# -- statuses ----------------------------------------------------------------------------------------------------


def test_a_word_for_the_later_jobs_of_a_pipeline(desk: Desk) -> None:
    """The last one of this account, of this pipeline and name, counts; it's found behind pages of others'."""
    desk.fake.page_size = 2
    host = desk.host("push", **STATUSES)
    assert host.statuses("syncer plan of prod") == []
    assert host.set_status("syncer plan of prod", "9c41") is True
    assert host.set_status("syncer plan of prod", "9c42") is True
    assert host.set_status("syncer plan of staging", "9c43") is True
    for author in ("mallory", ME):
        for _ in range(3):
            desk.fake.set_status(author, PIPELINE, "syncer plan of prod", "0000")
    other = desk.host("push", **STATUSES, CI_PIPELINE_ID=str(PIPELINE + 1))
    desk.fake.pipelines[PIPELINE + 1] = desk.fake.pipelines[PIPELINE]
    assert other.set_status("syncer plan of prod", "9c44") is True

    assert host.statuses("syncer plan of prod") == ["9c41", "9c42"]
    assert other.statuses("syncer plan of prod") == ["9c44"]
    (first, *_) = desk.fake.statuses
    assert (first.author, first.pipeline, first.state) == (BOT, PIPELINE, "success")
    assert first.target_url == "https://gitlab.com/acme/models/-/jobs/5"


def test_a_word_is_taken_whatever_stands_there(desk: Desk) -> None:
    """GitLab refuses to go from a state to the same one; what is under way is brought to its end, or a new one made."""
    host = desk.host("push", **STATUSES)
    for state, taken in (("pending", 201), ("pending", 400), ("running", 201), ("running", 400), ("pending", 400)):
        body = {"state": state, "name": "syncer plan of prod", "pipeline_id": PIPELINE}
        answer = httpx.Client(transport=httpx.WSGITransport(desk.fake)).post(
            f"http://127.0.0.1/api/v4/projects/42/statuses/{HEAD}", json=body, headers={"PRIVATE-TOKEN": STATUS}
        )
        assert answer.status_code == taken, answer.text
    assert host.statuses("syncer plan of prod") == []
    assert host.set_status("syncer plan of prod", "9c41") is True
    assert host.set_status("syncer plan of prod", "9c41") is True

    assert host.statuses("syncer plan of prod") == ["9c41", "9c41"]
    assert [one.state for one in desk.fake.statuses] == ["success", "success"]


def test_no_other_pipeline_is_vouched_for(desk: Desk) -> None:
    """A merge request's and a branch's come to no apply, and nobody is asked."""
    for host in (desk.host(**STATUSES), desk.host("push", **STATUSES, CI_COMMIT_BRANCH="refunds")):
        assert host.set_status("syncer plan of prod", "9c41") is False
        assert host.statuses("syncer plan of prod") == []
    assert desk.fake.calls == []


@pytest.mark.parametrize("token", ["", TOKEN, "glpat-expired"])
def test_without_a_token_for_statuses_nothing_is_vouched_for(desk: Desk, token: str) -> None:
    """None, one that may not, one that has expired: setting says what is missing, and reading finds nothing."""
    desk.fake.reporters.add(TOKEN)
    host = desk.host("push", SYNCER_GITLAB_STATUS_TOKEN=token)
    with pytest.raises(HostError) as caught:
        host.set_status("syncer plan of prod", "9c41")
    assert caught.value.is_denied
    assert "SYNCER_GITLAB_STATUS_TOKEN" in caught.value.hint
    assert digest_status.published_digest(host, "prod") == ""


@pytest.mark.parametrize(
    "row",
    [
        {"pipeline_id": None},
        {"pipeline_id": str(9041)},
        {"sha": "e" * 40},
        {"status": "failed"},
        {"status": "running"},
        {"author": None},
        {"author": {"username": None}},
        {"name": "SYNCER PLAN OF PROD"},
        {"id": "7"},
        {"description": None},
        {"description": "9c41" * 17},
        {"description": f"{'9c41' * 16}\n"},
    ],
)
def test_a_status_that_is_anything_else_does_not_count(desk: Desk, row: dict[str, object]) -> None:
    """An older GitLab heeds not every filter and names no pipeline; a description may be anybody's."""
    good = {"id": 7, "sha": HEAD, "status": "success", "name": "syncer plan of prod", "pipeline_id": PIPELINE}
    good |= {"author": {"username": BOT}, "description": "9c41" * 16}
    for listed, found in (([good], "9c41" * 16), ([good | row], "")):
        body = json.dumps(listed)
        desk.fake.faults.append(Fault(200, {"content-type": "application/json"}, body, path="/statuses"))
        assert digest_status.published_digest(desk.host("push", **STATUSES), "prod") == found


# -- requests ----------------------------------------------------------------------------------------------------


def test_over_a_real_connection(desk: Desk) -> None:
    """As in a job, but on loopback."""
    with serving(desk.fake) as url:
        host = detect(desk.fake.variables(url))
        assert host is not None

        assert host.comments(7) == []
        assert host.whoami() == ME


def test_who_we_are_must_be_known(desk: Desk) -> None:
    """Else nothing is edited."""
    desk.fake.faults.append(Fault(200, {"content-type": "application/json"}, "{}"))

    with pytest.raises(HostError, match="who this token belongs to"):
        desk.host().whoami()


def test_the_token_goes_into_one_header_and_into_no_error(desk: Desk) -> None:
    """Not even when the server repeats it."""
    fault = Fault(400, {"content-type": "application/json"}, json.dumps({"message": {"base": [f"no {SECRET}"]}}))
    desk.fake.faults.append(fault)

    with pytest.raises(HostError, match="sensitive value") as caught:
        desk.host(SYNCER_GITLAB_TOKEN=SECRET).comments(7)

    assert SECRET not in f"{caught.value}{caught.value.hint}"
    [call] = desk.fake.calls
    headers = {name.lower(): value for name, value in call.headers.items()}
    assert headers.pop("private-token") == SECRET
    assert SECRET not in f"{call.path}{call.query}{call.body}{headers}"


@pytest.mark.parametrize(
    ("headers", "waited"), [({"retry-after": "7"}, 7.0), ({"ratelimit-reset": "1"}, 1.0), ({}, 60.0)]
)
def test_it_waits_as_told(desk: Desk, headers: dict[str, str], waited: float) -> None:
    """By seconds, until a time, or a minute."""
    desk.fake.faults.append(Fault(429, headers))

    assert desk.host().comments(7) == []
    assert desk.slept == [waited]


@pytest.mark.parametrize(("status", "word"), [(401, "expired"), (403, "scope"), (404, "may not see"), (409, "")])
def test_a_refusal_says_what_to_do(desk: Desk, status: int, word: str) -> None:
    """Where it's known."""
    desk.fake.faults.append(Fault(status, method="POST"))

    with pytest.raises(HostError) as caught:
        desk.host().add_comment(7, "x")

    assert word in caught.value.hint
    assert desk.fake.writes == []


def test_pages_that_never_end_are_left(desk: Desk) -> None:
    """Half a list would be worse than an error."""
    desk.fake.page_size = 1
    for _ in range(102):
        desk.fake.say(7, "dana", "x")

    with pytest.raises(HostError, match="more than 100 pages"):
        desk.host().comments(7)


def test_a_creation_that_cannot_be_read_may_have_happened(desk: Desk) -> None:
    """Status 0 makes whoever asked look again."""
    desk.fake.faults.append(Fault(201, {}, "{}", method="POST"))

    with pytest.raises(HostError) as caught:
        desk.host().add_comment(7, "x")

    assert caught.value.status == 0


def test_the_merge_requests_of_a_commit(desk: Desk) -> None:
    """Open and merged ones that go to this project."""
    desk.fake.requests_of[HEAD] = [
        {"iid": 9, "state": "merged", "target_project_id": 42},
        {"iid": 7, "state": "opened", "target_project_id": 42},
        {"iid": 6, "state": "closed", "target_project_id": 42},
        {"iid": 5, "state": "opened", "target_project_id": 43},
    ]

    assert desk.host("push").pull_requests_of(HEAD) == [7, 9]
    with pytest.raises(HostError, match="commit"):
        desk.host("push").pull_requests_of("main")


def test_the_head_of_a_branch(desk: Desk) -> None:
    """Slashes are part of its name; what git wouldn't take isn't asked."""
    desk.fake.branches = {"release/1.0": HEAD}

    assert desk.host("push").head_of("release/1.0") == HEAD
    for name in ("gone", "../x", "a/../../x"):
        with pytest.raises(HostError):
            desk.host("push").head_of(name)


def test_what_gitlab_lacks_is_nothing(desk: Desk) -> None:
    """No summary, no masks, no outputs, no runs after runs; but a bad output is a mistake everywhere."""
    host = desk.host()
    host.add_summary("x")
    host.set_outputs({"digest": "9c41"})

    assert host.mask_lines(["secret"]) == []
    assert host.pull_request_of_run() is None
    with pytest.raises(ValueError, match="plain short word"):
        host.set_outputs({"digest": "a\nb"})


def test_an_issue_is_closed_even_if_its_last_word_is_not_taken(desk: Desk) -> None:
    """Closing is what counts."""
    host = desk.host()
    issue = host.open_issue("Drift", "x")
    desk.fake.faults.append(Fault(422, method="POST", path="/notes"))
    host.close_issue(issue, "Nothing differs any more.")

    assert not desk.fake.issues[issue.id].is_open
    assert desk.fake.issue_notes[issue.id] == []
