"""Addresses as reports write them."""

import re

LONGEST_ADDRESS = 254
_LOCAL = r"""(?:"[^"\s\x00-\x1f]{1,62}"|[^\s<>()\[\]\\,;:@"\x00-\x1f]{1,64})"""
# The last label is in one alphabet; following text in another isn't part of it.
_LAST = r"(?:[A-Za-z][A-Za-z0-9-]{1,62}|(?:(?![A-Za-z0-9])[^\W_]){2,62})"
_DOMAIN = rf"(?:[^\W_](?:[\w-]{{0,62}})\.){{1,10}}{_LAST}"
_WHOLE = re.compile(rf"{_LOCAL}@{_DOMAIN}")
# An address within a text, never part of a longer word.
ADDRESS = rf"(?<![\w.+=-]){_LOCAL}@{_DOMAIN}(?![A-Za-z0-9_@-]|\.\w)"
_ANY = re.compile(rf"({ADDRESS})")
_INNER = re.compile(r"<([^<>]{3,320})>")
# RFC 6533, section 3: a letter outside ASCII as its number.
_CODE_POINT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
# RFC 3461, section 4: octets as + and two capital digits.
_XTEXT = re.compile(r"\+([0-9A-F]{2})")


def clean(text: str) -> str:
    """One address without its wrapping, or empty if there is none."""
    text = text[:1_000].strip().strip("'`")
    inner = _INNER.search(text) if "<" in text else None
    text = (inner[1] if inner else text).strip().strip("<>").rstrip(".,;:")
    if text.lower().startswith(("mailto:", "smtp:")):
        text = text.partition(":")[2]
    # A full address can't be longer (RFC 5321, 4.5.3.1.3).
    if len(text) > LONGEST_ADDRESS or not _WHOLE.fullmatch(text):
        return ""
    local = text.rpartition("@")[0]
    return text if local.strip(".") else ""


def typed(value: str) -> str:
    """The address of a field such as "rfc822; someone@example.com"; empty when none.

    RFC 3464, 2.1.2, and RFC 6533 for the type utf-8.
    """
    kind, semicolon, address = value.partition(";")
    if not semicolon:
        kind, address = "rfc822", value
    if kind.strip().lower() not in {"rfc822", "utf-8", "smtp", "local", "unknown"}:
        return ""
    address = _CODE_POINT.sub(_letter, address[:1_000].strip())
    if "@" not in address:
        address = from_xtext(address)
    return clean(address)


def from_xtext(text: str) -> str:
    """Decode RFC 3461, section 4."""
    return _XTEXT.sub(lambda octet: chr(int(octet[1], 16)), text)


def found_in(text: str) -> list[str]:
    """All addresses in a text, in their order."""
    if "@" not in text:
        return []
    return [found for match in _ANY.finditer(text) if (found := _unquoted(match[1]))]


def _unquoted(found: str) -> str:
    """`clean`, quicker where only an address without wrapping was found."""
    if found[0] in "'`\"" or len(found) > LONGEST_ADDRESS or found[0] == ".":
        return clean(found)
    return found


def of_header(*values: str) -> list[str]:
    """The addresses in headers such as To."""
    return list(dict.fromkeys(a for value in values for a in found_in(value[:4_000])))


def _letter(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""
