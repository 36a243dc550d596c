"""The rules that exclude, and those that check the message; one object serves all
uses.
"""

from delivery.rules.judgement import Judge, judge_of
from delivery.rules.rule import (
    DUPLICATE,
    Rule,
    Situation,
    register,
    registered_rules,
    skips_denylist,
)
from delivery.rules.typologies import rows_of, rules_of

__all__ = [
    "DUPLICATE",
    "Judge",
    "Rule",
    "Situation",
    "judge_of",
    "register",
    "registered_rules",
    "rows_of",
    "rules_of",
    "skips_denylist",
]
