"""What lies below the API, one question each: the host's name, the connection, the certificate, the models API.

Each function gives what it found in words, or raises SyncerError with what is wrong and what to do. The way is the one
that requests take: through the same proxy, with the same certificates.
"""

from __future__ import annotations

import base64
import binascii
import json
import socket
import ssl
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from syncer.errors import ApiError, SyncerError
from syncer.model import shortlist
from syncer.transport import ExcessError, handshake

if TYPE_CHECKING:
    from syncer.live.session import Session
    from syncer.secrets import Secret
    from syncer.transport import Route

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
    if route.proxy:
        return f"left to {route.via}"
    return "nothing to look up: it's an address" if addresses == [host] else f"{host} is {shortlist(addresses, 1)}"


def connect(route: Route, seconds: float) -> str:
    """That the first host on the way takes connections."""
    host, port = route.first
    place, hint = f"{host}:{port}", "check api_url and its port; a firewall, a VPN or a proxy may decide"
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
    try:
        version, ending = handshake(route, seconds)
    except (httpx.HTTPError, OSError) as error:
        raise _unproved(error, route) from None
    day = time.strftime("%Y-%m-%d", time.gmtime(ssl.cert_time_to_seconds(ending))) if ending else ""
    return ", ".join(filter(None, [version, f"the certificate holds until {day}" if day else ""]))


def _unproved(error: Exception, route: Route) -> SyncerError:
    """Why there is no handshake, in words."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        fallback = cause.verify_message or "is refused", "for a private authority set SSL_CERT_FILE to its certificate"
        why, hint = _CERTIFICATE.get(cause.verify_code, fallback)
        return SyncerError(f"the certificate of {route.host} {why}", hint)
    if isinstance(cause, ssl.SSLError):
        why = (cause.reason or "").replace("_", " ").lower() or "no handshake"
        message = f"{route.host}:{route.port} doesn't speak TLS as expected: {why}"
        return SyncerError(message, "check api_url: https or http, and the port")
    if isinstance(error, (httpx.TimeoutException, ExcessError)):
        why = "it takes too long"
    else:
        why = (cause.strerror if cause else "") or str(error) or "it ended the connection"
    hint = "check the proxy, and what it lets through" if route.proxy else "check the port in api_url"
    return SyncerError(f"no handshake with {route.host}:{route.port}: {why}", hint)


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
