"""GitHub and GitLab: each a `Host`, and all that only one of them knows.

github.py        GitHub's REST and GraphQL, and the files that a step writes
github_event.py  what a run of GitHub Actions is about: its variables and its event file
gitlab.py        GitLab's variables and REST
github_settings.py  what GitHub's settings hold for the workflows: names and rules, no values
gitlab_settings.py  the same of GitLab
http.py          requests: the token to one place, bounded answers, safe retries
values.py        what variables, event files and answers say, checked
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from syncer.review.host import Host
    from syncer.secrets.scrubber import Scrubber


def detect(
    variables: Mapping[str, str],
    *,
    scrubber: Scrubber | None = None,
    sleep: Callable[[float], None] = time.sleep,
    transport: httpx.BaseTransport | None = None,
) -> Host | None:
    """The host in whose CI this process runs; None outside of CI. Sends no request yet.

    Raises SettingsError if the variables, or the file that tells of the event, make no sense.
    """
    # Imported late: httpx is slow to load, and a run at a desk needs no host.
    if variables.get("GITHUB_ACTIONS") == "true":
        from syncer.review.hosts.github import GitHub  # noqa: PLC0415 - see above

        return GitHub(variables, scrubber=scrubber, sleep=sleep, transport=transport)
    if variables.get("GITLAB_CI") == "true":
        from syncer.review.hosts.gitlab import GitLab  # noqa: PLC0415 - see above

        return GitLab(variables, scrubber=scrubber, sleep=sleep, transport=transport)
    return None
