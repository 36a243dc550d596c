"""Which place of the documentation a page of the console has beside it.

Each app names the places of its own pages. A place holds for all views whose name
begins so; the longest name counts.
"""

from django.http import HttpRequest

from audiences.registry import Registry

from . import documents

ELSEWHERE = "admin"
_places: Registry[str, str] = Registry("place in the documentation for")


def add(**places: str) -> None:
    """Views by the beginning of their names, with `document#anchor`."""
    for beginning, place in places.items():
        _places.add(beginning, place)


def known() -> dict[str, str]:
    return dict(_places)


def url_for(request: HttpRequest) -> str:
    """The place beside the page that is asked for."""
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    fitting = [beginning for beginning in _places if name.startswith(beginning)]
    place = _places[max(fitting, key=len)] if fitting else ELSEWHERE
    document, _hash, anchor = place.partition("#")
    return documents.url(document, anchor)
