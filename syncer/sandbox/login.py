"""Login and logout, and what belongs to them: tokens, the lock after wrong passwords, the limit on logins per address.

A user has one live token at most.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
import uuid
from typing import TYPE_CHECKING, Final

from syncer.sandbox import error_responses
from syncer.sandbox.error_responses import Answer, FrameworkError
from syncer.sandbox.jsonb import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.sandbox.database import Database, Row
    from syncer.sandbox.http_request import RoutedRequest

_TOKEN_SECONDS: Final = 30 * 60
_LOCK_SECONDS: Final = 60 * 60
_WRONG_PASSWORDS: Final = 5
_WINDOW_SECONDS: Final = 20
_LOGINS_PER_WINDOW: Final = 5
_LOCKED: Final = "Account is locked due to multiple login attempts. Please retry after sometime"
_WRONG: Final = "Invalid login credentials, please try again"


def current_user(database: Database, authorization: str | None, now: float) -> Row:
    """Return the user of the token. A missing, wrong, expired or replaced token is a 401; which one is not told."""
    scheme, token = [*(authorization or "").split(), "", ""][:2]
    issued = database.find_token(token) if scheme == "Bearer" else None  # letter case counts
    user = None if issued is None else database.find("users", issued["user_id"])
    if issued is None or user is None or issued["jti"] != user["jti"] or issued["expires_at"] <= now:
        raise error_responses.application_error(401, "Unauthorized")
    if _is_locked(user, now):
        raise FrameworkError(500)  # the server crashes on a live token of a locked account
    if user["failed_attempts"]:
        database.update("users", user["id"], {"failed_attempts": 0})
    return user


def user_of(request: RoutedRequest) -> Row:
    """Return the user of the request's token."""
    if request.user is None:  # the route needs no token
        raise error_responses.application_error(401, "Unauthorized")
    return request.user


def log_in(request: RoutedRequest) -> Answer:
    """Answer `POST /login`: a token that ends the user's previous one. The fifth wrong password locks the account."""
    database, params, now = request.database, request.params, request.now
    user = database.find_user(params["email"])
    if user is None:
        raise error_responses.application_error(401, _WRONG)
    if _is_locked(user, now):
        raise error_responses.application_error(401, _LOCKED)
    if user["password"] != params["password"]:
        failed = user["failed_attempts"] + 1
        is_last = failed >= _WRONG_PASSWORDS
        database.update("users", user["id"], {"failed_attempts": failed} | ({"locked_at": now} if is_last else {}))
        raise error_responses.application_error(401, _LOCKED if is_last else _WRONG)
    jti = secrets.token_hex(16)
    token = _token(user["id"], jti, now)
    database.update("users", user["id"], {"jti": jti})
    database.add_token(token, user["id"], jti, now + _TOKEN_SECONDS)
    return Answer(200, dumps({"data": {"type": "token", "id": token, "attributes": {"token": token}}}))


def log_out(request: RoutedRequest) -> Answer:
    """Answer `DELETE /logout`: the user's token ends."""
    request.database.update("users", user_of(request)["id"], {"jti": None})
    attributes = {"message": "Successfully logged out"}
    return Answer(200, dumps({"data": {"type": "message", "id": str(uuid.uuid4()), "attributes": attributes}}))


def _is_locked(user: Row, now: float) -> bool:
    return user["locked_at"] is not None and now < user["locked_at"] + _LOCK_SECONDS


def _token(user_id: int, jti: str, now: float) -> str:
    """Make a token in the form of a JWT (HS256). Nobody checks the signature: the database knows what was issued."""
    claims = {"jti": jti, "sub": str(user_id), "scp": "user", "aud": None}
    times = {"iat": int(now), "exp": int(now) + _TOKEN_SECONDS}
    unsigned = f"{_base64(dumps({'alg': 'HS256'}).encode())}.{_base64(dumps(claims | times).encode())}"
    signature = hmac.digest(secrets.token_bytes(32), unsigned.encode(), hashlib.sha256)
    return f"{unsigned}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class LoginLimit:
    """Counts logins per client address in windows of the wall clock. Logins from this machine are never refused."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the time from `clock`."""
        self._clock = clock
        self._window = 0
        self._counts: dict[str, int] = {}

    def clear(self) -> None:
        """Forget all logins."""
        self._counts.clear()

    def count(self, address: str) -> Answer | None:
        """Count one login; return the refusal if it is one too many."""
        if address in ("127.0.0.1", "::1"):
            return None
        window = int(self._clock()) // _WINDOW_SECONDS
        if window != self._window:
            self._window = window
            self._counts.clear()
        self._counts[address] = self._counts.get(address, 0) + 1
        if self._counts[address] <= _LOGINS_PER_WINDOW:
            return None
        # Retry-After names the whole window, not what is left of it.
        text = f"Too many login attempts. Please try again in {_WINDOW_SECONDS} seconds."
        return Answer(429, dumps({"error": text}), "application/json", {"Retry-After": str(_WINDOW_SECONDS)})


def client_address(remote: str, forwarded_for: str | None) -> str:
    """Return the client's address: the last one in X-Forwarded-For that is no proxy of ours (a private address)."""
    forwarded = [part.strip() for part in (forwarded_for or "").split(",") if part.strip()]
    if not _is_proxy(remote) or not forwarded:
        return remote
    clients = [address for address in forwarded if not _is_proxy(address)]
    return clients[-1] if clients else forwarded[0]


def _is_proxy(address: str) -> bool:
    networks = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(network) for network in networks)
