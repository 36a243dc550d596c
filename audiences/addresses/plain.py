"""What is plain enough to be read without the libraries that know every case.

The functions say something only where the libraries would say the same; for all else
the library is asked. A property test holds them to it.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

from email_validator import SPECIAL_USE_DOMAIN_NAMES
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# RFC 1035 2.3.1; the last label begins and ends with a letter.
_DOMAIN = re.compile(
    rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z])?", re.IGNORECASE | re.ASCII
)
_LONGEST_DOMAIN = 253
_SPECIAL = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES if name != "test")


def plain_domain(domain: str) -> str:
    """The domain in lower case, if its labels are plain and its use is not special."""
    if len(domain) > _LONGEST_DOMAIN or "--" in domain or not _DOMAIN.fullmatch(domain):
        return ""
    domain = domain.lower()
    return "" if f".{domain}".endswith(_SPECIAL) else domain


# Single spaces and hyphens between digits, and nothing else but a + before them.
_NUMBER = re.compile(r"\+?[0-9](?:[ -]?[0-9]){5,18}")
_UNSPACED = str.maketrans("", "", " -+")
_LONGEST_CODE = 3


def plain_number(text: str, region: str) -> str:
    """The E.164 form of +CC… or of 0… in a region whose national prefix is 0.

    The number is one of those that the numbering plan has.
    """
    if not _NUMBER.fullmatch(text):
        return ""
    digits = text.translate(_UNSPACED)
    if text[0] == "+":
        for length in range(1, _LONGEST_CODE + 1):
            code, rest = digits[:length], digits[length:]
            if code in _regions():
                is_known = rest[:1] != "0" and _numbers_of(_regions()[code])(rest)
                return f"+{digits}" if is_known else ""
        return ""
    code = _code_of(region)
    national = digits[1:]
    if not code or digits[0] != "0" or national[:1] == "0":
        return ""
    return f"+{code}{national}" if _numbers_of(region)(national) else ""


# No digit at all; or an @ after the first one, with more behind it. Texts in which an
# extension, a second number or a parameter may begin are not judged.
_NO_NUMBER = re.compile(
    r"[^0-9+;/\\]*|[^0-9+@;/\\]*[0-9+][^@;/\\]*@[^;/\\]*[0-9A-Za-z][^;/\\]*"
)


def is_no_number(text: str) -> bool:
    """Whether it is plain that a text is no number, as of an email address."""
    return text.isascii() and _NO_NUMBER.fullmatch(text) is not None


@functools.cache
def _regions() -> dict[str, str]:
    """The country codes that one region alone has, where a number is what it seems."""
    return {
        str(code): regions[0]
        for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
        if len(regions) == 1 and _is_simple(regions[0])
    }


def _is_simple(region: str) -> bool:
    plan = PhoneMetadata.metadata_for_region(region)
    return (
        plan is not None
        and plan.national_prefix_for_parsing in (None, "0")
        and not plan.national_prefix_transform_rule
        and not plan.leading_digits
    )


@functools.cache
def _code_of(region: str) -> str:
    """The country code of a region where 0 before a number is its national prefix."""
    plan = PhoneMetadata.metadata_for_region(region) if region else None
    if plan is None or plan.national_prefix_for_parsing != "0":
        return ""
    code = str(plan.country_code)
    return code if _regions().get(code) == region else ""


@functools.cache
def _numbers_of(region: str) -> Callable[[str], object]:
    """Tells whether a national number is in the numbering plan of the region."""
    plan: Any = PhoneMetadata.metadata_for_region(region)
    kinds = (
        *(plan.premium_rate, plan.toll_free, plan.shared_cost, plan.voip),
        *(plan.personal_number, plan.pager, plan.uan, plan.voicemail),
        *(plan.fixed_line, plan.mobile),
    )
    general = _pattern(plan.general_desc)
    each = "|".join(filter(None, map(_pattern, kinds)))
    return re.compile(f"(?=(?:{general})\\Z)(?:{each})").fullmatch


def _pattern(kind: Any) -> str:
    """The numbers of one kind, with their lengths."""
    if kind is None or not kind.national_number_pattern:
        return ""
    lengths = "|".join(f"[0-9]{{{n}}}\\Z" for n in kind.possible_length if n > 0)
    ahead = f"(?={lengths})" if lengths else ""
    return f"(?:{ahead}(?:{kind.national_number_pattern}))"
