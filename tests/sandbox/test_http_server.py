"""The sandbox over HTTP on loopback: the same answers, byte for byte, and a clean start and stop."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from conformance import vectors

from syncer.sandbox import Faults, Sandbox, serve
from syncer.sandbox.http_server import running

CASES = vectors.cases()
WORLDS = {name: vectors.world(name) for name in ("world.json", "world-ties.json")}
NOON = 1_800_000_000.0  # the start of a window of the login limit
HEADERS = {"Authorization": "Bearer sandbox", "Workspace-Id": "1", "Accept": "application/json"}


@pytest.fixture(scope="module")
def sandbox() -> Any:
    """Make the sandbox behind the server; its clock stands still, so nobody has to wait."""
    with Sandbox(clock=lambda: NOON) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def url(sandbox: Sandbox) -> Any:
    """Run a server for this module."""
    with running(sandbox) as url:
        yield url


@pytest.fixture
def seeded(sandbox: Sandbox, url: str) -> str:
    """Put the shipped world into the server, and take all faults away."""
    sandbox.reset(json.loads(Path(sys.modules["syncer.sandbox"].__path__[0], "seed.json").read_text(encoding="utf-8")))
    sandbox.faults = Faults()
    return url


class Wire:
    """Puts requests on the wire as they are."""

    def __init__(self, url: str) -> None:
        """Keep one connection to the server open."""
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)

    def send(self, sent: Any) -> Any:
        """Send one request and read its answer."""
        connection = self.connection
        connection.putrequest(sent.method, sent.target, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.headers.items():
            connection.putheader(name, value.encode())
        if sent.is_chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif sent.body is not None:
            connection.putheader("Content-Length", str(len(sent.body)))
        connection.endheaders()
        if sent.is_chunked:
            half = len(sent.body) // 2
            for part in (sent.body[:half], sent.body[half:]):
                connection.send(b"%x\r\n%s\r\n" % (len(part), part))
            connection.send(b"0\r\n\r\n")
        elif sent.body:
            connection.send(sent.body)
        answer = connection.getresponse()
        body = answer.read()
        return vectors.Received(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


@pytest.fixture(scope="module")
def wire(url: str) -> Any:
    """One connection for all cases: keep-alive must not mix up answers."""
    wire = Wire(url)
    yield wire
    wire.connection.close()


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_answers_as_recorded(sandbox: Sandbox, url: str, wire: Wire, case: dict[str, Any]) -> None:
    """Every recorded request gets the recorded answer over HTTP too."""
    world = WORLDS[case["world"]]
    sandbox.reset(world)
    sandbox.faults = Faults()

    assert vectors.Replay(case, world, wire.send, url.removeprefix("http://")).run() == []


def test_links_lead_back_to_the_server(seeded: str) -> None:
    """The links of a page can be followed."""
    with httpx.Client(headers=HEADERS) as client:
        first = client.get(f"{seeded}/api/v1/models?per_page=6").json()
        second = client.get(first["links"]["next"]).json()

    assert first["links"]["last"] == f"{seeded}/api/v1/models?page=2&per_page=6"
    assert len({model["id"] for model in first["data"] + second["data"]}) == 11


@pytest.mark.parametrize("kind", ["reset", "lost"])
def test_dropped_connections(sandbox: Sandbox, seeded: str, kind: str) -> None:
    """A connection that a fault drops is an error of the transport; the next request works."""
    sandbox.faults = Faults.parse([f"{kind}:x1@PUT"])
    with httpx.Client(headers=HEADERS, base_url=f"{seeded}/api/v1") as client:
        assert client.get("/models/1").status_code == 200
        with pytest.raises(httpx.TransportError):
            client.put("/models/1", json={"model": {"name": "x"}})
        name = client.get("/models/1").json()["data"]["attributes"]["name"]

    assert name == ("x" if kind == "lost" else "Active users")


def test_steering_over_http(seeded: str) -> None:
    """Log, faults and reset are there over HTTP."""
    with httpx.Client(headers=HEADERS) as client:
        client.post(f"{seeded}/__sandbox__/faults", json={"faults": ["503:x1"], "seed": 7}).raise_for_status()
        assert client.delete(f"{seeded}/api/v1/models/1").status_code == 503
        assert client.delete(f"{seeded}/api/v1/models/1").status_code == 204
        assert client.get(f"{seeded}/__sandbox__/requests").json()["by_method"] == {"DELETE": 2}
        client.post(f"{seeded}/__sandbox__/reset").raise_for_status()
        assert client.get(f"{seeded}/api/v1/models/1").status_code == 200
        assert client.get(f"{seeded}/__sandbox__/requests").json()["total"] == 1


def test_concurrent_puts_all_land(seeded: str) -> None:
    """Several connections may write at once."""

    def put(thread: int) -> None:
        with httpx.Client(headers=HEADERS, base_url=f"{seeded}/api/v1") as client:
            for model_id in range(thread, 12, 4):
                for turn in range(5):
                    sent = {"model": {"description": f"{thread}.{turn}"}}
                    client.put(f"/models/{model_id}", json=sent).raise_for_status()

    threads = [threading.Thread(target=put, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    models = httpx.get(f"{seeded}/api/v1/models?per_page=20", headers=HEADERS).json()["data"]
    found = {int(model["id"]): model["attributes"]["description"] for model in models}
    assert found == {number: f"{(number - 1) % 4 + 1}.4" for number in range(1, 12)}


def _raw(url: str, data: bytes) -> bytes:
    """Send bytes, read until the server hangs up."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def test_awkward_requests(seeded: str) -> None:
    """A body announced with Expect, an absolute URL, bad lengths: each gets an HTTP answer."""
    expect = b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
    absolute = b"GET http://localhost/up?x=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    trailers = (
        b"PUT /up HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n"
    )
    not_chunked = b"PUT /up HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"
    no_length = b"PUT /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n"

    assert _raw(seeded, expect + b"Connection: close\r\n\r\n{}").startswith(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 "
    )
    assert _raw(seeded, absolute).startswith(b"HTTP/1.1 200 OK\r\n")
    assert _raw(seeded, trailers + absolute).count(b"HTTP/1.1 ") == 2
    assert _raw(seeded, not_chunked).startswith(b"HTTP/1.1 400 ")
    assert _raw(seeded, no_length).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])  # noqa: S104 - refused
def test_only_this_machine(host: str) -> None:
    """The sandbox believes anybody, so it can be reached from this machine only."""
    with Sandbox() as sandbox, pytest.raises(ValueError, match=r"127\.0\.0\.1, ::1 or localhost"):
        serve(sandbox, host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_names_of_this_machine(host: str) -> None:
    """Any name of this machine will do."""
    try:
        with Sandbox() as sandbox, running(sandbox, host) as url:
            assert httpx.get(f"{url}/api/v1/models", headers=HEADERS).status_code == 200
    except OSError:
        if host != "::1":
            raise
        pytest.skip("there is no IPv6 here")


def test_a_taken_port_is_an_error(seeded: str) -> None:
    """Two servers cannot have one port."""
    with Sandbox() as sandbox, pytest.raises(OSError, match="in use"):
        serve(sandbox, port=int(seeded.rpartition(":")[2]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """It says when it is ready, and a signal ends it with exit code 0, connections or not; the state stays."""
    path = tmp_path / "sandbox.db"
    code = (
        "import sys\nfrom syncer.sandbox import Sandbox, serve\n"
        f"with Sandbox(path={str(path)!r}) as sandbox:\n"
        "    serve(sandbox, ready=lambda url: print('READY', url, flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready, _, url = process.stdout.readline().strip().partition(" ")
        with httpx.Client(headers=HEADERS, base_url=f"{url}/api/v1") as client:
            assert client.put("/models/1", json={"model": {"name": "kept"}}).status_code == 200
            process.send_signal(number)
            _, errors = process.communicate(timeout=20)

    assert (ready, process.returncode, errors) == ("READY", 0, "")
    with Sandbox(path=path) as sandbox, running(sandbox) as url:
        answer = httpx.get(f"{url}/api/v1/models/1", headers=HEADERS)
        assert answer.json()["data"]["attributes"]["name"] == "kept"
