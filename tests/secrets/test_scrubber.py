"""Foreign text: no secret of the run passes, in whatever form, and what isn't secret stays readable."""

from __future__ import annotations

import json
from random import Random

import httpx
import pytest
from builders import TARGET, resource
from hypothesis import given
from hypothesis import strategies as st
from spellings import SPELLINGS

from syncer.errors import ApiError, HostError
from syncer.live.api import Api
from syncer.live.session import Session
from syncer.model import Credentials
from syncer.review.hosts import detect
from syncer.secrets import SENSITIVE, Secret
from syncer.secrets.scrubber import Scrubber, Watch, held

CANARY = 'tök-"Canary"/7+9f3kq==x'
LONG = f"eyJhbGciOiJIUzI1NiJ9.{'Y2FuYXJ5' * 40}.end"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_found_however_it_is_written(spelling: str) -> None:
    """Nothing of it is left, what stands before and after is, and the variable is named for what may not be written."""
    said = SPELLINGS[spelling](CANARY)
    shown = Scrubber([Secret("other-canary"), Secret(CANARY)]).quote(f"before [ {said} ] after")

    assert shown.startswith("before [ ")
    assert shown.endswith(" ] after")
    assert set(shown.removeprefix("before [ ").removesuffix(" ] after").replace(SENSITIVE, "")) <= set("\"'\\[] ")
    if spelling not in {"base64 in pieces", "base64 in lines", "wrapped", "in capitals", "base64 of UTF-16"}:
        assert held(said, [Secret(CANARY, "SYNCER_SECRET_K")]) == ["SYNCER_SECRET_K"]


def test_a_secret_is_found_in_a_text_of_any_length() -> None:
    """As it is: what is too much work is looking for its other forms. Where texts come one by one, too."""
    secret = Secret("hunter2-hunter2", "SYNCER_SECRET_K")
    long = "SELECT 1\n" * (1 << 20)
    watch = Watch([secret])

    assert held(f"{long}hunter2-hunter2", [secret]) == ["SYNCER_SECRET_K"]
    assert [watch.held(text) for text in (long, "hunter2-hunter2", "hunter")] == [[], ["SYNCER_SECRET_K"], []]


@given(
    st.sampled_from(list(SPELLINGS)),
    st.lists(st.sampled_from([name for name in SPELLINGS if name not in {"wrapped", "in capitals"}]), max_size=2),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_spellings_of_spellings_are_found(first: str, more: list[str], before: str, after: str) -> None:
    """One form inside another, whatever stands around it: it's hidden, or with it the whole text."""
    said = CANARY
    for spelling in (first, *more):
        said = SPELLINGS[spelling](said)
    shown = Scrubber([Secret(CANARY)]).quote(f"{before} {said} {after}")

    assert SENSITIVE in shown
    assert "".join(said.split()) not in "".join(shown.split())
    assert "9f3kq" not in shown.lower()


@given(st.text(min_size=4), st.text(), st.text())
def test_a_known_secret_never_passes(secret: str, before: str, after: str) -> None:
    """Whatever stands around it, as it is or as JSON writes it."""
    for form in (secret, json.dumps(secret)[1:-1]):
        assert form not in Scrubber([Secret(secret)]).quote(f"{before}{form}{after}").replace(SENSITIVE, "") or (
            form in before + after or form in SENSITIVE or not form.strip()
        )


@pytest.mark.parametrize(
    "text",
    [
        "bad token tok-canary",
        'Authorization: "Bearer tok-canary"',
        "nested tok-canarytok-canary",
        'quoted "tok\\"canary" and tok-canary',
        'PUT {"api_key"=>"sk-canary", "model"=>"m"}',
        "password: hunter-canary",
        "api_key=sk-canary&x=1",
        "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.canary",
        "fatal: unable to access 'https://user:hunter-canary@example.com/'",
    ],
)
def test_what_looks_like_a_credential_does_not_pass_either(text: str) -> None:
    """Known secrets are taken out, and what nobody told of but stands where a credential does."""
    assert "canary" not in Scrubber([Secret("tok-canary"), Secret('tok"canary'), Secret("")]).quote(text)


def test_a_secret_inside_another_leaves_nothing_of_it() -> None:
    """The longer one is hidden whole."""
    scrubber = Scrubber([Secret("pass"), Secret("pass-canary-123"), Secret("canary")])

    assert scrubber.quote("a pass-canary-123, b") == f"a {SENSITIVE}, b"


def test_short_secrets_do_not_blank_out_a_text() -> None:
    """Of up to three characters they are hidden as words; in texts of ours, of up to seven they are words."""
    scrubber = Scrubber([Secret("a"), Secret("id"), Secret("sandbox"), Secret("***"), Secret(7)])

    assert scrubber.quote("a valid id, 7 of 17, in sandboxes") == (
        f"{SENSITIVE} valid {SENSITIVE}, {SENSITIVE} of 17, in {SENSITIVE}es"
    )
    assert scrubber.hide("use --env sandbox for a valid id") == "use --env sandbox for a valid id"


def test_a_secret_that_is_cut_off_is_hidden() -> None:
    """Its beginning is known, where the text, or what is looked at of it, ends too soon."""
    scrubber = Scrubber([Secret(LONG)])
    for text in (f"no {LONG[:60]}", f"no {LONG[:60].encode().hex()}"):
        assert scrubber.quote(text).startswith("no (sensitive value)"), text
    shown = scrubber.hide(f"{LONG} " * 23 + LONG[:100])
    assert "eyJ" not in shown
    assert "Y2FuYXJ5" not in shown


def test_what_takes_too_much_work_is_hidden_whole() -> None:
    """A text may be made so that its views have no end; it isn't worth more than a second."""
    noise = "".join(Random(1).choices("\\%&#x0123456789abcdef=+;u", k=8_000))  # noqa: S311 - no secret

    assert Scrubber([Secret(CANARY)]).quote(noise) == SENSITIVE
    assert (
        Scrubber([Secret(CANARY)])
        .quote("The lazy dog's page=20, %41 & \\n " * 300)
        .startswith("The lazy dog's page=20")
    )


def test_secrets_are_read_once_and_late() -> None:
    """They may be told of by the thousand, on every page that is read: what they cost comes with the first error."""
    read: list[str] = []

    def secrets(name: str) -> list[Secret]:
        read.append(name)
        return [Secret(f"{name}-canary-{number}") for number in range(1_000)]

    scrubber = Scrubber()
    for name in ("one", "two"):
        scrubber.learn(one for told in [name] for one in secrets(told))
    assert read == []
    assert [scrubber.quote(f"no one-canary-{number}, two") for number in (1, 999)] == [f"no {SENSITIVE}, two"] * 2
    assert sorted(read) == ["one", "two"]


SECRETS = {
    "the own token": "tok/Canary+1",
    "the password": 'päss "Canary-2',
    "a login's token": "log.Canary/3",
    "a variable": "var&Canary=4",
    "a live model": "live<Canary>5",
    "the other system": "ghs_Canary+6",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_secret_passes_on_either_side(spelling: str) -> None:
    """Whoever says it, of either system: in an error body, a redirect, a refusal of the host."""
    texts = [SPELLINGS[spelling](secret) for secret in SECRETS.values()]
    said = iter(texts * 3)

    def answer(request: httpx.Request) -> httpx.Response:
        live = {"embedding_config": {"api_key": SECRETS["a live model"]}}
        if request.url.path.endswith("/login"):
            return _answer(200, {"data": {"attributes": {"token": SECRETS["a login's token"]}}})
        if request.url.path.endswith("/models/7"):
            return _answer(200, {"data": resource(7, configuration=live)})
        if request.url.path.endswith("/models/8"):
            return _answer(422, {"errors": [{"detail": f"no: {next(said)}"}]})
        if request.url.path.startswith("/repos/"):
            return _answer(422, {"message": "no", "errors": [{"message": next(said)}]})
        location = f"https://x.example/{next(said)}".encode().replace(b"\n", b" ")
        return httpx.Response(302, headers=[(b"location", location)], stream=httpx.ByteStream(b""))

    scrubber = Scrubber(Secret(SECRETS[name]) for name in ("a variable", "the own token", "the other system"))
    credentials = Credentials(None, "me@example.com", Secret(SECRETS["the password"]))
    transport = httpx.MockTransport(answer)
    shown = []
    with Session(TARGET, credentials, lambda _: None, scrubber=scrubber, transport=transport) as session:
        Api(session).read(7)
        for path in [*["/models/8"] * len(texts), *["/elsewhere"] * len(texts)]:
            with pytest.raises(ApiError) as caught:
                session.get(path)
            shown.append(str(caught.value))
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "a/b", "GITHUB_EVENT_NAME": "push", "GITHUB_TOKEN": "t"}
    host = detect(variables | {"GITHUB_SHA": "1" * 40}, scrubber=scrubber, transport=transport)
    assert host is not None
    for _ in texts:
        with pytest.raises(HostError) as refused:
            host.comments(7)
        shown.append(str(refused.value))

    assert next(said, None) is None
    assert [text for text in shown if SENSITIVE not in text] == []
    assert [text for text in shown if any("".join(one.split()) in "".join(text.split()) for one in texts)] == []
    assert [text for text in shown if "canary" in text.lower()] == []


def _answer(status: int, data: object) -> httpx.Response:
    return httpx.Response(
        status, headers={"content-type": "application/json"}, stream=httpx.ByteStream(json.dumps(data).encode())
    )
