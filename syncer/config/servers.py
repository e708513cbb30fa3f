"""Servers by their URLs: what can be one, whom credentials would go to, and who may get them. No I/O."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from syncer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTS: Final = {"http": 80, "https": 443}
_PAGES: Final = frozenset({"models", "syncs", "sources", "destinations", "connectors", "dashboard", "sign-in"})
"""Pages of the UI that stand at its root: any other single word may be where a proxy serves the API."""


def api_root(given: str, name: str) -> str:
    """The API's root; raises SettingsError for what can't be one, without saying what it is: it may hold a password."""
    if not given:
        message = f"the environment {name!r} has no api_url"
        raise SettingsError(message, "set api_url in its table, or SYNCER_API_URL")
    if wrong := why_no_url(given):
        message = f"the api_url of the environment {name!r} {wrong[0]}"
        raise SettingsError(message, f"{wrong[1]}; SYNCER_API_URL beats the settings")
    root = given.rstrip("/")
    return root if root.endswith("/api/v1") else f"{root}/api/v1"


def why_no_url(given: str) -> tuple[str, str] | None:
    """Why a text is no URL of an API, and what to do; None if it's one."""
    if "@" in given or "?" in given or "#" in given:
        return (
            "may hold neither a user, a password nor a query",
            "credentials come from SYNCER_TOKEN, or SYNCER_EMAIL and SYNCER_PASSWORD",
        )
    parts = url_parts(given)
    if parts is not None and parts.scheme in {"http", "https"}:
        return None
    if "://" not in given and (bare := url_parts(f"http://{given}")) is not None:
        scheme = "http" if _is_near(bare.hostname or "") else "https"
        return f"is no usable address: {scheme}:// is missing in front", f"write {scheme}:// in front of it"
    return "is no usable address", "write it like https://api.squared.ai"


def root_of_page(given: str) -> str:
    """The root of an address that is a page's, as a browser shows it; empty for any other address."""
    if "@" in given:
        return ""
    parts = url_parts(given)
    if parts is None or parts.scheme not in {"http", "https"}:
        return ""
    path = parts.path.rstrip("/").removesuffix("/api/v1").strip("/")
    is_page = bool(parts.query or parts.fragment or given.endswith(("?", "#"))) or "/" in path or path in _PAGES
    return f"{parts.scheme}://{parts.netloc}" if is_page else ""


def why_no_ui(given: str) -> tuple[str, str] | None:
    """Why a text is no address of a UI to link to, and what to do; None if it's one."""
    if wrong := why_no_url(given):
        return wrong[0], "write the root of the UI alone, like https://app.squared.ai"
    return None if given.startswith("https://") else ("must begin with https://", "a comment links to no other address")


def url_parts(url: str) -> SplitResult | None:
    """The parts of a URL with a host that can be looked up; None if it's none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        # What can't be looked up fails here, where it can be said of whom, and not in the middle of a request.
        host.encode("idna")
        if ":" in host or "[" in parts.netloc:
            ipaddress.ip_address(host)
    except ValueError:
        return None
    return parts if host and port != 0 and url.isprintable() and " " not in url and "\\" not in url else None


def server(url: str) -> str:
    """Scheme, host and port of an address: whom credentials would go to. Look-alikes of ASCII stand as escapes."""
    parts = urlsplit(url)
    host = (parts.hostname or "").encode("ascii", "backslashreplace").decode()
    port = "" if parts.port in {None, _PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def is_in_clear(url: str) -> bool:
    """Whether a token sent there could be read on the way: plain http, and not on this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "http" and not _is_near(host)


def _is_near(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_get_credentials(known: Mapping[str, str], environment: str, server: str, *, is_named: bool) -> bool:
    """Whether a server may get an environment's credentials without a question; `known` are those that got them before.

    What is known of the environment counts first. One that is new here may be a commit's: it's taken if the user named
    it, if nothing is known yet, or if it's a server that gets credentials anyway.
    """
    if environment in known:
        return known[environment] == server
    return is_named or not known or server in known.values()
