"""Formats of cells that write more than the digits of a number: 00000, "C"0000.

A code is then another one than the number that is stored. Sources: ECMA-376, 18.8.31;
[MS-XLS] 2.4.126.
"""

import re
from dataclasses import dataclass

# Text before, digits, text after.
_CODE = re.compile(r'(?:"([^"]*)"|\\(.))?(0[0#]*)(?:"([^"]*)")?')


@dataclass(frozen=True, slots=True)
class Padding:
    """What is written before and after a number, and with how many digits."""

    before: str
    digits: int
    after: str

    def of(self, number: str) -> str:
        """The number as it is shown; empty where that is the number itself."""
        shown = f"{self.before}{number.zfill(self.digits)}{self.after}"
        return shown if number.isdigit() and shown != number else ""


def padding(code: str) -> Padding | None:
    """What a format adds to a whole number; None when it adds nothing."""
    found = _CODE.fullmatch(code)
    if not found or found[0] == "0":
        return None
    return Padding(found[1] or found[2] or "", len(found[3]), found[4] or "")
