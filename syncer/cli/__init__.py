"""The command line: flags → settings → workflow → renderer → exit code. Only here is anything printed or asked.

One file a command, named as it is typed: its flags, its help and what it runs. What is slow to import is imported when
the command runs.

main       from words to an exit code        registry   which commands there are
parser     from words to typed options       shared     what commands are made of
"""

from syncer.cli.main import main

__all__ = ["main"]
