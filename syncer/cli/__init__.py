"""The command line: flags → settings → workflow → renderer → exit code. Only here is anything printed or asked.

One file a command, named as it is typed; `registry` lists them, and `shared` holds what several of them need.
"""

from syncer.cli.main import main

__all__ = ["main"]
