"""One exchange, bounded: a server that never comes to an end, and answers that would fill the memory."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncer.errors import Excess, SyncerError
from syncer.live import connectivity
from syncer.transport import ExcessError, Route, Transport, bodies, body, decoded, paged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TLS = Path(__file__).parent / "tls"
MIB = 1024 * 1024


@contextmanager
def talking(*words: Iterable[bytes], wait: float = 0.01) -> Iterator[str]:
    """A server that says these words, one connection after the other, whatever it's asked; gives `host:port`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_talk, args=(server, words, wait), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _talk(server: socket.socket, words: Iterable[Iterable[bytes]], wait: float) -> None:
    for said in words:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            try:
                connection.recv(65536)
                for word in said:
                    connection.sendall(word)
                    time.sleep(wait)
            except OSError:
                pass


def ask(place: str, seconds: float = 0.4, scheme: str = "http") -> bytes:
    """The body of one answer, within so many seconds."""
    transport = Transport(seconds, is_tls=scheme == "https")
    with (
        httpx.Client(transport=transport, timeout=30) as client,
        client.stream("GET", f"{scheme}://{place}/") as answer,
    ):
        return bytes(body(answer, MIB, lambda: False))


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ENDLESS = {
    "header": chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"X: a\r\n")),
    "line": chain([b"HTTP/1.1 200 OK\r\nX: "], repeat(b"a")),
    "status": repeat(b"H"),
    "interim": repeat(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    "body": chain([b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"], repeat(b"a")),
    "chunks": chain([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], repeat(b"1\r\na\r\n")),
    "trailer": chain([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"], repeat(b"X: a\r\n")),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_server_that_never_ends_is_left_at_the_deadline(kind: str) -> None:
    """Whatever it drips, byte after byte well within each read's own timeout."""
    with talking(ENDLESS[kind]) as place:
        began = time.monotonic()
        with pytest.raises((ExcessError, httpx.RemoteProtocolError)) as caught:
            ask(place)

    assert time.monotonic() - began < 5
    assert not isinstance(caught.value, ExcessError) or caught.value.kind is Excess.TIME


def test_silence_is_a_timeout_and_no_excess() -> None:
    """Its own timeout came first: whoever asks tells the two apart."""
    client = httpx.Client(transport=Transport(30, is_tls=False), timeout=0.2)
    with talking(repeat(b"", 200)) as place, client, pytest.raises(httpx.ReadTimeout):
        client.get(f"http://{place}/")


def test_an_exchange_in_time_is_untouched_and_its_connection_used_again() -> None:
    """Each request has a deadline of its own, also on a connection that is older than that."""
    with talking(chain(*repeat((WHOLE, b""), 3)), wait=0.15) as place:
        transport = Transport(0.4, is_tls=False)
        with httpx.Client(transport=transport) as client:
            answers = [client.get(f"http://{place}/").text for _ in range(2)]

    assert answers == ["ok", "ok"]


@pytest.mark.parametrize("said", [repeat(b"H"), chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"X: a\r\n"))])
def test_a_proxy_is_bounded_too(said: Iterable[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says to CONNECT is part of the exchange, for a request and for the doctor's handshake."""
    with talking(said, said) as place:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{place}")
        for name in ("NO_PROXY", "no_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(ExcessError):
            ask("api.example.com", scheme="https")
        with pytest.raises(SyncerError, match="no handshake with api.example.com:443: it takes too long"):
            connectivity.shake_hands(Route.of("https://api.example.com"), 0.4)


def test_a_handshake_is_bounded() -> None:
    """TLS that drips: a record that never gets whole."""
    with talking(*(chain([b"\x16\x03\x03\x40\x00"], repeat(b"\x02")) for _ in range(2))) as place:
        began = time.monotonic()
        with pytest.raises(httpx.ConnectTimeout):
            ask(place, scheme="https")
        with pytest.raises(SyncerError, match="it takes too long"):
            connectivity.shake_hands(Route.direct(f"https://{place}"), 0.4)

    assert time.monotonic() - began < 5


def test_tls_within_tls_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is reached over TLS itself: the server behind it drips its half of the inner handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.pem")

    def proxy(server: socket.socket) -> None:
        connection, _ = server.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as outer:
                outer.recv(65536)
                outer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                for word in chain([b"\x16\x03\x03\x40\x00"], repeat(b"\x02")):
                    outer.sendall(word)
                    time.sleep(0.01)
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=proxy, args=(server,), daemon=True)
        thread.start()
        monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.pem"))
        monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{server.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        began = time.monotonic()
        with pytest.raises(httpx.ConnectTimeout):
            ask("api.example.com", seconds=1, scheme="https")
    thread.join(10)

    assert time.monotonic() - began < 5


# -- what comes back ---------------------------------------------------------------------------------------------


@settings(max_examples=60)
@example(piece=3, ascii_only=True, value={"data": [10.0, 1e-7, -1.5e300, 12], "links": "é😀"})
@given(
    piece=st.sampled_from([3, 40, 64 * 1024]),
    ascii_only=st.booleans(),
    value=st.dictionaries(
        st.sampled_from(["data", "links", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=20,
        ),
    ),
)
def test_a_list_says_what_json_says(piece: int, ascii_only: bool, value: Any) -> None:  # noqa: FBT001 - drawn
    """Wherever the pieces are cut that are decoded one after the other."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1).encode("utf-8", "surrogateescape")
    wanted = {key: one for key, one in json.loads(json.dumps(value)).items() if key != "x"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bodies, "_PIECE", piece)

        assert paged(text, lambda row: row) == wanted


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"data":[1,]}', b'{"data":[1}', b'{"data":[]}x', b'{"data":[1 2]}', b"{1:2}", b'{"a" 1}',
             b'{"data":[NaN]}', b'{"data":["a', b'{"data":[],}', b'{"data":[]', b'["data"', b"<html>"],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """As a list, and as anything else."""
    for read in (decoded, lambda content: paged(content, lambda row: row)):
        with pytest.raises(ValueError):  # noqa: PT011 - of whatever words
            read(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e400", float("inf")),
        ("-1e400", float("-inf")),
        ("1" * 5000, float("inf")),
        ("-" + "1" * 5000, float("-inf")),
        ("1" * 1000, int("1" * 1000)),
        ('"\\ud800"', "\ud800"),
        ('{"a":1,"a":2}', {"a": 2}),
    ],
)
def test_odd_values_are_values(text: str, value: Any) -> None:
    """They take nothing else along: whoever can't use them says so."""
    assert decoded(text.encode()) == value
    assert paged(b'{"data":[7,%s]}' % text.encode(), lambda row: row) == {"data": [7, value]}


@pytest.mark.parametrize("text", [b'"\xff"', b'"\xed\xa0\x80"'])
def test_what_is_no_text_is_no_text_for_its_own_value_alone(text: bytes) -> None:
    """Bytes that aren't UTF-8 become half characters, and take nothing else along."""
    (one, other) = paged(b'{"data":[%s,"sound"]}' % text, lambda row: row)["data"]

    assert other == "sound"
    with pytest.raises(UnicodeEncodeError):
        one.encode()


def packed(*pieces: bytes | str, times: int = 1) -> bytes:
    """A little gzip that holds a lot: a beginning, a unit so many times, and an end."""
    first, unit, last = (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    pack = zlib.compressobj(1, zlib.DEFLATED, 31)
    blocks = chain([first], repeat(unit * 1000, times // 1000), [last])
    return b"".join(map(pack.compress, blocks)) + pack.flush()


_ROW = '{"id":"%d","attributes":{"name":"m","query_type":"raw_sql","connector_id":1,%s}}'
_END = '],"links":{"last":"http://x/models?page=1&per_page=1"}}'
_WIDE = ",".join(['"\U0001f600' + "a" * 60 + '"'] * 1000)

BOMBS: dict[str, Callable[[], bytes]] = {
    "objects": lambda: packed('{"data":[', "{},", f"{{}}{_END}", times=30 * 10**6),
    "one row of objects": lambda: packed('{"data":[[', '{"":{}},', f"0]{_END}", times=10**6),
    "brackets": lambda: packed('{"data":[', "[", "", times=10**6),
    "a wide text": lambda: packed('{"data":["😀', "a", f'"{_END}', times=60 * 10**6),
    "keys": lambda: packed("{", '"k":{},', '"x":1}', times=10**6),
    "wide configurations": lambda: packed(
        '{"data":[', (_ROW % (1, f'"configuration":{{"a":[{_WIDE}]}}')) + ",", f"0{_END}", times=1000
    ),
}


_MEASURED = """
import re, sys
from pathlib import Path
import httpx
from syncer.live.api import Api
from syncer.live.session import Options, Session
from syncer.errors import ApiError, RefreshError
from syncer.model import Credentials, Target
from syncer.secrets import Secret

status, what = int(sys.argv[1]), sys.argv[2]
packed = sys.stdin.buffer.read()
answer = lambda _: httpx.Response(status, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(packed))
credentials = Credentials(Secret("tok-canary")) if what != "login" else Credentials(None, "me", Secret("pass-canary"))
session = Session(
    Target("prod", "https://api.example.com/api/v1", 1), credentials, lambda _: None,
    Options(0, retry_seconds=0), transport=httpx.MockTransport(answer), sleep=lambda _: None,
)
api = Api(session)
try:
    api.read(1) if what == "model" else api.fetch({1, 2})
except (ApiError, RefreshError) as error:
    print(error.what)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def peak(status: int, what: str, content: bytes) -> tuple[str, int]:
    """What a process says that does nothing but read such answers, and the most memory that it held, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(status), what],
        input=content,
        capture_output=True,
        timeout=120,
        check=True,
    )
    *said, memory = done.stdout.decode().splitlines()
    return " ".join(said), int(memory)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells how much memory a process held")
@pytest.mark.parametrize("kind", BOMBS)
def test_no_list_fills_the_memory(kind: str) -> None:
    """A hundred kilobytes of gzip that hold gigabytes of values: it's said, and less than 300 MB are held."""
    said, memory = peak(200, "list", BOMBS[kind]())

    assert "the answer is" in said
    assert memory < 280


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells how much memory a process held")
@pytest.mark.parametrize(("status", "what"), [(400, "list"), (500, "list"), (200, "login"), (200, "model")])
def test_nothing_else_fills_the_memory(status: int, what: str) -> None:
    """An error's body may have a mebibyte, a login's and a model's answer a little more."""
    said, memory = peak(status, what, BOMBS["objects"]())

    assert "the answer is too large" in said
    assert memory < 120
