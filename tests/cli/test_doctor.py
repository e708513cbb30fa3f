"""`syncer doctor`: each layer that can fail, failing, and named; and nothing secret in any of it."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64encode
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from inside import Inside
from places import IDENTITY
from world import Result, Team, definition, recorded_world
from wsgi import serving

from syncer import config
from syncer.cli.main import main
from syncer.cli.shared import doctor_checks, network_checks
from syncer.errors import SyncerError
from syncer.live import connectivity
from syncer.model import Target
from syncer.render.style import Style
from syncer.render.terminal.doctor import LAYERS, Check, State, render_check, render_verdict
from syncer.sandbox import Faults, Sandbox
from syncer.sandbox.http_server import running
from syncer.secrets import Secret
from syncer.secrets.scrubber import Scrubber
from syncer.transport import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TLS = Path(__file__).parents[1] / "tls"
MODELS = {model["id"]: model for model in recorded_world()["models"]}
AFTER_NETWORK = ("token", "workspace", "role", "models", "connectors", "syncs")


@pytest.fixture
def team(box: Sandbox, tmp_path: Path) -> Iterator[Team]:
    """A team with one model in git, in step with live, and committed."""
    with running(box) as url:
        team = Inside(tmp_path, url)
        team.write("m", definition(MODELS[1]))
        commit(team)
        yield team


def commit(team: Team) -> None:
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=All"]):
        subprocess.run(["git", *command], cwd=team.folder, env={**team.environment, **IDENTITY}, check=True)


def states(result: Result) -> dict[str, str]:
    """The mark of each layer."""
    found = re.findall(rf"^([✓✗!-]) ({'|'.join(LAYERS)})  ", result.out, re.MULTILINE)
    assert [layer for _, layer in found] == list(LAYERS)
    return {layer: mark for mark, layer in found}


def fails(team: Team, layer: str, *says: str) -> Result:
    """The examination names this layer and no other, says why, and leaves with 1."""
    result = team.run("doctor")
    words = " ".join(result.out.split())

    verb = "fail" if layer.endswith("s") else "fails"
    assert (result.code, result.out.splitlines()[-1]) == (1, f"Not ready: {layer} {verb}.")
    assert states(result)[layer] == "✗"
    assert [one for one in says if one not in words] == []
    assert "Traceback" not in result.text
    return result


def unchecked(result: Result) -> list[str]:
    return [layer for layer, mark in states(result).items() if mark == "-"]


# -- all is well -------------------------------------------------------------------------------------------------


def test_when_all_is_well(team: Team) -> None:
    """Every layer says how it is, and the last line what can be done."""
    result = team.run("doctor")
    lines = re.sub(r":\d{4,5}", ":PORT", re.sub(r"commit \w{12}", "commit HEAD", result.out)).splitlines()

    assert (result.code, result.err) == (0, "")
    assert lines == [
        "✓ settings     prod, http://127.0.0.1:PORT/api/v1, workspace 1 (syncer.toml)",
        "✓ DNS          nothing to look up: it's an address",
        "✓ connection   127.0.0.1:PORT takes connections",
        "✓ TLS          plain http, on this machine alone",
        "✓ host         the models API is here",
        "✓ credentials  SYNCER_TOKEN",
        "✓ token        it is accepted",
        "✓ workspace    1 (workspace-a)",
        "✓ role         Admin: may plan and apply",
        "✓ models       60 live",
        "✓ connectors   5 readable",
        "✓ syncs        4 readable",
        "✓ rate limit   6 requests, none was refused (429); without a limit of ours",
        "✓ files        1 definition",
        "✓ secrets      no file names one",
        "✓ git          commit HEAD",
        "✓ extra sql    installed: plans show what a query does to its columns",
        "",
        "All is well: 1 model can be planned in prod.",
    ]


def test_it_only_reads(team: Team, box: Sandbox) -> None:
    """No request but GET, and with a password one login."""
    team.variables = {"SYNCER_EMAIL": "member@example.com", "SYNCER_PASSWORD": "Passw0rd!"}
    result = team.run("doctor")

    assert (result.code, states(result)["role"]) == (0, "✓")
    assert [request for request in box.requests if request[0] != "GET"] == [("POST", "/api/v1/login")]
    assert "SYNCER_EMAIL and SYNCER_PASSWORD: one login in each run" in result.out


def test_the_sandbox_has_no_network(tmp_path: Path) -> None:
    """Without settings it's the embedded server that is examined: nothing is looked up, nothing is sent."""
    team = Inside(tmp_path, variables={})
    result = team.run("doctor", "--env", "sandbox")

    assert result.code == 0
    assert result.out.count("  embedded\n") == 4
    assert unchecked(result) == ["DNS", "connection", "TLS", "host", "credentials", "secrets"]
    assert "Ready, with 2 warnings: 11 live models of sandbox can be imported." in result.out


def test_without_a_definition_it_says_what_comes_next(team: Team) -> None:
    """A new folder isn't broken: importing is the next step."""
    (team.folder / "models" / "m.yaml").unlink()
    result = team.run("doctor")

    assert (result.code, states(result)["files"]) == (0, "!")
    assert "`syncer import --all`" in result.out
    assert "60 live models of prod can be imported." in result.out


# -- settings and credentials ------------------------------------------------------------------------------------


def test_wrong_settings(team: Team) -> None:
    """With the place and the way out, and nothing else is looked at."""
    (team.folder / "syncer.toml").write_text("[environments.prod]\napi_ulr = 1\nworkspace_id = true\n")
    result = fails(
        team, "settings", "syncer.toml:2", "unknown setting", "(and 1 problem more)", "did you mean 'api_url'?"
    )

    assert unchecked(result) == list(LAYERS[1:])


def test_an_unknown_environment(team: Team) -> None:
    """With what was probably meant."""
    result = team.run("doctor", "--env", "prd")

    assert (result.code, result.out.splitlines()[-1]) == (1, "Not ready: settings fail.")
    assert "did you mean 'prod'?" in result.out


def test_what_came_from_variables_is_said(team: Team) -> None:
    """They beat the file, and that is easily forgotten."""
    team.variables |= {"SYNCER_WORKSPACE_ID": "4", "SYNCER_ENV": "prod"}
    result = team.run("doctor")

    assert "workspace 4 (syncer.toml, SYNCER_ENV, SYNCER_WORKSPACE_ID)" in " ".join(result.out.split())
    assert (result.code, "0 live" in result.out) == (0, True)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "no credentials: SYNCER_TOKEN is not set"),
        ({"SYNCER_EMAIL": "a@example.com"}, "SYNCER_PASSWORD is not set"),
    ],
)
def test_missing_credentials(variables: dict[str, str], says: str, team: Team, box: Sandbox) -> None:
    """Everything up to the host is looked at all the same, and nobody logs in."""
    team.variables = variables
    result = fails(team, "credentials", says)

    assert unchecked(result) == list(AFTER_NETWORK)
    assert box.by_method["POST"] == 0


def test_a_token_beats_a_password(team: Team) -> None:
    """Who set both may wonder."""
    team.variables |= {"SYNCER_EMAIL": "a@example.com", "SYNCER_PASSWORD": "canary-password"}

    assert "SYNCER_EMAIL and SYNCER_PASSWORD are not used beside it" in team.run("doctor").out


# -- the network -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "says"), [(socket.EAI_NONAME, "is not known"), (socket.EAI_AGAIN, "no name server knows the address of")]
)
def test_dns(
    number: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A host that nobody knows is DNS, and is told apart from a name server that is silent; nobody logs in."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(number, "patched")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("SYNCER_TOKEN", "canary-token")
    Inside(tmp_path, "https://api.example.invalid")
    code = main(["doctor", "--chdir", str(tmp_path)])
    out = capsys.readouterr().out
    result = Result(code, out, "")

    assert (code, out.splitlines()[-1]) == (1, "Not ready: DNS fails.")
    assert says in out
    assert unchecked(result)[:3] == ["connection", "TLS", "host"]
    assert "canary-token" not in out


@pytest.fixture(autouse=True)
def _stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--chdir` in this process ends with the test."""
    monkeypatch.chdir(Path.cwd())


def test_several_addresses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one is told."""
    found = [(0, 0, 0, "", (f"192.0.2.{number}", 443)) for number in (1, 2, 2)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    assert connectivity.resolve(Route("api.example.com", 443, True)) == "api.example.com is 192.0.2.1 and 1 more"


def test_a_closed_port(team: Team) -> None:
    """The host is there, and nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    team.url = f"http://127.0.0.1:{port}"
    team.settings()
    result = fails(team, "connection", f"127.0.0.1:{port} refuses connections", "check the port")

    assert unchecked(result) == ["TLS", "host", *AFTER_NETWORK, "rate limit"]


@pytest.mark.parametrize(
    ("error", "says"),
    [(TimeoutError(), "doesn't answer within 2 s"), (OSError(113, "No route to host"), "No route to host")],
)
def test_a_host_that_is_out_of_reach(error: OSError, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence and a missing route are told apart."""

    def silent(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(socket, "create_connection", silent)
    with pytest.raises(SyncerError, match=says):
        connectivity.connect(Route("192.0.2.1", 443, True), 2)


# -- TLS ---------------------------------------------------------------------------------------------------------


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def secured(application: Any, certificate: str) -> Iterator[int]:
    """Serve over TLS on loopback; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{certificate}.pem")
    server = make_server("127.0.0.1", 0, application, handler_class=_Quiet)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("certificate", "host", "trusted", "says"),
    [
        ("expired", "localhost", True, "the certificate of localhost has expired"),
        ("localhost", "127.0.0.1", True, "the certificate of 127.0.0.1 is for another host"),
        ("localhost", "localhost", False, "the certificate of localhost is self-signed"),
    ],
)
def test_a_certificate_that_proves_nothing(
    certificate: str,
    host: str,
    trusted: bool,  # noqa: FBT001 - a case
    says: str,
    team: Team,
    box: Sandbox,
) -> None:
    """What is wrong with it is said in words, and no request is sent there."""
    with secured(box.wsgi, certificate) as port:
        team.url = f"https://{host}:{port}"
        team.settings()
        if trusted:
            team.variables["SSL_CERT_FILE"] = str(TLS / f"{certificate}.pem")
        result = fails(team, "TLS", says)

    assert unchecked(result) == ["host", *AFTER_NETWORK, "rate limit"]
    assert box.requests == []


def test_a_certificate_that_is_right(team: Team, box: Sandbox) -> None:
    """Over TLS everything is as over http; how long the certificate holds is said."""
    with secured(box.wsgi, "localhost") as port:
        team.url = f"https://localhost:{port}"
        team.settings()
        team.variables["SSL_CERT_FILE"] = str(TLS / "localhost.pem")
        result = team.run("doctor")

    assert (result.code, states(result)["TLS"]) == (0, "✓")
    assert re.search(r"✓ TLS +TLSv1\.\d, the certificate holds until 2120-01-01", result.out)
    assert "✓ DNS          localhost is " in result.out


def test_no_tls_where_https_was_said(team: Team) -> None:
    """The server speaks, but something else."""
    team.url = team.url.replace("http:", "https:")
    team.settings()

    fails(team, "TLS", "doesn't speak TLS as expected", "check api_url: https or http, and the port")


def test_certificates_that_are_not_there(team: Team) -> None:
    """A wrong SSL_CERT_FILE is no mistake of ours."""
    team.url = team.url.replace("http:", "https:")
    team.settings()
    team.variables["SSL_CERT_FILE"] = str(team.folder / "nothing.pem")

    fails(team, "TLS", "the certificates to verify with can't be read", "SSL_CERT_FILE")


def test_plain_http_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond this machine the token could be read on the way."""
    for name in ("resolve", "connect", "greet"):
        monkeypatch.setattr(connectivity, name, lambda *_: "patched")
    target = Target("prod", "http://api.example.com/api/v1", 1)
    checks = {
        check.layer: check for check in network_checks.reach(target, config.Numbers(), lambda _: None, Scrubber())
    }

    assert (checks["TLS"].state, checks["TLS"].hint) == (State.WARNING, "write https in api_url")


# -- the proxy ---------------------------------------------------------------------------------------------------


def _proxies(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_a_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It's the proxy that looks up the name, and its password isn't told."""
    _proxies(monkeypatch, HTTPS_PROXY="http://me:canary@127.0.0.1:3129")
    route = Route.of("https://api.example.com/api/v1")

    assert (route.first, route.via) == (("127.0.0.1", 3129), "the proxy 127.0.0.1:3129 (HTTPS_PROXY)")
    assert connectivity.resolve(route) == "left to the proxy 127.0.0.1:3129 (HTTPS_PROXY)"


def test_a_proxy_is_not_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY and the other scheme go straight; ALL_PROXY is for what has none of its own."""
    _proxies(monkeypatch, HTTPS_PROXY="proxy.example.com", NO_PROXY="api.example.com")
    assert not Route.of("https://api.example.com").proxy
    assert not Route.of("http://other.example.com").proxy
    assert Route.of("https://other.example.com").first == ("proxy.example.com", 3128)
    _proxies(monkeypatch, ALL_PROXY="http://proxy.example.com:1")
    assert Route.of("http://other.example.com").via == "the proxy proxy.example.com:1 (ALL_PROXY)"


def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would stop every request, so it's said before the first."""
    _proxies(monkeypatch, ALL_PROXY="gopher://proxy.example.com")
    with pytest.raises(SyncerError, match="a kind that can't be used: gopher"):
        Route.of("https://api.example.com")


class _Tunnel(socketserver.StreamRequestHandler):
    """A proxy that lets through whoever says the password."""

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        head = [line, *iter(lambda: self.rfile.readline().decode().strip(), "")]
        if "Proxy-Authorization: Basic bWU6Y2FuYXJ5" not in head:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        port = int(line.split()[1].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self._pass, args=(there, self.connection))
            back.start()
            self._pass(self.connection, there)
            back.join()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_tls_goes_through_the_proxy(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is the server's, and a proxy that lets nobody through is said to be that."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.pem"))
    with ExitStack() as stack:
        port = stack.enter_context(secured(box.wsgi, "localhost"))
        tunnel = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Tunnel))
        tunnel.daemon_threads = True
        threading.Thread(target=tunnel.serve_forever, daemon=True).start()
        stack.callback(tunnel.shutdown)
        proxy = f"127.0.0.1:{tunnel.server_address[1]}"
        _proxies(monkeypatch, HTTPS_PROXY=f"http://me:canary@{proxy}")
        found = connectivity.shake_hands(Route.of(f"https://localhost:{port}"), 5)
        assert "the certificate holds until 2120-01-01" in found
        _proxies(monkeypatch, HTTPS_PROXY=proxy)
        with pytest.raises(SyncerError, match="407 Proxy Authentication Required") as refused:
            connectivity.shake_hands(Route.of(f"https://localhost:{port}"), 5)
        assert refused.value.hint == "check the proxy, and what it lets through"
    assert "left to the first request" in connectivity.shake_hands(
        Route("localhost", 443, True, "https://127.0.0.1:1", "HTTPS_PROXY"), 5
    )


# -- the host ----------------------------------------------------------------------------------------------------


def answering(status: str, kind: str, body: bytes, *more: tuple[str, str]) -> Any:
    def application(_: Any, start: Callable[..., Any]) -> list[bytes]:
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *more])
        return [body]

    return application


PAGE = b"<html><body>Sign in</body></html>"


@pytest.mark.parametrize(
    ("application", "says"),
    [
        (answering("403 Forbidden", "text/html", b""), "refuses this host name: check api_url"),
        (answering("404 Not Found", "text/html", PAGE), "there is no such API at this address"),
        (answering("200 OK", "text/html", PAGE), "the answer is a web page"),
        (answering("200 OK", "application/json", b"{}"), "it answers without a token"),
        (answering("401 Unauthorized", "text/html", PAGE), "something before the API asks for a password"),
        (
            answering("302 Found", "text/html", b"", ("Location", "https://a.example/login")),
            "redirects to https://a.ex",
        ),
        (answering("500 Internal Server Error", "text/html", PAGE), "failed (500)"),
    ],
)
def test_something_else_at_that_address(application: Any, says: str, team: Team) -> None:
    """A page, a proxy, a name that the server doesn't take: it's the host, and no credentials are sent there."""
    sent = []

    def recording(environ: Any, start: Any) -> Any:
        sent.append(environ.get("HTTP_AUTHORIZATION"))
        return application(environ, start)

    with serving(recording) as url:
        team.url = url
        team.settings()
        fails(team, "host", says)
    assert sent
    assert set(sent) == {None}


# -- token, workspace, role --------------------------------------------------------------------------------------


def test_a_wrong_token(team: Team) -> None:
    """It's wrong, expired or replaced, and it isn't shown."""
    team.variables["SYNCER_TOKEN"] = "canary-token"
    result = fails(team, "token", "GET /workspaces was refused (401)", "replaced by a newer login of the same user")

    assert unchecked(result) == list(AFTER_NETWORK[1:])
    assert "canary-token" not in result.text


def jwt(expires: float) -> str:
    claims = urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJl"


def test_an_expired_token_says_since_when(team: Team) -> None:
    """The server doesn't tell it from a wrong one; the token itself does."""
    team.variables["SYNCER_TOKEN"] = jwt(time.time() - 12 * 60)
    fails(team, "token", "SYNCER_TOKEN expired 12 minutes ago", "SYNCER_EMAIL and SYNCER_PASSWORD")
    team.variables["SYNCER_TOKEN"] = jwt(time.time() + 8 * 60)
    fails(team, "token", "SYNCER_TOKEN, for 8 minutes more", "replaced by a newer login")


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.W10.c", "a.eyJleHAiOiAieCJ9.c", "a.é.c"])
def test_a_token_of_another_kind_says_nothing(token: str) -> None:
    """Not every server has tokens that hold their own end."""
    assert connectivity.seconds_left(Secret(token), 0) is None


def test_a_wrong_password_is_tried_once(team: Team, box: Sandbox) -> None:
    """Five failures lock an account, so an examination is one."""
    team.variables = {"SYNCER_EMAIL": "member@example.com", "SYNCER_PASSWORD": "canary-password"}
    result = fails(team, "token", "POST /login was refused (401)", "five lock the account")

    assert box.requests.count(("POST", "/api/v1/login")) == 1
    assert "canary-password" not in result.text


def test_a_locked_account(team: Team) -> None:
    """The server trips over its token: that much is said."""
    login = {"email": "ci@example.com", "password": "wrong"}
    for _ in range(5):
        httpx.post(f"{team.url}/api/v1/login", json=login)

    fails(team, "token", "(500)", "the user's account may be locked")


def test_a_wrong_workspace(team: Team) -> None:
    """Those that the user has are named, and nothing else of them."""
    team.workspace = 3
    team.settings()
    result = fails(
        team,
        "workspace",
        "this user has no workspace 3",
        "there is 1 (workspace-a), 2 (workspace-b), 4 (workspace-empty)",
    )

    assert unchecked(result) == list(AFTER_NETWORK[2:])
    assert "api-key" not in result.text


def _with_role(role: str | None) -> dict[str, Any]:
    world = recorded_world()
    (user,) = [user for user in world["users"] if user["token"] == "admin"]
    user["roles"] = {} if role is None else {"1": role}
    return world


def test_a_user_without_any_workspace(tmp_path: Path) -> None:
    """There is nothing to choose from."""
    with Sandbox(_with_role(None)) as box, running(box) as url:
        fails(Inside(tmp_path, url), "workspace", "this user has no workspace 1", "add the user to a workspace")


@pytest.mark.parametrize(
    ("role", "mark", "says"),
    [
        ("Member", "✓", "Member: may plan and apply"),
        ("Viewer", "!", "Viewer: may plan, not apply"),
        ("Analyst", "!", "only a write shows whether it may apply"),
    ],
)
def test_what_a_role_may_do(role: str, mark: str, says: str, tmp_path: Path) -> None:
    """A reader can plan: that is no failure, but it's said."""
    with Sandbox(_with_role(role)) as box, running(box) as url:
        result = Inside(tmp_path, url).run("doctor")

    assert (result.code, states(result)["role"]) == (0, mark)
    assert says in result.out


# -- what can be read --------------------------------------------------------------------------------------------


def test_being_asked_to_wait_is_a_warning(team: Team, box: Sandbox) -> None:
    """It went well in the end, but the limit is near; how long was to be waited is said."""
    box.faults = Faults.parse(["429:x2:1@GET /connectors"])
    result = team.run("doctor")

    assert (result.code, states(result)["rate limit"]) == (0, "!")
    assert "2 of 8 requests answered 429, with up to 1 s to wait" in result.out


def test_being_refused_is_the_rate_limit(team: Team, box: Sandbox) -> None:
    """Whichever layer it hit: the layer is not known, and the limit is what fails."""
    box.faults = Faults.parse(["429:1:0@GET /users/me"])
    result = fails(team, "rate limit", "answered 429", "lower requests_per_minute")

    assert "- role         not known: asked too often (429)" in result.out
    assert unchecked(result) == ["role", "models", "connectors", "syncs"]


def test_connectors_that_cannot_be_read(team: Team, box: Sandbox) -> None:
    """A plan needs them where files name them; what the server says is told."""
    box.faults = Faults.parse(["500:1@GET /connectors"])
    fails(team, "connectors", "GET /connectors failed (500)")


def test_a_plan_does_without_syncs(team: Team, box: Sandbox) -> None:
    """That they can't be read is a warning."""
    box.faults = Faults.parse(["500:1@GET /syncs"])
    result = team.run("doctor")
    assert (result.code, states(result)["syncs"]) == (0, "!")

    box.faults = Faults.parse(["429:1:0@GET /syncs"])
    fails(team, "rate limit", "syncs not known")


def test_broken_rows_are_named(tmp_path: Path) -> None:
    """A row that the server can't show spoils its lists: which one it is, and why, is said."""
    world = recorded_world()
    broken = next(model for model in world["models"] if model["query_type"] == "ai_ml" and model["workspace_id"] == 1)
    next(one for one in world["connectors"] if one["id"] == broken["connector_id"])["catalog"] = None
    with Sandbox(world) as box, running(box) as url:
        result = Inside(tmp_path, url).run("doctor")

    assert (result.code, states(result)["models"]) == (0, "!")
    assert re.search(r"! models +\d+ live; \d+ can't be shown by the server: [\d, ]*", result.out)
    assert str(broken["id"]) in result.out


# -- what is here ------------------------------------------------------------------------------------------------


def test_files_with_errors(team: Team) -> None:
    """They are counted; `validate` shows them."""
    team.write("n", "name: Broken\n")
    result = fails(team, "files", "2 definitions,", "in 1 file", "`syncer validate`")

    assert unchecked(result) == ["secrets"]


def test_a_secret_that_is_not_set(team: Team) -> None:
    """By its variable: that is what has to be set."""
    model = next(m for m in MODELS.values() if "embedding_config" in (m["configuration"] or {}))
    team.write("v", definition(model))
    fails(team, "secrets", f"not set: SYNCER_SECRET_{model['id']}")
    team.variables[f"SYNCER_SECRET_{model['id']}"] = "canary-secret"
    result = team.run("doctor")

    assert (result.code, "1 variable named, set" in result.out) == (0, True)
    assert "canary-secret" not in result.text


def test_several_layers_at_once(team: Team) -> None:
    """The last line names each."""
    team.write("n", "name: Broken\n")
    team.variables = {}

    assert team.run("doctor").out.splitlines()[-1] == "Not ready: credentials and files fail."


def test_where_git_is_missing(tmp_path: Path, team: Team) -> None:
    """No repository, a repository without a commit, models that were edited: plans know less, and that is said."""
    (team.folder / "models" / "m.yaml").write_text("name: x\n")
    assert "and models with changes that aren't committed" in team.run("doctor").out
    (empty := tmp_path / "empty").mkdir()
    subprocess.run(["git", "init", "--quiet", str(empty)], env=team.environment, check=True)
    (empty / "models").mkdir()
    said = team.run("doctor", "--chdir", "empty", "--env", "sandbox").out
    assert "! git          git knows no commit HEAD" in said


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it plans are as right: that's no warning."""
    monkeypatch.setattr("syncer.sql.is_available", lambda: False)

    assert doctor_checks._extra().state is State.SKIPPED


def test_an_extra_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed and of no use is worth a word, with what helps."""
    monkeypatch.setattr("syncer.sql.is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    told = doctor_checks._extra()

    assert (told.state, told.detail) == (State.WARNING, "sqlglot, which reads queries, failed (ModuleNotFoundError)")
    assert "pip install" in told.hint


# -- secrets, and how it looks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["", "500:1@GET /users/me", "html:1@GET /models", "truncated:1@GET /workspaces"])
def test_no_secret_is_ever_told(fault: str, team: Team, box: Sandbox) -> None:
    """Neither what this machine holds nor what the server sends: keys of workspaces, passwords of connectors."""
    box.faults = Faults.parse([fault] if fault else [])
    team.settings("retry_seconds = 0\n")
    world = json.dumps(recorded_world())
    canaries = {*re.findall(r"example-api-key-\d", world), *re.findall(r'"password": "([^"*]{6,})"', world)}
    assert len(canaries) >= 4
    for variables in (
        {"SYNCER_TOKEN": "admin", "SYNCER_SECRET_X": "canary-secret"},
        {"SYNCER_EMAIL": "member@example.com", "SYNCER_PASSWORD": "Passw0rd!"},
        {"SYNCER_TOKEN": "canary-token"},
    ):
        team.variables = variables
        said = team.run("doctor", "--debug").text
        assert [one for one in (*canaries, "canary-", "Bearer") if one in said] == []


def test_where_only_ascii_can(team: Team) -> None:
    """Words in place of marks."""
    team.variables |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "SYNCER_TOKEN": "nobody"}
    result = Team.run(team, "doctor")  # streams of its own

    assert result.out.isascii()
    assert [line.split()[0] for line in result.out.splitlines()[:8:2]] == ["ok", "ok", "ok", "failed"]


def test_foreign_words_are_made_visible() -> None:
    """A name of a workspace can neither end a line nor give a runner a command; what is long is wrapped."""
    check = Check("workspace", State.WARNING, "a\n::error::b\x1b[2J", "##[error] " + "word " * 20)
    shown = render_check(check, Style(width=60))

    assert "\x1b" not in shown
    assert not re.search(r"^\s*::", shown, re.MULTILINE)
    assert "##[" not in shown
    assert max(map(len, shown.split("\n"))) <= 60


def test_colour_means_the_state() -> None:
    """Marks are painted, and what to do stands out."""
    style = Style(colour=True)
    marks = {state: render_check(Check("TLS", state, "x", "y"), style) for state in State}

    assert all("\x1b[" in shown for shown in marks.values())
    failed = [Check(layer, State.FAILED, "") for layer in ("DNS", "TLS", "host")]
    assert render_verdict(failed, "prod", style) == "\x1b[1;31mNot ready: DNS, TLS and host fail.\x1b[0m"


def test_an_answer_that_is_no_list_of_workspaces(team: Team) -> None:
    """JSON of somebody else's API is said to be that."""

    def other(environ: Any, start: Any) -> Any:
        if environ["PATH_INFO"].endswith("/models"):
            return answering("401 x", "application/json", b'{"errors": [{"detail": "Unauthorized"}]}')(environ, start)
        return answering("200 OK", "application/json", b'{"data": [{"id": "x"}]}')(environ, start)

    with serving(cast("Any", other)) as url:
        team.url = url
        team.settings()
        fails(team, "token", "not what the models API sends")
