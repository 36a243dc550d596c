"""How many segments an SMS takes (GSM 03.38, or UCS-2)."""

# GSM 03.38: the characters of a 160-character message; the second row takes two places.
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


_GSM_EXTENDED = set("^{}\\[~]|€\f")


def sms_segments(text: str) -> tuple[str, int]:
    """The encoding of an SMS and how many segments it takes (3GPP TS 23.038, 23.040).

    GSM-7: 160 places in one, 153 in each of several. UCS-2: 70 and 67 code units.
    """
    if all(character in _GSM or character in _GSM_EXTENDED for character in text):
        sizes = [2 if character in _GSM_EXTENDED else 1 for character in text]
        return "GSM-7", _segments(sizes, 160, 153)
    sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return "UCS-2", _segments(sizes, 70, 67)


def _segments(sizes: list[int], alone: int, together: int) -> int:
    """A character of two places is never split over segments."""
    if sum(sizes) <= alone:
        return 1 if sizes else 0
    count, used = 1, 0
    for size in sizes:
        if used + size > together:
            count, used = count + 1, 0
        used += size
    return count
