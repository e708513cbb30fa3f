"""What variables, event files and answers of a host say, checked: strangers wrote part of it. No I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from syncer.errors import HostError, SettingsError
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from syncer.model import Json
    from syncer.review.host import Note

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_LARGEST_NUMBER: Final = 10**15
_LONGEST_BRANCH: Final = 300
_PLAIN_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*")
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)+")
_ORIGIN = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/\s]*@)?(?P<host>[A-Za-z0-9.-]+)(?::[0-9]+)?/|(?:[^@:/\s]+@)?(?P<other>[A-Za-z0-9.-]+):)"
    r"/?(?P<path>[A-Za-z0-9_.~/-]+?)(?:\.git)?/?"
)
_OUTPUT_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_OUTPUT_VALUE = re.compile(r"[a-z0-9_-]{0,64}")


def base_url(variable: str, text: str) -> str:
    """The address of an API, as a variable gives it, without a slash at its end. Raises SettingsError."""
    url = text.strip().rstrip("/")
    if not _PLAIN_URL.fullmatch(url):
        raise SettingsError(f"{variable} is no plain https address", "CI sets it; a job needn't")
    if url.startswith("http:") and urlsplit(url).hostname not in LOOPBACK:
        raise SettingsError(f"{variable} is not https", "the token would cross the network for everyone to read")
    return url


def origin_of(url: str) -> tuple[str, str]:
    """The server and the repository's path that a remote's address names, without anybody's password; else empty."""
    found = _ORIGIN.fullmatch(url.strip())
    return ((found["host"] or found["other"]).lower(), found["path"]) if found else ("", "")


def safe_link(text: str) -> str:
    """The link if it may stand in a comment (https and plain characters), else empty."""
    return text if _LINK.fullmatch(text) else ""


def token_in(variables: Mapping[str, str], name: str) -> Secret | None:
    """The token that a variable holds; None if it's unset or empty. The SettingsError that it may raise hides it."""
    token = variables.get(name, "").strip()
    if not token:
        return None
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingsError(f"{name} can't be a token: it has blanks, line ends or other unfit characters")
    return Secret(token, name)


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds that `Retry-After` asks for; None if it says nothing usable."""
    value = headers.get("retry-after", "").strip()
    return max(1.0, float(value)) if re.fullmatch(r"[0-9]{1,9}", value) else None


def commit_id(value: object) -> str:
    """The value if it's a commit's 40 hex digits, else empty. Zeros alone mean no commit."""
    if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{40}", value) and value.strip("0"):
        return value
    return ""


def positive_number(value: object) -> int | None:
    """The value if it's a positive integer of JSON, else None; `true` is none."""
    return value if type(value) is int and 0 < value < _LARGEST_NUMBER else None


def number_in_text(text: str | None) -> int | None:
    """The positive integer that a variable or a header holds; None for anything else."""
    return int(text) if text and re.fullmatch(r"[1-9][0-9]{0,14}", text) else None


def branch_name(value: object) -> str:
    """The value if it's a branch's name that may stand in a path, else empty."""
    if not isinstance(value, str) or len(value) > _LONGEST_BRANCH:
        return ""
    is_fit = value.isprintable() and " " not in value and ".." not in value and "@{" not in value
    return value if is_fit and not value.startswith(("/", "-", ".")) else ""


def value_at(data: Json, *keys: str) -> Json:
    """The value at a path of keys; None where there is none, whatever the data's shape."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def text_at(data: Json, *keys: str) -> str:
    """The text at a path of keys; empty where there is none."""
    value = value_at(data, *keys)
    return value if isinstance(value, str) else ""


def checked_commit(sha: str, name: str) -> str:
    """The commit itself. Raises HostError for what isn't 40 hex digits; `name` is the host's."""
    if not commit_id(sha):
        raise HostError(f"{name} names no commit, or one that isn't 40 hex digits")
    return sha


def created_note(note: Note | None, name: str) -> Note:
    """The note that was created. Raises HostError where the answer doesn't tell it."""
    if note is None:
        # Status 0: it may well have been written.
        raise HostError(f"{name}'s answer doesn't say what was created")
    return note


def checked_outputs(values: Mapping[str, str]) -> Mapping[str, str]:
    """The values for later steps. Raises ValueError for anything but plain short words."""
    for name, value in values.items():
        if not (_OUTPUT_NAME.fullmatch(name) and _OUTPUT_VALUE.fullmatch(value)):
            raise ValueError(f"the output {name!r} isn't a plain short word")
    return values


def objects_of_page(data: Json, name: str) -> list[dict[str, Any]]:
    """The objects of a page. Raises HostError for what is no list: as an empty one it would cause a second comment."""
    if not isinstance(data, list):
        raise HostError(f"{name}'s answer is no list", "see whether the address of its API is right")
    return objects_in(data)


def objects_in(data: Json) -> list[dict[str, Any]]:
    """The objects of a list; everything else in it is left out."""
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
