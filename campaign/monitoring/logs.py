"""Log lines as JSON, one a line, in which no address, number or token stands.

Names in a log tell who did something to whoever reads logs; so a line says what
happened, where, and in which request, and not whom it was about.
"""

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from audiences.pages import log_masking

# The id of the request that is being answered, for each line that is logged meanwhile.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_HIDDEN = "…"
_EMAIL = re.compile(
    r"[^\s<>\"'(),;:=/?&|]{1,64}(?:@|%40)[^\s<>\"'(),;:/?&|]{1,255}", re.I
)
# As numbers of telephones are written: with + or 00, or a 0 and eight digits more.
_NUMBER = re.compile(
    r"(?<![\w.:-])(?:\+|%2B|00?)[1-9](?:[ ()./-]?\d){7,14}(?!\w)", re.I
)
# Long texts of letters and digits sign people in, or act for them.
_SECRET = re.compile(r"[\w=-]{20,}(?::[\w=-]+)*")


def without_people(text: str) -> str:
    """The text without addresses, numbers and tokens."""
    text = log_masking.masked(text)
    for pattern in (_EMAIL, _NUMBER):
        text = pattern.sub(_HIDDEN, text)
    return _SECRET.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    """A name of ours has no digits, or no letters: it stays."""
    text = found[0]
    has_both = any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    return _HIDDEN if has_both else text


class JsonLines(JsonFormatter):
    """time, level, logger, message, request_id, and what the line adds as facts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )

    def formatTime(self, record: Any, datefmt: Any = None) -> str:  # noqa: N802
        """As in RFC 3339, in UTC, with thousandths: lines of processes are sorted."""
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds")

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        # Celery adds arguments, Django the request: both tell of people.
        for name in ("data", "request", "args", "kwargs", "status_code"):
            log_data.pop(name, None)
        if _is_failed_task(record):
            log_data["message"] = f"The task {_task_of(record)} failed."
        if found := request_id.get():
            log_data["request_id"] = found

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {
            name: without_people(value)
            if isinstance(value, str) and name not in ("request_id", "time")
            else value
            for name, value in log_data.items()
        }

    def formatException(self, ei: Any) -> Any:  # noqa: N802 (the name of the library)
        """Where and of what kind, never its words: a database quotes a refused row."""
        return log_masking.WithoutValues().formatException(ei)


def _is_failed_task(record: logging.LogRecord) -> bool:
    return record.name == "celery.app.trace" and bool(record.exc_info)


def _task_of(record: logging.LogRecord) -> str:
    facts = getattr(record, "data", None)
    return str(facts.get("name", "")) if isinstance(facts, dict) else ""
