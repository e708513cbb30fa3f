"""The way to a server: whether the proxies and certificates that variables name can be used."""

from __future__ import annotations

import errno
import importlib.util
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer.config.servers import url_parts
from syncer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNREADABLE: Final = "the certificates to verify with can't be read"
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def check_way(variables: Mapping[str, str], url: str = "https:") -> None:
    """Raise SettingsError unless a server at that URL can be asked with the proxies and certificates of variables."""
    check_proxies(variables)
    if url.startswith("https:"):
        check_certificates(variables)


def check_certificates(variables: Mapping[str, str]) -> None:
    """Raise SettingsError unless what SSL_CERT_FILE or SSL_CERT_DIR names can be verified with."""
    import ssl  # noqa: PLC0415 - it's slow to import, and only a connection needs it

    file, folder = variables.get("SSL_CERT_FILE"), variables.get("SSL_CERT_DIR")
    try:
        if file:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except (ssl.SSLError, ValueError):
        what = "a file without a certificate"
    except OSError as error:
        what = {errno.ENOENT: "a file that isn't there", errno.EISDIR: "a folder"}.get(
            error.errno or 0, "no readable file"
        )
    else:
        if not file and folder and not Path(folder).is_dir():
            message = f"{_UNREADABLE}: SSL_CERT_DIR names no folder"
            raise SettingsError(
                message, "SSL_CERT_DIR must name the folder with the authorities' certificates, or nothing"
            )
        return
    message = f"{_UNREADABLE}: SSL_CERT_FILE names {what}"
    raise SettingsError(message, "SSL_CERT_FILE must name a PEM file with the authority's certificate, or nothing")


def check_proxies(variables: Mapping[str, str]) -> None:
    """Raise SettingsError for a variable that names no usable proxy, without its value, which may hold a password."""
    for name in filter(variables.get, _PROXIES):
        parts = url_parts(variables[name] if "://" in variables[name] else f"http://{variables[name]}")
        if parts is None:
            raise SettingsError(f"{name} names no usable proxy", f"write it like {name}=http://proxy.example.com:3128")
        is_socks = parts.scheme in {"socks5", "socks5h"} and importlib.util.find_spec("socksio") is not None
        if parts.scheme not in {"http", "https"} and not is_socks:
            message = f"{name} names a proxy of a kind that can't be used"
            raise SettingsError(message, "name a proxy that speaks HTTP (http://…), or unset the variable")
    for name in filter(variables.get, ("no_proxy", "NO_PROXY")):
        if not all(_is_host(entry.strip()) for entry in variables[name].split(",")):
            message = f"{name} has an entry that is not a host"
            raise SettingsError(message, f"separate the hosts with commas: {name}=localhost,.example.com")


def _is_host(entry: str) -> bool:
    """Whether an entry of NO_PROXY is a host, the end of one, an address or a network; or nothing."""
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return entry in {"", "*"} or url_parts(entry if "://" in entry else f"all://{entry.lstrip('*.')}") is not None
    return True
