"""Open the API of a run's environment: over the network, or in the embedded sandbox."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from syncer import config
from syncer.model import SANDBOX, Credentials
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.live.api import Api

_INSIDE: Final = "http://localhost/api/v1"
"""The address by which the embedded server is asked; nothing listens there."""


@contextmanager
def connected(run: Run, screen: Screen) -> Iterator[Api]:
    """The API of the run's environment: over the network, or the embedded sandbox."""
    import httpx

    from syncer.live.api import Api
    from syncer.live.session import Options, Session

    if config.is_in_clear(run.environment.api_url):
        screen.warn("others on the network can read the token", f"{run.environment.api_url} is plain http")
    numbers = run.environment.numbers
    options = Options(numbers.requests_per_minute, numbers.connect_seconds, numbers.read_seconds, numbers.retry_seconds)
    target = run.target
    with ExitStack() as stack:
        if run.environment.name == SANDBOX:
            from syncer.cli.shared.embedded_sandbox import sandbox_at

            box = stack.enter_context(sandbox_at(run.settings.root, screen))
            target, credentials = replace(target, url=_INSIDE), Credentials(Secret("sandbox"))
            transport = httpx.WSGITransport(app=box.wsgi)
        else:
            config.check_way(run.variables, target.url)
            from syncer.cli.shared import server_trust

            credentials, transport = server_trust.credentials(run, screen), None
        session = stack.enter_context(
            Session(target, credentials, screen.tell, options, scrubber=screen.scrubber, transport=transport)
        )
        yield Api(session)
