"""What our own mails say: one composer for each kind, called by the worker."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from audiences.models import OutboxMail
from audiences.organisation import organisation
from audiences.registry import Registry
from audiences.wording import page_texts

Kind = OutboxMail.Kind
Result = OutboxMail.Result


@dataclass(frozen=True)
class Words:
    """A message before it is addressed.

    `text` is Markdown, the source of both forms of a mail; an SMS is the bare `text`,
    without a subject. `button` is what an address that stands alone in a paragraph says
    in the HTML form. `to` is the address as it is stored, where the row of the message
    has only what a visitor typed.
    """

    subject: str
    text: str
    language: str
    headers: dict[str, str] = field(default_factory=dict)
    to: str = ""
    button: str = ""


Composer = Callable[[OutboxMail], Words | Result]


composers: Registry[str, Composer] = Registry("kind of mail")


def composes(kind: Kind) -> Callable[[Composer], Composer]:
    """Register the function that writes mails of a kind, or says why not."""
    return lambda composer: composers.add(kind, composer)


def words(language: str, path: str, *, to: str = "", **values: object) -> Words:
    """The words of a mail, such as "mails.link", from the texts of a language."""
    code, site = closest_language(language), site_name()
    return Words(
        page_texts.text(code, f"{path}.subject", site=site, **values),
        page_texts.text(code, f"{path}.text", site=site, **values).strip() + "\n",
        code,
        to=to,
        button=button_of(code, path),
    )


def button_of(language: str, path: str) -> str:
    """What the button of a mail says; empty where it has none."""
    try:
        return page_texts.text(language, f"{path}.button")
    except page_texts.MissingText:
        return ""


def closest_language(language: str) -> str:
    """The language of our texts that is closest to a person's, or the site's."""
    codes = [code for code, _name in page_texts.languages()]
    wanted = (language, settings.LANGUAGE_CODE, codes[0])
    return next(filter(None, (page_texts.closest(each, codes) for each in wanted)))


def site_name() -> str:
    """Who sends, by the name that people know; empty before anybody wrote it.

    Never the name of a host: that is an address.
    """
    return " ".join(organisation().name.split())
