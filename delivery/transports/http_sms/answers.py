"""Which answers of a provider mean taken, refused, later.

A rule is a status, `200` or `2xx`, and perhaps words that the answer must hold:
`200 "status":"error"`. Rules are on a line each, or separated by semicolons. The
closest rule decides: words before none, a status before a class of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from delivery.transports.handing_over import Kind

_RULE = re.compile(r"([1-5])(\d\d|xx)(?:\s+(.+))?", re.IGNORECASE)
DEFAULTS = {
    Kind.TAKEN: "2xx",
    Kind.REFUSED: "4xx",
    # Our own key or a limit: the same message may pass later.
    Kind.LATER: "401; 403; 408; 429; 503",
}


@dataclass(frozen=True)
class Rule:
    """What a status, with words of the answer, means."""

    kind: Kind
    status: str
    words: str = ""

    def fits(self, status: int, text: str) -> bool:
        own = str(status)
        return own.startswith(self.status.rstrip("x")) and self.words in text

    @property
    def closeness(self) -> tuple[bool, bool]:
        return bool(self.words), "x" not in self.status


def read_rules(texts: Mapping[Kind, str]) -> list[Rule]:
    """The rules, the closest first; raises ValueError that quotes a bad one."""
    rules: list[Rule] = []
    for kind, text in texts.items():
        for part in filter(None, map(str.strip, re.split(r"[;\n]", text))):
            found = _RULE.fullmatch(part)
            if found is None:
                raise ValueError(f"{part!r} is not a rule such as 2xx or 200 error")
            status = (found[1] + found[2]).lower()
            rules.append(Rule(kind, status, (found[3] or "").strip()))
    return sorted(rules, key=lambda rule: rule.closeness, reverse=True)


def meaning_of(rules: list[Rule], status: int, text: str) -> Kind | None:
    """What an answer means; None when no rule is about it."""
    return next((rule.kind for rule in rules if rule.fits(status, text)), None)
