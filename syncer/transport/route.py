"""The way to a server: directly, or through a proxy that the environment's variables name."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from syncer.errors import SyncerError

_PORTS: Final = {"http": 80, "https": 443}
_PROXY_PORT: Final = 3128
_SCHEMES: Final = frozenset({"http", "https"})


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
    def direct(cls, url: str) -> Self:
        """The way to a URL without any proxy."""
        parts = urlsplit(url)
        return cls(parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "https")

    @classmethod
    def of(cls, url: str) -> Self:
        """The way to a URL as the environment's proxies have it. Raises SyncerError for a proxy of no known kind."""
        known = {scheme: proxy for scheme, proxy in getproxies().items() if scheme in {*_SCHEMES, "all"}}
        for scheme, proxy in known.items():
            kind = urlsplit(proxy).scheme if "://" in proxy else "http"
            if kind not in _SCHEMES and not (kind.startswith("socks5") and importlib.util.find_spec("socksio")):
                message = f"{scheme.upper()}_PROXY names a proxy of a kind that can't be used: {kind}"
                raise SyncerError(message, "name a proxy that speaks HTTP, or unset the variable")
        direct = cls.direct(url)
        own = urlsplit(url).scheme
        scheme = own if own in known else "all"
        if scheme not in known or proxy_bypass(direct.host):
            return direct
        proxy = known[scheme] if "://" in known[scheme] else f"http://{known[scheme]}"
        return cls(direct.host, direct.port, direct.is_tls, proxy, f"{scheme.upper()}_PROXY")

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
