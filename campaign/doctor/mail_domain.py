"""Whether mail leaves, and what the DNS says of its domain: SPF, DKIM, DMARC.

Without them mailbox providers refuse mail, or put it aside.
"""

from collections.abc import Iterator
from email.utils import parseaddr
from smtplib import SMTPException

import dns.exception
import dns.resolver
from django.conf import settings
from django.core.mail import get_connection

from delivery.models import Sender

from .findings import Finding, examination, fine, note, serious, warning

# Seconds for each question.
PATIENCE = 3.0
_PAGE = "docs/transports.md says what mail servers want."


@examination("mail server", night="mails-wait", asks_network=True)
def server() -> Iterator[Finding]:
    """Whether EMAIL_URL leads to a server that lets us in; no mail is sent."""
    name = settings.EMAIL_BACKEND.rpartition(".")[0]
    if not name.endswith("smtp"):
        yield note("mail server", f"{name} is not asked: its own way to be reached")
        return
    try:
        with get_connection(timeout=5):
            pass
    except (OSError, SMTPException) as error:
        yield serious(
            "mail server",
            f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} does not let us in "
            f"({type(error).__name__})",
            "See that it runs, and that EMAIL_URL has its name, port, user and "
            "password.",
        )
    else:
        yield fine("mail server", f"{settings.EMAIL_HOST} lets us in")


class CannotAsk(Exception):
    """No name server answers: nothing is known."""


def texts(name: str) -> list[str]:
    """The TXT records of a name; raises CannotAsk."""
    resolver = dns.resolver.Resolver()
    resolver.lifetime = PATIENCE
    try:
        answer = resolver.resolve(name, "TXT")
    except dns.resolver.NXDOMAIN as error:
        if name.startswith("_") or "._domainkey." in name:
            return []
        # A name server of a closed network knows no name of others.
        raise CannotAsk("the name server knows no such domain") from error
    except dns.resolver.NoAnswer:
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise CannotAsk(type(error).__name__) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def domains() -> list[str]:
    """The domains that mails are from."""
    given = [settings.DEFAULT_FROM_EMAIL]
    given += Sender.objects.values_list("address", flat=True)
    found = {parseaddr(text)[1].rpartition("@")[2].lower() for text in given}
    return sorted(found - {"", "localhost"})


@examination("mail domain", night="mails-are-not-believed", asks_network=True)
def records() -> Iterator[Finding]:
    for domain in domains():
        try:
            yield from _of(domain)
        except CannotAsk as error:
            yield note(
                f"DNS of {domain}",
                f"it could not be asked from here ({error}): nothing is known of SPF, "
                "DKIM and DMARC",
                f"dig TXT {domain}; dig TXT _dmarc.{domain}",
            )


def _of(domain: str) -> Iterator[Finding]:
    spf = [text for text in texts(domain) if text.lower().startswith("v=spf1")]
    if len(spf) != 1:
        how = "has no SPF record" if not spf else f"has {len(spf)} SPF records"
        yield serious(
            f"DNS of {domain}", how, f"Exactly one TXT record v=spf1 …. {_PAGE}"
        )
    else:
        yield fine(f"DNS of {domain}", "SPF")
    policy = [text for text in texts(f"_dmarc.{domain}") if text.startswith("v=DMARC1")]
    if not policy:
        yield serious(
            f"DNS of {domain}",
            "has no DMARC record; large providers refuse bulk mail without one",
            f"A TXT record at _dmarc.{domain}, such as v=DMARC1; p=none; rua=mailto:…",
        )
    else:
        yield fine(f"DNS of {domain}", "DMARC")
    yield from _dkim(domain)


def _dkim(domain: str) -> Iterator[Finding]:
    if not settings.DKIM_SELECTOR:
        yield note(
            f"DNS of {domain}",
            "DKIM was not looked for",
            "Set DKIM_SELECTOR to the selector with which your mail server signs.",
        )
        return
    name = f"{settings.DKIM_SELECTOR}._domainkey.{domain}"
    keys = [text for text in texts(name) if "p=" in text]
    if keys:
        yield fine(f"DNS of {domain}", "DKIM")
    else:
        yield warning(
            f"DNS of {domain}", f"{name} has no key", "Publish the key that signs."
        )
