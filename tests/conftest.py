"""What every test shares: nothing but loopback may be reached, and no variable of the machine leaks in."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Deadlines measure the machine. Examples are the same in each run, so that a red build is red at the desk, too.
settings.register_profile("syncer", deadline=None, derandomize=True)
settings.load_profile("syncer")


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in {"", "127.0.0.1", "::1", "localhost"}:
            message = f"a test tried to reach {host}"
            raise AssertionError(message)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _clean_variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away the variables that the tool reads."""
    for name in list(os.environ):
        if name.startswith("SYNCER_") or name in {"NO_COLOR", "CLICOLOR_FORCE", "CI", "GITHUB_ACTIONS"}:
            monkeypatch.delenv(name)
    return
