"""The rules that exclude, and those that check the message; one object serves all
uses.
"""

from delivery.rules.judgement import situation_of
from delivery.rules.native import (
    DUPLICATE,
    Rule,
    Situation,
    register,
    registered_rules,
    skips_denylist,
)
from delivery.rules.typologies import rows_of, rule_ids, rules_of

__all__ = [
    "DUPLICATE",
    "Rule",
    "Situation",
    "register",
    "registered_rules",
    "rows_of",
    "rule_ids",
    "rules_of",
    "situation_of",
    "skips_denylist",
]
