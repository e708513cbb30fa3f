"""What every test shares: nothing but loopback may be reached, and no variable of the machine leaks in."""

from __future__ import annotations

import os
import socket
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import pytest
from hypothesis import settings
from world import recorded_world

from syncer.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Deadlines measure the machine. Examples are the same in each run, so that a red build is red at the desk, too.
settings.register_profile("syncer", deadline=None, derandomize=True)
settings.load_profile("syncer")

_NUMBERS = count()


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


@pytest.fixture(scope="session", autouse=True)
def _nothing_at_home() -> Iterator[None]:
    """Hold every test to its own state folder: the user's own is as it was."""
    folder = platformdirs.user_state_path("syncer", appauthor=False)
    before = sorted(folder.rglob("*"))
    yield
    assert sorted(folder.rglob("*")) == before, f"a test wrote into {folder}"


@pytest.fixture(autouse=True)
def state_root(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a state folder of its own, which isn't made before it's used; variables of the tool are gone."""
    for name in list(os.environ):
        if name.startswith("SYNCER_") or name in {"NO_COLOR", "CLICOLOR_FORCE", "CI", "GITHUB_ACTIONS", "GITLAB_CI"}:
            monkeypatch.delenv(name)
    root = tmp_path_factory.getbasetemp() / "state" / str(next(_NUMBERS))
    monkeypatch.setenv("SYNCER_STATE_DIR", str(root))
    return root


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A server that answers like the real one: the recorded world, in memory."""
    with Sandbox(recorded_world()) as sandbox:
        yield sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--accept` writes the goldens anew; their diff is then reviewed like code."""
    parser.addoption("--accept", action="store_true", help="rewrite tests/golden from what is rendered now")


@pytest.fixture
def accept(request: pytest.FixtureRequest) -> bool:
    """Whether goldens and references are to be written anew."""
    return bool(request.config.getoption("--accept"))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a whole text with a file below `tests/golden`."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--accept"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n", encoding="utf-8", newline="")
        expected = path.read_bytes().decode() if path.exists() else ""

        assert expected == f"{text}\n", f"differs from {path}: see with `pytest --accept` and `git diff`"

    return compare
