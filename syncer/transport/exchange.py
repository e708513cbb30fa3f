"""One deadline for a whole exchange: connecting, proxy, TLS, the request, and every byte of the answer.

httpx and httpcore have a timeout for each read alone, so a server that sends a byte now and then, or one interim answer
after the other, would hold a run for ever. Here every read and write on the way gets what is left of the exchange.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import httpcore
import httpx

from syncer.errors import Excess, SyncerError
from syncer.transport.bodies import ExcessError
from syncer.transport.route import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PIECE: Final = 16 * 1024
"""How much is sent at once: the deadline is looked at before each piece."""

_CONNECTIONS: Final = 100
_IDLE_CONNECTIONS: Final = 20
_IDLE_SECONDS: Final = 5.0


class _Exchange(threading.local):
    """When the exchange of this thread must be over. A thread has one at a time: it ends with its answer's body."""

    deadline = float("inf")

    def left(self, timeout: float | None, late: type[Exception] | None = None) -> float:
        """The seconds that the next step may take. Past the deadline it raises ExcessError, or what `late` says."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise ExcessError(Excess.TIME) if late is None else late()
        return left if timeout is None else min(timeout, left)


_EXCHANGE: Final = _Exchange()


class _Stream(httpcore.NetworkStream):
    """A connection on which every step has what is left of the exchange."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._stream.read(max_bytes, _EXCHANGE.left(timeout))
        except httpcore.ReadTimeout:
            # Silence for the whole timeout is another thing than an answer that never comes to its end.
            _EXCHANGE.left(timeout)
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _EXCHANGE.left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _EXCHANGE.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connections as httpcore makes them, bounded."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,  # noqa: ANN401 - httpcore's
    ) -> httpcore.NetworkStream:
        left = _EXCHANGE.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, left, local_address, socket_options))


class _ProxySocket(ssl.SSLSocket):
    """The socket of a proxy that is itself reached over TLS: httpcore reads the inner TLS from it, record by record."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        self.settimeout(_EXCHANGE.left(self.gettimeout(), TimeoutError))
        return super().recv(buflen, flags)


class Transport(httpx.BaseTransport):
    """Requests of httpx on connections of httpcore, each whole exchange within so many seconds.

    Without `is_tls` no certificates are loaded, which takes longer than a request: then https can only be refused.
    `route` gives the way to a URL. Raises SyncerError for certificates that can't be read.
    """

    def __init__(self, seconds: float, *, is_tls: bool, route: Callable[[str], Route] = Route.of) -> None:
        self._seconds = seconds
        self._trust = trust() if is_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._route = route
        self._pools: dict[str, httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whose body is still to be read by the same thread. Raises what httpx raises, and ExcessError."""
        _EXCHANGE.deadline = time.monotonic() + self._seconds
        url = request.url
        if url.scheme not in {"http", "https"}:
            raise httpx.UnsupportedProtocol(f"{url.scheme} is not spoken", request=request)
        pool = self._pool(self._route(f"{url.scheme}://{url.netloc.decode('ascii')}"))
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated():
            answer = pool.handle_request(sent)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=dict(answer.extensions)
        )

    def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, route: Route) -> httpcore.ConnectionPool:
        with self._lock:
            if route.proxy not in self._pools:
                self._pools[route.proxy] = self._made(route.proxy)
            return self._pools[route.proxy]

    def _made(self, proxy: str) -> httpcore.ConnectionPool:
        common: dict[str, Any] = {
            "ssl_context": self._trust,
            "max_connections": _CONNECTIONS,
            "max_keepalive_connections": _IDLE_CONNECTIONS,
            "keepalive_expiry": _IDLE_SECONDS,
            "network_backend": _Backend(),
        }
        if not proxy:
            return httpcore.ConnectionPool(**common)
        given = httpx.Proxy(proxy)
        common["proxy_auth"] = given.raw_auth
        url = httpcore.URL(
            scheme=given.url.raw_scheme, host=given.url.raw_host, port=given.url.port, target=given.url.raw_path
        )
        if given.url.scheme.startswith("socks5"):
            return httpcore.SOCKSProxy(url, **common)
        if given.url.scheme == "https":
            common["proxy_ssl_context"] = trust()
            common["proxy_ssl_context"].sslsocket_class = _ProxySocket
        return httpcore.HTTPProxy(url, **common)


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Raise for each exception of httpcore the one that httpx has of the same name."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    except (httpcore.ProxyError, httpcore.UnsupportedProtocol) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


def trust() -> ssl.SSLContext:
    """What certificates are verified with. Raises SyncerError where that can't be read."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        message = f"the certificates to verify with can't be read: {error.strerror or 'they are none'}"
        raise SyncerError(message, "check SSL_CERT_FILE and SSL_CERT_DIR") from None


class _ProvedError(Exception):
    """The server has proved who it is, so nothing needs to be sent."""


def handshake(route: Route, seconds: float) -> tuple[str, str]:
    """The version of TLS that a server speaks, and when its certificate ends; it's verified, and nothing is sent.

    Raises SyncerError for certificates that can't be read, else OSError, httpx.HTTPError or ExcessError.
    """
    found = ("", "")

    def watch(event: str, told: Mapping[str, Any]) -> None:
        nonlocal found
        if event.endswith("start_tls.complete"):
            # Of the way to a proxy, too; the server's comes last.
            socket = told["return_value"].get_extra_info("socket")
            found = socket.version() or "", str((socket.getpeercert() or {}).get("notAfter", ""))
        if event == "http11.send_request_headers.started" and told["request"].method != b"CONNECT":
            raise _ProvedError

    transport = Transport(seconds, is_tls=True, route=lambda _: route)
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    url = httpx.URL(scheme="https", host=route.host, port=route.port)
    request = httpx.Request("GET", url, extensions={"trace": watch, "timeout": timeouts})
    with contextlib.suppress(_ProvedError):
        transport.handle_request(request)
    transport.close()
    return found
