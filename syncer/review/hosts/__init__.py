"""Code hosts: what GitHub and GitLab call things, and how they are asked. All that is theirs alone stays in here.

module    knows
github    GitHub's variables, event files, REST and GraphQL
gitlab    GitLab's variables and REST
http      one request, rightly sent: the token to one place, bounded, again when that is safe
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from syncer.review.posting import Host
    from syncer.secrets.scrubber import Scrubber


def detect(
    variables: Mapping[str, str],
    *,
    scrubber: Scrubber | None = None,
    sleep: Callable[[float], None] = time.sleep,
    transport: httpx.BaseTransport | None = None,
) -> Host | None:
    """The host whose CI this process runs in, None outside of CI. Asks nothing yet.

    Raises SettingsError if the variables, or the file that tells of the event, make no sense.
    """
    # Late: httpx is slow to load, and a run at a desk needs no host.
    if variables.get("GITHUB_ACTIONS") == "true":
        from syncer.review.hosts.github import GitHub  # noqa: PLC0415 - see above

        return GitHub(variables, scrubber=scrubber, sleep=sleep, transport=transport)
    if variables.get("GITLAB_CI") == "true":
        from syncer.review.hosts.gitlab import GitLab  # noqa: PLC0415 - see above

        return GitLab(variables, scrubber=scrubber, sleep=sleep, transport=transport)
    return None
