"""Where a name and an id lead: the file at the reviewed commit, and the live model in the UI. Pure.

A URL is made of what a host's variables and reviewed settings say, and of a path in which every odd character is
escaped. So nothing that a model or a file is called makes a link of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from syncer.render.escaping import link_url

if TYPE_CHECKING:
    from syncer.plan.planner import Change


@dataclass(frozen=True, slots=True)
class Links:
    """What is known of the places that names and ids lead to; each is empty where it isn't known."""

    files: str = ""
    """The settings' folder at the commit that is named."""
    ui: str = ""
    """The root of the UI."""

    def file(self, path: str) -> str:
        """The URL of a file, given from the settings' folder; empty where there is none."""
        return _https(path_url(self.files, path)) if self.files and path else ""

    def model(self, change: Change) -> str:
        """The URL of the live model that a change is about; empty where there is none."""
        return self.live(change.id, str(change.live.fields.get("query_type", "")))

    def live(self, model_id: int, query_type: str) -> str:
        """The URL of a live model: the UI shows one of type ai_ml elsewhere. Empty where there is none."""
        kind = "ai/" if query_type == "ai_ml" else ""
        return _https(f"{self.ui.rstrip('/')}/define/models/{kind}{model_id:d}") if self.ui and model_id else ""


NO_LINKS: Final = Links()


def path_url(root: str, path: str) -> str:
    """The URL of a path below a root, which is the root for an empty path; empty for one that leads elsewhere."""
    parts = path.split("/") if path else []
    if {"", ".", ".."} & {*parts}:
        return ""
    try:
        return "/".join([root, *(quote(part.encode("utf-8", "surrogateescape")) for part in parts)])
    except UnicodeEncodeError:
        return ""


def _https(url: str) -> str:
    return link_url(url) if url.startswith("https://") else ""
