"""What `syncer doctor` checked, for people: a line a check, hints for those that fail, and a verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from syncer.render.text import counted, runner_safe, visible, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.render.style import Style

LAYERS: Final = (
    *("settings", "DNS", "connection", "TLS", "host", "credentials", "token", "workspace", "role"),
    *("models", "connectors", "syncs", "rate limit", "files", "secrets", "git", "extra sql"),
)
"""Every layer between a person and their models, the first one first."""


BY_HAND: Final = "by hand"
"""What stands in place of a layer before what only a person can look at."""


class State(Enum):
    """How a check ended. The value is its mark in ASCII output."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "-"
    """There was nothing to check, or an earlier failure made it useless."""


_GLYPHS: Final = {State.OK: "✓", State.FAILED: "✗", State.WARNING: "!", State.SKIPPED: "-"}
_PAINTS: Final = {State.OK: "good", State.FAILED: "error", State.WARNING: "warning"}
_MARKS: Final = max(len(state.value) for state in State)
_NAMES: Final = max(map(len, LAYERS))
_NARROWEST: Final = 30


@dataclass(frozen=True, slots=True)
class Check:
    """One layer: how its check ended, details, what to do. `count` is how many files, models or others it found."""

    layer: str
    state: State
    detail: str
    hint: str = ""
    count: int = 0


def render_check(check: Check, style: Style) -> str:
    """One line, and further ones below its words where they don't fit, and for the hint."""
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
    return runner_safe("\n".join([head, *(" " * indent + line for line in (*more, *hint))]))


def render_verdict(checks: Sequence[Check], environment: str, style: Style) -> str:
    """The last line: which layers fail, or what is possible now."""
    failed = [check.layer for check in checks if check.state is State.FAILED]
    if failed:
        # TLS fails, secrets fail.
        verb = "fail" if len(failed) > 1 or failed[0].endswith("s") else "fails"
        return runner_safe(style.paint("error", f"Not ready: {_listed(failed)} {verb}."))
    points = sum(check.layer == BY_HAND for check in checks)
    warnings = sum(check.state is State.WARNING for check in checks)
    if points:
        found = counted(warnings, "warning") if warnings else "Nothing wrong in what was read"
        left = f"{counted(points, 'point')} {'is' if points == 1 else 'are'} left to look at by hand"
        return runner_safe(style.paint("good", f"{found}; {left}."))
    head = f"Ready, with {counted(warnings, 'warning')}" if warnings else "All is well"
    return runner_safe(style.paint("good", f"{head}: {visible(_possible(checks, environment))}."))


def _possible(checks: Sequence[Check], environment: str) -> str:
    count = {check.layer: check.count for check in checks}
    if count.get("files"):
        return f"{counted(count['files'], 'model')} can be planned in {environment}"
    return f"{counted(count.get('models', 0), 'live model')} of {environment} can be imported"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
