"""`syncer explain`: what a rule means, why it exists, and an example of each side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """What `syncer explain` is asked for."""

    rule: str = flags.operand("RULE", "the rule that a problem names; without one all are listed", default="")


def run(options: ExplainOptions, screen: Screen) -> int:
    """Show one rule, or list all. Raises SettingsError for a rule that isn't there."""
    from syncer.desired.validate.finding import did_you_mean
    from syncer.errors import SettingsError
    from syncer.render import rules_page

    if not options.rule:
        screen.show(rules_page.render_rules(screen.style))
        return 0
    rule = rules_page.ALL_RULES.get(options.rule.strip("[]").lower())
    if rule is None:
        shown = "".join(one if one.isprintable() else "?" for one in options.rule[:80])
        hint = did_you_mean(options.rule, rules_page.ALL_RULES, "`syncer explain` lists them")
        raise SettingsError(f"there is no rule {shown}", hint)
    screen.show(rules_page.render_rule(rule, screen.style))
    return 0


COMMAND = Command(
    "explain",
    Words(
        "Explain a rule: what it means, why it exists, and an example.",
        "A problem names its rule. The rules of validate, plan and apply stand in one list, which `syncer explain` "
        "shows.",
        "syncer explain\nsyncer explain duplicate-id",
    ),
    ExplainOptions,
    run,
)
