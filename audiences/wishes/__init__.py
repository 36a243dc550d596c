"""What people ask short of an opt-out: at most so many messages, or none for a while.

A wish is about one channel or about any. It binds marketing alone, and only its person
takes it back, or somebody for them: no import and no opt-in does.
"""

from audiences.wishes.reading import active, limits_of, of_person, paused, wishes_of
from audiences.wishes.reasons import counted, give_reason, reasons_of
from audiences.wishes.writing import MONTH, Wished, end, express, take_back

__all__ = [
    "MONTH",
    "Wished",
    "active",
    "counted",
    "end",
    "express",
    "give_reason",
    "limits_of",
    "of_person",
    "paused",
    "reasons_of",
    "take_back",
    "wishes_of",
]
