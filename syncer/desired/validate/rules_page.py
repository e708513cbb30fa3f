"""The page about the rules: `docs/rules.md`, made from `rules`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.desired.validate.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDEST: Final = 120


def rules_markdown() -> str:
    """The documentation of all rules, as Markdown."""
    lines = [
        "# Rules",
        "",
        "What `syncer validate` checks. A warning becomes an error with `--strict`. This page is made from the code.",
        "",
        "| rule | severity | what |",
        "| --- | --- | --- |",
        *(f"| [{rule.id}](#{rule.id}) | {rule.severity.value} | {rule.title} |" for rule in RULES),
    ]
    for rule in RULES:
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
