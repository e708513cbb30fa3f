"""Find the secrets among the process's variables, so that no output repeats one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from syncer import config
from syncer.secrets import Secret, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HOSTS: Final = ("GITHUB_TOKEN", "SYNCER_GITLAB_TOKEN", "SYNCER_GITLAB_STATUS_TOKEN")
"""The variables by which a host is asked."""

_ADDRESS: Final = "SYNCER_EMAIL"
"""How the one of a login begins that is no secret."""

_SHORTEST: Final = 8
"""The value of a variable that isn't ours and is shorter is a switch, rather than a secret."""

_PASSWORD: Final = re.compile(r"://[^/?#\s:@]*:([^/?#\s@]+)@")
"""The password in a URL, such as a proxy's."""


def secrets(variables: Mapping[str, str]) -> list[Secret]:
    """Every secret that this process was given, for keeping it out of what leaves it."""
    logins = (name for name in variables if config.is_credential(name) and not name.startswith(_ADDRESS))
    own = (Secret(variables[name], name) for name in (*logins, *_HOSTS) if variables.get(name))
    return [*config.secrets(variables), *own]


def all_secrets(variables: Mapping[str, str]) -> Iterator[Secret]:
    """Every secret that a foreign text could repeat: also what others gave this process, and proxies' passwords."""
    yield from secrets(variables)
    for name, value in variables.items():
        if is_secret_key(name) and len(value) >= _SHORTEST and not _is_path(value):
            yield Secret(value, name)
        yield from (Secret(unquote(password), name) for password in _PASSWORD.findall(value))


def _is_path(value: str) -> bool:
    """Whether it leads to something on the disk: the value of PWD is no secret, though its name sounds like one."""
    return Path(value).is_absolute() and os.path.lexists(value)
