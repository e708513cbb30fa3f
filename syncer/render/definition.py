"""A definition as one environment sees it, as YAML with the place of each value above it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.render.modelfile import write
from syncer.render.text import quoted, runner_safe, visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.desired.said import Said
    from syncer.render.style import Style


def render_definition(address: str, environment: str, said: Sequence[Said], style: Style) -> str:
    """Every value, and in a comment above it where it stands."""
    parts = [style.paint("bold", f"# {visible(address)} as {visible(environment)} sees it")]
    lifecycle = [one for one in said if one.path[0] == "lifecycle"]
    others = [one for one in said if one not in lifecycle]
    parts += [_part([_place(one)], {str(one.path[0]): one.value}, style) for one in others]
    if lifecycle:
        places = [f"{one.path[1]}: {_place(one)}" for one in lifecycle]
        parts.append(_part(places, {"lifecycle": {str(one.path[1]): one.value for one in lifecycle}}, style))
    return runner_safe("\n\n".join(parts))


def _place(said: Said) -> str:
    where = visible(str(said.origin))
    if said.mapping is None:
        return where
    return f"{where} says {quoted(said.in_files)}, and {visible(str(said.mapping))} maps it"


def _part(places: Sequence[str], values: dict[str, object], style: Style) -> str:
    lines = write(values).text.rstrip("\n").split("\n")
    return "\n".join([*(style.paint("faint", f"# {place}") for place in places), *map(visible_line, lines)])
