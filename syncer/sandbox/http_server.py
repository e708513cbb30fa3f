"""Serving a sandbox over HTTP: on loopback only, until it is told to stop."""

from __future__ import annotations

import ipaddress
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from syncer.sandbox.listener import Listener
    from syncer.sandbox.sandbox import Sandbox


@contextmanager
def running(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread for the length of a `with` block; gives the URL. Port 0: any free one."""
    server = _open(sandbox, host, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.hang_up()
        thread.join()


def serve(
    sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0, ready: Callable[[str], object] | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called with the URL once connections are accepted.

    Raises ValueError for a host that is not this machine, OSError for a port that is taken.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    is_main = threading.current_thread() is threading.main_thread()
    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM) if is_main}
    try:
        with running(sandbox, host, port) as url:
            if ready is not None:
                ready(url)
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _open(sandbox: Sandbox, host: str, port: int) -> Listener:
    from syncer.sandbox.listener import Listener  # noqa: PLC0415 - `import syncer.sandbox` stays cheap

    # The sandbox takes anybody at their word, so nobody else may reach it.
    if host != "localhost":
        try:
            is_loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_loopback = False
        if not is_loopback:
            message = f"the sandbox serves this machine only, so its host is 127.0.0.1, ::1 or localhost, not {host!r}"
            raise ValueError(message)
    return Listener(sandbox, "127.0.0.1" if host == "localhost" else host, port)
