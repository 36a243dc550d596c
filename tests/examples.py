"""How many examples a property is tried on: EXAMPLES=20 for a long trial."""

import os

TIMES = float(os.environ.get("EXAMPLES", "1"))


def examples(number: int) -> int:
    """So many in each run of all tests, which finds others each time."""
    return max(1, round(number * TIMES))
