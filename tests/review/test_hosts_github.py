"""GitHub at the edge: what an event means, what is asked, what is waited for, and where the token goes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fake_github import EVENTS, MERGE, TOKEN, FakeGitHub, Fault
from hypothesis import given
from hypothesis import strategies as st
from wsgi import serving

from syncer.errors import HostError, SettingsError
from syncer.review.host import Note
from syncer.review.hosts import detect
from syncer.review.hosts.github import GitHub
from syncer.review.marker import Kind, Marker
from syncer.review.posting import Posted, keep_comment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONG = "ghs_" + "k3yAnd0therk3y"


def sha(name: str) -> str:
    """The commits of tests/events."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Desk:
    """A run on the fake, and how long it has waited."""

    fake: FakeGitHub
    folder: Path
    slept: list[float] = field(default_factory=list)

    def host(self, event: str | Path | dict[str, Any] = "pull_request", name: str = "", **more: str) -> GitHub:
        own = self.fake.variables("http://127.0.0.1", self.folder, event, name) | more
        host = detect(own, sleep=self.slept.append, transport=httpx.WSGITransport(self.fake))
        assert isinstance(host, GitHub)
        return host


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(FakeGitHub(), tmp_path)


# -- events ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pull_request", ("change", 7, sha("refunds"), sha("main"), False, "main")),
        ("pull_request_edited_base", ("change", 7, sha("refunds"), sha("release"), False, "release")),
        ("pull_request_fork", ("change", 8, sha("patch"), sha("main"), True, "main")),
        ("pull_request_deleted_fork", ("change", 9, sha("patch"), sha("main"), True, "main")),
        ("pull_request_dependabot", ("change", 10, sha("dependabot"), sha("main"), True, "main")),
        ("push", ("push", None, sha("merged"), sha("main"), False, "main")),
        ("merge_group", ("queue", None, sha("queued"), sha("main"), False, "main")),
        ("workflow_run", ("follow-up", None, sha("patch"), "", False, "main")),
    ],
)
def test_what_an_event_is_about(desk: Desk, name: str, expected: tuple[Any, ...]) -> None:
    """Every event that brings a commit of its own, forks and Dependabot among them: never the checked-out merge."""
    made = desk.host(name).context

    assert (made.event, made.number, made.head_sha, made.base_sha, made.is_untrusted, made.branch) == expected
    assert MERGE not in expected


@pytest.mark.parametrize(("name", "event"), [("schedule", "schedule"), ("workflow_dispatch", "manual")])
def test_runs_that_nobody_pushed(desk: Desk, name: str, event: str) -> None:
    """A timer and a hand: the commit is the one that is checked out."""
    context = desk.host(name).context

    assert (context.event, context.number, context.is_untrusted) == (event, None, False)
    assert (context.head_sha, context.base_sha, context.branch) == (MERGE, "", "main")


def test_an_unknown_event_is_started_by_hand(desk: Desk) -> None:
    """Whatever GitHub invents: the checked-out commit, no pull request, even if the file has one."""
    context = desk.host("pull_request", "issue_comment").context

    assert (context.event, context.number, context.head_sha) == ("manual", None, MERGE)


def test_a_new_branch_has_no_commit_before(desk: Desk) -> None:
    """Zeros are none."""
    data = json.loads((EVENTS / "push.json").read_text("utf-8")) | {"before": "0" * 40}

    assert desk.host(data, "push").context.base_sha == ""


def test_a_deleted_branch_has_no_commit_after(desk: Desk) -> None:
    """Then the commit is the one that is checked out."""
    data = json.loads((EVENTS / "push.json").read_text("utf-8")) | {"after": "0" * 40}

    assert desk.host(data, "push", GITHUB_SHA="e" * 40).context.head_sha == "e" * 40


def test_a_push_to_another_branch_is_that_branch(desk: Desk) -> None:
    """With slashes, too; a tag is no branch."""
    data = json.loads((EVENTS / "push.json").read_text("utf-8"))

    assert desk.host(data, "push", GITHUB_REF="refs/heads/release/1.0").context.branch == "release/1.0"
    assert desk.host(data, "push", GITHUB_REF="refs/tags/v1").context.branch == "main"


def test_dependabot_is_known_by_who_acts(desk: Desk) -> None:
    """Its own push and a run that it set off have no secrets."""
    assert desk.host("push", GITHUB_ACTOR="dependabot[bot]").context.is_untrusted
    assert not desk.host("workflow_run", GITHUB_ACTOR="dependabot[bot]").context.is_untrusted


def test_the_repositorys_case_makes_no_fork(desk: Desk) -> None:
    """GitHub's names don't distinguish it."""
    assert not desk.host(GITHUB_REPOSITORY="Acme/Models").context.is_untrusted


@pytest.mark.parametrize(
    ("earlier", "later"),
    [({"run": 41, "attempt": 2}, {"run": 42, "attempt": 1}), ({"run": 41, "attempt": 1}, {"run": 41, "attempt": 2})],
)
def test_later_runs_have_larger_numbers(desk: Desk, earlier: dict[str, int], later: dict[str, int]) -> None:
    """By number, then by attempt."""
    runs = []
    for numbers in (earlier, later):
        own = desk.fake.variables("http://127.0.0.1", desk.folder, run=numbers["run"], attempt=numbers["attempt"])
        host = detect(own)
        assert host is not None
        runs.append(host.context.run)

    assert runs[0] < runs[1]


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://github.com/acme/models/actions/runs/30000041"),
        (
            {"GITHUB_SERVER_URL": "https://git.example:8443/"},
            "https://git.example:8443/acme/models/actions/runs/30000041",
        ),
        ({"GITHUB_SERVER_URL": "http://127.0.0.1:80"}, ""),
        ({"GITHUB_SERVER_URL": "https://evil.example/x)](javascript:alert"}, ""),
        ({"GITHUB_SERVER_URL": "https://user@evil.example"}, ""),
        ({"GITHUB_RUN_ID": "12\n"}, ""),
        ({"GITHUB_RUN_ID": ""}, ""),
    ],
)
def test_the_link_to_the_run_is_plain_or_empty(desk: Desk, variables: dict[str, str], url: str) -> None:
    """It's put into markdown, so nothing but an https address may come out; so with the link to the files."""
    context = desk.host(**variables).context
    server = variables.get("GITHUB_SERVER_URL", "https://github.com")
    is_plain = url or "GITHUB_SERVER_URL" not in variables
    files = f"{server.rstrip('/')}/acme/models/blob/{context.head_sha}" if is_plain else ""

    assert (context.run_url, context.files_url) == (url, files)


def test_pull_request_target_is_refused(desk: Desk) -> None:
    """It would give a stranger's change this repository's secrets."""
    with pytest.raises(SettingsError, match="pull_request_target") as caught:
        desk.host("pull_request_fork", "pull_request_target")

    assert "pull_request" in caught.value.hint


def test_outside_of_ci_there_is_no_host() -> None:
    """And httpx isn't even loaded for the question."""
    assert detect({}) is None
    assert detect({"GITHUB_ACTIONS": "false", "GITLAB_CI": ""}) is None
    code = "import sys; from syncer.review.hosts import detect; detect({}); print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# -- hostile event files -----------------------------------------------------------------------------------------

_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


def _paths(data: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(data, dict):
        return [path]
    return [path, *(one for key, inner in data.items() for one in _paths(inner, (*path, key)))]


_FILES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(EVENTS.glob("*.json"))}


@given(stem=st.sampled_from(sorted(_FILES)), data=st.data())
def test_any_event_file_is_understood_or_refused(
    tmp_path_factory: pytest.TempPathFactory, stem: str, data: st.DataObject
) -> None:
    """Whatever stands at whichever place: a context of well-formed values, or an error that can be read."""
    event = json.loads(json.dumps(_FILES[stem]))
    *parents, last = data.draw(st.sampled_from([path for path in _paths(event) if path]))
    place = event
    for key in parents:
        place = place[key]
    if data.draw(st.booleans()):
        del place[last]
    else:
        place[last] = data.draw(_ANY)
    desk = Desk(FakeGitHub(), tmp_path_factory.getbasetemp())
    path = desk.folder / "event.json"
    path.write_text(json.dumps(event), "utf-8")
    host = _host_or_words(desk, stem, path)
    if host is None:
        return
    context = host.context

    assert len(context.head_sha) == 40
    assert len(context.base_sha) in {0, 40}
    assert context.number is None or context.number > 0
    assert context.branch.isprintable()
    assert host.pull_request_of_run() is None


def _host_or_words(desk: Desk, stem: str, path: Path) -> GitHub | None:
    try:
        return desk.host(stem, GITHUB_EVENT_PATH=str(path))
    except SettingsError as error:
        if not error.hint:
            raise
        return None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b'{"number":' + b"9" * 10_000 + b"}",
        b"{}",
        b'{"pull_request": []}',
        b'{"pull_request": {"number": 7, "head": {"sha": "main"}}}',
    ],
)
def test_a_broken_event_file_is_a_sentence(desk: Desk, content: bytes) -> None:
    """Never a traceback."""
    path = desk.folder / "broken.json"
    path.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        desk.host(GITHUB_EVENT_PATH=str(path))

    assert caught.value.hint


def test_an_event_file_has_its_size(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than GitHub ever writes isn't read."""
    monkeypatch.setattr("syncer.review.hosts.github_event._LARGEST_EVENT", 10)

    with pytest.raises(SettingsError, match="larger"):
        desk.host()


def test_an_event_file_is_a_file(desk: Desk) -> None:
    """A pipe would be waited for; a folder, a name with a zero and nothing at all aren't files either."""
    pipe = desk.folder / "pipe"
    os.mkfifo(pipe)
    for path in (str(pipe), str(desk.folder), "a\0b", str(desk.folder / "missing")):
        with pytest.raises(SettingsError):
            desk.host(GITHUB_EVENT_PATH=path)


def test_no_event_file_is_no_pull_request(desk: Desk) -> None:
    """Someone runs it with two variables: the checked-out commit, by hand."""
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/models", "GITHUB_SHA": "e" * 40}
    host = detect(variables)

    assert host is not None
    assert (host.context.event, host.context.head_sha, host.context.run) == ("manual", "e" * 40, 0)


@pytest.mark.parametrize(
    "variables",
    [
        {"GITHUB_REPOSITORY": "acme"},
        {"GITHUB_REPOSITORY": "../models"},
        {"GITHUB_REPOSITORY": "acme/.."},
        {"GITHUB_REPOSITORY": "acme/models/../../x"},
        {"GITHUB_REPOSITORY": "acme/models\n"},
        {"GITHUB_API_URL": "http://api.example"},
        {"GITHUB_API_URL": "https://user:pass@api.example"},
        {"GITHUB_API_URL": "https://api.example/?x"},
        {"GITHUB_API_URL": "ftp://api.example"},
        {"GITHUB_GRAPHQL_URL": "http://127.0.0.1.evil.example/graphql"},
        {"GITHUB_TOKEN": f"{LONG}\nX: y"},
        {"GITHUB_TOKEN": f"{LONG} two"},
        {"GITHUB_TOKEN": f"{LONG}é"},
    ],
)
def test_variables_that_make_no_sense_are_refused(desk: Desk, variables: dict[str, str]) -> None:
    """Before anything is sent, and without the token in the words."""
    with pytest.raises(SettingsError) as caught:
        desk.host(**variables)

    assert LONG not in f"{caught.value} {caught.value.hint}"
    assert next(iter(variables)) in str(caught.value)


# -- requests ----------------------------------------------------------------------------------------------------


def test_an_enterprise_server_has_other_paths(desk: Desk) -> None:
    """REST below /api/v3, GraphQL at /api/graphql: told by variables, and without them."""
    desk.fake = FakeGitHub(api="/api/v3", graphql="/api/graphql")
    marker = Marker(Kind.PLAN, "prod", "", "", 1)

    assert keep_comment(desk.host(), 7, marker, lambda _: "x", create=True) is Posted.CREATED
    assert desk.host(GITHUB_GRAPHQL_URL="").whoami() == "github-actions[bot]"
    assert {call.path for call in desk.fake.calls} == {"/api/graphql", "/api/v3/repos/acme/models/issues/7/comments"}


def test_github_com_is_what_no_variable_says(tmp_path: Path) -> None:
    """The public addresses are the defaults."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"data": {"viewer": {"login": "dana"}}})

    variables = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "e" * 40, "GITHUB_TOKEN": "t"}
    host = detect(variables, transport=_streaming(answer))

    assert host is not None
    assert host.whoami() == "dana"
    assert asked == ["https://api.github.com/graphql"]


def _streaming(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    """A transport whose answers are unread, as a network's are."""

    def unread(request: httpx.Request) -> httpx.Response:
        given_ = answer(request)
        return httpx.Response(given_.status_code, headers=given_.headers, stream=httpx.ByteStream(given_.content))

    return httpx.MockTransport(unread)


def test_over_a_real_connection(desk: Desk) -> None:
    """As in a job, but on loopback: a proxy of the environment isn't asked."""
    with serving(desk.fake) as url:
        host = detect(desk.fake.variables(url, desk.folder))
        assert host is not None
        created = host.add_comment(7, "é\U0001f600")

        assert host.comments(7) == [created]
        assert created.body == "é\U0001f600"


@pytest.mark.parametrize("base", ["https://evil.example", "http://127.0.0.1:81", "http://127.0.0.1@evil.example"])
def test_a_next_page_elsewhere_is_refused(desk: Desk, base: str) -> None:
    """The token isn't sent after a link that leads away, nor is the half list taken for the whole."""
    desk.fake.page_size, desk.fake.next_base = 1, base
    for _ in range(2):
        desk.fake.say(7, "dana", "x")

    with pytest.raises(HostError, match="outside its API") as caught:
        desk.host().comments(7)

    assert caught.value.hint
    assert len(desk.fake.calls) == 1


def test_pages_that_never_end_are_left(desk: Desk) -> None:
    """A hundred pages are enough for anyone; half a list would be worse than an error."""
    desk.fake.page_size = 1
    for _ in range(102):
        desk.fake.say(7, "dana", "x")

    with pytest.raises(HostError, match="more than 100 pages"):
        desk.host().comments(7)


def test_a_redirect_is_not_followed(desk: Desk) -> None:
    """Wherever it leads, the token stays."""
    desk.fake.faults.append(Fault(301, {"location": "https://evil.example/"}))

    with pytest.raises(HostError, match="redirects to https://evil.example/"):
        desk.host().comments(7)

    assert len(desk.fake.calls) == 1


def test_rows_that_are_none_are_left_out(desk: Desk) -> None:
    """An answer of another shape than GitHub's own finds nothing, and fails nothing."""
    body = json.dumps([None, 1, {}, {"id": "7"}, {"id": True}, {"id": 5, "user": None, "body": None}])
    desk.fake.faults.append(Fault(200, {"content-type": "application/json"}, body))

    assert desk.host().comments(7) == [Note(5, "", "")]


@pytest.mark.parametrize("body", ["<html>", "{", "[" * 100_000, "NaN"])
def test_an_answer_that_is_no_json_is_an_error(desk: Desk, body: str) -> None:
    """Read again first, as it may be a proxy's; then said."""
    desk.fake.faults += [Fault(200, {}, body)] * 5

    with pytest.raises(HostError, match="not JSON"):
        desk.host().comments(7)


def test_an_answer_without_end_is_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound counts what came."""
    monkeypatch.setattr("syncer.review.hosts.http._LARGEST_ANSWER", 10)
    desk.fake.say(7, "dana", "x" * 100)

    with pytest.raises(HostError, match="too large"):
        desk.host().comments(7)


@pytest.mark.parametrize("text", ["{}", '{"id": "x"}', ""])
def test_a_creation_that_cannot_be_read_may_have_happened(desk: Desk, text: str) -> None:
    """Its status is 0, so that whoever asked looks again."""
    desk.fake.faults.append(Fault(201, {}, text, method="POST"))

    with pytest.raises(HostError) as caught:
        desk.host().add_comment(7, "x")

    assert caught.value.status == 0


def test_a_text_that_is_no_unicode_is_not_sent(desk: Desk) -> None:
    """Half a surrogate pair: an error in words."""
    with pytest.raises(HostError, match="malformed"):
        desk.host().add_comment(7, "\ud800")


# -- waiting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (Fault(429, {"retry-after": "7"}), 7.0),
        (Fault(403, {"retry-after": "7"}), 7.0),
        (Fault(429), 60.0),
        (
            Fault(403, {"content-type": "application/json"}, '{"message": "You have exceeded a secondary rate limit"}'),
            60.0,
        ),
        (Fault(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), 60.0),
        (Fault(502), 1.0),
    ],
)
def test_it_waits_as_told(desk: Desk, fault: Fault, waited: float) -> None:
    """By seconds, or a minute where GitHub says nothing."""
    desk.fake.faults.append(fault)

    assert desk.host().comments(7) == []
    assert desk.slept == [waited]


def test_it_waits_until_the_rate_is_reset(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is given in seconds of the epoch."""
    monkeypatch.setattr("time.time", lambda: 1_000.0)
    desk.fake.faults.append(Fault(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1042"}))

    assert desk.host().comments(7) == []
    assert desk.slept == [42.0]


def test_a_create_that_was_held_back_is_sent_again(desk: Desk) -> None:
    """A rate's refusal carried nothing out."""
    desk.fake.faults.append(Fault(403, {"retry-after": "7"}, method="POST"))
    desk.host().add_comment(7, "x")

    assert desk.slept == [7.0]
    assert len(desk.fake.comments[7]) == 1


def test_pauses_grow_and_have_an_end(desk: Desk) -> None:
    """Without a word from GitHub each is twice as long; after five minutes in all it's an error, and not a denial."""
    desk.fake.faults += [Fault(429)] * 9

    with pytest.raises(HostError) as caught:
        desk.host().comments(7)

    assert desk.slept == [60.0, 120.0]
    assert "5 minutes" in caught.value.hint
    assert not caught.value.is_denied


def test_an_hour_is_not_waited(desk: Desk) -> None:
    """The job would cost more than its comment; a rate that is called 403 is no missing permission."""
    desk.fake.faults.append(Fault(403, {"retry-after": "3600"}))

    with pytest.raises(HostError, match="403") as caught:
        desk.host().comments(7)

    assert desk.slept == []
    assert not caught.value.is_denied


def test_a_get_is_tried_five_times(desk: Desk) -> None:
    """Then the error says what was asked."""
    desk.fake.faults += [Fault(503)] * 9

    with pytest.raises(HostError, match="GET /repos/acme/models/issues/7/comments failed \\(503\\)"):
        desk.host().comments(7)

    assert desk.slept == [1.0, 2.0, 4.0, 8.0]


def test_an_edit_is_tried_again(desk: Desk) -> None:
    """The same text twice is the same text."""
    note = desk.host().add_comment(7, "x")
    desk.fake.faults.append(Fault(502, method="PATCH", lost=True))
    desk.host().edit_comment(7, note, "y")

    assert [one.body for one in desk.fake.comments[7]] == ["y"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_create_is_never_repeated_blindly(desk: Desk, status: int) -> None:
    """It may have been carried out."""
    desk.fake.faults.append(Fault(status, method="POST", lost=True))

    with pytest.raises(HostError) as caught:
        desk.host().add_comment(7, "x")

    assert caught.value.status == status
    assert len(desk.fake.comments[7]) == 1
    assert desk.slept == []


@pytest.mark.parametrize(
    ("error", "tries"), [(httpx.ReadTimeout("x"), 1), (httpx.ReadError("x"), 1), (httpx.ConnectError("x"), 5)]
)
def test_a_create_without_an_answer(desk: Desk, error: Exception, tries: int) -> None:
    """Only what can't have arrived is sent again."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise error

    host = GitHub(
        desk.fake.variables("http://127.0.0.1", desk.folder),
        sleep=desk.slept.append,
        transport=httpx.MockTransport(answer),
    )
    with pytest.raises(HostError) as caught:
        host.add_comment(7, "x")

    assert len(sent) == tries
    assert caught.value.status == 0


# -- the token ---------------------------------------------------------------------------------------------------


def test_the_token_goes_into_one_header_and_nowhere_else(desk: Desk) -> None:
    """Not into an address, a body or another header."""
    desk.fake.tokens[LONG] = "github-actions[bot]"
    host = desk.host(GITHUB_TOKEN=LONG)
    note = host.add_comment(7, "x")
    host.edit_comment(7, note, "y")
    host.hide_comment(note)
    host.issues()

    assert len(desk.fake.calls) == 5
    for call in desk.fake.calls:
        headers = dict(call.headers)
        assert headers.pop("Authorization") == f"Bearer {LONG}"
        assert LONG not in f"{call.path}{call.query}{call.body}{headers}"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(400, {"content-type": "application/json"}, json.dumps({"message": f"bad header Bearer {LONG}"})),
        Fault(422, {"content-type": "application/json"}, json.dumps({"message": "x", "errors": [{"token": LONG}]})),
        Fault(302, {"location": f"https://x.example/?{LONG}"}),
        Fault(401),
        Fault(418, {}, LONG),
    ],
)
def test_no_error_shows_the_token(desk: Desk, fault: Fault) -> None:
    """Not even when the server repeats it."""
    desk.fake.faults.append(fault)
    host = desk.host(GITHUB_TOKEN=LONG)

    with pytest.raises(HostError) as caught:
        host.comments(7)

    error = caught.value
    shown = [str(error), error.hint, repr(error), repr(error.__cause__), repr(error.__context__), repr(vars(host))]
    assert LONG not in "".join(shown)


def test_no_error_of_the_network_shows_the_token(desk: Desk) -> None:
    """What the library below says of a header may be the header."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value {request.headers['authorization']}")

    host = GitHub(
        desk.fake.variables("http://127.0.0.1", desk.folder, token=LONG),
        sleep=desk.slept.append,
        transport=httpx.MockTransport(answer),
    )
    with pytest.raises(HostError) as caught:
        host.comments(7)

    error: BaseException | None = caught.value
    while error is not None:
        assert LONG not in f"{error!r}"
        error = error.__cause__ or error.__context__


def test_what_a_host_says_is_one_short_line(desk: Desk) -> None:
    """Its words end in a log: no line ends, no control characters, no page."""
    words = json.dumps({"message": "a\n::error::b\x1b[31m\u202e" + "x" * 10_000})
    desk.fake.faults.append(Fault(422, {"content-type": "application/json"}, words))

    with pytest.raises(HostError) as caught:
        desk.host().comments(7)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_a_token_that_may_not_is_told_what_it_lacks(desk: Desk) -> None:
    """The permission's name stands in the hint."""
    desk.fake.read_only.add(TOKEN)

    with pytest.raises(HostError, match="Resource not accessible by integration") as caught:
        desk.host().add_comment(7, "x")

    assert caught.value.is_denied
    assert "pull-requests: write" in caught.value.hint


def test_a_missing_token_is_told(desk: Desk) -> None:
    """It's no traceback, and nothing is sent."""
    with pytest.raises(HostError, match="no token") as caught:
        desk.host(GITHUB_TOKEN="").whoami()

    assert caught.value.is_denied
    assert "GITHUB_TOKEN" in caught.value.hint
    assert desk.fake.calls == []


def test_who_we_are_is_asked_once(desk: Desk) -> None:
    """One question a run; a person is told from an app of that name."""
    host = desk.host()

    assert host.whoami() == host.whoami() == "github-actions[bot]"
    assert len(desk.fake.calls) == 1

    desk.fake.tokens["ghp_dana"] = "Dana"

    assert desk.host(GITHUB_TOKEN="ghp_dana").whoami() == "dana"


def test_an_error_of_graphql_is_an_error(desk: Desk) -> None:
    """It answers 200 to everything."""
    body = json.dumps({"data": None, "errors": [{"type": "RATE_LIMITED", "message": "x"}]})
    desk.fake.faults.append(Fault(200, {"content-type": "application/json"}, body))

    with pytest.raises(HostError, match="RATE_LIMITED"):
        desk.host().whoami()


# -- commits -----------------------------------------------------------------------------------------------------


def test_the_pull_requests_of_a_commit(desk: Desk) -> None:
    """Open and merged ones that go to this repository; a closed one and a fork's own aren't."""
    merged = sha("merged")
    desk.fake.pull(9, "1" * 40, state="closed", is_merged=True, commits=[merged])
    desk.fake.pull(7, "2" * 40, commits=[merged])
    desk.fake.pull(6, "3" * 40, state="closed", commits=[merged])
    desk.fake.pull(5, "4" * 40, base="stranger/models", commits=[merged])

    assert desk.host("push").pull_requests_of(merged) == [7, 9]
    assert desk.host("push").pull_requests_of("5" * 40) == []


def test_the_head_of_a_branch(desk: Desk) -> None:
    """Slashes are part of its name; what git wouldn't take isn't asked."""
    desk.fake.branches = {"main": "1" * 40, "release/1.0": "2" * 40, "odd": "no commit"}
    host = desk.host("push")

    assert host.head_of("main") == "1" * 40
    assert host.head_of("release/1.0") == "2" * 40
    for name, what in {
        "gone": "404",
        "odd": "no commit",
        "": "no branch",
        "../../x": "no branch",
        "a/../../x": "no branch",
    }.items():
        with pytest.raises(HostError, match=what):
            host.head_of(name)


@pytest.mark.parametrize("text", ["", "main", "../x", "A" * 40, "1" * 41])
def test_only_a_commit_is_asked_for(desk: Desk, text: str) -> None:
    """What goes into a path has the form that belongs there."""
    with pytest.raises(HostError, match="commit"):
        desk.host().pull_requests_of(text)

    assert desk.fake.calls == []


@pytest.mark.parametrize(
    ("pulls", "number"),
    [
        ([], None),
        ([(8, "patch", "stranger:patch-1", {})], 8),
        ([(8, "moved on", "stranger:patch-1", {})], None),
        ([(8, "patch", "other:patch-1", {})], None),
        ([(8, "patch", "stranger:patch-2", {})], None),
        ([(8, "patch", "stranger:patch-1", {"state": "closed"})], None),
        ([(8, "patch", "stranger:patch-1", {"base": "stranger/models"})], None),
        ([(8, "patch", "stranger:patch-1", {}), (9, "patch", "stranger:patch-1", {})], None),
        ([(8, "patch", "stranger:patch-1", {}), (9, "moved on", "stranger:patch-1", {})], 8),
    ],
)
def test_the_change_of_a_run(desk: Desk, pulls: list[tuple[int, str, str, dict[str, Any]]], number: int | None) -> None:
    """Exactly one open pull request, from there, to here, whose head is still that commit; else none."""
    for known, commit, head, more in pulls:
        desk.fake.pull(known, sha(commit), head, **more)

    assert desk.host("workflow_run").pull_request_of_run() == number


def test_only_a_follow_up_has_a_change_to_look_for(desk: Desk) -> None:
    """Other events know theirs."""
    assert desk.host("pull_request").pull_request_of_run() is None
    assert desk.fake.calls == []


# -- the run's files ---------------------------------------------------------------------------------------------


def test_the_summary_is_added_to(desk: Desk) -> None:
    """In UTF-8, whatever stands there."""
    host = desk.host()
    host.add_summary("# é\U0001f600")
    host.add_summary("more\ud800")

    assert (desk.folder / "github_step_summary").read_bytes() == "# é\U0001f600\nmore\\ud800\n".encode()


def test_a_summary_that_is_too_large_says_so(desk: Desk) -> None:
    """GitHub would drop all of it; what stood there stays."""
    host = desk.host()
    host.add_summary("first")
    host.add_summary("x" * 1024 * 1024)
    text = (desk.folder / "github_step_summary").read_text("utf-8")

    assert text.startswith("first\n")
    assert "the job's log has it" in text
    assert len(text) < 1000


def test_outputs_are_plain_words_between_random_lines(desk: Desk) -> None:
    """No value can end its own block."""
    host = desk.host()
    host.set_outputs({"has_changes": "true", "digest": "9c41"})
    lines = (desk.folder / "github_output").read_text("utf-8").splitlines()

    assert lines[0] == f"has_changes<<{lines[2]}"
    assert lines[1] == "true"
    assert lines[3:] == [f"digest<<{lines[5]}", "9c41", lines[5]]
    assert len({lines[2], lines[5]}) == 2
    assert len(lines[2]) == 32


@pytest.mark.parametrize("value", ["a\nb", "a b", "A", "é", "x" * 65, "true\n", "${{ x }}", "a=b", "/etc"])
def test_an_output_that_is_no_plain_word_is_refused(desk: Desk, value: str) -> None:
    """Neither as a value nor as a name; nothing is written then."""
    host = desk.host()
    for values in ({"ok": "1", "name": value}, {"ok": "1", value: "1"}):
        with pytest.raises(ValueError, match="plain short word"):
            host.set_outputs(values)

    assert (desk.folder / "github_output").read_bytes() == b""


def test_without_files_there_is_nothing_to_write(desk: Desk) -> None:
    """A run at a desk with GitHub's variables; a file that can't be written is told."""
    host = desk.host(GITHUB_OUTPUT="", GITHUB_STEP_SUMMARY="")
    host.add_summary("x")
    host.set_outputs({"a": "b"})

    with pytest.raises(HostError, match="GITHUB_STEP_SUMMARY"):
        desk.host(GITHUB_STEP_SUMMARY="a\0b").add_summary("x")
    with pytest.raises(HostError, match="GITHUB_OUTPUT"):
        desk.host(GITHUB_OUTPUT=str(desk.folder)).set_outputs({"a": "b"})
    with pytest.raises(HostError, match="GITHUB_STEP_SUMMARY"):
        desk.host(GITHUB_STEP_SUMMARY=str(desk.folder)).add_summary("x")


def test_masks_cover_values_and_their_lines(desk: Desk) -> None:
    """A short one would blank the log, so it isn't masked."""
    lines = desk.host().mask_lines(["100%", "abc", "one line\nxy\ntwo:line", "", "100%"])

    assert lines == [
        "::add-mask::100%25",
        "::add-mask::one line%0Axy%0Atwo:line",
        "::add-mask::one line",
        "::add-mask::two:line",
    ]


def test_an_issue_is_closed_even_if_its_last_word_is_not_taken(desk: Desk) -> None:
    """Closing is what counts."""
    host = desk.host()
    issue = host.open_issue("Drift", "x")
    desk.fake.faults.append(Fault(422, method="POST", path="/comments"))
    host.close_issue(issue, "Nothing differs any more.")

    assert not desk.fake.issues[issue.id].is_open
    assert desk.fake.comments[issue.id] == []


@pytest.mark.parametrize(("status", "word"), [(401, "expired"), (404, "permissions"), (410, "switched off"), (418, "")])
def test_a_refusal_says_what_to_do(desk: Desk, status: int, word: str) -> None:
    """Where it's known."""
    desk.fake.faults.append(Fault(status))

    with pytest.raises(HostError) as caught:
        desk.host().comments(7)

    assert word in caught.value.hint
