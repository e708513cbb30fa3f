"""The command line: flags → settings → workflow → renderer → exit code. Only here is anything printed or asked.

arguments   the flags              validating  validate, and the checks before a plan
main        from flags to code     planning    plan, show and drift
commands    which runs what        applying    apply, of a new plan or a saved one
screen      streams and colour     ci          a CI job's part
running     what a run needs       importing   import, and import --drift
outputs     the files it leaves    listing     list
progress    an apply, and Ctrl-C   undoing     history and rollback
keeping     what a run replaced    starting    init: the files; asking: its questions
pinning     ids of new models      examining   doctor
streams     closed, full, left     boxed       the sandbox, serving it, the demo
"""

from syncer.cli.main import main

__all__ = ["main"]
