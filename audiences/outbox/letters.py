"""How our own mails look: the sender's name, what it is about, a button, both forms."""

import re
from email.utils import formataddr, parseaddr
from html import escape

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from audiences.models import Organisation
from audiences.organisation import organisation
from audiences.outbox.composing import Words
from audiences.wording.colours import readable_on
from audiences.wording.markdown import to_html, to_text

# A paragraph that is nothing but an address: what the mail wants somebody to open.
_ADDRESS_ALONE = re.compile(r'<p><a href="([^"]+)"[^>]*>https?://[^<\s]+</a></p>')
# What mail programs show beside the subject.
LONGEST_PREHEADER = 140


def letter(said: Words, to: str) -> EmailMultiAlternatives:
    """The mail with these words, from the organisation, for one address."""
    own = organisation()
    message = EmailMultiAlternatives(
        said.subject,
        as_text(said, own),
        sender(own),
        [to],
        # RFC 3834, section 5: answering machines keep silent.
        headers={"Auto-Submitted": "auto-generated"} | said.headers,
    )
    message.attach_alternative(as_html(said, own), "text/html")
    return message


def sender(own: Organisation) -> str:
    """Who the mail is from: the setting's own name, else that of the organisation."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    said = name or " ".join(own.name.split())
    return formataddr((said, address)) if said else settings.DEFAULT_FROM_EMAIL


def as_text(said: Words, own: Organisation) -> str:
    """The plain form, with who sends below it."""
    lines = lines_of(own)
    below = "\n-- \n" + "\n".join(lines) + "\n" if lines else ""
    return to_text(said.text) + below


def as_html(said: Words, own: Organisation) -> str:
    """The HTML form: an address that stands alone is a button."""
    return render_to_string(
        "mails/mail.html",
        {
            "language": said.language,
            "subject": said.subject,
            "preheader": preheader(said.text),
            "html": with_buttons(to_html(said.text), said.button),
            "own": own,
            "lines": lines_of(own),
            "link": readable_on(own.brand_colour, "#ffffff"),
            "link_in_dark": readable_on(own.brand_colour, "#1f252c"),
        },
    )


def lines_of(own: Organisation) -> list[str]:
    """Who sends, as stands below each mail."""
    lines = [own.name, *own.postal_address.splitlines(), own.contact]
    return [line.strip() for line in lines if line.strip()]


def preheader(text: str) -> str:
    """The first sentence that says something, without the greeting and any address."""
    parts = [" ".join(part.split()) for part in to_text(text).split("\n\n")]
    told = [part for part in parts if len(part) > 20 and "://" not in part]
    return told[0][:LONGEST_PREHEADER] if told else ""


def with_buttons(html: str, label: str) -> str:
    """Addresses that stand alone as buttons with this label; numbered where several.

    The address itself stays below, for whoever wants to see it or to copy it.
    """
    if not label:
        return html
    count, number = len(_ADDRESS_ALONE.findall(html)), 0

    def button(found: re.Match[str]) -> str:
        nonlocal number
        number += 1
        said = escape(f"{label} ({number})" if count > 1 else label)
        return (
            f'<p class="button"><a href="{found[1]}">{said}</a></p>'
            f'<p class="address"><a href="{found[1]}">{found[1]}</a></p>'
        )

    return _ADDRESS_ALONE.sub(button, html)
