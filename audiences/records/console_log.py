"""The sentences of the console's log: kept once, said in the language of each reader.

A text without values is kept as it is in English. One with values is kept as JSON,
since Django's own structure knows nothing but fields and rows.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext

from audiences.masking import masked_text
from audiences.refusals import Sentence

SAID, CONSENT = "said", "consent"
# How a row about somebody's consent begins; an earlier one is read too.
ABOUT_CONSENT = (f'[{{"{CONSENT}": ', '[{"added": {"name": "change of consent"')


def to_keep(said: Sentence | str, about: str = SAID) -> str:
    """A sentence as the log keeps it, with the addresses in its values masked.

    The log is read by those too who may not see addresses. `about` says what has a
    history of its own, where the sentence stands as well.
    """
    if isinstance(said, str):
        return masked_text(said)
    return json.dumps([{about: _masked(said).as_json()}], ensure_ascii=False)


def kept(text: str, **values: object) -> str:
    """The same of an English text, marked with gettext_noop, and its values."""
    return to_keep(Sentence(text, values))


def in_words(row: LogEntry) -> str:
    """What a row says, in the present language; never empty."""
    text = row.change_message
    if not text.startswith("["):
        return (gettext(text) if text else "") or _by_flag(row)
    return _of_ours(text) or row.get_change_message() or _by_flag(row)


def _masked(said: Sentence) -> Sentence:
    values: dict[str, object] = {}
    for name, value in said.values.items():
        if isinstance(value, Sentence):
            values[name] = _masked(value)
        elif isinstance(value, int):
            values[name] = value
        else:
            values[name] = masked_text(str(value))
    return Sentence(said.text, values)


def _of_ours(text: str) -> str:
    """The sentence that `to_keep` has kept; empty for one of Django's."""
    try:
        (only,) = json.loads(text)
        if text.startswith(ABOUT_CONSENT[1]):
            return str(only["added"]["object"])
        ((about, data),) = only.items()
        return str(Sentence.of_json(data)) if _is_sentence(about, data) else ""
    except (ValueError, TypeError, LookupError, AttributeError):
        return ""  # an erasure blacks out words, wherever they stand


def _is_sentence(about: str, data: Any) -> bool:
    is_ours = about in (SAID, CONSENT) and isinstance(data, Mapping)
    return is_ours and {"text", "values"} <= data.keys()


def _by_flag(row: LogEntry) -> str:
    if row.is_addition():
        return gettext("Added.")
    return gettext("Deleted.") if row.is_deletion() else gettext("Saved.")
