"""The rules for people: all of them as a page (`docs/rules.md`), and one, or a list, for a terminal. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.desired.validate import RULES, Rule
from syncer.plan.rules import PLAN_RULES
from syncer.render.text import aligned, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.render.style import Style

_WIDEST: Final = 120
_INTRODUCTION: Final = (
    "Each problem names its rule. `syncer explain RULE` shows one of these. A warning of `syncer validate` becomes an "
    "error with `--strict`. This page is made from the code."
)

SECTIONS: Final = (
    ("validate", "What the files alone tell. `syncer validate` and every plan check it.", RULES),
    ("plan, apply, rollback and import", "What only live state, the base or a run can tell.", PLAN_RULES),
)
"""All rules, by the commands that tell them."""

ALL_RULES: Final[Mapping[str, Rule]] = {rule.id: rule for _, _, rules in SECTIONS for rule in rules}
"""All rules by their ids."""


def render_rules(style: Style) -> str:
    """A line a rule."""
    lines = []
    for title, _, rules in SECTIONS:
        lines += ["", style.paint("bold", f"{title}:")]
        lines += aligned([(f"  {rule.id}", rule.severity.value, rule.title) for rule in rules])
    return "\n".join(lines[1:])


def render_rule(rule: Rule, style: Style) -> str:
    """One rule: what it says, why it exists, and its examples."""
    lines = [f"{style.paint('bold', rule.id)} ({rule.severity.value})", "", *wrapped(rule.title + ".", style.width)]
    lines += wrapped(rule.why, style.width)
    for heading, files in (("Wrong", rule.wrong), ("Right", rule.right)):
        if files:
            lines += ["", f"{heading}:", *(f"  {line}" for line in _block(files) if not line.startswith("```"))]
    return "\n".join(lines)


def rules_markdown() -> str:
    """The documentation of all rules, as Markdown."""
    lines = [
        "# Rules",
        "",
        _INTRODUCTION,
    ]
    for title, what, rules in SECTIONS:
        lines += ["", f"**{title}**: {what}", "", "| rule | severity | what |", "| --- | --- | --- |"]
        lines += [f"| [{rule.id}](#{rule.id}) | {rule.severity.value} | {rule.title} |" for rule in rules]
    for rule in ALL_RULES.values():
        lines += ["", f"## {rule.id}", "", f"**{rule.title}** ({rule.severity.value}). {rule.why}"]
        for heading, files in (("Wrong", rule.wrong), ("Right", rule.right)):
            if files:
                lines += ["", f"{heading}:", "", *_block(files)]
    return "\n".join(lines) + "\n"


def _block(files: Mapping[str, str]) -> list[str]:
    lines = []
    for path, text in files.items():
        language = "yaml" if path.endswith((".yaml", ".yml")) else "sql" if path.endswith(".sql") else "text"
        heading = (
            [f"# {path}"] if len(files) > 1 and language == "yaml" else [f"-- {path}"] if language == "sql" else []
        )
        # What no page can show (a megabyte, a byte that is no text) is shown as what it stands for.
        shown = [
            line if len(line) <= _WIDEST else line[:_WIDEST] + " …"
            for line in text.encode("utf-8", "replace").decode().rstrip("\n").split("\n")
        ]
        lines += [f"```{language}", *heading, *shown, "```"]
    return lines
