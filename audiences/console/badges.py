"""A status as a word in a tone, for lists and pages."""

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audiences.models import AddressStatus

TONES = {
    AddressStatus.VALID: "good",
    AddressStatus.ERRONEOUS: "warn",
    AddressStatus.QUARANTINE: "bad",
    AddressStatus.DENYLISTED: "bad",
}


def badge(text: str | Promise, tone: str = "") -> SafeString:
    """The text in a badge; tones are good, warn, bad and info, or none."""
    return format_html('<span class="badge {}">{}</span>', tone, text)


def status_badge(status: str) -> SafeString:
    """The status of an address in quarantine (Q2)."""
    known = AddressStatus(status)
    return badge(known.label, TONES[known])
