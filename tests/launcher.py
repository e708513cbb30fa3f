"""Runs of the tool that don't start it anew: each is a fork of a process that has imported it.

Half of what a short run takes is Python's start and the imports. `folder()` holds a `syncer` that hands its arguments,
folder, variables and streams to that process, and ends as the fork of it does. What is about the start itself (imports,
terminals, signals, closed streams) is run by `python -m syncer`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

_CLIENT: Final = """\
#!{python} -IS
import json, os, signal, socket, struct, sys

variables = dict(os.environ)
mask = os.umask(0)
os.umask(mask)
body = json.dumps([sys.argv[1:], os.getcwd(), variables, mask]).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [struct.pack("!I", len(body))], [0, 1, 2])
    server.sendall(body)
    (process,) = struct.unpack("!I", server.recv(4, socket.MSG_WAITALL))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(process, number))
    (code,) = struct.unpack("!i", server.recv(4, socket.MSG_WAITALL))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""

_LIBRARIES: Final = ("deepdiff", "httpx", "jsonschema_rs", "sqlglot", "yaml")


@cache
def folder() -> Path:
    """The folder of the program; the process behind it ends with this one."""
    place = Path(tempfile.mkdtemp(prefix="syncer-launcher-"))
    address, program = str(place / "socket"), place / "syncer"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SYNCER_")}
    server = subprocess.Popen(
        [sys.executable, __file__, address],
        env={**variables, "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdout.read(1) == b"!", "the launcher doesn't start"
    atexit.register(_end, server, place)
    program.write_text(_CLIENT.format(python=sys.executable, address=address))
    program.chmod(0o755)
    return place


def _end(server: subprocess.Popen[bytes], place: Path) -> None:
    server.communicate()
    shutil.rmtree(place, ignore_errors=True)


def _serve(address: str) -> None:
    """Answer until the tests end: then stdin is at its end."""
    import syncer  # noqa: PLC0415

    rooms = (room.name for room in pkgutil.walk_packages(syncer.__path__, "syncer."))
    for name in (*_LIBRARIES, *(room for room in rooms if not room.endswith("__main__"))):
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        os.write(1, b"!")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while listener.fileno() in select.select([listener.fileno(), 0], [], [])[0]:
            asked, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(asked)
            asked.close()


def _answer(asked: socket.socket) -> None:
    """Run one command, and tell how it ended; if whoever asked is gone, so is the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(asked, 4, 3)
    body = asked.recv(struct.unpack("!I", head)[0], socket.MSG_WAITALL)
    process = os.fork()
    if process == 0:
        asked.close()
        _become(streams, *json.loads(body))
        return
    for stream in streams:
        os.close(stream)
    asked.sendall(struct.pack("!I", process))
    ended = os.pidfd_open(process)
    if ended not in select.select([asked.fileno(), ended], [], [])[0]:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    asked.sendall(struct.pack("!i", code))
    os._exit(0)


def _become(streams: list[int], arguments: list[str], here: str, variables: dict[str, str], mask: int) -> None:
    """Be the run that was asked for, to the end of this process."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(here)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(variables)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        for number, (mode, errors) in enumerate((("r", "strict"), ("w", "strict"), ("w", "backslashreplace")))
    )
    sys.argv = ["syncer", *arguments]
    runpy.run_module("syncer", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
