"""A list of checks for people: one line each, what to do below those that fail, and a verdict. Values in, text out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from syncer.render.text import counted, defused, visible, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.render.style import Style

LAYERS: Final = (
    *("settings", "DNS", "connection", "TLS", "host", "credentials", "token", "workspace", "role"),
    *("models", "connectors", "syncs", "rate limit", "files", "secrets", "git", "extra sql"),
)
"""Every layer between a person and their models, from the first to the last."""


class State(Enum):
    """How a check went. The value is what stands for it where only ASCII can."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "-"
    """There was nothing to look at, or no use in looking."""


_GLYPHS: Final = {State.OK: "✓", State.FAILED: "✗", State.WARNING: "!", State.SKIPPED: "-"}
_PAINTS: Final = {State.OK: "good", State.FAILED: "error", State.WARNING: "warning"}
_MARKS: Final = max(len(state.value) for state in State)
_NAMES: Final = max(map(len, LAYERS))
_NARROWEST: Final = 30


@dataclass(frozen=True, slots=True)
class Check:
    """One layer: how it is, in words, and what to do about it. `count` is how many there are of what it's about."""

    layer: str
    state: State
    detail: str
    hint: str = ""
    count: int = 0


def render_check(check: Check, style: Style) -> str:
    """One line; where it doesn't fit, and for what to do, further ones below the words."""
    mark = _GLYPHS[check.state] if style.unicode else check.state.value.ljust(_MARKS)
    name = check.layer.ljust(_NAMES)
    indent = len(mark) + len(name) + 3
    room = max(style.width - indent, _NARROWEST)
    first, *more = wrapped(visible(check.detail), room)
    if check.state is State.SKIPPED:
        head = style.paint("faint", f"{mark} {name}  {first}")
    else:
        head = f"{style.paint(_PAINTS[check.state], mark)} {name}  {first}"
    advice = wrapped(visible(style.commands.completed(check.hint)), room) if check.hint else []
    hint = [style.paint("bold", line) for line in advice]
    return defused("\n".join([head, *(" " * indent + line for line in (*more, *hint))]))


def render_verdict(checks: Sequence[Check], environment: str, style: Style) -> str:
    """The last line: which layers fail, or what can be done now."""
    failed = [check.layer for check in checks if check.state is State.FAILED]
    if failed:
        # TLS fails, secrets fail.
        verb = "fail" if len(failed) > 1 or failed[0].endswith("s") else "fails"
        return defused(style.paint("error", f"Not ready: {_listed(failed)} {verb}."))
    warnings = sum(check.state is State.WARNING for check in checks)
    head = f"Ready, with {counted(warnings, 'warning')}" if warnings else "All is well"
    return defused(style.paint("good", f"{head}: {visible(_possible(checks, environment))}."))


def _possible(checks: Sequence[Check], environment: str) -> str:
    count = {check.layer: check.count for check in checks}
    if count.get("files"):
        return f"{counted(count['files'], 'model')} can be planned in {environment}"
    return f"{counted(count.get('models', 0), 'live model')} of {environment} can be imported"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
