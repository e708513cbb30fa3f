"""The digest of a run's plan as a status of the run, so that its apply needn't believe the plan's file. No I/O."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from syncer.errors import HostError

if TYPE_CHECKING:
    from syncer.review.host import Host

_DIGEST = re.compile(r"[0-9a-f]{64}")


def publish_digest(host: Host, environment: str, digest: str, folder: str = "") -> bool:
    """Set the plan's digest as a status, for this run's apply. Raises HostError.

    False if the host has no statuses, or this run comes to no apply.
    """
    return host.set_status(_status_name(environment, folder), digest)


def published_digest(host: Host, environment: str, folder: str = "") -> str:
    """The digest that this run's plan published; empty if there is none, or the token may not see it.

    Raises HostError.
    """
    try:
        texts = host.statuses(_status_name(environment, folder))
    except HostError as error:
        if error.is_denied:
            return ""
        raise
    return texts[-1] if texts and _DIGEST.fullmatch(texts[-1]) else ""


def _status_name(environment: str, folder: str) -> str:
    """The name for one environment of one folder. A host bounds a name's length, so the folder is a hash in it."""
    mark = f" in {hashlib.sha256(folder.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}" if folder else ""
    return f"syncer plan of {environment}{mark}"
