"""The gateway whose call is described by settings: SMS_HTTP_…"""

import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlsplit
from xml.sax.saxutils import escape

from django.conf import settings

from audiences.outbox.gateways import NotTaken
from audiences.wording.placeholders import fill_by, places
from delivery.transports.handing_over import Kind, NotThere, Uncertain
from delivery.transports.http_calls import Answer, Caller

from .answers import DEFAULTS, Rule, meaning_of, read_rules

PLACES = ("number", "digits", "text")
METHODS = ("GET", "POST", "PUT")
Escape = Callable[[str], str]


class HttpGateway:
    """One call for each SMS.

    Places in address, headers and body: `{{ number }}` (E.164), `{{ digits }}` (the
    same without +) and `{{ text }}`. Each is written as what is around it needs: JSON,
    a form, XML by the header Content-Type, percent-encoded in the address.
    """

    def __init__(self) -> None:
        self._caller = Caller()

    @staticmethod
    def problems() -> list[str]:
        """What is wrong with the settings."""
        return _problems()

    def send(self, number: str, text: str) -> str:
        """The provider's number of the message; raises NotTaken and Uncertain."""
        if problems := _problems():
            raise NotTaken(" ".join(problems), passing=True)
        values = {"number": number, "digits": number.lstrip("+"), "text": text}
        headers = _headers()
        body = _filled(settings.SMS_HTTP_BODY, values, _escape_of(headers))
        try:
            answer = self._caller.call(
                settings.SMS_HTTP_METHOD,
                _filled(settings.SMS_HTTP_URL, values, lambda v: quote(v, safe="")),
                data=body,
                headers={
                    name: _filled(line, values, _one_line)
                    for name, line in headers.items()
                },
            )
        except NotThere as error:
            raise NotTaken(str(error), passing=True) from error
        return _understood(answer)

    def close(self) -> None:
        self._caller.close()


def _understood(answer: Answer) -> str:
    kind = meaning_of(_rules(), answer.status, answer.text)
    if kind is None:
        raise Uncertain(f"No rule is about the answer {answer.status}")
    if kind != Kind.TAKEN:
        text = " ".join(answer.text.split())
        raise NotTaken(
            text or str(answer.status),
            passing=kind == Kind.LATER,
            code=str(answer.status),
        )
    if not settings.SMS_HTTP_ID:
        return ""
    found = re.search(settings.SMS_HTTP_ID, answer.text)
    return found[1] if found else ""


def _rules() -> list[Rule]:
    return read_rules(
        {
            kind: getattr(settings, f"SMS_HTTP_{kind.name}") or DEFAULTS[kind]
            for kind in Kind
        }
    )


def _headers() -> dict[str, str]:
    """The headers of SMS_HTTP_HEADERS, one a line or separated by |."""
    lines = re.split(r"[|\n]", settings.SMS_HTTP_HEADERS)
    pairs = (line.partition(":") for line in lines if line.strip())
    return {name.strip(): value.strip() for name, _colon, value in pairs}


def _filled(text: str, values: dict[str, str], escaped: Escape) -> str:
    def value(place: str) -> str | None:
        return escaped(values[place]) if place in values else None

    return fill_by(text, value)


def _escape_of(headers: dict[str, str]) -> Escape:
    """How a value is written in a body of this type."""
    kinds = [value.lower() for name, value in headers.items() if _is_type(name)]
    kind = kinds[0] if kinds else ""
    if "json" in kind:
        return lambda value: json.dumps(value)[1:-1]
    if "xml" in kind:
        return lambda value: escape(value, {'"': "&quot;", "'": "&apos;"})
    if "form" in kind or not kind:
        return quote_plus
    return lambda value: value


def _is_type(name: str) -> bool:
    return name.lower() == "content-type"


def _one_line(value: str) -> str:
    return " ".join(value.split()).encode("ascii", "replace").decode()


def _problems() -> list[str]:
    found: list[str] = []
    if urlsplit(settings.SMS_HTTP_URL).scheme not in ("http", "https"):
        found.append("SMS_HTTP_URL is not a web address.")
    if settings.SMS_HTTP_METHOD not in METHODS:
        found.append(f"SMS_HTTP_METHOD is none of {', '.join(METHODS)}.")
    texts = (settings.SMS_HTTP_URL, settings.SMS_HTTP_BODY, settings.SMS_HTTP_HEADERS)
    named = [name for text in texts for name in places(text)]
    found += [
        f"{{{{ {name} }}}} is no place; there are: {', '.join(PLACES)}."
        for name in dict.fromkeys(named)
        if name not in PLACES
    ]
    if "text" not in named or not {"number", "digits"} & set(named):
        found.append("SMS_HTTP_URL and SMS_HTTP_BODY lack {{ number }} or {{ text }}.")
    if any(
        ":" not in line
        for line in re.split(r"[|\n]", settings.SMS_HTTP_HEADERS)
        if line.strip()
    ):
        found.append("SMS_HTTP_HEADERS has a line without a colon.")
    try:
        _rules()
    except ValueError as error:
        found.append(f"SMS_HTTP_TAKEN, _REFUSED or _LATER: {error}.")
    return found + _problems_of_pattern(settings.SMS_HTTP_ID)


def _problems_of_pattern(pattern: str) -> list[str]:
    try:
        groups = re.compile(pattern).groups if pattern else 1
    except re.error as error:
        return [f"SMS_HTTP_ID is not a pattern: {error}."]
    return [] if groups else ["SMS_HTTP_ID has no group that is the number."]
