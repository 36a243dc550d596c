"""Numbers as the operator's language writes them."""

from django.utils.formats import number_format

MINUS = "\N{MINUS SIGN}"


def grouped(number: int) -> str:
    """A number with separators between thousands."""
    return number_format(number, use_l10n=True, force_grouping=True)


def signed(number: int) -> str:
    """A difference, with its sign; nought has none."""
    sign = "+" if number > 0 else MINUS if number else ""
    return sign + grouped(abs(number))


def signed_points(difference: float) -> str:
    """A difference of percentages, with its sign; what reads as nought has none."""
    if abs(difference) < 0.05:
        return number_format(0, 1)
    sign = "+" if difference > 0 else MINUS
    return sign + number_format(round(abs(difference), 1), 1)


def percentage(percent: float) -> str:
    """A share in words; somebody is never 0.0%."""
    return rate(percent if 0 < percent < 0.05 else round(percent, 1), 1)


def rate(percent: float, digits: int = 2) -> str:
    """A share that a limit is set for: cut off, so that it never reads as the limit."""
    least = 10.0**-digits
    if 0 < percent < least / 2:
        return f"<{number_format(least, digits)}%"
    return f"{number_format(percent, digits)}%"
