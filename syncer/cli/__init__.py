"""The command line: flags → settings → workflow → renderer → exit code. Only here is anything printed or asked.

arguments   the flags              validating  validate, and the checks before a plan
main        from flags to code     planning    plan and apply
commands    which runs what        boxed       the sandbox, serving it, the demo
screen      streams and colour     progress    a running apply, and Ctrl-C
"""

from syncer.cli.main import main

__all__ = ["main"]
