"""The HTTP server: a sandbox on a loopback port, HTTP/1.1 with keep-alive, a thread for each connection.

It is built on the standard library's sockets because answers must be exact: the path arrives as it was sent, and a
connection can be dropped in place of an answer.
"""

from __future__ import annotations

import io
import ipaddress
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox.database import UnusableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from syncer.sandbox.sandbox import Sandbox

_LONGEST_CHUNK_LINE: Final = 1024


@contextmanager
def running(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread for the length of a `with` block; gives the URL. Port 0: any free one."""
    server = _open(sandbox, host, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.hang_up()
        thread.join()


def serve(
    sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0, ready: Callable[[str], object] | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called with the URL once connections are accepted.

    Raises ValueError for a host that is not this machine, OSError for a port that is taken.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    is_main = threading.current_thread() is threading.main_thread()
    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM) if is_main}
    try:
        with running(sandbox, host, port) as url:
            if ready is not None:
                ready(url)
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _open(sandbox: Sandbox, host: str, port: int) -> _HttpServer:
    # The sandbox's tokens are public, so no other machine may reach it.
    if host != "localhost":
        try:
            is_loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_loopback = False
        if not is_loopback:
            message = f"the sandbox serves this machine only, so its host is 127.0.0.1, ::1 or localhost, not {host!r}"
            raise ValueError(message)
    return _HttpServer(sandbox, "127.0.0.1" if host == "localhost" else host, port)


class _HttpServer(ThreadingHTTPServer):
    """A socket in front of a sandbox."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, host: str, port: int) -> None:
        """Bind, and accept connections from now on."""
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.sandbox = sandbox
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((host, port), _RequestHandler)

    @property
    def url(self) -> str:
        """The base of all URLs here."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if self.address_family == socket.AF_INET6 else f"http://{host!s}:{port}"

    def server_bind(self) -> None:
        """Bind without asking the resolver for this machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the library
        """Remember the connection for as long as it is open."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as in the library
        """Forget the connection."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the library
        """Ignore a client that goes away; anything else is a bug and is reported."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Close what is still open, kept-alive connections too."""
        self.server_close()
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # gone already
                    continue


class _RequestHandler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    disable_nagle_algorithm = True

    def log_message(self, *_args: object) -> None:
        """Log nothing: the sandbox has a log of its own."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        # http.server looks for one method per HTTP method, such as do_GET. One serves all here.
        if name.startswith("do_"):
            return self._respond
        raise AttributeError(name)

    def _respond(self) -> None:
        try:
            body = self._body()
        except ValueError:
            self.close_connection = True
            self.send_error(400)
            return
        head: list[Any] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _error: object = None, /
        ) -> Callable[[bytes], object]:
            head[:] = [status, headers]
            return lambda _data: None

        try:
            data = b"".join(self.server.sandbox.wsgi(self._environ(body), start_response))
        except ConnectionResetError:  # a fault: the client gets no answer at all
            self.close_connection = True
            return
        except UnusableError as error:
            self.send_error(500, "The sandbox's state can't be used", str(error))
            return
        self._send(head[0], head[1], data)

    def _send(self, status: str, headers: list[tuple[str, str]], data: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if data:
            self.wfile.write(data)

    def _body(self) -> bytes:
        """Read the body whole, so that the next request on this connection begins where it should."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(_LONGEST_CHUNK_LINE).partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline(_LONGEST_CHUNK_LINE)
        while self.rfile.readline(_LONGEST_CHUNK_LINE).strip():  # trailers
            pass

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        if "://" in path:  # a proxy's form of the request line
            path = "/" + path.partition("://")[2].partition("/")[2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "RAW_PATH": path,
            "QUERY_STRING": query,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key == "CONTENT_TYPE":
                environ[key] = value
            elif key != "CONTENT_LENGTH":
                key = f"HTTP_{key}"
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ
