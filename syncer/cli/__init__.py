"""The command line: flags → settings → workflow → renderer → exit code. Only here is anything printed or asked.

arguments   the flags            commands   what each command does
screen      streams and colour   progress   a running apply, and Ctrl-C
"""

from syncer.cli.main import main

__all__ = ["main"]
