"""The file of credentials and secrets that the settings name (`env_file`), as text in and `Secret` values out. Pure."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

from syncer.errors import SettingsError
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAKEN: Final = re.compile(r"SYNCER_(?:SECRET_[A-Z0-9_]+|(?:TOKEN|EMAIL|PASSWORD)(?:_[A-Z0-9_]+)?)")
"""The variables that are taken from it. Nothing else of a file may steer a run."""

_LOGIN: Final = re.compile(r"SYNCER_(TOKEN|PASSWORD)(.*)")


def env_file_values(raw: bytes, name: str) -> dict[str, Secret]:
    """The variables in the file that syncer takes from one. Raises SettingsError, which quotes no line.

    Nothing is interpolated: a value is what stands there.
    """
    # It's imported where there is such a file alone.
    from dotenv.parser import parse_stream  # noqa: PLC0415

    hint = "write NAME=value, one on a line"
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{name} can't be read: it is not UTF-8", hint) from None
    if "\0" in text:
        raise SettingsError(f"{name} can't be read: it holds a NUL character", hint)
    found: dict[str, Secret] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise SettingsError(f"{name}:{binding.original.line} can't be read", hint)
        if binding.key and binding.value and _TAKEN.fullmatch(binding.key):
            found[binding.key] = Secret(binding.value, binding.key)
    return found


def env_file_additions(variables: Mapping[str, str], given: Mapping[str, Secret]) -> dict[str, Secret]:
    """What of the file counts beside the process's own variables: those win.

    A token beats e-mail and password, so a token of the file is left where the process has either of these. A password
    of the file is left where the process has another e-mail than the file: it would be another user's.
    """

    def is_beaten(name: str) -> bool:
        login = _LOGIN.fullmatch(name)
        kind, suffix = (login[1], login[2]) if login else ("", "")
        email, password = (f"SYNCER_{one}{suffix}" for one in ("EMAIL", "PASSWORD"))
        if kind == "PASSWORD" and email in given and variables.get(email, "") not in {"", given[email].reveal()}:
            return True
        own = (name, email, password) if kind == "TOKEN" else (name,)
        return any(variables.get(one) for one in own)

    return {name: value for name, value in given.items() if not is_beaten(name)}
