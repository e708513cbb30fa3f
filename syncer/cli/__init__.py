"""The command line: flags → settings → workflow → renderer → exit code. Only here is anything printed or asked.

arguments   the flags              validating  validate, and the checks before a plan
main        from flags to code     planning    plan, show and drift
commands    which runs what        applying    apply, of a new plan or a saved one
screen      streams and colour     ci          a CI job's part
running     what a run needs       starting    init
outputs     the files it leaves    boxed       the sandbox, serving it, the demo
progress    an apply, and Ctrl-C   keeping     what a run replaced
                                   undoing     history and rollback
"""

from syncer.cli.main import main

__all__ = ["main"]
