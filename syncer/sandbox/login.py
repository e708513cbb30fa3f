"""Logging in: tokens, one live token per user, the lock after wrong passwords, and the limit on logins per address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox import error_responses
from syncer.sandbox.error_responses import Answer, FrameworkError
from syncer.sandbox.jsonb import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.sandbox.database import Row, Store

_TOKEN_SECONDS: Final = 30 * 60
_LOCK_SECONDS: Final = 60 * 60
_WRONG_PASSWORDS: Final = 5
_WINDOW_SECONDS: Final = 20
_LOGINS_PER_WINDOW: Final = 5
_LOCKED: Final = "Account is locked due to multiple login attempts. Please retry after sometime"
_WRONG: Final = "Invalid login credentials, please try again"


def current_user(store: Store, authorization: str | None, now: float) -> Row:
    """Return whose token this is. No, wrong, ended and replaced tokens are all the same 401."""
    scheme, token = [*(authorization or "").split(), "", ""][:2]
    issued = store.token(token) if scheme == "Bearer" else None  # letter case counts
    user = None if issued is None else store.find("users", issued["user_id"])
    if issued is None or user is None or issued["jti"] != user["jti"] or issued["expires_at"] <= now:
        raise error_responses.refused(401, "Unauthorized")
    if _is_locked(user, now):
        raise FrameworkError(500)  # the server trips over a live token of a locked account
    if user["failed_attempts"]:
        store.update("users", user["id"], {"failed_attempts": 0})
    return user


def log_in(store: Store, params: Mapping[str, Any], now: float) -> Answer:
    """Issue a token, which ends the user's previous one; the fifth wrong password locks the account."""
    user = store.user_by_email(params["email"])
    if user is None:
        raise error_responses.refused(401, _WRONG)
    if _is_locked(user, now):
        raise error_responses.refused(401, _LOCKED)
    if user["password"] != params["password"]:
        failed = user["failed_attempts"] + 1
        is_last = failed >= _WRONG_PASSWORDS
        store.update("users", user["id"], {"failed_attempts": failed} | ({"locked_at": now} if is_last else {}))
        raise error_responses.refused(401, _LOCKED if is_last else _WRONG)
    jti = secrets.token_hex(16)
    token = _token(user["id"], jti, now)
    store.update("users", user["id"], {"jti": jti})
    store.add_token(token, user["id"], jti, now + _TOKEN_SECONDS)
    return Answer(200, dumps({"data": {"type": "token", "id": token, "attributes": {"token": token}}}))


def log_out(store: Store, user: Row, message_id: str) -> Answer:
    """End the user's token."""
    store.update("users", user["id"], {"jti": None})
    attributes = {"message": "Successfully logged out"}
    return Answer(200, dumps({"data": {"type": "message", "id": message_id, "attributes": attributes}}))


def _is_locked(user: Row, now: float) -> bool:
    return user["locked_at"] is not None and now < user["locked_at"] + _LOCK_SECONDS


def _token(user_id: int, jti: str, now: float) -> str:
    """Make a token in the form of a JWT (HS256). Nobody checks the signature: the store knows what was issued."""
    claims = {"jti": jti, "sub": str(user_id), "scp": "user", "aud": None}
    times = {"iat": int(now), "exp": int(now) + _TOKEN_SECONDS}
    unsigned = f"{_base64(dumps({'alg': 'HS256'}).encode())}.{_base64(dumps(claims | times).encode())}"
    signature = hmac.digest(secrets.token_bytes(32), unsigned.encode(), hashlib.sha256)
    return f"{unsigned}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Throttle:
    """Counts logins per client address in windows of the wall clock. The machine itself is never refused."""

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
