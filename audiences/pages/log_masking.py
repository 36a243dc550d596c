"""Tokens stay out of the logs: nobody who reads a log may act for a recipient."""

import logging
import re
import traceback
from typing import Any

# The first part below /p/ is the name of a page; whatever is long behind it may be a
# token, also in an address that is none of ours.
_PUBLIC = re.compile(r"(/u|/p/+[^/\s\"'?]+)(/[^\s\"'?]+)")
_TOKEN = re.compile(r"[^/]{16,}")
# And what an act did, for the page that tells it.
_OUTCOME = re.compile(r"([?&]done=)[^&\s\"']+")


def masked(text: str) -> str:
    """The text without the tokens of personal links."""
    text = _OUTCOME.sub(r"\1…", text)
    return _PUBLIC.sub(lambda found: found[1] + _TOKEN.sub("…", found[2]), text)


class MaskTokens(logging.Filter):
    """Takes the tokens out of a record's message and arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _masked(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_masked(value) for value in record.args)
        return True


class WithoutValues(logging.Formatter):
    """Where an error happened and of what kind it is, without its words.

    Those may hold an address: a database quotes the row that it refuses.
    """

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name of the library)
        kind, _error, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__name__ if kind else ""])


def _masked(value: Any) -> Any:
    return masked(value) if isinstance(value, str) else value
