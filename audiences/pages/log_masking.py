"""Tokens stay out of the logs: whoever reads a log must not act for a recipient."""

import logging
import re
from typing import Any

_TOKEN = re.compile(r"(/(?:u|p/[^/\s\"']+)/(?:confirm/)?)[^/\s\"'?]{16,}")


def masked(text: str) -> str:
    """The text without the tokens of personal links."""
    return _TOKEN.sub(r"\1…", text)


class MaskTokens(logging.Filter):
    """Takes the tokens out of a record's message and arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _masked(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_masked(value) for value in record.args)
        return True


def _masked(value: Any) -> Any:
    return masked(value) if isinstance(value, str) else value
