"""What we say ourselves of a call: kept in English, said in any language.

Programs read it in English; the console says it in the language of its reader.
"""

from django.utils.translation import gettext, gettext_noop as _

LATE = _("It did not answer in time.")
NOBODY_IN_TIME = _("It cannot be reached: no answer in time.")
NOBODY = _("It cannot be reached.")
BAD_CERTIFICATE = _("Its certificate is not valid for its name.")
BROKE_OFF = _("The connection broke off.")
NO_SUCH_NAME = _("The name cannot be resolved.")
NOTHING_LEFT = _("What it was about is gone.")
BY_HAND = _("Disabled by hand.")
IS_GONE = _("It answered 410: nothing more is wanted there.")
# What was said last follows it.
NOT_TAKEN = _("It did not take a change for three days")
_OURS = {
    *(LATE, NOBODY_IN_TIME, NOBODY, BAD_CERTIFICATE, BROKE_OFF, NO_SUCH_NAME),
    *(NOTHING_LEFT, BY_HAND, IS_GONE, NOT_TAKEN),
}


def translated(text: str) -> str:
    """A reason or an answer for a reader: ours translated, others' as they are."""
    if text in _OURS:
        return gettext(text)
    first, _colon, rest = text.partition(": ")
    return f"{gettext(first)}: {translated(rest)}" if first in _OURS else text
