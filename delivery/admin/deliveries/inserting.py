"""What a delivery may say of its readers: fields and links in a text, the columns of a
file; and in which other languages."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy

from audiences import fields
from audiences.channels import Channel
from audiences.wording import names
from delivery.content import COLUMNS, LINKS, VIEW_LINK, own_columns
from delivery.models import Delivery

FIELDS: dict[str, str | Promise] = {
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "language": gettext_lazy("Language"),
    "country": gettext_lazy("Country"),
    "external_id": gettext_lazy("External id"),
}
WORDS: dict[str, str | Promise] = {
    "unsubscribe_link": gettext_lazy("Unsubscribe"),
    "preferences_link": gettext_lazy("Preferences"),
    VIEW_LINK: gettext_lazy("View in browser"),
}


@dataclass(frozen=True)
class Insert:
    """A button: what it says, and what it puts into Markdown, HTML and plain text."""

    label: str
    markdown: str
    html: str
    plain: str


def inserts(delivery: Delivery) -> list[Insert]:
    """The buttons for a delivery; where there is no mail, none to view."""
    fallback = {"first_name": _("reader")}
    found = []
    for name, label in FIELDS.items():
        said = fallback.get(name, "")
        place = f"{{{{ {name}|{said} }}}}" if said else f"{{{{ {name} }}}}"
        found.append(Insert(str(label), place, place, place))
    for own in fields.all_fields():
        place = f"{{{{ {own.slug} }}}}"
        found.append(Insert(own.label, place, place, place))
    is_mail = delivery.channel == Channel.EMAIL
    for name in LINKS if is_mail else LINKS[:-1]:
        words, place = str(WORDS[name]), f"{{{{ {name} }}}}"
        markdown = f"[{words}]({place})" if is_mail else place
        html = f'<a href="{place}">{words}</a>' if is_mail else place
        found.append(
            Insert(_("Link: {words}").format(words=words), markdown, html, place)
        )
    return found


COLUMN_LABELS = {
    "profile": gettext_lazy("Number of the profile"),
    "external_id": gettext_lazy("External id"),
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "language": gettext_lazy("Language"),
    "country": gettext_lazy("Country"),
    "address": gettext_lazy("Address"),
}


def columns() -> list[tuple[str, Any]]:
    """Those of every file, and own fields."""
    own = [(slug, field.label) for slug, field in own_columns().items()]
    return [*((name, COLUMN_LABELS[name]) for name in COLUMNS), *own]


def other_languages(delivery: Delivery, present: str) -> list[tuple[str, str]]:
    """The languages that it may be written in as well, with their names."""
    codes = {present, *delivery.variants.values_list("language", flat=True)}
    return [(code, name) for code, name in names.languages() if code not in codes]


def tabs(delivery: Delivery, present: str) -> list[tuple[str, str, bool]]:
    """Each language with its address, and whether it is shown."""
    codes = ["", *delivery.variants.values_list("language", flat=True)]
    if present not in codes:
        codes.append(present)
    url = reverse("admin:delivery_delivery_content", args=[delivery.pk])
    return [
        (
            code or (_("Everybody else") if len(codes) > 1 else _("Everybody")),
            f"{url}?language={code}" if code else url,
            code == present,
        )
        for code in codes
    ]
