"""The layers below the API, one question each: is there such a host, is it reached, is it who it claims to be.

Each function gives what it found in words, or raises SyncerError with what is wrong and what to do. The way is the one
that requests take: through the same proxy, with the same certificates.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import importlib.util
import json
import socket
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from syncer.errors import ApiError, SyncerError

if TYPE_CHECKING:
    from syncer.client.session import Session
    from syncer.model import Secret

_PORTS: Final = {"http": 80, "https": 443}
_PROXY_PORT: Final = 3128
_SCHEMES: Final = frozenset({"http", "https"})
_NO_SUCH_API: Final = "the answer is"
"""How every reason begins that is no reason of the API: a web page, an empty answer."""

_CERTIFICATE: Final = {
    9: ("is not valid yet", "check the clock of this machine"),
    10: ("has expired", "whoever runs the server must renew it; check the clock of this machine, too"),
    18: ("is self-signed", "for a private authority set SSL_CERT_FILE to its certificate"),
    19: ("comes from an unknown issuer", "for a private authority set SSL_CERT_FILE to its certificate"),
    20: ("comes from an unknown issuer", "for a private authority, or a proxy that looks inside, set SSL_CERT_FILE"),
    62: ("is for another host", "check the host in api_url"),
    64: ("is for another host", "use the host's name in api_url, not its address"),
}
"""OpenSSL's numbers for what is wrong with a certificate, in words, and what to do."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a server: its host and port, and the proxy's if there is one."""

    host: str
    port: int
    is_tls: bool
    proxy: str = ""
    """The proxy's URL; it may hold a password."""
    variable: str = ""
    """The variable that names the proxy, or what stands for it in the settings of the system."""

    @classmethod
    def of(cls, url: str) -> Self:
        """The way to a URL as the environment's proxies have it. Raises SyncerError for a proxy of no known kind."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        known = {scheme: proxy for scheme, proxy in getproxies().items() if scheme in {*_SCHEMES, "all"}}
        for scheme, proxy in known.items():
            kind = urlsplit(proxy).scheme if "://" in proxy else "http"
            if kind not in _SCHEMES and not (kind.startswith("socks5") and importlib.util.find_spec("socksio")):
                message = f"{scheme.upper()}_PROXY names a proxy of a kind that can't be used: {kind}"
                raise SyncerError(message, "name a proxy that speaks HTTP, or unset the variable")
        scheme = parts.scheme if parts.scheme in known else "all"
        if scheme not in known or proxy_bypass(host):
            return cls(host, port, parts.scheme == "https")
        proxy = known[scheme] if "://" in known[scheme] else f"http://{known[scheme]}"
        return cls(host, port, parts.scheme == "https", proxy, f"{scheme.upper()}_PROXY")

    @property
    def first(self) -> tuple[str, int]:
        """The host and the port that this machine itself connects to: the server's, or the proxy's."""
        if not self.proxy:
            return self.host, self.port
        parts = urlsplit(self.proxy)
        return parts.hostname or "", parts.port or _PROXY_PORT

    @property
    def via(self) -> str:
        """The proxy in words, without what it may hold of a password; empty without one."""
        host, port = self.first
        return f"the proxy {host}:{port} ({self.variable})" if self.proxy else ""


def resolve(route: Route) -> str:
    """The addresses of the first host on the way."""
    host, port = route.first
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        what = f"the proxy's host {host} ({route.variable})" if route.proxy else f"the host {host}"
        if getattr(error, "errno", 0) == socket.EAI_AGAIN:
            message = f"no name server says where {what} is"
            raise SyncerError(message, "check the network and the VPN of this machine") from None
        message = f"{what} is not known"
        where = f"check {route.variable}" if route.proxy else "check the host in api_url"
        raise SyncerError(message, f"{where}; a private name may need a VPN") from None
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    if route.proxy:
        return f"left to {route.via}"
    return "nothing to look up: it's an address" if addresses == [host] else f"{host} is {addresses[0]}{more}"


def connect(route: Route, seconds: float) -> str:
    """That the first host on the way takes connections."""
    host, port = route.first
    place, hint = f"{host}:{port}", "check api_url and its port; a firewall, a VPN or a proxy (HTTPS_PROXY) may decide"
    try:
        socket.create_connection((host, port), seconds).close()
    except ConnectionRefusedError:
        raise SyncerError(f"{place} refuses connections", "check the port in api_url, and that it runs") from None
    except TimeoutError:
        raise SyncerError(f"{place} doesn't answer within {seconds:g} s", hint) from None
    except OSError as error:
        raise SyncerError(f"no connection to {place}: {error.strerror or 'it failed'}", hint) from None
    return f"{place} takes connections"


def shake_hands(route: Route, seconds: float) -> str:
    """That the server proves, with a certificate, to be the host of the URL."""
    if urlsplit(route.proxy).scheme not in {"", "http"}:
        return f"left to the first request through {route.via}"
    host, port = route.first
    connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=_trust())
    if route.proxy:
        connection.set_tunnel(route.host, route.port, _proxy_headers(route.proxy))
    try:
        connection.connect()
        return _proved(connection.sock)
    except ssl.SSLCertVerificationError as error:
        fallback = error.verify_message or "is refused", "for a private authority set SSL_CERT_FILE to its certificate"
        why, hint = _CERTIFICATE.get(error.verify_code, fallback)
        raise SyncerError(f"the certificate of {route.host} {why}", hint) from None
    except ssl.SSLError as error:
        why = (error.reason or "").replace("_", " ").lower() or "no handshake"
        message = f"{route.host}:{route.port} doesn't speak TLS as expected: {why}"
        raise SyncerError(message, "check api_url: https or http, and the port") from None
    except OSError as error:
        why = error.strerror or str(error) or "it ended the connection"
        hint = "check the proxy, and what it lets through" if route.proxy else "check the port in api_url"
        raise SyncerError(f"no handshake with {route.host}:{route.port}: {why}", hint) from None
    finally:
        connection.close()


def _trust() -> ssl.SSLContext:
    """What requests verify with."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        message = f"the certificates to verify with can't be read: {error.strerror or 'they are none'}"
        raise SyncerError(message, "check SSL_CERT_FILE and SSL_CERT_DIR") from None


def _proved(sock: socket.socket) -> str:
    assert isinstance(sock, ssl.SSLSocket)  # noqa: S101 - what a connection over TLS holds
    certificate = sock.getpeercert() or {}
    ending = str(certificate.get("notAfter", ""))
    day = time.strftime("%Y-%m-%d", time.gmtime(ssl.cert_time_to_seconds(ending))) if ending else ""
    return ", ".join(filter(None, [sock.version(), f"the certificate holds until {day}" if day else ""]))


def _proxy_headers(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    word = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(word).decode()}"}


def greet(session: Session) -> str:
    """That the models API is at this address: asked by nobody, it refuses in its own way. Raises ApiError, too."""
    try:
        session.get("/models", {"page": 1, "per_page": 1})
    except ApiError as error:
        if error.status == HTTPStatus.UNAUTHORIZED and not error.reason.startswith(_NO_SUCH_API):
            return "the models API is here"
        if error.status == HTTPStatus.UNAUTHORIZED:
            message = f"something before the API asks for a password: {error.reason} (401)"
            raise SyncerError(message, "check api_url, and proxies on the way") from None
        raise
    raise SyncerError("it answers without a token, so it is not the models API", "check api_url")


def seconds_left(token: Secret, now: float) -> float | None:
    """For how long a token still holds, as it says itself; None if it's of a kind that doesn't say."""
    parts = str(token.reveal()).split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"]) - now
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError, binascii.Error):
        return None
